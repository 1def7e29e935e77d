"""One neuron as textbooks show it: its membrane potential with threshold and resets, the currents below; the plane of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lifsim.common.errors import DataError
from lifsim.plot.house import pictured
from lifsim.plot.one_neuron import NeuronTrace, OneNeuron, one_neuron
from lifsim.plot.palette import grey, ink, other_colours
from lifsim.plot.selection import result_of
from lifsim.plot.style import (
    FONT,
    MUTED,
    SMALL,
    Picture,
    add_legend_beside,
    figure_size,
    is_narrow,
    label_axis,
    new_figure,
    one_panel,
    page_width,
    say_nothing,
    tidy_axes,
    time_label,
    write_note,
)
from lifsim.plot.trace_plot import mark_spikes
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable

_LEVELS = ("V_th", "V_reset", "E_L")
_STROKES = {"V_th": (0, (4, 2)), "V_reset": (0, (1, 1.5)), "E_L": (0, (4, 1.5, 1, 1.5))}  # dashed, dotted, dash-dotted
_NO_CURRENT = 'no current was recorded;\nrecord "I_stim" and "I_syn"'


@pictured
def membrane(
    result: Openable,
    population: str | None = None,
    neuron: int | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | tuple[Axes, Axes] | None = None,
    net: Any = None,
) -> Figure:
    """Membrane potential of one neuron with its threshold, reset and resting potential, and the recorded currents below.

    Spikes are marked above. Refractory times are shaded: where `t_ref_remaining` was recorded and above 0, or else for t_ref after each
    spike. Dashed lines are the parameters V_th, V_reset and E_L; a recorded V_th (of `mat2_psc_exp`) is drawn over time instead.

    Parameters
    ----------
    result : the result, or its path.
    population : name of the population; default: the first of which V_m was recorded.
    neuron : index of the neuron in its population; default: the first whose V_m was recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes for the potential alone, or a pair of axes for potential and currents; default: a new figure with both.
    net : the `Network` that was run, for its parameters; default: that of the model file in the result. Results of networks that were
        described in Python have none; without `net`, levels and refractory times are then left out, and a note says so.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : V_m of the population or neuron was not recorded, or the window is empty.
    """
    one = one_neuron(result_of(result), population, neuron, t_start, t_stop, net)
    below: Axes | None
    if ax is None and one.currents:
        figure = Picture(figsize=(page_width(), 3.2), layout="constrained")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.7, 1))
    elif ax is None:
        top, below = one_panel(2.4), None
    else:
        top, below = ax if isinstance(ax, tuple) else (ax, None)
    _draw_potential(top, one)
    if below is not None:
        _draw_currents(below, one)
        top.set_xlabel("")
        top.tick_params(labelbottom=ax is not None)
        new_figure(top).align_ylabels([top, below])
    return new_figure(top)


def _draw_potential(ax: Axes, one: OneNeuron) -> None:
    scale = time_label(ax, one.start, one.stop)
    at, v = one.potential.at * scale, one.potential.values
    levels = {name: one.parameters[name] for name in _LEVELS if np.isfinite(one.parameters.get(name, np.inf))}
    shaded = [(start * scale, duration * scale) for start, duration in one.refractory()]
    if shaded:
        ax.broken_barh(shaded, (0, 1), transform=ax.get_xaxis_transform(), facecolors=grey(0.82), linewidth=0, zorder=0.5)
    if one.threshold is not None:
        levels.pop("V_th", None)
        ax.plot(one.threshold.at * scale, one.threshold.values, color=grey(0.2), linewidth=0.8, linestyle="--")
    for name, level in levels.items():
        ax.axhline(level, color=grey(MUTED), linewidth=0.8, linestyle=_STROKES[name], zorder=1.5)
    ax.plot(at, v, color=one.look.colour, linewidth=1.0, zorder=2)
    every = np.array([*levels.values(), *v[np.isfinite(v)]])
    low, high = (every.min(), every.max()) if len(every) else (0.0, 1.0)
    room = 0.08 * (high - low) or 1.0
    ax.set_ylim(low - room, high + room)
    _name_levels(ax, levels, one.threshold)
    mark_spikes(ax, (one.spikes if one.spikes is not None else np.zeros(0)) * scale, ink(one.look.colour))
    notes = [one.label, *(["shaded: refractory"] if shaded else []), *([] if one.parameters else ["parameters not known"])]
    write_note(ax, "; ".join(notes), pad=7)
    ax.set_ylabel("V_m (mV)", fontsize=FONT)
    fit_fonts(ax)


def _name_levels(ax: Axes, levels: dict[str, float], threshold: NeuronTrace | None) -> None:
    """Write names and values of the levels to the right of their lines; levels of the same value share a label."""
    texts: dict[float, list[str]] = {}
    for name, level in levels.items():
        texts.setdefault(level, []).append(name)
    if threshold is not None and len(threshold.values):
        texts.setdefault(float(threshold.values[-1]), []).append("V_th (recorded)")
    low, high = ax.get_ylim()
    least = (2.4 if is_narrow() else 1.25) * SMALL / (72 * figure_size(ax)[1]) * (high - low)  # height of a label
    at = -np.inf
    for level, names in sorted(texts.items()):
        at = max(level, at + least)
        recorded = "recorded" in names[-1]
        between = "\n" if is_narrow() else " "
        text = " = ".join(names) + ("" if recorded else f"{between}{level:g} mV".replace("-", "\N{MINUS SIGN}"))
        place: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        ax.annotate(text, (1, at), xycoords=ax.get_yaxis_transform(), fontsize=SMALL, color=grey(MUTED), **place)


def _draw_currents(ax: Axes, one: OneNeuron) -> None:
    scale = time_label(ax, one.start, one.stop)
    ax.axhline(0, color=grey(0.7), linewidth=0.5, zorder=0.5)
    rest = other_colours([one.look.colour, grey(0.0)])
    ranked = sorted(one.currents, key=lambda course: not course.name.startswith(("I_stim", "I_from")))  # injected ones first
    for course in ranked:
        injected = course.name == "I_stim"
        colour = grey(0.0) if injected else next(rest)
        ax.plot(course.at * scale, course.values, color=colour, linewidth=1.0 if injected else 0.8, label=label_axis(course.name))
    constant = one.parameters.get("I_e", 0.0)
    if constant:
        ax.axhline(constant, color=grey(MUTED), linewidth=0.8, linestyle="--", label="I_e")
    ax.set_ylabel("I (pA)", fontsize=FONT)
    if ranked or constant:
        add_legend_beside(ax, SMALL)
    if not ranked:
        say_nothing(ax, _NO_CURRENT)
    fit_fonts(ax)


@pictured
def phase_plane(
    result: Openable,
    population: str | None = None,
    neuron: int | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    ax: Axes | None = None,
    net: Any = None,
) -> Figure:
    """The plane of membrane potential and total input current of one neuron, with the line on which V_m does not change.

    The current is the sum of I_stim, I_syn (or I_syn_ex and I_syn_in) and I_e, of those that were recorded at the samples of V_m; the
    label of the axis names them. Resets are not drawn. Above the dashed line dV_m/dt = 0, which is I = (V_m - E_L) C_m / tau_m (with
    conductances, (V_m - E_L) g_L), the potential rises; below, it falls.

    Parameters
    ----------
    result : the result, or its path.
    population, neuron : as for `membrane`.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    ax : axes to draw in; default: a new figure.
    net : the `Network` that was run, for its parameters, as for `membrane`.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : V_m or every current of the neuron was not recorded, they were sampled at different times, or the window is empty.
    """
    one = one_neuron(result_of(result), population, neuron, t_start, t_stop, net)
    names, current = _total_current(one)
    ax = one_panel(3.0, 0.6) if ax is None else ax
    tidy_axes(ax)
    v = one.potential.values
    _draw_orbit(ax, one, v, current)
    ax.margins(0.06)
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # the lines below do not change them
    levels = {name: one.parameters[name] for name in _LEVELS if np.isfinite(one.parameters.get(name, np.inf))}
    for name, level in levels.items():
        ax.axvline(level, color=grey(MUTED), linewidth=0.8, linestyle=_STROKES[name], zorder=1)
    _name_columns(ax, levels)
    conductance = one.parameters.get("g_L") or (one.parameters.get("C_m", 0.0) / one.parameters.get("tau_m", np.inf))
    if conductance and "E_L" in one.parameters:
        x = np.array(ax.get_xlim())
        ax.plot(x, (x - one.parameters["E_L"]) * conductance, "--", color=grey(0.2), linewidth=0.9, label="dV_m/dt = 0", zorder=1.5)
        ax.legend(fontsize=SMALL, frameon=False, loc="best")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel("V_m (mV)", fontsize=FONT)
    ax.set_ylabel(f"{' + '.join(names)} (pA)", fontsize=FONT)
    fit_fonts(ax)
    return new_figure(ax)


def _name_columns(ax: Axes, levels: dict[str, float]) -> None:
    """Write the names of the levels above their vertical lines."""
    texts: dict[float, list[str]] = {}
    for name, level in levels.items():
        texts.setdefault(level, []).append(name)
    for level, names in texts.items():
        place: dict[str, Any] = {"xytext": (0, 2), "textcoords": "offset points", "ha": "center", "va": "bottom", "annotation_clip": True}
        ax.annotate(" = ".join(names), (level, 1), xycoords=ax.get_xaxis_transform(), fontsize=SMALL, color=grey(MUTED), **place)


def _draw_orbit(ax: Axes, one: OneNeuron, v: np.ndarray, current: np.ndarray) -> None:
    """The trajectory, interrupted at resets, with arrows in the direction of time."""
    at = one.potential.at
    broken = np.searchsorted(at, one.spikes - 1e-9) if one.spikes is not None else np.zeros(0, int)
    broken = broken[broken < len(at)]
    ax.plot(np.insert(v, broken, np.nan), np.insert(current, broken, np.nan), color=one.look.colour, linewidth=0.9, zorder=2)
    if not len(v):
        say_nothing(ax, "no samples in this window")
        return
    ax.plot(v[:1], current[:1], "o", markersize=4, color=one.look.colour, label="start", zorder=3)
    ranges = [float(np.ptp(x)) or 1.0 for x in (v, current)]
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(v) / ranges[0], np.diff(current) / ranges[1]))])
    for place in np.linspace(0, way[-1], 9)[1:-1]:
        k = int(np.clip(np.searchsorted(way, place), 1, len(v) - 1))
        if k not in broken and (v[k], current[k]) != (v[k - 1], current[k - 1]):
            arrow = {"arrowstyle": "-|>", "color": one.look.colour, "linewidth": 0.8, "mutation_scale": 7}
            ax.annotate("", (v[k], current[k]), (v[k - 1], current[k - 1]), arrowprops=arrow)


def _total_current(one: OneNeuron) -> tuple[list[str], np.ndarray]:
    """(names of the summands, their sum at the samples of V_m)."""
    known = {course.name: course for course in one.currents if np.array_equal(course.at, one.potential.at)}
    synaptic = ["I_syn"] if "I_syn" in known else [name for name in ("I_syn_ex", "I_syn_in") if name in known]
    names = [*(["I_stim"] if "I_stim" in known else []), *synaptic]
    if not names:
        got = "no current was recorded" if not one.currents else "no current was recorded at the samples of V_m"
        raise DataError("plot", f"{got} of {one.label}", 'record "V_m", "I_syn" and "I_stim" of the neuron at the same interval')
    total = np.sum([known[name].values for name in names], axis=0)
    constant = one.parameters.get("I_e", 0.0)
    return [*names, *(["I_e"] if constant else [])], total + constant
