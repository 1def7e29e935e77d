"""Figures of papers, each by one call: the runs that they need, how they are drawn, and the published values beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names
from lifsim.gallery.entries import ENTRIES, Entry, Panel

__all__ = ["ENTRIES", "Compared", "Entry", "Made", "Panel", "make"]

if TYPE_CHECKING:
    from lifsim.gallery.making import Compared, Made, make

__getattr__ = on_first_use(__name__, dict.fromkeys(("Compared", "Made", "make"), "lifsim.gallery.making"))

__dir__ = public_names(__name__)
