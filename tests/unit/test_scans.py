"""Scans: points, checks, results beside single runs, what is run again and what is not."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common.errors import DataError, LifsimError, ModelError, OutputError
from lifsim.scans import ScanTable, read_scan, spike_digest
from lifsim.scans.axis import axis, axis_of
from lifsim.scans.function_code import code_digest
from lifsim.scans.job import Job, SharedSettings, run_job
from lifsim.scans.kept_network import own_network
from lifsim.scans.points import grid_points, seeds_of
from lifsim.scans.request import Request
from lifsim.scans.source import ModelSource

MODEL = """
name = "small"

[run]
duration = "60 ms"

[parameters]
g = 5.0
rate = "9 kHz"
tau_m = "20 ms"
unused = 1

[populations.exc]
n = 20
model = "iaf_psc_delta"
params = { tau_m = "= tau_m", V_th = 20.0, V_reset = 10.0, E_L = 0.0, t_ref = 2.0 }
initial = { V_m = { uniform = [0.0, 15.0] } }

[populations.ext]
n = 1
model = "poisson_generator"
params = { rate = "= rate" }

[[projections]]
source = "ext"
target = "exc"
weight = 0.2
delay = 1.5

[[projections]]
source = "exc"
target = "exc"
rule = "fixed_indegree"
indegree = 5
weight = "= -g * 0.1"
delay = 1.5

[[record]]
populations = "exc"
variable = "spikes"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(MODEL, encoding="utf-8")


def scan(grid=None, seeds=None, statistics=None, net="small.toml", **options):
    return ls.scan(net, grid, seeds, statistics, **{"jobs": 1, "progress": False, **options})


def count(result):
    return {"n": len(result.spikes["exc"].times)}


# -- points ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x=0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("x=3:8:0.5", tuple(np.arange(6, 17) / 2)),
        ("x=3:8:2", (3, 5, 7)),
        ("x=2:-2:-2", (2, 0, -2)),
        ("x=1e-3:2e-3:5e-4", (0.001, 0.0015, 0.002)),
        ("x = 3, 4.5,5", (3, 4.5, 5)),
        ("x=5:15:5 ms", ("5 ms", "10 ms", "15 ms")),
        ("x=5 ms:15 ms:5 ms", ("5 ms", "10 ms", "15 ms")),
        ("x=10 ms, 0.02 s", ("10 ms", "0.02 s")),
        ("x=a,true,{uniform=[0,1]}", ("a", True, {"uniform": [0, 1]})),
        ("x=[1,2],[3,4]", ([1, 2], [3, 4])),
        ("x=7", (7,)),
    ],
)
def test_values_of_an_axis(text, values):
    found = axis(text)
    assert found.name == "x" and found.values == values
    assert [type(v) for v in found.values] == [type(v.item() if isinstance(v, np.generic) else v) for v in values]


def test_logarithmic_steps():
    found = np.array(axis("x=log:5:50:8").values)
    assert found[0] == 5 and found[-1] == 50 and np.allclose(found, 5 * 10 ** (np.arange(8) / 7), rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g", "NAME=VALUES"),
        ("g=", "NAME=VALUES"),
        ("g=1:2:0", "a step that leads"),
        ("g=1:2:-1", "a step that leads"),
        ("g=log:0:5:3", "values above 0"),
        ("g=log:1:5:1", "a whole number of values from 2"),
        ("g=5:3", "the lower value first"),
        ("g=1,2,1", "1 occurs twice"),
        ("g=1 ms:2 mV:1", "one unit"),
        ("g=1:2:1 parsec", "unknown unit"),
        ("g=1:2:3:4", "start:stop:step"),
        ("g=0:1:1e-9", "1e+09 values; expected at most 1,000,000"),
        ("g=0:1e999999:1", "1e999999 is too large"),
        ("g=0:1e9999999:1", "1e9999999 is too large"),
        ("g=0:1:1e-999999", "a step that leads"),
        ("g=0:1e308:1e-300", "1e+308 values"),
        ("g=1:1e400", "1e400 is too large"),
        ("g=-1e308:1e308", "too wide"),
        ("g=log:1:1e400:3", "1e400 is too large"),
        (f"g=log:1:5:{'9' * 5000}", "a whole number of values from 2"),
        (f"g={','.join(map(str, range(1500)))},1400.0", "1400.0 occurs twice"),
        ("g=[1,2],{a=[1]},[1.0,2]", "occurs twice"),
        ("g={a=[1]},{a=[1]}", "occurs twice"),
    ],
)
def test_axes_that_are_none(text, said):
    with pytest.raises(LifsimError) as caught:
        axis(text)
    assert said in str(caught.value) and str(caught.value).startswith("--grid")


def test_grid_is_the_product():
    points = grid_points([axis("b=1,2"), axis("a=3,4,5")], None, 1)
    assert [(p["b"], p["a"]) for p in points] == list(itertools.product((1, 2), (3, 4, 5)))


