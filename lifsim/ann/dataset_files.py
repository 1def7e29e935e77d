"""Data sets from files: CSV, NPZ (arrays X and y) or HDF5 (datasets X and y)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lifsim.ann import data_checks
from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.values import is_plain_number
from lifsim.files.untrusted import NPZ_ERRORS, RATIO, kind_of, unpacks_too_much


class Dataset(NamedTuple):
    """Samples `X`, shape (samples, features) or (samples, steps, features); targets `y`, None if there are none; names of the `features`,
    if known.
    """

    X: np.ndarray
    y: np.ndarray | None
    features: tuple[str, ...] = ()


def read(path: str | Path, target: str | None = None, features: int | None = None, in_steps: bool = False) -> Dataset:
    """Read a data set.

    Parameters
    ----------
    path : a file that ends in .csv, .npz, .h5 or .hdf5.
    target : for a CSV file the target column, by its name in the first line or its number from 0 on (default: the last column); for
        the other formats the name of the target array (default: "y").
    features : the required number of features, if known. A CSV file with exactly that many columns has no targets; the
        other formats have none if there is no array "y".
    in_steps : whether samples may have a value for each time step.

    Raises
    ------
    DataError : the file cannot be read, or holds anything but finite numbers (targets may be texts).
    """
    path = Path(path)
    if not path.is_file():
        got = f"is no ordinary file but {kind_of(path.stat().st_mode)}" if path.exists() else "there is no such file"
        raise DataError(str(path), got, "a data set: .csv, .npz, .h5")
    readers = {".csv": _csv, ".npz": _npz, ".h5": _hdf5, ".hdf5": _hdf5}
    if path.suffix.lower() not in readers:
        raise DataError(str(path), f"ends in {path.suffix or 'nothing'!r}", "a data set: .csv, .npz, .h5")
    table = readers[path.suffix.lower()](path, target, features)
    if in_steps and table.X.ndim == 3:
        X = data_checks.courses(table.X, table.X.shape[1], features, f"{path}:X")
    else:
        X = data_checks.samples(table.X, features, f"{path}:X")
    if table.y is None:
        return Dataset(X, None, table.features)
    check = data_checks.numbers_for if table.y.ndim == 2 else data_checks.labels_for
    return Dataset(X, check(table.y, len(X), f"{path}:y"), table.features)


# -- CSV -------------------------------------------------------------------------------------------


def _csv(path: Path, target: str | None, features: int | None) -> Dataset:
    """Read columns of numbers; the target column may hold texts. A first line without any number is a header."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DataError(str(path), f"cannot be read as CSV ({error})") from None
    names = _names(rows)
    rows = rows[1:] if names else rows
    if not rows:
        raise DataError(str(path), "holds no samples", "a line for each")
    width = len(names) or len(rows[0][1])
    for number, row in rows:
        if len(row) != width:
            raise DataError(f"{path}, line {number}", f"has {len(row)} columns", f"{width}, as those before")
    at = None if target is None and features == width else _column(path, target, names, width)
    numbers = [[_number(path, line, j, names, text) for j, text in enumerate(row) if j != at] for line, row in rows]
    kept = tuple(name for j, name in enumerate(names) if j != at)
    return Dataset(np.array(numbers), None if at is None else _targets([row[at].strip() for _, row in rows]), kept)


def _names(rows: list[tuple[int, list[str]]]) -> tuple[str, ...]:
    """The column names: the first line, if it holds no number."""
    return tuple(text.strip() for text in rows[0][1]) if rows and not any(is_plain_number(text) for text in rows[0][1]) else ()


def _column(path: Path, target: str | None, names: tuple[str, ...], width: int) -> int:
    if target is None:
        return width - 1
    if target in names:
        return names.index(target)
    if target.lstrip("-").isdecimal() and -width <= int(target) < width:
        return int(target) % width
    raise DataError(
        str(path),
        f"there is no column {target!r}",
        did_you_mean(target, names) if names else f"0 to {width - 1}: the file has no names of columns",
    )


def _number(path: Path, line: int, column: int, names: tuple[str, ...], text: str) -> float:
    if not is_plain_number(text):
        name = f" ({names[column]})" if names else ""
        raise DataError(f"{path}, line {line}, column {column}{name}", repr(text), "a number")
    value = float(text)
    if not np.isfinite(value):
        raise DataError(f"{path}, line {line}, column {column}", text, "a finite number")
    return value


def _targets(texts: list[str]) -> np.ndarray:
    """Targets as whole numbers if all are, else as numbers if all are, else as texts."""
    if not all(map(is_plain_number, texts)):
        return np.array(texts)
    numbers = np.array([float(text) for text in texts])
    whole = all(text.lstrip("+-").isdecimal() for text in texts)
    return numbers.astype(np.int64) if whole else numbers


# -- NPZ and HDF5 ----------------------------------------------------------------------------------


def _npz(path: Path, target: str | None, features: int | None) -> Dataset:
    try:
        reason = unpacks_too_much(path)
        if reason:
            raise DataError(str(path), reason, f"arrays that unpack to at most {RATIO} times their stored size")
        with np.load(path, allow_pickle=False) as file:
            return _named(path, {name: file[name] for name in ("X", target or "y") if name in file.files}, target, file.files)
    except NPZ_ERRORS as error:
        raise DataError(str(path), f"cannot be read as NPZ ({error})", "arrays of numbers or texts") from None


def _hdf5(path: Path, target: str | None, features: int | None) -> Dataset:
    from lifsim.files.hdf5_reading import read_dataset

    found = {name: read_dataset(path, name) for name in ("X", target or "y")}
    there = [name for name, array in found.items() if array is not None]
    return _named(path, {name: found[name] for name in there}, target, there)


def _named(path: Path, found: dict[str, Any], target: str | None, there: list[str]) -> Dataset:
    for name in ("X", *((target,) if target else ())):
        if name not in found:
            raise DataError(str(path), f"holds no array {name!r}", "X and y; it has " + (", ".join(sorted(there)[:10]) or "neither"))
    y = found.get(target or "y")
    if y is not None and y.dtype.kind in "SO":
        y = np.array([text.decode() if isinstance(text, bytes) else str(text) for text in y])
    return Dataset(found["X"], y)
