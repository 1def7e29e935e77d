"""What recording costs: every spike of Brunel's network to a log while it runs, and to the finished file at its end.

    python bench/recording.py

The part of the time from the first step to the finished file that recording takes, by lifsim's own clocks; and, by a clock outside,
what the same run takes longer than one that records nothing, in turn (medians, smallest–largest). Nothing else should run meanwhile:
the second figure is a difference of two long times.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from table import line, summary

import lifsim as ls


def seconds(net: ls.Network, duration: float, threads: int, out: Path | None) -> tuple[float, float, float]:
    """Of a run and its result: wall time, and what recording took of it while the network ran and altogether."""
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
