"""Variables that are computed when they are recorded: synaptic currents, refractoriness, currents and rates of generators."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls

DT = 0.1


def both(net, duration=60.0, **options):
    """The traces of a run in one slice and thread, which must be those of any other."""
    result = ls.run(net, duration, threads=1, **options)
    other = ls.run(net, duration, threads=2, progress=lambda *_, **__: None, **options)  # begins with a slice of one step
    with ls.Simulation(net, threads=2, **options) as sim:
        for part in (0.3, 7.1, 0.1, 20.0):
            sim.run(part)
        sim.run(duration - 27.5)
        parts = sim.result()
    for name, traces in result.traces.items():
        for variable in traces:
            np.testing.assert_array_equal(traces[variable], other.traces[name][variable])
            np.testing.assert_array_equal(traces[variable], parts.traces[name][variable])
    return result


def driven(model, method="grid", n=30, **params):
    """Neurons that fire, with excitatory and inhibitory synapses among them."""
    net = ls.Network(dt=DT, method=method)
    net.add("n", n, model, **params)
    unit = 2.0 if "cond" in model else 60.0
    net.connect("n[:20]", "n", "fixed_indegree", indegree=5, weight=unit, delay=1.5)
    net.connect("n[20:]", "n", "fixed_indegree", indegree=5, weight=-unit, delay=0.7)
    return net


CURRENT = {"I_e": 420.0, "V_m": {"uniform": [-70.0, -55.0]}}
SUMS = {
    ("iaf_psc_exp", "grid"): ["I_syn_ex", "I_syn_in"],
    ("iaf_psc_alpha", "grid"): ["I_syn_ex", "I_syn_in"],
    ("lif_psc_exp", "grid"): ["I_syn_ex", "I_syn_in"],
    ("mat2_psc_exp", "grid"): ["I_syn_ex", "I_syn_in"],
    ("iaf_psc_exp", "precise"): ["I_syn_ex", "I_syn_in"],
    ("iaf_psc_alpha_ps", "precise"): ["I_syn_ex", "I_syn_in"],
}


@pytest.mark.parametrize(("model", "method"), SUMS)
def test_synaptic_current_is_the_sum_of_both(model, method):
    net = driven(model, method, **CURRENT)
    net.record("n[7,3,25]", ["I_syn", "I_syn_ex", "I_syn_in"], interval=0.3)
    net.record("n", "I_syn", interval=0.1)
    traces = both(net).traces["n"]
    np.testing.assert_array_equal(traces["I_syn"], traces["I_syn_ex"] + traces["I_syn_in"])
    np.testing.assert_array_equal(traces["I_syn"], traces["I_syn[:]@0.1"][2::3, [7, 3, 25]])
    assert traces["I_syn[:]@0.1"].min() < -10 and traces["I_syn[:]@0.1"].max() > 10 and traces.unit_of("I_syn") == "pA"


def test_synaptic_current_of_all_receptors():
    net = ls.Network()
    net.add("n", 3, "iaf_psc_exp_multisynapse", tau_syn=[1.0, 5.0, 20.0], I_e=400.0)
    for receptor in (1, 2, 3):
        net.connect("n", "n", weight=20.0 * receptor, receptor_type=receptor)
    net.record("n", ["I_syn", "I_syn_1", "I_syn_2", "I_syn_3"])
    t = both(net).traces["n"]
    np.testing.assert_allclose(t["I_syn"], t["I_syn_1"] + t["I_syn_2"] + t["I_syn_3"], rtol=1e-14)
    assert t["I_syn"].max() > 0


@pytest.mark.parametrize("precision", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", ["iaf_cond_exp", "iaf_cond_alpha", "iaf_cond_exp_sfa_rr"])
def test_synaptic_current_of_conductances(model, precision):
    reversal = np.linspace(-5.0, 5.0, 30)
    net = driven(model, I_e=500.0, V_m={"uniform": [-70.0, -58.0]}, E_ex=reversal, E_in=-80.0)
    net.record("n[4:9]", ["I_syn", "V_m", "g_ex", "g_in"], interval=0.5)
    t = both(net, precision=precision).traces["n"]
    expected = t["g_ex"] * (reversal[4:9] - t["V_m"]) + t["g_in"] * (-80.0 - t["V_m"])
    np.testing.assert_allclose(t["I_syn"], expected, rtol=1e-12)
    assert (t["I_syn"] != 0).any()


@pytest.mark.parametrize(
    ("model", "method"),
    [*SUMS, ("iaf_psc_delta", "grid"), ("iaf_psc_delta", "precise"), ("if_psc_delta", "grid"), ("iaf_cond_exp", "grid")],
)
def test_time_left_in_refractoriness(model, method):
    """From the recorded spikes: t_ref, rounded up to steps, is left just after a spike, and passes."""
    t_ref = np.linspace(0.05, 3.0, 30)
    more = {} if model == "mat2_psc_exp" else {"V_reset": -70.0} if model != "if_psc_delta" else {}
    given = {"I_e": 1500.0, "t_ref": t_ref, **more}
    net = ls.Network(dt=DT, method=method)
    net.add("n", 30, model, **given)
    net.record("n", "spikes")
    net.record("n", "t_ref_remaining", interval=0.1)
    net.record("n[5,2]", "t_ref_remaining", interval=0.7, start=1.4, name="some")
    result = both(net)
    spikes, t = result.spikes["n"], result.traces["n"].times_of("t_ref_remaining")
    expected = np.zeros((len(t), 30))
    for at, who in zip(spikes.times, spikes.ids, strict=True):
        left = at + np.ceil(np.round(t_ref[who] / DT, 6)) * DT - t
        expected[:, who] = np.where(t > at - 1e-9, np.maximum(left, 0), expected[:, who])
    np.testing.assert_allclose(result.traces["n"]["t_ref_remaining"], expected, atol=1e-9)
    np.testing.assert_array_equal(result.traces["n"]["some"], result.traces["n"]["t_ref_remaining"][20::7, [5, 2]])
    assert len(spikes) > 100 and list(result.spikes) == ["n"]


def test_refractoriness_of_a_restored_run_without_recorded_spikes(tmp_path):
    for method in ("grid", "precise"):
        net = driven("iaf_psc_exp", method, **CURRENT)
        net.record("n", "t_ref_remaining", interval=0.1)
        whole = ls.run(net, 40.0)
        assert list(whole.spikes) == [] and 1.5 < whole.traces["n"]["t_ref_remaining"].max() <= 2.0
        with ls.Simulation(net) as sim:
            sim.run(17.3)
            sim.save(tmp_path / "c.ckpt")
        with ls.Simulation.restore(tmp_path / "c.ckpt", threads=2) as sim:
            sim.run(40.0 - 17.3)
            np.testing.assert_array_equal(sim.result().traces["n"]["t_ref_remaining"], whole.traces["n"]["t_ref_remaining"])


# -- currents ----------------------------------------------------------------------------------------


def fed():
    """Neurons of long time constant, never at threshold, with a generator of each kind."""
    net = ls.Network(dt=DT)
    net.add("n", 12, "iaf_psc_exp", V_th=1e9, tau_m=10.0, C_m=250.0)
    net.add("dc", 2, "dc_generator", amplitude=[100.0, 50.0], start=5.0, stop=20.0)
    net.add("step", 1, "step_current_generator", amplitude_times=[3.0, 8.0], amplitude_values=[30.0, -20.0], stop=30.0)
    net.add("ac", 1, "ac_generator", amplitude=40.0, offset=5.0, frequency=60.0, phase=30.0, start=2.0)
    net.add("wave", 12, "waveform_generator", waveform=np.arange(48.0).reshape(4, 12), interval=2.5, start=1.0)
    net.add("noise", 1, "noise_generator", mean=10.0, std=50.0, dt=0.5)
    net.add("ou", 1, "ou_generator", mean=-5.0, std=30.0, tau=4.0, start=1.0)
    for name, weight, delay in (("dc", 1.0, 1.0), ("step", 2.0, 0.3), ("ac", 1.5, 2.0), ("noise", 0.5, 1.0), ("ou", 1.0, 0.1)):
        net.connect(name, "n", weight=weight, delay=delay)
    net.connect("wave", "n", "one_to_one", weight=0.1, delay=1.0)
    return net


SOURCES = ["dc", "step", "ac", "wave", "noise", "ou"]


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_currents_are_those_that_move_the_potential(precision):
    """V_m follows from the recorded currents by the exact solution of the membrane equation over each step."""
    net = fed()
    for name in SOURCES:
        net.record_currents(name, "n", interval=0.1)
    net.record("n", ["I_stim", "V_m"], interval=0.1)
    net.record("n[3,8]", "I_stim", interval=1.1, start=2.2)
    t = both(net, precision=precision).traces["n"]
    total = sum(t[f"I_from_{name}"] for name in SOURCES)
    np.testing.assert_allclose(t["I_stim"], total, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(t["I_stim[3,8]@1.1"], t["I_stim"][32::11, [3, 8]])
    decay, v = np.exp(-DT / 10.0), np.zeros(12)
    for row, measured in zip(total, t["V_m"], strict=True):
        v = decay * v + row * 10.0 / 250.0 * (1 - decay)
        np.testing.assert_allclose(measured + 70.0, v, atol=1e-10 if precision == "float64" else 1e-4)
    assert t["I_from_noise"].std() > 20 and t["I_from_ou"].std() > 15
    assert np.unique(t["I_from_noise"][50]).size == 12  # noise of each neuron is its own


def test_currents_that_generators_send():
    """What targets receive after the delay, times the weight; each is also a function that NumPy computes."""
    net = fed()
    net.record("dc", "I", interval=0.1)
    net.record("wave[2:5]", "I", interval=0.1)
    for name in ("step", "ac"):
        net.record(name, "I", interval=0.1)
        net.record_currents(name, "n", interval=0.1)
    net.record_currents("dc", "n[0]", interval=0.1)
    net.record_currents("wave", "n", interval=0.1)
    result = both(net)
    t, received = result.traces["dc"].times_of("I"), result.traces["n"]
    on = (t > 5.0 - 1e-9) & (t < 20.0 - 1e-9)
    np.testing.assert_array_equal(result.traces["dc"]["I"], on[:, None] * np.array([100.0, 50.0]))
    steps = np.where(t > 30 - 1e-9, 0.0, np.where(t > 8 - 1e-9, -20.0, np.where(t > 3 - 1e-9, 30.0, 0.0)))
    np.testing.assert_array_equal(result.traces["step"]["I"][:, 0], steps)
    wave = np.where(t > 2 - 1e-9, 5.0 + 40.0 * np.sin(2 * np.pi * 60.0 * t / 1000 + np.pi / 6), 0.0)
    np.testing.assert_allclose(result.traces["ac"]["I"][:, 0], wave, atol=1e-11)
    for name, delay, weight in (("step", 3, 2.0), ("ac", 20, 1.5)):
        sent = weight * result.traces[name]["I"][: -delay - 1, 0]
        np.testing.assert_allclose(received[f"I_from_{name}"][delay + 1 :, 4], sent, atol=1e-11)
    np.testing.assert_array_equal(received["I_from_dc"][11:, 0], result.traces["dc"]["I"][:-11].sum(axis=1))
    np.testing.assert_allclose(received["I_from_wave"][11:, 2:5], 0.1 * result.traces["wave"]["I"][:-11], atol=1e-12)
    assert result.traces["wave"].unit_of("I") == received.unit_of("I_from_dc") == "pA"


def test_currents_with_exact_spike_times_and_without_neurons():
    net = ls.Network(dt=DT, method="precise")
    net.add("n", 2, "iaf_psc_delta", I_e=200.0)
    net.add("g", 1, "step_current_generator", amplitude_times=[1.0, 7.3], amplitude_values=[300.0, -50.0])
    net.connect("g", "n", weight=[[1.0], [2.0]], delay=0.5)
    net.record_currents("g", "n", interval=0.1)
    net.record("g", "I", interval=0.1)
    result = both(net)
    np.testing.assert_array_equal(result.traces["n"]["I_from_g"][6:], result.traces["g"]["I"][:-6] * [[1.0, 2.0]])
    alone = ls.Network(dt=DT)
    alone.add("g", 1, "step_current_generator", amplitude_times=[1.0, 7.3], amplitude_values=[300.0, -50.0])
    alone.record("g", "I", interval=0.1)
    np.testing.assert_array_equal(ls.run(alone, 60.0).traces["g"]["I"], result.traces["g"]["I"])


def test_momentary_rates():
    net = ls.Network(dt=DT)
    net.add("const", 2, "poisson_generator", rate=[10.0, 20.0], start=3.0, stop=9.0)
    net.add("series", 1, "inhomogeneous_poisson_generator", rate_times=[2.0, 7.0], rate_values=[100.0, 5.0])
    net.add("sine", 1, "sinusoidal_poisson_generator", rate=10.0, amplitude=30.0, frequency=40.0, phase=90.0, start=1.0)
    net.add("gamma", 1, "sinusoidal_gamma_generator", rate=30.0, amplitude=10.0, frequency=25.0, order=3.0)
    for name in ("const", "series", "sine", "gamma"):
        net.record(name, "momentary_rate", interval=0.1)
    result = both(net)
    t = result.traces["const"].times_of("momentary_rate")
    on = (t > 3.1 + 1e-9) & (t < 9.1 + 1e-9)  # the first spike may come at start + 2 dt, see docs/inputs.md
    np.testing.assert_array_equal(result.traces["const"]["momentary_rate"], on[:, None] * np.array([10.0, 20.0]))
    step = np.where(t > 7.0 - 1e-9, 5.0, np.where(t > 2.0 - 1e-9, 100.0, 0.0))
    np.testing.assert_array_equal(result.traces["series"]["momentary_rate"][:, 0][t > 0.15], step[t > 0.15])
    sine = np.maximum(10.0 + 30.0 * np.sin(2 * np.pi * 0.04 * t + np.pi / 2), 0) * (t > 1 - 1e-9)
    np.testing.assert_allclose(result.traces["sine"]["momentary_rate"][:, 0], sine, atol=1e-10)
    gamma = (30.0 + 10.0 * np.sin(2 * np.pi * 0.025 * t)) * (t > 0.15)
    np.testing.assert_allclose(result.traces["gamma"]["momentary_rate"][:, 0], gamma, atol=1e-10)
    assert result.traces["sine"].unit_of("momentary_rate") == "Hz"


@pytest.mark.parametrize("model", ["poisson_generator", "inhomogeneous_poisson_generator", "sinusoidal_poisson_generator"])
def test_momentary_rates_are_those_of_the_recorded_spikes(model):
    """Over many nodes, the counts of each step scatter around the momentary rate as Poisson counts do, and are 0 where it is 0."""
    own = {
        "poisson_generator": {"rate": 500.0, "start": 2.0, "stop": 5.0},
        "inhomogeneous_poisson_generator": {"rate_times": [1.0, 4.0], "rate_values": [600.0, 0.0]},
        "sinusoidal_poisson_generator": {"rate": 300.0, "amplitude": 300.0, "frequency": 200.0, "start": 1.0, "stop": 7.0},
    }
    net = ls.Network(dt=DT)
    net.add("g", 20000, model, **own[model])
    net.record("g", "spikes")
    net.record("g[0]", "momentary_rate", interval=0.1)
    result = ls.run(net, 8.0, seed=5)
    counts = np.bincount(np.round(result.spikes["g"].times / DT).astype(int), minlength=81)[1:81]
    expected = result.traces["g"]["momentary_rate"][:, 0] * DT / 1000 * 20000
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected)).all()
    assert (expected == 0).any() and (expected > 500).any()


def test_generators_that_are_set_during_a_run(tmp_path):
    """What is received follows what is sent, a delay later, and moves the potential; a restored run records the same."""
    net = fed()
    net.add("p", 1, "poisson_generator", rate=10.0)
    for name in SOURCES:
        net.record_currents(name, "n", interval=0.1)
    net.record("n", ["I_stim", "V_m"], interval=0.1)
    for name in ("dc", "step", "ac"):
        net.record(name, "I", interval=0.1)
    net.record("p", "momentary_rate", interval=0.1)

    def changed(sim):
        sim.run(10.0)
        sim.set("dc", amplitude=[10.0, -70.0], stop=33.0)
        sim.set("ac", amplitude=90.0)
        sim.set("noise", std=10.0, mean=-30.0)
        sim.set("ou", mean=50.0)
        sim.set("p", rate=70.0)
        sim.run(5.0)
        sim.set("step", amplitude_times=[20.0], amplitude_values=[-60.0])

    with ls.Simulation(net, threads=2) as sim:
        changed(sim)
        sim.run(0.3)
        sim.save(tmp_path / "then.ckpt")
        sim.run(24.7)
        result = sim.result()
    with ls.Simulation.restore(tmp_path / "then.ckpt", threads=1) as sim:
        sim.run(24.7)
        again = sim.result()
    t = result.traces["n"]
    for variable in t:
        np.testing.assert_array_equal(t[variable], again.traces["n"][variable])
    total = sum(t[f"I_from_{name}"] for name in SOURCES)
    np.testing.assert_allclose(t["I_stim"], total, rtol=0, atol=1e-11)
    decay, v = np.exp(-DT / 10.0), np.zeros(12)
    for row, measured in zip(total, t["V_m"], strict=True):
        v = decay * v + row * 10.0 / 250.0 * (1 - decay)
        np.testing.assert_allclose(measured + 70.0, v, atol=1e-10)
    for name, delay, weight in (("step", 3, 2.0), ("ac", 20, 1.5), ("dc", 10, 1.0)):
        sent = weight * result.traces[name]["I"].sum(axis=1)[: -delay - 1]
        np.testing.assert_allclose(t[f"I_from_{name}"][delay + 1 :, 4], sent, atol=1e-11)
    assert (result.traces["dc"]["I"][100:] == [10.0, -70.0]).all(axis=1).sum() == 229  # from 10.1 to 32.9 ms
    assert set(result.traces["p"]["momentary_rate"][2:, 0]) == {10.0, 70.0}


def test_a_run_that_begins_again_records_the_same():
    net = driven("iaf_psc_exp", **CURRENT)
    net.add("ou", 1, "ou_generator", mean=20.0, std=50.0)
    net.connect("ou", "n")
    net.record("n", ["t_ref_remaining", "I_stim", "I_syn"], interval=0.1)
    with ls.Simulation(net, seed=4) as sim:
        sim.run(20.0)
        first = sim.samples()["n"]
        sim.reset()
        sim.run(20.0)
        second = sim.samples()["n"]
    for variable in first:
        np.testing.assert_array_equal(first[variable].values, second[variable].values)
    assert first["t_ref_remaining"].values.max() > 0 and first["I_stim"].values.std() > 10


def test_model_file_keeps_currents(tmp_path):
    net = fed()
    net.record_currents("noise", "n[2,5]", interval=0.5)
    net.record_currents("noise", "n", interval=0.5)
    net.record("ac", "I")
    net.record("n", ["I_stim", "I_syn", "t_ref_remaining"])
    net.save(tmp_path / "net.toml")
    again = ls.load(tmp_path / "net.toml")
    assert [r.key for r in again.recordings] == [r.key for r in net.recordings]
    assert [r.key[1] for r in net.recordings[:3]] == ["I_from_noise", "I_from_noise[:]", "I"]
    a, b = ls.run(net, 10.0, out=tmp_path / "a.h5"), ls.run(again, 10.0)
    for name in a.traces:
        for variable in a.traces[name]:
            np.testing.assert_array_equal(a.traces[name][variable], b.traces[name][variable])


def test_wrong_recordings_of_currents():
    net = fed()
    net.add("p", 1, "poisson_generator", rate=1.0)
    net.connect("p", "n")
    wrong = {
        "record[0].variable: noise_generator (noise) has no variable 'I' to record; record the current": lambda: net.record("noise", "I"),
        "record[0].source: dc[0], a part of a population": lambda: net.record_currents("dc[0]", "n"),
        "record[0].source: a poisson_generator sends no current": lambda: net.record_currents("p", "n"),
        "record[0]: there are no synapses from n to dc": lambda: net.record_currents("n", "dc"),
        "dc_generator (dc) has no variable 'momentary_rate'": lambda: net.record("dc", "momentary_rate"),
        "has no variable 'I_syn' to record": lambda: net.record("p", "I_syn"),
    }
    for said, call in wrong.items():
        with pytest.raises(ls.ModelError) as error:
            call()
        assert said in str(error.value)
