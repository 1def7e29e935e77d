"""The f-I curve: firing rate as a function of the constant input current, and what the parameters do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lifsim.demo.constant_current import DT, MEMBRANE, NEURON, rates, run_neurons
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import COLOURS, add_key, name_axes, panels, signed
from lifsim.theory.constant_current import fi_curve, rheobase

CURRENTS = np.arange(50.0, 1201.0, 50.0)  # pA
CHANGES: dict[str, dict[str, dict[str, float]]] = {  # parameter: name of the population: what is changed
    "tau_m": {"tau_5": {"tau_m": 5.0}, "standard": {}, "tau_20": {"tau_m": 20.0}},
    "V_th": {"V_th_60": {"V_th": -60.0}, "standard": {}, "V_th_50": {"V_th": -50.0}},
    "t_ref": {"t_ref_0": {"t_ref": 0.0}, "standard": {}, "t_ref_10": {"t_ref": 10.0}},
}
MEANING = {"tau_m": "Leak", "V_th": "Threshold", "t_ref": "Refractory time"}


def demonstrate() -> Demonstration:
    """The f-I curve for three values each of tau_m, V_th and t_ref."""
    changed = {name: of for values in CHANGES.values() for name, of in values.items()}
    result = run_neurons({name: {"I_e": CURRENTS} | of for name, of in changed.items()}, 1000.0, recorded=())
    seen = {name: rates(result, name) for name in changed}
    formula = {name: fi_curve(CURRENTS, **(NEURON | of), dt=DT) for name, of in changed.items()}
    least = {name: float(rheobase(**(MEMBRANE | {k: x for k, x in of.items() if k in MEMBRANE}))) for name, of in changed.items()}
    numbers = {"currents": CURRENTS, "rates": seen, "formula": formula, "rheobase": least}
    figure, (row,) = panels(1, 3, height=2.6, sharey=True)
    for ax, (parameter, values) in zip(row, CHANGES.items(), strict=True):
        _draw(ax, parameter, values, seen)
    row[0].set_ylabel("rate (spikes/s)", fontsize=8)
    return Demonstration(figure, _lines(numbers), numbers)


def _draw(ax: Axes, parameter: str, values: dict[str, Any], seen: dict[str, np.ndarray]) -> None:
    line = np.linspace(1, CURRENTS[-1], 1200)
    unit = "mV" if parameter == "V_th" else "ms"
    for (name, of), colour in zip(values.items(), (COLOURS[1], COLOURS[0], COLOURS[2]), strict=True):
        ax.plot(line, fi_curve(line, **(NEURON | of)), color=colour, lw=1, label=f"{parameter} = {signed((NEURON | of)[parameter])} {unit}")
        ax.plot(CURRENTS, seen[name], "o", ms=2.5, color=colour)
    ax.set_ylim(0, 290)
    add_key(ax, "upper left")
    name_axes(ax, "I_e (pA)", "", MEANING[parameter])


def _lines(n: dict) -> list[str]:
    currents, rate = n["currents"], n["rates"]

    def at(current: float, name: str = "standard") -> str:
        return f"{rate[name][list(currents).index(current)]:.1f}"

    difference = max(float(np.abs(rate[name] - n["formula"][name]).max()) for name in rate)
    return [
        "The f-I curve says how the firing rate depends on the input current: the neuron's counterpart of an activation.",
        f"  Dots: {len(currents)} simulated currents, 1 s each. Lines: 1 / (t_ref + tau_m ln((V_inf - V_reset) / (V_inf - V_th))).",
        f"  No spikes below the rheobase of {n['rheobase']['standard']:g} pA; "
        f"{at(400)} spikes/s at 400 pA, {at(500)} at 500, {at(1000)} at 1000.",
        "  It rises steeply at the rheobase, like no common activation, and then almost along a line, like a ReLU.",
        f"  tau_m: a leakier neuron (5 ms) needs {n['rheobase']['tau_5']:g} pA, a less leaky one (20 ms) {n['rheobase']['tau_20']:g} pA.",
        f"  V_th: at -60 mV the rheobase is {n['rheobase']['V_th_60']:g} pA, at -50 mV {n['rheobase']['V_th_50']:g} pA. "
        "Like a bias it moves the curve sideways.",
        f"  t_ref does not move the rheobase, but limits the rate: {at(1200, 't_ref_0')}, {at(1200)}, {at(1200, 't_ref_10')} spikes/s "
        "at 1200 pA for 0, 2, 10 ms.",
        "  Input strength: twice the weight of all inputs is twice the current, a step to the right on the curve.",
        f"  Largest difference between simulated rates and the formula on the time grid of {DT:g} ms: {difference:.1e} spikes/s.",
    ]
