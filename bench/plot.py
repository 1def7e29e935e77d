"""Draws the results of bench/networks.py: python bench/plot.py RESULTS.json -o speed.png

Each network has a panel, and each simulator and number of threads a bar: the median real-time factor on a logarithmic axis, a line from
the smallest to the largest value, and for other simulators how many times as long as lifsim, the first bar, they take.
"""

from __future__ import annotations

import argparse
import json
import statistics
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from table import OWN, name, ratios

COLOURS = {OWN: "#c0392b", "NEST": "#7f8c8d", "Brian2": "#95a5a6", "GeNN": "#b6bfc1"}
OTHER = "#a4afb1"
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 2}  # of a note, where the dotted line would cross it


def bars(results: list[dict[str, Any]]) -> list[tuple[str, str, list[float], str]]:
    """Label, simulator, real-time factors and note of each bar of a panel, from top to bottom."""
    found = []
    for result in results:
        own = result["runs"][OWN]
        for simulator, runs in result["runs"].items():
            shown = OWN if simulator.startswith(OWN) else simulator  # the precision distinguishes the variants of lifsim
            label = f"{name(shown, runs)}, {result['threads']} thread{'s' if result['threads'] > 1 else ''}, {runs[0]['precision']}"
            factor = [run["rtf"] for run in runs]
            note = f"{statistics.median(factor):.3g}"
            if shown != OWN:
                note += f"   {statistics.median(ratios(own, runs)):.2g} times as long"
            found.append((label, simulator, factor, note))
    return found


def panel(axes: Axes, title: str, results: list[dict[str, Any]]) -> None:
    """Draw the panel of one network."""
    found = bars(results)
    for at, (_, simulator, factors, note) in enumerate(found):
        middle, low, high = statistics.median(factors), min(factors), max(factors)
        colour = COLOURS.get(simulator.split()[0], OTHER)
        axes.barh(at, middle, height=0.7, color=colour)
        axes.plot([low, high], [at, at], color="black", linewidth=1, solid_capstyle="butt")
        axes.annotate(note, (max(middle, high), at), (5, 0), textcoords="offset points", va="center", fontsize=8, bbox=BEHIND)
    axes.set_yticks(range(len(found)), [label for label, *_ in found], fontsize=8)
    axes.invert_yaxis()
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xscale("log")
    axes.tick_params(axis="x", labelsize=8)
    axes.axvline(1.0, color="black", linewidth=0.8, linestyle=":", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)


def draw(report: dict[str, Any]) -> Figure:
    """The figure of all networks of a report."""
    panels = [(title, list(results)) for title, results in groupby(report["results"], key=lambda result: result["network"])]
    heights = [len(bars(results)) for _, results in panels]
    figure = Figure(figsize=(7.5, 0.28 * sum(heights) + 0.55 * len(panels) + 0.85), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, (title, results) in zip(grid[:, 0], panels, strict=True):
        panel(axes, title, results)
    factors = [factor for _, results in panels for _, _, values, _ in bars(results) for factor in values]
    grid[0, 0].set_xlim(min(factors) / 2, max(factors) * (max(factors) / min(factors)) ** 0.45)  # room for the notes
    said = f"Wall time per biological time, {report['machine']['processor']} (dotted: real time)\ntimes as long: as the first bar"
    grid[-1, 0].set_xlabel(said, fontsize=8)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("speed.png"))
    options = parser.parse_args()
    draw(json.loads(options.results.read_text(encoding="utf-8"))).savefig(options.out, dpi=150)


if __name__ == "__main__":
    main()
