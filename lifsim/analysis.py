"""Statistics of spike trains: flat arrays in, arrays out, no loop over neurons.

Spikes at t_start < t <= t_stop count, and a spike on the edge of two bins belongs to the bin that
ends there: bins hold whole time steps, as the simulation does. Where there is too little to say
anything the answer is nan (0 for counts and rates).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.printable import one_line
from lifsim.common.timegrid import on_grid, steps
from lifsim.results.data import Spikes
from lifsim.results.result import Result

MIN_ISIS = 5  # a CV of fewer intervals says little
_ROUNDING = 1e-9  # equal intervals differ by the rounding of times: a CV below this is that of a clock


def rates(spikes: Spikes, t_start: float | None = None, t_stop: float | None = None) -> np.ndarray:
    """Rate of each recorded neuron, in the order of `recorded_ids`: spikes/s, (n_recorded,)."""
    spikes = spikes.window(t_start, t_stop)
    counts = np.bincount(places(spikes.ids, spikes.recorded_ids), minlength=len(spikes.recorded_ids))
    return counts / _seconds(spikes) if _seconds(spikes) > 0 else np.zeros(len(counts))


_LARGEST_TABLE = 1 << 24


def places(ids: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The place of each of `ids` in `among`, which are distinct: int64, -1 of those that are not there."""
    if not len(among) or not len(ids):
        return np.full(len(ids), -1)
    largest = int(max(ids.max(), among.max()))
    if largest < _LARGEST_TABLE:
        table = np.full(largest + 1, -1)
        table[among] = np.arange(len(among))
        return table[ids]
    order = np.argsort(among, kind="stable")
    place = order[np.minimum(np.searchsorted(among, ids, sorter=order), len(among) - 1)]
    return np.where(among[place] == ids, place, -1)


def _seconds(spikes: Spikes) -> float:
    return (spikes.t_stop - spikes.t_start) / 1000.0


def isi(spikes: Spikes) -> tuple[np.ndarray, np.ndarray]:
    """Inter-spike intervals: (intervals in ms, the neuron of each), by neuron, then time."""
    ids = spikes.ids.astype(np.min_scalar_type(int(spikes.ids.max(initial=0))))  # 16-bit ids are sorted in linear time
    order = np.argsort(ids, kind="stable")  # the times are ascending already
    ids, at = spikes.ids[order], spikes.times[order]
    same = ids[1:] == ids[:-1]
    return np.diff(at)[same], ids[1:][same]


def cv_isi(spikes: Spikes, min_isis: int = MIN_ISIS) -> np.ndarray:
    """Coefficient of variation of the inter-spike intervals of each neuron with at least `min_isis` of them.

    Standard deviation (of the population of intervals, not corrected for their number) over mean;
    in the order of the ids of these neurons.
    """
    intervals, ids = isi(spikes)
    neuron = np.cumsum(np.diff(ids, prepend=ids[:1]) != 0)  # numbered in the order of their ids
    n = np.bincount(neuron)
    kept = n >= max(min_isis, 1)
    mean = np.bincount(neuron, intervals) / np.maximum(n, 1)
    variance = np.bincount(neuron, (intervals - mean[neuron]) ** 2) / np.maximum(n, 1)
    with np.errstate(invalid="ignore", divide="ignore"):  # intervals of 0 ms only: nan
        cv = np.sqrt(variance[kept]) / mean[kept]
    return np.where(cv < _ROUNDING, 0.0, cv)


def binned(spikes: Spikes, width: float) -> tuple[np.ndarray, int]:
    """The bin of each spike (int64; bins of `width` ms from t_start on) and the number of whole bins.

    Spikes after the last whole bin have that number.

    Raises
    ------
    DataError : `width` is not above 0.
    """
    if not width > 0:
        raise DataError("bin", f"{width:g} ms", "must be above 0")
    n = max(0, math.floor((spikes.t_stop - spikes.t_start) / width + 1e-6))
    return np.minimum(_bin_index(spikes, width), n), n


def _bin_index(spikes: Spikes, width: float) -> np.ndarray:
    dt = spikes.dt
    if dt > 0 and on_grid(width, dt):  # in whole steps, free of the rounding of times
        step = np.ceil(spikes.times / dt - 1e-6).astype(np.int64)
        return (step - math.floor(spikes.t_start / dt + 1e-6) - 1) // steps(width, dt)
    return np.maximum(np.ceil((spikes.times - spikes.t_start) / width - 1e-9).astype(np.int64) - 1, 0)


def counts(spikes: Spikes, bin: float) -> np.ndarray:
    """Number of spikes of the population in each whole bin of `bin` ms: int64, (n_bins,)."""
    index, n = binned(spikes, bin)
    return np.bincount(index, minlength=n + 1)[:n]


