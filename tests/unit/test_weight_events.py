"""Recorded weights: samples from the log of transmitted weights, and the log itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lifsim as ls
from lifsim.building import weight_probes
from lifsim.modelfile.reader import loads

MODELS = ["stdp_synapse", "stdp_pl_synapse_hom", "stdp_triplet_synapse", "stdp_nn_symm_synapse"]


def network(seed=1):
    """Every rule of pairs, short-term and static synapses, several synapses of a pair, delays from 0.1 to 5 ms, bursts."""
    net = ls.Network(dt=0.1, seed=seed)
    net.add("n", 60, "iaf_psc_exp", I_e={"uniform": [300.0, 500.0]}, V_m={"uniform": [-70.0, -55.0]}, t_ref=0.5, tau_minus=25.0)
    times = np.sort(np.random.default_rng(3).uniform(1.0, 95.0, 300)).round(1)
    net.add("g", 15, "spike_generator", spike_times=times, spike_ids=np.arange(300.0) % 15, spike_multiplicities=np.arange(300.0) % 3)
    for model in MODELS:
        synapse = {"model": model} | ({"Wmax": 90.0} if "hom" not in model else {})
        net.connect("n", "n", "fixed_indegree", indegree=6, weight=40.0, delay={"uniform": [0.1, 5.0]}, synapse=synapse)
    net.connect("g", "n", "fixed_indegree", indegree=9, weight=60.0, delay={"uniform": [0.1, 3.0]}, synapse={"model": "stdp_synapse"})
    net.connect("n", "n", "fixed_indegree", indegree=3, weight=30.0, synapse="tsodyks2_synapse")
    net.connect("n", "n", "fixed_indegree", indegree=3, weight=20.0)
    return net


def asked(net):
    net.record_weights("n", "n[30:]", interval=0.7)
    net.record_weights("n[50,3,7]", "n[11,2,40]", interval=0.1, start=3.3, stop=61.0)
    net.record_weights("g", "n", interval=2.0)
    net.record_weights("n", "n[10:50]", events=True, start=2.0, stop=80.0)
    net.record_weights("g[2:9]", "n[5,1]", events=True)
    net.record(["n", "g"], "spikes")
    return net


def same(a, b):
    for name in a.traces:
        assert list(a.traces[name]) == list(b.traces[name])
        for variable in a.traces[name]:
            np.testing.assert_array_equal(a.traces[name][variable], b.traces[name][variable])
            np.testing.assert_array_equal(a.traces[name].times_of(variable), b.traces[name].times_of(variable))
            np.testing.assert_array_equal(a.traces[name].sources_of(variable), b.traces[name].sources_of(variable))
            np.testing.assert_array_equal(a.traces[name].ids_of(variable), b.traces[name].ids_of(variable))
    assert list(a.weight_events) == list(b.weight_events)
    for name, kinds in a.weight_events.items():
        assert list(kinds) == list(b.weight_events[name])
        for kind, events in kinds.items():
            for column in ("times", "senders", "targets", "weights"):
                np.testing.assert_array_equal(getattr(events, column), getattr(b.weight_events[name][kind], column))


@pytest.fixture(scope="module")
def whole():
    """The result of 100 ms."""
    return ls.run(asked(network()), 100.0, threads=1)


@pytest.mark.parametrize("precision", ["float64", pytest.param("float32", marks=pytest.mark.slow)])  # compiles for half a minute
def test_samples_are_those_between_slices(precision, monkeypatch):
    """The same as reading all weights from the engine at each sample, with the spikes under way applied to a copy."""
    logged = ls.run(asked(network()), 40.0, precision=precision, threads=2)
    monkeypatch.setattr(weight_probes, "MOST", -1)
    same(logged, ls.run(asked(network()), 40.0, precision=precision, threads=1))
    traces = logged.traces["n"]
    assert list(traces) == ["weight_from_n", "weight_from_n@0.1", "weight_from_g"]
    assert (np.ptp(traces["weight_from_n"], axis=0) > 0).mean() > 0.5 and (np.ptp(traces["weight_from_g"], axis=0) > 0).any()


def test_slices_threads_and_restored_runs_make_no_difference(whole, tmp_path):
    with ls.Simulation(asked(network()), threads=2, progress=lambda *_, **__: None, out=tmp_path / "run.h5") as sim:
        for duration in (0.1, 0.7, 12.3):
            sim.run(duration)
        sim.save(tmp_path / "early.ckpt")
        sim.run(100.0 - 13.1)
        same(whole, sim.result())
    read = ls.open(tmp_path / "run.h5")
    same(whole, read)
    assert read.verify() > 0
    with ls.Simulation(asked(network())) as sim:
        sim.run(41.9)
        sim.save(tmp_path / "half.ckpt")
    with ls.Simulation.restore(tmp_path / "half.ckpt", threads=2) as sim:
        sim.run(100.0 - 41.9)
        same(whole, sim.result())
        whole.save(tmp_path / "saved.h5")
    same(whole, ls.open(tmp_path / "saved.h5"))
    asked(network()).save(tmp_path / "net.toml")
    same(whole, ls.run(ls.load(tmp_path / "net.toml"), 100.0))


def test_weights_that_are_set_during_a_run():
    """A sample is what `matrix` says at its time, also after the program has set weights, between runs or in a loop."""
    net = ls.Network(dt=0.1)
    net.add("a", 20, "iaf_psc_exp", I_e={"uniform": [380.0, 450.0]}, V_m={"uniform": [-70.0, -55.0]})
    net.connect("a", "a", "fixed_indegree", indegree=5, weight=40.0, delay=2.0, synapse="stdp_synapse", name="plastic")
    net.connect("a", "a", "fixed_indegree", indegree=2, weight=10.0, name="static")
    net.record_weights("a", "a", interval=1.0)
    seen = []
    with ls.Simulation(net) as sim:

        def halve(sim):
            seen.append(sim.matrix("a", "a").data)
            sim.set_weights("a", "a", lambda w: w.data / 2, projection="plastic")

        sim.run(30.0, every=5.0, do=halve)
        sim.set_weights("a", "a", 25.0, projection="static")
        sim.run(5.0)
        last, traces = sim.matrix("a", "a").data, sim.result().traces["a"]["weight_from_a"]
    np.testing.assert_array_equal(traces[4:30:5], seen)
    np.testing.assert_array_equal(traces[-1], last)
    assert (last == 25.0).sum() == 40 and traces[6].mean() < 0.7 * traces[4].mean()


def test_a_row_for_each_spike_that_arrives(whole):
    """The number of synapses of each pair times the number of spikes of its source whose delay has passed."""
    net = network()
    net.record_weights("g", "n", events=True, name="all of g")
    with ls.Simulation(net) as sim:
        sim.run(100.0)
        delays, events = sim.matrix("g", "n", "delay").tocoo(), sim.result().weight_events["n"]["all of g"]
    spikes = whole.spikes["g"]
    rows = [
        (t, s, n)
        for s, n, d in zip(delays.col, delays.row, delays.data, strict=True)
        for t in spikes.times[spikes.ids == s]
        if t + d < 100.05
    ]
    expected = np.array(sorted(rows))
    np.testing.assert_allclose(np.column_stack([events.times, events.senders, events.targets]), expected, atol=1e-9)
    own = whole.weight_events["n"]["weight_events_from_g"]
    keep = np.isin(events.senders, np.arange(2, 9)) & np.isin(events.targets, [5, 1])
    np.testing.assert_array_equal(own.weights, events.weights[keep])
    np.testing.assert_array_equal(own.times, events.times[keep])
    assert (own.unit, own.source, own.target, len(own)) == ("pA", "g", "n", keep.sum()) and len(own) > 20
    window = whole.weight_events["n"]["weight_events_from_n"].times
    assert window.min() > 2.0 and window.max() <= 80.0 + 1e-9 and window.max() > 75.0


def test_pair_rule_by_hand():
    """Two neurons that fire at given times; the weight at each presynaptic spike from the traces of all spikes before (Gütig et al.)."""
    pre, post, d = np.array([10.0, 22.0, 23.0, 40.0, 58.0]), np.array([5.0, 12.0, 24.5, 39.0, 41.0, 57.0]), 1.0
    net = ls.Network(dt=0.1)
    net.add("pre", 1, "spike_generator", spike_times=pre)
    net.add("drive", 1, "spike_generator", spike_times=post - 0.2)
    net.add("post", 1, "iaf_psc_delta", V_th=1e6, t_ref=0.0, tau_minus=30.0)
    net.connect("drive", "post", weight=1e8, delay=0.2)
    rule = {"lambda": 0.1, "alpha": 0.8, "mu_plus": 1.0, "mu_minus": 1.0, "Wmax": 2.0, "tau_plus": 15.0}
    net.connect("pre", "post", weight=1.0, delay=d, synapse={"model": "stdp_synapse", **rule})
    net.record_weights("pre", "post", events=True)
    net.record("post", "spikes")
    result = ls.run(net, 70.0)
    np.testing.assert_allclose(result.spikes["post"].times, post)
    z, expected = 0.5, []
    for last, t in zip([-math.inf, *pre], pre, strict=False):
        for s in post[(post + d > last) & (post + d <= t)] + d:
            z += 0.1 * (1 - z) * sum(math.exp(-(s - x) / 15.0) for x in pre if x < s)
        z -= 0.8 * 0.1 * z * sum(math.exp(-(t - s - d) / 30.0) for s in post if s + d < t)
        expected.append(2.0 * z)
    events = result.weight_events["post"]["weight_events_from_pre"]
    np.testing.assert_allclose(events.weights, expected, rtol=1e-12)
    np.testing.assert_allclose(events.times, pre)


def test_rows_of_nests_weight_recorder():
    """NEST 3.10, of the same spikes: times of the presynaptic spikes, and weights after potentiation and depression. Delay 3 ms."""
    expected = [0.9254084944075242, 0.8894503206344327, 0.7921165801087185, 0.8891804665982856, 0.9987438211228701]
    pre, post = [10.1, 22.1, 23.1, 40.1, 58.1], np.array([5.0, 12.0, 24.5, 39.0, 41.0, 57.0])
    net = ls.Network(dt=0.1)
    net.add("pre", 1, "spike_generator", spike_times=pre)
    net.add("drive", 1, "spike_generator", spike_times=post - 0.2)
    net.add("post", 1, "iaf_psc_delta", V_th=1e6, t_ref=0.1, tau_minus=30.0)
    net.connect("drive", "post", weight=1e8, delay=0.2)
    rule = {"lambda": 0.1, "alpha": 0.8, "mu_plus": 1.0, "mu_minus": 1.0, "Wmax": 2.0, "tau_plus": 15.0}
    net.connect("pre", "post", weight=1.0, delay=3.0, synapse={"model": "stdp_synapse", **rule})
    net.record_weights("pre", "post", events=True)
    with ls.Simulation(net) as sim:
        sim.run(61.0)  # the last spike arrives at 61.1 ms
        assert len(sim.result().weight_events["post"]["weight_events_from_pre"]) == 4
        sim.run(0.1)
        events = sim.result().weight_events["post"]["weight_events_from_pre"]
    np.testing.assert_allclose(events.weights, expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(events.times, pre)


def test_wrong_recordings_of_events():
    net = network()
    net.add("m", 2, "iaf_psc_exp")
    net.connect("n", "m", synapse="tsodyks_synapse")
    wrong = {
        "record[0].interval: 2 ms with events": lambda: net.record_weights("n", "n", interval=2.0, events=True),
        "record[0].events: the weights of tsodyks_synapse do not change": lambda: net.record_weights("n", "m", events=True),
        "record[0].events: 'yes'": lambda: net.record_weights("n", "n", events="yes"),
        "there are no synapses from m to n": lambda: net.record_weights("m", "n", events=True),
    }
    for said, call in wrong.items():
        with pytest.raises(ls.ModelError) as error:
            call()
        assert said in str(error.value)
    with pytest.raises(ls.ModelError, match=r"record\[0\].events: .*'spikes'; only with weights"):
        loads('[populations.n]\nn = 2\nmodel = "iaf_psc_exp"\n[[record]]\npopulations = "n"\nevents = true')
    result = ls.run(asked(network()), 5.0)
    with pytest.raises(ls.DataError, match="there are no transmitted weights onto 'g'"):
        result.weight_events["g"]


def two_projections():
    """Two plastic projections and a static one between the same populations."""
    net = ls.Network(dt=0.1)
    net.add("a", 20, "iaf_psc_exp", I_e={"uniform": [380.0, 450.0]}, V_m={"uniform": [-70.0, -55.0]})
    for name, indegree in (("fast", 5), ("slow", 3)):
        rule = {"indegree": indegree, "allow_multapses": False}
        net.connect("a", "a", "fixed_indegree", **rule, weight=40.0, delay=2.0, synapse="stdp_synapse", name=name)
    net.connect("a", "a", "fixed_indegree", indegree=2, weight=10.0)
    return net


def test_weights_of_one_of_several_projections(monkeypatch, tmp_path):
    """The columns are those of `matrix(projection=)`; the events of both projections are those without a choice."""
    net = two_projections()
    for projection in ("fast", 1, 2):
        net.record_weights("a", "a", interval=1.0, projection=projection)
    net.record_weights("a[:10]", "a[5:]", interval=5.0, projection=net.projections[0])
    for projection in ("fast", "slow", None):
        net.record_weights("a", "a", events=True, projection=projection)
    with ls.Simulation(net) as sim:
        sim.run(60.0)
        traces, events = sim.result().traces["a"], sim.result().weight_events["a"]
        now = {name: sim.matrix("a", "a", projection=name) for name in ("fast", "slow", 2)}
    assert list(traces) == ["weight_from_a.fast", "weight_from_a.slow", "weight_from_a.2", "weight_from_a.fast@5"]
    for name, weights in now.items():
        recorded = traces[f"weight_from_a.{name}"]
        np.testing.assert_array_equal(recorded[-1], weights.data)
        np.testing.assert_array_equal(traces.ids_of(f"weight_from_a.{name}"), weights.indices)
        assert name == 2 or np.ptp(recorded, axis=0).max() > 0.5
    np.testing.assert_array_equal(
        traces["weight_from_a.fast@5"][-1], now["fast"].toarray()[5:, :10].T[now["fast"].toarray()[5:, :10].T != 0]
    )
    rows = {key: np.stack([x.times, x.senders, x.targets, x.weights]) for key, x in events.items()}
    parts = np.concatenate([rows["weight_events_from_a.fast"], rows["weight_events_from_a.slow"]], axis=1)
    assert 0 < rows["weight_events_from_a.slow"].shape[1] < rows["weight_events_from_a.fast"].shape[1]
    for x in (parts, rows["weight_events_from_a"]):
        x[:] = x[:, np.lexsort(x)]
    np.testing.assert_array_equal(parts, rows["weight_events_from_a"])

    net.save(tmp_path / "net.toml")
    again = ls.load(tmp_path / "net.toml")
    assert [r.key for r in again.recordings] == [r.key for r in net.recordings]
    monkeypatch.setattr(weight_probes, "MOST", -1)  # sampled between slices of the run, and not from the log
    same(ls.run(again, 60.0), ls.run(net, 60.0))
    np.testing.assert_array_equal(ls.run(again, 60.0).traces["a"]["weight_from_a.slow"], traces["weight_from_a.slow"])


def test_wrong_projections_of_recorded_weights():
    net = two_projections()
    for given, said in {
        "fats": "record[0].projection: there is no projection 'fats'; did you mean 'fast'?",
        7: "record[0].projection: there is no projection 7; projection=, one of: 'fast', 'slow', 2",
        True: "record[0].projection: there is no projection True",
    }.items():
        with pytest.raises(ls.ModelError) as error:
            net.record_weights("a", "a", projection=given)
        assert said in str(error.value)
    with pytest.raises(ls.ModelError, match="the weights of static_synapse do not change"):
        net.record_weights("a", "a", events=True, projection=2)
    with pytest.raises(ls.ModelError, match=r"record\[0\].projection: .*only with weights"):
        loads('[populations.n]\nn = 2\nmodel = "iaf_psc_exp"\n[[record]]\npopulations = "n"\nprojection = "x"')
