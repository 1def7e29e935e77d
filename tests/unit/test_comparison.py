"""Comparisons of recordings: spike by spike, and of groups of runs by their distributions.

What is compared with: SciPy (ks_2samp, ttest_ind, maximum_bipartite_matching), closed forms, and NumPy twins that are written differently.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.stats import ks_2samp, ttest_ind
from scipy.stats import t as student

import lifsim as ls
from lifsim import analysis
from lifsim.analysis import RunDistributions, SampleDistribution, cohens_d, compare, compare_exactly, ks_distance
from lifsim.analysis.verdicts import holm, least_difference, partitions, permutation_p, student_p
from lifsim.cli.compare import comparison_facts
from lifsim.cli.comparison_text import compared_statistically
from lifsim.cli.main import main
from lifsim.common.errors import DataError
from lifsim.results import Spikes

pytestmark = pytest.mark.usefixtures("unarranged_figures")


def spikes(times, ids, n=20, stop=1000.0, dt=0.1, name="exc"):
    order = np.lexsort((ids, times))
    at, who = np.asarray(times, float)[order], np.asarray(ids, np.int64)[order]
    return Spikes(at, who, n, 0.0, stop, np.arange(n), dt, name)


def some(seed=0, number=400, n=20):
    """Random spikes on the grid, at most one a neuron and step."""
    keys = np.random.default_rng(seed).choice(n * 9990, number, replace=False)
    return spikes((keys // n + 1) * 0.1, keys % n, n)


# -- spike by spike ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 400])
def test_spikes_are_the_same_as_themselves(number):
    s = some(number=number)
    found = compare_exactly(s, s)
    assert found.same and not found.first and not found.facts
    assert found.populations["exc"].spikes == (number, number) and found.populations["exc"].alone == (0, 0)


def test_the_order_of_simultaneous_spikes_does_not_matter():
    a = spikes([1.0, 1.0, 2.0], [3, 5, 1])
    b = replace(a, ids=a.ids[[1, 0, 2]])
    assert compare_exactly(a, b).same


@pytest.mark.parametrize("seed", range(8))
def test_a_spike_moved_by_a_step_is_found_and_named(seed):
    a = some(seed)
    k = int(np.random.default_rng(seed + 100).integers(len(a)))
    later = (np.rint(a.times[k] / 0.1) + 1) * 0.1
    if np.any((a.ids == a.ids[k]) & (np.abs(a.times - later) < 0.01)):
        pytest.skip("the neuron fires there already")
    times = a.times.copy()
    times[k] = later
    found = compare_exactly(a, spikes(times, a.ids))
    match = found.populations["exc"]
    assert not found.same and found.first == "exc" and match.alone == (1, 1)
    assert (match.first.time, match.first.neuron, match.first.in_first) == (a.times[k], a.ids[k], True)
    assert match.first.nearest == later
    marks = {(near.time, near.neuron): (near.in_first, near.in_second) for near in match.first.nearby}
    assert marks[a.times[k], a.ids[k]] == (True, False)
    assert all(mark == (True, True) for key, mark in marks.items() if key[1] != a.ids[k])
    times = [near.time for near in match.first.nearby]
    assert times == sorted(times) and len(times) <= 9
    back = compare_exactly(spikes(np.where(np.arange(len(a)) == k, later, a.times), a.ids), a).populations["exc"].first
    assert (back.time, back.in_first, back.nearest) == (a.times[k], False, later)


def test_a_missing_spike_and_one_too_many():
    a = some()
    without = replace(a, times=np.delete(a.times, 7), ids=np.delete(a.ids, 7))
    match = compare_exactly(a, without).populations["exc"]
    assert match.alone == (1, 0) and math.isnan(match.first.nearest)
    assert (match.first.time, match.first.neuron) == (a.times[7], a.ids[7])
    assert compare_exactly(without, a).populations["exc"].alone == (0, 1)


def test_decimal_numbers_are_the_same_unless_bits_are_asked_for():
    steps = np.arange(1, 9000, 7)
    a, b = spikes(steps * 0.1, steps % 20), spikes(np.round(steps * 0.1, 1), steps % 20)
    assert (a.times != b.times).any()
    assert compare_exactly(a, b).same
    assert not compare_exactly(a, b, tolerance=0.0).same


@pytest.mark.parametrize("tolerance", [0.0, 0.15, 2.0, 40.0])
@pytest.mark.parametrize("seed", range(4))
def test_as_many_spikes_are_paired_as_can_be(seed, tolerance):
    """Against SciPy's maximum matching of a bipartite graph, also where chains of spikes can be paired in several ways."""
    rng = np.random.default_rng(seed)
    a = spikes(rng.uniform(0, 1000, 120), rng.integers(0, 4, 120), 4)
    b = spikes(np.clip(a.times + rng.normal(0, 1.5, 120), 0.01, 1000), a.ids, 4)
    b = replace(b, times=b.times[:110], ids=b.ids[:110])
    may = (np.abs(a.times[:, None] - b.times) <= tolerance) & (a.ids[:, None] == b.ids)
    pairs = int((maximum_bipartite_matching(csr_matrix(may), perm_type="column") >= 0).sum())
    assert compare_exactly(a, b, tolerance=tolerance).populations["exc"].alone == (120 - pairs, 110 - pairs)


