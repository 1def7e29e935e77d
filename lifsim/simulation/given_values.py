"""Values that a user gives to synapses: converts them to one for each synapse of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.printable import shown


def values_like(place: str, value: Any, old: Any, summed: bool = True) -> np.ndarray:
    """The weights or delays that `value` gives to the synapses of the matrix `old`, in its order; shape (n_synapses,).

    If a pair has several synapses (multapses), an entry of a matrix of shape (n_target, n_source) without duplicates is the sum of their
    values with `summed`, in the proportions that they have now; else the value of each.

    Parameters
    ----------
    place : for messages. value : a number; an array of shape (n_synapses,) or (n_target, n_source); a sparse matrix with the same
        entries; or a function of `old` that returns one of these. old : csc_array. summed : as above.

    Raises
    ------
    ModelError : `value` is none of these.
    """
    from scipy.sparse import issparse

    if callable(value):
        value = value(old.copy())
        if value is None:
            raise ModelError(place, "the function returned nothing", "a function that returns the new values")
    if issparse(value):
        new = value.tocsc()
        if new.shape == old.shape and new.nnz == old.nnz and _same_entries(new, old):
            return _in_order_of(new, old)
        pairs, once = new.copy(), old.copy()
        pairs.sum_duplicates()
        once.sum_duplicates()
        if new.shape == old.shape and pairs.nnz == once.nnz and _same_entries(pairs, once):
            return _of_pairs(old, pairs.toarray(), summed)
        got = f"a sparse matrix of shape {new.shape} with {new.nnz} entries"
        raise ModelError(place, got, f"the entries of sim.matrix: shape {old.shape}, {old.nnz} entries, {once.nnz} pairs")
    try:
        given = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        given = np.zeros((0, 0, 0))
    if given.shape in ((), (old.nnz,)) and not isinstance(value, (str, bool)):
        return np.broadcast_to(given, old.nnz).copy()
    if given.shape == old.shape:
        return _of_pairs(old, given, summed)
    allowed = f"a number, an array of shape ({old.nnz},) or {old.shape}, a sparse matrix like sim.matrix, or a function of it"
    raise ModelError(place, f"an array of shape {given.shape}" if given.ndim < 3 else shown(value), allowed)


def _of_pairs(old: Any, given: np.ndarray, summed: bool) -> np.ndarray:
    """The values of the synapses of `old` from one number for each pair, shape (n_target, n_source); see `values_like`."""
    columns = np.repeat(np.arange(old.shape[1]), np.diff(old.indptr))
    wanted = given[old.indices, columns]
    pair = np.unique(columns * old.shape[0] + old.indices, return_inverse=True)[1]
    number = np.bincount(pair)[pair]
    if not summed or number.max(initial=1) == 1:
        return wanted
    total = np.bincount(pair, old.data)[pair]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total != 0, old.data * (wanted / total), wanted / number)


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
