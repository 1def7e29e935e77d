"""`Simulation` and `run`: pieces, state, parameters, built synapses, recordings, stimuli from files."""

from __future__ import annotations

import gc
import math
import weakref
from statistics import NormalDist

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array, random_array

import lifsim as ls
from lifsim.common.errors import LifsimError, ModelError

EXACT = {"rtol": 0.0, "atol": 1e-12}  # mV


def network(n=3, model="iaf_psc_exp", dt=0.1, **params):
    net = ls.Network(dt=dt)
    net.add("n", n, model, **params)
    return net


def v_trace(net, *pieces):
    """V_m of all of "n" in every step; a piece is a duration, or what is set between runs."""
    net.record("n", "V_m", interval=net.dt)
    with ls.Simulation(net) as sim:
        for piece in pieces:
            sim.set("n", **piece) if isinstance(piece, dict) else sim.run(piece)
        return sim.result().traces["n"]["V_m"]


# -- running ---------------------------------------------------------------------------------------


def test_time_goes_on_from_run_to_run():
    with ls.Simulation(network(), seed=4) as sim:
        assert (sim.time, sim.step, sim.seed) == (0.0, 0, 4)
        sim.run(1.0)
        sim.run("2 ms")
        assert sim.step == 30 and sim.time == pytest.approx(3.0)
        sim.net.duration = 0.5
        sim.run()
        assert sim.step == 35


def test_a_result_after_every_run_holds_everything_so_far():
    net = network(I_e=600.0)
    net.record("n", "spikes")
    net.record("n", "V_m", interval=0.5)
    with ls.Simulation(net) as sim:
        sim.run(20.0)
        first = sim.result()
        sim.run(30.0)
        second = sim.result()
    whole = ls.run(net, 50.0)
    assert (first.t_stop, second.t_stop) == (20.0, 50.0)
    assert len(first.spikes["n"]) < len(second.spikes["n"])
    for got, until in ((first, 20.0), (second, 50.0)):
        np.testing.assert_array_equal(got.spikes["n"].times, whole.spikes["n"].window(0.0, until).times)
        np.testing.assert_array_equal(got.traces["n"]["V_m"], whole.traces["n"]["V_m"][: len(got.traces["n"].times)])


def test_a_file_of_several_runs_is_that_of_one(tmp_path):
    net = network(I_e={"uniform": [500.0, 700.0]})
    net.record("n", "spikes")
    with ls.Simulation(net, out=tmp_path / "pieces.h5") as sim:
        for _ in range(5):
            sim.run(10.0)
        pieces = sim.result()
    whole = ls.run(net, 50.0, out=tmp_path / "whole.h5")
    np.testing.assert_array_equal(pieces.spikes["n"].times, whole.spikes["n"].times)
    np.testing.assert_array_equal(pieces.spikes["n"].ids, whole.spikes["n"].ids)
    assert pieces.t_stop == whole.t_stop == 50.0


def test_progress_is_told():
    told = []
    ls.run(network(), 10.0, progress=lambda event, **facts: told.append((event, facts)))
    events = [event for event, _ in told]
    assert [e for e in dict.fromkeys(events) if e != "compile"] == ["prepare", "build", "step", "write", "done"]
    steps = [facts["done_ms"] for event, facts in told if event == "step"]
    assert steps == sorted(steps) and steps[-1] == pytest.approx(10.0)


def test_the_seed_is_the_networks_unless_given():
    net = network(V_m={"uniform": [-70.0, -60.0]})
    with ls.Simulation(net) as sim, ls.Simulation(net, seed=1) as same, ls.Simulation(net, seed=2) as other:
        assert sim.seed == net.seed == 1
        np.testing.assert_array_equal(sim.get("n", "V_m"), same.get("n", "V_m"))
        assert not np.array_equal(sim.get("n", "V_m"), other.get("n", "V_m"))
    net.seed = 2
    with ls.Simulation(net) as sim:
        np.testing.assert_array_equal(sim.get("n", "V_m"), other.get("n", "V_m"))


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"threads": 0}, "threads"),
        ({"threads": "many"}, "threads"),
        ({"precision": "float16"}, "precision"),
        ({"weights": "int8"}, "weights"),
        ({"method": "euler"}, "method"),
    ],
    ids=str,
)
def test_wrong_settings(arguments, place):
    with pytest.raises(LifsimError) as error:
        ls.Simulation(network(), **arguments)
    assert error.value.problems[0].where == place


@pytest.mark.parametrize("duration", [0.0, -1.0, math.inf, 0.25, "3 mV", None], ids=str)
def test_wrong_durations(duration):
    with ls.Simulation(network()) as sim, pytest.raises(LifsimError) as error:
        sim.run(duration)
    assert error.value.problems[0].where == "duration"


