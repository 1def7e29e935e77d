"""Measures how long `lifsim plot` takes for many spikes: the command, from its start to the written figure, and its memory.

    python bench/figures.py                                   # 10 million spikes, a raster
    python bench/figures.py --spikes 1e6 --kinds raster isi summary

The spikes are Poisson trains of 100,000 neurons over 10 s. Figures are the median (smallest–largest) wall time in s of `--repeats`
processes, and the largest resident memory in MB. No other program should run at the same time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.file_sink import FileSink

SIZES = {"exc": 80_000, "inh": 20_000}
STEPS = 100_000  # of 0.1 ms


def write_spikes(path: Path, number: int) -> None:
    """Write a results file with `number` spikes."""
    rng = np.random.default_rng(1)
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in SIZES.items()}
    sink = FileSink(Manifest(dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name in SIZES}), path)
    spikes = {}
    for name, n in SIZES.items():
        share = round(number * n / sum(SIZES.values()))
        spikes[name] = np.sort(rng.integers(1, STEPS + 1, share)), rng.integers(0, n, share)
    sink.write(Chunk(0, STEPS, spikes, {}))
    sink.finish({})
    sink.close()


def measure(file: Path, kind: str, out: Path) -> tuple[float, float]:
    """Wall time (s) and largest resident memory (MB) of one process that plots."""
    words = [sys.executable, "-m", "lifsim", "plot", str(file), "--kind", kind, "-o", str(out), "--overwrite", "-q"]
    began = time.perf_counter()
    process = subprocess.Popen(words)
    if not hasattr(os, "wait4"):  # Windows: no memory
        if process.wait():
            raise SystemExit(f"{kind} failed")
        return time.perf_counter() - began, float("nan")
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - began
    if status:
        raise SystemExit(f"{kind} failed")
    return taken, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spikes", type=float, default=1e7, help="number of spikes")
    parser.add_argument("--kinds", nargs="+", default=["raster"], help="kinds of lifsim plot")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spikes.h5"
        # in a process of its own: the memory of this one would count as that of its children
        writing = multiprocessing.get_context("spawn").Process(target=write_spikes, args=(file, round(options.spikes)))
        writing.start()
        writing.join()
        print(f"{options.spikes:,.0f} spikes, {file.stat().st_size / 1e6:,.0f} MB")
        for kind in options.kinds:
            found = [measure(file, kind, Path(folder) / "figure.png") for _ in range(options.repeats)]
            wall = [seconds for seconds, _ in found]
            print(f"{kind:<14}{statistics.median(wall):6.2f} s ({min(wall):.2f}–{max(wall):.2f}), {max(mb for _, mb in found):,.0f} MB")


if __name__ == "__main__":
    main()
