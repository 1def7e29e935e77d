"""Paths from neurons and inputs to neurons. Nodes without neurons are linear; chains of them are multiplied into weight matrices.

    Affine, Linear   y = W x + b           Scale     y = s x, elementwise
    Delay            y(t) = x(t - d)       Flatten   y = x, as are edges, and Input and Output of subgraphs

Signals on several edges into a node add up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.common.errors import DataError
from lifsim.nir.graph import IDENTITY, Graph, in_order
from lifsim.nir.layers import matrix

FIRING = ("CubaLIF", "LIF", "IF")
POTENTIALS = ("CubaLI", "LI", "I")  # their output is their potential
NEURONS = FIRING + POTENTIALS
PASSING = ("Flatten", IDENTITY)
LINEAR = ("Affine", "Linear", "Scale", "Delay", *PASSING)
MOST_PATHS = 10_000


class Path(NamedTuple):
    """The effect of a path on the signal of `source`: it is multiplied by `weight` and delayed by `delay` (s).

    Both are one to one, shape (n,), or for all pairs, shape (n_target, n_source); a delay can also be a single number.
    """

    source: str
    weight: np.ndarray
    delay: np.ndarray | float = 0.0


class Signal(NamedTuple):
    """The sum of the signals on all paths and of a constant."""

    paths: list[Path]
    constant: np.ndarray | float


def sizes(graph: Graph, place: str) -> dict[str, int]:
    """The number of values that each node sends. A node whose parameters are single numbers has the size of the nodes before it."""
    out = {name: size for name in graph.nodes if (size := _own_size(graph, name, f"{place}:{name}")) is not None}
    after: dict[str, list[str]] = {}
    for a, b in graph.edges:
        after.setdefault(a, []).append(b)
    waiting = list(out)
    while waiting:
        name = waiting.pop()
        for b in after.get(name, []):
            if b not in out:
                out[b] = out[name]
                waiting.append(b)
    return {name: out.get(name, 1) for name in graph.nodes}


def _own_size(graph: Graph, name: str, place: str) -> int | None:
    node, kind = graph.nodes[name], graph.kind(name)
    if kind == "Input":
        shape = np.asarray(node.get("shape", 0))
        if shape.dtype.kind not in "iu" or np.any(shape < 1) or np.prod(shape, dtype=np.float64) >= 2**31:
            raise DataError(f"{place}/shape", f"{shape.ravel()[:4].tolist()}", "whole numbers above 0")
        return int(np.prod(shape))
    if kind in ("Affine", "Linear"):
        shape = np.shape(node.get("weight", ()))
        return shape[0] if shape else None
    values = [x for key, x in node.items() if key not in ("type", "metadata")] if kind in (*NEURONS, "Scale", "Delay") else []
    return max((int(np.size(x)) for x in values if np.ndim(x)), default=None)


def arriving(graph: Graph, size: dict[str, int], place: str) -> dict[str, Signal]:
    """The signal that arrives at each neuron node.

    Raises
    ------
    DataError : a node leads to no neurons, transmits potentials, or does not match the size of its target.
    """
    before: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for a, b in graph.edges:
        before[b].append(a)
    outwards = _outwards(graph, place)
    folded: dict[str, Signal] = {}  # linear node -> its output
    linear = [name for name in graph.nodes if graph.kind(name) in LINEAR and name not in outwards]
    for name in in_order(linear, graph.edges):
        folded[name] = _through(graph.nodes[name], _sum(graph, before[name], folded, size, f"{place}:{name}"), f"{place}:{name}")
    neurons = [name for name in graph.nodes if graph.kind(name) in NEURONS]
    return {name: _sum(graph, before[name], folded, size, f"{place}:{name}", size[name]) for name in neurons}


def _outwards(graph: Graph, place: str) -> set[str]:
    """Output nodes, and nodes that only pass signals on to them.

    Checks edges, and that other nodes lead to neurons and potentials only to Output nodes (DataError).
    """
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for a, b in graph.edges:
        if graph.kind(a) == "Output" or graph.kind(b) == "Input":
            raise DataError(
                f"{place}:edges",
                f"an edge leads from {a!r} ({graph.kind(a)}) to {b!r} ({graph.kind(b)})",
                "no edge may leave an Output node, or lead to an Input node",
            )
        after[a].append(b)
    out = {name for name in graph.nodes if graph.kind(name) == "Output"}
    linear = [name for name in graph.nodes if graph.kind(name) in LINEAR]
    for name in reversed(in_order(linear, graph.edges)):
        if all(b in out for b in after[name]):  # also true if no edge leaves the node
            if graph.kind(name) not in PASSING:
                allowed = "weights must lead to neurons: lifsim has no readout after the last neurons"
                raise DataError(f"{place}:{name}", f"{_a(graph.kind(name))} node that leads to no neurons", allowed)
            out.add(name)
    for name in (name for name in graph.nodes if graph.kind(name) in POTENTIALS):
        for b in after[name]:
            if b not in out:
                got = f"{_a(graph.kind(name))} node sends its potential to {b!r}"
                raise DataError(f"{place}:{name}", got, "edges from it may only lead to an Output: potentials are not sent to neurons")
    return out


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AI" or kind in ("LI", "LIF") else f"a {kind}"


def _sum(graph: Graph, sources: list[str], folded: dict[str, Signal], size: dict[str, int], place: str, n: int | None = None) -> Signal:
    """The sum of the outputs of `sources`, which must have `n` values each (None: equally many)."""
    paths: list[Path] = []
    constant: np.ndarray | float = 0.0
    width = n if n is not None else (size[sources[0]] if sources else None)
    for name in sources:
        if size[name] != width:
            raise DataError(place, f"{size[name]} values come from {name!r}", f"{width}")
        if graph.kind(name) not in LINEAR:
            paths.append(Path(name, np.ones(size[name])))
        elif name in folded:
            paths += folded[name].paths
            constant = constant + folded[name].constant
        else:
            raise DataError(place, f"is in a cycle without neurons, with {name!r}", "neurons in every cycle")
        if len(paths) > MOST_PATHS:
            raise DataError(place, f"more than {MOST_PATHS:,} paths lead here", f"at most {MOST_PATHS:,}")
    return Signal(paths, constant)


def _through(node: dict[str, Any], x: Signal, place: str) -> Signal:
    """The output of a linear node for the input `x`."""
    kind = node["type"]
    if kind in PASSING:
        return x
    if not x.paths:
        raise DataError(place, "has no incoming edge", "an edge from an Input or from neurons")
    n = len(x.paths[0].weight)
    if kind in ("Affine", "Linear"):
        W = matrix(node, place).astype(np.float64)
        if W.shape[1] != n:
            raise DataError(place, f"{n} values lead to it", f"{W.shape[1]}, the number of columns of its weights")
        constant = W @ np.broadcast_to(x.constant, n) + np.asarray(node.get("bias", 0.0), np.float64)
        return Signal([_mixed(W, p, place) for p in x.paths], constant)
    key = kind.lower()
    values = _elementwise(node.get(key), n, f"{place}/{key}", kind == "Delay")
    if kind == "Scale":
        return Signal([p._replace(weight=_rows(values, p.weight) * p.weight) for p in x.paths], x.constant * values)
    return Signal([_later(p, values) for p in x.paths], x.constant)


def _elementwise(x: Any, n: int, place: str, delay: bool) -> np.ndarray:
    """An array of `n` numbers, from an array of any shape or a single number (DataError if it does not fit)."""
    values = np.asarray(x)
    if values.dtype.kind not in "iuf" or values.size not in (1, n) or not np.isfinite(values).all() or (delay and np.any(values < 0)):
        allowed = f"{n} finite numbers" + (", none negative" if delay else "")
        raise DataError(place, f"has {values.size} values of type {values.dtype}", allowed)
    return np.broadcast_to(values.ravel().astype(np.float64), n)


def _rows(x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`x`, one number for each target, as a column if the weights `like` are a matrix: it multiplies each row."""
    return x if like.ndim == 1 else x[:, None]


def _mixed(W: np.ndarray, p: Path, place: str) -> Path:
    """A path followed by a matrix. All signals from one source neuron must have the same delay (DataError)."""
    delay = np.asarray(p.delay)
    if p.weight.ndim == 1:
        return Path(p.source, W * p.weight, delay[None, :] if delay.ndim else p.delay)
    if delay.ndim == 2 and np.any(delay != delay[:1]):
        raise DataError(place, f"adds up values that come from {p.source!r} after different delays", "one delay for each source")
    return Path(p.source, W @ p.weight, delay[:1] if delay.ndim else p.delay)


def _later(p: Path, values: np.ndarray) -> Path:
    same = bool(np.all(values == values[0]))
    return p._replace(delay=p.delay + (float(values[0]) if same else _rows(values, p.weight)))
