"""Spikes that are read in pieces, for recordings that are larger than the memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lifsim.results.spikes import SPIKES_AT_ONCE, Spikes, later, unchecked, within


@dataclass(frozen=True, eq=False)
class SpikeStream:
    """Spikes of one population, which are not in memory. The attributes are those of `Spikes`.

    read : returns the times (ms, ascending) and ids of the whole recording, piece by piece; it can be called repeatedly.
    cut : the limits of the window in ms, t_start < t <= t_stop, if it is a part of the recording. The first one is -inf if it begins with
        the recording, so that spikes at t_start itself belong to it.
    """

    read: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]
    n_nodes: int
    t_start: float
    t_stop: float
    recorded_ids: np.ndarray
    dt: float = math.nan
    name: str = ""
    derived: tuple[str, ...] = ()
    cut: tuple[float, float] | None = None

    def window(self, t_start: float | None = None, t_stop: float | None = None) -> SpikeStream:
        """The spikes in a window.

        Parameters
        ----------
        t_start, t_stop : as for `Spikes.window`.
        """
        if t_start is None and t_stop is None:
            return self
        none = self._piece(np.empty(0), np.empty(0, np.int64)).window(t_start, t_stop)
        begin = none.t_start if later(none.t_start, self.t_start, self.dt) else -math.inf if self.cut is None else self.cut[0]
        return replace(self, t_start=none.t_start, t_stop=none.t_stop, derived=none.derived, cut=(begin, none.t_stop))

    def pieces(self) -> Iterator[Spikes]:
        """The spikes in the window, piece by piece in order of time: `Spikes` whose limits are those of the whole window."""
        for at, ids in _joined(self.read()):
            held = slice(None) if self.cut is None else within(at, *self.cut, self.dt)
            yield from self._piece(at[held], ids[held]).pieces()

    def _piece(self, at: np.ndarray, ids: np.ndarray) -> Spikes:
        return unchecked(at, ids, self.n_nodes, self.t_start, self.t_stop, self.recorded_ids, self.dt, self.name, self.derived)


def _joined(pieces: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same spikes in larger pieces, where they are small: each piece costs some time for every neuron."""
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for piece in pieces:
        held.append(piece)
        if sum(len(at) for at, _ in held) >= SPIKES_AT_ONCE // 4:
            yield _one(held)
            held = []
    if held:
        yield _one(held)


def _one(held: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return held[0] if len(held) == 1 else (np.concatenate([at for at, _ in held]), np.concatenate([ids for _, ids in held]))
