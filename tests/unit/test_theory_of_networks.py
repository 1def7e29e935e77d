"""Theory of whole networks: what is read from a description and what is refused; PSP weights in model files; check, run, fi; plots."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common.errors import LifsimError, ModelError
from lifsim.theory import BrunelNetwork
from lifsim.theory.constant_remarks import constant_input
from lifsim.theory.network_inputs import network_inputs

pytestmark = pytest.mark.usefixtures("unarranged_figures")

PD = {"tau_m": 10.0, "C_m": 250.0, "tau_syn_ex": 0.5, "tau_syn_in": 0.5}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def pair(model: str = "iaf_psc_exp", **params) -> ls.Network:
    net = ls.Network()
    net.add("a", 4, model, **params)
    net.add("b", 2, model, **params)
    return net


# -- weights as the peak of a PSP ------------------------------------------------------------------


def weight_of(weight, model="iaf_psc_exp", receptor=0, **params):
    net = ls.Network()
    net.add("a", 3, model, **params)
    source = net.add("p", 1, "poisson_generator", rate=1.0)
    return net.connect(source, "a", weight=weight, receptor_type=receptor)[0].weight


def test_psp_weights():
    assert weight_of("0.15 mV PSP", **PD) == pytest.approx(87.8085, rel=1e-6)
    assert weight_of("-600 uV PSP", **PD) == pytest.approx(-351.234, rel=1e-6)
    assert weight_of("0.15mV PSP", **PD) == weight_of("0.15 PSP", **PD) == weight_of("0.15 mV PSP", **PD)
    assert weight_of("0.14 mV PSP", "iaf_psc_alpha", **{**PD, "tau_syn_ex": 0.32582722403722841}) == pytest.approx(45.6096, rel=1e-6)
    assert weight_of("0.1 mV PSP", "iaf_psc_delta") == 0.1
    slow = weight_of("1 mV PSP", "iaf_psc_exp_multisynapse", 2, tau_syn=[0.5, 2.0], tau_m=10.0)
    assert slow == pytest.approx(float(ls.theory.psc_for_psp("exp", 1.0, tau_m=10.0, C_m=250.0, tau_syn=2.0)))


def test_the_sign_selects_the_time_constant():
    p = {"tau_m": 20.0, "C_m": 200.0, "tau_syn_ex": 1.0, "tau_syn_in": 5.0}
    for sign, tau in ((1, 1.0), (-1, 5.0)):
        expected = float(ls.theory.psc_for_psp("exp", sign * 0.2, tau_m=20.0, C_m=200.0, tau_syn=tau))
        assert weight_of(f"{sign * 0.2} mV PSP", **p) == pytest.approx(expected)
        d = weight_of({"normal": [f"{sign * 0.2} mV PSP", "0.02 mV PSP"]}, **p)
        assert d.a == pytest.approx(expected) and d.b == pytest.approx(abs(expected) / 10)


def test_a_simulated_psp_has_its_peak():
    for model, p in (("iaf_psc_exp", PD), ("iaf_psc_alpha", PD), ("iaf_psc_delta", {})):
        net = ls.Network(dt=0.01)
        neuron = net.add("n", 1, model, **p)
        net.connect(net.add("s", 1, "spike_generator", spike_times=[1.0]), neuron, weight="0.3 mV PSP", delay=1.0)
        net.record(neuron, "V_m", interval=0.01)
        V = ls.run(net, 12.0).traces["n"]["V_m"]
        assert V.max() + 70 == pytest.approx(0.3, rel=1e-5)


def test_psp_weights_in_model_files():
    Path("m.toml").write_text(
        '[populations.n]\nn = 2\nmodel = "iaf_psc_exp"\n'
        "params = { tau_m = 10.0, C_m = 250.0, tau_syn_ex = 0.5, tau_syn_in = 0.5 }\n"
        '[[projections]]\nsource = ["n"]\ntarget = ["n"]\nweight = [[{ normal = ["0.15 mV PSP", "0.015 mV PSP"], min = 0.0 }]]\n'
        '[[projections]]\nsource = "n"\ntarget = "n"\nweight = "0.15 mV PSP"\n',
        encoding="utf-8",
    )
    net = ls.load("m.toml")
    assert net.projections[1].weight == pytest.approx(87.8085, rel=1e-6)
    assert (net.projections[0].weight.a, net.projections[0].weight.b) == pytest.approx((87.8085, 8.78085), rel=1e-6)
    net.save("again.toml")
    assert ls.load("again.toml").projections[1].weight == net.projections[1].weight
    faster = ls.load("m.toml", overrides={"populations.n.params.tau_m": 20.0, "projections[1].weight": "1 mV PSP"})
    expected = ls.theory.psc_for_psp("exp", 1.0, tau_m=20.0, C_m=250.0, tau_syn=0.5)
    assert faster.projections[1].weight == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("weight", "model", "params", "said"),
    [
        ("1 mV PSP", "iaf_cond_exp", {}, "not proportional to the weight; write the peak conductance in nS"),
        ("1 mV PSP", "parrot_neuron", {}, "only models with linear synaptic currents have it"),
        ("1 mV PSP", "iaf_psc_exp", {"tau_m": [10.0, 20.0, 30.0]}, "tau_m differs between the neurons of a"),
        ("1 mV PSP", "iaf_psc_exp", {"C_m": {"uniform": [190.0, 210.0]}}, "C_m differs"),
        ("1 pA PSP", "iaf_psc_exp", {}, "'1 pA' is a current, expected a voltage (mV)"),
        ("much PSP", "iaf_psc_exp", {}, "'much' is not a number with a unit"),
        ({"lognormal": ["1 mV PSP", "1 mV PSP"]}, "iaf_psc_exp", {}, "lognormal takes the mean and SD of a logarithm"),
        ({"normal": ["1 mV PSP", 3.0]}, "iaf_psc_exp", {}, "normal mixes peaks of potentials with other values"),
        ({"uniform": ["-1 mV PSP", "1 mV PSP"]}, "iaf_psc_exp", {"tau_syn_in": 5.0}, "has both signs"),
    ],
)
def test_psp_weights_without_a_meaning(weight, model, params, said):
    with pytest.raises(ModelError) as caught:
        weight_of(weight, model, **params)
    assert said in str(caught.value) and str(caught.value).startswith("projections[0].weight: ")


def test_a_voltage_as_weight_of_a_current_synapse():
    with pytest.raises(ModelError) as caught:
        weight_of("150 uV")
    assert 'is a voltage, expected a current (pA); write "150 uV PSP" for the current' in str(caught.value)


def test_psp_weight_of_a_current():
    net = pair()
    with pytest.raises(ModelError, match="its weight is a factor"):
        net.connect(net.add("dc", 1, "dc_generator", amplitude=1.0), "a", weight="1 mV PSP")


# -- mean field ------------------------------------------------------------------------------------


def test_inputs_against_sums_over_synapses():
    """mu and sigma^2 of each population, from the drawn synapses of explicit projections, written as plain sums."""
    rng = np.random.default_rng(5)
    net = ls.Network()
    p = {"tau_m": 15.0, "C_m": 150.0, "E_L": -65.0, "I_e": 20.0, "tau_syn_ex": 1.5, "tau_syn_in": 3.0}
    a, b = net.add("a", 30, "iaf_psc_exp", **p), net.add("b", 20, "iaf_psc_exp", **{**p, "tau_m": 10.0})
    W = rng.normal(0, 30, (20, 30)) * (rng.random((20, 30)) < 0.4)
    net.connect(a, b, W)
    net.connect(b, a, "fixed_total_number", N=300, weight={"normal": [-40.0, 4.0], "max": 0.0})
    ext = net.add("ext", 2, "poisson_generator", rate=[100.0, 300.0])
    net.connect(ext, a, weight=25.0)
    net.connect(net.add("dc", 1, "dc_generator", amplitude=30.0), b, weight=2.0)
    inputs = network_inputs(net)
    rates = np.array([4.0, 7.0])
    mu, sigma, tau_syn = inputs.of(rates)
    jumps = np.where(W > 0, W * 1.5, W * 3.0) / 150.0
    sources = rates[0] * 10.0 / 1000
    assert mu[1] == pytest.approx(-65 + (20 + 60) * 10 / 150 + sources * jumps.sum() / 20)
    assert sigma[1] ** 2 == pytest.approx(sources * (jumps**2).sum() / 20)
    filtered = sources * ((jumps**2) * np.where(W > 0, 1.5, 3.0)).sum() / 20
    assert tau_syn[1] == pytest.approx(filtered / sigma[1] ** 2)
    events = rates[1] * 15.0 / 1000 * 10
    assert mu[0] == pytest.approx(-65 + 20 * 0.1 + events * -40 * 3 / 150 + 400 * 0.015 * 25 * 1.5 / 150)
    square = events * (40**2 + 4**2) * (3 / 150) ** 2 + 400 * 0.015 * (25 * 1.5 / 150) ** 2
    assert sigma[0] ** 2 == pytest.approx(square)
    assert [note.partition(":")[0] for note in inputs.notes] == ["a", "a", "b", "b"]  # tau_syn / tau_m, several tau_syn


def test_mean_field_is_a_fixed_point():
    net = ls.load("brunel")
    found = ls.theory.mean_field(net)
    again = ls.theory.siegert_rate(found.mu, found.sigma, tau_m=20.0, V_th=20.0, V_reset=10.0, t_ref=2.0)
    np.testing.assert_allclose(found.rates, again, rtol=1e-6)
    network = BrunelNetwork()
    assert found.rates[0] == pytest.approx(network.rates(5.0, 2.0)[0], rel=1e-6)
    mu, sigma = network.input(5.0, 2.0, found.rates[0])
    assert (found.mu[0], found.sigma[0]) == pytest.approx((float(mu), float(sigma)), rel=1e-9)
    assert found.cv[0] == pytest.approx(network.cv(5.0, 2.0, found.rates[0]), rel=1e-6)
    assert found.stable and len(found.fixed_points) == 1 and not found.notes
    assert "exc 37.9/s" in repr(found)


def test_several_fixed_points():
    """Between its saddle-nodes Brunel's network has a quiet, an active and, between them, an unstable state."""
    network = BrunelNetwork()
    eta = np.mean([p.eta for p in network.stability_lines(3.9, 1.2) if p.kind == "saddle-node"])
    own = network.rates(3.9, eta)
    found = ls.theory.mean_field(ls.load("brunel", g=3.9, eta=float(eta)))
    assert [point.stable for point in found.fixed_points] == [True, False, True]
    for point, rate in zip(found.fixed_points, own, strict=True):
        assert point.rates == pytest.approx([rate, rate], rel=1e-4)
    assert found.rates[0] == pytest.approx(own[0], rel=1e-4)  # from silence, the quiet one


