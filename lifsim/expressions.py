"""Arithmetic expressions over named values: ``4 * order``, ``round(N * scale)``, ``W[:, ::2]``.

The syntax is Python's, read by `ast` and walked with a list of what is allowed; nothing is ever
executed. All numbers are float64, so that no expression can grow without end; sizes are bounded.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from lifsim.errors import did_you_mean

Result: TypeAlias = "float | bool | str | np.ndarray"

MAX_LENGTH = 4000
MAX_SIZE = 1_000_000
MOST_DIMENSIONS = 4  # of an array
CONSTANTS = {"pi": math.pi}


def is_expression(raw: Any) -> bool:
    """Whether `raw` is a string that starts with ``=``."""
    return isinstance(raw, str) and raw.lstrip().startswith("=")


def evaluate(text: str, names: Mapping[str, Any]) -> Result:
    """The value of the expression `text`, with or without its leading ``=``.

    Parameters
    ----------
    text : numbers, names, ``+ - * / ** // % @``, comparisons, ``and or not``, ``a if c else b``,
        lists, indices and slices, a choice such as ``{'dc': 0, 'poisson': 8}[drive]``, and calls of
        `FUNCTIONS`. Arrays are taken elementwise, as in NumPy.
    names : what the names stand for: numbers, booleans, strings, arrays.

    Returns
    -------
    float, bool, str or a float64 or boolean array; every computed number finite.

    Raises
    ------
    ValueError : with what is wrong.
    """
    body = text.strip().removeprefix("=").strip()
    if len(body) > MAX_LENGTH:
        raise ValueError(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(body, mode="eval")
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            out = _Walk(names).visit(tree.body)
    except SyntaxError as error:
        raise ValueError(f"{shortened(body)!r} is not an expression ({error.msg})") from None
    except (RecursionError, MemoryError):
        raise ValueError("the expression is nested too deeply") from None
    if isinstance(out, dict):
        raise ValueError("a choice {…} needs an index: {'a': 1, 'b': 2}[name]")
    return out


# -- functions -----------------------------------------------------------------------------------


def shortened(text: str, width: int = 60) -> str:
    """`text` cut to `width` characters, for a message."""
    return text if len(text) <= width else text[: width - 1] + "…"


def brief(message: str) -> str:
    """`message` with every long value that it quotes, a text or a list, cut short."""
    return re.sub(r"""'[^']{61,}'|"[^"]{61,}"|\[[^]]{61,}\]""", lambda found: shortened(found[0]), message)


def _count(n: Any) -> int:
    whole = _whole(n)
    if not 0 <= whole <= MAX_SIZE:
        raise ValueError(f"{whole} elements; must be 0 to {MAX_SIZE}")
    return whole


def _whole(x: Any) -> int:
    if isinstance(x, bool) or not isinstance(x, (int, float)) or not float(x).is_integer():
        raise ValueError(f"{shortened(repr(x))} is not a whole number")
    return int(x)


def _axis(axis: Any) -> int | None:
    return None if axis is None else _whole(axis)


def _fit(*shapes: tuple[int, ...]) -> None:
    dimensions = max(map(len, shapes), default=0)
    if dimensions > MOST_DIMENSIONS:
        raise ValueError(f"an array of {dimensions} dimensions; at most {MOST_DIMENSIONS} are allowed")
    size = math.prod(np.broadcast_shapes(*shapes))
    if size > MAX_SIZE:
        raise ValueError(f"an array of {size} elements; at most {MAX_SIZE} are allowed")


def _outer(a: Any, b: Any) -> np.ndarray:
    _fit((np.size(a), np.size(b)))
    return np.outer(a, b)


def _matmul(a: Any, b: Any) -> Any:
    if not (1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2):
        raise ValueError("@ takes vectors and matrices")
    _fit(np.shape(a)[:-1] + np.shape(b)[1:])
    return a @ b


def _extreme(elementwise: Callable, overall: Callable) -> Callable:
    def function(x: Any, *more: Any, axis: Any = None) -> Any:
        return reduce(elementwise, more, x) if more else overall(x, axis=_axis(axis))

    return function


def _arange(start: Any, stop: Any = None, step: Any = 1.0) -> np.ndarray:
    first, last = (0.0, start) if stop is None else (start, stop)
    if step == 0:
        raise ValueError("arange with a step of 0")
    _count(max(0.0, math.ceil((last - first) / step)))
    return np.arange(first, last, step)


def _lambertw(x: Any, k: Any = 0.0) -> Any:
    from scipy.special import lambertw

    return np.real(lambertw(x, _whole(k)))


