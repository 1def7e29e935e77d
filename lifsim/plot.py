"""Results to figures fit for print. Nothing here shows a window or changes matplotlib's settings.

Every function takes a `Result` or the path of one and returns the `Figure`; ``save(figure, path)``
writes it. To draw into axes of your own (of ``plt.subplots()``, say), give ``ax``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lifsim.backend  # noqa: F401

# isort: split
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lifsim import analysis, disk
from lifsim.errors import DataError, OutputError, did_you_mean
from lifsim.outputs import check_output
from lifsim.printable import one_line
from lifsim.results import Result, Spikes
from lifsim.results import open as open_result

DOTS = 200_000  # more spikes than this are drawn as an image: dots would merge and take long
WIDTH = 180 / 25.4  # inches; two columns of a journal

# Okabe & Ito's colours, which colour-blind readers tell apart
EXCITATORY, INHIBITORY = "#0072B2", "#D55E00"
OTHERS = ("#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

_FONT = 8.0
_SMALL = 7.0
_TINY = 5.5
_LONGEST = 22  # characters of a name
_ENTRY = 0.105  # inches of the smallest entry of a legend
_GREY = "0.35"


class Picture(Figure):
    """A figure that notebooks show without pyplot."""

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=150)
        return data.getvalue()


# -- raster -----------------------------------------------------------------------------------------


def raster(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | tuple[Axes, Axes] | None = None,
    rate_bin: float | None = None,
    max_neurons: int | None = None,
) -> Figure:
    """Spikes of each neuron over time, and below the rates of the populations.

    Every neuron recorded has a row, silent ones too. Populations are stacked in the model's order,
    the first on top. More than 200,000 spikes are drawn as an image of their density.

    Parameters
    ----------
    populations : which, all whose spikes were recorded unless given.
    t_start, t_stop : ms.
    ax : axes to draw the raster into, or a pair of axes for raster and rates.
    rate_bin : width in ms of the bins of the rates; unless given, a round one for some 200 bins.
    max_neurons : draw at most so many neurons of a population, evenly chosen (and say so).

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = _spikes(result, populations, t_start, t_stop)
    bands = _bands(shown, max_neurons)
    figure: Figure
    if ax is None:
        heights = _raster_heights(bands)
        figure = Picture(figsize=(WIDTH, sum(heights)), layout="constrained")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    else:
        top, below = ax if isinstance(ax, tuple) else (ax, None)
        figure = _figure(top)
    _draw_raster(top, bands)
    if below is not None:
        _draw_rates(below, shown, rate_bin or _rate_bin(shown), "rate (1/s)\n{bin:g} ms bins")
        top.set_xlabel("")
        top.tick_params(labelbottom=ax is not None)
    return figure


def _raster_heights(bands: Sequence[_Band]) -> tuple[float, float]:
    """Inches for raster and rates: less for a handful of neurons, more for many populations."""
    rows = sum(len(band.ids) for band in bands)
    labels = 0.2 * min(len(bands), 35)
    return max(min(3.6, 0.7 + 0.25 * rows), labels), _legend_height(len(bands), 1.05)


@dataclass(frozen=True)
class _Band:
    """One population's rows: `ids` from `top` down over `height` of the vertical axis."""

    spikes: Spikes
    ids: np.ndarray
    top: float
    height: float
    colour: str

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """(times, heights) of the spikes of the neurons shown."""
        y = analysis.places(self.spikes.ids, self.ids)
        shown = y >= 0
        return self.spikes.times[shown], self.top + (y[shown] + 0.5) / len(self.ids) * self.height

    @property
    def label(self) -> str:
        n, total = len(self.ids), self.spikes.n_nodes
        return f"n = {n:,}" if n == total else f"{n:,} of {total:,}"


def _bands(shown: Sequence[Spikes], max_neurons: int | None) -> list[_Band]:
    """The rows of all populations; a small one still gets a part of the largest's height."""
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
    start, stop, scale = _time_axis(ax, [band.spikes for band in bands])
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
    _note(ax, text)