def test_more_steps_than_the_engine_counts_are_refused():
    with ls.Simulation(network()) as sim:
        sim.run(100.0)
        with pytest.raises(LifsimError, match=r"duration: 107374182 ms after 100 ms; expected at most 107374182\.4 ms altogether"):
            sim.run("107374182 ms")
        assert sim.time == 100.0


# -- state and parameters --------------------------------------------------------------------------


def test_get_gives_one_value_a_neuron():
    net = network(4, I_e=[1.0, 2.0, 3.0, 4.0], V_m=-60.0)
    with ls.Simulation(net) as sim:
        assert sim.get("n", "I_e").tolist() == [1.0, 2.0, 3.0, 4.0]
        assert sim.get("n", "tau_m").tolist() == [10.0] * 4
        assert sim.get(net.populations["n"][[3, 1]], "I_e").tolist() == [4.0, 2.0]
        assert sim.get("n[2:]", "V_m").tolist() == [-60.0, -60.0]
        sim.get("n", "I_e")[:] = 0.0  # a copy
        assert sim.get("n", "I_e")[0] == 1.0


def test_what_was_set_is_what_is_got():
    with ls.Simulation(network(3, "iaf_psc_alpha")) as sim:
        values = {"V_m": -61.5, "I_syn_ex": 7.0, "dI_syn_in": -3.0, "E_L": -65.0, "C_m": 100.0, "tau_syn_ex": 5.0, "I_e": 12.0}
        sim.set("n", **values)
        for name, value in values.items():
            np.testing.assert_allclose(sim.get("n", name), [value] * 3, **EXACT)
        sim.set("n[1]", V_m=-50.0, tau_m=20.0)
        np.testing.assert_allclose(sim.get("n", "V_m"), [-61.5, -50.0, -61.5], **EXACT)
        assert sim.get("n", "tau_m").tolist() == [10.0, 20.0, 10.0]
        sim.set("n[0,2]", V_m=[-64.0, -62.0])
        np.testing.assert_allclose(sim.get("n", "V_m"), [-64.0, -50.0, -62.0], **EXACT)


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"])
def test_a_current_set_midway_is_a_step_current(model):
    """I_e from 10 ms on is a current that began at 9 ms with a delay of 1 ms, spikes included."""
    net = network(model=model)
    steps = net.add("s", 1, "step_current_generator", amplitude_times=[9.0, 29.0], amplitude_values=[500.0, 100.0])
    net.connect(steps, "n", delay=1.0)
    expected = v_trace(net, 60.0)
    assert (np.diff(expected, axis=0) < -5).any()  # it fired
    np.testing.assert_allclose(v_trace(network(model=model), 10.0, {"I_e": 500.0}, 20.0, {"I_e": 100.0}, 30.0), expected, **EXACT)


def test_a_current_set_beside_a_generator_adds_to_it():
    """200 pA from a generator, from 10 ms on 50 pA less: V approaches E_L + 8 mV, then E_L + 6 mV."""
    net = network()
    net.connect(net.add("dc", 1, "dc_generator", amplitude=200.0), "n", delay=0.1)
    got = v_trace(net, 10.0, {"I_e": -50.0}, 10.0)[:, 0] + 70.0
    t = np.arange(1, 201) * 0.1
    early = 8.0 * (1 - np.exp(-np.maximum(t - 0.2, 0) / 10.0))  # sent from dt on, as in NEST
    np.testing.assert_allclose(got, np.where(t < 10.05, early, 6.0 + (early[99] - 6.0) * np.exp(-(t - 10.0) / 10.0)), **EXACT)


def test_a_potential_set_midway_is_an_initial_one():
    got = v_trace(network(), 10.0, {"V_m": [-69.0, -60.0, -50.0]}, 10.0)[100:]
    np.testing.assert_allclose(got, v_trace(network(V_m=[-69.0, -60.0, -50.0]), 10.0), **EXACT)


def test_another_E_L_keeps_V_m():
    got = v_trace(network(V_m=[-70.0, -65.0, -60.0]), 1.0, {"E_L": -62.0}, 9.0)
    before, t = got[9], np.arange(1, 91) * 0.1
    np.testing.assert_allclose(got[10:], -62.0 + (before + 62.0) * np.exp(-t / 10.0)[:, None], rtol=0, atol=1e-9)


def test_other_time_constants_midway():
    got = v_trace(network(V_m=-60.0), 5.0, {"tau_m": [5.0, 10.0, 20.0]}, 5.0)
    t, v = np.arange(1, 51)[:, None] * 0.1, 10.0 * math.exp(-0.5)
    np.testing.assert_allclose(got[50:], -70.0 + v * np.exp(-t / [5.0, 10.0, 20.0]), rtol=0, atol=1e-9)


def test_synaptic_currents_set_midway():
    got = v_trace(network(), 2.0, {"I_syn_ex": 50.0, "I_syn_in": -50.0, "tau_syn_in": 2.0}, 5.0)
    np.testing.assert_allclose(got, -70.0, **EXACT)  # they cancel
    got = v_trace(network(), 2.0, {"I_syn_ex": 50.0}, 5.0)[20:]
    np.testing.assert_allclose(got, v_trace(network(I_syn_ex=50.0), 5.0), **EXACT)


