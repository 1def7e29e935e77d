"""Several states of a network side by side, as in figure 8 of Brunel (2000)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.common.overview import counted
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey
from lifsim.plot.rate_course import check_bin
from lifsim.plot.selection import Shown, spikes_of
from lifsim.plot.several_results import Windows, beside, write_title
from lifsim.plot.style import FONT, Picture, draw_stairs, is_narrow, new_figure, page_width, say_nothing, time_label
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable
from lifsim.results.spikes import Spikes

_MOST_BINS = 3000


@pictured
def states(
    results: Mapping[str, Openable],
    populations: Sequence[str] | str | None = None,
    windows: Windows = None,
    neurons: int = 50,
    rate_bin: float | None = None,
    seed: int = 0,
    ax: Sequence[tuple[Axes, Axes]] | None = None,
) -> Figure:
    """States of a network: for each result the spikes of some neurons, and below them the activity of the whole network.

    The panels of figure 8 of Brunel (2000), doi:10.1023/A:1008925309027. The neurons are drawn at random from all populations together
    and stand in the order of the populations, in their colours. The activity is the rate of all recorded neurons together.

    Parameters
    ----------
    results : title of a panel -> result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    windows : limits (t_start, t_stop) of the time axis in ms, for all or by title; default: whole runs.
    neurons : number of neurons in each raster.
    rate_bin : width of the bins of the activity, ms; default: the time step, or as many as give at most 3,000 bins.
    seed : seed of the random choice of neurons.
    ax : pairs of axes (raster, activity), one for each result; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : there are no results, no such population, no spikes were recorded, a window is empty, or a number is not above 0.
    """
    check_bin(rate_bin)
    if neurons < 1:
        raise DataError("neurons", f"{neurons}", "at least 1")
    panels: list[Axes] = []
    for title, result, window, (top, below) in beside(results, windows, ax, _panels, "pairs of axes"):
        shown = spikes_of(result, populations, *window)
        _draw_some(top, shown, neurons, seed)
        _draw_activity(below, shown, rate_bin)
        write_title(top, len(panels), title)
        fit_fonts(top, below)
        panels.append(top)
    return new_figure(panels[0])


def _panels(n: int) -> list[tuple[Axes, Axes]]:
    columns = 1 if is_narrow() or n == 1 else 2
    rows = -(-n // columns)
    figure = Picture(figsize=(page_width(), 2.6 * rows), layout="constrained")
    outer = figure.add_gridspec(rows, columns, hspace=0.06)
    pairs = []
    for k in range(n):
        inner = outer[k // columns, k % columns].subgridspec(2, 1, height_ratios=(2, 1), hspace=0.04)
        top = figure.add_subplot(inner[0])
        pairs.append((top, figure.add_subplot(inner[1], sharex=top)))
    return pairs


def _draw_some(ax: Axes, shown: Sequence[Shown], neurons: int, seed: int) -> None:
    """Draw the spikes of neurons chosen from all populations together, a row of strokes for each."""
    sizes = [len(one.spikes.recorded_ids) for one in shown]
    total = sum(sizes)
    chosen = np.sort(np.random.default_rng(seed).choice(total, min(neurons, total), replace=False))
    scale = time_label(ax, min(one.spikes.t_start for one in shown), max(one.spikes.t_stop for one in shown))
    first, drawn = 0, 0
    for one, n in zip(shown, sizes, strict=True):
        rows = np.flatnonzero((chosen >= first) & (chosen < first + n))
        ids = one.spikes.recorded_ids[chosen[rows] - first]
        place = analysis.places(one.spikes.ids, ids)
        inside = place >= 0
        y = rows[place[inside]] + 0.5
        marks: dict[str, Any] = {"markersize": 2.4, "markeredgewidth": 0.6, "linestyle": "none", "rasterized": True}
        ax.plot(one.spikes.times[inside] * scale, y, "|", color=one.colour, label=one.label, **marks)
        first, drawn = first + n, drawn + int(inside.sum())
    ax.set_ylim(max(len(chosen), 1), 0)
    ax.set_yticks([])
    ax.set_ylabel(counted(len(chosen), "neuron"), fontsize=FONT)
    ax.set_xlabel("")
    ax.tick_params(labelbottom=False)
    if not drawn:
        say_nothing(ax, "no spikes")


def _finest(spikes: Spikes) -> float:
    """A time step, or the fewest that give at most `_MOST_BINS` bins, in ms; 0.1 ms is taken for a step that is not known."""
    step = spikes.dt if spikes.dt > 0 else 0.1
    return step * max(1, math.ceil((spikes.t_stop - spikes.t_start) / step / _MOST_BINS - 1e-9))


def _draw_activity(ax: Axes, shown: Sequence[Shown], rate_bin: float | None) -> None:
    width = rate_bin or _finest(shown[0].spikes)
    scale = time_label(ax, min(one.spikes.t_start for one in shown), max(one.spikes.t_stop for one in shown))
    counts = [analysis.counts(one.spikes, width) for one in shown]
    n = min(map(len, counts))
    total = np.sum([count[:n] for count in counts], axis=0)
    rate = total / (max(sum(len(one.spikes.recorded_ids) for one in shown), 1) * width / 1000.0)
    edges = (shown[0].spikes.t_start + width * np.arange(n + 1)) * scale
    draw_stairs(ax, rate, edges, fill=True, color=grey(0.15), linewidth=0)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"activity (1/s)\n{width:g} ms bins", fontsize=FONT)
