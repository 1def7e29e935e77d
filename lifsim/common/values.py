"""Values of parameters: a number, an array (one entry for each element) or a distribution."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lifsim.common import units
from lifsim.common.printable import shown

KINDS = {
    "normal": ("mean", "sd"),
    "uniform": ("low", "high"),
    "lognormal": ("mu", "sigma"),
}
_RANDOM_VALUES = 'write a random value as {"normal": [mean, sd]}, {"uniform": [low, high]} or {"lognormal": [mu, sigma]}'
_RANDOM = re.compile(r"rand|normal|uniform|gauss", re.IGNORECASE)  # words of Brian2's expressions, and of functions
_DRAWING = ("nest", "pyNN", "scipy", "numpy")  # libraries whose objects that are no numbers stand for random values
_UNITS = ("dim", "unit", "units", "dimensionality")  # attributes of quantities of Brian2, astropy, pint and quantities
_FAR = 10.0  # standard deviations; no draw is farther from the mean
_LARGEST_EXPONENT = 709.0  # exp of a larger number exceeds float64


@dataclass(frozen=True)
class Distribution:
    """A random value: ``{"normal": [mean, sd]}``, ``{"uniform": [low, high]}`` or
    ``{"lognormal": [mu, sigma]}`` (mu and sigma of the logarithm).

    `min` and `max` truncate the distribution: values outside are redrawn, never clipped.
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
        """The smallest and the largest value that can be drawn."""
        low, high = -math.inf, math.inf
        if self.kind == "uniform":
            low, high = self.a, self.b
        elif self.kind == "lognormal":
            low = 0.0
        if self.kind != "uniform" and self.b == 0:
            low = high = self.a if self.kind == "normal" else math.exp(self.a)
        return max(low, self.min), min(high, self.max)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `size` values, float64. Values outside `min` and `max` are redrawn."""
        sample: Callable[..., np.ndarray] = getattr(rng, self.kind)
        out = sample(self.a, self.b, size)
        bad = np.flatnonzero((out < self.min) | (out > self.max))
        while len(bad):
            out[bad] = sample(self.a, self.b, len(bad))
            bad = bad[(out[bad] < self.min) | (out[bad] > self.max)]
        return out


Value: TypeAlias = float | np.ndarray | Distribution


def number(raw: Any, unit: str | None) -> float:
    """Convert a number or a string with a unit to a float, finite or infinite.

    Raises
    ------
    ValueError : `raw` is not a number, NaN, or has the wrong unit. The message has no place; the caller adds it.
    """
    if isinstance(raw, str):
        if _RANDOM.search(raw) and not units.looks_like_quantity(raw):
            raise ValueError(f"{raw!r} is not a number; {_RANDOM_VALUES}")
        return units.parse(raw, unit)
    found = as_float(raw)
    if found is None:
        raise ValueError(_not_a_number(raw))
    if math.isnan(found):
        raise ValueError("nan is not a number")
    return found


def _not_a_number(raw: Any) -> str:
    """The message for an object that is no number: of another library's quantities and random values, what to write instead."""
    if has_unit(raw):
        return quantity_of_another_library(raw)
    drawn = callable(raw) or type(raw).__module__.partition(".")[0] in _DRAWING
    return f"{shown(raw)} is not a number" + (f"; {_RANDOM_VALUES}" if drawn and not isinstance(raw, (np.ndarray, np.generic)) else "")


def has_unit(raw: Any) -> bool:
    """Whether `raw` is a quantity of another library (Brian2, astropy, pint, quantities), whose number alone would be misread."""
    return type(raw) is not np.ndarray and not isinstance(raw, type) and any(hasattr(raw, name) for name in _UNITS)


def quantity_of_another_library(raw: Any) -> str:
    """The message for a quantity of another library."""
    text, library = str(raw), type(raw).__module__.partition(".")[0]
    advice = "write plain numbers in ms, mV, pF, pA, nS or Hz"
    advice += "" if getattr(raw, "ndim", 0) else ', or a text such as "20 ms"'
    if units.looks_like_quantity(text):
        with suppress(ValueError):
            value, symbol = units.split(text)
            advice = f"write {units.parse(text):g}" + (f' or "{value:g} {symbol}"' if symbol else "")
    return f"{shown(raw)} is a quantity of {library}; {advice}"