def test_a_lower_threshold_is_met_at_once():
    net = network(V_m=-60.0, E_L=-60.0)
    net.record("n", "spikes")
    with ls.Simulation(net) as sim:
        sim.run(1.0)
        sim.set("n[1]", V_th=-65.0)
        sim.run(1.0)
        spikes = sim.result().spikes["n"]
    assert (spikes.times.tolist(), spikes.ids.tolist()) == ([1.1], [1])


def test_distributions_are_drawn_when_set():
    with ls.Simulation(network(100), seed=3) as sim, ls.Simulation(network(100), seed=3) as same, ls.Simulation(network(100)) as other:
        for s in (sim, same, other):
            s.set("n", V_m={"normal": [-60.0, 3.0], "max": -58.0})
        v = sim.get("n", "V_m")
        assert v.max() <= -58.0 and len(np.unique(v)) == 100
        np.testing.assert_array_equal(v, same.get("n", "V_m"))
        assert not np.array_equal(v, other.get("n", "V_m"))
        sim.run(1.0)
        sim.set("n", V_m={"normal": [-60.0, 3.0], "max": -58.0})
        assert not np.array_equal(v, sim.get("n", "V_m"))  # later ones are others


@pytest.mark.parametrize("t_ref", [0.0, 0.3])
def test_a_shorter_refractory_period_leaves_room_for_its_spikes(t_ref):
    """The ring of spikes is as long as t_ref asks for; it grows with what t_ref is set to."""

    def net(**params):
        net = network(130, "iaf_psc_delta", I_e=np.linspace(5e3, 6e4, 130), **params)
        net.add("targets", 130, "iaf_psc_delta", V_th=1e6)
        net.connect("n", "targets", "pairwise_bernoulli", p=0.3, weight=0.01, delay=15.0)
        net.record("targets", "V_m", interval=1.0)
        return net

    with ls.Simulation(net(t_ref=20.0), threads=2) as sim:
        sim.set("n", t_ref=t_ref)
        sim.run(80.0)
        got = sim.result()
    expected = ls.run(net(t_ref=t_ref), 80.0)
    assert expected.traces["targets"]["V_m"].max() > -69.0
    np.testing.assert_array_equal(got.traces["targets"]["V_m"], expected.traces["targets"]["V_m"])


def test_a_longer_refractory_period_keeps_what_was_sent():
    """Spikes sent before still arrive: 150 steps of them, from neurons that would now fire once in 500."""
    net = network(20, "iaf_psc_delta", I_e=np.linspace(2e4, 6e4, 20), t_ref=0.0)
    net.add("targets", 3, "iaf_psc_delta", V_th=1e6, E_L=0.0, V_m=0.0)
    net.connect("n", "targets", weight=0.01, delay=15.0)
    net.record("n", "spikes")
    net.record("targets", "V_m", interval=0.1)
    with ls.Simulation(net) as sim:
        sim.run(30.0)
        sim.set("n", t_ref=50.0)
        sim.run(60.0)
        result = sim.result()
    sent = np.bincount(np.round(result.spikes["n"].times / 0.1).astype(int), minlength=901)
    assert sent[:301].sum() > 2000 and sent[301:].sum() < 80
    v, expected = 0.0, []
    for k in range(1, 901):
        v = v * math.exp(-0.01) + 0.01 * (sent[k - 150] if k > 150 else 0)
        expected.append([v] * 3)
    np.testing.assert_allclose(result.traces["targets"]["V_m"], expected, rtol=0, atol=1e-9)


def test_setting_leaves_the_network_alone():
    net = network(I_e=1.0)
    with ls.Simulation(net) as sim:
        sim.set("n", I_e=500.0)
        sim.set("n[0]", tau_m=5.0)
    with ls.Simulation(net) as sim:
        assert sim.get("n", "I_e").tolist() == [1.0] * 3 and sim.get("n", "tau_m").tolist() == [10.0] * 3


