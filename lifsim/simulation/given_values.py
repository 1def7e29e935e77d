"""Values that a user gives to synapses: converts them to one for each synapse of a matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.common.errors import ModelError, problem_of
from lifsim.common.printable import shown
from lifsim.common.values import Distribution, value
from lifsim.network.psp_weights import names_psp
from lifsim.simulation.draws import Draw


class Given(NamedTuple):
    """What a user gives for a variable of synapses.

    place : for messages. name : of the variable. raw : as given. unit : of plain numbers. draw : draws from distributions.
    """

    place: str
    name: str
    raw: Any
    unit: str
    draw: Draw


def values_like(given: Given, old: Any, summed: bool = False) -> np.ndarray:
    """The values that a user gives to the synapses of the matrix `old`, in its order; shape (n_synapses,).

    If a pair has several synapses (multapses), an entry of a matrix of shape (n_target, n_source) without duplicates is the sum of their
    values with `summed`, in the proportions that they have now (in equal parts if they nearly cancel); else the value of each.

    Parameters
    ----------
    given : a number, a text with a unit, or a distribution; an array of shape (n_synapses,) or (n_target, n_source); a sparse matrix
        with the same entries; or a function of `old` that returns one of these. old : csc_array. summed : as above.

    Raises
    ------
    ModelError : `given` is none of these.
    """
    from scipy.sparse import issparse

    place, raw = given.place, given.raw
    if callable(raw):
        raw = raw(old.copy())
        if raw is None:
            raise ModelError(place, "the function returned nothing", "a function that returns the new values")
    if issparse(raw):
        new = raw.tocsc()
        if new.shape == old.shape and new.nnz == old.nnz and _same_entries(new, old):
            return _in_order_of(new, old)
        pairs, once = new.copy(), old.copy()
        pairs.sum_duplicates()
        once.sum_duplicates()
        if new.shape == old.shape and pairs.nnz == once.nnz and _same_entries(pairs, once):
            return _of_pairs(old, pairs.toarray(), summed)
        got = f"a sparse matrix of shape {new.shape} with {new.nnz} entries"
        raise ModelError(place, got, f"the entries of sim.matrix: shape {old.shape}, {old.nnz} entries, {once.nnz} pairs")
    allowed = f"a number, an array of shape ({old.nnz},) or {old.shape}, a sparse matrix like sim.matrix, or a function of it"
    if names_psp(raw):
        raise ModelError(place, shown(raw), "a weight as a number; lifsim.theory.psc_for_psp gives the one of a PSP (connect takes both)")
    try:
        found = value(raw, given.unit)
    except ValueError as error:
        problem = problem_of(place, error)
        raise ModelError(place, problem.got, problem.allowed or allowed) from None
    if isinstance(found, Distribution):
        return given.draw(given.name, found, old.nnz)
    array = np.asarray(found, np.float64)
    if array.shape in ((), (old.nnz,)):
        return np.broadcast_to(array, old.nnz).copy()
    if array.shape == old.shape:
        return _of_pairs(old, array, summed)
    raise ModelError(place, f"an array of shape {array.shape}" if array.ndim < 3 else shown(raw), allowed)


def _of_pairs(old: Any, given: np.ndarray, summed: bool) -> np.ndarray:
    """The values of the synapses of `old` from one number for each pair, shape (n_target, n_source); see `values_like`."""
    columns = np.repeat(np.arange(old.shape[1]), np.diff(old.indptr))
    wanted = given[old.indices, columns]
    pair = np.unique(columns * old.shape[0] + old.indices, return_inverse=True)[1]
    number = np.bincount(pair)[pair]
    if not summed or number.max(initial=1) == 1:
        return wanted
    total, size = (np.bincount(pair, values)[pair] for values in (old.data, np.abs(old.data)))
    proportional = np.abs(total) > 0.5 * size  # else weights of both signs nearly cancel: the new ones are shared equally
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(proportional, old.data * (wanted / total), wanted / number)


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
