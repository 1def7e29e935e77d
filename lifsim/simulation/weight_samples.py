"""The recorded weights of plastic synapses: samples at intervals, and a row for each transmitted weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lifsim.building.weight_probes import is_logged
from lifsim.common.timegrid import next_due, steps, times
from lifsim.network.network import Network
from lifsim.network.population import View
from lifsim.network.projection import Projection
from lifsim.network.projection_choice import number_of
from lifsim.network.recordings import Recording
from lifsim.plan.spikes import NEVER
from lifsim.simulation.recording_times import due_steps, stop_of

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine, SliceRecords

Matrix = Callable[[Any, Any, str, Any], Any]  # as `BuiltNetwork.matrix`


class RecordedWeights(Protocol):
    """What a run records of weights, for one recording."""

    key: tuple[str, str]

    def begin(self) -> None:
        """Get ready for a call of `Simulation.run`."""

    def next(self, step: int) -> int:
        """The first step after `step` with which a slice must end, `NEVER` if there is none."""

    def rows(self, start: int, stop: int, records: SliceRecords) -> np.ndarray | None:
        """The rows of the trace in the steps start < step <= stop, None if there are none; `records` are those of the slice."""


def entry_of(r: Recording, weights: Any) -> dict[str, list[int]]:
    """The manifest entry of sampled weights: the target ("ids") and the source ("sources") of each column."""
    assert r.source is not None
    columns = np.repeat(np.arange(weights.shape[1]), np.diff(weights.indptr))
    return {"ids": r.view.ids[weights.indices].tolist(), "sources": r.source.ids[columns].tolist()}


class WeightSamples:
    """Samples the weights of the recording `r` between slices; `matrix` is that of the simulation.

    A sample has one column per synapse, ordered by source, then target.
    """

    def __init__(self, r: Recording, dt: float, matrix: Matrix) -> None:
        self.key = r.key
        self._recording, self._matrix = r, matrix
        self._start, self._stop, self._every = steps(r.start, dt), stop_of(r, dt), steps(r.interval, dt)

    def begin(self) -> None:
        """Do nothing: every sample is read from the engine."""

    def next(self, step: int) -> int:
        """The first step after `step` in which a sample is due."""
        due = next_due(self._start, self._every, step)
        return due if due <= self._stop else NEVER

    def rows(self, start: int, stop: int, records: SliceRecords) -> np.ndarray | None:
        """The current weights as a sample, shape (1, synapses), if one is due in step `stop`."""
        if self.next(stop - 1) != stop:
            return None
        return np.asarray(self._now().data)[None, :]

    def entry(self) -> dict[str, list[int]]:
        """See `entry_of`."""
        return entry_of(self._recording, self._now())

    def _now(self) -> Any:
        r = self._recording
        return self._matrix(r.source, r.view, "weight", r.projection)


class LoggedSamples:
    """Samples the weights of the recording `r` from the log of transmitted weights, so that slices need not end at the samples.

    Parameters
    ----------
    r, dt : the recording and the time step, ms. engine : of the run. first : the first global id of each population.
    projections : of the network.
    """

    def __init__(self, r: Recording, dt: float, engine: RunningEngine, first: Mapping[str, int], projections: list[Projection]) -> None:
        self.key = r.key
        self._recording, self._dt, self._engine = r, dt, engine
        assert r.source is not None
        self._source, self._target = r.source, r.view
        self._ranges = ranges_of(r, first)
        self._only = None if r.projection is None else number_of(projections, r.projection)
        source, target, _, _, number = engine.numbered_synapses(*self._ranges, self._only)
        self._order = arranged(self._source, self._target, source, target)
        number = number[self._order.data]
        self._by_number = np.argsort(number)
        self._numbers = number[self._by_number]
        self._now = np.zeros(0)

    def entry(self) -> dict[str, list[int]]:
        """See `entry_of`."""
        return entry_of(self._recording, self._order)

    def begin(self) -> None:
        """Read the current weights."""
        self._now = self._engine.numbered_synapses(*self._ranges, self._only)[2][self._order.data]

    def next(self, step: int) -> int:
        """`NEVER`: a slice may end at any step."""
        return NEVER

    def rows(self, start: int, stop: int, records: SliceRecords) -> np.ndarray | None:
        """The samples of the slice, shape (samples, synapses): the weights after all spikes sent until then."""
        due, (sent, column, weight) = due_steps(self._recording, self._dt, start, stop), self._changes(start, records)
        out, a = np.empty((len(due), len(self._now))), 0
        for row, z in zip(out, np.searchsorted(sent, due, "right").tolist(), strict=True):
            self._now[column[a:z]] = weight[a:z]  # of repeated columns, the last weight counts
            row[:], a = self._now, z
        self._now[column[a:]] = weight[a:]
        return out if len(out) else None

    def _changes(self, start: int, records: SliceRecords) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The weights transmitted by the spikes that were sent in the slice, whether they have arrived or not: step, column, weight."""
        both = [x for x in (records.arrived, records.pending) if x is not None]
        none = np.zeros(0, np.int64)
        sent, number, weight = (
            np.concatenate([empty, *(getattr(x, name) for x in both)])
            for name, empty in (("sent", none), ("synapse", none), ("weight", np.zeros(0)))
        )
        at = np.minimum(np.searchsorted(self._numbers, number), max(len(self._numbers) - 1, 0))
        known = self._numbers[at] == number if len(self._numbers) else np.zeros(len(number), bool)
        keep = np.flatnonzero(known & (sent > start))
        keep = keep[np.argsort(sent[keep], kind="stable")]
        return sent[keep], self._by_number[at[keep]], weight[keep]


