"""Draws a network: populations as nodes, projections as arrows, and the matrix of connection probabilities beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from lifsim.common.errors import DataError
from lifsim.network.network import Network
from lifsim.network.pair_probability import indegree, mean_weight, pair_probability
from lifsim.plot.house import pictured
from lifsim.plot.origins import note
from lifsim.plot.palette import colours, grey, paper
from lifsim.plot.selection import looks
from lifsim.plot.style import FONT, SMALL, TINY, new_figure, panels_beside, short_label, write_note
from lifsim.plot.typefaces import fit_fonts

_MOST_ARROWS = 16  # between populations; of more, those with the most synapses onto a target are drawn
_LABELLED = 10  # arrows up to which each has its in-degree beside it
_MOST_NODES = 24  # populations of neurons that are drawn as nodes
_RADIUS = 0.32
_FITTING = 8  # characters of a name that fit into a node
_EXCITATORY, _INHIBITORY = "exc", "inh"  # names whose colours are those of the signs


@dataclass
class _Link:
    """All projections of one sign from one population to another: synapses onto a target in the mean, probability, sign."""

    indegree: float = 0.0
    unconnected: float = 1.0
    weight: float = 0.0

    @property
    def p(self) -> float:
        return 1.0 - self.unconnected


@pictured
def network(net: Network, ax: tuple[Axes, Axes] | None = None) -> Figure:
    """Draw a network: populations and projections on the left, connection probabilities on the right.

    Circles are populations of neurons with their number, squares stimuli. Arrows are projections: with a head if the mean weight is
    positive, with a bar if it is negative; the numbers beside them are in-degrees. Of more than 16 pairs of populations, those with the
    largest in-degrees are drawn; the matrix has all. It gives the probability that a pair is connected by at least one synapse, in the
    colour of the sign.

    Parameters
    ----------
    net : the network; it is neither built nor run.
    ax : axes for the drawing and for the matrix; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : `net` is no network, or has no population of neurons.
    """
    if not isinstance(net, Network):
        raise DataError("net", f"a {type(net).__name__}", "a Network, such as lifsim.load returns")
    names = [name for name, p in net.populations.items() if p.model.role == "neuron"]
    if not names:
        raise DataError("net", f"{net.name} has no population of neurons", "at least one")
    note(net)
    links = _links(net)
    left, right = panels_beside(max(2.8, min(0.5 + 0.42 * len(names), 7.0)), 1.15, 1) if ax is None else ax
    _draw_nodes(left, net, names, links)
    _draw_matrix(right, net, links)
    for panel in (left, right):
        fit_fonts(panel)
    return new_figure(left)


def _links(net: Network) -> dict[tuple[str, str], _Link]:
    """(source, target) -> the synapses between them, of all projections of neurons and given spikes."""
    found: dict[tuple[str, str], _Link] = {}
    for p in net.projections:
        if p.stores_synapses:
            source, target = p.source.population, p.target.population
            link = found.setdefault((source.name, target.name), _Link())
            here, whole = len(p.source) * len(p.target), source.n * target.n
            number = indegree(p) * len(p.target) / target.n
            link.indegree += number
            link.unconnected *= 1 - min(pair_probability(p), 1.0) * here / whole
            link.weight += number * mean_weight(p)
    return found


def _signs() -> dict[int, str]:
    """The colours of positive and negative weights."""
    return dict(zip((1, -1), colours([_EXCITATORY, _INHIBITORY]), strict=True))


def _sign(link: _Link) -> int:
    return -1 if link.weight < 0 else 1


# -- the drawing ------------------------------------------------------------------------------------


def _places(names: Sequence[str], links: Mapping[tuple[str, str], _Link]) -> dict[str, tuple[float, float]]:
    """Centres of the nodes: excitatory ones on the left, inhibitory ones on the right; without both kinds, on a circle."""
    inhibitory = [n for n in names if any(source == n and link.weight < 0 for (source, _), link in links.items())]
    others = [n for n in names if n not in inhibitory]
    if inhibitory and others:
        rows = max(len(inhibitory), len(others))
        place: dict[str, tuple[float, float]] = {}
        for x, column in ((0.0, others), (2.1, inhibitory)):
            gap = (rows - 1) / max(len(column) - 1, 1) if len(column) > 1 else 0.0
            first = 0.0 if len(column) > 1 else (rows - 1) / 2
            place |= {name: (x, -1.25 * (first + gap * k)) for k, name in enumerate(column)}
        return place
    n = len(names)
    if n == 1:
        return {names[0]: (0.0, 0.0)}
    radius = max(0.9, 0.85 / math.sin(math.pi / n))
    turn = [math.pi / 2 - 2 * math.pi * k / n for k in range(n)]
    return {name: (radius * math.cos(a), radius * math.sin(a)) for name, a in zip(names, turn, strict=True)}


def _draw_nodes(ax: Axes, net: Network, names: list[str], links: Mapping[tuple[str, str], _Link]) -> None:
    ax.set_axis_off()
    ax.set_aspect("equal")
    shown = names[:_MOST_NODES]
    place = _places(shown, links)
    columns = len({x for x, _ in place.values()}) <= 2
    centre = np.mean(list(place.values()), axis=0)
    middle = {name: np.array([centre[0], at[1] if columns else centre[1]]) for name, at in place.items()}
    look = looks({name: p.model.name for name, p in net.populations.items()})
    inner = {pair: link for pair, link in links.items() if pair[0] in place and pair[1] in place}
    drawn = sorted(inner, key=lambda pair: -inner[pair].indegree)[:_MOST_ARROWS]
    most = max((inner[pair].indegree for pair in drawn), default=1.0)
    for pair in drawn:
        _draw_link(ax, place, pair, inner[pair], middle[pair[0]], most, len(drawn) <= _LABELLED)
    for name in shown:
        ax.add_patch(Circle(place[name], _RADIUS, facecolor=paper(), edgecolor=look[name].colour, linewidth=1.4, zorder=3))
        label, number = look[name].label, f"{net.populations[name].n:,}"
        inside = len(label) <= _FITTING
        size = SMALL if max(len(label), len(number)) <= 7 else TINY
        (across, up), said = place[name], f"{label}\n{number}" if inside else number
        ax.text(across, up, said, ha="center", va="center", fontsize=size, zorder=4, linespacing=1.05)
        if not inside:
            ax.text(across, up - _RADIUS - 0.06, label, ha="center", va="top", fontsize=SMALL, zorder=4)
    _draw_inputs(ax, net, place, middle)
    ax.autoscale_view()
    x, y = (np.array([c[k] for c in place.values()]) for k in (0, 1))
    ax.set_xlim(x.min() - 1.35, x.max() + 1.35)
    ax.set_ylim(y.min() - (0.95 if columns else 1.35), y.max() + (0.95 if columns else 1.35))
    remarks = []
    if len(names) > len(shown):
        remarks.append(f"{len(shown)} of {len(names)} populations")
    if len(inner) > len(drawn):
        remarks.append(f"the {len(drawn)} of {len(inner)} projections with the largest in-degrees")
    write_note(ax, "; ".join(remarks))


def _draw_link(
    ax: Axes, place: Mapping[str, tuple[float, float]], pair: tuple[str, str], link: _Link, middle: np.ndarray, most: float, label: bool
) -> None:
    """An arrow with a head (excitatory) or a bar (inhibitory); wider for larger in-degrees."""
    sign = _sign(link)
    begin, end = (np.array(place[name]) for name in pair)
    shape = "-|>,head_length=3,head_width=1.6" if sign > 0 else "|-|,widthA=0,widthB=2.6"
    width = 0.5 + 1.3 * math.sqrt(link.indegree / most if most else 0.0)
    style: dict[str, Any] = {"arrowstyle": shape, "color": _signs()[sign], "linewidth": width, "zorder": 2, "mutation_scale": 1.6}
    if pair[0] == pair[1]:
        angle = _outward(begin, middle) + (-1.05 if begin[0] <= middle[0] else 1.05)
        ends = [begin + _RADIUS * np.array([math.cos(angle + d), math.sin(angle + d)]) for d in (0.45, -0.45)]
        _arrow(ax, ends[0], ends[1], connectionstyle="arc3,rad=-1.6", shrinkA=0, shrinkB=1, **style)
        at = begin + (_RADIUS + 0.42) * np.array([math.cos(angle), math.sin(angle)])
    else:
        along = (end - begin) / np.hypot(*(end - begin))
        across = np.array([-along[1], along[0]])
        bend = 0.14 + (0.1 * max(np.hypot(*(end - begin)) - 1.5, 0) if begin[0] == end[0] else 0.0)  # past the nodes between them
        tilt = 0.35 * _RADIUS * across
        start, stop = begin + _RADIUS * along - tilt, end - (_RADIUS + 0.03) * along - tilt
        _arrow(ax, start, stop, connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=1, **style)
        at = (start + stop) / 2 - across * (bend * np.hypot(*(stop - start)) / 2 + 0.18)
    if label:
        ax.text(at[0], at[1], f"{link.indegree:.4g}", fontsize=TINY, color=_signs()[sign], ha="center", va="center", zorder=4)


def _arrow(ax: Axes, start: np.ndarray, stop: np.ndarray, **style: Any) -> None:
    ax.add_patch(FancyArrowPatch((start[0], start[1]), (stop[0], stop[1]), **style))


def _outward(at: np.ndarray, middle: np.ndarray) -> float:
    """The direction (angle) from the middle of the drawing to a node; to the left for one in the middle."""
    x, y = at - middle
    return math.atan2(y, x) if math.hypot(x, y) > 1e-9 else math.pi


def _draw_inputs(ax: Axes, net: Network, place: Mapping[str, tuple[float, float]], middle: Mapping[str, np.ndarray]) -> None:
    """A small square with an arrow at each node that generators drive."""
    driven: dict[str, list[str]] = {}
    for p in net.projections:
        source, target = p.source.population, p.target.name
        if source.model.role != "neuron" and target in place and source.name not in driven.setdefault(target, []):
            driven[target].append(source.name)
    for target, sources in driven.items():
        node = np.array(place[target])
        turn = _outward(node, middle[target])
        out = np.array([math.cos(turn), math.sin(turn)])
        at = node + 1.0 * out
        look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 6, "color": grey(0.35), "linewidth": 0.8}
        _arrow(ax, at, node + (_RADIUS + 0.02) * out, **look)
        ax.add_patch(Rectangle((at[0] - 0.09, at[1] - 0.09), 0.18, 0.18, facecolor=paper(), edgecolor=grey(0.35), linewidth=0.8, zorder=3))
        said = short_label(sources[0]) + (f" + {len(sources) - 1}" if len(sources) > 1 else "")
        above = out[1] > 0.3
        height = at[1] + (0.16 if above else -0.16)
        ax.text(at[0], height, said, fontsize=TINY, color=grey(0.25), ha="center", va="bottom" if above else "top")


# -- the matrix -------------------------------------------------------------------------------------


def _draw_matrix(ax: Axes, net: Network, links: Mapping[tuple[str, str], _Link]) -> None:
    look = looks({name: p.model.name for name, p in net.populations.items()})
    sources = [name for name in net.populations if any(name == s for s, _ in links)]
    targets = [name for name in net.populations if any(name == t for _, t in links)]
    if not links:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "no synapses between neurons", transform=ax.transAxes, ha="center", va="center", fontsize=FONT)
        return
    largest = max(link.p for link in links.values()) or 1.0
    image = np.tile(np.array(to_rgb(paper())), (len(targets), len(sources), 1))
    size = SMALL if len(sources) <= 6 else TINY if len(sources) <= 12 else 0.0
    for (source, target), link in links.items():
        row, column = targets.index(target), sources.index(source)
        shade = 0.85 * math.sqrt(link.p / largest)
        image[row, column] = (1 - shade) * np.array(to_rgb(paper())) + shade * np.array(to_rgb(_signs()[_sign(link)]))
        if size and link.p:
            ink = paper() if shade > 0.6 else grey(0)
            ax.text(column, row, _short(link.p), ha="center", va="center", fontsize=size, color=ink)
    ax.imshow(image, aspect="equal" if len(sources) == len(targets) else "auto", interpolation="nearest", zorder=0)
    small = SMALL if max(len(sources), len(targets)) <= 16 else TINY
    ax.set_xticks(range(len(sources)), [look[s].label for s in sources], fontsize=small, rotation=90 if len(sources) > 4 else 0)
    ax.set_yticks(range(len(targets)), [look[t].label for t in targets], fontsize=small)
    ax.tick_params(length=0)
    ax.set_xlabel("source", fontsize=FONT)
    ax.set_ylabel("target", fontsize=FONT)
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)
    ax.set_title("probability that a pair is connected", loc="left", fontsize=SMALL)


def _short(p: float) -> str:
    return f"{p:.3f}".lstrip("0") if 0.001 <= p < 1 else f"{p:.0e}".replace("e-0", "e-") if p < 0.001 else f"{p:g}"
