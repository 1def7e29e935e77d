"""The engine: compiled code that runs a plan. This module is the one door to it.

In: a `Plan`, the number of threads, the precision. Out: an engine that advances by steps and hands out what was recorded (`SliceRecords`).
"""

import os
import sys
from typing import TYPE_CHECKING

from lifsim.common.errors import LifsimError
from lifsim.common.lazy import on_first_use

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

from lifsim.engine.compiler.cache import can_keep_code, folders, not_kept
from lifsim.engine.compiler.jit import compiling
from lifsim.engine.contract import RunningEngine
from lifsim.engine.engine import Engine
from lifsim.engine.idle import IdleEngine
from lifsim.engine.records import SliceRecords
from lifsim.engine.stimuli.generator_trains import RecordedTrains, poisson_counts
from lifsim.engine.synapses.expand import expand
from lifsim.plan.plan import Plan

if TYPE_CHECKING:
    from lifsim.engine.precise import ExactTrains, PreciseEngine

__all__ = [
    "Engine",
    "ExactTrains",
    "IdleEngine",
    "PreciseEngine",
    "RecordedTrains",
    "RunningEngine",
    "SliceRecords",
    "can_keep_code",
    "compiling",
    "engine_for",
    "expand",
    "folders",
    "not_kept",
    "poisson_counts",
]


def engine_for(method: str, plan: Plan, threads: int, precision: str, weights: str | None) -> RunningEngine:
    """`plan` (made for that method) in memory, ready to run with spike times on the grid or exact ones."""
    if not plan.groups:
        return IdleEngine(plan, weights)
    if method == "precise":
        from lifsim.engine.precise import PreciseEngine

        return PreciseEngine(plan, threads, weights)
    return Engine(plan, threads, precision, weights)


# Most runs are on the grid and do without.
__getattr__ = on_first_use(__name__, dict.fromkeys(("ExactTrains", "PreciseEngine"), "lifsim.engine.precise"))
