"""The one wrapper around Numba's compiler: its options, and whether it is at work.

What it compiles is kept (`cache`). Whether a call has to compile is not guessed from what it is called with: Numba itself says so
(`compiling`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numba
from numba.core import event

from lifsim.engine.compiler.cache import KernelCache
from lifsim.engine.compiler.linked_only import Compiler

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False, "no_rewrites": True}
# Without what only Python calls: a fifth of all compilation.
_UNCALLED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: F) -> F:
    """Compile `function` for the time loop: no GIL, no Python objects, cached, strict floating point.

    Its arrays have no owners: no reference to one is counted, which would take longer than what is done with a slice of it, and
    longer to compile. So it neither makes arrays nor returns them.
    """
    return _compiled(function)


def owning(function: F) -> F:
    """A `kernel` that may make arrays and return them."""
    return _compiled(function, _nrt=True)


def entry(function: F) -> F:
    """An `owning` kernel that Python calls: with the wrapper that converts Python's objects, which takes long to compile."""
    return _compiled(function, linked=False, _nrt=True, no_cpython_wrapper=False)


def part(function: F) -> F:
    """A `kernel` that is called by address: its code is kept by `Part`."""
    return numba.njit(**_OPTIONS, **_UNCALLED)(function)


def inlined(function: F) -> F:
    """A `kernel` that becomes part of the loop that calls it, so that the loop can vectorise."""
    return _compiled(function, forceinline=True)


def merged(function: F) -> F:
    """A `kernel` that is read as part of its callers, of which there are few: it is not compiled once more by itself."""
    return numba.njit(**_OPTIONS, inline="always")(function)


def _compiled(function: F, linked: bool = True, **special: Any) -> F:
    if linked:  # that is all that becomes of it
        special["pipeline_class"] = Compiler
    compiled = numba.njit(**_OPTIONS | _UNCALLED | special)(function)
    compiled._cache = KernelCache(function, linked)
    return compiled


class Compiling(event.Listener):
    """What was compiled (not taken from the cache) while it listened: `seconds`, and how many kernels by themselves."""

    def __init__(self, began: Callable[[], None]) -> None:
        self.seconds, self.kernels = 0.0, 0
        self._began, self._depth, self._since = began, 0, 0.0

    def on_start(self, event: Any) -> None:
        """A kernel, or one that it calls (Numba compiles in one thread at a time)."""
        if self._depth == 0:
            self._since = time.perf_counter()
            self.kernels += 1
            if self.kernels == 1:
                self._began()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """It is compiled."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._since


@contextlib.contextmanager
def compiling(began: Callable[[], None] = lambda: None) -> Iterator[Compiling]:
    """Listen to the compiler: `began` is called as soon as anything has to be compiled, perhaps by another thread."""
    listener = Compiling(began)
    with event.install_listener("numba:compile", listener):
        yield listener
