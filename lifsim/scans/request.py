"""What a scan is asked to do: its points and seeds, from options or from the table ``[scan]`` of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common import units
from lifsim.common.errors import LifsimError, did_you_mean
from lifsim.common.printable import shown
from lifsim.common.seeds import SEEDS, is_seed
from lifsim.modelfile import toml
from lifsim.scans.axis import Axis, axis_of
from lifsim.scans.points import Values, grid_points, seeds_of, table_points

ENTRIES = ("grid", "points", "samples", "random_seed", "seeds", "discard")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The points of a scan.

    Parameters
    ----------
    axes : the scanned parameters. points : a table of points, in place of axes. samples, random_seed : number of random samples, and their
        seed (default 1). seeds : the seeds of each point; None: the seed of the model. discard : ms that the statistics leave out; None: 0.

    Raises
    ------
    LifsimError : `samples` is not a whole number from 1 on, or `random_seed` is not a seed.
    """

    axes: tuple[Axis, ...] = ()
    points: Path | None = None
    samples: int | None = None
    random_seed: int | None = None
    seeds: tuple[int, ...] | None = None
    discard: float | None = None

    def __post_init__(self) -> None:
        _whole(self.samples, "samples")
        _seed(self.random_seed, "random_seed")

    def values(self) -> list[Values]:
        """The values at each point (LifsimError if there are none)."""
        if self.points is not None and self.axes:
            raise LifsimError("points", "a table of points beside a grid", "one of them")
        if self.points is not None and self.samples is not None:
            raise LifsimError("samples", "random samples beside a table of points", "one of them")
        if self.points is not None:
            return table_points(self.points)
        if not self.axes:
            raise LifsimError("grid", "nothing to scan", "a parameter with its values, such as g=3:8:0.5")
        return grid_points(self.axes, self.samples, 1 if self.random_seed is None else int(self.random_seed))

    def completed(self, table: Mapping[str, Any], folder: Path | None) -> Request:
        """This request with what it leaves open taken from the table ``[scan]`` of a model file in `folder`.

        Raises
        ------
        LifsimError : an entry of the table is wrong.
        """
        for key in table:
            if key not in ENTRIES:
                raise LifsimError(f"scan.{key}", "there is no such key", did_you_mean(key, ENTRIES))
        own = _request_of(table, folder)
        if self.axes or self.points is not None:  # other points altogether
            own = replace(own, axes=(), points=None, samples=None)
        given = {name: x for name, x in vars(self).items() if x not in (None, ())}
        return replace(own, **given)


def _request_of(table: Mapping[str, Any], folder: Path | None) -> Request:
    grid, points = table.get("grid", {}), table.get("points")
    if not isinstance(grid, Mapping):
        raise LifsimError("scan.grid", shown(grid), 'a table of parameters with their values, such as g = "3:8:0.5"')
    if points is not None and not isinstance(points, str):
        raise LifsimError("scan.points", shown(points), "the path of a table of points")
    return Request(
        axes=tuple(axis_of(name, values, "scan.grid") for name, values in _dotted(grid)),
        points=None if points is None else (folder or Path()) / points,
        samples=_whole(table.get("samples"), "scan.samples"),
        random_seed=_seed(table.get("random_seed"), "scan.random_seed"),
        seeds=tuple(seeds_of(table["seeds"], "scan.seeds")) if "seeds" in table else None,
        discard=discard_of(table["discard"], "scan.discard") if "discard" in table else None,
    )


def _dotted(grid: Mapping[str, Any], place: str = "") -> list[tuple[str, Any]]:
    """The entries of a table, with paths as names: TOML reads ``run.dt = …`` as a table in a table."""
    out: list[tuple[str, Any]] = []
    for key, x in grid.items():
        name = f"{place}.{key}" if place else key
        out += _dotted(x, name) if isinstance(x, Mapping) else [(name, x)]
    return out


def _whole(given: Any, place: str) -> int | None:
    if given is not None and (not isinstance(given, (int, np.integer)) or isinstance(given, bool) or given < 1):
        raise LifsimError(place, shown(given), "a whole number from 1 on")
    return None if given is None else int(given)


def _seed(given: Any, place: str) -> int | None:
    if given is not None and not is_seed(given):
        raise LifsimError(place, shown(given), SEEDS)
    return None if given is None else int(given)


def discard_of(given: Any, place: str = "discard") -> float:
    """A time to leave out, in ms (LifsimError if it is none)."""
    try:
        ms = units.parse(given, "ms") if isinstance(given, str) else float(given)
    except (ValueError, TypeError) as error:
        raise LifsimError(place, str(error) if isinstance(given, str) else shown(given), "a time in ms, or with a unit") from None
    if not 0 <= ms < float("inf"):
        raise LifsimError(place, shown(given), "a time from 0 ms on")
    return ms


def axes_of(grid: Any) -> tuple[Axis, ...]:
    """The axes of the argument `grid` of `lifsim.scan`: values by name (LifsimError if it is something else)."""
    if not isinstance(grid, Mapping):
        raise LifsimError("grid", shown(grid), 'values by name, such as {"g": [4.0, 5.0], "eta": "0.5:4:0.5"}')
    return tuple(axis_of(str(name), values) for name, values in grid.items())


def scan_entries(text: str, place: str) -> Mapping[str, Any]:
    """The table ``[scan]`` of the text of a model file; empty if there is none."""
    found = toml.parsed(text, place).get("scan", {})
    return found if isinstance(found, Mapping) else {}
