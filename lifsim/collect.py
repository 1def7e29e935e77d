"""Sorts what the engine recorded in a slice by population: the chunks that sinks take."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np

from lifsim.build import drawn, numbering
from lifsim.grid import steps, times
from lifsim.network import Network, Recording
from lifsim.plan import NEVER, RECORDED, SHARED
from lifsim.recording import Chunk, Manifest
from lifsim.stimuli import Connections, steps_of, train_drives

AT_ONCE = 1 << 20  # counts of spikes that are made at a time
Columns: TypeAlias = tuple[np.ndarray, ...]  # of spikes: step, id and, where times are exact, offset before the end of the step


def manifest(net: Network, seed: int, settings: dict[str, Any], versions: dict[str, str], host: str, command: str) -> Manifest:
    """What a run of `net` is and will record."""
    return Manifest(
        dt=net.dt,
        populations={p.name: {"n": p.n, "model": p.model.name} for p in net.populations.values()},
        spikes={r.view.name: {"ids": _ids(r), "start": r.start, "stop": r.stop} for r in net.recordings if r.variable == "spikes"},
        traces=[
            {
                "population": r.view.name,
                "variable": r.variable,
                "unit": _unit(r),
                "interval": r.interval,
                "start": r.start,
                "stop": r.stop,
                "ids": [] if r.variable == "rate" or r.source else _ids(r),
            }
            for r in net.recordings
            if r.variable != "spikes"
        ],
        name=net.name,
        description=net.description,
        reference=net.reference,
        seed=seed,
        model_text=net.text,
        parameters=net.parameters,
        settings=settings,
        versions=versions,
        host=host,
        run=uuid.uuid4().hex,
        command=command,
        positions={p.name: net.positions(p, seed) for p in net.populations.values() if p.positions is not None},
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _unit(r: Recording) -> str:
    model = r.view.population.model
    return "Hz" if r.variable == "rate" else model.weight_unit if r.source else model.parameter(r.variable).unit


def _ids(r: Recording) -> Any:
    return "all" if r.view.whole else r.view.ids.tolist()


class Collector:
    """Turns what the engine recorded into chunks; keeps the unfinished bins of population rates."""

    def __init__(self, net: Network, seed: int) -> None:
        self.net = net
        self._first = numbering(net)
        self._spikes = [r for r in net.recordings if r.variable == "spikes"]
        self._rates = [_RateBins(r, net.dt) for r in net.recordings if r.variable == "rate"]
        self._probes = [r for r in net.recordings if r.variable not in ("spikes", "rate") and not r.source]
        wanted = {r.view.name for r in net.recordings if r.variable in ("spikes", "rate")}
        random = [p for p in net.populations.values() if p.model.role == "poisson" and p.name in wanted]
        self._random = {p.name: _trains_of(p, net, seed) for p in random}

    def chunk(self, start: int, n: int, recorded: Any, events: Any) -> Chunk:
        """The chunk of the steps start < step <= start + n; `events` are the given spikes of the plan."""
        trains = {name: self._train(name, start, n, recorded, events) for name in self._watched()}
        spikes = {r.view.name: _within(r, trains[r.view.name], self.net.dt) for r in self._spikes}
        traces = {(r.view.name, r.variable): x for r, x in zip(self._probes, recorded.samples, strict=True)}
        for rate in self._rates:
            step, ids, *_ = trains[rate.key[0]]
            traces[rate.key] = rate.add(step, ids, start + n)
        return Chunk(start, start + n, {name: (_after(start, step), *rest) for name, (step, *rest) in spikes.items()}, traces)

    def saved(self) -> dict[str, np.ndarray]:
        """What is kept between slices: unfinished bins of rates, random trains that have a state."""
        kept = {f"rates/{rate.key[0]}": rate.saved() for rate in self._rates}
        for name, trains in self._random.items():
            kept |= {f"recorded/{name}/{key}": x for key, x in trains.saved().items()}
        return kept

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """The opposite of `saved` (ValueError if it is of another network)."""
        for rate in self._rates:
            rate.restore(_found(state, f"rates/{rate.key[0]}"))
        for name, trains in self._random.items():
            trains.restore({key: _found(state, f"recorded/{name}/{key}") for key in trains.saved()})

    def _watched(self) -> set[str]:
        return {r.view.name for r in self._spikes} | {rate.key[0] for rate in self._rates}

    def _train(self, name: str, start: int, n: int, recorded: Any, events: Any) -> Columns:
        """Steps and ids (in the population) of all its spikes in the slice, and offsets if they are exact; by time, then id."""
        population = self.net.populations[name]
        if name in self._random:
            return self._random[name].train(start, n)
        if population.model.role != "spikes":
            return _in_order(recorded.spikes[name], self.net.dt)
        step, ids = events.window(start, start + n)
        offset, first = events.offsets(start, start + n), self._first[name]
        own = np.flatnonzero((ids >= first) & (ids < first + population.n))  # places are taken quicker than by a mask
        exact = () if offset is None else (offset[own],)
        return _in_order((step[own], ids[own].astype(np.int64) - first, *exact), self.net.dt)


def _after(start: int, step: np.ndarray) -> np.ndarray:
    """Steps counted from `start`: 4 bytes each."""
    return np.subtract(step, start, out=np.empty(len(step), np.uint32), casting="unsafe")


def _found(state: dict[str, np.ndarray], key: str) -> np.ndarray:
    if key not in state:
        raise ValueError(f"{key} is missing")
    return state[key]


def _in_order(train: Columns, dt: float) -> Columns:
    """Exact spikes by time (as it is written), then id; those on the grid are so by step."""
    if len(train) == 2:
        return train
    step, ids, offset = train
    order = np.lexsort((ids, times(step, dt) - offset))
    return step[order], ids[order], offset[order]


def _within(r: Recording, train: Columns, dt: float) -> Columns:
    """Those spikes of `train` that recording `r` asks for."""
    if r.view.whole and r.start == 0 and r.stop == math.inf:
        return train
    step, ids = train[:2]
    keep = (step > steps(r.start, dt)) & (step <= _stop(r, dt))
    if not r.view.whole:
        keep &= np.isin(ids, r.view.ids)
    return tuple(column[keep] for column in train)


def _stop(r: Recording, dt: float) -> int:
    return steps(r.stop, dt) if math.isfinite(r.stop) else NEVER


class _RateBins:
    """The population rate in bins of the recording's interval: spikes/s per neuron."""

    def __init__(self, r: Recording, dt: float) -> None:
        self.key = (r.view.name, r.variable)
        self._ids = r.view.ids
        self._start, self._stop = steps(r.start, dt), _stop(r, dt)
        self._every = steps(r.interval, dt)
        self._scale = 1000.0 / (len(r.view) * r.interval)
        self._whole = r.view.whole
        self._done = 0  # bins given out
        self._open = np.zeros(0)  # counts of the bins begun

    def saved(self) -> np.ndarray:
        """The number of bins given out, then the counts of those begun."""
        return np.append(float(self._done), self._open)

    def restore(self, state: np.ndarray) -> None:
        """The opposite of `saved`."""
        self._done, self._open = int(state[0]), state[1:].astype(np.float64)

    def add(self, step: np.ndarray, ids: np.ndarray, now: int) -> np.ndarray:
        """Count the spikes up to step `now`; the bins completed, shape (n, 1)."""
        keep = (step > self._start) & (step <= self._stop)
        if not self._whole:
            keep &= np.isin(ids, self._ids)
        bins = (step[keep] - self._start - 1) // self._every - self._done
        complete = max(0, (min(now, self._stop) - self._start) // self._every - self._done)
        counts = np.bincount(bins, minlength=complete + 1).astype(np.float64)
        counts[: len(self._open)] += self._open
        self._open = counts[complete:]
        self._done += complete
        return counts[:complete, None] * self._scale


def _trains_of(population: Any, net: Network, seed: int) -> Any:
    """The spikes of a generator of random trains as a recorder gets them."""
    if "grid" not in population.model.methods:
        return _ExactTrains(population, net, seed)
    changing = "individual_spike_trains" in population.model.settable
    return (_ChangingTrains if changing else _RandomTrains)(population, net, seed)


class _RandomTrains:
    """The spikes of a Poisson generator as a recorder gets them: a train of its own, like every target."""

    def __init__(self, population: Any, net: Network, seed: int) -> None:
        from lifsim.engine import poisson_counts

        self._counts = poisson_counts
        values, self._seed = drawn(population, seed), seed
        self._n, self._stream = population.n, list(net.populations).index(population.name)
        start, stop = (np.broadcast_to(values[key], population.n) for key in ("start", "stop"))
        self._start = np.round(start / net.dt) + 1  # as for any target, see `lifsim.stimuli`
        self._stop = np.where(np.isfinite(stop), np.round(np.where(np.isfinite(stop), stop, 0) / net.dt) + 1, np.inf)
        self._dt, self._values = net.dt, values

    def saved(self) -> dict[str, np.ndarray]:
        """Nothing: counts are functions of the step."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Nothing to restore."""

    def _mean(self, step: np.ndarray) -> np.ndarray:
        """Expected spikes of each node in each step, shape (steps, nodes)."""
        if "rate" in self._values:
            rate = np.broadcast_to(self._values["rate"], (len(step), self._n))
        else:
            at = np.searchsorted(np.round(self._values["rate_times"] / self._dt), step, side="right") - 1
            rate = np.where(at >= 0, np.append(self._values["rate_values"], 0.0)[at], 0.0)[:, None]
        on = (step[:, None] > self._start) & (step[:, None] <= self._stop)
        return np.where(on, rate * self._dt / 1000.0, 0.0)

    def train(self, start: int, n: int) -> Columns:
        step = np.arange(start + 1, start + n + 1)
        counts = self._counts(self._mean(step), step, self._stream, self._seed)
        row, node = np.nonzero(counts)
        repeats = counts[row, node]
        return np.repeat(step[row], repeats), np.repeat(node, repeats).astype(np.int64)


class _ChangingTrains:
    """The same of a sinusoidal Poisson or gamma generator; of one whose targets share a train, that train."""

    def __init__(self, population: Any, net: Network, seed: int) -> None:
        from lifsim.engine import RecordedTrains

        values, node = drawn(population, seed), np.arange(population.n)
        itself = Connections(node, node, np.ones(population.n), np.zeros(population.n, np.int64))
        kind = RECORDED if values["individual_spike_trains"] else SHARED
        drives = train_drives(values, itself, net.dt, kind, list(net.populations).index(population.name))
        self._trains = RecordedTrains(drives, population.n, seed)
        self._steps = max(1, AT_ONCE // population.n)

    def saved(self) -> dict[str, np.ndarray]:
        """Where gamma trains stand."""
        return self._trains.saved()

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """The opposite of `saved`."""
        self._trains.restore(state)

    def train(self, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        for first in range(start + 1, start + n + 1, self._steps):
            counts = self._trains.counts(first, min(self._steps, start + n + 1 - first))
            row, node = np.nonzero(counts)
            repeats = counts[row, node]
            found.append((np.repeat(first + row, repeats), np.repeat(node, repeats)))
        step, node = (np.concatenate(x) for x in zip(*found, strict=True))
        return step, node


class _ExactTrains:
    """The same of a Poisson generator with exact times."""

    def __init__(self, population: Any, net: Network, seed: int) -> None:
        from lifsim.engine import ExactTrains

        values, n = drawn(population, seed), population.n
        rate, dead_time = (np.broadcast_to(values[key], n) for key in ("rate", "dead_time"))
        start, stop = (np.broadcast_to(steps_of(np.asarray(values[key]), net.dt), n) for key in ("start", "stop"))
        self._dt = net.dt
        self._trains = ExactTrains(rate, dead_time, start, stop, list(net.populations).index(population.name), seed, net.dt)

    def saved(self) -> dict[str, np.ndarray]:
        """Where the trains stand."""
        return self._trains.saved()

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """The opposite of `saved`."""
        self._trains.restore(state)

    def train(self, start: int, n: int) -> Columns:
        return _in_order(self._trains.until(start + n), self._dt)


class WeightSamples:
    """The weights that recording `r` asks for, taken between slices; `matrix` gives those of (source, target) as of now.

    `entry` is what the manifest says of them: a column a synapse, by source, then target.
    """

    def __init__(self, r: Recording, dt: float, matrix: Callable[[Any, Any], Any]) -> None:
        self.key = (r.view.name, r.variable)
        self._recording, self._matrix = r, matrix
        self._start, self._stop, self._every = steps(r.start, dt), _stop(r, dt), steps(r.interval, dt)

    def entry(self) -> dict[str, list[int]]:
        """The target ("ids") and the source ("sources") of each column."""
        weights = self._matrix(self._recording.source, self._recording.view)
        columns = np.repeat(np.arange(weights.shape[1]), np.diff(weights.indptr))
        assert self._recording.source is not None
        return {"ids": self._recording.view.ids[weights.indices].tolist(), "sources": self._recording.source.ids[columns].tolist()}

    def next(self, step: int) -> int:
        """The first step after `step` in which a sample is due."""
        due = self._start + (max(0, step - self._start) // self._every + 1) * self._every
        return due if due <= self._stop else NEVER

    def now(self) -> np.ndarray:
        """A sample, shape (1, synapses)."""
        return np.asarray(self._matrix(self._recording.source, self._recording.view).data)[None, :]
