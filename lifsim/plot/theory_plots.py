"""Theory beside simulation: theory is a line, simulation are dots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.plot.house import pictured
from lifsim.plot.palette import colours, grey, other_colours
from lifsim.plot.style import FONT, SMALL, add_legend_beside, label_axis, new_figure, one_panel, tidy_axes
from lifsim.plot.typefaces import fit_fonts

_LINE, _DOT = 1.2, 3.2
_MARKS = {"regular": "D", "fast oscillation": "s", "slow oscillation": "^", "asynchronous": "o"}
_KINDS = {"regular": "regular, in lockstep", "fast": "fast oscillation", "slow": "slow oscillation", "saddle-node": "saddle-node"}


@pictured
def theory(
    x: Any,
    simulated: Any = None,
    line_x: Any = None,
    line: Any = None,
    *,
    errors: Any = None,
    label: str = "",
    xlabel: str = "",
    ylabel: str = "rate (spikes/s)",
    ax: Axes | None = None,
) -> Figure:
    """Plot theory as a line and simulation as dots.

    Parameters
    ----------
    x : abscissa of the simulated values, (n,). simulated : simulated values, (n,); default: none are drawn.
    line_x, line : abscissa and values of the theory, (m,); default: no line. `line_x` is `x` if not given.
    errors : half lengths of the error bars of the simulated values, (n,); default: none.
    xlabel, ylabel : of the axes, with units. label : name of this curve in the legend.
    ax : axes to draw into, for example those of an earlier call; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.
    """
    ax = one_panel(2.8, 0.62) if ax is None else ax
    colour = _colours(len(ax.lines) // 2 + 1)[-1]
    name = f", {label_axis(label)}" if label else ""
    if line is not None:
        ax.plot(x if line_x is None else line_x, line, color=colour, linewidth=_LINE, label=f"theory{name}", zorder=2)
    if simulated is not None:
        style: dict[str, Any] = {"color": colour, "markersize": _DOT, "linestyle": "none", "marker": "o", "zorder": 3}
        if errors is None:
            ax.plot(x, simulated, label=f"simulation{name}", **style)
        else:
            ax.errorbar(x, simulated, yerr=errors, elinewidth=0.8, label=f"simulation{name}", **style)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    _finish(ax)
    return new_figure(ax)


@pictured
def stability(points: Sequence[Any], simulated: Mapping[str, Any] | None = None, *, ax: Axes | None = None) -> Figure:
    """Plot the lines of stability of Brunel's network in the plane (g, eta), and simulated points with their states.

    Parameters
    ----------
    points : the `lifsim.theory.StabilityPoint` of many g, as `BrunelNetwork.stability_lines` returns them. Neighbouring points of a kind
        are joined by a line.
    simulated : state -> points, (n, 2) of g and eta, drawn as dots with a legend entry for each state; default: none.
    ax : axes to draw into; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.
    """
    ax = one_panel(2.8, 0.62) if ax is None else ax
    blue, black, green, red, *further = _colours(8)
    lines = {"regular": (green, "-"), "fast": (blue, "-"), "slow": (red, "-"), "saddle-node": (grey(0.35), "--")}
    for kind, (colour, style) in lines.items():
        branches = sorted(_branches([p for p in points if p.kind == kind]), key=lambda branch: -len(branch[0]))
        for k, branch in enumerate(branches):
            alone = "." if len(branch[0]) == 1 else None  # a line of one point would not be seen
            ax.plot(*branch, marker=alone, color=colour, linestyle=style, linewidth=_LINE, label="" if k else f"theory: {_KINDS[kind]}")
    dots = {"regular": green, "fast oscillation": blue, "slow oscillation": red, "asynchronous": black}
    others = zip("vP<>*", further, strict=False)
    for state, places in (simulated or {}).items():
        marker, colour = (_MARKS[state], dots[state]) if state in _MARKS else next(others)
        g, eta = np.atleast_2d(np.asarray(places, float)).T
        ax.plot(g, eta, marker, color=colour, markersize=_DOT + 0.8, label=f"simulation: {label_axis(state)}", linestyle="none")
    ax.set_xlabel("strength of inhibition g")
    ax.set_ylabel("external rate / rate at threshold")
    _finish(ax, beside=True)
    return new_figure(ax)


def _branches(points: Sequence[Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Points in the plane joined to lines: each goes to the nearest point at the next g, if one is near."""
    values = sorted({p.g for p in points})
    widest = 1.6 * max(np.diff(values), default=1.0)
    open_lines: list[list[Any]] = []
    done: list[list[Any]] = []
    for g in values:
        here = [p for p in points if p.g == g]
        for line in sorted(open_lines, key=lambda line: min((_apart(line[-1], p) for p in here), default=math.inf)):
            near = min(here, key=lambda p: _apart(line[-1], p), default=None)
            if near is not None and _apart(line[-1], near) < 2.5 and g - line[-1].g <= widest:
                line.append(near)
                here.remove(near)
            else:
                open_lines.remove(line)
                done.append(line)
        open_lines += [[p] for p in here]
    return [(np.array([p.g for p in line]), np.array([p.eta for p in line])) for line in (*done, *open_lines)]


def _apart(a: Any, b: Any) -> float:
    """How unlike two points of a line are: in eta, and in the logarithms of rate and frequency."""
    return abs(a.eta - b.eta) / 0.4 + abs(math.log(a.rate / b.rate)) / 2 + abs(math.log((a.frequency + 1) / (b.frequency + 1))) * 2


def _colours(n: int) -> list[str]:
    """The first `n` colours of curves: those of excitation, then black, green and others; on dark paper their light counterparts."""
    first, red = colours(["exc", "inh"])
    rest = other_colours([first, red])
    named = [first, *(next(rest) for _ in range(2)), red]
    return [*named, *(next(rest) for _ in range(max(n - 4, 0)))][:n]


def _finish(ax: Axes, beside: bool = False) -> None:
    tidy_axes(ax)
    ax.xaxis.label.set_fontsize(FONT)
    ax.yaxis.label.set_fontsize(FONT)
    if ax.get_legend_handles_labels()[0]:
        if beside:
            add_legend_beside(ax, SMALL)
        else:
            ax.legend(frameon=False, fontsize=SMALL, loc="best")
    fit_fonts(ax)
