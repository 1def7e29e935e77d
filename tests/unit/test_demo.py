"""Demonstrations: their numbers against closed forms and central differences, their figures and words, the command."""

from __future__ import annotations

import builtins
import math
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg

import lifsim as ls
from lifsim.cli.main import main
from lifsim.demo import ann, balance, digit_pictures, leak, neuron, poisson, stdp

pytestmark = pytest.mark.usefixtures("unarranged_figures")

E_L, V_TH, V_RESET, C_M, TAU_M, T_REF = -70.0, -55.0, -70.0, 250.0, 10.0, 2.0  # of the neurons of all demonstrations
DT = 0.1
NAMES = list(ls.demo.names())


@pytest.fixture(scope="module")
def made():
    """A function that makes each demonstration once."""
    known: dict[str, ls.demo.Demonstration] = {}

    def make(name):
        if name not in known:
            known[name] = ls.demo.make(name)
        return known[name]

    return make


def interval(current, tau_m=TAU_M, V_th=V_TH, V_reset=V_RESET, t_ref=T_REF, dt=None):
    """Time between spikes at a constant current, ms; with `dt` both its parts end on the grid."""
    end = E_L + current * tau_m / C_M
    if end <= V_th:
        return math.inf
    parts = t_ref, tau_m * math.log((end - V_reset) / (end - V_th))
    return sum(parts) if dt is None else sum(dt * math.ceil(part / dt - 1e-9) for part in parts)


# -- all -----------------------------------------------------------------------------------------------


def test_the_names():
    wanted = {"ann", "neuron", "inputs", "leak", "threshold", "reset", "refractory", "fi", "poisson", "ei-balance", "stdp", "ann-to-spikes"}
    assert set(NAMES) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_every_demonstration_has_a_figure_and_about_ten_lines(made, name):
    d = made(name)
    most = {"ann": 36, "neuron": 18, "ei-balance": 14}.get(name, 12)
    assert 7 <= len(d.lines) <= most and max(map(len, d.lines)) <= 160 and not re.search(r"\b(nan|inf)\b", d.text)
    assert d.text == "\n".join(d.lines)
    d.figure.set_dpi(60)
    if name not in ("neuron", "poisson", "stdp"):  # the others have the same panels
        d.figure.set_layout_engine(None)
    canvas = FigureCanvasAgg(d.figure)
    canvas.draw()
    assert np.std(np.asarray(canvas.buffer_rgba())[..., :3] / 255) > 0.05  # not empty
    for ax in d.figure.axes:
        if ax.axison and ax.get_xlabel():
            assert ax.get_ylabel() or ax.get_shared_y_axes().joined(ax, d.figure.axes[0]) or ax.get_yscale() == "log"


def test_the_same_lines_again(made):
    assert ls.demo.make("poisson").text == made("poisson").text


def test_the_page_of_the_documents_shows_what_is_printed(made):
    page = (Path(__file__).parents[2] / "docs" / "demonstrations.md").read_text(encoding="utf-8")
    assert f"```text\n{made('threshold').text}\n```" in page
    for left, right in neuron.TABLE:
        assert f"| {left} | {right} |" in page.replace("`", "")
    assert all(f"`{name}`" in page for name in NAMES)


# -- closed forms ----------------------------------------------------------------------------------------


def test_leak(made):
    n = made("leak").numbers
    assert n["error"] < 1e-9
    for name, tau in leak.TAUS.items():
        if name != "no_leak":
            assert n["rise"][name] == pytest.approx(75 * tau / C_M * (1 - math.exp(-1)), abs=1e-9)
            assert n["kept"][name] == pytest.approx(math.exp(-1), abs=1e-9)
    assert n["ends"]["no_leak"] - E_L == pytest.approx(75 * 40 / C_M, rel=1e-5)


def test_threshold(made):
    n = made("threshold").numbers
    rheobase = (V_TH - E_L) * C_M / TAU_M
    assert n["rheobase"] == rheobase == 375
    assert n["spikes"]["below"] == n["spikes"]["rheobase"] == 0 and n["spikes"]["above"] > 0
    assert n["highest"]["rheobase"] == pytest.approx(E_L + 15 * (1 - math.exp(-100 / TAU_M)), abs=1e-9)
    exact = [TAU_M * math.log(i / (i - rheobase)) for i in n["currents"]]
    assert n["first"] == pytest.approx([DT * math.ceil(t / DT - 1e-9) for t in exact])


