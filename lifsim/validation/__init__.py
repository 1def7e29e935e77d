"""Shipped models run by a recipe, and the activity compared with reference data.

Input: a recipe (model, parameters, seeds, duration) and references: distributions that come with lifsim, or files of users. Output: the
results of the runs, and a comparison of groups (`lifsim.analysis.compare`).
"""

from __future__ import annotations

from lifsim.common.lazy import public_names
from lifsim.validation.recipes import RECIPES, ValidationRecipe
from lifsim.validation.references import ReferenceData, read_reference, write_reference
from lifsim.validation.validating import Forecast, Validated, forecast, validate

__all__ = [
    "RECIPES",
    "Forecast",
    "ReferenceData",
    "Validated",
    "ValidationRecipe",
    "forecast",
    "read_reference",
    "validate",
    "write_reference",
]

__dir__ = public_names(__name__)
