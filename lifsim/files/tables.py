"""Tables of results: columns of numbers and texts as CSV, Parquet or JSON files, which spreadsheets, pandas and R read."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError, LifsimError, OutputError
from lifsim.common.optional import optional
from lifsim.common.printable import shown
from lifsim.files import disk
from lifsim.files.untrusted import read_text, reading

Cell = str | bool | int | float | None
Columns = dict[str, list[Cell]]
FORMATS = ".csv, .parquet or .json"
_WORDS = {"true": True, "false": False}


def check_table(path: str | Path) -> Path:
    """Check, before any long work, that `write_table` knows the kind of file; for Parquet, that pyarrow is installed.

    Parameters
    ----------
    path : of the table. What is there already, `lifsim.files.outputs.check_output` checks.

    Raises
    ------
    OutputError : the name has another ending. LifsimError : pyarrow is missing.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise OutputError(str(path), f"ends in {path.suffix or 'nothing'!r}", f"a name that ends in {FORMATS}")
    if path.suffix.lower() == ".parquet":
        _pyarrow(path)
    return path


def write_table(path: str | Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """Write a table, completely or not at all; an existing file is replaced.

    Parameters
    ----------
    path : of the table. Its ending gives the kind of file:

        - ``.csv``: a line of names, then a line for each row; undefined values are empty; numbers have as few digits as give the same
          number when read, and texts are in quotation marks where CSV needs them.
        - ``.parquet``: typed columns; undefined values are null. Needs pyarrow (the extra ``parquet``).
        - ``.json``: a list with an object for each row; undefined values are null, infinite ones the texts "inf" and "-inf".
    columns : the columns by name, all of the same length: sequences or arrays of shape (n_rows,) of numbers, True or False, and texts.
        None and NaN are undefined values. In Parquet, a column of numbers and texts holds texts.

    Returns
    -------
    The path.

    Raises
    ------
    OutputError : the name has another ending, or the file cannot be written. RunError : the disk is full. LifsimError : pyarrow is
        missing, or columns differ in length.
    """
    path = check_table(path)
    cells: Columns = {str(name): [_cell(value) for value in values] for name, values in columns.items()}
    lengths = {name: len(values) for name, values in cells.items()}
    if len(set(lengths.values())) > 1:
        raise LifsimError("columns", "rows: " + ", ".join(f"{n} of {name}" for name, n in lengths.items()), "the same number of each")
    disk.put(path, _WRITERS[path.suffix.lower()](cells))
    return path


def read_table(path: str | Path, texts: Collection[str] = ()) -> Columns:
    """Read a table that `write_table`, or another program, wrote.

    Parameters
    ----------
    path : a file whose name ends in .csv, .parquet or .json.
    texts : names of columns that hold texts even if they look like numbers, such as checksums. CSV does not say what a column holds:
        there, any other column that holds only numbers, or only true and false, is read as such.

    Returns
    -------
    The columns by name: lists of str, bool, int, float, or None for an undefined value.

    Raises
    ------
    DataError : the file cannot be read, is damaged, or is no table. LifsimError : pyarrow is missing.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(str(path), f"ends in {path.suffix or 'nothing'!r}", f"a table: {FORMATS}")
    try:
        return reader(path, texts)
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror or error})", "the path of a table") from None
    except (ValueError, csv.Error, RecursionError) as error:  # UnicodeDecodeError, JSONDecodeError and ArrowInvalid are ValueErrors
        raise DataError(str(path), f"cannot be read as {path.suffix[1:].upper()} ({error})", "a table") from None


def _cell(value: Any) -> Cell:
    """A value as Python's own type; None if it is undefined."""
    if isinstance(value, np.floating) and not isinstance(value, float):
        value = float(str(value))  # of a float32 0.1 the number 0.1, not 0.10000000149011612
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise LifsimError("columns", shown(value), "numbers, texts, True, False and None")


# -- CSV -------------------------------------------------------------------------------------------


def _as_csv(columns: Columns) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_csv_text(cell) for cell in cells] for cells in columns.values()), strict=True))
    return text.getvalue().encode()


def _csv_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)


