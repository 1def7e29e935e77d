"""Balance of excitation and inhibition: large currents cancel, and what is left makes the neuron fire now and then."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.demo.constant_current import DT, MEMBRANE, NEURON
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import BLUE, GREEN, GREY, RED, add_key, draw_levels, draw_potential, name_axes, panels
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run
from lifsim.theory.constant_current import rheobase

EXCITATION, INHIBITION = 8000.0, 2000.0  # spikes/s that a neuron gets from all its excitatory and inhibitory inputs
WEIGHT, TAU_SYN = 90.0, 2.0  # pA, ms
RATIOS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # g: weight of an inhibitory synapse relative to an excitatory one
SHOWN = 4.0
NEURONS, SETTLED = 40, 100.0
DURATION = 30_000.0  # ms: long against the intervals at g = 5, since a short window holds short intervals only, which lowers the CV
TRACED = 2000.0  # ms with a record of the potential and the currents
MIN_NEURONS = 20  # neurons with a CV of their own; of fewer, none is told


def demonstrate() -> Demonstration:
    """Neurons with the same random excitation, and inhibition that is weaker, as strong, or stronger."""
    result = _run()
    rate, cv = (np.array(x) for x in zip(*(_rate_and_cv(result, f"g_{g:g}") for g in RATIOS), strict=True))
    traces = result.traces[f"g_{SHOWN:g}"]
    late = traces.times > SETTLED
    numbers = {
        "rate": rate,
        "cv": cv,
        "ex": float(traces["I_syn_ex"][late].mean()),
        "in": float(traces["I_syn_in"][late].mean()),
        "ex_formula": WEIGHT * TAU_SYN * EXCITATION / 1000,
        "in_formula": -SHOWN * WEIGHT * TAU_SYN * INHIBITION / 1000,
        "mean": mean_current(np.array(RATIOS)),
        "rheobase": float(rheobase(**MEMBRANE)),
    }
    return Demonstration(_draw(result, numbers), _lines(numbers), numbers)


def _rate_and_cv(result: Result, name: str) -> tuple[float, float]:
    """Mean rate, spikes/s, and the CV of the intervals of all neurons, which are alike; nan if few neurons have enough intervals.

    The mean of the neurons' own CVs is too small: each is that of some 20 intervals at g = 5.
    """
    spikes = result.spikes[name].window(SETTLED)
    enough = len(analysis.cv_isi(spikes)) >= MIN_NEURONS
    intervals = analysis.isi(spikes)[0]
    return float(analysis.rates(spikes).mean()), float(intervals.std() / intervals.mean()) if enough else np.nan


def mean_current(g: np.ndarray) -> np.ndarray:
    """The mean of the whole synaptic current, pA: weight * tau_syn * (rate of excitation - g * rate of inhibition)."""
    return WEIGHT * TAU_SYN * (EXCITATION - g * INHIBITION) / 1000


def _run() -> Result:
    net = Network(dt=DT)
    net.add("excitation", 1, "poisson_generator", rate=EXCITATION)
    net.add("inhibition", 1, "poisson_generator", rate=INHIBITION)
    for g in RATIOS:
        name = f"g_{g:g}"
        net.add(name, NEURONS, "iaf_psc_exp", **(NEURON | {"tau_syn_ex": TAU_SYN, "tau_syn_in": TAU_SYN}))
        net.connect("excitation", name, weight=WEIGHT, delay=1.0)
        if g:
            net.connect("inhibition", name, weight=-g * WEIGHT, delay=1.0)
        net.record(name, "spikes")
    net.record(f"g_{SHOWN:g}[0]", ["V_m", "I_syn_ex", "I_syn_in"], interval=DT, stop=TRACED)
    return run(net, DURATION, seed=1)


def _draw(result: Result, n: dict) -> Figure:
    figure, ((currents, rate), (v, cv)) = panels(2, 2, height=2.1, width_ratios=(2, 1))
    traces = result.traces[f"g_{SHOWN:g}"]
    for name, colour, label in (("I_syn_ex", BLUE, "excitation"), ("I_syn_in", RED, "inhibition")):
        currents.plot(traces.times, traces[name][:, 0], color=colour, lw=0.7, label=label)
    both = traces["I_syn_ex"][:, 0] + traces["I_syn_in"][:, 0]
    currents.plot(traces.times, both, color=GREEN, lw=0.7, label="sum")
    draw_levels(currents, {"rheobase": n["rheobase"]})
    add_key(currents, "upper left", ncols=3)
    currents.set_ylim(None, 1.35 * traces["I_syn_ex"].max())
    name_axes(currents, "time (ms)", "current (pA)", f"Synaptic currents of one neuron, g = {SHOWN:g}")
    draw_potential(v, result, f"g_{SHOWN:g}", GREEN, peak=-48.0)
    draw_levels(v, {"V_th": NEURON["V_th"], "E_L": NEURON["E_L"]})
    name_axes(v, "time (ms)", "V_m (mV)", "Its potential; vertical lines: spikes")
    for ax in (currents, v):
        ax.set_xlim(SETTLED, SETTLED + 500)
    rate.plot(RATIOS, n["rate"], "o-", color=BLUE, ms=4, lw=1)
    name_axes(rate, "g", "rate (spikes/s)", f"Rate ({NEURONS} neurons for each g)")
    cv.plot(RATIOS, n["cv"], "o-", color=RED, ms=4, lw=1)
    cv.axhline(1, color=GREY, lw=0.8, ls=":")
    cv.set_xlim(rate.get_xlim())
    cv.set_ylim(0, 1.2)
    name_axes(cv, "g", "CV of intervals", "Irregularity (dotted: Poisson)")
    return figure


def _lines(n: dict) -> list[str]:
    k = RATIOS.index(SHOWN)
    return [
        "Cortical neurons get much excitation and much inhibition. If these cancel on average, what is left is chance.",
        f"  A neuron gets {EXCITATION:g} excitatory spikes/s of {WEIGHT:g} pA and {INHIBITION:g} inhibitory ones of -g * {WEIGHT:g} pA.",
        f"  g = {SHOWN:g}: excitation is {n['ex']:.0f} pA on average (weight * tau_syn * rate: {n['ex_formula']:.0f}), inhibition "
        f"{n['in']:.0f} pA ({n['in_formula']:.0f}): each several times the rheobase of {n['rheobase']:g} pA,",
        f"    but their sum is {n['ex'] + n['in']:.0f} pA. Still the neurons fire {n['rate'][k]:.1f} spikes/s by chance.",
        "  g, mean current, rate, CV of the intervals:",
        *(
            f"    {g:g}  {current:5.0f} pA  {r:6.1f} spikes/s  {'-' if np.isnan(c) else f'{c:.2f}'}"
            for g, current, r, c in zip(RATIOS, n["mean"], n["rate"], n["cv"], strict=True)
        ),
        "  Little inhibition: driven by the mean, fast and regular like a clock. Balance: driven by fluctuations, slow and irregular.",
        "  The network of this kind is `lifsim run brunel` (Brunel 2000), in which the neurons drive each other.",
    ]
