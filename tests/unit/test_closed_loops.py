"""What docs/closed_loops.md says of its examples beyond what its own blocks assert. The functions are those of the page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import lifsim as ls

PAGE = Path(__file__).parents[2] / "docs" / "closed_loops.md"
RESULTS = {"errors", "path", "angle", "alone", "score"}  # what takes long to compute
FEW = "slice(0, 300), slice(1597, 1797)"  # images for training and for testing in the page's session; its text has results for more
LEARNING = "theta = np.zeros"  # the first line of the loop that trains


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page():
    """The functions and constants of the page; nothing is simulated."""

    def is_definition(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Assign):
            return not RESULTS & {x.id for target in statement.targets for x in ast.walk(target) if isinstance(x, ast.Name)}
        return isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef))

    namespace: dict = {}
    for body in python_blocks():
        own = [statement for statement in ast.parse(body).body if is_definition(statement)]
        exec(compile(ast.Module(own, []), str(PAGE), "exec"), namespace)
    return namespace


# -- the dynamic clamp -----------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, pytest.param(0.025, marks=pytest.mark.slow)])
def test_a_clamped_current_acts_from_the_next_step_on(page, dt):
    """The same clamp in plain NumPy: V moves to where the current, held for a step, leads it."""
    tau_m, resistance, v, g, expected = 15.0, 15.0 / 250.0, -70.0, 0.0, []
    at = {round(t / dt): w for t, w in page["arrivals"].items()}
    for step in range(1, round(60.0 / dt) + 1):
        goal = -70.0 + resistance * g * (page["E"] - v)
        v = goal + (v - goal) * np.exp(-dt / tau_m)
        g = g * np.exp(-dt / page["tau"]) + at.get(step, 0.0)
        expected.append(v)
    np.testing.assert_allclose(page["clamped"](dt), expected[round(1.0 / dt) - 1 :: round(1.0 / dt)], rtol=0.0, atol=1e-9)


def test_a_loop_over_runs_is_a_run_with_a_function(page):
    net = ls.Network(seed=3)
    net.add("n", 20, "iaf_psc_exp", V_m={"uniform": [-70.0, -55.0]}, I_e=300.0)
    net.record("n", "spikes")

    def feedback(sim):
        sim.set("n", I_e=500.0 - 5.0 * (sim.get("n", "V_m") + 60.0) - 10.0 * len(sim.spikes()["n"]))

    results = []
    for by_function in (True, False):
        with ls.Simulation(net, threads=1) as sim:
            if by_function:
                sim.run(100.0, every=1.0, do=feedback)
            else:
                for _ in range(100):
                    sim.run(1.0)
                    feedback(sim)
            results.append((sim.result().spikes["n"], sim.get("n", "V_m")))
    (a, v), (b, w) = results
    assert len(a) > 100
    assert np.array_equal(a.times, b.times) and np.array_equal(a.ids, b.ids) and np.array_equal(v, w)


# -- the pole --------------------------------------------------------------------------------------


def test_neurons_fire_at_the_rates_of_the_closed_form(page):
    current = np.linspace(150.0, 1500.0, 60)
    net = ls.Network(dt=0.01)  # spikes on the grid come late by up to a step
    net.add("n", 60, "iaf_psc_exp", tau_m=page["tau_m"], C_m=page["C_m"], t_ref=page["t_ref"], I_e=current)
    net.record("n", "spikes")
    spikes = ls.run(net, 500.0, threads=1).spikes["n"]
    count = np.bincount(spikes.ids, minlength=60)
    expected = page["rate"](current)
    assert (count[expected == 0] == 0).all() and (expected == 0).any()
    np.testing.assert_allclose(count / 500.0, expected, rtol=0.005, atol=1.0 / 500.0)


def test_decoders_give_the_force_of_the_regulator(page):
    states = page["directions"](1000) * 0.7 * page["usual"]
    wanted = -states @ page["linear_regulator"]()
    decoded = page["rate"](page["currents"](states)) @ page["decoders"]
    assert np.sqrt(np.mean((decoded - wanted) ** 2)) < 0.02 * np.std(wanted)


def test_without_a_force_cart_and_pole_keep_their_energy(page):

    def energy(state):
        _, v, angle, turning = state
        m, length, g = page["pole"], page["half_length"], page["gravity"]
        kinetic = (page["cart"] + m) * v**2 / 2 + m * length * v * turning * np.cos(angle) + (2 / 3) * m * length**2 * turning**2
        return kinetic + m * g * length * np.cos(angle)

    state, h = np.array([0.0, 0.3, 2.5, 0.5]), 1e-3
    before = energy(state)
    for _ in range(2000):  # Runge-Kutta
        a = page["motion"](state, 0.0)
        b = page["motion"](state + h / 2 * a, 0.0)
        c = page["motion"](state + h / 2 * b, 0.0)
        d = page["motion"](state + h * c, 0.0)
        state = state + h / 6 * (a + 2 * b + 2 * c + d)
    assert energy(state) == pytest.approx(before, abs=1e-9)


@pytest.mark.slow
def test_another_seed_balances_the_pole_too(page):
    path = page["balance"](3_000.0, seed=2)
    assert 4.0 < np.degrees(np.abs(path[:, 2])).max() < 12.0  # the push is felt
    assert np.degrees(np.abs(path[-500:, 2])).max() < 1.0


# -- the digits ------------------------------------------------------------------------------------


def trained(page, seed=1, **rule):
    """The score of the page's network after training with more images, and another seed or other parameters of the synapses."""
    namespace = page | {"STDP": page["STDP"] | rule}
    own = next(body for body in python_blocks() if LEARNING in body)
    assert FEW in own
    own = own.replace(FEW, "slice(0, 400), slice(1397, 1797)")
    functions = own.split(LEARNING)[0].replace("seed=1", f"seed={seed}").replace("STDP = ", "DEFAULTS = ")
    last = python_blocks()[-1]
    exec(functions + LEARNING + own.split(LEARNING)[1] + last.split("assert ")[0], namespace)
    return namespace["score"]


def test_held_out_images_take_no_part_in_training(page):
    train, held_out = (set(range(*page[name].indices(len(page["images"])))) for name in ("train", "held_out"))
    assert len(train) == 300 and len(held_out) == 200 and not train & held_out


@pytest.mark.slow
def test_digits_are_learned_with_any_seed_and_by_the_plasticity(page):
    assert min(trained(page, seed) for seed in (2, 3, 4)) > 0.8
    assert trained(page, **{"lambda": 0.0}) < 0.6  # thresholds alone
