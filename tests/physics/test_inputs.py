"""Current stimuli: NEST's potentials, closed forms of waveforms and of the variance that noise gives a membrane."""

from __future__ import annotations

import json
import math
from pathlib import Path

import h5py
import numpy as np
import pytest

import lifsim as ls
from lifsim.building.waveform import means

SILENT = {"V_th": 1e6, "C_m": 250.0, "tau_m": 10.0, "E_L": -70.0, "V_m": -70.0}
TOLERANCE = 1e-9  # mV
NEST = Path(__file__).parents[1] / "data" / "nest_inputs.npz"


def driven(
    generator: str, params: dict, *, n: int = 1, dt: float = 0.1, weight: object = 1.0, delay: float = 0.1, T: float = 40.0, **options
):
    """V_m of `n` neurons at every step, (steps, n)."""
    net = ls.Network(dt=dt)
    net.add("n", n, "iaf_psc_exp", **SILENT)
    net.connect(
        net.add("g", options.pop("nodes", 1), generator, **params), "n", options.pop("rule", "all_to_all"), weight=weight, delay=delay
    )
    net.record("n", "V_m", interval=dt)
    return ls.run(net, T, **options).traces["n"]["V_m"]


def current(v: np.ndarray, dt: float = 0.1) -> np.ndarray:
    """The current (pA) that acted in each step after the first, from the potentials at its ends."""
    p = math.exp(-dt / 10.0)
    return ((v[1:] + 70.0) - p * (v[:-1] + 70.0)) / (0.04 * (1 - p))


@pytest.mark.parametrize("case", ["0", "1", "2"])
def test_currents_are_those_of_nest(case):
    """A direct current and two alternating ones; some begin at 0, which to NEST means at dt."""
    with np.load(NEST) as data:
        given, expected = json.loads(str(data[f"currents/{case}/case"])), data[f"currents/{case}/V_m"]
    v = driven(given["model"], given["params"], dt=given["dt"], weight=given["weight"], delay=given["delay"], T=given["T"])
    assert np.ptp(expected) > 1.0
    np.testing.assert_allclose(v[: len(expected), 0], expected, rtol=0, atol=TOLERANCE)


def test_alternating_currents_that_differ():
    """A node with a wave of its own for each neuron."""
    f, phase = np.array([5.0, 40.0, 333.0]), np.array([0.0, 90.0, -30.0])
    v = driven("ac_generator", {"amplitude": 100.0, "frequency": f, "phase": phase}, n=3, nodes=3, rule="one_to_one", delay=0.3)
    t = 0.1 * np.arange(1, len(v))[:, None]  # of the beginning of each step; nothing is sent at time 0
    wave = np.where(t > 0.35, 100.0 * np.sin(2e-3 * np.pi * f * (t - 0.3) + np.deg2rad(phase)), 0.0)
    np.testing.assert_allclose(current(v), wave, rtol=0, atol=1e-7)


# -- waveforms -------------------------------------------------------------------------------------

SAMPLES = np.array([10.0, -20.0, 40.0, 0.0, 5.0])


def test_samples_act_one_after_the_other():
    params = {"waveform": SAMPLES, "interval": 0.4, "start": 2.0, "stop": 3.5}
    i = current(driven("waveform_generator", params, weight=2.0, delay=1.0, T=10.0)[:, 0])
    t = 0.1 * np.arange(1, len(i) + 1)
    expected = np.where((t > 2.95) & (t < 4.45), 2.0 * SAMPLES[np.clip(((t - 2.95) / 0.4).astype(int), 0, 4)], 0.0)
    np.testing.assert_allclose(i, expected, rtol=0, atol=1e-7)


def test_steps_of_a_current_are_the_same_as_samples():
    steps = {"amplitude_times": 3.0 + 0.4 * np.arange(6), "amplitude_values": np.append(SAMPLES, 0.0)}
    expected = driven("step_current_generator", steps)
    np.testing.assert_array_equal(driven("waveform_generator", {"waveform": SAMPLES, "interval": 0.4, "start": 3.0}), expected)


@pytest.mark.parametrize("interval", [0.37, 1.0, 2.5])
@pytest.mark.parametrize("interpolate", [False, True])
def test_the_mean_of_each_step(interval, interpolate):
    """Against a sum over a grid a thousand times finer."""
    samples = np.random.default_rng(1).normal(size=(7, 2))
    last = interval * (len(samples) - interpolate)
    got = means(samples, interval, interpolate)
    assert len(got) == math.ceil(last)
    fine = (np.arange(len(got) * 10_000) + 0.5) / 10_000
    for column, own in zip(samples.T, got.T, strict=True):
        values = np.interp(fine, interval * np.arange(7), column) if interpolate else column[np.minimum((fine / interval).astype(int), 6)]
        np.testing.assert_allclose(own, np.where(fine < last, values, 0.0).reshape(-1, 10_000).mean(axis=1), rtol=0, atol=1e-3)


def test_lines_between_samples_for_any_dt():
    """A ramp drives a membrane as its closed form says, to the order of dt²: the charge of each step is exact."""
    t_end, a, tau, R = 20.0, 30.0, 10.0, 0.04
    exact = -70.0 + R * a * (t_end - tau * (1 - math.exp(-t_end / tau)))
    error = []
    for dt in (0.5, 0.25):
        v = driven(
            "waveform_generator", {"waveform": [0.0, 50 * a], "interval": 50.0, "interpolate": True}, dt=dt, delay=dt, T=t_end + dt, n=1
        )
        error.append(abs(v[-1, 0] - exact))
    assert error[0] < 1e-2 and error[0] / error[1] == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("kind", ["csv", "npy", "h5"])
