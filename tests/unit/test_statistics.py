"""Statistics against Elephant, plain loops and closed forms; edges of bins; little or no data; wrong arguments."""

from __future__ import annotations

import importlib.util
import math
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.common.timegrid import times
from lifsim.results.spikes import Spikes, unchecked

DATA = Path(__file__).parents[1] / "data"
REFERENCE = dict(np.load(DATA / "elephant.npz"))
N, STOP, TRIGGERS = 44, 2000.0, np.arange(200.0, 1800.0, 160.0)


def spikes(steps, ids, n, stop, dt=0.1, start=0.0):
    order = np.lexsort((ids, steps))
    at = times(np.asarray(steps, float)[order], dt)
    return Spikes(at, np.asarray(ids, np.int64)[order], n, start, stop, np.arange(n), dt, "exc")


def poisson(n, rate, stop, seed=0):
    rng = np.random.default_rng(seed)
    number = rng.poisson(n * rate * stop / 1000)
    return spikes(rng.integers(1, round(stop * 10) + 1, number), rng.integers(0, n, number), n, stop)


@pytest.fixture(scope="module")
def real() -> Spikes:
    """Spikes of a simulated network, and of neurons with 0, 1, 2 and 3 spikes."""
    return spikes(REFERENCE["steps"], REFERENCE["ids"], N, STOP)


def of(train, i):
    return train.times[train.ids == i]


def agree(got, expected):
    """Within 1e-10 of the largest magnitude, and undefined in the same places."""
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-10 * np.nanmax(np.abs(expected)))


# -- against Elephant -------------------------------------------------------------------------------


