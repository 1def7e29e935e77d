"""The reset: where the potential starts again after a spike, and how soon the next spike comes."""

from __future__ import annotations

import numpy as np

from lifsim.demo.constant_current import DT, NEURON, run_neurons
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import COLOURS, GREY, add_key, draw_levels, draw_potential, name_axes, panels, signed, spike_times
from lifsim.theory.constant_current import spike_interval

RESETS = {"V_reset_80": -80.0, "V_reset_70": -70.0, "V_reset_60": -60.0}  # mV
CURRENT, DURATION = 500.0, 120.0  # pA, ms


def demonstrate() -> Demonstration:
    """The same current into three neurons with different V_reset."""
    result = run_neurons({name: {"V_reset": v, "I_e": CURRENT} for name, v in RESETS.items()}, DURATION)
    first = {name: float(spike_times(result, name)[0]) for name in RESETS}
    seen = {name: np.diff(spike_times(result, name)) for name in RESETS}
    formula = {name: float(spike_interval(CURRENT, **(NEURON | {"V_reset": v}))) for name, v in RESETS.items()}
    on_grid = {name: float(spike_interval(CURRENT, **(NEURON | {"V_reset": v}), dt=DT)) for name, v in RESETS.items()}
    numbers = {"first": first, "intervals": seen, "formula": formula, "on_grid": on_grid}
    figure, ((ax, beside),) = panels(1, 2, height=2.7, width_ratios=(2, 1))
    for (name, v), colour in zip(RESETS.items(), COLOURS, strict=False):
        draw_potential(ax, result, name, colour, f"V_reset = {signed(v)} mV", peak=-45.0)
        beside.plot(v, seen[name].mean(), "o", ms=5, color=colour)
    draw_levels(ax, {"V_th": NEURON["V_th"], "E_L": NEURON["E_L"]})
    ax.set_ylim(-82, -36)
    add_key(ax, "upper left", ncols=3, columnspacing=1, handlelength=1.2)
    name_axes(ax, "time (ms)", "V_m (mV)", f"I_e = {CURRENT:g} pA into three neurons")
    line = np.linspace(-90, -55.01, 300)
    beside.plot(line, spike_interval(CURRENT, **(NEURON | {"V_reset": line})), color=GREY, lw=1, zorder=0)
    beside.axhline(NEURON["t_ref"], color=GREY, lw=0.8, ls=":")
    beside.text(-90, NEURON["t_ref"] + 0.4, "t_ref", fontsize=7, color=GREY)
    beside.set_ylim(0, None)
    name_axes(beside, "V_reset (mV)", "interval between spikes (ms)", "Line: formula; dots: simulation")
    return Demonstration(figure, _lines(numbers), numbers)


def _lines(n: dict) -> list[str]:
    end = NEURON["E_L"] + CURRENT * NEURON["tau_m"] / NEURON["C_m"]
    return [
        "At a spike V_m is set to V_reset; it stays there for t_ref and then integrates again.",
        f"  I_e = {CURRENT:g} pA leads V_m towards E_L + I_e tau_m / C_m = {end:g} mV, above V_th = {NEURON['V_th']:g} mV.",
        f"  The first spike comes after {n['first']['V_reset_70']:.1f} ms in all three: V_reset matters only after a spike.",
        "  Then T = t_ref + tau_m ln((V_inf - V_reset) / (V_inf - V_th)) passes from spike to spike, V_inf being that potential:",
        *(
            f"    V_reset = {v:g} mV: {n['intervals'][name].mean():.1f} ms, {1000 / n['intervals'][name].mean():.1f} spikes/s "
            f"(formula {n['formula'][name]:.2f} ms, on the grid of {DT:g} ms {n['on_grid'][name]:.1f} ms)"
            for name, v in RESETS.items()
        ),
        "  The intervals of a neuron are all the same: a spike erases everything that happened before.",
        "  The closer V_reset is to V_th, the less has to be integrated again and the higher is the rate.",
        "  An artificial neuron has no reset: each forward pass begins from nothing anyway.",
    ]
