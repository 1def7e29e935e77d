"""Axes of the plots of scans: the values of a parameter, numbers or names, evenly spaced or in equal ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from lifsim.common.errors import DataError
from lifsim.plot.number_labels import NumberLabels
from lifsim.plot.style import label_axis

_TURNED = 8  # characters of names above which they are turned


@dataclass(frozen=True)
class ScanAxis:
    """The values of a scanned parameter.

    Parameters
    ----------
    name, unit : of the parameter. at : the place of each row on the axis, float64 (n,): its value, or the number of its name.
    ticks : the different values, in order. log : whether the axis is logarithmic. named : whether the values are texts.
    """

    name: str
    unit: str
    at: np.ndarray
    ticks: list[Any]
    log: bool
    named: bool

    @property
    def places(self) -> np.ndarray:
        """The places of the different values, float64, ascending."""
        return np.arange(len(self.ticks), dtype=float) if self.named else np.array(self.ticks, float)

    @property
    def label(self) -> str:
        """The label of the axis."""
        return label_axis(shown_name(self.name) + (f" ({self.unit})" if self.unit else ""))

    def said(self, place: float) -> str:
        """The value at a place of the axis, as text."""
        return label_axis(str(self.ticks[int(place)]) if self.named else f"{place:g}")

    def apply(self, ax: Axes, which: str) -> None:
        """Set scale and label of the x or y axis."""
        if self.log:
            getattr(ax, f"set_{which}scale")("log")
        getattr(ax, f"set_{which}label")(self.label)

    def label_ticks(self, ax: Axes, which: str) -> None:
        """Write names at the ticks of the x or y axis, or plain numbers on a logarithmic one; after the common style."""
        axis = ax.xaxis if which == "x" else ax.yaxis
        if self.named:
            axis.set_ticks(list(self.places), [label_axis(str(tick)) for tick in self.ticks])
            if which == "x" and max(len(str(tick)) for tick in self.ticks) > _TURNED:
                ax.tick_params(axis="x", rotation=30)
        elif self.log:
            low, high = self.places[[0, -1]]
            ticks = [m * 10.0**k for k in range(-12, 13) for m in (1, 2, 5) if low * 0.999 <= m * 10.0**k <= high * 1.001]
            axis.set_ticks(ticks if len(ticks) < 9 else ticks[::3])
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(NumberLabels() if high / low < 1e3 else "{x:g}")


def scan_axis(name: str, cells: Sequence[Any], unit: str = "") -> ScanAxis:
    """The axis of a parameter with these values in the rows of a table (DataError if one is missing)."""
    if any(cell is None for cell in cells):
        raise DataError("scan", f"some runs have no value of {name}", "runs that all have one, such as those of one grid")
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in cells):
        at = np.array(cells, float)
        ticks = np.unique(at)
        return ScanAxis(name, unit, at, [f"{x:g}" if len(ticks) == 1 else x for x in ticks], _is_log(ticks), False)
    names = list(dict.fromkeys(str(cell) for cell in cells))
    return ScanAxis(name, unit, np.array([names.index(str(cell)) for cell in cells], float), names, False, True)


def shown_name(name: str) -> str:
    """The name of a parameter in a figure: a path without what every path has."""
    words = [word for word in name.split(".") if word not in ("populations", "params", "initial", "run")]
    return " ".join(words)


def _is_log(ticks: np.ndarray) -> bool:
    """Whether values are spread over decades rather than evenly: in equal ratios, or at random over more than one decade."""
    if len(ticks) < 3 or ticks[0] <= 0:
        return False
    even, ratio = np.diff(ticks), np.diff(np.log(ticks))
    return bool(np.ptp(ratio) / ratio.mean() < 0.5 * np.ptp(even) / even.mean() and ticks[-1] / ticks[0] > 3)
