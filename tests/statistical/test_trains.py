"""Random spike trains have the rates, intervals and modulation that they promise, and those of NEST.

Seeds are fixed. Each check fails by chance with a probability of 1e-4 (the level of every p-value below), so about 1 in
800 for the whole file if all seeds were drawn anew. NEST's counts are in `tests/data/nest_inputs.npz`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import lifsim as ls

LEVEL = 1e-4
DT = 0.1
NEST = Path(__file__).parents[1] / "data" / "nest_inputs.npz"


def trains(model: str, n: int, T: float, seed: int = 1, **params: object) -> ls.results.Spikes:
    """The trains of `n` generators, as recorded."""
    net = ls.Network(dt=DT)
    net.add("n", 1, "iaf_psc_delta")
    net.add("g", n, model, **params)
    net.record("g", "spikes")
    return ls.run(net, T, seed=seed).spikes["g"]


def received(model: str, n: int, T: float, seed: int = 1, delay: float = DT, **params: object) -> np.ndarray:
    """What `n` targets got in each step, (steps, n): a membrane that forgets nothing counts."""
    net = ls.Network(dt=DT)
    net.add("n", n, "iaf_psc_delta", tau_m=1e12, E_L=0.0, V_m=0.0, V_th=1e9)
    net.connect(net.add("g", 1, model, **params), "n", weight=1.0, delay=delay)
    net.record("n", "V_m", interval=DT)
    v = np.round(ls.run(net, T, seed=seed).traces["n"]["V_m"]).astype(int)
    return np.diff(v, axis=0, prepend=0)


def intervals(spikes: ls.results.Spikes) -> np.ndarray:
    order = np.lexsort((spikes.times, spikes.ids))
    t, ids = spikes.times[order], spikes.ids[order]
    return np.diff(t)[ids[1:] == ids[:-1]]


@pytest.mark.parametrize("order", [1.0, 2.5, 10.0])
def test_gamma_intervals(order):
    """Kolmogorov-Smirnov against the gamma distribution; the grid is made finer than the test can see by a uniform share of a step."""
    rate = 40.0
    found = intervals(trains("sinusoidal_gamma_generator", 100, 2000.0, rate=rate, order=order))
    found = found + np.random.default_rng(1).triangular(-DT, 0.0, DT, len(found))  # both spikes lie anywhere in their steps
    expected = stats.gamma(order, scale=1000.0 / rate / order)
    assert len(found) > 7000
    assert stats.kstest(found[found > 0], expected.cdf).pvalue > LEVEL
    cv = found.std() / found.mean()  # its standard error is 1.2 % at order 1 and less at others; 4 of them are allowed
    assert cv == pytest.approx(1 / math.sqrt(order), rel=0.048)


def test_a_gamma_train_begins_as_if_it_had_just_spiked():
    first = received("sinusoidal_gamma_generator", 2000, 120.0, rate=20.0, order=4.0, start=20.0).argmax(axis=0) * DT
    assert (first[first > 0] > 20.0).all()
    waited = (
        first[(first > 0) & (first < 115.0)]
        - 20.0
        - 2 * DT
        + np.random.default_rng(2).uniform(0, DT, ((first > 0) & (first < 115.0)).sum())
    )
    whole = stats.gamma(4.0, scale=50.0 / 4)
    assert stats.kstest(waited, lambda t: whole.cdf(t) / whole.cdf(95.0 - 2 * DT)).pvalue > LEVEL


@pytest.mark.parametrize("rate", [3000.0, 2e5])
def test_counts_of_a_sinusoidal_poisson_generator(rate):
    """χ² of each step's sum over the targets: a Poisson number of mean n·rate(t)·dt, t the time at which the spikes leave."""
    n, delay, amplitude = 400, 1.0, 0.9 * rate
    counts = received("sinusoidal_poisson_generator", n, 60.0, delay=delay, rate=rate, amplitude=amplitude, frequency=35.0, phase=70.0)
    left = DT * np.arange(1, len(counts) + 1) - delay
    expected = n * DT / 1000.0 * (rate + amplitude * np.sin(2e-3 * np.pi * 35.0 * left + np.deg2rad(70.0)))
    on = left > DT / 2
    assert (counts[~on] == 0).all()
    chi = ((counts.sum(axis=1) - expected)[on] ** 2 / expected[on]).sum()
    assert LEVEL / 2 < stats.chi2.cdf(chi, on.sum()) < 1 - LEVEL / 2
    each = counts[on].sum(axis=0)  # of each target: independent Poisson numbers of one mean
    dispersion = ((each - expected[on].sum() / n) ** 2).sum() / (expected[on].sum() / n)
    assert LEVEL / 2 < stats.chi2.cdf(dispersion, n) < 1 - LEVEL / 2


