"""A dataset of known size that is filled row by row."""

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
    """Gathers the rows of a `reserved` dataset in large blocks; meanwhile their SHA-256 is taken and they are written, past HDF5.

    name : what the digest of all content calls it; "" for a copy of another column, which is not in it.
    """

    def __init__(self, name: str, dataset: h5py.Dataset) -> None:
        self.name, self.dataset, self.digest = name, dataset, ""
        self._held = 0
        self._hash = hashlib.sha256()
        self._leaving: Future[None] | None = None

    def open(self, block: int, place: unfailing.Unfailing, aside: Executor) -> None:
        """Make room for two blocks, of `block` bytes together; the threads of `aside` write full ones into the file."""
        row = math.prod(self.dataset.shape[1:]) * self.dataset.dtype.itemsize
        n = max(1, min(len(self.dataset), block // max(2 * row, 1)))  # one is filled while the other leaves
        self._block, self._other = np.empty((2, n, *self.dataset.shape[1:]), self.dataset.dtype)
        self._at = self.dataset.id.get_offset()
        self._place, self._aside = place, aside

    def append(self, rows: np.ndarray) -> None:
        """Add rows, which become numbers of the dataset's type (OSError if the disk is full)."""
        for place, these in self.room(len(rows)):
            place[:] = rows[these]

    def room(self, n: int) -> Iterator[tuple[np.ndarray, slice]]:
        """Add `n` rows, by pieces: where the caller is to put each, and which rows they are (OSError if the disk is full)."""
        first = 0
        while first < n:
            last = min(n, first + len(self._block) - self._held)
            yield self._block[self._held : self._held + last - first], slice(first, last)
            self._held += last - first
            if self._held == len(self._block):
                self._flush()
            first = last

    def end(self) -> None:
        """Send off the rest: no more rows come."""
        if self._held:
            self._flush()

    def finish(self) -> None:
        """Return when all is written, with the digest of it as an attribute."""
        self._wait()
        self._place.check()
        self.digest = self._hash.hexdigest()
        self.dataset.attrs["sha256"] = fixed(self.digest)
        del self._block, self._other

    def _flush(self) -> None:
        block = self._block[: self._held]
        self._wait()
        self._place.check()
        self._leaving = self._aside.submit(self._leave, block, self._at)
        self._at += block.nbytes
        self._held = 0
        self._block, self._other = self._other, self._block

    def _leave(self, block: Any, at: int) -> None:
        self._hash.update(block)
        self._place.put(at, block)

    def _wait(self) -> None:
        """Until the other block may be filled anew."""
        if self._leaving is not None:
            self._leaving.result()
            self._leaving = None


def reserved(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    """A contiguous dataset that has its place in the file, with nothing written there yet."""
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_layout(h5py.h5d.CONTIGUOUS)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return group.create_dataset(name, shape, dtype, dcpl=settings)


def fixed(text: str) -> np.ndarray:
    """`text` as UTF-8 of fixed length: HDF5 was measured to crash on damaged strings of variable length."""
    raw = text.encode()
    return np.array(raw, dtype=h5py.string_dtype("utf-8", max(len(raw), 1)))


def scalar(group: h5py.Group, name: str, value: Any) -> h5py.Dataset:
    """A dataset of one value. (Four times as quick as by ``group.create_dataset``: a file of results has twenty of them.)"""
    data = np.asarray(value)
    kind, one = h5py.h5t.py_create(data.dtype, logical=True), h5py.h5s.create(h5py.h5s.SCALAR)
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_obj_track_times(False)  # the same content is the same bytes
    made = h5py.h5d.create(group.id, name.encode(), kind, one, dcpl=settings)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data, mtype=kind)
    return h5py.Dataset(made)


def attribute(place: h5py.Group | h5py.Dataset, name: str, value: Any) -> None:
    """Give `place` an attribute that it has not yet, of one value. (Three times as quick as by ``place.attrs``.)"""
    data = np.asarray(value)
    kind, one = h5py.h5t.py_create(data.dtype, logical=True), h5py.h5s.create(h5py.h5s.SCALAR)
    h5py.h5a.create(place.id, name.encode(), kind, one).write(data, mtype=kind)
