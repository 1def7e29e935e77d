"""Numba's objects for kernels and intrinsics. This module is imported when something must be compiled, and loads Numba's compiler.

Only the modules that this one imports, and functions that run while Numba compiles, import Numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba import typeof, types
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from lifsim.engine.compiler import listening, object_code, overloads
from lifsim.engine.compiler.data_words import At
from lifsim.engine.compiler.kernel_cache import KernelCache
from lifsim.engine.compiler.linked_only import Compiler


def dispatcher_of(function: Callable[..., Any], options: dict[str, Any], stored: bool) -> Any:
    """Numba's object that compiles and calls `function`; the options are those of `jit.Kernel`."""
    overloads.tell_numba()
    linked = stored and options["no_cpython_wrapper"]  # no machine code of its own is needed
    made: Any = numba.njit(**options | ({"pipeline_class": Compiler} if linked else {}))(function)
    if stored:
        made._cache = KernelCache(function, linked)
    return made


@global_compiler_lock
def compile_part(dispatcher: Any, data: tuple[Any, ...], numbers: int) -> tuple[int, bytes | None]:
    """Compile a part with this `dispatcher` for data of the types of `data`, and that many whole numbers.

    Returns the address of its code, and the form of the code that can be stored (None if there is none, see `object_code.of`).
    """
    overloads.tell_numba()
    signature = (At(typeof(data)), *[types.int64] * numbers)
    dispatcher.compile(signature)
    compiled = dispatcher.overloads[signature]
    name = compiled.fndesc.llvm_func_name
    return int(compiled.library.get_pointer_to_function(name)), object_code.of(compiled.library, name)


def type_of_intrinsic(function: Callable[..., Any]) -> Any:
    """Numba's type of an operation whose code `function` generates."""
    made, context = intrinsic(function), cpu_target.typing_context
    context.refresh()
    return context.resolve_value_type(made)


class _Events(event.Listener):
    """Numba compiles a kernel: one that a part calls, or one that Python calls."""

    def on_start(self, event: Any) -> None:
        """The compilation begins."""
        listening.begin()

    def on_end(self, event: Any) -> None:
        """The compilation ends."""
        listening.end()


event.register("numba:compile", _Events())
