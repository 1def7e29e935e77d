"""Neuron models beyond the three basic ones: against NEST 3.10, an independent solver of the equations, and closed forms.

`tests/data/nest_models.npz` holds the reference results (see `tests/data/README.md`).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import lifsim as ls


def stored(kind: str) -> dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The cases of `kind`: what was simulated and what came out."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(Path(__file__).parents[1] / "data" / "nest_models.npz") as file:
        for key in file:
            group, name, what = key.split("/")
            if group == kind:
                found.setdefault(name, {})[what] = file[key]
    return {name: (json.loads(str(data.pop("case"))), data) for name, data in found.items()}


SINGLE, COND, NET, PARROTS = stored("single"), stored("cond"), stored("net"), stored("parrots")


def single(case: dict[str, Any], variables: list[str]) -> ls.Network:
    net = ls.Network(dt=case["dt"])
    n = net.add("n", 1, case["model"], **case["params"])
    for i, (time, weight, delay, number, *receptor) in enumerate(case["inputs"]):
        g = net.add(f"spikes{i}", 1, "spike_generator", spike_times=[time] * number)
        net.connect(g, n, weight=weight, delay=delay, receptor_type=receptor[0] if receptor else 0)
    net.record(n, "spikes")
    net.record(n, variables, interval=case["dt"])
    return net


@pytest.mark.parametrize("name", SINGLE)
def test_like_nest(name):
    """All variables of exactly integrable models within 1e-9; conductances within what NEST's own solver leaves open."""
    case, data = SINGLE[name]
    variables = [v for v in data if v != "spikes"]
    result = ls.run(single(case, variables), case["T"])
    np.testing.assert_allclose(result.spikes["n"].times, data["spikes"], rtol=0, atol=1e-9)
    for v in variables:
        got = result.traces["n"][v][case["every"] - 1 :: case["every"], 0]
        tolerance = 1e-3 if "cond" in case["model"] else 1e-9
        np.testing.assert_allclose(got[: len(data[v])], data[v], rtol=0, atol=tolerance, err_msg=v)


