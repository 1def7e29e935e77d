"""Spike train statistics, computed on flat arrays without loops over neurons.

A window holds the spikes with t_start < t <= t_stop. A bin likewise includes its end and excludes its start, so that it covers
whole time steps of the simulation. Statistics that the data do not determine, such as the CV of a silent neuron, are nan; counts and
rates without spikes are 0.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.lazy import public_names
from lifsim.common.printable import one_line
from lifsim.common.timegrid import on_grid, steps
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result
from lifsim.results.spikes import Spikes

# fmt: off
__all__ = [
    "MIN_ISIS", "as_csv", "binned", "check_window", "correlation", "correlations", "counts", "cv_isi", "fano_factor", "isi", "places",
    "population_rate", "rates", "statistics", "table",
]
# fmt: on
__dir__ = public_names(__name__)

MIN_ISIS = 5  # a CV of fewer intervals is not meaningful
_ROUNDING = 1e-9  # equal intervals differ by rounding errors of the times: a CV below this counts as 0


def rates(spikes: Spikes, t_start: float | None = None, t_stop: float | None = None) -> np.ndarray:
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
    counts = np.bincount(places(spikes.ids, spikes.recorded_ids), minlength=len(spikes.recorded_ids))
    seconds = (spikes.t_stop - spikes.t_start) / 1000.0
    return counts / seconds if seconds > 0 else np.zeros(len(counts))


_LARGEST_TABLE = 1 << 24


def places(ids: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Index in `among` of each of `ids`.

    Parameters
    ----------
    ids : whole numbers from 0, (n,). among : distinct whole numbers from 0, (m,), in any order.

    Returns
    -------
    int64 (n,); -1 for ids that `among` does not contain.
    """
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


def isi(spikes: Spikes) -> tuple[np.ndarray, np.ndarray]:
    """Inter-spike intervals of all neurons of a population.

    Parameters
    ----------
    spikes : the spikes of one population.

    Returns
    -------
    (intervals, ids) : intervals in ms, float64 (n_intervals,), sorted by neuron, then time; the neuron of each interval, int64
    (n_intervals,).
    """
    ids = spikes.ids.astype(np.min_scalar_type(int(spikes.ids.max(initial=0))))  # NumPy sorts 16-bit ids in linear time
    order = np.argsort(ids, kind="stable")  # the times are ascending already
    ids, at = spikes.ids[order], spikes.times[order]
    same = ids[1:] == ids[:-1]
    return np.diff(at)[same], ids[1:][same]


def cv_isi(spikes: Spikes, min_isis: int = MIN_ISIS) -> np.ndarray:
    """Coefficient of variation (CV) of the inter-spike intervals of each neuron.

    The CV is the standard deviation of a neuron's intervals (divided by n, not n - 1) over their mean.

    Parameters
    ----------
    spikes : the spikes of one population.
    min_isis : neurons with fewer intervals are left out (and always those without any).

    Returns
    -------
    float64 (n,), one value per neuron with enough intervals, in ascending order of ids; nan if all its intervals are 0 ms.
    """
    intervals, ids = isi(spikes)
    neuron = np.cumsum(np.diff(ids, prepend=ids[:1]) != 0)  # neurons with intervals, numbered in the order of their ids
    n = np.bincount(neuron)
    kept = n >= max(min_isis, 1)
    mean = np.bincount(neuron, intervals) / np.maximum(n, 1)
    variance = np.bincount(neuron, (intervals - mean[neuron]) ** 2) / np.maximum(n, 1)
    with np.errstate(invalid="ignore", divide="ignore"):  # only intervals of 0 ms: nan
        cv = np.sqrt(variance[kept]) / mean[kept]
    return np.where(cv < _ROUNDING, 0.0, cv)


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
    if not width > 0:
        raise DataError("bin", f"{width:g} ms", "must be above 0")
    n = max(0, math.floor((spikes.t_stop - spikes.t_start) / width + 1e-6))
    return np.minimum(_bin_index(spikes, width), n), n


def _bin_index(spikes: Spikes, width: float) -> np.ndarray:
    dt = spikes.dt
    if dt > 0 and on_grid(width, dt):  # counted in whole steps, unaffected by rounding errors of the times
        step = np.ceil(spikes.times / dt - 1e-6).astype(np.int64)
        since = step - math.floor(spikes.t_start / dt + 1e-6) - 1
        return np.maximum(since, 0) // steps(width, dt)  # a spike at t_start itself, as other tools have at 0 ms, is in the first bin
    return np.maximum(np.ceil((spikes.times - spikes.t_start) / width - 1e-9).astype(np.int64) - 1, 0)


