"""Values of synapses that depend on the distance between source and target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lifsim.common.errors import did_you_mean
from lifsim.common.printable import shown
from lifsim.common.values import KINDS, number

# profile kind → name of its length parameter (mm) or, for "linear", of its slope
SCALES = {"gaussian": "sigma", "exponential": "lambda", "box": "radius", "linear": "per_mm"}
# quantity → (name of its value at distance 0, profile kinds that it may have)
QUANTITIES = {
    "p": ("p0", ("gaussian", "exponential", "box")),
    "weight": ("w0", ("gaussian", "exponential", "box", "linear")),
    "delay": ("base", ("linear",)),
}


@dataclass(frozen=True)
class Profile:
    """A function of the distance d (mm): ``gaussian`` a·exp(-d²/2b²), ``exponential`` a·exp(-d/b), ``box`` a for d ≤ b and 0
    beyond, ``linear`` a + b·d. The value is 0 beyond `max_distance`. `error` (mm) is the tolerance of both limits.
    """

    kind: str
    a: float
    b: float
    max_distance: float = math.inf
    error: float = 0.0

    def within(self, error: float) -> Profile:
        """The same profile for distances with a rounding error of up to `error` (mm)."""
        return replace(self, error=error)

    def __call__(self, d: np.ndarray) -> np.ndarray:
        """The value at each distance."""
        match self.kind:
            case "gaussian":
                out = self.a * np.exp(-0.5 * (d / self.b) ** 2)
            case "exponential":
                out = self.a * np.exp(-d / self.b)
            case "box":
                out = np.where(d <= self.b + self.error, self.a, 0.0)
            case _:
                out = self.a + self.b * d
        return out if self.max_distance == math.inf else np.where(d <= self.max_distance + self.error, out, 0.0)

    def beyond(self, level: float) -> float:
        """A distance (mm) beyond which a decreasing profile is below `level` (> 0)."""
        if level >= self.a:
            return 0.0
        ratio = math.log(self.a) - math.log(level)
        out = {"gaussian": self.b * math.sqrt(2 * ratio), "exponential": self.b * ratio, "box": self.b + self.error}[self.kind]
        return min(out, self.max_distance + self.error)

    def range(self, farthest: float) -> tuple[float, float]:
        """The smallest and the largest value for distances from 0 to `farthest` (mm)."""
        ends = self(np.array([0.0, farthest]))
        return float(ends.min()), float(ends.max())

    def as_dict(self, quantity: str) -> dict[str, Any]:
        """The form used in model files."""
        at_0 = "base" if self.kind == "linear" else QUANTITIES[quantity][0]
        out: dict[str, Any] = {self.kind: {at_0: self.a, SCALES[self.kind]: self.b}}
        return out if self.max_distance == math.inf else {**out, "max_distance": self.max_distance}


def is_profile(raw: Any) -> bool:
    """Whether `raw` describes a function of distance."""
    if isinstance(raw, (int, float)) or not isinstance(raw, Mapping):  # numbers first: asking for an abstract class is slow
        return isinstance(raw, Profile)
    return any(key in SCALES or (isinstance(x, Mapping) and key not in KINDS) for key, x in raw.items())


def profile(raw: Any, quantity: str, unit: str | None) -> Profile:
    """Convert `raw`, such as ``{"gaussian": {"p0": 0.8, "sigma": 0.2}}``, to a `Profile`.

    Parameters
    ----------
    raw : profile or table. quantity : "p", "weight" or "delay". unit : of the value; None if it has no unit.

    Raises
    ------
    ValueError : `raw` is not valid. The message has no place; the caller adds it.
    """
    if isinstance(raw, Profile):
        raw = raw.as_dict(quantity)
    at_0, kinds = QUANTITIES[quantity]
    found = [key for key in raw if key != "max_distance" or quantity != "p"]
    if len(found) != 1 or found[0] not in kinds or not isinstance(raw[found[0]], Mapping):
        wrong = next((key for key in found if key not in kinds), "")
        hint = did_you_mean(str(wrong), kinds) if wrong else f"one of: {', '.join(kinds)}"
        raise ValueError(f"{shown(dict(raw))} is not a function of distance that {quantity} can be; {hint}")
    kind = found[0]
    names = ("base" if kind == "linear" else at_0, SCALES[kind])
    inner = raw[kind]
    wrong = next((key for key in [*inner, *names] if key not in names or key not in inner), None)
    if wrong is not None:
        raise ValueError(f"{kind} {'has no' if wrong in inner else 'needs'} {wrong}; write {kind} = {{ {names[0]} = …, {names[1]} = … }}")
    a, b = number(inner[names[0]], unit), number(inner[names[1]], unit if kind == "linear" else "mm")
    out = Profile(kind, a, b, number(raw.get("max_distance", math.inf), "mm"))
    _check(out, quantity)
    return out


def _check(p: Profile, quantity: str) -> None:
    if not (math.isfinite(p.a) and math.isfinite(p.b)):
        raise ValueError(f"{p.kind} takes finite numbers, got {p.a:g} and {p.b:g}")
    if p.kind != "linear" and p.b <= 0:
        raise ValueError(f"{p.kind} has {SCALES[p.kind]} {p.b:g} mm; must be above 0")
    if quantity == "p" and not 0 <= p.a <= 1:
        raise ValueError(f"{p.kind} has p0 {p.a:g}; must be from 0 to 1")
    if p.max_distance <= 0:
        raise ValueError(f"max_distance {p.max_distance:g} mm; must be above 0")
    if quantity == "delay" and (p.a < 0 or p.b < 0):
        raise ValueError(f"linear has base {p.a:g} ms and per_mm {p.b:g} ms; must be at least 0")