def test_other_facts_are_told():
    a = some()
    assert [fact.what for fact in compare_exactly(a, replace(a, n_nodes=21)).facts] == ["exc: neurons"]
    more = replace(a, n_nodes=21)
    assert [fact.what for fact in compare_exactly(more, replace(more, recorded_ids=np.arange(21))).facts] == ["exc: recorded neurons"]
    (step,) = compare_exactly(a, replace(a, dt=0.05)).facts
    assert (step.first, step.second, step.counts) == ("0.1 ms", "0.05 ms", True)
    (unknown,) = (found := compare_exactly(a, replace(a, dt=math.nan))).facts
    assert not unknown.counts and found.same
    found = compare_exactly(a, a.window(0.0, 500.0))
    assert found.facts[0].what == "exc: window" and not found.same
    assert found.populations["exc"].first is None  # in the part that both have
    found = compare_exactly({"exc": a, "inh": a}, {"exc": a})
    assert [(fact.what, fact.second) for fact in found.facts] == [("inh: spikes", "not recorded")] and not found.same
    assert compare_exactly({"exc": a, "inh": a}, {"exc": a}, populations=["exc"]).same


def test_files_of_other_tools(tmp_path):
    """What lifsim writes as CSV and NPZ, and bare columns as NEST writes them, which lack the number of neurons and the window."""
    result = brunel(1)
    for suffix in ("csv", "npz", "h5"):
        path = ls.write_spikes(tmp_path / f"spikes.{suffix}", dict(result.spikes))
        assert compare_exactly(result, path).same, suffix
    s = result.spikes["exc"]
    bare = tmp_path / "exc-12-0.dat"
    bare.write_text("# NEST version: 3.10\nsender\ttime_ms\n" + "".join(f"{i + 1}\t{t:.3f}\n" for i, t in zip(s.ids, s.times, strict=True)))
    other = ls.open(bare, first_id=1)
    found = compare_exactly({"exc": s}, other)
    assert found.same and found.populations["exc"].spikes == (len(s), len(s))
    assert [(fact.what, fact.second, fact.counts) for fact in found.facts if "step" in fact.what] == [("exc: time step", "unknown", False)]


CUT = "time,id\n1.0,0\n2.5,1\n"


@pytest.mark.parametrize("text", [CUT, "time,id\n1.0,0\n", "time,id\n"])
def test_a_file_of_another_tool_that_is_cut_short_is_not_the_same(tmp_path, text):
    """Against a recording of known length, and against the whole file, whose end is not known either."""
    whole, cut, known = tmp_path / "whole.csv", tmp_path / "cut.csv", Spikes([1.0, 2.5, 7.0], [0, 1, 0], 2, 0.0, 10.0, name="whole")
    whole.write_text(CUT + "7.0,0\n")
    cut.write_text(text)
    kept = text.count("\n") - 1
    short = {"whole": ls.open(cut).spikes["cut"]}
    for full in (known, ls.open(whole)):
        assert compare_exactly(full, full).same
        for options in ({}, {"t_start": 0.5}, {"discard": 0.5}, {"t_start": 3.0}, {"t_stop": 9.0}):
            left = np.count_nonzero(np.array([1.0, 2.5][:kept]) > options.get("t_start", 0.0))
            all_of = np.count_nonzero(np.array([1.0, 2.5, 7.0]) > options.get("t_start", 0.0))
            found = compare_exactly(full, short, **options)
            match = found.populations["whole"]
            assert not found.same and match.alone == (all_of - left, 0), options
            assert compare_exactly(short, full, **options).populations["whole"].alone == (0, all_of - left)
        if kept == 2:
            assert compare_exactly(full, short, t_stop=5.0).same
    assert compare_exactly(short, short).same


