"""How irregularly the neurons of several networks fire, as in the figure of benchmarks of Brette et al. (2007)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.plot.bands import bands_of
from lifsim.plot.distributions import draw_histograms
from lifsim.plot.house import pictured
from lifsim.plot.raster_plot import draw_raster
from lifsim.plot.rate_plots import draw_cv
from lifsim.plot.selection import Shown, same_share, spikes_of
from lifsim.plot.several_results import Windows, beside, write_title
from lifsim.plot.style import Picture, figure_size, is_narrow, new_figure, page_width, say_nothing
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable

_HEIGHT = 2.1  # of a row, inches
_BINS = 40  # of the intervals


@pictured
def firing(
    results: Mapping[str, Openable],
    populations: Sequence[str] | str | None = None,
    windows: Windows = None,
    neurons: int = 1000,
    seed: int = 0,
    ax: Sequence[tuple[Axes, Axes, Axes]] | None = None,
) -> Figure:
    """A row for each result: raster, and distributions of the inter-spike intervals and of their coefficient of variation.

    The lower panels of the figures of benchmarks 1 and 2 of Brette et al. (2007), doi:10.1007/s10827-007-0038-6. The distributions are
    of all recorded neurons; bins of the intervals are equally wide on the logarithmic axis.

    Parameters
    ----------
    results : title of a row -> result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    windows : limits (t_start, t_stop) of raster and distributions in ms, for all or by title; default: whole runs.
    neurons : largest number of neurons in the raster, in all, the same share of each population, drawn at random.
    seed : seed of the random choice of neurons.
    ax : triples of axes (raster, intervals, CVs), one for each result; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : there are no results, no such population, no spikes were recorded, a window is empty, or `neurons` is not above 0.
    """
    if neurons < 1:
        raise DataError("neurons", f"{neurons}", "at least 1")
    panels: list[Axes] = []
    for title, result, window, (left, middle, right) in beside(results, windows, ax, _panels, "triples of axes"):
        shown = spikes_of(result, populations, *window)
        few = same_share(shown, neurons, seed)
        room = 72 * figure_size(left)[1]
        draw_raster(left, bands_of(few, [np.sort(one.spikes.recorded_ids) for one in few], room), room)
        left.set_title("", loc="right")  # the number of spikes, for which there is no room beside the title
        _draw_intervals(middle, shown)
        draw_cv(right, shown)
        write_title(left, len(panels), title)
        fit_fonts(left, middle, right)
        panels.append(left)
    return new_figure(panels[0])


def _draw_intervals(ax: Axes, shown: Sequence[Shown]) -> None:
    """Draw the distribution of the inter-spike intervals of each population on a logarithmic axis."""
    intervals = [analysis.isi(one.spikes)[0] for one in shown]
    every = np.concatenate(intervals)
    if len(every):
        low, high = float(every.min(initial=np.inf, where=every > 0)), float(every.max())
        low = low if np.isfinite(low) else 1.0  # ms; only spikes of one step
        edges = np.geomspace(low, high if high > low else 2 * low, _BINS + 1)
        draw_histograms(ax, [np.maximum(each, low) for each in intervals], shown, edges)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(ScalarFormatter())
    else:
        say_nothing(ax, "no neuron fired twice")
    ax.set_ylabel("share of intervals")
    ax.set_xlabel("inter-spike interval (ms)")


def _panels(n: int) -> list[tuple[Axes, Axes, Axes]]:
    if is_narrow():
        axes = Picture(figsize=(page_width(), 3 * n * _HEIGHT), layout="constrained").subplots(3 * n, 1)
    else:
        figure = Picture(figsize=(page_width(), n * _HEIGHT), layout="constrained")
        axes = figure.subplots(n, 3, squeeze=False, width_ratios=(1.4, 1, 1)).ravel()
    return [(axes[3 * k], axes[3 * k + 1], axes[3 * k + 2]) for k in range(n)]
