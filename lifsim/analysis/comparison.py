"""Compares groups of runs by the distributions of rates, CVs and correlations, against the spread between the runs of a group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.analysis.distribution import (
    STATISTICS,
    RunDistributions,
    SampleDistribution,
    check_populations,
    cohens_d,
    distributions,
    ks_distance,
)
from lifsim.analysis.verdicts import holm, least_difference, partitions, permutation_p, student_p
from lifsim.common.errors import DataError
from lifsim.common.text import shortened

PERMUTATION, STUDENT, LIMIT = "permutation", "t-tests", "limit"
_DIVISIONS = 10_000


@dataclass(frozen=True)
class ComparedStatistic:
    """A statistic of a population in two groups of runs.

    Parameters
    ----------
    group : name of the group that is compared with the first one. population, statistic : "rate", "cv" or "correlation".
    means : mean over neurons (or pairs), averaged over the runs, in the first group and in `group`.
    spread : standard deviation of the means of single runs within a group (divided by n - 2); nan with fewer than three runs.
    effect : Cohen's d of the pooled runs (`cohens_d`); nan where only a mean is known.
    distance : mean Kolmogorov–Smirnov distance of a run of the first group and one of `group`; nan where only a mean is known.
    distance_within : the same of two runs of one group; nan if no group has two.
    p : adjusted p-value; nan if the criterion is a limit of the distance, or the data do not determine it.
    different : the verdict; None if the data do not determine it: a statistic that is undefined in all runs of a group, such as the CV of
        silent neurons, or too few runs in which it is defined.
    """

    group: str
    population: str
    statistic: str
    means: tuple[float, float]
    spread: float
    effect: float
    distance: float
    distance_within: float
    p: float
    different: bool | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Groups of runs compared with the first of them, as `compare` returns them.

    Parameters
    ----------
    groups : name -> the distributions of each run. The first one is the reference.
    rows : a `ComparedStatistic` for each further group, population and statistic.
    criteria : further group -> "permutation", "t-tests" or "limit".
    alpha : probability of a false alarm. limit : largest distance of groups that are the same; None if spread decides.
    notes : limits of the verdict: how large differences must be for few runs to find them; windows of different lengths, and the like.
    """

    groups: Mapping[str, Sequence[RunDistributions]]
    rows: tuple[ComparedStatistic, ...]
    criteria: Mapping[str, str]
    alpha: float
    limit: float | None
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether no statistic differs, and at least one of each group is determined."""
        determined = {row.group for row in self.rows if row.different is not None}
        return determined == set(self.criteria) and not any(row.different for row in self.rows)


def compare(
    groups: Mapping[str, Sequence[Any]],
    t_start: float | None = None,
    t_stop: float | None = None,
    bin: float = 2.0,
    *,
    discard: float = 0.0,
    neurons: int = 250,
    populations: Sequence[str] | None = None,
    alpha: float = 0.01,
    limit: float | None = None,
    seed: int = 0,
    permutations: int | None = None,
) -> Comparison:
    """Compare the activity in groups of runs, such as those of two simulators with several seeds each.

    For each population the distributions of single-neuron rates, CVs and pairwise correlations (`distributions`) are compared by their
    Kolmogorov–Smirnov distance. Whether groups differ is decided by the spread between the runs of a group, which are to differ in the
    seed alone. Neurons of one run are no independent sample, so that their number does not matter. Each group is compared with the first.

    The criterion depends on the number of runs:

    - With many, a permutation test of the distances between runs (`lifsim.analysis.verdicts.permutation_p`): are runs of different groups
      farther apart than runs of one group? It sees every difference of distributions. n and m runs are enough if they can be divided into
      two groups in at least (number of statistics / `alpha`) ways: C(n + m, n), for n = m half of that. For the 24 statistics of eight
      populations and 0.01, these are eight and eight runs, or five and ten.
    - With fewer, Student's t-tests of the means, and of the standard deviations, over the neurons of single runs, with Holm's correction
      for the number of tests. At least three runs in all are needed. It is also used where only published means are known.
    - With `limit`, the distance alone: groups differ if the mean distance of a statistic exceeds it.

    A statistic that is undefined in all runs of one group, such as the CV of silent neurons, has the distance 1 from one that is defined,
    so that the first and the third criterion find it different; t-tests leave it undetermined (`ComparedStatistic.different`).

    In the first two cases, the probability that equal groups are called different is at most `alpha`, over all statistics, populations
    and groups together (for the t-tests, if means and standard deviations of single runs have normal distributions).

    Parameters
    ----------
    groups : name -> runs, each a result or spikes as for `statistics`, or a `RunDistributions`. Two groups at least.
    t_start, t_stop, bin, discard, neurons : as for `statistics`, for runs that are not distributions already.
    populations : names of the populations; default: all.
    alpha : probability of a false alarm, above 0 and below 1.
    limit : largest Kolmogorov–Smirnov distance of groups that are taken for the same, from 0 to 1; default: the spread decides.
    seed : seed of the random choice of neurons whose correlations are taken, and of divisions of the runs.
    permutations : largest number of divisions of the runs into two groups; if there are more, this number is drawn. At least the number of
        further groups / `alpha`, since no p-value can be smaller than 1 / `permutations`; default: ten times this, or 10,000 if that is
        more.

    Returns
    -------
    The comparison. Populations that are not in all groups are left out, and named in its `notes`.

    Raises
    ------
    DataError : there are fewer than two groups, a group is empty, there are too few runs or permutations for a verdict, no population or no
        statistic is in all groups, `limit` is given where only means are known, or an argument is not one of those allowed.
    """
    check_groups({name: len(runs) for name, runs in groups.items()}, alpha, limit, permutations)
    options: dict[str, Any] = {"discard": discard, "neurons": neurons, "seed": seed}

    def known(run: Any) -> RunDistributions:
        return run if isinstance(run, RunDistributions) else distributions(run, t_start, t_stop, bin, **options)

    found = {name: [known(run) for run in runs] for name, runs in groups.items()}
    check_populations(populations, (name for runs in found.values() for run in runs for name in run.populations))
    names, notes = _shared(found, populations)
    first, *others = found
    rows: list[ComparedStatistic] = []
    criteria = {}
    for other in others:
        check_known([*found[first], *found[other]], limit, names)
        pair = _Pair(other, found[first], found[other], names)
        criteria[other] = LIMIT if limit is not None else pair.criterion(alpha / len(others))
        notes += [pair.note(alpha / len(others))] if criteria[other] == STUDENT else []
        most = max(_DIVISIONS, math.ceil(10 * len(others) / alpha)) if permutations is None else permutations
        p = [math.nan] * len(pair.keys) if limit is not None else pair.p_values(criteria[other], most, seed)
        rows += pair.rows([min(1.0, value * len(others)) if value == value else value for value in p], alpha, limit)
    return Comparison(found, tuple(rows), criteria, alpha, limit, (*notes, *_unlike(found)))


def check_groups(sizes: Mapping[str, int], alpha: float, limit: float | None, permutations: int | None = None) -> None:
    """Check, before any long work, that groups of these numbers of runs can be compared (DataError)."""
    if len(sizes) < 2:
        raise DataError("groups", f"{len(sizes)} given", "two groups or more")
    if not 0 < alpha < 1:
        raise DataError("alpha", f"{alpha:g}", "above 0 and below 1")
    if limit is not None and not 0 <= limit <= 1:
        raise DataError("limit", f"{limit:g}", "a distance from 0 to 1")
    least = (len(sizes) - 1) / alpha
    if limit is None and permutations is not None and not permutations >= least:
        allowed = f"at least (number of further groups) / alpha = {least:g}, since no p-value is below 1 / permutations"
        raise DataError("permutations", f"{permutations}", allowed)
    first = next(iter(sizes))
    for name, size in sizes.items():
        if not size:
            raise DataError(f"group {name}", "no run", "one run or more")
        if name != first and limit is None and size + sizes[first] < 3:
            ways = "several runs with different seeds in a group, or a limit of the distance (limit=0.1, --distance 0.1)"
            raise DataError(f"groups {first}, {name}", "one run each, whose spread between seeds is not known", ways)


def check_known(runs: Sequence[RunDistributions], limit: float | None, populations: Sequence[str] | None = None) -> None:
    """Check that runs have a statistic in common, and that their distances are known if they decide (DataError).

    Called for a reference alone before any long work: what it lacks cannot be compared.
    """
    names = populations or list(runs[0].populations)
    shared = _common_statistics(runs, [name for name in names if all(name in run.populations for run in runs)])
    if not shared:
        raise DataError("statistics", "the runs share none in any population", f"one of {', '.join(STATISTICS)} that all runs have")
    means = [f"{s} of {p}" for p, s in shared if not all(run.populations[p][s].shape_known for run in runs)]
    if limit is not None and means:
        got = f"{limit:g}, but only the mean is known: {shortened(', '.join(means))}"
        raise DataError("limit", got, "no limit of the distance (--distance), or distributions with all their values")


def _common_statistics(runs: Sequence[RunDistributions], populations: Sequence[str]) -> list[tuple[str, str]]:
    """(population, statistic) of those that all runs have."""
    return [(p, s) for p in populations for s in STATISTICS if all(s in run.populations[p] for run in runs)]


class _Pair:
    """The first group and another one, with the distances between all their runs."""

    def __init__(self, name: str, first: Sequence[RunDistributions], second: Sequence[RunDistributions], populations: list[str]) -> None:
        self.name, self.n = name, len(first)
        runs = [*first, *second]
        self.keys = _common_statistics(runs, populations)
        self.each = [[run.populations[p][s] for run in runs] for p, s in self.keys]
        self.shapes = all(one.shape_known for several in self.each for one in several)
        self.distances = np.array([_distances(several) for several in self.each]).reshape(len(self.keys), len(runs), len(runs))

    def criterion(self, alpha: float) -> str:
        """The test that the number of runs allows."""
        m = self.distances.shape[1] - self.n
        return PERMUTATION if self.shapes and partitions(self.n, m) >= len(self.keys) / alpha else STUDENT

    def note(self, alpha: float) -> str:
        """What t-tests of so few runs can find."""
        m = self.distances.shape[1] - self.n
        tests = sum(not math.isnan(p) for p in self._each_p())
        least = least_difference(self.n, m, alpha, tests)
        return f"{self.name}: t-tests of {self.n} and {m} runs find means that differ by more than {least:.2g} sd of runs"

    def p_values(self, criterion: str, most: int, seed: int) -> list[float]:
        """The adjusted p-value of each statistic."""
        if criterion == PERMUTATION:
            return permutation_p(self.distances, self.n, most, seed).tolist()
        adjusted, n = holm(self._each_p()), len(self.keys)
        return [_smaller(of_mean, of_sd) for of_mean, of_sd in zip(adjusted[:n], adjusted[n:], strict=True)]

    def _each_p(self) -> list[float]:
        """p-values of the means of all statistics, then of their standard deviations."""
        numbers = [[one.mean for one in each] for each in self.each] + [[one.sd for one in each] for each in self.each]
        return [self._student(values) for values in numbers]

    def _student(self, values: Sequence[float]) -> float:
        return student_p(values[: self.n], values[self.n :])

    def rows(self, p: Sequence[float], alpha: float, limit: float | None) -> Iterator[ComparedStatistic]:
        """The comparison of each statistic."""
        for (population, statistic), each, matrix, value in zip(self.keys, self.each, self.distances, p, strict=True):
            first, second = each[: self.n], each[self.n :]
            pooled = SampleDistribution.pooled(first), SampleDistribution.pooled(second)
            distance = float(matrix[: self.n, self.n :].mean())
            undetermined = math.isnan(value if limit is None else distance)
            different = None if undetermined else value <= alpha if limit is None else distance > limit
            means = _mean(first), _mean(second)
            spread, effect, within = _spread(first, second), cohens_d(*pooled), _within(matrix, self.n)
            yield ComparedStatistic(self.name, population, statistic, means, spread, effect, distance, within, value, different)


def _smaller(p: float, other: float) -> float:
    """The smaller of two p-values, which may be nan."""
    return min((value for value in (p, other) if not math.isnan(value)), default=math.nan)


def _distances(several: Sequence[SampleDistribution]) -> np.ndarray:
    """KS distances of all pairs; nan where only a mean is known."""
    found = np.zeros((len(several), len(several)))
    for i, one in enumerate(several):
        for j in range(i):
            known = one.shape_known and several[j].shape_known
            found[i, j] = found[j, i] = ks_distance(one, several[j]) if known else math.nan
    return found


def _within(matrix: np.ndarray, n: int) -> float:
    """Mean distance of two runs of one group, over both groups, where it is known."""
    blocks = matrix[:n, :n], matrix[n:, n:]
    pairs = np.concatenate([block[np.triu_indices(len(block), 1)] for block in blocks])
    known = pairs[~np.isnan(pairs)]
    return float(known.mean()) if len(known) else math.nan


def _mean(several: Sequence[SampleDistribution]) -> float:
    known = [one.mean for one in several if one.n]
    return float(np.mean(known)) if known else math.nan


def _spread(first: Sequence[SampleDistribution], second: Sequence[SampleDistribution]) -> float:
    """Standard deviation of the means of runs around the mean of their group."""
    off = [one.mean - _mean(group) for group in (first, second) for one in group if one.n]
    return math.sqrt(float(np.square(off).sum()) / (len(off) - 2)) if len(off) > 2 else math.nan


def _shared(found: Mapping[str, Sequence[RunDistributions]], wanted: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The populations of all runs, among those wanted, and a note about others (DataError if there are none)."""
    there = dict.fromkeys(name for runs in found.values() for run in runs for name in run.populations)
    every = [name for name in there if wanted is None or name in wanted]
    shared = [name for name in every if all(name in run.populations for runs in found.values() for run in runs)]
    if not shared:
        got = "; ".join(f"{', '.join(runs[0].populations) or 'none'} in {name}" for name, runs in found.items())
        raise DataError("populations", got, "at least one name that all runs have")
    left = [name for name in every if name not in shared]
    return shared, [f"not in all runs, and left out: {', '.join(left)}"] if left else []


def _unlike(found: Mapping[str, Sequence[RunDistributions]]) -> Iterator[str]:
    """Notes about conventions in which runs differ."""
    every = [run for runs in found.values() for run in runs]
    lengths = sorted({round(run.duration, 6) for run in every if not math.isnan(run.duration)})
    if len(lengths) > 1:
        said = ", ".join(f"{length:g}" for length in lengths)
        yield f"windows of different lengths ({said} ms): distributions over neurons are wider in shorter windows"
    for key, what in (("bin", "bins of different widths (ms)"), ("min_isis", "different least numbers of intervals")):
        values = sorted({getattr(run.conventions, key) for run in every if run.conventions is not None})
        if len(values) > 1:
            yield f"{what}: " + ", ".join(f"{value:g}" for value in values)
