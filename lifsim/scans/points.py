"""The points of a scan: the values of the scanned parameters at each, and the seeds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lifsim.common import units
from lifsim.common.errors import DataError, LifsimError
from lifsim.common.jsonable import plain
from lifsim.common.printable import shown
from lifsim.common.seeds import SEEDS, is_seed
from lifsim.files.tables import Cell, read_table
from lifsim.scans.axis import MOST, Axis, axis_of

Values = dict[str, Any]  # of the scanned parameters, by name


def grid_points(axes: Sequence[Axis], samples: int | None, random_seed: int, place: str = "grid") -> list[Values]:
    """All combinations of the values of the axes; those that are drawn are drawn together, `samples` times.

    Raises
    ------
    LifsimError : an axis is given twice, or is an interval and `samples` is missing, or the other way round; or there are too many points.
    """
    names = [a.name for a in axes]
    for name in names:
        if names.count(name) > 1:
            raise LifsimError(place, f"{name} is given twice", "all values of a parameter in one place")
    drawn = [a for a in axes if a.between is not None]
    if drawn and samples is None:
        low, high = drawn[0].between or (0.0, 0.0)
        got = f"{drawn[0].name} has only a lowest and a highest value, {low:g}:{high:g}"
        raise LifsimError(place, got, f"a step, {low:g}:{high:g}:STEP; or a number of random samples (--random N, samples=N)")
    if samples is not None and not drawn:
        raise LifsimError(place, "random samples, but no interval from which values are drawn", "NAME=low:high or NAME=log:low:high")
    columns = zip(*(a.drawn(samples or 0, random_seed) for a in drawn), strict=True) if drawn else [()]
    fixed = [a for a in axes if a.between is None]
    number = (samples or 1) if drawn else 1
    for a in fixed:
        number *= len(a.values)
    if number > MOST:
        raise LifsimError(place, f"{number:,} points", f"at most {MOST:,}")
    combined = itertools.product(*(a.values for a in fixed), columns)
    order = [*(a.name for a in fixed), *(a.name for a in drawn)]
    made = (dict(zip(order, (*rest, *together), strict=True)) for *rest, together in combined)
    return [{name: values[name] for name in names} for values in made]


def table_points(path: Path) -> list[Values]:
    """The points in a table, one in each row; its columns are the parameters.

    Raises
    ------
    DataError : the file cannot be read, has no rows, or a value is missing.
    """
    columns = read_table(path)
    rows = list(zip(*columns.values(), strict=True))
    if not rows:
        raise DataError(str(path), "holds no points", "a line of names, then a line for each point")
    for number, row in enumerate(rows, start=1):
        if None in row:
            name = list(columns)[row.index(None)]
            raise DataError(f"{path}, point {number}", f"has no value of {name}", "a value of each parameter at each point")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def seeds_of(given: Any, place: str = "seeds") -> list[int]:
    """The seeds of a text such as ``1:3`` (1, 2, 3) or ``1,5,7``, of a list, or of one whole number.

    Raises
    ------
    LifsimError : there is none, one occurs twice, or one is not a seed.
    """
    if isinstance(given, str) and given.count(":") == 1:
        given = f"{given}:1"
    if not isinstance(given, (str, Iterable)):
        given = [given]
    seeds = axis_of("seed", given, place).values
    for seed in seeds:
        if not is_seed(seed):
            raise LifsimError(place, shown(seed), SEEDS)
    if not seeds:
        raise LifsimError(place, shown(given), "1:3, 1,5,7 or one seed")
    return [int(seed) for seed in seeds]


def cell_of(value: Any) -> Cell:
    """The value of a parameter in a table: a quantity with a unit as a number in the coherent unit, a list or a table as text."""
    if isinstance(value, str) and units.looks_like_quantity(value):
        try:
            return units.parse(value)
        except ValueError:
            return value
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return json.dumps(plain(value))


def cells_of(values: Mapping[str, Any]) -> dict[str, Cell]:
    """The values at a point, as in a table; 3.0 is written as 3, so that both are the same point."""
    cells = {name: cell_of(value) for name, value in values.items()}
    return {name: int(x) if isinstance(x, float) and x.is_integer() and abs(x) < 2**53 else x for name, x in cells.items()}


def said(values: Mapping[str, Any], seed: int | None = None) -> str:
    """A point as text: ``g=4.5, eta=2, seed=1``."""
    parts = [f"{name}={value if isinstance(value, str) else json.dumps(plain(value))}" for name, value in values.items()]
    return ", ".join(parts if seed is None else [*parts, f"seed={seed}"])
