"""Inputs times weights: postsynaptic potentials add up in time and in space until they reach threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lifsim.demo.constant_current import DT, MEMBRANE, NEURON
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.drawing import COLOURS, GREY, add_key, draw_levels, draw_potential, name_axes, panels
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run
from lifsim.theory.constant_current import rheobase
from lifsim.theory.membrane import psp_peak

WEIGHT, TAU_SYN, DELAY = 500.0, 2.0, 1.0  # pA, ms, ms
TIMES, DURATION = {"apart": (10.0, 50.0), "close": (10.0, 14.0)}, 90.0  # ms: two spikes of one source
MOST = 12  # sources that fire at the same time
PERIODS = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0])  # ms, of regular trains
_PARAMETERS = NEURON | {"tau_syn_ex": TAU_SYN, "tau_syn_in": TAU_SYN}


def demonstrate() -> Demonstration:
    """Two spikes apart and close together, one to twelve sources at once, an inhibitory one, and regular trains."""
    result = _run()
    v = {name: result.traces[name]["V_m"][:, 0] - NEURON["E_L"] for name in ("single", "apart", "close", "both", "n_1", "n_3")}
    shifted = {name: sum(_moved(v["single"], t - TIMES["apart"][0]) for t in times) for name, times in TIMES.items()}
    difference = max(float(np.abs(v[name] - shifted[name]).max()) for name in TIMES)
    peak = float(v["single"].max())
    silent = [n for n in range(1, MOST + 1) if not len(result.spikes[f"n_{n}"].times)]
    fires = [len(result.spikes[f"train_{k}"].times) > 0 for k in range(len(PERIODS))]
    numbers: dict[str, Any] = {
        "peak": peak,
        "peak_formula": float(psp_peak("exp", WEIGHT, tau_m=NEURON["tau_m"], C_m=NEURON["C_m"], tau_syn=TAU_SYN)),
        "difference": difference,
        "close": float(v["close"].max()),
    }
    numbers |= {"inhibited": float(v["both"].max()), "least": len(silent) + 1, "silent": silent, "fires": fires}
    numbers |= {"mean_current": WEIGHT * TAU_SYN / PERIODS, "rheobase": float(rheobase(**MEMBRANE))}
    return Demonstration(_draw(result, numbers), _lines(numbers), numbers)


def _run() -> Result:
    net = Network(dt=DT)
    net.add("source", 1, "spike_generator", spike_times=[TIMES["apart"][0]])
    for name, times in TIMES.items():
        net.add(f"{name}_source", 1, "spike_generator", spike_times=list(times))
        _add(net, name, f"{name}_source")
    _add(net, "single", "source")
    _add(net, "both", "source")
    net.connect("source", "both", weight=-WEIGHT, delay=DELAY + 2.0)
    for n in range(1, MOST + 1):  # n sources with one spike each, at the same time
        net.add(f"sources_{n}", n, "spike_generator", spike_times=[TIMES["apart"][0]])
        _add(net, f"n_{n}", f"sources_{n}")
    for k, period in enumerate(PERIODS):
        net.add(f"regular_{k}", 1, "spike_generator", spike_times=np.arange(period, DURATION, period).round(6).tolist())
        _add(net, f"train_{k}", f"regular_{k}")
    return run(net, DURATION)


def _add(net: Network, name: str, source: str) -> None:
    net.add(name, 1, "iaf_psc_exp", **_PARAMETERS)
    net.connect(source, name, weight=WEIGHT, delay=DELAY)
    net.record(name, "spikes")
    net.record(name, "V_m", interval=DT)


def _moved(v: np.ndarray, by: float) -> np.ndarray:
    """The potential that a spike later by `by` (ms) causes."""
    k = round(by / DT)
    return np.concatenate([np.zeros(k), v[: len(v) - k]])


def _draw(result: Result, n: dict) -> Figure:
    figure, ((time, space), (sign, train)) = panels(2, 2, height=2.2)
    for name, label, colour in (("apart", "40 ms apart", COLOURS[0]), ("close", "4 ms apart", COLOURS[1])):
        draw_potential(time, result, name, colour, label)
    name_axes(time, "time (ms)", "V_m (mV)", "Summation in time: two spikes of one source")
    for k, colour in ((1, COLOURS[0]), (3, COLOURS[2]), (n["least"], COLOURS[1])):
        draw_potential(space, result, f"n_{k}", colour, f"{k} source{'s' if k > 1 else ''}", peak=-50.0)
    name_axes(space, "time (ms)", "V_m (mV)", "Summation in space: sources that fire together")
    draw_potential(sign, result, "single", COLOURS[0], f"weight {WEIGHT:g} pA")
    draw_potential(sign, result, "both", COLOURS[1], f"the same, and −{WEIGHT:g} pA 2 ms later")
    name_axes(sign, "time (ms)", "V_m (mV)", "A negative weight inhibits")
    for k, colour in ((6, COLOURS[0]), (3, COLOURS[2]), (0, COLOURS[1])):
        draw_potential(train, result, f"train_{k}", colour, f"every {PERIODS[k]:g} ms: {n['mean_current'][k]:g} pA on average", peak=-50.0)
    name_axes(train, "time (ms)", "V_m (mV)", f"Regular trains; rheobase {n['rheobase']:g} pA")
    for ax, top in ((time, -54), (space, -47), (sign, -64), (train, -38)):
        draw_levels(ax, {name: NEURON[name] for name in ("V_th", "E_L") if NEURON[name] < top})
        ax.set_ylim(-70.8, top)
        add_key(ax, "center right" if ax is time else "upper right")
    time.set_ylim(-70.8, -54.3)
    sign.axhline(-70, color=GREY, lw=0.4)
    return figure


def _lines(n: dict) -> list[str]:
    border = PERIODS[[k for k, fires in enumerate(n["fires"]) if fires][-1]]
    return [
        "Each spike adds weight to the synaptic current, which decays with tau_syn; V_m answers with a postsynaptic potential (PSP).",
        f"  One spike of {WEIGHT:g} pA: a PSP of {n['peak']:.3f} mV (formula, between grid points: {n['peak_formula']:.3f} mV).",
        f"  In time: two spikes 4 ms apart reach {n['close']:.3f} mV; 40 ms apart, the first is forgotten before the second comes.",
        f"  The membrane is linear: V_m is the sum of the single PSPs to {n['difference']:.0e} mV, as long as there is no spike.",
        f"  In space: {n['least'] - 1} sources that fire together stay silent ({n['least'] - 1} * {n['peak']:.2f} = "
        f"{(n['least'] - 1) * n['peak']:.2f} mV < V_th - E_L = {NEURON['V_th'] - NEURON['E_L']:g} mV), {n['least']} cause a spike.",
        f"  A weight of -{WEIGHT:g} pA 2 ms later cuts the PSP to {n['inhibited']:.3f} mV: negative weights inhibit, as in an ANN.",
        f"  A regular train of period T is a mean current of weight * tau_syn / T; it must exceed the rheobase, {n['rheobase']:g} pA:",
        "    "
        + ", ".join(
            f"{T:g} ms ({current:.0f} pA) {'fires' if f else 'silent'}"
            for T, current, f in zip(PERIODS, n["mean_current"], n["fires"], strict=True)
        ),
        f"  So the inputs are x (spikes per ms), the weights w * tau_syn, and the sum is a current; {border:g} ms is frequent enough.",
        "  Unlike in an artificial neuron, the time at which inputs arrive counts, not only how many there are.",
    ]
