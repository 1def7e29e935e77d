"""Parameters of generators are read and set between runs: forms of values, slices of populations, errors, checkpoints, files."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.common.errors import ModelError


def network(**more):
    net = ls.Network()
    net.add("n", 6, "iaf_psc_exp")
    net.add("ext", 3, "poisson_generator", rate=[100.0, 200.0, 300.0])
    net.add("dc", 1, "dc_generator", amplitude=50.0)
    net.add("step", 1, "step_current_generator", amplitude_times=[5.0], amplitude_values=[20.0])
    net.add("sg", 3, "spike_generator", spike_times=[[3.0, 30.0], [4.0], []])
    net.add("wave", 1, "waveform_generator", waveform=[10.0, 20.0], interval=5.0)
    net.add("gamma", 2, "sinusoidal_gamma_generator", rate=500.0, order=2.0)
    net.add("ou", 1, "ou_generator", std=50.0)
    net.add("noise", 2, "noise_generator", std=50.0)
    net.connect("ext", "n", weight=50.0, delay=1.5)
    net.connect("gamma", "n", weight=20.0, delay={"uniform": [1.0, 4.0]})
    for name in ("dc", "step", "wave", "ou", "noise"):
        net.connect(name, "n", delay=2.0)
    net.connect("sg", "n", weight=300.0, delay=2.5)
    net.record(["n", "ext", "sg", "gamma"], "spikes")
    net.record("n", "V_m", interval=0.1)
    return net


def change(sim):
    sim.set("ext", rate=900.0)
    sim.set("dc", amplitude=-20.0, stop=70.0)
    sim.set("step", amplitude_times=[sim.time + 4.0], amplitude_values=[33.0])
    sim.set("sg", spike_times=[sim.time + 2.0, sim.time + 2.5])
    sim.set("wave", waveform=[5.0, 7.0, 9.0])
    sim.set("gamma", rate={"uniform": [300.0, 900.0]}, order=5.0)
    sim.set("ou", mean=10.0, tau=2.0)
    sim.set("noise", start=sim.time + 3.0, std=80.0)
    sim.set("n", V_th=-54.0)


def same(a, b):
    assert all(np.array_equal(a.spikes[name].times, b.spikes[name].times) for name in a.spikes)
    assert all(np.array_equal(a.spikes[name].ids, b.spikes[name].ids) for name in a.spikes)
    assert np.array_equal(a.traces["n"]["V_m"], b.traces["n"]["V_m"])


@pytest.fixture(scope="module")
def whole():
    with ls.Simulation(network(), threads=1) as sim:
        sim.run(20.0)
        change(sim)
        sim.run(10.0)
        change(sim)
        sim.run(20.0)
        return sim.result()


@pytest.mark.parametrize("threads", [2, 3])
def test_results_do_not_depend_on_threads_or_slices(whole, threads):
    with ls.Simulation(network(), threads=threads) as sim:
        sim.run(20.0)
        change(sim)
        for _ in range(10):
            sim.run(1.0)
        change(sim)
        sim.run(20.0)
        same(sim.result(), whole)


@pytest.mark.parametrize("after", [0.0, 0.3, 1.5, 2.5])
def test_a_checkpoint_holds_changes_that_are_on_their_way(whole, tmp_path, after):
    """The values before and after a change act side by side until the longest delay has passed."""
    with ls.Simulation(network(), threads=2) as sim:
        sim.run(20.0)
        change(sim)
        sim.run(10.0)
        change(sim)
        if after:
            sim.run(after)
        sim.save(tmp_path / "x.ckpt")
    with ls.Simulation.restore(tmp_path / "x.ckpt", threads=1) as sim:
        assert sim.get("dc", "stop").tolist() == [70.0] and sim.get("ext", "rate").tolist() == [900.0] * 3
        sim.run(20.0 - after)
        same(sim.result(), whole)


def test_a_run_that_was_interrupted_after_changes_goes_on(whole, tmp_path):
    out = tmp_path / "x.h5"
    with ls.Simulation(network(), threads=2, out=out) as sim:
        sim.run(20.0)
        change(sim)
        sim.run(10.0)
        change(sim)
        sim.run(20.0, max_wall=1e-9)  # stops after a slice, with a checkpoint
        assert not sim.done
    resumed = ls.resume(out)
    same(resumed, whole)
    changes = {(x["of"], x["set"]): x for x in resumed.info["changes"]}
    assert changes["ext", "rate"] == {"of": "ext", "set": "rate", "first": 20.0, "last": 30.0, "number": 2, "value": 900.0}
    assert changes["dc", "stop"]["value"] == 70.0 and ("n", "V_th") in changes


def test_values_of_some_generators():
    net = network()
    with ls.Simulation(net) as sim:
        sim.set("ext[1]", rate=7.0)
        sim.set(net.populations["ext"][[0, 2]], rate=[1.0, 2.0])
        assert sim.get("ext", "rate").tolist() == [1.0, 7.0, 2.0] and sim.get("ext[2]", "rate").tolist() == [2.0]
        sim.run(10.0)
        sim.set("sg[0:2]", spike_times=[[11.0], [12.0, 13.0]])
        sim.set("sg[2]", spike_times=[14.0])
        assert [x.tolist() for x in sim.get("sg", "spike_times")] == [[11.0], [12.0, 13.0], [14.0]]
        sim.run(30.0)
        spikes = sim.result().spikes["sg"]
    assert spikes.times.tolist() == [3.0, 4.0, 11.0, 12.0, 13.0, 14.0] and spikes.ids.tolist() == [0, 1, 0, 1, 1, 2]


def test_spikes_that_are_in_the_past_are_not_sent():
    with ls.Simulation(network()) as sim:
        sim.run(10.0)
        sim.set("sg", spike_times=[2.0, 10.0, 10.1])
        sim.run(10.0)
        assert sim.result().spikes["sg"].times.tolist() == [3.0, 4.0, 10.1, 10.1, 10.1]


def test_a_generator_that_was_silent_when_the_network_was_built():
    """It gets random numbers that no other generator has: equal rates give different trains."""
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp", V_th=1e9)
    for name in ("a", "b", "c"):
        net.add(name, 1, "poisson_generator", rate=0.0 if name != "c" else 1000.0)
    net.connect("a", "n[0]", weight=1.0)
    net.connect("b", "n[1]", weight=1.0)
    net.connect("c", "n[1]", weight=0.0)
    net.record("n", "I_syn_ex", interval=0.1)
    with ls.Simulation(net) as sim:
        sim.set("a", rate=5000.0)
        sim.set("b", rate=5000.0)
        sim.run(200.0)
        x = sim.result().traces["n"]["I_syn_ex"]
    arrived = np.round(x[1:] - np.exp(-0.1 / 2.0) * x[:-1], 6)
    assert (arrived.sum(axis=0) > 700).all() and (arrived.sum(axis=0) < 1300).all()
    assert abs(np.corrcoef(arrived[20:].T)[0, 1]) < 5.5 / np.sqrt(len(arrived))


@pytest.mark.parametrize(
    ("nodes", "values", "where", "words"),
    [
        ("ext", {"rate": -1.0}, "ext.rate", "0 to 1e9"),
        ("ext", {"rates": 1.0}, "ext.rates", "rate"),
        ("ext", {"rate": [1.0, 2.0]}, "ext.rate", "(3,)"),
        ("ext", {"rate": "5 mV"}, "ext.rate", "Hz"),
        ("dc", {"origin": 10.0}, "dc.origin", "start=sim.time"),
        ("dc", {"start": 10.0, "stop": 5.0}, "dc", "stop must not be before start"),
        ("dc", {"start": 0.05}, "dc.start", "0.05"),
        ("step", {"amplitude_values": [1.0, 2.0]}, "step", "equally long"),
        ("step", {"amplitude_times": [3.0, 2.0], "amplitude_values": [1.0, 2.0]}, "step", "increase"),
        ("sg", {"spike_times": [5.04]}, "sg.spike_times", "5.04 ms is not on the grid"),
        ("sg", {"spike_times": [0.0]}, "sg.spike_times", "above 0"),
        ("sg", {"spike_times": [[1.0], [2.0]]}, "sg.spike_times", "one list a node"),
        ("gamma", {"individual_spike_trains": False}, "gamma.individual_spike_trains", "once the network is built"),
        ("gamma", {"order": 0.5}, "gamma.order", ">= 1"),
        ("noise", {"std_mod": 100.0}, "noise", "std_mod"),
        ("noise[0]", {"std": [1.0, 2.0]}, "noise[0].std", "(1,)"),
        ("wave", {"waveform": [[1.0, 2.0, 3.0]]}, "wave.waveform", "(samples, 1)"),
    ],
    ids=str,
)
def test_wrong_values(nodes, values, where, words):
    with ls.Simulation(network()) as sim:
        before = sim.get(nodes, next(iter(values))) if not values.keys() & {"rates", "origin"} else None
        with pytest.raises(ModelError) as error:
            sim.set(nodes, **values)
        assert error.value.problems[0].where == where and words in str(error.value)
        if before is not None:
            np.testing.assert_equal(sim.get(nodes, next(iter(values))), before)


def test_all_settable_parameters_of_all_models_can_be_read_and_set_again():
    """To the value that they have, for every model of a generator, with and without a connection."""
    from lifsim.network.model import MODELS
    from lifsim.simulation.setting import settable

    needed = {"spike_generator": {"spike_times": [1.0]}, "waveform_generator": {"waveform": [1.0]}}
    for model in MODELS.values():
        if model.role == "neuron":
            continue
        net = ls.Network()
        net.add("n", 2, "iaf_psc_exp_ps" if model.methods == ("precise",) else "iaf_psc_exp")
        net.add("g", 2, model.name, **needed.get(model.name, {}))
        net.connect("g", "n", "one_to_one")
        with ls.Simulation(net) as sim:
            sim.run(1.0)
            for name in settable(model):
                value = sim.get("g", name)
                if name not in ("spike_file", "waveform_file"):
                    sim.set("g", **{name: value})
                    np.testing.assert_equal(sim.get("g", name), value)
            sim.run(1.0)


def test_all_parameters_of_all_neurons_can_be_set(tmp_path):
    """To other values than they have; a checkpoint has them."""
    from lifsim.network.model import MODELS

    for model in MODELS.values():
        if model.role != "neuron":
            continue
        net = ls.Network()
        own = net.add("n", 4, model.name, **({"tau_syn": [2.0, 7.0]} if model.name.endswith("multisynapse") else {}))
        with ls.Simulation(net) as sim:
            sim.run(1.0)
            new = {}
            for p in own.model.parameters + own.model.states:
                now = sim.get("n", p.name)
                new[p.name] = not now if p.shape == "flag" else now + 0.125 * (p.name not in ("V_reset", "E_L", "V_m", "V_min", "delta"))
                if p.shape == "value" and not np.isfinite(now).all():
                    new[p.name] = now
            sim.set("n", **new)
            wanted = {name: sim.get("n", name) for name in new}
            for name, value in new.items():
                np.testing.assert_allclose(wanted[name], value, rtol=1e-12)
            sim.save(tmp_path / "x.ckpt")
        with ls.Simulation.restore(tmp_path / "x.ckpt") as sim:
            for name, value in wanted.items():
                np.testing.assert_array_equal(sim.get("n", name), value)


def test_a_long_loop_keeps_only_the_values_that_still_act():
    """Memory, and the size of checkpoints, do not grow with the number of changes."""
    net = network()
    net.add("alone", 1, "poisson_generator")
    net.record("alone", "spikes")
    with ls.Simulation(net) as sim:
        for k in range(60):
            sim.set("sg", spike_times=[sim.time + 0.5])
            sim.set("ext", rate=1000.0 + k)
            sim.set("alone", rate=100.0 + k)
            sim.run(1.0)
        held = {name: len(history._versions) for name, history in sim._stimuli.histories.items()}
        assert max(held.values()) < 8 and len(sim._stimuli._due) < 8 and len(sim._stimuli._spells["sg"]) < 8
        assert len(sim.result().spikes["sg"]) == 3 * 60


def test_another_waveform_acts():
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp", V_th=1e9)
    net.add("w", 1, "waveform_generator", waveform=[100.0] * 50, interval=1.0)
    net.connect("w", "n", delay=0.1)
    net.record("n", "V_m", interval=1.0)
    with ls.Simulation(net) as sim:
        sim.run(20.0)
        sim.set("w", waveform=[300.0] * 50)
        assert sim.get("w", "I").tolist() == [300.0]
        sim.run(20.0)
        v = sim.result().traces["n"]["V_m"][:, 0]
    net.populations["w"].params["waveform"] = np.array([100.0] * 20 + [300.0] * 30)
    wanted = ls.run(net, 40.0).traces["n"]["V_m"][:, 0]
    assert np.abs(v - wanted).max() < 0.09  # the change acts a step later than a sample: 200 pA · 0.1 ms / 250 pF


@pytest.mark.parametrize("kind", ["poisson_generator_ps", "sinusoidal_gamma_generator", "ou_generator"])
def test_a_checkpoint_at_the_step_at_which_a_change_arrives(tmp_path, kind):
    exact = kind.endswith("_ps")
    net = ls.Network()
    net.add("n", 4, "iaf_psc_exp_ps" if exact else "iaf_psc_exp", V_th=1e9)
    net.add("g", 2, kind, **({"std": 50.0} if kind == "ou_generator" else {"rate": [0.0, 500.0] if exact else 500.0}))
    net.connect(
        "g", "n", delay={"uniform": [1.0, 2.0]} if kind != "ou_generator" else 1.0, **({} if kind == "ou_generator" else {"weight": 9.0})
    )
    net.record("n", "V_m", interval=0.1)
    for after in (0.9, 1.0, 1.1, 1.5):
        with ls.Simulation(net) as sim:
            sim.run(10.0)
            sim.set("g", **({"mean": [50.0, 10.0], "std": [90.0, 20.0]} if kind == "ou_generator" else {"rate": [900.0, 100.0]}))
            sim.run(after)
            sim.save(tmp_path / "x.ckpt")
            sim.run(20.0)
            wanted = sim.result().traces["n"]["V_m"]
        with ls.Simulation.restore(tmp_path / "x.ckpt", threads=2) as sim:
            sim.run(20.0)
            np.testing.assert_array_equal(sim.result().traces["n"]["V_m"], wanted)


def test_many_noise_generators_with_parameters_of_their_own_stay_independent():
    net = ls.Network()
    for name in "ab":
        net.add(f"n{name}", 400, "iaf_psc_exp", V_th=1e9)
        net.add(f"g{name}", 400, "noise_generator", std=50.0, dt=0.1)
        net.connect(f"g{name}", f"n{name}", "one_to_one")
        net.record(f"n{name}", "V_m", interval=0.5)
    with ls.Simulation(net) as sim:
        for name in "ab":
            sim.set(f"g{name}", mean=np.linspace(0.0, 1.0, 400))
        sim.run(100.0)
        a, b = (sim.result().traces[f"n{name}"]["V_m"][20:] for name in "ab")
    r = [np.corrcoef(np.diff(a[:, i]), np.diff(b[:, j]))[0, 1] for i in range(400) for j in (i, (i + 144) % 400, (i + 256) % 400)]
    assert np.max(np.abs(r)) < 0.6


def test_parts_of_a_population_draw_different_numbers():
    with ls.Simulation(network()) as sim:
        sim.set("n[:3]", V_m={"normal": [-65.0, 2.0]})
        sim.set("n[3:]", V_m={"normal": [-65.0, 2.0]})
        parts = sim.get("n", "V_m")
        assert len(set(parts.tolist())) == 6
        sim.set("n", V_m={"normal": [-65.0, 2.0]})
        np.testing.assert_array_equal(sim.get("n", "V_m"), parts)


@pytest.mark.parametrize("delays", [(0.1, 1.5), (2.5, 0.1), (1.5, 1.6)])
def test_two_projections_of_a_generator_with_delays_of_their_own(delays):
    """Each passes to new values after its own delay: as from two generators."""
    net = ls.Network()
    net.add("a", 1, "iaf_psc_exp")
    net.add("b", 1, "iaf_psc_exp")
    for name in ("both", "one", "two"):
        net.add(name, 1, "dc_generator", amplitude=10.0)
    net.connect("both", "a", delay=delays[0])
    net.connect("both", "b", delay=delays[1])
    net.add("c", 1, "iaf_psc_exp")
    net.add("d", 1, "iaf_psc_exp")
    net.connect("one", "c", delay=delays[0])
    net.connect("two", "d", delay=delays[1])
    net.record(["a", "b", "c", "d"], "I_stim", interval=0.1)
    with ls.Simulation(net) as sim:
        sim.run(5.0)
        for value in (20.0, 30.0, 5.0):
            sim.set("both", amplitude=value)
            sim.set("one", {"amplitude": value})
            sim.set("two", amplitude=value)
            sim.run(1.0)
        sim.run(5.0)
        traces = sim.result().traces
    np.testing.assert_array_equal(traces["a"]["I_stim"], traces["c"]["I_stim"])
    np.testing.assert_array_equal(traces["b"]["I_stim"], traces["d"]["I_stim"])
    assert len(set(traces["b"]["I_stim"][:, 0].tolist())) == 5
