"""Summarises the results of bench/networks.py: medians, ratios computed for each round of runs, and the Markdown table."""

from __future__ import annotations

import statistics
from typing import Any

OWN = "lifsim"
HEAD = ["Network", "Threads", "Simulator", "Precision", "Real-time factor", "Times lifsim's", "Build (s)", "Compile (s)", "Spikes/s"]


def summary(values: list[float], unit: str = "") -> str:
    """The median, followed by (smallest–largest), as text."""
    middle, low, high = (f"{value:.3g}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle}{unit} ({low}–{high})" if len(values) > 1 else f"{middle}{unit}"


def ratios(own: list[dict[str, Any]], peer: list[dict[str, Any]]) -> list[float]:
    """The time of the peer divided by that of lifsim, for each round of runs, because the speed of a computer drifts."""
    return [theirs["rtf"] / ours["rtf"] for ours, theirs in zip(own, peer, strict=True)]


def name(simulator: str, runs: list[dict[str, Any]]) -> str:
    """The name of the simulator with its version."""
    return f"{simulator} {runs[0]['version']}"


def head() -> list[str]:
    """The two header lines of the Markdown table."""
    return [line(HEAD), line(["---"] * len(HEAD))]


def rows(result: dict[str, Any]) -> list[str]:
    """The table rows of one network and number of threads; those of lifsim come first."""
    lines = []
    for simulator, runs in result["runs"].items():
        ratio = "" if simulator == OWN else summary(ratios(result["runs"][OWN], runs), "×")
        compiled = [run["compile_s"] for run in runs if run["compile_s"] is not None]
        cells = [result["network"], str(result["threads"]), name(simulator, runs), runs[0]["precision"]]
        cells += [summary([run["rtf"] for run in runs]), ratio, summary([run["build_s"] for run in runs])]
        cells += [summary(compiled) if compiled else "", f"{statistics.median(run['rate'] for run in runs):.2f}"]
        lines.append(line(cells))
    return lines


def line(cells: list[str]) -> str:
    """A row of the Markdown table."""
    return f"| {' | '.join(cells)} |"
