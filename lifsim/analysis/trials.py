"""Trials: spikes aligned to triggers, such as the onsets of a stimulus."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.analysis.bins import binned
from lifsim.analysis.neurons import chosen, places
from lifsim.common.errors import DataError
from lifsim.common.timegrid import on_grid
from lifsim.results.spikes import Spikes


@dataclass(frozen=True, eq=False)
class Trials:
    """Spikes of one population around triggers, in time relative to the trigger.

    Parameters
    ----------
    spikes : the spikes of all trials together, ordered by time relative to the trigger (ms), -before < t <= after.
    trial : the trial of each spike, from 0, int64 (n_spikes,).
    triggers : times of the triggers, ms, float64 (n_trials,).
    """

    spikes: Spikes
    trial: np.ndarray
    triggers: np.ndarray

    def __len__(self) -> int:
        return len(self.triggers)

    def of(self, trial: int) -> Spikes:
        """The spikes of one trial, in time relative to its trigger.

        Parameters
        ----------
        trial : its number, from 0.
        """
        own = self.trial == trial
        return self.spikes.having(self.spikes.times[own], self.spikes.ids[own])

    def counts(self, t_start: float | None = None, t_stop: float | None = None) -> np.ndarray:
        """Spike count of each recorded neuron in each trial.

        Parameters
        ----------
        t_start, t_stop : limits of the window t_start < t <= t_stop relative to the trigger, ms; default: the whole trial.

        Returns
        -------
        int64 (n_trials, n_recorded), in the order of ``spikes.recorded_ids``.
        """
        start = self.spikes.t_start if t_start is None else t_start
        stop = self.spikes.t_stop if t_stop is None else t_stop
        slack = 1e-6 * self.spikes.dt if self.spikes.dt > 0 else 0.0
        a, b = np.searchsorted(self.spikes.times, [start + slack, max(start, stop) + slack], side="right")
        n = len(self.spikes.recorded_ids)
        key = self.trial[a:b] * n + places(self.spikes.ids[a:b], self.spikes.recorded_ids)
        return np.bincount(key, minlength=len(self) * n).reshape(len(self), n)

    def __repr__(self) -> str:
        return f"<Trials of {self.spikes.name}: {len(self):,}, {self.spikes.t_start:g} to {self.spikes.t_stop:g} ms from the trigger>"


def align(spikes: Spikes, triggers: Any, before: float = 100.0, after: float = 400.0) -> Trials:
    """Align spikes to triggers.

    Parameters
    ----------
    spikes : the spikes of one population.
    triggers : times in ms, (n,), in any order; `threshold_crossings` finds them in a recorded stimulus.
    before, after : extent of a trial before and after its trigger, ms: it holds the spikes with -before < t - trigger <= after.

    Returns
    -------
    `Trials`, in the order of the triggers. Triggers whose trial is not wholly within the recording are left out. A spike is in several
    trials if they overlap.

    Raises
    ------
    DataError : `triggers` are not finite numbers, or ``-before < after`` does not hold.
    """
    at = np.atleast_1d(np.asarray(triggers, np.float64))
    if at.ndim != 1 or not np.isfinite(at).all():
        raise DataError("triggers", f"have shape {at.shape}" if at.ndim != 1 else "are not all finite", "a list of times in ms")
    if not -before < after or not math.isfinite(before + after):
        raise DataError("before, after", f"{before:g} ms, {after:g} ms", "a window that is not empty")
    slack = 1e-6 * spikes.dt if spikes.dt > 0 else 0.0
    at = at[(at - before >= spikes.t_start - slack) & (at + after <= spikes.t_stop + slack)]
    a, b = (np.searchsorted(spikes.times, at + limit + slack, side="right") for limit in (-before, after))
    number = b - a
    trial = np.repeat(np.arange(len(at)), number)
    index = np.repeat(a - (np.cumsum(number) - number), number) + np.arange(number.sum())
    relative = spikes.times[index] - at[trial]
    order = np.argsort(relative, kind="stable")
    dt = spikes.dt if spikes.dt > 0 and on_grid(before, spikes.dt) else math.nan  # steps are counted from the start of a trial
    aligned = Spikes(relative[order], spikes.ids[index][order], spikes.n_nodes, -before, after, spikes.recorded_ids, dt, spikes.name)
    return Trials(aligned, trial[order], at)


def psth(trials: Trials, bin: float = 5.0, ids: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Peri-stimulus time histogram: the firing rate around a trigger, averaged over trials and neurons.

    Spikes in a bin / (trials * neurons * bin) (G. L. Gerstein, N. Y.-S. Kiang, Biophys. J. 1, 15, 1960).

    Parameters
    ----------
    trials : aligned spikes, from `align`.
    bin : width of the bins, ms. ids : the neurons; default: all recorded ones.

    Returns
    -------
    (centres, rate) : centres of the whole bins in ms from the trigger, float64 (n_bins,); mean rate of a neuron in spikes/s, float64
    (n_bins,); nan without trials. The first bin begins at the start of the trial; a bin includes its end and excludes its start.

    Raises
    ------
    DataError : `bin` is not above 0, or a neuron of `ids` was not recorded.
    """
    neurons = chosen(trials.spikes, ids)
    index, n = binned(trials.spikes, bin)
    own = index if ids is None else index[places(trials.spikes.ids, neurons) >= 0]
    number = np.bincount(own, minlength=n + 1)[:n]
    centres = trials.spikes.t_start + (np.arange(n) + 0.5) * bin
    share = len(trials) * len(neurons) * bin / 1000.0
    return centres, number / share if share > 0 else np.full(n, math.nan)


