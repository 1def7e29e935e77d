"""Decides whether groups of runs differ by more than runs of a group do among each other.

The unit is the run: neurons of one network share its inputs and its synapses, so that they are no independent sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np


def partitions(first: int, second: int) -> int:
    """The number of ways to divide `first` + `second` runs into two groups of these sizes that a symmetrical measure tells apart."""
    return math.comb(first + second, first) // (2 if first == second else 1)


def permutation_p(distances: np.ndarray, first: int, most: int, seed: int) -> np.ndarray:
    """Family-wise p-values of permutation tests of the distances between two groups of runs.

    For each of several statistics, T is the mean distance of two runs of different groups minus that of two runs of one group. Without
    a difference, T is as likely to be the largest for the true groups as for any other division of the runs into groups of these sizes.
    T of each statistic is brought to mean 0 and standard deviation 1 over the divisions; p is the share of the divisions in which the
    largest of all statistics reaches the T of the statistic for the true groups (P. H. Westfall, S. S. Young, Resampling-Based Multiple
    Testing, 1993, ch. 2: single-step maxT). The probability that any p is at most alpha by chance is then at most alpha, whatever the
    dependence between statistics.

    Parameters
    ----------
    distances : float64 (n_statistics, n_runs, n_runs), symmetric. first : number of runs of the first group, which come first.
    most : largest number of divisions; if there are more, this number is drawn at random.
    seed : seed of these draws.

    Returns
    -------
    float64 (n_statistics,).
    """
    runs = distances.shape[1]
    if math.comb(runs, first) <= most:
        members = np.array(list(combinations(range(runs), first)))  # the first one is the true division
    else:
        rng = np.random.default_rng(seed)
        members = np.array([np.arange(first), *(rng.permutation(runs)[:first] for _ in range(most - 1))])
    inside = np.zeros((len(members), runs))
    np.put_along_axis(inside, members, 1.0, axis=1)
    across = np.einsum("pi,sij,pj->sp", inside, distances, 1.0 - inside, optimize=True)
    total = distances.sum(axis=(1, 2))[:, None] / 2.0
    pairs = first * (runs - first)
    t = across / pairs - (total - across) / (runs * (runs - 1) / 2 - pairs)
    spread = t.std(axis=1, keepdims=True)
    z = np.divide(t - t.mean(axis=1, keepdims=True), spread, out=np.zeros_like(t), where=spread > 1e-12)
    largest = z.max(axis=0)
    return np.array([(largest >= own - 1e-9).mean() for own in z[:, 0]])


def student_p(first: Sequence[float], second: Sequence[float]) -> float:
    """p-value of Student's two-sided t-test of a number in runs, with equal variances in both groups; one of them may be one run.

    Values that are nan are left out. nan if fewer than three values or one group without any are left.
    """
    from scipy.special import stdtr  # scipy.stats, which has the same, takes half a second to load

    x, y = (np.array([value for value in group if not math.isnan(value)]) for group in (first, second))
    degrees = len(x) + len(y) - 2
    if not len(x) or not len(y) or degrees < 1:
        return math.nan
    variance = (((x - x.mean()) ** 2).sum() + ((y - y.mean()) ** 2).sum()) / degrees
    apart = abs(float(x.mean() - y.mean()))
    if not variance > (1e-12 * max(np.abs(x).max(), np.abs(y).max())) ** 2:
        return 1.0 if apart <= 1e-9 * float(np.abs(x).max()) else 0.0
    return float(2 * stdtr(degrees, -apart / math.sqrt(variance * (1 / len(x) + 1 / len(y)))))


def least_difference(first: int, second: int, alpha: float, tests: int) -> float:
    """The smallest difference of the means of two groups of runs that `student_p` and `holm` call different at `alpha`, if it is the only
    one among `tests`: in units of the standard deviation between runs.
    """
    from scipy.special import stdtrit

    return -float(stdtrit(first + second - 2, alpha / (2 * max(tests, 1)))) * math.sqrt(1 / first + 1 / second)


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (S. Holm, Scand. J. Statist. 6, 65, 1979): the probability that any is at most alpha by chance
    is at most alpha. nan stay nan, and do not count.
    """
    known = sorted((value, k) for k, value in enumerate(p) if not math.isnan(value))
    adjusted, largest = [math.nan] * len(p), 0.0
    for rank, (value, k) in enumerate(known):
        largest = max(largest, min(1.0, value * (len(known) - rank)))
        adjusted[k] = largest
    return adjusted