def test_mean_field_of_constant_input():
    net = ls.Network()
    net.add("n", 3, "iaf_psc_delta", I_e=[400.0, 500.0, 600.0])
    found = ls.theory.mean_field(net)
    assert found.sigma[0] == 0 and found.cv[0] == 0
    expected = ls.theory.fi_curve(500.0, tau_m=10.0, C_m=250.0, E_L=-70.0, V_th=-55.0, V_reset=-70.0, t_ref=2.0)
    assert found.rates[0] == pytest.approx(float(expected), rel=1e-6)
    assert found.notes == ("n: I_e differs between neurons; its mean is used",)


def add_stimulus(net: ls.Network, model: str, **params) -> None:
    net.connect(net.add("s", 1, model, **params), "a")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n.add("c", 1, "iaf_cond_exp"), "populations.c: mean-field theory does not cover iaf_cond_exp; effective_mem"),
        (lambda n: n.add("c", 1, "mat2_psc_exp"), "does not cover mat2_psc_exp"),
        (lambda n: n.add("c", 1, "parrot_neuron"), "does not cover parrot_neuron"),
        (lambda n: n.add("c", 1, "iaf_psc_exp", delta=1.0), "populations.c.delta"),
        (lambda n: n.add("c", 1, "iaf_psc_delta", V_min=-90.0), "populations.c.V_min"),
        (lambda n: n.add("c", 1, "iaf_psc_delta", refractory_input=True), "populations.c.refractory_input"),
        (lambda n: n.connect("a", "b", synapse="stdp_synapse"), "projections[0].synapse: mean-field theory does not cover stdp_synapse"),
        (lambda n: n.connect("a", n.populations["b"][:1]), "projections[0].target: b[0], a part of a population"),
        (lambda n: add_stimulus(n, "poisson_generator", rate=5.0, stop=10.0), "s begins or ends during a run"),
        (lambda n: add_stimulus(n, "spike_generator", spike_times=[1.0]), "does not cover spike_generator"),
        (lambda n: add_stimulus(n, "ac_generator", amplitude=1.0), "does not cover ac_generator"),
        (lambda n: add_stimulus(n, "noise_generator", std=1.0, std_mod=0.5), "a modulated variance"),
    ],
)
def test_what_mean_field_does_not_cover(change, said):
    net = pair()
    change(net)
    with pytest.raises(ModelError) as caught:
        ls.theory.mean_field(net)
    assert said in str(caught.value)


