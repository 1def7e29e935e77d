"""Explicit synapses: the entries of a matrix, or lists of sources and targets, in the order in which they were given.

The synapses are not sorted and, where the types allow it, not copied: a matrix of a hundred million entries is
used in place. Loops over all entries work in pieces, so that temporary arrays stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.common.arrays import PIECE, indices, numbers, out_of_range, places

SORTED = 1 << 22  # entries sorted at a time


@dataclass(frozen=True, eq=False)
class ExplicitSynapses:
    """Synapses from `n_source` source nodes to `n_target` target nodes. Synapse i goes from `sources[i]` to `targets[i]`.

    In compressed form, one of the two arrays is empty and `ptr` (int64) replaces it: synapses
    ``ptr[m]`` … ``ptr[m + 1] - 1`` belong to target m (CSR matrix: `targets` is empty) or to source m
    (CSC matrix: `sources` is empty). Indices are int32 or int64.
    """

    n_target: int
    n_source: int
    targets: np.ndarray
    sources: np.ndarray
    ptr: np.ndarray

    def __len__(self) -> int:
        return max(len(self.targets), len(self.sources))

    @property
    def nbytes(self) -> int:
        """Bytes of the indices."""
        return self.targets.nbytes + self.sources.nbytes + self.ptr.nbytes

    def in_range(self) -> bool:
        """Whether all indices are valid."""
        return out_of_range(self.targets, self.n_target) is None and out_of_range(self.sources, self.n_source) is None

    def pair(self, i: int) -> tuple[int, int]:
        """Target and source of synapse `i`."""
        major = int(np.searchsorted(self.ptr, i, "right")) - 1
        return int(self.targets[i]) if len(self.targets) else major, int(self.sources[i]) if len(self.sources) else major

    def pieces(self, most: int = PIECE) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Iterate over the synapses in pieces of about `most`: their slice, targets and sources. A piece of a matrix holds
        whole rows (or columns); a single row may be longer than `most`.
        """
        if not len(self.ptr):
            for a in range(0, len(self), most):
                at = slice(a, a + most)
                yield at, self.targets[at], self.sources[at]
            return
        m = 0
        while m < len(self.ptr) - 1:
            z = max(int(np.searchsorted(self.ptr, self.ptr[m] + most, "right")) - 1, m + 1)
            at = slice(int(self.ptr[m]), int(self.ptr[z]))
            major = np.repeat(np.arange(m, z), np.diff(self.ptr[m : z + 1]))
            yield at, *((major, self.sources[at]) if len(self.sources) else (self.targets[at], major))
            m = z

    def degrees(self) -> np.ndarray:
        """The number of synapses of each target: int64, shape (n_target,)."""
        if len(self.ptr) == self.n_target + 1 and not len(self.targets):
            return np.diff(self.ptr)
        out = np.zeros(self.n_target, np.int64)
        step = max(PIECE, self.n_target)
        for a in range(0, len(self), step):
            out += np.bincount(self.targets[a : a + step], minlength=self.n_target)
        return out

    def by_target(self) -> ByTarget:
        """The synapses sorted by target; those of one target keep their order. Copies the data unless they are sorted already."""
        from scipy import sparse

        none = np.zeros(0, np.int64)
        if len(self) == 0:
            return ByTarget(np.zeros(self.n_target + 1, np.int64), none, None)
        if not len(self.targets):
            return ByTarget(self.ptr, self.sources, None)
        # Converting CSC to CSR is a stable counting sort. The entries of the matrix are the places (or sources) of the synapses.
        n = len(self)
        if len(self.ptr):
            turned = sparse.csc_array((places(n), self.targets, self.ptr), shape=(self.n_target, self.n_source)).tocsr()
            return ByTarget(turned.indptr.astype(np.int64), turned.indices, turned.data)
        turned = sparse.csc_array((self.sources, self.targets, places(n + 1)), shape=(self.n_target, n)).tocsr()
        return ByTarget(turned.indptr.astype(np.int64), turned.data, turned.indices)


