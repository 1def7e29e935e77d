"""The spikes of one population."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PIECE = 1 << 18  # spikes that are looked at together: with more, their intermediate arrays leave the cache of the processor


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of one population.

    Parameters
    ----------
    times : spike times in ms, float64 (n_spikes,), ascending.
    ids : the neuron of each spike, as 0-based index in the population, int64 (n_spikes,).
    n_nodes : size of the population.
    t_start, t_stop : the recorded window in ms, t_start < t <= t_stop.
    recorded_ids : the recorded neurons, silent ones included, int64 (n_recorded,).
    dt : time step in ms; nan if not known.
    name : name of the population.
    """

    times: np.ndarray
    ids: np.ndarray
    n_nodes: int
    t_start: float
    t_stop: float
    recorded_ids: np.ndarray
    dt: float = math.nan
    name: str = ""

    def __len__(self) -> int:
        return len(self.times)

    def window(self, t_start: float | None = None, t_stop: float | None = None) -> Spikes:
        """The spikes in a window.

        Parameters
        ----------
        t_start, t_stop : limits of the window t_start < t <= t_stop, ms, cut to the recorded window (default: all of it).
        """
        if t_start is None and t_stop is None:
            return self
        start = self.t_start if t_start is None else max(t_start, self.t_start)
        stop = self.t_stop if t_stop is None else min(t_stop, self.t_stop)
        stop = max(start, stop)
        slack = 1e-6 * self.dt if self.dt > 0 else 0.0  # a limit such as 0.1 + 0.2 still denotes the step at 0.3
        a, b = np.searchsorted(self.times, [start + slack, stop + slack], side="right")
        return unchecked(self.times[a:b], self.ids[a:b], self.n_nodes, start, stop, self.recorded_ids, self.dt, self.name)

    def with_spikes(self, times: np.ndarray, ids: np.ndarray) -> Spikes:
        """Other spikes of the same neurons in the same window, which are not checked.

        Parameters
        ----------
        times : spike times in ms, float64 (n_spikes,), ascending. ids : the neuron of each spike, int64 (n_spikes,).
        """
        return unchecked(times, ids, self.n_nodes, self.t_start, self.t_stop, self.recorded_ids, self.dt, self.name)

    def pieces(self) -> Iterator[Spikes]:
        """The spikes in order of time, in pieces of at most `PIECE` spikes; the limits of each are those of all."""
        for a in range(0, len(self), PIECE):
            yield self if len(self) <= PIECE else self.with_spikes(self.times[a : a + PIECE], self.ids[a : a + PIECE])

    def __repr__(self) -> str:
        return f"<Spikes of {self.name}: {len(self):,} of {len(self.recorded_ids):,} neurons in ({self.t_start:g}, {self.t_stop:g}] ms>"


def unchecked(
    times: np.ndarray, ids: np.ndarray, n_nodes: int, t_start: float, t_stop: float, recorded_ids: np.ndarray, dt: float, name: str
) -> Spikes:
    """`Spikes` of arrays that are known to be in order and of the right types: nothing is checked or copied."""
    made = object.__new__(Spikes)
    vars(made).update(times=times, ids=ids, n_nodes=n_nodes, t_start=t_start, t_stop=t_stop, recorded_ids=recorded_ids, dt=dt, name=name)
    return made