def test_a_network_without_neurons():
    with pytest.raises(ModelError, match="no neurons"):
        ls.theory.mean_field(ls.Network())


@pytest.mark.peers
def test_rates_against_nnmt():
    """NNMT (Layer et al. 2022) computes both rate formulas in its own way."""
    delta, exp = (pytest.importorskip(f"nnmt.lif.{name}") for name in ("delta", "exp"))
    mu, sigma = np.array([5.0, 12.0, 15.0, 18.0, 25.0, 40.0]), np.array([8.0, 4.0, 5.0, 2.0, 3.0, 10.0])
    neuron = {"tau_m": 20.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}
    theirs = delta._firing_rates_for_given_input(mu, sigma, 10.0, 20.0, 0.02, 0.002)
    np.testing.assert_allclose(ls.theory.siegert_rate(mu, sigma, **neuron), theirs, rtol=1e-6)
    theirs = exp._firing_rate_shift(mu, sigma, 10.0, 20.0, 0.02, 0.002, 0.001)
    np.testing.assert_allclose(ls.theory.siegert_rate(mu, sigma, tau_syn=1.0, **neuron), theirs, rtol=1e-6)


# -- check and run ---------------------------------------------------------------------------------


def invoke(*words: str, code: int = 0):
    outcome = CliRunner().invoke(main, list(words))
    assert outcome.exit_code == code, outcome.output
    return outcome


