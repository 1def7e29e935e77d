"""Plastic synapses: described, run, read, recorded and stored. (That the rules are right is in `tests/physics`.)"""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.building.needs import estimate

MODELS = (
    "stdp_synapse",
    "stdp_pl_synapse_hom",
    "stdp_nn_symm_synapse",
    "stdp_triplet_synapse",
    "vogels_sprekeler_synapse",
    "tsodyks2_synapse",
    "tsodyks_synapse",
)
STEPS = 400


def network():
    """200 neurons, two blocks or three where threads are many, with synapses of every model."""
    net = ls.Network(dt=0.1)
    net.add("n", 200, "iaf_psc_exp", V_m={"uniform": [-70.0, -55.0]}, I_e=450.0, tau_minus={"uniform": [15.0, 40.0]})
    net.add("g", 5, "spike_generator", spike_times=np.arange(1.0, 30.0, 1.7).round(1))
    net.connect("g", "n", weight=1000.0, delay={"uniform": [0.5, 2.0]})
    net.connect("n", "n", "fixed_indegree", indegree=5, weight=-64.0, delay=0.5)
    for model in MODELS:
        inhibitory = model == "vogels_sprekeler_synapse"
        own = {"Wmax": -150.0, "eta": 2.0} if inhibitory else {}
        own |= {"lambda": {"uniform": [0.01, 0.1]}, "Wmax": 200.0} if model == "stdp_synapse" else {}
        own |= {"U": {"normal": [0.4, 0.1], "min": 0.1, "max": 0.9}} if model == "tsodyks2_synapse" else {}
        weight = {"uniform": [-80.0, -20.0]} if inhibitory else {"uniform": [20.0, 80.0]}
        rule = {"rule": "fixed_indegree", "indegree": 4} if not inhibitory else {"rule": "pairwise_bernoulli", "p": 0.05}
        net.connect(["n", "g"], "n", **rule, weight=weight, delay={"uniform": [0.3, 3.0]}, synapse={"model": model, **own})
    net.record("n", "spikes")
    return net


def facts(pieces=(STEPS,), **settings):
    """Spikes, potentials and all synapses at the end."""
    with ls.Simulation(network(), **settings) as sim:
        for n in pieces:
            sim.run(n * 0.1)
        spikes, own, given = sim.result().spikes["n"], sim.matrix("n", "n"), sim.matrix("g", "n")
        return [spikes.times, spikes.ids, sim.get("n", "V_m"), own.data, own.indices, given.data, given.indices]


@pytest.fixture(scope="module")
def reference():
    return facts(threads=1)


@pytest.mark.parametrize("threads", [2, 3])
def test_same_bits_for_any_number_of_threads(reference, threads):
    assert len(reference[0]) > 300
    assert all(np.array_equal(a, b) for a, b in zip(reference, facts(threads=threads), strict=True))


@pytest.mark.parametrize("pieces", [(1, 2, 397), (7,) * 57 + (1,)])
def test_same_bits_for_any_slices(reference, pieces):
    """Many short ones: what targets no longer need is dropped in between."""
    assert all(np.array_equal(a, b) for a, b in zip(reference, facts(pieces, threads=2), strict=True))


