"""Plots of recorded traces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.common.errors import DataError, did_you_mean
from lifsim.plot.selection import population_names, result_of
from lifsim.plot.style import (
    EXCITATORY,
    FONT,
    INHIBITORY,
    OTHERS,
    SMALL,
    TINY,
    WIDTH,
    Picture,
    add_legend_beside,
    label_axis,
    legend_height,
    new_figure,
    palette_of,
    short_label,
    time_label,
    write_note,
)
from lifsim.results.data import Traces
from lifsim.results.result import Result


def traces(
    result: Result | str | Path,
    populations: Sequence[str] | str | None = None,
    variables: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    max_neurons: int = 5,
) -> Figure:
    """Recorded variables over time, with a panel for each variable of each population.

    Recorded spikes of the neurons shown are marked above their membrane potentials.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all with recorded traces.
    variables : name or names of the variables; default: all recorded ones.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the first panel alone; default: a new figure with all panels.
    max_neurons : largest number of neurons drawn per panel.

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population or variable, no traces were recorded, or the window is empty.
    """
    result = result_of(result)
    analysis.check_window(result, t_start, t_stop)
    wanted = [variables] if isinstance(variables, str) else variables
    names = population_names(populations, list(result.traces), "traces")
    panels = [(p, name) for p in names for v in (wanted or [""]) for name in _names(result.traces[p], v)]
    if not panels:
        known = sorted({v for p in names for v in result.traces[p]})
        raise DataError("variables", f"{', '.join(wanted or [])} was not recorded", did_you_mean((wanted or [""])[0], known))
    figure: Figure
    if ax is None:
        lines = max(len(result.traces[p].ids_of(v)) for p, v in panels)
        figure = Picture(figsize=(WIDTH, 0.7 + legend_height(min(lines, max_neurons), 1.3) * len(panels)), layout="constrained")
        axes = list(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0])
    else:
        figure, axes = new_figure(ax), [ax]
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    for panel, (population, variable) in zip(axes, panels, strict=False):
        _draw_trace(panel, result, population, variable, (start, stop), max_neurons)
    for panel in axes[:-1]:
        panel.set_xlabel("")
    return figure


def _names(of: Traces, variable: str) -> list[str]:
    """The names of the traces of `variable`, of all traces if it is ""."""
    return of.named(variable) if variable else list(of)


def _draw_trace(ax: Axes, result: Result, population: str, variable: str, window: tuple[float, float], most: int) -> None:
    of = result.traces[population]
    at = of.times_of(variable)
    inside = (at > window[0] + 1e-9) & (at <= window[1] + 1e-9)
    scale = time_label(ax, *window)
    values, ids = of[variable][inside], of.ids_of(variable)
    shown = min(values.shape[1], max(most, 1))
    palette = (OTHERS[0], EXCITATORY, INHIBITORY, *palette_of()[1:])
    for k in range(shown):
        colour = palette[k % len(palette)]
        label = f"neuron {ids[k]}" if len(ids) else short_label(population)
        ax.plot(at[inside] * scale, values[:, k], linewidth=0.7, color=colour, label=label)
        if of.variable_of(variable) == "V_m" and population in result.spikes:
            spikes = result.spikes[population].window(*window)
            _draw_ticks(ax, spikes.times[spikes.ids == ids[k]] * scale, colour)
    ax.set_ylabel(f"{short_label(population)}\n{label_axis(f'{variable} ({of.unit_of(variable)})')}", fontsize=FONT)
    _widen(ax, values[:, :shown])
    if shown < values.shape[1]:
        write_note(ax, f"{shown} of {values.shape[1]:,} recorded neurons", pad=7)  # above the spike marks
    if values.shape[1] > 1:
        add_legend_beside(ax, SMALL if shown < 8 else TINY)


def _widen(ax: Axes, values: np.ndarray) -> None:
    """Widen the vertical axis of nearly constant values, so that differences of 1e-10 or so look flat."""
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if high - low < 1e-6 * max(1.0, abs(low)):
        ax.set_ylim((low + high) / 2 - 0.5, (low + high) / 2 + 0.5)


def _draw_ticks(ax: Axes, at: np.ndarray, colour: str) -> None:
    if len(at):  # the layout would reserve space for an empty line at the corner of the figure
        ax.plot(at, np.full(len(at), 1.03), "|", markersize=5, color=colour, transform=ax.get_xaxis_transform(), clip_on=False)