def test_random_points():
    """Uniform, or uniform in the logarithm; a fixed seed; a false alarm in 10⁴; more samples begin with the same ones."""
    axes = [axis("a=3:8"), axis("b=log:0.01:10"), axis("c=1,2")]
    points = grid_points(axes, 2000, 5)
    assert len(points) == 4000 and list(points[0]) == ["a", "b", "c"]
    a, b = (np.array([p[name] for p in points if p["c"] == 1]) for name in "ab")
    assert stats.kstest(a, stats.uniform(3, 5).cdf).pvalue > 1e-4
    assert stats.kstest(np.log(b), stats.uniform(np.log(0.01), np.log(1000)).cdf).pvalue > 1e-4
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / math.sqrt(2000)
    assert grid_points(axes, 10, 5)[:10] == points[:10] and grid_points(axes, 10, 6)[0] != points[0]


@pytest.mark.parametrize(("given", "seeds"), [("1:3", [1, 2, 3]), ("1,5", [1, 5]), ([4, 2], [4, 2]), (np.arange(2), [0, 1]), (7, [7])])
def test_seeds(given, seeds):
    assert seeds_of(given) == seeds


@pytest.mark.parametrize("given", ["a", "1.5", [-1], [True], 2.5, "1,1", []])
def test_seeds_that_are_none(given):
    with pytest.raises(LifsimError, match="seed"):
        seeds_of(given)


def test_points_that_are_none():
    for request, said in (
        (Request(), "nothing to scan"),
        (Request(axes=(axis("a=3:8"),)), "--random N"),
        (Request(axes=(axis("a=3,8"),), samples=3), "no interval"),
        (Request(axes=(axis("a=3,8"), axis("a=4"))), "given twice"),
        (Request(axes=(axis_of("a", range(1001)), axis_of("b", range(1001)))), "1,002,001 points"),
    ):
        with pytest.raises(LifsimError, match=said):
            request.values()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"samples": 0}, "samples: 0"),
        ({"samples": 2.5}, r"samples: 2\.5"),
        ({"samples": True}, "samples: True"),
        ({"samples": 3, "random_seed": -1}, "random_seed: -1"),
        ({"samples": 3, "random_seed": 1.5}, r"random_seed: 1\.5"),
        ({"samples": 3, "random_seed": 2**64}, "random_seed"),
        ({"samples": 3, "points": "p.csv", "grid": None}, "samples: random samples beside a table"),
        ({"points": 5, "grid": None}, "points: 5"),
    ],
)
def test_wrong_random_points(options, said):
    with pytest.raises(LifsimError, match=said):
        scan(**{"grid": {"g": "3:8"}, **options})


def test_every_random_seed_gives_its_own_points(tmp_path):
    def first(**seed):
        return Request(axes=(axis("a=3:8"),), samples=np.int64(1), **seed).values()

    assert first() == first(random_seed=1) != first(random_seed=0) == first(random_seed=np.int64(0))
    (tmp_path / "own.toml").write_text(f'{MODEL}\n[scan]\nsamples = 1\nrandom_seed = 0\n[scan.grid]\ng = "3:8"\n')
    assert scan(net="own.toml")["g"][0] == Request(axes=(axis("g=3:8"),), samples=1, random_seed=0).values()[0]["g"]


# -- results ---------------------------------------------------------------------------------------


def test_the_table_of_a_scan(tmp_path):
    """Each row beside a single run of the same model, whose statistics the test computes from its spikes."""
    table = scan({"g": "4:6:2", "populations.ext.params.rate": ["8 kHz", 11_000.0]}, "1:2", discard=20)
    assert len(table) == 8 and table.parameters == ("g", "populations.ext.params.rate")
    assert table["populations.ext.params.rate"].tolist() == [8000, 8000, 11000, 11000] * 2 and table["seed"].tolist() == [1, 2] * 4
    for row in table.rows():
        net = ls.load("small.toml", g=row["g"], overrides={"populations.ext.params.rate": row["populations.ext.params.rate"]})
        spikes = ls.run(net, seed=row["seed"], threads=1, out=f"{row['g']} {row['populations.ext.params.rate']} {row['seed']}.h5")
        assert spike_digest(spikes) == row["digest"] and row["error"] is None
        late = spikes.spikes["exc"].times > 20.0
        assert row["exc.spikes"] == late.sum() and math.isclose(row["exc.rate"], late.sum() / 20 / 0.04)
    assert len(set(table.columns["digest"])) == 8


def test_digest_of_spikes_tells_results_apart():
    class Train:
        def __init__(self, times, ids):
            self.times, self.ids = np.array(times, float), np.array(ids)

    class Fake:
        def __init__(self, **spikes):
            self.spikes = spikes

    one = spike_digest(Fake(a=Train([1, 2], [0, 1]), b=Train([], [])))
    others = [
        Fake(a=Train([1, 2], [1, 0]), b=Train([], [])),
        Fake(a=Train([1, 2.0000001], [0, 1]), b=Train([], [])),
        Fake(a=Train([1], [0]), b=Train([2], [1])),
        Fake(a=Train([1, 2], [0, 1]), c=Train([], [])),
    ]
    assert one not in {spike_digest(x) for x in others} and len({spike_digest(x) for x in others}) == 4
    assert one == spike_digest(Fake(b=Train([], []), a=Train([1, 2], [0, 1])))


