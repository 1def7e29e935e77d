"""Arithmetic expressions over named values: ``4 * order``, ``round(N * scale)``, ``W[:, ::2]``.

The syntax is that of Python. Expressions are parsed by `ast`, and only allowed nodes of the syntax tree are evaluated; no code is
executed. All numbers are float64, so that integers cannot grow without bound; array sizes are bounded, and a `Budget` bounds
the computation and memory of all expressions of a model file together.
"""

from __future__ import annotations

import ast
import math
import operator
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.common.errors import did_you_mean
from lifsim.common.text import shortened
from lifsim.modelfile.expression_words import function_problem, name_problem, part
from lifsim.modelfile.functions import (
    CONSTANTS,
    COST,
    FUNCTIONS,
    MAX_SIZE,
    PRODUCT,
    SIGNATURES,
    Exhausted,
    Result,
    fitting,
    product_size,
    whole_number,
)

MAX_LENGTH = 4000
MOST_COMPUTED = 100_000_000  # numbers that all expressions of a model may compute: about a second
MOST_HELD = 16_000_000  # numbers that they may hold at a time: 128 MB


@dataclass(eq=False)
class Budget:
    """The remaining budget of array elements that expressions may compute and hold. Scalars are bounded by the length of the text."""

    computed: float = MOST_COMPUTED
    held: float = MOST_HELD

    def compute(self, n: float) -> None:
        """Charge `n` numbers before they are computed (Exhausted)."""
        self.computed -= n
        if self.computed < 0:
            raise Exhausted(f"with this the expressions compute more than {MOST_COMPUTED:,} numbers; put large arrays into files")

    def hold(self, n: float) -> None:
        """Charge `n` numbers that are kept in memory (Exhausted)."""
        self.held -= n
        if self.held < 0:
            raise Exhausted(f"with this the expressions hold more than {MOST_HELD:,} numbers; put large arrays into files")

    def hold_while_alive(self, array: np.ndarray) -> None:
        """As `hold`, until `array` is freed."""
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
        `FUNCTIONS`. Operations on arrays are elementwise, as in NumPy.
    names : values of the names: numbers, booleans, strings, arrays.
    budget : limit of computation and memory; default: a new one.

    Returns
    -------
    float, bool, str or a float64 or boolean array; every computed number is finite.

    Raises
    ------
    ValueError : the expression is not valid or cannot be computed.
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


class _Walk(ast.NodeVisitor):
    """Evaluates a syntax tree. A node without a method in this class is not allowed."""

    def __init__(self, names: Mapping[str, Any], budget: Budget) -> None:
        self.names, self.budget = names, budget

    def generic_visit(self, node: ast.AST) -> Any:
        raise ValueError(f"{part(node)} is not allowed in an expression")

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
        raise ValueError(name_problem(node.id, self.names))

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
        self.budget.compute(fitting((len(items), *(np.shape(items[0]) if items else ()))))
        return self._tidy(np.array(items, dtype=float))

    def visit_Dict(self, node: ast.Dict) -> dict[str, Any]:
        keys = [None if key is None else self.visit(key) for key in node.keys]
        if not all(isinstance(key, str) for key in keys):
            raise ValueError("the keys of a choice {…} must be strings")
        return dict(zip(keys, map(self.visit, node.values), strict=True))  # type: ignore[arg-type]

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        held, index = self.visit(node.value), self._index(node.slice)
        if isinstance(held, dict):
            if not isinstance(index, str) or index not in held:
                raise ValueError(f"{index!r} is none of the choices; {did_you_mean(str(index), held)}")
            return held[index]
        if not isinstance(held, np.ndarray):
            raise ValueError("an index behind something that is not an array")
        if isinstance(index, np.ndarray):
            self.budget.compute(fitting((index.size, held.size // max(1, len(held)))))  # before the array is made
        return self._tidy(_guarded(operator.getitem, held, index))

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            parts = tuple(self._index(x) for x in node.elts)
            if any(isinstance(x, np.ndarray) for x in parts):
                raise ValueError("an index that is an array cannot be combined with other indices")
            return parts
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if end is None else whole_number(self.visit(end)) for end in ends))
        index = self.visit(node)
        if isinstance(index, np.ndarray) and index.dtype != bool:
            self.budget.compute(index.size)
            if index.size and (index != np.floor(index)).any():
                raise ValueError(f"{index[index != np.floor(index)][0]:g} is not a whole number")
            return np.clip(index, -MAX_SIZE - 1, MAX_SIZE).astype(int)  # indices beyond the largest array stay out of range
        return index if isinstance(index, (str, np.ndarray)) else min(max(whole_number(index), -MAX_SIZE - 1), MAX_SIZE)

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else "…"
        if name not in FUNCTIONS:
            raise ValueError(function_problem(node.func))
        arguments = _numbers(*(self.visit(x) for x in node.args))
        keywords = {k.arg or "**": self.visit(k.value) for k in node.keywords}
        try:
            SIGNATURES[name].bind(*arguments, **keywords)
        except TypeError as error:
            raise ValueError(f"{name}{SIGNATURES[name]}: {error}") from None
        return self._call(name, arguments, keywords)

    def _call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call an allowed function and charge its cost to the budget."""
        n = sum(np.size(x) for x in (*arguments, *keywords.values()))
        if name == "dot":
            n = PRODUCT * _guarded(product_size, *arguments)
        self.budget.compute(COST.get(name, 1.0) * n)
        return self._tidy(_guarded(FUNCTIONS[name], *arguments, **keywords))

    def _elementwise(self, function: Callable[..., Any], *x: Any) -> Any:
        """Apply an elementwise `function` to numbers and arrays, with broadcasting."""
        if any(isinstance(v, np.ndarray) for v in x):
            self.budget.compute(_guarded(fitting, *map(np.shape, x)))
        return self._tidy(_guarded(function, *x))

    def _compared(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        if type(op) not in _COMPARE:
            raise ValueError(f"{part(op)} is not allowed in an expression")
        if isinstance(left, str) != isinstance(right, str):
            raise ValueError(f"a text is compared with a number: {shortened(repr(left))}, {shortened(repr(right))}")
        if isinstance(left, dict) or isinstance(right, dict):
            raise ValueError("a choice {…} needs an index: {'a': 1, 'b': 2}[name]")
        return self._elementwise(_COMPARE[type(op)], left, right)

    def _tidy(self, x: Any) -> Any:
        """Convert a result to float, bool or array; ValueError unless it is finite and of bounded size."""
        if isinstance(x, bool) or (type(x) is float and math.isfinite(x)):
            return x
        if isinstance(x, complex):
            raise ValueError("the result is not a real number")
        array = np.asarray(x)
        fitting(array.shape)
        if array.dtype != bool:
            array = array.astype(float, copy=False)
            if not np.isfinite(array).all():
                raise ValueError("the result is not finite")
        if array.ndim == 0:
            return array.item()
        if array.base is None:  # a view owns no memory
            self.budget.hold_while_alive(array)
        return array


def _value(raw: Any) -> Any:
    """Convert a named value to float, bool, str or an array of floats or booleans."""
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
    """Call `function` and convert arithmetic errors to ValueErrors."""
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