def remarks(net: ls.Network) -> list[str]:
    return list(constant_input(net))


def test_remarks_on_constant_input():
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp", I_e=100.0)
    assert remarks(net) == ["n: I_e 100 pA is below rheobase 375 pA: no spike without further input"]
    net.add("edge", 1, "iaf_psc_exp", I_e=375.0)
    net.add("on", 2, "iaf_psc_exp", I_e=[100.0, 500.0])
    net.add("cond", 1, "iaf_cond_exp", I_e=240.0)
    net.add("quiet", 1, "iaf_psc_exp")
    _, edge, on, cond = remarks(net)
    assert "is the rheobase, at which V_m only approaches the threshold" in edge
    assert on.endswith("I_e 500 pA is above rheobase 375 pA (the neuron nearest to firing): 0 to 63 spikes/s at constant current")
    assert cond.startswith("cond: I_e 240 pA is below rheobase 250 pA")
    net.connect("n", "edge")  # from a silent neuron
    assert len(remarks(net)) == 4
    net.connect("on", "n")  # from one that fires: n and edge are no longer known to be silent
    assert [line.partition(":")[0] for line in remarks(net)] == ["on", "cond"]


def test_remarks_on_generators():
    net = ls.Network()
    net.add("n", 2, "iaf_psc_exp", I_e=50.0)
    dc = net.add("dc", 3, "dc_generator", amplitude=20.0)
    net.connect(dc, "n", weight=2.0)
    assert remarks(net) == ["n: constant current 170 pA is below rheobase 375 pA: no spike without further input"]
    net.connect(net.add("noise", 1, "poisson_generator", rate=1.0), "n")
    assert remarks(net) == []
    strong = ls.Network()
    strong.connect(strong.add("dc", 1, "dc_generator", amplitude=200.0), strong.add("k", 1, "iaf_psc_exp", I_e=200.0))
    strong.connect(strong.add("off", 1, "dc_generator"), strong.add("own", 1, "iaf_psc_exp", I_e=400.0))
    k, own = remarks(strong)
    assert k == "k: constant current 400 pA is above rheobase 375 pA: 33.6 spikes/s"
    assert own == "own: I_e 400 pA is above rheobase 375 pA: 33.6 spikes/s at constant current"
    late = ls.Network()
    late.add("n", 1, "iaf_psc_exp", I_e=50.0, V_m=-50.0)  # starts above threshold
    assert late.populations["n"].get("V_m") == -50 and not any("no spike" in line for line in remarks(late))


