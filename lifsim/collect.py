"""Sorts what the engine recorded in a slice by population: the chunks that sinks take."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from lifsim.build import drawn, numbering
from lifsim.grid import steps
from lifsim.network import Network, Recording
from lifsim.recording import Chunk, Manifest
from lifsim.stimuli import NEVER


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
        command=command,
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
        self._random = {
            p.name: _RandomTrains(p, net, seed) for p in net.populations.values() if p.model.role == "poisson" and p.name in wanted
        }

    def chunk(self, start: int, n: int, recorded: Any, events: Any) -> Chunk:
        """The chunk of the steps start < step <= start + n; `events` are the given spikes of the plan."""
        trains = {name: self._train(name, start, n, recorded, events) for name in self._watched()}
        spikes = {r.view.name: _within(r, *trains[r.view.name], self.net.dt) for r in self._spikes}
        traces = {(r.view.name, r.variable): x for r, x in zip(self._probes, recorded.samples, strict=True)}
        for rate in self._rates:
            traces[rate.key] = rate.add(*trains[rate.key[0]], start + n)
        return Chunk(start, start + n, spikes, traces)

    def _watched(self) -> set[str]:
        return {r.view.name for r in self._spikes} | {rate.key[0] for rate in self._rates}

    def _train(self, name: str, start: int, n: int, recorded: Any, events: Any) -> tuple[np.ndarray, np.ndarray]:
        """Steps and ids (in the population) of all its spikes in the slice, by step, then id."""
        population = self.net.populations[name]
        if name in self._random:
            return self._random[name].train(start, n)
        step, ids = recorded.step, recorded.id
        if population.model.role == "spikes":
            inside = slice(*np.searchsorted(events.step, [start, start + n], side="right"))
            step, ids = events.step[inside], events.id[inside]
        local = ids.astype(np.int64) - self._first[name]
        own = (local >= 0) & (local < population.n)
        return step[own], local[own]


def _within(r: Recording, step: np.ndarray, ids: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Those spikes that recording `r` asks for."""
    keep = (step > steps(r.start, dt)) & (step <= _stop(r, dt))
    if not r.view.whole:
        keep &= np.isin(ids, r.view.ids)
    return step[keep], ids[keep]


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

    def _mean(self, step: np.ndarray) -> np.ndarray:
        """Expected spikes of each node in each step, shape (steps, nodes)."""
        if "rate" in self._values:
            rate = np.broadcast_to(self._values["rate"], (len(step), self._n))
        else:
            at = np.searchsorted(np.round(self._values["rate_times"] / self._dt), step, side="right") - 1
            rate = np.where(at >= 0, np.append(self._values["rate_values"], 0.0)[at], 0.0)[:, None]
        on = (step[:, None] > self._start) & (step[:, None] <= self._stop)
        return np.where(on, rate * self._dt / 1000.0, 0.0)

    def train(self, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        step = np.arange(start + 1, start + n + 1)
        counts = self._counts(self._mean(step), step, self._stream, self._seed)
        row, node = np.nonzero(counts)
        repeats = counts[row, node]
        return np.repeat(step[row], repeats), np.repeat(node, repeats).astype(np.int64)


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
