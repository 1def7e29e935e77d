"""The commands that a command names for what comes next work as they are printed, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_digits

import lifsim as ls
from lifsim.ann import Classifier, Regressor, SpikingClassifier, to_spiking
from lifsim.ann.conversion import can_be_converted
from lifsim.cli.main import main
from lifsim.cli.next_steps import plot_of, run_of, unused
from lifsim.common.errors import LifsimError

pytestmark = pytest.mark.usefixtures("undrawn_figures")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def said(words: list[str], code: int = 0) -> str:
    outcome = CliRunner().invoke(main, words)
    assert outcome.exit_code == code, f"{shlex.join(words)}: {outcome.output}"
    return outcome.output


def named(output: str) -> list[list[str]]:
    """The words of each command that follows "next:" or "then:" in the output, without the name of the program."""
    line = next(line for line in output.splitlines() if re.search(r"next: |then: |go on with: ", line))
    commands = re.split(r", or |; ", re.split(r"next: |then: |go on with: ", line)[1])
    words = [shlex.split(each) for each in commands]
    assert all(each[0] == "lifsim" for each in words), line
    return [each[1:] for each in words]


def follow(output: str) -> list[str]:
    """Run the named commands; returns the names of the commands."""
    commands = named(output)
    for words in commands:
        said(words)
    return [words[0] for words in commands]


def model(path: str, *variables: str) -> None:
    net = ls.Network(duration=20.0)
    net.add("n", 6, "iaf_psc_exp", I_e=500.0)
    for variable in variables:
        net.record("n", variable, **({} if variable == "spikes" else {"interval": 1.0}))
    net.save(path)


@pytest.mark.parametrize(
    ("variables", "plain", "plotted"),
    [
        (["spikes"], ["stats", "plot"], ["stats"]),
        (["spikes", "V_m"], ["stats", "plot"], ["stats"]),
        (["V_m"], ["plot"], ["info"]),
        (["rate"], ["plot"], ["info"]),
        ([], ["info"], None),
    ],
    ids=lambda x: "+".join(x or ["nothing"]),
)
def test_after_a_run(variables, plain, plotted):
    model("net.toml", *variables)
    assert follow(said(["run", "net.toml"])) == plain
    assert follow(said(["run", "net.toml", "--overwrite"])) == plain, "beside the figure of the first time"
    if plotted:
        assert follow(said(["run", "net.toml", "--plot", "-o", "again.h5"])) == plotted


def test_after_a_run_with_a_space_in_its_name():
    model("a net.toml", "spikes")
    assert follow(said(["run", "a net.toml"])) == ["stats", "plot"]


def test_after_a_new_model():
    Path("outputs").mkdir()
    for name in ("mine.h5", "mine_2.png"):
        Path("outputs", name).write_bytes(b"kept")
    out = said(["new", "mine.toml"])
    assert named(out)[1] == ["run", "mine.toml", "--plot", "-o", "outputs/mine_3.h5"]
    assert follow(out) == ["check", "run"]
    assert Path("outputs", "mine.h5").read_bytes() == Path("outputs", "mine_2.png").read_bytes() == b"kept"


def test_after_demonstrations():
    out = said(["demo"])
    assert follow(out) == ["demo", "demo"]
    assert named(said(["demo"])) == [
        ["demo", "threshold", "-o", "outputs/threshold_2.png"],
        ["demo", "--html", "-o", "outputs/sliders_2.html"],
    ]
    assert [words[0] for words in named(said(["demo", "leak"]))] == ["demo"]
    Path("outputs/single_neuron.fi.png").touch()
    out = said(["demo", "threshold", "-o", "again.png"])
    assert named(out)[0] == ["fi", "single_neuron", "-o", "outputs/single_neuron.fi_2.png"] and follow(out) == ["fi", "demo"]


def test_after_a_run_out_of_time():
    model("net.toml", "spikes")
    out = said(["run", "net.toml", "--duration", "1 h", "--max-wall", "0.1"], 3)
    assert named(out) == [["resume", "outputs/net.h5"]]


@pytest.fixture
def digits():
    X, y = load_digits(return_X_y=True)
    np.savez("my digits.npz", X=X[:300], y=y[:300], parity=y[:300] % 2)


CONFIGS = {
    "tanh": ('activation = "tanh"', ["predict"]),
    "relu": ('activation = "relu"', ["predict", "convert"]),
    "no hidden layer": ("hidden = []", ["predict"]),
    "regression": ('task = "regression"', ["predict", "convert"]),
    "spiking": ('task = "spiking classification"\nduration = 10.0\ndt = 1.0\nwindow = 5.0', ["predict", "convert"]),
}


@pytest.mark.parametrize(("text", "commands"), CONFIGS.values(), ids=CONFIGS)
def test_after_training_and_conversion(digits, text, commands):
    Path("net.toml").write_text(("" if "hidden" in text else "hidden = [8]\n") + f'epochs = 2\nscale = "max"\n{text}\n', encoding="utf-8")
    out = said(["train", "net.toml", "--data", "my digits.npz", "-o", "net.h5"])
    steps = named(out)
    assert [words[0] for words in steps] == commands
    said(steps[0])
    if "convert" in commands:
        before = Path("net.toml").read_text(encoding="utf-8")
        out = said(steps[1])
        assert Path("net.toml").read_text(encoding="utf-8") == before, "the file with the settings of the training"
        following = named(out)
        assert [words[0] for words in following] == (["run"] if "regression" in text else ["run", "classify"])
        for words in following:
            said(["my digits.npz" if word == "FILE" else word for word in words])
        with_data = said([*steps[1][:-1], "other.toml", "--data", "my digits.npz", "--target", "parity"])
        if "regression" not in text:
            assert named(with_data)[0] == ["classify", "other.toml", "--data", "my digits.npz", "--target", "parity"]


def test_target_is_kept(digits):
    Path("c.toml").write_text("hidden = [4]\nepochs = 1\n", encoding="utf-8")
    out = said(["train", "c.toml", "--data", "my digits.npz", "--target", "parity", "-o", "p.h5"])
    assert named(out)[0] == ["predict", "p.h5", "--data", "my digits.npz", "--target", "parity"]
    assert follow(out) == ["predict", "convert"]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity", "lif"])
@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_what_can_be_converted_is_what_is_converted(kind, hidden, activation):
    m = kind(hidden, activation, epochs=1).fit([[0.0], [1.0], [0.5], [0.2]], [0, 1, 1, 0])
    try:
        to_spiking(m)
    except LifsimError:
        assert not can_be_converted(m)
    else:
        assert can_be_converted(m)


def test_spiking_classifiers_can_be_converted():
    assert can_be_converted(SpikingClassifier((4,), epochs=1, duration=20.0).fit([[0.0], [1.0]], [0, 1]))


def test_unused_names():
    assert unused(Path("a.png")) == Path("a.png")
    Path("a.png").touch()
    Path("a_2.png").symlink_to("nowhere")
    assert unused(Path("a.png")) == Path("a_3.png")
    assert shlex.split(plot_of(Path("a.h5"), "raster")) == ["lifsim", "plot", "a.h5", "-o", "a_3.png"]
    assert shlex.split(plot_of(Path("b c.h5"), "traces")) == ["lifsim", "plot", "b c.h5", "--kind", "traces"]
    assert run_of(Path("a.toml")) == "lifsim run a.toml"
