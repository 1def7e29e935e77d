"""The artificial and the spiking neuron side by side, on the same inputs, weights and bias."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.ann.activations import sigmoid
from lifsim.demo.constant_current import DT, MEMBRANE, NEURON, rates
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import BLUE, GREEN, GREY, PURPLE, RED, add_key, draw_levels, draw_potential, name_axes, signed, spike_times
from lifsim.network.network import Network
from lifsim.plot.style import FONT, SMALL, Picture, page_width
from lifsim.results.result import Result
from lifsim.simulation.runs import run
from lifsim.theory.constant_current import fi_curve, rheobase

X, W, B = (1.0, 0.5, 2.0), (0.8, -0.6, 0.7), 0.3  # inputs, weights, bias
UNIT = 300.0  # pA: the current that stands for a sum of 1
DURATION, LONG = 100.0, 1000.0
SUMS = np.arange(-1.0, 4.01, 0.25)
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"ReLU": lambda z: np.maximum(z, 0), "sigmoid": sigmoid, "tanh": np.tanh}
TABLE = (  # also in docs/demonstrations.md
    ("artificial neuron", "leaky integrate-and-fire neuron"),
    ("input x", "rate or current of an input"),
    ("weight w, its sign", "synaptic weight; excitatory or inhibitory"),
    ("sum of w x", "currents add up in the membrane"),
    ("bias b", "constant current I_e, or a lower V_th"),
    ("activation f", "f-I curve: 0 up to the rheobase, then rising, limited by t_ref"),
    ("output, a number", "firing rate; the spikes themselves have times"),
    ("none", "leak: input is forgotten with tau_m"),
    ("none", "V_m, threshold, reset: a state between inputs"),
    ("negative outputs (tanh)", "none: a rate is not negative"),
    ("derivative of f", "none: a spike is all or none"),
)


def demonstrate() -> Demonstration:
    """Inputs, weights and a bias: the number of an artificial neuron, and V_m, spikes and rate of a spiking one."""
    z = float(np.dot(W, X) + B)
    result = _run()
    current = float(result.traces["neuron"]["I_stim"][-1, 0]) + B * UNIT
    rate = float(rates(result, "neuron")[0])
    curve = rates(result, "curve")
    numbers = {
        "z": z,
        "current": current,
        "outputs": {name: float(f(np.array(z))) for name, f in ACTIVATIONS.items()},
        "rate": rate,
        "rate_formula": float(fi_curve(current, **NEURON, dt=DT)),
        "rheobase": float(rheobase(**MEMBRANE)),
        "sums": SUMS,
        "curve": curve,
        "spikes": len(spike_times(result, "neuron")),
    }
    return Demonstration(_draw(result, numbers), _lines(numbers), numbers)


def _run() -> Result:
    """The inputs are direct currents of x pA, which the weights w * UNIT multiply; the bias is I_e."""
    net = Network(dt=DT)
    net.add("neuron", 1, "iaf_psc_exp", I_e=B * UNIT, **NEURON)
    for k, (x, w) in enumerate(zip(X, W, strict=True)):
        net.add(f"x_{k + 1}", 1, "dc_generator", amplitude=x)
        net.connect(f"x_{k + 1}", "neuron", weight=w * UNIT, delay=DT)
    net.add("curve", len(SUMS), "iaf_psc_exp", I_e=SUMS * UNIT, **NEURON)
    net.record("neuron", ["V_m", "I_stim"], interval=DT)
    net.record(["neuron", "curve"], "spikes")
    return run(net, LONG)


def _draw(result: Result, n: dict) -> Figure:
    figure = Picture(figsize=(page_width(), 4.9), layout="constrained")
    grid = figure.subplot_mosaic([["ann", "ann"], ["lif", "lif"], ["current", "curve"], ["v", "curve"]], height_ratios=(1.1, 1.1, 0.8, 1.6))
    products = [f"{signed(w)} · {signed(x)}" for w, x in zip(W, X, strict=True)]
    outputs = "\n".join(f"{name}: {y:.3f}" for name, y in n["outputs"].items())
    _chain(grid["ann"], "artificial", [*products, f"b = {B:g}"], f"Σ w x + b\n= {n['z']:g}", "activation f", outputs, BLUE)
    currents = [f"{signed(w * UNIT)} · {signed(x)} pA" for w, x in zip(W, X, strict=True)]
    _chain(
        grid["lif"], "spiking", [*currents, f"I_e = {B * UNIT:g} pA"], f"current\n= {n['current']:g} pA", "V_m, V_th,\nreset",
        f"spikes:\n{n['rate']:.1f} /s", RED,
    )  # fmt: skip
    stim = result.traces["neuron"]
    grid["current"].plot(stim.times, stim["I_stim"][:, 0] + B * UNIT, color=RED)
    draw_levels(grid["current"], {"rheobase": n["rheobase"]})
    grid["current"].set_ylim(0, 1.25 * n["current"])
    name_axes(grid["current"], "", "I (pA)")
    draw_potential(grid["v"], result, "neuron", RED, peak=-45.0)
    draw_levels(grid["v"], {"V_th": NEURON["V_th"], "V_reset": NEURON["V_reset"]})
    name_axes(grid["v"], "time (ms)", "V_m (mV)")
    for name in ("current", "v"):
        grid[name].set_xlim(0, DURATION)
    grid["current"].tick_params(labelbottom=False)
    _draw_curves(grid["curve"], n)
    return figure


def _chain(ax: Axes, kind: str, inputs: list[str], total: str, middle: str, output: str, colour: str) -> None:
    """Inputs, sum, function and output of a neuron as boxes and arrows."""
    ax.set_axis_off()
    ax.set_xlim(0, 10)
    ax.set_ylim(-2.1, 2.1)
    box = {"boxstyle": "round,pad=0.35", "fc": "white", "ec": colour, "lw": 1.2}
    arrow = {"arrowstyle": "-|>", "color": GREY, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    ax.text(0, 0, f"{kind}\nneuron", ha="left", va="center", fontsize=FONT, fontweight="bold", color=colour)
    for text, y in zip(inputs, np.linspace(1.65, -1.65, len(inputs)), strict=True):
        ax.text(3.0, y, text, ha="right", va="center", fontsize=FONT)
        ax.annotate("", (3.95, 0.35 * y), (3.1, y), arrowprops=arrow)
    for x, text in ((4.6, total), (6.6, middle)):
        ax.text(x, 0, text, ha="center", va="center", fontsize=FONT, bbox=box)
    ax.text(8.15, 0, output, ha="left", va="center", fontsize=FONT, bbox=box)
    for start, end in ((5.3, 5.9), (7.3, 7.9)):
        ax.annotate("", (end, 0), (start, 0), arrowprops=arrow)


def _draw_curves(ax: Axes, n: dict) -> None:
    z = np.linspace(SUMS[0], SUMS[-1], 1500)
    scale = float(fi_curve(UNIT * SUMS[-1], **NEURON)) / SUMS[-1]  # spikes/s that stand for an output of 1
    for (name, f), colour in zip(ACTIVATIONS.items(), (BLUE, GREEN, PURPLE), strict=True):
        ax.plot(z, f(z), color=colour, lw=1, label=name)
        ax.plot(n["z"], n["outputs"][name], "o", ms=4, color=colour)
    ax.plot(z, fi_curve(UNIT * z, **NEURON) / scale, color=RED, lw=1.4, label="f–I curve")
    ax.plot(SUMS, n["curve"] / scale, "s", ms=2.5, color=RED)
    ax.plot(n["z"], n["rate"] / scale, "o", ms=6, mfc="none", color=RED)
    ax.axvline(n["rheobase"] / UNIT, color=GREY, lw=0.8, ls=":")
    ax.text(n["rheobase"] / UNIT + 0.06, 3.0, "rheobase", fontsize=SMALL, color=GREY, rotation=90, va="center")
    ax.set_ylim(-1, 4.2)
    add_key(ax, "upper left")
    name_axes(ax, f"sum z (1 = {UNIT:g} pA)", "output", "Activations and the f–I curve")
    right = ax.secondary_yaxis("right", functions=(lambda y: y * scale, lambda y: y / scale))
    right.set_ylabel("rate (spikes/s)", fontsize=FONT)
    right.tick_params(labelsize=FONT)


def _lines(n: dict) -> list[str]:
    terms = " + ".join(f"({w:g} * {x:g})" for w, x in zip(W, X, strict=True))
    outs = ", ".join(f"{name} {y:.3f}" for name, y in n["outputs"].items())
    width = max(len(left) for left, _ in TABLE)
    return [
        "The same inputs, weights and bias into an artificial and a spiking neuron.",
        f"  Artificial: z = {terms} + {B:g} = {n['z']:g}; the activation makes a number of it: {outs}.",
        f"  Spiking: the inputs are currents of x pA, the weights w * {UNIT:g}, the bias is I_e: {n['current']:g} pA = z * {UNIT:g} pA.",
        f"  That is above the rheobase of {n['rheobase']:g} pA: V_m reaches V_th, and there are {n['spikes']} spikes in "
        f"{LONG / 1000:g} s, {n['rate']:.2f} spikes/s (formula {n['rate_formula']:.2f}).",
        "  The f-I curve is the spiking neuron's activation: 0 below the rheobase, then rising, like a ReLU moved to the right.",
        "",
        *(f"  {left:<{width}}  {right}" for left, right in TABLE),
    ]
