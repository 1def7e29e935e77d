"""Draws population rates over time: as lines in common axes or, for many populations, as a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.plot.palette import grey, ink
from lifsim.plot.selection import Look, Shown, ShownInPieces
from lifsim.plot.style import (
    FONT,
    SMALL,
    TINY,
    add_legend,
    draw_stairs,
    figure_size,
    legend_height,
    line_widths,
    names_beside,
    spread_apart,
    time_label,
    write_note,
)
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes

TOGETHER = 6  # more populations than this have rows of their own
_MOST_BINS, _FEWEST_BINS, _SPIKES = 300, 10, 5
_ROW = 0.16  # height of a row, inches


def in_rows(shown: Sequence[Look]) -> bool:
    """Whether there are so many populations that each has a row of its own."""
    return len(shown) > TOGETHER


def rates_height(populations: int, least: float) -> float:
    """Height in inches, at least `least`, of a panel with that many populations (at most 40 rows are high enough for names)."""
    return max(least, 0.6 + _ROW * min(populations, 40)) if populations > TOGETHER else legend_height(populations, least)


def rate_bin_of(spikes: Spikes | SpikeStream, number: int) -> float:
    """A bin width in ms, rounded to whole time steps, that suits the `number` of spikes.

    The smallest of 1, 2, 5, 10, … ms (in windows of up to 20 ms, of 0.1, 0.2, 0.5, … ms) that gives at most 300 bins, with 5 spikes or
    more on average. For few spikes, about a tenth of the window, so that the bins hold fewer than 5.
    """
    duration = spikes.t_stop - spikes.t_start
    enough = min(_SPIKES * duration / max(number, 1), duration / _FEWEST_BINS)
    least = max(duration / _MOST_BINS, enough) * (1 - 1e-9)
    width = next((m * 10.0**k for k in range(0 if duration > 20 else -1, 9) for m in (1, 2, 5) if m * 10.0**k >= least), 1e9)
    return max(1, round(width / spikes.dt)) * spikes.dt if spikes.dt > 0 else width


def check_bin(rate_bin: float | None) -> None:
    """Raise DataError if the width of bins is given and is not a finite time above 0."""
    if rate_bin is not None and not 0 < rate_bin < np.inf:
        raise DataError("rate_bin", f"{rate_bin:g} ms", "a finite time above 0")


def draw_rates(ax: Axes, shown: Sequence[Shown | ShownInPieces], rate_bin: float | None, beside: str = ", ", names: bool = True) -> None:
    """Draw the population rates in bins of `rate_bin` ms (None: of `rate_bin_of` for each population).

    `beside` separates the label of the vertical axis from the width of the bins. Without `names`, for axes below a raster that has them,
    the legend of lines gives only the widths of bins that differ.
    """
    bins = [rate_bin_of(one.spikes, one.number) if rate_bin is None else rate_bin for one in shown]
    steps = [_rate_steps(one, width) for one, width in zip(shown, bins, strict=True)]
    scale = time_axis(ax, [one.spikes for one in shown])[2]
    bins = [width if len(edges) != 2 else edges[1] - edges[0] for width, (_, edges) in zip(bins, steps, strict=True)]  # as drawn
    steps = [(rate, edges * scale) for rate, edges in steps]
    if in_rows(shown):
        _draw_rows(ax, shown, bins, steps)
    else:
        _draw_lines(ax, shown, bins, steps, beside, names)
    fit_fonts(ax)


def time_axis(ax: Axes, shown: Sequence[Spikes | SpikeStream]) -> tuple[float, float, float]:
    """Set limits and label of the time axis. Returns (start in ms, stop in ms, factor from ms to the unit of the axis)."""
    start, stop = min(spikes.t_start for spikes in shown), max(spikes.t_stop for spikes in shown)
    stop = stop if stop > start else start + 1.0
    return start, stop, time_label(ax, start, stop)


def _rate_steps(one: Shown | ShownInPieces, width: float) -> tuple[np.ndarray, np.ndarray]:
    """(rate of each bin in spikes/s, edges of the bins in ms).

    What is left at the end of the window is a shorter bin if it is at least half as long as the others; else the last bin is longer.
    """
    spikes, number = one.spikes, analysis.counts(one.spikes, width)
    edges = spikes.t_start + width * np.arange(len(number) + 1)
    rest = spikes.t_stop - edges[-1]
    if rest > 1e-6 * width:
        left = one.number - number.sum()
        if len(number) and rest < width / 2:
            number[-1] += left
            edges[-1] = spikes.t_stop
        else:
            number, edges = np.append(number, left), np.append(edges, spikes.t_stop)
    return number / (max(len(spikes.recorded_ids), 1) * np.diff(edges) / 1000.0), edges


Steps = Sequence[tuple[np.ndarray, np.ndarray]]


def _draw_lines(ax: Axes, shown: Sequence[Look], bins: Sequence[float], steps: Steps, beside: str, names: bool) -> None:
    widths = line_widths([rate for rate, _ in steps], 0.8)
    same = len(set(bins)) == 1
    for one, bin, (rate, edges), width in zip(shown, bins, steps, widths, strict=True):
        if len(rate):
            parts = [*([one.label] if names else []), *([] if same else [f"{bin:g} ms"])]
            draw_stairs(ax, rate, edges, baseline=None, color=one.colour, linewidth=width, label=", ".join(parts))
    ax.set_ylabel(f"rate (1/s){beside}{_bins_text(bins)}", fontsize=FONT)
    highest = max((float(rate.max()) for rate, _ in steps if len(rate)), default=0.0) or 1.0
    ax.set_ylim(-0.04 * highest, 1.08 * highest)  # so that a rate of 0 is not hidden by the axis
    if names or not same:
        add_legend(ax, len(shown))


def _draw_rows(ax: Axes, shown: Sequence[Look], bins: Sequence[float], steps: Steps) -> None:
    """A filled row for each population, from 0 to its highest rate, which is written at the end of the row."""
    for k, (one, (rate, edges)) in enumerate(zip(shown, steps, strict=True)):
        if len(rate):
            height = 0.88 * rate / (rate.max() or 1.0)
            draw_stairs(ax, k + 1 - height, edges, baseline=k + 1, fill=True, color=one.colour, linewidth=0)
    ax.hlines(np.arange(1, len(shown) + 1), 0, 1, transform=ax.get_yaxis_transform(), color=grey(0.6), linewidth=0.4, zorder=0.5)
    kept, size = name_rows(ax, shown)
    for k in kept:
        if len(steps[k][0]):
            place: dict[str, Any] = {"xytext": (3, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
            ax.annotate(f"{steps[k][0].max():.3g}", (1, k + 0.5), xycoords=ax.get_yaxis_transform(), fontsize=size, **place)
    write_note(ax, f"population rates in {_bins_text(bins)}; at the right: highest rate (1/s)")


def name_rows(ax: Axes, shown: Sequence[Look], names: bool = True) -> tuple[list[int], float]:
    """Name row k of the axes, from k to k + 1 downwards, after population k. Returns (rows with room for a name, size of the names)."""
    ax.set_ylim(len(shown), 0)
    row = 72 * figure_size(ax)[1] / len(shown)  # points
    size = float(np.clip(row / 1.3, TINY, SMALL))
    kept = spread_apart(np.arange(len(shown)) * row, 1.05 * size)
    ax.set_yticks(
        [k + 0.5 for k in kept], names_beside(ax, [shown[k].label for k in kept], size) if names else [""] * len(kept), fontsize=size
    )
    ax.tick_params(axis="y", length=0)
    for tick, k in zip(ax.get_yticklabels(), kept, strict=True):
        tick.set_color(ink(shown[k].colour))
    return kept, size


def _bins_text(bins: Sequence[float]) -> str:
    widths = sorted({f"{bin:g}": bin for bin in bins}.values())
    return f"{widths[0]:g} ms bins" if len(widths) == 1 else f"{widths[0]:g} to {widths[-1]:g} ms bins"
