"""Validations: a recipe runs a model once for each seed, and compares with references of several kinds."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim import analysis, validation
from lifsim.analysis import RunDistributions, SampleDistribution, ks_distance
from lifsim.cli.main import main
from lifsim.common.errors import DataError, LifsimError, ModelError
from lifsim.validation import RECIPES, ValidationRecipe, read_reference, write_reference

pytestmark = pytest.mark.usefixtures("unarranged_figures")

SMALL = ValidationRecipe(
    name="small",
    title="Brunel's network, very small",
    source="these tests",
    model="brunel",
    settings={"order": 25},
    discard=50.0,
    duration=200.0,
    seeds=3,
    bin=2.0,
    neurons=30,
)


@cache
def other_seeds(g=5.0):
    return [ls.run(ls.load("brunel", order=25, g=g), 250.0, seed=seed) for seed in (11, 12, 13)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    return [result.save(folder / f"{k}.h5") for k, result in enumerate(other_seeds())]


def test_a_recipe_runs_once(tmp_path, results):
    reference = read_reference(results, discard=50.0, neurons=30)
    assert len(reference.runs) == 3
    before = validation.forecast(SMALL, tmp_path)
    assert before.runs == 3 and before.seconds > 0 and before.bytes > 0 and before.real_time_factor > 0
    found = validation.validate(SMALL, tmp_path, reference)
    assert found.comparison.same and list(found.files) == [1, 2, 3]
    assert [path.name for path in found.files.values()] == ["seed-1.h5", "seed-2.h5", "seed-3.h5"]
    times = {path: path.stat().st_mtime_ns for path in found.files.values()}
    assert validation.forecast(SMALL, tmp_path).runs == 0
    again = validation.validate(SMALL, tmp_path, reference)
    assert times == {path: path.stat().st_mtime_ns for path in again.files.values()}
    assert again.comparison.rows == found.comparison.rows
    found.files[2].unlink()
    assert validation.forecast(SMALL, tmp_path).runs == 1
    assert validation.validate(SMALL, tmp_path, reference).comparison.rows == found.comparison.rows
    with pytest.raises(ModelError, match="another run"):
        validation.validate(SMALL, tmp_path, reference, duration=100.0)


def test_an_interrupted_run_is_resumed(tmp_path, results):
    net = ls.load(SMALL.model, **SMALL.settings)
    stopped = ls.run(net, 250.0, seed=1, out=tmp_path / "seed-1.h5", max_wall=1e-9)
    assert not stopped.complete
    assert validation.forecast(SMALL, tmp_path, seeds=1).runs == 1
    found = validation.validate(SMALL, tmp_path, read_reference(results, discard=50.0, neurons=30), seeds=1)
    whole = ls.open(found.files[1])
    assert whole.complete and analysis.compare_exactly(whole, ls.run(net, 250.0, seed=1)).same


def test_the_runs_are_what_the_recipe_says(tmp_path, results):
    reference = read_reference(results, discard=50.0, neurons=30)
    found = validation.validate(SMALL, tmp_path, reference, duration=100.0, seeds=2, settings={"g": 4.0})
    assert list(found.files) == [1, 2]
    result = ls.open(found.files[2])
    assert (result.duration, result.seed) == (150.0, 2) and result.info["parameters"]["g"] == 4.0
    expected = analysis.distributions(result, bin=2.0, discard=50.0, neurons=30)
    for name, statistics in found.comparison.groups["lifsim"][1].populations.items():
        for key, one in statistics.items():
            assert np.array_equal(one.values, expected.populations[name][key].values)


def test_another_network_is_found_out(tmp_path):
    runs = [analysis.distributions(result, discard=50.0, neurons=30) for result in other_seeds(g=1.0)]
    found = validation.validate(SMALL, tmp_path, validation.ReferenceData(runs, "g = 1"))
    assert not found.comparison.same


def test_distributions_in_a_file(tmp_path):
    runs = [analysis.distributions(result, discard=50.0, neurons=30) for result in other_seeds()]
    path = write_reference(tmp_path / "r.npz", runs, "made here")
    found = read_reference([path])
    assert found.source == "made here" and found.coarse and len(found.runs) == 3
    for a, b in zip(runs, found.runs, strict=True):
        assert a.conventions == b.conventions
        for name in a.populations:
            for key, one in a.populations[name].items():
                assert ks_distance(one.coarse(128), b.populations[name][key]) == 0
                assert ks_distance(one, b.populations[name][key]) <= 1 / 128
    with pytest.raises(LifsimError, match="exists already"):
        write_reference(path, runs)
    with pytest.raises(DataError, match=r"ends in \.npz"):
        write_reference(tmp_path / "r.h5", runs)


def test_lists_of_other_scripts(tmp_path):
    """rates.json and others, as the scripts beside NEST's microcircuit write them, with nan where a CV is undefined."""
    lists = {"rates": [1.0, 2.0, 0.0], "spike_cvs": [0.5, float("nan"), 0.7], "spike_ccs": [0.01]}
    for name, values in lists.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"12": {"L23E": values}, "13": {"L23E": values}}))
    found = read_reference([tmp_path])
    assert len(found.runs) == 2 and not found.coarse
    cv = found.runs[1].populations["L23E"]["cv"]
    assert (cv.n, cv.mean) == (2, pytest.approx(0.6))
    (tmp_path / "rates.json").write_text("[]")
    with pytest.raises(DataError, match=r"rates\.json"):
        read_reference([tmp_path])
    (tmp_path / "rates.json").unlink()
    with pytest.raises(DataError, match=r"has no rates\.json"):
        read_reference([tmp_path])


