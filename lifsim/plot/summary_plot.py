"""The activity of a network in four panels, as in figure 6 of Potjans & Diesmann (2014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.common.overview import counted
from lifsim.plot.bands import bands_of
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey, paper
from lifsim.plot.raster_plot import draw_raster
from lifsim.plot.rate_course import name_rows
from lifsim.plot.selection import Shown, same_share, sample_of, spikes_of, too_short
from lifsim.plot.style import FONT, Picture, is_narrow, page_width, say_nothing, tidy_axes, write_note
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable

_ROWS = 1862  # neurons in the raster of the paper's figure


@pictured
def summary(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    neurons: int = 1000,
    bin: float = 3.0,
    raster_ms: float = 400.0,
    seed: int = 0,
) -> Figure:
    """Activity of all populations: a raster, and for each population the rates and CVs of its neurons and its synchrony.

    The panels of figure 6 of Potjans & Diesmann (2014), doi:10.1093/cercor/bhs358. A: the spikes of the last `raster_ms`; at most 1,862
    neurons are drawn, the same share of each population. B, C: box plots (Tukey: the box holds the middle half, the line is the median,
    whiskers end at the farthest values within 1.5 times the height of the box, crosses are values beyond; the star is the mean) of the
    mean rate and of the CV of the inter-spike intervals (`lifsim.analysis.cv_isi`, of neurons with at least 5 intervals). D: variance
    over mean of the number of spikes of the drawn neurons together in each bin. Silent neurons count in B and D, not in C.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window of the statistics, ms; default: the whole run. The paper's are 60 s long (B, C) and 5 s (D).
    neurons : number of neurons of each population that the statistics are taken of, drawn at random; all if there are fewer.
    bin : width of the bins of D, ms.
    raster_ms : duration of the raster, ms. seed : seed of the random choice of neurons.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, the window is empty, or a number is not above 0.
    """
    for name, value in (("neurons", neurons), ("bin", bin), ("raster_ms", raster_ms)):
        if not 0 < value < np.inf:
            raise DataError(name, f"{value:g}", "a number above 0")
    shown = spikes_of(result, populations, t_start, t_stop)
    panel = max(0.45 + 0.14 * min(len(shown), 40), 1.0)
    if is_narrow():
        heights = [2 * panel, panel, panel, panel]
        figure = Picture(figsize=(page_width(), sum(heights)), layout="constrained")
        left, *right = figure.subplots(4, 1, height_ratios=heights)
    else:
        figure = Picture(figsize=(page_width(), 3 * panel), layout="constrained")
        grid = figure.add_gridspec(3, 2, width_ratios=(1.25, 1))
        left, right = figure.add_subplot(grid[:, 0]), [figure.add_subplot(grid[k, 1]) for k in range(3)]
    _draw_dots(left, shown, raster_ms, 72 * (2 * panel if is_narrow() else 3 * panel))
    drawn = [replace(one, spikes=sample_of(one.spikes, neurons, seed)) for one in shown]
    rates, cvs = [analysis.rates(one.spikes) for one in drawn], [analysis.cv_isi(one.spikes) for one in drawn]
    draw_tukey(right[0], rates, drawn)
    right[0].set_xlabel("rate of a neuron (1/s)", fontsize=FONT)
    draw_tukey(right[1], [cv[~np.isnan(cv)] for cv in cvs], drawn)
    right[1].set_xlabel("CV of ISI", fontsize=FONT)
    short = too_short(shown, bin)
    _draw_bars(right[2], [np.nan if short else analysis.synchrony(one.spikes, bin) for one in drawn], drawn, short or "no spikes")
    right[2].set_xlabel(f"synchrony: variance / mean of counts in {bin:g} ms", fontsize=FONT)
    window = shown[0].spikes
    write_note(right[0], f"B to D: {_numbers(drawn)} each; {window.t_start:g} to {window.t_stop:g} ms")
    for letter, ax in zip("ABCD", (left, *right), strict=True):
        ax.set_title(letter, loc="left", fontsize=FONT, fontweight="bold", pad=3)
        fit_fonts(ax)
    return figure


def _numbers(drawn: Sequence[Shown]) -> str:
    sizes = sorted({len(one.spikes.recorded_ids) for one in drawn})
    return ("" if len(sizes) == 1 else f"{sizes[0]:,} to ") + counted(sizes[-1], "neuron")


def _draw_dots(ax: Axes, shown: Sequence[Shown], duration: float, height: float) -> None:
    few = same_share([replace(one, spikes=one.spikes.window(one.spikes.t_stop - duration)) for one in shown], _ROWS)
    draw_raster(
        ax,
        bands_of(few, [np.sort(one.spikes.recorded_ids) for one in few], height),
        height,
        f"; {few[0].spikes.t_start:g} to {few[0].spikes.t_stop:g} ms",
    )
    ax.xaxis.set_major_locator(MaxNLocator(4))


def draw_tukey(ax: Axes, values: Sequence[np.ndarray], shown: Sequence[Shown]) -> None:
    """Draw a horizontal box plot after Tukey for each population, in rows from the top, with a star at the mean."""
    tidy_axes(ax)
    name_rows(ax, shown)
    for k, (each, one) in enumerate(zip(values, shown, strict=True)):
        if not len(each):
            continue
        low, middle, high = np.percentile(each, [25, 50, 75])
        inside = each[(each >= low - 1.5 * (high - low)) & (each <= high + 1.5 * (high - low))]
        beyond = each[(each < inside.min()) | (each > inside.max())]
        y = k + 0.5
        ax.plot(beyond, np.full(len(beyond), y), "+", markersize=2, markeredgewidth=0.4, color=one.colour, rasterized=True, zorder=1)
        ax.plot([inside.min(), inside.max()], [y, y], color=one.colour, linewidth=0.8, zorder=2)
        ax.barh(y, high - low, 0.6, low, color=one.colour, linewidth=0, zorder=3)
        ax.plot([middle, middle], [y - 0.3, y + 0.3], color=paper(), linewidth=1.0, solid_capstyle="butt", zorder=4)
        star: dict[str, Any] = {"markersize": 5, "markerfacecolor": paper(), "markeredgecolor": grey(0.0), "markeredgewidth": 0.5}
        ax.plot(each.mean(), y, "*", zorder=5, **star)
    if any(map(len, values)):
        ax.set_xlim(left=0)
    else:
        say_nothing(ax, "no values")


def _draw_bars(ax: Axes, values: Sequence[float], shown: Sequence[Shown], none: str) -> None:
    """Draw a bar for each population; `none` is said if there are no values."""
    tidy_axes(ax)
    name_rows(ax, shown)
    for k, (value, one) in enumerate(zip(values, shown, strict=True)):
        if not np.isnan(value):
            ax.barh(k + 0.5, value, 0.6, color=one.colour, linewidth=0)
    ax.axvline(1, color=grey(0.5), linewidth=0.6, linestyle="--", zorder=0.5)  # of independent Poisson trains
    ax.set_xlim(left=0)
    if np.isnan(values).all():
        say_nothing(ax, none)
