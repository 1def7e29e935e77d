"""Raster plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.plot.inline import shows
from lifsim.plot.rate_plots import draw_rates
from lifsim.plot.selection import rate_bin_of, spikes_of
from lifsim.plot.style import (
    FONT,
    GREY,
    SMALL,
    TINY,
    WIDTH,
    Picture,
    colours,
    figure_size,
    legend_height,
    new_figure,
    short_label,
    spread_apart,
    time_axis,
    write_note,
)
from lifsim.results.data import Spikes
from lifsim.results.result import Result

DOTS = 200_000  # more spikes than this are drawn as an image: dots would overlap and take long to draw


@shows
def raster(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | tuple[Axes, Axes] | None = None,
    rate_bin: float | None = None,
    max_neurons: int | None = None,
) -> Figure:
    """Raster plot, with the population rates below it.

    Every recorded neuron has a row, including silent ones. Populations are stacked in the model's order, the first on top. More than
    200,000 spikes are drawn as an image of their density.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the raster alone, or a pair of axes for raster and rates; default: a new figure with both.
    rate_bin : width of the bins of the rates, ms; default: a round number that gives about 200 bins.
    max_neurons : largest number of neurons drawn per population, evenly chosen; labels then give both numbers. Default: all.

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = spikes_of(result, populations, t_start, t_stop)
    bands = _bands(shown, max_neurons)
    figure: Figure
    if ax is None:
        heights = _raster_heights(bands)
        figure = Picture(figsize=(WIDTH, sum(heights)), layout="constrained")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    else:
        top, below = ax if isinstance(ax, tuple) else (ax, None)
        figure = new_figure(top)
    _draw_raster(top, bands)
    if below is not None:
        draw_rates(below, shown, rate_bin or rate_bin_of(shown), "rate (1/s)\n{bin:g} ms bins")
        top.set_xlabel("")
        top.tick_params(labelbottom=ax is not None)
    return figure


def _raster_heights(bands: Sequence[_Band]) -> tuple[float, float]:
    """Heights of raster and rates in inches: smaller for few neurons, larger for many populations."""
    rows = sum(len(band.ids) for band in bands)
    labels = 0.2 * min(len(bands), 35)
    return max(min(3.6, 0.7 + 0.25 * rows), labels), legend_height(len(bands), 1.05)


@dataclass(frozen=True)
class _Band:
    """The rows of one population: neurons `ids`, from `top` downwards over `height` of the vertical axis."""

    spikes: Spikes
    ids: np.ndarray
    top: float
    height: float
    colour: str

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """(times in ms, vertical positions) of the spikes of the neurons shown."""
        y = analysis.places(self.spikes.ids, self.ids)
        shown = y >= 0
        return self.spikes.times[shown], self.top + (y[shown] + 0.5) / len(self.ids) * self.height

    @property
    def label(self) -> str:
        n, total = len(self.ids), self.spikes.n_nodes
        return f"n = {n:,}" if n == total else f"{n:,} of {total:,}"


def _bands(shown: Sequence[Spikes], max_neurons: int | None) -> list[_Band]:
    """The rows of all populations. A small population gets at least 9 % of the height of the largest."""
    chosen = [_evenly(np.sort(spikes.recorded_ids), max_neurons) for spikes in shown]
    least = 0.09 * max([1, *map(len, chosen)])
    bands: list[_Band] = []
    top = 0.0
    for spikes, ids, colour in zip(shown, chosen, colours([s.name for s in shown], shades=False), strict=True):
        bands.append(_Band(spikes, ids, top, max(len(ids), least), colour))
        top += bands[-1].height
    return bands


