"""Shipped models run by a recipe, and the activity compared with reference data.

Input: a recipe (model, parameters, seeds, duration) and references: distributions that come with lifsim, or files of users. Output: the
results of the runs, and a comparison of groups (`lifsim.analysis.compare`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = [
    "RECIPES",
    "Forecast",
    "ReferenceData",
    "Validated",
    "ValidationRecipe",
    "forecast",
    "own_reference",
    "read_reference",
    "validate",
    "write_reference",
]

if TYPE_CHECKING:
    from lifsim.validation.recipes import RECIPES, ValidationRecipe
    from lifsim.validation.references import ReferenceData, read_reference, write_reference
    from lifsim.validation.validating import Forecast, Validated, forecast, own_reference, validate

_HOMES = {
    "recipes": ("RECIPES", "ValidationRecipe"),
    "references": ("ReferenceData", "read_reference", "write_reference"),
    "validating": ("Forecast", "Validated", "forecast", "own_reference", "validate"),
}

__getattr__ = on_first_use(__name__, {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names})

__dir__ = public_names(__name__)
