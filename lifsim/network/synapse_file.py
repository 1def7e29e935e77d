"""Lists of synapses in files: CSV, or HDF5 (plain datasets, or the edges of a SONATA file).

A CSV file begins with the names of its columns: ``source`` and ``target`` (0-based indices in their populations), and
optionally ``weight`` and ``delay`` (ms). The file is read in pieces. Only if a piece is not valid is it parsed line by line,
to name the wrong cell in the error message.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lifsim.common.errors import DataError, ModelError, did_you_mean
from lifsim.common.text import shortened
from lifsim.files import hdf5
from lifsim.files.outputs import expanded
from lifsim.files.untrusted import check_ordinary, reading
from lifsim.network import sonata_edges
from lifsim.network.synapse_table import COLUMNS, LONGEST, Limits, SynapseColumns, WantedColumns, column_of, inside

HDF5 = (".h5", ".hdf5", ".hdf", ".sonata")
PIECE = 1 << 24  # bytes of text that are read at a time


def split(reference: str) -> tuple[str, str]:
    """Split ``net.h5:group`` into file and group; the group is "" for a CSV file or if none is given."""
    path, colon, group = reference.rpartition(":")
    return (path, group) if colon and path.lower().endswith(HDF5) else (reference, "")


def read(reference: Any, limits: Limits, place: str, asked: WantedColumns | None = None) -> SynapseColumns:
    """Read a list of synapses: ``synapses.csv``, ``net.h5`` or ``net.h5:group``.

    Raises
    ------
    ModelError : the list cannot be read or used; the message names file, line (or entry) and column. DataError : `reference` is no path.
    """
    if not isinstance(reference, (str, Path)):
        raise ModelError(place, shortened(repr(reference)), "a file: synapses.csv, or net.h5:group")
    name, group = split(str(reference))
    path = expanded(name, "list of synapses", DataError)
    try:
        if path.suffix.lower() in HDF5:
            check_ordinary(path)
            return _read_hdf5(path, group, limits, asked or WantedColumns(), place)
        _refuse_types(asked or WantedColumns(), place)
        with reading(path) as file:
            return _read_csv(file, str(path), limits, place)
    except (OSError, RuntimeError, KeyError, ValueError) as error:  # h5py raises all of these for damaged files
        reason = getattr(error, "strerror", None) or error
        raise ModelError(place, f"{shortened(str(path))} cannot be read ({reason})", "a list of synapses") from None


def _refuse_types(asked: WantedColumns, place: str) -> None:
    if asked.types:
        raise ModelError(place, "edge types given for a list without edge types", "the edges of a SONATA file")


def _listed(columns: Mapping[str, Any]) -> SynapseColumns:
    sources, targets = (np.asarray(columns[key]).astype(np.int32) for key in ("source", "target"))
    weight, delay = (np.asarray(columns[key], np.float64) if key in columns else None for key in ("weight", "delay"))
    return SynapseColumns(sources, targets, weight, delay)


def _read_csv(file: BinaryIO, name: str, limits: Limits, place: str) -> SynapseColumns:
    header = file.readline(LONGEST).decode("utf-8-sig", errors="replace").strip()
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
    """The rest of a file in pieces of whole lines. A piece without any line end is returned as it is; it is not valid CSV."""
    rest = b""
    while text := file.read(PIECE):
        whole, newline, rest = (rest + text).rpartition(b"\n")
        if not newline:
            whole, rest = rest, b""
        yield whole + newline
    yield rest


def _numbers(text: bytes, width: int) -> np.ndarray | None:
    """The cells of lines of `width` numbers: float64, shape (lines, width), without blank lines; None if the text is not valid."""
    if not text.strip():
        return np.zeros((0, width))
    lines = (line for line in io.BytesIO(text) if line.strip())  # loadtxt refuses a line of white space alone
    try:
        rows = np.loadtxt(lines, np.float64, delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    return rows if rows.shape[1] == width else None


_NUMBER = re.compile(rb"\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|nan))\s*", re.IGNORECASE)


def _complaint(text: bytes, columns: list[str], limits: Limits, name: str, line: int, place: str) -> ModelError:
    """The error for the first wrong cell of `text`, which begins at line number `line` of the file."""
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
    return ModelError(place, f"{shortened(name)}: the lines from {line} on cannot be read as numbers", "numbers with commas between them")


def _read_hdf5(path: Path, name: str, limits: Limits, asked: WantedColumns, place: str) -> SynapseColumns:
    import h5py

    where = f"{shortened(str(path))}:{name}"
    with h5py.File(path, "r") as file:
        group = inside(file, name.strip("/"), place) if name.strip("/") else file
        if not isinstance(group, h5py.Group):
            raise ModelError(place, f"{where}: there is no such group", "one with the datasets source and target" + _groups(file))
        sonata = any(inside(group, f"{end}_node_id", place) is not None for end in ("source", "target"))
        found = sonata_edges.read(group, path, asked, place) if sonata else _plain(group, where, asked, place)
    columns = {"source": found.sources, "target": found.targets, "weight": found.weight, "delay": found.delay}
    for column_name, x in columns.items():
        if x is None:
            continue
        if len(x) != len(found.sources):
            raise ModelError(place, f"{where}: {len(x)} entries of {column_name}, {len(found.sources)} sources", "the same number of each")
        wrong = limits.wrong(column_name, x)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ModelError(place, f"{where}, entry {i}, column {column_name}: {x[i]:g}", limits.allowed(column_name, float(x[i])))
    return replace(_listed({key: x for key, x in columns.items() if x is not None}), number=found.number)


def _plain(group: Any, where: str, asked: WantedColumns, place: str) -> SynapseColumns:
    """The columns of a group that is not SONATA: datasets source, target, weight and delay."""
    _refuse_types(asked, place)
    found: dict[str, np.ndarray] = {}
    for name in COLUMNS:
        data = inside(group, name, place)
        if data is not None:
            found[name] = asked.in_units(data, column_of(data, f"{where}/{name}", place), name, f"{where}/{name}", place)
    for name in COLUMNS[:2]:
        if name not in found:
            raise ModelError(place, f"{where}: there is no dataset {name}", f"one of: {name}, {name}_node_id{_groups(group)}")
    return SynapseColumns(found["source"], found["target"], found.get("weight"), found.get("delay"))


def _groups(file: Any) -> str:
    names = list(file)[:8]
    return f"; it holds {', '.join(names)}" if names else ""


def write(path: Path, lists: Mapping[str, SynapseColumns], lasting: bool = True) -> None:
    """Write an HDF5 file with one group for each list; an existing file is replaced in one step (RunError if the disk is full)."""
    with hdf5.replacing(path, f"{path} is unchanged", lasting=lasting) as file:
        for name, listed in lists.items():
            columns = {"source": listed.sources, "target": listed.targets, "weight": listed.weight, "delay": listed.delay}
            for column, x in columns.items():
                if x is not None:
                    file.create_dataset(f"{name}/{column}", data=x)
