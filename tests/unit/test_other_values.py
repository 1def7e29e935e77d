"""A built simulation that takes the values of another network: its results are those of a new simulation."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.common.errors import LifsimError

EXP = [
    {},
    {"tau_m": 5.0, "V_th": -60.0, "t_ref": 0.5},
    {"V_m": {"uniform": [-70.0, -56.0]}, "I_e": 300.0, "V_th": {"normal": [-55.0, 1.0]}},
]
RATES = [{"rate": 3000.0}, {"rate": 9000.0, "start": 20.0}, {"rate": 0.0}, {"rate": {"uniform": [2e3, 9e3]}, "stop": 40.0}]
GENERATORS = {
    "poisson_generator": RATES,
    "noise_generator": [{"mean": 300.0, "std": 200.0}, {"std": 200.0, "start": 33.0, "mean": 300.0}, {"mean": 400.0, "dt": 0.5}],
    "step_current_generator": [
        {"amplitude_times": [10.0, 30.0], "amplitude_values": [400.0, 600.0]},
        {"amplitude_times": [0.1], "amplitude_values": [500.0]},
        {"amplitude_times": [30.0, 40.0, 45.0], "amplitude_values": [800.0, 0.0, 900.0]},
    ],
    "dc_generator": [{"amplitude": 400.0}, {"amplitude": 500.0, "start": 12.0}, {"amplitude": 0.0}],
    "spike_generator": [{"spike_times": [5.0, 10.0, 11.0]}, {"spike_times": [1.0, 2.0, 30.0, 40.0]}, {"spike_times": []}],
}
SLOW = {
    "sinusoidal_poisson_generator": [{"rate": 3e3, "amplitude": 2e3, "frequency": 20.0}, {"rate": 0.0}, {"rate": 6e3, "phase": 1.0}],
    "sinusoidal_gamma_generator": [{"rate": 300.0, "order": 2.0}, {"rate": 600.0, "amplitude": 50.0, "frequency": 50.0, "order": 3.0}],
    "inhomogeneous_poisson_generator": [
        {"rate_times": [0.1, 30.0], "rate_values": [3e3, 8e3]},
        {"rate_times": [9.0], "rate_values": [9e3]},
    ],
    "ou_generator": [{"mean": 300.0, "std": 200.0, "tau": 5.0}, {"mean": 300.0, "std": 200.0, "start": 33.0}],
    "ac_generator": [{"amplitude": 400.0, "offset": 300.0, "frequency": 30.0}, {"amplitude": 100.0, "offset": 500.0, "start": 5.0}],
    "waveform_generator": [
        {"waveform": [400.0, 500.0, 900.0], "interval": 10.0},
        {"waveform": [800.0, 0.0, 900.0, 100.0], "interval": 20.0},
    ],
}


def network(generator, values, neuron=None, model="iaf_psc_exp", synapse="static_synapse"):
    net = ls.Network()
    net.add("pop", 30, model, neuron or {})
    net.add("src", 1, generator, values)
    currents = generator.split("_")[0] in ("noise", "step", "dc", "ac", "ou", "waveform")
    net.connect("src", "pop", weight=1.0 if currents else 60.0, delay=1.5)
    net.connect("pop", "pop", "fixed_indegree", indegree=6, weight=20.0, delay={"uniform": [0.5, 3.0]}, synapse=synapse)
    net.record("pop", "spikes")
    net.record("pop", "V_m")
    return net


def check(cases):
    """Each network after others in one simulation, beside a new simulation of it."""
    sim = None
    for k in (0, 1, 2, 0, 2, 1, 3, 0):
        make = cases[k % len(cases)]
        if sim is None:
            sim = ls.Simulation(make(), seed=3, threads=1)
        else:
            sim.take_values(make())
            sim.reset(seed=3)
        sim.run(60.0)
        got, new = sim.result(), ls.run(make(), 60.0, seed=3, threads=1)
        for name in ("times", "ids"):
            np.testing.assert_array_equal(getattr(got.spikes["pop"], name), getattr(new.spikes["pop"], name))
        np.testing.assert_array_equal(got.traces["pop"]["V_m"], new.traces["pop"]["V_m"])
    sim.close()


@pytest.mark.parametrize("generator", GENERATORS)
def test_generators(generator):
    check([lambda v=v: network(generator, v) for v in GENERATORS[generator]])


@pytest.mark.slow
@pytest.mark.parametrize("generator", SLOW)
def test_more_generators(generator):
    check([lambda v=v: network(generator, v) for v in SLOW[generator]])


def test_neurons():
    check([lambda v=v: network("poisson_generator", {"rate": 9000.0}, v) for v in EXP])


def test_both():
    check([lambda k=k: network("poisson_generator", RATES[k], EXP[k % 3]) for k in range(4)])


@pytest.mark.slow
@pytest.mark.parametrize("synapse", ["stdp_synapse", "tsodyks_synapse"])
def test_plastic_synapses(synapse):
    check([lambda v=v: network("poisson_generator", {"rate": 9000.0}, v, synapse=synapse) for v in EXP])


def test_the_result_says_what_was_simulated():
    net = network("poisson_generator", {"rate": 3000.0})
    other = ls.load("single_neuron", I=450.0)
    with ls.Simulation(ls.load("single_neuron"), threads=1) as sim:
        sim.run(30.0)
        first = sim.result()
        sim.take_values(other)
        sim.reset()
        sim.run(30.0)
        assert sim.result().info["parameters"]["I"] == 450.0 and first.info["parameters"]["I"] == 500.0
        assert sim.result().info["run"] != first.info["run"]
        for wrong in (net, ls.load("single_neuron", overrides={"populations.neuron.n": 2})):
            with pytest.raises(LifsimError, match="populations"):
                sim.take_values(wrong)
        sim.reset()
        sim.run(30.0)
        assert sim.net.populations["step"].params == other.populations["step"].params


def test_what_a_built_network_cannot_change():
    def multi(tau):
        net = ls.Network()
        net.add("pop", 2, "iaf_psc_exp_multisynapse", tau_syn=tau)
        return net

    with ls.Simulation(multi([2.0, 5.0]), 1.0) as sim:
        sim.take_values(multi([1.0, 9.0]))
        with pytest.raises(LifsimError, match=r"populations.pop: differs in what determines the synapses"):
            sim.take_values(multi([2.0]))
        assert list(sim.net.populations["pop"].params["tau_syn"]) == [1.0, 9.0]