@pytest.mark.parametrize(("pieces", "delays"), [((40.0,), (0.4, 1.0)), ((0.5,) * 80, (0.4,))])
@pytest.mark.parametrize("model", ["stdp_synapse", "stdp_nn_symm_synapse", "stdp_triplet_synapse"])
def test_looking_at_all_targets_is_looking_at_each(model, pieces, delays):
    """Where many spikes arrive at once all targets are looked at beforehand; beside many idle neurons that never pays.

    Spikes come in every step or in bursts, with pauses; a parrot sends several at once; there are one or two delays.
    """

    def weights(idle):
        net = ls.Network(dt=0.1)
        rng = np.random.default_rng(5)
        times = [np.sort(rng.choice(np.append(np.arange(20, 90), np.arange(200, 380)), 60)) / 10 for _ in range(12)]  # some twice
        net.add("g", 12, "spike_generator", spike_times=times)
        net.add("p", 12, "parrot_neuron")
        net.add("n", 20, "iaf_psc_delta", V_th=-60.0, V_reset=-70.0, t_ref=0.1, tau_minus=15.0, V_m=np.linspace(-70.0, -60.1, 20))
        net.add("idle", idle, "iaf_psc_delta")
        net.connect("g", "p", "one_to_one", delay=0.1)
        net.connect("g", "n", "fixed_indegree", indegree=3, weight=2.5, delay=0.3)
        for delay in delays:
            net.connect("p", "n", weight=0.2, delay=delay, synapse={"model": model})
            net.connect("p", "p", weight=20.0, delay=delay, synapse={"model": model}, receptor_type=1)
        with ls.Simulation(net, threads=1) as sim:
            for piece in pieces:
                sim.run(piece)
            return [sim.matrix("p", target).data for target in ("n", "p")]

    few, many = weights(1), weights(3000)
    for a, b in zip(few, many, strict=True):
        assert np.ptp(a) > 0.01
        np.testing.assert_array_equal(a, b)


def test_all_weights_that_can_change_do(reference):
    with ls.Simulation(network(), threads=1) as sim:
        before = sim.matrix("n", "n").data
        sim.run(0.1)
        assert np.array_equal(before, sim.matrix("n", "n").data) == (len(sim.result().spikes["n"]) == 0)
    assert np.mean(before != reference[3]) > 0.5
    assert np.array_equal(np.sign(before), np.sign(reference[3])) or (reference[3] == 0).any()


def test_reading_leaves_no_trace(reference):
    with ls.Simulation(network(), threads=1) as sim:
        for _ in range(8):
            sim.run(5.0)
            sim.matrix("n", "n")
        assert np.array_equal(sim.matrix("n", "n").data, reference[3])


def test_time_constants_of_targets_can_be_set(reference):
    with ls.Simulation(network(), threads=1) as sim:
        sim.run(20.0)
        sim.set("n", tau_minus=sim.get("n", "tau_minus"))
        sim.run(20.0)
        assert np.array_equal(sim.matrix("n", "n").data, reference[3])
    with ls.Simulation(network(), threads=1) as sim:
        sim.run(20.0)
        sim.set("n", tau_minus=300.0)
        sim.run(20.0)
        assert not np.array_equal(sim.matrix("n", "n").data, reference[3])


def test_without_plastic_synapses_there_is_nothing_of_them():
    net = ls.Network(dt=0.1)
    net.add("n", 3, "iaf_psc_exp")
    net.connect("n", "n", synapse="static_synapse")
    assert net.projections[0].synapse is None
    with ls.Simulation(net, threads=1) as sim:
        assert sim._engine.machine.plastic is None


# -- recorded and stored ---------------------------------------------------------------------------


def test_weights_over_time(reference, tmp_path):
    net = network()
    net.record_weights("n[:20]", "n[50:]", interval=10.0, start=5.0)
    net.save(tmp_path / "model.toml")
    for own, out in ((net, None), (ls.load(tmp_path / "model.toml"), tmp_path / "run.h5")):
        with ls.Simulation(own, threads=2, out=out) as sim:
            sim.run(15.0)
            then = sim.matrix("n[:20]", "n[50:]")
            sim.run(25.0)
            assert np.array_equal(sim.matrix("n", "n").data, reference[3])
            traces = sim.result().traces["n"]
        weights = traces["weight_from_n"]
        assert np.array_equal(traces.times_of("weight_from_n"), [15.0, 25.0, 35.0])
        assert np.array_equal(weights[0], then.data) and not np.array_equal(weights[2], then.data)
        assert np.array_equal(traces.ids_of("weight_from_n"), then.indices + 50)
        assert np.array_equal(traces.sources_of("weight_from_n"), np.repeat(np.arange(20), np.diff(then.indptr)))
        assert traces.unit_of("weight_from_n") == "pA"


