"""Wrong models, files and commands: exit code 2, one message with the place and the offending value, at once."""

from __future__ import annotations

import datetime
import decimal
import fractions
import importlib
import io
import math
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from click.testing import CliRunner

import lifsim as ls
from lifsim.ann import Classifier, Regressor
from lifsim.building.waveform import read_samples
from lifsim.cli.main import main

LIMIT = 2.0  # seconds until the answer

MODEL = """
name = "base"

[run]
dt = "0.1 ms"
duration = "10 ms"

[parameters]
J = "0.1 mV"

[populations.exc]
n = 20
model = "iaf_psc_delta"
params = { tau_m = "20 ms", V_th = "20 mV", V_reset = "10 mV", E_L = 0.0 }

[populations.ext]
n = 1
model = "poisson_generator"
params = { rate = "20 kHz" }

[[projections]]
source = "ext"
target = "exc"
weight = "= J"
delay = "1.5 ms"

[[projections]]
source = "exc"
target = "exc"
rule = "fixed_indegree"
indegree = 2
weight = "= J"
delay = "1.5 ms"

[[record]]
populations = ["exc"]
variable = "spikes"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model() -> str:
    Path("model.toml").write_text(MODEL, encoding="utf-8")
    return "model.toml"


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Libraries are loaded once: their time is not that of a check."""
    for name in ("modelfile", "results", "simulation"):
        importlib.import_module(f"lifsim.{name}")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("results") / "good.h5"
    net = ls.Network()
    net.add("exc", 5, "iaf_psc_delta", I_e=1e4)
    net.record("exc", "spikes")
    ls.run(net, 10.0, out=path)
    return path


def refused(arguments: list, *pieces: str, lines: int = 1) -> str:
    """Run a command that must be refused; its message."""
    start = time.process_time()  # not wall time: the machine may be busy
    outcome = CliRunner().invoke(main, [str(a) for a in arguments])
    took = time.process_time() - start
    assert outcome.exit_code == 2, outcome.output
    message = outcome.stderr.strip().splitlines()
    assert len(message) == lines, outcome.stderr
    assert all(line.startswith("error: ") for line in message)
    for piece in pieces:
        assert piece in outcome.stderr
    assert "Traceback" not in outcome.output
    assert took < LIMIT
    return outcome.stderr


# -- model files ---------------------------------------------------------------------------------

# what is wrong → (what stands in the file, what is put there, pieces of the message)
WRONG_MODELS = {
    "unknown key at the top": ('name = "base"', 'name = "base"\nnmae = "x"', ["nmae"]),
    "unknown table": ("[parameters]", "[paramters]\nx = 1\n[parameters]", ["paramters"]),
    "unknown key of a population": ("n = 20", "n = 20\ncolour = 'red'", ["populations.exc.colour"]),
    "unknown key of run": ("[run]", "[run]\nstep = 1", ["run.step"]),
    "misspelt parameter": ("tau_m =", "tau_mm =", ["populations.exc", "tau_mm", "tau_m"]),
    "misspelt model": ("iaf_psc_delta", "iaf_psc_dleta", ["populations.exc.model", "iaf_psc_dleta", "iaf_psc_delta"]),
    "misspelt rule": ("fixed_indegree", "fixed_indegre", ["projections[1].rule", "fixed_indegre", "fixed_indegree"]),
    "wrong dimension": ('"20 ms"', '"20 mV"', ["populations.exc", "tau_m", "20 mV"]),
    "unknown unit": ('"20 ms"', '"20 msec"', ["populations.exc", "tau_m", "20 msec"]),
    "a text for a number": ('"20 ms"', '"twenty"', ["populations.exc", "tau_m", "twenty"]),
    "negative tau_m": ('"20 ms"', '"-20 ms"', ["populations.exc", "tau_m", "-20", "> 0"]),
    "tau_m zero": ('"20 ms"', "0.0", ["populations.exc", "tau_m", "0", "> 0"]),
    "NaN parameter": ('"20 ms"', "nan", ["populations.exc", "tau_m", "nan"]),
    "infinite parameter": ("E_L = 0.0", "E_L = inf", ["populations.exc", "E_L", "inf"]),
    "V_reset above V_th": ('"10 mV"', '"30 mV"', ["populations.exc", "V_reset", "30", "V_th"]),
    "V_reset at V_th": ('"10 mV"', '"20 mV"', ["populations.exc", "V_reset", "20"]),
    "no neurons": ("n = 20", "n = 0", ["populations.exc.n", "0"]),
    "a fraction of a neuron": ("n = 20", "n = 2.5", ["populations.exc.n", "2.5"]),
    "negative rate": ('"20 kHz"', "-1.0", ["populations.ext", "rate", "-1"]),
    "unknown population": ('source = "exc"', 'source = "excc"', ["projections[1].source", "excc", "exc"]),
    "unknown population recorded": ('populations = ["exc"]', 'populations = ["inh"]', ["record[0]", "inh"]),
    "unknown variable": ('variable = "spikes"', 'variable = "V"', ["record[0].variable", "'V'"]),
    "input to a stimulus": ('target = "exc"\nrule', 'target = "ext"\nrule', ["projections[1].target", "ext"]),
    "id out of range": ('source = "exc"', 'source = "exc[25]"', ["projections[1].source", "25", "19"]),
    "slice that holds nothing": ('source = "exc"', 'source = "exc[30:40]"', ["projections[1].source", "exc[30:40]"]),
    "a count beyond all memory": (
        "indegree = 2\n",
        "indegree = 1e308\n",
        ["projections[1].indegree", "1e+308", "at most 281474976710656 (2^48)"],
    ),
    "a count of thousands of digits": ("indegree = 2\n", 'indegree = "= 10 ** 400"\n', ["projections[1].indegree"]),
    "NaN weight": ('indegree = 2\nweight = "= J"', "indegree = 2\nweight = nan", ["projections[1].weight", "nan"]),
    "infinite weight": ('indegree = 2\nweight = "= J"', "indegree = 2\nweight = inf", ["projections[1].weight", "inf"]),
    "delay off the grid": (
        'indegree = 2\nweight = "= J"\ndelay = "1.5 ms"',
        "indegree = 2\ndelay = 0.25",
        ["projections[1].delay", "0.25", "0.2 and 0.3"],
    ),
    "delay zero": ('indegree = 2\nweight = "= J"\ndelay = "1.5 ms"', "indegree = 2\ndelay = 0", ["projections[1].delay", "0 ms", "0.1"]),
    "negative delay": ('indegree = 2\nweight = "= J"\ndelay = "1.5 ms"', "indegree = 2\ndelay = -1", ["projections[1].delay", "-1"]),
    "missing parameter of a rule": ("indegree = 2\n", "", ["projections[1].indegree", "missing"]),
    "foreign parameter of a rule": ("indegree = 2", "indegree = 2\np = 0.1", ["projections[1]", "'p'"]),
    "negative in-degree": ("indegree = 2", "indegree = -2", ["projections[1].indegree", "-2"]),
    "too many without multapses": ("indegree = 2", "indegree = 21\nallow_multapses = false", ["projections[1].indegree", "21", "20"]),
    "probability above 1": ('rule = "fixed_indegree"\nindegree = 2', 'rule = "pairwise_bernoulli"\np = 1.5', ["projections[1].p", "1.5"]),
    "distance without positions": (
        'rule = "fixed_indegree"\nindegree = 2',
        'rule = "pairwise_bernoulli"\np = { gaussian = { p0 = 1.0, sigma = 0.1 } }',
        ["projections[1].p", "exc has no positions"],
    ),
    "grid of other nodes": ("n = 20", "n = 20\npositions = { grid = [5, 5] }", ["populations.exc.positions.grid", "25 cells for 20 nodes"]),
    "list outside the folder": (
        'rule = "fixed_indegree"\nindegree = 2',
        'rule = "explicit"\nfile = "../x.csv"',
        ["projections[1].file", "../x.csv", "folder of the model file"],
    ),
    "list that is missing": (
        'rule = "fixed_indegree"\nindegree = 2',
        'rule = "explicit"\nfile = "x.csv"',
        ["projections[1].file", "x.csv"],
    ),
    "list that is none": (
        'rule = "fixed_indegree"\nindegree = 2',
        'rule = "explicit"\nfile = "model.toml"',
        ["projections[1].file", "model.toml, line 1"],
    ),
    "distribution of unknown kind": ("E_L = 0.0", "E_L = { gauss = [0, 1] }", ["populations.exc", "E_L", "gauss"]),
    "distribution that breaks a bound": ('"20 ms"', "{ normal = [20, 5] }", ["populations.exc", "tau_m", "> 0"]),
    "distribution that never ends": ("E_L = 0.0", "E_L = { normal = [0, 1], min = 50 }", ["populations.exc", "E_L", "50"]),
    "array of wrong length": ("E_L = 0.0", "E_L = [0.0, 1.0]", ["populations.exc", "E_L", "2"]),
    "dt zero": ('dt = "0.1 ms"', "dt = 0", ["run.dt", "0"]),
    "negative dt": ('dt = "0.1 ms"', "dt = -0.1", ["run.dt", "-0.1"]),
    "expression with an unknown name": (
        'weight = "= J"\ndelay = "1.5 ms"\n\n[[record]]',
        'weight = "= K"\n\n[[record]]',
        ["projections[1].weight", "K"],
    ),
    "expression that divides by zero": (
        'weight = "= J"\ndelay = "1.5 ms"\n\n[[record]]',
        'weight = "= J / 0"\n\n[[record]]',
        ["projections[1].weight", "J / 0"],
    ),
    "expression that is no arithmetic": ("n = 20", "n = \"= __import__('os').getpid()\"", ["populations.exc.n", "__import__"]),
    "sampled off the grid": ('variable = "spikes"', 'variable = "V_m"\ninterval = 0.25', ["record[0].interval", "0.25", "0.2 and 0.3"]),
    "recorded twice": ('populations = ["exc"]', 'populations = ["exc", "exc"]', ["record[0]", "exc"]),
    "not TOML": ("[run]", "[run", ["model.toml"]),
}


