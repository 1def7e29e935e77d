"""A simulation in loops: what is new, functions called at intervals, and trials that begin again."""

from __future__ import annotations

import gc
import os
import signal

import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common.errors import DataError, LifsimError

KINDS = ["static_synapse", "stdp_synapse", "tsodyks2_synapse"]


def network(synapse="static_synapse", seed=1):
    net = ls.Network(seed=seed)
    net.add("n", 60, "iaf_psc_exp", V_m={"uniform": [-70.0, -56.0]}, I_e={"normal": [340.0, 20.0]})
    net.add("ext", 2, "poisson_generator", rate={"uniform": [3000.0, 5000.0]})
    net.add("gamma", 1, "sinusoidal_gamma_generator", rate=900.0, order=3.0)
    net.add("ou", 1, "ou_generator", std=80.0)
    net.add("sg", 1, "spike_generator", spike_times=[7.0, 31.0])
    net.connect("ext", "n", weight=20.0, delay=1.5)
    net.connect("gamma", "n", weight=30.0, delay=1.5)
    net.connect("ou", "n", delay=1.0)
    net.connect("sg", "n", weight=500.0, delay=3.0)
    net.connect("n", "n", "all_to_all", weight=15.0, delay=1.5, synapse=synapse)
    net.record(["n", "sg", "ext", "gamma"], "spikes")
    net.record("n", "V_m", interval=0.5)
    net.record("n", "rate", interval=2.0)
    return net


def same(a, b):
    for name in a.spikes:
        np.testing.assert_array_equal(a.spikes[name].times, b.spikes[name].times)
        np.testing.assert_array_equal(a.spikes[name].ids, b.spikes[name].ids)
    for variable in a.traces["n"]:
        np.testing.assert_array_equal(a.traces["n"][variable], b.traces["n"][variable])


# -- what is new -----------------------------------------------------------------------------------


@pytest.mark.parametrize("out", [None, "x.h5"])
def test_what_is_new_adds_up_to_the_result(tmp_path, out):
    with ls.Simulation(network(), out=out and tmp_path / out) as sim:
        spikes, samples, windows = [], [], []
        for k in range(30):
            sim.run(0.7 if k % 3 else 2.0)
            if k % 2:
                spikes.append(sim.spikes())
                windows.append((spikes[-1]["n"].t_start, spikes[-1]["n"].t_stop))
            if k % 5 == 4:
                samples.append(sim.samples())
        result = sim.result()
        assert len(sim.spikes()["n"]) == 0 and len(sim.samples()["n"]["V_m"]) == 0
    for name in result.spikes:
        np.testing.assert_array_equal(np.concatenate([s[name].times for s in spikes]), result.spikes[name].times)
        np.testing.assert_array_equal(np.concatenate([s[name].ids for s in spikes]), result.spikes[name].ids)
    assert [a for a, _ in windows[1:]] == [b for _, b in windows[:-1]] and windows[0][0] == 0.0
    for variable in ("V_m", "rate"):
        np.testing.assert_array_equal(np.concatenate([s["n"][variable].values for s in samples]), result.traces["n"][variable])
        np.testing.assert_array_equal(np.concatenate([s["n"][variable].times for s in samples]), result.traces["n"].times_of(variable))
    assert samples[0]["n"]["V_m"].unit == "mV" and samples[0]["n"]["V_m"].ids.tolist() == list(range(60))


def test_exact_spike_times_and_windows_of_recording():
    net = ls.Network()
    net.add("n", 5, "iaf_psc_exp_ps", I_e=[380.0, 400.0, 420.0, 440.0, 460.0])
    net.record("n[1:4]", "spikes", start=10.0, stop=60.0)
    with ls.Simulation(net) as sim:
        parts = []
        for _ in range(40):
            sim.run(2.0)
            parts.append(sim.spikes()["n"])
        result = sim.result().spikes["n"]
    np.testing.assert_array_equal(np.concatenate([p.times for p in parts]), result.times)
    assert parts[0].t_stop <= 10.0 and parts[-1].t_start == parts[-1].t_stop and len(result) > 3
    assert parts[0].recorded_ids.tolist() == [1, 2, 3]


