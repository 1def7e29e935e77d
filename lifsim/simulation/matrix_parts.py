"""Sparse matrices of the synapses between two populations, and their parts for two views."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.network import View


def matrix_of(source: View, target: View, sources: np.ndarray, targets: np.ndarray, data: np.ndarray) -> Any:
    """The csc_array (n_target, n_source) of the synapses between two views.

    Parameters
    ----------
    sources, targets : index of each synapse's ends in their populations, sorted by source, then target. data : of each synapse.
    """
    return part_of(source, target, data, targets, pointers(sources, source.population.n))


def part_of(source: View, target: View, data: np.ndarray, index: np.ndarray, begin: np.ndarray) -> Any:
    """The csc_array of synapses between the populations of two views (`index`: of their targets), or its part for the views."""
    from scipy.sparse import csc_array

    whole = csc_array((data, index, begin), shape=(target.population.n, source.population.n))
    return whole if source.whole and target.whole else whole[:, source.ids][target.ids, :]


def places_in(whole: Any, source: View, target: View) -> np.ndarray:
    """The indices in the data of `whole`, the matrix between two populations, of the entries of its part for `source` and `target`, in
    the order of that part.
    """
    numbered = whole.copy()
    numbered.data = np.arange(1, whole.nnz + 1)  # from 1: an entry of 0 might be left out
    places: np.ndarray = numbered[:, source.ids][target.ids, :].data - 1
    return places


def pointers(sources: np.ndarray, n: int) -> np.ndarray:
    """Where the synapses of each of `n` sources begin, shape (n + 1,); `sources` are ascending."""
    return np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n))])
