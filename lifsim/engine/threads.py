"""Persistent threads that run a kernel together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


class Team:
    """The calling thread and `size - 1` helpers. Kernels release the GIL, so they run at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size - 1, "lifsim") if size > 1 else None

    def together(self, function: Callable[[int], None]) -> None:
        """``function(rank)`` on every thread at the same time; the caller is rank 0."""
        waiting = [self._pool.submit(function, rank) for rank in range(1, self.size)] if self._pool else []
        function(0)
        for future in waiting:
            future.result()

    def each(self, function: Callable[[int], None], items: Iterable[int]) -> None:
        """``function(item)`` for every item, on all threads."""
        if self._pool is None:
            for item in items:
                function(item)
            return
        for future in [self._pool.submit(function, item) for item in items]:
            future.result()

    def close(self) -> None:
        """End the helpers."""
        if self._pool:
            self._pool.shutdown()
            self._pool = None