def trigger_average(real):
    ids, steps = REFERENCE["ids"], REFERENCE["steps"]
    at = np.unique(steps[ids == 0] // 10) * 1.0
    at = at[at >= 1]
    train = Spikes(at, np.zeros(len(at), np.int64), 1, 0.0, STOP, np.arange(1), 0.1)
    trace = REFERENCE["V_m"].astype(float)
    return analysis.spike_triggered_average(train, trace, 1.0 + np.arange(len(trace)), 20.0, 20.0)[1][:-1]  # Elephant's end is open


FEW = [*range(12), *range(40, 44)]
SAME = {
    "rates": analysis.rates,
    "cv": analysis.cv,
    "cv2": analysis.cv2,
    "lv": analysis.lv,
    "lvr": lambda s: analysis.lvr(s, refractoriness=5.0),
    "fano_factors": lambda s: analysis.fano_factors(s, 50.0),
    "trial_fano_factors": lambda s: analysis.trial_fano_factors(analysis.align(s, TRIGGERS, 0.0, 100.0)),
    "spike_counts": lambda s: analysis.spike_counts(s, 5.0),
    "counts": lambda s: analysis.counts(s, 3.0),
    "covariance_matrix": lambda s: analysis.covariance_matrix(s, bin=5.0),
    "correlation_matrix": lambda s: analysis.correlation_matrix(s, bin=2.0),
    "cross_correlogram": lambda s: analysis.cross_correlogram(analysis.select(s, 0), analysis.select(s, 1), lag=60.0)[1],
    "autocorrelogram": lambda s: analysis.cross_correlogram(analysis.select(s, 2), analysis.select(s, 2), lag=60.0)[1],
    "van_rossum": lambda s: analysis.van_rossum_distance(s, tau=15.0, ids=FEW),
    "victor_purpura": lambda s: analysis.victor_purpura_distance(s, cost=0.08, ids=FEW),
    "frequencies": lambda s: analysis.power_spectrum(s, 1.0, 4.0)[0],
    "power_spectrum": lambda s: analysis.power_spectrum(s, 1.0, 4.0)[1],
    "triggered_average": trigger_average,
}


NEAR = {"gaussian": 1e-5, "exponential": 0.01, "alpha": 0.015, "boxcar": 0.002}  # of the largest rate


def test_all_of_elephant_is_compared():
    assert {f"elephant_{name}" for name in (*SAME, *NEAR)} == {name for name in REFERENCE if name.startswith("elephant_")}


@pytest.mark.parametrize("name", SAME)
def test_the_same_as_elephant(real, name):
    agree(SAME[name](real), REFERENCE[f"elephant_{name}"])


@pytest.mark.parametrize("kernel", NEAR)
def test_smoothed_rates_are_elephants_in_the_limit_of_small_steps(real, kernel):
    """Means over 5 ms, in steps of 0.1 ms. Elephant samples the kernels, which misses half a bin where they jump, and cuts them at 5 sigma:
    there, the exponential and the alpha kernel still are at 0.7 % and 1.6 % of their maximum. In steps of 1 ms, the difference is larger.
    """
    expected = REFERENCE[f"elephant_{kernel}"]
    apart = {}
    for step in (0.1, 1.0):
        found = analysis.instantaneous_rate(real, 8.0, kernel, step, ids=range(38, 44))[1][:, : round(600 / step)]
        apart[step] = np.abs(found.reshape(6, 120, -1).mean(axis=2) - expected).max() / expected.max()
    assert apart[0.1] < NEAR[kernel] < apart[1.0]


@pytest.mark.peers
def test_the_reference_is_what_elephant_gives():
    pytest.importorskip("elephant", minversion="1.2")
    spec = importlib.util.spec_from_file_location("elephant_peers", DATA / "elephant_peers.py")
    peers = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = peers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(peers)
        fresh = peers.elephant_values(REFERENCE["steps"], REFERENCE["ids"], REFERENCE["V_m"], N)
    for name, values in fresh.items():
        agree(values, REFERENCE[f"elephant_{name}"])


# -- single neurons ---------------------------------------------------------------------------------


def test_values_come_in_the_order_of_recorded_ids(real):
    order = np.random.default_rng(1).permutation(N)
    mixed = replace(real, recorded_ids=order)
    for statistic in (analysis.cv, analysis.cv2, analysis.lv, analysis.lvr, analysis.fano_factors, analysis.rates):
        np.testing.assert_array_equal(statistic(mixed), statistic(real)[order])
    np.testing.assert_array_equal(analysis.covariance_matrix(mixed), analysis.covariance_matrix(real)[np.ix_(order, order)])


def test_all_of_single_neurons_at_once(real):
    found = analysis.neuron_statistics(real, window=50.0)
    assert list(found) == ["rate", "cv", "cv2", "lv", "lvr", "fano"]
    for name, values in found.items():
        alone = {"rate": "rates", "fano": "fano_factors"}.get(name, name)
        np.testing.assert_array_equal(values, SAME[alone](real))
    some = analysis.neuron_statistics(real, ["lvr"], min_isis=5, refractoriness=2.0)["lvr"]
    np.testing.assert_array_equal(some, analysis.lvr(real, 2.0, min_isis=5))
    with pytest.raises(DataError, match="did you mean 'cv2'"):
        analysis.neuron_statistics(real, ["cv22"])


def test_few_intervals(real):
    assert np.isnan(analysis.cv(real)[[40, 41]]).all()  # no spike, one spike
    assert analysis.cv(real)[42] == 0.0  # a single interval
    assert np.isnan(analysis.cv2(real)[42])
    assert np.isfinite(analysis.lv(real)[43])
    for statistic in (analysis.cv, analysis.cv2, analysis.lv, analysis.lvr):
        enough = statistic(real, min_isis=analysis.MIN_ISIS)
        assert np.isnan(enough[40:]).all()
        np.testing.assert_array_equal(enough[:40], statistic(real)[:40])


def test_lvr_without_refractoriness_is_lv(real):
    np.testing.assert_allclose(analysis.lvr(real, refractoriness=0.0), analysis.lv(real))
    with pytest.raises(DataError, match="refractoriness"):
        analysis.lvr(real, refractoriness=-1.0)


def test_gamma_processes():
    """Of a gamma process of order k: CV² = 1/k, LV = 3/(2 k + 1); a clock has 0."""
    rng = np.random.default_rng(0)
    for order in (1, 4):
        at = np.cumsum(rng.gamma(order, 50.0 / order, (100, 1000)), axis=1)
        ids = np.repeat(np.arange(100), 1000)
        sort = np.argsort(at.ravel())
        trains = Spikes(at.ravel()[sort], ids[sort], 100, 0.0, float(at.max()), np.arange(100))
        assert analysis.cv(trains).mean() == pytest.approx(order**-0.5, rel=0.02)
        assert analysis.lv(trains).mean() == pytest.approx(3 / (2 * order + 1), rel=0.02)
    clock = spikes(np.arange(37, 99_000, 137), np.zeros(723, int), 1, 10_000.0)
    for statistic in (analysis.cv, analysis.cv2, analysis.lv, analysis.lvr):
        np.testing.assert_allclose(statistic(clock), [0.0], atol=1e-12)


def test_spikes_at_the_same_time():
    double = spikes([5] * 8, [0] * 8, 1, 10.0)
    for statistic in (analysis.cv, analysis.cv2, analysis.lv, analysis.lvr):
        assert np.isnan(statistic(double)).all()


def test_pieces_give_the_same(real, monkeypatch):
    whole = {name: SAME[name](real) for name in ("rates", "cv", "cv2", "lv", "lvr", "fano_factors", "counts")}
    monkeypatch.setattr("lifsim.results.spikes.SPIKES_AT_ONCE", 37)
    for name, expected in whole.items():
        agree(SAME[name](real), expected)


def test_intervals_of_sparse_ids():
    """Ids near 2³¹, as other tools may use them, take no table of that size."""
    few = Spikes(np.array([1.0, 2.0, 4.0, 7.0]), np.array([2**31 - 1, 5, 2**31 - 1, 5]), 2**31, 0.0, 9.0, np.array([5, 2**31 - 1]))
    intervals, ids = analysis.isi(few)
    assert (intervals.tolist(), ids.tolist()) == ([5.0, 3.0], [5, 2**31 - 1])
    assert analysis.cv(few).tolist() == [0.0, 0.0]


def test_isi_histogram(real):
    edges, number = analysis.isi_histogram(real, bin=0.1)
    gaps = np.concatenate([np.diff(np.rint(of(real, i) * 10)) for i in range(N)]).astype(int)
    np.testing.assert_array_equal(number, np.bincount(gaps)[1:])
    np.testing.assert_allclose(edges[[0, 1, -1]], [0.0, 0.1, gaps.max() / 10])
    assert analysis.isi_histogram(real, bin=5.0, longest=100.0, ids=[43])[1].tolist() == [1, *[0] * 19]
    assert len(analysis.isi_histogram(real, ids=[40])[1]) == 0
    with pytest.raises(DataError, match="bin"):
        analysis.isi_histogram(real, bin=0.0)


def test_fano_factors_of_plain_counts(real):
    step = np.rint(real.times * 10).astype(int)
    plain = np.array([np.histogram(step[real.ids == i] - 0.5, np.arange(0, 19_801, 300))[0] for i in range(N)])  # 30 ms; last part left out
    with np.errstate(invalid="ignore"):
        agree(analysis.fano_factors(real, 30.0), plain.var(axis=1) / plain.mean(axis=1))


# -- rates over time --------------------------------------------------------------------------------


def test_isi_rates(real):
    at = np.arange(0.05, 2000.0, 7.3)
    found = analysis.isi_rates(real, at, ids=[3, 42, 40])
    for row, i in zip(found, (3, 42, 40), strict=True):
        own = of(real, i)
        for t, value in zip(at, row, strict=True):
            k = np.searchsorted(own, t)  # own[k - 1] < t <= own[k]
            expected = 1000 / (own[k] - own[k - 1]) if 0 < k < len(own) else math.nan
            assert value == pytest.approx(expected, nan_ok=True)
    with pytest.raises(DataError, match="ascend"):
        analysis.isi_rates(real, [2.0, 1.0])


@pytest.mark.parametrize(("sigma", "step"), [(20.0, 0.5), (10.0, 1.0), (1.0, 1.0), (0.5, 2.0)])
@pytest.mark.parametrize("kernel", ["gaussian", "exponential", "alpha", "boxcar"])
def test_smoothed_rates_keep_the_number_of_spikes(kernel, sigma, step):
    middle = spikes([5000, 5010, 5400], [0, 0, 1], 2, 1000.0)
    centres, each = analysis.instantaneous_rate(middle, sigma, kernel, step=step)
    np.testing.assert_allclose(each.sum(axis=1) * step / 1000, [2.0, 1.0], rtol=2e-9)
    pooled = analysis.instantaneous_rate(middle, sigma, kernel, step=step, pooled=True)[1]
    np.testing.assert_allclose(pooled, each.mean(axis=0), atol=1e-10)
    assert centres[0] == step / 2


FORMULAS = {
    "gaussian": lambda t: math.exp(-(t**2) / (2 * 3.0**2)) / (math.sqrt(2 * math.pi) * 3.0),
    "exponential": lambda t: math.exp(-t / 3.0) / 3.0 if t >= 0 else 0.0,
    "alpha": lambda t: 2 * t / 9.0 * math.exp(-t * math.sqrt(2) / 3.0) if t >= 0 else 0.0,
    "boxcar": lambda t: 1 / (2 * math.sqrt(3) * 3.0) if abs(t) < math.sqrt(3) * 3.0 else 0.0,
}


@pytest.mark.parametrize("kernel", FORMULAS)
def test_smoothed_rates_are_means_of_the_kernel_over_bins(kernel):
    """Against numerical integrals of the formulas."""
    centres, (found,) = analysis.instantaneous_rate(spikes([500], [0], 1, 100.0), 3.0, kernel, step=2.0)  # in the bin around 49 ms
    edges = math.sqrt(3) * 3.0
    for t, value in zip(centres - 49.0, found, strict=True):
        jumps = [x for x in (-edges, 0.0, edges) if t - 1 < x < t + 1]
        mean = quad(FORMULAS[kernel], t - 1, t + 1, points=jumps or None)[0] / 2
        assert value == pytest.approx(1000 * mean, abs=1e-6)


def test_causal_kernels_follow_spikes():
    middle = spikes([5000, 5010, 5400], [0, 0, 1], 2, 1000.0)
    causal = analysis.instantaneous_rate(middle, 20.0, "exponential", step=0.5)[1]
    assert causal[0, :999].max() < 1e-9 < causal[0, 999]


@pytest.mark.parametrize(("wrong", "said"), [({"sigma": 0}, "sigma"), ({"step": -1}, "step"), ({"kernel": "gauss"}, "did you mean")])
def test_wrong_kernels(real, wrong, said):
    with pytest.raises(DataError, match=said):
        analysis.instantaneous_rate(real, **wrong)


def test_sliding_windows(real):
    centres, found = analysis.sliding_windows(real, analysis.rates, 200.0, 50.0)
    assert (len(centres), centres[0], centres[-1]) == (37, 100.0, 1900.0)
    agree(found[3], analysis.rates(real, 150.0, 350.0))
    number = analysis.sliding_windows(real, len, 100.0)[1]
    assert number.sum() == len(real)
    for wrong in ({"width": 0.0}, {"width": 100.0, "step": -1.0}, {"width": 3000.0}):
        with pytest.raises(DataError):
            analysis.sliding_windows(real, len, **wrong)


def test_a_spike_at_the_start_of_the_recording_is_in_windows_that_begin_there():
    early = Spikes([0.0, 5.0, 10.0], [0, 0, 0], 1, t_stop=100.0)
    assert analysis.rates(early).tolist() == analysis.rates(early, 0.0).tolist() == analysis.rates(early, -5.0, 100.0).tolist() == [30.0]
    assert analysis.rates(early, 5.0, 10.0).tolist() == [200.0]  # 5 < t <= 10
    assert analysis.sliding_windows(early, len, 10.0)[1].tolist() == [3, *[0] * 9]


# -- pairs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [5.0, 400.0])  # few and many counts a bin: both ways to multiply
def test_matrices_of_plain_counts(rate):
    trains = poisson(30, rate, 1000.0)
    number = analysis.spike_counts(trains, 4.0)
    agree(analysis.covariance_matrix(trains, bin=4.0), np.cov(number))
    agree(analysis.correlation_matrix(trains, [5, 2, 9], bin=4.0), np.corrcoef(number[[5, 2, 9]]))


def test_silent_neurons_have_no_correlation(real):
    matrix = analysis.correlation_matrix(real, [0, 40, 1])
    assert np.isnan(matrix[1]).all() and np.isnan(matrix[:, 1]).all()
    assert np.isfinite(matrix[[0, 0, 2], [0, 2, 2]]).all()
    assert (analysis.covariance_matrix(real, [0, 40])[1] == 0).all()
    assert np.isnan(analysis.covariance_matrix(real, bin=1500.0)).all()
    assert analysis.correlation_matrix(real, []).shape == (0, 0)


def test_a_clock_that_counts_the_same_in_all_bins():
    both = spikes([*range(5, 1000, 20), *range(9, 1000, 20)], [0] * 50 + [1] * 50, 2, 100.0)
    assert np.isnan(analysis.correlation_matrix(both, bin=2.0)).all()


def test_matrices_larger_than_a_block():
    trains = poisson(700, 20.0, 500.0)
    agree(analysis.correlation_matrix(trains), np.corrcoef(analysis.spike_counts(trains, 5.0)))


@pytest.mark.parametrize(("ids", "said"), [([44], "44 was not recorded"), ([1, 1], "twice"), ([0.5], "whole numbers"), ([[1]], "shape")])
def test_wrong_ids(real, ids, said):
    for call in (analysis.correlation_matrix, analysis.covariance_matrix, analysis.autocorrelograms, analysis.select):
        with pytest.raises(DataError, match=said):
            call(real, ids=ids)


def test_autocorrelograms(real):
    lags, found = analysis.autocorrelograms(real, 2.0, 50.0)
    assert lags.tolist() == list(range(0, 52, 2))
    for i in range(N):
        agree(found[i], analysis.cross_correlogram(*[analysis.select(real, i)] * 2, 2.0, 50.0)[1][25:]) if i != 40 else None
    assert not found[40].any()
    assert found[41].tolist() == [1, *[0] * 25]
    double = spikes([5, 5, 15], [0, 0, 0], 1, 10.0)  # two spikes in a bin make four pairs at lag 0
    assert analysis.autocorrelograms(double, 1.0, 2.0)[1].tolist() == [[5, 2, 0]]
    assert analysis.cross_correlogram(double, double, 1.0, 2.0)[1].tolist() == [0, 2, 5, 2, 0]


def test_the_other_fires_later_at_positive_lags():
    first, second = (spikes([100 + shift], [0], 1, 100.0) for shift in (0, 30))
    lags, found = analysis.cross_correlogram(first, second, 1.0, 5.0)
    assert lags[np.flatnonzero(found)] == [3.0]
    assert analysis.cross_correlogram(first, second, 1.0, 500.0)[1].sum() == 1  # lags longer than the recording
    with pytest.raises(DataError, match="window"):
        analysis.cross_correlogram(first, second.window(10.0))
    with pytest.raises(DataError, match="lag"):
        analysis.cross_correlogram(first, second, lag=-1.0)


# -- spectra and synchrony --------------------------------------------------------------------------


def test_an_oscillation_is_found():
    rng = np.random.default_rng(2)
    at = np.arange(1, 100_001) * 0.1
    number = rng.poisson(0.02 * 10 * (1 + 0.5 * np.sin(2 * np.pi * 40 * at / 1000)))
    trains = spikes(np.repeat(np.arange(1, 100_001), number), rng.integers(0, 100, number.sum()), 100, 10_000.0)
    frequencies, power = analysis.power_spectrum(trains, resolution=2.0)
    peak = analysis.oscillation_peak(frequencies, power)
    assert peak.frequency == 40.0
    assert peak.ratio > 20
    assert peak.power == power[frequencies == 40.0]
    assert analysis.oscillation_peak(frequencies, power, lowest=60.0).ratio < 5


def test_the_spectrum_of_poisson_neurons_is_flat():
    """2 r / N at all frequencies; the mean over 500 frequencies of 39 segments scatters by 1 %."""
    power = analysis.power_spectrum(poisson(200, 20.0, 20_000.0))[1]
    assert power[2:-1].mean() == pytest.approx(2 * 20.0 / 200, rel=0.05)


def test_no_peak_without_spikes():
    frequencies, power = analysis.power_spectrum(spikes([], [], 3, 5000.0))
    assert not power.any()
    assert math.isnan(analysis.oscillation_peak(frequencies, power).frequency)
    for wrong in ({"resolution": 0.0}, {"overlap": 1.0}, {"resolution": 0.1}, {"bin": 0.0}):
        with pytest.raises(DataError):
            analysis.power_spectrum(spikes([], [], 3, 5000.0), **wrong)


def test_synchrony(real):
    number = analysis.counts(real, 3.0)
    assert analysis.synchrony(real) == pytest.approx(number.var() / number.mean())
    assert analysis.synchrony(poisson(50, 20.0, 30_000.0)) == pytest.approx(1.0, abs=0.05)
    assert math.isnan(analysis.synchrony(spikes([], [], 3, 100.0)))


def test_chi_synchrony():
    rng = np.random.default_rng(0)
    own = rng.normal(size=(20_000, 25))
    assert analysis.chi_synchrony(np.repeat(own[:, :1], 25, axis=1)) == pytest.approx(1.0)
    assert analysis.chi_synchrony(own) == pytest.approx(0.2, rel=0.05)  # 1 / sqrt(n)
    v = own + rng.normal(size=(20_000, 1))
    plain = sum(v[:, i].var() for i in range(25)) / 25
    assert analysis.chi_synchrony(v) == pytest.approx(math.sqrt(v.mean(axis=1).var() / plain))
    assert math.isnan(analysis.chi_synchrony(np.ones((10, 3))))
    assert math.isnan(analysis.chi_synchrony(np.empty((0, 3))))
    with pytest.raises(DataError, match="shape"):
        analysis.chi_synchrony(np.ones(10))


# -- trials -----------------------------------------------------------------------------------------


def test_trials(real):
    trials = analysis.align(real, TRIGGERS, 50.0, 150.0)
    assert len(trials) == len(TRIGGERS)
    for k, trigger in enumerate(TRIGGERS):
        inside = (real.times > trigger - 50 + 1e-6) & (real.times <= trigger + 150 + 1e-6)
        np.testing.assert_allclose(trials.of(k).times, real.times[inside] - trigger)
        np.testing.assert_array_equal(trials.of(k).ids, real.ids[inside])
        np.testing.assert_array_equal(trials.counts()[k], np.bincount(real.ids[inside], minlength=N))
    agree(analysis.trial_statistics(trials, analysis.rates), trials.counts() / 0.2)
    late = trials.counts(0.0, 100.0)
    np.testing.assert_array_equal(late, [np.bincount(real.window(t, t + 100).ids, minlength=N) for t in TRIGGERS])


def test_psth(real):
    trials = analysis.align(real, TRIGGERS, 40.0, 100.0)
    centres, rate = analysis.psth(trials, 2.0, ids=[1, 2])
    step, plain = np.rint(real.times[np.isin(real.ids, [1, 2])] * 10).astype(int), np.zeros(70)
    for trigger in np.rint(TRIGGERS * 10).astype(int):
        plain += np.histogram(step - trigger - 0.5, np.arange(-400, 1001, 20))[0]
    agree(rate, plain / (len(TRIGGERS) * 2 * 0.002))
    np.testing.assert_allclose(centres, np.arange(-39.0, 100.0, 2.0))


def test_trials_beyond_the_recording_are_left_out(real):
    assert analysis.align(real, [10.0, 100.0, 1990.0], 50.0, 50.0).triggers.tolist() == [100.0]
    none = analysis.align(real, [], 50.0, 50.0)
    assert np.isnan(analysis.psth(none)[1]).all()
    assert np.isnan(analysis.trial_fano_factors(none)).all()
    for wrong in (([math.nan], 1.0, 1.0), ([5.0], -3.0, 2.0), ([[5.0]], 1.0, 1.0)):
        with pytest.raises(DataError):
            analysis.align(real, *wrong)


def test_threshold_crossings():
    at = np.arange(8.0)
    trace = np.array([2.0, 0.0, 1.0, 1.0, 0.5, 3.0, 3.0, 0.0])
    assert analysis.threshold_crossings(trace, at, 1.0).tolist() == [2.0, 5.0]
    assert analysis.threshold_crossings(trace, at, 1.0, rising=False).tolist() == [1.0, 4.0, 7.0]
    with pytest.raises(DataError, match="shape"):
        analysis.threshold_crossings(trace, at[:-1], 1.0)


def test_spike_triggered_average(real):
    trace = np.column_stack([REFERENCE["V_m"], np.arange(2000.0)]).astype(float)
    at = 1.0 + np.arange(2000)
    lags, average, n = analysis.spike_triggered_average(real, trace, at, 10.0, 5.0, ids=[0, 7])
    sample = [math.ceil(t - 1e-6) - 1 for i in (0, 7) for t in of(real, i)]  # the sample at which the step of the spike ends
    sample = [k for k in sample if k - 10 >= 0 and k + 5 < 2000]
    assert n == len(sample)
    agree(average, np.mean([trace[k - 10 : k + 6] for k in sample], axis=0))
    assert lags.tolist() == list(range(-10, 6))
    assert np.isnan(analysis.spike_triggered_average(real, trace, at, ids=[40])[1]).all()
    for wrong in ((trace, at[:-1]), (trace, at**2), (trace, at, -5.0, 2.0)):
        with pytest.raises(DataError):
            analysis.spike_triggered_average(real, *wrong)


# -- distances --------------------------------------------------------------------------------------


def test_distances_between_two_sets(real):
    a, b = real.window(0.0, 300.0), replace(real.window(0.0, 310.0), ids=real.window(0.0, 310.0).ids[::-1].copy())
    for distance in (analysis.van_rossum_distance, analysis.victor_purpura_distance):
        found = distance(a, b, ids=[0, 1, 40], other_ids=[5, 41, 40, 3])
        assert found.shape == (3, 4)
        both = Spikes(*(np.concatenate(x) for x in ((a.times, b.times), (a.ids, b.ids + N))), 2 * N, 0.0, 310.0, np.arange(2 * N))
        order = np.argsort(both.times, kind="stable")
        both = replace(both, times=both.times[order], ids=both.ids[order])
        agree(found, distance(both, ids=[0, 1, 40, 49, 85, 84, 47])[:3, 3:])
        with pytest.raises(DataError, match="other_ids"):
            distance(a, other_ids=[1])


def test_van_rossum_is_the_distance_of_filtered_trains():
    trains, tau, dt = poisson(3, 20.0, 500.0), 10.0, 0.02
    at = np.arange(0, 700.0, dt)
    f = np.array([sum(np.where(at >= t, np.exp(-np.maximum(at - t, 0) / tau), 0.0) for t in of(trains, i)) for i in range(3)])
    plain = np.sqrt(((f[:, None] - f[None]) ** 2).sum(axis=2) * dt * 2 / tau)
    np.testing.assert_allclose(analysis.van_rossum_distance(trains, tau=tau), plain, rtol=2e-3, atol=1e-6)


def test_van_rossum_limits(real):
    number = np.bincount(real.ids, minlength=N)
    agree(analysis.van_rossum_distance(real, tau=math.inf), np.abs(number[:, None] - number))
    few = analysis.van_rossum_distance(real, tau=0.001, ids=[40, 41, 42, 43])
    # tau far below a time step: all spikes that do not coincide. Neuron 43 shares a spike with 41
    agree(few**2, [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 5], [3, 2, 5, 0]])
    gaps = spikes([1, 100_000_000], [0, 1], 2, 1e7)  # far more than exp can hold
    assert analysis.van_rossum_distance(gaps, tau=1.0)[0, 1] == pytest.approx(math.sqrt(2))
    with pytest.raises(DataError, match="tau"):
        analysis.van_rossum_distance(real, tau=0.0)


