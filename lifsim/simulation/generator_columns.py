"""Spike trains of random generators, as a recorder receives them."""

from __future__ import annotations

from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from lifsim.building.by_node import steps_of
from lifsim.building.drives import SCHEDULE, Connections, train_drives
from lifsim.common.timegrid import times
from lifsim.network.network import Network
from lifsim.plan.stimuli import RECORDED, SHARED

AT_ONCE = 1 << 20  # number of spike counts drawn at a time
Columns: TypeAlias = tuple[np.ndarray, ...]  # of spikes: step, id and, for exact times, offset before the end of the step


def in_order(train: Columns, dt: float) -> Columns:
    """Sort exact spikes by the times that are written to the file, then by id; spikes on the time grid are already sorted."""
    if len(train) == 2:
        return train
    step, ids, offset = train
    order = np.lexsort((ids, times(step, dt) - offset))
    return step[order], ids[order], offset[order]


def trains_of(population: Any, values: dict[str, Any], net: Network, seed: int) -> Any:
    """The recorded spike trains of a generator of random spikes, whose parameters have these `values`."""
    if "grid" not in population.model.methods:
        return _ExactTrains(population, values, net, seed)
    changing = "individual_spike_trains" in population.model.settable
    return (_ChangingTrains if changing else _RandomTrains)(population, values, net, seed)


class _RandomTrains:
    """The recorded spikes of a Poisson generator: an independent train, as each target receives one."""

    def __init__(self, population: Any, values: dict[str, Any], net: Network, seed: int) -> None:
        from lifsim.engine import poisson_counts

        self._counts = poisson_counts
        self._seed = seed
        self._n, self._stream = population.n, list(net.populations).index(population.name)
        start, stop = (np.broadcast_to(values[key], population.n) for key in ("start", "stop"))
        self._start = np.round(start / net.dt) + 1  # as for any target, see `lifsim.building.drives`
        self._stop = np.where(np.isfinite(stop), np.round(np.where(np.isfinite(stop), stop, 0) / net.dt) + 1, np.inf)
        self._dt, self._values = net.dt, values

    def saved(self) -> dict[str, np.ndarray]:
        """Empty: the counts are functions of the step."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Do nothing: there is no state."""

    def go_on_from(self, old: _RandomTrains, step: int) -> None:
        """Do nothing: there is no state."""

    def _mean(self, step: np.ndarray) -> np.ndarray:
        """Expected spikes of each node in each step, shape (steps, nodes)."""
        if "rate" in self._values:
            rate = np.broadcast_to(self._values["rate"], (len(step), self._n))
        else:
            times, rates = self._values.get(SCHEDULE) or (self._values["rate_times"], self._values["rate_values"])
            at = np.searchsorted(np.round(times / self._dt), step, side="right") - 1
            rate = np.where(at >= 0, np.append(rates, 0.0)[at], 0.0)[:, None]
        on = (step[:, None] > self._start) & (step[:, None] <= self._stop)
        return np.where(on, rate * self._dt / 1000.0, 0.0)

    def train(self, start: int, n: int) -> Columns:
        step = np.arange(start + 1, start + n + 1)
        counts = self._counts(self._mean(step), step, self._stream, self._seed)
        row, node = np.nonzero(counts)
        repeats = counts[row, node]
        return np.repeat(step[row], repeats), np.repeat(node, repeats).astype(np.int64)


class _ChangingTrains:
    """The recorded spikes of a sinusoidal Poisson or gamma generator; if its targets share one train, that train."""

    def __init__(self, population: Any, values: dict[str, Any], net: Network, seed: int) -> None:
        from lifsim.engine import RecordedTrains

        node = np.arange(population.n)
        itself = Connections(node, node, np.ones(population.n), np.zeros(population.n, np.int64))
        kind = RECORDED if values["individual_spike_trains"] else SHARED
        drives = train_drives(values, itself, net.dt, kind, repeat(list(net.populations).index(population.name)))
        self._trains = RecordedTrains(drives, population.n, seed)
        self._steps = max(1, AT_ONCE // population.n)

    def saved(self) -> dict[str, np.ndarray]:
        """The state of gamma processes."""
        return self._trains.saved()

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """The opposite of `saved`."""
        self._trains.restore(state)

    def go_on_from(self, old: _ChangingTrains, step: int) -> None:
        """Take over the state of gamma processes from `old`."""
        self._trains.go_on_from(old._trains)

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
    """The recorded spikes of a Poisson generator with exact spike times."""

    def __init__(self, population: Any, values: dict[str, Any], net: Network, seed: int) -> None:
        from lifsim.engine import ExactTrains

        n = population.n
        rate, dead_time = (np.broadcast_to(values[key], n) for key in ("rate", "dead_time"))
        start, stop = (np.broadcast_to(steps_of(np.asarray(values[key]), net.dt), n) for key in ("start", "stop"))
        self._dt = net.dt
        self._trains = ExactTrains(rate, dead_time, start, stop, list(net.populations).index(population.name), seed, net.dt)

    def saved(self) -> dict[str, np.ndarray]:
        """The state of the trains."""
        return self._trains.saved()

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """The opposite of `saved`."""
        self._trains.restore(state)

    def go_on_from(self, old: _ExactTrains, step: int) -> None:
        """Go on after `step`, until which the trains were `old`."""
        self._trains.go_on_from(old._trains, step)

    def train(self, start: int, n: int) -> Columns:
        return in_order(self._trains.until(start + n), self._dt)
