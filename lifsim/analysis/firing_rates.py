"""Firing rates: means of each neuron, of the population over time, from single intervals, and smoothed with a kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.analysis.bins import counts, spike_counts
from lifsim.analysis.neurons import chosen, places
from lifsim.analysis.passes import Piece, accumulate
from lifsim.common.errors import DataError, did_you_mean
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes


class SpikeTotals:
    """Number of spikes of each of `n` recorded neurons, `number`, while the spikes pass in pieces."""

    def __init__(self, n: int) -> None:
        self.number = np.zeros(n, np.int64)

    def add(self, piece: Piece) -> None:
        """Count the spikes of the next piece."""
        self.number += piece.number


def rates(spikes: Spikes | SpikeStream, t_start: float | None = None, t_stop: float | None = None) -> np.ndarray:
    """Mean firing rate of each recorded neuron.

    Parameters
    ----------
    spikes : the spikes of one population.
    t_start, t_stop : limits of the window, ms; default: the whole recording.

    Returns
    -------
    Rates in spikes/s, float64 (n_recorded,), in the order of ``spikes.recorded_ids``. Silent neurons have a rate of 0.
    """
    spikes = spikes.window(t_start, t_stop)
    found = SpikeTotals(len(spikes.recorded_ids))
    accumulate(spikes, found)
    return per_second(found.number, spikes.t_stop - spikes.t_start)


def per_second(number: np.ndarray, duration: float) -> np.ndarray:
    """`number` of spikes in `duration` (ms) as rates in spikes/s; 0 if the duration is 0."""
    return number / (duration / 1000.0) if duration > 0 else np.zeros(len(number))


def population_rate(spikes: Spikes | SpikeStream, bin: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean firing rate of a population over time.

    Parameters
    ----------
    spikes : the spikes of one population. bin : width of the bins, ms.

    Returns
    -------
    (centres, rate) : centres of the whole bins in ms, float64 (n_bins,); rate per recorded neuron in spikes/s, float64 (n_bins,).

    Raises
    ------
    DataError : `bin` is not above 0.
    """
    number = counts(spikes, bin)
    centres = spikes.t_start + (np.arange(len(number)) + 0.5) * bin
    return centres, number / (max(len(spikes.recorded_ids), 1) * bin / 1000.0)


def isi_rates(spikes: Spikes, times: Any, ids: Any = None) -> np.ndarray:
    """Instantaneous firing rate of each neuron: the inverse of the inter-spike interval in which a time lies.

    r(t) = 1 / (t_k+1 - t_k) for t_k < t <= t_k+1 (P. Dayan, L. F. Abbott, Theoretical Neuroscience, 2001, sec. 1.2).

    Parameters
    ----------
    spikes : the spikes of one population.
    times : the times in ms, ascending, (n_times,).
    ids : the neurons; default: all recorded ones.

    Returns
    -------
    Rates in spikes/s, float64 (n_neurons, n_times); nan up to a neuron's first spike and after its last one.

    Raises
    ------
    DataError : `times` do not ascend, or a neuron of `ids` was not recorded.
    """
    at = np.asarray(times, np.float64)
    if at.ndim != 1 or np.any(np.diff(at) < 0):
        raise DataError("times", "do not ascend" if at.ndim == 1 else f"have shape {at.shape}", "a list of ascending times in ms")
    neurons = chosen(spikes, ids)
    intervals, ends, row = _intervals_of(spikes, neurons)
    slack = 1e-6 * spikes.dt if spikes.dt > 0 else 0.0
    low, high = (np.searchsorted(at, limit + slack, side="right") for limit in (ends - intervals, ends))
    length = high - low
    place = np.repeat(row * len(at) + low - (np.cumsum(length) - length), length) + np.arange(length.sum())
    found = np.full(len(neurons) * len(at), math.nan)
    found[place] = np.repeat(1000.0 / np.where(intervals > 0, intervals, math.inf), length)
    return found.reshape(len(neurons), len(at))