def test_what_does_not_depend_on_the_parameter_is_built_once(tmp_path):
    """Neuron and generator parameters leave the synapses; weights, counts, delays and another seed do not."""

    def built(grid, seeds=None, name="s"):
        scan(grid, seeds, out=tmp_path / name)
        return [json.loads(line)["built"] for line in (tmp_path / name / "runs.jsonl").read_text().splitlines()]

    assert sum(built({"rate": [8e3, 9e3, 1e4], "tau_m": [15.0, 20.0]}, name="a")) == 1
    assert sum(built({"g": [4.0, 5.0], "rate": [8e3, 9e3]}, name="b")) == 2
    assert sum(built({"rate": [8e3, 9e3]}, "1:3", name="c")) == 3
    assert all(built({"populations.exc.n": [20, 21]}, name="d")) and all(built({"projections[1].delay": [1.5, 2.0]}, name="e"))


def test_without_random_synapses_a_network_serves_all_seeds(tmp_path):
    net = ls.Network()
    net.add("exc", 5, "iaf_psc_delta", V_m={"uniform": [-70.0, -56.0]})
    net.add("ext", 1, "poisson_generator", rate=20_000.0)
    net.connect("ext", "exc", weight=0.5, delay=1.5)
    net.record("exc", "spikes")
    table = scan({"populations.ext.params.rate": [20e3, 30e3]}, "1:3", net=net, duration=50.0, out=tmp_path / "s")
    rows = [json.loads(line) for line in (tmp_path / "s" / "runs.jsonl").read_text().splitlines()]
    assert sum(row["built"] for row in rows) == 1
    for row in table.rows():
        net.populations["ext"].params["rate"] = row["populations.ext.params.rate"]
        assert spike_digest(ls.run(net, 50.0, seed=row["seed"], threads=1)) == row["digest"]


