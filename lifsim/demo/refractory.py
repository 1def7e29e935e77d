"""The refractory period: for t_ref after a spike the neuron ignores its input, which limits the firing rate."""

from __future__ import annotations

import numpy as np

from lifsim.demo.constant_current import DT, NEURON, rates, run_neurons
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import COLOURS, add_key, draw_levels, draw_potential, name_axes, panels, spike_times
from lifsim.theory.constant_current import fi_curve

PERIODS = {"t_ref_0": 0.0, "t_ref_2": 2.0, "t_ref_10": 10.0}  # ms
CURRENT, DURATION = 800.0, 60.0  # pA, ms
CURRENTS = np.array([380.0, 450, 600, 800, 1200, 1800, 2600, 3600, 5000])  # pA


def demonstrate() -> Demonstration:
    """The same current into three neurons with different t_ref, and the f-I curves of these neurons up to strong currents."""
    short = run_neurons({name: {"t_ref": t, "I_e": CURRENT} for name, t in PERIODS.items()}, DURATION)
    long = run_neurons({name: {"t_ref": t, "I_e": CURRENTS} for name, t in PERIODS.items()}, 1000.0, recorded=())
    seen = {name: np.diff(spike_times(short, name)) for name in PERIODS}
    curves = {name: rates(long, name) for name in PERIODS}
    formula = {name: fi_curve(CURRENTS, **(NEURON | {"t_ref": t}), dt=DT) for name, t in PERIODS.items()}
    numbers = {"intervals": seen, "rates": curves, "formula": formula, "currents": CURRENTS}
    figure, ((ax, beside),) = panels(1, 2, height=2.7, width_ratios=(3, 2))
    line = np.linspace(370, CURRENTS[-1], 1500)
    for (name, t), colour in zip(PERIODS.items(), COLOURS, strict=False):
        draw_potential(ax, short, name, colour, f"t_ref = {t:g} ms", peak=-45.0)
        beside.plot(line, fi_curve(line, **(NEURON | {"t_ref": t})), color=colour, lw=1)
        beside.plot(CURRENTS, curves[name], "o", ms=3, color=colour)
        if t:
            beside.axhline(1000 / t, color=colour, lw=0.8, ls=":")
            beside.text(CURRENTS[-1], 1000 / t + 14, f"1 / t_ref = {1000 / t:g} /s", fontsize=7, ha="right", color=colour)
    draw_levels(ax, {"V_th": NEURON["V_th"]})
    ax.set_ylim(-71, -38)
    add_key(ax, "upper left", ncols=3, columnspacing=1, handlelength=1.2)
    name_axes(ax, "time (ms)", "V_m (mV)", f"I_e = {CURRENT:g} pA into three neurons")
    beside.set_ylim(0, 1400)
    name_axes(beside, "I_e (pA)", "rate (spikes/s)", "Lines: formula; dots: simulation")
    return Demonstration(figure, _lines(numbers), numbers)


def _lines(n: dict) -> list[str]:
    k = list(CURRENTS).index(CURRENT)
    return [
        "For t_ref after a spike V_m stays at V_reset, whatever arrives; then integration begins again.",
        f"  I_e = {CURRENT:g} pA into neurons that differ in t_ref only:",
        *(
            f"    t_ref = {t:g} ms: a spike every {n['intervals'][name].mean():.1f} ms, {n['rates'][name][k]:.1f} spikes/s"
            for name, t in PERIODS.items()
        ),
        f"  Each interval is longer by t_ref: {n['intervals']['t_ref_10'].mean() - n['intervals']['t_ref_0'].mean():.1f} ms "
        "between the last and the first.",
        "  However strong the current, a neuron fires at most once in t_ref, so the f-I curve saturates:",
        f"    {CURRENTS[-1]:g} pA: "
        + ", ".join(f"{n['rates'][name][-1]:.0f} (limit {1000 / t:.0f}) spikes/s" for name, t in PERIODS.items() if t)
        + f"; {n['rates']['t_ref_0'][-1]:.0f} without t_ref",
        "  The curve is then like a saturating activation (sigmoid, tanh); with t_ref = 0 it grows on like a ReLU.",
        f"  Spike times lie on the grid of {DT:g} ms, where t_ref lasts ceil(t_ref / dt) steps: the dots lie a little below the lines.",
    ]
