"""Random input: Poisson trains, the potential that fluctuates, and the irregular spikes that follow."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.demo.constant_current import DT, MEMBRANE, NEURON
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import BLUE, GREY, RED, add_key, draw_levels, draw_potential, draw_rows, name_axes, of_neuron, panels
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run
from lifsim.theory.constant_current import rheobase

TRAINS, RATE = 200, 20.0  # trains, spikes/s each
INPUT, WEIGHT, TAU_SYN = 2000.0, 80.0, 2.0  # spikes/s, pA, ms
NEURONS, DURATION = 100, 2000.0  # ms
SETTLED = 100.0  # ms: 10 tau_m


def demonstrate() -> Demonstration:
    """Poisson trains, neurons driven by them with and without threshold, and one at the mean current."""
    result = _run()
    trains, free = result.spikes["trains"], result.traces["free"]
    settled = free["V_m"][free.times > SETTLED]
    found = analysis.statistics(result, t_start=SETTLED)
    gaps = np.concatenate([np.diff(of_neuron(trains, k)) for k in range(TRAINS)])
    numbers = {
        "train_rate": float(analysis.rates(trains).mean()),
        "train_error": math.sqrt(RATE / (TRAINS * DURATION / 1000)),  # standard error of this mean
        "train_cv": float(gaps.std() / gaps.mean()),
        "mean": float(settled.mean()),
        "sd": float(settled.std()),
        "mean_formula": NEURON["E_L"] + mean_current() * NEURON["tau_m"] / NEURON["C_m"],
        "sd_formula": potential_sd(),
        "mean_current": mean_current(),
        "rheobase": float(rheobase(**MEMBRANE)),
        "rate": found["driven"]["rate"],
        "cv": found["driven"]["cv_isi"],
        "steady": len(result.spikes["steady"].times),
        "intervals": gaps,
    }
    return Demonstration(_draw(result, numbers), _lines(numbers), numbers)


def mean_current() -> float:
    """The mean synaptic current: weight * tau_syn * rate, pA."""
    return WEIGHT * TAU_SYN * INPUT / 1000.0


def potential_sd() -> float:
    """Standard deviation of V_m without threshold: by Campbell's theorem, the rate times the integral of the squared PSP."""
    a, b = NEURON["tau_m"], TAU_SYN
    height = WEIGHT / NEURON["C_m"] / (1 / b - 1 / a)
    return height * math.sqrt(INPUT / 1000.0 * (a / 2 + b / 2 - 2 * a * b / (a + b)))


def _run() -> Result:
    net = Network(dt=DT)
    net.add("trains", TRAINS, "poisson_generator", rate=RATE)
    net.record("trains", "spikes")
    net.add("drive", 1, "poisson_generator", rate=INPUT)
    kinds = {"driven": (NEURONS, {}), "free": (NEURONS, {"V_th": math.inf}), "steady": (1, {"I_e": mean_current()})}
    for name, (n, changed) in kinds.items():
        net.add(name, n, "iaf_psc_exp", **(NEURON | {"tau_syn_ex": TAU_SYN, "tau_syn_in": TAU_SYN} | changed))
        if name != "steady":
            net.connect("drive", name, weight=WEIGHT, delay=1.0)
        net.record(name, "spikes")
    net.record("driven[0]", "V_m", interval=DT)
    net.record("free", "V_m", interval=1.0)
    net.record("steady", "V_m", interval=DT)
    return run(net, DURATION, seed=1)


def _draw(result: Result, n: dict) -> Figure:
    figure, ((rows, intervals), (v, histogram)) = panels(2, 2, height=2.1, width_ratios=(2, 1))
    draw_rows(rows, [of_neuron(result.spikes["trains"], k) for k in range(20)])
    rows.set_xlim(0, 500)
    name_axes(rows, "time (ms)", "train", f"Poisson trains of {RATE:g} spikes/s")
    intervals.hist(n["intervals"], np.arange(0, 251, 10), density=True, color=BLUE, alpha=0.5)
    t = np.linspace(0, 250, 200)
    intervals.plot(t, RATE / 1000 * np.exp(-t * RATE / 1000), color=GREY, lw=1, label="exponential")
    add_key(intervals)
    name_axes(intervals, "interval (ms)", "density (1/ms)", f"CV of intervals {n['train_cv']:.2f}")
    draw_potential(v, result, "driven", BLUE, "Poisson input", peak=-48.0)
    draw_potential(v, result, "steady", RED, "constant current of the same mean")
    draw_levels(v, {"V_th": NEURON["V_th"], "E_L": NEURON["E_L"]})
    v.set_xlim(0, 500)
    v.set_ylim(-71, -43)
    add_key(v, "upper left", ncols=2)
    name_axes(v, "time (ms)", "V_m (mV)", f"A neuron with {INPUT / RATE:g} such trains; vertical lines: spikes")
    settled = result.traces["free"]["V_m"][result.traces["free"].times > SETTLED].ravel()
    histogram.hist(settled, 60, density=True, color=BLUE, alpha=0.5)
    x = np.linspace(settled.min(), settled.max(), 200)
    histogram.plot(
        x, np.exp(-(((x - n["mean_formula"]) / n["sd_formula"]) ** 2) / 2) / n["sd_formula"] / math.sqrt(2 * math.pi), color=GREY, lw=1
    )
    histogram.axvline(NEURON["V_th"], color=GREY, lw=0.8, ls=(0, (4, 2)))
    histogram.annotate(
        "V_th",
        (NEURON["V_th"], 1),
        (3, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=7,
        color=GREY,
    )
    name_axes(histogram, "V_m without threshold (mV)", "density (1/mV)", "Its potential; line: formula")
    return figure


def _lines(n: dict) -> list[str]:
    return [
        "Spikes in the brain arrive irregularly. A Poisson train has a rate and no memory: when the next spike comes is pure chance.",
        f"  {TRAINS} trains of {RATE:g} spikes/s: {n['train_rate']:.2f} ± {n['train_error']:.2f} spikes/s found; CV of the intervals "
        f"{n['train_cv']:.3f} (1 for Poisson, 0 for a clock).",
        f"  Neurons get {INPUT:g} such spikes/s of {WEIGHT:g} pA each. The mean current is weight * tau_syn * rate = "
        f"{n['mean_current']:g} pA; the rheobase is {n['rheobase']:g} pA.",
        f"  Without threshold V_m has the mean {n['mean']:.3f} mV (formula {n['mean_formula']:.3f}) and the standard deviation "
        f"{n['sd']:.3f} mV (Campbell's theorem {n['sd_formula']:.3f}).",
        f"  A constant current of {n['mean_current']:g} pA causes {n['steady']} spikes; with the random input of the same mean "
        f"neurons fire {n['rate']:.1f} spikes/s.",
        f"  Chance lifts V_m over V_th now and then: noise decides when; the spikes are irregular (CV {n['cv']:.2f}).",
        "  So random input smooths the edge of the f-I curve at the rheobase; its shape is then like that of a sigmoid at low rates.",
        "  An artificial neuron gives the same number for the same input every time; here the rate is an average over time or neurons.",
        f"  ({NEURONS} neurons, {DURATION / 1000:g} s, seed 1; another seed gives other spikes and nearly the same averages.)",
    ]
