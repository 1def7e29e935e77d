"""What can be recorded: several times the same variable, parts of populations, names; kept apart from the run to the file."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim import plot
from lifsim.modelfile.reader import loads

METHODS = ["grid", "precise"]


def network(method="grid"):
    net = ls.Network(method=method)
    n = net.add("n", 20, "iaf_psc_exp", I_e=400.0, V_m={"uniform": [-70.0, -55.0]})
    net.connect(n, n, "fixed_indegree", indegree=5, weight=40.0, delay=1.5)
    return net, n


def asked(net):
    """Records V_m of two parts, of three scattered neurons and of a mask, at two intervals; rates of all and of two parts."""
    n = net["n"]
    net.record(n, "spikes")
    net.record(["n[0:2]", "n[5:7]"], "V_m", interval=0.5)
    net.record(n[[3, 17, 5]], "V_m", interval=0.1)
    net.record(n[np.arange(20) > 17], "V_m", interval=0.5, name="last")
    net.record([n, n[:4], n[[7, 1]]], "rate", interval=2.0)


NAMES = ["V_m", "V_m[5:7]", "V_m[3,17,5]@0.1", "last", "rate", "rate[0:4]", "rate[7,1]"]


def same(a, b):
    assert list(a.traces) == list(b.traces)
    for population, traces in a.traces.items():
        assert list(traces) == list(b.traces[population])
        for name in traces:
            np.testing.assert_array_equal(traces[name], b.traces[population][name])
            np.testing.assert_array_equal(traces.times_of(name), b.traces[population].times_of(name))
            np.testing.assert_array_equal(traces.members_of(name), b.traces[population].members_of(name))


@pytest.mark.parametrize("method", METHODS)
def test_each_recording_has_the_numbers_of_its_neurons_and_times(method):
    """All of them are columns and rows of one recording of everything in every step; rates are counts of the recorded spikes."""
    net, _ = network(method)
    whole, everything = network(method)
    whole.record(everything, "V_m", interval=0.1)
    asked(net)
    result, v = ls.run(net, 50.0, seed=3), ls.run(whole, 50.0, seed=3).traces["n"]["V_m"]
    traces = result.traces["n"]
    assert list(traces) == NAMES
    np.testing.assert_array_equal(traces["V_m"], v[4::5, 0:2])
    np.testing.assert_array_equal(traces["V_m[5:7]"], v[4::5, 5:7])
    np.testing.assert_array_equal(traces["V_m[3,17,5]@0.1"], v[:, [3, 17, 5]])
    np.testing.assert_array_equal(traces["last"], v[4::5, 18:])
    np.testing.assert_array_equal(traces.ids_of("V_m[3,17,5]@0.1"), [3, 17, 5])
    np.testing.assert_array_equal(traces.times_of("V_m[3,17,5]@0.1"), np.arange(1, 501) / 10)
    spikes = result.spikes["n"]
    bins = np.ceil(np.round(spikes.times / 2.0, 9)).astype(int) - 1
    for name, members in {"rate": np.arange(20), "rate[0:4]": np.arange(4), "rate[7,1]": np.array([7, 1])}.items():
        counts = np.bincount(bins[np.isin(spikes.ids, members)], minlength=25)
        np.testing.assert_allclose(traces[name][:, 0], counts / len(members) / 2e-3, rtol=1e-12)
        np.testing.assert_array_equal(traces.members_of(name), members)
        assert len(traces.ids_of(name)) == 0 and traces.unit_of(name) == "Hz"
    assert traces["rate"].sum() > 0


def test_names_in_full_find_traces_too():
    net, _ = network()
    asked(net)
    traces = ls.run(net, 10.0).traces["n"]
    for full, name in {"V_m[0:2]": "V_m", "V_m[0:2]@0.5": "V_m", "V_m@0.1": "V_m[3,17,5]@0.1", "rate[:]": "rate"}.items():
        assert full in traces
        np.testing.assert_array_equal(traces[full], traces[name])
        np.testing.assert_array_equal(traces.ids_of(full), traces.ids_of(name))
    assert "V_m@0.5" not in traces and "V_m[9]" not in traces  # three traces have this interval, none these nodes
    with pytest.raises(ls.DataError, match=r"there is no 'V_m@0.5'"):
        traces["V_m@0.5"]
    assert traces.named("V_m") == ["V_m", "V_m[5:7]", "V_m[3,17,5]@0.1", "last"]
    assert traces.named("last") == ["last"] and traces.named("V_m[0:2]") == ["V_m"] and traces.named("g_ex") == []
    assert traces.variable_of("last") == "V_m" and traces.variable_of("rate[0:4]") == "rate"


@pytest.mark.parametrize("method", METHODS)
def test_file_log_model_file_and_checkpoint_keep_all_recordings(tmp_path, method):
    net, _ = network(method)
    asked(net)
    memory = ls.run(net, 30.0, seed=2)
    filed = ls.run(net, 30.0, seed=2, out=tmp_path / "out.h5", threads=2)
    same(memory, filed)
    same(memory, ls.open(tmp_path / "out.h5"))
    memory.save(tmp_path / "saved.h5")
    same(memory, ls.open(tmp_path / "saved.h5"))
    assert filed.verify() > 0
    net.save(tmp_path / "net.toml")
    again = ls.load(tmp_path / "net.toml")
    assert [r.key for r in again.recordings] == [r.key for r in net.recordings]
    same(memory, ls.run(again, 30.0, seed=2))
    with ls.Simulation(net, seed=2) as sim:
        sim.run(13.3)
        sim.save(tmp_path / "half.ckpt")
    with ls.Simulation.restore(tmp_path / "half.ckpt") as sim:
        sim.run(30.0 - 13.3)
        same(memory, sim.result())
    figure = plot.traces(ls.open(tmp_path / "out.h5"), variables="V_m")
    assert len(figure.axes) == 4
    spikes = memory.spikes["n"]
    for axes, neuron in zip(figure.axes, (0, 5, 3, 18), strict=True):  # the spikes marked above each panel are those of its neurons
        marks = [line for line in axes.lines if line.get_marker() == "|"]
        if (spikes.ids == neuron).any():
            np.testing.assert_allclose(marks[0].get_xdata(), spikes.times[spikes.ids == neuron], atol=1e-9)


def test_a_model_file_names_parts_and_recordings():
    net = loads(
        """
        [run]
        duration = 5.0
        [populations.n]
        n = 20
        model = "iaf_psc_exp"
        params = { I_e = 400.0 }
        [[record]]
        populations = ["n[0:2]", "n[3,17,5]"]
        variable = "V_m"
        interval = 0.5
        [[record]]
        populations = "n"
        variable = "V_m"
        interval = "1 ms"
        name = "slow"
        """
    )
    traces = ls.run(net).traces["n"]
    assert list(traces) == ["V_m", "V_m[3,17,5]", "slow"]
    assert traces["slow"].shape == (5, 20) and traces["V_m[3,17,5]"].shape == (10, 3)


def test_spikes_of_several_parts_are_united():
    net, n = network()
    net.record(["n[0:2]", "n[5:7]"], "spikes")
    net.record(n[[19, 6]], "spikes", stop="inf")
    whole, everything = network()
    whole.record(everything)
    spikes, every = ls.run(net, 100.0).spikes["n"], ls.run(whole, 100.0).spikes["n"]
    own = np.isin(every.ids, [0, 1, 5, 6, 19])
    assert own.sum() > 5
    np.testing.assert_array_equal(spikes.ids, every.ids[own])
    np.testing.assert_array_equal(spikes.times, every.times[own])
    np.testing.assert_array_equal(spikes.recorded_ids, [0, 1, 5, 6, 19])
    net.record(n, "spikes")
    assert len(ls.run(net, 100.0).spikes["n"]) == len(every)


def test_long_lists_and_other_windows_are_numbered():
    net, n = network()
    net.record(n, "V_m")
    net.record(n[[*range(18), 19]], "V_m")
    net.record(n[[*range(17), 18]], "V_m")
    net.record(n, "V_m", start=2.0)
    net.record("n[0:2]", "V_m")
    net.record("n[0:2]", "V_m", stop=3.0)
    assert [r.key[1] for r in net.recordings] == ["V_m", "V_m#2", "V_m#3", "V_m#4", "V_m[0:2]", "V_m[0:2]#2"]
    with pytest.raises(ls.ModelError, match="is recorded already"):
        net.record(n[[*range(17), 18]], "V_m")


WRONG = {
    "V_m of n[1:3] is recorded already; expected a recording of other nodes, at another interval": (("n[1:3]", "V_m"), {}),
    "V_m of n[5:7] is recorded already": (("n[5:7]", "V_m"), {}),
    "spikes of n are recorded already; expected a recording of other nodes": (("n",), {}),
    "spikes of n are recorded from 0 to inf ms already; expected the same start and stop": (("n[0:2]",), {"stop": 5.0}),
    "'own' is the name of another recording of n": (("n", "V_m"), {"name": "own"}),
    "'a/b'; expected a text of 1 to 100 printable characters": (("n", "V_m"), {"name": "a/b"}),
    "'node_ids'; expected a text": (("n", "V_m"), {"name": "node_ids"}),
    "5; expected a text": (("n", "V_m"), {"name": 5}),
    "'x' for several variables; expected a name for a single sampled variable": (("n", ["V_m", "rate"]), {"name": "x"}),
    "'y' for spikes, which are kept by population": (("n", "spikes"), {"name": "y"}),
}


@pytest.mark.parametrize("said", WRONG)
def test_wrong_recordings(said):
    net, n = network()
    net.record(["n[1:3]", "n[5:7]"], "V_m")
    net.record(n)
    net.record(n, "I_syn_ex", name="own")
    before, (arguments, given) = list(net.recordings), WRONG[said]
    with pytest.raises(ls.ModelError) as error:
        net.record(*arguments, **given)
    assert said in str(error.value) and str(error.value).startswith("record[4]")
    assert net.recordings == before


def test_wrong_nodes():
    net, n = network()
    with pytest.raises(ls.ModelError, match="there is no population 'm'"):
        net["m"]
    with pytest.raises(ls.ModelError, match="boolean"):
        n[np.ones(19, bool)]
    with pytest.raises(ls.ModelError, match=r"populations: n\[25\]|allowed: 0 to 19"):
        net.record("n[3,25]", "V_m")
