"""Measures what a scan takes beyond building networks, stepping and writing.

    python bench/scan.py                         # 11 × 8 points of Brunel's network, 3 seeds, 300 + 500 ms
    python bench/scan.py --set order=500 --jobs 2 --seeds 1
    python bench/scan.py --single 5              # also compares so many runs with single ones, spike by spike

The wall time of the command `lifsim scan`, from its start to its end, times the number of processes is the time that there was. Of it,
runs.jsonl says what went into building, compiling, stepping and recording, and writing; the rest are the statistics, the reading of
the model for each run and the reset of networks that are used again, and what the scan itself takes: the start of the processes, the checks
of all points, waiting for the last run, the tables. No other program should run at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lifsim as ls
from lifsim.scans import read_scan, spike_digest

PARTS = {"build": "building", "compile": "compiling, loading code", "simulate": "stepping", "record": "recording", "write": "writing files"}


def scan(folder: Path, options: argparse.Namespace) -> float:
    """Run the scan; its wall time in seconds."""
    words = [sys.executable, "-m", "lifsim", "scan", options.model, "--seeds", options.seeds, "--discard", options.discard]
    words += ["--duration", options.duration, "--jobs", str(options.jobs), "-o", str(folder), *(["--keep"] if options.keep else [])]
    words += [word for text in options.grid for word in ("--grid", text)] + [word for text in options.set for word in ("--set", text)]
    began = time.perf_counter()
    subprocess.run(words, check=True)
    return time.perf_counter() - began


def report(folder: Path, wall: float, jobs: int) -> None:
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    there = wall * jobs
    print(f"{len(rows)} runs, {sum(row['built'] for row in rows)} networks built, {jobs} processes: {wall:.1f} s")
    known = {part: sum(row["spent"].get(part, 0.0) for row in rows) for part in PARTS}
    numbers = sum(row["spent"].get("statistics", 0.0) for row in rows)
    inside = sum(row["wall_s"] for row in rows) - sum(known.values()) - numbers
    outside = there - sum(row["wall_s"] for row in rows)
    beyond = {"statistics, digests": numbers, "model files, resets": inside, "start, checks, waiting": outside}
    for name, seconds in [*((PARTS[part], s) for part, s in known.items()), *beyond.items()]:
        print(f"  {name:<26}{seconds:8.1f} s of processes  {100 * seconds / there:5.1f} %")
    rest = 100 * sum(beyond.values()) / there
    print(f"beyond building, stepping and writing: {rest:.1f} % of the wall time; without statistics {rest - 100 * numbers / there:.1f} %")


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Single runs of some points, beside the digests of the scan."""
    rows = list(read_scan(folder).rows())
    settings = dict(text.split("=") for text in options.set)
    for row in random.Random(0).sample(rows, options.single):
        values = {name: row[name] for name in read_scan(folder).parameters}
        net = ls.load(options.model, **{name: float(x) for name, x in settings.items()}, **values)
        result = ls.run(net, options.duration, seed=row["seed"], threads=os.cpu_count())
        same = spike_digest(result) == row["digest"]
        print(f"  {values}, seed {row['seed']}: {'the same spikes' if same else 'OTHER SPIKES'} in a single run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="brunel")
    parser.add_argument("--grid", nargs="+", default=["g=3:8:0.5", "eta=0.5:4:0.5"])
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--seeds", default="1:3")
    parser.add_argument("--duration", default="800 ms")
    parser.add_argument("--discard", default="300 ms")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--single", type=int, default=0, help="number of runs that are compared with single ones")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "scan"
        report(folder, scan(folder, options), options.jobs)
        compare(folder, options)


if __name__ == "__main__":
    main()
