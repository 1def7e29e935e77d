"""Given spikes: those of spike generators, which are known before the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

NEVER = 2**62  # a step that is never reached (stop = inf)


class Events(Protocol):
    """Given spikes, read one window of time after another."""

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps (int64) and global ids (uint32) of the spikes sent in the steps start < k <= stop, sorted by step, then id."""

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """The time (ms) from each spike of `window` to the end of its step; None if spikes are on the grid."""

    def reach(self, start: int) -> int:
        """The last step of a window from `start` that needs little memory; at least start + 1."""


@dataclass(frozen=True, eq=False)
class ListedSpikes:
    """Given spikes in memory: node `id` sends a spike at the end of `step`, or `offset` ms before; sorted by time, then id. Shape (n,)."""

    step: np.ndarray
    id: np.ndarray
    offset: np.ndarray | None = None

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and global ids of the spikes sent in the steps start < k <= stop, sorted by step, then id."""
        inside = slice(*np.searchsorted(self.step, [start, stop], side="right"))
        return self.step[inside], self.id[inside]

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """The time (ms) from each spike of `window` to the end of its step; None if spikes are on the grid."""
        return None if self.offset is None else self.offset[slice(*np.searchsorted(self.step, [start, stop], side="right"))]

    def reach(self, start: int) -> int:
        """`NEVER`: all spikes are in memory already."""
        return NEVER


@dataclass(frozen=True, eq=False)
class Spell:
    """The given spikes `events` of the steps `start` < k <= `stop`."""

    events: Events
    start: int
    stop: int

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and global ids of the spikes of the spell sent in the steps start < k <= stop, sorted by step, then id."""
        return self.events.window(*self._within(start, stop))

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """The time (ms) from each spike of `window` to the end of its step; None if spikes are on the grid."""
        return self.events.offsets(*self._within(start, stop))

    def reach(self, start: int) -> int:
        """The last step of a window from `start` that needs little memory; `NEVER` if no spikes follow."""
        if start >= self.stop:
            return NEVER
        return self.start if start < self.start else self.events.reach(start)

    def _within(self, start: int, stop: int) -> tuple[int, int]:
        first = max(start, self.start)
        return first, max(first, min(stop, self.stop))


@dataclass(frozen=True, eq=False)
class Merged:
    """Given spikes from several sources; no node sends from two of them in one step."""

    parts: list[Events]

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and global ids of the spikes sent in the steps start < k <= stop, sorted by step, then id."""
        step, ids = (np.concatenate(x) for x in zip(*(part.window(start, stop) for part in self.parts), strict=True))
        order = np.lexsort((ids, step))
        return step[order], ids[order]

    def offsets(self, start: int, stop: int) -> None:
        """None, since all times are on the grid. (Exact spike times are never merged: they are all in one `ListedSpikes`.)"""

    def reach(self, start: int) -> int:
        """The last step of a window from `start` that needs little memory; at least start + 1."""
        return min(part.reach(start) for part in self.parts)


def listed(step: np.ndarray, ids: np.ndarray, offset: np.ndarray | None = None) -> ListedSpikes:
    """Sort given spikes (in any order) into a `ListedSpikes`."""
    order = np.lexsort((ids, step) if offset is None else (ids, -offset, step))
    return ListedSpikes(step[order], ids[order], None if offset is None else offset[order])


def merged(spells: list[Spell]) -> Events:
    """All given spikes; those held in memory become one list."""
    held = [s for s in spells if isinstance(s.events, ListedSpikes)]
    found = [s.window(0, NEVER) for s in held]
    step = np.concatenate([np.zeros(0, np.int64), *(own for own, _ in found)])
    ids = np.concatenate([np.zeros(0, np.uint32), *(own for _, own in found)])
    offsets = [own for own in (s.offsets(0, NEVER) for s in held) if own is not None]  # every list has offsets, or none has
    together = listed(step, ids, np.concatenate(offsets) if offsets else None)
    read = [s.events if (s.start, s.stop) == (0, NEVER) else s for s in spells if not isinstance(s.events, ListedSpikes)]
    return Merged([together, *read]) if read else together
