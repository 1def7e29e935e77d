"""Distributions of a number over the neurons, or the pairs of neurons, of a population, and distances between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lifsim.analysis.population_sums import Conventions
from lifsim.analysis.summary import sums_of
from lifsim.common.errors import DataError, did_you_mean
from lifsim.results.opening import Openable

STATISTICS = {"rate": "rate (1/s)", "cv": "CV of ISI", "correlation": "correlation"}
_ROUNDING = 1e-6  # relative difference of values that may be the same, rounded differently: float32 has 6e-8


@dataclass(frozen=True, eq=False)
class SampleDistribution:
    """A distribution of a number over neurons or pairs of neurons.

    Parameters
    ----------
    values : the different values, float64 (k,), ascending. counts : how often each occurs, int64 (k,).
    shape_known : False if `values` holds the mean alone, as of published values.
    """

    values: np.ndarray
    counts: np.ndarray
    shape_known: bool = True

    @classmethod
    def of(cls, sample: Any) -> SampleDistribution:
        """The distribution of a sample.

        Parameters
        ----------
        sample : numbers, (n,); nan are left out.
        """
        known = np.asarray(sample, np.float64).ravel()
        values, counts = np.unique(known[~np.isnan(known)], return_counts=True)
        return cls(values, counts.astype(np.int64))

    @classmethod
    def pooled(cls, several: Sequence[SampleDistribution]) -> SampleDistribution:
        """The distribution of several samples together.

        Parameters
        ----------
        several : their distributions.
        """
        values, place = np.unique(np.concatenate([np.empty(0), *(one.values for one in several)]), return_inverse=True)
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, place, np.concatenate([np.empty(0, np.int64), *(one.counts for one in several)]))
        return cls(values, counts, all(one.shape_known for one in several))

    @cached_property
    def n(self) -> int:
        """Number of neurons, or of pairs."""
        return int(self.counts.sum())

    @cached_property
    def mean(self) -> float:
        """Mean; nan if it is empty."""
        return float(self.values @ self.counts / self.n) if self.n else math.nan

    @cached_property
    def sd(self) -> float:
        """Standard deviation (divided by n); nan if it is empty or its shape is not known."""
        if not self.n or not self.shape_known:
            return math.nan
        return math.sqrt(float((self.values - self.mean) ** 2 @ self.counts) / self.n)

    def share_up_to(self, points: np.ndarray) -> np.ndarray:
        """The share of values that are at most `points` (the cumulative distribution function), float64 of the shape of `points`.

        Parameters
        ----------
        points : any numbers.
        """
        total = np.append(0, np.cumsum(self.counts))
        return total[np.searchsorted(self.values, points, side="right")] / max(self.n, 1)

    def coarse(self, most: int) -> SampleDistribution:
        """The same with at most `most` different values: neighbours are replaced by their mean.

        The mean and n stay the same; the share of values up to a point changes by less than 1 / `most`, or the share of a single value,
        whichever is larger.

        Parameters
        ----------
        most : number of values, from 1 on.
        """
        if len(self.values) <= most:
            return self
        middle = (np.cumsum(self.counts) - self.counts / 2) / self.n
        bin = np.minimum((middle * most).astype(np.int64), most - 1)
        counts = np.bincount(bin, self.counts, most)
        sums = np.bincount(bin, self.counts * self.values, most)
        kept = counts > 0
        return SampleDistribution(sums[kept] / counts[kept], np.rint(counts[kept]).astype(np.int64), self.shape_known)


@dataclass(frozen=True, eq=False)
class RunDistributions:
    """Distributions of statistics in one run.

    Parameters
    ----------
    populations : population -> {"rate", "cv", "correlation": `SampleDistribution`}; of references, some may be missing.
    conventions : what they depend on (`Summary.conventions` of `statistics`); None if that is not known.
    """

    populations: Mapping[str, Mapping[str, SampleDistribution]]
    conventions: Conventions | None = None

    @property
    def duration(self) -> float:
        """Length of the window, ms; nan if it is not known."""
        return math.nan if self.conventions is None else self.conventions.t_stop - self.conventions.t_start


def distributions(
    result: Openable,
    t_start: float | None = None,
    t_stop: float | None = None,
    bin: float = 2.0,
    *,
    discard: float = 0.0,
    neurons: int = 250,
    seed: int = 0,
) -> RunDistributions:
    """Distributions of single-neuron rates, CVs and pairwise correlations of each population.

    The spikes are read in pieces, so that the memory needed does not grow with their number.

    Parameters
    ----------
    result, t_start, t_stop, bin, discard, neurons, seed : as for `statistics`.

    Returns
    -------
    For each population the distributions of

    - "rate": spikes/s, over all recorded neurons, silent ones included (`rates`);
    - "cv": of the inter-spike intervals, over the neurons with `MIN_ISIS` intervals or more (`cv_isi`);
    - "correlation": Pearson correlation of spike counts in bins of `bin`, over the pairs of `neurons` neurons, drawn at random among those
      with spikes, or of all if they are fewer (`correlations`); pairs with a constant count are left out.

    Raises
    ------
    DataError : as for `statistics`.
    """
    sums, conventions = sums_of(result, ("rate", "cv", "correlation"), t_start, t_stop, bin, discard=discard, neurons=neurons, seed=seed)
    found = {}
    for name, each in sums:
        matrix = each.correlations()
        samples = each.neurons.values("rate", 0), each.neurons.values("cv", conventions.min_isis), matrix[np.triu_indices(len(matrix), 1)]
        found[name] = {key: SampleDistribution.of(sample) for key, sample in zip(STATISTICS, samples, strict=True)}
    return RunDistributions(found, conventions)


def check_populations(wanted: Sequence[str] | None, known: Iterable[str]) -> None:
    """Check that each of the `wanted` populations is known (DataError)."""
    names = list(dict.fromkeys(known))
    for name in wanted or ():
        if name not in names:
            raise DataError("populations", f"there are no spikes of {name!r}", did_you_mean(name, names))


def ks_distance(first: SampleDistribution, second: SampleDistribution) -> float:
    """Kolmogorov–Smirnov distance of two distributions: the largest difference of their cumulative distribution functions.

    D = max over x of |F(x) - G(x)| (the statistic of `scipy.stats.ks_2samp`, but that numbers whose relative difference is below 1e-6 count
    as equal: the same rate may be rounded differently in two files). Dasbach et al., Front. Neurosci. 15:757790, 2021,
    use it to compare the activity of networks.

    Parameters
    ----------
    first, second : the distributions.

    Returns
    -------
    A number from 0 (the same) to 1 (no overlap). Two empty distributions have the distance 0, an empty one and another 1.

    Raises
    ------
    DataError : of one of them only the mean is known.
    """
    if not (first.shape_known and second.shape_known):
        raise DataError("distribution", "only its mean is known", "a distribution with all its values")
    points = np.union1d(first.values, second.values)
    points += _ROUNDING * np.abs(points)
    return float(np.abs(first.share_up_to(points) - second.share_up_to(points)).max(initial=0.0))


def cohens_d(first: SampleDistribution, second: SampleDistribution) -> float:
    """Cohen's d: the difference of two means, in units of the standard deviation over neurons (or pairs).

    d = (mean of `second` - mean of `first`) / sqrt((sd_1² + sd_2²) / 2) (J. Cohen, Statistical Power Analysis for the Behavioral
    Sciences, 1988, ch. 2, with standard deviations divided by n). It does not grow with the number of neurons: 0.2 is called small.

    Parameters
    ----------
    first, second : the distributions.

    Returns
    -------
    d, which is negative if the second mean is smaller; 0 if the means are equal; nan if a distribution is empty or only its mean is known,
    infinite if neither varies.
    """
    apart, spread = second.mean - first.mean, math.sqrt((first.sd**2 + second.sd**2) / 2)
    if math.isnan(spread) or spread > 0:
        return apart / spread
    return math.copysign(math.inf, apart) if apart else 0.0