def test_spikes_outside_of_a_known_window_are_a_difference():
    """A recording whose end is not known, but which goes on after the end of the other one."""
    known, longer = Spikes([1.0], [0], 1, 0.0, 5.0, name="p"), Spikes([1.0, 6.0], [0, 0], 1, name="p")
    found = compare_exactly(known, longer)
    assert not found.same and found.facts[0].what == "p: window" and found.populations["p"].alone == (0, 0)
    assert compare_exactly(known, longer, t_stop=5.0).same
    late = Spikes([501.0], [0], 1, 500.0, 600.0, name="p")  # its warm-up ends at 500.5 ms, also for the one that does not say when it began
    assert compare_exactly(late, Spikes([501.0], [0], 1, name="p"), discard=0.5).same
    assert not compare_exactly(late, Spikes([499.0, 501.0], [0, 0], 1, name="p")).same


def test_the_empty_part_of_two_recordings_is_not_the_same():
    early, late = Spikes([1.0], [0], 1, 0.0, 5.0, name="p"), Spikes([8.0], [0], 1, 6.0, 9.0, name="p")
    assert not compare_exactly(early, late).same
    with pytest.raises(DataError, match="must overlap"):
        compare_exactly(early, late, 5.5, 5.8)
    both = Spikes([1.0], [0], 1, name="p")
    with pytest.raises(DataError, match="must overlap"):
        compare_exactly(both, both, 5.0, 6.0)


def test_spikes_at_the_start_of_the_recording_count(tmp_path):
    np.savez(tmp_path / "a.npz", times=[0.0, 10.0], ids=[0, 0])
    np.savez(tmp_path / "b.npz", times=[10.0], ids=[0])
    a, b = ({"p": next(iter(ls.open(tmp_path / f"{name}.npz").spikes.values()))} for name in "ab")
    assert compare_exactly(a, a).same and compare_exactly(a, b).populations["p"].alone == (1, 0)
    assert compare_exactly(a, b, t_start=5.0).same
    stream = ls.open(a).stream("p")
    for t_start, number in ((None, 2), (0.0, 2), (-1.0, 2), (0.5, 1), (10.0, 0)):
        assert sum(map(len, stream.window(t_start).pieces())) == len(a["p"].window(t_start)) == number
    again = stream.window(0.5).window(0.5)
    assert sum(map(len, again.pieces())) == 1 and sum(map(len, stream.window(0.0).window(0.0).pieces())) == 2


def test_a_warm_up_can_be_left_out():
    a = some()
    b = replace(a, ids=np.where(a.times <= 200, (a.ids + 1) % 20, a.ids))
    assert not compare_exactly(a, b).same
    assert compare_exactly(a, b, discard=200.0).same
    assert compare_exactly(a, b, 200.0, 900.0).same


def neuron_net(I_e=400.0):
    net = ls.Network(dt=0.1)
    cell = net.add("cell", 2, "iaf_psc_exp", I_e=[400.0, I_e])
    net.record(cell, "V_m", interval=1.0)
    net.record(cell, "spikes")
    return net


@cache
def neuron(I_e=400.0):
    return ls.run(neuron_net(I_e), 50.0)


def test_traces():
    a, b = neuron(), neuron(401.0)
    assert compare_exactly(a, a).same and compare_exactly(a, a).traces["cell", "V_m"].largest == 0
    match = compare_exactly(a, b).traces["cell", "V_m"]
    assert match.largest == np.abs(a.traces["cell"]["V_m"] - b.traces["cell"]["V_m"]).max() > 0
    assert match.time == 1.0 and match.unit == "mV"
    assert math.isnan(compare_exactly(a, b, trace_tolerance=100.0).traces["cell", "V_m"].time)


def changed(run, first, last):
    """The run with other samples from the `first` on, up to the `last`."""

    class Source:
        def __getattr__(self, name):
            return getattr(run._source, name)

        def trace(self, key):
            samples = run._source.trace(key).copy()
            samples[first:last] += 1.0
            return samples

    return ls.Result(Source())


def test_traces_are_compared_in_the_window():
    """Samples at 1, 2, … 50 ms, of which those at 11 to 20 ms differ."""
    a, b = neuron(), changed(neuron(), 10, 20)
    assert not compare_exactly(a, b).same
    for options in ({"discard": 20.0}, {"t_start": 20.0}, {"t_stop": 10.0}, {"t_start": 2.0, "t_stop": 10.0}):
        assert compare_exactly(a, b, **options).same, options
    for options in ({"discard": 19.0}, {"t_start": 19.0}, {"t_stop": 11.0}):
        assert compare_exactly(a, b, **options).traces["cell", "V_m"].time == (11.0 if "t_stop" in options else 20.0)
    longer = ls.run(neuron_net(), 60.0)
    assert not compare_exactly(a, longer).same and compare_exactly(a, longer, t_stop=50.0).same


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"tolerance": -1.0}, "tolerance"),
        ({"trace_tolerance": math.nan}, "trace_tolerance"),
        ({"discard": -1.0}, "discard"),
        ({"populations": ["ex"]}, "populations"),
    ],
)
def test_bad_options_of_exact_comparisons(options, place):
    with pytest.raises(DataError, match=place):
        compare_exactly(some(), some(), **options)
    with pytest.raises(DataError, match="at least one name that both recordings have"):
        compare_exactly(some(), replace(some(), name="inh"))