def test_what_is_new_costs_what_is_new():
    """Only the chunks since the last call are looked at."""
    with ls.Simulation(network()) as sim:
        for _ in range(20):
            sim.run(1.0)
            sim.spikes()
        asked = []
        own = sim._sink.chunks_since
        sim._sink.chunks_since = lambda mark: asked.append(own(mark)) or asked[-1]
        sim.run(1.0)
        sim.spikes()
        assert len(asked[0][0]) == 1


def test_a_checkpoint_knows_what_is_new(tmp_path):
    with ls.Simulation(network()) as sim:
        sim.run(10.0)
        sim.spikes()
        sim.run(5.0)
        sim.save(tmp_path / "x.ckpt")
        wanted = sim.spikes()["n"]
    with ls.Simulation.restore(tmp_path / "x.ckpt") as sim:
        new = sim.spikes()["n"]
        np.testing.assert_array_equal(new.times, wanted.times)
        assert (new.t_start, new.t_stop) == (10.0, 15.0)


# -- functions called at intervals ---------------------------------------------------------------------


def push(sim):
    spikes = sim.spikes()["n"]
    sim.set("n", I_e=340.0 + 0.5 * len(spikes))
    sim.set("ext", rate=4000.0 - 10 * len(spikes))


@pytest.mark.parametrize("synapse", KINDS)
def test_a_function_called_at_intervals_is_a_loop(synapse):
    with ls.Simulation(network(synapse), threads=1) as sim:
        for _ in range(25):
            sim.run(2.0)
            push(sim)
        wanted = sim.result()
    assert len(wanted.spikes["n"]) > 20
    with ls.Simulation(network(synapse), threads=2) as sim:
        sim.run(50.0, every=2.0, do=push)
        same(sim.result(), wanted)


def test_when_the_function_is_called():
    with ls.Simulation(network()) as sim:
        times = []
        sim.run(1.0)
        sim.run(2.5, every=0.7, do=lambda s: times.append(s.time))
        assert times == [1.7, 2.4, 3.1]
        sim.run(0.5, every="0.5 ms", do=lambda s: times.append(s.time))
        assert times[3:] == [4.0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"every": 1.0}, "do: not given"),
        ({"do": print}, "every: not given"),
        ({"every": 0.05, "do": print}, "every"),
        ({"every": 0.0, "do": print}, "every"),
        ({"every": -1.0, "do": print}, "every"),
        ({"every": 1.0, "do": "f"}, "do: 'f'"),
    ],
    ids=str,
)
def test_wrong_intervals(given, words):
    with ls.Simulation(network()) as sim:
        with pytest.raises(LifsimError) as error:
            sim.run(10.0, **given)
        assert words in str(error.value) and sim.time == 0.0


@pytest.mark.parametrize("call", ["run", "reset", "close"])
def test_calls_that_would_break_the_loop(call):
    with ls.Simulation(network()) as sim:
        with pytest.raises(LifsimError, match=f"{call}.* was called from within the function"):
            sim.run(10.0, every=1.0, do=lambda s: getattr(s, call)())
        sim.run(1.0)
        assert sim.time == 2.0  # the error left it usable


def test_an_error_of_the_function_ends_the_run_and_keeps_what_was_recorded():
    def fail(sim):
        if sim.time >= 5.0:
            raise ZeroDivisionError

    with ls.Simulation(network()) as sim:
        with pytest.raises(ZeroDivisionError):
            sim.run(10.0, every=1.0, do=fail)
        assert sim.time == 5.0 and sim.result().t_stop == 5.0


