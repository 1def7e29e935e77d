"""The engine: compiled code that runs a plan. Other packages import the engine only through this module.

In: a `Plan`, the number of threads, the precision. Out: an engine that advances by steps and returns what it recorded (`SliceRecords`).
"""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from lifsim.common.errors import LifsimError
from lifsim.common.lazy import on_first_use

# This must be set before Numba is loaded. Intel's vector math library, if installed, rounds differently in the vectorised part of a loop
# and in its remainder, so results would depend on where a block begins.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
try:
    from numba import config
except Exception as error:  # an invalid environment variable, an unsupported version of NumPy
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


def engine_for(
    method: str, plan: Plan, threads: int, precision: str, weights: str | None, tell: Callable[[int], None] | None = None
) -> RunningEngine:
    """The engine that runs `plan` by `method`: "grid" (spike times on the grid) or "precise" (exact spike times); see `Engine`."""
    if not plan.groups:
        return IdleEngine(plan, weights)
    if method == "precise":
        from lifsim.engine.precise import PreciseEngine

        return PreciseEngine(plan, threads, weights, tell)
    return Engine(plan, threads, precision, weights, tell)


# Loaded on first use: most runs have spike times on the grid.
__getattr__ = on_first_use(__name__, dict.fromkeys(("ExactTrains", "PreciseEngine"), "lifsim.engine.precise"))
