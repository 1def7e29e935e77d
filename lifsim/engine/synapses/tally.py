"""Counts the synapses that the threads have made, and reports their number while they work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError

import numpy as np

from lifsim.engine.parallel.team import Team

EVERY = 0.25  # seconds between reports
PORTION = 8 << 20  # synapses of a block that are drawn between two reports: many more than the buckets hold, so that few are half empty


class Tally:
    """The number of synapses that all threads have made so far.

    Parameters
    ----------
    team : the threads that make them.
    tell : called with that number, by the thread that calls `each`, at most once in `EVERY` seconds; None: nothing is reported.
    """

    def __init__(self, team: Team, tell: Callable[[int], None] | None = None) -> None:
        self._team, self._tell = team, tell
        self._made, self._lock, self._stopped = 0.0, threading.Lock(), False
        self._told = time.perf_counter()

    def each(self, function: Callable[[int], None], items: Sequence[int]) -> None:
        """`Team.each`, with reports. If the calling thread is interrupted, the others stop at their next call of `add`."""
        try:
            self._team.each(function, items, self._report)
        except BaseException:
            self._stopped = True
            raise

    def add(self, synapses: float) -> None:
        """Count more synapses. A synapse that is drawn in several passes counts in parts, one for each pass.

        Raises
        ------
        CancelledError : the thread that called `each` was interrupted.
        """
        with self._lock:
            self._made += synapses
        if self._stopped:
            raise CancelledError
        if self._team.size == 1:  # else the calling thread, which waits, reports
            self._report()

    def _report(self) -> None:
        now = time.perf_counter()
        if self._tell is not None and now - self._told >= EVERY:
            self._told = now
            self._tell(round(self._made))


def portions(ptr: np.ndarray, blocks: int) -> Iterator[tuple[int, int, float]]:
    """Divide the targets of a wiring into ranges with about `PORTION` synapses for each of the `blocks`.

    ``ptr[t]`` is the number of synapses of the targets before t. Yields first target, last + 1, and the fraction of all synapses.
    """
    total = max(int(ptr[-1]), 1)
    number = -(-total // (PORTION * blocks))
    cut = np.unique(np.searchsorted(ptr, total * np.arange(1, number) / number))
    for first, last in zip([0, *cut.tolist()], [*cut.tolist(), len(ptr) - 1], strict=True):
        if first < last:
            yield first, last, float(ptr[last] - ptr[first]) / total
