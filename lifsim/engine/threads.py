"""Persistent threads that run a kernel together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    def each(self, function: Callable[[int], None], items: Sequence[int]) -> None:
        """``function(item)`` for every item, dealt out to the threads in turn."""

        def own(rank: int) -> None:
            for item in items[rank :: self.size]:
                function(item)

        self.together(own)

    def close(self) -> None:
        """End the helpers."""
        if self._pool:
            self._pool.shutdown()
            self._pool = None
