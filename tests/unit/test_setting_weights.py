"""Weights of static and plastic synapses are set, one projection at a time; delays and other projections stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array, random_array

import lifsim as ls
from lifsim.common.errors import ModelError

N = 40
RULES = {
    "all_to_all": {},
    "one_to_one": {},
    "fixed_indegree": {"indegree": 7},
    "fixed_outdegree": {"outdegree": 5},
    "fixed_total_number": {"N": 300},
    "pairwise_bernoulli": {"p": 0.2},
}


def network(rule="fixed_indegree", synapse="static_synapse", model="iaf_psc_exp", **more):
    net = ls.Network(seed=3)
    drive = {"I_e": {"uniform": [350.0, 420.0]}} if model.startswith("iaf_psc") else {}
    for name in "ab":
        net.add(name, N, model, **drive)
    if not drive:
        net.add("ext", 1, "poisson_generator", rate=9000.0)
        net.connect("ext", ["a", "b"], weight=2.0)
    values = {"weight": {"uniform": [10.0, 30.0]}, "delay": {"uniform": [1.0, 4.0]}} | more
    net.connect("a", "b", rule, name="one", synapse=synapse, **RULES.get(rule, {}), **values)
    net.connect("a", "b", "fixed_indegree", indegree=4, weight=-20.0 if "plastic" not in more else 20.0, delay=2.0, name="two")
    net.record(["a", "b"], "spikes")
    return net


def entries(matrix):
    """(source, target, weight) of every synapse, in order."""
    source = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    return sorted(zip(source.tolist(), matrix.indices.tolist(), matrix.data.round(9).tolist(), strict=True))


@pytest.mark.parametrize("synapse", ["static_synapse", "stdp_synapse", "tsodyks2_synapse"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule(rule, synapse):
    """What `matrix` says of a projection adds up to what it says of all, and what was set is what is there."""
    with ls.Simulation(network(rule, synapse), threads=2) as sim:
        one, two = (sim.matrix("a", "b", projection=name) for name in ("one", "two"))
        assert entries(sim.matrix("a", "b")) == sorted(entries(one) + entries(two))
        delays = sim.matrix("a", "b", "delay", projection="one")
        new = np.round(np.linspace(11.0, 29.0, one.nnz), 3)
        sim.set_weights("a", "b", new, projection="one")
        got = sim.matrix("a", "b", projection="one")
        tolerance = 0 if synapse == "static_synapse" else 1e-12
        np.testing.assert_allclose(got.data, new, rtol=tolerance)
        np.testing.assert_array_equal(got.indices, one.indices)
        np.testing.assert_array_equal(sim.matrix("a", "b", "delay", projection="one").data, delays.data)
        assert entries(sim.matrix("a", "b", projection="two")) == entries(two)
        assert entries(sim.matrix("a", "b")) == sorted(entries(got) + entries(two))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("weights", [None, "float32", "compact"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_spikes_are_those_of_a_network_built_with_these_weights(threads, weights, precision):
    """Also of weights that change their sign, or were all the same when the network was built."""
    options = {"threads": threads, "precision": precision, "weights": weights}
    for built in (20.0, {"uniform": [10.0, 30.0]}):
        rng = np.random.default_rng(1)
        dense = rng.normal(0.0, 30.0, (N, N)).round(2)
        with ls.Simulation(network("all_to_all", weight=built, delay=2.0), **options) as sim:
            sim.set_weights("a", "b", dense, projection="one")
            sim.run(100.0)
            changed = sim.result().spikes["b"]
        plain = ls.run(network("all_to_all", weight=dense, delay=2.0), 100.0, **options).spikes["b"]
        assert len(plain) > 50
        np.testing.assert_array_equal(changed.times, plain.times)
        np.testing.assert_array_equal(changed.ids, plain.ids)


@pytest.mark.parametrize("model", ["iaf_cond_exp", "iaf_psc_delta", "iaf_psc_exp_ps"])
def test_other_models(model):
    scale = {"iaf_cond_exp": 0.1, "iaf_psc_delta": 0.01}.get(model, 1.0)
    weight = np.random.default_rng(2).uniform(10, 30, (N, N)) * scale
    kwargs = {"rule": "all_to_all", "model": model, "delay": 2.0}
    with ls.Simulation(network(weight=20.0 * scale, **kwargs)) as sim:
        sim.run(30.0)
        sim.set_weights("a", "b", weight, projection="one")
        sim.run(30.0)
        spikes, matrix = sim.result().spikes["b"], sim.matrix("a", "b", projection="one")
    with ls.Simulation(network(weight=weight, **kwargs)) as sim:
        assert entries(matrix) == entries(sim.matrix("a", "b", projection="one"))
    assert len(spikes) > 0 or model == "iaf_cond_exp"


def test_spikes_on_their_way_arrive_with_the_new_weight():
    """A spike sent at 5 ms arrives at 15 ms; the weight is set at 10 ms."""
    net = ls.Network()
    net.add("s", 1, "spike_generator", spike_times=[5.0])
    net.add("n", 2, "iaf_psc_exp", V_th=1e9)
    net.connect("s", "n", weight=[[100.0], [200.0]], delay=10.0)
    net.record("n", "I_syn_ex", interval=0.1)
    for threads in (1, 2):
        with ls.Simulation(net, threads=threads) as sim:
            sim.run(10.0)
            sim.set_weights("s", "n", lambda w: 3 * w)
            sim.run(10.0)
            current = sim.result().traces["n"]["I_syn_ex"]
        assert current[148].tolist() == [0.0, 0.0] and current[149].tolist() == [300.0, 600.0]


def test_forms_of_values():
    with ls.Simulation(network("all_to_all")) as sim:
        first = sim.matrix("a", "b", projection="one")
        dense = np.arange(1.0, N * N + 1).reshape(N, N)
        columns = np.repeat(np.arange(N), np.diff(first.indptr))
        sparse = csc_array((first.data * 2, first.indices, first.indptr), shape=(N, N))
        shuffled = sparse.tocoo()
        order = np.random.default_rng(0).permutation(shuffled.nnz)
        for value, wanted in [
            (5.0, np.full(first.nnz, 5.0)),
            (np.arange(first.nnz), np.arange(first.nnz)),
            (dense, dense[first.indices, columns]),
            (sparse, sparse.data),
            (sparse.tocsr(), sparse.data),
            (lambda w: w.data + 1.0, sparse.data + 1.0),
            (lambda w: w * 0.5, (sparse.data + 1.0) * 0.5),
        ]:
            sim.set_weights("a", "b", value, projection="one")
            np.testing.assert_allclose(sim.matrix("a", "b", projection="one").data, wanted, rtol=1e-12)
        assert order is not None


@pytest.mark.parametrize("synapse", ["static_synapse", "stdp_synapse"])
def test_weights_are_normalised_in_one_line(synapse):
    with ls.Simulation(network("all_to_all", synapse)) as sim:
        sim.run(50.0)
        sim.set_weights("a", "b", lambda w: w.multiply(800.0 / w.sum(axis=1)[:, None]), projection="one")
        np.testing.assert_allclose(
            sim.matrix("a", "b", projection="one").sum(axis=1), 800.0, rtol=1e-9 if synapse == "static_synapse" else 2e-2
        )


def test_some_of_the_synapses():
    with ls.Simulation(network("all_to_all")) as sim:
        before = sim.matrix("a", "b", projection="one").toarray()
        sim.set_weights("a[0:3]", "b[5:7]", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], projection="one")
        after = sim.matrix("a", "b", projection="one").toarray()
        assert after[5:7, 0:3].tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
        before[5:7, 0:3] = after[5:7, 0:3]
        np.testing.assert_array_equal(after, before)


def test_given_matrices_and_lists():
    rng = np.random.default_rng(4)
    weight = random_array((N, N), density=0.2, rng=rng, format="csr") * 20
    for kind in ("matrix", "explicit"):
        net = ls.Network()
        net.add("a", N, "iaf_psc_exp", I_e=400.0)
        net.add("b", N, "iaf_psc_exp")
        if kind == "matrix":
            net.connect("a", "b", weight, delay=1.0)
        else:
            coo = weight.tocoo()
            pick = rng.permutation(coo.nnz)
            net.connect("a", "b", "explicit", sources=coo.col[pick], targets=coo.row[pick], weight=coo.data[pick], delay=1.0)
        with ls.Simulation(net) as sim:
            np.testing.assert_allclose(sim.matrix("a", "b").toarray(), weight.toarray(), rtol=1e-12)
            sim.set_weights("a", "b", lambda w: w * 3.0)
            np.testing.assert_allclose(sim.matrix("a", "b").toarray(), 3.0 * weight.toarray(), rtol=1e-12)


@pytest.mark.parametrize("synapse", ["static_synapse", "stdp_synapse"])
def test_a_checkpoint_holds_the_weights_that_were_set(tmp_path, synapse):
    with ls.Simulation(network(synapse=synapse), threads=2) as sim:
        sim.run(50.0)
        sim.set_weights("a", "b", lambda w: w * 1.5, projection="one")
        sim.run(25.0)
        sim.save(tmp_path / "x.ckpt")
        sim.run(50.0)
        result, matrix = sim.result(), sim.matrix("a", "b")
    with ls.Simulation.restore(tmp_path / "x.ckpt", threads=1) as sim:
        sim.run(50.0)
        assert entries(sim.matrix("a", "b")) == entries(matrix)
        np.testing.assert_array_equal(sim.result().spikes["b"].times, result.spikes["b"].times)
    assert result.info["changes"][0]["of"] == "a to b" and result.info["changes"][0]["set"] == "weight"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("model", ["iaf_psc_exp", "iaf_psc_exp_ps"])
def test_delays(tmp_path, model, threads):
    """Spikes are those of a network built with these delays; a checkpoint has them, and reset forgets them."""
    delay = np.random.default_rng(3).integers(10, 41, (N, N)) * 0.1
    kwargs = {"rule": "all_to_all", "model": model, "weight": 20.0}
    plain = ls.run(network(delay=delay, **kwargs), 80.0).spikes["b"]
    with ls.Simulation(network(delay={"uniform": [1.0, 4.0]}, **kwargs), threads=threads) as sim:
        built = sim.matrix("a", "b", "delay", projection="one").data
        sim.set_delays("a", "b", delay, projection="one")
        np.testing.assert_allclose(sim.matrix("a", "b", "delay", projection="one").toarray(), delay, rtol=1e-12)
        sim.run(40.0)
        sim.save(tmp_path / "x.ckpt")
        sim.run(40.0)
        np.testing.assert_array_equal(sim.result().spikes["b"].times, plain.times)
        with pytest.raises(ModelError, match="spikes of a are on their way"):
            sim.set_delays("a", "b", 1.0, projection="one")
        sim.reset()
        np.testing.assert_array_equal(sim.matrix("a", "b", "delay", projection="one").data, built)
    with ls.Simulation.restore(tmp_path / "x.ckpt") as sim:
        sim.run(40.0)
        np.testing.assert_array_equal(sim.result().spikes["b"].times, plain.times)


@pytest.mark.parametrize(
    ("value", "projection", "words"),
    [
        (4.1, "two", "from 1 to 4 ms"),
        (0.5, "two", "from 1 to 4 ms"),
        (1.55, "two", "1.55 ms"),
        (np.inf, "two", "inf ms"),
        (2.0, "one", "stdp_synapse keeps its delay"),
    ],
    ids=str,
)
def test_wrong_delays(value, projection, words):
    net = network(synapse="stdp_synapse")
    net.connect("a", "b", "one_to_one", delay=4.0, name="long")
    net.connect("a", "b", "one_to_one", delay=1.0, name="short")
    with ls.Simulation(net) as sim:
        before = entries(sim.matrix("a", "b", "delay"))
        with pytest.raises(ModelError) as error:
            sim.set_delays("a", "b", value, projection=projection)
        assert words in str(error.value)
        assert entries(sim.matrix("a", "b", "delay")) == before


def test_multapses_of_both_signs_keep_their_order():
    """Excitatory and inhibitory synapses of one pair are stored apart; after a change of sign they are still told apart."""
    rng = np.random.default_rng(5)
    with ls.Simulation(network("fixed_total_number", weight={"normal": [0.0, 20.0]}, delay=2.0)) as sim:
        for _ in range(3):
            old = sim.matrix("a", "b", projection="one")
            new = rng.normal(0.0, 20.0, old.nnz)
            sim.set_weights("a", "b", new, projection="one")
            got = sim.matrix("a", "b", projection="one")
            assert entries(got) == sorted(zip(*(x.tolist() for x in (_columns(old), old.indices, new.round(9))), strict=True))


def test_pairs_whose_weights_cancel_share_a_new_one_equally():
    net = ls.Network()
    net.add("a", 1, "iaf_psc_exp")
    net.add("b", 1, "iaf_psc_exp")
    net.connect("a", "b", "explicit", sources=[0, 0], targets=[0, 0], weight=np.array([1.0, -1.0 + 1e-15]), delay=1.0)
    with ls.Simulation(net) as sim:
        sim.set_weights("a", "b", np.array([[4.0]]))
        np.testing.assert_array_equal(sim.matrix("a", "b").data, [2.0, 2.0])
        sim.set_weights("a", "b", np.array([[1.0]]))
        np.testing.assert_array_equal(sim.matrix("a", "b").data, [0.5, 0.5])


def _columns(matrix):
    return np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))


@pytest.mark.parametrize(
    ("source", "target", "value", "projection", "words"),
    [
        ("a", "b", 1.0, None, "2 projections, and none is named"),
        ("a", "b", 1.0, "on", "one"),
        ("a", "b", 1.0, 7, "no projection 7"),
        ("b", "a", 1.0, None, "there are no synapses"),
        ("a", "b", [1.0, 2.0], "two", "(160,)"),
        ("a", "b", "x", "two", "a number"),
        ("a", "b", np.nan, "two", "not a number"),
        ("a", "b", np.inf, "two", "finite"),
        ("a", "b", -1.0, "one", "b"),
        ("a", "b", csc_array((N, N)), "two", "160 entries"),
    ],
    ids=str,
)
def test_wrong_values(source, target, value, projection, words):
    with ls.Simulation(network(synapse="stdp_synapse")) as sim:
        before = entries(sim.matrix("a", "b"))
        with pytest.raises(ModelError) as error:
            sim.set_weights(source, target, value, projection=projection)
        assert words in str(error.value)
        assert entries(sim.matrix("a", "b")) == before


def test_names_of_projections(tmp_path):
    net = network()
    assert [p.name for p in net.projections] == ["one", "two"]
    with pytest.raises(ModelError, match="'one' is the name of another projection"):
        net.connect("a", "b", name="one")
    net.connect("b", "a", name="one")  # another pair of populations
    net.connect(["a", "b"], "a", name="three")
    with pytest.raises(ModelError, match="a text"):
        net.connect("a", "b", name=3)
    net.save(tmp_path / "x.toml")
    assert [p.name for p in ls.load(tmp_path / "x.toml").projections] == ["one", "two", "one", "three", "three"]


@pytest.mark.parametrize("synapse", ["static_synapse", "stdp_synapse"])
def test_normalisation_with_several_synapses_of_a_pair(synapse):
    """SciPy adds up the entries of a pair; the synapses of the pair keep their proportions."""
    with ls.Simulation(network("fixed_total_number", synapse)) as sim:
        before = sim.matrix("a", "b", projection="one")
        assert len({(s, t) for s, t, _ in entries(before)}) < before.nnz
        sim.set_weights("a", "b", lambda w: w.multiply(300.0 / w.sum(axis=1)[:, None]), projection="one")
        after = sim.matrix("a", "b", projection="one")
        totals = np.bincount(after.indices, after.data, minlength=N)
        np.testing.assert_allclose(totals[totals > 0], 300.0, rtol=1e-12)
        np.testing.assert_allclose(
            after.data / before.data, (300.0 / np.bincount(before.indices, before.data, minlength=N))[before.indices]
        )
        sim.set_weights("a", "b", lambda w: w.toarray(), projection="one")
        np.testing.assert_allclose(sim.matrix("a", "b", projection="one").data, after.data, rtol=1e-12)


RULES_OF_PLASTICITY = [
    "stdp_synapse",
    "stdp_synapse_hom",
    "stdp_nn_symm_synapse",
    "stdp_pl_synapse_hom",
    "stdp_triplet_synapse",
    "vogels_sprekeler_synapse",
    "tsodyks2_synapse",
]


@pytest.mark.parametrize("synapse", RULES_OF_PLASTICITY)
def test_what_is_set_is_read_while_spikes_are_on_their_way(synapse):
    net = ls.Network()
    net.add("s", 3, "spike_generator", spike_times=[[5.0, 20.0, 20.3], [7.0, 20.4], [9.0]])
    net.add("e", 2, "iaf_psc_exp", I_e=600.0)
    bound = {"Wmax": 100.0} if synapse == "vogels_sprekeler_synapse" else {}
    net.connect("s", "e", weight=10.0, delay=1.5, synapse={"model": synapse, **bound})
    with ls.Simulation(net) as sim:
        sim.run(20.5)
        for new in (lambda w: w, lambda w: w, lambda w: 1.3 * w, lambda w: w.multiply(30.0 / w.sum(axis=1)[:, None])):
            now = sim.matrix("s", "e")
            sim.set_weights("s", "e", new)
            np.testing.assert_allclose(sim.matrix("s", "e").toarray(), np.asarray(new(now.copy()).toarray()), rtol=1e-11)


def test_a_function_that_returns_nothing():
    with ls.Simulation(network()) as sim, pytest.raises(ModelError, match="the function returned nothing"):
        sim.set_weights("a", "b", lambda w: None, projection="one")


def test_a_reset_that_keeps_the_weights_keeps_delays_and_says_so():
    with ls.Simulation(network()) as sim:
        sim.set_weights("a", "b", 12.0, projection="one")
        sim.set_delays("a", "b", 3.0, projection="one")
        sim.set("a", V_m=-60.0)
        sim.run(5.0)
        sim.reset(keep="weights")
        assert set(sim.matrix("a", "b", "delay", projection="one").data) == {3.0}
        assert [change["set"] for change in sim.result().info["changes"]] == ["weight", "delay"]
        sim.reset()
        assert len(set(sim.matrix("a", "b", "delay", projection="one").data)) > 1
        assert sim.result().info["changes"] == []
