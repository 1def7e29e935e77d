"""Exact spike times: NEST's to 1e-9 ms, closed forms, and the same whatever dt is.

`tests/data/precise.npz` holds results of NEST 3.10 (every millisecond of V_m); where the whole of the reference data lies
beside the checkout (`../shared/truth`), every sample is compared as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lifsim as ls

ROOT = Path(__file__).parents[2]
TRUTH = ROOT.parent / "shared" / "truth" / "single"
TOLERANCE = 1e-9  # ms, mV
LOSSLESS = ("iaf_psc_delta_ps", "iaf_psc_exp_ps_lossless")


def own(kind: str) -> dict[str, dict[str, Any]]:
    """The cases of `kind` in the project's own file."""
    found: dict[str, dict[str, Any]] = {}
    with np.load(Path(__file__).parents[1] / "data" / "precise.npz") as file:
        for key in file:
            group, name, what = key.split("/")
            if group == kind:
                found.setdefault(name, {})[what] = json.loads(str(file[key])) if what == "case" else file[key]
    return found


SINGLE, NET = own("single"), own("net")


def single(case: dict[str, Any], every: float) -> ls.Network:
    net = ls.Network(dt=case["dt"])
    n = net.add("n", 1, case["model"], **case["params"])
    for i, (time, weight, delay, number) in enumerate(case["inputs"]):
        net.connect(net.add(f"spikes{i}", 1, "spike_generator", spike_times=[time] * number), n, weight=weight, delay=delay)
    net.record(n, "spikes")
    net.record(n, "V_m", interval=every)
    return net


def same(result, spikes, V_m):
    times = result.spikes["n"].times
    assert len(times) == len(spikes) and np.abs(times - spikes).max(initial=0.0) <= TOLERANCE
    found = result.traces["n"]["V_m"][:, 0]
    assert len(found) - len(V_m) in (0, 1)  # NEST's recorder leaves out the sample at the end of a simulation
    assert np.abs(found[: len(V_m)] - V_m).max() <= TOLERANCE


@pytest.mark.parametrize("name", SINGLE)
def test_single(name):
    x = SINGLE[name]
    same(ls.run(single(x["case"], 1.0), x["case"]["T"]), x["spikes"], x["V_m"])


@pytest.mark.skipif(not TRUTH.exists(), reason="the whole reference data are not beside this checkout")
@pytest.mark.parametrize("name", SINGLE)
def test_single_at_every_sample(name):
    with np.load(TRUTH / f"{name}.npz") as file:
        case = json.loads(str(file["meta"]))
        same(ls.run(single(case, case["dt"]), case["T"]), file["spikes"], file["V_m"])


@pytest.mark.parametrize("name", NET)
def test_network(name):
    """60 neurons, each with parameters of its own: weights of both signs, t_ref off the grid."""
    x = NET[name]
    case, known = x["case"], ("t_ref", "I_e", "V_m", "tau_m", "tau_syn_ex", "tau_syn_in")
    net = ls.Network(dt=case["dt"])
    net.add("n", len(x["I_e"]), case["model"], **{k: x[k] for k in known if k in x})
    net.connect("n", "n", "explicit", sources=x["src"], targets=x["tgt"], weight=x["weight"], delay=x["delay_steps"] * case["dt"])
    net.record("n", "spikes")
    found = ls.run(net, case["T"]).spikes["n"]
    same_trains((found.times, found.ids), (x["times"], x["ids"]), TOLERANCE)


def same_trains(a, b, tolerance):
    """Spikes of the same neurons at the same times; neurons one by one, as times that differ by rounding may change places."""
    a, b = ([column[np.lexsort(train)] for column in train] for train in (a, b))
    assert np.array_equal(a[1], b[1])
    assert np.abs(a[0] - b[0]).max() <= tolerance


# -- closed forms ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["iaf_psc_delta_ps", "iaf_psc_exp_ps", "iaf_psc_exp_ps_lossless", "iaf_psc_alpha_ps"])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_intervals_under_a_constant_current(model, dt):
    """tau_m log((R I - V_reset + E_L) / (R I - V_th + E_L)) after each refractory period."""
    net = ls.Network(dt=dt)
    net.add("n", 1, model, I_e=450.0, V_reset=-65.0, V_m=-65.0, t_ref=3.0)
    net.record("n", "spikes")
    first = 10.0 * np.log((18.0 - 5.0) / (18.0 - 15.0))
    times = ls.run(net, 200.0).spikes["n"].times
    assert np.abs(times - first - (first + 3.0) * np.arange(len(times))).max() < 1e-11 and len(times) == 11


