"""Maps of activity in space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.plot.inline import shows
from lifsim.plot.number_labels import NumberLabels
from lifsim.plot.selection import Shown, result_of, spikes_of
from lifsim.plot.style import FONT, SMALL, WIDTH, Picture, figure_size, new_figure, tidy_axes
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable


@shows
def space(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Map of activity: the positions of the neurons of each population, coloured by their mean firing rates.

    In three dimensions, only x and y are drawn.

    Parameters
    ----------
    result : the result, or what `lifsim.open` takes: its path, `Spikes`, {population: `Spikes`}, ….
    populations : name or names of the populations; default: all with positions and recorded spikes.
    t_start, t_stop : limits of the window over which rates are averaged, ms; default: the whole run.
    ax : axes for the first population alone; default: a new figure with a panel per population.

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, none has positions and recorded spikes, or the window is empty.
    """
    result = result_of(result)
    located = [name for name in result.spikes if name in result.positions]
    if not located:
        raise DataError("plot", "no population has positions and recorded spikes", "give populations positions in the model")
    shown = spikes_of(result, located if populations is None else populations, t_start, t_stop)
    figure: Figure
    if ax is None:
        columns = min(len(shown), 3)
        rows = -(-len(shown) // columns)
        figure = Picture(figsize=(WIDTH, rows * WIDTH / columns * 0.85), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    else:
        panels, figure = [ax], new_figure(ax)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    for panel, one in zip(panels, shown, strict=False):
        _draw_map(panel, one, result.positions[one.spikes.name])
    return figure


def _draw_map(ax: Axes, one: Shown, places: np.ndarray) -> None:
    """Draw a dot per neuron, about as wide as the distance between neurons; the highest rate has the full colour."""
    x, y = places[:, 0], places[:, 1] if places.shape[1] > 1 else np.zeros(len(places))
    spikes, rate = one.spikes, analysis.rates(one.spikes)
    order = np.argsort(rate, kind="stable")
    shades = LinearSegmentedColormap.from_list("rate", ["0.9", one.colour])
    side = 72 * min(figure_size(ax)) / max(len(places), 4) ** 0.5  # points
    size = min(0.5 * side**2, 30)
    dots = ax.scatter(x[order], y[order], c=rate[order], s=size, cmap=shades, linewidths=0, rasterized=True)
    dots.set_clim(0, float(rate.max(initial=0.0)) or 1.0)
    bar = new_figure(ax).colorbar(dots, ax=ax, shrink=0.8, aspect=30, format=NumberLabels())
    bar.set_label(f"rate (1/s), {spikes.t_start:g} to {spikes.t_stop:g} ms", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL, width=0.6, length=3)
    bar.outline.set_linewidth(0.6)
    ax.set(xlabel="x (mm)", ylabel="y (mm)" if places.shape[1] > 1 else "", aspect="equal")
    ax.set_title(one.label, fontsize=FONT)
    tidy_axes(ax)
    if places.shape[1] < 2:
        ax.set_yticks([])
    fit_fonts(ax)