def _label_bands(ax: Axes, bands: Sequence[_Band], bottom: float) -> None:
    """Names at the middle of the bands, smaller where there are many; those without room are left out."""
    scale = 72 * _size(ax)[1] / bottom  # points a row
    middles = np.array([band.top + band.height / 2 for band in bands])
    nearest = scale * float(np.diff(middles).min()) if len(bands) > 1 else np.inf
    size = float(np.clip(nearest / 1.15, _TINY, _FONT))
    kept = _apart(middles * scale, 1.1 * size)
    names = [short_label(band.spikes.name) + (f"\n{band.label}" if band.height * scale > 2.6 * size else "") for band in bands]
    ax.set_yticks(middles[kept], [names[k] for k in kept])
    ax.tick_params(axis="y", length=0)
    for tick, k in zip(ax.get_yticklabels(), kept, strict=True):
        tick.set_color(bands[k].colour)
        tick.set_fontsize(size)
    _number_rows(ax, bands, scale)


def _apart(places: np.ndarray, least: float) -> list[int]:
    """Which of ascending places to keep for all to be at least so far apart."""
    kept: list[int] = []
    for k, place in enumerate(places):
        if not kept or place - places[kept[-1]] >= least - 1e-9:
            kept.append(k)
    return kept


def short_label(name: str) -> str:
    """A name as a label; a long one without its middle: what tells names apart is often at an end."""
    return _label(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}…{name[-8:]}")


def _label(text: str) -> str:
    """Text from a file as text, in which nothing is a formula, and which legends do not leave out."""
    text = one_line(text).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def _number_rows(ax: Axes, bands: Sequence[_Band], scale: float) -> None:
    """The ids of the neurons, where all rows are high enough for them."""
    if any(len(band.ids) == 0 or scale * band.height / len(band.ids) < 1.1 * _SMALL for band in bands):
        return
    places = np.concatenate([band.top + (np.arange(len(band.ids)) + 0.5) / len(band.ids) * band.height for band in bands])
    ids = np.concatenate([band.ids for band in bands])
    ax.yaxis.remove_overlapping_locs = False  # the middle neuron is where the name of its population is
    ax.set_yticks(places, [str(i) for i in ids], minor=True)
    ax.tick_params(axis="y", which="minor", length=2, width=0.6, labelsize=_SMALL, labelcolor=_GREY, pad=2)
    ax.tick_params(axis="y", which="major", pad=10 + 0.65 * _SMALL * len(str(ids.max())))


Points = Sequence[tuple[np.ndarray, np.ndarray]]


def _draw_dots(ax: Axes, bands: Sequence[_Band], points: Points, limits: tuple[float, float], scale: float) -> str:
    """Dots that cover at most a third of the area, and few rows as vertical strokes."""
    width, height = _size(ax)
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
    """Spikes counted in pixels and shown as shades of each population's colour.

    The shade saturates at the count that one in a hundred of the filled pixels exceeds, so that
    synchrony stands out of a dense background; a lone spike stays visible where most pixels are empty.
    """
    width, height = _size(ax)
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
    return f" (full shade: {full:.0f} or more a pixel)"


def _size(ax: Axes) -> tuple[float, float]:
    """Width and height of axes in inches, roughly (before the layout is known)."""
    box = ax.get_window_extent()
    dpi = _figure(ax).get_dpi()
    return max(box.width / dpi, 0.5), max(box.height / dpi, 0.5)


# -- rates, intervals, traces -----------------------------------------------------------------------


