"""The engine: compiled code that runs a plan. Other packages import the engine only through this module.

In: a `Plan`, the number of threads, the precision. Out: an engine that advances by steps and returns what it recorded (`SliceRecords`).

Terms in the docstrings of this package:

- step k: the time from (k - 1)·dt to k·dt. turn k: the work at the end of step k and at the beginning of step k + 1.
- slice: the steps of one call of `advance`.
- place: the position of a neuron in the arrays of the state (`parallel.placement`).
- block: a range of places that is updated by one thread. piece: the neurons of one population in a block, or a part of them.
- row: the synapses of one source in a block. segment: the synapses of a row that have the same delay.
- pending spike: a spike that has not yet arrived at all of its synapses. cursor: the position of a pending spike in a row.
- ring: the spikes of the last steps.
- word: 32 random bits, or a 16-bit unit of memory in the rows of static synapses.
- part: a kernel that is compiled separately and called by address (`compiler.parts`).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use
from lifsim.engine.compiler.cache import can_keep_code, folders, not_kept
from lifsim.engine.compiler.listening import compiling
from lifsim.engine.compiler.settings import check
from lifsim.engine.contract import RunningEngine
from lifsim.engine.engine import Engine
from lifsim.engine.idle import IdleEngine
from lifsim.engine.records import SliceRecords
from lifsim.engine.stimuli.generator_trains import RecordedTrains, poisson_counts
from lifsim.engine.synapses.expand import expand
from lifsim.plan.plan import Plan

if TYPE_CHECKING:
    from lifsim.engine.precise import ExactTrains, PreciseEngine

check()

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
