"""Writes HDF5 datasets of known size, row by row."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import h5py
import numpy as np

from lifsim.files import unfailing


class Column:
    """Collects the rows of a `reserved` dataset in large blocks, which other threads hash (SHA-256) and write to the file, bypassing HDF5.

    name : the name of the dataset in the digest of all content; "" for a copy of another column, which that digest leaves out.
    """

    def __init__(self, name: str, dataset: h5py.Dataset) -> None:
        self.name, self.dataset, self.digest = name, dataset, ""
        self._held = 0
        self._hash = hashlib.sha256()
        self._pending: Future[None] | None = None

    def open(self, block: int, place: unfailing.Unfailing, executor: Executor) -> None:
        """Allocate two blocks of `block` bytes together. Threads of `executor` write full blocks to `place`."""
        row = math.prod(self.dataset.shape[1:]) * self.dataset.dtype.itemsize
        n = max(1, min(len(self.dataset), block // max(2 * row, 1)))  # one block is filled while the other is written
        self._block, self._other = np.empty((2, n, *self.dataset.shape[1:]), self.dataset.dtype)
        self._at = self.dataset.id.get_offset()
        self._place, self._executor = place, executor

    def append(self, rows: np.ndarray) -> None:
        """Add rows, converted to the type of the dataset (OSError if the disk is full)."""
        for place, these in self.room(len(rows)):
            place[:] = rows[these]

    def room(self, n: int) -> Iterator[tuple[np.ndarray, slice]]:
        """Add `n` rows in pieces: yields the array to be filled by the caller, and which rows go there (OSError if the disk is full)."""
        first = 0
        while first < n:
            last = min(n, first + len(self._block) - self._held)
            yield self._block[self._held : self._held + last - first], slice(first, last)
            self._held += last - first
            if self._held == len(self._block):
                self._flush()
            first = last

    def end(self) -> None:
        """Start writing the last rows. No rows may be added afterwards."""
        if self._held:
            self._flush()

    def finish(self) -> None:
        """Wait until all rows are written, and store their digest as an attribute of the dataset."""
        self._wait()
        self._place.check()
        self.digest = self._hash.hexdigest()
        self.dataset.attrs["sha256"] = fixed(self.digest)
        del self._block, self._other

    def _flush(self) -> None:
        block = self._block[: self._held]
        self._wait()
        self._place.check()
        self._pending = self._executor.submit(self._write_block, block, self._at)
        self._at += block.nbytes
        self._held = 0
        self._block, self._other = self._other, self._block

    def _write_block(self, block: Any, at: int) -> None:
        self._hash.update(block)
        self._place.put(at, block)

    def _wait(self) -> None:
        """Wait until the other block is written and can be filled again."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None


def reserved(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    """Create a contiguous dataset that has its space in the file already, but no content."""
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_layout(h5py.h5d.CONTIGUOUS)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return group.create_dataset(name, shape, dtype, dcpl=settings)


def fixed(text: str) -> np.ndarray:
    """`text` as a UTF-8 string of fixed length: HDF5 was measured to crash on damaged strings of variable length."""
    raw = text.encode()
    return np.array(raw, dtype=h5py.string_dtype("utf-8", max(len(raw), 1)))


def scalar(group: h5py.Group, name: str, value: Any) -> h5py.Dataset:
    """Create a scalar dataset, four times as fast as ``group.create_dataset`` (a file of results has twenty of them)."""
    data = np.asarray(value)
    kind, one = h5py.h5t.py_create(data.dtype, logical=True), h5py.h5s.create(h5py.h5s.SCALAR)
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_obj_track_times(False)  # the same content gives the same bytes
    made = h5py.h5d.create(group.id, name.encode(), kind, one, dcpl=settings)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data, mtype=kind)
    return h5py.Dataset(made)


def attribute(place: h5py.Group | h5py.Dataset, name: str, value: Any) -> None:
    """Create a new scalar attribute of `place`, three times as fast as ``place.attrs``."""
    data = np.asarray(value)
    kind, one = h5py.h5t.py_create(data.dtype, logical=True), h5py.h5s.create(h5py.h5s.SCALAR)
    h5py.h5a.create(place.id, name.encode(), kind, one).write(data, mtype=kind)