def test_means_and_confidence_intervals(tmp_path):
    table = scan({"rate": [9e3, 11e3]}, "1:4", out=tmp_path / "s")
    summary = table.summary()
    x = table["exc.rate"].reshape(2, 4)
    assert summary["rate"] == [9000, 11000] and summary["seeds"] == [4, 4]
    low, high = stats.t.interval(0.95, 3, x.mean(1), stats.sem(x, axis=1))
    np.testing.assert_allclose([summary[f"exc.rate.{end}"] for end in ("mean", "low", "high")], [x.mean(1), low, high])
    with open(tmp_path / "s" / "summary.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1]["exc.rate.low"]) == low[1] and len(rows) == 2
    one = scan({"rate": [9e3]}).summary()
    assert math.isnan(one["exc.rate.low"][0]) and one["exc.rate.mean"] == [x[0, 0]]
    with pytest.raises(LifsimError, match="level"):
        table.summary(95)


def test_statistics_of_ones_own():
    def mine(result):
        return {"n": np.int64(len(result.spikes["exc"].times)), "deep": {"er": np.float32(0.5)}, "none": math.nan}

    table = scan({"g": [5]}, statistics=mine)
    assert table.statistics == ("n", "deep.er", "none") and table["deep.er"].tolist() == [0.5] and math.isnan(table["none"][0])
    said = "statistics: the function returned 3; expected a function that returns numbers by name, as a dict"
    assert scan({"g": [5]}, statistics=lambda r: 3).columns["error"] == [said]
    assert scan({"g": [5]}, statistics="cv2").statistics == ("exc.neurons", "exc.spikes", "exc.cv2")
    with pytest.raises(LifsimError, match="statistics: there is no statistic 'cw2'"):
        scan({"g": [5]}, statistics=["cw2"])
    for wrong in (lambda r: 3, lambda r: {"x": [1, 2]}, lambda r: 1 / 0):
        failed = scan({"g": [5, 6]}, statistics=wrong)
        assert failed.failed == 2 and all(failed.columns["error"])
    with pytest.raises(LifsimError, match="statistics: 3"):
        scan({"g": [5]}, statistics=3)


def test_a_scan_within_a_function_for_statistics():
    def inner(result):
        return {"n": scan({"g": [5, 6]}, statistics=count)["n"].sum()}

    assert scan({"tau_m": [20, 21]}, statistics=inner)["n"].tolist() == [scan({"g": [5, 6]}, statistics=count)["n"].sum()] * 2


@pytest.mark.parametrize("name", ["g", "seed", "wall_s", "digest", "file", "error"])
def test_a_statistic_with_the_name_of_a_column_ends_the_scan(tmp_path, name):
    """After the first run, and without a row."""
    calls = []

    def taken(result):
        calls.append(1)
        return {"n": 1, name: 2.0}

    with pytest.raises(LifsimError, match=f"statistics, {name}: has the name of"):
        scan({"g": [4, 5, 6]}, statistics=taken, out=tmp_path / "s")
    assert len(calls) == 1 and len(read_scan(tmp_path / "s")) == 0


def test_a_parameter_with_the_name_of_a_stored_statistic_is_refused(tmp_path):
    def named(result):
        return {"rate": 1.0}

    scan({"g": [4]}, statistics=named, out=tmp_path / "s")
    with pytest.raises(OutputError, match="holds a statistic rate, which is now also a scanned parameter"):
        scan({"g": [4], "rate": [9e3]}, statistics=named, out=tmp_path / "s")


def test_infinite_statistics(tmp_path):
    """JSON has no infinite numbers; what is read is what was returned."""

    def infinite(result):
        return {"a": math.inf, "b": -math.inf, "c": math.nan, "d": "text"}

    def refuse(text):
        raise AssertionError(f"{text} is not JSON")

    table = scan({"g": [4]}, statistics=infinite, out=tmp_path / "s")
    for line in (tmp_path / "s" / "runs.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    assert table.columns == read_scan(tmp_path / "s").columns
    assert [table.columns[name] for name in "abcd"] == [[math.inf], [-math.inf], [None], ["text"]]


def test_each_run_on_a_network_tells_its_warnings():
    """Also when the network was built for an earlier run."""
    strong = '[[projections]]\nsource = "exc"\ntarget = "exc"\nrule = "all_to_all"\nweight = -300.0\ndelay = 1.5\n\n'
    weak = MODEL.replace('weight = "= -g * 0.1"', "weight = { normal = [-0.0001, 0.00001] }")
    source = ModelSource(weak.replace("[[record]]", strong + "[[record]]"), "small.toml", None)
    settings = SharedSettings(weights="compact")
    found = [run_job(Job(source=source, values={"tau_m": t}, seed=1, structure="s", settings=settings)) for t in (20.0, 21.0)]
    own_network().close()
    assert [o.error for o in found] == ["", ""] and [o.built for o in found] == [True, False]
    assert "compact weights come in steps" in found[0].warnings[0] and found[1].warnings == found[0].warnings


def test_a_function_that_makes_networks():
    def make(n, rate=9000.0):
        net = ls.load("small.toml", rate=rate)
        net.record(net.populations["exc"][:n], "V_m")
        return net

    table = scan({"n": [1, 2], "rate": [9e3]}, net=make, statistics=lambda r: {"traces": r.traces["exc"]["V_m"].shape[1]})
    assert table["traces"].tolist() == [1, 2] and table.name == "make"
    with pytest.raises(LifsimError, match=r"at nn=3: .*unexpected keyword"):
        scan({"nn": [3]}, net=make)
    with pytest.raises(LifsimError, match="returned 3"):
        scan({"n": [1]}, net=lambda n: 3)


def test_a_network_of_a_file_keeps_its_parameters():
    net = ls.load("small.toml", rate=12e3)
    table = scan({"g": [5.0]}, net=net)
    assert table.columns["digest"] == [spike_digest(ls.run(ls.load("small.toml", rate=12e3, g=5.0), threads=1))]
    net.record("exc", "V_m")  # the text of the file no longer describes it
    assert scan({"populations.exc.params.t_ref": [2.0]}, net=net).columns["digest"] == table.columns["digest"]


def test_a_table_in_memory():
    table = scan({"g": [4, 5, 6], "rate": [9e3]}, "1:2")
    assert repr(table).splitlines()[0] == "Scan small: 6 runs, parameters g, rate" and "<table>" in table._repr_html_()
    assert table.only("g", 5)["seed"].tolist() == [1, 2] and isinstance(table.only("g", 5), ScanTable)
    with pytest.raises(DataError, match=r"no run with g = 3\.4; (expected )?one of: "):
        table.only("g", 3.4)
    with pytest.raises(DataError, match="no column 'sed'; did you mean 'seed'"):
        table.only("sed", 1)
    frame = pytest.importorskip("pandas").DataFrame(table.columns)
    assert table.to_pandas()["exc.rate"].tolist() == frame["exc.rate"].tolist()
    with pytest.raises(DataError, match=r"did you mean 'exc\.rate'"):
        table["exc.rat"]


# -- checks before the first run -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"gg": [4]}, r"at gg=4: .*gg.*did you mean 'g'"),
        ({"g": [4], "tau_m": [20, -1]}, r"at g=4, tau_m=-1: populations.exc.params.tau_m: -1"),
        ({"tau_m": ["20 mV"]}, r"at tau_m=20 mV: .*voltage"),
        ({"populations.exc.params.tau": [3]}, r"at populations.exc.params.tau=3: .*tau_m"),
        ({"populations.excc.n": [3]}, r"did you mean 'exc'"),
        ({"populations.exc.n": [2.5]}, r"at populations.exc.n=2.5: populations.exc.n"),
        ({"run.duration": [60.03]}, r"at run.duration=60.03"),
        ({"run.seed": [1, 2]}, "--seeds"),
        ({"populations.exc.initial.V_m": [19.0, 21.0], "populations.exc.params.V_reset": [25.0]}, "at populations.exc.initial.V_m=19.0"),
    ],
)
def test_a_wrong_point_is_named_before_the_first_run(tmp_path, grid, said):
    with pytest.raises(LifsimError, match=said):
        scan(grid, out=tmp_path / "s")
    assert not (tmp_path / "s" / "runs.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"discard": 60}, "discard: 60 ms of 60 ms"),
        ({"discard": "3 mV"}, "discard"),
        ({"precision": "float16"}, "precision"),
        ({"jobs": 0}, "jobs: 0"),
        ({"threads": "many"}, "threads"),
        ({"keep": True}, "keep: given without out"),
        ({"duration": -1}, "duration"),
        ({"points": "p.csv"}, "beside a grid"),
        ({"net": "nowhere.toml"}, "there is no such file"),
        ({"net": 3}, "net: 3"),
        ({"grid": [1]}, "grid"),
        ({"out": "small.toml"}, "is not a folder"),
    ],
)
def test_wrong_options(options, said):
    with pytest.raises(LifsimError, match=said):
        scan(**{"grid": {"g": [5]}, **options})


