"""The threshold: constant currents just below, at and above the rheobase."""

from __future__ import annotations

import numpy as np

from lifsim.demo.constant_current import DT, MEMBRANE, NEURON, run_neurons
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import BLUE, COLOURS, GREY, add_key, draw_levels, draw_potential, name_axes, panels, spike_times
from lifsim.theory.constant_current import rheobase

CURRENTS = {"below": 350.0, "rheobase": 375.0, "above": 380.0, "far_above": 500.0}  # pA
DURATION = 100.0


def demonstrate() -> Demonstration:
    """Constant currents around the rheobase, and the time to the first spike."""
    least = float(rheobase(**MEMBRANE))
    many = np.arange(376.0, 901.0, 4.0)
    result = run_neurons({name: {"I_e": current} for name, current in CURRENTS.items()} | {"many": {"I_e": many}}, DURATION)
    first = np.array([spike_times(result, "many", k)[0] for k in range(len(many))])
    spikes = {name: len(spike_times(result, name)) for name in CURRENTS}
    highest = {name: float(result.traces[name]["V_m"].max()) for name in CURRENTS}
    numbers = {"rheobase": least, "spikes": spikes, "highest": highest, "currents": many, "first": first, "latency": latency(many)}
    figure, ((ax, beside),) = panels(1, 2, height=2.7, width_ratios=(2, 1))
    for (name, current), colour in zip(CURRENTS.items(), COLOURS, strict=False):
        draw_potential(ax, result, name, colour, f"I_e = {current:g} pA", peak=-45.0)
    draw_levels(ax, {"V_th": NEURON["V_th"], "E_L": NEURON["E_L"]})
    ax.set_ylim(-71, -38)
    add_key(ax, "upper left", ncols=2)
    name_axes(ax, "time (ms)", "V_m (mV)", f"Up to {least:g} pA V_m never reaches V_th; vertical lines: spikes")
    line = np.linspace(least + 0.05, many[-1], 2000)
    beside.plot(line, latency(line), color=GREY, lw=1, label="tau_m ln(I / (I − rheobase))")
    beside.plot(many[::6], first[::6], "o", ms=3, color=BLUE, label="simulation")
    beside.axvline(least, color=GREY, lw=0.8, ls=":")
    beside.text(least + 8, 2, f"rheobase\n{least:g} pA", fontsize=7, color=GREY)
    beside.set_ylim(0, 60)
    add_key(beside, "upper right")
    name_axes(beside, "I_e (pA)", "first spike after (ms)", "The stronger, the sooner")
    return Demonstration(figure, _lines(numbers), numbers)


def latency(current: np.ndarray) -> np.ndarray:
    """Time from rest to the first spike, ms: tau_m ln(I / (I - rheobase))."""
    return NEURON["tau_m"] * np.log(current / (current - rheobase(**MEMBRANE)))


def _seen(n: dict, name: str) -> str:
    reached = "reaches V_th" if n["spikes"][name] else f"gets to {n['highest'][name]:.3f} mV"
    return f"V_m {reached}, {n['spikes'][name]} spikes in {DURATION:g} ms"


def _lines(n: dict) -> list[str]:
    p = NEURON
    late = np.abs(n["first"] - n["latency"]).max()
    return [
        "A constant current leads V_m to E_L + I_e tau_m / C_m. A spike needs V_m >= V_th.",
        f"  The rheobase is the current that just leads to V_th: (V_th - E_L) C_m / tau_m = "
        f"({p['V_th']:g} + {-p['E_L']:g}) mV * {p['C_m']:g} pF / {p['tau_m']:g} ms = {n['rheobase']:g} pA.",
        *(f"    {current:g} pA: {_seen(n, name)}" for name, current in CURRENTS.items()),
        "  So there is no spike below the rheobase, however long one waits; at it V_m only approaches V_th.",
        "  Above it the first spike comes after tau_m ln(I_e / (I_e - rheobase)): late just above it, soon far above.",
        f"    {n['currents'][1]:g} pA: {n['first'][1]:.1f} ms (formula {n['latency'][1]:.2f} ms); "
        f"{n['currents'][-1]:g} pA: {n['first'][-1]:.1f} ms (formula {n['latency'][-1]:.2f} ms)",
        f"  Spikes lie on the time grid of {DT:g} ms: no first spike is more than {late:.2f} ms later than the formula says.",
        "  An artificial neuron has no such edge unless its activation has one (ReLU: z = 0).",
    ]