def rates(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    rate_bin: float | None = None,
) -> Figure:
    """Rates of populations over time, and how the rates of their neurons are distributed.

    With `ax`, only the first. `rate_bin` : width of the bins in ms.

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = _spikes(result, populations, t_start, t_stop)
    width = rate_bin or _rate_bin(shown)
    if ax is not None:
        _draw_rates(ax, shown, width)
        return _figure(ax)
    figure = Picture(figsize=(WIDTH, _legend_height(len(shown), 2.4)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.2, 1))
    _draw_rates(left, shown, width)
    each = [analysis.rates(spikes) for spikes in shown]
    _histograms(right, each, shown, _rate_edges(each, shown))
    right.set(xlabel="rate of a neuron (1/s)", ylabel="share of neurons")
    return figure


def isi(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Distribution of inter-spike intervals, and of the neurons' coefficients of variation.

    With `ax`, only the first.

    Raises
    ------
    DataError : no such population, no spikes were recorded, or the window is empty.
    """
    shown = _spikes(result, populations, t_start, t_stop)
    figure: Figure
    if ax is None:
        figure = Picture(figsize=(WIDTH, _legend_height(len(shown), 2.4)), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
        _draw_cv(right, shown)
    else:
        left, figure = ax, _figure(ax)
    intervals = [analysis.isi(spikes)[0] for spikes in shown]
    every = np.concatenate(intervals)
    edges = _edges(every[every <= np.percentile(every, 99.5)] if len(every) else every, 60, shown[0].dt)
    _histograms(left, intervals, shown, edges)
    left.set(xlabel="inter-spike interval (ms)", ylabel="share of intervals")
    left.set_xlim(left=0)
    _legend(left, shown)
    beyond = np.count_nonzero(every > edges[-1])
    if beyond:
        _note(left, f"{100 * beyond / len(every):.2g} % of the intervals are longer, up to {every.max():,.4g} ms")
    if not len(every):
        _nothing(left, "no neuron fired twice")
    return figure


def _draw_cv(ax: Axes, shown: Sequence[Spikes]) -> None:
    cvs = [analysis.cv_isi(spikes) for spikes in shown]
    cvs = [cv[~np.isnan(cv)] for cv in cvs]
    every = np.concatenate(cvs)
    _histograms(ax, cvs, shown, _edges(np.append(every, 0.1), 30))  # the CVs of regular neurons are not spread over the axis
    for cv, colour in zip(cvs, colours([s.name for s in shown]), strict=True):
        if len(cv):
            ax.axvline(cv.mean(), color=colour, linewidth=0.8, linestyle="--")
    if len(every):
        _note(ax, "dashed: mean")
    else:
        _nothing(ax, f"every neuron has\nfewer than {analysis.MIN_ISIS} intervals")
    ax.set(xlabel=f"CV of ISI (neurons with $\\geq$ {analysis.MIN_ISIS} ISIs)", ylabel="share of neurons")


def _edges(values: np.ndarray, n: int, dt: float = 0.0) -> np.ndarray:
    """Edges of about `n` bins over `values`, in the middle between the steps of the grid if dt is given."""
    largest = float(values.max()) if len(values) and values.max() > 0 else 1.0
    if not dt > 0:
        return np.linspace(0, 1.02 * largest, n + 1)
    width = dt * max(1, np.ceil(largest / n / dt))
    return np.arange(0, largest + 2 * width, width) + dt / 2


def _rate_edges(each: Sequence[np.ndarray], shown: Sequence[Spikes]) -> np.ndarray:
    """Edges between the rates there can be, which are whole numbers of spikes in the window: others would make a comb."""
    duration = max(spikes.t_stop - spikes.t_start for spikes in shown) / 1000.0
    every = np.concatenate(each)
    if not duration > 0 or not every.any():
        return _edges(every, 30)
    most = round(float(every.max()) * duration)
    width = max(1, -(-(most + 1) // 30))  # spikes
    return (np.arange(0, most + 1 + width, width) - 0.5) / duration


def _nothing(ax: Axes, why: str) -> None:
    """Say why axes are empty."""
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize=_FONT, color=_GREY)


def _histograms(ax: Axes, values: Sequence[np.ndarray], shown: Sequence[Spikes], edges: np.ndarray) -> None:
    _tidy(ax)
    for each, spikes, colour in zip(values, shown, colours([s.name for s in shown]), strict=True):
        share = np.histogram(each, edges)[0] / max(len(each), 1)
        ax.stairs(share, edges, color=colour, linewidth=0.9, label=short_label(spikes.name))
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)


def _draw_rates(ax: Axes, shown: Sequence[Spikes], width: float, label: str = "rate (1/s), {bin:g} ms bins") -> None:
    scale = _time_axis(ax, shown)[2]
    for spikes, colour in zip(shown, colours([s.name for s in shown]), strict=True):
        number = analysis.population_rate(spikes, width)[1]
        edges = (spikes.t_start + width * np.arange(len(number) + 1)) * scale
        if len(number):
            ax.stairs(number, edges, baseline=None, color=colour, linewidth=0.8, label=short_label(spikes.name))
    ax.set_ylabel(label.format(bin=width), fontsize=_FONT)
    highest = ax.dataLim.y1 if np.isfinite(ax.dataLim.y1) and ax.dataLim.y1 > 0 else 1.0
    ax.set_ylim(-0.04 * highest, 1.08 * highest)  # so that a rate of 0 is not hidden by the axis
    _legend(ax, shown)


def _legend(ax: Axes, shown: Sequence[Spikes]) -> None:
    if len(shown) > 1:
        _legend_beside(ax, _SMALL if len(shown) < 5 else _TINY)


def _legend_beside(ax: Axes, size: float) -> None:
    """A legend to the right, of as many entries as there is room for (the last then says how many are missing)."""
    handles, labels = ax.get_legend_handles_labels()
    room = max(4, int(1.25 * _size(ax)[1] / _ENTRY))
    names = labels
    if len(labels) > room:
        handles = [*handles[: room - 1], Line2D([], [], linestyle="none")]
        names = [*labels[: room - 1], f"… {len(labels) - room + 1} more"]
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.005, 0.5), "frameon": False, "borderpad": 0}
    ax.legend(handles, names, fontsize=size, handlelength=1.0, labelspacing=0.15, **place)


