"""Plots of firing rates and inter-spike intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.plot.distributions import draw_boxes, draw_histograms, edges_of, rate_edges
from lifsim.plot.house import pictured
from lifsim.plot.rate_course import check_bin, draw_rates, in_rows, rates_height
from lifsim.plot.selection import Shown, spikes_of
from lifsim.plot.style import add_legend, is_narrow, new_figure, panels_beside, say_nothing, write_note
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable


@pictured
def rates(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    rate_bin: float | None = None,
) -> Figure:
    """Population rates over time, and the distribution of the neurons' rates.

    Up to six populations share the axes. More have a row each, from 0 to the highest rate of the population, and a box plot of their
    neurons' rates: the median, the middle half of the neurons, and the range from the 5th to the 95th percentile.

    Parameters
    ----------
    result : the result, or what `lifsim.open` takes: its path, `Spikes`, {population: `Spikes`}, ….
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the population rates alone; default: a new figure with both panels.
    rate_bin : width of the bins of the population rates, ms; default, for each population: the smallest of 1, 2, 5, 10, … ms (in
        windows of up to 20 ms, of 0.1, 0.2, 0.5, … ms) that gives at most 300 bins, with 5 spikes or more on average; for few spikes,
        about a tenth of the window.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, the window is empty, or `rate_bin` is not a finite time above 0.
    """
    check_bin(rate_bin)
    shown = spikes_of(result, populations, t_start, t_stop)
    if ax is not None:
        draw_rates(ax, shown, rate_bin)
        return new_figure(ax)
    left, right = panels_beside(rates_height(len(shown), 2.4), 2.2, 1)
    draw_rates(left, shown, rate_bin)
    each = [analysis.rates(one.spikes) for one in shown]
    if in_rows(shown):
        draw_boxes(right, each, shown, names=is_narrow())
    else:
        draw_histograms(right, each, shown, rate_edges(each, shown))
        right.set_ylabel("share of neurons")
    right.set_xlabel("rate of a neuron (1/s)")
    return new_figure(left)


@pictured
def isi(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Distributions of the inter-spike intervals and of their coefficient of variation (`lifsim.analysis.cv_isi`).

    Up to six populations share the axes. More have a box plot each: the median, the middle half, and the range from the 5th to the 95th
    percentile.

    Parameters
    ----------
    result : the result, or what `lifsim.open` takes: its path, `Spikes`, {population: `Spikes`}, ….
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the intervals alone; default: a new figure with both panels.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = spikes_of(result, populations, t_start, t_stop)
    if ax is None:
        left, right = panels_beside(rates_height(len(shown), 2.4), 1.6, 1)
        draw_cv(right, shown)
    else:
        left = ax
    _draw_intervals(left, shown)
    fit_fonts(left)
    return new_figure(left)


def _draw_intervals(ax: Axes, shown: Sequence[Shown]) -> None:
    intervals = [analysis.isi(one.spikes)[0] for one in shown]
    every = np.concatenate(intervals)
    if in_rows(shown):
        draw_boxes(ax, intervals, shown)
    else:
        most = every[every <= np.percentile(every, 99.5)] if len(every) > 200 else every
        edges = edges_of(most, max(map(len, intervals)), 60, shown[0].spikes.dt)
        draw_histograms(ax, intervals, shown, edges)
        add_legend(ax, len(shown))
        ax.set_ylabel("share of intervals")
        beyond = np.count_nonzero(every > edges[-1])
        if beyond:
            write_note(ax, f"{100 * beyond / len(every):.2g} % of the intervals are longer, up to {every.max():,.4g} ms")
        ax.set_xlim(left=0)
    ax.set_xlabel("inter-spike interval (ms)")
    if not len(every):
        say_nothing(ax, "no neuron fired twice")


def draw_cv(ax: Axes, shown: Sequence[Shown]) -> None:
    """Draw the distribution of the CVs of the neurons of each population."""
    cvs = [analysis.cv_isi(one.spikes) for one in shown]
    cvs = [cv[~np.isnan(cv)] for cv in cvs]
    every = np.concatenate(cvs)
    if in_rows(shown):
        draw_boxes(ax, cvs, shown, names=is_narrow())
    else:
        # an axis up to 0.1 at least: CVs of regular neurons stay close together
        draw_histograms(ax, cvs, shown, edges_of(every, max(map(len, cvs)), 30, least=0.1))
        for k, (cv, one) in enumerate(zip(cvs, shown, strict=True)):
            if len(cv):  # each dashed where the others have gaps, so that equal means are all seen
                dashes = (4 * k, (4, 4 * max(1, len(shown) - 1)))
                ax.axvline(cv.mean(), color=one.colour, linewidth=0.8, linestyle=dashes)
        if len(every):
            write_note(ax, "dashed: mean")
        ax.set_ylabel("share of neurons")
    if not len(every):
        say_nothing(ax, f"every neuron has\nfewer than {analysis.MIN_ISIS} intervals")
    ax.set_xlabel(f"CV of ISI (neurons with \N{GREATER-THAN OR EQUAL TO} {analysis.MIN_ISIS} ISIs)")
