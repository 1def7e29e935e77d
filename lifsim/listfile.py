"""Lists of synapses in files: CSV, or HDF5 (plain datasets, or the edges of a SONATA file).

A CSV file begins with the names of its columns: ``source`` and ``target`` (indices in their populations, from 0), and
optionally ``weight`` and ``delay`` (ms). It is read in pieces, each turned into numbers at once; a piece that is not
as it should be is looked through line by line for the cell to name.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from lifsim import units
from lifsim.errors import DataError, ModelError, did_you_mean
from lifsim.expressions import shortened
from lifsim.grid import LONGEST_DELAY, nearest_on_grid, no_delays
from lifsim.outputs import expanded
from lifsim.untrusted import check_ordinary, reading, unreadable

COLUMNS = ("source", "target", "weight", "delay")
HDF5 = (".h5", ".hdf5", ".hdf", ".sonata")
PIECE = 1 << 24  # bytes of text at a time
_LONGEST = 1 << 16  # bytes of the first line


@dataclass(frozen=True, eq=False)
class Listed:
    """Synapses in the order of the file: indices int32, weights and delays (ms) float64, None where there is no such column."""

    sources: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None
    delay: np.ndarray | None
    number: np.ndarray | None = None  # so many synapses stand for each, float64, where the weight is that of the connection


@dataclass(frozen=True)
class Asked:
    """What a connection says of a list.

    unit : of weights. types : the file of a SONATA file's edge types; False: none is to be read, None: one beside the file.
    own : which of "weight" and "delay" the connection gives itself.
    """

    unit: str = ""
    types: Path | Literal[False] | None = None
    own: frozenset[str] = frozenset()

    def in_units(self, data: Any, values: np.ndarray, name: str, where: str, place: str) -> np.ndarray:
        """The `values` of a dataset in ms or the unit of weights, if it says which unit it has."""
        unit = {"weight": self.unit, "delay": "ms"}.get(name, "")
        symbol = next((text_of(data, key) for key in ("units", "unit") if key in data.attrs), "")
        if not symbol or name not in ("weight", "delay"):
            return values
        factor = units.factor(symbol, unit)
        if factor is None:
            raise ModelError(place, f"{where} has units {shortened(repr(symbol))}", f"{unit or 'no unit'}, or another of its kind")
        return units.scaled(np.asarray(values, np.float64), factor)


@dataclass(frozen=True)
class Limits:
    """What the cells of a list may hold."""

    n_source: int
    n_target: int
    dt: float

    def wrong(self, column: str, x: np.ndarray) -> np.ndarray:
        """Which numbers of a column are not allowed."""
        if column in ("source", "target"):
            return ~((x >= 0) & (x < (self.n_source if column == "source" else self.n_target)) & (x == np.floor(x)))
        return no_delays(x, self.dt) if column == "delay" else ~np.isfinite(x)

    def allowed(self, column: str, x: float) -> str:
        """What a column may hold, said where `x` is not that."""
        if column in ("source", "target"):
            return f"a whole number from 0 to {(self.n_source if column == 'source' else self.n_target) - 1}"
        if column == "weight" or not np.isfinite(x):
            return "a finite number"
        if x > LONGEST_DELAY * self.dt:
            return f"at most {LONGEST_DELAY * self.dt:g} ms"
        return nearest_on_grid(x, self.dt) if x >= self.dt else f"at least one step of dt = {self.dt:g} ms"


def split(reference: str) -> tuple[str, str]:
    """File and group of ``net.h5:group`` (the group is "" of a CSV file, and where none is named)."""
    path, colon, group = reference.rpartition(":")
    return (path, group) if colon and path.lower().endswith(HDF5) else (reference, "")


def read(reference: Any, limits: Limits, place: str, asked: Asked | None = None) -> Listed:
    """The list in a file: ``synapses.csv``, ``net.h5`` or ``net.h5:group``.

    Raises
    ------
    ModelError : what cannot be read or used, with file, line (or entry) and column. DataError : this is no path.
    """
    if not isinstance(reference, (str, Path)):
        raise ModelError(place, shortened(repr(reference)), "a file: synapses.csv, or net.h5:group")
    name, group = split(str(reference))
    path = expanded(name, "list of synapses", DataError)
    try:
        if path.suffix.lower() in HDF5:
            check_ordinary(path)
            return _read_hdf5(path, group, limits, asked or Asked(), place)
        _refuse_types(asked or Asked(), place)
        with reading(path) as file:
            return _read_csv(file, str(path), limits, place)
    except (OSError, RuntimeError, KeyError, ValueError) as error:  # h5py raises all of these for damaged files
        said = getattr(error, "strerror", None) or error
        raise ModelError(place, f"{shortened(str(path))} cannot be read ({said})", "a list of synapses") from None


def _refuse_types(asked: Asked, place: str) -> None:
    if asked.types:
        raise ModelError(place, "edge types of a list that has none", "the edges of a SONATA file")


def _listed(columns: Mapping[str, Any]) -> Listed:
    sources, targets = (np.asarray(columns[key]).astype(np.int32) for key in ("source", "target"))
    weight, delay = (np.asarray(columns[key], np.float64) if key in columns else None for key in ("weight", "delay"))
    return Listed(sources, targets, weight, delay)


# -- CSV -------------------------------------------------------------------------------------------


def _read_csv(file: BinaryIO, name: str, limits: Limits, place: str) -> Listed:
    header = file.readline(_LONGEST).decode("utf-8-sig", errors="replace").strip()
    columns = [column.strip().strip('"') for column in header.split(",")]
    _check_header(columns, name, place)
    found: dict[str, list[np.ndarray]] = {column: [] for column in columns}
    line = 2
    for text in _pieces(file):
        rows = _numbers(text, len(columns))
        if rows is None or any(limits.wrong(c, rows[:, i]).any() for i, c in enumerate(columns)):
            raise _complaint(text, columns, limits, name, line, place)
        for i, column in enumerate(columns):
            found[column].append(rows[:, i].astype(np.int32 if column in ("source", "target") else np.float64))
        line += text.count(b"\n")
    return _listed({column: np.concatenate(pieces) for column, pieces in found.items()})


def _check_header(columns: list[str], name: str, place: str) -> None:
    for column in columns:
        if column not in COLUMNS:
            got = f"{shortened(name)}, line 1: there is no column {shortened(repr(column))}"
            raise ModelError(place, got, did_you_mean(column, COLUMNS))
    missing = [column for column in COLUMNS[:2] if column not in columns]
    if missing or len(set(columns)) < len(columns):
        got = f"{shortened(name)}, line 1: {'no column ' + missing[0] if missing else 'a column twice'}"
        raise ModelError(place, got, "the names of the columns: source, target, and optionally weight, delay")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file in pieces of whole lines (one without an end for so long is none: it comes as it is)."""
    rest = b""
    while text := file.read(PIECE):
        whole, newline, rest = (rest + text).rpartition(b"\n")
        if not newline:
            whole, rest = rest, b""
        yield whole + newline
    yield rest


