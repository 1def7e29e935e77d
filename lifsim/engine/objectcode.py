"""Machine code that stands alone: an object file and the name of its function, linked to an address by LLVM.

What is kept is the name, a zero byte and the object file (ELF, Mach-O or COFF) that LLVM made for this processor.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any, NamedTuple

from llvmlite import binding as llvm
from numba import config
from numba.core.codegen import get_host_cpu_features

SUFFIX = "o"
_linked: list[Any] = []  # what holds code in memory, as long as the process


class Processor(NamedTuple):
    """The system, the processor, and which instructions it has ("+avx2,-avx512bw,…")."""

    system: str
    name: str
    instructions: str


@lru_cache(1)
def processor() -> Processor:
    """What code is made for."""
    name, features = config.CPU_NAME, config.CPU_FEATURES  # type: ignore[attr-defined]
    return Processor(
        llvm.get_process_triple(),
        llvm.get_host_cpu_name() if name is None else name,
        get_host_cpu_features() if features is None else features,
    )


def of(library: Any, name: str) -> bytes:
    """The code of the function `name` that Numba compiled into `library`, to be kept."""
    return name.encode() + b"\0" + library._get_compiled_object()


def stands_alone(library: Any) -> bool:
    """Whether the code of `library` calls nothing but what every process has, and knows no address of this one."""
    process = ctypes.CDLL(None)
    called = [f.name for f in library._final_module.functions if f.is_declaration]
    return not library.has_dynamic_globals and all(name.startswith("llvm.") or hasattr(process, name) for name in called)


def address(kept: bytes) -> int | None:
    """The address of the function in `kept`; None if LLVM cannot read it.

    Each gets a linker of its own: functions that several files hold are called alike and need not be the same.
    """
    name, _, code = kept.partition(b"\0")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    try:
        machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(jit=True)
        linker = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        linker.add_object_file(llvm.ObjectFileRef.from_data(code))
    except RuntimeError:
        return None
    linker.finalize_object()
    _linked.append(linker)
    return int(linker.get_function_address(name.decode())) or None
