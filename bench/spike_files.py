"""Times to write and to read files of spikes: `python bench/spike_files.py [SPIKES]` (default: 10 million, of 10,000 neurons)."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import lifsim as ls


def main(n: int) -> None:
    rng = np.random.default_rng(1)
    times = np.sort(np.round(rng.uniform(0.1, 1e5, n), 1))
    spikes = ls.Spikes(times, rng.integers(0, 10_000, n), 10_000, dt=0.1, name="exc")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("spikes.h5", "spikes.npz", "spikes.csv"):
            path = Path(folder) / name
            written = timed(lambda path=path: ls.write_spikes(path, spikes))
            report(name, f"write {written:.2f} s", path)
        nest = Path(folder) / "exc-1-0.dat"
        with nest.open("w") as file:
            file.write("# NEST version: 3.10.0\nsender\ttime_ms\n")
            file.writelines(f"{i}\t{t:.3f}\n" for i, t in zip(spikes.ids.tolist(), spikes.times.tolist(), strict=True))
        report(nest.name, "", nest)
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def report(name: str, written: str, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = timed(lambda: len(next(iter(ls.open(path).spikes.values()))))
    print(f"{name:<12} {path.stat().st_size / 1e6:6.0f} MB  read {read:.2f} s  {written}")


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000)