def test_remarks_on_steps():
    """The currents of a step generator add up to at most their largest values; given spikes are further input."""
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp", I_e=20.0)
    net.add("step", 2, "step_current_generator", amplitude_times=[1.0, 5.0], amplitude_values=[40.0, -300.0])
    net.add("spikes", 1, "spike_generator", spike_times=[3.0])
    net.connect("step", "n", weight=4.0)
    net.connect("spikes", "n", weight=1000.0)
    assert remarks(net) == ["n: currents of at most 340 pA are below rheobase 375 pA: no spike without further input"]
    net.connect("step", "n", weight=0.4375)
    assert remarks(net) == [
        "n: currents of at most 375 pA are the rheobase, at which V_m only approaches the threshold: no spike without further input"
    ]
    net.connect("step", "n", weight=0.0625)
    assert remarks(net) == []  # 380 pA at most
    several = ls.Network()
    several.add("n", 2, "iaf_psc_exp", I_e=[100.0, 380.0], V_th=[-55.0, -50.0])
    several.add("step", 1, "step_current_generator", amplitude_times=[1.0], amplitude_values=[10.0])
    several.connect("step", "n")
    (line,) = remarks(several)
    assert line.startswith("n: currents of at most 390 pA are below rheobase 500 pA (the neuron nearest to firing)")
    other = ls.Network()
    other.add("n", 1, "iaf_psc_exp")
    other.connect(other.add("step", 1, "step_current_generator", amplitude_times=[1.0], amplitude_values=[300.0]), "n", weight=-1.0)
    assert remarks(other) == []  # no current that depolarises


MODEL = """
[run]
duration = 20.0
[populations.n]
n = 1
model = "iaf_psc_exp"
params = { I_e = 100.0 }
[[record]]
populations = "n"
"""


def test_run_teaches_and_check_too():
    Path("one.toml").write_text(MODEL, encoding="utf-8")
    line = "n: I_e 100 pA is below rheobase 375 pA: no spike without further input\n"
    assert line in invoke("check", "one.toml").stdout
    outcome = invoke("run", "one.toml", "-o", "a.h5")
    assert outcome.stderr.startswith(line) and "0 spikes" in outcome.stdout
    assert line not in invoke("run", "one.toml", "-o", "b.h5", "-q").stderr
    fires = invoke("run", "one.toml", "-o", "c.h5", "--set", "populations.n.params.I_e=500")
    assert "rheobase" not in fires.stderr + fires.stdout


def test_check_predicts_rates():
    said = invoke("check", "brunel").stdout
    assert (
        "mean field, recurrent input included:\n  exc, inh: μ = 21 mV, σ = 7.7 mV, threshold 20 mV; predicted rate 38 /s, CV 0.68" in said
    )
    assert "mean field" not in invoke("check", "coba").stdout
    assert "mean field: populations.exc: mean-field theory does not cover iaf_cond_exp" in invoke("check", "coba", "-v").stdout