class TransmittedWeights:
    """A row for each weight that a spike transmitted: time of the spike (ms), source, target, weight; in the order of arrival.

    Parameters
    ----------
    r, dt, engine, first, projections : as of `LoggedSamples`.
    """

    def __init__(self, r: Recording, dt: float, engine: RunningEngine, first: Mapping[str, int], projections: list[Projection]) -> None:
        assert r.source is not None
        self.key = r.key
        self._only: np.ndarray | None = None  # the numbers of the recorded synapses
        if r.projection:
            self._only = engine.numbered_synapses(*ranges_of(r, first), number_of(projections, r.projection))[4]
        self._dt, self._start, self._stop = dt, steps(r.start, dt), stop_of(r, dt)
        self._ends = [(first[v.name], mask) for v in (r.source, r.view) for mask in [np.isin(np.arange(v.population.n), v.ids)]]

    def begin(self) -> None:
        """Do nothing: rows come from the log of the engine."""

    def next(self, step: int) -> int:
        """`NEVER`: a slice may end at any step."""
        return NEVER

    def rows(self, start: int, stop: int, records: SliceRecords) -> np.ndarray | None:
        """The rows of the spikes that arrived in the slice, shape (rows, 4)."""
        found = records.arrived
        if found is None or not len(found.sent):
            return None
        keep = (found.sent > self._start) & (found.sent <= self._stop)
        if self._only is not None:
            keep &= np.isin(found.synapse, self._only)
        ends = []
        for ids, (first, mask) in zip((found.source, found.target), self._ends, strict=True):
            own = np.clip(ids - first, 0, len(mask) - 1)
            keep &= (own == ids - first) & mask[own]
            ends.append(own)
        columns = times(found.sent[keep], self._dt), *(own[keep] for own in ends), found.weight[keep]
        return np.stack(columns, axis=1) if keep.any() else None


def ranges_of(r: Recording, first: Mapping[str, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The ranges lo … hi - 1 of the global ids of the presynaptic and of the postsynaptic population."""
    assert r.source is not None
    source, target = ((first[v.name], first[v.name] + v.population.n) for v in (r.source, r.view))
    return source, target


def arranged(source: View, target: View, s: np.ndarray, t: np.ndarray) -> Any:
    """The synapses s[i] → t[i], sorted by source, that lie between two views: a csc_array (n_target, n_source) of their indices i."""
    from scipy.sparse import csc_array

    pointers = np.concatenate([[0], np.cumsum(np.bincount(s, minlength=source.population.n))])
    whole = csc_array((np.arange(len(s)), t, pointers), shape=(target.population.n, source.population.n))
    return whole if source.whole and target.whole else whole[:, source.ids][target.ids, :]


def recorded_weights(
    net: Network, engine: RunningEngine, first: Mapping[str, int], matrix: Matrix
) -> tuple[list[RecordedWeights], dict[tuple[str, str], dict[str, list[int]]]]:
    """What a run of `net` records of weights; and what this adds to the entries of the manifest, known only after building."""
    out: list[RecordedWeights] = []
    entries: dict[tuple[str, str], dict[str, list[int]]] = {}
    for r in net.recordings:
        if r.kind == "events":
            out.append(TransmittedWeights(r, net.dt, engine, first, net.projections))
        elif r.kind == "weights" and is_logged(net, r):
            logged = LoggedSamples(r, net.dt, engine, first, net.projections)
            out.append(logged)
            entries[r.key] = logged.entry()
        elif r.kind == "weights":
            sampled = WeightSamples(r, net.dt, matrix)
            out.append(sampled)
            entries[r.key] = sampled.entry()
    return out, entries
