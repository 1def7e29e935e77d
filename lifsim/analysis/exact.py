"""Whether two recordings are the same: their spikes, their traces, and what they are recordings of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.analysis.distribution import check_populations
from lifsim.analysis.matching import PopulationMatch, matched
from lifsim.analysis.windows import after_warmup, check_window
from lifsim.common.errors import DataError
from lifsim.common.overview import counted
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes

ROUNDING = 1e-9  # ms: spike times of the same step, such as 3 · 0.1 ms and "0.3", differ by less
_AROUND = 4


@dataclass(frozen=True)
class FactDifference:
    """Something other than spikes and samples in which two recordings differ.

    Parameters
    ----------
    what : what it is, such as "exc: neurons". first, second : what each recording says, in words.
    counts : whether it makes the recordings different. It does not where a file of another tool does not store it.
    """

    what: str
    first: str
    second: str
    counts: bool


@dataclass(frozen=True)
class TraceMatch:
    """A trace in two recordings.

    Parameters
    ----------
    largest : the largest difference of two samples, in the unit of the trace; nan if only one of them is nan.
    unit : that unit. time : time of the first sample that differs, ms; nan if all are the same.
    """

    largest: float
    unit: str
    time: float


@dataclass(frozen=True)
class ExactComparison:
    """Two recordings compared spike by spike.

    Parameters
    ----------
    facts : differences of populations, numbers of neurons, windows and time steps.
    populations : population -> `PopulationMatch`, for those that both have, in the window that both have.
    traces : (population, variable) -> `TraceMatch`, for those that both have with the same samples.
    tolerance : largest difference of the times of two spikes that are taken for the same, ms.
    trace_tolerance : largest difference of two samples that are taken for the same, in the unit of the trace.
    """

    facts: tuple[FactDifference, ...]
    populations: Mapping[str, PopulationMatch]
    traces: Mapping[tuple[str, str], TraceMatch]
    tolerance: float
    trace_tolerance: float

    @property
    def same(self) -> bool:
        """Whether no spike, no sample and no fact differs."""
        differ = any(fact.counts for fact in self.facts) or any(match.first for match in self.populations.values())
        return not differ and all(math.isnan(match.time) for match in self.traces.values())

    @property
    def first(self) -> str:
        """The population of the earliest spike that only one recording has; "" if there is none."""
        found = {name: match.first.time for name, match in self.populations.items() if match.first is not None}
        return min(found, key=lambda name: found[name], default="")


def compare_exactly(
    first: Openable,
    second: Openable,
    t_start: float | None = None,
    t_stop: float | None = None,
    *,
    discard: float = 0.0,
    populations: Sequence[str] | None = None,
    tolerance: float = ROUNDING,
    trace_tolerance: float = 0.0,
) -> ExactComparison:
    """Compare two recordings spike by spike, and sample by sample.

    A spike has a partner if the other recording has a spike of the same neuron at most `tolerance` away; each spike is the partner of
    one other. The order of simultaneous spikes does not matter. The spikes of one population at a time are held in memory.

    Parameters
    ----------
    first, second : results, or what `lifsim.open` takes: a path, `Spikes` or {population: `Spikes`}.
    t_start, t_stop : limits of the window of the spikes, ms; default: the part that both recordings have.
    discard : length of a warm-up, ms: times up to the start of each run + `discard` are left out.
    populations : names of the populations; default: all.
    tolerance : largest difference of the times of two spikes that are taken for the same, ms. The default allows for rounding alone,
        as of times that were stored as decimal numbers; 0 asks for the same bits.
    trace_tolerance : largest difference of two samples of a trace that are taken for the same, in the unit of the trace.

    Returns
    -------
    What differs. Populations, traces, neurons or time steps that only one recording has are in `facts`.

    Raises
    ------
    DataError : the window is empty or lies outside a run, `discard` or a tolerance is negative, the recordings share no population, or
        neither has one of `populations`.
    """
    for name, value in (("tolerance", tolerance), ("trace_tolerance", trace_tolerance)):
        if not 0 <= value < math.inf:
            raise DataError(name, f"{value:g}", "a number from 0 on")
    one, other = sides = [_Side(each, t_start, t_stop, discard, populations) for each in (first, second)]
    check_populations(populations, [*one.known, *other.known])
    shared = [name for name in one.spikes if name in other.spikes]
    if not shared:
        names = [", ".join(side.spikes) or "none" for side in sides]
        raise DataError("populations", f"{names[0]} and {names[1]}", "at least one name that both recordings have")
    facts = list(_facts(one, other, shared))
    matches = {}
    for name in shared:
        a, b = one.spikes[name], other.spikes[name]
        start, stop = max(a.t_start, b.t_start), min(a.t_stop, b.t_stop)
        matches[name] = matched(_held(a.window(start, stop)), _held(b.window(start, stop)), tolerance, _AROUND)
    traces: dict[tuple[str, str], TraceMatch] = {}
    for key in one.traces:
        if key in other.traces:
            found = _compare_traces(key, sides, trace_tolerance)
            if isinstance(found, TraceMatch):
                traces[key] = found
            else:
                facts.append(found)
    return ExactComparison(tuple(facts), matches, traces, tolerance, trace_tolerance)


class _Side:
    """One of two recordings: its spikes by population, and its traces."""

    def __init__(self, given: Any, t_start: float | None, t_stop: float | None, discard: float, populations: Sequence[str] | None) -> None:
        self.result = open_result(given)
        start = after_warmup(self.result.t_start, t_start, discard)
        check_window(self.result, start, t_stop)
        self.known = list(self.result.spikes)
        names = [name for name in self.known if populations is None or name in populations]
        self.spikes = {name: self.result.stream(name).window(start, t_stop) for name in names}
        self.derived = "note" in self.result.info  # another tool's file, which lacks some facts
        sampled = [name for name in self.result.traces if populations is None or name in populations]
        self.traces = [(name, key) for name in sampled for key in self.result.traces[name]]


def _held(spikes: SpikeStream) -> Spikes:
    """The spikes in memory."""
    pieces = list(spikes.pieces())
    at = np.concatenate([np.empty(0), *(piece.times for piece in pieces)])
    ids = np.concatenate([np.empty(0, np.int64), *(piece.ids for piece in pieces)])
    return Spikes(at, ids, spikes.n_nodes, spikes.t_start, spikes.t_stop, spikes.recorded_ids, spikes.dt, spikes.name)


def _facts(a: _Side, b: _Side, shared: list[str]) -> Iterator[FactDifference]:
    """The differences of two recordings beside their spikes and samples."""
    stored = not (a.derived or b.derived)
    for name in dict.fromkeys([*a.spikes, *b.spikes]):
        if name not in shared:
            yield FactDifference(f"{name}: spikes", _recorded(name in a.spikes), _recorded(name in b.spikes), True)
    for name in shared:
        x, y = a.spikes[name], b.spikes[name]
        if x.n_nodes != y.n_nodes:
            yield FactDifference(f"{name}: neurons", f"{x.n_nodes:,}", f"{y.n_nodes:,}", stored)
        elif not np.array_equal(np.sort(x.recorded_ids), np.sort(y.recorded_ids)):
            yield FactDifference(f"{name}: recorded neurons", f"{len(x.recorded_ids):,}", f"{len(y.recorded_ids):,}", stored)
        if abs(x.t_start - y.t_start) > ROUNDING or abs(x.t_stop - y.t_stop) > ROUNDING:
            yield FactDifference(f"{name}: window", _window(x), _window(y), stored)
        if x.dt != y.dt and not (math.isnan(x.dt) and math.isnan(y.dt)):
            known = not (math.isnan(x.dt) or math.isnan(y.dt))
            yield FactDifference(f"{name}: time step", _step(x.dt), _step(y.dt), known)
    for key in dict.fromkeys([*a.traces, *b.traces]):
        if (key in a.traces) != (key in b.traces) and stored:
            yield FactDifference(": ".join(key), _recorded(key in a.traces), _recorded(key in b.traces), True)


def _recorded(whether: bool) -> str:
    return "recorded" if whether else "not recorded"


def _window(spikes: SpikeStream) -> str:
    return f"({spikes.t_start:g}, {spikes.t_stop:g}] ms"


def _step(dt: float) -> str:
    return "unknown" if math.isnan(dt) else f"{dt:g} ms"


def _compare_traces(key: tuple[str, str], sides: list[_Side], tolerance: float) -> TraceMatch | FactDifference:
    name, variable = key
    first, second = (side.result.traces[name] for side in sides)
    times = [traces.times_of(variable) for traces in (first, second)]
    ids = [traces.ids_of(variable) for traces in (first, second)]
    if len(times[0]) != len(times[1]) or (np.abs(times[0] - times[1]) > ROUNDING).any() or not np.array_equal(ids[0], ids[1]):
        return FactDifference(f"{name}: {variable}", _sampling(times[0], ids[0]), _sampling(times[1], ids[1]), True)
    x, y = first[variable], second[variable]
    with np.errstate(invalid="ignore"):
        apart = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
        differs = ~(apart <= tolerance).reshape(len(times[0]), -1).all(axis=1)
    time = float(times[0][np.argmax(differs)]) if differs.any() else math.nan
    return TraceMatch(float(apart.max(initial=0.0)), first.unit_of(variable), time)


def _sampling(times: np.ndarray, ids: np.ndarray) -> str:
    """The samples of a trace in words."""
    when = f" from {times[0]:g} to {times[-1]:g} ms" if len(times) else ""
    return f"{counted(len(times), 'sample')} of {counted(len(ids), 'neuron')}{when}"