# -- what is there already -------------------------------------------------------------------------


def runs_of(tmp_path):
    return len((tmp_path / "s" / "runs.jsonl").read_text().splitlines())


def test_what_is_done_is_not_run_again(tmp_path):
    calls = []

    def counted(result):
        calls.append(1)
        return count(result)

    first = scan({"g": [4, 5]}, "1:2", counted, out=tmp_path / "s")
    again = scan({"g": [4, 5]}, "1:2", counted, out=tmp_path / "s")
    assert len(calls) == 4 and again.columns == first.columns
    wider = scan({"g": [5.0, 6]}, "1:3", counted, out=tmp_path / "s")
    assert len(calls) == 4 + 4 and wider["g"].tolist() == [4, 4, 5, 5, 5, 6, 6, 6]
    other = scan({"g": [4, 5], "rate": [9e3, 10e3]}, 1, counted, out=tmp_path / "s")  # the model's rate is 9 kHz
    assert len(calls) == 8 + 2 and len(other) == 8 + 2
    assert other["rate"].tolist() == [9e3, 9e3, 10e3, 9e3, 9e3, 9e3, 10e3, 9e3, 9e3, 9e3]
    alike = scan({"g": [4], "unused": [1, 2, 3]}, 1, counted, out=tmp_path / "s")  # the same network
    assert len(calls) == 10 and sorted(alike.only("g", 4)["unused"].tolist()) == [1, 1, 1, 2, 3]
    assert read_scan(tmp_path / "s").columns == alike.columns


def test_a_torn_line_is_run_again(tmp_path):
    first = scan({"g": [4, 5, 6]}, out=tmp_path / "s")
    path = tmp_path / "s" / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    assert len(read_scan(tmp_path / "s")) == 2
    again = scan({"g": [4, 5, 6]}, out=tmp_path / "s")
    assert again.columns["digest"] == first.columns["digest"] and runs_of(tmp_path) == 3


def test_a_failed_run_is_made_again(tmp_path):
    def fails(result):
        if (tmp_path / "fail").exists():
            raise ValueError("no\nsuch luck")
        return count(result)

    (tmp_path / "fail").touch()
    assert scan({"g": [4, 5]}, statistics=fails, out=tmp_path / "s").columns["error"] == ["ValueError: no such luck"] * 2
    (tmp_path / "fail").unlink()
    table = scan({"g": [4, 5]}, statistics=fails, out=tmp_path / "s")
    assert table.failed == 0 and len(table) == 2 and runs_of(tmp_path) == 4


def test_a_failure_does_not_replace_statistics(tmp_path):
    """A run is repeated because its file is to be kept, and fails: the statistics stay; also in folders that hold such a failure."""

    def fails(result):
        if (tmp_path / "fail").exists():
            raise ValueError("no such luck")
        return count(result)

    first = scan({"g": [4, 5]}, statistics=fails, out=tmp_path / "s")
    (tmp_path / "fail").touch()
    again = scan({"g": [4, 5]}, statistics=fails, out=tmp_path / "s", keep=True)
    assert again.columns == first.columns == read_scan(tmp_path / "s").columns and runs_of(tmp_path) == 2
    path = tmp_path / "s" / "runs.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    for key in (row["key"], "another"):  # of the same point, whose parameters may have been set or not
        with path.open("a") as file:
            file.write(json.dumps({**row, "key": key, "statistics": {}, "error": "later"}) + "\n")
    assert read_scan(tmp_path / "s").columns == first.columns
    (tmp_path / "fail").unlink()
    kept = scan({"g": [4, 5]}, statistics=fails, out=tmp_path / "s", keep=True)
    assert kept["n"].tolist() == first["n"].tolist() and all((tmp_path / "s" / name).exists() for name in kept.columns["file"])


@pytest.mark.filterwarnings("ignore:overflow")
def test_one_point_that_fails_does_not_stop_the_others(tmp_path):
    """A potential that grows beyond all bounds stops the run, not the scan; the built network of the failure is not used again."""
    table = scan({"populations.exc.params.C_m": [1e-300], "populations.exc.params.I_e": [0.0, -1e9, 1e-3]}, out=tmp_path / "s")
    assert [bool(e) for e in table.columns["error"]] == [True, False, False] and "too large" in table.columns["error"][0]
    right = ls.load("small.toml", overrides={"populations.exc.params.C_m": 1e-300, "populations.exc.params.I_e": 1e-3})
    assert table.columns["digest"][2] == spike_digest(ls.run(right, threads=1))


def test_another_scan_in_the_folder_is_refused(tmp_path):
    out = tmp_path / "s"
    scan({"g": [4]}, out=out)
    for change, said in (
        ({"discard": 10}, "discard 0.0, not 10"),
        ({"precision": "float32"}, "precision float64, not float32"),
        ({"duration": 50}, "duration None, not 50"),
        ({"statistics": count}, "other statistics: rate, cv, fano, correlation, not count"),
    ):
        with pytest.raises(OutputError, match=said):
            scan({"g": [4]}, out=out, **change)
    (tmp_path / "small.toml").write_text(MODEL.replace("n = 20", "n = 21"), encoding="utf-8")
    with pytest.raises(OutputError, match="the model was changed"):
        scan({"g": [7]}, out=out)
    assert len(scan({"g": [7]}, out=out, overwrite=True)) == 1
    (tmp_path / "small.toml").write_text("# only a remark\n" + MODEL.replace("n = 20", "n = 21"), encoding="utf-8")
    assert len(scan({"g": [7, 8]}, out=out)) == 2


