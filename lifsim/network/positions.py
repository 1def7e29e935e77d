"""Positions of nodes and distances between them, in mm."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError, Problem, did_you_mean
from lifsim.common.overview import counted
from lifsim.common.printable import shown
from lifsim.common.timegrid import ROUNDING
from lifsim.common.values import value

KINDS = ("grid", "random", "points")
MOST_DIMENSIONS = 3


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions of `n` nodes in a space of 1 to 3 dimensions.

    `points` are explicit positions: float64, shape (n, dimensions), mm; None on a grid and for random positions, which are
    uniform and drawn from the seed and the population's name. `grid` is the number of cells along each axis, () if there is no
    grid. `extent` is the size of the space along each axis, () if not given, and `center` its centre. In a `periodic` space
    opposite sides are joined: distances are those to the nearest image.
    """

    n: int
    dimensions: int
    points: np.ndarray | None = None
    grid: tuple[int, ...] = ()
    extent: tuple[float, ...] = ()
    center: tuple[float, ...] = ()
    periodic: bool = False

    def of(self, name: str, seed: int) -> np.ndarray:
        """The positions of the nodes of population `name` in a run with `seed`: (n, dimensions), mm."""
        if self.points is not None or self.grid:
            return self.cells if self.points is None else self.points
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(f"{name}/positions".encode())])))
        return np.asarray(self.center) + (rng.random((self.n, self.dimensions)) - 0.5) * np.asarray(self.extent)

    @cached_property
    def cells(self) -> np.ndarray:
        """The centres of the grid cells, computed on first use: a description may have more cells than fit into memory."""
        cells = _cells(self.grid, self.extent, self.center)
        cells.flags.writeable = False
        return cells

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner of a box that contains all positions."""
        if self.extent:
            half, center = np.asarray(self.extent) / 2, np.asarray(self.center)
            return center - half, center + half
        assert self.points is not None  # random positions always have an extent
        return self.points.min(axis=0), self.points.max(axis=0)

    def as_dict(self) -> dict[str, Any]:
        """The form used in model files."""
        which: dict[str, Any] = {"points": self.points} if self.points is not None else {"random": True}
        out = {"grid": list(self.grid)} if self.grid else which
        if self.extent:
            out |= {"extent": list(self.extent), "center": list(self.center)}
        return out | ({"periodic": True} if self.periodic else {})


# -- from a description ----------------------------------------------------------------------------


def positions(place: str, raw: Any, n: int) -> Positions:
    """Convert `raw` (an array, or a table as in `Network.add`) to the positions of `n` nodes.

    Raises
    ------
    ModelError : lists every problem found.
    """
    table = dict(raw) if isinstance(raw, Mapping) else {"points": raw}
    problems = list(_check_keys(place, table))
    kind = next((key for key in KINDS if key in table), "")
    lists: dict[str, np.ndarray] = {}
    for key in (kind, "extent", "center") if not problems else ():
        if key in table and key != "random":
            try:
                lists[key] = _numbers(table[key], "" if key == "grid" else "mm", 2 if key == "points" else 1)
            except ValueError as error:
                problems.append(Problem(f"{place}.{key}", str(error)))
    if not problems:
        problems += _check_table(place, kind, lists, n, table.get("periodic", False))
    if problems:
        raise ModelError.of(problems)
    return _made(n, lists, bool(table.get("periodic", False)))


def _made(n: int, lists: Mapping[str, np.ndarray], periodic: bool) -> Positions:
    points, grid = lists.get("points"), tuple(int(x) for x in lists.get("grid", ()))
    dimensions = len(grid) or (len(lists["extent"]) if points is None else points.shape[1])
    extent = tuple(map(float, lists.get("extent", (1.0,) * dimensions if points is None else ())))
    center = tuple(map(float, lists.get("center", (0.0,) * len(extent))))
    if points is not None:
        points.flags.writeable = False
    return Positions(n, dimensions, points, grid, extent, center, periodic)


def _cells(grid: tuple[int, ...], extent: tuple[float, ...], center: tuple[float, ...]) -> np.ndarray:
    """The centres of the cells of a grid in NEST's order: columns along x, each from the largest y down, then along ascending z."""
    axes = [_middles(*axis) for axis in zip(grid, extent, center, strict=True)]
    if len(axes) > 1:
        axes[1] = axes[1][::-1]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(grid))


