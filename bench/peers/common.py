"""Common code of the peers' scripts: parses the arguments, and prints the measurements as one line of JSON."""

from __future__ import annotations

import argparse
import json

DT = 0.1  # ms


def arguments(doc: str | None, **options: float) -> argparse.Namespace:
    """Parse THREADS DURATION_MS [PRECISION], and the `options` (name and default) of this network."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("threads", type=int)
    parser.add_argument("duration", type=float, help="ms")
    parser.add_argument("precision", nargs="?", choices=["float64", "float32"], default="float64")
    for name, default in options.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default, help=f"{default:g} unless given")
    return parser.parse_args()


def report(work: argparse.Namespace, neurons: int, spikes: int, run_s: float, build_s: float, **facts: str | float | None) -> None:
    """Print the line that bench/networks.py reads. `facts`: version, precision, compile_s, and the steps that the times include."""
    seconds = work.duration / 1000
    measured = {"rtf": run_s / seconds, "run_s": run_s, "build_s": build_s, "rate": spikes / neurons / seconds}
    print(json.dumps(measured | {"neurons": neurons, "spikes": spikes, "threads": work.threads} | facts))
