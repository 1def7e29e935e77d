"""The statistics that the gallery lays beside published values, each of one population in one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lifsim import analysis
from lifsim.results.result import Result
from lifsim.results.spikes import Spikes


class Statistic(NamedTuple):
    """A statistic: the head of its column, and the function that computes it from the spikes, the result and the population's name."""

    head: str
    of: Callable[[Spikes, Result, str], float]


_RESOLUTION, _LOWEST = 2.0, 5.0  # Hz, of spectra whose peak is compared
_BURST, _TOGETHER = 10.0, 0.5  # a population burst: within so many ms, so many spikes per neuron or more
_WEAK, _STRONG = 0.2, 0.8  # of the strongest synapse


def statistics(names: tuple[str, ...], result: Result, population: str, discard: float) -> dict[str, float]:
    """Compute statistics of the spikes of a population after `discard` ms, and of the last weights of synapses onto it.

    Parameters
    ----------
    names : names of them in `STATISTICS`: "rate" (spikes/s), "cv" (mean CV of the inter-spike intervals), "peak" (Hz, of the power
        spectrum of the population), "bursts" (per second: beginnings of times with half a spike per neuron or more in 10 ms), "weak" and
        "strong" (shares of synapses below a fifth and above four fifths of the strongest).

    Returns
    -------
    Their values by name; NaN if there are too few spikes, or no weights, to compute one.
    """
    spikes = result.spikes[population].window(discard)
    return {name: STATISTICS[name].of(spikes, result, population) for name in names}


def _rate(spikes: Spikes, result: Result, population: str) -> float:
    rates = analysis.rates(spikes)
    return float(rates.mean()) if len(rates) else 0.0


def _cv(spikes: Spikes, result: Result, population: str) -> float:
    cv = analysis.cv_isi(spikes)
    return float(np.nanmean(cv)) if not np.isnan(cv).all() else np.nan


def _peak(spikes: Spikes, result: Result, population: str) -> float:
    if spikes.t_stop - spikes.t_start < 1000.0 / _RESOLUTION:
        return np.nan
    frequencies, power = analysis.power_spectrum(spikes, resolution=_RESOLUTION)
    return analysis.oscillation_peak(frequencies, power, lowest=_LOWEST).frequency


def _bursts(spikes: Spikes, result: Result, population: str) -> float:
    share = analysis.counts(spikes, _BURST) / max(len(spikes.recorded_ids), 1)
    together = np.concatenate([[False], share >= _TOGETHER])
    seconds = len(share) * _BURST / 1000.0
    return float(np.count_nonzero(together[1:] & ~together[:-1]) / seconds) if seconds else np.nan


def _last_weights(result: Result, population: str) -> np.ndarray:
    """The sizes of all recorded weights onto the population in the last sample."""
    traces = result.traces.get(population)
    names = [] if traces is None else [name for name in traces if len(traces.sources_of(name)) and len(traces[name])]
    return np.abs(np.concatenate([traces[name][-1] for name in names])) if traces is not None and names else np.empty(0)


def _weak(spikes: Spikes, result: Result, population: str) -> float:
    weights = _last_weights(result, population)
    return float(np.mean(weights < _WEAK * weights.max())) if len(weights) else np.nan


def _strong(spikes: Spikes, result: Result, population: str) -> float:
    weights = _last_weights(result, population)
    return float(np.mean(weights > _STRONG * weights.max())) if len(weights) else np.nan


STATISTICS: dict[str, Statistic] = {
    "rate": Statistic("rate (1/s)", _rate),
    "cv": Statistic("CV of ISI", _cv),
    "peak": Statistic("peak (Hz)", _peak),
    "bursts": Statistic("bursts (1/s)", _bursts),
    "weak": Statistic("weak synapses", _weak),
    "strong": Statistic("strong synapses", _strong),
}
