"""The forecast of memory against what the system counts, in a process of its own; and what is said of compact weights."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.building.needs import BASE, coarse_weights, estimate
from lifsim.cli.main import main
from lifsim.modelfile.reader import load_with_settings

RUN = """
import sys, tempfile
import lifsim as ls
from lifsim.common import memory
from lifsim.engine import compiling
from lifsim.modelfile.reader import load_with_settings
model, duration, precision, weights, threads, *settings = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:  # to a file, as at work
    net = load_with_settings(model, settings)
    with compiling() as compiler:
        ls.run(net, float(duration), precision=precision, weights=weights or None, threads=int(threads), out=folder + "/run.h5")
print(memory.peak(), compiler.kernels)
"""
CASES = {  # 5 ms where next to nothing is recorded
    "constant weights": ("brunel", "5", "float64", "", "2"),
    "drawn weights": ("microcircuit", "5", "float32", "float32", "2", "scale=0.25", "k_scale=0.25"),
    "in float64, one thread": ("microcircuit", "5", "float64", "float64", "1", "scale=0.25", "k_scale=0.25"),
    "compact": ("microcircuit", "5", "float32", "compact", "2", "scale=0.25", "k_scale=0.4"),
    "in space": ("spatial", "5", "float64", "", "1", "indegree=800"),
    "plastic": ("hpc", "50", "float64", "", "2", "C_ex=2000"),
    "few synapses, many neurons": ("cuba", "50", "float64", "", "1", "n=200000"),
}


def measured(code, *arguments):
    """What a process prints that had nothing to compile, which takes memory of its own; the last number says whether it had."""
    for _ in range(2):
        got = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
        *found, compiled = map(int, got.stdout.split())
        if not compiled:
            break
    return found


def often(cases, *some):
    """All cases; those beyond `some`, whose parts these have, are slow tests."""
    return [case if case in some else pytest.param(case, marks=pytest.mark.slow) for case in cases]


@lru_cache(1)
def beside():
    """Bytes that a run of next to nothing takes here beyond `BASE`: of the files of libraries the system keeps more or less in memory,
    as they happen to lie in its cache (60 MB more of LLVM's after pip of Python 3.13 than of 3.11).
    """
    (used,) = measured(RUN, "single_neuron", "5", "float64", "", "1")
    assert abs(used - BASE) < 90e6
    return used - BASE


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is Linux's")
@pytest.mark.parametrize("case", often(CASES, "drawn weights", "compact", "in space", "plastic", "few synapses, many neurons"))
def test_forecast(case):
    model, _, precision, weights, threads, *settings = CASES[case]
    (used,) = measured(RUN, *CASES[case])
    told = estimate(load_with_settings(model, settings), precision, int(threads), weights or None)["bytes"]
    print(case, f"forecast {told / 1e6:.0f} MB, measured {used / 1e6:.0f} MB, {beside() / 1e6:.0f} MB of them for libraries")
    assert told == pytest.approx(used - beside(), rel=0.1)


def net_with(*weights, model="iaf_psc_exp"):
    net = ls.Network()
    net.add("n", 20, model)
    for weight in weights:
        net.connect("n", "n", "fixed_indegree", indegree=5, weight=weight)
    return net


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([{"normal": [87.8, 8.8]}, {"normal": [-351.0, 35.0], "max": 0.0}], []),  # each sign has steps of its own
        ([{"normal": [1.0, 0.1]}, {"normal": [10_000.0, 1.0]}], [0]),  # 0.3 in steps of 1
        ([{"normal": [1.0, 0.1]}, {"normal": [-10_000.0, 1.0], "max": 0.0}], []),
        ([{"lognormal": [0.0, 1.5]}], [0]),  # the largest is e^(6.4 · 1.5) times the median
        ([{"uniform": [0.5, 1.5]}, 1000.0], [0]),
        ([1.0, 10_000.0], []),  # few constants: nothing is rounded
        ([], []),
    ],
)
def test_coarse_weights_are_said(weights, said):
    lines = list(coarse_weights(net_with(*weights), "compact"))
    assert [line.partition(" ")[0] for line in lines] == [f"projections[{i}]" for i in said]
    assert list(coarse_weights(net_with(*weights), None)) == list(coarse_weights(net_with(*weights), "float32")) == []


def test_what_is_said_of_coarse_weights_is_what_is_stored():
    """The step in the message is that of the weights in memory; in a sum for both signs it is one for both."""
    for model, weights in (
        ("iaf_psc_exp", [{"lognormal": [0.0, 1.5]}]),
        ("iaf_psc_delta", [{"normal": [0.01, 0.001]}, {"normal": [-9.0, 1.0]}]),
    ):
        net = net_with(*weights, model=model)
        (line,) = coarse_weights(net, "compact")
        step = float(line.split("steps of ")[1].split()[0])
        with pytest.warns(UserWarning, match="steps of"), ls.Simulation(net, weights="compact") as sim:
            stored = sim.matrix("n", "n").data
        whole = np.abs(stored) / step
        assert np.abs(whole / np.round(whole).clip(1) - 1)[whole > 10].max(initial=0) < 0.05  # two digits are said
        assert np.diff(np.unique(np.abs(stored))).min() >= 0.9 * step


def test_runs_and_checks_say_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net_with({"lognormal": [0.0, 1.5]}).save("coarse.toml")
    got = CliRunner().invoke(main, ["check", "coarse.toml", "--weights", "compact"])
    assert "warning: projections[0] (n → n): compact weights come in steps of" in got.output
    got = CliRunner().invoke(main, ["run", "coarse.toml", "--weights", "compact", "--duration", "1"])
    assert got.exit_code == 0 and "warning: projections[0]" in got.output


# -- what counts is not the synapses alone -----------------------------------------------------------

SHAPES = {
    "few neurons, many synapses": 'net.connect(add(100), "n", "fixed_indegree", indegree=10**6)',
    "one target of huge in-degree": 'net.connect(add(1), "n", "fixed_indegree", indegree=2 * 10**7)',
    "given number of targets": 'net.connect(add(10_000), "n", "fixed_outdegree", outdegree=1000)',
    "one long delay": 'net.connect(add(100), "n", "fixed_indegree", indegree=10, delay=0.1 * 2**25)',
    "many neurons": "add(1_000_000)",
    "many generators": 'g = net.add("g", 1000, "dc_generator"); net.connect(g, add(1000), "fixed_indegree", indegree=2000)',
}
SHAPE = """
import sys, tempfile
import lifsim as ls
from lifsim.common import memory
from lifsim.engine import compiling
from lifsim.building.needs import estimate
net = ls.Network(seed=1, duration={1})
def add(n):
    net.record(net.add("n", n, "iaf_psc_exp", I_e=450.0))
    return "n"
{0}
told = estimate(net, threads=1)["bytes"]
with tempfile.TemporaryDirectory() as folder, compiling() as compiler:
    ls.run(net, threads=1, out=folder + "/run.h5")
print(told, memory.peak(), compiler.kernels)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is Linux's")
@pytest.mark.parametrize("name", often(SHAPES, "few neurons, many synapses", "one long delay", "many generators"))
def test_forecast_of_shapes(name):
    told, used = measured(SHAPE.format(SHAPES[name], 20.0 if name == "many neurons" else 2.0))  # these record most of what they take
    print(name, f"forecast {told / 1e6:.0f} MB, measured {used / 1e6:.0f} MB, {beside() / 1e6:.0f} MB of them for libraries")
    assert told == pytest.approx(used - beside(), rel=0.1)


def test_rows_that_32_bits_cannot_count_are_refused(monkeypatch):
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp")
    net.connect("n", "n", "fixed_indegree", indegree=10**9, weight={"normal": [1.0, 0.1]})
    monkeypatch.setattr("lifsim.common.memory.limits", lambda *needed: [])
    with pytest.raises(
        ls.LifsimError,
        match=r"the synapses of a node onto the neurons of a block take about 5e\+09 words .*; expected at most 4,294,967,295",
    ):
        ls.run(net, 1.0)
    monkeypatch.undo()
    monkeypatch.setattr("lifsim.engine.synapses.packing.MOST_WORDS", 50)
    with pytest.raises(ls.LifsimError, match="take more than 50 words"):
        ls.run(crowded(), 1.0)


def crowded():
    """Three neurons with 600 synapses."""
    net = ls.Network()
    net.add("n", 3, "iaf_psc_exp")
    net.connect("n", "n", "fixed_indegree", indegree=200)
    return net
