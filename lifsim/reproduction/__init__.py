"""Runs the model of a result or a figure again, and compares: are they the same bits?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Reproduced", "reproduce"]

if TYPE_CHECKING:
    from lifsim.reproduction.reproducing import Reproduced, reproduce

__getattr__ = on_first_use(__name__, dict.fromkeys(__all__, "lifsim.reproduction.reproducing"))

__dir__ = public_names(__name__)
