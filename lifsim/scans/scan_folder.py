"""The folder of a scan: what was scanned, and a line for each finished run.

``scan.json`` says what was scanned; ``runs.jsonl`` gets a line when a run is finished; the tables are made from these two. A scan that is
killed loses only the runs under way. No file holds pickled objects.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import NoneType
from typing import Any

from lifsim.common.errors import DataError, OutputError, RunError
from lifsim.common.jsonable import plain
from lifsim.common.printable import shown
from lifsim.files import disk
from lifsim.files.lock import WriterLock
from lifsim.files.outputs import expanded, make_folder, refuse_link
from lifsim.files.tables import write_table
from lifsim.files.untrusted import read_text
from lifsim.scans.scan_table import ScanTable, table_from

FORMAT = 1
ABOUT, RUNS, POINTS = "scan.json", "runs.jsonl", "points"
_TABLES = ("table.csv", "table.parquet", "summary.csv")
_LOCK = f".{RUNS}.lock"
_INFINITE = {"inf": math.inf, "-inf": -math.inf}
_OF_ABOUT: dict[str, type] = {
    **dict.fromkeys(("name", "lifsim", "statistics", "function", "model"), str),
    **dict.fromkeys(("settings", "defaults", "units"), dict),
    "parameters": list,
}
_OF_A_RUN: dict[str, Any] = {
    **dict.fromkeys(("key", "run"), str),
    **dict.fromkeys(("values", "statistics"), dict),
    **dict.fromkeys(("digest", "file", "error"), (str, NoneType)),
    "seed": int,
    "wall_s": (int, float),
}


class ScanFolder:
    """The folder of a scan, locked for this process until `close`.

    Parameters
    ----------
    path : the folder; it is made if it does not exist. overwrite : `begin` removes the scan that is there.

    Raises
    ------
    OutputError : another scan is writing to the folder, it holds something else, or it cannot be written.
    """

    def __init__(self, path: str | Path, overwrite: bool = False) -> None:
        self.path = expanded(path, "out", OutputError)
        refuse_link(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(str(self.path), "is not a folder", "the name of a folder for the scan")
        if self.path.is_dir() and not _is_scan(self.path) and not _is_rest(self.path):
            raise OutputError(str(self.path), "is a folder that holds no scan", "a new folder, or that of a scan")
        make_folder(self.path)
        make_folder(self.path / ABOUT)
        try:
            self._lock = WriterLock(self.path / RUNS)
        except OutputError as error:
            if "elsewhere" not in str(error):
                raise
            raise OutputError(str(self.path), "is in use by another scan", "another folder, or wait until that scan ends") from None
        self._fd, self._overwrite = -1, overwrite
        try:
            there = (self.path / ABOUT).exists() and not overwrite
            if not there and not overwrite and _size(self.path / RUNS):
                raise OutputError(str(self.path), f"holds runs, but not what was scanned ({ABOUT})", "another folder, or --overwrite")
            self.about, self.rows = read_folder(self.path) if there else ({}, {})
        except BaseException:
            self.close()
            raise

    def begin(self, about: Mapping[str, Any]) -> None:
        """Note what is scanned, and get ready for `add`; only now, after all checks, is an earlier scan removed."""
        if self._overwrite:
            self._remove()
        elif not self.about:
            (self.path / RUNS).unlink(missing_ok=True)  # it is empty
        self.about = {"format": FORMAT, **about}
        text = json.dumps(plain(self.about), indent=1, allow_nan=False) + "\n"
        disk.put(self.path / ABOUT, text.encode(), "the runs that are done are kept")
        path = self.path / RUNS
        try:
            self._fd = disk.open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            os.ftruncate(self._fd, _whole_lines(path))  # a process that was killed may have left a part of a line
        except OSError as error:
            disk.fail(path, error, "the runs that are done are kept")

    def add(self, key: str, row: Mapping[str, Any]) -> None:
        """Store a finished run (RunError if the disk is full; the runs before it are kept)."""
        line = json.dumps(plain({"key": key, **row}), ensure_ascii=False, allow_nan=False) + "\n"
        try:
            disk.write(self._fd, line.encode())
            disk.sync(self._fd)
        except OSError as error:
            disk.fail(self.path / RUNS, error, "the runs that are done are kept, and the same command goes on with the others")
        put_better(self.rows, key, dict(row))

    def kept(self, key: str) -> Path:
        """The file for the results of a run."""
        return self.path / POINTS / f"{key}.h5"

    def table(self) -> ScanTable:
        """The table of all finished runs."""
        return _table(self.about, self.rows, self.path)

    def write_tables(self, parquet: bool) -> ScanTable:
        """Write table.csv, with pyarrow also table.parquet, and summary.csv; returns the table."""
        table = self.table()
        write_table(self.path / "table.csv", table.columns)
        if parquet:
            write_table(self.path / "table.parquet", table.columns)
        write_table(self.path / "summary.csv", table.summary())
        return table

    def close(self) -> None:
        """Release the folder."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._lock.close()
        with suppress(OSError):
            self.path.rmdir()  # if nothing was stored

    def _remove(self) -> None:
        """Remove the scan that is here, and nothing else: first its runs, and last what says that here is a scan. Whenever this is
        interrupted, no run is left that could be taken for one of the next scan.
        """
        (self.path / RUNS).unlink(missing_ok=True)
        for file in (self.path / POINTS).glob("*.h5"):
            file.unlink()
        for name in (*_TABLES, ABOUT):
            (self.path / name).unlink(missing_ok=True)


