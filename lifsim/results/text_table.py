"""Tables of spikes in text files: CSV and the like, and what NEST's recorders write.

A first line without numbers is the header. It names the columns of times and ids, in any order, and may name one of populations; other
columns are ignored. Without a header, columns are time, id and, if there is a third, population; in NEST's files id, then time.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from lifsim.common import units
from lifsim.common.errors import DataError
from lifsim.common.text import shortened
from lifsim.common.timegrid import times
from lifsim.common.values import is_plain_number
from lifsim.files.untrusted import reading
from lifsim.results.spike_arrays import MOST_NODES

_TIMES = {"time", "times", "t", "timestamp", "timestamps", "spiketime", "spiketimes", "spike"}
_IDS = {"id", "ids", "i", "index", "neuron", "neurons", "node", "nodes", "cell", "cells", "sender", "senders", "gid", "gids", "unit"}
_IDS |= {f"{name}id{s}" for name in ("neuron", "node", "cell", "unit", "sender") for s in ("", "s")} | {"neuronindex", "unitindex"}
_POPULATIONS = {"population", "populations", "pop", "group", "nodepopulation", "populationname"}
_STEPS, _OFFSETS = {"timestep", "timesteps"}, {"timeoffset", "timeoffsets"}
_UNIT = re.compile(r"^(.*?)\s*(?:[(\[]\s*([^()\[\]]*)\s*[)\]]|/\s*(\w+)|_(ms|s|us|msec|sec|seconds|milliseconds))$")
_HEAD = 1 << 16  # bytes; a longer line is no header
_COLUMNS = "a table with columns of times and ids, such as: time (ms),id"


@dataclass(frozen=True)
class SpikeTable:
    """Spikes in a text file: `at` (ms) and `ids`, float64, checked; the `population` of each spike, None without such a column.

    from_nest : whether a recorder of NEST wrote it, so that ids count all nodes of its network.
    """

    path: Path
    at: np.ndarray
    ids: np.ndarray
    population: tuple[np.ndarray, list[str]] | None
    from_nest: bool


@dataclass(frozen=True)
class _Layout:
    """Where the columns are, and how lines are split (None: at white space)."""

    delimiter: str | None
    header: int  # the number of the line that is the header, 0 without one
    id: int
    time: int
    factor: float = 1.0  # of times, to ms
    step: int = -1  # column of times in steps, of which the time column is the offset
    population: int = -1
    from_nest: bool = False

    @property
    def numbers(self) -> list[int]:
        """The columns that are read as numbers."""
        return [self.time, self.id, *([self.step] if self.step >= 0 else [])]


def read_table(path: Path, dt: float | None = None) -> SpikeTable:
    """Read the spikes in a text file; `dt` (ms) is the time step for times that are in steps.

    Raises
    ------
    DataError : the file cannot be read, lacks a column, or a line holds something else; the message names file and line.
    """
    layout = _layout(path)
    if layout.step >= 0 and dt is None:
        raise DataError(str(path), "holds times in steps (time_step)", "give dt, the resolution of the simulation in ms (--dt)")
    if layout.time < 0:  # an empty file
        none = np.zeros(0)
        return SpikeTable(path, none, none, None, layout.from_nest)
    rows = _numbers(path, layout)
    at = units.scaled(rows["0"], layout.factor)
    if layout.step >= 0 and dt is not None:
        at = times(rows["2"], dt) - at
    _check(path, layout, "time", np.isfinite(at), at, "a finite time")
    ids = rows["1"]
    _check(path, layout, "id", (ids >= 0) & (ids < MOST_NODES) & (ids == np.rint(ids)), ids, f"a whole number from 0 to {MOST_NODES - 1}")
    return SpikeTable(path, at, ids, _populations(path, layout) if layout.population >= 0 else None, layout.from_nest)


def _layout(path: Path) -> _Layout:
    """The layout of a file, from its first line that is neither empty nor a comment."""
    old = path.suffix.lower() in (".dat", ".gdf")
    with _opened(path) as file:
        said_nest = False  # whether NEST wrote the file
        for number, line in enumerate(_decoded(path, file, limit=_HEAD), start=1):
            said_nest |= line.startswith("# NEST")
            if _content(line):
                delimiter = next((d for d in (";", "\t", ",") if d in line), None)
                cells = _cells(line, delimiter)
                if any(is_plain_number(cell) for cell in cells):
                    return _unnamed(path, number, cells, delimiter, old)
                return _named(path, number, cells, delimiter, old)
    if said_nest:
        return _Layout(None, 0, -1, -1, from_nest=True)
    raise DataError(str(path), "is empty", _COLUMNS)


def _unnamed(path: Path, number: int, cells: list[str], delimiter: str | None, old: bool) -> _Layout:
    if not 2 <= len(cells) <= 3 or not all(map(is_plain_number, cells[:2])) or (old and len(cells) > 2):
        raise DataError(f"{path}, line {number}", shortened(repr(" ".join(cells))), _COLUMNS)
    if old:
        return _Layout(delimiter, 0, id=0, time=1, from_nest=True)
    return _Layout(delimiter, 0, time=0, id=1, population=2 if len(cells) == 3 else -1)


def _named(path: Path, number: int, cells: list[str], delimiter: str | None, old: bool) -> _Layout:
    place, named = f"{path}, line {number}", [_name_of(cell) for cell in cells]

    def column(known: set[str], what: str = "") -> int:
        found = [k for k, (name, _) in enumerate(named) if name in known]
        if len(found) > 1:
            raise DataError(place, f"has {len(found)} columns of {what}: {', '.join(cells[k] for k in found)}", "one of them")
        if not found and what:
            raise DataError(place, f"has no column of {what}, but {shortened(', '.join(map(repr, cells)))}", _COLUMNS)
        return found[0] if found else -1

    nest = any(name in ("sender", "senders") for name, _ in named)
    step, offset = column(_STEPS), column(_OFFSETS)
    time = offset if step >= 0 and offset >= 0 else column(_TIMES, "times")
    symbol = named[time][1] or "ms"
    factor = units.factor(symbol, "ms")
    if factor is None:
        raise DataError(place, f"has times in {symbol!r}", "one of ms, s and us")
    own = column(_IDS, "ids")
    extra = [cells[k] for k in range(len(cells)) if k not in (time, step, own)]
    if nest and old and extra:
        raise DataError(place, f"has samples of {', '.join(extra)}", "a file of spikes, with sender and time_ms alone")
    return _Layout(delimiter, number, own, time, factor, step if time == offset else -1, column(_POPULATIONS), nest)


def _name_of(cell: str) -> tuple[str, str]:
    """The name of a column without its unit, in lower case and without separators, and its unit ("" without one)."""
    found = _UNIT.match(cell)
    name, symbol = (found[1], found[2] or found[3] or found[4] or "") if found and found[1] else (cell, "")
    return re.sub(r"[\s_.-]", "", name.lower()), symbol


# -- lines -----------------------------------------------------------------------------------------


def _opened(path: Path) -> IO[bytes]:
    try:
        return reading(path)
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror})") from None


def _decoded(path: Path, file: IO[bytes], limit: int = -1) -> Iterator[str]:
    number = 0
    while line := file.readline(limit):
        number += 1
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise DataError(f"{path}, line {number}", "holds bytes that are no text (UTF-8)", _COLUMNS) from None
        if "\0" in text or len(line) == limit:
            raise DataError(f"{path}, line {number}", "is no line of a table", _COLUMNS)
        yield text


def _content(line: str) -> str:
    """The line without a remark (from # on, in a line without quotes) and white space around it."""
    text = line.strip()
    return "" if text.startswith("#") else text if '"' in text else text.partition("#")[0].strip()


def _cells(line: str, delimiter: str | None) -> list[str]:
    line = _content(line)
    return line.split() if delimiter is None else [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _lines(path: Path, layout: _Layout) -> Iterator[tuple[int, str]]:
    """The lines with spikes, with their numbers."""
    with _opened(path) as file:
        for number, line in enumerate(_decoded(path, file), start=1):
            if number > layout.header and _content(line):
                yield number, line


def _numbers(path: Path, layout: _Layout) -> Any:
    """The columns of numbers as a structured array with fields "0" (time), "1" (id) and "2" (step)."""
    kinds = [(str(k), np.float64) for k in range(len(layout.numbers))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table without rows
            return np.loadtxt(
                path,
                dtype=kinds,
                delimiter=layout.delimiter,
                skiprows=layout.header,
                usecols=layout.numbers,
                quotechar='"',
                encoding="utf-8-sig",
                ndmin=1,
            )
    except (ValueError, OverflowError) as error:
        _name_line(path, layout)
        raise DataError(str(path), f"cannot be read ({error})", _COLUMNS) from None
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror})") from None


def _name_line(path: Path, layout: _Layout) -> None:
    """Raise a DataError about the first line whose columns are not numbers."""
    for number, line in _lines(path, layout):
        cells = _cells(line, layout.delimiter)
        place = f"{path}, line {number}"
        if len(cells) <= max(layout.numbers):
            raise DataError(place, f"has {len(cells)} column{'s' * (len(cells) != 1)}", f"at least {max(layout.numbers) + 1}")
        for k in layout.numbers:
            if not _is_number(cells[k]):
                raise DataError(place, shortened(repr(cells[k])), "a number")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python accepts 1_000


def _check(path: Path, layout: _Layout, what: str, right: np.ndarray, values: np.ndarray, allowed: str) -> None:
    """Raise a DataError about the first line of which the entry in `right` is False."""
    if right.all():
        return
    row = int(np.argmin(right))
    number = next((number for k, (number, _) in enumerate(_lines(path, layout)) if k == row), 0)
    raise DataError(f"{path}, line {number}", f"{what} {values[row]:.12g}", allowed)


def _populations(path: Path, layout: _Layout) -> tuple[np.ndarray, list[str]]:
    """For each line the index of its population, and their names in the order in which they occur."""
    known: dict[str, int] = {}
    found = (known.setdefault(name, len(known)) for name in _population_of_each(path, layout))
    index = np.fromiter(found, np.int64)
    if "" in known:
        raise DataError(str(path), "holds a spike without the name of a population", "a name in each line")
    return index, list(known)


def _population_of_each(path: Path, layout: _Layout) -> Iterator[str]:
    """The population in each line with a spike. The file is known to be text, with numbers in its other columns."""
    column, delimiter = layout.population, layout.delimiter
    with io.TextIOWrapper(_opened(path), encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if number <= layout.header or not line.strip():
                continue
            plain = '"' not in line and "#" not in line  # nearly all lines are: they are split at once
            cells = line.split(delimiter) if plain else _cells(line, delimiter) if _content(line) else []
            if len(cells) > column:
                yield cells[column].strip()
            elif _content(line):
                raise DataError(f"{path}, line {number}", "has no population", f"at least {column + 1} columns")
