"""Descriptions of networks for papers: tables after Nordlie, Gewaltig and Plesser (2009), equations, a drawing, references.

Input: a `Network`. Output: Markdown, LaTeX or HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Description", "describe"]

if TYPE_CHECKING:
    from lifsim.description.describing import Description, describe

__getattr__ = on_first_use(__name__, dict.fromkeys(__all__, "lifsim.description.describing"))

__dir__ = public_names(__name__)