def _middles(n: int, extent: float, center: float) -> np.ndarray:
    """The centres of `n` cells along an axis, center + (2k + 1 - n) extent / 2n, each rounded once from its exact value.

    `extent` and `center` are read as decimal fractions (0.3 as 3/10), so that a node at 0.1 is exactly at the float 0.1.
    """
    first, step = (Fraction(repr(x)) for x in (center, extent))
    first, step = first + step * (1 - n) / (2 * n), step / n
    below = math.lcm(first.denominator, step.denominator)
    a, b = int(first * below), int(step * below)
    if max(abs(a) + n * b, below) < 2**53:  # exact in float64
        return (a + b * np.arange(n)) / below
    return np.fromiter(((a + k * b) / below for k in range(n)), np.float64, n)  # Python rounds the quotient of two ints once, too


def _numbers(raw: Any, unit: str, ndim: int) -> np.ndarray:
    if not isinstance(raw, (np.ndarray, Sequence)) or isinstance(raw, str):
        table = 'an array of shape (n, dimensions), or a table such as {"grid": [5, 4]}'
        raise ValueError(f"{shown(raw)}; must be {table if ndim == 2 else 'a list with one number for each axis'}")
    array = np.array(value(raw, unit))
    if array.ndim != ndim or not 1 <= array.shape[-1] <= MOST_DIMENSIONS:
        raise ValueError(f"shape {array.shape}; must be {'(n, 1), (n, 2) or (n, 3)' if ndim == 2 else '(1,), (2,) or (3,)'}")
    if not np.isfinite(array).all():
        raise ValueError(f"{array[~np.isfinite(array)][0]:g}; must be finite")
    return array


def _check_keys(place: str, table: Mapping[str, Any]) -> Iterator[Problem]:
    known = [*KINDS, "extent", "center", "periodic"]
    for key in table:
        if key not in known:
            yield Problem(f"{place}.{key}", "there is no such key", did_you_mean(str(key), known))
    kinds = [key for key in KINDS if key in table]
    if len(kinds) != 1:
        yield Problem(place, " and ".join(kinds) or "neither a grid nor random positions nor points", "one of: " + ", ".join(KINDS))
    if table.get("random", True) is not True:
        yield Problem(f"{place}.random", shown(table["random"]), "must be true (or write a grid, or points)")
    if not isinstance(table.get("periodic", False), (bool, np.bool_)):
        yield Problem(f"{place}.periodic", shown(table["periodic"]), "must be true or false")
    if "random" in table and "extent" not in table:
        yield Problem(f"{place}.extent", "missing", "must be given for random positions, such as [1.0, 1.0]")


def _check_table(place: str, kind: str, lists: Mapping[str, np.ndarray], n: int, periodic: bool) -> Iterator[Problem]:
    main, extent, center = lists.get(kind, lists.get("extent")), lists.get("extent"), lists.get("center")
    assert main is not None
    for key, own in (("extent", extent), ("center", center)):
        if own is not None and len(own) != main.shape[-1]:
            yield Problem(f"{place}.{key}", f"{len(own)} numbers in {main.shape[-1]} dimensions", "one number for each axis")
    if extent is not None and not (extent > 0).all():
        yield Problem(f"{place}.extent", f"{extent[extent <= 0][0]:g} mm", "must be above 0 along each axis")
    if kind == "grid":
        yield from _check_grid(f"{place}.grid", main, n)
    if kind == "points":
        yield from _check_points(place, main, n, lists, periodic)


def _check_grid(place: str, grid: np.ndarray, n: int) -> Iterator[Problem]:
    size = " x ".join(f"{x:g}" for x in grid)
    if (grid != np.floor(grid)).any() or (grid < 1).any():
        yield Problem(place, size, "whole numbers of cells, at least 1")
    elif math.prod(grid.tolist()) != n:
        yield Problem(place, f"{size} = {math.prod(grid.tolist()):g} cells for {counted(n, 'node')}", "one cell for each node")