def _legend_height(entries: int, least: float) -> float:
    """Inches of a panel beside which so many entries (of which 35 are drawn at most) have room."""
    return max(least, 0.35 + _ENTRY * min(entries, 35))


def traces(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    variables: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    max_neurons: int = 5,
) -> Figure:
    """Recorded variables over time: a panel for each variable of each population.

    Spikes of the neurons shown, if recorded, are marked above their membrane potential. `ax` takes
    the first panel only; at most `max_neurons` neurons are drawn.

    Raises
    ------
    DataError : no such population or variable, no traces were recorded, or the window is empty.
    """
    result = _result(result)
    analysis.check_window(result, t_start, t_stop)
    wanted = [variables] if isinstance(variables, str) else variables
    names = _names(populations, list(result.traces), "traces")
    panels = [(p, v) for p in names for v in (wanted or result.traces[p]) if wanted is None or v in result.traces[p]]
    if not panels:
        known = sorted({v for p in names for v in result.traces[p]})
        raise DataError("variables", f"{', '.join(wanted or [])} was not recorded", did_you_mean((wanted or [""])[0], known))
    figure: Figure
    if ax is None:
        lines = max(len(result.traces[p].ids_of(v)) for p, v in panels)
        figure = Picture(figsize=(WIDTH, 0.7 + _legend_height(min(lines, max_neurons), 1.3) * len(panels)), layout="constrained")
        axes = list(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0])
    else:
        figure, axes = _figure(ax), [ax]
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    for panel, (population, variable) in zip(axes, panels, strict=False):
        _draw_trace(panel, result, population, variable, (start, stop), max_neurons)
    for panel in axes[:-1]:
        panel.set_xlabel("")
    return figure


def _draw_trace(ax: Axes, result: Result, population: str, variable: str, window: tuple[float, float], most: int) -> None:
    of = result.traces[population]
    at = of.times_of(variable)
    inside = (at > window[0] + 1e-9) & (at <= window[1] + 1e-9)
    scale = _time_label(ax, *window)
    values, ids = of[variable][inside], of.ids_of(variable)
    shown = min(values.shape[1], max(most, 1))
    palette = (OTHERS[0], EXCITATORY, INHIBITORY, *_palette()[1:])
    for k in range(shown):
        colour = palette[k % len(palette)]
        label = f"neuron {ids[k]}" if len(ids) else short_label(population)
        ax.plot(at[inside] * scale, values[:, k], linewidth=0.7, color=colour, label=label)
        if variable == "V_m" and population in result.spikes:
            spikes = result.spikes[population].window(*window)
            _draw_ticks(ax, spikes.times[spikes.ids == ids[k]] * scale, colour)
    ax.set_ylabel(f"{short_label(population)}\n{_label(f'{variable} ({of.unit_of(variable)})')}", fontsize=_FONT)
    _widen(ax, values[:, :shown])
    if shown < values.shape[1]:
        _note(ax, f"{shown} of {values.shape[1]:,} recorded neurons", pad=7)  # above the marks of spikes
    if values.shape[1] > 1:
        _legend_beside(ax, _SMALL if shown < 8 else _TINY)