@dataclass(frozen=True, eq=False)
class ByTarget:
    """Synapses sorted by target: those of target t have the sources `sources[ptr[t]:ptr[t + 1]]`. `order[i]` is the original
    index of synapse i (None: the order is unchanged).
    """

    ptr: np.ndarray
    sources: np.ndarray
    order: np.ndarray | None

    @property
    def targets(self) -> np.ndarray:
        """The target of each synapse."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))

    def sorted(self, values: Any) -> Any:
        """`values` reordered to match, if it is an array with one entry for each synapse; else `values` itself."""
        return values[self.order] if self.order is not None and isinstance(values, np.ndarray) else values


def side_by_side(given: ExplicitSynapses, copies: int) -> ExplicitSynapses:
    """The synapses repeated `copies` times along the diagonal of a block diagonal matrix."""
    own = len(given)
    dtype = np.int32 if max(given.n_target, given.n_source) * copies < 2**31 else np.int64

    def shifted(index: np.ndarray, by: int) -> np.ndarray:
        return (index + np.arange(copies)[:, None] * by).astype(dtype).ravel() if len(index) else index

    ptr = given.ptr
    if len(ptr):
        ptr = np.append((ptr[:-1] + own * np.arange(copies)[:, None]).ravel(), own * copies)
    targets, sources = shifted(given.targets, given.n_target), shifted(given.sources, given.n_source)
    return ExplicitSynapses(given.n_target * copies, given.n_source * copies, targets, sources, ptr)


def entries(matrix: Any) -> tuple[ExplicitSynapses, np.ndarray]:
    """Synapses and weights from the stored entries of a scipy.sparse matrix (duplicate COO entries are not summed), or the
    non-zero entries of an array.

    Raises
    ------
    ValueError : the arrays of the matrix are inconsistent.
    """
    if not hasattr(matrix, "tocsr"):
        return _nonzero(matrix)
    n_target, n_source = matrix.shape
    if matrix.format == "coo":
        targets, sources = (indices(x) for x in (matrix.coords if hasattr(matrix, "coords") else (matrix.row, matrix.col)))
        targets, sources = (x.astype(np.result_type(targets, sources), copy=False) for x in (targets, sources))
        given, data = ExplicitSynapses(n_target, n_source, targets, sources, np.zeros(0, np.int64)), numbers(matrix.data)
        if not len(targets) == len(sources) == len(data):
            raise ValueError(f"{len(targets)} rows, {len(sources)} columns and {len(data)} entries; must be the same number")
        return given, data
    if matrix.format not in ("csr", "csc"):
        matrix = matrix.tocsr()
    index, data = indices(matrix.indices), numbers(matrix.data)
    ptr = np.array(matrix.indptr, np.int64)
    lines = n_target if matrix.format == "csr" else n_source
    if not (len(ptr) == lines + 1 and ptr[0] == 0 and ptr[-1] == len(index) == len(data) and not np.any(np.diff(ptr) < 0)):
        raise ValueError("indptr is not valid; it must rise from 0 to the number of entries")
    targets, sources = (index[:0], index) if matrix.format == "csr" else (index, index[:0])
    return ExplicitSynapses(n_target, n_source, targets, sources, ptr), data


def _nonzero(array: np.ndarray) -> tuple[ExplicitSynapses, np.ndarray]:
    """The non-zero entries of an array, in order of rows."""
    rows = max(PIECE // max(array.shape[1], 1), 1)
    number = [np.count_nonzero(array[a : a + rows], axis=1) for a in range(0, len(array), rows)]
    ptr = np.concatenate([[0], np.cumsum(np.concatenate(number or [np.zeros(0, np.int64)]))])
    index, data = np.empty(ptr[-1], np.int32), np.empty(ptr[-1], array.dtype)
    for a in range(0, len(array), rows):
        piece = array[a : a + rows]
        row, column = np.nonzero(piece)
        at = slice(ptr[a], ptr[min(a + rows, len(array))])
        index[at], data[at] = column, piece[row, column]
    return ExplicitSynapses(array.shape[0], array.shape[1], index[:0], index, ptr), data