def test_run_does_not_load_scipy():
    Path("one.toml").write_text(MODEL, encoding="utf-8")
    code = (
        "import sys\nfrom lifsim.cli.main import main\n"
        "try:\n    main(['run', 'one.toml', '-o', 'x.h5', '-q'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'scipy.special', 'scipy.optimize', 'lifsim.theory.stationary_rates'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_remark_never_stops_a_run(monkeypatch):
    from lifsim.theory import constant_remarks

    def broken(_net):
        raise KeyError("nothing")

    monkeypatch.setattr(constant_remarks, "constant_input", broken)
    Path("one.toml").write_text(MODEL, encoding="utf-8")
    invoke("run", "one.toml", "-o", "a.h5")


# -- fi --------------------------------------------------------------------------------------------


def test_fi(fine_figures):
    said = invoke("fi", "single_neuron", "--points", "8", "--duration", "1 s").stdout
    assert said.startswith("neuron (iaf_psc_exp), rheobase 375 pA: it fires above this current; theory: the closed form\n")
    assert Path("outputs/single_neuron.fi.png").stat().st_size > 10_000
    rows = list(csv.DictReader(Path("outputs/single_neuron.fi.csv").read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["I_e_pA", "rate_simulated", "rate_theory"] and len(rows) == 8
    currents, seen, theory = (np.array([float(row[key]) for row in rows]) for key in rows[0])
    assert currents[0] < 375 < currents[-1] and seen[0] == theory[0] == 0
    neuron = {"tau_m": 10.0, "C_m": 250.0, "E_L": -70.0, "V_th": -55.0, "V_reset": -70.0, "t_ref": 2.0}
    np.testing.assert_allclose(theory, ls.theory.fi_curve(currents, **neuron), rtol=1e-12)
    fires = seen > 0
    np.testing.assert_allclose(seen, ls.theory.fi_curve(currents, dt=0.1, **neuron), rtol=1e-9)
    assert fires.sum() > 5 and np.all(seen[fires] <= theory[fires])
    assert "exists" in invoke("fi", "single_neuron", code=2).stderr
    invoke("fi", "single_neuron", "--points", "3", "--overwrite", "--no-plot", "--from", "0.4 nA", "--to", "800", "-o", "outputs/x.png")
    assert Path("outputs/x.csv").exists() and not Path("outputs/x.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["single_neuron", "--points", "1"], "--points: 1; expected a whole number from 2 to 1000"),
        (["single_neuron", "--points", "100000000"], "--points: 100000000; expected a whole number from 2 to 1000"),
        (["single_neuron", "--from", "500", "--to", "400"], "the lowest current must be below the highest"),
        (["single_neuron", "--from", "5 mV"], "expected a current (pA)"),
        (["single_neuron", "--from", "inf"], "a finite current"),
        (["single_neuron", "--duration", "0"], "--duration: 0 ms; must be above 0"),
        (["single_neuron", "--population", "nuron"], "did you mean 'neuron'?"),
        (["single_neuron", "--population", "step"], "a step_current_generator takes no constant current"),
        (["single_neuron", "-o", "x.txt"], ".png or .pdf or .svg"),
        (["single_neuron", "--set", "populations.neuron.params.V_th=inf"], "populations.neuron.V_th: inf"),
    ],
)
def test_wrong_fi(words, said):
    assert said in invoke("fi", *words, code=2).stderr


def test_fi_of_unequal_neurons_and_other_models():
    Path("m.toml").write_text(MODEL.replace("I_e = 100.0", "tau_m = [10.0, 20.0]").replace("n = 1", "n = 2"), encoding="utf-8")
    outcome = invoke("fi", "m.toml", "--points", "4", "--duration", "500")
    assert "n: tau_m differ between neurons; the curve is that of their mean" in outcome.stderr
    Path("r.toml").write_text(MODEL.replace("iaf_psc_exp", "parrot_neuron").replace("I_e = 100.0", ""), encoding="utf-8")
    assert "no neurons with a membrane" in invoke("fi", "r.toml", code=2).stderr
    Path("e.toml").write_text(MODEL.replace("I_e = 100.0", "delta = 1.0"), encoding="utf-8")
    rows = invoke("fi", "e.toml", "--points", "3", "--duration", "100").stdout
    assert rows.startswith("n (iaf_psc_exp), no closed form: simulation alone") and "theory" not in rows.split("\n")[1]


# -- plots -----------------------------------------------------------------------------------------


def test_theory_is_a_line_and_simulation_dots():
    figure = ls.plot.theory(
        [1, 2, 3], [1, 4, 8], np.linspace(1, 3, 50), np.linspace(1, 3, 50) ** 2, xlabel="I (pA)", errors=[0.1, 0.2, 0.3]
    )
    (ax,) = figure.axes
    line, dots = ax.lines[0], ax.lines[1]
    assert line.get_linestyle() == "-" and line.get_marker() in ("None", None, "")
    assert dots.get_linestyle() in ("None", "none") and dots.get_marker() == "o"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["theory", "simulation"]
    ls.plot.theory([1, 2], [2, 2], label="second", ax=ax)
    assert "simulation, second" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert ax.lines[-1].get_color() != dots.get_color()


def test_stability_plot(arranged_figures):
    found = BrunelNetwork().stability_lines(6.0)
    points = [p._replace(g=p.g + by, eta=p.eta + by) for by in (-0.2, 0.0, 0.2) for p in found]
    figure = ls.plot.stability(points, {"asynchronous": [(5.0, 2.0)], "fast oscillation": [(6.0, 4.0), (7.0, 4.0)]})
    (ax,) = figure.axes
    fast = [p.eta for p in points if p.kind == "fast"]
    assert any(np.allclose(line.get_ydata(), fast) for line in ax.lines if len(line.get_ydata()) == 3)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["theory: fast oscillation", "simulation: asynchronous", "simulation: fast oscillation"]
    ls.plot.save(figure, "stability.png")


def test_names_are_public():
    assert set(ls.theory.__all__) <= set(dir(ls.theory)) and all(callable(getattr(ls.theory, name)) for name in ls.theory.__all__)
    assert issubclass(ModelError, LifsimError) and math.isfinite(float(ls.theory.rheobase(tau_m=1.0, C_m=1.0, E_L=0.0, V_th=1.0)))