def test_reset(made):
    n = made("reset").numbers
    for name, v in {"V_reset_80": -80.0, "V_reset_70": -70.0, "V_reset_60": -60.0}.items():
        assert n["intervals"][name] == pytest.approx(interval(500, V_reset=v, dt=DT)) and len(n["intervals"][name]) >= 4
        assert n["formula"][name] == pytest.approx(interval(500, V_reset=v))


def test_refractory_and_fi(made):
    for name, changes in (
        ("refractory", {"t_ref_0": {"t_ref": 0.0}, "t_ref_2": {}, "t_ref_10": {"t_ref": 10.0}}),
        (
            "fi",
            {"standard": {}, "tau_5": {"tau_m": 5.0}, "tau_20": {"tau_m": 20.0}, "V_th_60": {"V_th": -60.0}, "V_th_50": {"V_th": -50.0}},
        ),
    ):
        n = made(name).numbers
        for population, changed in changes.items():
            assert n["rates"][population] == pytest.approx([1000 / interval(i, **changed, dt=DT) for i in n["currents"]], abs=1e-9)
    assert made("fi").numbers["rheobase"]["tau_5"] == 750 and made("fi").numbers["rheobase"]["V_th_60"] == 250
    assert (made("refractory").numbers["rates"]["t_ref_10"] < 100).all()


def test_inputs(made):
    n = made("inputs").numbers
    t, tau_s = np.arange(1, 900) * DT, 2.0
    psp = 500 / C_M * (np.exp(-t / TAU_M) - np.exp(-t / tau_s)) / (1 / tau_s - 1 / TAU_M)
    assert n["peak"] == pytest.approx(psp.max(), abs=1e-9) and n["peak_formula"] == pytest.approx(psp.max(), abs=1e-3)
    assert n["close"] == pytest.approx((psp + np.concatenate([np.zeros(40), psp[:-40]])).max(), abs=1e-9)
    assert n["inhibited"] == pytest.approx((psp - np.concatenate([np.zeros(20), psp[:-20]])).max(), abs=1e-9)
    assert n["difference"] < 1e-12
    assert n["least"] == math.ceil(15 / psp.max()) and n["silent"] == list(range(1, n["least"]))
    assert n["fires"] == [500 * tau_s / period > 375 for period in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)]


def test_poisson(made):
    """Mean and standard deviation by numerical integrals of the PSP; five standard errors, of about 6 independent values in 10 tau_m."""
    n = made("poisson").numbers
    t, tau_s = np.arange(0.005, 300, 0.01), 2.0
    psp = 80 / C_M * (np.exp(-t / TAU_M) - np.exp(-t / tau_s)) / (1 / tau_s - 1 / TAU_M)
    assert n["mean_formula"] == pytest.approx(E_L + 2 * psp.sum() * 0.01, abs=1e-3)
    assert n["sd_formula"] == pytest.approx(math.sqrt(2 * (psp**2).sum() * 0.01), rel=1e-3)
    values = poisson.NEURONS * (poisson.DURATION - poisson.SETTLED) / (2 * TAU_M)
    assert abs(n["mean"] - n["mean_formula"]) < 5 * n["sd_formula"] / math.sqrt(values)
    assert abs(n["sd"] / n["sd_formula"] - 1) < 5 / math.sqrt(2 * values)
    trains = poisson.TRAINS * poisson.RATE * poisson.DURATION / 1000
    assert abs(n["train_rate"] / poisson.RATE - 1) < 5 / math.sqrt(trains) and abs(n["train_cv"] - 1) < 0.06
    assert n["steady"] == 0 and n["rate"] > 2


def test_balance(made):
    n = made("ei-balance").numbers
    assert n["mean"] == pytest.approx([90 * 2 * (8 - g * 2) for g in balance.RATIOS])
    assert n["ex_formula"] == 1440 == -n["in_formula"]
    # shot noise: variance rate tau w² / 2, correlation time tau; five standard errors of the mean over 1.9 s
    for key, rate, weight in (("ex", 8.0, 90.0), ("in", 2.0, 360.0)):
        sd = math.sqrt(rate * 2 / 2) * weight * math.sqrt(2 * 2 / 1900)
        assert abs(n[key] - n[f"{key}_formula"]) < 5 * sd
    assert (np.diff(n["rate"]) < 0).all() and n["cv"][0] < 0.2 and n["cv"][4] == pytest.approx(0.99, abs=0.04)
    # g = 5: rare spikes, a Poisson process but for the refractory period; 40 neurons have 800 intervals, whose CV has an error of 0.035
    assert n["cv"][5] == pytest.approx(1.0, abs=0.12)
    # g = 6: at 0.04 spikes/s hardly a neuron has enough intervals
    assert math.isnan(n["cv"][6]) and re.search(r"^ +6 .*spikes/s +-$", made("ei-balance").text, re.MULTILINE)


