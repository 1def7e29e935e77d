"""The engine: how a plan is run. This module is the one door to it."""

from typing import Any

from lifsim.engine.engine import Engine, Recorded
from lifsim.engine.jit import cache_folder, can_keep_code, compiling
from lifsim.engine.precise import ExactTrains, PreciseEngine
from lifsim.engine.recorded import RecordedTrains, poisson_counts
from lifsim.engine.wiring import expand

__all__ = [
    "Engine",
    "ExactTrains",
    "PreciseEngine",
    "Recorded",
    "RecordedTrains",
    "cache_folder",
    "can_keep_code",
    "compiling",
    "engine_for",
    "expand",
    "poisson_counts",
]


def engine_for(method: str, plan: Any, threads: int, precision: str, weights: str | None) -> Engine:
    """`plan` (made for that method) in memory, ready to run with spike times on the grid or exact ones."""
    return PreciseEngine(plan, threads, weights) if method == "precise" else Engine(plan, threads, precision, weights)
