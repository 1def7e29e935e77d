"""Runs with exact spike times: against the plain reference, for any threads and slices, and all the way to the file."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.building.spike_trains import moments
from lifsim.engine import PreciseEngine
from lifsim.engine.reference.event_reference import PreciseReference
from lifsim.network.method import method_of
from lifsim.simulation import slices
from lifsim.simulation.built_network import plan_of

MODELS = ("iaf_psc_delta_ps", "iaf_psc_exp_ps", "iaf_psc_exp_ps_lossless", "iaf_psc_alpha_ps")


def network(model: str, n: int = 10, **params) -> ls.Network:
    """A recurrent network with all kinds of input: exact and grid-bound Poisson spikes, given ones, a current."""
    unit, rng = (1.0 if "delta" in model else 60.0), np.random.default_rng(4)
    net = ls.Network(dt=0.1)
    net.add("n", n, model, V_m=rng.uniform(-70, -56, n), I_e=rng.uniform(200, 420, n), tau_m=rng.uniform(8, 20, n), **params)
    net.add("p", 1, "poisson_generator_ps", rate=800.0, start=10.0, stop=40.0)
    net.add("q", 2, "poisson_generator_ps", rate=[300.0, 100.0], dead_time=2.0)
    net.add("g", 1, "poisson_generator", rate=500.0)
    net.add("dc", 1, "dc_generator", amplitude=100.0, start=20.0, stop=50.0)
    net.add("sg", 2, "spike_generator", spike_times=[[3.123, 7.77, 7.77], [5.0]])
    net.connect("p", "n", weight=0.6 * unit, delay=1.0)
    net.connect("q", "n", weight=-0.6 * unit, delay=2.0)
    net.connect("g", "n", weight=0.5 * unit, delay=1.0)
    net.connect("dc", "n", delay=1.0)
    net.connect("sg", "n", weight=2.0 * unit, delay=1.0)
    net.connect("n", "n", "fixed_indegree", indegree=4, weight={"uniform": [-0.9 * unit, unit]}, delay={"uniform": [0.1, 3.0]})
    net.record(["n", "p", "q", "g", "sg"], "spikes")
    net.record("n", "V_m", interval=0.5)
    net.record(["n", "p"], "rate", interval=5.0)
    return net


def by_neuron(recorded) -> tuple[np.ndarray, np.ndarray]:
    """Ids and times of the spikes of all populations, by population, id, time."""
    found = []
    for step, ids, offset in recorded.spikes.values():
        order = np.lexsort((step * 0.1 - offset, ids))
        found.append((ids[order], (step * 0.1 - offset)[order]))
    return tuple(map(np.concatenate, zip(*found, strict=True)))


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("iaf_psc_delta_ps", {"refractory_input": True}),
        ("iaf_psc_exp_ps", {"tau_syn_in": 4.0}),
        ("iaf_psc_exp_ps_lossless", {}),
        ("iaf_psc_alpha_ps", {"tau_syn_in": 4.0}),
    ],
)
def test_equals_the_reference(model, params):
    """Twelve digits agree with an engine that shares no formula with it."""
    plan = plan_of(network(model, **params), 2, "precise")
    wanted = PreciseReference(plan).advance(500)
    found = PreciseEngine(plan).advance(500)
    (ids, times), (wanted_ids, wanted_times) = by_neuron(found), by_neuron(wanted)
    assert len(ids) > 20 and np.array_equal(ids, wanted_ids)
    assert np.abs(times - wanted_times).max() < 1e-10
    assert np.abs(found.samples[0] - wanted.samples[0]).max() < 1e-9


def facts(net: ls.Network, pieces: tuple[float, ...], threads: int) -> dict[str, np.ndarray]:
    with ls.Simulation(net, threads=threads, method="precise") as sim:
        for piece in pieces:
            sim.run(piece)
        result = sim.result()
        found = {"V_m": sim.get("n", "V_m")}
    for name, s in result.spikes.items():
        found |= {f"times of {name}": s.times, f"ids of {name}": s.ids}
    for name, traces in result.traces.items():
        found |= {f"{variable} of {name}": x for variable, x in traces.items()}
    return found


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp_ps_lossless", "iaf_psc_alpha_ps"])
def test_neither_threads_nor_slices_leave_a_trace(model):
    net = network(model, 200)
    wanted = facts(net, (60.0,), 1)
    assert len(wanted["times of n"]) > 100
    for pieces, threads in (((0.1, 33.3, 26.6), 1), ((60.0,), 2), ((20.5, 39.5), 3)):
        found = facts(net, pieces, threads)
        assert all(np.array_equal(wanted[name], found[name]) for name in wanted)


def test_recording_leaves_no_trace():
    net, quiet = network("iaf_psc_exp_ps_lossless"), network("iaf_psc_exp_ps_lossless")
    quiet.recordings = quiet.recordings[:1]
    wanted, found = (ls.run(x, 60.0).spikes["n"].times for x in (net, quiet))
    assert np.array_equal(wanted, found)


# -- which method -----------------------------------------------------------------------------------


def test_the_method_is_what_the_models_need():
    net = ls.Network()
    net.add("a", 1, "iaf_psc_exp")
    assert method_of(net) == "grid" and method_of(net, "precise") == "precise"
    net.add("b", 1, "iaf_psc_exp_ps")
    assert method_of(net) == "precise"


def test_a_model_file_says_the_method(tmp_path):
    net = ls.Network(method="precise", duration=10.0)
    net.add("a", 1, "iaf_psc_delta", I_e=400.0)
    net.record("a", "spikes")
    net.save(tmp_path / "a.toml")
    again = ls.load(tmp_path / "a.toml")
    assert again.method == "precise" and method_of(again) == "precise"
    assert ls.run(again).info["settings"]["method"] == "precise"


@pytest.mark.parametrize(
    ("model", "twin", "params"),
    [
        ("iaf_psc_delta", "iaf_psc_delta_ps", {}),
        ("iaf_psc_exp", "iaf_psc_exp_ps_lossless", {}),
        ("iaf_psc_exp", "iaf_psc_exp_ps", {"tau_syn_in": 3.0}),
        ("iaf_psc_alpha", "iaf_psc_alpha_ps", {"tau_syn_in": 3.0}),
    ],
)
def test_plain_models_run_as_their_exact_twins(model, twin, params):
    found = [ls.run(network(name, **params), 60.0, method="precise").spikes["n"].times for name in (model, twin)]
    assert len(found[0]) > 20 and np.array_equal(*found)


# -- to the file and back --------------------------------------------------------------------------


def test_exact_times_reach_the_file(tmp_path):
    net = network("iaf_psc_delta_ps", 50)
    kept, filed = ls.run(net, 60.0), ls.run(net, 60.0, out=tmp_path / "a.h5")
    for name in kept.spikes:
        for column in ("times", "ids"):
            assert np.array_equal(getattr(kept.spikes[name], column), getattr(filed.spikes[name], column))
    s = ls.open(tmp_path / "a.h5").spikes["n"]
    assert np.any(np.abs(s.times * 10 - np.round(s.times * 10)) > 1e-3)
    assert np.array_equal(np.lexsort((s.ids, s.times)), np.arange(len(s.times)))
    assert filed.spikes["sg"].times.tolist() == [3.123, 5.0, 7.77, 7.77]


def test_an_unfinished_run_is_read_from_its_log(tmp_path):
    net = network("iaf_psc_delta_ps", 50)
    with ls.Simulation(net, out=tmp_path / "a.h5") as sim:
        sim.run(60.0)
    found = ls.open(tmp_path / "a.h5.log").spikes["n"]
    assert np.array_equal(found.times, ls.run(net, 60.0).spikes["n"].times)


def test_moments():
    """Times on the grid but for rounding are at the end of a step."""
    step, offset = moments(np.array([0.3, 0.7, 2.1, 2.14, 0.05, 1e5 + 0.1]), 0.1)
    assert step.tolist() == [3, 7, 21, 22, 1, 1000001]
    assert offset[[0, 1, 2, 5]].tolist() == [0.0] * 4 and np.allclose(offset[3:5], [0.06, 0.05], rtol=0, atol=1e-15)


# -- trains ----------------------------------------------------------------------------------------


def test_the_trains_of_a_generator():
    """Exact exponential intervals after the dead time, from `start` to `stop`; a train for each node, and for each target."""
    net = ls.Network(dt=1.0)
    net.add("p", 200, "poisson_generator_ps", rate=50.0, dead_time=5.0, start=100.0, stop=4000.0)
    net.add("n", 2, "iaf_psc_delta", t_ref=0.001, V_reset=-71.0)
    net.connect("p[0]", "n", weight=100.0)
    net.record(["p", "n"], "spikes")
    result = ls.run(net, 5000.0, method="precise")
    s = result.spikes["p"]
    assert 100 < s.times.min() < 102 and 3998 < s.times.max() <= 4000
    intervals = np.concatenate([np.diff(s.times[s.ids == i]) for i in range(200)])
    assert abs(len(s.times) / 200 - 195) < 3  # five standard deviations of the mean of 200 trains
    beyond = np.sort((intervals - 5.0) / 15.0)
    assert beyond[0] > 0
    n = len(beyond)
    distance = np.abs(-np.expm1(-beyond) - np.arange(n) / n).max()
    assert distance * np.sqrt(n) < 1.95  # Kolmogorov and Smirnov: once in a thousand seeds
    at = [result.spikes["n"].times[result.spikes["n"].ids == i] for i in (0, 1)]
    assert min(map(len, at)) > 150 and len(np.intersect1d(*at)) == 0


def test_trains_do_not_depend_on_dt():
    found = []
    for dt in (1.0, 0.1):
        net = ls.Network(dt=dt)
        net.add("p", 1, "poisson_generator_ps", rate=3000.0)
        net.add("n", 5, "iaf_psc_exp")
        net.connect("p", "n", weight=60.0)
        net.record("n", "spikes")
        found.append(ls.run(net, 200.0, method="precise").spikes["n"].times)
    assert len(found[0]) > 10 and np.abs(found[0] - found[1]).max() < 1e-9


# -- state -----------------------------------------------------------------------------------------


def test_state_is_read_and_set_between_runs():
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp_ps_lossless", t_ref=1.0)
    net.record("n", "spikes")
    with ls.Simulation(net) as sim:
        sim.run(5.0)
        sim.set("n", V_m=[-60.0, -50.0], I_e=[0.0, 500.0])
        assert sim.get("n", "V_m").tolist() == [-60.0, -50.0] and sim.get("n", "I_e").tolist() == [0.0, 500.0]
        sim.run(10.0)
        assert abs(sim.get("n", "V_m")[0] + 70 - 10 * np.exp(-1.0)) < 1e-12
        sim.run(10.0)
        found = sim.result().spikes["n"]
    # Who stands at threshold fires at once; from then on R I = 20 mV.
    assert found.ids.tolist() == [1, 1] and np.abs(found.times - [5.0, 6.0 + 10 * np.log(4.0)]).max() < 1e-12


def test_memory_for_spikes_is_bounded(monkeypatch):
    from lifsim.engine.precise import event_engine

    net = network("iaf_psc_delta_ps")
    wanted = ls.run(net, 30.0).spikes["n"].times
    monkeypatch.setattr(event_engine, "BUFFER", 500)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 1e3)
    assert np.array_equal(ls.run(net, 30.0).spikes["n"].times, wanted)


def test_synapses_are_those_of_the_grid():
    net = network("iaf_psc_delta", 100)
    net.populations = {name: net.populations[name] for name in ("n", "dc")}
    net.projections = [p for p in net.projections if p.source.name in net.populations]
    net.recordings = []
    with ls.Simulation(net, method="precise") as exact, ls.Simulation(net, method="grid") as grid:
        for what in ("weight", "delay"):
            assert (exact.matrix("n", "n", what) != grid.matrix("n", "n", what)).nnz == 0
        assert np.array_equal(exact.fan_out()["n"], grid.fan_out()["n"])
        exact.measure()
        exact.run(10.0)
        assert sum(exact.spent().values()) > 0


def test_numbers_beyond_measure_stop_a_run():
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp_ps", V_th=1e300)
    net.add("in", 1, "spike_generator", spike_times=[1.03])
    net.connect("in", "n[1]", weight=1e308)
    net.connect("in", "n[1]", weight=1e308)
    with pytest.raises(ls.RunError, match=r"n\[1\]"):
        ls.run(net, 5.0)