# -- distributions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("discrete", [False, True])
def test_ks_distance_is_scipys(seed, discrete):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, 1, 300), rng.normal(0.3, 1.2, 170)
    x, y = (np.round(x * 3), np.round(y * 3)) if discrete else (x, y)
    assert ks_distance(SampleDistribution.of(x), SampleDistribution.of(y)) == pytest.approx(ks_2samp(x, y).statistic, abs=1e-12)


def test_ks_distance_of_edge_cases():
    x, none = SampleDistribution.of([1.0, 2.0]), SampleDistribution.of([math.nan])
    assert (ks_distance(x, x), ks_distance(x, none), ks_distance(none, none)) == (0.0, 1.0, 0.0)
    assert ks_distance(x, SampleDistribution.of([3.0])) == 1.0
    exact = np.arange(50) / 5
    assert (
        ks_distance(SampleDistribution.of(exact), SampleDistribution.of(exact.astype(np.float32))) == 0.0
    )  # the same rates, rounded differently
    with pytest.raises(DataError, match="only its mean"):
        ks_distance(x, replace(x, shape_known=False))


def test_moments_and_effect_size():
    rng = np.random.default_rng(1)
    x, y = np.round(rng.normal(0, 1, 200), 1), rng.normal(1, 2, 300)
    a, b = SampleDistribution.of(x), SampleDistribution.of(y)
    assert (a.n, a.mean, a.sd) == (200, pytest.approx(x.mean()), pytest.approx(x.std()))
    assert cohens_d(a, b) == pytest.approx((y.mean() - x.mean()) / np.sqrt((x.var() + y.var()) / 2))
    both = SampleDistribution.pooled([a, b])
    assert (both.n, both.mean, both.sd) == (500, pytest.approx(np.append(x, y).mean()), pytest.approx(np.append(x, y).std()))
    one = SampleDistribution.of([1.0])
    assert cohens_d(one, one) == 0 and cohens_d(one, SampleDistribution.of([2.0])) == math.inf
    assert math.isnan(cohens_d(a, SampleDistribution.of([])))


@pytest.mark.parametrize("most", [16, 128])
def test_coarse_distributions_stay_near(most):
    x = np.random.default_rng(2).gamma(2.0, size=5000)
    full = SampleDistribution.of(x)
    small = full.coarse(most)
    assert len(small.values) <= most and small.n == full.n and small.mean == pytest.approx(full.mean)
    assert ks_distance(full, small) <= 1 / most
    assert full.coarse(5000) is full


def test_distributions_are_those_of_the_statistics():
    result = brunel(1)
    found = analysis.distributions(result, discard=100.0, neurons=50, seed=3)
    for name, s in result.spikes.items():
        s = s.window(100.0)
        matrix = analysis.correlations(s, 2.0, 50, 3)
        pairs = matrix[np.triu_indices(len(matrix), 1)]
        for key, sample in (("rate", analysis.rates(s)), ("cv", analysis.cv_isi(s)), ("correlation", pairs[~np.isnan(pairs)])):
            one = found.populations[name][key]
            assert np.array_equal(np.repeat(one.values, one.counts), np.sort(sample))
    assert found.duration == 300.0


# -- verdicts ---------------------------------------------------------------------------------------


def test_permutation_test_against_a_twin():
    """Family-wise p-values by loops over all divisions."""
    rng = np.random.default_rng(4)
    runs, first = 7, 3
    distances = []
    for shift in (0.0, 2.0):
        x = rng.normal(size=runs) + shift * (np.arange(runs) < first)
        distances.append(np.abs(x[:, None] - x))
    expected, table = [], []
    for matrix in distances:
        row = []
        for members in combinations(range(runs), first):
            pairs = list(combinations(range(runs), 2))
            across = [matrix[i, j] for i, j in pairs if (i in members) != (j in members)]
            within = [matrix[i, j] for i, j in pairs if (i in members) == (j in members)]
            row.append(np.mean(across) - np.mean(within))
        table.append((np.array(row) - np.mean(row)) / np.std(row))
    largest = np.max(table, axis=0)
    expected = [np.mean(largest >= row[0] - 1e-9) for row in table]
    assert permutation_p(np.array(distances), first, 10_000, 0) == pytest.approx(expected)


