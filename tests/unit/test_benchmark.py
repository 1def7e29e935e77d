"""What lifsim measures of itself: that its parts add up, that events are counted, what it prints."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common import memory
from lifsim.simulation import benchmark
from lifsim.simulation.benchmark import PARTS, Measured, MeasuredRun


def run(seconds=1.0, events=1_000_000):
    parts = dict(zip(PARTS, np.array([0.4, 0.1, 0.2, 0.1, 0.15, 0.05]) * seconds, strict=True))
    return MeasuredRun(build=2.0, parts=parts, spikes=10, events=events, peak=300_000_000)


def made_up(name="x", **facts):
    known = {"neurons": 1000, "synapses": 20_000, "steps": 5000, "duration": 500.0, "threads": 2, "precision": "float64"}
    return Measured(name, **{**known, "weights": "compact", "runs": [run(2.0), run(1.0), run(4.0)], **facts})


def small():
    """Three neurons that fire, one of which reaches five synapses, one two, one none; given spikes reach three more each."""
    net = ls.Network(dt=0.1)
    net.add("a", 3, "iaf_psc_delta", I_e=[1000.0, 1500.0, 2000.0])
    net.add("b", 5, "iaf_psc_delta")
    net.add("given", 1, "spike_generator", spike_times=[1.0, 2.0])
    net.connect("a", "b", "explicit", sources=[0, 0, 0, 0, 0, 1, 1], targets=[0, 1, 2, 3, 4, 0, 0], weight=0.1)
    net.connect("given", "a", weight=0.1)
    net.record("a[0]", "spikes")
    net.record("b", "V_m")
    return net


def test_figures_follow_from_the_runs():
    m = made_up()
    assert m.factor(m.middle) == pytest.approx(4.0)
    assert m.per_step(run()) == pytest.approx(0.4 * 2 / 5e6 * 1e9)
    assert m.per_event(run()) == pytest.approx(400.0)
    assert m.per_event(run(events=0)) is None
    told = m.figures()
    assert json.loads(json.dumps(told)) == told
    assert [r["real_time_factor"] for r in told["runs"]] == pytest.approx([4.0, 2.0, 8.0])


def test_the_middle_of_an_even_number():
    m = made_up(runs=[run(2.0), run(1.0)])
    assert m.factor(m.middle) == pytest.approx(2.0)


def test_table():
    lines = benchmark.table([made_up("one"), made_up("another", runs=[run(0.5, events=0)])]).splitlines()
    rows = {line[:18].strip(): line[18:].split() for line in lines}
    assert lines[0].split() == ["one", "another"]
    assert rows["neurons"] == ["1,000", "1,000"]
    assert rows["real-time factor"] == ["4", "(2–8)", "1"]
    assert rows["update"] == ["1.6", "40%", "0.4", "40%"]
    assert rows["synaptic event"] == ["800", "ns", "–"]
    assert rows["peak memory"] == ["300", "MB", "300", "MB"]


def test_a_network_is_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    net, asked = small(), []
    m = benchmark.measure("small", net, 100.0, repeats=2, threads=1, progress=lambda k: asked.append(k) or (lambda *_, **__: None))
    assert asked == [0, 1]
    assert list(tmp_path.iterdir()) == []
    assert [r.variable for r in net.recordings] == ["spikes", "V_m"]  # the network is left as it was
    assert (m.neurons, m.synapses, m.steps, m.duration, m.threads) == (8, 10, 1000, 100.0, 1)
    assert (m.precision, m.weights) == ("float64", "float64")
    for one in m.runs:
        assert set(one.parts) == set(PARTS)
        assert all(seconds >= 0 for seconds in one.parts.values()) and one.parts["recording"] > 0
        assert one.build > 0 and one.peak > 1e7


def test_events_are_the_synapses_that_spikes_go_to():
    net = small()
    m = benchmark.measure("small", net, 100.0, repeats=1, threads=1)
    with ls.Simulation(benchmark.recording_all_spikes(net)) as simulation:
        assert {name: n.tolist() for name, n in simulation.fan_out().items()} == {"a": [5, 2, 0], "b": [0] * 5, "given": [3]}
        simulation.run(100.0)
        fired = {name: s.ids for name, s in simulation.result().spikes.items()}
    (one,) = m.runs
    assert one.spikes == sum(map(len, fired.values())) > 4
    a, b, _ = np.bincount(fired["a"], minlength=3)
    assert one.events == 5 * a + 2 * b + 3 * 2


def test_what_reaches_out_does_not_depend_on_threads():
    net = ls.Network(dt=0.1)
    net.add("n", 300, "iaf_psc_exp")
    net.connect("n", "n", "pairwise_bernoulli", p=0.2, weight={"normal": [0.0, 1.0]}, delay={"uniform": [0.1, 3.0]})
    found = []
    for threads in (1, 3):
        with ls.Simulation(net, threads=threads) as simulation:
            found.append(simulation.fan_out()["n"])
            assert found[-1].sum() == simulation.matrix("n", "n").nnz
    assert np.array_equal(*found)


def test_memory_is_known():
    memory.forget_peak()
    assert 1e7 < memory.peak() < 1e12


def test_bench(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["bench", "single_neuron", "cuba", "--duration", "5", "--repeats", "1", "--threads", "1", "--weights", "float32", "-q"]
    outcome = CliRunner().invoke(main, [*words, "--json", "figures/x.json"])
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stderr == ""
    assert outcome.stdout.splitlines()[0].split() == ["single_neuron", "cuba"]
    told = json.loads(Path("figures/x.json").read_text())
    assert [network["name"] for network in told["networks"]] == ["single_neuron", "cuba"]
    assert told["networks"][1]["weights"] == "float32"
    assert told["versions"]["lifsim"] == ls.__version__
    (one,) = told["networks"][1]["runs"]
    assert sum(one["parts_s"].values()) == pytest.approx(one["real_time_factor"] * 0.005)


def test_bench_by_itself(monkeypatch):
    """brunel and cuba, unless others are named."""
    asked = []
    monkeypatch.setattr(benchmark, "measure", lambda name, net, **_: asked.append(name) or made_up(name))
    outcome = CliRunner().invoke(main, ["bench"])
    assert outcome.exit_code == 0, outcome.output
    assert asked == ["brunel", "cuba"]
