"""Sorts the records of the engine in a slice by population, into the chunks that sinks store."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.building.builder import numbering
from lifsim.building.drawn_values import drawn
from lifsim.common.timegrid import steps
from lifsim.network.network import Network
from lifsim.network.recording_names import united_spikes
from lifsim.network.recordings import Recording
from lifsim.results.recording import Chunk
from lifsim.simulation.generator_columns import Columns, in_order, trains_of
from lifsim.simulation.generator_signals import GeneratorSignal
from lifsim.simulation.recording_times import stop_of


class Recorder:
    """Turns the records of the engine into chunks; keeps the incomplete bins of population rates."""

    def __init__(self, net: Network, seed: int) -> None:
        self.net = net
        self._first = numbering(net)
        self._spikes = united_spikes(net.recordings)
        self._rates = [_RateBins(r, net.dt) for r in net.recordings if r.variable == "rate"]
        self._probes = [r for r in net.recordings if r.kind == "probe"]
        self._signals = [GeneratorSignal(r, drawn(r.view.population, seed), net.dt) for r in net.recordings if r.kind == "generator"]
        wanted = {r.view.name for r in net.recordings if r.variable in ("spikes", "rate")}
        random = [p for p in net.populations.values() if p.model.role == "poisson" and p.name in wanted]
        self._seed = seed
        self._random = {p.name: trains_of(p, drawn(p, seed), net, seed) for p in random}

    def chunk(self, start: int, n: int, recorded: Any, events: Any) -> Chunk:
        """The chunk of the steps start < step <= start + n; `events` are the spikes of spike generators in the plan."""
        trains = {name: self._train(name, start, n, recorded, events) for name in self._watched()}
        spikes = {r.view.name: _within(r, trains[r.view.name], self.net.dt) for r in self._spikes}
        traces = {r.key: x for r, x in zip(self._probes, recorded.samples, strict=True)}
        traces |= {signal.key: signal.samples(start, start + n) for signal in self._signals}
        for rate in self._rates:
            step, ids, *_ = trains[rate.key[0]]
            traces[rate.key] = rate.add(step, ids, start + n)
        return Chunk(start, start + n, {name: (_after(start, step), *rest) for name, (step, *rest) in spikes.items()}, traces)

    def change(self, name: str, values: dict[str, Any], step: int) -> None:
        """Record what the generators `name` send after `step` with these values of their parameters."""
        if name in self._random:
            trains = trains_of(self.net.populations[name], values, self.net, self._seed)
            trains.go_on_from(self._random[name], step)
            self._random[name] = trains
        for signal in self._signals:
            if signal.key[0] == name:
                signal.change(values)

    def saved(self) -> dict[str, np.ndarray]:
        """The state between slices: incomplete bins of rates, and the state of random trains."""
        kept = {rate.place: rate.saved() for rate in self._rates}
        for name, trains in self._random.items():
            kept |= {f"recorded/{name}/{key}": x for key, x in trains.saved().items()}
        return kept

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Restore the state from `saved` (ValueError if it is of another network)."""
        for rate in self._rates:
            rate.restore(_found(state, rate.place))
        for name, trains in self._random.items():
            trains.restore({key: _found(state, f"recorded/{name}/{key}") for key in trains.saved()})

    def _watched(self) -> set[str]:
        return {r.view.name for r in self._spikes} | {rate.key[0] for rate in self._rates}

    def _train(self, name: str, start: int, n: int, recorded: Any, events: Any) -> Columns:
        """All spikes of a population in the slice: steps, ids in the population and, for exact times, offsets; by time, then id."""
        population = self.net.populations[name]
        if name in self._random:
            return self._random[name].train(start, n)
        if population.model.role != "spikes":
            return in_order(recorded.spikes[name], self.net.dt)
        step, ids = events.window(start, start + n)
        offset, first = events.offsets(start, start + n), self._first[name]
        own = np.flatnonzero((ids >= first) & (ids < first + population.n))  # indices are faster than a mask
        exact = () if offset is None else (offset[own],)
        return in_order((step[own], ids[own].astype(np.int64) - first, *exact), self.net.dt)


def _after(start: int, step: np.ndarray) -> np.ndarray:
    """Steps relative to `start`, in 4 bytes each."""
    return np.subtract(step, start, out=np.empty(len(step), np.uint32), casting="unsafe")


def _found(state: dict[str, np.ndarray], key: str) -> np.ndarray:
    if key not in state:
        raise ValueError(f"{key} is missing")
    return state[key]


def _within(r: Recording, train: Columns, dt: float) -> Columns:
    """The spikes of `train` that belong to the recording `r`."""
    if r.view.whole and r.start == 0 and r.stop == math.inf:
        return train
    step, ids = train[:2]
    keep = (step > steps(r.start, dt)) & (step <= stop_of(r, dt))
    if not r.view.whole:
        keep &= np.isin(ids, r.view.ids)
    return tuple(column[keep] for column in train)


class _RateBins:
    """The population rate in bins of the recording interval, in spikes/s per neuron."""

    def __init__(self, r: Recording, dt: float) -> None:
        self.key = r.key
        population, name = r.key
        self.place = f"rates/{population}" + (f"/{name}" if name != r.variable else "")  # in checkpoints
        self._ids = r.view.ids
        self._start, self._stop = steps(r.start, dt), stop_of(r, dt)
        self._every = steps(r.interval, dt)
        self._scale = 1000.0 / (len(r.view) * r.interval)
        self._whole = r.view.whole
        self._done = 0  # number of completed bins
        self._open = np.zeros(0)  # spike counts of the incomplete bins

    def saved(self) -> np.ndarray:
        """The number of completed bins, followed by the counts of the incomplete ones."""
        return np.append(float(self._done), self._open)

    def restore(self, state: np.ndarray) -> None:
        """The opposite of `saved`."""
        self._done, self._open = int(state[0]), state[1:].astype(np.float64)

    def add(self, step: np.ndarray, ids: np.ndarray, now: int) -> np.ndarray:
        """Count the spikes up to step `now`; returns the rates of the bins completed by then, shape (n, 1)."""
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
