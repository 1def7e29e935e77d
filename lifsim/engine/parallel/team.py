"""Persistent threads that run a kernel together, fewer of them while other processes want the cores.

Threads that meet every few microseconds go at the pace of the slowest. One that has to share its core with another
process is away for half of the time, and so are then all: the others are better off without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

CROWDED = 0.7  # of its time on a core: with less, a thread shares it
GLANCE = 0.01  # seconds: shorter calls say nothing about that
REST, LONGEST_REST = 0.5, 4.0  # seconds for which such a thread is left out, at first and after many trials


class Team:
    """`size` threads; a team of one is the calling thread. Kernels release the GIL, so they run at once.

    The calling thread of a larger team only waits: whatever interrupts it, a signal say, no kernel is left waiting for another
    that was never started.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size, "lifsim") if size > 1 else None
        self._crowded, self._until, self._rest = 0, 0.0, REST

    def active(self) -> int:
        """How many threads are to work now; stays so until `together` returns."""
        if time.perf_counter() >= self._until:
            self._crowded = 0
        return max(1, self.size - self._crowded)

    def together(self, function: Callable[[int], None], size: int, watch: bool = False) -> None:
        """``function(rank)`` on `size` threads at the same time.

        With `watch`, whoever had no core to itself is left out for a while, twice as long each time that it is tried in
        vain; `function` has then to be at work all the time.
        """
        if self._pool is None:
            times = [_timed(function, 0)]
        else:
            times = [future.result() for future in [self._pool.submit(_timed, function, rank) for rank in range(size)]]
        crowded = sum(cpu < CROWDED * wall for wall, cpu in times if wall > GLANCE)
        if watch and crowded and size > 1:
            self._crowded, self._until = self.size - size + crowded, time.perf_counter() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
        elif watch and size == self.size and max(times)[0] > GLANCE:
            self._rest = REST

    def each(self, function: Callable[[int], None], items: Sequence[int]) -> None:
        """``function(item)`` for every item, dealt out to the threads in turn."""

        def own(rank: int) -> None:
            for item in items[rank :: self.size]:
                function(item)

        self.together(own, self.size)

    def close(self) -> None:
        """End the helpers."""
        if self._pool:
            self._pool.shutdown()
            self._pool = None


def _timed(function: Callable[[int], None], rank: int) -> tuple[float, float]:
    """Seconds that ``function(rank)`` took, and those that it had a core."""
    wall, cpu = time.perf_counter(), time.thread_time()
    function(rank)
    return time.perf_counter() - wall, time.thread_time() - cpu
