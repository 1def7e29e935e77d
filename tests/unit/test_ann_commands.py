"""train, predict, convert, classify, and info --verify, as typed."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_diabetes, load_digits

import lifsim as ls
from lifsim.cli.main import main

pytestmark = pytest.mark.usefixtures("unarranged_figures")

CONFIG = """
task = "classification"
test = 0.2
hidden = [24]
activation = "lif"
scale = "max"
learning_rate = 0.005
epochs = 20
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = load_digits(return_X_y=True)
    np.savez("digits.npz", X=X[:1000], y=y[:1000])
    np.savetxt("new.csv", np.c_[X[1000:1100], y[1000:1100]], delimiter=",", fmt="%g")
    np.savetxt("bare.csv", X[1000:1010], delimiter=",", fmt="%g")
    Path("digits.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def said(line: str, code: int = 0) -> str:
    outcome = CliRunner().invoke(main, line.split())
    assert outcome.exit_code == code, outcome.output
    return outcome.output


def test_from_data_to_spikes(folder, arranged_figures):
    out = said("train digits.toml --data digits.npz -o net.h5 --plot")
    assert "64-24-10 of lif, 20 epochs; accuracy" in out and "test data" in out
    for picture in ("net.learning.png", "net.confusion.png"):
        assert Path(picture).stat().st_size > 5000
    out = said("predict net.h5 --data new.csv --proba -o p.csv")
    assert "score 0.9" in out
    with open("p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100 and float(rows[0][f"p({rows[0]['prediction']})"]) > 0.3
    assert len(said("predict net.h5 --data bare.csv").splitlines()) == 11
    digests = [line for line in said("info net.h5 --verify").splitlines() if "sha256" in line]
    assert len(digests) == 2 and all(line.endswith(" ok") for line in digests)
    said("convert net.h5 -o net.toml")
    out = said("classify net.toml --data new.csv --plot accuracy.png -o labels.csv")
    last = next(line.split() for line in out.splitlines() if line.split()[0] == "100.0")
    assert float(last[1]) > 0.97 and float(last[2]) > 0.9 and "spikes per sample" in out
    with open("labels.csv", newline="") as file:
        found = [row["prediction"] for row in csv.DictReader(file)]
    assert np.mean([a == b["prediction"] for a, b in zip(found, rows, strict=True)]) > 0.97
    assert Path("accuracy.png").stat().st_size > 5000
    assert "spikes in 100 ms" in said("run net.toml")
    assert [line for line in said("info net.h5 --verify").splitlines() if "sha256" in line] == digests
    assert "spiking_scale" in said("info net.h5 -v")


def test_regression_and_spiking_classification(folder):
    X, y = load_diabetes(return_X_y=True)
    np.savez("diabetes.npz", X=X, y=y)
    out = said("train digits.toml --data diabetes.npz -o r.h5 --set task=regression --set activation=relu --set scale=standard --plot")
    assert "R² 0." in out and Path("r.learning.png").exists() and not Path("r.confusion.png").exists()
    assert "score 0." in said("predict r.h5 --data diabetes.npz")
    Path("s.toml").write_text(
        'task = "spiking classification"\nhidden = [16]\nduration = 20.0\nepochs = 3\nscale = "max"\n', encoding="utf-8"
    )
    said("train s.toml --data digits.npz -o s.h5")
    said("convert s.h5 -o snn.toml")
    assert "23.0          1.0000" in said("classify snn.toml --data new.csv")


def test_one_sample(folder, arranged_figures):
    X, y = load_digits(return_X_y=True)
    said("train digits.toml --data digits.npz -o net.h5")
    out = said("convert net.h5 -o net.toml --data new.csv --sample 17")
    assert f"stimulus: sample 17 of new.csv, class {y[1017]}, the dense network predicts" in out
    command = next(line for line in out.splitlines() if line.startswith("next: ")).removeprefix("next: lifsim ").partition(", or")[0]
    out = said(command)  # as it is printed
    assert f"sample 17: predicted {y[1017]} (dense network: {y[1017]}), true class {y[1017]}" in out and "(1 sample)" in out
    assert Path("net.png").stat().st_size > 5000
    m = ls.ann.load("net.h5")
    amplitude = ls.modelfile.load("net.toml").populations["input"].params["amplitude"]
    np.testing.assert_allclose(amplitude, m.input_(X[1017]))
    said("classify net.toml --data bare.csv --sample 3 -o one.csv")
    assert len(Path("one.csv").read_text().splitlines()) == 2


def test_samples_with_a_value_for_each_step(folder):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    rate = 0.05 + 0.4 * (np.arange(12) // 4 == y[:, None])
    np.savez("steps.npz", X=(rng.random((60, 20, 12)) < rate[:, None]).astype(float), y=y)
    Path("s.toml").write_text(
        'task = "spiking classification"\nhidden = [16]\nrecurrent = true\nencoding = "spikes"\nduration = 20.0\nepochs = 20\n'
    )
    out = said("train s.toml --data steps.npz -o s.h5 --set early_stopping=true")
    assert "of training, accuracy" in out and "of validation data" in out
    assert len(said("predict s.h5 --data steps.npz").splitlines()) == 62
    said("convert s.h5 -o snn.toml --data steps.npz --sample 4")
    assert "1.0000" in said("classify snn.toml --data steps.npz").splitlines()[-2]
    assert "recurrent_1" in said("info s.h5 --verify")
    assert "steps.npz:X: has shape (60, 20, 12); expected (samples, features)" in said("train digits.toml --data steps.npz -o a.h5", 2)
    assert "X: has shape (100, 64); expected (samples, 20, features)" in said("train s.toml --data new.csv -o a.h5", 2)


def test_a_changed_weight_is_found(folder):
    said("train digits.toml --data digits.npz -o net.h5 --set epochs=1")
    with h5py.File("net.h5", "r+") as file:
        file["layer_2/weight"][3, 4] += 1e-6
    assert "error: net.h5:layer_2: its content does not match its sha256" in said("info net.h5 --verify", 2)
    assert "layer_2" in said("predict net.h5 --data new.csv", 2)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("train no.toml --data digits.npz -o a.h5", "no.toml: cannot be read"),
        ("train digits.npz --data digits.npz -o a.h5", "byte 5 is not text; expected a TOML file"),
        ("train digits.toml --data no.npz -o a.h5", "no.npz: there is no such file"),
        ("train digits.toml --data digits.npz -o a.txt", "ends in .h5 or .hdf5"),
        ("train digits.toml --data bare.csv -o a.h5 --set hidden=0", "digits.toml: hidden: 0"),
        ("train digits.toml --data digits.npz -o a.h5 --set epoch=3", "epoch: there is no such entry; did you mean 'epochs'?"),
        ("train digits.toml --data digits.npz -o a.h5 --set epochs", "--set: 'epochs'; expected name=value"),
        ("train digits.toml --data digits.npz -o a.h5 --set task=cluster", "task: 'cluster'"),
        ("train digits.toml --data digits.npz -o a.h5 --set test=1", "test: 1; expected the fraction"),
        ("train digits.toml --data digits.npz -o digits.h5", "exists already"),
        ("predict digits.h5 --data digits.npz", "digits.h5"),
        ("predict no.h5 --data digits.npz", "no.h5"),
        ("convert no.h5 -o a.toml", "no.h5"),
        ("convert net.h5 -o a.toml --sample 3", "--sample: 3, but no --data; give the file"),
        (
            "convert net.h5 -o a.toml --data new.csv --sample 100",
            "--sample: 100, where there are 100 samples; expected a whole number from 0 to 99",
        ),
        ("train digits.toml --data digits.npz -o a.h5 --set early_stopping=1", "early_stopping: 1; expected True or False"),
        ("classify digits.toml --data digits.npz", "is no converted network"),
        ("classify brunel --data digits.npz", "is no converted network"),
        ("info digits.npz --verify", "digits.npz: holds no spikes; expected times (ms) and ids"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, line, match):
    Path("digits.h5").write_text("", encoding="utf-8")
    if "net.h5" in line:
        said("train digits.toml --data digits.npz -o net.h5 --set epochs=1")
    out = said(line, 2)
    assert match in out and out.startswith("error: ") and len(out.strip().splitlines()) == 1
    assert not Path("a.h5").exists()


def test_units_that_cannot_be_rates(folder):
    said("train digits.toml --data digits.npz -o net.h5 --set epochs=1 --set activation=tanh")
    assert "firing rates cannot represent the outputs of tanh units" in said("convert net.h5 -o net.toml", 2)
    said("train digits.toml --data digits.npz -o relu.h5 --set epochs=1 --set activation=relu")
    assert "warning: a ReLU grows without bound" in said("convert relu.h5 -o net.toml --t-ref 2")