@pytest.mark.parametrize("model", ["iaf_psc_exp_ps_lossless", "iaf_psc_exp"])
@pytest.mark.parametrize("tau", [0.4, 0.5, 0.5 + 1e-9])
def test_a_crossing_within_a_step_is_not_missed(model, tau):
    """V rises above threshold and falls again within a step of 1 ms; with tau_syn = tau_m too."""
    found = {}
    for dt, name in ((1.0, model), (0.001, model), (1.0, "iaf_psc_exp_ps")):
        net = ls.Network(dt=dt)
        net.add("n", 1, name, tau_m=0.5, tau_syn_ex=tau, tau_syn_in=tau, t_ref=1.0)
        net.add("in", 1, "spike_generator", spike_times=[4.01])
        net.connect("in", "n", weight=24_000.0, delay=1.0)
        net.record("n", "spikes")
        found[dt, name] = ls.run(net, 10.0, method="precise").spikes["n"].times
    assert len(found[1.0, model]) == 1 and 5.01 < found[1.0, model][0] < 6.0
    assert abs(found[1.0, model] - found[0.001, model]) < TOLERANCE
    assert len(found[1.0, "iaf_psc_exp_ps"]) == 0  # it is only tested at arrivals and on the grid


def test_a_jump_to_threshold_fires_on_arrival_and_simultaneous_weights_are_one():
    net = ls.Network(dt=0.1)
    net.add("n", 2, "iaf_psc_delta_ps")
    net.add("in", 1, "spike_generator", spike_times=[4.3217])
    net.connect("in", "n", weight=20.0, delay=1.0)
    net.connect("in", "n[1]", weight=-10.0, delay=1.0)
    net.record("n", "spikes")
    found = ls.run(net, 10.0).spikes["n"]
    assert found.ids.tolist() == [0] and abs(found.times[0] - 5.3217) < 1e-14


# -- the same for any dt ------------------------------------------------------------------------------


def recurrent(model: str, dt: float, weight: float, excitatory: float, bump: float = 0.0, N: int = 1000) -> ls.Network:
    """`N` neurons above threshold, 50 synapses each with delays of 1 to 3 ms; a part of the weights are excitatory."""
    rng, K = np.random.default_rng(3), 50
    unit = 1.0 if "delta" in model else 35.0  # pA that act about as much as 1 mV
    net = ls.Network(dt=dt)
    net.add("n", N, model, V_m=rng.uniform(-70, -56, N) + bump, I_e=rng.uniform(400, 500, N))
    weights = weight * unit * rng.uniform(0.5, 1.5, N * K) * np.where(rng.random(N * K) < excitatory, 1, -1)
    ends = {"sources": rng.integers(0, N, N * K), "targets": np.repeat(np.arange(N), K)}
    net.connect("n", "n", "explicit", **ends, weight=weights, delay=rng.integers(10, 30, N * K) * 0.1)
    net.record("n", "spikes")
    return net


def trains(net: ls.Network, duration: float, until: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    found = ls.run(net, duration).spikes["n"]
    early = found.times < until
    return found.times[early], found.ids[early]


@pytest.mark.parametrize("model", LOSSLESS)
def test_dt_makes_no_difference(model):
    """Where dynamics contract (shown: 1e-12 mV at the start moves no spike by 1e-10 ms), for a second."""
    network = {"model": model, "weight": 0.1, "excitatory": 0.0, "N": 400}
    coarse = trains(recurrent(dt=0.1, **network), 1000.0)
    assert len(coarse[0]) > 8_000
    same_trains(coarse, trains(recurrent(dt=0.1, bump=1e-12, **network), 1000.0), 1e-10)
    same_trains(coarse, trains(recurrent(dt=0.01, **network), 1000.0), TOLERANCE)


@pytest.mark.parametrize("model", LOSSLESS)
def test_dt_makes_no_difference_before_chaos_does(model):
    """Up to where 1e-12 mV at the start has moved a spike by 1e-10 ms."""
    network = {"model": model, "weight": 1.0, "excitatory": 0.5}
    coarse, moved = (trains(recurrent(dt=0.1, bump=bump, **network), 500.0) for bump in (0.0, 1e-12))
    n = min(len(coarse[0]), len(moved[0]))
    apart = (np.abs(coarse[0][:n] - moved[0][:n]) > 1e-10) | (coarse[1][:n] != moved[1][:n])
    assert apart.any()
    horizon = coarse[0][np.argmax(apart)]
    assert horizon > 20.0
    fine = trains(recurrent(dt=0.01, **network), 500.0, horizon)
    same_trains([column[: np.argmax(apart)] for column in coarse], fine, TOLERANCE)
