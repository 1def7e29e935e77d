"""Spike-timing-dependent plasticity: pairs of spikes change a weight, depending on their order and distance."""

from __future__ import annotations

import numpy as np

from lifsim.demo.constant_current import DT
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import BLUE, GREY, RED, add_key, name_axes, panels
from lifsim.network.network import Network
from lifsim.simulation.simulation import Simulation

TAU, LAMBDA, WMAX, WEIGHT = 20.0, 0.01, 100.0, 50.0  # ms, part of Wmax, pA, pA
SYNAPSE = {"model": "stdp_synapse", "lambda": LAMBDA, "alpha": 1.0, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": WMAX, "tau_plus": TAU}
DELAY = 1.0
OFFSETS = np.array([x for x in range(-80, 81, 4) if x], float)  # ms: postsynaptic spike after the presynaptic one reaches the synapse
PAIR, READ = 100.0, 1000.0  # ms: the presynaptic spikes, the second of which only makes the synapse compute its weight
REPEATS, PERIOD = 60, 200.0
ORDERS = {"before": 10.0, "after": -10.0}  # ms


def demonstrate() -> Demonstration:
    """The change of a weight by one pair of spikes, and its course over 60 pairs."""
    change = _window()
    times, courses = _courses()
    formula = expected_change(OFFSETS)
    numbers = {"offsets": OFFSETS, "change": change, "formula": formula, "courses": courses}
    figure, ((window, course),) = panels(1, 2, height=2.7)
    for side, colour in ((OFFSETS > 0, BLUE), (OFFSETS < 0, RED)):
        window.plot(OFFSETS[side], change[side], "o", ms=3, color=colour)
    for line in (np.linspace(-80, -0.01, 200), np.linspace(0.01, 80, 200)):
        window.plot(line, expected_change(line), color=GREY, lw=1, zorder=0)
    window.axhline(0, color=GREY, lw=0.6)
    window.axvline(0, color=GREY, lw=0.6)
    name_axes(window, "postsynaptic − presynaptic spike (ms)", "change of the weight (pA)", "One pair of spikes; lines: formula")
    for (name, offset), colour, label in zip(ORDERS.items(), (BLUE, RED), ("presynaptic first", "postsynaptic first"), strict=True):
        course.plot(times / 1000, courses[name], color=colour, label=f"{label} ({abs(offset):g} ms)")
    course.set_ylim(0, WMAX)
    add_key(course)
    name_axes(course, "time (s)", "weight (pA)", f"{REPEATS} pairs, one every {PERIOD:g} ms")
    return Demonstration(figure, _lines(numbers), numbers)


def expected_change(offset: np.ndarray) -> np.ndarray:
    """Change of the weight by one pair, pA: lambda Wmax exp(-offset / tau), or -lambda Wmax exp(offset / tau) for the other order."""
    return np.sign(offset) * LAMBDA * WMAX * np.exp(-np.abs(offset) / TAU)


def _window() -> np.ndarray:
    """The change of the weight for each of `OFFSETS`; both sides are parrots, whose spikes are given."""
    n = len(OFFSETS)
    net = Network(dt=DT)
    post = [[PAIR + offset - DELAY - DT] for offset in OFFSETS]  # the delay is dendritic
    _pairs(net, n, [[PAIR - DT, READ - DT]] * n, [[round(x[0], 6)] for x in post])
    with Simulation(net) as sim:
        sim.run(READ + 10.0)
        return np.asarray(sim.matrix("pre", "post").diagonal()) - WEIGHT


def _courses() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times (ms) and the weight at each, for the two orders."""
    at = PERIOD * np.arange(1, REPEATS + 1)
    last = PERIOD * (REPEATS + 1)  # a presynaptic spike that makes the synapse compute its weight after the last pair
    net = Network(dt=DT)
    _pairs(
        net,
        2,
        [([*at, last] - np.array(DT)).round(6).tolist()] * 2,
        [(at + offset - DELAY - DT).round(6).tolist() for offset in ORDERS.values()],
    )
    net.record_weights("pre", "post", interval=PERIOD / 4)
    with Simulation(net) as sim:
        sim.run(last + PERIOD / 2)
        traces = sim.result().traces["post"]
    weights = traces["weight_from_pre"]
    return traces.times_of("weight_from_pre"), {name: weights[:, k] for k, name in enumerate(ORDERS)}


def _pairs(net: Network, n: int, pre: list[list[float]], post: list[list[float]]) -> None:
    """Add parrots "pre" and "post", which repeat the given spikes one step later, and a plastic synapse between each pair."""
    for name, times in (("pre", pre), ("post", post)):
        net.add(f"{name}_spikes", n, "spike_generator", spike_times=times)
        net.add(name, n, "parrot_neuron", tau_minus=TAU)
        net.connect(f"{name}_spikes", name, "one_to_one", delay=DT)
    net.connect("pre", "post", "one_to_one", weight=WEIGHT, delay=DELAY, synapse=SYNAPSE, receptor_type=1)


def _lines(n: dict) -> list[str]:
    offsets, change = list(n["offsets"]), n["change"]
    up, down, far = (change[offsets.index(x)] for x in (4.0, -4.0, 40.0))
    ends = {name: course[-1] for name, course in n["courses"].items()}
    return [
        "A synapse learns from the order of spikes: spike-timing-dependent plasticity (STDP), here stdp_synapse with mu = 0.",
        f"  The presynaptic spike first, the postsynaptic one 4 ms later: the weight changes by {up:+.3f} pA (it may have caused it).",
        f"  The other way round: {down:+.3f} pA. 40 ms apart: only {far:+.3f} pA.",
        f"  The change is lambda * Wmax * exp(-|t| / tau) = {LAMBDA * WMAX:g} pA * exp(-|t| / {TAU:g} ms), with the sign of the order;",
        f"  largest difference between the simulation and this: {np.abs(change - n['formula']).max():.1e} pA.",
        f"  {REPEATS} pairs: a weight of {WEIGHT:g} pA gets to {ends['before']:.2f} pA if the presynaptic spike comes 10 ms before,",
        f"  and to {ends['after']:.2f} pA if it comes 10 ms after the postsynaptic one.",
        "  Compare with backpropagation (lifsim demo ann): there a weight follows the gradient of a loss, which needs the whole network;",
        "  here it follows two spike times that meet at the synapse itself.",
    ]
