"""Compilation of kernels that are called only by other kernels: they are linked into these, without machine code of their own.

Numba makes machine code of every function that it compiles, which is a sixth of the compilation time. Kernels that only parts call do not
need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Environments:
    """A code generator whose `set_env` does nothing, because no machine code reads an environment."""

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing."""


class Library(JITCodeLibrary):
    """Optimised LLVM code that can be linked into other code."""

    codegen = _Environments()

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """0: there is no machine code."""
        return 0

    def serialize_using_object_code(self) -> tuple[str, str, bytes]:
        """The code as LLVM's bitcode, since there is no object code."""
        return self.serialize_using_bitcode()


@contextmanager
def linked_only(codegen: Any) -> Iterator[None]:
    """Within this context, compiled or loaded code becomes a `Library`."""
    before = codegen._library_class
    codegen._library_class = Library
    try:
        yield
    finally:
        codegen._library_class = before


@register_pass(mutates_CFG=True, analysis_only=False)
class Lowering(NativeLowering):
    """Numba's lowering, into a `Library`."""

    _name = "lowering_of_what_is_linked_only"

    def run_pass(self, state: Any) -> bool:
        """Lower the function of `state`."""
        with linked_only(state.targetctx.codegen()):
            return bool(super().run_pass(state))


class Compiler(CompilerBase):
    """Numba's compiler with `Lowering`."""

    def define_pipelines(self) -> list[Any]:
        """The compiler passes over a function."""
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes = [(Lowering if each is NativeLowering else each, said) for each, said in pipeline.passes]
        pipeline.finalize()
        return [pipeline]