def trial_fano_factors(trials: Trials, t_start: float | None = None, t_stop: float | None = None) -> np.ndarray:
    """Fano factor of each recorded neuron across trials: variance over mean of its spike counts in the same window of all trials.

    F = var(c) / mean(c) over trials, with the variance divided by the number of trials. Same as `elephant.statistics.fanofactor` of
    the neuron's trials.

    Parameters
    ----------
    trials : aligned spikes, from `align`.
    t_start, t_stop : limits of the window relative to the trigger, ms; default: the whole trial.

    Returns
    -------
    float64 (n_recorded,), in the order of ``spikes.recorded_ids``; nan for neurons without spikes in the window, or without trials.
    """
    number = trials.counts(t_start, t_stop)
    if not len(number):
        return np.full(number.shape[1], math.nan)
    with np.errstate(invalid="ignore"):  # 0 / 0 is nan
        return number.var(axis=0) / number.mean(axis=0)


def trial_statistics(trials: Trials, statistic: Callable[[Spikes], Any]) -> np.ndarray:
    """Any statistic of the spikes of each trial.

    Parameters
    ----------
    trials : aligned spikes, from `align`.
    statistic : called with the `Spikes` of each trial, whose times are relative to its trigger, such as ``analysis.rates``; it returns
        a number, or an array whose shape is the same for all trials.

    Returns
    -------
    The values, (n_trials, …).
    """
    return np.array([statistic(trials.of(k)) for k in range(len(trials))])


def threshold_crossings(trace: np.ndarray, times: np.ndarray, threshold: float, rising: bool = True) -> np.ndarray:
    """Times at which a recorded trace or stimulus crosses a threshold, to be used as triggers.

    Parameters
    ----------
    trace : samples, (n_samples,), such as a column of a recorded current.
    times : times of the samples in ms, (n_samples,), as from ``traces.times_of``.
    threshold : in the unit of the trace.
    rising : whether to find crossings upwards (x[k-1] < threshold <= x[k]); otherwise downwards (x[k-1] >= threshold > x[k]).

    Returns
    -------
    The times of the first samples beyond the threshold, float64 (n,), ascending. A trace that begins beyond it has not crossed it.

    Raises
    ------
    DataError : `trace` and `times` are not one-dimensional and equally long.
    """
    trace, times = np.asarray(trace, np.float64), np.asarray(times, np.float64)
    if trace.ndim != 1 or trace.shape != times.shape:
        raise DataError("trace", f"has shape {trace.shape}, times {times.shape}", "one sample for each time")
    above = trace >= threshold
    return times[1:][above[1:] & ~above[:-1] if rising else ~above[1:] & above[:-1]]
