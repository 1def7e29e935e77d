"""The spikes of a plan that are known before the run: those of spike generators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

NEVER = 2**62  # a step that is never reached (for stop = inf)


class Events(Protocol):
    """Given spikes, a window of time at a time."""

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps (int64) and nodes (global ids, uint32) of the spikes sent at the end of the steps start < k <= stop, by step, then id."""

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """How many ms before the end of its step each of them is sent, where times are exact."""

    def reach(self, start: int) -> int:
        """How far a window from `start` may go if it is to stay small, at least a step."""


@dataclass(frozen=True, eq=False)
class ListedSpikes:
    """Given spikes in memory: node `id` sends one at the end of `step`, or `offset` ms before; ascending by time, then id."""

    step: np.ndarray
    id: np.ndarray
    offset: np.ndarray | None = None

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events`."""
        inside = slice(*np.searchsorted(self.step, [start, stop], side="right"))
        return self.step[inside], self.id[inside]

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """See `Events`."""
        return None if self.offset is None else self.offset[slice(*np.searchsorted(self.step, [start, stop], side="right"))]

    def reach(self, start: int) -> int:
        """There is no end to what is in memory."""
        return NEVER


@dataclass(frozen=True, eq=False)
class Merged:
    """Given spikes of several kinds, each from nodes of its own."""

    parts: list[Events]

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events`."""
        step, ids = (np.concatenate(x) for x in zip(*(part.window(start, stop) for part in self.parts), strict=True))
        order = np.lexsort((ids, step))
        return step[order], ids[order]

    def offsets(self, start: int, stop: int) -> None:
        """Times are on the grid: exact ones are in memory, in one list."""

    def reach(self, start: int) -> int:
        """See `Events`."""
        return min(part.reach(start) for part in self.parts)


def listed(step: np.ndarray, ids: np.ndarray, offset: np.ndarray | None = None) -> ListedSpikes:
    """Given spikes of any order, in memory."""
    order = np.lexsort((ids, step) if offset is None else (ids, -offset, step))
    return ListedSpikes(step[order], ids[order], None if offset is None else offset[order])
