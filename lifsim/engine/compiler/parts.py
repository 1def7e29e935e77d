"""Parts: kernels that are compiled separately and called by address.

Numba compiles a kernel and everything that it calls into one program. A time loop that called neuron models, stimuli and plasticity rules
in this way would be compiled anew for each combination of them. A part is compiled once for the types of its own data and can be used in
any network, because its caller knows only two numbers: the addresses of its code and of its data. So the number of programs is the sum,
not the product, of the numbers of models, stimuli and rules.

The data of a part are a tuple of arrays, numbers and further tuples (`NamedTuple`s). In memory they are a sequence of 64-bit words: the
address, shape and strides of an array (arrays are contiguous), the bits of a number. In a part, a `NamedTuple` is the address of its
words: ``m.ring`` is the address of the words of a nested tuple, ``m.ring.ids`` builds an array from some of them, and words that are not
used are not read. Plain tuples are unpacked with ``a, b = read(m)``.

Numba compiles parts, but is not needed to run them. Their machine code is stored as object files, which `object_code` links to addresses.
Loading them as functions of Numba would make Numba register all of its types and functions, which takes a third of a second per process.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lifsim.common.lazy import LazyModule
from lifsim.engine.compiler import ahead, cache, listening, object_code
from lifsim.engine.compiler.jit import machine_code, part

types: Any = LazyModule("numba.types")
cgutils: Any = LazyModule("numba.core.cgutils")
data_words: Any = LazyModule("lifsim.engine.compiler.data_words")

Kinds = tuple[Any, ...]  # describes the types in data
# Numba's calling convention: arguments are pointers for value and error, data, and numbers; the result is a status (0: no error).
_FUNCTIONS = [ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * (1 + n)) for n in range(8)]
Programs = set[tuple[str, Kinds]]  # compiled parts: their names, and the types of their data


# -- data in memory ---------------------------------------------------------------------------------


def address_of(array: np.ndarray) -> int:
    """The address of the data of `array`: the first field of its C structure. This takes a tenth of the time of ``array.ctypes.data``."""
    return ctypes.c_ssize_t.from_address(id(array) + object.__basicsize__).value


class Known:
    """Flattened tuples by their `id`: the tuple (kept alive, so that no other object gets its id), its types, and its words."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Any, Kinds, list[int]]] = {}

    def flat(self, data: Any) -> tuple[Kinds, list[int]]:
        """Flatten `data`: the types of its entries, and its words."""
        found = self._found.get(id(data))
        if found is None:
            found = self._found[id(data)] = data, *self._flattened(data)
        return found[1:]

    def keep(self, tuples: Iterable[Any]) -> None:
        """Forget all tuples but these, which releases arrays that only the others hold."""
        self._found = {id(x): self._found[id(x)] for x in tuples if id(x) in self._found}

    def _flattened(self, data: Any) -> tuple[Kinds, list[int]]:
        kinds: list[Any] = [type(data)]
        words: list[int] = []
        for x in data:
            if isinstance(x, np.ndarray):
                flags = x.flags
                if not flags.c_contiguous:
                    raise TypeError(f"parts take contiguous arrays; got one with the strides {x.strides}")
                kinds.append((x.dtype, x.ndim, flags.writeable))
                words += (address_of(x), *x.shape, *x.strides[:-1])
            elif isinstance(x, tuple):
                own, more = self.flat(x)
                kinds.append(own)
                words += more
            else:
                kinds.append(type(x) if not isinstance(x, int) or x < 1 << 63 else np.uint64)
                words += () if x is None else (_bits(x),)
        return tuple(kinds), words


# -- compiled code -----------------------------------------------------------------------------------


