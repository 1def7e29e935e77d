"""Runs: a network is checked, built, driven through the engine in slices, and recorded.

In: a `Network` and the options of the run. Out: a `Result`, or a file of results; checkpoints from which `resume` goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

__all__ = ["Simulation", "Stopped", "resume", "run"]

if TYPE_CHECKING:
    from lifsim.simulation.runs import resume, run
    from lifsim.simulation.signals import Stopped
    from lifsim.simulation.simulation import Simulation

__getattr__ = on_first_use(
    __name__,
    {
        "Simulation": "lifsim.simulation.simulation",
        "Stopped": "lifsim.simulation.signals",
        "resume": "lifsim.simulation.runs",
        "run": "lifsim.simulation.runs",
    },
)
