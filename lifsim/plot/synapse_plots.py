"""Plots of the synapses of a network: connectivity matrix, degrees, weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lifsim.common.overview import counted
from lifsim.plot.distributions import draw_boxes, draw_histograms, whole_edges
from lifsim.plot.house import pictured
from lifsim.plot.palette import faint, grey, ink, paper
from lifsim.plot.rate_course import in_rows, rates_height
from lifsim.plot.selection import Look
from lifsim.plot.style import (
    CHARACTER,
    FONT,
    SMALL,
    TINY,
    add_legend,
    draw_stairs,
    figure_size,
    is_narrow,
    line_widths,
    names_beside,
    new_figure,
    one_panel,
    page_width,
    panels_beside,
    say_nothing,
    spread_apart,
    tidy_axes,
    write_note,
)
from lifsim.plot.synapse_blocks import Block, SynapseBlocks, synapses_of
from lifsim.plot.typefaces import fit_fonts

_PIXELS = 300  # along the longer side, at most
_LINES = 8  # more pairs of populations than this are pooled over their targets
_STROKES = ("-", "--", ":", "-.")
_THIN = 0.9  # width of a line, points
_LEAST = 0.07  # of the longest side, for a small population


@pictured
def connectivity(synapses: Any, populations: Sequence[str] | str | None = None, ax: Axes | None = None) -> Figure:
    """Connectivity matrix: how many synapses lead from each source (column) to each target (row), in the colour of the source.

    A pixel stands for whole neurons, the same number up to one; its shade grows with the square root of their synapses per pair and
    saturates at the 99.5th percentile of non-empty pixels, which a note gives. Small populations get at least 7 % of a side.

    Parameters
    ----------
    synapses : a `Network` (which is built for this), a `Simulation`, a matrix of weights of shape (n_target, n_source), sparse or not, in
        which entries that are not 0 are synapses, or a dictionary ``{(source, target): matrix}``.
    populations : name or names of the populations; default: all with synapses among each other.
    ax : axes to draw in; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, there are no synapses, or `synapses` is none of the above.
    """
    given = synapses_of(synapses, populations)
    ax = one_panel(0.93 * (1.0 if is_narrow() else 0.6) * page_width(), 0.6) if ax is None else ax
    tidy_axes(ax)
    spans = _spans(given.sizes)
    total, pairs, images = 0, 0, []
    for block in given:
        image = _density(block, given.sizes, spans)
        total += len(block.weights)
        pairs += given.sizes[block.source] * given.sizes[block.target]
        images.append((block.source, block.target, image))
    filled = np.concatenate([image[image > 0] for _, _, image in images] or [np.zeros(0)])
    full = float(np.percentile(filled, 99.5)) if len(filled) else 1.0
    for source, target, image in images:
        shade = np.sqrt(np.minimum(image / full, 1))[..., None]
        pixels = (1 - shade) * np.array(to_rgb(paper())) + shade * np.array(to_rgb(given.looks[source].colour))
        extent = (*spans[source], spans[target][1], spans[target][0])
        ax.imshow(pixels, extent=extent, aspect="auto", interpolation="nearest", rasterized=True, zorder=1)
    ax.set(xlim=(0, 1), ylim=(1, 0), xlabel="source", ylabel="target")
    _name_spans(ax, spans, given)
    write_note(ax, f"{counted(total, 'synapse')}, {total / max(pairs, 1):.3g} a pair; full colour: {full:.3g}")
    fit_fonts(ax)
    return new_figure(ax)


def _spans(sizes: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """Population -> (begin, end) of its neurons along an axis from 0 to 1."""
    total = max(sum(sizes.values()), 1)
    heights = np.array([max(n / total, _LEAST if len(sizes) < 1 / _LEAST else 0.0) for n in sizes.values()])
    ends = np.concatenate([[0.0], np.cumsum(heights / heights.sum())])
    return {name: (ends[k], ends[k + 1]) for k, name in enumerate(sizes)}


def _density(block: Block, sizes: Mapping[str, int], spans: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """Synapses per pair in each pixel, (rows of targets, columns of sources); pixels differ by at most one neuron a side."""
    ends = [(name, sizes[name]) for name in (block.target, block.source)]
    rows, columns = (min(n, max(1, round(_PIXELS * np.subtract(*spans[name][::-1])))) for name, n in ends)
    row, column = (np.arange(n) * pixels // max(n, 1) for (_, n), pixels in zip(ends, (rows, columns), strict=True))
    count = np.bincount(row[block.targets] * columns + column[block.sources], minlength=rows * columns).reshape(rows, columns)
    return count / np.outer(np.bincount(row, minlength=rows), np.bincount(column, minlength=columns)).clip(1)


def _name_spans(ax: Axes, spans: Mapping[str, tuple[float, float]], given: SynapseBlocks) -> None:
    """Write the names of the populations along both axes, and lines between them."""
    names = list(spans)
    middles = np.array([sum(spans[name]) / 2 for name in names])
    for axis, length in zip((ax.xaxis, ax.yaxis), figure_size(ax), strict=True):
        size = SMALL if len(names) <= 12 else TINY
        labels = names_beside(ax, [given.looks[name].label for name in names], size)
        upright = axis is ax.xaxis and (
            len(names) > 4 or max(map(len, labels)) * CHARACTER * size > 72 * length * np.diff(middles).min(initial=1)
        )
        kept = spread_apart(middles * 72 * length, 1.15 * size if upright or axis is ax.yaxis else 3 * size)
        axis.set_ticks([middles[k] for k in kept], [labels[k] for k in kept])
        axis.set_tick_params(length=0, labelsize=size, labelrotation=90 if upright else 0)
        for tick, k in zip(axis.get_ticklabels(), kept, strict=True):
            tick.set_color(ink(given.looks[names[k]].colour))
    for begin, _ in list(spans.values())[1:]:
        ax.axhline(begin, color=grey(0.5), linewidth=0.4, zorder=2)
        ax.axvline(begin, color=grey(0.5), linewidth=0.4, zorder=2)
    for spine in ax.spines.values():
        spine.set_visible(True)


@pictured
def degrees(synapses: Any, populations: Sequence[str] | str | None = None, ax: tuple[Axes, Axes] | None = None) -> Figure:
    """Distributions of the in-degree (synapses onto a neuron) and of the out-degree (synapses that it makes) of each population.

    Multiple synapses of a pair are counted each. Up to six populations share the axes; more have a box plot each.

    Parameters
    ----------
    synapses : as for `connectivity`.
    populations : name or names of the populations; default: all. Only the synapses among these are counted.
    ax : a pair of axes, for in-degrees and out-degrees; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, there are no synapses, or `synapses` is none of the above.
    """
    given = synapses_of(synapses, populations)
    entering = {name: np.zeros(n, np.int64) for name, n in given.sizes.items()}
    leaving = {name: np.zeros(n, np.int64) for name, n in given.sizes.items()}
    for block in given:
        entering[block.target] += np.bincount(block.targets, minlength=given.sizes[block.target])
        leaving[block.source] += np.bincount(block.sources, minlength=given.sizes[block.source])
    looks = [given.looks[name] for name in given.names]
    left, right = panels_beside(rates_height(len(looks), 2.2), 1, 1) if ax is None else ax
    for panel, degree, label in ((left, entering, "in-degree"), (right, leaving, "out-degree")):
        _draw_counts(panel, list(degree.values()), looks, names=panel is left or ax is not None)
        panel.set_xlabel(f"{label} (synapses)", fontsize=FONT)
        fit_fonts(panel)
    if not in_rows(looks):
        add_legend(right, len(looks))
    return new_figure(left)


def _draw_counts(ax: Axes, values: Sequence[np.ndarray], looks: Sequence[Look], names: bool) -> None:
    if in_rows(looks):
        draw_boxes(ax, values, looks, names)
    else:
        draw_histograms(ax, values, looks, whole_edges(values))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set_ylabel("share of neurons", fontsize=FONT)


@pictured
def weights(synapses: Any, populations: Sequence[str] | str | None = None, bins: int = 60, ax: Axes | None = None) -> Figure:
    """Histograms of the weights of all synapses, a line for each pair of populations in the colour of the source.

    With more than eight pairs, there is a line for each source, over all its targets.

    Parameters
    ----------
    synapses : as for `connectivity`.
    populations : name or names of the populations; default: all.
    bins : number of bins between the smallest and the largest weight.
    ax : axes to draw in; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, there are no synapses, or `synapses` is none of the above.
    """
    given = synapses_of(synapses, populations)
    ax = one_panel(2.6, 0.75) if ax is None else ax
    tidy_axes(ax)
    found = {(block.source, block.target): block.weights for block in given if len(block.weights)}
    targets = {target for _, target in found}
    if len(found) > _LINES:
        found = {(s, ""): np.concatenate([w for (other, _), w in found.items() if other == s]) for s in dict.fromkeys(s for s, _ in found)}
    if not found:
        say_nothing(ax, "no synapses")
    else:
        _draw_weights(ax, found, given.looks, bins)
        add_legend(ax, len(found))
    units = {unit for name, unit in given.units.items() if name in targets}
    ax.set_xlabel("weight" + (f" ({', '.join(sorted(units))})" if units - {""} else ""), fontsize=FONT)
    ax.set_ylabel("share of synapses", fontsize=FONT)
    fit_fonts(ax)
    return new_figure(ax)


def _draw_weights(ax: Axes, found: Mapping[tuple[str, str], np.ndarray], looks: Mapping[str, Look], bins: int) -> None:
    low, high = min(w.min() for w in found.values()), max(w.max() for w in found.values())
    room = 0.02 * (high - low) or max(0.1 * abs(high), 0.5)
    edges = np.linspace(low - room, high + room, bins + 1)
    drawn: list[str] = []
    shares = [np.histogram(w, edges)[0] / len(w) for w in found.values()]
    filled = np.any(shares, axis=0)
    widths = line_widths([share[filled] for share in shares], _THIN)
    for (source, target), share, width in zip(found, shares, widths, strict=True):
        stroke = _STROKES[drawn.count(source) % len(_STROKES)]
        drawn.append(source)
        label = f"{looks[source].label} \N{RIGHTWARDS ARROW} {looks[target].label if target else 'all'}"
        colour = looks[source].colour if width == _THIN else faint(looks[source].colour)  # lines that cover it may have its colour
        draw_stairs(ax, share, edges, color=colour, linewidth=width, linestyle=stroke, label=label)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
