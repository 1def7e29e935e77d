"""Whether two recordings are the same: their spikes, their traces, and what they are recordings of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lifsim.analysis.distribution import check_populations
from lifsim.analysis.matching import PopulationMatch, matched
from lifsim.analysis.windows import after_warmup, check_window
from lifsim.common.errors import DataError
from lifsim.common.overview import counted
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes, unchecked, within

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
    populations : population -> `PopulationMatch`, for those that both have, in the window that both have. Where it is not known when a
        recording ended (or began), it is that of the other one; of two such recordings, the longer one.
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

    A file of another tool that does not store when the recording ended may be cut short. Its last spike is not taken for the end: later
    spikes of the other recording have no partner.

    Parameters
    ----------
    first, second : results, or what `lifsim.open` takes: a path, `Spikes` or {population: `Spikes`}.
    t_start, t_stop : limits of the window of spikes and samples, ms; default: of spikes the part that both recordings have, all samples.
    discard : length of a warm-up, ms: times up to the start of each run + `discard` are left out. A recording of which it is not known
        when it began is taken to begin with the other one.
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
    results = [open_result(each) for each in (first, second)]
    limits = _limits(results, t_start, t_stop, discard)
    one, other = sides = [_Side(each, *window, populations) for each, window in zip(results, limits, strict=True)]
    check_populations(populations, [*one.known, *other.known])
    shared = [name for name in one.spikes if name in other.spikes]
    if not shared and not any(key in other.traces for key in one.traces):
        names = [", ".join(side.spikes) or "none" for side in sides]
        raise DataError("populations", f"{names[0]} and {names[1]}", "at least one name that both recordings have")
    facts = list(_facts(one, other, shared))
    matches = {}
    for name in shared:
        a, b = _held(one.spikes[name]), _held(other.spikes[name])
        start, stop = _common(a, b)
        x, y = a.window(start, stop), b.window(start, stop)
        matches[name] = matched(x, y, tolerance, _AROUND)
        facts += _other_windows(name, a, b, len(x) < len(a) or len(y) < len(b))
    traces: dict[tuple[str, str], TraceMatch] = {}
    for key in one.traces:
        if key in other.traces:
            found = _compare_traces(key, sides, _sampled(limits), trace_tolerance)
            if isinstance(found, TraceMatch):
                traces[key] = found
            else:
                facts.append(found)
    return ExactComparison(tuple(facts), matches, traces, tolerance, trace_tolerance)


class _Side:
    """One of two recordings: its spikes by population, and its traces."""

    def __init__(self, result: Result, start: float | None, stop: float | None, populations: Sequence[str] | None) -> None:
        self.result = result
        self.known = list(self.result.spikes)
        names = [name for name in self.known if populations is None or name in populations]
        self.spikes = {name: self.result.stream(name).window(start, stop) for name in names}
        self.derived = "note" in self.result.info  # another tool's file, which lacks some facts
        sampled = [name for name in self.result.traces if populations is None or name in populations]
        self.traces = [(name, key) for name in sampled for key in self.result.traces[name]]


def _limits(
    results: Sequence[Result], t_start: float | None, t_stop: float | None, discard: float
) -> list[tuple[float | None, float | None]]:
    """The limits of the window in each recording (DataError if it is empty, or outside of all that was recorded)."""
    starts = [result.t_start for result in results if not _derived(result, "t_start")] or [result.t_start for result in results]
    found, outside = [], []
    for result in results:
        begin = result.t_start if len(starts) == 2 else starts[0]
        limits = after_warmup(begin, t_start, discard), t_stop
        found.append(limits)
        try:
            check_window(result, *limits)
        except DataError as error:
            if not (_derived(result, "t_start") or _derived(result, "t_stop")):
                raise
            outside.append(error)
    if len(outside) == len(results):
        raise outside[0]
    return found


def _derived(result: Result, limit: str) -> bool:
    """Whether a limit of a whole recording, "t_start" or "t_stop", is not stored, but follows from its spikes."""
    return bool(result.spikes) and all(limit in result.stream(name).derived for name in result.spikes)


def _common(a: Spikes, b: Spikes) -> tuple[float, float]:
    """The window in which two recordings are compared: what both hold, as far as this is known, else what one of them holds."""
    starts = [s.t_start for s in (a, b) if "t_start" not in s.derived] or [min(a.t_start, b.t_start)]
    stops = [s.t_stop for s in (a, b) if "t_stop" not in s.derived] or [max(a.t_stop, b.t_stop)]
    return max(starts), min(stops)


def _other_windows(name: str, a: Spikes, b: Spikes, more: bool) -> Iterator[FactDifference]:
    """A difference of windows. It counts if both recordings say so, or if there are `more` spikes outside of what both have."""
    differ = {limit: abs(getattr(a, limit) - getattr(b, limit)) > ROUNDING for limit in ("t_start", "t_stop")}
    sure = any(differ[limit] and limit not in a.derived + b.derived for limit in differ)
    if any(differ.values()):
        yield FactDifference(f"{name}: window", _window(a), _window(b), sure or more)


def _held(spikes: SpikeStream) -> Spikes:
    """The spikes in memory."""
    pieces = list(spikes.pieces())
    at = np.concatenate([np.empty(0), *(piece.times for piece in pieces)])
    ids = np.concatenate([np.empty(0, np.int64), *(piece.ids for piece in pieces)])
    dt, name = spikes.dt, spikes.name
    return unchecked(at, ids, spikes.n_nodes, spikes.t_start, spikes.t_stop, spikes.recorded_ids, dt, name, spikes.derived)


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
        if x.dt != y.dt and not (math.isnan(x.dt) and math.isnan(y.dt)):
            known = not (math.isnan(x.dt) or math.isnan(y.dt))
            yield FactDifference(f"{name}: time step", _step(x.dt), _step(y.dt), known)
    for key in dict.fromkeys([*a.traces, *b.traces]):
        if (key in a.traces) != (key in b.traces) and stored:
            yield FactDifference(": ".join(key), _recorded(key in a.traces), _recorded(key in b.traces), True)


def _recorded(whether: bool) -> str:
    return "recorded" if whether else "not recorded"


def _window(spikes: Spikes) -> str:
    return f"({spikes.t_start:g}, {spikes.t_stop:g}] ms"


def _step(dt: float) -> str:
    return "unknown" if math.isnan(dt) else f"{dt:g} ms"


def _sampled(limits: Sequence[tuple[float | None, float | None]]) -> tuple[float, float]:
    """The window of the samples that are compared, start < t <= stop, ms: the limits that were asked for."""
    starts, stops = zip(*limits, strict=True)
    start = max((start for start in starts if start is not None), default=-math.inf)
    return start, min((stop for stop in stops if stop is not None), default=math.inf)


def _compare_traces(key: tuple[str, str], sides: list[_Side], window: tuple[float, float], tolerance: float) -> TraceMatch | FactDifference:
    name, variable = key
    first, second = (side.result.traces[name] for side in sides)
    times = [traces.times_of(variable) for traces in (first, second)]
    held = [within(each, *window, side.result.dt) for each, side in zip(times, sides, strict=True)]
    times = [each[part] for each, part in zip(times, held, strict=True)]
    ids = [traces.ids_of(variable) for traces in (first, second)]
    if len(times[0]) != len(times[1]) or (np.abs(times[0] - times[1]) > ROUNDING).any() or not np.array_equal(ids[0], ids[1]):
        return FactDifference(f"{name}: {variable}", _sampling(times[0], ids[0]), _sampling(times[1], ids[1]), True)
    x, y = first[variable][held[0]], second[variable][held[1]]
    with np.errstate(invalid="ignore"):
        apart = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
        differs = ~(apart <= tolerance).reshape(len(times[0]), -1).all(axis=1)
    time = float(times[0][np.argmax(differs)]) if differs.any() else math.nan
    return TraceMatch(float(apart.max(initial=0.0)), first.unit_of(variable), time)


def _sampling(times: np.ndarray, ids: np.ndarray) -> str:
    """The samples of a trace in words."""
    when = f" from {times[0]:g} to {times[-1]:g} ms" if len(times) else ""
    return f"{counted(len(times), 'sample')} of {counted(len(ids), 'neuron')}{when}"