def _check_points(place: str, points: np.ndarray, n: int, lists: Mapping[str, np.ndarray], periodic: bool) -> Iterator[Problem]:
    if len(points) != n:
        yield Problem(place, f"{counted(len(points), 'point')} for {counted(n, 'node')}", "one point for each node")
    extent = lists.get("extent")
    if extent is None:
        if periodic or "center" in lists:
            yield Problem(f"{place}.extent", "missing", "must be given if the space is periodic or has a center, such as [1.0, 1.0]")
    elif len(extent) == points.shape[1]:
        center = lists.get("center", np.zeros(len(extent)))
        away = np.abs(points - center) > extent / 2 + ROUNDING * (np.abs(center) + extent)
        if away.any():
            first = int(np.argmax(away.any(axis=1)))
            yield Problem(f"{place}.points", f"node {first} at {points[first].tolist()} mm", "must lie within the extent")


# -- distances -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Space:
    """Positions of sources (n, dimensions) and targets (m, dimensions), mm; `period` is the size of a periodic space, else None."""

    sources: np.ndarray
    targets: np.ndarray
    period: np.ndarray | None

    @cached_property
    def error(self) -> float:
        """Bound of the rounding error of a distance (mm): 16 units in the last place of the largest coordinate or side of the space."""
        largest = [float(np.abs(x).max(initial=0.0)) for x in (self.sources, self.targets, self.period) if x is not None]
        return ROUNDING * max(largest)

    def distances(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The distance (mm) between each source and target, given as indices."""
        return self._length(self.sources[source, axis] - self.targets[target, axis] for axis in range(self.sources.shape[1]))

    def distances_to(self, target: int) -> np.ndarray:
        """The distance (mm) between all sources and one target."""
        return self._length(self.sources[:, axis] - self.targets[target, axis] for axis in range(self.sources.shape[1]))

    def _length(self, differences: Iterable[np.ndarray]) -> np.ndarray:
        """The length of vectors, given axis by axis."""
        total: Any = 0.0
        for axis, apart in enumerate(differences):
            np.abs(apart, out=apart)
            if self.period is not None:
                np.minimum(apart, self.period[axis] - apart, out=apart)
            total += np.multiply(apart, apart, out=apart)
        return np.sqrt(total)

    def swapped(self) -> Space:
        """The space with sources and targets exchanged."""
        return Space(self.targets, self.sources, self.period)


def displacements(source: Positions, target: Positions, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """The distribution of distances between uniformly distributed nodes: distances (mm) up to about `reach`, and the fraction of pairs
    at each.

    The displacement along one axis has a piecewise linear density; the joint density is the product over axes. No positions are drawn.
    """
    axes, number = [], {1: 100_000, 2: 1000, 3: 100}[source.dimensions]
    for (a, b), (c, e) in zip(np.transpose(source.box).tolist(), np.transpose(target.box).tolist(), strict=True):
        most = (b - a) / 2 if source.periodic else max(e - a, b - c)
        edge = min(reach, most)
        d = edge * (2 * (np.arange(number) + 0.5) / number - 1)
        both = (
            np.full(number, b - a) if source.periodic else np.maximum(np.minimum(b, e + d) - np.maximum(a, c + d), 0)
        )  # length of the interval that both ends can lie in
        density = both / (b - a) / (e - c)
        axes.append((d, density * 2 * edge / number))
    square = sum(x * x for x in np.meshgrid(*(d for d, _ in axes), indexing="ij", sparse=True))
    share = math.prod(np.meshgrid(*(w for _, w in axes), indexing="ij", sparse=True))
    return np.sqrt(square).ravel(), np.asarray(share).ravel()


def farthest(source: Positions, target: Positions) -> float:
    """An upper bound of the distance between source and target (mm)."""
    if source.periodic:
        return float(np.linalg.norm(source.extent)) / 2
    (low, high), (other_low, other_high) = source.box, target.box
    return float(np.linalg.norm(np.maximum(high, other_high) - np.minimum(low, other_low)))


def mismatch(source: Positions, target: Positions) -> tuple[str, str] | None:
    """Why two populations do not share one space, as (what was got, what is allowed); None if they do."""
    if source.dimensions != target.dimensions:
        return f"{source.dimensions} and {target.dimensions} dimensions", "distances need the same number"
    if source.periodic != target.periodic:
        return "one space is periodic, the other is not", "both or neither"
    if source.periodic and (source.extent, source.center) != (target.extent, target.center):
        got = [f"{list(p.extent)} around {list(p.center)}" for p in (source, target)]
        return f"periodic spaces of {' and '.join(got)} mm", "the same extent and center"
    return None