def plain_victor_purpura(a, b, cost):
    g = np.zeros((len(a) + 1, len(b) + 1))
    g[:, 0], g[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            moved = g[i - 1, j - 1] + cost * abs(a[i - 1] - b[j - 1])
            g[i, j] = min(g[i - 1, j] + 1, g[i, j - 1] + 1, moved)
    return g[-1, -1]


@pytest.mark.parametrize("cost", [0.0, 0.01, 0.3])
def test_victor_purpura_of_a_plain_table(cost, monkeypatch):
    trains = poisson(7, 30.0, 400.0, seed=2)
    trains = replace(trains, recorded_ids=np.arange(8), n_nodes=8)  # one is silent
    plain = [[plain_victor_purpura(of(trains, i), of(trains, j), cost) for j in range(8)] for i in range(8)]
    agree(analysis.victor_purpura_distance(trains, cost=cost), plain)
    monkeypatch.setattr("lifsim.analysis.distances._CELLS", 50)  # a few pairs at a time
    agree(analysis.victor_purpura_distance(trains, cost=cost), plain)


def test_victor_purpura_limits(real):
    number = np.bincount(real.ids, minlength=N)[FEW]
    agree(analysis.victor_purpura_distance(real, cost=0.0, ids=FEW), np.abs(number[:, None] - number))
    agree(analysis.victor_purpura_distance(real, cost=math.inf, ids=[41, 43]), [[0, 2], [2, 0]])
    assert analysis.victor_purpura_distance(real, ids=[]).shape == (0, 0)
    with pytest.raises(DataError, match="cost"):
        analysis.victor_purpura_distance(real, cost=-1.0)


# -- currents, resampling ---------------------------------------------------------------------------


def test_current_balance():
    rng = np.random.default_rng(0)
    e = rng.gamma(2.0, 50.0, (5000, 3))
    i = -0.8 * np.roll(e, 1, axis=0) - rng.gamma(2.0, 5.0, (5000, 3))
    found = analysis.current_balance(e, i)
    np.testing.assert_allclose(found.excitatory, e.mean(axis=0))
    np.testing.assert_allclose(found.net, (e + i).mean(axis=0))
    np.testing.assert_allclose(found.ratio, -i.mean(axis=0) / e.mean(axis=0))
    np.testing.assert_allclose(found.correlation, [np.corrcoef(e[:, k], -i[:, k])[0, 1] for k in range(3)])
    assert analysis.current_balance(e, -e).correlation == pytest.approx(np.ones(3))
    alone = analysis.current_balance(np.zeros(4), np.array([-1.0, -2.0, -3.0, -4.0]))
    assert alone.inhibitory == [-2.5] and np.isnan(alone.ratio).all() and np.isnan(alone.correlation).all()
    assert np.isnan(analysis.current_balance(np.empty((0, 2)), np.empty((0, 2))).net).all()
    with pytest.raises(DataError, match="shape"):
        analysis.current_balance(e, i[:, :2])


def test_bootstrap_intervals_cover_the_mean():
    """Of 200 samples of 40 values each, about 95 % of the intervals hold the true mean: at least 175 with probability 1 - 1e-4."""
    rng = np.random.default_rng(1)
    found = [analysis.bootstrap_interval(rng.normal(3.0, 1.0, 40), n=300, seed=k) for k in range(200)]
    assert 175 <= sum(low <= 3.0 <= high for low, high in found) < 200


def test_bootstrap_edges():
    values = np.array([1.0, 2.0, math.nan, 4.0, 8.0])
    low, high = analysis.bootstrap_interval(values, np.median, method="percentile")
    assert 1.0 <= low <= 3.0 <= high <= 8.0
    assert analysis.bootstrap_interval(values, seed=3) == analysis.bootstrap_interval(values[~np.isnan(values)], seed=3)
    many = np.random.default_rng(0).normal(size=50)
    assert analysis.bootstrap_interval(many, seed=3) == analysis.bootstrap_interval(many, seed=3)
    assert analysis.bootstrap_interval(many, seed=3) != analysis.bootstrap_interval(many, seed=4)
    assert all(map(math.isnan, analysis.bootstrap_interval([1.0])))
    assert analysis.bootstrap_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    for wrong in ({"level": 1.0}, {"n": 0}, {"method": "bca"}):
        with pytest.raises(DataError):
            analysis.bootstrap_interval(values, **wrong)


# -- edges ------------------------------------------------------------------------------------------


def test_a_spike_on_an_edge_belongs_to_the_bin_that_ends_there():
    """Elephant's bins begin at their edge: a spike at 10 ms is in its second bin of 10 ms, in lifsim's first."""
    one = spikes([100, 200, 200], [0, 0, 1], 2, 30.0)
    np.testing.assert_array_equal(analysis.spike_counts(one, 10.0), [[1, 1, 0], [0, 1, 0]])
    assert analysis.fano_factors(one, 10.0) == pytest.approx([1 / 3, 2 / 3])
    assert analysis.cross_correlogram(analysis.select(one, 0), analysis.select(one, 1), 10.0, 10.0)[1].tolist() == [0, 1, 1]


@pytest.mark.parametrize(("steps", "stop"), [([], 1000.0), ([], 0.0), ([5], 1000.0)])
def test_little_or_nothing(steps, stop):
    quiet = spikes(steps, [0] * len(steps), 3, stop)
    for statistic in (analysis.cv, analysis.cv2, analysis.lv, analysis.lvr):
        assert np.isnan(statistic(quiet)).all() and len(statistic(quiet)) == 3
    assert np.isnan(analysis.fano_factors(quiet)[1:]).all()
    assert analysis.instantaneous_rate(quiet)[1].shape == (3, int(stop))
    assert analysis.isi_histogram(quiet)[1].shape == (0,)
    assert analysis.autocorrelograms(quiet)[1].sum() == len(steps)
    assert analysis.cross_correlogram(quiet, quiet)[1].sum() == len(steps)
    assert np.isnan(analysis.correlation_matrix(quiet)[1:]).all()
    assert analysis.van_rossum_distance(quiet)[0, 1] == len(steps)
    assert analysis.victor_purpura_distance(quiet)[0, 1] == len(steps)
    assert np.isnan(analysis.isi_rates(quiet, [1.0, 2.0])).all()
    none = replace(quiet, times=np.empty(0), ids=np.empty(0, np.int64), recorded_ids=np.empty(0, np.int64))
    assert len(analysis.cv(none)) == len(analysis.fano_factors(none)) == 0
    assert analysis.correlation_matrix(none).shape == analysis.van_rossum_distance(none).shape == (0, 0)
    assert analysis.instantaneous_rate(none, pooled=True)[1].ndim == 2  # no neuron, no mean


def test_spikes_of_neurons_that_were_not_recorded():
    strange = unchecked(np.array([1.0]), np.array([7]), 9, 0.0, 5.0, np.array([1, 2]), 0.1, "exc")
    with pytest.raises(DataError, match="neuron 7"):
        analysis.cv(strange)


def test_names_of_elephant_are_explained():
    with pytest.raises(AttributeError, match="rates"):
        analysis.mean_firing_rate  # noqa: B018