def _from_csv(path: Path, texts: Collection[str]) -> Columns:
    rows = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(read_text(path), newline="")), start=1) if row]
    if not rows:
        return {}
    names = [name.strip() for name in rows[0][1]]
    if len(set(names)) < len(names):
        raise DataError(f"{path}, line 1", "names a column twice", "a name of its own for each column")
    for number, row in rows[1:]:
        if len(row) != len(names):
            raise DataError(f"{path}, row {number}", f"has {len(row)} columns", f"{len(names)}, as the line of names")
    return {name: _typed([row[j] for _, row in rows[1:]], name in texts) for j, name in enumerate(names)}


def _typed(cells: list[str], as_text: bool) -> list[Cell]:
    """The cells of a column of CSV: numbers or truth values if all are, else texts; an empty cell is undefined."""
    stripped = [cell.strip() for cell in cells]
    if not as_text:
        if set(stripped) <= {*_WORDS, ""}:
            return [_WORDS.get(cell) for cell in stripped]
        for kind in (int, float):
            try:
                return [_defined(kind(cell)) if cell else None for cell in stripped]
            except ValueError:
                continue
    return [cell or None for cell in cells]


def _defined(number: int | float) -> int | float | None:
    return None if number != number else number


# -- Parquet ---------------------------------------------------------------------------------------


def _pyarrow(place: Path) -> Any:
    return optional("pyarrow", str(place), "parquet")


def _as_parquet(columns: Columns) -> bytes:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    table = arrow.table({name: _arrow_array(arrow, cells) for name, cells in columns.items()})
    sink = arrow.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def _arrow_array(arrow: Any, cells: list[Cell]) -> Any:
    """A column of one type: truth values, whole numbers, numbers or texts."""
    held = {type(cell) for cell in cells if cell is not None}
    whole = [cell for cell in cells if type(cell) is int]
    if held <= {int, float} and (float in held or not held):
        return arrow.array([None if cell is None else float(cell) for cell in cells], arrow.float64())
    if held == {int} and min(whole) >= -(2**63) and max(whole) < 2**63:
        return arrow.array(cells, arrow.int64())
    if held == {int} and min(whole) >= 0 and max(whole) < 2**64:  # seeds
        return arrow.array(cells, arrow.uint64())
    if held == {bool}:
        return arrow.array(cells, arrow.bool_())
    return arrow.array([None if cell is None else _csv_text(cell) for cell in cells], arrow.string())


def _from_parquet(path: Path, texts: Collection[str]) -> Columns:
    _pyarrow(path)
    parquet = import_module("pyarrow.parquet")
    with reading(path) as file:
        table = parquet.read_table(file)
    return {name: [_cell(value) for value in table.column(name).to_pylist()] for name in table.column_names}


# -- JSON ------------------------------------------------------------------------------------------


def _as_json(columns: Columns) -> bytes:
    rows = [dict(zip(columns, (_json_value(cell) for cell in row), strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = ",\n ".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return f"[{lines}]\n".encode()


def _json_value(cell: Cell) -> Cell:
    return str(cell) if isinstance(cell, float) and math.isinf(cell) else cell


def _from_json(path: Path, texts: Collection[str]) -> Columns:
    rows = json.loads(read_text(path))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(str(path), "is JSON of another form", "a list with an object for each row")
    names = dict.fromkeys(name for row in rows for name in row)
    columns: Columns = {name: [_cell(row.get(name)) for row in rows] for name in names}
    return {name: cells if name in texts else _with_infinities(cells) for name, cells in columns.items()}


def _with_infinities(cells: list[Cell]) -> list[Cell]:
    """The column, with the texts "inf" and "-inf" as numbers if it holds no other texts."""
    if {cell for cell in cells if isinstance(cell, str)} <= {"inf", "-inf"}:
        return [float(cell) if isinstance(cell, str) else cell for cell in cells]
    return cells


_WRITERS: dict[str, Callable[[Columns], bytes]] = {".csv": _as_csv, ".parquet": _as_parquet, ".json": _as_json}
_READERS: dict[str, Callable[[Path, Collection[str]], Columns]] = {
    ".csv": _from_csv,
    ".parquet": _from_parquet,
    ".json": _from_json,
}
