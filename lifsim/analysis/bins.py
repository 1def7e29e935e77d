"""Spike counts in bins: of a whole population, and of each neuron."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.analysis.neurons import chosen, places
from lifsim.analysis.passes import Piece, accumulate
from lifsim.common.errors import DataError
from lifsim.common.timegrid import on_grid, steps
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes


def binned(spikes: Spikes, width: float) -> tuple[np.ndarray, int]:
    """Assign spikes to bins, the first of which begins at ``spikes.t_start``.

    Parameters
    ----------
    spikes : the spikes of one population. width : width of the bins, ms.

    Returns
    -------
    (index, n_bins) : the bin of each spike, int64 (n_spikes,), from 0; the number of whole bins. Spikes after the last whole bin have
    the index `n_bins`.

    Raises
    ------
    DataError : `width` is not above 0.
    """
    n = n_bins(spikes, width)
    return np.minimum(_bin_index(spikes, width), n), n


def n_bins(spikes: Spikes | SpikeStream, width: float) -> int:
    """The number of whole bins of `width` (ms) in the window (DataError if `width` is not above 0)."""
    if not width > 0:
        raise DataError("bin", f"{width:g} ms", "must be above 0")
    return max(0, math.floor((spikes.t_stop - spikes.t_start) / width + 1e-6))


def _bin_index(spikes: Spikes, width: float) -> np.ndarray:
    dt = spikes.dt
    if dt > 0 and on_grid(width, dt):  # counted in whole steps, unaffected by rounding errors of the times
        step = np.ceil(spikes.times / dt - 1e-6).astype(np.int64)
        since = step - math.floor(spikes.t_start / dt + 1e-6) - 1
        return np.maximum(since, 0) // steps(width, dt)  # a spike at t_start itself, as other tools have at 0 ms, is in the first bin
    return np.maximum(np.ceil((spikes.times - spikes.t_start) / width - 1e-9).astype(np.int64) - 1, 0)


class BinCounts:
    """Spike count of the whole population in each bin, `number`, while the spikes pass in pieces. Arguments: see `counts`."""

    def __init__(self, spikes: Spikes | SpikeStream, bin: float) -> None:
        self._bin = bin
        self.number = np.zeros(n_bins(spikes, bin), np.int64)

    def add(self, piece: Piece) -> None:
        """Count the spikes of the next piece."""
        index, n = binned(piece.spikes, self._bin)
        if len(index):
            first = int(index[0])  # the times are ascending: only the bins of the piece
            here = np.bincount(index - first)[: n - first]
            self.number[first : first + len(here)] += here


def counts(spikes: Spikes | SpikeStream, bin: float) -> np.ndarray:
    """Spike count of the whole population in each bin.

    Parameters
    ----------
    spikes : the spikes of one population. bin : width of the bins, ms.

    Returns
    -------
    int64 (n_bins,), whole bins only.

    Raises
    ------
    DataError : `bin` is not above 0.
    """
    found = BinCounts(spikes, bin)
    accumulate(spikes, found)
    return found.number


def spike_counts(spikes: Spikes, bin: float, ids: Any = None) -> np.ndarray:
    """Spike count of each neuron in each bin.

    Parameters
    ----------
    spikes : the spikes of one population. bin : width of the bins, ms. ids : the neurons; default: all recorded ones.

    Returns
    -------
    int64 (n_neurons, n_bins), whole bins only, in the order of `ids` (``spikes.recorded_ids``). A bin includes its end and excludes
    its start.

    Raises
    ------
    DataError : `bin` is not above 0, or a neuron of `ids` was not recorded.
    """
    neurons = chosen(spikes, ids)
    row, column, n = entries(spikes, bin, neurons)
    return np.bincount(row * n + column, minlength=len(neurons) * n).reshape(len(neurons), n)


def entries(spikes: Spikes, bin: float, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(row, column, n_bins): index of the neuron in `neurons`, and of the bin, of each of their spikes in whole bins."""
    index, n = binned(spikes, bin)
    row = places(spikes.ids, neurons)
    used = (row >= 0) & (index < n)
    return row[used], index[used], n