def _intervals_of(spikes: Spikes, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(intervals, their ends, index of the neuron in `neurons`) of these neurons, by neuron, then time."""
    row = places(spikes.ids, neurons)
    order = np.argsort(row, kind="stable")
    order = order[np.searchsorted(row[order], 0) :]
    row, at = row[order], spikes.times[order]
    same = row[1:] == row[:-1]
    return np.diff(at)[same], at[1:][same], row[1:][same]


# -- kernels ----------------------------------------------------------------------------------------


def _gaussian(t: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(t / sigma))


def _exponential(t: np.ndarray, sigma: float) -> np.ndarray:
    return -np.expm1(-np.maximum(t, 0) / sigma)


def _alpha(t: np.ndarray, sigma: float) -> np.ndarray:
    x = np.maximum(t, 0) * (math.sqrt(2) / sigma)
    return 1.0 - (1.0 + x) * np.exp(-x)


def _boxcar(t: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(0.5 + t / (2 * math.sqrt(3) * sigma), 0.0, 1.0)


# kernel -> its integral up to t, and how far from 0 it is evaluated, in multiples of sigma: less than 1e-9 of it lies beyond
KERNELS = {"gaussian": (_gaussian, 6.2), "exponential": (_exponential, 21.0), "alpha": (_alpha, 18.0), "boxcar": (_boxcar, math.sqrt(3))}


def instantaneous_rate(
    spikes: Spikes, sigma: float = 10.0, kernel: str = "gaussian", step: float = 1.0, ids: Any = None, pooled: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Firing rates over time, smoothed with a kernel: of each neuron, or of the population.

    r_k = sum over bins j of c_j (integral of K(t - t_j) over bin k) / `step`, with the spike counts c_j and the centres t_j of bins of
    width `step`: the mean over the bin of the rate of S. Grün, S. Rotter, eds., Analysis of Parallel Spike Trains, 2010, ch. 2. The
    integral of the rates over time is the number of spikes, whatever the step. sigma is the standard deviation of K:

    - gaussian: exp(-t²/(2 sigma²)) / (sqrt(2 pi) sigma);
    - exponential: exp(-t/sigma) / sigma for t >= 0;
    - alpha: t/tau² exp(-t/tau) for t >= 0, with tau = sigma/sqrt(2);
    - boxcar: 1/(2 h) for |t| < h, with h = sqrt(3) sigma.

    The exponential and the alpha kernel are causal: only spikes up to a time count. Rates within a kernel's width of the ends of the
    recording are too low, since no spikes are known beyond, and the parts of kernels beyond are lost.
    `elephant.statistics.instantaneous_rate` with ``center_kernel=False`` takes K at the centre of each bin, and cuts it at 5 sigma. Both
    are the same in the limit of small steps, but for what lies beyond 5 sigma (0.7 % of the exponential and of the alpha kernel).

    Parameters
    ----------
    spikes : the spikes of one population.
    sigma : standard deviation of the kernel, ms.
    kernel : "gaussian", "exponential", "alpha" or "boxcar".
    step : width of the bins, ms: the time between samples.
    ids : the neurons; default: all recorded ones.
    pooled : whether to give the mean rate over the neurons instead of one for each.

    Returns
    -------
    (centres, rates) : centres of the whole bins in ms, float64 (n_bins,); means over the bins in spikes/s, float64
    (n_neurons, n_bins), or (n_bins,) if `pooled`.

    Raises
    ------
    DataError : `sigma` or `step` is not above 0, the kernel is not known, or a neuron of `ids` was not recorded.
    """
    from scipy.signal import oaconvolve

    for name, value in (("sigma", sigma), ("step", step)):
        if not 0 < value < math.inf:
            raise DataError(name, f"{value:g} ms", "must be above 0")
    if kernel not in KERNELS:
        raise DataError("kernel", f"there is no kernel {kernel!r}", did_you_mean(str(kernel), list(KERNELS)))
    number = spike_counts(spikes, step, ids).astype(np.float64)
    number = number.mean(axis=0, keepdims=True) if pooled and len(number) else number
    integral, cutoff = KERNELS[kernel]
    reach = math.ceil(cutoff * sigma / step)
    weights = np.diff(integral(step * (np.arange(-reach, reach + 2) - 0.5), sigma)) * (1000.0 / step)
    smooth = number
    if number.size:
        smooth = np.maximum(oaconvolve(number, weights[None, :], axes=1)[:, reach : reach + number.shape[1]], 0.0)
    centres = spikes.t_start + (np.arange(number.shape[1]) + 0.5) * step
    return centres, smooth[0] if pooled and len(smooth) else smooth