@pytest.mark.parametrize(
    ("nodes", "values", "place", "words"),
    [
        ("n", {"V_n": 1.0}, "n.V_n", "V_m"),
        ("n", {"tau_m": 0.0}, "n.tau_m", "> 0"),
        ("n", {"V_m": math.inf}, "n.V_m", "finite"),
        ("n", {"V_m": math.nan}, "n.V_m", "nan"),
        ("n", {"V_m": [1.0, 2.0]}, "n.V_m", "(3,)"),
        ("n[:2]", {"V_m": [1.0, 2.0, 3.0]}, "n[0:2].V_m", "(2,)"),
        ("n", {"V_m": "2 ms"}, "n.V_m", "ms"),
        ("n", {"V_reset": -50.0}, "n", "V_reset must be below V_th"),
        ("n", {"tau_m": {"normal": [10.0, 5.0]}}, "n.tau_m", "min"),
        ("m", {"V_m": 1.0}, "population", "'m'"),
        ("n[5]", {"V_m": 1.0}, "population", "0 to 2"),
        ("p", {"rate": -1.0}, "p.rate", "0 to 1e9"),
        ("p", {"rat": 1.0}, "p.rat", "rate"),
        ("p", {"start": 0.05}, "p.start", "0.05"),
        ("p", {"start": 5.0, "stop": 1.0}, "p", "stop must not be before start"),
    ],
    ids=str,
)
def test_wrong_values_to_set(nodes, values, place, words):
    net = network()
    net.add("p", 1, "poisson_generator")
    with ls.Simulation(net) as sim, pytest.raises(ModelError) as error:
        sim.set(nodes, **values)
    problem = error.value.problems[0]
    assert problem.where == place and words in str(problem)


def test_all_wrong_values_are_told_and_nothing_is_set():
    with ls.Simulation(network()) as sim:
        with pytest.raises(ModelError) as error:
            sim.set("n", tau_m=-1.0, C_m=0.0, I_e=5.0)
        assert [p.where for p in error.value.problems] == ["n.tau_m", "n.C_m"]
        assert sim.get("n", "I_e").tolist() == [0.0] * 3


@pytest.mark.parametrize(("nodes", "name"), [("n", "V_n"), ("n", "spikes"), ("p", "rat"), ("m", "V_m")])
def test_wrong_names_to_get(nodes, name):
    net = network()
    net.add("p", 1, "poisson_generator")
    with ls.Simulation(net) as sim, pytest.raises(ModelError):
        sim.get(nodes, name)


# -- built synapses --------------------------------------------------------------------------------


def built(net, what="weight", source="a", target="b", **settings):
    with ls.Simulation(net, **settings) as sim:
        return sim.matrix(source, target, what)


def pair(n_source=7, n_target=90):
    net = ls.Network()
    net.add("a", n_source, "iaf_psc_exp")
    net.add("b", n_target, "iaf_psc_delta")
    return net


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", [np.asarray, csr_array, coo_array], ids=["array", "csr", "coo"])
def test_a_matrix_comes_back(form, threads):
    w = random_array((90, 7), density=0.3, rng=np.random.default_rng(1), data_sampler=np.random.default_rng(2).standard_normal).toarray()
    net = pair()
    net.connect("a", "b", form(w), delay=np.where(w > 0, 0.5, 1.5))
    weight, delay = built(net, threads=threads), built(net, "delay", threads=threads)
    assert weight.shape == (90, 7)
    np.testing.assert_array_equal(weight.toarray(), w)
    np.testing.assert_allclose(delay.toarray(), np.where(w > 0, 0.5, np.where(w < 0, 1.5, 0.0)), rtol=1e-12)
    assert built(net, source="b", target="a").nnz == 0


def test_a_sparse_matrix_of_delays_comes_back():
    rng = np.random.default_rng(3)
    w = csr_array(random_array((90, 7), density=0.2, rng=rng))
    d = w.copy()
    d.data = rng.integers(1, 30, w.nnz) * 0.1
    net = pair()
    net.connect("a", "b", w, delay=d)
    np.testing.assert_array_equal(built(net).toarray(), w.toarray())
    np.testing.assert_allclose(built(net, "delay").toarray(), d.toarray(), rtol=1e-12)


