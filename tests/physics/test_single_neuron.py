"""One neuron against closed forms."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

import lifsim as ls

DT = 0.1
MEMBRANE = {"E_L": -70.0, "C_m": 250.0, "tau_m": 10.0, "V_th": -55.0, "V_reset": -70.0, "t_ref": 2.0}
SILENT = {**MEMBRANE, "V_th": 1e6}
EXACT = {"rtol": 0.0, "atol": 1e-9}  # mV, pA


def trace(net, nodes, duration, variable="V_m", interval=None):
    net.record(nodes, variable, interval=net.dt if interval is None else interval)
    result = ls.run(net, duration)
    name = nodes if isinstance(nodes, str) else nodes.name
    return result.traces[name].times, result.traces[name][variable]


# -- constant current ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_f_I_curve(model, dt):
    """From reset, V reaches V_th after t = tau ln((V_inf - V_reset)/(V_inf - V_th)).

    It is seen at the end of the step in which that falls. The spike resets V, which is held for
    ceil(t_ref/dt) steps: ISI = dt (ceil(t_ref/dt) + ceil(t/dt)).
    """
    currents = np.linspace(300.0, 3000.0, 200)
    p = MEMBRANE | {"V_reset": -65.0}
    net = ls.Network(dt=dt)
    net.add("n", len(currents), model, I_e=currents, **p)
    net.record("n", "spikes")
    spikes = ls.run(net, 500.0).spikes["n"]
    v_inf = p["E_L"] + currents * p["tau_m"] / p["C_m"]
    for i, v in enumerate(v_inf):
        own = spikes.times[spikes.ids == i]
        if v <= p["V_th"]:
            assert len(own) == 0  # below rheobase
            continue
        reach = p["tau_m"] * math.log((v - p["V_reset"]) / (v - p["V_th"]))
        isi = dt * (math.ceil(p["t_ref"] / dt - 1e-6) + math.ceil(reach / dt))
        first = dt * math.ceil(p["tau_m"] * math.log((v - p["E_L"]) / (v - p["V_th"])) / dt)
        np.testing.assert_allclose(np.diff(own), isi, atol=1e-9)
        assert own[0] == pytest.approx(first, abs=1e-9)


def test_charging_curve():
    """V approaches its limit exponentially, whatever dt."""
    for dt in (0.01, 0.1, 1.0, 20.0):
        net = ls.Network(dt=dt)
        net.add("n", 1, "iaf_psc_exp", I_e=200.0, **SILENT)
        t, v = trace(net, "n", 40.0)
        np.testing.assert_allclose(v[:, 0], -70.0 + 8.0 * (1 - np.exp(-t / 10.0)), **EXACT)


@pytest.mark.parametrize("t_ref", [0.0, 0.04, 0.1, 0.3, 2.0, 2.04, 2.1, 7.95])
@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"])
def test_refractoriness_lasts_ceil_t_ref_over_dt_steps(model, t_ref):
    """V stays at V_reset for so many samples after the spike, then moves; driven strongly it fires in the step after."""
    steps = math.ceil(round(t_ref / DT, 6))
    net = ls.Network(dt=DT)
    net.add("n", 1, model, I_e=1e5, **MEMBRANE | {"t_ref": t_ref, "V_reset": -68.0})
    net.record("n", "spikes")
    net.record("n", "V_m", interval=DT)
    result = ls.run(net, 30.0)
    np.testing.assert_allclose(np.diff(result.spikes["n"].times), (steps + 1) * DT, atol=1e-9)
    assert (result.traces["n"]["V_m"] == -68.0).all()  # recorded after the reset


def test_delta_input_while_refractory_is_lost_or_kept():
    """Kept input decays like V from its arrival to the end of refractoriness (at 1.1 + 2.0 ms)."""
    net = ls.Network(dt=DT)
    for name, keep in (("lost", False), ("kept", True)):
        net.add(name, 1, "iaf_psc_delta", refractory_input=keep, **MEMBRANE | {"V_m": -70.0})
        net.connect(net.add(f"first_{name}", 1, "spike_generator", spike_times=[0.1]), name, weight=20.0, delay=1.0)
        net.connect(net.add(f"then_{name}", 1, "spike_generator", spike_times=[1.0]), name, weight=5.0, delay=1.0)
        net.record(name, "V_m", interval=DT)
        net.record(name, "spikes")
    result = ls.run(net, 6.0)
    t = result.traces["kept"].times
    assert result.spikes["kept"].times.tolist() == result.spikes["lost"].times.tolist() == [1.1]
    assert (result.traces["lost"]["V_m"] == -70.0).all()
    expected = np.where(t < 3.15, -70.0, -70.0 + 5.0 * np.exp(-(t - 2.0) / 10.0))
    np.testing.assert_allclose(result.traces["kept"]["V_m"][:, 0], expected, **EXACT)


def test_currents_go_on_while_refractory():
    """A synaptic current decays while V is held."""
    net = ls.Network(dt=DT)
    net.add("n", 1, "iaf_psc_exp", V_m=0.0, I_syn_ex=100.0, tau_syn_ex=3.0, **MEMBRANE | {"t_ref": 5.0})
    t, i = trace(net, "n", 10.0, "I_syn_ex")
    np.testing.assert_allclose(i[:, 0], 100.0 * np.exp(-t / 3.0), **EXACT)


# -- postsynaptic potentials -----------------------------------------------------------------------


def psp_exact(model, s, tau_m, tau_syn, weight, C_m=250.0):
    """V - E_L at the time s >= 0 after the arrival of a spike, to 50 digits (the differences below cancel)."""
    with localcontext() as context:
        context.prec = 80
        s, tau_m, tau_syn, weight, C_m = (Decimal(x) for x in (s, tau_m, tau_syn, weight, C_m))
        if model == "iaf_psc_delta":
            return float(weight * (-s / tau_m).exp())
        b = 1 / tau_syn - 1 / tau_m
        if model == "iaf_psc_exp":
            # w/C ∫₀ˢ exp(-(s-u)/tau_m) exp(-u/tau_syn) du
            integral = s if b == 0 else (1 - (-b * s).exp()) / b
            return float(weight / C_m * (-s / tau_m).exp() * integral)
        # w e/(tau_syn C) ∫₀ˢ exp(-(s-u)/tau_m) u exp(-u/tau_syn) du
        integral = s * s / 2 if b == 0 else (1 - (1 + b * s) * (-b * s).exp()) / (b * b)
        return float(weight * Decimal(1).exp() / (tau_syn * C_m) * (-s / tau_m).exp() * integral)


def psp(model, tau_m, tau_syn, weight=100.0, dt=DT, duration=60.0):
    """Times after the arrival (at the end of a step) and V - E_L."""
    net = ls.Network(dt=dt)
    taus = {} if model == "iaf_psc_delta" else {"tau_syn_ex": tau_syn, "tau_syn_in": tau_syn}
    net.add("n", 1, model, **SILENT | {"tau_m": tau_m, "E_L": 0.0}, V_m=0.0, **taus)
    net.connect(net.add("g", 1, "spike_generator", spike_times=[dt]), "n", weight=weight, delay=2 * dt)
    t, v = trace(net, "n", duration)
    return t - 3 * dt, v[:, 0]


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"])
@pytest.mark.parametrize("weight", [100.0, -37.5])
@pytest.mark.parametrize("tau_syn", [0.5, 2.0, 10.0, 40.0])
def test_postsynaptic_potential(model, weight, tau_syn):
    s, v = psp(model, 10.0, tau_syn, weight)
    expected = [psp_exact(model, x, 10.0, tau_syn, weight) if x > -1e-9 else 0.0 for x in np.round(s, 9)]
    np.testing.assert_allclose(v, expected, **EXACT)


@pytest.mark.parametrize("model", ["iaf_psc_exp", "iaf_psc_alpha"])
@pytest.mark.parametrize("difference", [sign * 10.0**-k for k in range(3, 13) for sign in (1, -1)])
def test_nearly_equal_time_constants(model, difference):
    """The textbook propagator is (e^-a - e^-b)/(a - b), which cancels; the weight is large to magnify its error."""
    tau_syn = 10.0 * (1 + difference)
    s, v = psp(model, 10.0, tau_syn, 1e4, duration=30.0)
    expected = [psp_exact(model, x, 10.0, tau_syn, 1e4) if x > -1e-9 else 0.0 for x in np.round(s, 9)]
    assert max(expected) > 100.0
    np.testing.assert_allclose(v, expected, **EXACT)


@pytest.mark.parametrize("model", ["iaf_psc_exp", "iaf_psc_alpha"])
@pytest.mark.parametrize(
    ("tau_m", "tau_syn"), [(10.0, 1e-3), (10.0, 1e-2), (1e-2, 10.0), (1e4, 1.0), (1.0, 1e4), (1e-3, 1e-3), (1e5, 1e5)], ids=str
)
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_extreme_time_constants(model, tau_m, tau_syn, dt):
    s, v = psp(model, tau_m, tau_syn, 100.0, dt=dt, duration=20.0)
    expected = [psp_exact(model, x, tau_m, tau_syn, 100.0) if x > -1e-9 else 0.0 for x in np.round(s, 9)]
    assert np.isfinite(v).all()
    np.testing.assert_allclose(v, expected, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("tau_syn", [0.5, 2.0, 10.0])
def test_an_alpha_weight_is_the_peak_of_the_current(tau_syn):
    net = ls.Network(dt=DT)
    net.add("n", 1, "iaf_psc_alpha", **SILENT, tau_syn_ex=tau_syn)
    net.connect(net.add("g", 1, "spike_generator", spike_times=[1.0]), "n", weight=123.0, delay=0.5)
    t, i = trace(net, "n", 30.0, "I_syn_ex")
    s = np.maximum(t - 1.5, 0.0)
    np.testing.assert_allclose(i[:, 0], 123.0 * np.e / tau_syn * s * np.exp(-s / tau_syn), **EXACT)
    assert i.max() == pytest.approx(123.0, abs=1e-9) and t[i.argmax()] == pytest.approx(1.5 + tau_syn)


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"])
def test_potentials_add(model):
    """Below threshold the neuron is linear: the response to all inputs is the sum of those to each."""
    rng = np.random.default_rng(5)
    inputs = [(float(rng.integers(1, 300)) * DT, float(rng.normal(0, 100)), float(rng.integers(1, 40)) * DT) for _ in range(30)]
    everyone = [*([x] for x in inputs), inputs]
    net = ls.Network(dt=DT)
    net.add("n", len(everyone), model, **SILENT | {"E_L": 0.0}, V_m=0.0)
    for i, (time, _, _) in enumerate(inputs):
        net.add(f"g{i}", 1, "spike_generator", spike_times=[time])
    for target, own in enumerate(everyone):
        for x in own:
            net.connect(f"g{inputs.index(x)}", f"n[{target}]", weight=x[1], delay=x[2])
    _, v = trace(net, "n", 60.0)
    assert np.abs(v[:, -1]).max() > 1.0
    np.testing.assert_allclose(v[:, -1], v[:, :-1].sum(axis=1), **EXACT)


def test_the_time_step_does_not_matter_below_threshold():
    """Exact integration: the same potentials at the same times, to rounding, for any dt."""
    curves = []
    for dt in (0.05, 0.1, 0.5):
        net = ls.Network(dt=dt)
        net.add("n", 1, "iaf_psc_alpha", **SILENT, tau_syn_ex=1.7, I_e=37.0)
        net.connect(net.add("g", 1, "spike_generator", spike_times=[2.0, 3.5, 10.0]), "n", weight=300.0, delay=1.5)
        curves.append(trace(net, "n", 30.0, interval=0.5)[1])
    for curve in curves[1:]:
        np.testing.assert_allclose(curve, curves[0], **EXACT)


# -- current generators ----------------------------------------------------------------------------


def test_dc_generator_acts_from_start_plus_delay():
    """start 20, delay 1: the first changed V_m is at 21.1 ms; the last driven step ends at stop + delay."""
    net = ls.Network(dt=DT)
    net.add("n", 1, "iaf_psc_exp", **SILENT)
    net.connect(net.add("dc", 1, "dc_generator", amplitude=200.0, start=20.0, stop=30.0), "n", weight=0.5, delay=1.0)
    t, v = trace(net, "n", 50.0)
    on, off = np.clip(t - 21.0, 0, 10.0), np.clip(t - 31.0, 0, None)
    np.testing.assert_allclose(v[:, 0], -70.0 + 4.0 * (1 - np.exp(-on / 10.0)) * np.exp(-off / 10.0), **EXACT)
    assert t[np.flatnonzero(v[:, 0] != -70.0)[0]] == pytest.approx(21.1)


def test_step_current_generator():
    net = ls.Network(dt=DT)
    net.add("n", 1, "iaf_psc_alpha", **SILENT)
    steps = net.add("s", 1, "step_current_generator", amplitude_times=[5.0, 8.0, 20.0], amplitude_values=[100.0, -50.0, 0.0])
    net.connect(steps, "n", delay=DT)
    t, v = trace(net, "n", 40.0)
    jumps = zip([5.1, 8.1, 20.1], [100.0, -150.0, 50.0], strict=True)
    expected = -70.0 + sum(0.04 * dI * (1 - np.exp(-np.clip(t - at, 0, None) / 10.0)) for at, dI in jumps)
    np.testing.assert_allclose(v[:, 0], expected, **EXACT)


# -- random input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"])
def test_shot_noise(model):
    """Campbell's theorem: mean = r ∫ psp, variance = r ∫ psp², the integrals being sums over the grid.

    400 neurons sampled 20 times, tau_m apart by 5: 8000 values that are nearly independent (correlation e⁻⁵),
    so the standard errors are sd/√8000 of the mean and √(2/8000) of the variance; 5 of them are allowed.
    """
    rate, weight, n = 5000.0, {"iaf_psc_delta": 0.4, "iaf_psc_exp": 40.0, "iaf_psc_alpha": 15.0}[model], 400
    _, v = psp(model, 10.0, 3.0, weight, duration=200.0)
    r = rate * DT / 1000.0  # spikes a step: Poisson, so mean and variance of their number are r
    mean, variance = r * v.sum(), r * (v**2).sum()

    net = ls.Network(dt=DT)
    taus = {} if model == "iaf_psc_delta" else {"tau_syn_ex": 3.0}
    net.add("n", n, model, **SILENT | {"E_L": 0.0}, V_m=0.0, **taus)
    net.connect(net.add("p", 1, "poisson_generator", rate=rate), "n", weight=weight, delay=DT)
    net.record("n", "V_m", interval=50.0, start=100.0)
    samples = ls.run(net, 1100.0, seed=3).traces["n"]["V_m"]
    assert samples.shape == (20, n)
    assert samples.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / samples.size))
    assert samples.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / samples.size))
    between = np.corrcoef(samples[:, : n // 2].ravel(), samples[:, n // 2 :].ravel())[0, 1]
    assert abs(between) < 5 / math.sqrt(samples.size / 2)  # trains of different targets are independent


@pytest.mark.parametrize("period", [1, 10])
def test_noise_generator(period):
    """A current of standard deviation σ, constant over δ, gives V = E_L + mean R and, with q = e^(-δ/tau),

    var V = σ² R² (1 - q)²/(1 - q²) = σ² R² (1 - q)/(1 + q) at the ends of its periods.
    """
    n, R, sigma, delta = 500, 0.04, 500.0, period * DT
    q = math.exp(-delta / 10.0)
    variance = (sigma * R) ** 2 * (1 - q) / (1 + q)
    net = ls.Network(dt=DT)
    net.add("n", n, "iaf_psc_exp", **SILENT)
    net.connect(net.add("noise", 1, "noise_generator", mean=100.0, std=sigma, dt=delta), "n", delay=DT)
    net.record("n", "V_m", interval=50.0, start=100.0 + DT)  # periods begin and end at DT + k delta
    samples = ls.run(net, 900.0 + DT, seed=2).traces["n"]["V_m"]
    assert samples.shape == (16, n)
    assert samples.mean() == pytest.approx(-70.0 + 100.0 * R, abs=5 * math.sqrt(variance / samples.size))
    assert samples.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / samples.size))


@pytest.mark.parametrize("delay", [1.0, 8.0])
def test_modulated_noise(delay):
    """Its variance is std² + std_mod² sin(2π f t + phase), t being the time in the generator, a delay before that of the current."""
    net = ls.Network(dt=1.0)
    # tau_m is so short that V_m - E_L is I tau_m/C_m of the last step
    net.add("n", 2000, "iaf_psc_exp", **SILENT | {"tau_m": 0.02, "C_m": 0.02, "E_L": 0.0}, V_m=0.0)
    noise = net.add("g", 1, "noise_generator", std=2.0, std_mod=1.5, frequency=25.0, phase=90.0, dt=1.0)
    net.connect(noise, "n", delay=delay)
    t, v = trace(net, "n", 81.0)
    on = t > delay + 0.5
    assert (v[~on] == 0).all()
    expected = np.sqrt(4.0 + 2.25 * np.sin(2 * np.pi * 0.025 * (t - delay) + np.pi / 2))
    np.testing.assert_allclose(v[on].std(axis=1), expected[on], rtol=5 / math.sqrt(2 * 2000))


@pytest.mark.parametrize("rate", [20.0, 3000.0, 2e5])
def test_poisson_generator_counts(rate):
    """Mean and variance of the number of spikes a neuron gets in 200 ms are both 0.2 s · rate."""
    n = 1000
    net = ls.Network(dt=DT)
    net.add("n", n, "iaf_psc_delta", **SILENT | {"tau_m": 1e12, "E_L": 0.0}, V_m=0.0)  # V_m counts
    net.connect(net.add("p", 1, "poisson_generator", rate=rate, start=10.0, stop=210.0), "n", weight=1.0, delay=2.0)
    v = np.round(trace(net, "n", 230.0, interval=1.0)[1])
    counts, expected = v[-1], 0.2 * rate
    assert (v[11] == 0).all() and (v[212] == v[-1]).all()  # 12.2 … 212.1 ms, as in NEST
    assert counts.mean() == pytest.approx(expected, abs=5 * math.sqrt(expected / n))
    assert counts.var() == pytest.approx(expected, rel=5 * math.sqrt(2 / n + 1 / (n * expected)))
