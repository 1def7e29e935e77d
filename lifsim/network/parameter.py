"""A parameter or state variable of a model: default, unit and bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.common.errors import Problem
from lifsim.common.values import Distribution

Check = Callable[[Mapping[str, Any]], str | None]

_KEPT: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # where numbers keep a bound
    "> 0": lambda v: (v > 0) & np.isfinite(v),
    ">= 0": lambda v: (v >= 0) & np.isfinite(v),
    ">= 1": lambda v: (v >= 1) & np.isfinite(v),
    "finite": np.isfinite,
    "finite or inf": lambda v: v > -np.inf,
    "not negative": lambda v: v >= 0,
    "0 to 1e9": lambda v: (v >= 0) & (v <= 1e9),
    "-1e9 to 1e9": lambda v: np.abs(v) <= 1e9,
    "0 to 1": lambda v: (v >= 0) & (v <= 1),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter or state variable.

    `shape` is "value" (number, array or distribution: one value for each node), "number" (the same for all nodes), "flag" (true or
    false), "series" (a list of numbers shared by all nodes), "trains" (spike times: a list, or a list of lists for several nodes),
    "samples" (a list for all nodes, or one column for each node), "text" or "file" (a path).
    """

    name: str
    default: Any
    unit: str
    doc: str
    bound: str = ""
    shape: str = "value"
    on_grid: bool = False  # a time that must be a multiple of the network's dt

    def violation(self, x: np.ndarray | float) -> str | None:
        """The bound if `x` violates it, else None."""
        return self.bound if self.violating(x).any() else None

    def violating(self, x: np.ndarray | float) -> np.ndarray:
        """Where `x` violates the bound."""
        v = np.asarray(x, dtype=float)
        return ~_KEPT[self.bound](v) if self.bound else np.zeros(v.shape, bool)


def violations(place: str, checks: Iterable[Check], values: Mapping[str, Any], show: Callable[[str, Any], str]) -> Iterable[Problem]:
    """Report violated conditions between values of parameters. Conditions on random parameters are left out.

    Parameters
    ----------
    place : of the parameters, for messages. checks : the conditions. values : by name, defaults included.
    show : formats a parameter for a message, from its name and value.
    """
    known = {name: x for name, x in values.items() if not isinstance(x, Distribution)}
    for check in checks:
        try:
            message = check(known)
        except KeyError:  # a random parameter is part of the condition
            continue
        if message:
            named = re.findall(r"\w+", message)
            yield Problem(place, ", ".join(show(name, x) for name, x in known.items() if name in named) or "these values", message)
