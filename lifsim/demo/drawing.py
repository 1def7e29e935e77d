"""Parts of the figures of demonstrations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import lifsim.plot.backend  # noqa: F401

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.plot.palette import EXCITATORY, INHIBITORY, OTHERS
from lifsim.plot.style import FONT, SMALL, Picture, page_width, tidy_axes
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.result import Result
from lifsim.results.spikes import Spikes

BLUE, RED, GREEN, PURPLE, YELLOW = EXCITATORY, INHIBITORY, OTHERS[1], OTHERS[2], OTHERS[3]
COLOURS = (BLUE, RED, GREEN, PURPLE, YELLOW)
GREY = "0.45"
_DASHES: dict[str, Any] = {"V_th": (0, (4, 2)), "V_reset": (0, (1, 1.5)), "E_L": (0, (4, 1.5, 1, 1.5))}


def panels(rows: int, columns: int = 1, height: float = 2.2, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure as wide as a page, with rows of panels, each `height` inches high; `options` as of matplotlib's `subplots`."""
    figure = Picture(figsize=(page_width(), rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def name_axes(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Label axes in the common style."""
    tidy_axes(ax)
    ax.set_xlabel(x, fontsize=FONT)
    ax.set_ylabel(y, fontsize=FONT)
    ax.set_title(title, fontsize=FONT, loc="left")
    fit_fonts(ax)


def add_key(ax: Axes, place: str = "best", **options: Any) -> None:
    """Add a legend in the common style."""
    ax.legend(**{"fontsize": SMALL, "frameon": False, "loc": place} | options)


def signed(x: float) -> str:
    """A number for a figure, with a minus sign instead of a hyphen."""
    return f"{x:g}".replace("-", "\N{MINUS SIGN}")


def draw_levels(ax: Axes, levels: dict[str, float]) -> None:
    """Horizontal lines at potentials such as V_th, each with its name at the right end."""
    for name, level in levels.items():
        ax.axhline(level, color=GREY, lw=0.8, ls=_DASHES.get(name, "--"), zorder=1)
        ax.annotate(
            name,
            (1, level),
            (2, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=GREY,
        )


def draw_potential(ax: Axes, result: Result, population: str, colour: str = BLUE, label: str = "", peak: float | None = None) -> None:
    """V_m of the first recorded neuron of a population over time. With `peak` (mV), a line from V_m to there marks each spike."""
    traces = result.traces[population]
    ax.plot(traces.times, traces["V_m"][:, 0], color=colour, lw=1.0, label=label or None)
    if peak is not None:
        at = spike_times(result, population)
        before = traces["V_m"][np.maximum(np.searchsorted(traces.times, at - 1e-9) - 1, 0), 0]
        ax.vlines(at, before, peak, color=colour, lw=1.0)


def draw_rows(ax: Axes, rows: Iterable[np.ndarray], colour: str = BLUE) -> None:
    """Spike times (ms) as marks, the first row at the top."""
    rows = list(rows)
    for k, times in enumerate(rows):
        ax.plot(times, np.full(len(times), k), "|", ms=max(1.5, min(6.0, 60 / len(rows))), mew=0.7, color=colour)
    ax.set_ylim(len(rows) - 0.5, -0.5)


def spike_times(result: Result, population: str, neuron: int = 0) -> np.ndarray:
    """Spike times of one neuron, ms."""
    return of_neuron(result.spikes[population], neuron)


def of_neuron(spikes: Spikes, neuron: int) -> np.ndarray:
    """Spike times of one neuron, ms."""
    return np.asarray(spikes.times[spikes.ids == neuron])


def potential_at(result: Result, population: str, t: float) -> float:
    """V_m of the first recorded neuron of a population at the time t (ms), a multiple of the recording interval."""
    traces = result.traces[population]
    return float(traces["V_m"][np.argmin(np.abs(traces.times - t)), 0])