def _widen(ax: Axes, values: np.ndarray) -> None:
    """Show what decays to nothing as flat, not as a curve in steps of 1e-10."""
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if high - low < 1e-6 * max(1.0, abs(low)):
        ax.set_ylim((low + high) / 2 - 0.5, (low + high) / 2 + 0.5)


def _draw_ticks(ax: Axes, at: np.ndarray, colour: str) -> None:
    if len(at):  # a line of nothing would count as one at the figure's corner, and the layout make room for it
        ax.plot(at, np.full(len(at), 1.03), "|", markersize=5, color=colour, transform=ax.get_xaxis_transform(), clip_on=False)


# -- space ------------------------------------------------------------------------------------------


def space(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Where the neurons of each population lie, shaded by their rates between `t_start` and `t_stop`: a map of activity.

    Of three dimensions the first two are drawn. With `ax`, only the first population.

    Raises
    ------
    DataError : no such population, none has positions and recorded spikes, or the window is empty.
    """
    result = _result(result)
    located = [name for name in result.spikes if name in result.positions]
    if not located:
        raise DataError("plot", "no population has positions and recorded spikes", "give populations positions in the model")
    shown = _spikes(result, located if populations is None else populations, t_start, t_stop)
    figure: Figure
    if ax is None:
        columns = min(len(shown), 3)
        rows = -(-len(shown) // columns)
        figure = Picture(figsize=(WIDTH, rows * WIDTH / columns * 0.85), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    else:
        panels, figure = [ax], _figure(ax)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    for panel, spikes, colour in zip(panels, shown, colours([spikes.name for spikes in shown]), strict=False):
        _draw_map(panel, spikes, result.positions[spikes.name], colour)
    return figure


def _draw_map(ax: Axes, spikes: Spikes, places: np.ndarray, colour: str) -> None:
    """Dots about as wide as the neurons are apart, the busiest in the full colour."""
    x, y = places[:, 0], places[:, 1] if places.shape[1] > 1 else np.zeros(len(places))
    rate = analysis.rates(spikes)
    order = np.argsort(rate, kind="stable")
    shades = LinearSegmentedColormap.from_list(spikes.name, ["0.9", colour])
    side = 72 * min(_size(ax)) / max(len(places), 4) ** 0.5  # points
    dots = ax.scatter(x[order], y[order], c=rate[order], s=min(0.5 * side**2, 30), cmap=shades, linewidths=0, rasterized=True)
    bar = _figure(ax).colorbar(dots, ax=ax, shrink=0.8, aspect=30)
    bar.set_label(f"rate (1/s), {spikes.t_start:g} to {spikes.t_stop:g} ms", fontsize=_SMALL)
    bar.ax.tick_params(labelsize=_SMALL, width=0.6, length=3)
    ax.set(xlabel="x (mm)", ylabel="y (mm)" if places.shape[1] > 1 else "", aspect="equal")
    ax.set_title(short_label(spikes.name), fontsize=_FONT)
    _tidy(ax)


# -- what they share --------------------------------------------------------------------------------


def colours(names: Sequence[str], shades: bool = True) -> list[str]:
    """A colour for each population: blue for excitatory, vermilion for inhibitory names, others in turn.

    With `shades`, several of one kind differ in lightness, from dark to light.
    """
    kinds = [_kind(name) for name in names]
    found: list[str] = []
    for k, kind in enumerate(kinds):
        rank, total = kinds[:k].count(kind), kinds.count(kind)
        base = _palette()[rank % len(_palette())] if kind is None else kind
        found.append(base if kind is None else _lightness(base, rank / (total - 1) if shades and total > 1 else 0.5))
    return found


def _palette() -> tuple[str, ...]:
    """`OTHERS`, then these lighter, then darker (black has no darker one): 14 colours."""
    return (*OTHERS, *(_lightness(colour, 1.0) for colour in OTHERS), *(_lightness(colour, 0.0) for colour in OTHERS[1:]))


def _kind(name: str) -> str | None:
    if re.search(r"^(?i:inh)|(?i:inh)$|^I(?![A-Za-z])|^i$|I$", name):
        return INHIBITORY
    if re.search(r"^(?i:exc)|(?i:exc)$|^E(?![A-Za-z])|^e$|E$", name):
        return EXCITATORY
    return None


def _lightness(colour: str, x: float) -> str:
    """`colour` darkened (x = 0) to lightened (x = 1); itself at 0.5."""
    rgb = np.array(to_rgb(colour))
    mixed = rgb * (0.55 + 0.9 * x) if x < 0.5 else rgb + (1 - rgb) * (x - 0.5) * 0.8
    return to_hex(tuple(np.clip(mixed, 0, 1))).upper()


def _result(result: Result | str | Path) -> Result:
    return result if isinstance(result, Result) else open_result(result)


def _spikes(
    result: Result | str | Path, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None
) -> list[Spikes]:
    result = _result(result)
    analysis.check_window(result, t_start, t_stop)
    order = [name for name in result.populations if name in result.spikes]
    return [result.spikes[name].window(t_start, t_stop) for name in _names(populations, order, "spikes")]


def _names(wanted: Sequence[str] | str | None, known: Sequence[str], what: str) -> list[str]:
    if not known:
        raise DataError("plot", f"no {what} were recorded", f"record {what} in the model")
    names = list(known) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in known:
            raise DataError("populations", f"there are no {what} of {name!r}", did_you_mean(name, known))
    return names


def _rate_bin(shown: Sequence[Spikes]) -> float:
    """A round width that makes some 200 bins (5 ms for 1 s), in whole time steps."""
    duration = max(spikes.t_stop - spikes.t_start for spikes in shown)
    width = next((m * 10.0**k for k in range(0 if duration > 20 else -1, 9) for m in (1, 2, 5) if 300 * m * 10.0**k >= duration), 1e9)
    dt = shown[0].dt
    return max(1, round(width / dt)) * dt if dt > 0 else width


def _time_axis(ax: Axes, shown: Sequence[Spikes]) -> tuple[float, float, float]:
    """Limits and label of the time axis: (start, stop in ms, what a ms is on the axis)."""
    start, stop = min(s.t_start for s in shown), max(s.t_stop for s in shown)
    stop = stop if stop > start else start + 1.0
    return start, stop, _time_label(ax, start, stop)


def _time_label(ax: Axes, start: float, stop: float) -> float:
    in_seconds = stop - start > 5000.0
    scale = 1e-3 if in_seconds else 1.0
    _tidy(ax)
    ax.set_xlim(start * scale, (stop if stop > start else start + 1.0) * scale)
    ax.set_xlabel("time (s)" if in_seconds else "time (ms)", fontsize=_FONT)
    return scale


def _note(ax: Axes, text: str, pad: float = 3) -> None:
    """A remark above the right end of axes, `pad` points away."""
    ax.set_title(text, loc="right", fontsize=_SMALL, color=_GREY, pad=pad)


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True) if matplotlib.__version_info__ >= (3, 10) else ax.figure
    assert isinstance(figure, Figure)
    return figure


def _tidy(ax: Axes) -> None:
    ax.tick_params(labelsize=_FONT, width=0.6, length=3)
    ax.xaxis.label.set_fontsize(_FONT)
    ax.yaxis.label.set_fontsize(_FONT)
    for side, spine in ax.spines.items():
        spine.set_linewidth(0.6)
        spine.set_visible(side in ("left", "bottom"))


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG (300 dpi), PDF or SVG; the path. Text stays text, dots become pixels.

    Raises
    ------
    OutputError : another ending, or the place cannot be written. RunError : the disk is full; a picture that was there stays.
    """
    path = check_output(path, overwrite=True)
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise OutputError(str(path), f"has the ending {path.suffix!r}", "allowed: .png, .pdf, .svg")
    picture = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
        figure.savefig(picture, dpi=300, format=path.suffix[1:].lower())
    disk.put(path, picture.getbuffer())
    return path
