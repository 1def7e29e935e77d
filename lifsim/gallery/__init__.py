"""Figures of papers, each by one call: the runs that they need, how they are drawn, and the published values beside them."""

from __future__ import annotations

from lifsim.common.lazy import public_names
from lifsim.gallery.entries import ENTRIES, Entry, Panel
from lifsim.gallery.making import Made, make

__all__ = ["ENTRIES", "Entry", "Made", "Panel", "make"]

__dir__ = public_names(__name__)