def _normal_quantile(p: Any) -> Any:
    from scipy.special import ndtri

    return ndtri(p)


def _where(condition: Any, a: Any, b: Any) -> np.ndarray:
    _fit(np.shape(condition), np.shape(a), np.shape(b))
    return np.where(condition, a, b)


def _diag(x: Any) -> np.ndarray:
    if np.ndim(x) == 1:
        _fit((len(x), len(x)))
    return np.diag(x)


def _concat(*parts: Any) -> np.ndarray:
    _fit((sum(np.size(x) for x in parts),))
    return np.concatenate([np.atleast_1d(x) for x in parts])


def _eye(n: Any, k: Any = 0.0) -> np.ndarray:
    _fit((_count(n), _count(n)))
    return np.eye(_count(n), k=_whole(k))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": lambda x: np.sqrt(x),
    "exp": lambda x: np.exp(x),
    "expm1": lambda x: np.expm1(x),
    "log": lambda x: np.log(x),
    "log1p": lambda x: np.log1p(x),
    "log10": lambda x: np.log10(x),
    "sin": lambda x: np.sin(x),
    "cos": lambda x: np.cos(x),
    "tanh": lambda x: np.tanh(x),
    "abs": lambda x: np.abs(x),
    "round": lambda x, digits=0.0: np.round(x, _whole(digits)),  # halves to even, as Python and NumPy do
    "floor": lambda x: np.floor(x),
    "ceil": lambda x: np.ceil(x),
    "min": _extreme(np.minimum, np.min),
    "max": _extreme(np.maximum, np.max),
    "sum": lambda x, axis=None: np.sum(x, axis=_axis(axis)),
    "mean": lambda x, axis=None: np.mean(x, axis=_axis(axis)),
    "len": lambda x: float(len(np.atleast_1d(x))),
    "where": _where,
    "outer": _outer,
    "dot": lambda a, b: _matmul(a, b),
    "transpose": lambda x: np.transpose(x),
    "diag": _diag,
    "eye": _eye,
    "zeros": lambda n: np.zeros(_count(n)),
    "ones": lambda n: np.ones(_count(n)),
    "arange": _arange,
    "linspace": lambda a, b, n: np.linspace(a, b, _count(n)),
    "concat": _concat,
    "lambertw": _lambertw,  # branch k, real part
    "normal_quantile": _normal_quantile,  # inverse of the standard normal distribution function
}
_SIGNATURES = {name: inspect.signature(function) for name, function in FUNCTIONS.items()}

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: _matmul,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


# -- the walk ------------------------------------------------------------------------------------


