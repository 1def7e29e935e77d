"""The engine: how a plan is run. This module is the one door to it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lifsim.engine.engine import Engine, Recorded
from lifsim.engine.idle import IdleEngine
from lifsim.engine.jit import cache_folder, can_keep_code, compiling
from lifsim.engine.recorded import RecordedTrains, poisson_counts
from lifsim.engine.wiring import expand

if TYPE_CHECKING:
    from lifsim.engine.precise import ExactTrains, PreciseEngine

__all__ = [
    "Engine",
    "ExactTrains",
    "IdleEngine",
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


def engine_for(method: str, plan: Any, threads: int, precision: str, weights: str | None) -> Engine | IdleEngine:
    """`plan` (made for that method) in memory, ready to run with spike times on the grid or exact ones."""
    if not plan.groups:
        return IdleEngine(plan, weights)
    if method == "precise":
        from lifsim.engine.precise import PreciseEngine

        return PreciseEngine(plan, threads, weights)
    return Engine(plan, threads, precision, weights)


def __getattr__(name: str) -> Any:
    if name in ("ExactTrains", "PreciseEngine"):  # loaded by those who ask: most runs are on the grid
        return getattr(import_module("lifsim.engine.precise"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
