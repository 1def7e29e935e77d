"""Correlograms: how many pairs of spikes there are at each time lag."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.analysis.bins import binned, counts
from lifsim.analysis.neurons import chosen, places
from lifsim.common.errors import DataError
from lifsim.results.spikes import Spikes


def cross_correlogram(spikes: Spikes, other: Spikes, bin: float = 1.0, lag: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """Cross-correlogram of the activity of two populations, or of two neurons: the number of pairs of spikes at each lag.

    c(l) = sum over bins k of a_k b_k+l, with the spike counts a of `spikes` and b of `other`: at a positive lag, `other` fires after
    `spikes`. Same as `elephant.spike_train_correlation.cross_correlation_histogram` of the counts, without border correction.

    Parameters
    ----------
    spikes, other : the spikes of two populations, recorded in the same window. For single neurons, take `select`.
    bin : width of the bins, ms.
    lag : largest lag, ms.

    Returns
    -------
    (lags, counts) : lags in ms, multiples of `bin` from -`lag` to `lag`, float64 (n_lags,); number of pairs of spikes, int64 (n_lags,).
    With the same spikes twice, lag 0 holds the pairs of each spike with itself.

    Raises
    ------
    DataError : `bin` is not above 0, `lag` is negative, or the two windows differ.
    """
    from scipy.signal import correlate

    if (spikes.t_start, spikes.t_stop) != (other.t_start, other.t_stop):
        raise DataError("other", f"was recorded in ({other.t_start:g}, {other.t_stop:g}] ms", "the same window for both")
    reach = _reach(bin, lag)
    a, b = counts(spikes, bin).astype(np.float64), counts(other, bin).astype(np.float64)
    n, found = len(a), np.zeros(2 * reach + 1, np.int64)
    if n:
        full = np.rint(correlate(b, a, mode="full")).astype(np.int64)  # whole numbers: rounding removes the errors of the FFT
        near = min(reach, n - 1)
        found[reach - near : reach + near + 1] = full[n - 1 - near : n + near]
    return bin * np.arange(-reach, reach + 1), found


def autocorrelograms(spikes: Spikes, bin: float = 1.0, lag: float = 100.0, ids: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Autocorrelogram of each neuron: the number of pairs of its spikes at each lag.

    c(l) = sum over bins k of n_k n_k+l, with the spike counts n of the neuron, as `cross_correlogram` of its spikes with themselves. It
    is symmetric; only lags from 0 on are given.

    Parameters
    ----------
    spikes : the spikes of one population.
    bin : width of the bins, ms.
    lag : largest lag, ms.
    ids : the neurons; default: all recorded ones.

    Returns
    -------
    (lags, counts) : lags in ms, multiples of `bin` from 0 to `lag`, float64 (n_lags,); number of pairs of spikes, int64
    (n_neurons, n_lags). Lag 0 holds the pairs of each spike with itself.

    Raises
    ------
    DataError : `bin` is not above 0, `lag` is negative, or a neuron of `ids` was not recorded.
    """
    reach, neurons = _reach(bin, lag), chosen(spikes, ids)
    index, n = binned(spikes, bin)
    row = places(spikes.ids, neurons)
    order = np.argsort(row, kind="stable")
    order = order[(row[order] >= 0) & (index[order] < n)]
    row, index = row[order], index[order]
    found = np.zeros(len(neurons) * (reach + 1), np.int64)
    apart = 0
    first = np.arange(len(row))
    while len(first):  # pairs of a spike and the one `apart` spikes later, until no pair is near enough
        second = first + apart
        inside = second < len(row)
        first, second = first[inside], second[inside]
        gap = index[second] - index[first]
        near = (row[second] == row[first]) & (gap <= reach)
        first, gap = first[near], gap[near]
        pairs = np.bincount(row[first] * (reach + 1) + gap, minlength=len(found))
        found += pairs if apart == 0 else pairs + np.where(np.arange(len(found)) % (reach + 1) == 0, pairs, 0)
        apart += 1
    return bin * np.arange(reach + 1), found.reshape(len(neurons), reach + 1)


def _reach(bin: float, lag: float) -> int:
    if not 0 < bin < math.inf:
        raise DataError("bin", f"{bin:g} ms", "must be above 0")
    if not 0 <= lag < math.inf:
        raise DataError("lag", f"{lag:g} ms", "a time from 0 on")
    return math.floor(lag / bin + 1e-9)
