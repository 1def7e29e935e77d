"""Covariances and correlations of the spike counts of pairs of neurons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.analysis.bins import binned, entries
from lifsim.analysis.neurons import chosen
from lifsim.results.spikes import Spikes

_ROWS = 512  # of a matrix that are computed at a time
_DENSE = 0.06  # with more non-zero counts than this share, products of dense matrices are faster


def correlation(spikes: Spikes, bin: float = 2.0, n: int = 200, seed: int = 0) -> float:
    """Mean Pearson correlation of spike counts over all pairs of a random sample of neurons.

    Pairs in which a neuron's count is the same in all bins are left out.

    Parameters
    ----------
    spikes : the spikes of one population. bin : width of the bins, ms.
    n : size of the sample, drawn from the neurons with at least one spike; all of them if they are fewer.
    seed : seed of the random sample.

    Returns
    -------
    The mean correlation coefficient; nan without such pairs.

    Raises
    ------
    DataError : `bin` is not above 0.
    """
    return mean_of_pairs(correlations(spikes, bin, n, seed))


def mean_of_pairs(matrix: np.ndarray) -> float:
    """Mean over the pairs of a symmetric matrix that are not nan; nan if there are none."""
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    return float(pairs[~np.isnan(pairs)].mean()) if (~np.isnan(pairs)).any() else math.nan


def correlations(spikes: Spikes, bin: float = 2.0, n: int = 200, seed: int = 0) -> np.ndarray:
    """Pearson correlations of the spike counts of a random sample of neurons, which `correlation` averages.

    Parameters
    ----------
    spikes, bin, n, seed : as for `correlation`.

    Returns
    -------
    Correlation coefficients, float64 (n, n), or smaller with fewer neurons; nan where a count is the same in all bins.

    Raises
    ------
    DataError : `bin` is not above 0.
    """
    index, n_bins = binned(spikes, bin)
    return _correlations(spikes, bin, sample(np.unique(spikes.ids[index < n_bins]), n, seed))


def sample(active: np.ndarray, n: int, seed: int) -> np.ndarray:
    """`n` of the neurons `active`, ascending ids, drawn at random; all of them, in random order, if they are fewer."""
    return np.random.default_rng(seed).choice(active, min(n, len(active)), replace=False)


def covariance_matrix(spikes: Spikes, ids: Any = None, bin: float = 5.0) -> np.ndarray:
    """Covariances of the spike counts of pairs of neurons.

    C_ij = sum over bins of (c_i - mean(c_i)) (c_j - mean(c_j)) / (n_bins - 1) (S. Grün, S. Rotter, eds., Analysis of Parallel Spike
    Trains, 2010). Same as `elephant.spike_train_correlation.covariance`, but for spikes on edges of bins.

    Parameters
    ----------
    spikes : the spikes of one population.
    ids : the neurons; default: all recorded ones.
    bin : width of the bins, ms; only whole bins are used.

    Returns
    -------
    float64 (n_neurons, n_neurons), in the order of `ids` (``spikes.recorded_ids``). Silent neurons have 0; with fewer than 2 bins all
    are nan.

    Raises
    ------
    DataError : `bin` is not above 0, or a neuron of `ids` was not recorded.
    """
    scatter, n_bins = _scatter(spikes, bin, chosen(spikes, ids))
    if n_bins < 2:
        return np.full_like(scatter, math.nan)
    scatter /= float(n_bins) * (n_bins - 1)
    return scatter


def correlation_matrix(spikes: Spikes, ids: Any = None, bin: float = 5.0) -> np.ndarray:
    """Pearson correlation coefficients of the spike counts of pairs of neurons.

    rho_ij = C_ij / sqrt(C_ii C_jj) with the covariances C of `covariance_matrix`. Same as
    `elephant.spike_train_correlation.correlation_coefficient`, but for spikes on edges of bins.

    Parameters
    ----------
    spikes, ids, bin : as for `covariance_matrix`.

    Returns
    -------
    float64 (n_neurons, n_neurons), in the order of `ids` (``spikes.recorded_ids``), with 1 on the diagonal; nan in the rows and columns
    of neurons whose count is the same in all bins, such as silent neurons.

    Raises
    ------
    DataError : `bin` is not above 0, or a neuron of `ids` was not recorded.
    """
    return _correlations(spikes, bin, chosen(spikes, ids))


def _correlations(spikes: Spikes, bin: float, neurons: np.ndarray) -> np.ndarray:
    scatter, _ = _scatter(spikes, bin, neurons)
    deviation = np.sqrt(np.diag(scatter))
    deviation[deviation == 0] = math.nan
    for a in range(0, len(scatter), _ROWS):  # in place: the matrix of a large population fills the memory
        scatter[a : a + _ROWS] /= deviation[a : a + _ROWS, None] * deviation
    return scatter


def _scatter(spikes: Spikes, bin: float, neurons: np.ndarray) -> tuple[np.ndarray, int]:
    """n Σ c_i c_j - Σ c_i Σ c_j over the n bins, and n. All are whole numbers, so that no digits are lost."""
    from scipy.sparse import csr_matrix

    row, column, n_bins = entries(spikes, bin, neurons)
    size, width = len(neurons), max(n_bins, 1)
    number = csr_matrix((np.ones(len(row)), (row, column)), shape=(size, width))
    number.sum_duplicates()
    dense = number.nnz > _DENSE * size * width
    exact = width * number.data.max(initial=0.0) ** 2 < 2**24  # float32 then holds every sum of products, and is twice as fast
    by_bin = number.astype(np.float32 if exact else np.float64).toarray() if dense else number
    total = np.bincount(row, minlength=size).astype(np.float64)
    found = np.empty((size, size))
    for a in range(0, size, _ROWS):
        z = min(a + _ROWS, size)
        block = by_bin[a:z] @ by_bin[a:].T
        block = np.multiply(block if dense else block.toarray(), float(n_bins), dtype=np.float64)
        out = found[a:z, a:]
        np.multiply(total[a:z, None], total[a:], out=out)
        np.subtract(block, out, out=out)
        found[z:, a:z] = found[a:z, z:].T
    return found, n_bins
