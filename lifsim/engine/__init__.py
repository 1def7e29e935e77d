"""The engine: how a plan is run. This module is the one door to it."""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lifsim.errors import LifsimError

# Before anything of Numba is loaded. A vector math library, where one is installed, would give other last bits in the vectorised
# part of a loop than in its remainder, and so results that depend on where a block begins.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
try:
    from numba import config
except Exception as error:  # a setting in the environment that it refuses, a NumPy that it was not made for
    raise LifsimError("numba", f"cannot be loaded: {error}", "the engine is compiled by it") from error
if getattr(config, "DISABLE_JIT", 0):
    raise LifsimError("NUMBA_DISABLE_JIT", "turns the compiler off, without which there is no engine", "unset this environment variable")

from lifsim.engine.cache import can_keep_code, folders, not_kept
from lifsim.engine.engine import Engine, Recorded
from lifsim.engine.idle import IdleEngine
from lifsim.engine.jit import compiling
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
    "can_keep_code",
    "compiling",
    "engine_for",
    "expand",
    "folders",
    "not_kept",
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
