"""The arguments of formulas: numbers or arrays within their bounds, and kinds of synapses.

A name means the same in all formulas, so that its bound stands here once. Numbers that are not known (NaN) have no bound: what follows
from them is NaN, too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.printable import shown
from lifsim.common.values import has_unit, quantity_of_another_library

F = TypeVar("F", bound=Callable[..., Any])


class Bound(NamedTuple):
    """What an argument must be, in words, and where an array breaks it; NaN breaks no bound."""

    text: str
    broken: Callable[[np.ndarray], np.ndarray]


ABOVE_0 = Bound("a finite number above 0", lambda x: (x <= 0) | np.isinf(x))
ABOVE_0_OR_INF = Bound("a number above 0", lambda x: x <= 0)
FROM_0 = Bound("a number from 0 on", lambda x: x < 0)

BOUNDS = {
    "tau_m": ABOVE_0_OR_INF,  # inf: no leak
    "t_ref": FROM_0,
    "sigma": FROM_0,
    **dict.fromkeys(("C_m", "g_L", "tau_syn", "dt", "frequency"), ABOVE_0),
    **dict.fromkeys(("rate", "indegree", "weight_sd", "g_ex", "g_in"), FROM_0),
}


def checked(*kinds: str, **own: Bound) -> Callable[[F], F]:
    """Decorate a formula so that it gets float64 arrays within their bounds.

    Parameters
    ----------
    kinds : what its argument `kind` may be. own : bounds of its arguments that differ from `BOUNDS`.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            try:
                bound = signature.bind(*args, **given)
            except TypeError:
                return function(*args, **given)  # whose own TypeError names the function
            bound.apply_defaults()
            bound.arguments.update(checked_arguments(bound.arguments, kinds, own))
            return function(*bound.args, **bound.kwargs)

        return called  # type: ignore[return-value]

    return decorate


def checked_arguments(given: Mapping[str, Any], kinds: tuple[str, ...] = (), own: Mapping[str, Bound] | None = None) -> dict[str, Any]:
    """The numbers among the arguments `given` by name, as float64 arrays.

    Parameters
    ----------
    given : arguments by name; None: not given. kinds, own : as for `checked`.

    Raises
    ------
    DataError : an argument is no number or breaks its bound, `V_reset` is not below `V_th`, the shapes differ, there is no such `kind`, or
        a kind needs a `tau_syn` that is not given.
    """
    if "kind" in given:
        _check_kind(given["kind"], kinds)
        if given["kind"] != "delta" and given.get("tau_syn", 1.0) is None:
            raise DataError("tau_syn", "missing", f"the time constant of the {given['kind']} current, in ms")
    bounds = BOUNDS | dict(own or {}) | (dict.fromkeys(("tau_syn", "C_m")) if given.get("kind") == "delta" else {})  # unused there
    numbers = {name: _numbers(name, raw, bounds.get(name)) for name, raw in given.items() if name != "kind" and raw is not None}
    try:
        np.broadcast_shapes(*(x.shape for x in numbers.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {x.shape}" for name, x in numbers.items() if x.ndim)
        raise DataError(
            "arguments", f"shapes that do not fit: {shapes}", "numbers, or arrays of one shape (see NumPy's broadcasting)"
        ) from None
    if {"V_reset", "V_th"} <= numbers.keys():
        reset, threshold = np.broadcast_arrays(numbers["V_reset"], numbers["V_th"])
        if (reset >= threshold).any():
            k = int(np.argmax(reset >= threshold))
            raise DataError("V_reset", f"{reset.flat[k]:g} mV, with V_th = {threshold.flat[k]:g} mV", "a potential below V_th")
    return numbers


def unknown(*arguments: Any) -> np.ndarray:
    """Where one of several numbers or arrays, which are broadcast, is NaN."""
    out = np.zeros((), bool)
    for x in arguments:
        out = out | np.isnan(x)
    return out


def _check_kind(kind: Any, kinds: tuple[str, ...]) -> None:
    if not isinstance(kind, str) or kind not in kinds:
        raise DataError("kind", f"there is no synapse of the kind {shown(kind)}", did_you_mean(str(kind), kinds))


def _numbers(name: str, raw: Any, bound: Bound | None) -> np.ndarray:
    if has_unit(raw):
        raise DataError(name, quantity_of_another_library(raw))
    try:
        x = np.asarray(raw)
    except ValueError:  # rows that differ in length
        x = np.asarray(None)
    if x.dtype.kind not in "iuf":
        raise DataError(name, shown(raw), "a number or an array of numbers")
    x = x.astype(np.float64)
    if bound and bound.broken(x).any():
        first = np.argwhere(bound.broken(x))[0]
        place = f"{name}[{', '.join(map(str, first))}]" if x.ndim else name
        raise DataError(place, f"{x[tuple(first)]:g}", bound.text)
    return x
