"""Draws the distributions of groups of runs side by side, a row for each population."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lifsim.analysis.comparison import ComparedStatistic, Comparison
from lifsim.analysis.distribution import STATISTICS, RunDistributions, SampleDistribution
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey, other_colours
from lifsim.plot.style import FONT, SMALL, Picture, draw_stairs, page_width, say_nothing, short_label, tidy_axes
from lifsim.plot.typefaces import fit_fonts

_BINS = 40
_HEIGHT = 0.62  # inches of a row
_DASHED: dict[str, Any] = {"linewidth": 1.0, "linestyle": (0, (4, 3))}


@pictured
def comparison(found: Comparison) -> Figure:
    """Distributions of rates, CVs and correlations in groups of runs that were compared.

    A row for each population, a column for each statistic. Thick lines: all runs of a group together; thin lines: its single runs, which
    show the spread between seeds; dashed lines: means, where only those are known. The shares of neurons (or pairs) in 40 bins are drawn,
    the highest of a panel at its full height. The axis holds the 0.5th to the 99.5th percentile of each run, of
    long-tailed ones up to six times the width of the middle half on each side of it. Above each panel stands the
    Kolmogorov–Smirnov distance of two groups, with the distance within groups in brackets, an asterisk if they differ, and a
    question mark if this is not determined.

    Parameters
    ----------
    found : the return value of `lifsim.analysis.compare`.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.
    """
    populations = list(dict.fromkeys(row.population for row in found.rows))
    rows = max(len(populations), 1)
    figure = Picture(figsize=(page_width(), 0.75 + _HEIGHT * rows), layout="constrained")
    colours = dict(zip(found.groups, islice(other_colours(()), len(found.groups)), strict=True))
    grid = figure.subplots(rows, len(STATISTICS), squeeze=False)
    for axes, population in zip(grid, populations, strict=False):
        for ax, statistic in zip(axes, STATISTICS, strict=True):
            _draw_panel(ax, found, population, statistic, colours)
        axes[0].set_ylabel(short_label(population), rotation=0, ha="right", va="center", fontsize=FONT)
    for ax, label in zip(grid[-1], STATISTICS.values(), strict=True):
        ax.set_xlabel(label, fontsize=FONT)
    handles = [Line2D([], [], color=colours[name], **_stroke(runs)) for name, runs in found.groups.items()]
    labels = [f"{short_label(name)}, {_number(runs)}" for name, runs in found.groups.items()]
    figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=FONT, frameon=False, handlelength=1.8)
    fit_fonts(*grid.flat)
    return figure


def _means_alone(runs: Sequence[RunDistributions]) -> bool:
    return not any(one.shape_known for run in runs for of in run.populations.values() for one in of.values())


def _stroke(runs: Sequence[RunDistributions]) -> dict[str, Any]:
    """The look of the line of a group in the legend."""
    return _DASHED if _means_alone(runs) else {"linewidth": 1.4}


def _number(runs: Sequence[RunDistributions]) -> str:
    return "means" if _means_alone(runs) else f"{len(runs)} run{'s' if len(runs) > 1 else ''}"


def _draw_panel(ax: Axes, found: Comparison, population: str, statistic: str, colours: dict[str, str]) -> None:
    tidy_axes(ax)
    ax.tick_params(labelsize=SMALL)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    each = {
        name: [run.populations[population].get(statistic, SampleDistribution.of([])) for run in runs] for name, runs in found.groups.items()
    }
    edges = _edges([one for several in each.values() for one in several])
    for name, several in each.items():
        shapes = [one for one in several if one.n and one.shape_known]
        for one in shapes if len(shapes) > 1 else ():
            _draw_shares(ax, one, edges, colours[name], 0.4, 0.45)
        if shapes:
            _draw_shares(ax, SampleDistribution.pooled(shapes), edges, colours[name], 1.3, 1.0)
        for one in several:
            if one.n and not one.shape_known:
                ax.axvline(one.mean, color=colours[name], **_DASHED)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    rows = [row for row in found.rows if (row.population, row.statistic) == (population, statistic)]
    if not any(one.n for several in each.values() for one in several):
        ax.set_xticks([])
        say_nothing(ax, "no values")
    elif rows:
        ax.set_title(_distances(rows), fontsize=SMALL, color=grey(0.35), pad=2, loc="right")


def _draw_shares(ax: Axes, one: SampleDistribution, edges: np.ndarray, colour: str, width: float, alpha: float) -> None:
    draw_stairs(ax, np.diff(one.share_up_to(edges)), edges, color=colour, linewidth=width, alpha=alpha)


def _edges(several: Sequence[SampleDistribution]) -> np.ndarray:
    """Edges of bins over the limits of every distribution; bins end between values where these are few."""
    known = [one for one in several if one.n]
    if not known:
        return np.linspace(0.0, 1.0, _BINS + 1)
    limits = [_limits(one) for one in known]
    low, high = min(limit[0] for limit in limits), max(limit[1] for limit in limits)
    if not high > low:
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    values = np.unique(np.concatenate([one.values for one in known if one.shape_known] or [np.empty(0)]))
    steps = np.diff(values)
    step = float(steps[steps > 1e-4 * (high - low)].min(initial=np.inf))
    if (
        not np.isfinite(step) or len(values) > 40 * _BINS or not _whole(values, step)
    ):  # not whole numbers of a step, such as a spike in the window
        room = 0.02 * (high - low)
        return np.linspace(low - room, high + room, _BINS + 1)
    width = step * max(1, np.ceil((high - low) / step / _BINS))
    return low - step / 2 + width * np.arange(np.ceil((high - low) / width) + 2)


def _whole(values: np.ndarray, step: float) -> bool:
    """Whether all values are whole multiples of `step`."""
    return bool((np.abs(values / step - np.rint(values / step)) < 0.01).all())


def _limits(one: SampleDistribution) -> tuple[float, float]:
    """The 0.5th and the 99.5th percentile, but no more than six times the width of the middle half away from it."""
    low, first, third, high = (_quantile(one, share) for share in (0.005, 0.25, 0.75, 0.995))
    reach = 6 * (third - first) or np.inf
    return max(low, first - reach), min(high, third + reach)


def _quantile(one: SampleDistribution, share: float) -> float:
    return float(one.values[np.searchsorted(np.cumsum(one.counts), share * one.n)])


def _distances(rows: Sequence[ComparedStatistic]) -> str:
    """The distances of all groups from the first one."""
    told = []
    for row in rows:
        mark = {True: "*", False: "", None: "?"}[row.different]
        within = "" if np.isnan(row.distance_within) or len(rows) > 1 else f" ({row.distance_within:.3f})"
        told.append(mark if np.isnan(row.distance) else f"{row.distance:.3f}{within}{mark}")
    return ("KS " if any(not np.isnan(row.distance) for row in rows) else "") + ", ".join(told)
