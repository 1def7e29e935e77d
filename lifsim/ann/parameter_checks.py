"""Checks of the parameters of estimators."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.common.errors import LifsimError

# Allowed range: lower <= value < upper. 1e-300 stands for "above 0".
BOUNDS = {
    "learning_rate": (1e-300, math.inf),
    "momentum": (0.0, 1.0),
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "epsilon": (1e-300, math.inf),
    "weight_decay": (0.0, math.inf),
    "validation_fraction": (1e-300, 1.0),
    "tol": (0.0, math.inf),
    "tau_m": (1e-300, math.inf),
    "tau_syn": (1e-300, math.inf),
    "t_ref": (0.0, math.inf),
    "dt": (1e-300, math.inf),
    "duration": (1e-300, math.inf),
    "window": (1e-300, math.inf),
    "gain": (1e-300, math.inf),
    "beta": (1e-300, math.inf),
}


def check_number(name: str, value: Any, low: float, high: float) -> None:
    """Check that `low` <= `value` < `high` (LifsimError)."""
    good = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not good or not low <= value < high:
        above = "from 0 on" if low == 0 else "above 0"
        raise LifsimError(name, f"{value!r}", f"a number {above}" + (f" and below {high:g}" if high < math.inf else ""))


def check_whole(name: str, value: Any, low: int) -> None:
    """Check that `value` is a whole number of at least `low` (LifsimError)."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
        raise LifsimError(name, f"{value!r}", f"a whole number from {low} on")


def check_flag(name: str, value: Any) -> None:
    """Check that `value` is True or False (LifsimError)."""
    if not isinstance(value, (bool, np.bool_)):
        raise LifsimError(name, f"{value!r}", "True or False")


def check_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """The callbacks of `fit`, a sequence of functions (LifsimError)."""
    expected = "a list of functions, each called as f(epoch, numbers)"
    if not isinstance(callbacks, (list, tuple)):
        raise LifsimError("callbacks", f"{callbacks!r}", expected)
    for k, f in enumerate(callbacks):
        if not callable(f):
            raise LifsimError(f"callbacks[{k}]", f"{f!r}", "a function, called as f(epoch, numbers)")
    return tuple(callbacks)


def check_sample(number: Any, samples: int, place: str = "sample") -> None:
    """Check that `number` is that of one of `samples` samples (LifsimError)."""
    if not isinstance(number, (int, np.integer)) or isinstance(number, bool) or not 0 <= number < samples:
        got = f"{number!r}, where there are {samples} samples"
        raise LifsimError(place, got, f"a whole number from 0 to {samples - 1}")


def widths(hidden: Any) -> tuple[int, ...]:
    """The number of units of each hidden layer; a single number stands for one layer (LifsimError)."""
    widths = tuple(hidden) if isinstance(hidden, (tuple, list, np.ndarray)) else (hidden,)
    for n in widths:
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise LifsimError("hidden", f"{hidden!r}", "numbers of units, such as (64,) or (64, 32)")
    return tuple(int(n) for n in widths)