@pytest.mark.parametrize("synapse", KINDS)
def test_a_run_with_a_function_is_resumed_with_it(tmp_path, synapse):
    with ls.Simulation(network(synapse)) as sim:
        sim.run(3.0)
        sim.run(50.0, every=2.5, do=push)
        wanted = sim.result()
    out = tmp_path / "x.h5"

    def stop(sim):
        push(sim)
        if sim.time == 28.0:
            os.kill(os.getpid(), signal.SIGINT)

    sim = ls.Simulation(network(synapse), out=out, threads=2)
    sim.run(3.0)
    with pytest.raises(KeyboardInterrupt):
        sim.run(50.0, every=2.5, do=stop)
    sim.close()
    with pytest.raises(DataError, match=r"called a function every 2.5 ms.*do=FUNCTION"):
        ls.resume(out)
    same(ls.resume(out, do=push), wanted)


def test_a_function_that_the_run_did_not_call_is_refused(tmp_path):
    with ls.Simulation(network(), out=tmp_path / "x.h5") as sim:
        sim.run(50.0, max_wall=1e-9)
    with pytest.raises(DataError, match="called no function"):
        ls.resume(tmp_path / "x.h5", do=push)


def test_the_command_line_says_that_it_needs_the_function(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp")
    with ls.Simulation(net, out="x.h5") as sim:
        sim.run(1000.0, max_wall=1e-9, every=1.0, do=lambda s: None)
    done = CliRunner().invoke(main, ["resume", "x.h5"])
    assert done.exit_code == 2 and "lifsim.resume('x.h5', do=FUNCTION)" in done.stderr.replace("\n", " ")


# -- trials ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("synapse", KINDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_reset_repeats_the_simulation(synapse, threads):
    wanted = ls.run(network(synapse), 60.0)
    with ls.Simulation(network(synapse), threads=threads) as sim:
        weights = sim.matrix("n", "n").data
        sim.run(25.0)
        push(sim)
        sim.set("sg", spike_times=[40.0])
        sim.set("n", V_th=-50.0, tau_m=12.0, t_ref=5.0)
        sim.set_weights("n", "n", 3.0)
        sim.run(30.0)
        sim.reset()
        assert sim.time == 0.0 and sim.get("n", "tau_m").tolist() == [10.0] * 60
        np.testing.assert_array_equal(sim.matrix("n", "n").data, weights)
        sim.run(60.0)
        result = sim.result()
        same(result, wanted)
        assert result.info["changes"] == []


def test_another_seed_draws_all_but_the_synapses_anew():
    """This network has no random synapses: the result is that of a new simulation with this seed."""
    wanted = ls.run(network(), 60.0, seed=9)
    with ls.Simulation(network()) as sim:
        sim.run(30.0)
        sim.reset(seed=9)
        sim.run(60.0)
        same(sim.result(), wanted)
        assert sim.result().seed == 9
        sim.reset(seed=1)
        sim.run(60.0)
        same(sim.result(), ls.run(network(), 60.0))


def test_random_synapses_stay():
    net = network()
    net.connect("n", "n", "fixed_indegree", indegree=5, weight={"normal": [10.0, 2.0]}, name="more")
    with ls.Simulation(net) as sim:
        before = sim.matrix("n", "n", projection="more")
        sim.reset(seed=5)
        after = sim.matrix("n", "n", projection="more")
    np.testing.assert_array_equal(before.data, after.data)
    np.testing.assert_array_equal(before.indices, after.indices)


@pytest.mark.parametrize("synapse", KINDS)
def test_weights_are_kept(synapse):
    with ls.Simulation(network(synapse)) as sim:
        sim.run(60.0)
        sim.set_weights("n", "n", lambda w: w * 1.25)
        learned = sim.matrix("n", "n").data
        sim.reset(seed=4, keep="weights")
        np.testing.assert_allclose(sim.matrix("n", "n").data, learned, rtol=1e-12)
        sim.run(20.0)
        sim.reset()
        np.testing.assert_array_equal(sim.matrix("n", "n").data, np.full(len(learned), 15.0))


@pytest.mark.parametrize("synapse", KINDS)
def test_a_checkpoint_after_a_reset(tmp_path, synapse):
    with ls.Simulation(network(synapse)) as sim:
        sim.run(10.0)
        sim.reset(seed=6)
        sim.run(30.0)
        sim.save(tmp_path / "x.ckpt")
        sim.run(30.0)
        wanted = sim.result()
    with ls.Simulation.restore(tmp_path / "x.ckpt") as sim:
        sim.run(30.0)
        same(sim.result(), wanted)


def test_exact_spike_times_begin_again():
    net = ls.Network()
    net.add("n", 5, "iaf_psc_exp_ps", I_e={"uniform": [370.0, 460.0]})
    net.add("p", 1, "poisson_generator_ps", rate=2000.0)
    net.connect("p", "n", weight=30.0)
    net.connect("n", "n", weight=20.0, delay=2.0)
    net.record(["n", "p"], "spikes")
    with ls.Simulation(net) as sim:
        sim.run(50.0)
        first = sim.result().spikes
        times = {name: first[name].times for name in first}
        sim.reset()
        sim.set("p", rate=9.0)
        sim.reset()
        sim.run(50.0)
        for name in times:
            np.testing.assert_array_equal(sim.result().spikes[name].times, times[name])
        sim.reset(seed=2)
        sim.run(50.0)
        np.testing.assert_array_equal(sim.result().spikes["n"].times, ls.run(net, 50.0, seed=2).spikes["n"].times)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"keep": "spikes"}, 'None or "weights"'), ({"seed": -1}, "seed"), ({"seed": 1.5}, "seed")],
    ids=str,
)
def test_wrong_resets(given, words):
    with ls.Simulation(network()) as sim:
        sim.run(1.0)
        with pytest.raises(LifsimError, match=words):
            sim.reset(**given)
        assert sim.time == 1.0


