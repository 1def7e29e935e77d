"""Kernels: functions to be compiled, with the options of Numba's compiler.

Numba is loaded when the first kernel must be compiled (`dispatchers`), not for code from the cache: loading it takes as long as all else
that a small run does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from lifsim.engine.compiler import settings

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False, "no_rewrites": True}
# Omit the wrappers that only Python calls, which take a fifth of the compilation time.
_UNCALLED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: F) -> F:
    """Compile `function` for the time loop: no GIL, no Python objects, cached, strict floating point.

    References to arrays are not counted: counting takes longer than the work on a slice of an array, and takes time to compile. So a
    kernel must neither make arrays nor return them.
    """
    return _kernel(function, **_UNCALLED)


def owning(function: F) -> F:
    """A `kernel` that may make arrays and return them."""
    return _kernel(function, **_UNCALLED | {"_nrt": True})


def entry(function: F) -> F:
    """An `owning` kernel that Python calls; the wrapper that converts Python objects takes long to compile."""
    return _kernel(function, **_UNCALLED | {"_nrt": True, "no_cpython_wrapper": False})


def part(function: F) -> F:
    """A `kernel` that is called by address; `Part` stores its code."""
    return _kernel(function, stored=False, **_UNCALLED)


def inlined(function: F) -> F:
    """A `kernel` that LLVM inlines into its callers, so that their loops can vectorise."""
    return _kernel(function, **_UNCALLED, forceinline=True)


def merged(function: F) -> F:
    """A `kernel` that Numba inlines into its few callers; it is not compiled separately."""
    return _kernel(function, stored=False, inline="always")


def machine_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's `intrinsic`, with the type of what kernels call: the function without its first parameter, the typing context."""
    return Intrinsic(function)


def _kernel(function: F, stored: bool = True, **special: Any) -> F:
    made: Any = Kernel(function, _OPTIONS | special, stored)
    return made


class Kernel:
    """A function to be compiled.

    Parameters
    ----------
    function : in the part of Python that Numba compiles.
    options : those of Numba's `njit`. The names `py_func` and `targetoptions` are Numba's, which looks for them when it inlines.
    stored : whether the compiled code is stored in the cache.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], stored: bool) -> None:
        functools.update_wrapper(self, function)
        self.py_func, self.targetoptions, self.stored = function, options, stored

    @cached_property
    def dispatcher(self) -> Any:
        """Numba's object that compiles and calls the function."""
        settings.load_numba()
        from lifsim.engine.compiler.dispatchers import dispatcher_of

        return dispatcher_of(self.py_func, self.targetoptions, self.stored)

    def __call__(self, *arguments: Any) -> Any:
        """Call the compiled function."""
        return self.dispatcher(*arguments)

    @property
    def _numba_type_(self) -> Any:
        """The type that Numba sees where other kernels call this one."""
        return self.dispatcher._numba_type_


class Intrinsic:
    """An operation of which we generate the code: `function` takes Numba's typing context and the types of the arguments."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        """Only kernels can call it."""
        raise NotImplementedError(f"{self._function.__name__} is for compiled code")

    @cached_property
    def _numba_type_(self) -> Any:
        """The type that Numba sees where kernels call this."""
        from lifsim.engine.compiler.dispatchers import type_of_intrinsic

        return type_of_intrinsic(self._function)