def test_another_function_of_the_same_name_is_refused(tmp_path):
    """Functions are told apart by what they do; what is merely written in another way is the same."""
    scan({"g": [4]}, statistics=lambda r: {"a": 1}, out=tmp_path / "s")
    with pytest.raises(OutputError, match=r"holds a scan with another function for statistics, also named .*<lambda>"):
        scan({"g": [5]}, statistics=lambda r: {"b": 1}, out=tmp_path / "s")
    again = scan({"g": [4, 5]}, statistics=lambda r: {"a": 1}, out=tmp_path / "s")
    assert again.statistics == ("a",) and len(again) == 2


def test_a_corrected_function_goes_on(tmp_path):
    """With it, the runs that all failed, or that were ended by the name of a statistic, are made in the same folder."""
    out = tmp_path / "s"
    with pytest.raises(LifsimError, match="seed"):
        scan({"tau_m": [20]}, statistics=lambda r: {"seed": 1}, out=out)
    assert scan({"g": [4, 5]}, statistics=lambda r: 1 / 0, out=out).failed == 2
    table = scan({"g": [4, 5]}, statistics=count, out=out)
    assert table.failed == 0 and table.parameters == ("g",) and len(table) == 2
    with pytest.raises(OutputError, match="other statistics: count, not rate"):
        scan({"g": [4, 5]}, statistics="rate", out=out)


def test_digests_of_functions():
    def helped(name, helper):
        space = {"__name__": "mine"}
        exec(f"def helper(r): return {helper}\ndef f(r):\n    {name!r}\n    # a remark\n    return helper(r)", space)
        return space["f"]

    def enclosing(value):
        return lambda r: value

    def default(value):
        def f(r, x=value, *, y=0):
            return x

        return f

    class Counted:
        def __call__(self, r):
            return 1

    same = [
        (helped("one", 1), helped("another docstring", 1)),
        (enclosing(3), enclosing(3)),
        (enclosing([1]), enclosing([2])),  # a list may change while the scan goes on
        (default((1, "a")), default((1, "a"))),
        (partial(default(1), x=2), partial(default(1), x=2)),
        (Counted(), Counted()),
    ]
    other = [
        (helped("one", 1), helped("one", 2)),
        (enclosing(3), enclosing(4)),
        (enclosing(enclosing(3)), enclosing(enclosing(4))),
        (enclosing(1), enclosing(True)),
        (default((1, "a")), default((1, "b"))),
        (partial(default(1), x=2), partial(default(1), x=3)),
        (lambda r: r.a, lambda r: r.b),
        (lambda r: [x + 1 for x in r], lambda r: [x + 2 for x in r]),
        (math.sin, math.cos),
    ]
    assert all(code_digest(f) == code_digest(g) for f, g in same) and all(code_digest(f) != code_digest(g) for f, g in other)


def test_the_digest_of_a_function_is_that_of_another_process():
    """A set of texts has another order in each process."""
    code = "from lifsim.scans.function_code import code_digest\nprint(code_digest(lambda r: r in {'a', 'b', 'c', 'd'}))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1


def test_a_folder_in_use_is_refused(tmp_path):
    def inner(result):
        with pytest.raises(OutputError, match="is in use by another scan"):
            scan({"g": [5]}, out=tmp_path / "s")
        return {"refused": 1}

    assert scan({"g": [4]}, statistics=inner, out=tmp_path / "s")["refused"].tolist() == [1]


