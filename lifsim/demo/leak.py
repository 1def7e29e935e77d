"""The leak: neurons with different tau_m integrate the same current, and lose it again."""

from __future__ import annotations

import numpy as np

from lifsim.demo.constant_current import DT, NEURON
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import COLOURS, GREY, add_key, draw_levels, draw_potential, name_axes, panels, potential_at
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run

TAUS = {"tau_5": 5.0, "tau_10": 10.0, "tau_20": 20.0, "no_leak": 1e7}  # ms
CURRENT, START, STOP, DURATION = 75.0, 20.0, 60.0, 120.0  # pA, ms
_DELAY = 1.0


def demonstrate() -> Demonstration:
    """A current from 20 to 60 ms into four neurons with different tau_m."""
    result = _run()
    E_L, C_m = NEURON["E_L"], NEURON["C_m"]
    times = result.traces["tau_10"].times
    error = max(float(np.abs(result.traces[name]["V_m"][:, 0] - expected(times, tau)).max()) for name, tau in TAUS.items())
    rise = {name: potential_at(result, name, START + tau) - E_L for name, tau in TAUS.items() if name != "no_leak"}
    kept = {name: (potential_at(result, name, STOP + tau) - E_L) / (potential_at(result, name, STOP) - E_L) for name, tau in TAUS.items()}
    ends = {name: potential_at(result, name, STOP) for name in TAUS}
    numbers = {"error": error, "rise": rise, "kept": kept, "ends": ends}
    figure, ((ax, below),) = panels(1, 2, height=2.7, width_ratios=(2, 1))
    for (name, tau), colour in zip(TAUS.items(), COLOURS, strict=False):
        draw_potential(ax, result, name, colour, "no leak" if name == "no_leak" else f"tau_m = {tau:g} ms")
    draw_levels(ax, {"V_th": NEURON["V_th"], "E_L": E_L})
    ax.axvspan(START, STOP, color="0.92", zorder=0, lw=0)
    ax.text((START + STOP) / 2, -55.3, f"I = {CURRENT:g} pA", ha="center", va="top", fontsize=7)
    add_key(ax, "center right", bbox_to_anchor=(1, 0.58))
    name_axes(ax, "time (ms)", "V_m (mV)", "The same current into four neurons")
    taus = np.linspace(0.5, 40, 200)
    below.plot(taus, CURRENT * taus / C_m, color=GREY, lw=1, ls="--", label="I tau_m / C_m")
    below.plot(taus, [expected(np.array([STOP]), tau)[0] - E_L for tau in taus], color=GREY, lw=1, label="after 40 ms")
    for name, colour in zip(rise, COLOURS, strict=False):
        below.plot(TAUS[name], ends[name] - E_L, "o", ms=5, color=colour)
    add_key(below, "upper left")
    name_axes(below, "tau_m (ms)", "V_m − E_L (mV)", "Where the current leads to")
    return Demonstration(figure, _lines(numbers), numbers)


def expected(t: np.ndarray, tau: float) -> np.ndarray:
    """V_m in closed form: E_L + I tau_m / C_m (1 - exp(-s / tau_m)) while the current flows for the time s, then an exponential decay."""
    on = np.clip(t - START, 0, STOP - START)
    return NEURON["E_L"] - CURRENT * tau / NEURON["C_m"] * np.expm1(-on / tau) * np.exp(-np.maximum(t - STOP, 0) / tau)


def _run() -> Result:
    net = Network(dt=DT)
    net.add("step", 1, "step_current_generator", amplitude_times=[START - _DELAY, STOP - _DELAY], amplitude_values=[CURRENT, 0.0])
    for name, tau in TAUS.items():
        net.add(name, 1, "iaf_psc_exp", **(NEURON | {"tau_m": tau}))
        net.connect("step", name, delay=_DELAY)
        net.record(name, "V_m", interval=DT)
    return run(net, DURATION)


def _lines(n: dict) -> list[str]:
    return [
        "The membrane adds up its input and leaks: dV_m/dt = -(V_m - E_L) / tau_m + I / C_m.",
        f"  {CURRENT:g} pA flow from {START:g} to {STOP:g} ms into neurons that differ in tau_m only (C_m = {NEURON['C_m']:g} pF).",
        "  All begin with the same slope I / C_m: the leak acts only once there is something to lose.",
        "  After tau_m of input, 1 - 1/e = 63.2 % of the way to I tau_m / C_m is done:",
        *(
            f"    tau_m = {TAUS[name]:g} ms: {x:.3f} mV of {CURRENT * TAUS[name] / NEURON['C_m']:g} mV "
            f"({x / (CURRENT * TAUS[name] / NEURON['C_m']):.1%})"
            for name, x in n["rise"].items()
        ),
        f"  tau_m after the input ends, {n['kept']['tau_10']:.1%} are left (1/e = 36.8 %): a small tau_m forgets quickly.",
        f"  Without leak the neuron would only add up: {n['ends']['no_leak'] - NEURON['E_L']:.3f} mV after 40 ms, and it keeps them.",
        f"  Largest difference between the simulation and the formula: {n['error']:.1e} mV.",
    ]
