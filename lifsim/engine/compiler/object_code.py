"""Self-contained machine code: an object file and the name of its function, which LLVM links to an address.

The stored form is the name of the function, the names of the C library functions that it calls, a zero byte, and the object file that
LLVM made for this processor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from llvmlite import binding as llvm

from lifsim.engine.compiler.settings import setting

SUFFIX = "o"
_linked: list[Any] = []  # linkers, which own the loaded code until the process ends


class Processor(NamedTuple):
    """The system, the name of the processor, and its instruction sets ("+avx2,-avx512bw,…")."""

    system: str
    name: str
    instructions: str


@lru_cache(1)
def processor() -> Processor:
    """The processor for which code is compiled."""
    name, instructions = setting("CPU_NAME"), setting("CPU_FEATURES")
    return Processor(
        llvm.get_process_triple(),
        llvm.get_host_cpu_name() if name is None else name,
        _own_instructions() if instructions is None else instructions,
    )


def _own_instructions() -> str:
    try:
        return str(llvm.get_host_cpu_features().flatten())
    except RuntimeError:  # LLVM does not know them on this system
        return ""


def of(library: Any, name: str) -> bytes | None:
    """The stored form of the function `name` that Numba compiled into `library`.

    None if the code is not self-contained: it has addresses of this process, or calls functions that other processes lack.
    """
    module = library._final_module
    called = [f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")]
    if library.has_dynamic_globals or any(v.is_declaration for v in module.global_variables) or not all(map(_everywhere, called)):
        return None
    return " ".join([name, *called]).encode() + b"\0" + library._get_compiled_object()


def _everywhere(name: str) -> bool:
    """Whether every process has the function `name`: it belongs to the C library, not to Numba."""
    return not name.startswith(("numba", "NRT_", ".numba")) and bool(llvm.address_of_symbol(name))


def address(kept: bytes) -> int | None:
    """Load the function in `kept` and return its address; None if LLVM cannot read it, or if this process lacks a function that it calls.

    Each object file gets its own linker, because functions in different files may have the same name without being the same.
    """
    names, _, code = kept.partition(b"\0")
    name, *called = names.decode().split(" ")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    try:
        machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(jit=True)
        linker = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)  # now LLVM finds the functions of the process
        if not all(map(_everywhere, called)):
            return None
        linker.add_object_file(llvm.ObjectFileRef.from_data(code))
    except RuntimeError:
        return None
    linker.finalize_object()
    _linked.append(linker)
    return int(linker.get_function_address(name)) or None
