"""Measures the time of a neuron's step and of a synaptic event, from small networks to large ones.

    python bench/scaling.py -o docs/scaling.png --json scaling.json

The networks are `cuba` of various sizes (80 inputs per neuron at any size) and `microcircuit` at various scales (with random weights and
delays). The times are those of `lifsim bench` with one thread: a neuron's step is the update and its random numbers, an event is the
delivery of a spike to a synapse. The largest networks need 2.5 GB of memory; all take a few minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lifsim.modelfile.reader import load_with_settings
from lifsim.simulation.benchmark import measure

CUBA = [1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000]
SAID = "{model:12} {neurons:9,} neurons {events:13,} events: {ns_per_neuron_step:.3g} ns a step, {ns_per_event:.3g} ns an event"
MICROCIRCUIT = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]


def cases(largest: float) -> list[tuple[str, list[str], float]]:
    """Model, settings and duration (ms) of each network up to the fraction `largest` of the full sizes."""
    cuba = [("cuba", [f"n={n}"], min(1000.0, 2e8 / n)) for n in CUBA if n <= largest * CUBA[-1]]
    small = [s for s in MICROCIRCUIT if s <= largest]
    return cuba + [("microcircuit", [f"scale={s}", f"k_scale={s}"], 1000.0) for s in small]


def figures(model: str, settings: list[str], duration: float, repeats: int) -> dict[str, Any]:
    """The measurements of one network, from the run with the median real-time factor."""
    m = measure(model, load_with_settings(model, settings), duration, repeats=repeats, precision="float32")
    run = m.middle
    steps = m.neurons * m.steps / m.threads
    return {
        "model": model,
        "neurons": m.neurons,
        "events": run.events,
        "threads": m.threads,
        "ns_per_neuron_step": (run.parts["update"] + run.parts["random numbers"]) / steps * 1e9,
        "ns_per_event": m.per_event(run),
    }


def draw(found: list[dict[str, Any]]) -> Figure:
    """A figure: the time of a step by number of neurons, and the time of an event by number of events."""
    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for model, colour in (("cuba", "#c0392b"), ("microcircuit", "#2c3e50")):
        own = [x for x in found if x["model"] == model]
        left.plot([x["neurons"] for x in own], [x["ns_per_neuron_step"] for x in own], "o-", color=colour, label=model)
        right.plot([x["events"] for x in own], [x["ns_per_event"] for x in own], "o-", color=colour, label=model)
    left.set(xlabel="neurons", ylabel="ns a neuron and step, one thread")
    right.set(xlabel="synaptic events of the run", ylabel="ns an event, one thread")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", ylim=(0.1, 200))
        axes.grid(which="major", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=float, default=1.0, help="part of the full sizes to go up to")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("-o", "--out", type=Path, default=Path("scaling.png"))
    parser.add_argument("--json", type=Path, help="all figures")
    options = parser.parse_args()
    found = []
    for case in cases(options.largest):
        found.append(figures(*case, options.repeats))
        print(SAID.format(**found[-1]), flush=True)
    draw(found).savefig(options.out, dpi=150)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
