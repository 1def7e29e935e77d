"""Parts: kernels that are compiled by themselves and called by address.

Numba makes one program of a kernel and of everything that it calls. A time loop that called models, stimuli and rules of plasticity
in that way would be compiled anew for each combination of them. A part is compiled once for the types of its own data, whatever
network it is in: who calls it knows two numbers, the address of its code and that of its data. So programs add up and do not multiply.

The data of a part are a tuple of arrays, numbers and further tuples (`NamedTuple`s). In memory they are a row of 64-bit words: of an
array its address, shape and strides (arrays are contiguous), of a number its bits. To a part a `NamedTuple` is the address of its words:
``m.ring`` is the address of those of a tuple in it, ``m.ring.ids`` makes an array of some, and what is not used is not read. Plain tuples
are taken apart by ``a, b = read(m)``.

Numba compiles parts; it is not needed to run them. Their machine code is kept as object files, which `objectcode` links to addresses: to
load them as functions of Numba would first make it register all types and functions that it knows, a third of a second in each process.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.core.compiler_lock import global_compiler_lock
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model
from numba.np.arrayobj import populate_array

from lifsim.engine.compiler import cache, object_code
from lifsim.engine.compiler.intrinsics import machine_code
from lifsim.engine.compiler.jit import part

WORD = ir.IntType(64)
Kinds = tuple[Any, ...]  # what tells the types in data
# Numba's convention: a status is returned, 0 if all is well; places for the value and for an error, data, numbers are given.
_FUNCTIONS = [ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * (1 + n)) for n in range(8)]
Programs = set[tuple[str, Kinds]]  # compiled parts: their names, and what tells the types of their data


class At(types.Type):
    """The address of the words of a tuple of the type `kind`, of which an attribute is a field."""

    def __init__(self, kind: Any) -> None:
        self.kind, self.instance_class = kind, getattr(kind, "instance_class", None)
        super().__init__(f"At({kind})")


@register_model(At)
class _AtModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, WORD)


# -- data in memory ---------------------------------------------------------------------------------


def address_of(array: np.ndarray) -> int:
    """Where the numbers of `array` lie: the first field of its structure in C, read at a tenth of what ``array.ctypes.data`` costs."""
    return ctypes.c_ssize_t.from_address(id(array) + object.__basicsize__).value


class Known:
    """Tuples that were flattened, by their identity: itself (so that nothing else gets its identity), what tells its types, its words."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Any, Kinds, list[int]]] = {}

    def flat(self, data: Any) -> tuple[Kinds, list[int]]:
        """What tells the types in `data`, and its words."""
        found = self._found.get(id(data))
        if found is None:
            found = self._found[id(data)] = data, *self._flattened(data)
        return found[1:]

    def keep(self, tuples: Iterable[Any]) -> None:
        """Forget all others, and with them the arrays that only they hold."""
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
    """A kernel ``function(m, *numbers)``: `m` is the address of its data, the others are whole numbers. It returns nothing."""

    def __init__(self, function: Callable[..., None]) -> None:
        if function.__closure__:
            raise TypeError(f"{function.__qualname__}: what a part encloses does not tell its code from that of another; give it as data")
        self._kernel: Any = part(function)
        self._numbers, self._line = function.__code__.co_argcount - 1, function.__code__.co_firstlineno
        self._place, self._stamp = cache.place_and_stamp(function)
        self._code: dict[Kinds, int] = {}
        self.__doc__, self.__name__ = function.__doc__, function.__name__

    def code(self, data: tuple[Any, ...], kinds: Kinds) -> int:
        """The address of the code for `data`, whose types `kinds` tells; taken from the cache, or compiled if it is not there."""
        found = self._code.get(kinds)
        if found is None:
            with _one_at_a_time:
                found = self._code[kinds] = self._code.get(kinds) or self._loaded(kinds) or self._compiled(data, kinds)
        return found

    def _loaded(self, kinds: Kinds) -> int | None:
        kept = cache.find(self._file(kinds))
        return None if kept is None else object_code.address(kept)

    @global_compiler_lock
    def _compiled(self, data: tuple[Any, ...], kinds: Kinds) -> int:
        signature = (At(typeof(data)), *[types.int64] * self._numbers)
        self._kernel.compile(signature)
        compiled = self._kernel.overloads[signature]
        name = compiled.fndesc.llvm_func_name
        address = int(compiled.library.get_pointer_to_function(name))
        kept = object_code.of(compiled.library, name)
        if kept is not None:
            cache.keep(self._file(kinds), kept)
        return address

    def _file(self, kinds: Kinds) -> str:
        """The name of the file of the code for these types of data on this processor."""
        digest = hashlib.sha256(f"{self._stamp.hex()} {self._line} {_told(kinds)} {object_code.processor()}".encode())
        return f"{self._place}.{digest.hexdigest()[:32]}.{object_code.SUFFIX}"

    def __call__(self, data: tuple[Any, ...], *numbers: int) -> None:
        """Run it."""
        Calls([(self, data)], Known()).run(0, *numbers)


_one_at_a_time = threading.RLock()


