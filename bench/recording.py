"""Measures the cost of recording: all spikes of Brunel's network, to a log during the run and to the results file at its end.

    python bench/recording.py

Two measurements: the fraction of the time from the first step to the finished file that recording takes, by lifsim's own clocks; and, by
an external clock, the ratio of the time of the run to that of a run that records nothing. The runs alternate; the table shows medians
(smallest–largest). No other program should run at the same time, because the second measurement compares two long times.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from table import line, summary

import lifsim as ls


def seconds(net: ls.Network, duration: float, threads: int, out: Path | None) -> tuple[float, float, float]:
    """Wall time of a run with its result; time spent on recording during the run; time spent on recording in all (s)."""
    with ls.Simulation(net, threads=threads, out=out, overwrite=True) as sim:
        start = time.perf_counter()
        sim.run(duration)
        running = sim.timings["record"]
        sim.result()
        return time.perf_counter() - start, running, sim.timings["record"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="brunel")
    parser.add_argument("--durations", type=float, nargs="+", default=[10_000.0, 1000.0], help="ms")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    recorded, silent = ls.load(options.model), ls.load(options.model)
    silent.recordings.clear()
    head = ["Duration (s)", "Threads", "Run (s)", "While it runs", "With the file", "Times a run that records nothing"]
    print(line(head), line(["---"] * len(head)), sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        for duration in options.durations:
            for threads in options.threads:
                walls, running, whole, ratios = [], [], [], []
                for _ in range(options.repeats):
                    nothing = seconds(silent, duration, threads, None)[0]
                    wall, during, record = seconds(recorded, duration, threads, Path(folder) / "run.h5")
                    walls.append(wall)
                    running.append(during / wall)
                    whole.append(record / wall)
                    ratios.append(wall / nothing)
                print(line([f"{duration / 1000:g}", str(threads), *map(summary, (walls, running, whole, ratios))]), flush=True)


if __name__ == "__main__":
    main()