def read_scan(path: str | Path) -> ScanTable:
    """The table of a scan, also of one that is running or was interrupted.

    Parameters
    ----------
    path : the folder of the scan.

    Raises
    ------
    DataError : there is no scan, or it is damaged.
    """
    folder = expanded(path, "scan", DataError)
    if not _is_scan(folder):
        raise DataError(str(path), "holds no scan", "a folder written by lifsim scan")
    return _table(*read_folder(folder), folder)


def read_folder(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What is scanned in a folder, and the finished runs by key; a line that was not finished is left out.

    Raises
    ------
    DataError : a file is damaged, or of a later version.
    """
    place = path / ABOUT
    try:
        about = json.loads(read_text(place))
        if about["format"] != FORMAT:
            raise DataError(str(place), f"has the format {about['format']}", f"{FORMAT}; read it with the version that wrote it")
        _check_entries(about, _OF_ABOUT)
        about |= {"defaults": _cells(about["defaults"]), "parameters": [str(name) for name in about["parameters"]]}
        place = path / RUNS
        lines = read_text(place).split("\n") if place.exists() else [""]
        rows: dict[str, dict[str, Any]] = {}
        for number, line in enumerate(lines[:-1], start=1):
            row = _row(line, number)
            put_better(rows, row.pop("key"), row)
        return about, rows
    except OSError as error:
        raise DataError(str(place), f"cannot be read ({error.strerror})", "the folder of a scan") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(str(place), f"is damaged ({error})", "a new folder, or --overwrite") from None


def _row(line: str, number: int) -> dict[str, Any]:
    """A run of runs.jsonl (ValueError if the line is damaged)."""
    try:
        row: dict[str, Any] = json.loads(line)
        _check_entries(row, _OF_A_RUN)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    return row | {key: _cells(row[key]) for key in ("values", "statistics")}


def _check_entries(found: Any, types: Mapping[str, Any]) -> None:
    """Check that the entries of an object of JSON are there and of these types (ValueError)."""
    if not isinstance(found, dict):
        raise ValueError("no object with names and values")
    for name, kind in types.items():
        if name not in found:
            raise ValueError(f"{name} is missing")
        if not isinstance(found[name], kind):
            raise ValueError(f"{name} is {shown(found[name])}")


def _cells(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a table (ValueError if there are others); infinities, for which JSON has no numbers, are stored as texts."""
    for name, x in values.items():
        if not isinstance(x, (str, int, float, NoneType)):
            raise ValueError(f"{name} is {shown(x)}")
    return {name: _INFINITE.get(x, x) if isinstance(x, str) else x for name, x in values.items()}


def put_better(rows: dict[Any, Any], key: Any, row: Mapping[str, Any]) -> None:
    """Put a later run in the place of an earlier one at the same point, but no run that failed in the place of one that did not."""
    if key not in rows or rows[key]["error"] or not row["error"]:
        rows[key] = row


def _table(about: Mapping[str, Any], rows: Mapping[str, dict[str, Any]], folder: Path) -> ScanTable:
    names = list(about["parameters"])
    full = [{**row, "values": {**about["defaults"], **row["values"]}} for row in rows.values()]
    best: dict[Any, Any] = {}
    for row in full:
        put_better(best, (tuple(row["values"].get(name) for name in names), row["seed"]), row)
    return table_from(list(best.values()), about, folder)


def _is_scan(path: Path) -> bool:
    return (path / ABOUT).is_file() or (path / _LOCK).exists()


def _is_rest(path: Path) -> bool:
    """Whether a folder is empty, or holds what is left of a scan whose removal was interrupted: nothing that may be anyone else's."""
    return (path / RUNS).is_file() or all(entry.name == POINTS and entry.is_dir() and not any(entry.iterdir()) for entry in path.iterdir())


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _whole_lines(path: Path) -> int:
    """The length of the lines of a file that end, in bytes."""
    try:
        return path.read_bytes().rfind(b"\n") + 1
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}") from None
