"""Spike-triggered averages of recorded traces and stimuli."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.analysis.neurons import chosen, places
from lifsim.common.errors import DataError
from lifsim.results.spikes import Spikes


def spike_triggered_average(
    spikes: Spikes, trace: np.ndarray, times: np.ndarray, before: float = 50.0, after: float = 50.0, ids: Any = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Average of a trace or stimulus around spikes.

    A(lag) = mean over spikes t_k of x(t_k + lag) (P. Dayan, L. F. Abbott, Theoretical Neuroscience, 2001, sec. 1.3). A spike between two
    samples counts as at the later one, at which its time step ends. Same as `elephant.sta.spike_triggered_average` for spikes at the
    times of samples.

    Parameters
    ----------
    spikes : the spikes of one population.
    trace : samples, (n_samples,) or (n_samples, n_columns), such as ``traces["V_m"]``.
    times : times of the samples in ms, equally spaced, (n_samples,), as from ``traces.times_of("V_m")``.
    before, after : extent of the average before and after a spike, ms.
    ids : the neurons whose spikes are taken; default: all recorded ones. The columns of a trace need not belong to them.

    Returns
    -------
    (lags, average, n) : lags in ms, float64 (n_lags,), multiples of the sampling interval from -before to after; the average, float64
    (n_lags,) or (n_lags, n_columns), nan without spikes; the number of spikes. Spikes around which the trace does not cover all lags
    are left out.

    Raises
    ------
    DataError : the shapes do not fit, times are not equally spaced, `before` + `after` is negative, or a neuron of `ids` was not recorded.
    """
    x, at = np.asarray(trace, np.float64), np.asarray(times, np.float64)
    if x.ndim not in (1, 2) or at.shape != x.shape[:1] or len(at) < 2:
        raise DataError("trace", f"has shape {x.shape}, times {at.shape}", "two samples or more, each with its time")
    interval = (at[-1] - at[0]) / (len(at) - 1)
    if not interval > 0 or np.abs(np.diff(at) - interval).max() > 1e-6 * interval:
        raise DataError("times", "are not equally spaced", "the times of samples at a fixed interval")
    low, high = -math.floor(before / interval + 1e-6), math.floor(after / interval + 1e-6)
    if low > high:
        raise DataError("before, after", f"{before:g} ms, {after:g} ms", "a window that is not empty")
    sample = np.ceil((spikes.times - at[0]) / interval - 1e-6).astype(np.int64)
    if ids is not None:
        sample = sample[places(spikes.ids, chosen(spikes, ids)) >= 0]
    sample = sample[(sample + low >= 0) & (sample + high < len(at))]
    where, number = np.unique(sample, return_counts=True)
    total = np.empty((high - low + 1, *x.shape[1:]))
    for k, lag in enumerate(range(low, high + 1)):
        total[k] = number @ x[where + lag]
    average = total / len(sample) if len(sample) else np.full_like(total, math.nan)
    return interval * np.arange(low, high + 1), average, len(sample)
