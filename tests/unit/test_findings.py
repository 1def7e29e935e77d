"""Mistakes that a first user made, each of which once passed unnoticed or crashed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

import lifsim as ls
from lifsim.cli.main import main


def small(**params) -> ls.Network:
    net = ls.Network(dt=0.1)
    net.add("a", 10, "iaf_psc_exp", **params)
    return net


def test_a_potential_that_is_no_number_stops_the_run():
    net = small()
    g = net.add("g", 1, "spike_generator", spike_times=[1.0])
    for weight in (1e308, 1e308, -1e308, -1e308):
        net.connect(g, "a", weight=weight)
    with pytest.raises(ls.RunError, match=r"a\[0\]\.(V_m|I_syn_ex) is (inf|nan|-inf) at"):
        ls.run(net, 50.0)


@pytest.mark.parametrize("matrix", [np.eye(10, dtype=complex), sparse.csr_array(np.eye(10) * 1j), np.ma.masked_array(np.eye(10))])
def test_matrices_hold_real_numbers(matrix):
    net = small()
    with pytest.raises(ls.ModelError, match="complex or masked"):
        net.connect("a", "a", matrix)


def test_a_lognormal_time_constant_is_positive():
    small(tau_m={"lognormal": [2.3, 0.1]})


def test_nothing_follows_close(tmp_path):
    net = small()
    net.record("a", "spikes")
    sim = ls.Simulation(net, out=tmp_path / "x.h5")
    sim.run(5.0)
    sim.close()
    for call in (sim.run, sim.result):
        with pytest.raises(ls.LifsimError, match="closed"):
            call(5.0) if call == sim.run else call()


def test_what_does_not_fit_is_refused_at_once():
    net = small()
    net.connect("a", "a", "fixed_indegree", indegree=10**12)
    with pytest.raises(ls.LifsimError, match=r"memory: this network needs about [\d.]+ .B"):
        ls.run(net, 1.0)


def test_a_run_has_at_least_one_step():
    with pytest.raises(ls.LifsimError, match="at least one step"):
        ls.run(small(), 1e-30)


def test_spikes_have_no_interval():
    with pytest.raises(ls.ModelError, match="spikes have no interval"):
        small().record("a", "spikes", interval=1.0)


def test_poisson_window_is_that_of_nest():
    """NEST 3.10, start 10, stop 30, delay 1: arrivals from 11.2 to 31.1 ms."""
    net = ls.Network(dt=0.1)
    g = net.add("g", 1, "poisson_generator", rate=3e6, start=10.0, stop=30.0)
    n = net.add("n", 1, "iaf_psc_delta", V_th=1e9, E_L=0.0, V_m=0.0, V_reset=0.0)
    net.connect(g, n, delay=1.0)
    net.record(n, "V_m", interval=0.1)
    net.record(g, "spikes")
    result = ls.run(net, 50.0)
    rises = np.flatnonzero(np.diff(result.traces["n"]["V_m"][:, 0], prepend=0.0) > 0) + 1
    assert (rises.min(), rises.max()) == (112, 311)
    assert (result.spikes["g"].times.min(), result.spikes["g"].times.max()) == (10.2, 30.1)


# -- currents and rates in lists have the bounds of single ones --------------------------------------


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, 1e300, -2e9])
@pytest.mark.parametrize(
    ("model", "params", "key"),
    [
        ("step_current_generator", {"amplitude_times": [1.0, 2.0], "amplitude_values": [5.0, None]}, "amplitude_values"),
        ("waveform_generator", {"waveform": [5.0, None, 3.0]}, "waveform"),
        ("inhomogeneous_poisson_generator", {"rate_times": [1.0, 2.0], "rate_values": [5.0, None]}, "rate_values"),
        ("dc_generator", {"amplitude": None}, "amplitude"),
        ("noise_generator", {"mean": None}, "mean"),
        ("iaf_psc_exp", {"I_e": None}, "I_e"),
    ],
)
def test_currents_and_rates_beyond_all_sense(model, params, key, wrong):
    given = {
        name: [wrong if x is None else x for x in v] if isinstance(v, list) else wrong if v is None else v for name, v in params.items()
    }
    with pytest.raises(ls.ModelError, match=rf"^populations\.g\.{key}: {wrong:g}; must be (-1e9|0) to 1e9$".replace("+", r"\+")):
        small().add("g", 1, model, **given)


@pytest.mark.parametrize("wrong", [[-1.0, 5.0], [0.0, 5.0], [1.0, np.inf]])
def test_times_of_steps_are_above_0(wrong):
    with pytest.raises(ls.ModelError, match=r"^populations\.g\.amplitude_times: .*; must be > 0$"):
        small().add("g", 1, "step_current_generator", amplitude_times=wrong, amplitude_values=[1.0, 2.0])
    small().add("g", 1, "step_current_generator", amplitude_times=[], amplitude_values=[])


@pytest.mark.parametrize("key", ["mean", "std"])
def test_a_bound_on_a_list_given_to_each_node(key):
    with pytest.raises(ls.ModelError, match="1e9"):
        small().add("g", 3, "noise_generator", **{key: [1.0, 2.0, 1e10]})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("inf", "populations.step.params.amplitude_values: inf; must be -1e9 to 1e9"),
        ("1e400", "populations.step.params.amplitude_values: inf; must be -1e9 to 1e9"),
        ("1e300", "populations.step.params.amplitude_values: 1e+300; must be -1e9 to 1e9"),
        ("nan", "parameters.I: nan is not a number"),
    ],
)
def test_an_impossible_parameter_of_a_model_is_one_error(value, said):
    with pytest.raises(ls.ModelError) as caught:
        ls.load("single_neuron", I=float(value))
    assert str(caught.value) == said


def test_a_lost_value_hides_no_other_problem(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(
        '[parameters]\nI = 1.0\n[populations.s]\nn = 1\nmodel = "step_current_generator"\n'
        'params = { amplitude_times = [2.0, 1.0], amplitude_values = ["= J", 0.0], start = 5.0, stop = 1.0 }\n'
    )
    with pytest.raises(ls.ModelError) as caught:
        ls.load(path)
    assert "stop must not be before start" in str(caught.value) and "equally long" not in str(caught.value)


# -- one of a thing ------------------------------------------------------------------------------------

ONE = """
[run]
duration = 20.0
[populations.n]
n = 1
model = "iaf_psc_exp"
params = { I_e = 500.0 }
[populations.s]
n = 1
model = "spike_generator"
params = { spike_times = [5.0] }
[[projections]]
source = "s"
target = "n"
[[record]]
populations = "n"
[[record]]
populations = "n"
variable = "V_m"
"""


def test_one_of_a_thing_is_told_in_the_singular(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("one.toml").write_text(ONE, encoding="utf-8")
    Path("s.csv").write_text("time,id\n1.0,3\n", encoding="utf-8")
    Path("n.dat").write_text("sender time_ms\n3 1.0\n", encoding="utf-8")

    def said(*words):
        outcome = CliRunner().invoke(main, list(words))
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    assert "1 neuron, 1 synapse; " in said("check", "one.toml") and "all_to_all, 1 synapse\n" in said("info", "one.toml")
    assert "a.h5: 1 spike in 20 ms" in said("run", "one.toml", "-o", "a.h5")
    assert "n: 1 iaf_psc_exp; 1 spike, V_m" in said("info", "a.h5")
    assert "the same, 1 spike of 1 population, 1 trace\n" in said("compare", "a.h5", "a.h5")
    assert "statistics of 1 file\n" in said("stats", "a.h5", "-o", "a.json")
    assert "since the spikes have id 3: if" in said("info", "s.csv")
    assert "NEST's id 3 becomes 0: if" in said("info", "n.dat")
    result = ls.open("a.h5")
    assert ls.plot.summary(result).axes[1].get_title(loc="right") == "B to D: 1 neuron each; 0 to 20 ms"
