"""Runs: a network is checked, built, simulated in slices of steps, and recorded.

Input: a `Network` and the options of the run. Output: a `Result`, or a results file; checkpoints, from which `resume` continues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Simulation", "Stopped", "resume", "run"]

if TYPE_CHECKING:
    from lifsim.simulation.resuming import resume
    from lifsim.simulation.runs import run
    from lifsim.simulation.signals import Stopped
    from lifsim.simulation.simulation import Simulation

__getattr__ = on_first_use(
    __name__,
    {
        "Simulation": "lifsim.simulation.simulation",
        "Stopped": "lifsim.simulation.signals",
        "resume": "lifsim.simulation.resuming",
        "run": "lifsim.simulation.runs",
    },
)

__dir__ = public_names(__name__)
