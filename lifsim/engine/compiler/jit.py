"""The only wrapper around Numba's compiler: sets its options, and tells when it is compiling.

Compiled code is stored in `cache`. Whether a call compiles anything is not guessed from its arguments; Numba's own events tell
(`compiling`).
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numba
from numba.core import event

from lifsim.engine.compiler.cache import KernelCache
from lifsim.engine.compiler.linked_only import Compiler

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False, "no_rewrites": True}
# Omit the wrappers that only Python calls, which take a fifth of the compilation time.
_UNCALLED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: F) -> F:
    """Compile `function` for the time loop: no GIL, no Python objects, cached, strict floating point.

    References to arrays are not counted: counting takes longer than the work on a slice of an array, and takes time to compile. So a
    kernel must neither make arrays nor return them.
    """
    return _compiled(function)


def owning(function: F) -> F:
    """A `kernel` that may make arrays and return them."""
    return _compiled(function, _nrt=True)


def entry(function: F) -> F:
    """An `owning` kernel that Python calls; the wrapper that converts Python objects takes long to compile."""
    return _compiled(function, linked=False, _nrt=True, no_cpython_wrapper=False)


def part(function: F) -> F:
    """A `kernel` that is called by address; `Part` stores its code."""
    return numba.njit(**_OPTIONS, **_UNCALLED)(function)


def inlined(function: F) -> F:
    """A `kernel` that LLVM inlines into its callers, so that their loops can vectorise."""
    return _compiled(function, forceinline=True)


def merged(function: F) -> F:
    """A `kernel` that Numba inlines into its few callers; it is not compiled separately."""
    return numba.njit(**_OPTIONS, inline="always")(function)


def _compiled(function: F, linked: bool = True, **special: Any) -> F:
    if linked:  # no machine code is needed
        special["pipeline_class"] = Compiler
    compiled = numba.njit(**_OPTIONS | _UNCALLED | special)(function)
    compiled._cache = KernelCache(function, linked)
    return compiled


class Compiling(event.Listener):
    """Measures compilation (not loading from the cache): time in `seconds`, number of `kernels` without the kernels that they call.

    Python's garbage collector is off meanwhile. It would go through the millions of objects of the compiler time after time, a tenth of
    the time, and most of them are needed until the end.
    """

    def __init__(self, began: Callable[[], None]) -> None:
        self.seconds, self.kernels = 0.0, 0
        self._began, self._depth, self._since, self._collected = began, 0, 0.0, False

    def on_start(self, event: Any) -> None:
        """Compilation begins, of a kernel or of one that it calls (Numba compiles in one thread at a time)."""
        if self._depth == 0:
            self._since = time.perf_counter()
            self.kernels += 1
            if self.kernels == 1:
                self._began()
            self._collected = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """Compilation ends."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._since
            if self._collected:
                gc.enable()


@contextlib.contextmanager
def compiling(began: Callable[[], None] = lambda: None) -> Iterator[Compiling]:
    """Listen to the compiler; `began` is called when the first compilation begins, possibly in another thread."""
    listener = Compiling(began)
    with event.install_listener("numba:compile", listener):
        yield listener
