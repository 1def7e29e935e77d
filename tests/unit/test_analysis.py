"""Statistics against plain loops, known distributions and reference results."""

from __future__ import annotations

import csv
import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.common.timegrid import times
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.results.spikes import Spikes
from lifsim.simulation.sinks import MemorySink

REFERENCE = Path(__file__).parents[3] / "shared" / "truth" / "stats"


def spikes(steps, ids, n, stop, dt=0.1, start=0.0, recorded=None):
    order = np.lexsort((ids, steps))
    at = times(np.asarray(steps)[order], dt)
    return Spikes(at, np.asarray(ids)[order].astype(np.int64), n, start, stop, np.arange(n) if recorded is None else recorded, dt, "exc")


def poisson(n=200, rate=20.0, stop=20_000.0, seed=0):
    rng = np.random.default_rng(seed)
    number = rng.poisson(n * rate * stop / 1000)
    return spikes(rng.integers(1, round(stop * 10) + 1, number), rng.integers(0, n, number), n, stop)


@pytest.fixture(scope="module")
def train():
    return poisson(n=30, stop=3000.0)


def of(train, i):
    return train.times[train.ids == i]


# -- against loops ----------------------------------------------------------------------------------


def test_rates(train):
    np.testing.assert_allclose(analysis.rates(train), [len(of(train, i)) / 3.0 for i in range(30)])
    inside = [np.sum((of(train, i) > 1000.0) & (of(train, i) <= 2500.0)) / 1.5 for i in range(30)]
    np.testing.assert_allclose(analysis.rates(train, 1000.0, 2500.0), inside)


def test_rates_of_the_recorded():
    few = spikes([1, 2, 3], [7, 3, 7], 10, 1000.0, recorded=np.array([7, 3, 5]))
    np.testing.assert_array_equal(analysis.rates(few), [2.0, 1.0, 0.0])


def test_isi_and_cv(train):
    intervals, ids = analysis.isi(train)
    np.testing.assert_allclose(intervals, np.concatenate([np.diff(of(train, i)) for i in range(30)]))
    np.testing.assert_array_equal(ids, np.repeat(np.arange(30), [len(of(train, i)) - 1 for i in range(30)]))
    np.testing.assert_allclose(analysis.cv_isi(train), [np.diff(of(train, i)).std() / np.diff(of(train, i)).mean() for i in range(30)])


def test_cv_needs_enough_intervals():
    few = spikes(np.arange(10, 70, 10), [0] * 6, 3, 10.0)
    np.testing.assert_allclose(analysis.cv_isi(few), [0.0], atol=1e-12)
    assert len(analysis.cv_isi(few, min_isis=6)) == 0


def test_the_rounding_of_times_is_no_variability():
    clock = spikes(np.arange(37, 99_000, 137), np.zeros(723, int), 1, 10_000.0)
    assert np.ptp(analysis.isi(clock)[0]) > 0
    assert analysis.cv_isi(clock) == [0.0]


def test_counts_fano_and_correlation(train):
    edges = np.arange(0, 30_001, 20)  # steps
    step = np.round(train.times / 0.1).astype(int)
    plain = np.array([np.sum((step > a) & (step <= b)) for a, b in pairwise(edges)])
    np.testing.assert_array_equal(analysis.counts(train, 2.0), plain)
    assert analysis.fano_factor(train, 2.0) == pytest.approx(plain.var() / plain.mean())
    matrix = np.array([np.histogram(step[train.ids == i] - 0.5, edges)[0] for i in range(30)])
    plain = np.corrcoef(matrix)[np.triu_indices(30, 1)].mean()
    assert analysis.correlation(train, 2.0) == pytest.approx(plain, abs=1e-12)


def test_population_rate(train):
    centres, rate = analysis.population_rate(train, 5.0)
    np.testing.assert_allclose(centres, np.arange(2.5, 3000.0, 5.0))
    assert rate.mean() == pytest.approx(analysis.rates(train).mean())


