"""Opens and copies the HDF5 file of a weight store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from lifsim.common.errors import DataError
from lifsim.files import seal
from lifsim.files.hdf5_reading import readable
from lifsim.files.untrusted import check_ordinary, kind_of
from lifsim.weights.matrix import DENSE, SPARSE

FORMAT_VERSION = 1
OWN = ("encoding-type", "encoding-version", "shape", "units", "scale", "sha256")  # attributes that the store itself uses


def opened_file(path: Path) -> h5py.File:
    """Open the store at `path` for reading (DataError if it is not a weight store, or damaged)."""
    kind = kind_of(path.stat().st_mode) if path.exists() else ""
    if kind:
        raise DataError(str(path), f"is not a file but {kind}", "a store of weights")
    try:
        if path.exists():
            seal.examine(path)
        file = h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise DataError(str(path), f"cannot be opened as a store of weights ({error})") from None
    try:
        with readable(path):
            version = file.attrs.get("format_version")
        if not isinstance(version, (int, np.integer)) or version > FORMAT_VERSION:
            got = "has no format_version" if version is None else f"has format_version {version}"
            raise DataError(str(path), got, f"a store of weights of format_version {FORMAT_VERSION}")
    except BaseException:
        file.close()
        raise
    return file


def hashed_datasets(file: h5py.File) -> Iterator[h5py.Dataset]:
    """The datasets that are covered by the digest of their matrix."""
    for name in file:
        group = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
        if isinstance(group, h5py.Group) and "sha256" in group.attrs:
            own = [key for key in (*SPARSE, *DENSE, "delay", "bias") if isinstance(group.get(key, getlink=True), h5py.HardLink)]
            yield from (group[key] for key in own if isinstance(group[key], h5py.Dataset))


def copy_member(source: h5py.File, target: h5py.File, name: str) -> None:
    """Copy the object `name`; a link to another place is copied as a link."""
    link = source.get(name, getlink=True)
    if isinstance(link, h5py.HardLink):
        source.copy(name, target, name)
    else:
        target[name] = link


def copy_attributes(source: h5py.File, target: h5py.File) -> None:
    """Copy the attributes of a file, keeping their types."""
    for name in source.attrs:
        old = source.attrs.get_id(name)
        new = h5py.h5a.create(target.id, name.encode(), old.get_type(), old.get_space())
        if old.shape is not None:
            values = np.empty(old.shape, old.dtype)
            old.read(values)
            new.write(values)


def is_store(path: str | Path) -> bool:
    """Whether the file at `path` is a weight store."""
    try:
        check_ordinary(path)
        with h5py.File(path, "r") as file:
            return "format_version" in file.attrs and "magic" not in file.attrs
    except OSError:
        return False