def is_plain_number(text: str) -> bool:
    """Whether a string is a number without a unit."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_float(raw: Any) -> float | None:
    """A real number (not a boolean) as a float, possibly infinite or NaN; None if `raw` is not a number, or too large for a float."""
    if isinstance(raw, (bool, np.bool_)) or not isinstance(raw, (int, float, np.integer, np.floating)):
        return None
    try:
        return float(raw)
    except OverflowError:
        return None


def is_whole(raw: Any) -> bool:
    """Whether `raw` is a whole number of any numeric type."""
    found = as_float(raw)
    return found is not None and math.isfinite(found) and found == math.floor(found)


def value(raw: Any, unit: str | None) -> Value:
    """Convert `raw` to a `Value` in the coherent `unit`: a number, an array of numbers or a distribution.

    Raises
    ------
    ValueError : `raw` is not a valid value. The message has no place; the caller adds it.
    """
    if isinstance(raw, (int, float)):
        return number(raw, unit)
    if isinstance(raw, Distribution):
        return raw
    if isinstance(raw, Mapping):
        return _distribution(raw, unit)
    if isinstance(raw, np.ndarray) and raw.ndim == 0:
        return number(_plain(raw).item() if raw.dtype.kind != "O" else raw.item(), unit)
    if isinstance(raw, (np.ndarray, Sequence)) and not isinstance(raw, (str, bytes)):
        return _array(raw, unit)
    return number(raw, unit)


def _array(raw: Any, unit: str | None) -> np.ndarray:
    array = numbers(raw, unit)
    if np.isnan(array).any():
        first = np.argwhere(np.isnan(array))[0]
        raise ValueError(f"nan at index {tuple(map(int, first)) if len(first) > 1 else int(first[0])}")
    array.flags.writeable = False
    return array


def numbers(raw: Any, unit: str | None) -> np.ndarray:
    """Convert an array or (nested) lists of numbers to a new float64 array; strings in lists are quantities, converted to `unit`.

    Raises
    ------
    ValueError : an entry is not a number (string, boolean, date, object, masked), or rows differ in length.
    """
    if isinstance(raw, np.ndarray) and raw.dtype.kind != "O":
        return _plain(raw)
    try:
        return np.array(_entries(raw.tolist() if isinstance(raw, np.ndarray) else raw, unit, 0), dtype=np.float64)
    except ValueError as error:
        ragged = "inhomogeneous" in str(error)
        raise ValueError(f"{shown(raw)} has rows that differ in length" if ragged else str(error)) from None


def _plain(array: np.ndarray) -> np.ndarray:
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError("a masked array; first replace its masked entries by numbers (`filled`)")
    if type(array) is not np.ndarray and has_unit(array):
        raise ValueError(quantity_of_another_library(array))
    if array.dtype.kind not in "iuf":
        kind = {"c": "complex numbers", "b": "true and false", "M": "dates", "m": "durations"}.get(array.dtype.kind, f"{array.dtype}")
        raise ValueError(f"an array of {kind}; must hold real numbers")
    return array.astype(np.float64)


_NUMBERS = {float, int, np.float64, np.float32, np.int64, np.int32}  # types whose entries need no individual check
_DEEPEST = 8


def _entries(raw: Any, unit: str | None, depth: int) -> list[Any]:
    """Convert each entry of a list to a number, or to a list or array of numbers."""
    if depth == _DEEPEST:
        raise ValueError("lists are nested too deeply")
    kinds = set(map(type, raw))
    if kinds <= _NUMBERS and (int not in kinds or max(map(abs, raw)) < 1e300):
        return list(raw)
    return [_entry(x, unit, depth) for x in raw]


def _entry(x: Any, unit: str | None, depth: int) -> Any:
    if isinstance(x, np.ndarray):
        return numbers(x, unit) if x.ndim else number(_plain(x).item(), unit)
    if isinstance(x, Sequence) and not isinstance(x, (str, bytes)):
        return _entries(x, unit, depth + 1)
    return number(x, unit)


def _distribution(raw: Mapping[str, Any], unit: str | None) -> Distribution:
    kinds = [key for key in raw if key in KINDS]
    extra = [key for key in raw if key not in KINDS and key not in ("min", "max")]
    if len(kinds) != 1 or extra:
        raise ValueError(
            f"{shown(dict(raw))} is not a distribution; write {{normal = [mean, sd]}}, {{uniform = [low, high]}} "
            "or {lognormal = [mu, sigma]}, with optional min and max"
        )
    kind = kinds[0]
    names = KINDS[kind]
    arguments = raw[kind]
    listed = isinstance(arguments, (list, tuple)) or (isinstance(arguments, np.ndarray) and arguments.ndim == 1)
    if not listed or isinstance(arguments, np.ma.MaskedArray) or len(arguments) != 2:
        raise ValueError(f"{kind} takes [{names[0]}, {names[1]}], got {shown(arguments)}")
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
    if not _within_range(d):
        raise ValueError(f"{d.kind} [{d.a:g}, {d.b:g}] exceeds the range of floating-point numbers")
    # Redrawing must end, so an interval in which values practically never fall is refused.
    if acceptance(d) < 1e-4:
        raise ValueError(f"{d.kind} [{d.a:g}, {d.b:g}] practically never falls between min {d.min:g} and max {d.max:g}")


def _within_range(d: Distribution) -> bool:
    """Whether draws are finite, or infinite draws are excluded by `min` and `max`. The generator refuses an infinite uniform range."""
    if d.kind == "uniform":
        return math.isfinite(d.b - d.a)
    if d.kind == "lognormal":
        return d.max < math.inf or d.a + _FAR * d.b < _LARGEST_EXPONENT
    return math.isfinite(abs(d.a) + _FAR * d.b) or (d.min > -math.inf and d.max < math.inf)


def acceptance(d: Distribution) -> float:
    """The probability that one draw lies between `min` and `max`."""
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