def test_a_rate_below_zero_is_none():
    counts = received("sinusoidal_poisson_generator", 100, 100.0, rate=100.0, amplitude=5000.0, frequency=10.0)
    t = DT * np.arange(len(counts))
    wave = 100.0 + 5000.0 * np.sin(2e-3 * np.pi * 10.0 * t)
    assert (counts[wave < -10] == 0).all() and counts[wave > 10].sum() > 10_000


@pytest.mark.parametrize(
    ("model", "first", "last"),
    [("sinusoidal_poisson_generator", 3.0, 5.9), ("sinusoidal_gamma_generator", 3.2, 6.1)],  # as was seen in NEST 3.10
)
def test_when_trains_begin_and_end(model, first, last):
    window = {"rate": 1e6, "start": 3.0, "stop": 6.0}
    t = DT * (1 + np.flatnonzero(received(model, 1, 10.0, delay=1.5, **window)))
    np.testing.assert_allclose([t[0], t[-1], len(t)], [first + 1.5, last + 1.5, 30])
    recorded = trains(model, 1, 10.0, **window).times
    np.testing.assert_allclose([recorded[0], recorded[-1]], [first, last])


@pytest.mark.parametrize("model", ["sinusoidal_poisson_generator", "sinusoidal_gamma_generator"])
def test_shared_trains(model):
    """All targets of a node get its one train, whatever the projection and its delay, and a recorder gets it too."""
    net = ls.Network(dt=DT)
    net.add("n", 30, "iaf_psc_delta", tau_m=1e12, E_L=0.0, V_m=0.0, V_th=1e9)
    net.add("g", 2, model, rate=[200.0, 500.0], amplitude=100.0, frequency=20.0, individual_spike_trains=False, start=5.0)
    net.connect("g[0]", "n[:10]", weight=1.0, delay=0.1)
    net.connect("g[0]", "n[10:20]", weight=1.0, delay=3.0)
    net.connect("g[1]", "n[20:]", weight=1.0, delay=0.1)
    net.record("n", "V_m", interval=DT)
    net.record("g", "spikes")
    result = ls.run(net, 200.0, threads=2)
    v = np.round(result.traces["n"]["V_m"]).astype(int)
    assert (v[:, 0] == v[:, :10].T).all() and (v[29:, 10] == v[:-29, 0]).all() and (v[:, 20] == v[:, 20:].T).all()
    spikes = result.spikes["g"]
    for node, target in ((0, 0), (1, 20)):
        got = np.bincount(np.round(spikes.times[spikes.ids == node] / DT).astype(int), minlength=2001)[1:-1]
        np.testing.assert_array_equal(got, np.diff(v[:, target]))
    assert v[-1, 0] > 10


@pytest.mark.parametrize("name", ["sinusoidal_poisson", "gamma", "sinusoidal_gamma"])
def test_as_in_nest(name):
    """χ² of two samples: when in the period spikes come, and how long intervals are."""
    with np.load(NEST) as data:
        case = json.loads(str(data[f"trains/{name}/case"]))
        theirs = [data[f"trains/{name}/{what}"] for what in ("phase", "intervals")]
    spikes = trains(case["model"], case["n"], case["T"], seed=3, **case["params"])
    period = 1000.0 / case["params"].get("frequency", 10.0)
    phase = np.histogram((spikes.times - DT / 2) % period, bins=np.linspace(0, period, 21))[0]
    lengths = np.histogram(intervals(spikes), bins=np.arange(0, 101, 4.0) + DT / 2)[0]
    for own, their in zip((phase, lengths), theirs, strict=True):
        many = own + their > 20
        assert stats.chi2_contingency([own[many], their[many]]).pvalue > LEVEL
    assert phase.sum() == pytest.approx(theirs[0].sum(), abs=4 * math.sqrt(phase.sum() + theirs[0].sum()))


@pytest.mark.parametrize("model", ["sinusoidal_poisson_generator", "sinusoidal_gamma_generator"])
def test_trains_do_not_depend_on_slices_and_threads(model):
    net = ls.Network(dt=DT)
    net.add("n", 200, "iaf_psc_exp", V_th=1e6)
    net.add("g", 3, model, rate=1000.0, amplitude=300.0, frequency=20.0)
    net.add("noise", 1, "ou_generator", std=100.0)
    net.connect("g", "n", weight=10.0)
    net.connect("noise", "n")
    net.record("g", ["spikes", "rate"])
    net.record("n", "V_m", interval=DT)
    whole = ls.run(net, 30.0, threads=1)
    with ls.Simulation(net, threads=3) as sim:
        for part in (0.1, 1.0, 0.2, 20.0, 8.7):
            sim.run(part)
        parts = sim.result()
    assert len(whole.spikes["g"]) > 50
    np.testing.assert_array_equal(parts.spikes["g"].times, whole.spikes["g"].times)
    np.testing.assert_array_equal(parts.spikes["g"].ids, whole.spikes["g"].ids)
    for name, variable in (("g", "rate"), ("n", "V_m")):
        np.testing.assert_array_equal(parts.traces[name][variable], whole.traces[name][variable])
