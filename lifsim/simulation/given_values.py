"""Values that a user gives to synapses: converts them to one for each synapse of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.printable import shown


def values_like(place: str, value: Any, old: Any) -> np.ndarray:
    """The weights or delays that `value` gives to the synapses of the matrix `old`, in its order; shape (n_synapses,).

    Parameters
    ----------
    place : for messages. value : a number; an array of shape (n_synapses,) or (n_target, n_source); a sparse matrix with the same
        entries; or a function of `old` that returns one of these. old : csc_array.

    Raises
    ------
    ModelError : `value` is none of these.
    """
    from scipy.sparse import issparse

    if callable(value):
        value = value(old.copy())
    if issparse(value):
        new = value.tocsc()
        if new.shape != old.shape or new.nnz != old.nnz or not _same_entries(new, old):
            got = f"a sparse matrix of shape {new.shape} with {new.nnz} entries"
            raise ModelError(place, got, f"the entries of sim.matrix: shape {old.shape}, {old.nnz} entries")
        return _in_order_of(new, old)
    try:
        given = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        given = np.zeros((0, 0, 0))
    if given.shape in ((), (old.nnz,)) and not isinstance(value, (str, bool)):
        return np.broadcast_to(given, old.nnz).copy()
    if given.shape == old.shape:
        columns = np.repeat(np.arange(old.shape[1]), np.diff(old.indptr))
        return given[old.indices, columns]
    allowed = f"a number, an array of shape ({old.nnz},) or {old.shape}, a sparse matrix like sim.matrix, or a function of it"
    raise ModelError(place, f"an array of shape {given.shape}" if given.ndim < 3 else shown(value), allowed)


def _same_entries(new: Any, old: Any) -> bool:
    return bool(np.array_equal(new.indptr, old.indptr) and np.array_equal(_sorted(new)[1], _sorted(old)[1]))


def _in_order_of(new: Any, old: Any) -> np.ndarray:
    out = np.empty(old.nnz)
    out[_sorted(old)[0]] = new.data[_sorted(new)[0]]
    return out


def _sorted(x: Any) -> tuple[np.ndarray, np.ndarray]:
    """The order of the entries of a csc_array by column, then row; and their rows in this order."""
    column = np.repeat(np.arange(x.shape[1]), np.diff(x.indptr))
    order = np.lexsort((x.indices, column))
    return order, x.indices[order]
