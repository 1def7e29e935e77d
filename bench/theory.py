"""Theory beside simulation: rates of mean-field theory and of simulated networks, and the lines of stability of Brunel's network.

    python bench/theory.py                      rates of Brunel's states, of exponential currents, of the microcircuit at scale 0.1
    python bench/theory.py --full               the microcircuit at full size, too (4 GB, minutes)
    python bench/theory.py --figure DIRECTORY   writes the phase diagram with simulated points (minutes)

Nothing is fitted. A fixed seed (1) is used; the first 300 ms (500 ms for the microcircuit) are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import lifsim as ls
from lifsim import analysis

STATES = {"A": (3.0, 2.0), "B": (6.0, 4.0), "C": (5.0, 2.0), "D": (4.5, 0.9)}  # g, eta of Brunel's figure 8

# Points of the phase diagram that are simulated: Brunel's four states, and both sides of the lines.
POINTS = (
    *STATES.values(),
    *((4.5, 1.1), (4.5, 2.0), (4.5, 3.5), (5.0, 1.2), (5.0, 3.5), (6.0, 1.0), (6.0, 2.0), (6.0, 2.8), (6.0, 3.6)),
    *((7.0, 1.5), (7.0, 2.2), (7.0, 3.2), (8.0, 1.5), (8.0, 2.1), (8.0, 2.9)),
)


def simulated(net: ls.Network, discard: float, duration: float) -> dict[str, tuple[float, float]]:
    """Rate (spikes/s) and CV of the intervals of each population."""
    stats = analysis.statistics(ls.run(net, discard + duration, progress=lambda *_, **__: None), discard)
    return {name: (entry["rate"], entry["cv_isi"]) for name, entry in stats.items()}


def exponential(tau_syn: float, g: float = 5.0, eta: float = 2.0) -> ls.Network:
    """Brunel's network with exponential currents of the same charge as the delta synapses."""
    C_m, tau_m, J = 200.0, 20.0, 0.1
    net = ls.Network(seed=1)
    neuron = {"tau_m": tau_m, "C_m": C_m, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0, "V_m": 0.0}
    neuron |= {"tau_syn_ex": tau_syn, "tau_syn_in": tau_syn}
    both = [net.add(name, n, "iaf_psc_exp", **neuron) for name, n in (("exc", 10000), ("inh", 2500))]
    drive = net.add("ext", 1, "poisson_generator", rate=eta * 20.0 / (J * tau_m) * 1000)
    w = J * C_m / tau_syn
    net.connect(drive, both, weight=w, delay=1.5)
    net.connect(both[0], both, "fixed_indegree", indegree=1000, weight=w, delay=1.5)
    net.connect(both[1], both, "fixed_indegree", indegree=250, weight=-g * w, delay=1.5)
    net.record(both, "spikes")
    return net


def compare(title: str, net: ls.Network, discard: float = 300.0, duration: float = 1000.0) -> None:
    """Print theory and simulation of each population."""
    theory, seen = ls.theory.mean_field(net), simulated(net, discard, duration)
    for k, name in enumerate(theory.populations):
        rate, cv = seen[name]
        print(
            f"{title:28}  {name:5}  theory {theory.rates[k]:7.2f} /s  CV {theory.cv[k]:.3f}   "
            f"simulation {rate:7.2f} /s  CV {cv:.3f}   theory / simulation {theory.rates[k] / rate:.3f}"
        )


def figure(folder: Path) -> None:
    """The phase diagram of Brunel's figure 2 (C_E 4000, J 0.2 mV) and of his simulations (C_E 1000, J 0.1 mV), which are those here."""
    folder.mkdir(parents=True, exist_ok=True)
    steep = np.arange(3.2, 3.42, 0.02), np.arange(3.45, 4.0, 0.05), np.arange(4.02, 4.1, 0.005), np.arange(4.1, 4.31, 0.02)
    g = np.unique(np.concatenate([np.arange(3.0, 8.01, 0.2), *steep]).round(3))
    seen: dict[str, list[tuple[float, float]]] = {}
    for point in POINTS:
        seen.setdefault(state(*point), []).append(point)
    picture = Figure(figsize=(7.1, 2.9), layout="constrained")
    left, right = picture.subplots(1, 2, sharey=True)
    ls.plot.stability(ls.theory.BrunelNetwork(C_E=4000, J=0.2).stability_lines(g), ax=left)
    ls.plot.stability(ls.theory.BrunelNetwork().stability_lines(g), seen, ax=right)
    left.get_legend().remove()
    for ax, title in ((left, "C_E 4000, J 0.2 mV"), (right, "C_E 1000, J 0.1 mV, and simulation")):
        ax.set_title(title, fontsize=8)
        ax.set_ylim(0, 4.2)
    right.set_ylabel("")
    ls.plot.save(picture, folder / "stability.png")
    for kind, places in seen.items():
        print(kind, places)


def state(g: float, eta: float) -> str:
    """The state of the shipped network.

    Regular: the CV of the intervals is below 0.2. Else oscillating: the autocorrelation of the population rate (0.5 ms) one period of its
    strongest frequency later is above 0.5, or its standard deviation above its mean; fast above 100 Hz. Else asynchronous.
    """
    result = ls.run(ls.load("brunel", g=g, eta=eta), 1300.0, progress=lambda *_, **__: None)
    spikes = result.spikes["exc"].window(300.0, 1300.0)
    if np.nanmean(analysis.cv_isi(spikes)) < 0.2:
        return "regular"
    count = analysis.counts(spikes, 0.5).astype(float)
    x, n = count - count.mean(), len(count)
    power = np.abs(np.fft.rfft(x, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[:n] / np.arange(n, 0, -1)
    smooth = np.convolve(np.abs(np.fft.rfft(x)) ** 2, np.ones(5), "same")
    frequency = np.fft.rfftfreq(n, 0.5e-3)[5 + np.argmax(smooth[5:])]
    period = 2000.0 / frequency
    again = correlation[int(0.85 * period) : int(1.15 * period) + 2].max() / correlation[0]
    print(f"g {g:g}, eta {eta:g}: {frequency:.0f} Hz, autocorrelation {again:.2f}, SD / mean {x.std() / count.mean():.2f}")
    if again < 0.5 and x.std() < count.mean():
        return "asynchronous"
    return "fast oscillation" if frequency > 100 else "slow oscillation"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    if args.figure:
        return figure(args.figure)
    for name, (g, eta) in STATES.items():
        compare(f"Brunel {name} (g {g:g}, eta {eta:g})", ls.load("brunel", g=g, eta=eta))
    for tau_syn in (0.5, 1.0, 2.0):
        compare(f"exponential, tau_syn {tau_syn:g} ms", exponential(tau_syn))
    compare("alpha (brunel_alpha)", ls.load("brunel_alpha"))
    compare("microcircuit, scale 0.1", ls.load("microcircuit", scale=0.1, k_scale=0.1), 500.0, 4500.0)
    if args.full:
        compare("microcircuit", ls.load("microcircuit"), 500.0, 2500.0)
    return None


if __name__ == "__main__":
    main()
