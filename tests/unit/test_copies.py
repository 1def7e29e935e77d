"""What can be pickled and copied, for workers in other processes, and what says why it cannot."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

import lifsim as ls
from lifsim.ann import Classifier, Regressor, SpikingClassifier, to_spiking
from lifsim.weights import WeightStore

COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}


@pytest.fixture(params=COPIES)
def copied(request):
    return COPIES[request.param]


def network() -> ls.Network:
    """Something of everything that a description holds."""
    net = ls.Network(seed=3, duration=50.0)
    net.add("e", 20, "iaf_psc_exp", I_e=np.linspace(400.0, 600.0, 20), V_m={"normal": [-60.0, 1.0]}, positions={"grid": [4, 5]})
    net.add("two", 5, "iaf_psc_exp_multisynapse", tau_syn=[1.0, 2.0])
    net.add("p", 1, "poisson_generator", rate=1000.0)
    net.connect("p", "e", weight=10.0)
    net.connect("e", "e", "pairwise_bernoulli", p={"gaussian": {"p0": 0.5, "sigma": 0.3}}, delay={"linear": {"base": 1.0, "per_mm": 1.0}})
    net.connect("e[::2]", "two", csr_array(np.ones((5, 10))), receptor_type=2)
    net.connect("e", "e", "fixed_indegree", indegree=2, synapse={"model": "stdp_synapse", "lambda": 0.02})
    net.record(["e"], ["spikes", "V_m", "rate"])
    return net


def run(net: ls.Network) -> ls.Result:
    """At the top of a module, as workers need it."""
    return ls.run(net)


def assert_same(a: ls.Result, b: ls.Result) -> None:
    for name in a.spikes:
        np.testing.assert_array_equal(a.spikes[name].times, b.spikes[name].times)
        np.testing.assert_array_equal(a.spikes[name].ids, b.spikes[name].ids)
    for name in a.traces:
        for variable in a.traces[name]:
            np.testing.assert_array_equal(a.traces[name][variable], b.traces[name][variable])
            np.testing.assert_array_equal(a.traces[name].times_of(variable), b.traces[name].times_of(variable))
    np.testing.assert_array_equal(a.positions["e"], b.positions["e"])
    assert list(a.spikes) == list(b.spikes) and list(a.traces) == list(b.traces) and a.populations == b.populations


def test_results_in_memory(copied):
    result = run(network())
    assert len(result.spikes["e"]) > 0
    other = copied(result)
    assert_same(result, other)
    assert other.info == result.info and repr(other) == repr(result) and other.path is None


def test_parts_of_results(copied):
    result = run(network())
    np.testing.assert_array_equal(copied(result.traces["e"])["V_m"], result.traces["e"]["V_m"])
    np.testing.assert_array_equal(copied(result.spikes)["e"].times, result.spikes["e"].times)
    np.testing.assert_array_equal(copied(result.spikes["e"]).window(10, 20).ids, result.spikes["e"].window(10, 20).ids)
    np.testing.assert_array_equal(copied(result.positions)["e"], result.positions["e"])


def test_a_result_in_a_file_travels_as_its_path(tmp_path, monkeypatch, copied):
    monkeypatch.chdir(tmp_path)
    result = ls.run(network(), out="x.h5")
    result.traces["e"]["V_m"]
    other = copied(ls.open("x.h5"))
    assert len(pickle.dumps(result)) < 20_000  # and not what was read
    monkeypatch.chdir("/")
    if copied is not COPIES["copy"]:
        assert other.path == tmp_path / "x.h5"
        assert_same(other, ls.open(tmp_path / "x.h5"))
        assert other.verify() == ls.open(tmp_path / "x.h5").verify()


def test_a_file_that_is_another_now_is_refused(tmp_path):
    kept = pickle.dumps(ls.run(network(), out=tmp_path / "x.h5"))
    ls.run(network(), 20.0, out=tmp_path / "x.h5", overwrite=True)
    with pytest.raises(ls.DataError, match="was replaced after it was opened"):
        _ = pickle.loads(kept).spikes["e"]
    (tmp_path / "x.h5").unlink()
    with pytest.raises(ls.DataError, match="was removed after it was opened"):
        _ = pickle.loads(kept).spikes["e"]


def test_a_log_travels_as_its_path_and_extent(tmp_path, monkeypatch, copied):
    monkeypatch.chdir(tmp_path)
    with ls.Simulation(network(), out=tmp_path / "x.h5") as sim:
        sim.run(20.0)
        then = copied(ls.open("x.h5"))
        sim.run(20.0)
        if copied is not COPIES["copy"]:
            monkeypatch.chdir("/")
        assert then.t_stop == 20.0 and then.spikes["e"].times.max() <= 20.0
        sim.result()
    then.close()  # forgets what was read
    with pytest.raises(ls.DataError):
        _ = copied(then).spikes["e"]


def test_networks(copied):
    net = network()
    other = copied(net)
    assert_same(run(net), run(other))
    assert other.populations["e"].model is net.populations["e"].model  # models are known by name
    for part in (
        net.populations["e"],
        net.populations["two"],
        net.projections[1],
        net.projections[-1],
        net.view("e[::2]"),
        net.recordings[0],
    ):
        assert repr(copied(part)) or True
    assert copied(net.view("e[3:7]")).ids.tolist() == [3, 4, 5, 6]


def test_a_copy_of_a_network_is_one_of_its_own():
    net = network()
    other = copy.deepcopy(net)
    other.add("more", 3, "iaf_psc_exp")
    other.connect("e", "more")
    assert "more" not in net.populations and len(net.projections) == len(other.projections) - 1
    with pytest.raises(ls.ModelError, match="belongs to another network"):
        other.connect(net.populations["e"], "more")


@pytest.mark.parametrize("out", [False, True])
def test_a_simulation_says_what_to_do_instead(tmp_path, copied, out):
    with ls.Simulation(network(), out=tmp_path / "x.h5" if out else None) as sim:
        with pytest.raises(
            ls.LifsimError, match=r"cannot be pickled or copied; save\(\) writes a checkpoint, from which Simulation.restore"
        ):
            copied(sim)
        sim.run(5.0)  # and goes on


def test_estimators(copied):
    X = np.random.default_rng(1).uniform(size=(60, 4))
    y = (X[:, 0] > 0.5).astype(int)
    for model, target in ((Classifier, y), (Regressor, X[:, 0]), (SpikingClassifier, y)):
        own = model(hidden=(5,), epochs=2, seed=1)
        assert copied(own).get_params() == own.get_params()
        own.fit(X, target)
        other = copied(own)
        np.testing.assert_array_equal(other.predict(X), own.predict(X))
        assert other.history == own.history
        if model is Classifier:
            assert len(copied(to_spiking(own, X)).classify(X[:5], 10.0)) == 5


@pytest.mark.parametrize(
    "error",
    [
        ls.LifsimError("place", "got", "allowed"),
        ls.ModelError("place", "got"),
        ls.DataError("x.h5", "is damaged"),
        ls.RunError("the disk is full"),
        ls.Stopped(15, "saved"),
    ],
)
def test_errors(error, copied):
    other = copied(error)
    assert type(other) is type(error) and str(other) == str(error) and vars(other).keys() == vars(error).keys()
    assert getattr(other, "problems", None) == getattr(error, "problems", None)


def in_a_file(folder: str) -> ls.Result:
    return ls.run(network(), out=Path(folder) / "x.h5")


def wrong(_: object) -> None:
    ls.Network().add("n", 0, "iaf_psc_exp")


def test_workers_return_results(tmp_path):
    """In processes that share nothing: concurrent.futures, multiprocessing, joblib where it is installed."""
    expected, spawn = run(network()), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert_same(pool.submit(run, network()).result(), expected)
        assert_same(pool.submit(in_a_file, str(tmp_path)).result(), expected)
        with pytest.raises(ls.ModelError, match="whole number of nodes") as error:
            pool.submit(wrong, None).result()
        assert error.value.problems[0].where == "populations.n.n"
    with spawn.Pool(1) as pool:
        assert_same(pool.map(run, [network()])[0], expected)
    joblib = pytest.importorskip("joblib")
    assert_same(joblib.Parallel(n_jobs=2)(joblib.delayed(run)(network()) for _ in range(1))[0], expected)


def test_weight_stores(tmp_path, copied):
    weight = csr_array(np.arange(12.0).reshape(3, 4))
    with WeightStore() as memory, WeightStore(tmp_path / "w.h5", "w") as writing:
        for store in (memory, writing):
            store.put("w", weight, units="pA")
        if copied is not COPIES["copy"]:
            other = copied(memory)
            memory.put("more", weight)
            assert (other.get("w").toarray() == weight.toarray()).all() and other.names() == ["w"]
            other.put("another", weight)
            other.close()
        with pytest.raises(ls.DataError, match="is open for writing: it cannot be pickled or copied"):
            copied(writing)
    with WeightStore(tmp_path / "w.h5") as store, copied(store) as other:
        assert (other.get("w").toarray() == weight.toarray()).all()
    with pytest.raises(ls.DataError, match="closed"):
        copied(memory)


def test_a_simulation_is_of_the_network_as_it_was():
    """What is added to the description later changes nothing in what was built of it."""
    net = network()
    net.add("given", 2, "spike_generator", spike_times=[1.0, 2.0, 3.0])
    net.connect("given", "e", weight=100.0)
    net.record("given")
    expected = run(net)
    with ls.Simulation(net) as sim:
        built = sim.matrix("given", "e").toarray()
        sim.run(25.0)
        net.add("more", 7, "iaf_psc_exp")  # before the generators, in the order of nodes
        net.connect("more", "e", weight=5.0)
        net.record("more")
        with pytest.raises(ls.ModelError, match="there is no population 'more'"):
            sim.get("more", "V_m")
        np.testing.assert_array_equal(sim.matrix("given", "e").toarray(), built)
        sim.run(25.0)
        assert_same(sim.result(), expected)
        assert list(sim.fan_out()) == ["e", "two", "given"]
