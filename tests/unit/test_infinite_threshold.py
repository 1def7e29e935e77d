"""V_th = inf: the neuron integrates its input and never fires, in every model that has a threshold parameter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.network import MODELS

UNREACHED = 1e6  # mV

THRESHOLD = [name for name, model in MODELS.items() if model.role == "neuron" and "V_th" in model.settable]
CASES = [(name, precision) for name in THRESHOLD for precision in ("float64", "float32") if "grid" in MODELS[name].methods]
CASES += [(name, "float64") for name in THRESHOLD if "grid" not in MODELS[name].methods]
# Code in single precision that no other test needs; each form of threshold has one that is run always.
RARE = {"iaf_cond_exp_sfa_rr", "iaf_psc_exp_multisynapse", "if_psc_delta", "if_psc_delta_hard", "lif_psc_delta"}
CASES = [pytest.param(*case, marks=[pytest.mark.slow] if case[1] == "float32" and case[0] in RARE else []) for case in CASES]


def driven(model: str, V_th: object) -> ls.Network:
    """Four neurons with input that makes them fire at the default threshold."""
    net = ls.Network(duration=40.0, seed=5)
    net.add("n", 4, model, V_th=V_th, I_e=600.0)
    net.add("noise", 1, "poisson_generator", rate=8000.0)
    receptor = {"receptor_type": 1} if model.endswith("multisynapse") else {}
    net.connect("noise", "n", weight=1.0 if MODELS[model].weight_unit == "mV" else 5.0, **receptor)
    net.record("n", ["spikes", "V_m"], interval=0.5)
    return net


def course(net: ls.Network, **options: str) -> np.ndarray:
    """The recorded potentials of a run without spikes."""
    result = ls.run(net, **options)
    assert len(result.spikes["n"].times) == 0
    return result.traces["n"]["V_m"]


@pytest.mark.parametrize(("model", "precision"), CASES)
def test_the_potential_is_that_below_a_threshold_out_of_reach(model, precision):
    found = course(driven(model, np.inf), precision=precision)
    np.testing.assert_array_equal(found, course(driven(model, UNREACHED), precision=precision))
    default = MODELS[model].parameter("V_th").default
    assert np.nanmax(found) > default, "the input would make the neuron fire at the default threshold"


def test_it_relaxes_to_the_closed_form():
    net = ls.Network(duration=30.0)
    net.add("n", 1, "iaf_psc_exp", V_th="inf", E_L=-70.0, tau_m=10.0, C_m=250.0, I_e=1000.0)
    net.record("n", "V_m", interval=1.0)
    t = np.arange(1.0, 31.0)
    np.testing.assert_allclose(ls.run(net).traces["n"]["V_m"][:, 0], -70.0 + 40.0 * (1 - np.exp(-t / 10.0)), rtol=0, atol=1e-9)


def test_exact_spike_times_on_models_of_the_grid():
    net = driven("iaf_psc_exp", np.inf)
    assert np.isfinite(course(net, method="precise")).all()


def test_some_neurons_of_a_population():
    net = driven("iaf_psc_exp", [np.inf, -55.0, np.inf, -55.0])
    assert set(ls.run(net).spikes["n"].ids) == {1, 3}


def test_escape_noise_does_not_fire_it():
    net = ls.Network(duration=200.0)
    net.add("n", 50, "iaf_psc_exp", V_th=np.inf, delta=5.0, rho=1000.0, I_e=1000.0)
    net.record("n", "spikes")
    assert len(ls.run(net).spikes["n"].times) == 0


def test_model_file_check_and_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = driven("iaf_cond_exp", np.inf)
    net.save("net.toml")
    assert "V_th = inf" in Path("net.toml").read_text(encoding="utf-8")
    whole = course(ls.load("net.toml"))
    np.testing.assert_array_equal(whole, course(net))
    outcome = CliRunner().invoke(main, ["check", "net.toml"])
    assert outcome.exit_code == 0, outcome.output
    sim = ls.Simulation(net)
    sim.run(15.0)
    sim.save("net.ckpt")
    later = ls.Simulation.restore("net.ckpt")
    later.run(25.0)
    assert np.isinf(later.get("n", "V_th")).all()
    np.testing.assert_array_equal(later.get("n", "V_m"), whole[-1])


@pytest.mark.parametrize("V_th", [-np.inf, np.nan, "-inf mV"])
def test_only_plus_infinity(V_th):
    with pytest.raises(ls.ModelError, match=r"populations\.n\.V_th: .*(inf|nan)"):
        ls.Network().add("n", 1, "iaf_psc_exp", V_th=V_th)
