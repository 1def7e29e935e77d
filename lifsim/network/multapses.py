"""Multapses between the projections that one call of `Network.connect` makes.

Connecting lists of populations makes one projection for each pair of them. Each projection observes `allow_multapses` on its own, but if
views in a list share nodes, two projections may connect the same pair of nodes. As every projection is drawn independently, such
multapses cannot be avoided while drawing; they are reported as an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from lifsim.common.errors import Problem
from lifsim.network.population import View
from lifsim.network.projection import Projection

Cell = tuple[int, int]  # index in the list of targets, index in the list of sources


def shared_pairs(place: str, made: Mapping[Cell, Projection]) -> Iterator[Problem]:
    """Report the first pair of nodes that two projections connect although one of them does not allow multapses."""
    if all(p.allow_multapses for p in made.values()):
        return
    sources, targets = {j: p.source for (_, j), p in made.items()}, {i: p.target for (i, _), p in made.items()}
    source_overlaps, target_overlaps = _overlapping(sources), _overlapping(targets)
    if not source_overlaps and not target_overlaps:
        return
    for (i, j), one in made.items():
        for cell in ((k, m) for k in sorted({i} | target_overlaps.get(i, set())) for m in sorted({j} | source_overlaps.get(j, set()))):
            other = made.get(cell)
            if other is None or cell <= (i, j) or (one.allow_multapses and other.allow_multapses):
                continue
            pair = _common(one, other)
            if pair is not None:
                nodes = f"{one.source.name}[{pair[0]}] and {one.target.name}[{pair[1]}]"
                got = f"{nodes} are connected twice, by two pairs of views in the lists of sources and targets"
                allowed = "no multapses (allow_multapses = false): use lists of views that share no nodes"
                yield Problem(place, got, allowed)
                return


def _overlapping(views: Mapping[int, View]) -> dict[int, set[int]]:
    """For each view, the other views that share nodes with it."""
    found: dict[int, set[int]] = {}
    for name in {view.name for view in views.values()}:
        own = [k for k, view in views.items() if view.name == name]
        if all(isinstance(views[k].index, range) for k in own):  # compared without an array of nodes
            for a, b in combinations(own, 2):
                if views[a].shared(views[b]):
                    found.setdefault(a, set()).add(b)
                    found.setdefault(b, set()).add(a)
            continue
        ids = np.concatenate([views[k].ids for k in own])
        order = np.argsort(ids, kind="stable")
        ids, owner = ids[order], np.repeat(own, [len(views[k]) for k in own])[order]
        lag = 1
        while (same := np.flatnonzero(ids[lag:] == ids[:-lag])).size:
            for a, b in np.unique(np.stack([owner[same], owner[same + lag]]), axis=1).T.tolist():
                found.setdefault(a, set()).add(b)
                found.setdefault(b, set()).add(a)
            lag += 1
    return found


def _common(one: Projection, other: Projection) -> tuple[int, int] | None:
    """A pair (source, target) of nodes that both projections connect, or may connect if their synapses are drawn at random; else None."""
    sources, targets = _shared(one.source, other.source), _shared(one.target, other.target)
    if one.rule in ("one_to_one", "explicit", "matrix"):
        pairs = np.intersect1d(_pairs(one, sources, targets), _pairs(other, sources, targets))
        return divmod(int(pairs[0]), one.target.population.n) if len(pairs) else None
    apart = one.recurrent and not (one.allow_autapses and other.allow_autapses)
    return next(((int(s), int(t)) for s in sources[:2] for t in targets[:2] if not (apart and s == t)), None)


def _shared(one: View, other: View) -> range | np.ndarray:
    """The nodes that two views of a population share, in ascending order."""
    a, b = one.index, other.index
    if isinstance(a, range) and isinstance(b, range) and a.step == b.step == 1:
        return range(max(a.start, b.start), max(a.start, b.start, min(a.stop, b.stop)))
    return np.intersect1d(one.ids, other.ids)


def _pairs(p: Projection, sources: Sequence[int] | np.ndarray, targets: Sequence[int] | np.ndarray) -> np.ndarray:
    """The pairs that a projection connects between `sources` and `targets`, each coded as source · (size of target population) + target."""
    given = p.params["given"].pieces() if "given" in p.params else [(None, np.arange(len(p.target)), np.arange(len(p.source)))]
    found = [np.zeros(0, np.int64)]
    for _, t, s in given:
        source, target = p.source.ids[s], p.target.ids[t]
        inside = _within(source, sources) & _within(target, targets)
        if p.recurrent and not p.allow_autapses:
            inside &= source != target
        found.append(source[inside] * p.target.population.n + target[inside])
    return np.concatenate(found)


def _within(ids: np.ndarray, nodes: Sequence[int] | np.ndarray) -> np.ndarray:
    """Mask of the `ids` that are among `nodes`."""
    if isinstance(nodes, range):
        return (ids >= nodes.start) & (ids < nodes.stop)
    return np.isin(ids, nodes)
