"""Plots of recorded traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from lifsim import analysis
from lifsim.common.errors import DataError, did_you_mean
from lifsim.plot.inline import shows
from lifsim.plot.palette import neuron_colours
from lifsim.plot.selection import Look, looks_of, population_names, result_of
from lifsim.plot.style import (
    FONT,
    SMALL,
    TINY,
    WIDTH,
    Picture,
    add_legend_beside,
    figure_size,
    label_axis,
    legend_height,
    line_widths,
    new_figure,
    time_label,
    write_note,
)
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.data import Traces
from lifsim.results.opening import Openable
from lifsim.results.result import Result

_MARK = 4.0  # distance of the rows of spike marks, points
_WEIGHTS = "weight_from_"  # begins the name of recorded weights; the name of the presynaptic population follows


@shows
def traces(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    variables: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    max_neurons: int = 5,
) -> Figure:
    """Recorded variables over time, with a panel for each variable of each population.

    Recorded spikes of the neurons shown are marked above their membrane potentials, a row for each neuron. The first neuron has the
    colour of its population. A line that others cover is wider than these, so that all are seen. Recorded weights are labelled with
    the number of the synapse (its column in the data) and the ids of its neurons (source → target).

    Parameters
    ----------
    result : the result, or what `lifsim.open` takes: its path, `Spikes`, {population: `Spikes`}, ….
    populations : name or names of the populations; default: all with recorded traces.
    variables : name or names of the variables; default: all recorded ones.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the first panel alone; default: a new figure with all panels.
    max_neurons : largest number of neurons (or synapses) drawn per panel.

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
    names = population_names(populations, list(result.traces), "traces", "raster" if len(result.spikes) else "")
    known = list(dict.fromkeys(v for p in names for name in result.traces[p] for v in (name, result.traces[p].variable_of(name))))
    if wanted is not None and not len(wanted):
        raise DataError("variables", "an empty list", "at least one name, or None for all")
    for variable in wanted or []:
        if not any(result.traces[p].named(variable) for p in names):
            raise DataError("variables", f"{variable} was not recorded", did_you_mean(variable, known))
    panels = [(p, name) for p in names for v in (wanted or [""]) for name in _names(result.traces[p], v)]
    figure: Figure
    if ax is None:
        lines = min(max(result.traces[p].ids_of(v).size for p, v in panels), max_neurons)
        height = legend_height(lines, 1.3 if len(panels) <= 8 else 0.9)
        figure = Picture(figsize=(WIDTH, 0.7 + height * len(panels)), layout="constrained")
        axes = list(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0])
    else:
        figure, axes, height = new_figure(ax), [ax], figure_size(ax)[1]
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    looks = looks_of(result)
    for panel, (population, variable) in zip(axes, panels, strict=False):
        _draw_trace(panel, result, looks, population, variable, (start, stop), max_neurons)
    labels = [_panel_label(result.traces[p], v, p, looks) for p, v in panels[: len(axes)]]
    size = _size(labels, height)
    for panel, label in zip(axes, labels, strict=True):
        panel.set_ylabel(label, fontsize=size)
        fit_fonts(panel)
    for panel in axes[:-1]:
        panel.set_xlabel("")
    figure.align_ylabels(axes)
    return figure


def _names(of: Traces, variable: str) -> list[str]:
    """The names of the traces of `variable`, of all traces if it is ""."""
    return of.named(variable) if variable else list(of)


def _draw_trace(
    ax: Axes, result: Result, looks: Mapping[str, Look], population: str, variable: str, window: tuple[float, float], most: int
) -> None:
    of = result.traces[population]
    at = of.times_of(variable)
    inside = (at > window[0] + 1e-9) & (at <= window[1] + 1e-9)
    scale = time_label(ax, *window)
    values = of[variable][inside]
    shown = min(values.shape[1], max(most, 1))
    colours = neuron_colours(looks[population].colour, [look.colour for look in looks.values()], shown)
    widths = line_widths([values[:, k] for k in range(shown)], 0.7)
    ids = of.ids_of(variable)
    labels, what = _columns(of, variable, looks[population], shown)
    for k in range(shown):
        ax.plot(at[inside] * scale, values[:, k], linewidth=widths[k], color=colours[k], label=labels[k])
    _widen(ax, values[:, :shown])
    rows = _mark_spikes(ax, result, population, ids, window, scale, colours) if of.variable_of(variable) == "V_m" else 0
    if shown < values.shape[1]:
        write_note(ax, f"{shown} of {values.shape[1]:,} recorded {what}", pad=3 + _MARK * rows)
    if values.shape[1] > 1:
        add_legend_beside(ax, SMALL if shown < 8 else TINY, "source \N{RIGHTWARDS ARROW} target" if what == "synapses" else "")


def _size(labels: Sequence[str], height: float) -> float:
    """Size of the labels of panels that are `height` inches high, along which the longest has to fit."""
    longest = max(len(line) for label in labels for line in label.split("\n"))
    return float(np.clip(72 * (height - 0.1) / longest / 0.6, TINY, FONT))  # a character is about 0.6 of the size wide


def _columns(of: Traces, variable: str, look: Look, n: int) -> tuple[list[str], str]:
    """(labels of the first `n` columns of a variable, what the columns are)."""
    ids, sources = of.ids_of(variable)[:n], of.sources_of(variable)[:n]
    if len(sources):
        pairs = zip(sources, ids, strict=True)
        return [f"synapse {k} ({source} \N{RIGHTWARDS ARROW} {target})" for k, (source, target) in enumerate(pairs)], "synapses"
    return [f"neuron {i}" for i in ids] if len(ids) else [look.label] * n, "neurons"


def _panel_label(of: Traces, variable: str, population: str, looks: Mapping[str, Look]) -> str:
    """Population, variable and unit, such as "exc, V_m (mV)"; for weights both populations, such as "exc → inh, weight (pA)"."""
    name, unit = looks[population].label, of.unit_of(variable)
    if len(of.sources_of(variable)):
        source = of.variable_of(variable).removeprefix(_WEIGHTS)
        name = f"{looks[source].label if source in looks else label_axis(source)} \N{RIGHTWARDS ARROW} {name}"
        variable = "weight"
    return f"{name}\n{label_axis(f'{variable} ({unit})' if unit else variable)}"


def _widen(ax: Axes, values: np.ndarray) -> None:
    """Widen the vertical axis of nearly constant values, so that differences of 1e-10 or so look flat."""
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if high - low < 1e-6 * max(1.0, abs(low)):
        ax.set_ylim((low + high) / 2 - 0.5, (low + high) / 2 + 0.5)


def _mark_spikes(
    ax: Axes, result: Result, population: str, ids: np.ndarray, window: tuple[float, float], scale: float, colours: Sequence[str]
) -> int:
    """Mark the spikes of the neurons `ids` above the axes, a row for each neuron that fired. Returns the number of rows."""
    if population not in result.spikes:
        return 0
    spikes, rows = result.spikes[population].window(*window), 0
    for i, colour in zip(ids, colours, strict=False):
        at = spikes.times[spikes.ids == i] * scale
        if len(at):  # the layout would reserve space for an empty line at the corner of the figure
            up = ScaledTranslation(0, (3 + _MARK * rows) / 72, new_figure(ax).dpi_scale_trans)
            place = ax.get_xaxis_transform() + up
            ax.plot(at, np.ones(len(at)), "|", markersize=0.9 * _MARK, color=colour, transform=place, clip_on=False)
            rows += 1
    return rows