@pytest.mark.parametrize("case", WRONG_MODELS)
def test_wrong_model(model, case):
    before, after, pieces = WRONG_MODELS[case]
    assert before in MODEL
    Path(model).write_text(MODEL.replace(before, after, 1), encoding="utf-8")
    refused(["check", model], *pieces)
    refused(["run", model, "-q"], *pieces)
    assert not Path("outputs/model.h5").exists()


def test_all_mistakes_at_once(model):
    text = MODEL.replace('"20 ms"', '"-20 ms"').replace("indegree = 2", "indegree = -2").replace('"20 kHz"', "-5")
    Path(model).write_text(text, encoding="utf-8")
    refused(["check", model], "tau_m", "indegree", "rate", lines=3)


def test_rest_above_threshold_is_legitimate(model):
    Path(model).write_text(MODEL.replace("E_L = 0.0", "E_L = 25.0"), encoding="utf-8")
    assert CliRunner().invoke(main, ["check", model]).exit_code == 0


# -- commands ------------------------------------------------------------------------------------

WRONG_COMMANDS = {
    "no such command": (["rnu", "model.toml"], ["rnu", "run"]),
    "no such option": (["run", "model.toml", "--thread", "2"], ["--thread", "--threads"]),
    "no model": (["run"], ["MODEL"]),
    "missing model file": (["run", "modle.toml"], ["modle.toml"]),
    "no such shipped model": (["run", "brunell"], ["brunell", "brunel"]),
    "threads 0": (["run", "model.toml", "--threads", "0"], ["--threads", "0"]),
    "threads -1": (["run", "model.toml", "--threads", "-1"], ["--threads", "-1"]),
    "threads two": (["run", "model.toml", "--threads", "two"], ["--threads", "two", "auto"]),
    "duration -1": (["run", "model.toml", "--duration", "-1"], ["duration", "-1"]),
    "duration 0": (["run", "model.toml", "--duration", "0"], ["duration", "0"]),
    "duration off the grid": (["run", "model.toml", "--duration", "10.05"], ["duration", "10.05"]),
    "duration in mV": (["run", "model.toml", "--duration", "10 mV"], ["--duration", "10 mV"]),
    "duration without end": (["run", "model.toml", "--duration", "inf"], ["--duration", "inf"]),
    "seed -1": (["run", "model.toml", "--seed", "-1"], ["seed", "-1"]),
    "unknown precision": (["run", "model.toml", "--precision", "float16"], ["--precision", "float16", "float32"]),
    "unknown weights": (["check", "model.toml", "--weights", "int8"], ["--weights", "int8", "compact"]),
    "no such model to warm up": (["warmup", "brunell"], ["brunell", "brunel"]),
    "unknown precision to warm up": (["warmup", "--precision", "float16"], ["--precision", "float16", "float32"]),
    "no repeats": (["bench", "model.toml", "--repeats", "0"], ["--repeats", "0", "from 1"]),
    "repeats in words": (["bench", "model.toml", "--repeats", "twice"], ["--repeats", "twice"]),
    "benchmark of nothing": (["bench", "brunell"], ["brunell", "brunel"]),
    "benchmark without end": (["bench", "model.toml", "--duration", "inf"], ["--duration", "inf"]),
    "benchmark off the grid": (["bench", "model.toml", "--duration", "10.05"], ["duration", "10.05"]),
    "benchmark of an unknown parameter": (["bench", "--set", "j=1"], ["no parameter 'j'"]),
    "figures with another ending": (["bench", "model.toml", "--json", "x.txt"], ["--json", "x.txt", ".json"]),
    "figures exist": (["bench", "model.toml", "--json", "exists.json"], ["exists.json", "--overwrite"]),
    "unknown parameter set": (["run", "model.toml", "--set", "j=1"], ["no parameter 'j'", "J"]),
    "setting without a value": (["run", "model.toml", "--set", "J"], ["J"]),
    "setting of wrong dimension": (["run", "model.toml", "--set", "run.dt=0.1 mV"], ["run.dt", "0.1 mV"]),
    "setting of no place": (["run", "model.toml", "--set", "run.step=0.1"], ["run.step"]),
    "output is a directory": (["run", "model.toml", "-o", "folder.h5"], ["folder.h5"]),
    "output has another ending": (["run", "model.toml", "-o", "x.txt"], ["--out", "x.txt", ".h5"]),
    "output below a file": (["run", "model.toml", "-o", "model.toml/x.h5"], ["model.toml", "folder"]),
    "output exists": (["run", "model.toml", "-o", "exists.h5"], ["exists.h5", "--overwrite"]),
    "picture exists": (["run", "model.toml", "-o", "picture.h5", "--plot"], ["picture.png", "--overwrite"]),
    "new file exists": (["new", "model.toml"], ["model.toml", "--overwrite"]),
    "new file with another ending": (["new", "model.h5"], ["model.h5", ".toml"]),
    "results missing": (["stats", "none.h5"], ["none.h5"]),
    "results are a directory": (["stats", "folder.h5"], ["folder.h5"]),
    "results are text": (["info", "exists.h5"], ["exists.h5"]),
    "results are empty": (["plot", "empty.h5"], ["empty.h5"]),
}