def test_stdp(made):
    n = made("stdp").numbers
    assert len(n["offsets"]) == 40
    expected = [math.copysign(math.exp(-abs(t) / 20), t) for t in n["offsets"]]  # lambda Wmax = 1 pA
    assert n["change"] == pytest.approx(expected, abs=1e-9)
    # 60 pairs at a distance of 10 ms; the second spike of each pair meets the first of the next 190 ms later
    sixty = 60 * (math.exp(-0.5) - math.exp(-9.5))
    ends = {"before": stdp.WEIGHT + sixty, "after": stdp.WEIGHT - sixty}
    assert {name: course[-1] for name, course in n["courses"].items()} == pytest.approx(ends, abs=5e-3)
    assert "gets to 86.39 pA" in made("stdp").text and "to 13.61 pA" in made("stdp").text


def test_neuron(made):
    n = made("neuron").numbers
    z = 0.8 * 1 - 0.6 * 0.5 + 0.7 * 2 + 0.3
    assert n["z"] == pytest.approx(z) and n["current"] == pytest.approx(300 * z)
    assert n["outputs"] == pytest.approx({"ReLU": z, "sigmoid": 1 / (1 + math.exp(-z)), "tanh": math.tanh(z)})
    assert n["rate"] == pytest.approx(1000 / interval(300 * z, dt=DT)) == n["rate_formula"]
    assert n["curve"] == pytest.approx([1000 / interval(300 * x, dt=DT) for x in neuron.SUMS], abs=1e-9)
    assert n["rheobase"] == 375


# -- the artificial network ----------------------------------------------------------------------------


def output(parameters, x, kind):
    """A dense network in plain NumPy, written for these tests: tanh units, then a sigmoid or a linear one."""
    a = np.asarray(x, float)
    for W, b in parameters[:-1]:
        a = np.tanh(np.einsum("oi,ni->no", W, a) + b)
    z = np.einsum("oi,ni->no", parameters[-1][0], a) + parameters[-1][1]
    return 1 / (1 + np.exp(-z)) if kind == "class" else z


def loss(parameters, x, y, kind):
    a, y = output(parameters, x, kind)[:, 0], np.asarray(y, float)
    return np.mean(-y * np.log(a) - (1 - y) * np.log(1 - a)) if kind == "class" else np.mean((a - y) ** 2)


@pytest.mark.parametrize(
    ("key", "weights", "x", "y", "rate", "kind"),
    [
        ("one", ann.ONE_WEIGHTS, ann.ONE_X, ann.ONE_Y, ann.ONE_RATE, "class"),
        ("xor", ann.XOR_WEIGHTS, ann.XOR_X, ann.XOR_Y, ann.XOR_RATE, "class"),
        ("line", ann.LINE_WEIGHTS, ann.LINE_X, ann.LINE_Y, ann.LINE_RATE, "number"),
    ],
)
def test_gradients_against_central_differences(made, key, weights, x, y, rate, kind):
    s = made("ann").numbers[key]
    start = [(np.array(W, float), np.array(b, float)) for W, b in weights]
    assert s.loss == pytest.approx(loss(start, x, y, kind), rel=1e-12)
    np.testing.assert_allclose(s.outputs[-1], output(start, x, kind), rtol=1e-12)
    h = 1e-5
    for layer, pair in enumerate(start):
        for part, values in enumerate(pair):
            for at in np.ndindex(values.shape):
                kept = values[at]
                values[at] = kept + h
                above = loss(start, x, y, kind)
                values[at] = kept - h
                below = loss(start, x, y, kind)
                values[at] = kept
                slope = (above - below) / (2 * h)
                assert s.gradients[layer][part][at] == pytest.approx(slope, abs=1e-8)
                assert s.taken[layer][part][at] == pytest.approx(slope, abs=1e-8)  # what partial_fit did
                assert s.weights[layer][part][at] == pytest.approx(kept - rate * slope, abs=1e-8)
    assert s.loss_after == pytest.approx(loss(s.weights, x, y, kind), rel=1e-12) and s.loss_after < s.loss


def test_numbers_of_one_neuron_by_hand(made):
    """As a student would: with a pocket calculator."""
    text = made("ann").text
    for number in ("0.1000", "0.5250", "0.6444", "(-0.4750, -0.9500)", "(0.9750, 0.7000)", "0.5750", "0.0510"):
        assert number in text
    a = 1 / (1 + math.exp(-0.1))
    assert f"{a:.4f}" == "0.5250" and f"{-math.log(a):.4f}" == "0.6444" and f"{2 * (a - 1):.4f}" == "-0.9500"
    assert f"{-math.log(1 / (1 + math.exp(-(0.975 + 2 * 0.7 + 0.575)))):.4f}" == "0.0510"


