"""Plots of the responses to a repeated stimulus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.analysis import Trials
from lifsim.common.errors import DataError
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey, ink
from lifsim.plot.selection import Shown, result_of, sample_of, spikes_of
from lifsim.plot.style import (
    FONT,
    Picture,
    add_legend,
    draw_stairs,
    line_widths,
    names_beside,
    new_figure,
    page_width,
    tidy_axes,
    write_note,
)
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable


@pictured
def psth(
    result: Openable,
    triggers: Any,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    before: float = 50.0,
    after: float = 200.0,
    bin: float = 5.0,
    max_neurons: int = 20,
    ax: Axes | tuple[Axes, Axes] | None = None,
) -> Figure:
    """Raster of all trials around a trigger, and the peri-stimulus time histogram below (`lifsim.analysis.psth`).

    In the raster, each population has a band, each trial a row in it, the first on top, and within the row each neuron a height of its
    own. The histogram averages over all trials and all recorded neurons.

    Parameters
    ----------
    result : the result, or its path.
    triggers : times in ms, (n,), or the name of a population of which each spike is a trigger. Triggers whose trial is not wholly within
        the window are left out.
    populations : name or names of the populations; default: all whose spikes were recorded, but for that of the triggers.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    before, after : extent of a trial before and after its trigger, ms.
    bin : width of the bins of the histogram, ms.
    max_neurons : largest number of neurons of a population in the raster, drawn at random.
    ax : axes for the histogram alone, or a pair of axes for raster and histogram; default: a new figure with both.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, no trial is within the window, or a number is not allowed.
    """
    result = result_of(result)
    if isinstance(triggers, str):
        own = triggers
        triggers = spikes_of(result, own, None, None)[0].spikes.times
        populations = [name for name in result.spikes if name != own] if populations is None else populations
    shown = spikes_of(result, populations, t_start, t_stop)
    trials = [analysis.align(one.spikes, triggers, before, after) for one in shown]
    if not any(map(len, trials)):
        window = f"{before:g} ms before to {after:g} ms after a trigger"
        raise DataError("triggers", f"no trial, {window}, is wholly in the window", "triggers within the run, or shorter trials")
    top: Axes | None
    if ax is None:
        figure = Picture(figsize=(page_width(), 3.6), layout="constrained")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    else:
        top, below = ax if isinstance(ax, tuple) else (None, ax)
    _draw_histogram(below, shown, trials, bin)
    if top is None:
        add_legend(below, len(shown))
    else:  # which names the populations at its left
        few = [analysis.align(sample_of(one.spikes, max_neurons), triggers, before, after) for one in shown]
        _draw_trials(top, shown, few)
        top.set_xlim(-before, after)
        top.tick_params(labelbottom=ax is not None)
        fit_fonts(top)
    below.set_xlim(-before, after)
    fit_fonts(below)
    return new_figure(below)


def _draw_trials(ax: Axes, shown: Sequence[Shown], trials: Sequence[Trials]) -> None:
    tidy_axes(ax)
    middles, first = [], 0
    for one, each in zip(shown, trials, strict=True):
        ids = each.spikes.recorded_ids
        y = first + each.trial + (analysis.places(each.spikes.ids, ids) + 0.5) / max(len(ids), 1)
        size = float(np.clip(60 / max(len(each.spikes), 1) ** 0.5, 0.7, 2.2))
        ax.plot(each.spikes.times, y, "o", markersize=size, markeredgewidth=0, color=one.colour, rasterized=True)
        middles.append(first + len(each) / 2)
        first += len(each)
        ax.axhline(first, color=grey(0.6), linewidth=0.5)
    ax.axvline(0, color=grey(0.4), linewidth=0.7, linestyle="--")
    ax.set_ylim(max(first, 1), 0)
    shares = [f"{len(each.spikes.recorded_ids):,} of {len(one.spikes.recorded_ids):,}" for one, each in zip(shown, trials, strict=True)]
    labels = names_beside(ax, [one.label for one in shown], FONT)
    names = [f"{label}\n{share}" for label, share in zip(labels, shares, strict=True)]
    ax.set_yticks(middles, names)
    ax.tick_params(axis="y", length=0)
    for tick, one in zip(ax.get_yticklabels(), shown, strict=True):
        tick.set_color(ink(one.colour))
    n = len(trials[0])
    write_note(ax, f"{n:,} trial{'' if n == 1 else 's'}, a row each")


def _draw_histogram(ax: Axes, shown: Sequence[Shown], trials: Sequence[Trials], bin: float) -> None:
    tidy_axes(ax)
    curves = [analysis.psth(each, bin) for each in trials]
    widths = line_widths([rate for _, rate in curves], 0.9)
    for one, (centres, rate), width in zip(shown, curves, widths, strict=True):
        edges = np.append(centres - bin / 2, centres[-1] + bin / 2) if len(centres) else np.zeros(1)
        draw_stairs(ax, rate, edges, baseline=None, color=one.colour, linewidth=width, label=one.label)
    ax.axvline(0, color=grey(0.4), linewidth=0.7, linestyle="--")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("time from the trigger (ms)", fontsize=FONT)
    ax.set_ylabel(f"rate (1/s)\n{bin:g} ms bins", fontsize=FONT)