@pytest.mark.parametrize("case", WRONG_COMMANDS)
def test_wrong_command(model, case):
    Path("folder.h5").mkdir()
    Path("exists.h5").write_text("not HDF5")
    Path("empty.h5").touch()
    Path("picture.png").touch()
    Path("exists.json").touch()
    arguments, pieces = WRONG_COMMANDS[case]
    refused(arguments, *pieces)
    assert Path("exists.h5").read_text() == "not HDF5"


def test_unwritable_output(model, tmp_path):
    if sys.platform == "win32":
        pytest.skip("folders are not made read-only this way")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    try:
        (folder / "probe").touch()
    except OSError:
        refused(["run", model, "-o", folder / "x.h5"], str(folder / "x.h5"))
    else:
        refused(["run", model, "-o", "/proc/x.h5"], "/proc/x.h5")


# -- files of results ----------------------------------------------------------------------------


def test_truncated_results(results):
    whole = results.read_bytes()
    for size in (8, 100, len(whole) // 2):
        Path("cut.h5").write_bytes(whole[:size])
        refused(["stats", "cut.h5"], "cut.h5")


def test_foreign_hdf5():
    import h5py

    with h5py.File("foreign.h5", "w") as file:
        file["x"] = np.arange(3)
    refused(["info", "foreign.h5"], "foreign.h5")


def test_newer_format(results):
    import h5py

    Path("newer.h5").write_bytes(results.read_bytes())
    with h5py.File("newer.h5", "r+") as file:
        file["lifsim"].attrs["format_version"] = np.bytes_("99.0")
    refused(["info", "newer.h5"], "newer.h5", "99.0")


def test_unknown_population_of_results(results):
    refused(["stats", results, "--population", "exx"], "--population", "exx", "exc")
    refused(["plot", results, "--population", "exx"], "--population", "exx", "exc")


def test_empty_window(results):
    refused(["stats", results, "--from", "8", "--to", "4"], "8", "4")
    refused(["plot", results, "--from", "50", "-o", "x.png"], "50")


def test_nothing_of_the_kind_recorded(results):
    refused(["plot", results, "--kind", "traces"], "traces")


def test_picture_of_unknown_kind(results):
    refused(["plot", results, "-o", "x.doc"], "--out", "x.doc", ".png")


# -- Python --------------------------------------------------------------------------------------


def network() -> ls.Network:
    net = ls.Network(dt=0.1)
    net.add("a", 4, "iaf_psc_exp")
    net.add("b", 3, "iaf_psc_exp")
    net.record("a", "spikes")
    return net


WRONG_CALLS = {
    "matrix of wrong shape": (lambda n: n.connect("a", "b", np.ones((4, 3))), ["projections[0]", "(4, 3)", "(3, 4)"]),
    "sparse matrix of wrong shape": (lambda n: n.connect("a", "b", scipy.sparse.eye(4).tocsr()), ["projections[0]", "(4, 4)", "(3, 4)"]),
    "NaN in a matrix": (lambda n: n.connect("a", "b", np.full((3, 4), math.nan)), ["projections[0]", "nan"]),
    "weight beside a matrix": (lambda n: n.connect("a", "b", np.ones((3, 4)), weight=2.0), ["projections[0].weight"]),
    "weights of wrong shape": (lambda n: n.connect("a", "b", weight=np.ones((4, 3))), ["projections[0].weight", "(4, 3)", "(3, 4)"]),
    "delays off the grid": (lambda n: n.connect("a", "b", delay=np.full((3, 4), 0.25)), ["projections[0].delay", "0.25", "0.2 and 0.3"]),
    "source id out of range": (lambda n: n.connect("a", "b", "explicit", sources=[9], targets=[0]), ["projections[0].sources", "9"]),
    "as many sources as targets": (lambda n: n.connect("a", "b", "one_to_one"), ["projections[0]", "4", "3"]),
    "same name twice": (lambda n: n.add("a", 3, "iaf_psc_exp"), ["populations.a"]),
    "index out of range": (lambda n: n.populations["a"][7], ["a[7]", "3"]),
    "population of another network": (lambda n: n.connect(network().populations["a"], "b"), ["projections[0].source", "a"]),
    "text for a weight": (lambda n: n.connect("a", "b", weight="strong"), ["projections[0].weight", "strong"]),
    "spike times off the grid": (lambda n: _run_with(n, spike_times=[1.05]), ["spike_times", "1.05"]),
    "as many spike ids as times": (lambda n: _run_with(n, spike_times=[1.0, 2.0], spike_ids=[0]), ["populations.g", "spike_ids", "2"]),
    "as many multiplicities as times": (
        lambda n: _run_with(n, spike_times=[1.0, 2.0, 3.0], spike_multiplicities=[1, 2]),
        ["populations.g", "spike_multiplicities", "3"],
    ),
    "negative multiplicity": (
        lambda n: _run_with(n, spike_times=[1.0], spike_multiplicities=[-1]),
        ["populations.g.spike_multiplicities", "-1"],
    ),
    "spike file that is missing": (lambda n: _run_with(n, spike_file="none.h5"), ["none.h5"]),
    "gamma order below 1": (lambda n: _run_with(n, "sinusoidal_gamma_generator", order=0.5), ["populations.g.order", "0.5", ">= 1"]),
    "gamma amplitude above the rate": (
        lambda n: _run_with(n, "sinusoidal_gamma_generator", rate=10.0, amplitude=11.0),
        ["populations.g", "amplitude = 11", "from 0 to rate"],
    ),
    "gamma rate drawn below the amplitude": (
        lambda n: _run_with(n, "sinusoidal_gamma_generator", rate={"uniform": [1.0, 2.0]}, amplitude=5.0),
        ["populations.g", "amplitude = 5", "from 0 to rate"],
    ),
    "infinite rate": (lambda n: _run_with(n, "sinusoidal_poisson_generator", rate=math.inf), ["populations.g.rate", "inf"]),
    "infinite modulation": (lambda n: _run_with(n, "sinusoidal_poisson_generator", amplitude=1e10), ["populations.g.amplitude", "1e9"]),
    "trains that are neither": (
        lambda n: _run_with(n, "sinusoidal_poisson_generator", individual_spike_trains=1),
        ["populations.g.individual_spike_trains", "true or false"],
    ),
    "infinite alternating current": (
        lambda n: _run_with(n, "ac_generator", amplitude=math.inf),
        ["populations.g.amplitude", "-1e9 to 1e9"],
    ),
    "correlation time 0": (lambda n: _run_with(n, "ou_generator", tau=0.0), ["populations.g.tau", "> 0"]),
    "no waveform": (lambda n: _run_with(n, "waveform_generator"), ["populations.g", "either waveform or waveform_file"]),
    "two waveforms": (
        lambda n: _run_with(n, "waveform_generator", waveform=[1.0], waveform_file="x.csv"),
        ["populations.g", "x.csv", "either waveform or waveform_file"],
    ),
    "columns of a waveform": (
        lambda n: n.add("g", 3, "waveform_generator", waveform=np.ones((5, 2))),
        ["populations.g.waveform", "(5, 2)", "(samples, 3)"],
    ),
    "a number for a waveform": (lambda n: _run_with(n, "waveform_generator", waveform=3.0), ["populations.g.waveform", "list of numbers"]),
    "NaN in a waveform": (lambda n: _run_with(n, "waveform_generator", waveform=[1.0, math.nan]), ["populations.g.waveform", "nan"]),
    "interval 0": (lambda n: _run_with(n, "waveform_generator", waveform=[1.0], interval=0.0), ["populations.g.interval", "> 0"]),
    "waveform file that is missing": (
        lambda n: _run_with(n, "waveform_generator", waveform_file="none.csv"),
        ["populations.g.waveform_file", "none.csv", "No such file"],
    ),
    "waveform file of unknown kind": (lambda n: _with_waveform(n, "w.wav", "1\n"), ["waveform_file", "w.wav", ".csv", ".npy", ".h5:"]),
    "text in a waveform file": (lambda n: _with_waveform(n, "w.csv", "a,b\n"), ["populations.g.waveform_file", "w.csv", "numbers"]),
    "NaN in a waveform file": (lambda n: _with_waveform(n, "w.csv", "1\nnan\n"), ["populations.g.waveform_file", "w.csv", "nan"]),
    "columns of a waveform file": (lambda n: _with_waveform(n, "w.csv", "1,2\n3,4\n"), ["populations.g.waveform_file", "(2, 2)"]),
    "waveform file that is no array": (lambda n: _with_waveform(n, "w.npy", "1\n"), ["populations.g.waveform_file", "w.npy"]),
    "waveform file that is no HDF5": (
        lambda n: _with_waveform(n, "w.h5", "1\n", "w.h5:x"),
        ["populations.g.waveform_file", "w.h5", "cannot be read"],
    ),
    "stimulus that starts off the grid": (lambda n: _run_with(n, "dc_generator", start=1.05), ["populations.g.start", "1.05"]),
    "steps of a current off the grid": (
        lambda n: _run_with(n, "step_current_generator", amplitude_times=[1.05], amplitude_values=[1.0]),
        ["populations.g.amplitude_times", "1.05"],
    ),
    "spike times not above 0": (lambda n: n.add("g", 1, "spike_generator", spike_times=[-1.0]), ["populations.g.spike_times"]),
    "positions of wrong shape": (lambda n: _located(n, np.zeros((4, 5))), ["populations.g.positions.points", "(4, 5)"]),
    "positions in one list": (lambda n: _located(n, [0.0, 1.0, 2.0, 3.0]), ["populations.g.positions.points", "(4,)", "(n, 2)"]),
    "positions of other nodes": (lambda n: _located(n, np.zeros((3, 2))), ["populations.g.positions", "3 points for 4 nodes"]),
    "positions that are no numbers": (lambda n: _located(n, [["x", 0.0]] * 4), ["populations.g.positions.points"]),
    "positions that are infinite": (lambda n: _located(n, np.full((4, 2), np.inf)), ["populations.g.positions.points", "inf"]),
    "a grid of other nodes": (lambda n: _located(n, {"grid": [3, 2]}), ["populations.g.positions.grid", "3 x 2 = 6 cells for 4 nodes"]),
    "a grid of half cells": (lambda n: _located(n, {"grid": [2.5, 2]}), ["populations.g.positions.grid", "2.5 x 2"]),
    "a space without size": (lambda n: _located(n, {"grid": [2, 2], "extent": [1.0, 0.0]}), ["populations.g.positions.extent", "0 mm"]),
    "a space of another dimension": (lambda n: _located(n, {"grid": [2, 2], "extent": [1.0] * 3}), ["positions.extent", "3 numbers in 2"]),
    "random positions nowhere": (lambda n: _located(n, {"random": True}), ["populations.g.positions.extent", "missing"]),
    "positions in two ways": (lambda n: _located(n, {"random": True, "grid": [2, 2]}), ["populations.g.positions", "grid and random"]),
    "positions in no way": (lambda n: _located(n, {"extent": [1.0, 1.0]}), ["populations.g.positions", "grid, random, points"]),
    "misspelt key of positions": (lambda n: _located(n, {"grid": [2, 2], "wrap": True}), ["populations.g.positions.wrap"]),
    "a periodic space without size": (
        lambda n: _located(n, {"points": np.zeros((4, 2)), "periodic": True}),
        ["populations.g.positions.extent", "missing"],
    ),
    "a point outside": (
        lambda n: _located(n, {"points": np.eye(4)[:, :2], "extent": [1.0, 1.0]}),
        ["populations.g.positions.points", "node 0 at [1.0, 0.0]"],
    ),
    "extent in ms": (lambda n: _located(n, {"random": True, "extent": ["1 ms", 1.0]}), ["populations.g.positions.extent", "1 ms"]),
    "distance without positions": (lambda n: _spatial(n, to="a"), ["projections[0].p", "a has no positions"]),
    "delay by distance without positions": (
        lambda n: n.connect("a", "b", delay={"linear": {"base": 1.0, "per_mm": 1.0}}),
        ["projections[0].delay", "a and b has no positions"],
    ),
    "spaces of other dimensions": (
        lambda n: _spatial(n, {"random": True, "extent": [1.0] * 3}),
        ["projections[0].p", "2 and 3 dimensions (g, h)"],
    ),
    "one space periodic": (lambda n: _spatial(n, {"grid": [2, 2], "periodic": True}), ["projections[0].p", "periodic", "both or neither"]),
    "unknown kernel": (lambda n: _spatial(n, p={"gausian": {"p0": 1.0, "sigma": 1.0}}), ["projections[0].p", "gausian", "'gaussian'"]),
    "kernel without scale": (lambda n: _spatial(n, p={"gaussian": {"p0": 1.0}}), ["projections[0].p", "needs sigma"]),
    "kernel with another name": (lambda n: _spatial(n, p={"box": {"p0": 1.0, "radius": 1.0, "r": 1.0}}), ["projections[0].p", "has no r"]),
    "a chance above 1": (lambda n: _spatial(n, p={"gaussian": {"p0": 1.5, "sigma": 1.0}}), ["projections[0].p", "1.5"]),
    "a kernel without width": (lambda n: _spatial(n, p={"gaussian": {"p0": 0.5, "sigma": 0.0}}), ["projections[0].p", "sigma 0 mm"]),
    "max_distance 0": (
        lambda n: _spatial(n, p={"box": {"p0": 1.0, "radius": 1.0}, "max_distance": 0}),
        ["projections[0].p", "max_distance"],
    ),
    "negative conduction": (
        lambda n: _spatial(n, delay={"linear": {"base": 1.0, "per_mm": -1.0}}),
        ["projections[0].delay", "per_mm -1 ms"],
    ),
    "delay that is a gaussian": (lambda n: _spatial(n, delay={"gaussian": {"w0": 1, "sigma": 1}}), ["projections[0].delay", "linear"]),
    "partners by no chance": (lambda n: _spatial(n, rule="fixed_indegree", indegree=1, p={"box": {"p0": 0.0, "radius": 1.0}}), ["p0 = 0"]),
    "partners out of reach": (
        lambda n: _spatial(n, rule="fixed_indegree", indegree=4, p={"box": {"p0": 1.0, "radius": 0.6}}, allow_multapses=False, run=True),
        ["projections[0].p", "node 0 of h has fewer than 4 different partners in g"],
    ),
    "no partner in reach": (
        lambda n: _spatial(
            n, rule="fixed_outdegree", outdegree=3, p={"box": {"p0": 1.0, "radius": 0.1}}, allow_autapses=False, to="g", run=True
        ),
        ["projections[0].p", "node 0 of g has no partner in g"],
    ),
    "threads 0": (lambda n: ls.run(n, 1.0, threads=0), ["threads", "0"]),
    "threads a half": (lambda n: ls.run(n, 1.0, threads=0.5), ["threads", "0.5"]),
    "no duration": (lambda n: ls.run(n), ["duration"]),
    "duration -1": (lambda n: ls.run(n, -1.0), ["duration", "-1"]),
    "duration NaN": (lambda n: ls.run(n, math.nan), ["duration", "nan"]),
    "duration off the grid": (lambda n: ls.run(n, 0.25), ["duration", "0.25"]),
    "seed of the wrong kind": (lambda n: ls.run(n, 1.0, seed=1.5), ["seed", "1.5"]),
    "unknown precision": (lambda n: ls.run(n, 1.0, precision="float16"), ["precision", "float16", "float32"]),
    "unknown weights": (lambda n: ls.run(n, 1.0, weights="tiny"), ["weights", "tiny"]),
    "unknown method": (lambda n: ls.run(n, 1.0, method="exact"), ["method", "exact"]),
    "plastic synapses with exact times": (
        lambda n: (n.connect("a", "a", synapse="stdp_synapse"), ls.run(n, 1.0, method="precise")),
        ["projections[0].synapse", "stdp_synapse", "precise"],
    ),
    "escape noise with exact times": (
        lambda n: (n.add("c", 1, "iaf_psc_exp", delta=1.0), ls.run(n, 1.0, method="precise")),
        ["populations.c.delta", "escape noise", "precise"],
    ),
    "receptor of a parrot that there is not": (
        lambda n: n.connect("a", n.add("p", 1, "parrot_neuron"), receptor_type=2),
        ["projections[0].receptor_type", "2", "0, or 1"],
    ),
    "receptor of neurons that have none": (
        lambda n: n.connect("a", "b", receptor_type=1),
        ["projections[0].receptor_type", "1", "iaf_psc_exp"],
    ),
    "receptor that there is not": (lambda n: n.connect("a", several(n), receptor_type=3), ["projections[0].receptor_type", "3", "1 to 2"]),
    "receptor not given": (lambda n: n.connect("a", several(n)), ["projections[0].receptor_type", "not given", "1 to 2"]),
    "receptor a half": (lambda n: n.connect("a", several(n), receptor_type=1.5), ["projections[0].receptor_type", "1.5"]),
    "no receptor": (lambda n: n.add("c", 1, "iaf_psc_exp_multisynapse", tau_syn=[]), ["populations.c", "tau_syn"]),
    "receptor without time": (lambda n: n.add("c", 1, "iaf_psc_exp_multisynapse", tau_syn=[1.0, 0.0]), ["populations.c", "tau_syn"]),
    "current of a receptor that there is not": (
        lambda n: n.add("c", 1, "iaf_psc_exp_multisynapse", tau_syn=[1.0, 2.0], I_syn_3=1.0),
        ["populations.c.I_syn_3"],
    ),
    "width of a threshold below 0": (lambda n: n.add("c", 1, "iaf_psc_exp", delta=-1.0), ["populations.c.delta", "-1", ">= 0"]),
    "conductance below 0": (lambda n: n.add("c", 1, "iaf_cond_exp", g_L=-1.0), ["populations.c.g_L", "-1", ">= 0"]),
    "reset of a conductance model above threshold": (
        lambda n: n.add("c", 1, "iaf_cond_alpha", V_reset=-50.0),
        ["populations.c", "V_reset"],
    ),
    "threshold that follows from others": (lambda n: n.add("c", 1, "mat2_psc_exp", V_th=-50.0), ["populations.c.V_th"]),
    "soft reset above the threshold": (lambda n: n.add("c", 1, "lif_psc_delta", V_reset=-50.0), ["populations.c", "V_reset"]),
    "soft reset without a threshold": (lambda n: n.add("c", 1, "lif_psc_exp", V_th=-np.inf), ["populations.c.V_th", "-inf"]),
    "soft reset with a lower bound": (lambda n: n.add("c", 1, "lif_psc_delta", V_min=-80.0), ["populations.c.V_min"]),
    "soft reset and a synapse without time": (lambda n: n.add("c", 1, "lif_psc_exp", tau_syn_in=0.0), ["populations.c.tau_syn_in", "> 0"]),
    "hard reset without a threshold": (lambda n: n.add("c", 1, "if_psc_delta_hard", V_th=-np.inf), ["populations.c.V_th", "-inf"]),
    "soft reset at exact times": (
        lambda n: (n.add("x", 1, "lif_psc_delta"), ls.run(n, 1.0, method="precise")),
        ["lif_psc_delta", "precise"],
    ),
    "time constant of a threshold": (lambda n: n.add("c", 1, "mat2_psc_exp", tau_2=0.0), ["populations.c.tau_2", "> 0"]),
    "current onto a parrot": (
        lambda n: n.connect(n.add("dc", 1, "dc_generator"), n.add("p", 1, "parrot_neuron")),
        ["projections[0].target", "p", "parrot_neuron"],
    ),
    "potential of a parrot": (lambda n: n.record(n.add("p", 1, "parrot_neuron"), "V_m"), ["record[1].variable", "V_m"]),
    "exact models on the grid": (
        lambda n: (n.add("x", 1, "iaf_psc_exp_ps_lossless"), ls.run(n, 1.0, method="grid")),
        ["populations.x.model", "iaf_psc_exp_ps_lossless", "grid", "precise", "or iaf_psc_exp"],
    ),
    "an exact generator on the grid": (
        lambda n: (n.add("x", 1, "poisson_generator_ps"), ls.run(n, 1.0, method="grid")),
        ["populations.x.model", "poisson_generator_ps", "precise"],
    ),
    "what has no exact form": (
        lambda n: (n.add("x", 1, "noise_generator"), n.add("y", 1, "noise_generator"), ls.run(n, 1.0, method="precise")),
        ["populations.x.model", "populations.y.model", "noise_generator", "precise", "grid"],
    ),
    "spikes off the grid": (
        lambda n: _run_with(n, spike_times=[1.0, 1.05]),
        ["populations.g.spike_times", "1.05", "1 and 1.1", "allow_offgrid_times", "precise"],
    ),
    "spikes off the grid among lists": (
        lambda n: (n.add("h", 2, "spike_generator", spike_times=[[1.0], [2.05]]), ls.run(n, 1.0)),
        ["2.05"],
    ),
    "exact times in float32": (lambda n: ls.run(n, 1.0, method="precise", precision="float32"), ["precision", "float32", "float64"]),
    "no refractory period with exact times": (
        lambda n: (n.add("x", 1, "iaf_psc_delta", t_ref=0.0), ls.run(n, 1.0, method="precise")),
        ["populations.x.t_ref", "above 0"],
    ),
    "no refractory period of an exact model": (lambda n: n.add("x", 1, "iaf_psc_exp_ps", t_ref=0.0), ["populations.x.t_ref", "> 0"]),
    "two time constants of the lossless model": (
        lambda n: n.add("x", 1, "iaf_psc_exp_ps_lossless", tau_syn_in=5.0),
        ["populations.x", "tau_syn_ex", "tau_syn_in", "iaf_psc_exp_ps"],
    ),
    "a dead time longer than intervals": (
        lambda n: n.add("x", 1, "poisson_generator_ps", rate=500.0, dead_time=2.0),
        ["populations.x", "dead_time", "rate"],
    ),
    "a network of an unknown method": (lambda n: ls.Network(method="exact"), ["run.method", "exact", "grid", "precise"]),
    "model file that is missing": (lambda n: ls.load("none.toml"), ["none.toml"]),
    "parameter a model has not": (lambda n: ls.load("brunel", gg=4.0), ["gg"]),
    "results that are missing": (lambda n: ls.open("none.h5"), ["none.h5"]),
}


def several(net: ls.Network) -> object:
    """Neurons with two receptors."""
    return net.add("several", 2, "iaf_psc_exp_multisynapse", tau_syn=[1.0, 2.0])


def _located(net: ls.Network, positions: object) -> None:
    net.add("g", 4, "iaf_psc_exp", positions=positions)


def _spatial(net: ls.Network, positions: object = None, to: str = "h", run: bool = False, **connection: object) -> None:
    for name, where in (("g", {"grid": [2, 2]}), ("h", positions or {"grid": [2, 2]})):
        net.add(name, 4, "iaf_psc_exp", positions=where)
    net.connect("g", to, **{"rule": "pairwise_bernoulli", "p": {"box": {"p0": 0.5, "radius": 1.0}}, **connection})
    if run:
        ls.run(net, 1.0)


def _run_with(net: ls.Network, model: str = "spike_generator", **params: object) -> None:
    net.add("g", 1, model, **params)
    net.connect("g", "a")
    ls.run(net, 5.0)


def _with_waveform(net: ls.Network, name: str, text: str, reference: str = "") -> None:
    Path(name).write_text(text, encoding="utf-8")
    _run_with(net, "waveform_generator", waveform_file=reference or name)


def _npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def _header(text: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text.encode("latin1") + data


def _claim(shape: str, data: bytes = b"") -> bytes:
    return _header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n", data)


WAVE = np.arange(10.0)
WRONG_WAVEFORMS = {  # contents of w.npy, or of w.csv
    "empty": (b"", "is not an NPY file"),
    "a part of the magic": (b"\x93NUM", "is not an NPY file"),
    "wrong magic": (b"\0" * 200, "is not an NPY file"),
    "a pickle": (b"\x80\x04K\x01.", "is not an NPY file"),
    "a zip archive": (b"PK\x03\x04" + b"\0" * 50, "is not an NPY file"),
    "a header cut off": (_npy(WAVE)[:40], "is not an NPY file"),
    "data cut off": (_npy(WAVE)[:-9], "but holds 71 bytes"),
    "data behind its end": (_npy(WAVE) * 2, "float64 of shape (10,)"),
    "an unknown version": (b"\x93NUMPY\x09\x00" + _npy(WAVE)[8:], "is not an NPY file"),
    "a header of code": (_header("{'descr': print(1), 'fortran_order': False, 'shape': (5,), }\n"), "is not an NPY file"),
    "a header of brackets": (_header("(" * 5000), "is not an NPY file"),
    "a header of 4 GB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "is not an NPY file"),
    "no keys": (_header("{}\n"), "is not an NPY file"),
    "a petabyte": (_claim("(10**15,)".replace("10**15", str(10**15))), "but holds 0 bytes"),
    "negative": (_claim("(-5,)", bytes(80)), "but holds 80 bytes"),
    "overflow": (_claim("(4294967296, 4294967296)", bytes(80)), "but holds 80 bytes"),
    "a boolean shape": (_claim("(True,)", bytes(80)), "but holds 80 bytes"),
    "objects": (_npy(np.array([1, None], object)), "holds entries of type object, not numbers"),
    "complex": (_npy(np.zeros(10, complex)), "complex128"),
    "booleans": (_npy(np.zeros(10, bool)), "bool"),
    "texts": (_npy(np.array(["a"])), "<U1"),
    "dates": (_npy(np.array(["2020"], "M8[D]")), "datetime64"),
    "a structure": (_npy(np.zeros(3, [("a", "f8")])), "('a', '<f8')"),
    "three dimensions": (_npy(np.zeros((10, 1, 1))), "shape (10, 1, 1)"),
    "a number": (_npy(np.array(3.0)), "shape ()"),
    "nothing": (_npy(np.zeros(0)), "shape (0,)"),
    "nan": (_npy(np.full(3, np.nan)), "nan or infinite"),
    "empty text": (b"", "holds no numbers"),
    "text of comments": (b"# a\n\n# b\n", "holds no numbers"),
    "text of UTF-16": ("1.0\n".encode("utf-16"), "holds more than numbers"),
    "ragged text": (b"1\n1,2\n", "holds more than numbers"),
}


@pytest.mark.parametrize("kind", WRONG_WAVEFORMS)
def test_wrong_waveform_files(kind):
    data, said = WRONG_WAVEFORMS[kind]
    path = Path("w.csv" if "text" in kind.split() else "w.npy")
    path.write_bytes(data)
    with pytest.raises(ls.LifsimError) as caught:
        _run_with(network(), "waveform_generator", waveform_file=str(path))
    assert f"populations.g.waveform_file: {path}" in str(caught.value) and said in str(caught.value)


@pytest.mark.parametrize("form", ["C", "F", ">f8", "<f4", "i8", "(2, 0)", "(3, 0)", "mark", "comment", "columns"])
def test_waveform_files_of_every_form(form):
    """Samples are the same whatever the order of bytes and of elements, the type, the version, or a byte-order mark."""
    path, samples = Path("w.npy"), WAVE[:, None]
    if form in ("mark", "comment", "columns"):
        path, text = Path("w.csv"), "".join(f"{x:g}\n" for x in WAVE)
        path.write_text({"mark": "\ufeff" + text, "comment": "# samples\n" + text, "columns": text}[form], encoding="utf-8")
    elif form.startswith("("):
        path.write_bytes(_npy(samples, (int(form[1]), 0)))
    else:
        samples = np.arange(20.0).reshape(10, 2)
        np.save(path, np.asfortranarray(samples) if form == "F" else samples.astype(form if form != "C" else float))
    assert np.array_equal(read_samples(str(path), "x"), samples)


def test_a_name_that_no_file_can_have():
    with pytest.raises(ls.LifsimError, match="waveform_file"):
        _run_with(network(), "waveform_generator", waveform_file="w\0.csv")


ODD = {
    "ragged": [[1.0], [2.0, 3.0]],
    "half nested": [1.0, [2.0]],
    "text": "abc",
    "texts": ["a", "b", "c", "d"],
    "nested text": [["a"] * 3] * 3,
    "date": datetime.date(2020, 1, 1),
    "dates": [datetime.date(2020, 1, 1)] * 4,
    "date of numpy": np.datetime64("2020"),
    "dates of numpy": np.array(["2020"] * 4, "M8[Y]"),
    "durations": np.array([1] * 4, "m8[s]"),
    "true": True,
    "truths": [True, False, True, True],
    "truths beside numbers": [True, 2.0, 3.0, 4.0],
    "an array of truths": np.array([True, False, True, True]),
    "none": [None] * 4,
    "complex": np.array([1j] * 4),
    "bytes": b"12",
    "set": {1.0},
    "objects": np.array([object()] * 4, object),
    "decimals": [decimal.Decimal("1.5")] * 4,
    "fraction": fractions.Fraction(1, 3),
    "thousands of digits": 10**5000,
    "some with thousands of digits": [10**5000] * 4,
    "masked": np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[0, 1, 0, 0]),
    "masked whole numbers": np.ma.array([0, 1, 2, 3], mask=[0, 1, 0, 0]),
    "a masked one": [np.ma.masked, 1.0, 2.0, 3.0],
    "masked rows": [np.ma.array([1.0, 2.0], mask=[1, 0])] * 4,
    "a structure": np.zeros(4, [("a", "f8")]),
    "nested deeply": [[[[[[[[[[[1.0]]]]]]]]]]],
    "a list that holds itself": (lambda held: held.append(held) or held)([]),
    "truths in a distribution": {"normal": [True, False]},
    "texts in a distribution": {"uniform": ["a", "b"]},
    "a set in a distribution": {"uniform": {1, 2}},
    "masked in a distribution": {"uniform": np.ma.array([1.0, 2.0], mask=[1, 0])},
    "an infinite range": {"uniform": [-1e308, 1e308]},
    "draws beyond all numbers": {"lognormal": [700.0, 10.0]},
}
TAKERS = {
    "parameter": lambda n, x: n.add("g", 4, "iaf_psc_exp", I_e=x),
    "initial value": lambda n, x: n.add("g", 4, "iaf_psc_exp", V_m=x),
    "series": lambda n, x: n.add("g", 4, "step_current_generator", amplitude_times=x, amplitude_values=[1.0] * 4),
    "spike times": lambda n, x: n.add("g", 4, "spike_generator", spike_times=x),
    "waveform": lambda n, x: n.add("g", 4, "waveform_generator", waveform=x),
    "interval": lambda n, x: n.add("g", 1, "waveform_generator", waveform=[1.0], interval=x),
    "receptors": lambda n, x: n.add("g", 4, "iaf_psc_exp_multisynapse", tau_syn=x),
    "number of nodes": lambda n, x: n.add("g", x, "iaf_psc_exp"),
    "model": lambda n, x: n.add("g", 4, x),
    "name": lambda n, x: n.add("a" if isinstance(x, str) else x, 4, "iaf_psc_exp"),
    "positions": lambda n, x: n.add("g", 4, "iaf_psc_exp", positions=x),
    "grid": lambda n, x: n.add("g", 4, "iaf_psc_exp", positions={"grid": x}),
    "extent": lambda n, x: n.add("g", 4, "iaf_psc_exp", positions={"random": True, "extent": x}),
    "weight": lambda n, x: n.connect("a", "a", "one_to_one", weight=x),
    "weights of given synapses": lambda n, x: n.connect("a", "a", "explicit", sources=[0, 1, 2, 3], targets=[0, 1, 2, 3], weight=x),
    "delay": lambda n, x: n.connect("a", "a", "one_to_one", delay=x),
    "indices": lambda n, x: n.connect("a", "a", "explicit", sources=x, targets=[0, 1, 2, 3]),
    "probability": lambda n, x: n.connect("a", "a", "pairwise_bernoulli", p=x),
    "count": lambda n, x: n.connect("a", "a", "fixed_indegree", indegree=x),
    "receptor": lambda n, x: n.connect("a", "a", receptor_type=x) if x is not True else n.connect("a", "a", receptor_type=7),
    "synapse": lambda n, x: n.connect("a", "a", synapse={"model": "stdp_synapse", "lambda": x}),
    "source": lambda n, x: n.connect(x, "a"),
    "variable": lambda n, x: n.record("a", x),
    "recording interval": lambda n, x: n.record("a", "V_m", interval=x),
    "time step": lambda n, x: ls.Network(dt=x),
    "seed": lambda n, x: ls.Network(seed=x),
    "duration": lambda n, x: ls.Network(duration=x),
    "duration of a run": lambda n, x: ls.run(n, x),
    "seed of a run": lambda n, x: ls.run(n, 1.0, seed=x),
    "method": lambda n, x: ls.run(n, 1.0, method=x),
    "weights": lambda n, x: ls.run(n, 1.0, weights=x),
    "threads": lambda n, x: ls.run(n, 1.0, threads=x),
    "checkpoints": lambda n, x: ls.run(n, 1.0, checkpoint_every=x),
    "wall time": lambda n, x: ls.run(n, 1.0, max_wall=x),
    "place of results": lambda n, x: ls.run(n, 1.0, out="a/b/c.h5" if isinstance(x, str) else x),
}


def unclear(take, odd):
    """What is wrong with the answer to something that is no number: "" if it is one clear error that quotes little."""
    try:
        take(network(), odd)
    except ls.LifsimError as error:
        return "" if len(str(error)) < 1500 else f"an error of {len(str(error))} characters"
    except Exception:
        return traceback.format_exc()
    return "no error"


@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_number(taker):
    """Whatever takes it: one clear error. No mask is ignored, no date counted, nothing parsed by accident."""
    wrong = {name: said for name, odd in ODD.items() if (said := unclear(TAKERS[taker], odd))}
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())


