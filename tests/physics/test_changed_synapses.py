"""Weights of generators and parameters of plastic synapses that are set between runs act as in NEST 3.10.

The results of NEST are in tests/data/nest_synapse_changes.npz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lifsim as ls

DATA = np.load(Path(__file__).parents[1] / "data" / "nest_synapse_changes.npz")
LONG_TERM = {
    "stdp": (
        {"model": "stdp_synapse", "lambda": 0.1, "Wmax": 80.0},
        [(25.5, {"alpha": 2.0}), (55.5, {"tau_plus": 10.0, "mu_plus": 0.5}), (90.5, {"lambda": 0.02, "Wmax": 60.0})],
    ),
    "triplet": (
        {"model": "stdp_triplet_synapse", "Aplus": 0.5, "Wmax": 80.0, "Aminus": 0.3},
        [(25.5, {"Aplus": 2.0}), (55.5, {"tau_plus_triplet": 50.0}), (90.5, {"Aminus": 1.0, "tau_plus": 10.0})],
    ),
    "vogels": (
        {"model": "vogels_sprekeler_synapse", "eta": 0.5, "Wmax": 80.0},
        [(25.5, {"alpha": 0.3}), (55.5, {"tau": 40.0}), (90.5, {"eta": 2.0})],
    ),
}
SHORT_TERM = {
    "tsodyks": (
        {"model": "tsodyks_synapse", "U": 0.3, "tau_fac": 50.0, "tau_psc": 3.0},
        [(25.5, {"U": 0.7}), (55.5, {"tau_rec": 100.0}), (90.5, {"u": 0.1, "x": 0.8, "y": 0.1})],
    ),
    "tsodyks2": (
        {"model": "tsodyks2_synapse", "U": 0.3, "tau_fac": 50.0},
        [(25.5, {"U": 0.7}), (55.5, {"tau_rec": 100.0}), (90.5, {"u": 0.1, "x": 0.8})],
    ),
}


def test_weights_of_a_current_generator():
    """What was sent before a change arrives with the old weight, also after a checkpoint."""
    net = ls.Network()
    net.add("n", 3, "iaf_psc_exp", V_th=1e9)
    net.add("g", 1, "dc_generator", amplitude=100.0)
    net.connect("g", "n", delay=np.array([[0.1], [1.5], [3.0]]))
    net.record("n", "V_m", interval=0.5)
    with ls.Simulation(net) as sim:
        for duration, weight in ((20.0, 2.5), (20.3, -1.0)):
            sim.run(duration)
            sim.set_weights("g", "n", weight)
        sim.run(0.7)
        np.testing.assert_array_equal(sim.matrix("g", "n").toarray(), -np.ones((3, 1)))
        sim.run(18.5)
        found = sim.result().traces["n"]["V_m"]
    assert np.abs(found - DATA["dc"]).max() < 1e-9


@pytest.mark.parametrize("name", [*LONG_TERM, *SHORT_TERM])
def test_parameters_of_synapses(name, tmp_path):
    """Weights that are sent, or potentials, through one synapse; the run is restored from a checkpoint in its middle."""
    synapse, changes = (LONG_TERM | SHORT_TERM)[name]
    net = ls.Network()
    net.add("trains", 2, "spike_generator", spike_times=[DATA["pre"].tolist(), DATA["post"].tolist()])
    net.add("pre", 1, "parrot_neuron")
    net.connect("trains[:1]", "pre", delay=1.0)
    if name in LONG_TERM:
        net.add("post", 1, "parrot_neuron")
        net.connect("trains[1:]", "post", delay=1.0)
        net.connect("pre", "post", weight=40.0, delay=1.0, synapse=synapse, receptor_type=1)
        net.record_weights("pre", "post", events=True)
    else:
        net.add("post", 1, "iaf_psc_exp", V_th=1e9, tau_syn_ex=3.0)
        net.connect("pre", "post", weight=40.0, delay=1.0, synapse=synapse)
        net.record("post", "V_m", interval=0.5)
    sim = ls.Simulation(net)
    for k, (at, new) in enumerate(changes):
        sim.run(at - sim.time)
        sim.set_synapses("pre", "post", new)
        if k == 1:
            sim.save(tmp_path / "half.ckpt")
            sim.close()
            sim = ls.Simulation.restore(tmp_path / "half.ckpt")
    sim.run(120.0 - sim.time)
    result = sim.result()
    sim.close()
    if name in LONG_TERM:
        events = result.weight_events["post"]["weight_events_from_pre"]
        np.testing.assert_array_equal(events.times, DATA[name][0])
        np.testing.assert_allclose(events.weights, DATA[name][1], rtol=0, atol=1e-12)
    else:
        found = result.traces["post"]["V_m"][: len(DATA[name]), 0]
        assert np.abs(found - DATA[name]).max() < 1e-9