def _numbers(text: bytes, width: int) -> np.ndarray | None:
    """The cells of lines of `width` numbers, float64, (lines, width), blank lines left out; None if the text is anything else."""
    if not text.strip():
        return np.zeros((0, width))
    try:
        rows = np.loadtxt(io.BytesIO(text), np.float64, delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    return rows if rows.shape[1] == width else None


_NUMBER = re.compile(rb"\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|nan))\s*", re.IGNORECASE)


def _complaint(text: bytes, columns: list[str], limits: Limits, name: str, line: int, place: str) -> ModelError:
    """What is wrong with the first wrong cell of `text`, which begins with this line of the file."""
    for number, row in enumerate(text.split(b"\n"), line):
        cells = row.split(b",")
        if not row.strip():
            continue
        where = f"{shortened(name)}, line {number}"
        if len(cells) != len(columns):
            return ModelError(place, f"{where}: {len(cells)} cells", f"one for each of {', '.join(columns)}")
        for column, cell in zip(columns, cells, strict=True):
            number_there = _NUMBER.fullmatch(cell)
            x = float(cell) if number_there else 0.0
            if not number_there or limits.wrong(column, np.array([x])).any():
                got = cell.decode(errors="replace").strip()
                return ModelError(place, f"{where}, column {column}: {shortened(repr(got))}", limits.allowed(column, x))
    return ModelError(place, f"{shortened(name)}, from line {line} on: no list of numbers", "cells with commas between them")


# -- HDF5 ------------------------------------------------------------------------------------------


def _read_hdf5(path: Path, name: str, limits: Limits, asked: Asked, place: str) -> Listed:
    import h5py

    from lifsim import edgefile

    where = f"{shortened(str(path))}:{name}"
    with h5py.File(path, "r") as file:
        group = inside(file, name.strip("/"), place) if name.strip("/") else file
        if not isinstance(group, h5py.Group):
            raise ModelError(place, f"{where}: there is no such group", "one with the datasets source and target" + _groups(file))
        sonata = any(inside(group, f"{end}_node_id", place) is not None for end in ("source", "target"))
        found = edgefile.read(group, path, asked, place) if sonata else _plain(group, where, asked, place)
    columns = {"source": found.sources, "target": found.targets, "weight": found.weight, "delay": found.delay}
    for column_name, x in columns.items():
        if x is None:
            continue
        if len(x) != len(found.sources):
            raise ModelError(place, f"{where}: {len(x)} entries of {column_name}, {len(found.sources)} sources", "as many of each")
        wrong = limits.wrong(column_name, x)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ModelError(place, f"{where}, entry {i}, column {column_name}: {x[i]:g}", limits.allowed(column_name, float(x[i])))
    return replace(_listed({key: x for key, x in columns.items() if x is not None}), number=found.number)


def _plain(group: Any, where: str, asked: Asked, place: str) -> Listed:
    """The datasets source, target, weight and delay of a group, as they are."""
    _refuse_types(asked, place)
    found: dict[str, np.ndarray] = {}
    for name in COLUMNS:
        data = inside(group, name, place)
        if data is not None:
            found[name] = asked.in_units(data, column(data, f"{where}/{name}", place), name, f"{where}/{name}", place)
    for name in COLUMNS[:2]:
        if name not in found:
            raise ModelError(place, f"{where}: there is no dataset {name}", f"one of: {name}, {name}_node_id{_groups(group)}")
    return Listed(found["source"], found["target"], found.get("weight"), found.get("delay"))


def inside(group: Any, path: str, place: str) -> Any:
    """What lies at `path` below `group`, in the same file; None if nothing does (ModelError for a link to another place)."""
    import h5py

    for part in path.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ModelError(
                place, f"{group.file.filename}:{group.name.rstrip('/')}/{part} is a link to another place", "data in the file itself"
            )
        group = group[part]
    return group


def column(data: Any, where: str, place: str) -> np.ndarray:
    """The numbers of a dataset that lie in the file itself and are really there."""
    import h5py

    if not isinstance(data, h5py.Dataset) or data.shape is None or data.ndim != 1 or data.dtype.kind not in "iuf":
        raise ModelError(place, f"{where} is no list of numbers", "a dataset of one dimension")
    reason = unreadable(data)
    if reason:
        raise ModelError(place, f"{where} {reason}", "data that are in the file itself")
    return np.asarray(data[()])


def text_of(item: Any, name: str) -> str:
    """An attribute of an HDF5 object as text; "" if it is none."""
    if item.attrs.get_id(name).dtype.kind not in "SO" or item.attrs.get_id(name).shape not in ((), (1,)):
        return ""
    value = np.asarray(item.attrs[name]).ravel()[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _groups(file: Any) -> str:
    names = list(file)[:8]
    return f"; it holds {', '.join(names)}" if names else ""


# -- writing ---------------------------------------------------------------------------------------


def write(path: Path, lists: Mapping[str, Listed], lasting: bool = True) -> None:
    """Write an HDF5 file with a group for each list; what was at `path` is replaced in one step (RunError if the disk is full)."""
    from lifsim import hdf5

    with hdf5.replacing(path, f"{path} is as it was", lasting=lasting) as file:
        for name, listed in lists.items():
            columns = {"source": listed.sources, "target": listed.targets, "weight": listed.weight, "delay": listed.delay}
            for column, x in columns.items():
                if x is not None:
                    file.create_dataset(f"{name}/{column}", data=x)