def test_waveforms_from_files(kind, tmp_path):
    """A column a node; found beside the model file."""
    samples = np.column_stack([SAMPLES, -SAMPLES])
    name = f"w.{kind}" + (":in/put" if kind == "h5" else "")
    if kind == "csv":
        np.savetxt(tmp_path / "w.csv", samples, delimiter=",", header="left,right")
    elif kind == "npy":
        np.save(tmp_path / "w.npy", samples)
    else:
        with h5py.File(tmp_path / "w.h5", "w") as file:
            file["in/put"] = samples
    (tmp_path / "m.toml").write_text(
        f"""
[populations.n]
n = 2
model = "iaf_psc_exp"
[populations.g]
n = 2
model = "waveform_generator"
params = {{ waveform_file = "{name}", interval = "0.4 ms" }}
[[projections]]
source = "g"
target = "n"
rule = "one_to_one"
delay = 0.1
[[record]]
populations = "n"
variable = "V_m"
interval = 0.1
"""
    )
    net = ls.load(tmp_path / "m.toml")
    v = ls.run(net, 5.0).traces["n"]["V_m"]
    expected = driven("waveform_generator", {"waveform": SAMPLES, "interval": 0.4}, T=5.0)[:, 0]
    np.testing.assert_allclose(v, np.column_stack([expected, -140.0 - expected]), rtol=0, atol=TOLERANCE)
    net.save(tmp_path / "copy.toml")
    assert f'waveform_file = "{name}"' in (tmp_path / "copy.toml").read_text()
    np.testing.assert_array_equal(ls.run(ls.load(tmp_path / "copy.toml"), 5.0).traces["n"]["V_m"], v)


# -- noise -----------------------------------------------------------------------------------------


def test_the_variance_that_noise_gives_depends_on_its_step():
    """docs/inputs.md: var V_m = (std tau_m / C_m)² tanh(dt / 2 tau_m), so that 16 times the dt gives nearly 16 times the variance.

    500 neurons sampled every 50 ms (5 tau_m), 5 standard errors.
    """
    for period in (0.1, 1.6):
        expected = (300.0 * 0.04) ** 2 * math.tanh(period / 20.0)
        net = ls.Network(dt=0.1)
        net.add("n", 500, "iaf_psc_exp", **SILENT)
        net.connect(net.add("g", 1, "noise_generator", std=300.0, dt=period), "n", delay=0.1)
        net.record("n", "V_m", interval=48.0, start=96.1)  # at the ends of periods
        samples = ls.run(net, 960.1, seed=4).traces["n"]["V_m"]
        assert samples.var() == pytest.approx(expected, rel=5 * math.sqrt(2 / samples.size))


@pytest.mark.parametrize("tau", [0.3, 5.0, 40.0])
def test_ornstein_uhlenbeck_current(tau):
    """Mean, stationary variance, correlation e^(-s/tau), independent paths, and what that does to a membrane.

    The current in each step is found from the potentials. Of 400 paths, each of 1000 ms, about 400 * 1000/(2 tau) values are
    independent; 5 standard errors are allowed of each.
    """
    n, std, mean = 400, 120.0, 80.0
    v = driven("ou_generator", {"mean": mean, "std": std, "tau": tau}, n=n, T=1100.0, seed=5)
    i = current(v)[1000:]
    number = i.size * 0.1 / (2 * tau + 0.1)
    assert i.mean() == pytest.approx(mean, abs=5 * std / math.sqrt(number))
    assert i.var() == pytest.approx(std**2, rel=5 * math.sqrt(2 / number))
    first = current(v)[0]
    assert first.std() == pytest.approx(std, rel=5 / math.sqrt(2 * n))  # stationary from the first step on
    x = (i - mean) / std
    for lag in (1, 7, 30):
        assert (x[lag:] * x[:-lag]).mean() == pytest.approx(math.exp(-0.1 * lag / tau), abs=5 * math.sqrt(2 / number))
    assert abs((x[:, ::2] * x[:, 1::2]).mean()) < 5 / math.sqrt(number / 2)
    p, q = math.exp(-0.1 / 10.0), math.exp(-0.1 / tau)
    variance = (0.04 * std) ** 2 * (1 - p) * (1 + p * q) / ((1 + p) * (1 - p * q))
    assert v[1000:].var() == pytest.approx(variance, rel=5 * math.sqrt(2 / (n * 1000.0 / (2 * (10.0 + tau)))))


# -- given spikes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["compiled", "plain NumPy"])
def test_spikes_off_the_grid_arrive_as_in_nest(engine):
    """Sent at the end of their step (within half a microsecond of the grid: on it), seen after the delay: jumps of the current."""
    given, sent = [0.04, 3.0001, 7.04, 9.06, 12.9996], [0.1, 3.0, 7.1, 9.1, 13.0]
    net = ls.Network(dt=0.1)
    net.add("g", 1, "spike_generator", spike_times=given, allow_offgrid_times=True)
    net.add("n", 1, "iaf_psc_exp", **SILENT)
    net.connect("g", "n", weight=7.0, delay=1.5)
    net.record("n", "I_syn_ex", interval=0.1)
    if engine == "compiled":
        got = ls.run(net, 20.0).traces["n"]["I_syn_ex"][:, 0]
    else:
        from lifsim.engine.reference.grid_reference import Reference
        from lifsim.simulation.built_network import plan_of

        got = Reference(plan_of(net, 1)).advance(200).samples[0][:, 0]
    step = np.arange(1, 201)[:, None] - np.round(np.array(sent) / 0.1) - 15
    expected = 7.0 * np.where(step >= 0, np.exp(-np.maximum(step, 0) * 0.1 / 2.0), 0.0).sum(axis=1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
