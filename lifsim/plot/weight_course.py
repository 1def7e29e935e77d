"""Plots of recorded weights: over time, and at the end of several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey
from lifsim.plot.selection import Look, looks_of, population_names, result_of
from lifsim.plot.several_results import Windows, beside, write_title
from lifsim.plot.style import (
    FONT,
    SMALL,
    Picture,
    draw_stairs,
    is_narrow,
    label_axis,
    new_figure,
    page_width,
    say_nothing,
    tidy_axes,
    time_label,
    write_note,
)
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.data import Traces
from lifsim.results.opening import Openable
from lifsim.results.result import Result

_WEIGHTS = "weight_from_"
_BINS, _COLUMNS = 60, 200


@pictured
def weight_evolution(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """How recorded weights change: their distribution over time as an image with their mean, and histograms of some samples.

    The shade of a pixel is the share of synapses with that weight at that time. Histograms show the first, the middle and the last
    sample of the window. Each recording of weights (``net.record_weights(source, target, interval=…)``) has a row.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the postsynaptic populations; default: all with recorded weights.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the first image alone; default: a new figure with all panels.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no weights were sampled, no such population, or the window is empty.
    """
    result = result_of(result)
    rows, window = _sampled(result, populations, t_start, t_stop)
    looks = looks_of(result)
    if ax is not None:
        _draw_image(ax, result.traces[rows[0][0]], *rows[0], looks, window)
        return new_figure(ax)
    narrow = is_narrow()
    figure = Picture(figsize=(page_width(), 2.0 * len(rows) * (2 if narrow else 1)), layout="constrained")
    shape = (2 * len(rows), 1) if narrow else (len(rows), 2)
    panels = figure.subplots(*shape, squeeze=False, width_ratios=None if narrow else (2.2, 1)).ravel()
    for k, (population, variable) in enumerate(rows):
        of = result.traces[population]
        _draw_image(panels[2 * k], of, population, variable, looks, window)
        _draw_samples(panels[2 * k + 1], of, population, variable, looks, window)
    return figure


@pictured
def final_weights(
    results: Mapping[str, Openable],
    populations: Sequence[str] | str | None = None,
    windows: Windows = None,
    bins: int = 40,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """For each result, a histogram of recorded weights at the end.

    The form in which Song, Miller & Abbott (2000), doi:10.1038/78829, show what plasticity leads to. All panels have the same bins.

    Parameters
    ----------
    results : title of a panel -> result, or its path.
    populations : name or names of the postsynaptic populations; default: all with recorded weights.
    windows : limits (t_start, t_stop) in ms, for all or by title, whose last sample is drawn; default: whole runs.
    bins : number of bins from the smallest to the largest weight in all panels.
    ax : axes for each result; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : there are no results, no weights were sampled (within a window), there is no such population, or `bins` is not above 0.
    """
    if bins < 1:
        raise DataError("bins", f"{bins}", "at least 1")
    panels: list[tuple[Axes, Result, dict[tuple[str, str], np.ndarray]]] = []
    for title, each, (t_start, t_stop), panel in beside(results, windows, ax, _histogram_panels, "axes"):
        result = result_of(each)
        rows, window = _sampled(result, populations, t_start, t_stop)
        write_title(panel, len(panels), title)
        panels.append((panel, result, {row: _window(result.traces[row[0]], row[1], window)[1][-1:].ravel() for row in rows}))
    every = [values for _, _, found in panels for values in found.values() if len(values)]
    if not every:
        raise DataError("plot", "no weights were sampled within the windows", "wider windows")
    low, high = min(float(w.min()) for w in every), max(float(w.max()) for w in every)
    edges = np.linspace(low, high if high > low else low + 1.0, bins + 1)
    for panel, result, found in panels:
        _draw_final(panel, result, found, edges)
    return new_figure(panels[0][0])


def _histogram_panels(n: int) -> list[Axes]:
    columns = 1 if is_narrow() else min(n, 3)
    rows = -(-n // columns)
    figure = Picture(figsize=(page_width(), 2.0 * rows), layout="constrained")
    return [figure.add_subplot(rows, columns, k + 1) for k in range(n)]


def _draw_final(ax: Axes, result: Result, found: Mapping[tuple[str, str], np.ndarray], edges: np.ndarray) -> None:
    """Draw the histogram of each recording of weights, given the weights by (population, variable)."""
    tidy_axes(ax)
    looks = looks_of(result)
    for (population, variable), values in found.items():
        of = result.traces[population]
        look = looks.get(_source(of, variable), looks[population])
        label = f"{look.label} \N{RIGHTWARDS ARROW} {looks[population].label}"
        draw_stairs(ax, np.histogram(values, edges)[0] / max(len(values), 1), edges, color=look.colour, fill=len(found) == 1, label=label)
        ax.set_xlabel(_label(of, variable), fontsize=FONT)
    ax.set_ylabel("share of synapses", fontsize=FONT)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    if len(found) > 1:
        ax.legend(fontsize=SMALL, frameon=False)
    fit_fonts(ax)


def _sampled(
    result: Result, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None
) -> tuple[list[tuple[str, str]], tuple[float, float]]:
    """(postsynaptic population, variable) of each recording of weights, and the window."""
    analysis.check_window(result, t_start, t_stop)
    recorded = {p: [v for v in result.traces[p] if len(result.traces[p].sources_of(v))] for p in result.traces}
    known = [p for p, names in recorded.items() if names]
    if not known:
        raise DataError("plot", "no weights were sampled", "record them: net.record_weights(source, target, interval=10.0)")
    rows = [(p, v) for p in population_names(populations, known, "weights") for v in recorded[p]]
    return rows, (result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop)


def _window(of: Traces, variable: str, window: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    at = of.times_of(variable)
    inside = (at > window[0] + 1e-9) & (at <= window[1] + 1e-9)
    return at[inside], of[variable][inside]


def _label(of: Traces, variable: str) -> str:
    unit = of.unit_of(variable)
    return f"weight ({unit})" if unit not in ("", "1") else "weight"


def _source(of: Traces, variable: str) -> str:
    """The name of the presynaptic population of recorded weights."""
    return of.variable_of(variable).removeprefix(_WEIGHTS)


def _edges(values: np.ndarray) -> np.ndarray:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    room = 0.03 * (high - low) or max(0.1 * abs(high), 0.5)
    bins = int(np.clip(2 * len(values[0]) ** (1 / 3), 10, _BINS)) if len(values) else 10  # Rice's rule
    return np.linspace(low - room, high + room, bins + 1)


def _draw_image(ax: Axes, of: Traces, population: str, variable: str, looks: dict[str, Look], window: tuple[float, float]) -> None:
    at, values = _window(of, variable, window)
    scale = time_label(ax, *window)
    source = _source(of, variable)
    ax.set_ylabel(_label(of, variable), fontsize=FONT)
    first = looks[source].label if source in looks else label_axis(source)
    n = len(of.ids_of(variable))
    write_note(ax, f"{first} \N{RIGHTWARDS ARROW} {looks[population].label}, {n:,} synapse{'' if n == 1 else 's'}; line: mean")
    if not values.size:
        say_nothing(ax, "no samples in this window")
        return
    edges = _edges(values)
    shown = np.unique(np.linspace(0, len(at) - 1, min(len(at), _COLUMNS)).round().astype(int))
    share = np.stack([np.histogram(values[k], edges)[0] for k in shown], axis=1) / values.shape[1]
    ends = np.concatenate([[window[0]], (at[shown][1:] + at[shown][:-1]) / 2, [window[1]]]) * scale
    colour = looks.get(source, looks[population]).colour
    shades = LinearSegmentedColormap.from_list("share", [grey(1.0), colour])
    mesh = ax.pcolormesh(ends, edges, np.sqrt(share), cmap=shades, rasterized=True, zorder=0.5)
    mesh.set_clim(0, max(float(np.sqrt(share).max()), 1e-9))
    ax.plot(at * scale, values.mean(axis=1), color=grey(0.0), linewidth=0.9)
    fit_fonts(ax)


def _draw_samples(ax: Axes, of: Traces, population: str, variable: str, looks: dict[str, Look], window: tuple[float, float]) -> None:
    at, values = _window(of, variable, window)
    tidy_axes(ax)
    ax.set_xlabel(_label(of, variable), fontsize=FONT)
    ax.set_ylabel("share of synapses", fontsize=FONT)
    if not values.size:
        say_nothing(ax, "no samples in this window")
        return
    edges = _edges(values)
    source = _source(of, variable)
    colour = looks.get(source, looks[population]).colour
    for k, tone in zip(dict.fromkeys((0, (len(at) - 1) // 2, len(at) - 1)), (grey(0.55), grey(0.2), colour), strict=False):
        draw_stairs(ax, np.histogram(values[k], edges)[0] / values.shape[1], edges, color=tone, linewidth=1.0, label=f"{at[k]:,.6g} ms")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=SMALL, frameon=False)