@pytest.mark.parametrize("odd", ["masked rows", "dates", "complex", "texts", "thousands of digits", "structure"])
def test_data_for_dense_networks(odd):
    wrong = {
        "masked rows": np.ma.array(np.ones((6, 2)), mask=np.eye(6, 2)),
        "dates": np.full((6, 2), np.datetime64("2020")),
        "complex": np.full((6, 2), 1j),
        "texts": np.full((6, 2), "1"),
        "thousands of digits": [[10**5000, 1]] * 6,
        "structure": np.zeros((6, 2), [("a", "f8")]),
    }[odd]
    with pytest.raises(ls.DataError, match="X"):
        Regressor().fit(wrong, np.ones(6))
    with pytest.raises(ls.DataError, match="y"):
        Regressor().fit(np.ones((6, 2)), wrong)
    with pytest.raises(ls.DataError, match="y"):
        Classifier().fit(np.ones((6, 2)), np.ma.array([0, 1, 0, 1, 0, 1], mask=[1, 0, 0, 0, 0, 0]))


def test_numbers_of_every_type():
    for x in (
        np.float16([1, 2, 3, 4]),
        np.arange(1, 5, dtype=np.int8),
        [1, 2.0, np.float32(3), "4"],
        np.array([1, 2.0, 3, 4], object),
        range(1, 5),
    ):
        found = network().add("g", 4, "iaf_psc_exp", I_e=x).params["I_e"]
        assert found.dtype == np.float64 and found.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert network().add("g", 4, "iaf_psc_exp", I_e=["1 nA", 2.0, "3 pA", 4]).params["I_e"].tolist() == [1000.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("interval", [1e-7, 1e-9, 1e-300, 0.04])
def test_intervals_of_less_than_a_step(interval):
    net = network()
    net.connect("a", "a")
    for call in (lambda: net.record("a", "V_m", interval=interval), lambda: net.record_weights("a", "a", interval=interval)):
        with pytest.raises(ls.ModelError, match=r"record\[\d\].interval"):
            call()
    for dt in (interval, {"uniform": [interval, 2 * interval]}, [interval] * 4):
        with pytest.raises(ls.ModelError, match=r"populations\.g\.dt"):
            net.add("g", 4, "noise_generator", dt=dt)


@pytest.mark.parametrize("interval", [1e308, 1e17, 1e-8, 1e-300])
def test_intervals_of_waveforms_that_no_steps_can_count(interval):
    with pytest.raises(ls.ModelError, match=r"populations\.g\.interval"):
        network().add("g", 1, "waveform_generator", waveform=[1.0, 2.0], interval=interval)


def test_a_waveform_of_too_many_steps():
    """Rows of whole steps are kept as they are; the mean of each step takes memory, which is foretold."""
    with pytest.raises(
        ls.ModelError, match=r"populations\.g\.interval: 2 samples, one in 1e\+12 ms, need .* of memory as means over time steps"
    ):
        _run_with(network(), "waveform_generator", waveform=[1.0, 2.0], interval=1e12, interpolate=True)
    _run_with(network(), "waveform_generator", waveform=[1.0, 2.0], interval=1e12)


def test_objects_in_a_waveform_file():
    """A pickle is never loaded."""
    np.save("w.npy", np.array([1.0, None], dtype=object), allow_pickle=True)
    with pytest.raises(ls.LifsimError, match=r"populations\.g\.waveform_file: w\.npy holds entries of type"):
        _run_with(network(), "waveform_generator", waveform_file="w.npy")


@pytest.mark.parametrize("place", ["../w.csv", "/tmp/w.csv", "a/../../w.h5:x", ""])
def test_waveforms_elsewhere(place, model):
    stimulus = f'model = "waveform_generator"\nparams = {{ waveform_file = "{place}" }}'
    text = MODEL.replace('model = "poisson_generator"\nparams = { rate = "20 kHz" }', stimulus)
    assert text != MODEL
    Path(model).write_text(text, encoding="utf-8")
    refused(["check", model], "populations.ext.params.waveform_file" if place else "either waveform or waveform_file")


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_wrong_call(case):
    call, pieces = WRONG_CALLS[case]
    net = network()
    start = time.process_time()
    with pytest.raises(ls.LifsimError) as caught:
        call(net)
    assert time.process_time() - start < LIMIT
    for piece in pieces:
        assert piece in str(caught.value)


def test_spike_ids_out_of_range(model):
    """In a process of its own: what lies beyond an array must never be reached."""
    text = MODEL.replace("poisson_generator", "spike_generator").replace('rate = "20 kHz"', "spike_times = [1.0], spike_ids = [500000]")
    Path(model).write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "lifsim", "run", model], capture_output=True, text=True)
    assert done.returncode == 2
    assert "populations.ext" in done.stderr and "spike_ids" in done.stderr and "500000" in done.stderr


def test_answers_before_anything_heavy_is_imported(model):
    Path(model).write_text(MODEL.replace('"20 ms"', '"-20 ms"'), encoding="utf-8")
    command = [sys.executable, "-X", "importtime", "-m", "lifsim", "run", model]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "tau_m" in done.stderr
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "lifsim.modelfile.reader" in imported
    assert not imported & {"numba", "scipy", "matplotlib", "h5py"}
