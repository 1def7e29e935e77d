"""The functions and constants that an expression may use."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from lifsim.common.text import shortened

Result: TypeAlias = "float | bool | str | np.ndarray"
MAX_SIZE = 1_000_000
MOST_DIMENSIONS = 4  # of an array
CONSTANTS = {"pi": math.pi}
# Cost of a function for each number, relative to an addition, if it is much higher.
COST = {"lambertw": 100.0, "normal_quantile": 10.0, "exp": 3.0, "expm1": 3.0, "log": 3.0, "log1p": 3.0, "log10": 3.0}
COST |= {"sin": 4.0, "cos": 4.0, "tanh": 4.0}
PRODUCT = 1 / 32  # relative cost of one multiply-add of a matrix product


class Exhausted(ValueError):
    """A `Budget` is exhausted."""


def counted(n: Any) -> int:
    """`n` as a number of elements (ValueError if it is not a whole number, negative or too large)."""
    whole = whole_number(n)
    if not 0 <= whole <= MAX_SIZE:
        raise ValueError(f"{whole} elements; must be 0 to {MAX_SIZE}")
    return whole


def whole_number(x: Any) -> int:
    """`x` as an int (ValueError if it is not a whole number)."""
    if isinstance(x, bool) or not isinstance(x, (int, float)) or not float(x).is_integer():
        raise ValueError(f"{shortened(repr(x))} is not a whole number")
    return int(x)


def _axis(axis: Any) -> int | None:
    return None if axis is None else whole_number(axis)


def fitting(*shapes: tuple[int, ...]) -> int:
    """The number of elements of an array with the broadcast `shapes`; ValueError if it is too large."""
    dimensions = max(map(len, shapes), default=0)
    if dimensions > MOST_DIMENSIONS:
        raise ValueError(f"an array of {dimensions} dimensions; at most {MOST_DIMENSIONS} are allowed")
    size = math.prod(np.broadcast_shapes(*shapes))
    if size > MAX_SIZE:
        raise ValueError(f"an array of {size} elements; at most {MAX_SIZE} are allowed")
    return size


def _outer(a: Any, b: Any) -> np.ndarray:
    fitting((np.size(a), np.size(b)))
    return np.outer(a, b)


def product_size(a: Any, b: Any) -> int:
    """The number of multiplications in a matrix product."""
    if not (1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2):
        raise ValueError("@ takes vectors and matrices")
    return fitting(np.shape(a)[:-1] + np.shape(b)[1:]) * np.shape(a)[-1]


def _extreme(elementwise: Callable, overall: Callable) -> Callable:
    def function(x: Any, *more: Any, axis: Any = None) -> Any:
        fitting(*map(np.shape, (x, *more)))
        return reduce(elementwise, more, x) if more else overall(x, axis=_axis(axis))

    return function


def _arange(start: Any, stop: Any = None, step: Any = 1.0) -> np.ndarray:
    first, last = (0.0, start) if stop is None else (start, stop)
    if step == 0:
        raise ValueError("arange with a step of 0; the step must not be 0")
    counted(max(0.0, math.ceil((last - first) / step)))
    return np.arange(first, last, step)


def _linspace(a: Any, b: Any, n: Any) -> np.ndarray:
    fitting((counted(n), *np.broadcast_shapes(np.shape(a), np.shape(b))))
    return np.linspace(a, b, counted(n))


def _lambertw(x: Any, k: Any = 0.0) -> Any:
    from scipy.special import lambertw

    return np.real(lambertw(x, whole_number(k)))


def _normal_quantile(p: Any) -> Any:
    from scipy.special import ndtri

    return ndtri(p)


def _where(condition: Any, a: Any, b: Any) -> np.ndarray:
    fitting(np.shape(condition), np.shape(a), np.shape(b))
    return np.where(condition, a, b)


def _diag(x: Any) -> np.ndarray:
    if np.ndim(x) == 1:
        fitting((len(x), len(x)))
    return np.diag(x)


def _concat(*parts: Any) -> np.ndarray:
    fitting((sum(np.size(x) for x in parts),))
    return np.concatenate([np.atleast_1d(x) for x in parts])


def _eye(n: Any, k: Any = 0.0) -> np.ndarray:
    fitting((counted(n), counted(n)))
    return np.eye(counted(n), k=whole_number(k))


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
    "round": lambda x, digits=0.0: np.round(x, whole_number(digits)),  # rounds halves to even, as Python and NumPy do
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
    "zeros": lambda n: np.zeros(counted(n)),
    "ones": lambda n: np.ones(counted(n)),
    "arange": _arange,
    "linspace": _linspace,
    "concat": _concat,
    "lambertw": _lambertw,  # real part of branch k
    "normal_quantile": _normal_quantile,  # quantile function of the standard normal distribution
}


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature without annotations, as messages show it."""
    plain = [p.replace(annotation=p.empty) for p in inspect.signature(function).parameters.values()]
    return inspect.Signature(plain)


SIGNATURES = {name: _signature(function) for name, function in FUNCTIONS.items()}
