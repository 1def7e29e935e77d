"""The data of parts as kernels see them: types of Numba, and the code that builds arrays and numbers from words."""

from __future__ import annotations

import itertools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model
from numba.np.arrayobj import populate_array

WORD = ir.IntType(64)


class At(types.Type):
    """The type of the address of the words of a tuple of the type `kind`; its attributes are the fields of the tuple."""

    def __init__(self, kind: Any) -> None:
        self.kind, self.instance_class = kind, getattr(kind, "instance_class", None)
        super().__init__(f"At({kind})")


@register_model(At)
class _AtModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, WORD)


@infer_getattr
class _AtAttribute(AttributeTemplate):
    key = At

    def generic_resolve(self, at: Any, name: str) -> Any:  # type: ignore[override, unused-ignore]
        fields = getattr(at.kind, "fields", ())
        return seen(list(at.kind)[fields.index(name)]) if name in fields else None


@lower_getattr_generic(At)
def _field(context, builder, at, value, name):
    kind, first = placed(at.kind)[at.kind.fields.index(name)]
    return made(context, builder, kind, value, first)


def seen(kind: Any) -> Any:
    """The type of an entry of data in kernels: for a named tuple, its address."""
    return At(kind) if isinstance(kind, types.BaseNamedTuple) and _size(kind) else kind


def _size(kind: Any) -> int:
    """The number of words that a value of type `kind` takes."""
    if isinstance(kind, types.Array):
        return 2 * int(kind.ndim)  # address, shape, strides without the last
    if isinstance(kind, types.BaseTuple):
        fields: Any = kind
        return sum(map(_size, fields))
    return 0 if isinstance(kind, types.NoneType) else 1


def placed(kind: Any) -> list[tuple[Any, int]]:
    """The type of each entry of a tuple of the type `kind`, and the index of its first word."""
    kinds = list(kind)
    return list(zip(kinds, itertools.accumulate(map(_size, kinds), initial=0), strict=False))


def made(context: Any, builder: Any, kind: Any, at: Any, first: int) -> Any:
    """Build an entry of data of the type `kind` from the words at the address `at`, from index `first` on."""
    if isinstance(seen(kind), At):
        return builder.add(at, WORD(8 * first))
    if isinstance(kind, types.BaseTuple):
        return context.make_tuple(builder, kind, [made(context, builder, own, at, first + n) for own, n in placed(kind)])
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
    """Load word `i` of the words at the address `at`; it does not change while the part runs."""
    word = builder.load(builder.inttoptr(builder.add(at, WORD(8 * i)), WORD.as_pointer()))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word