def test_permutations_are_drawn_where_there_are_many():
    rng = np.random.default_rng(5)
    x = rng.normal(size=16) + 0.5 * (np.arange(16) < 8)
    distances = np.abs(x[:, None] - x)[None]
    (drawn,), (every,) = permutation_p(distances, 8, 5000, 1), permutation_p(distances, 8, 20_000, 1)
    assert drawn == pytest.approx(every, abs=4 * math.sqrt(every * (1 - every) / 5000))
    assert permutation_p(distances, 8, 5000, 1) == drawn


def test_the_least_p_value():
    x = np.r_[np.zeros(5), np.ones(5)] + 0.01 * np.arange(10)
    (p,) = permutation_p(np.abs(x[:, None] - x)[None], 5, 10_000, 0)
    assert p == 2 / math.comb(10, 5) == 1 / partitions(5, 5)
    assert partitions(3, 5) == 56


def test_students_test_is_scipys():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=4), rng.normal(0.5, size=3)
    assert student_p(x, y) == pytest.approx(ttest_ind(x, y).pvalue)
    assert student_p([*x, math.nan], y) == pytest.approx(ttest_ind(x, y).pvalue)
    t = (x.mean() - 1.0) / (x.std(ddof=1) * math.sqrt(1 + 1 / 4))  # the prediction interval for one value
    assert student_p([1.0], x) == pytest.approx(2 * student.sf(abs(t), 3))
    assert math.isnan(student_p([1.0], [2.0])) and math.isnan(student_p([math.nan], x))
    assert student_p([1.0, 1.0], [1.0, 1.0]) == 1.0 and student_p([1.0, 1.0], [2.0, 2.0]) == 0.0


def test_the_least_difference_that_is_found():
    """Runs at -s and s around their means: a difference just above the limit is significant, one just below is not."""
    least = least_difference(2, 2, 0.01, 6)
    for factor, found in ((1.001, True), (0.999, False)):
        x = np.array([-1.0, 1.0]) * math.sqrt(0.5)  # standard deviation 1
        assert (holm([student_p(x, x + factor * least), *[1.0] * 5])[0] <= 0.01) == found


def test_holms_correction():
    assert holm([0.01, 0.04, 0.03, math.nan])[:3] == pytest.approx([0.03, 0.06, 0.06])  # 3 · 0.01; 2 · 0.03; the larger of 0.04 and 0.06
    assert math.isnan(holm([0.01, math.nan])[1])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def made(rng, runs, shift=0.0, wide=1.0, neurons=40):
    """Runs of two populations: each run has a random offset, which all its neurons share."""

    def one():
        offset = rng.normal(0, 0.3)
        rates = {key: SampleDistribution.of(10 + shift + offset + wide * rng.normal(size=neurons)) for key in ("rate", "cv")}
        return RunDistributions({"exc": rates, "inh": {"rate": SampleDistribution.of(rng.normal(size=neurons))}})

    return [one() for _ in range(runs)]


@pytest.mark.parametrize(("runs", "alpha", "criterion"), [(5, 0.05, "permutation"), (3, 0.05, "t-tests")])
def test_false_alarms(runs, alpha, criterion):
    """100 comparisons of equal groups, 5 % false alarms at most: more than 13 happen by chance once in 2,000 times (binomial)."""
    rng = np.random.default_rng(7)
    found = [compare({"a": made(rng, runs), "b": made(rng, runs)}, alpha=alpha) for _ in range(100)]
    assert {one.criteria["b"] for one in found} == {criterion}
    alarms = sum(not one.same for one in found)
    print(f"{criterion}: {alarms} of 100 comparisons of equal groups, alpha {alpha}")
    assert alarms <= 13


def test_differences_are_found():
    rng = np.random.default_rng(8)
    shifted = compare({"a": made(rng, 5), "b": made(rng, 5, shift=1.5)})
    assert {(row.population, row.statistic) for row in shifted.rows if row.different} == {("exc", "rate"), ("exc", "cv")}
    few = compare({"a": made(rng, 3), "b": made(rng, 3, shift=3.0)})
    assert few.criteria == {"b": "t-tests"} and not few.same
    wide = compare({"a": made(rng, 4), "b": made(rng, 4, wide=3.0)})  # the means are equal
    assert {(row.population, row.statistic) for row in wide.rows if row.different} == {("exc", "rate"), ("exc", "cv")}


def test_the_shape_alone_decides_with_many_runs_or_a_limit():
    """Two peaks against a normal distribution of equal mean and standard deviation."""
    rng = np.random.default_rng(12)

    def runs(n, peaks):
        values = [rng.choice([-1.0, 1.0], 200) + 0.1 * rng.normal(size=200) if peaks else rng.normal(0, 1.005, 200) for _ in range(n)]
        return [RunDistributions({"exc": {"rate": SampleDistribution.of(x)}}) for x in values]

    assert compare({"a": runs(3, False), "b": runs(3, True)}).same  # as is documented
    found = compare({"a": runs(6, False), "b": runs(6, True)})
    assert found.criteria == {"b": "permutation"} and not found.same
    groups = {"a": runs(1, False), "b": runs(1, True)}
    assert not compare(groups, limit=0.1).same and compare(groups, limit=0.9).same