def test_folders_that_hold_something_else(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds no scan"):
        scan({"g": [4]}, out=tmp_path / "s", overwrite=True)
    with pytest.raises(DataError, match="holds no scan"):
        read_scan(tmp_path / "s")
    (tmp_path / "u" / "points").mkdir(parents=True)
    (tmp_path / "u" / "points" / "a.h5").write_text("mine")  # the names alone do not make a scan
    with pytest.raises(OutputError, match="holds no scan"):
        scan({"g": [4]}, out=tmp_path / "u", overwrite=True)
    scan({"g": [4]}, out=tmp_path / "t")
    (tmp_path / "t" / "notes.txt").write_text("mine")
    scan({"g": [5]}, out=tmp_path / "t", overwrite=True)
    assert (tmp_path / "t" / "notes.txt").exists() and read_scan(tmp_path / "t")["g"].tolist() == [5]
    (tmp_path / "t" / "scan.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        read_scan(tmp_path / "t")


@pytest.mark.parametrize("deletions", range(8))
def test_overwriting_that_is_killed_between_deletions(tmp_path, monkeypatch, deletions):
    """No old run becomes one of the new scan, and the folder can be used, also without its lock file."""
    out, left = tmp_path / "s", deletions
    old = scan({"g": [4, 5]}, statistics=count, out=out, keep=True)
    unlink = Path.unlink

    def killed(path, missing_ok=False):
        nonlocal left
        left -= path.parent in (out, out / "points") and not path.name.endswith(".lock")
        if left < 0:
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with suppress(KeyboardInterrupt):
            scan({"g": [6]}, statistics="rate", out=out, overwrite=True)
    (out / ".runs.jsonl.lock").unlink(missing_ok=True)
    with suppress(OutputError):  # where scan.json is still there
        assert scan({"g": [6]}, statistics="rate", out=out).statistics == ("exc.neurons", "exc.spikes", "exc.rate", "exc.rate_sd")
        assert read_scan(out)["g"].tolist() == [6]
    if (out / "runs.jsonl").exists() and deletions < 1:
        assert read_scan(out).columns == old.columns
    new = scan({"g": [6]}, statistics="rate", out=out, overwrite=True)
    assert new["g"].tolist() == [6] and not list((out / "points").glob("*.h5"))


def test_runs_of_an_unknown_scan(tmp_path):
    """Without scan.json and lock file they are neither taken over nor lost silently."""
    scan({"g": [4]}, statistics=count, out=tmp_path / "s")
    (tmp_path / "s" / "scan.json").unlink()
    with pytest.raises(OutputError, match=r"holds runs, but not what was scanned \(scan\.json\)"):
        scan({"g": [5]}, out=tmp_path / "s")
    assert runs_of(tmp_path) == 1
    assert scan({"g": [5]}, out=tmp_path / "s", overwrite=True)["g"].tolist() == [5] and runs_of(tmp_path) == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("runs.jsonl", '{"key":"zz"}\n', "line 1: run is missing"),
        ("runs.jsonl", "[]\n", "line 1: no object"),
        ("runs.jsonl", "\n", "line 1: "),
        ("runs.jsonl", '{"key":3}\n', "line 1: key is 3"),
        (
            "runs.jsonl",
            '{"key":"k","run":"r","values":{"g":[]},"statistics":{},"digest":null,"file":null,"error":null,"seed":1,"wall_s":1}\n',
            "g is",
        ),
        ("scan.json", '{"format": 1}', "name is missing"),
        ("scan.json", "[]", "is damaged"),
        ("scan.json", "[" * 100_000, "is damaged"),
    ],
)
def test_damaged_folders(tmp_path, name, text, said):
    scan({"g": [4]}, out=tmp_path / "s")
    (tmp_path / "s" / name).write_text(text)
    for attempt in (lambda: read_scan(tmp_path / "s"), lambda: scan({"g": [4]}, out=tmp_path / "s")):
        with pytest.raises(DataError, match="is damaged") as caught:
            attempt()
        assert said in str(caught.value)


def test_scan_json_without_an_entry(tmp_path):
    scan({"g": [4]}, out=tmp_path / "s")
    path = tmp_path / "s" / "scan.json"
    about = json.loads(path.read_text())
    for key in about:
        path.write_text(json.dumps({name: x for name, x in about.items() if name != key}))
        with pytest.raises(DataError, match=key):
            scan({"g": [4]}, out=tmp_path / "s")


def test_kept_results(tmp_path):
    """The files are those of single runs: spikes, model, seed; they are made again if they are gone."""
    table = scan({"rate": [9e3, 12e3]}, "1:2", out=tmp_path / "s", keep=True)
    for row in table.rows():
        result = ls.open(tmp_path / "s" / row["file"])
        assert spike_digest(result) == row["digest"] and result.info["seed"] == row["seed"]
        assert result.info["parameters"]["rate"] == row["rate"]
    (tmp_path / "s" / table.columns["file"][0]).unlink()
    scan({"rate": [9e3, 12e3]}, "1:2", out=tmp_path / "s", keep=True)
    assert all((tmp_path / "s" / name).exists() for name in table.columns["file"]) and runs_of(tmp_path) == 5


# -- the command -----------------------------------------------------------------------------------


def lifsim(*words):
    return CliRunner().invoke(main, list(words))


def test_the_command(tmp_path, fine_figures):
    done = lifsim(
        "scan",
        "small.toml",
        "--grid",
        "g=4:5:1",
        "--set",
        "rate=9500",
        "--seeds",
        "1:2",
        "-j",
        "1",
        "--discard",
        "10",
        "--statistics",
        "cv,rate",
    )
    assert done.exit_code == 0 and "table.csv: 4 runs" in done.output and "lifsim scan-plot outputs/small-scan" in done.output
    with open("outputs/small-scan/table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["g"], row["seed"]) for row in rows] == [("4", "1"), ("4", "2"), ("5", "1"), ("5", "2")]
    net = ls.load("small.toml", g=4, rate=9500)
    assert rows[1]["digest"] == spike_digest(ls.run(net, seed=2, threads=1)) and rows[1]["error"] == ""
    drawn = lifsim("scan-plot", "outputs/small-scan", "--statistic", "cv_isi", "--population", "exc")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "outputs/small-scan/cv_isi.png").stat().st_size > 5000


