"""A value in a description: a number, an array (one entry an element) or a distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lifsim import units

KINDS = {
    "normal": ("mean", "sd"),
    "uniform": ("low", "high"),
    "lognormal": ("mu", "sigma"),
}


@dataclass(frozen=True)
class Distribution:
    """A random value: ``{"normal": [mean, sd]}``, ``{"uniform": [low, high]}`` or
    ``{"lognormal": [mu, sigma]}`` (mu and sigma of the logarithm).

    `min` and `max` truncate it: what falls outside is drawn again, never clipped.
    """

    kind: str
    a: float
    b: float
    min: float = -math.inf
    max: float = math.inf

    def as_dict(self) -> dict[str, Any]:
        """The form used in model files."""
        out: dict[str, Any] = {self.kind: [self.a, self.b]}
        if self.min > -math.inf:
            out["min"] = self.min
        if self.max < math.inf:
            out["max"] = self.max
        return out

    @property
    def support(self) -> tuple[float, float]:
        """The interval that draws fall into."""
        low, high = -math.inf, math.inf
        if self.kind == "uniform":
            low, high = self.a, self.b
        elif self.kind == "lognormal":
            low = 0.0
        if self.kind != "uniform" and self.b == 0:
            low = high = self.a if self.kind == "normal" else math.exp(self.a)
        return max(low, self.min), min(high, self.max)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """`size` draws, float64. Truncation by redrawing."""
        sample: Callable[..., np.ndarray] = getattr(rng, self.kind)
        out = sample(self.a, self.b, size)
        bad = np.flatnonzero((out < self.min) | (out > self.max))
        while len(bad):
            out[bad] = sample(self.a, self.b, len(bad))
            bad = bad[(out[bad] < self.min) | (out[bad] > self.max)]
        return out


Value: TypeAlias = float | np.ndarray | Distribution


def number(raw: Any, unit: str | None) -> float:
    """`raw` (a number or a string with a unit) as a finite-or-infinite float, never NaN.

    Raises
    ------
    ValueError : with what was got, for the caller to say where.
    """
    if isinstance(raw, str):
        return units.parse(raw, unit)
    if isinstance(raw, (bool, np.bool_)) or not isinstance(raw, (int, float, np.integer, np.floating)):
        raise ValueError(f"{_short(raw)} is not a number")
    if math.isnan(raw):
        raise ValueError("nan is not a number")
    return float(raw)


def value(raw: Any, unit: str | None) -> Value:
    """`raw` as a `Value` in the coherent `unit`: a number, an array of numbers or a distribution.

    Raises
    ------
    ValueError : with what was got, for the caller to say where.
    """
    if isinstance(raw, Distribution):
        return raw
    if isinstance(raw, Mapping):
        return _distribution(raw, unit)
    if isinstance(raw, np.ndarray) and raw.ndim == 0:
        return number(raw.item(), unit)
    if isinstance(raw, (np.ndarray, Sequence)) and not isinstance(raw, str):
        return _array(raw, unit)
    return number(raw, unit)


def _array(raw: Any, unit: str | None) -> np.ndarray:
    if not isinstance(raw, np.ndarray) and any(isinstance(x, str) for x in raw):
        raw = [number(x, unit) for x in raw]
    if np.iscomplexobj(raw) or isinstance(raw, np.ma.MaskedArray):
        raise ValueError("an array of complex numbers" if np.iscomplexobj(raw) else "a masked array; fill it first")
    try:
        array = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{_short(raw)} is not an array of numbers") from error
    if np.isnan(array).any():
        first = np.argwhere(np.isnan(array))[0]
        raise ValueError(f"nan at index {tuple(map(int, first)) if len(first) > 1 else int(first[0])}")
    array.flags.writeable = False
    return array


def _distribution(raw: Mapping[str, Any], unit: str | None) -> Distribution:
    kinds = [key for key in raw if key in KINDS]
    extra = [key for key in raw if key not in KINDS and key not in ("min", "max")]
    if len(kinds) != 1 or extra:
        raise ValueError(
            f"{_short(dict(raw))} is not a distribution; write {{normal = [mean, sd]}}, {{uniform = [low, high]}} "
            "or {lognormal = [mu, sigma]}, with optional min and max"
        )
    kind = kinds[0]
    names = KINDS[kind]
    arguments = raw[kind]
    if isinstance(arguments, (str, Mapping)) or not hasattr(arguments, "__len__") or len(arguments) != 2:
        raise ValueError(f"{kind} takes [{names[0]}, {names[1]}], got {_short(arguments)}")
    inner = "" if kind == "lognormal" else unit
    a, b = (number(x, inner) for x in arguments)
    out = Distribution(kind, a, b, number(raw.get("min", -math.inf), unit), number(raw.get("max", math.inf), unit))
    _check(out)
    return out


def _check(d: Distribution) -> None:
    if not (math.isfinite(d.a) and math.isfinite(d.b)):
        raise ValueError(f"{d.kind} takes finite numbers, got [{d.a:g}, {d.b:g}]")
    if d.kind != "uniform" and d.b < 0:
        raise ValueError(f"{d.kind} has a negative {KINDS[d.kind][1]} {d.b:g}")
    if d.kind == "uniform" and d.b < d.a:
        raise ValueError(f"uniform has low {d.a:g} above high {d.b:g}")
    # Redrawing must end: refuse a window that holds practically nothing of the distribution.
    if acceptance(d) < 1e-4:
        raise ValueError(f"{d.kind} [{d.a:g}, {d.b:g}] practically never falls between min {d.min:g} and max {d.max:g}")


def acceptance(d: Distribution) -> float:
    """The probability that one draw falls between `min` and `max`."""
    if d.b == 0 or (d.kind == "uniform" and d.a == d.b):
        centre = (math.exp(d.a) if d.a < 700 else math.inf) if d.kind == "lognormal" else d.a
        return float(d.min <= centre <= d.max)
    if d.kind == "uniform":
        return max(0.0, min(d.b, d.max) - max(d.a, d.min)) / (d.b - d.a)

    def below(x: float) -> float:
        if d.kind == "lognormal":
            x = math.log(x) if x > 0 else -math.inf
        return 0.5 * math.erfc(-(x - d.a) / (d.b * math.sqrt(2)))

    return below(d.max) - below(d.min)


def _short(raw: Any, width: int = 60) -> str:
    text = repr(raw)
    return text if len(text) <= width else text[: width - 1] + "…"