def test_weights_go_to_a_store(tmp_path):
    with ls.Simulation(network(), threads=1) as sim:
        sim.run(20.0)
        sim.save_weights(tmp_path / "weights.h5", "n", "n")
        sim.save_weights(tmp_path / "weights.h5", "g", "n", name="inputs")
        now = sim.matrix("n", "n"), sim.matrix("n", "n", "delay")
    with ls.weights.WeightStore(tmp_path / "weights.h5") as store:
        store.verify()
        assert store.names() == ["inputs", "n_to_n"] and store.units("n_to_n") == "pA"
        assert np.array_equal(store.get("n_to_n").data, now[0].data) and np.array_equal(store.delay("n_to_n").data, now[1].data)


def test_a_model_file_gives_the_same_synapses(tmp_path):
    net = network()
    pairs = {"sources": [3, 1, 2], "targets": [0, 5, 0]}
    synapse = {"model": "stdp_synapse", "lambda": [0.1, 0.2, 0.3], "Wmax": "0.2 nA"}
    net.connect("n", "n", "explicit", **pairs, weight=[1.0, 2.0, 3.0], synapse=synapse)
    net.connect("n", "n", np.eye(200), synapse={"model": "tsodyks_synapse", "U": np.linspace(0.1, 0.9, 200)})
    net.save(tmp_path / "model.toml")
    again = ls.load(tmp_path / "model.toml")
    for a, b in zip(net.projections, again.projections, strict=True):
        assert (a.synapse is None) == (b.synapse is None)
        if a.synapse:
            assert a.synapse.model is b.synapse.model and a.synapse.params.keys() == b.synapse.params.keys()
    last = again.projections[-2].synapse.params
    assert last["Wmax"] == 200.0 and dict(zip([0.1, 0.2, 0.3], [3, 1, 2], strict=True)) == dict(
        zip(last["lambda"], again.projections[-2].params["given"].sources, strict=True)
    )


def test_the_forecast_counts_them():
    def needed(indegree, **own):
        net = ls.Network()
        net.add("n", 2000, "iaf_psc_exp")
        synapse = {"model": "stdp_synapse", **own}
        net.connect("n", "n", "fixed_indegree", indegree=indegree, weight=1.0, synapse=synapse)
        return estimate(net)["bytes"]

    assert needed(2000) - needed(1000) == pytest.approx(2e6 * 10, rel=0.01)  # target and weight
    assert needed(2000, **{"lambda": {"uniform": [0.0, 0.1]}}) > needed(2000) + 4e6 * 8


# -- what is wrong is said -------------------------------------------------------------------------

