"""A digest of what a function does, to notice when another one has its name."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType
from typing import Any


def code_digest(function: Callable[..., Any]) -> str:
    """A digest of the code of a function, and of what it uses: 32 hexadecimal digits.

    Equal for functions with the same bytecode, constants, names, default arguments and enclosed values, and for which the same holds of
    the functions of the same module that they call; remarks, line numbers and docstrings do not matter. Of values that may change
    (lists, arrays, objects), only the type counts. Another version of Python compiles to other bytecode, and so gives another digest.

    Parameters
    ----------
    function : a function, a method, a `functools.partial`, or an object with the method ``__call__``.
    """
    return hashlib.sha256(repr(_facts(function, ())).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _facts(value: Any, outer: tuple[int, ...]) -> Any:
    """What is told of a value in a digest; `outer` are the ids of the functions that led to it."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, PurePath)):
        return type(value).__name__, str(value) if isinstance(value, PurePath) else value
    if isinstance(value, tuple):
        return "tuple", [_facts(x, outer) for x in value]
    if isinstance(value, frozenset):
        return "frozenset", sorted(repr(_facts(x, outer)) for x in value)  # in an order of their own, which differs between processes
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, value.co_varnames, value.co_freevars, [_facts(x, outer) for x in value.co_consts]
    if id(value) in outer:
        return "recursion"
    inside = (*outer, id(value))
    if isinstance(value, FunctionType):
        return _of_function(value, inside)
    if isinstance(value, MethodType):
        return "method", _facts(value.__func__, inside), _type(value.__self__)
    if isinstance(value, functools.partial):
        keywords = [(name, _facts(x, inside)) for name, x in sorted(value.keywords.items())]
        return "partial", _facts(value.func, inside), _facts(value.args, inside), keywords
    call = next((vars(kind)["__call__"] for kind in type(value).__mro__ if "__call__" in vars(kind)), None)
    own = _facts(call, inside) if isinstance(call, FunctionType) else ""
    return _type(value), getattr(value, "__qualname__", ""), own


def _of_function(function: FunctionType, inside: tuple[int, ...]) -> Any:
    code = function.__code__
    consts = [x for k, x in enumerate(code.co_consts) if k or x is None or x != function.__doc__]  # without the docstring
    defaults = [function.__defaults__, *(function.__kwdefaults__ or {}).items()]
    enclosed = [_enclosed(cell, inside) for cell in function.__closure__ or ()]
    called = {name: function.__globals__.get(name) for name in code.co_names}
    near = [(name, _facts(x, inside)) for name, x in called.items() if isinstance(x, FunctionType) and x.__module__ == function.__module__]
    return code.co_code, code.co_names, code.co_varnames, [_facts(x, inside) for x in (*consts, *defaults)], enclosed, near


def _enclosed(cell: Any, inside: tuple[int, ...]) -> Any:
    try:
        return _facts(cell.cell_contents, inside)
    except ValueError:  # not assigned yet
        return "empty"


def _type(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"
