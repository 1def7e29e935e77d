"""Inter-spike intervals of single neurons: their distribution and measures of irregularity."""

from __future__ import annotations

import math

import numpy as np

from lifsim.analysis.moments import Moments
from lifsim.analysis.neurons import LARGEST_TABLE, chosen, stable_order
from lifsim.analysis.passes import Piece, accumulate
from lifsim.common.errors import DataError
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes

MIN_ISIS = 5  # a CV of fewer intervals is not meaningful
_ROUNDING = 1e-9  # equal intervals differ by rounding errors of the times: a CV below this counts as 0
LOCAL = "cv2", "lv", "lvr"  # measures of successive pairs of intervals


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
    most = int(spikes.ids.max(initial=-1))
    names, place = (None, spikes.ids) if most < LARGEST_TABLE else np.unique(spikes.ids, return_inverse=True)
    number = np.bincount(place)
    active = np.flatnonzero(number)
    order = stable_order(place, len(number))  # the times are ascending already
    within = np.ones(len(order), bool)
    within[(np.cumsum(number) - number)[active]] = False  # a neuron's first spike ends no interval
    ids = np.repeat(active, number[active] - 1)
    return np.diff(spikes.times[order], prepend=0.0)[within], ids if names is None else names[ids]


class IntervalSums:
    """Sums over the inter-spike intervals of each recorded neuron, while the spikes pass in pieces.

    n : number of recorded neurons. moments : whether mean and variance of the intervals are wanted. local : which of `LOCAL` are.
    refractoriness : R of LvR, ms.
    """

    def __init__(self, n: int, moments: bool = True, local: tuple[str, ...] = (), refractoriness: float = 5.0) -> None:
        if not 0 <= refractoriness < math.inf:
            raise DataError("refractoriness", f"{refractoriness:g} ms", "a time from 0 on")
        self.number = np.zeros(n, np.int64)
        self.moments = Moments(n) if moments else None
        self.local = {name: np.zeros(n) for name in local}
        self._refractoriness = refractoriness
        self._last = np.full(n, math.nan)  # time of the last spike
        self._before = np.full(n, math.nan)  # the interval before it

    def add(self, piece: Piece) -> None:
        """Take the intervals that end in the next piece into account."""
        if not len(piece.times):
            return
        at, neuron, first, last = piece.times, piece.active, piece.first, piece.last
        interval = np.empty_like(at)
        np.subtract(at[1:], at[:-1], out=interval[1:])
        interval[first] = at[first] - self._last[neuron]  # nan if a neuron has no earlier spike
        if self.local:
            self._add_local(interval, piece)
        self._last[neuron], self._before[neuron] = at[last], interval[last]
        n = piece.number.copy()
        n[neuron] -= np.isnan(interval[first])
        self.number += n
        if self.moments is not None:
            self.moments.add(n, *_mean_and_squares(interval, n, piece))

    def _add_local(self, interval: np.ndarray, piece: Piece) -> None:
        before = np.empty_like(interval)
        before[1:] = interval[:-1]
        before[piece.first] = self._before[piece.active]
        with np.errstate(invalid="ignore", divide="ignore"):  # two intervals of 0 ms: nan
            total = interval + before
            apart = np.subtract(interval, before, out=before)
            np.abs(apart, out=apart)
            apart /= total
        # the first two spikes of a neuron end no pair of intervals; they are known by nan
        ends = piece.first[np.isnan(total[piece.first])]
        after = piece.first + 1
        after = after[(after <= piece.last) & np.isnan(total[np.minimum(after, len(total) - 1)])]
        apart[ends] = apart[after] = 0.0
        for name, sums in self.local.items():
            terms = 2.0 * apart if name == "cv2" else 3.0 * apart**2
            if name == "lvr":  # 1 - 4 a b / (a + b)² = (a - b)² / (a + b)²
                total[ends] = total[after] = 1.0
                with np.errstate(divide="ignore", invalid="ignore"):
                    terms *= 1.0 + 4.0 * self._refractoriness / total
            sums[piece.active] += np.add.reduceat(terms, piece.first)

    def cv(self, min_isis: int) -> np.ndarray:
        """The CV of each neuron with `min_isis` intervals or more; nan for others."""
        assert self.moments is not None
        with np.errstate(invalid="ignore", divide="ignore"):  # only intervals of 0 ms: nan
            cv = np.sqrt(self.moments.variance()) / self.moments.mean
        cv[self.number < max(min_isis, 1)] = math.nan
        return np.where(cv < _ROUNDING, 0.0, cv)

    def mean_of(self, name: str, min_isis: int) -> np.ndarray:
        """A measure in `LOCAL` of each neuron with `min_isis` intervals or more; nan for others."""
        pairs = np.maximum(self.number - 1, 1)
        return np.where(self.number >= max(min_isis, 2), self.local[name] / pairs, math.nan)