WRONG = {
    "no such model": ("stdp_synaps", "there is no synapse model 'stdp_synaps'; did you mean 'stdp_synapse'?"),
    "not a model": (3, "projections[0].synapse: 3; expected the name of a synapse model"),
    "no such parameter": (
        {"model": "stdp_synapse", "lamda": 1.0},
        "synapse.lamda: stdp_synapse has no such parameter; did you mean 'lambda'?",
    ),
    "a static one has none": ({"model": "static_synapse", "U": 0.5}, "static_synapse has no such parameter"),
    "sign": ({"model": "stdp_synapse", "Wmax": -10.0}, "weight: 1 with Wmax -10; weight and Wmax must have the same sign"),
    "bound": ({"model": "tsodyks2_synapse", "U": 1.5}, "synapse.U: 1.5; must be 0 to 1"),
    "unit": ({"model": "stdp_synapse", "Wmax": "10 mV"}, "synapse.Wmax: '10 mV' is a voltage, expected a current (pA)"),
    "one number": (
        {"model": "stdp_pl_synapse_hom", "lambda": [[0.1] * 2] * 2},
        "lambda of stdp_pl_synapse_hom is one number for all synapses",
    ),
    "time constants": ({"model": "stdp_synapse", "tau_plus": [[1.0] * 2] * 2}, "tau_plus of stdp_synapse is one number for all synapses"),
    "shape": ({"model": "stdp_synapse", "lambda": [0.1, 0.2]}, "synapse.lambda: an array of shape (2,)"),
    "open distribution": ({"model": "tsodyks2_synapse", "U": {"normal": [0.5, 0.1]}}, "0 to 1 (give the distribution a min or a max)"),
    "resources": ({"model": "tsodyks_synapse", "x": 0.8, "y": 0.3}, "x + y must not be above 1"),
    "equal time constants": ({"model": "tsodyks_synapse", "tau_psc": 5.0, "tau_rec": 5.0}, "tau_psc and tau_rec must differ"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_synapses(case):
    synapse, said = WRONG[case]
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp")
    with pytest.raises(ls.ModelError) as error:
        net.connect("n", "n", synapse=synapse)
    assert said in str(error.value)


def test_wrong_weights_and_sources():
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp")
    net.add("noise", 1, "poisson_generator")
    with pytest.raises(ls.ModelError, match=r"weights of stdp_pl_synapse_hom must not be negative"):
        net.connect("n", "n", weight=-1.0, synapse="stdp_pl_synapse_hom")
    with pytest.raises(ls.ModelError, match=r"must have the same sign \(give the distribution a min or a max of 0\)"):
        net.connect("n", "n", weight={"normal": [1.0, 0.1]}, synapse="stdp_synapse")
    with pytest.raises(ls.ModelError, match=r"plastic synapses come from neurons or a spike_generator"):
        net.connect("noise", "n", synapse="stdp_synapse")
    with pytest.raises(ls.ModelError, match=r"(?s)no such parameter.*|must be") as error:
        net.connect("n", "n", "fixed_indegree", weight="x", synapse={"model": "stdp_synapse", "U": 1})
    assert len(error.value.problems) == 3  # indegree, weight, U: all at once


def test_wrong_recordings_of_weights():
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp")
    net.add("m", 2, "iaf_psc_exp")
    net.connect("n", "n")
    net.record_weights("n", "n")
    for given, said in {
        ("n", "m"): "there are no synapses from n to m; connect them first",
        ("n", "x"): "there is no population 'x'",
        ("n", "n"): "is recorded already",
    }.items():
        with pytest.raises(ls.ModelError) as error:
            net.record_weights(*given)
        assert said in str(error.value)
    text = '[populations.n]\nn = 2\nmodel = "iaf_psc_exp"\n[[projections]]\nsource = "n"\ntarget = "n"\n[[record]]\n'
    from lifsim.modelfile.reader import loads

    with pytest.raises(ls.ModelError, match=r"record\[0\].target: missing"):
        loads(text + 'source = "n"\nvariable = "weight"')
    with pytest.raises(ls.ModelError, match=r"record\[0\].populations: missing"):
        loads(text + 'variable = "V_m"')


def test_one_program_serves_all_networks_with_the_same_models():
    """Whatever the rules, parameters and delays are, and how many projections, the engine's arrays are of the same types."""
    from lifsim.engine import Engine
    from lifsim.simulation.built_network import plan_of

    programs = []
    for many in (False, True):
        net = ls.Network()
        net.add("n", 70, "iaf_psc_exp")
        net.connect("n", "n", weight=1.0, synapse="stdp_synapse_hom")
        if many:
            own = {"lambda": {"uniform": [0.0, 0.1]}, "Wmax": np.full((70, 70), 3.0)}
            net.connect("n", "n", weight={"uniform": [0.0, 2.0]}, delay={"uniform": [1.0, 9.0]}, synapse={"model": "stdp_synapse", **own})
            net.connect("n", "n", np.eye(70), synapse="stdp_synapse")
        engine = Engine(plan_of(net, 1), 2 if many else 1)
        programs.append({name: key for name, key in engine.programs() if name != "deliver_static"})
        engine.close()
    assert programs[0] == programs[1] and "deliver_plastic" in programs[0]