def test_a_simulation_that_writes_a_file_is_not_reset(tmp_path):
    with ls.Simulation(network(), out=tmp_path / "x.h5") as sim:
        sim.run(1.0)
        with pytest.raises(LifsimError, match=r"writes to .*x\.h5"):
            sim.reset()


# -- reading ---------------------------------------------------------------------------------------


def test_derived_variables_and_stimuli_are_read():
    """They are those that a recording of the same step has."""
    net = ls.Network()
    net.add("n", 4, "iaf_psc_exp", I_e=[380.0, 420.0, 500.0, 0.0], t_ref=3.0)
    net.add("c", 2, "iaf_cond_exp", I_e=600.0)
    net.add("ac", 1, "ac_generator", amplitude=30.0, frequency=20.0)
    net.add("s", 1, "sinusoidal_poisson_generator", rate=900.0, amplitude=400.0, frequency=40.0)
    net.connect("n", ["n", "c"], weight=5.0)
    net.connect("s", ["n", "c"], weight=2.0)
    net.connect("ac", "n")
    net.record(["n", "c"], ["I_syn", "t_ref_remaining"], interval=0.1)
    net.record("ac", "I", interval=0.1)
    net.record("s", "momentary_rate", interval=0.1)
    with ls.Simulation(net) as sim:
        for _ in range(40):
            sim.run(1.3)
            for name, variable in [("n", "I_syn"), ("n", "t_ref_remaining"), ("c", "I_syn"), ("ac", "I"), ("s", "momentary_rate")]:
                last = sim.result().traces[name][variable][-1]
                np.testing.assert_allclose(sim.get(name, variable), last, rtol=1e-12, atol=1e-9)
        assert sim.result().traces["n"]["t_ref_remaining"].max() > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_traces_of_plasticity(threads):
    """K+ and K- as sums of exponentials over the spikes; u and x of Tsodyks' synapses by their recursion."""
    net = ls.Network()
    net.add("s", 2, "spike_generator", spike_times=[[2.0, 11.0, 17.0], [5.0, 17.0, 40.0]])
    net.add("n", 3, "iaf_psc_exp", I_e=[420.0, 480.0, 390.0], tau_minus=30.0)
    net.connect("s", "n", weight=30.0, delay=1.5, synapse={"model": "stdp_synapse", "tau_plus": 15.0, "lambda": 0.02}, name="stdp")
    net.connect("s", "n", weight=3.0, delay=2.0, synapse={"model": "tsodyks2_synapse", "U": 0.4, "tau_rec": 100.0}, name="short")
    net.record("n", "spikes")
    with ls.Simulation(net, threads=threads) as sim:
        sim.run(60.0)
        spikes = sim.result().spikes["n"]
        assert len(spikes) > 5
        for neuron in range(3):
            own = spikes.times[spikes.ids == neuron]
            assert abs(sim.get("n", "post_trace")[neuron] - np.exp(-(60.0 - own) / 30.0).sum()) < 1e-9
        plus = sim.matrix("s", "n", "Kplus", projection="stdp").toarray()
        for k, sent in enumerate([[2.0, 11.0, 17.0], [5.0, 17.0, 40.0]]):
            np.testing.assert_allclose(plus[:, k], np.exp(-(sent[-1] - np.array(sent)) / 15.0).sum(), rtol=1e-12)
        assert (sim.matrix("s", "n", "lambda", projection="stdp").data == 0.02).all()
        assert (sim.matrix("s", "n", "tau_plus", projection="stdp").data == 15.0).all()
        assert np.all(sim.matrix("s", "n", "x", projection="short").data < 1.0)
        with pytest.raises(ls.ModelError, match="stdp_synapse has no variable 'u'"):
            sim.matrix("s", "n", "u", projection="stdp")
        with pytest.raises(ls.ModelError, match="2 projections"):
            sim.matrix("s", "n", "u")
    with ls.Simulation(network()) as sim, pytest.raises(ls.ModelError, match="post_trace"):
        sim.get("n", "post_trace")