def test_points_of_a_table(tmp_path):
    (tmp_path / "p.csv").write_text("g,populations.exc.params.tau_m,seed\n4,18,3\n5.5,20 ms,7\n")
    done = lifsim("scan", "small.toml", "--points", "p.csv", "-j", "1", "-o", "s")
    assert done.exit_code == 0, done.output
    table = read_scan("s")
    assert table["seed"].tolist() == [3, 7] and table["populations.exc.params.tau_m"].tolist() == [18, 20]
    (tmp_path / "p.csv").write_text("g\n4\n\n")
    assert lifsim("scan", "small.toml", "--points", "p.csv", "-j", "1", "-o", "t").exit_code == 0
    for text, said in (("g\n", "holds no points"), ("g,rate\n4,\n", "point 1: has no value of rate")):
        (tmp_path / "p.csv").write_text(text)
        wrong = lifsim("scan", "small.toml", "--points", "p.csv", "-j", "1", "-o", "u")
        assert wrong.exit_code == 2 and said in wrong.output


def test_the_table_scan_of_a_model(tmp_path):
    grid = 'g = "4:5:1"\n"populations.exc.params.tau_m" = [15, 20]\nrun.dt = [0.1]\n'
    text = f'{MODEL}\n[scan]\nseeds = "1:2"\ndiscard = "10 ms"\n[scan.grid]\n{grid}'
    (tmp_path / "own.toml").write_text(text)
    assert ls.run(ls.load("own.toml")).duration == 60.0
    table = scan(net="own.toml")
    assert len(table) == 8 and table.parameters == ("g", "populations.exc.params.tau_m", "run.dt")
    assert scan({"g": [6]}, net="own.toml")["seed"].tolist() == [1, 2] and len(scan(net="own.toml", seeds=5)) == 4
    (tmp_path / "own.toml").write_text(MODEL + "\n[scan]\nseedz = 1\n")
    with pytest.raises(LifsimError, match=r"scan.seedz: there is no such key; did you mean 'seeds'"):
        scan({"g": [6]}, net="own.toml")


def test_random_points_of_the_command():
    done = lifsim("scan", "small.toml", "--grid", "g=3:6", "--grid", "rate=log:8 kHz:12 kHz", "--random", "3", "-j", "1", "-o", "s")
    assert done.exit_code == 0, done.output
    table = read_scan("s")
    assert len(table) == 3 and ((table["g"] > 3) & (table["g"] < 6)).all() and ((table["rate"] > 8e3) & (table["rate"] < 12e3)).all()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--grid", "g=4"], 0, ""),
        ([], 2, "grid: nothing to scan"),
        (["--grid", "gg=4"], 2, "did you mean 'g'"),
        (["--grid", "g=4", "--seeds", "x"], 2, "--seeds"),
        (["--grid", "g=4", "--jobs", "0"], 2, "--jobs"),
        (["--grid", "g=4", "--n-jobs", "2"], 2, "write --jobs"),
        (["--grid", "g=4", "--set", "h"], 2, "--set"),
        (["--grid", "projections[0].weight=-1e308"], 1, "1 of them failed"),
    ],
)
def test_exit_codes(words, code, said):
    done = lifsim("scan", "small.toml", *words, *([] if "--jobs" in words else ["-j", "1"]))
    assert done.exit_code == code and said in done.output, done.output


def test_model_errors_keep_all_problems():
    with pytest.raises(ModelError) as caught:
        scan({"tau_m": [-1], "rate": [-2]})
    assert len(caught.value.problems) == 2


def test_overwriting_keeps_the_old_scan_until_all_points_are_checked(tmp_path):
    scan({"g": [4]}, out=tmp_path / "s")
    with pytest.raises(ModelError):
        scan({"tau_m": [-1]}, out=tmp_path / "s", overwrite=True)
    assert read_scan(tmp_path / "s")["g"].tolist() == [4]
    with pytest.raises(ModelError):
        scan({"tau_m": [-1]}, out=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_what_would_have_no_effect_is_refused(tmp_path):
    with pytest.raises(LifsimError, match="discard: given with a function for statistics"):
        scan({"g": [4]}, discard=10, statistics=count)
    with pytest.raises(LifsimError, match=r"run\.duration: is scanned, and given for all points"):
        scan({"run.duration": [40, 50]}, duration=30)
    silent = MODEL[: MODEL.index("[[record]]")]
    (tmp_path / "silent.toml").write_text(silent)
    with pytest.raises(LifsimError, match=r"at g=4: record: no spikes are recorded"):
        scan({"g": [4]}, net="silent.toml")


def test_seeds_as_an_axis():
    table = scan({"seed": [3, 4], "g": [4]})
    assert table["seed"].tolist() == [3, 4] and table.parameters == ("g",)
    with pytest.raises(LifsimError, match="seed: is a column of the points, and seeds are given"):
        scan({"seed": [3, 4], "g": [4]}, 1)


def test_potentials_beside_the_curve(tmp_path):
    """Of five values, those of the files; without files only the curve."""
    table = scan({"tau_m": [5, 10, 15, 20, 25, 30]}, net="single_neuron", out=tmp_path / "s", keep=True, duration=40)
    _, potentials = ls.plot.scan(table).axes
    assert [t.get_text() for t in potentials.get_legend().get_texts()] == ["5", "10", "15", "25", "30"]
    own = ls.open(tmp_path / "s" / table.columns["file"][2]).traces["neuron"]["V_m"][:, 0]
    np.testing.assert_array_equal(potentials.lines[2].get_ydata(), own)
    assert len(ls.plot.scan(scan({"tau_m": [5, 10]}, net="single_neuron", duration=40)).axes) == 1