def entries(matrix):
    """(target, source, value) of every entry, repeated ones apart."""
    coo = matrix.tocoo()
    rows, columns = coo.coords
    return sorted(zip(rows.tolist(), columns.tolist(), coo.data.tolist(), strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_repeated_entries_are_several_synapses(threads):
    rng = np.random.default_rng(4)
    targets, sources, weights = rng.integers(0, 90, 400), rng.integers(0, 7, 400), rng.normal(size=400)
    assert len(set(zip(targets, sources, strict=True))) < 400
    net = pair()
    net.connect("a", "b", coo_array((weights, (targets, sources)), shape=(90, 7)), delay=1.0)
    expected = sorted(zip(targets.tolist(), sources.tolist(), weights.tolist(), strict=True))
    assert entries(built(net, threads=threads)) == expected
    net = pair()
    net.connect("a", "b", "explicit", sources=sources, targets=targets, weight=weights, delay=rng.integers(1, 9, 400) * 0.1)
    assert entries(built(net, threads=threads)) == expected


def test_several_projections_are_in_one_matrix():
    net = pair(2, 2)
    net.connect("a", "b", "one_to_one", weight=1.0, delay=2.0)
    net.connect("a", "b", "all_to_all", weight=-2.0, delay=1.0)
    assert sorted(built(net).toarray().ravel()) == [-2.0, -2.0, -1.0, -1.0]  # toarray adds
    assert entries(built(net)) == [(0, 0, -2.0), (0, 0, 1.0), (0, 1, -2.0), (1, 0, -2.0), (1, 1, -2.0), (1, 1, 1.0)]
    assert entries(built(net, "delay")) == [(0, 0, 1.0), (0, 0, 2.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 1.0), (1, 1, 2.0)]


def test_the_matrix_of_slices():
    w = np.arange(1.0, 631.0).reshape(90, 7)
    net = pair()
    net.connect("a", "b", w)
    a, b = net.populations.values()
    for source, target in ((a[2:5], b[:]), (a[:], b[[80, 3]]), (a[[6, 0]], b[60:70])):
        np.testing.assert_array_equal(built(net, source=source, target=target).toarray(), w[np.ix_(target.ids, source.ids)])
    twice = pair(2, 2)
    twice.connect("a", "b", "explicit", sources=[1, 1], targets=[0, 0], weight=[1.0, 2.0])
    assert entries(built(twice, source="a[1]", target="b[0]")) == [(0, 0, 1.0), (0, 0, 2.0)]


def test_given_arrays_of_every_rule_come_back():
    rng = np.random.default_rng(5)
    w = rng.normal(size=(90, 7))
    net = pair()
    net.connect("a", "b", "all_to_all", weight=w)
    np.testing.assert_array_equal(built(net).toarray(), w)

    net = pair()
    net.connect("a", "b", "pairwise_bernoulli", p=0.5, weight=w)
    got = built(net)
    assert 0 < got.nnz < 630
    np.testing.assert_array_equal(got.toarray(), np.where(got.toarray() != 0, w, 0.0))

    net = pair(90, 90)
    net.connect("a", "b", "one_to_one", weight=w[:, 0], delay=rng.integers(1, 5, 90) * 0.1)
    np.testing.assert_array_equal(built(net).toarray(), np.diag(w[:, 0]))

    net = pair()
    net.connect("a", "b", "fixed_indegree", indegree=7, weight=w)
    got = built(net)
    assert (np.bincount(got.indices) == 7).all()
    for t in range(90):
        assert sorted(got.tocsr().data[got.tocsr().indptr[t] : got.tocsr().indptr[t + 1]]) == sorted(w[t])

    net = pair(90, 7)
    net.connect("a", "b", "fixed_outdegree", outdegree=7, weight=w)
    got = built(net)
    assert [sorted(got.data[a:b]) for a, b in zip(got.indptr[:-1], got.indptr[1:], strict=True)] == [sorted(row) for row in w]


def test_autapses_and_multapses():
    def degrees(rule, **params):
        net = network(20)
        net.connect("n", "n", rule, **params)
        m = built(net, source="n", target="n").tocoo()
        pairs = list(zip(*(x.tolist() for x in m.coords), strict=True))
        return sum(a == b for a, b in pairs), len(pairs) - len(set(pairs)), len(pairs)

    for rule, params in (("fixed_indegree", {"indegree": 15}), ("fixed_outdegree", {"outdegree": 15}), ("fixed_total_number", {"N": 300})):
        itself, repeated, total = degrees(rule, **params)
        assert itself > 0 and repeated > 0 and total == 300
        assert degrees(rule, **params, allow_autapses=False)[0] == 0
        assert degrees(rule, **params, allow_multapses=False)[1] == 0
        assert degrees(rule, **params, allow_autapses=False, allow_multapses=False) == (0, 0, 300)
    assert degrees("all_to_all", allow_autapses=False) == (0, 0, 380)
    assert degrees("one_to_one", allow_autapses=False) == (0, 0, 0)
    assert degrees("pairwise_bernoulli", p=1.0, allow_autapses=False) == (0, 0, 380)
    assert degrees("fixed_indegree", indegree=19, allow_autapses=False, allow_multapses=False) == (0, 0, 380)


def test_drawn_weights_and_delays():
    """Truncated by redrawing, not clipped; delays are whole steps and at least one."""
    net = pair(50, 90)
    net.connect("a", "b", weight={"normal": [1.0, 2.0], "min": 0.0, "max": 2.0}, delay={"normal": [0.2, 0.3]})
    weight, delay = built(net).data, built(net, "delay").data
    assert weight.min() > 0 and weight.max() < 2 and len(np.unique(weight)) > 4400
    steps = delay / 0.1
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert steps.min() == pytest.approx(1.0)
    x = NormalDist(2.0, 3.0)  # in steps; of what is at least 0.5, the part below 1.5 becomes 1
    share = (x.cdf(1.5) - x.cdf(0.5)) / (1 - x.cdf(0.5))
    assert np.mean(np.round(steps) == 1) == pytest.approx(share, abs=5 * math.sqrt(share / len(steps)))


def test_synapses_of_generators():
    net = pair()
    net.connect(net.add("g", 2, "spike_generator"), "b", "all_to_all", weight=3.0)
    net.connect(net.add("p", 1, "poisson_generator"), "b")
    assert built(net, source="g").toarray().tolist() == [[3.0, 3.0]] * 90
    assert built(net, source="p").toarray().tolist() == [[1.0]] * 90
    with pytest.raises(LifsimError, match="what"):
        built(net, "wait")


# -- recordings ------------------------------------------------------------------------------------


def busy(n=40):
    net = network(n, I_e={"uniform": [400.0, 900.0]})
    net.connect("n", "n", "fixed_indegree", indegree=10, weight=30.0, delay=1.0)
    return net


def test_intervals_and_windows_of_traces():
    """Samples at start + interval, start + 2 interval, … up to stop."""
    net = busy()
    net.record("n", "V_m", interval=0.1)
    net.record("n[3:9]", "I_syn_ex", interval=0.7, start=2.0, stop=9.0)
    net.record("n[5]", "I_syn_in", interval=20.0)
    traces = ls.run(net, 15.0).traces["n"]
    assert traces["V_m"].shape == (150, 40) and traces["I_syn_in"].shape == (0, 1)
    np.testing.assert_allclose(traces.times_of("V_m"), np.arange(1, 151) * 0.1)
    np.testing.assert_allclose(traces.times_of("I_syn_ex"), np.arange(2.7, 9.05, 0.7))
    assert traces.ids_of("I_syn_ex").tolist() == list(range(3, 9))
    full = busy()
    full.record("n", "I_syn_ex", interval=0.1)
    every = ls.run(full, 15.0).traces["n"]["I_syn_ex"]
    np.testing.assert_array_equal(traces["I_syn_ex"], every[np.round(traces.times_of("I_syn_ex") / 0.1).astype(int) - 1, 3:9])


def test_columns_are_in_the_order_asked_for():
    nets = busy(), busy()
    nets[0].record("n", "V_m", interval=0.5)
    order = [31, 2, 17, 0]
    nets[1].record(nets[1].populations["n"][order], "V_m", interval=0.5)
    whole, some = (ls.run(net, 10.0).traces["n"] for net in nets)
    np.testing.assert_array_equal(some["V_m"], whole["V_m"][:, order])
    assert some.ids_of("V_m").tolist() == order


def test_windows_and_slices_of_spikes():
    whole, part = busy(), busy()
    whole.record("n", "spikes")
    part.record("n[10:20]", "spikes", start=5.0, stop=20.0)
    every, some = (ls.run(net, 30.0).spikes["n"] for net in (whole, part))
    keep = (every.times > 5.0 + 1e-6) & (every.times < 20.0 + 1e-6) & (every.ids >= 10) & (every.ids < 20)
    assert 0 < keep.sum() < len(every)
    np.testing.assert_array_equal(some.times, every.times[keep])
    np.testing.assert_array_equal(some.ids, every.ids[keep])
    assert (some.t_start, some.t_stop, some.n_nodes) == (5.0, 20.0, 40)


@pytest.mark.parametrize(("interval", "start", "stop"), [(1.0, 0.0, math.inf), (0.7, 3.0, 25.0), (5.0, 0.2, math.inf)])
@pytest.mark.parametrize("nodes", ["n", "n[5:25]"])
def test_rates_count_spikes(nodes, interval, start, stop):
    """The rate of the bin that ends at t, in spikes/s per neuron, is its number of spikes."""
    net = busy()
    net.record("n", "spikes")
    net.record(nodes, "rate", interval=interval, start=start, stop=stop)
    with ls.Simulation(net) as sim:
        for piece in (0.3, 11.1, 18.6):
            sim.run(piece)
        result = sim.result()
    ids = net.view(nodes).ids
    spikes = result.spikes["n"].times[np.isin(result.spikes["n"].ids, ids)]
    n = int((min(stop, 30.0) - start) / interval + 1e-9)
    edges = start + interval * np.arange(n + 1) + 1e-6
    counts = np.histogram(spikes, edges)[0]
    assert counts.sum() > 0
    np.testing.assert_allclose(result.traces["n"]["rate"][:, 0], counts / (len(ids) * interval / 1000.0), rtol=1e-12)
    np.testing.assert_allclose(result.traces["n"].times_of("rate"), edges[1:], atol=1e-5)


def test_spikes_are_sorted_by_time_then_id():
    net = busy()
    net.record("n", "spikes")
    spikes = ls.run(net, 40.0, threads=2).spikes["n"]
    order = np.lexsort((spikes.ids, spikes.times))
    np.testing.assert_array_equal(order, np.arange(len(spikes)))


# -- stimuli that are recorded ---------------------------------------------------------------------


def test_a_recorded_poisson_generator_has_the_statistics_of_one():
    net = network()
    net.add("p", 4, "poisson_generator", rate=[0.0, 100.0, 2000.0, 2000.0], start=100.0, stop=2100.0)
    net.record("p", "spikes")
    net.record("p", "rate", interval=100.0)
    with ls.Simulation(net, seed=5) as sim:
        for piece in (0.1, 149.9, 2050.0):
            sim.run(piece)
        result = sim.result()
    spikes = result.spikes["p"]
    assert spikes.times.min() > 100.0 and spikes.times.max() <= 2100.0
    counts = np.bincount(spikes.ids, minlength=4)
    assert counts[0] == 0
    for count, rate in zip(counts[1:], [100.0, 2000.0, 2000.0], strict=True):
        assert count == pytest.approx(2 * rate, abs=5 * math.sqrt(2 * rate))
    trains = np.array([np.histogram(spikes.times[spikes.ids == i], np.arange(100.05, 2101, 10.0))[0] for i in (2, 3)])
    assert trains.var(axis=1) == pytest.approx([20.0, 20.0], rel=5 * math.sqrt(2 / 200))
    assert abs(np.corrcoef(trains)[0, 1]) < 5 / math.sqrt(200)
    np.testing.assert_allclose(result.traces["p"]["rate"][:, 0], np.histogram(spikes.times, np.arange(0.0, 2300, 100.0) + 0.05)[0] / 0.4)


def test_a_recorded_poisson_generator_does_not_depend_on_slices():
    def spikes(*pieces):
        net = network()
        net.add("p", 2, "inhomogeneous_poisson_generator", rate_times=[5.0, 10.0, 15.0], rate_values=[3000.0, 0.0, 1e5])
        net.record("p", "spikes")
        with ls.Simulation(net) as sim:
            for piece in pieces:
                sim.run(piece)
            result = sim.result()
        return result.spikes["p"]

    whole, parts = spikes(20.0), spikes(0.1, 6.3, 13.6)
    np.testing.assert_array_equal(whole.times, parts.times)
    np.testing.assert_array_equal(whole.ids, parts.ids)
    early, late = whole.times < 9.99, whole.times > 14.99
    assert (early | late).all() and whole.times.min() >= 5.0 - 1e-9
    assert early.sum() == pytest.approx(30, abs=5 * math.sqrt(30)) and late.sum() == pytest.approx(1020, abs=5 * math.sqrt(1020))


def test_generators_without_times_send_nothing():
    net = network()
    for i, model in enumerate(("inhomogeneous_poisson_generator", "step_current_generator", "spike_generator")):
        net.connect(net.add(f"g{i}", 1, model), "n")
    np.testing.assert_array_equal(v_trace(net, 5.0), -70.0)


def test_given_spikes_are_recorded_as_given():
    net = network()
    net.add("g", 2, "spike_generator", spike_times=[[1.0, 1.0, 3.0], [0.5, 3.0]], stop=5.0)
    net.add("ids", 3, "spike_generator", spike_times=[2.0, 1.0, 9.0], spike_ids=[2, 0, 1], spike_multiplicities=[1, 3, 2])
    net.record(["g", "ids"], "spikes")
    result = ls.run(net, 5.0)
    assert result.spikes["g"].times.tolist() == [0.5, 1.0, 1.0, 3.0, 3.0] and result.spikes["g"].ids.tolist() == [1, 0, 0, 0, 1]
    assert result.spikes["ids"].times.tolist() == [1.0, 1.0, 1.0, 2.0] and result.spikes["ids"].ids.tolist() == [0, 0, 0, 2]


# -- spikes of a file ------------------------------------------------------------------------------


@pytest.fixture
def earlier(tmp_path):
    """The result of an earlier run, with spikes of two populations."""
    net = busy()
    net.add("other", 5, "iaf_psc_exp", I_e=700.0)
    net.record(["n", "other"], "spikes")
    return ls.run(net, 60.0, out=tmp_path / "earlier.h5")


def test_spikes_of_an_earlier_run_as_input(earlier):
    """A copy of the targets gets from the file what they got from the neurons themselves."""
    net = busy()
    net.add("targets", 10, "iaf_psc_delta", V_th=1e6)
    net.connect("n", "targets", "pairwise_bernoulli", p=0.5, weight=0.3, delay=1.5)
    net.record("targets", "V_m", interval=0.1)
    with ls.Simulation(net) as sim:
        sim.run(60.0)
        expected, w = sim.result().traces["targets"]["V_m"], sim.matrix("n", "targets")

    replay = ls.Network()
    replay.add("g", 40, "spike_generator", spike_file=str(earlier.path), spike_population="n")
    replay.add("targets", 10, "iaf_psc_delta", V_th=1e6)
    replay.connect("g", "targets", w, delay=1.5)
    replay.record("targets", "V_m", interval=0.1)
    replay.record("g", "spikes")
    result = ls.run(replay, 60.0)
    np.testing.assert_array_equal(result.spikes["g"].times, earlier.spikes["n"].times)
    np.testing.assert_array_equal(result.spikes["g"].ids, earlier.spikes["n"].ids)
    assert expected.max() > -69.0
    np.testing.assert_allclose(result.traces["targets"]["V_m"], expected, **EXACT)


@pytest.mark.parametrize(
    ("n", "population", "dt", "words"),
    [
        (40, "nn", 0.1, "nn"),
        (40, "", 0.1, "several populations"),
        (20, "n", 0.1, "0 to 19"),
        (40, "n", 0.25, "not on the grid"),
    ],
)
def test_files_that_do_not_fit(earlier, n, population, dt, words):
    net = network(dt=dt)
    net.add("g", n, "spike_generator", spike_file=str(earlier.path), spike_population=population)
    net.connect("g", "n")
    with pytest.raises(LifsimError, match=words) as error:
        ls.run(net, 5.0)
    assert error.value.problems[0].where.startswith("populations.g.")


def test_times_of_a_file_go_to_the_end_of_their_step_on_request(earlier):
    net = network(dt=0.25)
    net.add("g", 40, "spike_generator", spike_file=str(earlier.path), spike_population="n", allow_offgrid_times=True)
    net.record("g", "spikes")
    got = ls.run(net, 50.0).spikes["g"].times
    moved = np.ceil(earlier.spikes["n"].times / 0.25 - 1e-6) * 0.25
    np.testing.assert_allclose(got, moved[moved <= 50.0])
    assert len(got) > 40


def test_the_real_time_factor_counts_everything_until_the_file_is_made(tmp_path):
    """What is recorded is timed by itself, in pieces as in whole, and the file says what its making took."""
    net = ls.Network(dt=0.1)
    net.add("a", 100, "iaf_psc_exp", I_e=1000.0)
    net.record("a", "spikes")
    with ls.Simulation(net, out=tmp_path / "x.h5") as sim:
        sim.run(20.0)
        before = dict(sim.timings)
        info = sim.result().info
        told = info["timings"]
        assert 0 < before["record"] < told["record"] < sim.timings["record"]
        assert told["simulate"] == before["simulate"] > 0
        assert info["real_time_factor"] == pytest.approx((told["simulate"] + told["record"]) / 0.02)
        assert sum(told[k] for k in ("build", "compile", "simulate", "record")) <= told["total"]
        sim.run(20.0)
        assert sim.result().info["timings"]["simulate"] > told["simulate"]


@pytest.mark.parametrize("out", ["x.h5", None])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("model", ["iaf_psc_exp", "iaf_psc_exp_ps"])
def test_what_nobody_needs_any_more_goes_at_once(tmp_path, model, threads, out):
    """Synapses of one simulation after the other would fill the memory, if each had to wait for Python to look for cycles."""
    net = network(100, model, I_e=1000.0)
    net.connect("n", "n", "fixed_indegree", indegree=10, weight=1.0)
    net.record("n", "spikes")
    gc.disable()
    try:
        sim = ls.Simulation(net, threads=threads, out=out and tmp_path / out)
        sim.run(20.0)
        result = sim.result()
        synapses = weakref.ref(sim._engine.machine.synapses.target)
        sim.close()
        del sim
        assert synapses() is None and len(result.spikes["n"]) > 0
    finally:
        gc.enable()


def test_room_for_samples_goes_with_the_slice(monkeypatch):
    """It is the largest thing that a slice has of its own: two slices at once would take twice the memory. Little room is kept."""
    from lifsim.engine import Engine
    from lifsim.engine.engine import LITTLE

    made = []

    def with_room(self, probes, steps, own=Engine._with_room):
        found = own(self, probes, steps)
        if found.out.nbytes > LITTLE:
            made.append(weakref.ref(found.out))
        return found

    monkeypatch.setattr(Engine, "_with_room", with_room)
    net = network(100, "iaf_psc_exp")
    net.record("n", "V_m", interval=0.1)
    with ls.Simulation(net, threads=1) as sim:
        sim.run(20.0)
        sim.run(20.0)
        assert len(made) > 1 and not any(room() is not None for room in made)


WEIGHTS = {
    "constant": [0.1, -0.5],
    "too many constants": [0.1 * k for k in range(9)],
    "many constants that float32 holds": [0.5 * k for k in range(9)],
    "drawn": [{"normal": [0.1, 0.01]}],
    "given": [np.arange(9).reshape(3, 3) / 7],
    "given, and float32 holds them": [np.arange(9).reshape(3, 3) / 8],
    "too large for float32": [np.full((3, 3), 1e300)],
    "none": [],
}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("case", WEIGHTS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("weights", [None, "float64", "compact"])
def test_the_forecast_of_memory_knows_how_weights_are_stored(case, precision, weights):
    from lifsim.building.connections import values
    from lifsim.building.needs import bytes_of_weight, stored
    from lifsim.engine import Engine
    from lifsim.simulation.built_network import plan_of

    net = network()
    for weight in WEIGHTS[case]:
        net.connect("n", "n", weight=weight)
    weight = Engine(plan_of(net, 1), 1, precision, stored(weights)).machine.synapses.weight
    size = bytes_of_weight([values(p.weight, False) for p in net.projections], precision, weights)
    assert size == (weight.itemsize if len(weight) else 0)