# -- found by a review -----------------------------------------------------------------------------


@pytest.mark.parametrize("synapse", KINDS)
def test_kept_weights_are_in_a_checkpoint_of_the_first_step(tmp_path, synapse):
    with ls.Simulation(network(synapse)) as sim:
        sim.run(60.0)
        sim.reset(seed=3, keep="weights")
        learned = sim.matrix("n", "n").data
        sim.save(tmp_path / "x.ckpt")
    with ls.Simulation.restore(tmp_path / "x.ckpt") as sim:
        np.testing.assert_array_equal(sim.matrix("n", "n").data, learned)
        assert sim.result().seed == 3


def test_setting_some_plastic_weights_leaves_the_others(tmp_path):
    """Also while spikes are on their way, which change the weights of all when they arrive."""
    net = network("stdp_synapse")
    for target in (None, "n[0]"):
        with ls.Simulation(net) as sim:
            sim.run(57.3)
            before = sim.matrix("n", "n").toarray()
            if target:
                sim.set_weights("n", target, 20.0)
            after = sim.matrix("n", "n").toarray()
            np.testing.assert_array_equal(after[1:], before[1:])
            sim.run(0.2)


def test_a_reset_that_is_refused_changes_nothing():
    net = ls.Network()
    net.add("n", 3, "iaf_psc_exp", V_th={"uniform": [-69.9, -40.0]}, V_reset={"uniform": [-80.0, -69.95]}, I_e=500.0)
    net.add("g", 40, "poisson_generator", start={"uniform": [0.0, 10.0]}, stop={"uniform": [9.0, 20.0]}, rate=10.0)
    net.record("n", "spikes")
    seed = next(s for s in range(200) if not _refused(net, s))
    bad = next(s for s in range(200) if _refused(net, s))
    with ls.Simulation(net, seed=seed) as sim:
        sim.run(20.0)
        with pytest.raises(ls.ModelError):
            sim.reset(seed=bad)
        assert sim.time == 20.0 and sim.seed == seed and sim.result().seed == seed
        sim.run(10.0)
        assert sim.result().t_start == 0.0