def test_training_of_the_networks(made):
    n = made("ann").numbers
    assert n["xor_classes"] == [0, 1, 1, 0] and len(n["xor_losses"]) == ann.XOR_STEPS + 1 and n["xor_losses"][-1] < 0.02
    assert n["line_weights"] == pytest.approx(np.polyfit([0, 1, 2], [1, 2, 4], 1), abs=2e-3)
    assert n["curve_r2"] > 0.99


def test_a_trained_network_as_spikes(made):
    n = made("ann-to-spikes").numbers
    assert n["same_weights"] and n["dense"] > 0.85 and n["same"] > 0.98 and abs(n["spiking"] - n["dense"]) < 0.02
    assert n["first"] < 100


def test_digits_without_scikit_learn(monkeypatch):
    """The printed ones can be told apart: the nearest of 1400 pictures shows the same digit."""
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    X, y, source = digit_pictures.digits()
    assert X.shape == (1797, 64) and y.shape == (1797,) and "scikit-learn" in source and X.min() >= 0 and X.max() <= 16
    distance = (X[1400:] ** 2).sum(axis=1)[:, None] + (X[:1400] ** 2).sum(axis=1) - 2 * X[1400:] @ X[:1400].T
    assert np.mean(y[distance.argmin(axis=1)] == y[1400:]) > 0.95


# -- Python and the command ----------------------------------------------------------------------------


def test_show_prints_and_returns_the_figure(capsys):
    figure = ls.demo.show("reset")
    assert capsys.readouterr().out.startswith("At a spike V_m is set to V_reset") and figure._repr_png_()[:4] == b"\x89PNG"


def test_a_wrong_name():
    with pytest.raises(ls.LifsimError, match=r"demo: there is no demonstration 'laek'; did you mean 'leak'\?"):
        ls.demo.make("laek")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, ["demo", *words])


def test_the_list(run):
    outcome = run()
    assert outcome.exit_code == 0
    assert [re.split(r"\s{2,}", line)[0] for line in outcome.output.splitlines()[:-1]] == NAMES
    assert outcome.output.splitlines()[-1] == "next: lifsim demo threshold, or lifsim demo --html"


def test_the_command_writes_a_figure_and_refuses_to_replace_it(run, tmp_path):
    outcome = run("threshold")
    assert outcome.exit_code == 0 and "375 pA" in outcome.output and (tmp_path / "outputs" / "threshold.png").exists()
    assert outcome.output.splitlines()[-1] == "next: lifsim fi single_neuron, or lifsim demo reset"
    before = (tmp_path / "outputs" / "threshold.png").stat().st_mtime_ns
    outcome = run("threshold")
    assert outcome.exit_code == 2 and "exists already" in outcome.stderr and outcome.stdout == ""
    assert (tmp_path / "outputs" / "threshold.png").stat().st_mtime_ns == before
    outcome = run("threshold", "-o", "outputs/threshold.png", "--overwrite", "-q")
    assert outcome.exit_code == 0 and "figure" not in outcome.output
    assert (tmp_path / "outputs" / "threshold.png").stat().st_mtime_ns > before


def test_the_command_writes_the_page(run, tmp_path):
    assert run("--html").exit_code == 0 and (tmp_path / "outputs" / "sliders.html").exists()
    assert run("--html", "-o", "page.html").exit_code == 0
    assert run("--html", "-o", "page.html").exit_code == 2
    assert run("--html", "-o", "page.html", "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["laek"], "demo: there is no demonstration 'laek'; did you mean 'leak'?"),
        (["-o", "x.png"], "--out: x.png, but no demonstration"),
        (["leak", "--html"], "--html: given with the demonstration 'leak'"),
        (["leak", "-o", "x.txt"], "--out: x.txt; expected a name that ends in .png or .pdf or .svg\n"),
        (["--html", "-o", "x.txt"], "--out: x.txt; expected a name that ends in .html or .htm\n"),
        (["leak", "-o", "x.html"], "--out: x.html; expected a name that ends in .png or .pdf or .svg"),
        (["leak", "-o", "x.gif"], "--out: x.gif"),
        (["--html", "-o", "x.png"], "--out: x.png; expected a name that ends in .html or .htm"),
        (["leak", "-o", "nowhere/at/all/x.png"], "does not exist"),
    ],
)
def test_wrong_words(run, words, said, tmp_path):
    outcome = run(*words)
    assert outcome.exit_code == 2 and said in outcome.stderr and len(outcome.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
