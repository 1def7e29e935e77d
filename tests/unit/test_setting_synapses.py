"""Weights of generators, parameters of plastic synapses, values as texts and distributions, and the current from generators."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.common.errors import LifsimError, ModelError

GENERATORS = {
    "dc_generator": {"amplitude": 80.0},
    "step_current_generator": {"amplitude_times": [5.0, 15.0], "amplitude_values": [50.0, -20.0]},
    "ac_generator": {"amplitude": 60.0, "frequency": 40.0},
    "noise_generator": {"mean": 10.0, "std": 50.0, "dt": 1.0},
    "ou_generator": {"mean": 20.0, "std": 50.0, "tau": 5.0},
    "waveform_generator": {"waveform": [30.0, 60.0, -10.0], "interval": 9.0},
    "poisson_generator": {"rate": 20000.0},
    "sinusoidal_poisson_generator": {"rate": 20000.0, "amplitude": 5000.0, "frequency": 50.0},
}


def driven(kind, weight, **more):
    """Three neurons that `kind` reaches after 0.1, 1 and 3 ms."""
    net = ls.Network(seed=4)
    net.add("n", 3, "iaf_psc_exp", V_th=1e9)
    net.add("g", 1, kind, **GENERATORS[kind])
    net.connect("g", "n", weight=weight, delay=np.array([[0.1], [1.0], [3.0]]), **more)
    net.record("n", ["V_m", "I_stim"], interval=0.1)
    return net


def traces(sim):
    own = sim.result().traces["n"]
    return own["V_m"], own["I_stim"]


@pytest.mark.parametrize("kind", GENERATORS)
def test_weights_of_every_generator(kind, tmp_path):
    """Set at the beginning: as built with them. Doubled at 20 ms: so is what was sent from then on, with the same random numbers."""
    with ls.Simulation(driven(kind, 2.0)) as sim:
        sim.run(40.0)
        expected = traces(sim)
    with ls.Simulation(driven(kind, 1.0)) as sim:
        sim.set_weights("g", "n", [2.0, 2.0, 2.0])
        sim.run(40.0)
        np.testing.assert_array_equal(traces(sim)[0], expected[0])
        sim.reset()
        np.testing.assert_array_equal(sim.matrix("g", "n").toarray(), np.ones((3, 1)))
        sim.run(20.0)
        sim.set_weights("g", "n", lambda w: 2 * w)
        sim.save(tmp_path / "at_change.ckpt")
        sim.run(1.5)  # changes with long delays are on their way
        sim.save(tmp_path / "after.ckpt")
        sim.run(18.5)
        potential, current = traces(sim)
        sim.reset(keep="weights")
        sim.run(40.0)
        np.testing.assert_array_equal(traces(sim)[0], expected[0])
    for name, rest in (("at_change", 20.0), ("after", 18.5)):
        with ls.Simulation.restore(tmp_path / f"{name}.ckpt", threads=2) as sim:
            sim.run(rest)
            np.testing.assert_array_equal(traces(sim)[0], potential)
            np.testing.assert_array_equal(sim.matrix("g", "n").toarray(), 2 * np.ones((3, 1)))
    if "poisson" not in kind:
        steps = np.arange(1, 401)
        for column, delay in enumerate((1, 10, 30)):
            factor = np.where(steps > 200 + delay + 1, 1.0, 0.5)  # currents are sent a step ahead
            np.testing.assert_allclose(current[:, column], factor * expected[1][:, column], rtol=1e-12, atol=1e-12)
    else:
        own = np.diff(potential[:, 0]) != np.diff(expected[0][:, 0])
        assert own[:190].any() and own[205:].any()


@pytest.mark.parametrize("kind", [kind for kind in GENERATORS if kind not in ("step_current_generator", "waveform_generator")])
def test_parameters_set_before_the_first_step(kind):
    """They hold from the beginning, also for what acts in the first steps."""
    name = next(name for name in ("amplitude", "mean", "rate") if name in GENERATORS[kind])
    results = []
    for value in (GENERATORS[kind][name] / 2, GENERATORS[kind][name]):
        net = driven(kind, 1.0)
        net.populations["g"].params[name] = value
        with ls.Simulation(net) as sim:
            if value != GENERATORS[kind][name]:
                sim.set("g", {name: GENERATORS[kind][name]})
            sim.run(10.0)
            results.append(traces(sim)[0])
    np.testing.assert_array_equal(*results)


def test_current_from_generators_now():
    """`get` says what a recorded sample says, for all kinds of currents together, before the first step and after each run."""
    net = ls.Network(seed=2)
    net.add("n", 40, "iaf_psc_exp", V_th=1e9)
    for kind in list(GENERATORS)[:6]:
        net.add(kind, 1, kind, **GENERATORS[kind], start=2.0, stop=18.0)
        net.connect(kind, "n", weight={"uniform": [0.5, 2.0]}, delay={"uniform": [0.1, 2.0]})
    net.record("n", "I_stim", interval=0.1)
    with ls.Simulation(net, threads=2) as sim:
        np.testing.assert_array_equal(sim.get("n", "I_stim"), np.zeros(40))
        for duration in (0.5, 3.0, 7.7, 0.1, 9.0):
            sim.run(duration)
            np.testing.assert_allclose(sim.get("n", "I_stim"), sim.result().traces["n"]["I_stim"][-1], rtol=1e-13, atol=1e-12)
        np.testing.assert_array_equal(sim.get("n[3:5]", "I_stim"), sim.get("n", "I_stim")[3:5])


def plastic():
    net = ls.Network(seed=3)
    net.add("n", 30, "iaf_psc_exp", I_e={"uniform": [380.0, 450.0]})
    rule = {"indegree": 4, "weight": 20.0, "delay": 1.5}
    net.connect("n", "n", "fixed_indegree", **rule, synapse={"model": "stdp_synapse", "alpha": {"uniform": [0.9, 1.1]}}, name="long")
    net.connect("n", "n", "fixed_indegree", **rule, synapse={"model": "tsodyks_synapse", "U": {"uniform": [0.2, 0.4]}}, name="short")
    net.connect("n", "n", "fixed_indegree", **rule, name="static")
    net.record("n", "spikes")
    return net


def test_values_as_texts_and_distributions():
    with ls.Simulation(plastic()) as sim:
        sim.set_weights("n", "n", "0.03 nA", projection="static")
        np.testing.assert_allclose(sim.matrix("n", "n", projection="static").data, 30.0)
        for projection in ("static", "long"):
            sim.set_weights("n", "n", {"normal": [50.0, 5.0], "min": 0.0}, projection=projection)
        drawn = [sim.matrix("n", "n", projection=name).data for name in ("static", "long")]
        assert all(abs(x.mean() - 50.0) < 2.5 and 3.5 < x.std() < 6.5 for x in drawn)  # 120 values: 5.5 and 4.6 standard errors
        assert len(np.intersect1d(*drawn)) == 0
        sim.set_delays("n", "n", "1.5 ms", projection="static")
        sim.set_synapses("n[:15]", "n", projection="short", U={"uniform": [0.5, 0.6]})
        u = sim.matrix("n", "n", "U", projection="short").toarray()
        assert ((u[:, :15] == 0) | (u[:, :15] >= 0.5)).all() and (u[:, 15:] <= 0.8).all() and (u[:, 15:] > 0).any()
    with ls.Simulation(plastic(), threads=2) as again:
        again.set_weights("n", "n", "0.03 nA", projection="static")
        again.set_weights("n", "n", {"normal": [50.0, 5.0], "min": 0.0}, projection="static")
        np.testing.assert_array_equal(again.matrix("n", "n", projection="static").data, drawn[0])


def test_parameters_of_synapses_are_kept_and_forgotten(tmp_path):
    """A checkpoint has them, a reset does not, and the metadata say what was set."""
    with ls.Simulation(plastic()) as sim:
        sim.run(50.0)
        first = sim.spikes()["n"]
        sim.set_synapses("n", "n", {"alpha": 2.0, "tau_plus": "10 ms", "Wmax": 90.0, "Kplus": 0.0}, projection="long")
        sim.set_synapses("n", "n", projection="short", tau_rec=100.0, x=1.0, y=0.0, u=0.3)
        sim.save(tmp_path / "half.ckpt")
        assert (sim.matrix("n", "n", "alpha", projection="long").data == 2.0).all()
        assert (sim.matrix("n", "n", "Kplus", projection="long").data <= 1.0 * 5).all()
        sim.run(50.0)
        second, changes = sim.spikes()["n"], sim.result().info["changes"]
        weights = sim.matrix("n", "n", projection="long").data
        assert {(x["of"], x["set"]) for x in changes} >= {("n to n", "alpha"), ("n to n", "tau_rec"), ("n to n", "u")}
        sim.reset()
        assert sim.matrix("n", "n", "tau_plus", projection="long").data[0] == 20.0
        assert sim.matrix("n", "n", "Wmax", projection="long").data[0] == 100.0
        assert np.ptp(sim.matrix("n", "n", "alpha", projection="long").data) > 0
        sim.run(50.0)
        np.testing.assert_array_equal(sim.spikes()["n"].times, first.times)
        sim.run(50.0)
        assert not np.array_equal(sim.matrix("n", "n", projection="long").data, weights)
    with ls.Simulation.restore(tmp_path / "half.ckpt", threads=2) as sim:
        sim.run(50.0)
        np.testing.assert_array_equal(sim.result().spikes["n"].window(50.0).times, second.times)
        np.testing.assert_array_equal(sim.matrix("n", "n", projection="long").data, weights)
        assert sim.matrix("n", "n", "tau_rec", projection="short").data[0] == 100.0
        sim.reset()
        assert sim.matrix("n", "n", "tau_rec", projection="short").data[0] == 800.0


@pytest.mark.parametrize(
    ("projection", "values", "words"),
    [
        ("long", {"alhpa": 1.0}, "alhpa of synapses from n to n: stdp_synapse has no such parameter; did you mean 'alpha'?"),
        ("long", {"weight": 1.0}, "call set_weights"),
        ("short", {"delay": 1.0}, "call set_delays"),
        ("long", {"alpha": [1.0, 2.0]}, "an array of shape (2,)"),
        ("long", {"lambda": np.arange(120.0)}, "different values for synapses that share one"),
        ("long", {"Wmax": -1.0}, "weight and Wmax must have the same sign"),
        ("long", {"tau_plus": 0.0}, "tau_plus of synapses from n to n: 0; must be > 0"),
        ("long", {"Kplus": -1.0}, "must be >= 0"),
        ("short", {"U": 1.5}, "must be 0 to 1"),
        ("short", {"tau_rec": 3.0}, "tau_psc and tau_rec must differ"),
        ("short", {"x": 0.8, "y": 0.5}, "x + y must not be above 1"),
        ("static", {"U": 0.5}, "a static_synapse has no parameters"),
        (None, {"U": 0.5}, "3 projections, and none is named"),
        ("long", {"alpha": "fast"}, "'fast'"),
    ],
    ids=str,
)
def test_wrong_parameters(projection, values, words):
    with ls.Simulation(plastic()) as sim:
        before = [sim.matrix("n", "n", name, projection="long").data for name in ("alpha", "tau_plus", "Wmax")]
        with pytest.raises(ModelError) as error:
            sim.set_synapses("n", "n", {**values}, projection=projection)
        assert words in str(error.value)
        with pytest.raises(ModelError):
            sim.set_synapses("n", "n", {"Wmax": 90.0, **values}, projection=projection)
        after = [sim.matrix("n", "n", name, projection="long").data for name in ("alpha", "tau_plus", "Wmax")]
        np.testing.assert_array_equal(before, after)
        assert not sim.result().info["changes"]


def test_other_wrong_calls():
    with ls.Simulation(plastic()) as sim:
        with pytest.raises(ModelError, match="one number for the whole projection"):
            sim.set_synapses("n[:3]", "n", projection="long", tau_plus=30.0)
        with pytest.raises(ModelError, match="values by name"):
            sim.set_synapses("n", "n", [1.0], projection="long")
    for call in ("set_weights", "set_delays"):
        with pytest.raises(LifsimError, match="is closed"):
            getattr(sim, call)("n", "n", 1.5, projection="static")
    with pytest.raises(LifsimError, match="is closed"):
        sim.set_synapses("n", "n", U=0.5, projection="short")
    with ls.Simulation(driven("dc_generator", 1.0)) as sim:
        with pytest.raises(ModelError, match="a dc_generator keeps its delays"):
            sim.set_delays("g", "n", 1.0)
        with pytest.raises(ModelError, match="weights from g to n"):
            sim.set_weights("g", "n", "1 pA")
        with pytest.raises(ModelError, match="psc_for_psp"):
            sim.set_weights("g", "n", "0.15 mV PSP")
        with pytest.raises(ModelError, match="a dc_generator has no synapses onto it"):
            sim.matrix("n", "g")
