"""Membrane potentials of a neuron at several values of a scanned parameter, from the kept results of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from lifsim.plot.palette import on_dark
from lifsim.plot.scan_axes import ScanAxis
from lifsim.plot.selection import result_of
from lifsim.plot.style import SMALL, add_legend_beside, label_axis, tidy_axes, time_label
from lifsim.results.data import Traces
from lifsim.results.result import Result

_MOST = 5  # values whose potentials are drawn
_FEW = 5  # neurons that at most were recorded, as for the figure of a single run


def potentials_of(results: Sequence[tuple[float, Path]]) -> list[tuple[float, np.ndarray, np.ndarray, str]]:
    """Place on the axis of the parameter, times (ms), potentials (mV) and name of the first recorded neuron in each of some `results`.

    They are spread over the values of the parameter. Empty if no potentials, or those of many neurons, were recorded.
    """
    chosen = np.unique(np.linspace(0, len(results) - 1, min(_MOST, len(results))).round().astype(int))
    found = [(results[k][0], *_potential(result_of(results[k][1]))) for k in chosen]
    return found if all(len(times) for _, times, _, _ in found) else []


def _potential(result: Result) -> tuple[np.ndarray, np.ndarray, str]:
    for population in result.traces:
        of: Traces = result.traces[population]
        if "V_m" in list(of) and of["V_m"].shape[1] <= _FEW:
            return of.times_of("V_m"), of["V_m"][:, 0], population
    return np.zeros(0), np.zeros(0), ""


def draw_potentials(ax: Axes, axis: ScanAxis, found: Sequence[tuple[float, np.ndarray, np.ndarray, str]]) -> None:
    """Lines from dark (the first value) to light, without the shades that are like the background."""
    first, last = (0.4, 1.0) if on_dark() else (0.0, 0.88)
    shades = matplotlib.colormaps["viridis"](np.linspace(first, last, len(found)))
    scale = time_label(ax, 0.0, max(float(times[-1]) for _, times, _, _ in found))
    for (place, times, potential, _), colour in zip(found, shades, strict=True):
        ax.plot(times * scale, potential, color=colour, lw=0.9, label=axis.said(place))
    ax.set_ylabel(label_axis(f"V_m of {found[0][3]}[0] (mV)"))
    tidy_axes(ax)
    add_legend_beside(ax, SMALL, title=axis.label)