class Part:
    """A kernel ``function(m, *numbers)`` that is called by address. `m` is the address of its data, `numbers` are int64; returns None."""

    def __init__(self, function: Callable[..., None]) -> None:
        if function.__closure__:
            raise TypeError(
                f"{function.__qualname__}: is a closure, and compiled code does not depend on enclosed values; pass them as data"
            )
        self._kernel: Any = part(function)
        self._numbers, self._line = function.__code__.co_argcount - 1, function.__code__.co_firstlineno
        self._place, self._stamp = cache.place_and_stamp(function)
        self._code: dict[Kinds, int] = {}
        self.__doc__, self.__name__ = function.__doc__, function.__name__

    def code(self, data: tuple[Any, ...], kinds: Kinds) -> int:
        """The address of the code for `data` with the types `kinds`; the code is loaded from the cache, or compiled."""
        found = self._code.get(kinds)
        if found is None:
            with _one_at_a_time:
                found = self._code[kinds] = self._code.get(kinds) or self._loaded(kinds) or self._made_now(data, kinds)
        return found

    def wanted(self, data: tuple[Any, ...], known: Known) -> ahead.WantedPart | None:
        """What another process needs to compile the part for data of these types; None if the code is there already."""
        kinds, _ = known.flat(data)
        if kinds in self._code or cache.holds(name := self._file(kinds)):
            return None
        return ahead.WantedPart(self._kernel.__module__, self._kernel.__qualname__, ahead.described(kinds), name)

    def _loaded(self, kinds: Kinds) -> int | None:
        kept = cache.find(self._file(kinds))
        return None if kept is None else object_code.address(kept)

    def _made_now(self, data: tuple[Any, ...], kinds: Kinds) -> int:
        """The code, from another process that is compiling it, or compiled here."""
        elsewhere = self._loaded(kinds) if ahead.wait(self._file(kinds)) else None
        return elsewhere or self._compiled(data, kinds)

    def _compiled(self, data: tuple[Any, ...], kinds: Kinds) -> int:
        listening.begin()  # loading Numba is part of it
        try:
            dispatcher = self._kernel.dispatcher
            from lifsim.engine.compiler.dispatchers import compile_part

            address, kept = compile_part(dispatcher, data, self._numbers)
        finally:
            listening.end()
        if kept is not None:
            cache.keep(self._file(kinds), kept)
        return address

    def _file(self, kinds: Kinds) -> str:
        """The name of the file that stores the code for these types of data on this processor."""
        digest = hashlib.sha256(f"{self._stamp.hex()} {self._line} {_told(kinds)} {object_code.processor()}".encode())
        return f"{self._place}.{digest.hexdigest()[:32]}.{object_code.SUFFIX}"

    def __call__(self, data: tuple[Any, ...], *numbers: int) -> None:
        """Run the part with `data`."""
        Calls([(self, data)], Known()).run(0, *numbers)


_one_at_a_time = threading.RLock()


def _renew() -> None:
    """Make a new lock after a fork: the thread that held the old one does not exist in the child."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def _told(kinds: Any) -> str:
    """`kinds` as text that is the same in every process."""
    if isinstance(kinds, tuple):
        return f"({' '.join(map(_told, kinds))})"
    return f"{kinds.__module__}.{kinds.__qualname__}" if isinstance(kinds, type) else repr(kinds)


class Calls:
    """Parts with their data, ready to be called: `code` and `data` are their addresses, shape (n_parts,).

    The data stay in memory as long as this object.
    """

    def __init__(self, parts: Iterable[tuple[Part, tuple[Any, ...]]], known: Known) -> None:
        self._parts = list(parts)
        flattened = [known.flat(data) for _, data in self._parts]
        self._kinds = [kinds for kinds, _ in flattened]
        self._words = [np.array(words, np.int64) for _, words in flattened]
        self.code = np.array([part.code(data, kinds) for (part, data), kinds in zip(self._parts, self._kinds, strict=True)], np.int64)
        self.data = np.array([address_of(words) for words in self._words], np.int64)

    def run(self, i: int, *numbers: int) -> None:
        """Call part `i`, without the GIL."""
        nothing = ctypes.c_void_p()  # placeholder for the value and the error
        function = _FUNCTIONS[len(numbers)](int(self.code[i]))
        if function(ctypes.byref(nothing), ctypes.byref(nothing), int(self.data[i]), *map(int, numbers)):
            raise RuntimeError(f"{self._parts[i][0].__name__} failed")

    def programs(self) -> Programs:
        """The compiled functions that the parts call: the name of each part and the types of its data, without repetitions."""
        return {(part.__name__, kinds) for (part, _), kinds in zip(self._parts, self._kinds, strict=True)}


def _bits(x: Any) -> int:
    """The 64-bit word of a number."""
    code = "d" if isinstance(x, float) else "q" if x < 1 << 63 else "Q"
    return int(struct.unpack("q", struct.pack(code, x))[0])


@machine_code
def call(typingctx, code, data, numbers):
    """Call the part at the address `code` with the data at the address `data` and a tuple of whole numbers."""

    def codegen(context, builder, signature, args):
        kinds, convention = [types.int64] * (1 + len(signature.args[2])), context.call_conv
        function = builder.inttoptr(args[0], convention.get_function_type(types.none, kinds).as_pointer())
        given = [args[1], *cgutils.unpack_tuple(builder, args[2], len(signature.args[2]))]
        status, _ = convention.call_function(builder, function, types.none, kinds, given)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.UniTuple(types.int64, len(numbers))), codegen


@machine_code
def read(typingctx, m):
    """The tuple whose words are at `m`, with addresses for nested tuples. Its arrays have no owner; the caller keeps them alive."""

    def codegen(context, builder, signature, args):
        parts = [data_words.made(context, builder, kind, args[0], first) for kind, first in data_words.placed(m.kind)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.BaseTuple.from_types(list(map(data_words.seen, m.kind)))(m), codegen
