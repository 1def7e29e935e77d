"""Arithmetic expressions over named values: ``4 * order``, ``round(N * scale)``, ``W[:, ::2]``.

The syntax is Python's, read by `ast` and walked with a list of what is allowed; nothing is ever
executed. All numbers are float64, so that no expression can grow without end; sizes are bounded, and a `Budget` bounds
what all expressions of a model file compute and hold together.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
import re
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from lifsim.errors import did_you_mean

Result: TypeAlias = "float | bool | str | np.ndarray"

MAX_LENGTH = 4000
_LONGEST_MESSAGE = 2000
MAX_SIZE = 1_000_000
MOST_DIMENSIONS = 4  # of an array
MOST_COMPUTED = 100_000_000  # numbers that the expressions of a model compute, in all: about a second
MOST_HELD = 16_000_000  # numbers that they hold at a time: 128 MB
CONSTANTS = {"pi": math.pi}

# What a number costs, where that is much more than an addition.
_COST = {"lambertw": 100.0, "normal_quantile": 10.0, "exp": 3.0, "expm1": 3.0, "log": 3.0, "log1p": 3.0, "log10": 3.0}
_COST |= {"sin": 4.0, "cos": 4.0, "tanh": 4.0}
_PRODUCT = 1 / 32  # an addition of a product, within a matrix product


class Exhausted(ValueError):
    """A budget is used up."""


@dataclass(eq=False)
class Budget:
    """What expressions may still compute and hold, in numbers; of arrays alone, for all else goes with the length of the text."""

    computed: float = MOST_COMPUTED
    held: float = MOST_HELD

    def compute(self, n: float) -> None:
        """Take `n` numbers that are about to be computed (Exhausted)."""
        self.computed -= n
        if self.computed < 0:
            raise Exhausted(f"with this the expressions compute more than {MOST_COMPUTED:,} numbers; put large arrays into files")

    def hold(self, n: float) -> None:
        """Take `n` numbers that stay in memory (Exhausted)."""
        self.held -= n
        if self.held < 0:
            raise Exhausted(f"with this the expressions hold more than {MOST_HELD:,} numbers; put large arrays into files")

    def hold_while_alive(self, array: np.ndarray) -> None:
        """As `hold`, until nothing refers to `array` any more."""
        self.hold(array.size)
        weakref.finalize(array, self._release, array.size).atexit = False

    def _release(self, n: float) -> None:
        self.held += n


def is_expression(raw: Any) -> bool:
    """Whether `raw` is a string that starts with ``=``."""
    return isinstance(raw, str) and raw.lstrip().startswith("=")


def evaluate(text: str, names: Mapping[str, Any], budget: Budget | None = None) -> Result:
    """The value of the expression `text`, with or without its leading ``=``.

    Parameters
    ----------
    text : numbers, names, ``+ - * / ** // % @``, comparisons, ``and or not``, ``a if c else b``,
        lists, indices and slices, a choice such as ``{'dc': 0, 'poisson': 8}[drive]``, and calls of
        `FUNCTIONS`. Arrays are taken elementwise, as in NumPy.
    names : what the names stand for: numbers, booleans, strings, arrays.
    budget : what it may compute and hold; one of its own unless given.

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
            out = _Walk(names, budget or Budget()).visit(tree.body)
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
    out = re.sub(r"""'[^']{61,}'|"[^"]{61,}"|\[[^][]{61,}\]""", lambda found: shortened(found[0]), message)
    return shortened(out, _LONGEST_MESSAGE)


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


def _fit(*shapes: tuple[int, ...]) -> int:
    """The number of elements of what has these shapes together; ValueError if they are too many."""
    dimensions = max(map(len, shapes), default=0)
    if dimensions > MOST_DIMENSIONS:
        raise ValueError(f"an array of {dimensions} dimensions; at most {MOST_DIMENSIONS} are allowed")
    size = math.prod(np.broadcast_shapes(*shapes))
    if size > MAX_SIZE:
        raise ValueError(f"an array of {size} elements; at most {MAX_SIZE} are allowed")
    return size


def _outer(a: Any, b: Any) -> np.ndarray:
    _fit((np.size(a), np.size(b)))
    return np.outer(a, b)


def _products(a: Any, b: Any) -> int:
    """How many products a matrix product takes."""
    if not (1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2):
        raise ValueError("@ takes vectors and matrices")
    return _fit(np.shape(a)[:-1] + np.shape(b)[1:]) * np.shape(a)[-1]


def _extreme(elementwise: Callable, overall: Callable) -> Callable:
    def function(x: Any, *more: Any, axis: Any = None) -> Any:
        _fit(*map(np.shape, (x, *more)))
        return reduce(elementwise, more, x) if more else overall(x, axis=_axis(axis))

    return function


def _arange(start: Any, stop: Any = None, step: Any = 1.0) -> np.ndarray:
    first, last = (0.0, start) if stop is None else (start, stop)
    if step == 0:
        raise ValueError("arange with a step of 0")
    _count(max(0.0, math.ceil((last - first) / step)))
    return np.arange(first, last, step)


