"""From a network to its plan: numbers the nodes, draws the random parameters, resolves connection rules, reads spikes and waveforms.

In: a `Network`, a seed and a method. Out: a `Plan`, the same for the same seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

__all__ = ["build_plan", "check", "numbering"]

if TYPE_CHECKING:
    from lifsim.building.builder import build_plan, check, numbering

__getattr__ = on_first_use(
    __name__,
    {
        "build_plan": "lifsim.building.builder",
        "check": "lifsim.building.builder",
        "numbering": "lifsim.building.builder",
    },
)