def _evenly(ids: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(ids) <= most:
        return ids
    return ids[np.linspace(0, len(ids) - 1, max(most, 1)).round().astype(int)]


def _draw_raster(ax: Axes, bands: Sequence[_Band]) -> None:
    start, stop, scale = time_axis(ax, [band.spikes for band in bands])
    bottom = bands[-1].top + bands[-1].height
    ax.set_ylim(bottom, 0)
    points = [band.points() for band in bands]
    number = sum(len(t) for t, _ in points)
    draw = _draw_image if number > DOTS else _draw_dots
    note = draw(ax, bands, points, (start * scale, stop * scale), scale)
    for band in bands[1:]:
        ax.axhline(band.top, color="0.6", linewidth=0.5, zorder=3)
    _label_bands(ax, bands, bottom)
    text = f"{number:,} spike{'' if number == 1 else 's'}{note}"
    write_note(ax, text)


def _label_bands(ax: Axes, bands: Sequence[_Band], bottom: float) -> None:
    """Write population names at the middle of their bands. Many names are smaller; names that would overlap are left out."""
    scale = 72 * figure_size(ax)[1] / bottom  # points per row
    middles = np.array([band.top + band.height / 2 for band in bands])
    nearest = scale * float(np.diff(middles).min()) if len(bands) > 1 else np.inf
    size = float(np.clip(nearest / 1.15, TINY, FONT))
    kept = spread_apart(middles * scale, 1.1 * size)
    names = [short_label(band.spikes.name) + (f"\n{band.label}" if band.height * scale > 2.6 * size else "") for band in bands]
    ax.set_yticks(middles[kept], [names[k] for k in kept])
    ax.tick_params(axis="y", length=0)
    for tick, k in zip(ax.get_yticklabels(), kept, strict=True):
        tick.set_color(bands[k].colour)
        tick.set_fontsize(size)
    _number_rows(ax, bands, scale)


def _number_rows(ax: Axes, bands: Sequence[_Band], scale: float) -> None:
    """Label each row with its neuron's id, if all rows are high enough."""
    if any(len(band.ids) == 0 or scale * band.height / len(band.ids) < 1.1 * SMALL for band in bands):
        return
    places = np.concatenate([band.top + (np.arange(len(band.ids)) + 0.5) / len(band.ids) * band.height for band in bands])
    ids = np.concatenate([band.ids for band in bands])
    ax.yaxis.remove_overlapping_locs = False  # the label of the middle neuron coincides with its population's name
    ax.set_yticks(places, [str(i) for i in ids], minor=True)
    ax.tick_params(axis="y", which="minor", length=2, width=0.6, labelsize=SMALL, labelcolor=GREY, pad=2)
    ax.tick_params(axis="y", which="major", pad=10 + 0.65 * SMALL * len(str(ids.max())))


Points = Sequence[tuple[np.ndarray, np.ndarray]]


def _draw_dots(ax: Axes, bands: Sequence[_Band], points: Points, limits: tuple[float, float], scale: float) -> str:
    """Draw spikes as dots that cover at most a third of the area, or as vertical strokes if there are few rows."""
    width, height = figure_size(ax)
    rows = sum(len(band.ids) for band in bands)
    number = max(sum(len(t) for t, _ in points), 1)
    row = 72 * height / max(rows, 1)
    if row > 4:
        style: dict[str, Any] = {"marker": "|", "markersize": min(0.7 * row, 12), "markeredgewidth": 0.8}
    else:
        size = np.sqrt(0.35 * 72 * width * 72 * height / number)
        style = {"marker": "o", "markersize": float(np.clip(size, 0.45, max(1.4, 0.7 * row))), "markeredgewidth": 0}
    for band, (t, y) in zip(bands, points, strict=True):
        ax.plot(t * scale, y, linestyle="none", color=band.colour, rasterized=True, zorder=2, **style)
    return ""


def _draw_image(ax: Axes, bands: Sequence[_Band], points: Points, limits: tuple[float, float], scale: float) -> str:
    """Draw the spike count of each pixel as a shade of the population's colour.

    The shade saturates at the 99th percentile of the counts of non-empty pixels, so that synchrony stands out against a dense
    background. Where most pixels are empty, shades start darker, so that a single spike stays visible.
    """
    width, height = figure_size(ax)
    nx, ny = (max(64, round(inches * 110)) for inches in (width, height))
    bottom = bands[-1].top + bands[-1].height
    image = np.ones((ny, nx, 3))
    count = np.zeros((ny, nx))
    owner = np.zeros(ny, dtype=int)
    for k, (band, (t, y)) in enumerate(zip(bands, points, strict=True)):
        first, last = (round(edge / bottom * ny) for edge in (band.top, band.top + band.height))
        owner[first:last] = k
        i = np.clip((y / bottom * ny).astype(int), first, max(first, last - 1))
        j = np.clip(np.ceil((t * scale - limits[0]) / (limits[1] - limits[0]) * nx - 1e-9).astype(int) - 1, 0, nx - 1)
        count += np.bincount(np.minimum(i, ny - 1) * nx + j, minlength=nx * ny).reshape(ny, nx)
    filled = count[count > 0]
    full = max(1.0, float(np.percentile(filled, 99)))
    floor = 0.45 * (1 - len(filled) / count.size)
    shade = np.where(count > 0, floor + (1 - floor) * np.minimum(count / full, 1), 0)[..., None]
    ink = np.array([to_rgb(band.colour) for band in bands])[owner][:, None, :]
    image = (1 - shade) + shade * ink
    ax.imshow(image, extent=(*limits, bottom, 0), aspect="auto", interpolation="nearest", rasterized=True, zorder=1)
    return f" (full colour: {full:.0f} or more per pixel)"
