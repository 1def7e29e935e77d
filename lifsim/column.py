"""A dataset of known size that is filled row by row."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import h5py
import numpy as np

from lifsim import disk


class Column:
    """Gathers rows in large blocks, writes them to `dataset` and takes their SHA-256 meanwhile.

    name : what the digest of all content calls it; "" for a copy of another column, which is not in it.
    """

    def __init__(self, name: str, dataset: h5py.Dataset) -> None:
        self.name, self.dataset, self.digest = name, dataset, ""
        self._row = self._held = 0
        self._hash = hashlib.sha256()
        self._hashing: Future[None] | None = None

    def open(self, block: int, below: disk.Unfailing, aside: Executor) -> None:
        """Make room for two blocks, of `block` bytes together; `aside` takes their digest."""
        row = math.prod(self.dataset.shape[1:]) * self.dataset.dtype.itemsize
        n = max(1, min(len(self.dataset), block // max(2 * row, 1)))  # one is filled while the digest of the other is taken
        self._block, self._other = np.empty((2, n, *self.dataset.shape[1:]), self.dataset.dtype)
        self._below, self._aside = below, aside

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

    def finish(self) -> None:
        """Write the rest, and the digest of all as an attribute."""
        if self._held:
            self._flush()
        self._wait()
        self.digest = self._hash.hexdigest()
        self.dataset.attrs["sha256"] = fixed(self.digest)
        del self._block, self._other

    def _flush(self) -> None:
        block: Any = self._block[: self._held]
        self._wait()
        self._hashing = self._aside.submit(self._hash.update, block)
        self.dataset[self._row : self._row + len(block)] = block
        self._below.check()
        self._row += len(block)
        self._held = 0
        self._block, self._other = self._other, self._block

    def _wait(self) -> None:
        """Until the other block may be filled anew."""
        if self._hashing is not None:
            self._hashing.result()
            self._hashing = None


def fixed(text: str) -> np.ndarray:
    """`text` as UTF-8 of fixed length: HDF5 was measured to crash on damaged strings of variable length."""
    raw = text.encode()
    return np.array(raw, dtype=h5py.string_dtype("utf-8", max(len(raw), 1)))