def test_rows_hold_the_numbers():
    rng = np.random.default_rng(9)
    groups = {"a": made(rng, 2), "b": made(rng, 3), "c": made(rng, 2, shift=9.0)}
    found = compare(groups)
    row = next(row for row in found.rows if (row.group, row.population, row.statistic) == ("b", "exc", "rate"))
    a, b = ([run.populations["exc"]["rate"] for run in groups[name]] for name in "ab")
    samples = [[np.repeat(one.values, one.counts) for one in each] for each in (a, b)]
    assert row.means == pytest.approx([np.mean([x.mean() for x in each]) for each in samples])
    assert row.distance == pytest.approx(np.mean([ks_2samp(x, y).statistic for x in samples[0] for y in samples[1]]))
    within = [ks_2samp(x, y).statistic for each in samples for x, y in combinations(each, 2)]
    assert row.distance_within == pytest.approx(np.mean(within))
    off = [x.mean() - m for each, m in zip(samples, row.means, strict=True) for x in each]
    assert row.spread == pytest.approx(np.sqrt(np.square(off).sum() / 3))
    assert {row.group for row in found.rows if row.different} == {"c"}


def test_published_means_are_compared_by_t_tests():
    rng = np.random.default_rng(10)
    known = RunDistributions({"exc": {"rate": SampleDistribution(np.array([10.0]), np.array([1]), shape_known=False)}})
    (row,) = compare({"paper": [known], "here": made(rng, 10)}, populations=["exc"]).rows
    assert not row.different and math.isnan(row.distance) and row.means[0] == 10
    (row,) = compare({"paper": [known], "here": made(rng, 10, shift=3.0)}, populations=["exc"]).rows
    assert row.different


def test_means_alone_have_no_distance():
    known = RunDistributions({"exc": {"rate": SampleDistribution(np.array([10.0]), np.array([1]), shape_known=False)}})
    with pytest.raises(DataError, match="only the mean is known: rate of exc"):
        compare({"paper": [known], "here": made(np.random.default_rng(10), 3, shift=50.0)}, limit=0.1)


def test_runs_without_a_common_statistic():
    one, other = (RunDistributions({"exc": {key: SampleDistribution.of([1.0, 2.0])}}) for key in ("rate", "cv"))
    for options in ({}, {"limit": 0.5}):
        with pytest.raises(DataError, match="statistics: the runs share none"):
            compare({"a": [one] * 2, "b": [other] * 2}, **options)
    both = RunDistributions({"exc": {key: SampleDistribution.of([1.0, 2.0]) for key in ("rate", "cv")}})
    with pytest.raises(DataError, match="statistics: the runs share none"):
        compare({"a": [one] * 2, "b": [both] * 2, "c": [other] * 2})


def test_few_permutations_are_enough_if_p_can_reach_alpha():
    rng = np.random.default_rng(13)
    groups = {"a": made(rng, 7), "b": made(rng, 7, shift=9.0)}
    found = compare(groups, permutations=100)
    assert found.criteria == {"b": "permutation"} and not found.same
    groups = {"a": made(rng, 9), "b": made(rng, 11, shift=9.0)}
    found = compare(groups, alpha=5e-5)  # 10,000 permutations could not reach it
    assert found.criteria == {"b": "permutation"} and not found.same


def test_what_silent_groups_leave_undetermined():
    rng = np.random.default_rng(14)
    empty = SampleDistribution.of([])

    def run(silent):
        rates = np.zeros(40) if silent else rng.normal(10.0, 1.0, 40)
        cv = empty if silent else SampleDistribution.of(rng.normal(1.0, 0.1, 40))
        return RunDistributions({"exc": {"rate": SampleDistribution.of(rates), "cv": cv, "correlation": empty if silent else cv}})

    def verdicts(found):
        return {row.statistic: row.different for row in found.rows}

    active, silent = [run(False) for _ in range(6)], [run(True) for _ in range(6)]
    found = compare({"a": active[:3], "b": silent[:3]})
    assert verdicts(found) == {"rate": True, "cv": None, "correlation": None} and not found.same
    assert verdicts(compare({"a": active, "b": silent})) == {"rate": True, "cv": True, "correlation": True}  # by permutations
    assert verdicts(compare({"a": active, "b": silent}, limit=0.5)) == {"rate": True, "cv": True, "correlation": True}
    quiet = compare({"a": silent[:3], "b": silent[3:]})
    assert verdicts(quiet) == {"rate": False, "cv": None, "correlation": None} and quiet.same
    text = compared_statistically(found)
    assert sum(line.endswith("undetermined") for line in text.split("\n")) == 2
    assert "1 of 3 statistics differ, 2 undetermined" in text
    assert [row["different"] for row in comparison_facts(found, {"a": "123", "b": "456"})["rows"]] == [True, None, None]
    nothing = RunDistributions({"exc": {"cv": empty}})
    found = compare({"a": [nothing] * 2, "b": [nothing] * 2})
    assert not found.same and "nothing is determined" in compared_statistically(found)


