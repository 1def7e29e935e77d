"""Raster plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.plot.bands import Band, bands_of
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey, ink
from lifsim.plot.rate_course import check_bin, draw_rates, rates_height, time_axis
from lifsim.plot.selection import Shown, ShownInPieces, spikes_or_streams_of
from lifsim.plot.spike_density import draw_density
from lifsim.plot.style import (
    FONT,
    MUTED,
    SMALL,
    TINY,
    Picture,
    figure_size,
    names_beside,
    new_figure,
    page_width,
    say_nothing,
    spread_apart,
    write_note,
)
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable

DOTS = 200_000  # more spikes than this are drawn as an image: dots would overlap and take long to draw


@pictured
def raster(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | tuple[Axes, Axes] | None = None,
    rate_bin: float | None = None,
    max_neurons: int | None = None,
) -> Figure:
    """Raster plot, with the population rates below it.

    Every recorded neuron has a row, including silent ones. Populations are stacked in the model's order, the first on top. More than
    200,000 spikes are drawn as an image of their density: a pixel stands for a whole number of neurons and of time steps, and its shade
    grows with the square root of their mean rate. The rates of more than six populations are drawn as by `rates`, a row for each.

    Parameters
    ----------
    result : the result, or what `lifsim.open` takes: its path, `Spikes`, {population: `Spikes`}, ….
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the raster alone, or a pair of axes for raster and rates; default: a new figure with both.
    rate_bin : width of the bins of the rates, ms; default: as for `rates`.
    max_neurons : largest number of neurons drawn per population, evenly chosen; labels then give both numbers. Default: all.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, the window is empty, or `rate_bin` is not a finite time above 0.
    """
    return raster_figure(spikes_or_streams_of(result, populations, t_start, t_stop, DOTS), ax, rate_bin, max_neurons)


def raster_figure(
    shown: Sequence[Shown | ShownInPieces], ax: Axes | tuple[Axes, Axes] | None, rate_bin: float | None, max_neurons: int | None
) -> Figure:
    """The figure of `raster`."""
    check_bin(rate_bin)
    chosen = [_evenly(np.sort(one.spikes.recorded_ids), max_neurons) for one in shown]
    figure: Figure
    if ax is None:
        heights = _raster_heights(sum(map(len, chosen)), len(shown))
        figure = Picture(figsize=(page_width(), sum(heights)), layout="constrained")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
        room = 72 * heights[0] - _NOTE
    else:
        top, below = ax if isinstance(ax, tuple) else (ax, None)
        figure = new_figure(top)
        room = 72 * figure_size(top)[1]
    draw_raster(top, bands_of(shown, chosen, room), room)
    fit_fonts(top)
    if below is not None:
        draw_rates(below, shown, rate_bin, "\n", names=False)
        top.set_xlabel("")
        top.tick_params(labelbottom=ax is not None)
    return figure


_NOTE = 14  # height of the note above the raster, points


def _raster_heights(rows: int, populations: int) -> tuple[float, float]:
    """Heights of raster and rates in inches: smaller for few neurons, larger for many populations."""
    labels = 0.2 * min(populations, 35)
    return max(min(3.6, 0.7 + 0.25 * rows), labels), rates_height(populations, 1.05)


def _evenly(ids: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(ids) <= most:
        return ids
    return ids[np.linspace(0, len(ids) - 1, max(most, 1)).round().astype(int)]


def draw_raster(ax: Axes, bands: Sequence[Band], room: float, remark: str = "") -> None:
    """Draw the spikes; `room` is the height of the axes in points. `remark` follows their number above the axes."""
    start, stop, scale = time_axis(ax, [band.shown.spikes for band in bands])
    bottom = bands[-1].top + bands[-1].height
    ax.set_ylim(bottom, 0)
    note = ""
    if sum(band.shown.number for band in bands) > DOTS:
        number, full = draw_density(ax, bands, start, stop, scale)
        note = f" (full colour: {full:.3g} spikes/s or more)"
    else:
        number = _draw_dots(ax, bands, scale)
    for band in bands[1:]:
        ax.axhline(band.top, color=grey(0.6), linewidth=0.5, zorder=3)
    _label_bands(ax, bands, room / bottom)
    write_note(ax, f"{number:,} spike{'' if number == 1 else 's'}{note}{remark}")
    if not number:
        say_nothing(ax, "no spikes")


def _label_bands(ax: Axes, bands: Sequence[Band], scale: float) -> None:
    """Write population names at the middle of their bands, whose rows are `scale` points high.

    Many names are smaller; names that would overlap are left out.
    """
    middles = np.array([band.top + band.height / 2 for band in bands])
    nearest = scale * float(np.diff(middles).min()) if len(bands) > 1 else np.inf
    size = float(np.clip(nearest / 1.15, TINY, FONT))
    kept = spread_apart(middles * scale, 1.1 * size)
    labels = names_beside(ax, [band.name for band in bands], size)
    labels = [label + (f"\n{band.label}" if band.height * scale > 2.6 * size else "") for label, band in zip(labels, bands, strict=True)]
    ax.set_yticks(middles[kept], [labels[k] for k in kept])
    ax.tick_params(axis="y", length=0)
    for tick, k in zip(ax.get_yticklabels(), kept, strict=True):
        tick.set_color(ink(bands[k].colour))
        tick.set_fontsize(size)
    _number_rows(ax, bands, scale)


def _number_rows(ax: Axes, bands: Sequence[Band], scale: float) -> None:
    """Label each row with its neuron's id, if all rows are high enough."""
    if any(len(band.ids) == 0 or scale * band.height / len(band.ids) < 1.1 * SMALL for band in bands):
        return
    places = np.concatenate([band.top + (np.arange(len(band.ids)) + 0.5) / len(band.ids) * band.height for band in bands])
    ids = np.concatenate([band.ids for band in bands])
    ax.yaxis.remove_overlapping_locs = False  # the label of the middle neuron coincides with its population's name
    ax.set_yticks(places, [str(i) for i in ids], minor=True)
    ax.tick_params(axis="y", which="minor", length=2, width=0.6, labelsize=SMALL, labelcolor=grey(MUTED), pad=2)
    ax.tick_params(axis="y", which="major", pad=10 + 0.65 * SMALL * len(str(ids.max())))


def _draw_dots(ax: Axes, bands: Sequence[Band], scale: float) -> int:
    """Draw spikes as dots that cover at most a third of the area, or as vertical strokes if there are few rows. Returns their number."""
    points = [band.points() for band in bands]
    width, height = figure_size(ax)
    rows = sum(len(band.ids) for band in bands)
    number = sum(len(t) for t, _ in points)
    row = 72 * height / max(rows, 1)
    if row > 4:
        style: dict[str, Any] = {"marker": "|", "markersize": min(0.7 * row, 12), "markeredgewidth": 0.8}
    else:
        size = np.sqrt(0.35 * 72 * width * 72 * height / max(number, 1))
        style = {"marker": "o", "markersize": float(np.clip(size, 0.45, max(2.2, 0.7 * row))), "markeredgewidth": 0}
    for band, (t, y) in zip(bands, points, strict=True):
        ax.plot(t * scale, y, linestyle="none", color=band.colour, rasterized=True, zorder=2, **style)
    return number
