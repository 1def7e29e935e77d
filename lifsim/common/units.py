"""Conversion of units by a fixed table: ``"20 ms"`` is 20.0 in the coherent units ms, mV, pF, pA, nS, Hz; lengths are in mm.

The units are coherent because pF·mV/ms = pA and nS·mV = pA. Rates are the usual exception: they are in Hz (spikes per second), not
in 1/ms. Strings may have any prefix of the table.
"""

from __future__ import annotations

import math
import re
from typing import Any

_PREFIXES = {"G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12}

# unit symbol → (dimension, coherent unit, exponent of ten of the coherent unit in SI)
_SYMBOLS = {
    "s": ("time", "ms", 1e-3),
    "V": ("voltage", "mV", 1e-3),
    "F": ("capacitance", "pF", 1e-12),
    "A": ("current", "pA", 1e-12),
    "S": ("conductance", "nS", 1e-9),
    "Hz": ("rate", "Hz", 1.0),
    "ohm": ("resistance", "Gohm", 1e9),
    "m": ("length", "mm", 1e-3),
}

_EXTRA = {
    "1/s": ("rate", 1.0),
    "spikes/s": ("rate", 1.0),
    "1/ms": ("rate", 1e3),
    "min": ("time", 60e3),
    "h": ("time", 3600e3),
    "1": ("number", 1.0),
    "%": ("number", 0.01),
}


def _table() -> dict[str, tuple[str, float]]:
    table = dict(_EXTRA)
    for symbol, (dimension, _, base) in _SYMBOLS.items():
        for prefix, factor in _PREFIXES.items():
            # The quotient is rounded to the exact power of ten.
            table[prefix + symbol] = (dimension, _power(factor / base))
    return table


def _power(x: float) -> float:
    exponent = round(math.log10(x))
    return float(f"1e{exponent}")


UNITS = _table()
DIMENSIONS = {unit: dimension for _, (dimension, unit, _) in _SYMBOLS.items()} | {"": "number"}

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf)\s*+(\S*+)\s*+$")


def parse(text: str, unit: str | None = None) -> float:
    """Parse a quantity and convert it to the coherent unit of its dimension.

    Parameters
    ----------
    text : a number with a unit, such as ``"20 ms"`` or ``"0.02 s"``. A number without a unit is
        in the coherent unit already.
    unit : the expected coherent unit (``"ms"``; ``""`` for a number without a unit); None accepts any.

    Raises
    ------
    ValueError : `text` is not a quantity, or has an unknown unit or the wrong dimension.
    """
    number, symbol = split(text)
    if not symbol:
        return number
    dimension, factor = UNITS[symbol]
    if unit is not None and dimension != DIMENSIONS[unit]:
        wanted = f"a {DIMENSIONS[unit]} ({unit})" if unit else "a number without a unit"
        raise ValueError(f"{text!r} is a {dimension}, expected {wanted}")
    return float(scaled(number, factor))


_SPELLED = {"milliseconds": "ms", "millisecond": "ms", "msec": "ms", "seconds": "s", "second": "s", "sec": "s", "microseconds": "us"}


def factor(symbol: str, unit: str) -> float | None:
    """The conversion factor from `symbol` (a unit such as "nA", or a word such as "seconds") to the coherent `unit`, or None."""
    dimension, factor = UNITS.get(_SPELLED.get(symbol.strip().lower(), symbol.strip()), ("", 1.0))
    return factor if dimension == DIMENSIONS[unit] else None


def scaled(number: Any, factor: float) -> Any:
    """`number` (or an array) times a factor of the table. Factors below 1 divide by the reciprocal, a power of ten that is exact."""
    return number * factor if factor >= 1 else number / _power(1 / factor)


def split(text: str) -> tuple[float, str]:
    """Split a quantity into number and unit; the unit is "" if there is none. ValueError as in `parse`."""
    match = _QUANTITY.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a number with a unit, such as '20 ms'")
    if match[2] and match[2] not in UNITS:
        raise ValueError(f"{text!r} has an unknown unit {match[2]!r}")
    return float(match[1]), match[2]


def looks_like_quantity(text: str) -> bool:
    """Whether `text` is a number, alone or followed by one word (which need not be a known unit)."""
    return bool(_QUANTITY.match(text))


def coherent(symbol: str) -> str | None:
    """The coherent unit of the dimension of `symbol` ("mV" for "V"); None for ""."""
    if not symbol:
        return None
    return next(unit for unit, dimension in DIMENSIONS.items() if dimension == UNITS[symbol][0])