# -- edges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.025, 0.3, 1.0])
@pytest.mark.parametrize("start", [0, 7, 1000])
@pytest.mark.parametrize("per_bin", [1, 3, 20])
def test_a_spike_on_an_edge_belongs_to_the_bin_that_ends_there(dt, start, per_bin):
    steps = start + np.arange(1, 61)
    t_start, t_stop = (float(t) for t in times(np.array([start, start + 60]), dt))
    one = spikes(steps, np.zeros(60, int), 1, t_stop, dt=dt, start=t_start)
    np.testing.assert_array_equal(analysis.counts(one, float(times(np.array(per_bin), dt))), np.full(60 // per_bin, per_bin))


def test_spikes_off_the_grid():
    precise = Spikes(np.array([0.05, 0.15, 1.95, 2.0, 2.0001]), np.zeros(5, np.int64), 1, 0.0, 4.0, np.arange(1), 0.1)
    np.testing.assert_array_equal(analysis.counts(precise, 2.0), [4, 1])


def test_unknown_time_step():
    unknown = Spikes(np.array([2.0, 2.5, 4.0]), np.zeros(3, np.int64), 1, 0.0, 6.0, np.arange(1))
    np.testing.assert_array_equal(analysis.counts(unknown, 2.0), [1, 2, 0])


def test_the_last_bin_is_left_out_if_not_whole():
    np.testing.assert_array_equal(analysis.counts(spikes([10, 41, 50], [0, 0, 0], 1, 5.0), 2.0), [1, 0])
    with pytest.raises(DataError, match="above 0"):
        analysis.counts(spikes([1], [0], 1, 5.0), 0.0)


@pytest.mark.parametrize(("steps", "stop"), [([], 100.0), ([], 0.0), ([5], 100.0), ([5, 9], 100.0)])
def test_little_or_nothing(steps, stop):
    silent = spikes(np.array(steps, int), np.zeros(len(steps), int), 4, stop)
    assert analysis.rates(silent).sum() == pytest.approx(len(steps) * 10.0)
    assert len(analysis.cv_isi(silent)) == 0
    assert math.isnan(analysis.correlation(silent))
    assert math.isnan(analysis.fano_factor(silent)) == (not steps)
    assert analysis.population_rate(silent, 5.0)[1].sum() * 4 * 5e-3 == pytest.approx(len(steps))


def test_coincident_spikes_of_one_neuron():
    assert np.isnan(analysis.cv_isi(spikes([5] * 8, [0] * 8, 1, 10.0))).all()


# -- known distributions ----------------------------------------------------------------------------


def test_poisson():
    trains = poisson()
    assert analysis.rates(trains).mean() == pytest.approx(20.0, rel=0.02)
    assert analysis.cv_isi(trains).mean() == pytest.approx(1.0, abs=0.01)
    assert analysis.fano_factor(trains) == pytest.approx(1.0, abs=0.05)
    assert analysis.correlation(trains) == pytest.approx(0.0, abs=0.002)


@pytest.mark.parametrize("order", [2, 4, 16])
def test_gamma(order):
    rng = np.random.default_rng(order)
    at = np.cumsum(rng.gamma(order, 50.0 / order, (50, 1000)), axis=1)
    steps, ids = np.round(at / 0.1).astype(int), np.repeat(np.arange(50), 1000)
    trains = spikes(steps.ravel(), ids, 50, float(at.max()) + 1)
    assert analysis.cv_isi(trains).mean() == pytest.approx(1 / math.sqrt(order), rel=0.02)


def test_common_input():
    """Of a rate a, a share c shared by all: the correlation of counts is c, up to O(rate * bin)."""
    rng, n, bins = np.random.default_rng(3), 40, 20_000
    count = rng.poisson(0.03, bins) + rng.poisson(0.07, (n, bins))
    ids, index = np.nonzero(count)
    number = count[ids, index]
    trains = spikes(np.repeat(index * 20 + 7, number), np.repeat(ids, number), n, bins * 2.0)
    assert analysis.correlation(trains) == pytest.approx(0.3, abs=0.01)
    assert analysis.fano_factor(trains) == pytest.approx(1 + (n - 1) * 0.3, rel=0.03)


# -- reference results ------------------------------------------------------------------------------


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference results are not here")
@pytest.mark.parametrize("name", ["pd14_N0.1_K0.1_seed1", "brunel_delta_seed1", "brunel_alpha_seed1"])
def test_reference(name):
    data = np.load(REFERENCE / f"{name}.npz")
    stop = float(data["T"])
    for population in [key[2:] for key in data.files if key.startswith("t_")]:
        rate = data[f"rate_{population}"]
        trains = spikes(data[f"t_{population}"].astype(int), data[f"i_{population}"], len(rate), stop)
        np.testing.assert_allclose(analysis.rates(trains), rate, rtol=1e-6)
        np.testing.assert_allclose(analysis.cv_isi(trains), data[f"cv_{population}"], atol=1e-6)
        # the reference counts a spike on an edge in the bin that begins there (but for the last edge): one step later, the same
        later = np.minimum(data[f"t_{population}"].astype(int) + 1, round(stop * 10))
        later = spikes(later, data[f"i_{population}"], len(rate), stop)
        assert analysis.fano_factor(later, 2.0) == pytest.approx(float(data[f"fano2_{population}"]), rel=1e-9)
        # other neurons were drawn there: agreement within the error of the mean of 200 neurons
        expected = data[f"corr2_{population}"].astype(float)
        error = 5 * np.nanstd(expected) / math.sqrt(len(expected)) + 0.1 * abs(np.nanmean(expected))
        assert analysis.correlation(trains, 2.0) == pytest.approx(np.nanmean(expected), abs=error)


# -- tables -----------------------------------------------------------------------------------------


@pytest.fixture
def result():
    names = {"exc": {"n": 200, "model": "iaf_psc_delta"}, "quiet": {"n": 5, "model": "iaf_psc_delta"}}
    sink = MemorySink(Manifest(dt=0.1, populations=names, spikes={name: {"ids": "all"} for name in names}))
    trains = poisson(stop=1000.0)
    sink.write(Chunk(0, 10_000, {"exc": (np.round(trains.times * 10).astype(np.int64), trains.ids)}))
    return sink.finish({})


def test_statistics(result):
    stats = analysis.statistics(result, 200.0, 800.0)
    exc = result.spikes["exc"].window(200.0, 800.0)
    assert stats["exc"]["spikes"] == len(exc)
    assert stats["exc"]["rate"] == pytest.approx(len(exc) / 200 / 0.6)
    assert stats["exc"]["cv_neurons"] == len(analysis.cv_isi(exc))
    assert (stats["quiet"]["neurons"], stats["quiet"]["rate"]) == (5, 0.0)
    assert math.isnan(stats["quiet"]["fano"])
    with pytest.raises(DataError, match="empty"):
        analysis.statistics(result, 800.0, 200.0)
    with pytest.raises(DataError, match="overlap"):
        analysis.statistics(result, 1000.0, 1200.0)


def test_tables(result):
    stats = analysis.statistics(result)
    lines = analysis.table(stats).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[0] == "population"
    assert lines[2].split()[0] == "quiet"
    rows = list(csv.DictReader(analysis.as_csv(stats).splitlines()))
    assert float(rows[0]["rate"]) == stats["exc"]["rate"]
    assert rows[1]["fano"] == ""


def test_a_million_spikes_take_no_time():
    rng = np.random.default_rng(1)
    many = spikes(rng.integers(1, 10_001, 1_000_000), rng.integers(0, 12_500, 1_000_000), 12_500, 1000.0)
    start = time.process_time()
    analysis.rates(many), analysis.cv_isi(many), analysis.fano_factor(many), analysis.correlation(many)
    assert time.process_time() - start < 2.0  # 0.2 s on an idle machine
