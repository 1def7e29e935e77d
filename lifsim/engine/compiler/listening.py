"""Tells when kernels are compiled: this is not guessed from the arguments of calls; the compiler tells."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator

from lifsim.engine.compiler import settings


class Compiling:
    """Measures compilation (not loading from the cache): time in `seconds`, number of `kernels` without the kernels that they call.

    Python's garbage collector is off meanwhile. It would go through the millions of objects of the compiler time after time, a tenth of
    the time, and most of them are needed until the end.
    """

    def __init__(self, began: Callable[[], None]) -> None:
        self.seconds, self.kernels = 0.0, 0
        self._began, self._depth, self._since, self._collected = began, 0, 0.0, False

    def start(self) -> None:
        """Compilation begins, of a kernel or of one that it calls (one thread compiles at a time)."""
        if self._depth == 0:
            self._since = time.perf_counter()
            settings.load_numba()  # if that fails, nothing has begun
            self.kernels += 1
            if self.kernels == 1:
                self._began()
            self._collected = gc.isenabled()
            gc.disable()
        self._depth += 1

    def end(self) -> None:
        """Compilation ends."""
        if self._depth == 1:
            self.seconds += time.perf_counter() - self._since
            if self._collected:
                gc.enable()
        self._depth = max(self._depth - 1, 0)  # 0 before: it began before anyone listened


_listeners: list[Compiling] = []


@contextlib.contextmanager
def compiling(began: Callable[[], None] = lambda: None) -> Iterator[Compiling]:
    """Listen to the compiler; `began` is called when the first compilation begins, possibly in another thread."""
    listener = Compiling(began)
    _listeners.append(listener)
    try:
        yield listener
    finally:
        _listeners.remove(listener)


def begin() -> None:
    """Tell all who listen that a compilation begins."""
    for each in tuple(_listeners):
        each.start()


def end() -> None:
    """Tell all who listen that the compilation ends which began last."""
    for each in tuple(_listeners):
        each.end()
