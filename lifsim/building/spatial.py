"""Synapses between nodes in space: pairs are drawn with a probability that decreases with distance.

No matrix of all pairs is made, but each pair is drawn with exactly its own probability. Nodes are sorted into cells. The offset between
two cells gives a lower bound on the distance of their pairs, and so an upper bound on the connection probability. Candidate pairs are
picked with this bound, with geometrically distributed gaps between them; each candidate is kept with its own probability divided by the
bound (thinning; Lewis & Shedler 1979, doi:10.1002/nav.3800260304). Pairs too far apart for many of them to be picked are treated in the
same way, without cells. The work is proportional to the number of synapses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lifsim.network.distance import Profile
from lifsim.network.positions import Space

FAR = 1e6  # approximate largest number of candidates among far pairs
PER_CELL = 8  # smallest mean number of nodes per cell
WORK = 1 << 20  # candidates processed at a time
TOGETHER = 1 << 21  # approximate number of partners chosen at a time
LOOK = 64  # if there are at most this many sources per chosen one, the probabilities of all sources are computed
LONGEST = 1e12  # latest event time: pairs whose events would be later have a probability of practically 0


@dataclass(frozen=True)
class Chance:
    """The probability of a pair at distance d: p(d); or, with `time`, that a Poisson process of rate p(d) has an event within `time`."""

    p: Profile
    time: float | None = None

    def __call__(self, d: np.ndarray) -> np.ndarray:
        """The probability at each distance (mm)."""
        return self.p(d) if self.time is None else -np.expm1(-self.time * self.p(d))

    def beyond(self, level: float) -> float:
        """A distance (mm) beyond which the probability is below `level`."""
        if self.time is not None:
            level = -np.log1p(-level) / self.time if level < 1 else np.inf
        return self.p.beyond(level)


# -- cells -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cells:
    """A space divided into `shape` cells of size `side` (mm) along each axis; `low` is the lower corner. Shape (dimensions,) each."""

    space: Space
    low: np.ndarray
    side: np.ndarray
    shape: np.ndarray

    @classmethod
    def of(cls, space: Space, scale: float) -> Cells:
        """Divide `space` into cells with sides of about `scale` mm, or longer if cells held fewer than `PER_CELL` nodes on average."""
        points = np.concatenate([space.sources, space.targets])
        low = points.min(axis=0)
        size: np.ndarray = np.maximum(points.max(axis=0) - low, 1e-12) if space.period is None else space.period
        axes = np.flatnonzero(size > 1e-6 * size.max())  # axes without extent are not divided
        volume = float(np.prod(size[axes])) * PER_CELL / max(len(space.sources), len(space.targets))
        least = volume ** (1 / len(axes))
        shape = np.maximum(size // max(scale, least), 1).astype(np.int64)
        return cls(space, low, size / shape, shape)

    def cell(self, points: np.ndarray) -> np.ndarray:
        """Coordinates of the cell of each point, (n, dimensions)."""
        at = np.floor((points - self.low) / self.side).astype(np.int64)
        return np.minimum(at, self.shape - 1) if self.space.period is None else at % self.shape

    def number(self, cell: np.ndarray) -> np.ndarray:
        """The numbers (from 0) of cells given by their coordinates; -1 outside of the space."""
        if self.space.period is not None:
            cell = cell % self.shape
        inside: np.ndarray = np.all((cell >= 0) & (cell < self.shape), axis=1)
        return np.where(inside, np.ravel_multi_index(np.where(inside[:, None], cell, 0).T, self.shape), -1)

    def nearest(self, offset: np.ndarray) -> np.ndarray:
        """A lower bound (mm) on the distance of points in cells that are `offset` cells apart; (n, dimensions) → (n,)."""
        offset = np.abs(offset)
        if self.space.period is not None:
            offset = np.minimum(offset, self.shape - offset)
        return np.linalg.norm(np.maximum(offset - 1, 0) * self.side, axis=-1) * (1 - 1e-9)  # a margin for rounding

    def offsets(self, reach: float) -> np.ndarray:
        """All offsets between cells that can have points nearer than `reach` (mm), each once; shape (n, dimensions)."""
        most = np.minimum(np.ceil(reach / self.side).astype(np.int64) + 1, self.shape - 1)
        around = [np.arange(-m, m + 1) for m in most]
        if self.space.period is not None:  # the offsets -1 and shape - 1 are the same
            around = [np.unique(o % n) for o, n in zip(around, self.shape, strict=True)]
        every = np.stack(np.meshgrid(*around, indexing="ij"), axis=-1).reshape(-1, len(around))
        return every[self.nearest(every) < reach]

    @cached_property
    def sources(self) -> tuple[np.ndarray, np.ndarray]:
        """Sources sorted by cell, and where the sources of each cell begin."""
        number = self.number(self.cell(self.space.sources))
        return np.argsort(number, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(number, minlength=self.shape.prod()))])

    @cached_property
    def targets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Targets sorted by cell; where those of each occupied cell begin; the coordinates of the occupied cells."""
        cell = self.cell(self.space.targets)
        number = self.number(cell)
        order = np.argsort(number, kind="stable")
        first = np.flatnonzero(np.diff(number[order], prepend=-1))
        return order, np.append(first, len(order)), cell[order[first]]

    def pairs(self, offset: np.ndarray, bound: float, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Sources and targets of pairs in cells that are `offset` cells apart, each pair picked with probability `bound`."""
        source, source_first = self.sources
        target, target_first, cells = self.targets
        other = self.number(cells + offset)
        wide = np.where(other >= 0, source_first[other + 1] - source_first[other], 0)
        end = np.cumsum(np.diff(target_first) * wide)
        for k in picked(int(end[-1]), bound, rng):
            each = np.repeat(np.arange(len(cells)), np.diff(np.searchsorted(k, end), prepend=0))
            t, s = np.divmod(k - (end[each] - (target_first[each + 1] - target_first[each]) * wide[each]), wide[each])
            yield source[source_first[other[each]] + s], target[target_first[each] + t]


def picked(n: int, chance: float, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Pick each of the numbers 0 … n - 1 with probability `chance`; yields them in ascending order, as arrays.

    The gap between two picked numbers is geometric: the integer part of an exponential deviate divided by -log(1 - chance).
    """
    if chance <= 0 or n == 0:
        return
    with np.errstate(divide="ignore"):
        rate = -np.log1p(-min(chance, 1.0))
    last = -1.0
    while True:
        size = int(min(1.1 * (n - last) * chance + 20, WORK))
        at = last + np.cumsum(np.floor(rng.standard_exponential(size) / rate) + 1)
        yield at[: np.searchsorted(at, n)].astype(np.int64)
        last = at[-1]
        if last >= n:
            return


# -- pairs -----------------------------------------------------------------------------------------


def drawn_pairs(space: Space, chance: Chance, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Sources, targets and distances (mm) of pairs drawn with their `chance`, no pair twice; a part of the pairs at a time."""
    n_source, n_target = len(space.sources), len(space.targets)
    far = min(FAR / (n_source * n_target), 1.0)
    reach = chance.beyond(far)
    cells = Cells.of(space, min(chance.p.b, chance.p.max_distance) / (4 - space.sources.shape[1]))
    near = cells.offsets(reach) if reach > 0 else np.zeros((0, space.sources.shape[1]), np.int64)
    bounds = chance(cells.nearest(near))
    for offset, bound in zip(near, bounds.tolist(), strict=True):
        for source, target in cells.pairs(offset, bound, rng):
            yield thinned(space, chance, bound, source, target, rng)
    bound = float(chance(np.nextafter(reach, np.inf)))
    for k in picked(n_source * n_target, bound, rng):
        target, source = np.divmod(k, n_source)
        apart = cells.cell(space.sources[source]) - cells.cell(space.targets[target])
        rest = cells.nearest(apart) >= reach
        yield thinned(space, chance, bound, source[rest], target[rest], rng)


def thinned(
    space: Space, chance: Chance, bound: float, source: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thin pairs that were picked with probability `bound` to their own `chance`; returns sources, targets, distances (mm)."""
    d = space.distances(source, target)
    kept = rng.random(len(d)) * bound < chance(d)
    return source[kept], target[kept], d[kept]


def bernoulli(space: Space, p: Profile, itself: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs drawn with probability p(d): in-degrees, and the sources of each target in turn, ascending.

    `itself[t]` is the source that target t must not have, or -1.
    """
    n_source, n_target = len(space.sources), len(space.targets)
    p = p.within(space.error)
    found = [np.zeros(0, np.int64)]
    for source, target, _ in drawn_pairs(space, Chance(p), rng):
        other = source != itself[target]
        found.append(target[other] * n_source + source[other])
    pair = np.concatenate(found)
    pair.sort()
    target, source = np.divmod(pair, n_source)
    return np.bincount(target, minlength=n_target), source.astype(np.int32)


# -- fixed number of partners ----------------------------------------------------------------------


def chosen(
    space: Space, p: Profile, number: int, multapses: bool, itself: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, int | None]:
    """Choose `number` sources for each target, one after the other, with probabilities proportional to p(d).

    Each source is chosen from all, or without `multapses` from those not chosen yet. `itself[t]` is the source that target t must not
    have, or -1. Returns the sources, shape (n_target, number), ascending; and a target with too few sources in reach, or None.
    """
    n_source, n_target = len(space.sources), len(space.targets)
    out = np.empty((n_target, number), np.int32)
    if number == 0:
        return out, None
    p = replace(p, a=1.0, error=space.error)  # only ratios of probabilities matter
    few = among_all(n_source, number)
    together = 1 if few else max(TOGETHER // number, 1)
    nearby = Cells.of(space, min(p.b, p.max_distance)).targets[0]
    for a in range(0, n_target, together):
        some = nearby[a : a + together]
        part = Space(space.sources, space.targets[some], space.period)
        choose = _among_all if few else _first_events
        out[some], starved = choose(part, p, number, multapses, itself[some], rng)
        if starved is not None:
            return out, int(some[starved])
    out.sort(axis=1)
    return out, None


def among_all(n_source: int, number: int) -> bool:
    """Whether `number` is so large that the probabilities of all `n_source` sources are computed."""
    return n_source <= LOOK * number


def _among_all(
    space: Space, p: Profile, number: int, multapses: bool, itself: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, int | None]:
    """As `chosen`, for one target: the probabilities of all sources are computed.

    Without multapses, the sources with the smallest E / p are taken, with E exponentially distributed (Efraimidis & Spirakis 2006,
    doi:10.1016/j.ipl.2005.11.003).
    """
    share = p(space.distances_to(0))
    share[itself[itself >= 0]] = 0.0
    there = np.flatnonzero(share)
    if len(there) < (1 if multapses else number):
        return np.zeros((1, number), np.int32), 0
    if multapses:
        below = np.cumsum(share[there])
        first = np.searchsorted(below, np.sort(1.0 - rng.random(number)) * below[-1])
    else:
        with np.errstate(over="ignore"):
            first = np.argpartition(rng.standard_exponential(len(there)) / share[there], number - 1)[:number]
    return there[first][None], None


def _first_events(
    space: Space, p: Profile, number: int, multapses: bool, itself: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, int | None]:
    """As `chosen`, for several targets: each pair is a Poisson process of rate p(d), and each target takes its first `number` events.

    Without multapses, only the first event of a pair counts. Events are drawn in time spans of growing length until all targets have
    enough.
    """
    n_source = len(space.sources)
    out, have = np.zeros((len(space.targets), number), np.int32), np.zeros(len(space.targets), np.int64)
    waiting = np.arange(len(space.targets))
    span, time = number / max(_rate(space, p), number / LONGEST), 0.0
    while len(waiting) and time < LONGEST:
        part = Space(space.sources, space.targets[waiting], space.period)
        source, target, at = _events(part, p, span, multapses, rng)
        kept = source != itself[waiting][target]
        if not multapses:
            row, column = np.nonzero(np.arange(number) < have[waiting, None])
            kept &= ~np.isin(target * n_source + source, row * n_source + out[waiting][row, column])
        source, target, at = source[kept], target[kept], at[kept]
        order = np.lexsort((at, target))
        source, target = source[order], waiting[target[order]]
        rank = have[target] + np.arange(len(target)) - np.searchsorted(target, target)
        early = rank < number
        out[target[early], rank[early]] = source[early]
        have = np.minimum(have + np.bincount(target, minlength=len(have)), number)
        waiting = np.flatnonzero(have < number)
        time, span = time + span, 2 * span
    return out, int(waiting[0]) if len(waiting) else None


def _rate(space: Space, p: Profile, some: int = 16) -> float:
    """The mean number of events of a target per unit of time, estimated from `some` targets."""
    n_source = len(space.sources)
    target = np.linspace(0, len(space.targets) - 1, min(some, len(space.targets))).astype(np.int64)
    return float(np.mean([p(space.distances(np.arange(n_source), np.full(n_source, t))).sum() for t in target]))


def _events(space: Space, p: Profile, span: float, multapses: bool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sources, targets and times of the events within `span`: all events of each pair if `multapses`, otherwise only its first."""
    none = np.zeros(0, np.int64)
    pieces = [(none, none, np.zeros(0)), *drawn_pairs(space, Chance(p, span), rng)]
    source, target, d = (np.concatenate([piece[i] for piece in pieces]) for i in range(3))
    rate = p(d)
    at = np.minimum(-np.log1p(np.expm1(-rate * span) * rng.random(len(d))) / rate, span)
    if multapses:
        more = np.repeat(np.arange(len(d)), rng.poisson(rate * (span - at)))
        later = at[more] + (span - at[more]) * rng.random(len(more))
        source, target, at = (np.concatenate([x, y]) for x, y in ((source, source[more]), (target, target[more]), (at, later)))
    return source, target, at