def _refused(net, seed):
    try:
        ls.Simulation(net, seed=seed).close()
    except ls.ModelError:
        return True
    return False


def test_exact_trains_of_another_seed():
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp_ps", V_th=1e9)
    net.add("p", 1, "poisson_generator_ps", rate=500.0)
    net.connect("p", "n", weight=20.0)
    net.record("n", "V_m")

    def course(sim):
        sim.run(20.0)
        sim.set("p", rate=1500.0)
        sim.run(20.0)
        return sim.result().traces["n"]["V_m"]

    with ls.Simulation(net, seed=8) as sim:
        wanted = course(sim)
    with ls.Simulation(net, seed=1) as sim:
        sim.run(5.0)
        sim.reset(seed=8)
        np.testing.assert_array_equal(course(sim), wanted)


def test_what_a_reset_simulation_says_of_itself():
    with ls.Simulation(network()) as sim:
        sim.set("n", t_ref=3.0)
        sim.run(30.0)
        factors = []
        for seed in range(4):
            sim.reset(seed=seed, keep="weights")
            sim.run(30.0)
            factors.append(sim.result().info["real_time_factor"])
            assert sim.result().info["changes"] == []
        assert factors[-1] < 3 * factors[0] + 0.05


def test_what_is_new_after_a_restored_simulation_got_a_file(tmp_path):
    with ls.Simulation(network()) as sim:
        sim.run(10.0)
        sim.save(tmp_path / "x.ckpt")
    with ls.Simulation.restore(tmp_path / "x.ckpt", out=tmp_path / "y.h5") as sim:
        sim.run(5.0)
        assert (sim.spikes()["n"].t_start, sim.time) == (10.0, 15.0)


# -- files -----------------------------------------------------------------------------------------


def test_a_simulation_that_is_no_longer_used_releases_its_file(tmp_path):
    out = tmp_path / "x.h5"
    sim = ls.Simulation(network(), out=out)
    sim.run(5.0)
    with pytest.raises(ls.OutputError, match=r"another simulation of this process.*close\(\)"):
        ls.Simulation(network(), out=out, overwrite=True)
    del sim
    gc.collect()
    with ls.Simulation(network(), out=out, overwrite=True) as again:
        again.run(5.0)
        assert again.result().complete


def test_looking_at_a_stopped_run_does_not_end_it(tmp_path):
    wanted = ls.run(network(), 100.0)
    with ls.Simulation(network(), out=tmp_path / "x.h5") as sim:
        sim.run(100.0, max_wall=1e-9)
        assert not sim.result().complete
    same(ls.resume(tmp_path / "x.h5"), wanted)


def test_a_closed_simulation_is_not_changed():
    sim = ls.Simulation(network())
    sim.close()
    with pytest.raises(LifsimError, match="is closed"):
        sim.set("n", V_th=-50.0)


def test_what_is_said_of_changes_does_not_depend_on_addresses():
    with ls.Simulation(network()) as sim:
        sim.set_weights("n", "n", lambda w: 2 * w)
        sim.set("n", I_e=np.arange(60.0))
        values = [change["value"] for change in sim.result().info["changes"]]
    assert values == ["function <lambda>", "array (60,), 0 to 59"]


def test_changes_are_shown(tmp_path, capsys):
    from lifsim.cli.main import main

    with ls.Simulation(network(), out=tmp_path / "x.h5") as sim:
        sim.run(1.0)
        for _ in range(3):
            sim.set("n", I_e=1.0)
            sim.run(1.0)
        sim.set("ext", rate=1.0)
        sim.result()
    with pytest.raises(SystemExit):
        main(["info", str(tmp_path / "x.h5")])
    assert "changes: n I_e 3 times, last at 3 ms; ext rate at 4 ms\n" in capsys.readouterr().out
