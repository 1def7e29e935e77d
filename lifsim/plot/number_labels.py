"""Numbers at the ticks of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axis import Axis
from matplotlib.ticker import Formatter

_LARGE, _SMALL = 1e6, 1e-3  # beyond these, labels have powers of ten
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SPECIAL = "−×⁻⁰¹²³⁴⁵⁶⁷⁸⁹"  # the characters of labels that are not in ASCII


class NumberLabels(Formatter):
    """Writes every tick as a number of its own, such as -65.0001 or 1.5 × 10⁸, without an offset or factor at the end of the axis.

    All labels of an axis have the same number of decimals, as many as tell the ticks apart.
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of the tick at `x`."""
        ticks = [float(at) for at in self.axis.get_majorticklocs()] if isinstance(self.axis, Axis) else []
        return self._labels([x, *ticks])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of the ticks at `values`."""
        return self._labels([float(x) for x in values])

    def _labels(self, values: Sequence[float]) -> list[str]:
        power = _power(values)
        scaled = [x / 10.0**power for x in values]
        decimals = _decimals(scaled)
        return [self.fix_minus(_text(x, decimals)) + (f" × {ten_to(power)}" if power and x else "") for x in scaled]


def ten_to(power: int) -> str:
    """A power of ten as text, such as "10⁸"."""
    return f"10{str(power).translate(_RAISED)}"


def _power(values: Sequence[float]) -> int:
    """The power of ten that is written apart; 0 for none, also where numbers next to it would need more than 3 decimals."""
    largest = max(map(abs, values), default=0.0)
    if largest == 0 or _SMALL <= largest < _LARGE:
        return 0
    power = math.floor(math.log10(largest) + 1e-9)
    return power if _decimals([x / 10.0**power for x in values]) <= 3 else 0


def _decimals(values: Sequence[float]) -> int:
    """The number of decimals that show evenly spaced `values` exactly, up to a thousandth of their distance."""
    order = sorted(set(values))
    distance = min((b - a for a, b in pairwise(order)), default=abs(order[0]) if order else 1.0) or 1.0
    return next((d for d in range(18) if all(abs(round(x, d) - x) < 1e-3 * distance for x in order)), 18)


def _text(x: float, decimals: int) -> str:
    text = f"{x:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text
