"""Persistent threads that run a kernel together; fewer of them while other processes use the cores.

Threads that synchronise every few microseconds are as slow as the slowest of them. A thread that shares its core with another process
runs for only half of the time and halves the speed of all, so the team is faster without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

CROWDED = 0.7  # a thread whose CPU time is less than this fraction of the wall time shares its core
GLANCE = 0.01  # seconds; shorter calls are not used to detect shared cores
PAUSE = 0.1  # seconds between calls of what the calling thread does while it waits
REST, LONGEST_REST = 0.5, 4.0  # seconds for which such a thread is left out: at first, and at most


class Team:
    """`size` threads; a team of one is the calling thread. Kernels release the GIL, so threads run in parallel.

    In a larger team, the calling thread only waits. So if a signal interrupts it, no kernel waits for another that was never started.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size, "lifsim") if size > 1 else None
        self._crowded, self._until, self._rest = 0, 0.0, REST

    def active(self) -> int:
        """The number of threads to use now; it does not change until `together` returns."""
        if time.perf_counter() >= self._until:
            self._crowded = 0
        return max(1, self.size - self._crowded)

    def together(
        self, function: Callable[[int], None], size: int, watch: bool = False, meanwhile: Callable[[], None] | None = None
    ) -> None:
        """Run ``function(rank)`` on `size` threads in parallel.

        With `watch`, the team is reduced by the number of threads that shared a core, for `REST` seconds at first and twice as long each
        time that the full team fails again. `function` must then use the CPU all the time. The calling thread of a team of several calls
        `meanwhile` every `PAUSE` seconds.
        """
        if self._pool is None:
            function(0)
            return
        futures = [self._pool.submit(_timed, function, rank) for rank in range(size)]
        while meanwhile and wait(futures, PAUSE).not_done:
            meanwhile()
        times = [future.result() for future in futures]
        crowded = sum(cpu < CROWDED * wall for wall, cpu in times if wall > GLANCE)
        if watch and crowded and size > 1:
            self._crowded, self._until = self.size - size + crowded, time.perf_counter() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
        elif watch and size == self.size and max(times)[0] > GLANCE:
            self._rest = REST

    def each(self, function: Callable[[int], None], items: Sequence[int], meanwhile: Callable[[], None] | None = None) -> None:
        """Run ``function(item)`` for every item; items are distributed over the threads in turn. `meanwhile` is as of `together`."""

        def own(rank: int) -> None:
            for item in items[rank :: self.size]:
                function(item)

        self.together(own, self.size, meanwhile=meanwhile)

    def close(self) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()
            self._pool = None


def _timed(function: Callable[[int], None], rank: int) -> tuple[float, float]:
    """Run ``function(rank)``; returns wall time and CPU time in seconds."""
    wall, cpu = time.perf_counter(), time.thread_time()
    function(rank)
    return time.perf_counter() - wall, time.thread_time() - cpu
