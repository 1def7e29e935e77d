"""Draws values of each epoch of a training: ticks at whole epochs, numbers at every tick, lines that coincide both seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from lifsim.plot.number_labels import ten_to
from lifsim.plot.palette import EXCITATORY, INHIBITORY
from lifsim.plot.style import line_widths


def draw_epochs(ax: Axes, curves: Mapping[str, Sequence[float]], name: str, fontsize: float, logarithmic: bool = False) -> None:
    """Draw up to two curves with one value for each epoch; `name` says what the values are.

    The axis of values is logarithmic if that is allowed, all are positive, and the largest is more than five times the smallest. A curve
    of one epoch is a dot.
    """
    values = [np.asarray(curve, float) for curve in curves.values()]
    every = np.concatenate(values)
    every = every[np.isfinite(every)]
    log = logarithmic and len(every) > 0 and every.min() > 0 and every.max() > 5 * every.min()
    widths = line_widths([np.log(curve) for curve in values] if log else values, 1.0)  # as close to each other as they are drawn
    for curve, text, colour, width in zip(values, curves, (EXCITATORY, INHIBITORY), widths, strict=False):
        marker = "o" if len(curve) == 1 else ""
        ax.plot(np.arange(1, len(curve) + 1), curve, color=colour, lw=width, label=text, marker=marker, markersize=2 + 2 * width)
    ax.set_ylabel(name)
    if log:
        _log_axis(ax, every)
    _epoch_axis(ax, max(map(len, values)))
    if len(values) > 1:
        ax.legend(frameon=False, fontsize=fontsize)


def _epoch_axis(ax: Axes, epochs: int) -> None:
    """Ticks at whole epochs, from 1 on."""
    ax.set_xlabel("epoch")
    ax.set_xlim(1 - 0.02 * epochs, epochs + 0.02 * epochs)
    ticks = MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]).tick_values(1, epochs)
    ax.set_xticks(sorted({1, *(int(tick) for tick in ticks if 2 <= tick <= epochs and tick >= 0.06 * epochs)}))


def _log_axis(ax: Axes, values: np.ndarray) -> None:
    """A logarithmic axis with labels at 1, 2, 5, 10, … or, for more than two decades, at powers of ten."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if values.max() < 200 * values.min() else (1,), numticks=10))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(_decade)


def _decade(x: float, _: float) -> str:
    """Label of a logarithmic axis."""
    return f"{x:g}" if 1e-4 < x < 1e6 else ten_to(round(np.log10(x)))
