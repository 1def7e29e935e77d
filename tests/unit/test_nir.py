"""NIR: what is written is read by the nir package, and the other way; networks come back with the same spikes."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import lifsim as ls
from lifsim import nir
from lifsim.errors import DataError, LifsimError
from lifsim.weights import WeightStore

RNG = np.random.default_rng(3)
W1, B1, W2 = RNG.normal(size=(5, 4)), RNG.normal(size=5), RNG.normal(size=(3, 5)).astype(np.float32)


@pytest.fixture
def store():
    with WeightStore() as store:
        store.put("layer_1", W1, bias=B1, units="1")
        store.put("layer_2", W2, units="1")
        yield store


def feed_forward(model: str, source: str = "spike_generator", **params) -> ls.Network:
    """Four inputs, five neurons, three more."""
    rng = np.random.default_rng(4)
    net = ls.Network(dt=0.1)
    if source == "spike_generator":
        net.add(
            "in",
            4,
            source,
            spike_times=[np.sort(rng.choice(np.arange(1, 900), 80, replace=False) / 10).round(1).tolist() for _ in range(4)],
        )
    else:
        net.add("in", 4, source, amplitude=rng.uniform(0.2, 1.0, 4))
    net.add("bias", 1, "dc_generator", amplitude=2.0)
    scale = 1.0 if model != "iaf_psc_exp" else 4.0
    for name, n in (("a", 5), ("b", 3)):
        net.add(name, n, model, t_ref=0.0, **params)
    net.connect("in", "a", scale * np.abs(W1), delay=0.1)
    net.connect("bias", "a", 0.1 * np.abs(B1)[:, None], delay=0.1)
    net.connect("a", "b", scale * np.abs(W2).astype(float), delay=0.1)
    net.record(["a", "b"], "spikes")
    return net


LEAKY = {"E_L": 0.0, "V_m": 0.0, "V_reset": -0.5, "V_th": 1.0, "tau_m": 15.0, "C_m": 10.0, "I_e": 0.05}
CASES = [
    ("iaf_psc_exp", "spike_generator", LEAKY | {"tau_syn_ex": 3.0, "tau_syn_in": 3.0}),
    ("iaf_psc_exp", "dc_generator", LEAKY | {"tau_syn_ex": 3.0, "tau_syn_in": 3.0}),
    ("iaf_psc_delta", "spike_generator", LEAKY | {"V_th": 3.0}),
    ("if_psc_delta", "spike_generator", {"V_th": 2.0, "C_m": 4.0, "I_e": 0.05}),
    ("if_psc_delta", "dc_generator", {"V_th": 2.0, "C_m": 4.0}),
]


@pytest.mark.parametrize(("model", "source", "params"), CASES)
def test_networks_come_back_with_the_same_spikes(tmp_path, model, source, params):
    net = feed_forward(model, source, **params)
    nir.save(tmp_path / "net.nir", net)
    inputs = {"in": {key: value for key, value in net.populations["in"].params.items() if key in ("amplitude", "spike_times")}}
    again = nir.load(tmp_path / "net.nir", inputs=inputs)
    first, second = ls.run(net, 100.0), ls.run(again, 100.0)
    for name in ("a", "b"):
        expected, found = first.spikes[name], second.spikes[name]
        assert len(expected.times) > 20
        # Biases act from the beginning, not from the second step on, and through the synapses of CubaLIF: a few spikes move.
        moved = 0.25 if model == "iaf_psc_exp" else 0.1
        assert abs(len(found.times) - len(expected.times)) <= max(2, moved * len(expected.times))
    weights = {p.source.name + p.target.name: p for p in again.projections}
    for p in net.projections:
        if p.source.name != "bias":
            np.testing.assert_allclose(weights[p.source.name + p.target.name].weight, p.weight, rtol=1e-12)
    for name in ("a", "b"):
        for key, value in net.populations[name].params.items():
            if key not in ("t_ref", "I_e", "tau_syn_ex", "tau_syn_in"):
                np.testing.assert_allclose(again.populations[name].params[key], value, rtol=1e-12)
    total = 2.0 * 0.1 * np.abs(B1) + params.get("I_e", 0.0)
    np.testing.assert_allclose(again.populations["a"].params["I_e"], total, rtol=1e-12)


def test_weights_come_back_as_they_were(tmp_path, store):
    nir.save_weights(tmp_path / "w.nir", store)
    with WeightStore() as again:
        assert nir.load_weights(tmp_path / "w.nir", again) == ["layer_1", "layer_2"]
        assert again.verify() == store.verify()
        assert again.get("layer_2").dtype == np.float32


def test_a_converted_network_is_written(tmp_path):
    X = np.repeat(np.eye(4), 10, axis=0)
    m = ls.ann.Classifier((6,), epochs=30, learning_rate=0.05).fit(X, np.repeat(np.arange(4), 10))
    s = ls.ann.to_spiking(m, X, neuron="if")
    nir.save(tmp_path / "net.nir", s.network)
    graph = nir.read(tmp_path / "net.nir")
    assert sorted(node["type"] for node in graph.nodes.values()) == ["Affine", "Affine", "I", "IF", "Input", "Output"]
    again = nir.load(tmp_path / "net.nir", dt=1.0, inputs={"input": {"amplitude": X[0]}})
    again.record("output", "V_m", interval=1.0)
    found = ls.run(again, 32.0).traces["output"]["V_m"][-1]
    assert found.argmax() == m.predict(X[:1])[0] == 0


# -- the nir package -------------------------------------------------------------------------------


def test_the_nir_package_reads_it(tmp_path, store):
    theirs = pytest.importorskip("nir")
    nir.save_weights(tmp_path / "w.nir", store)
    graph = theirs.read(tmp_path / "w.nir")
    np.testing.assert_array_equal(graph.nodes["layer_1"].weight, W1)
    np.testing.assert_array_equal(graph.nodes["layer_1"].bias, B1)
    assert type(graph.nodes["layer_2"]).__name__ == "Linear" and len(graph.edges) == 3
    for model, source, params in CASES:
        nir.save(tmp_path / "net.nir", feed_forward(model, source, **params))
        graph = theirs.read(tmp_path / "net.nir")
        assert {"in", "a", "b"} <= set(graph.nodes)
        if model != "if_psc_delta":
            np.testing.assert_allclose(graph.nodes["a"].v_threshold, params["V_th"])


def test_what_the_nir_package_writes(tmp_path):
    theirs = pytest.importorskip("nir")
    ones = np.ones(5)
    nodes = {
        "in": theirs.Input(np.array([4])),
        "fc": theirs.Affine(np.abs(W1), 50 * ones),
        "lif": theirs.CubaLIF(tau_syn=0.005 * ones, tau_mem=0.02 * ones, r=ones, v_leak=0 * ones, v_threshold=ones, w_in=0.1 * ones),
        "out": theirs.Output(np.array([5])),
    }
    theirs.write(tmp_path / "x.nir", theirs.NIRGraph(nodes, [("in", "fc"), ("fc", "lif"), ("lif", "out")]))
    net = nir.load(tmp_path / "x.nir", inputs={"in": {"spike_times": [[10.0]] * 4}})
    p = net.populations["lif"].params
    assert net.populations["lif"].model.name == "iaf_psc_exp" and p["tau_syn_ex"][0] == 5.0 and p["tau_m"][0] == 20.0
    np.testing.assert_allclose(p["I_e"], 5.0)
    np.testing.assert_allclose(net.projections[0].weight, (np.abs(W1) * 0.1 / 0.005).ravel())
    # The steady current of 5 against a threshold of 1: tau ln(5 / 4) between spikes, at most a step longer.
    times = ls.run(net, 260.0).spikes["lif"].times
    assert (times > 60).sum() / 5 == pytest.approx(200 / (20 * np.log(5 / 4) + 0.05), rel=0.03)


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda net: net.add("c", 2, "iaf_cond_exp"), "populations.c: iaf_cond_exp has no counterpart in NIR"),
        (lambda net: net.add("c", 2, "iaf_psc_delta", t_ref=2.0), "populations.c.t_ref: 2 ms; NIR has no refractory period"),
        (lambda net: net.add("c", 2, "iaf_psc_exp", t_ref=0.0, tau_syn_ex=1.0), "different tau_syn_ex and tau_syn_in"),
        (lambda net: net.add("c", 1, "poisson_generator", rate=1.0), "a poisson_generator, which NIR does not have"),
        (lambda net: net.connect("a", "b", "fixed_indegree", indegree=2, delay=0.1), "connections by fixed_indegree"),
        (lambda net: net.connect("a", "b", W2.astype(float), delay=0.2), "longer than a time step"),
        (lambda net: net.connect("a", "b", W2.astype(float), delay={"uniform": [1.0, 2.0]}), "drawn or by distance"),
        (lambda net: net.add("c", 2, "iaf_psc_delta", t_ref=0.0, V_th={"normal": [-50.0, 1.0]}), "drawn from a distribution"),
    ],
)
def test_what_nir_cannot_express(tmp_path, change, match):
    net = feed_forward("iaf_psc_delta", **LEAKY)
    change(net)
    with pytest.raises(LifsimError, match=match):
        nir.save(tmp_path / "net.nir", net)
    assert not (tmp_path / "net.nir").exists()


def test_what_is_no_chain_of_layers(tmp_path, store):
    store.put("layer_3", np.ones((2, 7)))
    with pytest.raises(LifsimError, match="takes 7 values after a layer of 3"):
        nir.save_weights(tmp_path / "w.nir", store)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f.pop("node"), "holds no NIR graph"),
        (lambda f: f["node/nodes"].pop("a"), "there is no node 'a'"),
        (lambda f: f["node/nodes/a"].pop("tau"), "a broken LIF node"),
        (lambda f: f["node/nodes/a/type"].__setitem__((), "Conv2d"), "a node of type Conv2d"),
        (lambda f: (f["node/nodes/a"].pop("r"), f["node/nodes/a"].create_dataset("r", data=np.ones(4))), "different lengths"),
        (lambda f: (f["node/nodes"].pop("b"), f["node/nodes"].__setitem__("b", h5py.ExternalLink("x.h5", "b"))), "not a node of this file"),
        (
            lambda f: (
                f["node/nodes/in_to_a_0"].pop("weight"),
                f["node/nodes/in_to_a_0"].__setitem__("weight", h5py.ExternalLink("x.h5", "w")),
            ),
            "not a dataset of this file",
        ),
        (lambda f: f["node/nodes/in_to_a_0/weight"].__setitem__((0, 0), np.nan), "a matrix of finite numbers"),
    ],
)
def test_broken_files(tmp_path, change, match):
    nir.save(tmp_path / "net.nir", feed_forward("iaf_psc_delta", **LEAKY))
    with h5py.File(tmp_path / "net.nir", "r+") as file:
        change(file)
    with pytest.raises(DataError, match=match):
        nir.load(tmp_path / "net.nir")


def test_other_wrong_use(tmp_path):
    (tmp_path / "x.nir").write_text("no")
    with pytest.raises(DataError, match="cannot be read as NIR"):
        nir.load(tmp_path / "x.nir")
    nir.save(tmp_path / "net.nir", feed_forward("iaf_psc_delta", **LEAKY))
    with pytest.raises(LifsimError, match="there is no such Input node; in"):
        nir.load(tmp_path / "net.nir", inputs={"inn": {}})