def test_notes():
    a, b = some(1), some(2)
    groups = {"a": [a, a], "b": [b.window(0.0, 500.0)]}
    *_, note = compare(groups).notes
    assert "windows of different lengths (500, 1000 ms)" in note
    groups = {"a": [{"exc": a, "inh": a}] * 2, "b": [{"exc": b}]}
    assert compare(groups).notes[0] == "not in all runs, and left out: inh"
    assert compare(groups, limit=0.5).notes == ("not in all runs, and left out: inh",)


@pytest.mark.parametrize(
    ("groups", "options", "said"),
    [
        ({"a": [1]}, {}, "two groups or more"),
        ({"a": [1], "b": []}, {}, "one run or more"),
        ({"a": [1], "b": [1]}, {}, "--distance"),
        ({"a": [1, 1], "b": [1]}, {"alpha": 0.0}, "alpha"),
        ({"a": [1] * 5, "b": [1] * 5}, {"permutations": 99}, "permutations: 99; expected at least .* = 100"),
        ({"a": [1] * 5, "b": [1] * 5, "c": [1] * 5}, {"permutations": 199}, "permutations: 199; expected at least .* = 200"),
        ({"a": [1] * 5, "b": [1] * 5}, {"permutations": 0, "alpha": 0.5}, "permutations"),
        ({"a": [1, 1], "b": [1]}, {"limit": 1.5}, "limit"),
        ({"a": [1, 1], "b": [1]}, {"populations": ["ex"]}, "did you mean 'exc'"),
        ({"a": [1, 1], "b": [1]}, {"neurons": 1}, "neurons"),
        ({"a": [1, 1], "b": [1]}, {"bin": 0.0}, "bin"),
    ],
)
def test_bad_groups(groups, options, said):
    with pytest.raises(DataError, match=said):
        compare({name: [some()] * len(runs) for name, runs in groups.items()}, **options)


# -- real runs, and the command ---------------------------------------------------------------------


@cache
def brunel(seed, g=5.0):
    return ls.run(ls.load("brunel", order=25, g=g), 400.0, seed=seed)


def test_seeds_differ_exactly_but_not_statistically():
    """False alarms: 1 % (the seeds are fixed, so that the outcome is too)."""
    runs = [brunel(seed) for seed in range(1, 11)]
    assert not any(compare_exactly(runs[0], other).same for other in runs[1:])
    found = compare({"a": runs[:5], "b": runs[5:]}, discard=100.0)
    assert found.criteria == {"b": "t-tests"} and found.same
    found = compare({"a": runs[:5], "b": runs[5:]}, discard=100.0, alpha=0.05)
    assert found.criteria == {"b": "permutation"} and found.same
    other = compare({"a": runs[:5], "b": [brunel(seed, 3.0) for seed in range(1, 6)]}, discard=100.0)
    assert "rate" in {row.statistic for row in other.rows if row.different}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    for seed in range(1, 7):
        brunel(seed).save(place / f"{seed}.h5")
    brunel(1).save(place / "again.h5")
    neuron().save(place / "neuron.h5")
    neuron(401.0).save(place / "other.h5")
    return place


def lifsim(*words):
    outcome = CliRunner().invoke(main, [str(word) for word in words])
    return outcome.exit_code, outcome.output


def test_command_exact(folder, monkeypatch):
    monkeypatch.chdir(folder)
    code, said = lifsim("compare", "1.h5", "again.h5")
    assert code == 0 and "1.h5, again.h5: the same" in said
    code, said = lifsim("compare", "1.h5", "again.h5", "2.h5")
    first = compare_exactly(brunel(1), brunel(2))
    where = first.populations[first.first].first
    assert code == 1 and f"first difference: {first.first}, neuron {where.neuron}, {where.time:g} ms" in said
    code, said = lifsim("compare", "1.h5", "2.h5", "--json", "--population", "exc")
    facts = json.loads(said)
    assert code == 1 and not facts["same"] and list(facts["comparisons"][0]["populations"]) == ["exc"]
    code, said = lifsim("compare", "neuron.h5", "other.h5")
    assert code == 1 and "V_m differs from 1 ms on" in said
    assert lifsim("compare", "neuron.h5", "other.h5", "--trace-tolerance", 100)[0] == int(
        not compare_exactly(neuron(), neuron(401.0), trace_tolerance=100.0).same
    )