def population_rate(spikes: Spikes, bin: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """(centres of the bins in ms, spikes/s per recorded neuron in each)."""
    number = counts(spikes, bin)
    centres = spikes.t_start + (np.arange(len(number)) + 0.5) * bin
    return centres, number / (max(len(spikes.recorded_ids), 1) * bin / 1000.0)


def fano_factor(spikes: Spikes, bin: float = 2.0) -> float:
    """Variance over mean of the population's spike counts in bins of `bin` ms."""
    number = counts(spikes, bin)
    return float(number.var() / number.mean()) if number.any() else math.nan


def correlation(spikes: Spikes, bin: float = 2.0, n: int = 200, seed: int = 0) -> float:
    """Mean correlation of spike counts in bins of `bin` ms over all pairs of `n` neurons.

    The neurons are drawn at random among those with at least one spike; pairs in which a count
    never varies are left out.
    """
    matrix = correlations(spikes, bin, n, seed)
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    return float(pairs[~np.isnan(pairs)].mean()) if (~np.isnan(pairs)).any() else math.nan


def correlations(spikes: Spikes, bin: float = 2.0, n: int = 200, seed: int = 0) -> np.ndarray:
    """Matrix of the correlations that `correlation` averages, (n, n) or fewer."""
    from scipy.sparse import csr_matrix

    index, n_bins = binned(spikes, bin)
    active = np.unique(spikes.ids[index < n_bins])
    chosen = np.random.default_rng(seed).choice(active, min(n, len(active)), replace=False)
    row = places(spikes.ids, chosen)
    used = (row >= 0) & (index < n_bins)
    place = (row[used], index[used])
    # sparse, so that a long run needs memory for its spikes, not for its bins
    number = csr_matrix((np.ones(used.sum()), place), shape=(len(chosen), max(n_bins, 1)))
    mean = np.asarray(number.mean(axis=1)).ravel()
    covariance = (number @ number.T).toarray() / max(n_bins, 1) - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    deviation[deviation < 1e-12] = math.nan
    return covariance / np.outer(deviation, deviation)


def statistics(result: Result, t_start: float | None = None, t_stop: float | None = None, bin: float = 2.0) -> dict[str, dict[str, float]]:
    """The usual numbers of each population whose spikes were recorded, over t_start < t <= t_stop (ms).

    Returns
    -------
    population -> {"neurons", "spikes", "rate" (mean, spikes/s), "rate_sd" (over neurons), "cv_isi"
    (mean over neurons), "cv_neurons" (how many have enough intervals), "fano" (population counts in
    bins of `bin` ms), "correlation" (mean over pairs, same bins)}.

    Raises
    ------
    DataError : the window is empty.
    """
    check_window(result, t_start, t_stop)
    return {name: _statistics(result.spikes[name].window(t_start, t_stop), bin) for name in result.spikes}


def check_window(result: Result, t_start: float | None, t_stop: float | None) -> None:
    """Refuse a window (ms) that was asked for and holds nothing; a run of no time has no other.

    Raises
    ------
    DataError : the window is empty, or lies outside the run.
    """
    if t_start is None and t_stop is None:
        return
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    if not stop > start:
        raise DataError("window", f"({start:g}, {stop:g}] ms", "must not be empty")
    if not max(start, result.t_start) < min(stop, result.t_stop):
        raise DataError("window", f"({start:g}, {stop:g}] ms", f"must overlap the run, ({result.t_start:g}, {result.t_stop:g}] ms")


def _statistics(spikes: Spikes, bin: float) -> dict[str, float]:
    each, cv = rates(spikes), cv_isi(spikes)
    cv = cv[~np.isnan(cv)]
    return {
        "neurons": len(spikes.recorded_ids),
        "spikes": len(spikes),
        "rate": float(each.mean()) if len(each) else 0.0,
        "rate_sd": float(each.std()) if len(each) else 0.0,
        "cv_isi": float(cv.mean()) if len(cv) else math.nan,
        "cv_neurons": len(cv),
        "fano": fano_factor(spikes, bin),
        "correlation": correlation(spikes, bin),
    }


_HEADS = {
    "neurons": "neurons",
    "spikes": "spikes",
    "rate": "rate (1/s)",
    "rate_sd": "sd (1/s)",
    "cv_isi": "CV of ISI",
    "cv_neurons": "neurons with CV",
    "fano": "Fano (pop.)",
    "correlation": "correlation",
}


def table(stats: Mapping[str, Mapping[str, float]]) -> str:
    """`statistics` as a text to read, one line a population."""
    rows = [["population", *_HEADS.values()]]
    rows += [[one_line(name), *(_shown(entry[key]) for key in _HEADS)] for name, entry in stats.items()]
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(width[0]), *(c.rjust(w) for c, w in zip(row[1:], width[1:], strict=True))]) for row in rows)


def _shown(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if math.isnan(value) else f"{value:.4g}"


def as_csv(stats: Mapping[str, Mapping[str, Any]]) -> str:
    """`statistics` as CSV text with a line of names; what is not defined is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["population", *_HEADS])
    for name, entry in stats.items():
        writer.writerow([name, *("" if math.isnan(entry[key]) else entry[key] for key in _HEADS)])
    return text.getvalue()
