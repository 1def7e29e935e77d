"""Functions with one body for each type of their arguments; Numba hears of them when it first compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_unknown: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = []  # those of which Numba has not heard


def overload(stub: Callable[..., Any], **options: Any) -> Callable[[F], F]:
    """A decorator: the decorated function takes the types of the arguments of `stub` and returns its body for them.

    `options` are those of Numba's `overload`, which this is without loading Numba.
    """

    def declare(body_of: F) -> F:
        _unknown.append((stub, body_of, options))
        return body_of

    return declare


def tell_numba() -> None:
    """Tell Numba of the functions that were declared since the last call."""
    from numba.extending import overload

    while _unknown:
        stub, body_of, options = _unknown.pop(0)
        overload(stub, **options)(body_of)


# -- questions about types ---------------------------------------------------------------------------


def is_none(kind: Any) -> bool:
    """Whether this is the type of None."""
    from numba import types

    return isinstance(kind, types.NoneType)


def is_array(kind: Any) -> bool:
    """Whether this is the type of an array."""
    from numba import types

    return isinstance(kind, types.Array)


def is_integer(kind: Any) -> bool:
    """Whether this is the type of a whole number."""
    from numba import types

    return isinstance(kind, types.Integer)
