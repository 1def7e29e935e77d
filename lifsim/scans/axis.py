"""Axes of a scan: the values of one parameter, from texts such as ``g=3:8:0.5``."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from lifsim.common import units
from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.common.text import shortened
from lifsim.modelfile import toml

MOST = 1_000_000  # values of an axis, and points of a scan
FORMS = "3:8:0.5 (start:stop:step), 3,4,5, log:5:50:8 (start:stop:number), or with random samples 3:8 or log:3:8 (low:high)"
_LARGEST = Decimal(10) ** 308
_OPENING, _CLOSING = "[{(", "]})"
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*\Z")


@dataclass(frozen=True)
class Axis:
    """The values of a parameter, or the interval from which they are drawn.

    Parameters
    ----------
    name : of a declared parameter ("g"), or a path in the model ("populations.exc.params.tau_m").
    values : the values; () if they are drawn.
    between : the lowest and the highest drawn value; None if nothing is drawn. unit : of these. log : uniform in the logarithm.
    """

    name: str
    values: tuple[Any, ...] = ()
    between: tuple[float, float] | None = None
    unit: str = ""
    log: bool = False

    def drawn(self, n: int, seed: int) -> list[Any]:
        """`n` random values; the first of more values are the same."""
        assert self.between is not None
        low, high = np.log(self.between) if self.log else self.between
        stream = np.random.SeedSequence([seed, zlib.crc32(self.name.encode())])
        x = low + (high - low) * np.random.Generator(np.random.Philox(stream)).random(n)
        return [_with_unit(value, self.unit) for value in (np.exp(x) if self.log else x).tolist()]


def axis(text: str, place: str = "--grid") -> Axis:
    """The axis of a text such as ``g=3:8:0.5``.

    Raises
    ------
    LifsimError : the text has none of the `FORMS`.
    """
    name, equals, spec = (part.strip() for part in text.partition("="))
    if not (name and equals and spec):
        raise LifsimError(place, shown(text), f"NAME=VALUES, where VALUES are {FORMS}")
    return axis_of(name, spec, place)


def axis_of(name: str, values: Any, place: str = "grid") -> Axis:
    """The axis of the parameter `name`.

    Parameters
    ----------
    name : of the parameter. values : a text in one of the `FORMS`, a value, or a list or array of values. place : for messages.

    Raises
    ------
    LifsimError : there are no values, one occurs twice, or a text is not of these forms.
    """
    where = f"{place}, {name}"
    if isinstance(values, str):
        found = _of_text(name, values, where)
    elif isinstance(values, np.ndarray):
        found = Axis(name, tuple(values.tolist()) if values.ndim == 1 else ())
    elif isinstance(values, Iterable) and not isinstance(values, Mapping):
        found = Axis(name, tuple(x.item() if isinstance(x, np.generic) else x for x in values))
    else:
        found = Axis(name, (values.item() if isinstance(values, np.generic) else values,))
    if not found.values and found.between is None:
        raise LifsimError(where, shortened(shown(values)), f"at least one value: {FORMS}")
    if len(found.values) > MOST:
        raise LifsimError(where, f"{len(found.values):,} values", f"at most {MOST:,}")
    seen: set[Hashable] = set()
    for value in found.values:
        if _hashable(value) in seen:
            raise LifsimError(where, f"{shown(value)} occurs twice", "each value once")
        seen.add(_hashable(value))
    return found


def _hashable(value: Any) -> Hashable:
    """A stand-in for `value` in a set, equal for equal values; lists and tables have no hash."""
    if isinstance(value, Mapping):
        return "table", frozenset((key, _hashable(x)) for key, x in value.items())
    if isinstance(value, (list, tuple, np.ndarray)):
        return "list", tuple(map(_hashable, value))
    return value if isinstance(value, Hashable) else repr(value)


def _of_text(name: str, text: str, where: str) -> Axis:
    parts, log = [part.strip() for part in _split(text, ":")], False
    if len(parts) > 1 and parts[0] == "log":
        parts, log = parts[1:], True
    numbers = [_NUMBER.match(part) for part in parts]
    if len(parts) in (2, 3) and all(numbers):
        found = [match for match in numbers if match]
        unit = _unit([match[2] for match in found], where)
        limits = [match[1] for match in found]
        if len(parts) == 2:
            return _interval(name, limits, unit, log, where)
        return Axis(name, tuple((_spaced if log else _range)(limits, unit, where)))
    if log or (len(parts) > 1 and all(numbers)):
        raise LifsimError(where, shown(text), FORMS)
    return Axis(name, tuple(toml.value(item.strip()) for item in _split(text, ",") if item.strip()))


def _split(text: str, at: str) -> list[str]:
    """The parts of `text` between the characters `at` that are neither in quotation marks nor in brackets."""
    parts, depth, quote = [""], 0, ""
    for c in text:
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        depth += (c in _OPENING) - (c in _CLOSING) if not quote else 0
        if c == at and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _unit(symbols: Sequence[str], where: str) -> str:
    """The one unit of a range: ``5:50:5 ms`` or ``5 ms:50 ms:5 ms``; the number of logarithmic steps has none."""
    given = dict.fromkeys(symbol for symbol in symbols if symbol)
    if len(given) > 1:
        raise LifsimError(where, f"the units {', '.join(given)}", "one unit for the whole range")
    for symbol in given:
        if symbol not in units.UNITS:
            raise LifsimError(where, f"the unknown unit {symbol!r}", FORMS)
        return symbol
    return ""


def _with_unit(number: Any, unit: str) -> Any:
    return f"{number!r} {unit}" if unit else number


def _float(text: str, where: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise LifsimError(where, f"{text} is too large", "numbers up to 1.8e308")
    return number


def _decimal(text: str, where: str) -> Decimal:
    """The number as a decimal in the range of floats: outside of it, decimals could overflow in what follows."""
    return Decimal(text) if _float(text, where) else Decimal(0)


def _range(limits: Sequence[str], unit: str, where: str) -> list[Any]:
    """Start, start + step, … up to stop, which is included; computed in decimals, so that 0.1:0.3:0.1 ends at 0.3."""
    start, stop, step = limits
    first, last, by = (_decimal(text, where) for text in limits)
    if not by or (last - first) / by < 0:
        raise LifsimError(where, f"{start}:{stop}:{step}", "a step that leads from the first to the last value")
    steps = (last - first) / by
    if steps >= MOST:  # before it is an int, which could have hundreds of digits
        raise LifsimError(where, f"{float(min(steps, _LARGEST)):.3g} values", f"at most {MOST:,}")
    n = int(steps) + 1
    whole = all(re.fullmatch(r"[-+]?\d+", text) for text in (start, step))
    return [_with_unit(int(x) if whole else float(x), unit) for x in (first + k * by for k in range(n))]


def _spaced(limits: Sequence[str], unit: str, where: str) -> list[Any]:
    """A number of values from start to stop, in equal ratios."""
    low, high, number = _float(limits[0], where), _float(limits[1], where), limits[2]
    if not re.fullmatch(r"\d{1,9}", number) or not 2 <= int(number) <= MOST:
        raise LifsimError(where, f"{shortened(number)} steps", f"a whole number of values from 2 to {MOST:,}, as in log:5:50:8")
    _check_positive(low, high, where)
    inner = np.geomspace(low, high, int(number)).tolist()[1:-1]
    return [_with_unit(x, unit) for x in (low, *inner, high)]


def _interval(name: str, limits: Sequence[str], unit: str, log: bool, where: str) -> Axis:
    low, high = _float(limits[0], where), _float(limits[1], where)
    if log:
        _check_positive(low, high, where)
    if not low < high:
        raise LifsimError(where, f"{limits[0]}:{limits[1]}", "the lower value first")
    if not math.isfinite(high - low):
        raise LifsimError(where, f"{limits[0]}:{limits[1]} is too wide", "an interval of a width up to 1.8e308")
    return Axis(name, (), (low, high), unit, log)


def _check_positive(low: float, high: float, where: str) -> None:
    if not (low > 0 and high > 0):
        raise LifsimError(where, f"log:{low:g}:{high:g}", "values above 0 for logarithmic steps")