@pytest.mark.parametrize("damage", ["cut", "values", "counts", "format", "nan"])
def test_damaged_files_of_distributions(tmp_path, damage):
    run = RunDistributions({"exc": {"rate": SampleDistribution.of([1.0, 2.0])}})
    path = write_reference(tmp_path / "r.npz", [run])
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        with np.load(path) as stored:
            arrays = dict(stored)
        arrays |= {
            "values": {"values": arrays["values"][::-1]},
            "counts": {"counts": arrays["counts"][:1]},
            "format": {"about": np.frombuffer(b'{"format": "x"}', np.uint8)},
            "nan": {"values": np.array([1.0, np.nan], np.float32)},
        }[damage]
        np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"r\.npz"):
        read_reference([path])


def test_what_comes_with_lifsim():
    small = validation.own_reference(RECIPES["microcircuit-small"])
    assert len(small.runs) == 5 and small.coarse
    for run in small.runs:
        assert list(run.populations) == ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
        assert run.duration == 5000.0 and run.conventions.sample == RECIPES["microcircuit-small"].neurons
        assert all(set(of) == {"rate", "cv", "correlation"} for of in run.populations.values())
    assert [run.populations["L5I"]["rate"].n for run in small.runs] == [106] * 5
    assert small.runs[0].populations["L4E"]["rate"].mean == pytest.approx(4.0268, abs=1e-3)  # NEST's, seed 1
    full = validation.own_reference(RECIPES["microcircuit"], duration=10_000.0)
    assert full.runs[0].populations["L6E"]["rate"].mean == 1.105 and not full.runs[0].populations["L6E"]["rate"].shape_known


def test_recipes_are_the_protocols():
    full = RECIPES["microcircuit"]
    assert (full.discard, full.duration, full.seeds, full.bin, full.neurons) == (500.0, 15 * 60_000.0, 10, 2.0, 250)
    assert not full.settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"duration": 100.0}, "5000 ms"),
        ({"settings": {"scale": 0.2}}, r"scale = 0\.2"),
        ({"seeds": 0}, "one run or more"),
        ({"alpha": 2.0}, "alpha"),
    ],
)
def test_bad_validations(tmp_path, given, said):
    with pytest.raises(DataError, match=said):
        validation.validate(RECIPES["microcircuit-small"], tmp_path, **given)
    assert not list(tmp_path.iterdir())  # found before any run


def test_one_run_each_is_refused(tmp_path, results):
    with pytest.raises(DataError, match="spread between seeds"):
        validation.validate(SMALL, tmp_path, read_reference(results[:1]), seeds=1)
    assert validation.validate(SMALL, tmp_path, read_reference(results[:1], discard=50.0), seeds=1, limit=0.5).comparison.same


def lifsim(*words):
    outcome = CliRunner().invoke(main, [str(word) for word in words])
    return outcome.exit_code, outcome.output


def test_command(tmp_path, monkeypatch, results):
    monkeypatch.setitem(RECIPES, "small", SMALL)
    monkeypatch.chdir(tmp_path)
    references = [word for path in results for word in ("--reference", path)]
    code, said = lifsim("validate", "small", *references)
    assert code == 0, said
    assert "3 runs to do: about" in said and "3 runs reference and 3 runs lifsim: no difference found" in said
    facts = json.loads((tmp_path / "outputs/small/comparison.json").read_text())
    assert facts["same"] and len(facts["groups"][1]["runs"]) == 3
    assert (tmp_path / "outputs/small/comparison.png").exists()
    code, said = lifsim("validate", "small", *references)
    assert code == 0 and "all runs are finished" in said
    code, said = lifsim("validate", "small", *references, "--json")
    assert code == 0 and json.loads(said) == facts
    other = "--seeds", 2, "--duration", 100, "--set", "g=4.0", "-o", "short", "--distance", 0
    code, said = lifsim("validate", "small", *references, *other)
    assert code == 1 and "differ (KS distance of at most 0)" in said
    assert "shortened or changed: 2 seeds, 0.1 s each, g = 4.0" in said


def test_command_lists_and_refuses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = lifsim("validate")
    assert code == 0 and "microcircuit-small" in said and "NEST 3.10" in said
    code, said = lifsim("validate", "microcircut")
    assert code == 2 and "did you mean 'microcircuit'" in said
    code, said = lifsim("validate", "model.toml")
    assert code == 2 and "write lifsim check model.toml" in said
    code, said = lifsim("validate", "microcircuit-small", "--duration", "1 s")
    assert code == 2 and "--reference" in said
    code, said = lifsim("validate", "microcircuit", "--reference", "missing.h5")
    assert code == 2 and "missing.h5" in said


def test_the_published_means_need_several_seeds(tmp_path):
    recipe = replace(SMALL, means={"exc": {"rate": 98.0}})
    with pytest.raises(DataError, match="spread between seeds"):
        validation.validate(recipe, tmp_path, seeds=1)


def test_a_reference_that_cannot_decide_is_refused_before_any_run(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="only the mean is known"):
        validation.validate(replace(SMALL, means={"exc": {"rate": 98.0}}), tmp_path, limit=0.1)
    with pytest.raises(DataError, match="statistics: the runs share none"):
        validation.validate(SMALL, tmp_path, validation.ReferenceData([RunDistributions({"exc": {}})] * 3, "nothing"))
    monkeypatch.chdir(tmp_path)
    code, said = lifsim("validate", "microcircuit", "--distance", 0.1)
    assert code == 2 and "only the mean is known: rate of L23E" in said
    assert not list(tmp_path.rglob("*.h5"))