def _mean_and_squares(interval: np.ndarray, n: np.ndarray, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the `n` intervals of each neuron, and the sum of their squared deviations from it. Unknown intervals, nan, become 0."""
    first, active = piece.first, piece.active
    unknown = first[np.isnan(interval[first])]
    interval[unknown] = 0.0
    mean, squares = np.zeros(len(n)), np.zeros(len(n))
    mean[active] = np.add.reduceat(interval, first) / np.maximum(n[active], 1)
    deviation = np.subtract(interval, np.repeat(mean, piece.number), out=interval)
    deviation[unknown] = 0.0
    squares[active] = np.add.reduceat(np.square(deviation, out=deviation), first)
    return mean, squares


def cv_isi(spikes: Spikes, min_isis: int = MIN_ISIS) -> np.ndarray:
    """Coefficient of variation (CV) of the inter-spike intervals of the neurons that have enough of them.

    The CV is the standard deviation of a neuron's intervals (divided by n, not n - 1) over their mean. `cv` has a value for every
    recorded neuron.

    Parameters
    ----------
    spikes : the spikes of one population.
    min_isis : neurons with fewer intervals are left out (and always those without any).

    Returns
    -------
    float64 (n,), one value per neuron with enough intervals, in ascending order of ids; nan if all its intervals are 0 ms.
    """
    sums = _sums(spikes)
    enough = np.flatnonzero(sums.number >= max(min_isis, 1))
    return sums.cv(min_isis)[enough[np.argsort(spikes.recorded_ids[enough], kind="stable")]]


def cv(spikes: Spikes | SpikeStream, min_isis: int = 1) -> np.ndarray:
    """Coefficient of variation (CV) of the inter-spike intervals of each recorded neuron.

    CV = sqrt(mean((I - mean(I))²)) / mean(I) over the neuron's intervals I (D. R. Cox, P. A. W. Lewis, The Statistical Analysis of
    Series of Events, 1966). A Poisson process has 1, a clock 0. Same as `elephant.statistics.cv`.

    Parameters
    ----------
    spikes : the spikes of one population.
    min_isis : neurons with fewer intervals are nan. The CV of few intervals is biased towards 0, that of a single one is 0;
        `lifsim stats` uses `MIN_ISIS`.

    Returns
    -------
    float64 (n_recorded,), in the order of ``spikes.recorded_ids``; nan without intervals (silent neurons, neurons with a single spike),
    and if all intervals are 0 ms. Values below 1e-9, which are rounding errors of the spike times, are 0.
    """
    return _sums(spikes).cv(min_isis)


def cv2(spikes: Spikes | SpikeStream, min_isis: int = 2) -> np.ndarray:
    """Local variation CV2 of the inter-spike intervals of each recorded neuron.

    CV2 = mean over k of 2 |I_k+1 - I_k| / (I_k+1 + I_k) (G. R. Holt, W. R. Softky, C. Koch, R. J. Douglas, J. Neurophysiol. 75, 1806,
    1996). Unlike the CV, it is little affected by slow changes of the rate. A Poisson process has 1. Same as
    `elephant.statistics.cv2`.

    Parameters
    ----------
    spikes : the spikes of one population.
    min_isis : neurons with fewer intervals are nan.

    Returns
    -------
    float64 (n_recorded,), in the order of ``spikes.recorded_ids``; nan with fewer than 2 intervals, and if two intervals in a row are
    0 ms.
    """
    return _sums(spikes, "cv2").mean_of("cv2", min_isis)


def lv(spikes: Spikes | SpikeStream, min_isis: int = 2) -> np.ndarray:
    """Local variation LV of the inter-spike intervals of each recorded neuron.

    LV = 3 mean over k of ((I_k+1 - I_k) / (I_k+1 + I_k))² (S. Shinomoto, K. Shima, J. Tanji, Neural Comput. 15, 2823, 2003).
    A Poisson process has 1. Same as `elephant.statistics.lv`.

    Parameters
    ----------
    spikes, min_isis : as for `cv2`.

    Returns
    -------
    float64 (n_recorded,), as `cv2`.
    """
    return _sums(spikes, "lv").mean_of("lv", min_isis)


def lvr(spikes: Spikes | SpikeStream, refractoriness: float = 5.0, min_isis: int = 2) -> np.ndarray:
    """Local variation LvR, corrected for refractoriness, of the inter-spike intervals of each recorded neuron.

    LvR = 3 mean over k of (1 - 4 I_k I_k+1 / (I_k + I_k+1)²) (1 + 4 R / (I_k + I_k+1)), with the refractoriness constant R
    (S. Shinomoto et al., PLoS Comput. Biol. 5, e1000433, 2009). Same as `elephant.statistics.lvr`. With R = 0 it is `lv`.

    Parameters
    ----------
    spikes, min_isis : as for `cv2`.
    refractoriness : R in ms, from 0 on.

    Returns
    -------
    float64 (n_recorded,), as `cv2`.

    Raises
    ------
    DataError : `refractoriness` is negative or not finite.
    """
    return _sums(spikes, "lvr", refractoriness).mean_of("lvr", min_isis)


def _sums(spikes: Spikes | SpikeStream, local: str = "", refractoriness: float = 5.0) -> IntervalSums:
    sums = IntervalSums(len(spikes.recorded_ids), not local, (local,) if local else (), refractoriness)
    accumulate(spikes, sums)
    return sums


def isi_histogram(spikes: Spikes, bin: float = 1.0, longest: float | None = None, ids: object = None) -> tuple[np.ndarray, np.ndarray]:
    """Histogram of the inter-spike intervals of a population.

    Parameters
    ----------
    spikes : the spikes of one population.
    bin : width of the bins, ms.
    longest : end of the last bin, ms, at least; default: that which contains the longest interval.
    ids : only the intervals of these neurons; default: of all.

    Returns
    -------
    (edges, counts) : edges of the bins from 0 ms, float64 (n_bins + 1,); number of intervals in each, int64 (n_bins,). A bin includes
    its end and excludes its start, so that the bins of width dt hold the intervals of one length each; intervals of 0 ms are in the
    first bin. Intervals beyond the last bin are left out.

    Raises
    ------
    DataError : `bin` or `longest` is not above 0, or a neuron of `ids` was not recorded.
    """
    for name, value in (("bin", bin), ("longest", longest)):
        if value is not None and not 0 < value < math.inf:
            raise DataError(name, f"{value:g} ms", "must be above 0")
    intervals, neuron = isi(spikes)
    if ids is not None:
        intervals = intervals[np.isin(neuron, chosen(spikes, ids))]
    slack = 1e-6 * min(bin, spikes.dt) if spikes.dt > 0 else 1e-9 * bin  # differences of times carry rounding errors
    index = np.maximum(np.ceil((intervals - slack) / bin).astype(np.int64) - 1, 0)
    n = int(index.max(initial=-1)) + 1 if longest is None else math.ceil(longest / bin - 1e-9)
    return bin * np.arange(n + 1), np.bincount(index[index < n], minlength=n)
