"""Plots of firing rates and inter-spike intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.plot.inline import shows
from lifsim.plot.selection import rate_bin_of, spikes_of
from lifsim.plot.style import (
    FONT,
    WIDTH,
    Picture,
    add_legend,
    colours,
    legend_height,
    new_figure,
    say_nothing,
    short_label,
    tidy_axes,
    time_axis,
    write_note,
)
from lifsim.results.data import Spikes
from lifsim.results.result import Result


@shows
def rates(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    rate_bin: float | None = None,
) -> Figure:
    """Population rates over time, and the distribution of the neurons' rates.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the population rates alone; default: a new figure with both panels.
    rate_bin : width of the bins of the population rates, ms; default: a round number that gives about 200 bins.

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = spikes_of(result, populations, t_start, t_stop)
    width = rate_bin or rate_bin_of(shown)
    if ax is not None:
        draw_rates(ax, shown, width)
        return new_figure(ax)
    figure = Picture(figsize=(WIDTH, legend_height(len(shown), 2.4)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.2, 1))
    draw_rates(left, shown, width)
    each = [analysis.rates(spikes) for spikes in shown]
    _histograms(right, each, shown, _rate_edges(each, shown))
    right.set(xlabel="rate of a neuron (1/s)", ylabel="share of neurons")
    return figure


@shows
def isi(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Distributions of the inter-spike intervals and of their coefficient of variation (`lifsim.analysis.cv_isi`).

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the intervals alone; default: a new figure with both panels.

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = spikes_of(result, populations, t_start, t_stop)
    figure: Figure
    if ax is None:
        figure = Picture(figsize=(WIDTH, legend_height(len(shown), 2.4)), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
        _draw_cv(right, shown)
    else:
        left, figure = ax, new_figure(ax)
    intervals = [analysis.isi(spikes)[0] for spikes in shown]
    every = np.concatenate(intervals)
    edges = _edges(every[every <= np.percentile(every, 99.5)] if len(every) else every, 60, shown[0].dt)
    _histograms(left, intervals, shown, edges)
    left.set(xlabel="inter-spike interval (ms)", ylabel="share of intervals")
    left.set_xlim(left=0)
    add_legend(left, shown)
    beyond = np.count_nonzero(every > edges[-1])
    if beyond:
        write_note(left, f"{100 * beyond / len(every):.2g} % of the intervals are longer, up to {every.max():,.4g} ms")
    if not len(every):
        say_nothing(left, "no neuron fired twice")
    return figure


def _draw_cv(ax: Axes, shown: Sequence[Spikes]) -> None:
    cvs = [analysis.cv_isi(spikes) for spikes in shown]
    cvs = [cv[~np.isnan(cv)] for cv in cvs]
    every = np.concatenate(cvs)
    _histograms(ax, cvs, shown, _edges(np.append(every, 0.1), 30))  # an axis up to 0.1 at least: CVs of regular neurons stay close together
    for cv, colour in zip(cvs, colours([s.name for s in shown]), strict=True):
        if len(cv):
            ax.axvline(cv.mean(), color=colour, linewidth=0.8, linestyle="--")
    if len(every):
        write_note(ax, "dashed: mean")
    else:
        say_nothing(ax, f"every neuron has\nfewer than {analysis.MIN_ISIS} intervals")
    ax.set(xlabel=f"CV of ISI (neurons with $\\geq$ {analysis.MIN_ISIS} ISIs)", ylabel="share of neurons")


def _edges(values: np.ndarray, n: int, dt: float = 0.0) -> np.ndarray:
    """Edges of about `n` bins over `values`; midway between time steps if `dt` is given."""
    largest = float(values.max()) if len(values) and values.max() > 0 else 1.0
    if not dt > 0:
        return np.linspace(0, 1.02 * largest, n + 1)
    width = dt * max(1, np.ceil(largest / n / dt))
    return np.arange(0, largest + 2 * width, width) + dt / 2


def _rate_edges(each: Sequence[np.ndarray], shown: Sequence[Spikes]) -> np.ndarray:
    """Histogram edges midway between possible rates, which are whole numbers of spikes per window; other edges cause a comb pattern."""
    duration = max(spikes.t_stop - spikes.t_start for spikes in shown) / 1000.0
    every = np.concatenate(each)
    if not duration > 0 or not every.any():
        return _edges(every, 30)
    most = round(float(every.max()) * duration)
    width = max(1, -(-(most + 1) // 30))  # spikes
    return (np.arange(0, most + 1 + width, width) - 0.5) / duration


def _histograms(ax: Axes, values: Sequence[np.ndarray], shown: Sequence[Spikes], edges: np.ndarray) -> None:
    tidy_axes(ax)
    for each, spikes, colour in zip(values, shown, colours([s.name for s in shown]), strict=True):
        share = np.histogram(each, edges)[0] / max(len(each), 1)
        ax.stairs(share, edges, color=colour, linewidth=0.9, label=short_label(spikes.name))
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)


def draw_rates(ax: Axes, shown: Sequence[Spikes], width: float, label: str = "rate (1/s), {bin:g} ms bins") -> None:
    """Draw the population rates in bins of `width` ms, one line per population."""
    scale = time_axis(ax, shown)[2]
    for spikes, colour in zip(shown, colours([s.name for s in shown]), strict=True):
        number = analysis.population_rate(spikes, width)[1]
        edges = (spikes.t_start + width * np.arange(len(number) + 1)) * scale
        if len(number):
            ax.stairs(number, edges, baseline=None, color=colour, linewidth=0.8, label=short_label(spikes.name))
    ax.set_ylabel(label.format(bin=width), fontsize=FONT)
    highest = ax.dataLim.y1 if np.isfinite(ax.dataLim.y1) and ax.dataLim.y1 > 0 else 1.0
    ax.set_ylim(-0.04 * highest, 1.08 * highest)  # so that a rate of 0 is not hidden by the axis
    add_legend(ax, shown)