@pytest.mark.parametrize("name", COND)
def test_conductances(name):
    """Against a solution of very high precision (DOP853, rtol 1e-12) with the same order of events: the error stated in docs/neurons.md."""
    case, data = COND[name]
    result = ls.run(single(case, ["V_m"]), case["T"])
    np.testing.assert_allclose(result.spikes["n"].times, data["spikes"], rtol=0, atol=1e-9)
    got = result.traces["n"]["V_m"][case["every"] - 1 :: case["every"], 0]
    np.testing.assert_allclose(got[: len(data["V_m"])], data["V_m"], rtol=0, atol=3e-6 if case["dt"] == 0.1 else 5e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_with_conductances(threads):
    case, data = NET["cond_exp200"]
    net = ls.Network(dt=case["dt"])
    n = net.add("n", case["N"], case["model"], **case["params"], V_m=data["V0"], I_e=data["I_e"])
    net.connect(n, n, "explicit", sources=data["src"], targets=data["tgt"], weight=data["weight"], delay=data["delay"])
    net.record(n, "spikes")
    with ls.Simulation(net, threads=threads) as simulation:
        simulation.run(case["T"])
        spikes, v = simulation.result().spikes["n"], simulation.get(n, "V_m")
    np.testing.assert_array_equal(np.round(spikes.times / net.dt).astype(int), data["spike_step"])
    np.testing.assert_array_equal(spikes.ids, data["spike_id"])
    np.testing.assert_allclose(v, data["V_final"], rtol=0, atol=1e-5)


# -- the method for conductances ----------------------------------------------------------------------


def potential(model: str, dt: float, weight: float, precision: str = "float64", taus: tuple[float, float] = (3.0, 7.0)) -> np.ndarray:
    """V_m at 8, 16, …, 80 ms under arrivals at 4, 8 and 20 ms, far below threshold."""
    net = ls.Network(dt=dt)
    n = net.add("n", 1, model, V_th=1000.0, V_reset=-60.0, tau_syn_ex=taus[0], tau_syn_in=taus[1], I_e=100.0)
    g = net.add("g", 1, "spike_generator", spike_times=[4.0 - 1.6, 8.0 - 1.6, 20.0 - 1.6])
    net.connect(g, n, weight=weight, delay=1.6)
    net.connect(g, n, weight=-weight / 2, delay=1.6)
    net.record(n, "V_m", interval=8.0)
    return ls.run(net, 80.0, precision=precision).traces["n"]["V_m"][:, 0]


def exact(model: str, weight: float, taus: tuple[float, float] = (3.0, 7.0)) -> np.ndarray:
    """The same by SciPy's solver, from the equations as they stand in the textbook."""
    p = {"C_m": 250.0, "g_L": 16.6667, "E_L": -70.0, "E_ex": 0.0, "E_in": -85.0}

    def conductance(t: float, peak: float, tau: float) -> float:
        since = [t - s for s in (4.0, 8.0, 20.0) if t > s]
        shape = (lambda x: x / tau * np.exp(1 - x / tau)) if "alpha" in model else (lambda x: np.exp(-x / tau))
        return peak * sum(map(shape, since))

    def slope(t: float, v: np.ndarray) -> np.ndarray:
        ex, inh = conductance(t, weight, taus[0]), conductance(t, weight / 2, taus[1])
        return (-p["g_L"] * (v - p["E_L"]) - ex * (v - p["E_ex"]) - inh * (v - p["E_in"]) + 100.0) / p["C_m"]

    stiff = weight > 100.0  # explicit methods would take millions of steps
    found, v = [], np.array([-70.0])
    for begin in range(0, 80, 4):  # arrivals are at multiples of 4 ms: nothing jumps inside a piece
        v = solve_ivp(slope, (begin + 1e-12, begin + 4.0), v, method="LSODA" if stiff else "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        found.append(v[0])
    return np.array(found)[1::2]


@pytest.mark.parametrize("model", ["iaf_cond_exp", "iaf_cond_alpha"])
def test_the_error_falls_as_dt_to_the_fourth(model):
    true = exact(model, 20.0)
    errors = [np.abs(potential(model, dt, 20.0) - true).max() for dt in (0.8, 0.4, 0.2)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 3.7).all(), (errors, orders)
    assert errors[-1] < 1e-4


@pytest.mark.parametrize("model", ["iaf_cond_exp", "iaf_cond_alpha"])
@pytest.mark.parametrize("weight", [2e3, 2e6])
def test_no_conductance_is_too_large(model, weight):
    """Where g·dt/C_m is 0.8 to 800 the step is divided; a plain step of Runge-Kutta would explode."""
    np.testing.assert_allclose(potential(model, 0.1, weight), exact(model, weight), rtol=0, atol=5e-3)


@pytest.mark.parametrize(("model", "error"), [("iaf_cond_exp", 3e-6), ("iaf_cond_alpha", 3e-5)])
def test_conductances_may_be_quicker_than_the_step(model, error):
    """With dt eight and four times as long as tau_syn the step is divided; whole steps would be wrong by 0.3 and 1 mV."""
    taus = 0.1, 0.2
    for precision, least in (("float64", 0.0), ("float32", 1e-4)):
        got = potential(model, 0.8, 20.0, precision, taus)
        np.testing.assert_allclose(got, exact(model, 20.0, taus), rtol=0, atol=max(error, least))


def test_conductances_in_single_precision():
    np.testing.assert_allclose(potential("iaf_cond_exp", 0.1, 20.0, "float32"), exact("iaf_cond_exp", 20.0), rtol=0, atol=1e-3)


def test_conductances_are_shown_as_positive():
    net = ls.Network()
    n = net.add("n", 2, "iaf_cond_alpha", g_in=[1.0, 2.0], dg_in=3.0)
    with ls.Simulation(net) as simulation:
        np.testing.assert_allclose(simulation.get(n, "g_in"), [1.0, 2.0])
        simulation.set(n, g_in=5.0)
        assert simulation.get(n, "g_in").tolist() == [5.0, 5.0]
        assert simulation.get(n, "dg_in").tolist() == pytest.approx([3.0, 3.0])
        simulation.run(0.1)
        np.testing.assert_allclose(simulation.get(n, "g_in"), (5.0 + 0.3) * math.exp(-0.1 / 2.0), rtol=1e-12)


# -- parrots -------------------------------------------------------------------------------------------


def test_parrots_like_nest():
    case, data = PARROTS["two"]
    net = ls.Network()
    p = net.add("p", 2, "parrot_neuron")
    for i, (time, weight, delay, number, target) in enumerate(case["inputs"]):
        g = net.add(f"g{i}", 1, "spike_generator", spike_times=[time] * number)
        net.connect(g, p[target], weight=weight, delay=delay)
    net.connect(p[0], p[1], weight=2.0, delay=1.0)
    net.record(p, "spikes")
    spikes = ls.run(net, 50.0).spikes["p"]
    np.testing.assert_allclose(spikes.times, data["times"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(spikes.ids, data["ids"])


def test_a_poisson_train_shared_by_way_of_a_parrot():
    """All that a parrot receives from a Poisson generator reaches each of its targets, several spikes a step too."""
    net = ls.Network()
    p = net.add("p", 3, "parrot_neuron")
    n = net.add("n", 2, "iaf_psc_delta", V_th=1e9, tau_m=1e12)
    net.connect(net.add("g", 1, "poisson_generator", rate=30_000.0), p, weight=-5.0)
    net.connect(p, n, "all_to_all", weight=0.5, delay=0.1)
    net.record(p, "spikes")
    with ls.Simulation(net, threads=2) as simulation:
        simulation.run(50.0)
        before = simulation.result().spikes["p"]
        simulation.run(0.1)
        v = simulation.get(n, "V_m")
    sent = len(before.times)
    assert abs(sent - 4470) < 5 * math.sqrt(4470)  # 3 trains of 30 a ms for 49.7 ms; false alarms: 6e-7
    assert np.diff(before.times).min() == 0
    np.testing.assert_allclose(v, -70.0 + 0.5 * sent, rtol=0, atol=1e-6)


def test_parrots_in_a_circle_are_refused():
    net = ls.Network()
    p = net.add("p", 2, "parrot_neuron")
    net.connect(p, p)
    net.connect(net.add("g", 1, "spike_generator", spike_times=[1.0]), p)
    with pytest.raises(ls.ModelError, match="form a loop"):
        ls.run(net, 1.0)


# -- escape noise --------------------------------------------------------------------------------------


def test_escape_noise_has_the_rate_of_its_hazard():
    """A constant potential 5 mV below threshold: intervals are t_ref and a geometric number of steps."""
    net = ls.Network()
    n = net.add("n", 1000, "iaf_psc_exp", E_L=-60.0, V_reset=-60.0, V_m=-60.0, V_th=-55.0, delta=2.0, rho=500.0, t_ref=1.0)
    net.record(n, "spikes")
    spikes = ls.run(net, 500.0).spikes["n"]
    p = 500.0 * 1e-4 * math.exp(-5.0 / 2.0)
    isi = np.concatenate([np.diff(np.round(spikes.times[spikes.ids == i] / 0.1)) for i in range(1000)]) - 10
    assert isi.min() >= 1
    assert len(isi) > 5000
    # Censoring by the end of the run shortens the intervals seen: compare the hazard, which it leaves alone.
    at_risk, fired = isi.sum(), len(isi)
    last = np.array([spikes.times[spikes.ids == i][-1] if (spikes.ids == i).any() else -1.0 for i in range(1000)])
    first = np.array([spikes.times[spikes.ids == i][0] if (spikes.ids == i).any() else 500.0 for i in range(1000)])
    at_risk += np.round(first / 0.1).sum() + np.maximum(np.round((500.0 - last[last >= 0]) / 0.1) - 10, 0).sum()
    fired += (last >= 0).sum()
    assert abs(fired - p * at_risk) < 5 * math.sqrt(p * at_risk)  # false alarms: 6e-7


def test_escape_noise_of_width_zero_is_a_threshold():
    """Neurons with and without noise in one population: those without fire as a population without does."""
    spikes = []
    for delta in ([0.0, 0.0, 0.0], [0.0, 3.0, 0.0]):
        net = ls.Network()
        n = net.add("n", 3, "iaf_psc_exp", I_e=[400.0, 300.0, 500.0], delta=delta, rho=100.0)
        net.record(n, "spikes")
        found = ls.run(net, 100.0).spikes["n"]
        spikes.append([found.times[found.ids == i] for i in range(3)])
    for i in (0, 2):
        np.testing.assert_array_equal(spikes[0][i], spikes[1][i])
    assert len(spikes[1][1])  # its own current would not make it fire
    assert not len(spikes[0][1])


# -- all together --------------------------------------------------------------------------------------


# -- if_psc_delta ----------------------------------------------------------------------------------


def test_soft_reset_keeps_what_exceeds_the_threshold():
    """A constant current: after k steps floor((V_0 + k I dt / C_m - V_reset) / (V_th - V_reset)) spikes, one a step at most."""
    current = np.array([0.0, 0.3, 1.7, 9.99, 10.0, 14.0, -2.0])
    net = ls.Network(dt=0.1)
    net.add("n", 7, "if_psc_delta", I_e=current, V_th=1.0, V_m=0.25, C_m=1.0)
    net.record("n", ["spikes"])
    net.record("n", "V_m", interval=0.1)
    result = ls.run(net, 100.0)
    found = np.bincount(result.spikes["n"].ids, minlength=7)
    given = 0.25 + 1000 * 0.1 * current
    expected = np.clip(np.floor(given + 1e-9), 0, 1000)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(result.traces["n"]["V_m"][-1], given - found, atol=1e-9)


STEPS, DT, WEIGHTS = 2000, 0.1, np.array([0.7123, 0.4071, -0.3039])  # sums that never meet the threshold exactly


def plain_loop(arrivals: np.ndarray, leak: float, refractory: int, spike, V_th: float = 1.0) -> list[int]:
    """A neuron in plain Python, each spike a jump: the steps in which it fires. `spike(v)` is what a spike makes of v."""
    v, until, out = 0.0, 0, []
    for step in range(1, len(arrivals)):
        if step < until:
            continue
        v = leak * v + WEIGHTS @ arrivals[step]
        if v >= V_th:
            v = spike(v)
            until = step + refractory + 1
            out.append(step)
    return out


def driven(model: str, scale: float = 1.0, **params) -> tuple[ls.Network, np.ndarray]:
    """A neuron and three trains of given spikes; what arrives of them in each step."""
    rng = np.random.default_rng(5)
    trains = [np.sort(rng.choice(np.arange(1, STEPS), 600, replace=False)) for _ in WEIGHTS]
    net = ls.Network(dt=DT)
    source = net.add("s", 3, "spike_generator", spike_times=[(DT * t).round(1).tolist() for t in trains])
    net.add("n", 1, model, V_th=1.0, **params)
    net.connect(source, "n", scale * WEIGHTS[None, :], delay=2 * DT)
    net.record("n", "spikes")
    arrivals = np.zeros((STEPS + 1, 3))
    for k, train in enumerate(trains):
        arrivals[train[train <= STEPS - 2] + 2, k] += 1
    return net, arrivals


def steps_of_spikes(net: ls.Network) -> np.ndarray:
    return np.round(ls.run(net, STEPS * DT).spikes["n"].times / DT).astype(int)


@pytest.mark.parametrize("t_ref", [0.0, 0.3])
@pytest.mark.parametrize("leaky", [False, True])
def test_soft_reset_neurons_as_a_plain_loop(leaky, t_ref):
    own = {"E_L": 0.0, "V_m": 0.0, "tau_m": 2.0} if leaky else {}
    net, arrivals = driven("lif_psc_delta" if leaky else "if_psc_delta", V_reset=-0.2, t_ref=t_ref, **own)
    expected = plain_loop(arrivals, math.exp(-DT / 2.0) if leaky else 1.0, round(t_ref / DT), lambda v: v - 1.2)
    assert len(expected) > 100
    np.testing.assert_array_equal(steps_of_spikes(net), expected)


@pytest.mark.parametrize("t_ref", [0.0, 0.3])
def test_hard_reset_without_a_leak_as_a_plain_loop(t_ref):
    net, arrivals = driven("if_psc_delta_hard", V_reset=-0.2, t_ref=t_ref)
    expected = plain_loop(arrivals, 1.0, round(t_ref / DT), lambda v: -0.2)
    soft, _ = driven("if_psc_delta", V_reset=-0.2, t_ref=t_ref)
    found = steps_of_spikes(net)
    assert 100 < len(expected) < len(steps_of_spikes(soft))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("t_ref", [0.0, 0.3])
def test_soft_reset_with_synaptic_currents_as_a_plain_loop(t_ref):
    """lif_psc_exp: V_m by a propagator of 3 x 3 (a matrix exponential), currents that a spike leaves alone."""
    from scipy.linalg import expm

    tau_m, C_m, taus = 8.0, 4.0, (3.0, 1.5)
    net, arrivals = driven(
        "lif_psc_exp", 6.0, V_reset=-0.2, E_L=0.0, V_m=0.0, tau_m=tau_m, C_m=C_m, tau_syn_ex=3.0, tau_syn_in=1.5, t_ref=t_ref
    )
    P = expm(DT * np.array([[-1 / tau_m, 1 / C_m, 1 / C_m], [0.0, -1 / taus[0], 0.0], [0.0, 0.0, -1 / taus[1]]]))
    x, until, expected = np.zeros(3), 0, []
    for step in range(1, STEPS + 1):
        v, x = x[0], P @ x
        if step < until:
            x[0] = v
        given = 6.0 * WEIGHTS * arrivals[step]
        x[1:] += given[given > 0].sum(), given[given < 0].sum()
        if step >= until and x[0] >= 1.0:
            x[0] -= 1.2
            until = step + round(t_ref / DT) + 1
            expected.append(step)
    assert len(expected) > 100
    np.testing.assert_array_equal(steps_of_spikes(net), expected)


@pytest.mark.parametrize(("model", "tau_syn"), [("lif_psc_delta", None), ("lif_psc_exp", 3.0)])
def test_soft_reset_under_a_constant_current(model, tau_syn):
    """Where V never falls to rest, the mean of V fixes the rate: C_m/tau_m (mean V - E_L) = I - C_m (V_th - V_reset) rate."""
    net = ls.Network(dt=0.01)
    net.add("n", 3, model, E_L=-1.0, V_m=-1.0, V_reset=-1.0, V_th=0.0, tau_m=10.0, C_m=5.0, I_e=[0.49, 2.0, 40.0])
    net.record("n", ["spikes"])
    net.record("n", "V_m", interval=0.01)
    result = ls.run(net, 400.0)
    late = result.spikes["n"].times > 200.0
    rate = np.bincount(result.spikes["n"].ids[late], minlength=3) / 200.0
    mean = result.traces["n"]["V_m"][20000:].mean(axis=0)
    assert rate[0] == 0 and rate[2] > rate[1] > 0.1
    np.testing.assert_allclose(5.0 / 10.0 * (mean + 1.0), np.array([0.49, 2.0, 40.0]) - 5.0 * rate, rtol=0.01, atol=0.03)


@pytest.mark.parametrize("model", ["lif_psc_delta", "lif_psc_exp"])
def test_a_leaky_integrator(model):
    """Without a threshold V_m follows the closed form of iaf_psc_*, above any potential."""
    net = ls.Network(dt=0.1)
    net.add("n", 1, model, V_th=np.inf, E_L=-70.0, tau_m=10.0, C_m=10.0, I_e=1000.0)
    net.record("n", "V_m", interval=1.0)
    result = ls.run(net, 50.0)
    t = result.traces["n"].times
    np.testing.assert_allclose(result.traces["n"]["V_m"][:, 0], -70.0 + 1000.0 * (1 - np.exp(-t / 10.0)), rtol=0, atol=1e-9)


def test_without_a_threshold_it_adds_up():
    net = ls.Network(dt=0.1)
    net.add("s", 1, "spike_generator", spike_times=[1.0, 2.0, 2.0])
    net.add("n", 1, "if_psc_delta", V_th=np.inf, I_e=0.5, C_m=2.0)
    net.connect("s", "n", weight=3.0, delay=1.0)
    net.record("n", "V_m", interval=10.0)
    result = ls.run(net, 10.0)
    assert result.traces["n"]["V_m"][-1, 0] == pytest.approx(9.0 + 2.5)


SOFT = [
    ("if_psc_delta", {"I_e": {"uniform": [-0.1, 0.3]}}, 0.3),
    ("if_psc_delta_hard", {"I_e": {"uniform": [-0.1, 0.3]}}, 0.3),
    ("lif_psc_delta", {"V_m": {"uniform": [-75.0, -50.0]}, "V_th": -68.5}, 0.6),
    ("lif_psc_exp", {"V_m": {"uniform": [-75.0, -50.0]}, "V_th": -68.5, "tau_syn_in": 4.0}, 60.0),
]


@pytest.mark.parametrize(("model", "params", "weight"), SOFT)
def test_the_reference_knows_soft_reset(model, params, weight):
    from lifsim.engine.reference.grid_reference import simulate
    from lifsim.simulation.built_network import plan_of

    net = ls.Network(dt=0.1)
    net.add("p", 1, "poisson_generator", rate=4000.0)
    net.add("n", 20, model, t_ref=0.2, **params)
    net.connect("p", "n", weight=weight)
    net.connect("n", "n", "fixed_indegree", indegree=3, weight=-weight / 1.5, delay=0.5)
    net.record("n", "spikes")
    (steps, ids), _ = simulate(plan_of(net, seed=3), 100.0)[0]["n"], None
    found = ls.run(net, 100.0, seed=3).spikes["n"]
    assert len(steps) > 500
    np.testing.assert_array_equal(np.round(found.times / 0.1).astype(int), steps)
    np.testing.assert_array_equal(found.ids, ids)


def zoo() -> ls.Network:
    """Neurons of all models in one network."""
    net = ls.Network(seed=3)
    drive = net.add("drive", 1, "poisson_generator", rate=8000.0)
    weights = {
        "iaf_psc_exp": (100.0, {"delta": 1.0, "rho": 200.0}),
        "iaf_cond_exp": (20.0, {"C_m": np.linspace(200.0, 300.0, 90)}),
        "iaf_cond_exp_sfa_rr": (8.0, {}),
        "iaf_psc_exp_multisynapse": (60.0, {"tau_syn": [1.0, 4.0, 9.0]}),
        "mat2_psc_exp": (60.0, {}),
        "if_psc_delta": (0.4, {"I_e": 0.01}),
        "if_psc_delta_hard": (0.4, {}),
        "lif_psc_delta": (0.4, {"V_th": -69.0}),
        "lif_psc_exp": (60.0, {"V_th": np.linspace(-69.0, -67.0, 90)}),
        "parrot_neuron": (1.0, {}),
    }
    for i, (model, (weight, params)) in enumerate(weights.items()):
        name = model.removeprefix("iaf_")
        net.add(name, 90, model, **params)
        receptor = {"receptor_type": 2} if "multi" in model else {}
        if model != "parrot_neuron":
            net.connect(drive, name, weight=weight, **receptor)
            if i:
                before = list(net.populations)[i]
                net.connect(before, name, "fixed_indegree", indegree=10, weight=weight, delay={"uniform": [0.5, 3.0]}, **receptor)
                net.connect(before, name, "fixed_indegree", indegree=10, weight=-weight, delay=1.0, **receptor)
    net.connect("cond_exp", "parrot_neuron", "one_to_one", delay=1.0)
    net.connect("parrot_neuron", "psc_exp", "fixed_indegree", indegree=5, weight=50.0, delay=0.7)
    net.record([name for name in net.populations if name != "drive"], "spikes")
    return net


def test_all_models_in_one_network_on_any_number_of_threads_and_in_pieces():
    found = []
    for threads, pieces in ((1, [60.0]), (2, [20.0, 40.0]), (3, [0.3, 59.7])):
        with ls.Simulation(zoo(), threads=threads) as simulation:
            for piece in pieces:
                simulation.run(piece)
            result = simulation.result()
            found.append(({name: (s.times, s.ids) for name, s in result.spikes.items()}, simulation.get("cond_exp", "V_m")))
    for spikes, v in found[1:]:
        np.testing.assert_array_equal(v, found[0][1])
        for name, (times, ids) in found[0][0].items():
            assert len(times) > 0, name
            np.testing.assert_array_equal(spikes[name][0], times)
            np.testing.assert_array_equal(spikes[name][1], ids)