def counts(spikes: Spikes, bin: float) -> np.ndarray:
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
    index, n = binned(spikes, bin)
    return np.bincount(index, minlength=n + 1)[:n]


def population_rate(spikes: Spikes, bin: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
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


def fano_factor(spikes: Spikes, bin: float = 2.0) -> float:
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
    number = counts(spikes, bin)
    return float(number.var() / number.mean()) if number.any() else math.nan


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
    matrix = correlations(spikes, bin, n, seed)
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
    from scipy.sparse import csr_matrix

    index, n_bins = binned(spikes, bin)
    active = np.unique(spikes.ids[index < n_bins])
    chosen = np.random.default_rng(seed).choice(active, min(n, len(active)), replace=False)
    row = places(spikes.ids, chosen)
    used = (row >= 0) & (index < n_bins)
    place = (row[used], index[used])
    # sparse: the memory needed grows with the number of spikes, not with the number of bins
    number = csr_matrix((np.ones(used.sum()), place), shape=(len(chosen), max(n_bins, 1)))
    mean = np.asarray(number.mean(axis=1)).ravel()
    covariance = (number @ number.T).toarray() / max(n_bins, 1) - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    deviation[deviation < 1e-12] = math.nan
    return covariance / np.outer(deviation, deviation)


def statistics(
    result: Openable, t_start: float | None = None, t_stop: float | None = None, bin: float = 2.0
) -> dict[str, dict[str, float]]:
    """Summary statistics of each population whose spikes were recorded.

    Parameters
    ----------
    result : the result of a run, or what `lifsim.open` takes: a path, `Spikes`, {population: `Spikes`}, ….
    t_start, t_stop : limits of the window, ms; default: the whole run.
    bin : width of the bins of spike counts, ms.

    Returns
    -------
    population -> {"neurons" (recorded), "spikes", "rate" (mean over neurons, spikes/s), "rate_sd" (standard deviation over neurons,
    spikes/s), "cv_isi" (mean over neurons), "cv_neurons" (number of neurons with a CV), "fano" (`fano_factor`), "correlation"
    (`correlation`)}.

    Raises
    ------
    DataError : the window is empty or lies outside the run, or `bin` is not above 0.
    """
    result = open_result(result)
    check_window(result, t_start, t_stop)
    return {name: _statistics(result.spikes[name].window(t_start, t_stop), bin) for name in result.spikes}


def check_window(result: Openable, t_start: float | None, t_stop: float | None) -> None:
    """Check that a window is not empty and overlaps the run.

    Without limits, the window is the whole run, which is always accepted, even if its duration is 0.

    Parameters
    ----------
    result : the result of a run, or what `lifsim.open` takes.
    t_start, t_stop : limits of the window, ms; None: those of the run.

    Raises
    ------
    DataError : the window is empty, or lies outside the run.
    """
    if t_start is None and t_stop is None:
        return
    result = open_result(result)
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    window = f"times after {start:g} ms" if t_stop is None else f"times up to {stop:g} ms"
    if t_start is not None and t_stop is not None:
        window = f"({start:g}, {stop:g}] ms"
        if not stop > start:
            raise DataError("window", window, "must not be empty")
    if not max(start, result.t_start) < min(stop, result.t_stop):
        raise DataError("window", window, f"must overlap the run, ({result.t_start:g}, {result.t_stop:g}] ms")


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
    """Format `stats`, the return value of `statistics`, as a text table with one line per population. Undefined values are "-"."""
    rows = [["population", *_HEADS.values()]]
    rows += [[one_line(name), *(_shown(entry[key]) for key in _HEADS)] for name, entry in stats.items()]
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(width[0]), *(c.rjust(w) for c, w in zip(row[1:], width[1:], strict=True))]) for row in rows)


def _shown(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if math.isnan(value) else f"{value:.4g}"


def as_csv(stats: Mapping[str, Mapping[str, Any]]) -> str:
    """Format `stats`, the return value of `statistics`, as CSV with a header line. Undefined values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["population", *_HEADS])
    for name, entry in stats.items():
        writer.writerow([name, *("" if math.isnan(entry[key]) else entry[key] for key in _HEADS)])
    return text.getvalue()
