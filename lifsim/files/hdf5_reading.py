"""Reads datasets and attributes of untrusted HDF5 files: their types, sizes and places are checked first."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lifsim.common.errors import DataError
from lifsim.files import seal
from lifsim.files.untrusted import check_ordinary, unreadable

_ROWS = 1 << 20  # numbers that are read at a time from datasets that may exceed the memory
ALLOWED = "a result of lifsim or SONATA spikes"


def member(group: h5py.Group, name: str, kind: type) -> Any:
    """The object `name` of `group`, if it is stored in this file and has type `kind` (DataError).

    Links to other files are refused before they are followed, because they could read any file.
    """
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.HardLink):
        member = group[name]
        if isinstance(member, kind):
            return member
        said = f"is a {type(member).__name__.lower()}", f"a {kind.__name__.lower()}"
    elif link is None:
        said = "is missing", ALLOWED
    else:
        said = "is a link to another place", "all data must be in the file itself"
    raise DataError(f"{group.file.filename}{group.name.rstrip('/')}/{name}", *said)  # the name of the file takes longer than all else


def dataset(file: h5py.File, path: str, kinds: str, ndim: int | None) -> h5py.Dataset:
    """The dataset at `path` with `ndim` dimensions (None: any) and a type in `kinds`, checked before it is read (DataError)."""
    *groups, name = path.split("/")
    group: h5py.Group = file
    for part in groups:
        group = member(group, part, h5py.Group)
    data = member(group, name, h5py.Dataset)
    where = f"{file.filename}/{path}"
    check_storage(data, where)
    if (ndim is not None and data.ndim != ndim) or data.dtype.kind not in kinds:
        allowed = "numbers" if ndim is None else f"{ndim} dimension(s) of numbers"
        raise DataError(where, f"has shape {data.shape} and type {data.dtype}", allowed)
    return data


def check_storage(data: h5py.Dataset, where: str) -> None:
    """Raise DataError for data stored in another file, or larger than what the file holds."""
    reason = unreadable(data)
    if reason:
        raise DataError(where, reason, "all data must be in the file itself")


def read_values(data: h5py.Dataset) -> np.ndarray:
    """The values of a dataset, checked against its checksum if it has one (DataError)."""
    values = data[()]
    if "sha256" in data.attrs and attribute_of(data, "sha256") != hashlib.sha256(values).hexdigest():
        raise DataError(f"{data.file.filename}{data.name}", *seal.CHANGED)
    return values


def check_digest(data: h5py.Dataset) -> None:
    """Compare a dataset, read in pieces, with its checksum (DataError if they differ)."""
    rows = max(1, _ROWS // max(1, math.prod(data.shape[1:])))
    for _ in pieces_of(data, rows=rows):
        pass


def pieces_of(*columns: h5py.Dataset, rows: int | None = None, check: bool = True) -> Iterator[tuple[np.ndarray, ...]]:
    """The values of datasets of the same length, `rows` at a time; at the end, if `check`, they are compared with their checksums, if
    they have any (DataError).
    """
    sums = [hashlib.sha256() if check and "sha256" in data.attrs else None for data in columns]
    rows = rows or _ROWS
    for a in range(0, len(columns[0]), rows):
        values = tuple(data[a : a + rows] for data in columns)
        for digest, part in zip(sums, values, strict=True):
            if digest is not None:
                digest.update(part)
        yield values
    for digest, data in zip(sums, columns, strict=True):
        if digest is not None and attribute_of(data, "sha256") != digest.hexdigest():
            raise DataError(f"{data.file.filename}{data.name}", *seal.CHANGED)


def attribute_of(item: h5py.HLObject, name: str) -> Any:
    """The value of an attribute: a number or fixed-length string. Other types are refused before they are read (DataError)."""
    kind = item.attrs.get_id(name)
    if kind.dtype.kind not in "iufbS" or kind.shape != ():
        raise DataError(f"{item.file.filename}{item.name}", f"has an attribute {name} of type {kind.dtype}", "a number or text")
    value = item.attrs[name]
    return value.decode() if isinstance(value, bytes) else value.item() if isinstance(value, np.generic) else value


def text_of(item: Any, name: str) -> str:
    """The value of a string attribute of an HDF5 object; "" if it is not a string."""
    if item.attrs.get_id(name).dtype.kind not in "SO" or item.attrs.get_id(name).shape not in ((), (1,)):
        return ""
    value = np.asarray(item.attrs[name]).ravel()[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def own_dataset(group: h5py.Group, key: str, place: str) -> h5py.Dataset:
    """The dataset `key` of `group`, whose data must be in this file (DataError if not, or if it declares more data than the file holds)."""
    if not isinstance(group.get(key, getlink=True), h5py.HardLink) or not isinstance(group[key], h5py.Dataset):
        raise DataError(place, "is not a dataset of this file", "the name of a dataset that is stored in the file itself")
    dataset = group[key]
    reason = unreadable(dataset)
    if reason:
        raise DataError(place, reason, "all data must be in the file itself")
    return dataset


@contextmanager
def opened(path: str | Path, kind: str) -> Iterator[h5py.File]:
    """The HDF5 file `path`, open for reading; messages name its `kind`. DataError: it cannot be opened, or is damaged."""
    try:
        check_ordinary(path)
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(str(path), f"cannot be read as {kind} ({error})") from None
    with file, readable(Path(path)):
        yield file


def read_dataset(path: str | Path, key: str) -> np.ndarray | None:
    """The values of the dataset `key` of any HDF5 file, checked as in `own_dataset`; None if there is none.

    Raises
    ------
    DataError : the file cannot be read, or the data are not in this file.
    """
    with opened(path, "HDF5") as file:
        return own_dataset(file, key, f"{path}:{key}")[()] if key in file else None


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Convert the errors that h5py raises for damaged files to DataError."""
    try:
        yield
    except (KeyError, MemoryError, OSError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(str(path), f"is damaged ({error})") from None