def test_command_statistical(folder, monkeypatch, tmp_path, arranged_figures):
    monkeypatch.chdir(folder)
    groups = "--group", "a=1.h5,2.h5,3.h5", "--group", "b=4.h5,5.h5,6.h5"
    code, said = lifsim("compare", *groups, "--discard", 100, "-o", tmp_path / "c.png")
    assert code == 0 and "3 runs a and 3 runs b: no difference found (Student's t-tests" in said
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    code, said = lifsim("compare", *groups, "--discard", 100, "-o", tmp_path / "c.png")
    assert code == 2 and "--overwrite" in said
    code, said = lifsim("compare", *groups, "--discard", 100, "--json", "--neurons", 20, "--bin", 5, "--alpha", 0.001)
    facts = json.loads(said)
    assert code == 0 and facts["same"] and facts["alpha"] == 0.001
    runs = facts["groups"][0]["runs"]
    assert (len(runs), runs[0]["bin"], runs[0]["sample"], runs[0]["discard"]) == (3, 5.0, 20, 100.0)
    assert {row["statistic"] for row in facts["rows"]} == {"rate", "cv", "correlation"}
    assert lifsim("compare", "1.h5", "2.h5", "--statistical", "--distance", 0)[0] == 1
    assert lifsim("compare", "1.h5", "2.h5", "--statistical", "--distance", 1)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1.h5"], "two files or more"),
        ([], "FILE, --group"),
        (["1.h5", "missing.h5"], "missing.h5"),
        (["1.h5", "2.h5", "--alpha", "0.1"], "--alpha"),
        (["1.h5", "2.h5", "--statistical"], "--distance"),
        (["1.h5", "2.h5", "--statistical", "--tolerance", "1"], "--tolerance"),
        (["1.h5", "2.h5", "--population", "ex"], "did you mean 'exc'"),
        (["--group", "a=1.h5", "--group", "b=2.h5"], "spread between seeds is not known"),
        (["--group", "a=1.h5", "--group", "a=2.h5"], "given twice"),
    ],
)
def test_bad_commands(folder, monkeypatch, words, said):
    monkeypatch.chdir(folder)
    code, output = lifsim("compare", *words)
    assert code == 2 and said in output and output.startswith("error: ")


def test_the_picture_of_many_cases():
    """Silent populations, means only, three groups: nothing is drawn that is not there, and nothing fails."""
    rng = np.random.default_rng(11)
    silent = RunDistributions({"exc": {key: SampleDistribution.of([]) for key in ("rate", "cv", "correlation")}})
    for groups in (
        {"a": made(rng, 2), "b": made(rng, 2), "c": made(rng, 1, shift=5.0)},
        {"a": [silent, silent], "b": [silent]},
        {"a": [RunDistributions({"exc": {"rate": SampleDistribution(np.array([9.0]), np.array([1]), False)}})], "b": made(rng, 3)},
    ):
        figure = ls.plot.comparison(compare(groups), width_mm=120)
        assert len(figure.axes) % 3 == 0


def test_a_tolerance_of_a_step_allows_a_step():
    """Also where the difference of two rounded times is a little more than it."""
    one = some()
    moved = Spikes(np.round(one.times, 1) + 0.1, one.ids, 20, 0.0, 1000.2, dt=0.1, name="exc")
    one = Spikes(np.round(one.times, 1), one.ids, 20, 0.0, 1000.2, dt=0.1, name="exc")
    assert compare_exactly(one, moved, tolerance=0.1).same
    assert not compare_exactly(one, moved, tolerance=0.09).same


def test_recordings_of_traces_alone_are_compared():
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp", I_e=300.0)
    net.record("n", "V_m")
    other = ls.Network()
    other.add("n", 1, "iaf_psc_exp", I_e=301.0)
    other.record("n", "V_m")
    first, second = ls.run(net, 20.0), ls.run(other, 20.0)
    assert compare_exactly(first, first).same and not compare_exactly(first, second).same


def test_a_run_does_not_count_twice(tmp_path):
    files = [str(ls.write_spikes(tmp_path / f"{k}.h5", some(k))) for k in range(3)]
    for words in (["stats", files[0], files[0]], ["compare", "--group", f"a={files[0]},{files[1]}", "--group", f"b={files[1]},{files[2]}"]):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 2 and "is given twice" in done.output