def _linspace(a: Any, b: Any, n: Any) -> np.ndarray:
    _fit((_count(n), *np.broadcast_shapes(np.shape(a), np.shape(b))))
    return np.linspace(a, b, _count(n))


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
    "dot": operator.matmul,
    "transpose": lambda x: np.transpose(x),
    "diag": _diag,
    "eye": _eye,
    "zeros": lambda n: np.zeros(_count(n)),
    "ones": lambda n: np.ones(_count(n)),
    "arange": _arange,
    "linspace": _linspace,
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
    ast.MatMult: operator.matmul,
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

    def __init__(self, names: Mapping[str, Any], budget: Budget) -> None:
        self.names, self.budget = names, budget

    def generic_visit(self, node: ast.AST) -> Any:
        raise ValueError(f"{type(node).__name__} is not allowed in an expression")

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, (bool, str)):
            return node.value
        if not isinstance(node.value, (int, float)):
            raise ValueError(f"{node.value!r} is not allowed in an expression")
        return self._tidy(_guarded(float, node.value))

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return _value(self.names[node.id])
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        raise ValueError(f"unknown name {shortened(node.id)!r}; {did_you_mean(node.id, chain(self.names, CONSTANTS))}".removesuffix("; "))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        a, b = _numbers(self.visit(node.left), self.visit(node.right))
        if type(node.op) not in _BINARY:
            return self.generic_visit(node.op)
        if isinstance(node.op, ast.MatMult):
            return self._call("dot", (a, b), {})
        return self._elementwise(_BINARY[type(node.op)], a, b)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        (x,) = _numbers(self.visit(node.operand))
        if isinstance(node.op, ast.Not):
            return self._elementwise(np.logical_not, x)
        if isinstance(node.op, ast.USub):
            return self._elementwise(np.negative, np.asarray(x, dtype=float))
        return x if isinstance(node.op, ast.UAdd) else self.generic_visit(node.op)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        both = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        out = self._truth(node.values[0])
        for other in node.values[1:]:
            if isinstance(out, bool) and out is not isinstance(node.op, ast.And):
                return out
            out = self._elementwise(both, out, self._truth(other))
        return out

    def _truth(self, node: ast.expr) -> Any:
        (x,) = _numbers(self.visit(node))
        return self._elementwise(lambda x: np.asarray(x, dtype=bool), x)

    def visit_Compare(self, node: ast.Compare) -> Any:
        out: Any = True
        left = self.visit(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.visit(comparator)
            out = self._elementwise(np.logical_and, out, self._compared(op, left, right))
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
        self.budget.compute(_fit((len(items), *(np.shape(items[0]) if items else ()))))
        return self._tidy(np.array(items, dtype=float))

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
            self.budget.compute(_fit((index.size, held.size // max(1, len(held)))))  # before it is made
        return self._tidy(_guarded(operator.getitem, held, index))

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
            self.budget.compute(index.size)
            if index.size and (index != np.floor(index)).any():
                raise ValueError(f"{index[index != np.floor(index)][0]:g} is not a whole number")
            return np.clip(index, -MAX_SIZE - 1, MAX_SIZE).astype(int)  # no array reaches beyond
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
        return self._call(name, arguments, keywords)

    def _call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """What a function returns for these arguments."""
        n = sum(np.size(x) for x in (*arguments, *keywords.values()))
        if name == "dot":
            n = _PRODUCT * _guarded(_products, *arguments)
        self.budget.compute(_COST.get(name, 1.0) * n)
        return self._tidy(_guarded(FUNCTIONS[name], *arguments, **keywords))

    def _elementwise(self, function: Callable[..., Any], *x: Any) -> Any:
        """`function` of numbers and arrays that are broadcast."""
        if any(isinstance(v, np.ndarray) for v in x):
            self.budget.compute(_guarded(_fit, *map(np.shape, x)))
        return self._tidy(_guarded(function, *x))

    def _compared(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        if type(op) not in _COMPARE:
            raise ValueError(f"{type(op).__name__} is not allowed in an expression")
        if isinstance(left, str) != isinstance(right, str):
            raise ValueError(f"a text is compared with a number: {shortened(repr(left))}, {shortened(repr(right))}")
        if isinstance(left, dict) or isinstance(right, dict):
            raise ValueError("a choice {…} needs an index: {'a': 1, 'b': 2}[name]")
        return self._elementwise(_COMPARE[type(op)], left, right)

    def _tidy(self, x: Any) -> Any:
        """A result as float, bool or array; refused unless finite and of bounded size."""
        if isinstance(x, bool) or (type(x) is float and math.isfinite(x)):
            return x
        if isinstance(x, complex):
            raise ValueError("the result is not a real number")
        array = np.asarray(x)
        _fit(array.shape)
        if array.dtype != bool:
            array = array.astype(float, copy=False)
            if not np.isfinite(array).all():
                raise ValueError("the result is not finite")
        if array.ndim == 0:
            return array.item()
        if array.base is None:  # a view holds nothing of its own
            self.budget.hold_while_alive(array)
        return array


# -- values --------------------------------------------------------------------------------------


def _value(raw: Any) -> Any:
    """A named value in the forms used here: float, bool, str, array of floats or booleans."""
    if isinstance(raw, (bool, str)):
        return raw
    if isinstance(raw, (list, tuple, np.ndarray)):
        array = np.asarray(raw)
        return array if array.dtype == bool else array.astype(float, copy=False)
    return float(raw)


def _numbers(*values: Any) -> tuple[Any, ...]:
    for x in values:
        if isinstance(x, (str, dict)):
            raise ValueError(f"{shortened(repr(x))} is not a number")
    return values


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
