"""Maps of a statistic over two parameters, and small multiples of them over a third."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from lifsim.plot.number_labels import NumberLabels
from lifsim.plot.scan_axes import ScanAxis, shown_name
from lifsim.plot.style import FONT, SMALL, Picture, label_axis, new_figure, page_width, short_label, tidy_axes, write_note
from lifsim.plot.typefaces import fit_fonts

_GRID = 0.6  # part of the places of a grid that must have a value for a map; fewer are drawn as dots
_FEW = 3  # values of a parameter that contours need at least
_COLUMNS = 4
_COLOURS = "viridis"


class Field(NamedTuple):
    """A statistic at all points: the name of the population, the means, float64 (n_points,), and the colour of the population."""

    label: str
    mean: np.ndarray
    colour: str


def draw_maps(ax: Axes | None, axes: Sequence[ScanAxis], fields: Sequence[Field], label: str, note: str) -> Figure:
    """A map for each of `fields` over the first two `axes`; with a third, one for each of its values."""
    x, y, *third = axes
    layers: list[tuple[str, np.ndarray]] = [("", np.ones(len(x.at), bool))]
    if third:
        layers = [
            (f"{shown_name(third[0].name)} = {_said(t)}", third[0].at == at) for t, at in zip(third[0].ticks, third[0].places, strict=True)
        ]
    panels = [(field, title, rows) for field in fields for title, rows in layers]
    columns = min(len(layers) if third else len(fields), _COLUMNS if third else 3)
    figure, grid = _panels(ax, len(panels), columns)
    for k, (panel, (field, title, rows)) in enumerate(zip(grid, panels, strict=False)):
        limits = _limits(field.mean)
        drawn = _draw_map(panel, (x, y), field.mean, rows, limits)
        panel.set_title(
            label_axis(title) if third and len(fields) == 1 else short_label(field.label) + (f", {title}" if title else ""), fontsize=FONT
        )
        if k % columns:
            panel.set_ylabel("")
        if k < len(panels) - columns:
            panel.set_xlabel("")
        if not third or (k + 1) % len(layers) == 0:
            own = grid[k + 1 - len(layers) : k + 1] if third else panel
            bar = figure.colorbar(drawn, ax=own, shrink=0.8 if third else 1.0, aspect=25, format=NumberLabels())
            bar.set_label(label if not third or len(fields) > 1 else f"{label}, {short_label(field.label)}", fontsize=SMALL)
            bar.ax.tick_params(labelsize=SMALL, width=0.6, length=3)
            bar.outline.set_linewidth(0.6)
    for panel in grid[len(panels) :]:
        panel.set_axis_off()
    if len(panels) == 1:
        write_note(grid[0], "")
    figure.text(0.995, 0.002, label_axis(note), ha="right", va="bottom", fontsize=SMALL, color="0.35") if ax is None else None
    fit_fonts(*grid)
    return figure


def _panels(ax: Axes | None, n: int, columns: int) -> tuple[Figure, list[Axes]]:
    if ax is not None:
        return new_figure(ax), [ax]
    rows = -(-n // columns)
    wide = page_width() * (0.6 if n == 1 else 1.0)
    height = 0.25 + rows * wide / columns * (0.8 if columns < 3 else 0.95)
    figure = Picture(figsize=(wide, height), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0.16 / height, 1, 1 - 0.16 / height))  # type: ignore[union-attr, call-arg]
    return figure, list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)


def _limits(mean: np.ndarray) -> tuple[float, float]:
    """The colour scale: from 0 unless all values are far from it."""
    finite = mean[np.isfinite(mean)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    low = 0.0 if 0 <= low < 0.5 * high else low
    return low, high if high > low else low + 1.0


def _draw_map(ax: Axes, axes: tuple[ScanAxis, ScanAxis], mean: np.ndarray, rows: np.ndarray, limits: tuple[float, float]) -> Any:
    """A map of the `rows`; returns what has the colours."""
    x, y = axes
    values = np.full((len(y.ticks), len(x.ticks)), np.nan)
    values[np.searchsorted(y.places, y.at[rows]), np.searchsorted(x.places, x.at[rows])] = mean[rows]
    x.apply(ax, "x")
    y.apply(ax, "y")
    if rows.sum() < _GRID * values.size:  # random points
        drawn: Any = ax.scatter(x.at[rows], y.at[rows], c=mean[rows], s=18, cmap=_COLOURS, vmin=limits[0], vmax=limits[1], linewidths=0)
    else:
        ax.set_facecolor("0.9")  # places without a run, or where the statistic is undefined
        drawn = ax.pcolormesh(_edges(x), _edges(y), values, cmap=_COLOURS, vmin=limits[0], vmax=limits[1], rasterized=True)
        _draw_contours(ax, axes, values, limits)
    tidy_axes(ax)
    x.label_ticks(ax, "x")
    y.label_ticks(ax, "y")
    return drawn


def _draw_contours(ax: Axes, axes: tuple[ScanAxis, ScanAxis], values: np.ndarray, limits: tuple[float, float]) -> None:
    """Lines of equal values, with their values; not across names."""
    x, y = axes
    finite = values[np.isfinite(values)]
    if x.named or y.named or min(values.shape) < _FEW or len(finite) < 4 or finite.min() == finite.max():
        return
    levels = [level for level in MaxNLocator(6).tick_values(*limits) if finite.min() < level < finite.max()]
    if levels:
        lines = ax.contour(x.places, y.places, np.ma.masked_invalid(values), levels=levels, colors="white", linewidths=0.7)
        for text in ax.clabel(lines, fontsize=SMALL - 1, fmt="%g"):
            text.set_path_effects([withStroke(linewidth=1.5, foreground="0.25")])


def _edges(axis: ScanAxis) -> np.ndarray:
    """The borders of the cells around the values of an axis, halfway between them."""
    at = np.log(axis.places) if axis.log else axis.places
    inner = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - inner[0]], inner, [2 * at[-1] - inner[-1]]])
    return np.exp(edges) if axis.log else edges


def _said(tick: Any) -> str:
    return f"{tick:g}" if isinstance(tick, float) else str(tick)
