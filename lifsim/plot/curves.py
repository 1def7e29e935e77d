"""Plots of curves that many runs give together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.common.errors import DataError
from lifsim.plot.house import pictured
from lifsim.plot.palette import colours, grey
from lifsim.plot.style import FONT, MUTED, SMALL, label_axis, new_figure, one_panel, tidy_axes, write_note
from lifsim.plot.typefaces import fit_fonts


@pictured
def fi_curve(
    current: Any,
    rate: Any,
    theory: Callable[[np.ndarray], Any] | tuple[Any, Any] | None = None,
    rheobase: float | None = None,
    label: str = "",
    unit: str = "pA",
    colour: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """f–I curve: the firing rate as a function of the input current, as dots, with an optional line of a theory.

    Parameters
    ----------
    current : input currents, (n,), in any order.
    rate : the firing rate at each current in spikes/s, (n,); or of several trials, (n, trials), drawn as their mean with a bar of one
        standard deviation to each side.
    theory : a function that takes currents (array) and returns rates, or a pair (currents, rates); drawn as a line.
    rheobase : the current from which on the neuron fires, drawn as a dotted line; default: not drawn.
    label : name of the curve in the legend, for several curves in one `ax`. unit : unit of `current`.
    colour : colour of the dots; default: the first of the palette that the axes do not have yet.
    ax : axes to draw in; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : `current` and `rate` have different lengths, or are not arrays of numbers.
    """
    x, y = _numbers("current", current, 1), _numbers("rate", rate, 1, 2)
    if len(x) != len(y):
        raise DataError("rate", f"{len(y):,} values for {len(x):,} currents", "one rate, or one row of trials, for each current")
    ax = one_panel(2.6, 0.55) if ax is None else ax
    tidy_axes(ax)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    colour = colour or colours([f"curve {k}" for k in range(len(ax.containers) + 1)])[-1]
    mean, spread = (y.mean(axis=1), y.std(axis=1)) if y.ndim == 2 else (y, None)
    marks: dict[str, Any] = {"fmt": "o", "markersize": 3.5, "elinewidth": 0.8, "zorder": 3}
    ax.errorbar(x, mean, spread, color=colour, label=label_axis(label) or "simulation", **marks)
    if theory is not None:
        line = np.linspace(x.min(), x.max(), 500) if len(x) else np.zeros(0)
        at, expected = (line, theory(line)) if callable(theory) else theory
        ax.plot(_numbers("theory", at, 1), _numbers("theory", expected, 1), color=grey(0.4), linewidth=1.0, label="theory", zorder=2)
    if rheobase is not None:
        ax.axvline(rheobase, color=grey(MUTED), linewidth=0.6, linestyle=":", zorder=1)
        write_note(ax, f"dotted: rheobase, {rheobase:.4g} {label_axis(unit)}")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"I ({label_axis(unit)})", fontsize=FONT)
    ax.set_ylabel("rate (1/s)", fontsize=FONT)
    if theory is not None or label:
        ax.legend(fontsize=SMALL, frameon=False)
    fit_fonts(ax)
    return new_figure(ax)


def _numbers(place: str, values: Any, *dimensions: int) -> np.ndarray:
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError):
        raise DataError(place, "is not an array of numbers", "numbers") from None
    if array.ndim not in dimensions:
        raise DataError(place, f"has shape {array.shape}", " or ".join(("(n,)", "(n, trials)")[d - 1] for d in dimensions))
    return array