def fano_factor(spikes: Spikes | SpikeStream, bin: float = 2.0) -> float:
    """Fano factor of the population spike count: its variance over its mean, across bins.

    Parameters
    ----------
    spikes : the spikes of one population. bin : width of the bins, ms.

    Returns
    -------
    The Fano factor; nan without spikes.

    Raises
    ------
    DataError : `bin` is not above 0.
    """
    return variance_over_mean(counts(spikes, bin))


def variance_over_mean(number: np.ndarray) -> float:
    """Variance of spike counts (divided by n) over their mean; nan if there are no spikes."""
    return float(number.var() / number.mean()) if number.any() else math.nan


class CountSquares:
    """Sums of the spike counts of each recorded neuron in windows, and of their squares, while the spikes pass in pieces.

    spikes : for the limits of the recording and the neurons. window : width of the windows, ms.
    """

    def __init__(self, spikes: Spikes | SpikeStream, window: float) -> None:
        self.windows = n_bins(spikes, window)
        self._width = window
        size = len(spikes.recorded_ids)
        self.total, self.squares = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._open, self._held = np.full(size, -1), np.zeros(size, np.int64)  # each neuron's last window, and its count so far

    def add(self, piece: Piece) -> None:
        """Count the spikes of the next piece."""
        index, n = binned(piece.spikes.having(piece.times, piece.spikes.ids), self._width)
        starts = np.zeros(len(index), bool)
        starts[1:] = index[1:] != index[:-1]
        starts[piece.first] = True
        start = np.flatnonzero(starts)  # where a neuron enters another window
        index, number = index[start], np.diff(np.append(start, len(starts)))
        number[index == n] = 0  # after the last whole window
        first = np.searchsorted(start, piece.first)
        last = np.append(first[1:], len(start)) - 1
        neuron, held = piece.active, self._held[piece.active]
        goes_on = self._open[neuron] == index[first]  # the first window of a neuron in this piece began in an earlier piece
        self.squares[neuron] += np.where(goes_on, 0, held**2)
        self.total[neuron] -= np.where(goes_on, held, 0)
        number[first] += np.where(goes_on, held, 0)
        self._open[neuron], self._held[neuron] = index[last], number[last]
        if len(first):
            self.total[neuron] += np.add.reduceat(number, first)
            self.squares[neuron] += np.add.reduceat(number**2, first) - number[last] ** 2

    def fano(self) -> np.ndarray:
        """Variance over mean of the counts of each neuron; nan without spikes."""
        squares, n = self.squares + self._held**2, max(self.windows, 1)
        total = np.where(self.total > 0, self.total, 1)
        # (n Σc² - (Σc)²) / n² over Σc / n, with whole numbers, which lose no digits
        return np.where(self.total > 0, (n * squares - self.total**2) / (n * total), math.nan)


def fano_factors(spikes: Spikes | SpikeStream, window: float = 100.0) -> np.ndarray:
    """Fano factor of each recorded neuron: variance over mean of its spike counts in successive windows of the recording.

    F = var(c) / mean(c), with the variance divided by the number of windows (U. Fano, Phys. Rev. 72, 26, 1947). A Poisson process of
    constant rate has 1. `elephant.statistics.fanofactor` of the pieces of a spike train gives the same; `trial_fano_factors` compares
    trials instead.

    Parameters
    ----------
    spikes : the spikes of one population. window : width of the windows, ms; only whole windows are used.

    Returns
    -------
    float64 (n_recorded,), in the order of ``spikes.recorded_ids``; nan for neurons without spikes in whole windows. With a single
    window it is 0.

    Raises
    ------
    DataError : `window` is not above 0.
    """
    found = CountSquares(spikes, window)
    accumulate(spikes, found)
    return found.fano()
