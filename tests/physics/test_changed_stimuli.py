"""Stimuli that are changed between runs act as in NEST 3.10 (tests/data/nest_changes.npz), and random ones as theory says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lifsim as ls

DATA = np.load(Path(__file__).parents[1] / "data" / "nest_changes.npz")
CASES = json.loads(DATA["cases"].tobytes())
DELAYS = [0.1, 1.5, 3.0]


def changed(kind, params, changes, model="iaf_psc_exp"):
    net = ls.Network()
    net.add("n", len(DELAYS), model, V_th=1e9)
    net.add("g", 1, kind, **params)
    net.connect("g", "n", weight=30.0 if kind == "spike_generator" else 1.0, delay=np.array([DELAYS]).T)
    net.record("n", "V_m", interval=0.5)
    with ls.Simulation(net) as sim:
        for at, new in changes:
            sim.run(at - sim.time)
            sim.set("g", **new)
        sim.run(60.0 - sim.time)
        return sim.result().traces["n"]["V_m"]


@pytest.mark.parametrize("name", CASES)
def test_as_in_nest(name):
    kind, params, changes = CASES[name]
    assert np.abs(changed(kind, params, changes) - DATA[f"V_m/{name}"][:120]).max() < 1e-9


@pytest.mark.parametrize("name", [name for name, (kind, *_) in CASES.items() if kind != "ac_generator"])
def test_exact_spike_times_as_in_nest(name):
    kind, params, changes = CASES[name]
    assert np.abs(changed(kind, params, changes, "iaf_psc_exp_ps") - DATA[f"V_m/{name}"][:120]).max() < 1e-9


def test_a_network_whose_stimuli_and_neurons_change_fires_as_in_nest():
    net = ls.Network()
    n = net.add("n", 20, "iaf_psc_exp", I_e=340.0 + 2.0 * np.arange(20))
    net.add("dc", 1, "dc_generator", amplitude=50.0)
    net.add("sg", 1, "spike_generator", spike_times=[3.0, 9.0])
    net.add("st", 1, "step_current_generator", amplitude_times=[5.0, 30.0], amplitude_values=[20.0, -40.0])
    net.connect(n, n, "all_to_all", allow_autapses=False, weight=15.0, delay=1.5)
    net.connect("dc", n[:10], delay=1.0)
    net.connect("sg", n, weight=200.0, delay=2.0)
    net.connect("st", n[5:], delay=0.5)
    net.record(n, "spikes")
    with ls.Simulation(net) as sim:
        sim.run(40.0)
        sim.set("dc", amplitude=-30.0)
        sim.set("sg", spike_times=[41.0, 60.0, 70.0])
        sim.run(25.0)
        sim.set("st", amplitude_times=[80.0, 90.0], amplitude_values=[60.0, 0.0])
        sim.set(n[3], V_th=-58.0)
        sim.set(n[4:6], I_e=450.0)
        sim.run(35.0)
        sim.set("dc", amplitude=80.0, stop=120.0)
        sim.set("sg", spike_times=[110.0, 110.1, 125.0])
        sim.run(50.0)
        spikes = sim.result().spikes["n"]
    assert len(DATA["times"]) > 50
    np.testing.assert_allclose(spikes.times, DATA["times"], atol=1e-9)
    np.testing.assert_array_equal(spikes.ids, DATA["ids"])


# -- random stimuli --------------------------------------------------------------------------------

RANDOM = {
    "poisson_generator": ({"rate": 1e6}, {"rate": 4e6}),
    "inhomogeneous_poisson_generator": ({"rate_times": [0.1], "rate_values": [1e6]}, {"rate_times": [20.1], "rate_values": [4e6]}),
    "sinusoidal_poisson_generator": ({"rate": 1e6}, {"rate": 4e6}),
    "sinusoidal_gamma_generator": ({"rate": 1e6, "order": 2.0}, {"rate": 4e6}),
}


@pytest.mark.parametrize("delay", [0.1, 1.5])
@pytest.mark.parametrize("kind", RANDOM)
def test_a_new_rate_arrives_after_the_delay(kind, delay):
    """A synaptic current that decays within a step shows the spikes that arrive in each step: 100 before the change, 400 after it."""
    old, new = RANDOM[kind]
    net = ls.Network()
    net.add("n", 50, "iaf_psc_exp", V_th=1e12, tau_syn_ex=0.02)
    net.add("g", 1, kind, **old)
    net.connect("g", "n", weight=1.0, delay=delay)
    net.record("n", "I_syn_ex", interval=0.1)
    with ls.Simulation(net) as sim:
        sim.run(20.0)
        sim.set("g", **new)
        sim.run(20.0)
        arrived = sim.result().traces["n"]["I_syn_ex"].mean(axis=1)
    step = round((20.0 + delay) / 0.1)  # the samples up to this step are of the old rate
    sd = np.sqrt(400 / 50)
    assert np.abs(arrived[40:step] - 100).max() < 5.5 * sd / 2 + 0.7  # what is left of the step before is below 0.7
    later = arrived[step + (kind == "inhomogeneous_poisson_generator") :]
    assert np.abs(later - 400).max() < 5.5 * sd + 3


def test_exact_poisson_trains_change_their_rate():
    net = ls.Network()
    net.add("g", 400, "poisson_generator_ps", rate=50.0)
    net.add("n", 400, "iaf_psc_delta_ps", V_th=0.5, V_reset=0.0, E_L=0.0, V_m=0.0, t_ref=0.1, tau_m=0.01)
    net.connect("g", "n", "one_to_one", weight=1.0, delay=1.0)
    net.record(["g", "n"], "spikes")
    with ls.Simulation(net) as sim:
        sim.run(1000.0)
        sim.set("g", rate=200.0)
        sim.run(1000.0)
        sim.set("g", rate=0.0)
        sim.run(1000.0)
        sim.set("g", rate=100.0)
        sim.run(1000.0)
        for name, shift in (("g", 0.0), ("n", 1.0)):
            spikes = sim.result().spikes[name]
            for k, rate in enumerate([50, 200, 0, 100]):
                number = len(spikes.window(k * 1000.0 + shift, (k + 1) * 1000.0 + shift))
                wanted = 400 * rate / (1 + rate * 1e-4 * (name == "n"))  # neurons are refractory for 0.1 ms
                assert abs(number - wanted) <= 5.5 * np.sqrt(wanted) + (name == "n") * 0.005 * wanted


def test_noise_goes_on_with_new_numbers_after_it_begins_again():
    """With the same `start`, noise continues; with a later one it begins anew, and is not the same noise a second time."""
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp", V_th=1e9)
    net.add("g", 1, "noise_generator", std=100.0, dt=0.1)
    net.connect("g", "n", delay=0.1)
    net.record("n", "V_m", interval=0.1)
    with ls.Simulation(net) as sim:
        sim.run(50.0)
        sim.set("g", start=60.0)
        sim.run(60.0)
        v = sim.result().traces["n"]["V_m"][:, 0]
    decay = np.exp(-0.1 / 10.0)
    current = (v[1:] + 70) - decay * (v[:-1] + 70)  # proportional to the current of each step
    first, second = current[2:400], current[602:1000]
    assert np.abs(current[502:600]).max() < 1e-9
    assert abs(np.corrcoef(first, second)[0, 1]) < 5.5 / np.sqrt(398)
    assert 0.8 < second.std() / first.std() < 1.25


def test_an_unchanged_value_changes_nothing():
    """Setting a parameter to the value that it has leaves every bit of a run as it was, for all random stimuli."""
    kinds = {
        "poisson_generator": {"rate": 9000.0},
        "sinusoidal_poisson_generator": {"rate": 3000.0, "amplitude": 2000.0, "frequency": 50.0},
        "sinusoidal_gamma_generator": {"rate": 3000.0, "order": 3.0},
        "ou_generator": {"std": 100.0},
        "noise_generator": {"std": 100.0},
    }
    net = ls.Network()
    net.add("n", 7, "iaf_psc_exp")
    for k, (kind, params) in enumerate(kinds.items()):
        net.add(f"g{k}", 1, kind, **params)
        net.connect(
            f"g{k}", "n", delay={"uniform": [1.0, 3.0]}, **({} if kind in ("ou_generator", "noise_generator") else {"weight": 10.0})
        )
    net.record("n", "V_m", interval=0.1)
    whole = ls.run(net, 60.0).traces["n"]["V_m"]
    with ls.Simulation(net, threads=2) as sim:
        for _ in range(6):
            sim.run(10.0)
            for k, params in enumerate(kinds.values()):
                sim.set(f"g{k}", **params)
        np.testing.assert_array_equal(sim.result().traces["n"]["V_m"], whole)
