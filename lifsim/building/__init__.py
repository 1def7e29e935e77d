"""Builds the plan of a network: numbers the nodes, draws random parameters, resolves connection rules, reads spike and waveform files.

In: a `Network`, a seed and a method ("grid" or "precise"). Out: a `Plan`; the same seed gives the same plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["build_plan", "check", "groups_of", "numbering"]

if TYPE_CHECKING:
    from lifsim.building.builder import build_plan, check, groups_of, numbering

__getattr__ = on_first_use(
    __name__,
    {
        "build_plan": "lifsim.building.builder",
        "check": "lifsim.building.builder",
        "groups_of": "lifsim.building.builder",
        "numbering": "lifsim.building.builder",
    },
)

__dir__ = public_names(__name__)
