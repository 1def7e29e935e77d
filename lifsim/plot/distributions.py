"""Draws distributions of a number over the neurons of populations: as histograms or, for many populations, as box plots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from lifsim.plot.palette import paper
from lifsim.plot.rate_course import name_rows
from lifsim.plot.selection import Look, Shown
from lifsim.plot.style import draw_stairs, line_widths, tidy_axes, write_note
from lifsim.plot.typefaces import fit_fonts

_BINS = 60  # of a histogram, at most


def edges_of(values: np.ndarray, n: int, most: int, dt: float = 0.0, least: float = 0.0) -> np.ndarray:
    """Edges of 10 to `most` bins from 0 over `values`, and of an empty one after them; midway between time steps if `dt` is given.

    The range from the smallest to the largest value has 2 n^(1/3) bins (Rice's rule for `n` values). The bins reach to `least` at least.
    """
    largest = max(float(values.max(initial=0.0)), least) or 1.0
    spread = largest - float(values.min()) if len(values) else largest
    bins = int(np.clip(np.ceil(2 * n ** (1 / 3) * largest / spread), 10, most)) if spread > 0 else most
    if not dt > 0:
        return np.arange(bins + 2) * 1.02 * largest / bins
    width = dt * max(1, np.ceil(largest / bins / dt))
    return np.arange(0, largest + 2 * width, width) + dt / 2


def rate_edges(each: Sequence[np.ndarray], shown: Sequence[Shown]) -> np.ndarray:
    """Histogram edges midway between possible rates, which are whole numbers of spikes per window; other edges cause a comb pattern.

    The smallest range of the rates of a population has 2 n^(1/3) bins (Rice's rule), but all together no more than 60. The bins begin at
    0, or below the lowest rate if that is above half of the highest; the last one is empty.
    """
    duration = max(one.spikes.t_stop - one.spikes.t_start for one in shown) / 1000.0
    every = np.concatenate(each)
    if not duration > 0 or not every.any():
        return edges_of(every, 0, 10)
    low, high = round(float(every.min()) * duration), round(float(every.max()) * duration)  # spikes
    narrowest = min(round(float(np.ptp(rate)) * duration) for rate in each if len(rate)) + 1
    bins = int(np.clip(np.ceil(2 * max(map(len, each)) ** (1 / 3)), 10, 30))
    first = low if 2 * low > high else 0
    width = max(1, -(-narrowest // bins), -(-(high - first + 1) // _BINS))
    return (np.arange(first - width * (first > 0), high + 2 + 2 * width, width) - 0.5) / duration


def whole_edges(values: Sequence[np.ndarray]) -> np.ndarray:
    """Edges of at most 60 bins midway between whole numbers, over all `values`, with an empty bin at each end that has room for it."""
    every = np.concatenate(values) if len(values) else np.zeros(0)
    low, high = (int(every.min()), int(every.max())) if len(every) else (0, 0)
    width = max(1, -(-(high - low + 1) // _BINS))
    return np.arange(low - width * (low > 0), high + 2 * width + 1, width) - 0.5


def draw_histograms(ax: Axes, values: Sequence[np.ndarray], shown: Sequence[Look], edges: np.ndarray) -> None:
    """Draw the share of the `values` of each population in each bin, one line per population."""
    tidy_axes(ax)
    shares = [np.histogram(each, edges)[0] / max(len(each), 1) for each in values]
    filled = np.any(shares, axis=0)
    for share, one, width in zip(shares, shown, line_widths([share[filled] for share in shares], 0.9), strict=True):
        draw_stairs(ax, share, edges, color=one.colour, linewidth=width, label=one.label)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, None if filled.any() else 1)
    if edges[0] < 0 < edges[1]:  # half a bin, in which no value lies
        ax.set_xticks([x for x in ax.get_xticks() if 0 <= x <= edges[-1]])


def draw_boxes(ax: Axes, values: Sequence[np.ndarray], shown: Sequence[Look], names: bool = True) -> None:
    """Draw a row for each population: a dot at the median of its `values`, a thick line for their middle half, a thin one for 90 %."""
    tidy_axes(ax)
    for k, (each, one) in enumerate(zip(values, shown, strict=True)):
        if len(each):
            low, first, middle, third, high = np.percentile(each, [5, 25, 50, 75, 95])
            ax.plot([low, high], [k + 0.5, k + 0.5], color=one.colour, linewidth=0.8, solid_capstyle="butt")
            ax.plot([first, third], [k + 0.5, k + 0.5], color=one.colour, linewidth=4, solid_capstyle="butt")
            ax.plot(middle, k + 0.5, "o", markersize=3, color=paper(), markeredgecolor=one.colour, markeredgewidth=0.8)
    name_rows(ax, shown, names)
    largest = ax.get_xlim()[1] if any(map(len, values)) and ax.get_xlim()[1] > 0 else 1.0
    ax.set_xlim(-0.03 * largest, largest)  # so that a median of 0 is not cut off
    write_note(ax, "dot: median, thick: 50 %, thin: 90 %")
    fit_fonts(ax)