def _renew() -> None:
    """In a copy of the process: whoever held the lock is not there."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def _told(kinds: Any) -> str:
    """`kinds` in words, the same in each process."""
    if isinstance(kinds, tuple):
        return f"({' '.join(map(_told, kinds))})"
    return f"{kinds.__module__}.{kinds.__qualname__}" if isinstance(kinds, type) else repr(kinds)


class Calls:
    """Parts with their data, to be called one after the other: `code` and `data` are their addresses, shape (n,).

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
        nothing = ctypes.c_void_p()  # where values and errors would go
        function = _FUNCTIONS[len(numbers)](int(self.code[i]))
        if function(ctypes.byref(nothing), ctypes.byref(nothing), int(self.data[i]), *map(int, numbers)):
            raise RuntimeError(f"{self._parts[i][0].__name__} failed")

    def programs(self) -> Programs:
        """Each part by its name, with what tells the types of its data."""
        return {(part.__name__, kinds) for (part, _), kinds in zip(self._parts, self._kinds, strict=True)}


def _bits(x: Any) -> int:
    """The word of a number."""
    code = "d" if isinstance(x, float) else "q" if x < 1 << 63 else "Q"
    return int(struct.unpack("q", struct.pack(code, x))[0])


@machine_code
def call(typingctx, code, data, numbers):
    """Call the part whose code is at the address `code` with the data at `data` and a tuple of whole numbers."""

    def codegen(context, builder, signature, args):
        kinds, convention = [types.int64] * (1 + len(signature.args[2])), context.call_conv
        function = builder.inttoptr(args[0], convention.get_function_type(types.none, kinds).as_pointer())
        given = [args[1], *cgutils.unpack_tuple(builder, args[2], len(signature.args[2]))]
        status, _ = convention.call_function(builder, function, types.none, kinds, given)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.UniTuple(types.int64, len(numbers))), codegen


# -- data as kernels see them ----------------------------------------------------------------------------


@machine_code
def read(typingctx, m):
    """The tuple whose words lie at `m`; of the tuples in it their addresses. Its arrays have no owner: who calls keeps them alive."""

    def codegen(context, builder, signature, args):
        parts = [_made(context, builder, kind, args[0], first) for kind, first in _placed(m.kind)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.BaseTuple.from_types(list(map(_seen, m.kind)))(m), codegen


@infer_getattr
class _AtAttribute(AttributeTemplate):
    key = At

    def generic_resolve(self, at: Any, name: str) -> Any:  # type: ignore[override, unused-ignore]
        fields = getattr(at.kind, "fields", ())
        return _seen(list(at.kind)[fields.index(name)]) if name in fields else None


@lower_getattr_generic(At)
def _field(context, builder, at, value, name):
    kind, first = _placed(at.kind)[at.kind.fields.index(name)]
    return _made(context, builder, kind, value, first)


def _seen(kind: Any) -> Any:
    """The type of a part of data as kernels see it: of a named tuple its address."""
    return At(kind) if isinstance(kind, types.BaseNamedTuple) and _size(kind) else kind


def _size(kind: Any) -> int:
    """Words of a value of the type `kind`."""
    if isinstance(kind, types.Array):
        return 2 * int(kind.ndim)  # address, shape, strides but the last
    if isinstance(kind, types.BaseTuple):
        fields: Any = kind
        return sum(map(_size, fields))
    return 0 if isinstance(kind, types.NoneType) else 1


def _placed(kind: Any) -> list[tuple[Any, int]]:
    """The type of each entry of a tuple of the type `kind`, and the number of its first word."""
    kinds = list(kind)
    return list(zip(kinds, itertools.accumulate(map(_size, kinds), initial=0), strict=False))


def _made(context: Any, builder: Any, kind: Any, at: Any, first: int) -> Any:
    """A part of data, of the type `kind`, of the words from number `first` on at the address `at`."""
    if isinstance(_seen(kind), At):
        return builder.add(at, WORD(8 * first))
    if isinstance(kind, types.BaseTuple):
        return context.make_tuple(builder, kind, [_made(context, builder, own, at, first + n) for own, n in _placed(kind)])
    if isinstance(kind, types.NoneType):
        return context.get_dummy_value()
    words = [_word(builder, at, first + i) for i in range(_size(kind))]
    if isinstance(kind, types.Array):
        array, n, size = context.make_array(kind)(context, builder), kind.ndim, context.get_abi_sizeof(context.get_data_type(kind.dtype))
        data = builder.inttoptr(words[0], array.data.type)
        populate_array(array, data=data, shape=words[1 : n + 1], strides=[*words[n + 1 :], WORD(size)], itemsize=size, meminfo=None)
        return array._getvalue()
    if isinstance(kind, types.Float):
        return builder.bitcast(words[0], context.get_value_type(kind))
    own = context.get_value_type(kind)
    return words[0] if own == WORD else builder.trunc(words[0], own)


def _word(builder: Any, at: Any, i: int) -> Any:
    """Word number `i` of those at the address `at`; it stays what it is as long as the part runs."""
    word = builder.load(builder.inttoptr(builder.add(at, WORD(8 * i)), WORD.as_pointer()))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word