class _Walk(ast.NodeVisitor):
    """Computes a tree from its leaves; a node without a method here is not allowed."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def generic_visit(self, node: ast.AST) -> Any:
        raise ValueError(f"{type(node).__name__} is not allowed in an expression")

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, (bool, str)):
            return node.value
        if not isinstance(node.value, (int, float)):
            raise ValueError(f"{node.value!r} is not allowed in an expression")
        return _tidy(_guarded(float, node.value))

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return _value(self.names[node.id])
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        raise ValueError(f"unknown name {shortened(node.id)!r}; {did_you_mean(node.id, [*self.names, *CONSTANTS])}".removesuffix("; "))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        a, b = _numbers(self.visit(node.left), self.visit(node.right))
        if not isinstance(node.op, ast.MatMult) and type(node.op) in _BINARY:
            _guarded(_fit, np.shape(a), np.shape(b))
        if type(node.op) not in _BINARY:
            return self.generic_visit(node.op)
        return _tidy(_guarded(_BINARY[type(node.op)], a, b))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        (x,) = _numbers(self.visit(node.operand))
        if isinstance(node.op, ast.Not):
            return _tidy(np.logical_not(x))
        if isinstance(node.op, ast.USub):
            return _tidy(-np.asarray(x, dtype=float))
        return x if isinstance(node.op, ast.UAdd) else self.generic_visit(node.op)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        both = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        out = self._truth(node.values[0])
        for other in node.values[1:]:
            if isinstance(out, bool) and out is not isinstance(node.op, ast.And):
                return out
            out = _tidy(_guarded(both, out, self._truth(other)))
        return out

    def _truth(self, node: ast.expr) -> Any:
        (x,) = _numbers(self.visit(node))
        return _tidy(np.asarray(x, dtype=bool))

    def visit_Compare(self, node: ast.Compare) -> Any:
        out: Any = True
        left = self.visit(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.visit(comparator)
            out = _tidy(_guarded(np.logical_and, out, _compare(op, left, right)))
            left = right
        return out

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        condition = self._truth(node.test)
        if not isinstance(condition, bool):
            raise ValueError("'if' needs one condition, not an array of them; use where(condition, a, b)")
        return self.visit(node.body if condition else node.orelse)

    def visit_List(self, node: ast.List) -> np.ndarray:
        items = _numbers(*(self.visit(x) for x in node.elts))
        if len({np.shape(x) for x in items}) > 1:
            raise ValueError("the rows of a list must be equally long")
        _fit((len(items), np.size(items[0]) if items else 0))
        return np.array(items, dtype=float)

    def visit_Dict(self, node: ast.Dict) -> dict[str, Any]:
        keys = [None if key is None else self.visit(key) for key in node.keys]
        if not all(isinstance(key, str) for key in keys):
            raise ValueError("the keys of a choice {…} must be texts")
        return dict(zip(keys, map(self.visit, node.values), strict=True))  # type: ignore[arg-type]

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        held, index = self.visit(node.value), self._index(node.slice)
        if isinstance(held, dict):
            if not isinstance(index, str) or index not in held:
                raise ValueError(f"{index!r} is none of the choices; {did_you_mean(str(index), held)}")
            return held[index]
        if not isinstance(held, np.ndarray):
            raise ValueError("only arrays have elements")
        if isinstance(index, np.ndarray):
            _fit((index.size, held.size // max(1, len(held))))  # before it is made
        return _tidy(_guarded(operator.getitem, held, index))

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            parts = tuple(self._index(x) for x in node.elts)
            if any(isinstance(x, np.ndarray) for x in parts):
                raise ValueError("an array of indices must stand alone")
            return parts
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if end is None else _whole(self.visit(end)) for end in ends))
        index = self.visit(node)
        if isinstance(index, np.ndarray) and index.dtype != bool:
            return np.array([_whole(x) for x in index.ravel().tolist()], dtype=int).reshape(index.shape)
        return index if isinstance(index, (str, np.ndarray)) else _whole(index)

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else "…"
        if name not in FUNCTIONS:
            raise ValueError(f"there is no function {shortened(name)!r}; {did_you_mean(name, FUNCTIONS)}")
        arguments = _numbers(*(self.visit(x) for x in node.args))
        keywords = {k.arg or "**": self.visit(k.value) for k in node.keywords}
        try:
            _SIGNATURES[name].bind(*arguments, **keywords)
        except TypeError as error:
            raise ValueError(f"{name}{_SIGNATURES[name]}: {error}") from None
        return _tidy(_guarded(FUNCTIONS[name], *arguments, **keywords))


# -- values --------------------------------------------------------------------------------------


def _value(raw: Any) -> Any:
    """A named value in the forms used here: float, bool, str, array of floats or booleans."""
    if isinstance(raw, (bool, str)):
        return raw
    if isinstance(raw, (list, tuple, np.ndarray)):
        array = np.asarray(raw)
        return array if array.dtype == bool else array.astype(float)
    return float(raw)


def _numbers(*values: Any) -> tuple[Any, ...]:
    for x in values:
        if isinstance(x, (str, dict)):
            raise ValueError(f"{shortened(repr(x))} is not a number")
    return values


def _compare(op: ast.cmpop, left: Any, right: Any) -> Any:
    if type(op) not in _COMPARE:
        raise ValueError(f"{type(op).__name__} is not allowed in an expression")
    if isinstance(left, str) != isinstance(right, str):
        raise ValueError(f"a text is compared with a number: {shortened(repr(left))}, {shortened(repr(right))}")
    return _guarded(_COMPARE[type(op)], left, right)


def _guarded(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """`function` with the ways in which arithmetic fails turned into ValueErrors."""
    try:
        return function(*arguments, **keywords)
    except ZeroDivisionError:
        raise ValueError("division by zero") from None
    except OverflowError:
        raise ValueError("the result is too large") from None
    except FloatingPointError as error:
        message = str(error).replace(" encountered in", " in")
        raise ValueError("division by zero" if message.startswith("divide by zero in divide") else message) from None
    except (TypeError, IndexError) as error:
        raise ValueError(str(error)) from None


def _tidy(x: Any) -> Any:
    """A result as float, bool or array; refused unless finite and of bounded size."""
    if isinstance(x, complex):
        raise ValueError("the result is not a real number")
    array = np.asarray(x)
    _fit(array.shape)
    if array.dtype != bool:
        array = array.astype(float)
        if not np.isfinite(array).all():
            raise ValueError("the result is not finite")
    return array.item() if array.ndim == 0 else array
