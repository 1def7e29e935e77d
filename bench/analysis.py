"""Measures statistics: against Elephant 1.2 with many neurons, and `lifsim stats` on files of many spikes.

    python bench/analysis.py elephant              10,000 neurons, in one process and in turn
    python bench/analysis.py spikes                `lifsim stats` on 10 million spikes: time and memory
    python bench/analysis.py file                  `lifsim stats` on files of 5 GB, of spikes and of traces: time and memory

Of each comparison with Elephant, the table shows the times of both and their ratio, medians (smallest–largest) over rounds. Elephant
gets what it takes (Neo's spike trains, and the spikes of each window for the Fano factor) ready-made; its classes of binned spikes are
part of what is measured, as lifsim counts spikes anew in each call. The distances are those of all pairs of `--pairs` neurons. The spikes
are those of independent Poisson processes with a dead time of 2 ms. Files are written to the folder `--folder` and removed.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor
from table import line, summary

from lifsim import analysis
from lifsim.common.timegrid import times
from lifsim.results.hdf5_writer import write
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk, Recorded, Totals
from lifsim.results.spikes import Spikes

DT, RATE = 0.1, 10.0  # ms, spikes/s


def trains(n: int, duration: float, seed: int = 1) -> Spikes:
    """The spikes of `n` neurons in `duration` ms."""
    rng = np.random.default_rng(seed)
    intervals = 2.0 + rng.exponential(1000 / RATE - 2.0, (n, round(duration * RATE / 1000 * 1.5) + 20))
    step = np.ceil(np.cumsum(intervals, axis=1) / DT).astype(np.int64)
    ids, _ = np.nonzero(step <= duration / DT)
    step = step[step <= duration / DT]
    order = np.lexsort((ids, step))
    return Spikes(times(step[order], DT), ids[order], n, 0.0, duration, np.arange(n), DT, "exc")


# -- against Elephant -------------------------------------------------------------------------------

Call = Callable[[], Any]


def calls(spikes: Spikes, pairs: int) -> dict[str, tuple[Call, Call]]:
    """name -> (lifsim's call, Elephant's)."""
    import neo
    import quantities as pq
    from elephant import spectral, statistics
    from elephant import spike_train_correlation as correlation
    from elephant import spike_train_dissimilarity as distance
    from elephant.conversion import BinnedSpikeTrain

    n, stop = spikes.n_nodes, spikes.t_stop
    order = np.argsort(spikes.ids, kind="stable")
    each = np.split(spikes.times[order], np.cumsum(np.bincount(spikes.ids, minlength=n))[:-1])
    neos = [neo.SpikeTrain(at - DT / 2, stop, "ms") for at in each]  # Elephant's bins include their start, lifsim's their end
    edges = np.arange(100.0, stop, 100.0)
    windows = [np.split(at, np.searchsorted(at, edges, side="right")) for at in each]
    few = list(range(pairs))

    def binned(width: float) -> Any:
        return BinnedSpikeTrain(neos, bin_size=width * pq.ms, t_start=0 * pq.ms, t_stop=stop * pq.ms)

    def spectrum() -> Any:
        rate = statistics.time_histogram(neos, 1 * pq.ms, t_start=0 * pq.ms, t_stop=stop * pq.ms, output="rate")
        return spectral.welch_psd(rate, frequency_resolution=1 * pq.Hz)

    def single() -> None:
        for train, counted in zip(neos, windows, strict=True):
            gaps = statistics.isi(train)
            statistics.mean_firing_rate(train)
            for statistic in (statistics.cv, statistics.cv2, statistics.lv, statistics.lvr):
                statistic(gaps)
            statistics.fanofactor(counted)

    return {
        "all of single neurons": (lambda: [analysis.isi(spikes), analysis.neuron_statistics(spikes)], single),
        "rate": (lambda: analysis.rates(spikes), lambda: [statistics.mean_firing_rate(x) for x in neos]),
        "intervals": (lambda: analysis.isi(spikes), lambda: [statistics.isi(x) for x in neos]),
        "CV": (lambda: analysis.cv(spikes), lambda: [statistics.cv(statistics.isi(x)) for x in neos]),
        "CV2": (lambda: analysis.cv2(spikes), lambda: [statistics.cv2(statistics.isi(x)) for x in neos]),
        "LV": (lambda: analysis.lv(spikes), lambda: [statistics.lv(statistics.isi(x)) for x in neos]),
        "LvR": (lambda: analysis.lvr(spikes), lambda: [statistics.lvr(statistics.isi(x)) for x in neos]),
        "Fano factor": (lambda: analysis.fano_factors(spikes, 100.0), lambda: [statistics.fanofactor(x) for x in windows]),
        "covariance matrix": (lambda: analysis.covariance_matrix(spikes, bin=5.0), lambda: correlation.covariance(binned(5.0))),
        "correlation matrix": (
            lambda: analysis.correlation_matrix(spikes, bin=5.0),
            lambda: correlation.correlation_coefficient(binned(5.0)),
        ),
        "power spectrum": (lambda: analysis.power_spectrum(spikes), spectrum),
        "van Rossum": (
            lambda: analysis.van_rossum_distance(spikes, tau=10.0, ids=few),
            lambda: distance.van_rossum_distance(neos[:pairs], 10 * pq.ms),
        ),
        "Victor-Purpura": (
            lambda: analysis.victor_purpura_distance(spikes, cost=0.1, ids=few),
            lambda: distance.victor_purpura_distance(neos[:pairs], 100 * pq.Hz),
        ),
    }


def seconds(call: Call) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def against_elephant(options: argparse.Namespace) -> None:
    """Print the table of the comparison."""
    warnings.simplefilter("ignore")
    spikes = trains(options.neurons, options.duration)
    print(f"{options.neurons:,} neurons, {options.duration:g} ms, {len(spikes):,} spikes; distances of {options.pairs} neurons\n")
    head = ["Statistic", "lifsim (s)", "Elephant (s)", "Elephant's time / lifsim's"]
    print(line(head), line(["---"] * len(head)), sep="\n")
    for both in calls(trains(3, 2000.0), 2).values():  # imports what is needed
        for call in both:
            call()
    for name, (own, theirs) in calls(spikes, options.pairs).items():
        taken = [(seconds(own), seconds(theirs)) for _ in range(options.rounds)]
        columns = [a for a, _ in taken], [b for _, b in taken], [b / a for a, b in taken]
        print(line([name, *map(summary, columns)]), flush=True)


# -- files ------------------------------------------------------------------------------------------

STATS = """
import atexit, pathlib, sys
from lifsim.cli.main import main
status = pathlib.Path("/proc/self/status")  # on Linux; what wait4 counts includes the process that started this one
atexit.register(lambda: status.exists() and sys.stderr.write([x for x in status.read_text().splitlines() if "VmHWM" in x][0]))
main()
"""


@dataclass(frozen=True)
class MadeChunks:
    """Chunks of a second of spikes of `n` neurons at `rate` (spikes/s) and V_m of `traced` neurons at every step, which are drawn anew."""

    n: int
    rate: float
    duration: int
    traced: int

    def __iter__(self) -> Iterator[Chunk]:
        for second in range(self.duration):
            rng = np.random.default_rng(second)
            number = rng.poisson(self.n * self.rate)
            step, ids = np.sort(rng.integers(1, 10_001, number)), rng.integers(0, self.n, number)
            traces = {("exc", "V_m"): rng.normal(-60.0, 3.0, (10_000, self.traced))} if self.traced else {}
            yield Chunk(second * 10_000, (second + 1) * 10_000, {"exc": (step.astype(np.uint32), ids.astype(np.uint32))}, traces)


def results_file(path: Path, chunks: MadeChunks) -> None:
    """Write the chunks as the results of a run."""
    entry = {
        "population": "exc",
        "variable": "V_m",
        "unit": "mV",
        "interval": DT,
        "start": 0.0,
        "stop": None,
        "ids": list(range(chunks.traced)),
    }
    manifest = Manifest(
        dt=DT,
        populations={"exc": {"n": chunks.n, "model": "iaf_psc_delta"}},
        spikes={"exc": {"ids": "all"}},
        traces=[entry] if chunks.traced else [],
        settings={},
    )
    totals = Totals()
    for chunk in chunks:
        totals.add(chunk)
    write(Recorded(manifest, chunks, totals, summary={}), path)


def measure(label: str, path: Path, chunks: MadeChunks, words: list[str]) -> None:
    """Write a file, run `lifsim stats` on it, and print the time and the peak of memory."""
    results_file(path, chunks)
    size = path.stat().st_size
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", STATS, "stats", str(path), *words], capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    path.unlink()
    if done.returncode:
        raise SystemExit(f"lifsim stats failed: {done.stderr}")
    peak = int(done.stderr.split()[-2]) * 1024 if done.stderr else math.nan
    print(line([label, f"{size / 1e9:.2f}", " ".join(words), f"{wall:.1f}", f"{peak / 1e6:.0f}"]), flush=True)


def files(options: argparse.Namespace, which: str) -> None:
    """Print the table of measurements of `lifsim stats`."""
    head = ["File", "Size (GB)", "Options", "Time (s)", "Peak of memory (MB)"]
    print(line(head), line(["---"] * len(head)), sep="\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "made.h5"
        if which == "spikes":
            n = 50_000
            made = MadeChunks(n, 20.0, max(1, round(options.spikes / (n * 20.0))), 0)
            for words in ([], ["--statistics", "all"]):
                measure(f"{options.spikes:.3g} spikes of {n:,} neurons", path, made, words)
            return
        n = 100_000
        measure(f"spikes of {n:,} neurons", path, MadeChunks(n, 20.0, max(1, round(options.bytes / 16 / (n * 20.0))), 0), [])
        traced = 1000
        measure(f"V_m of {traced:,} neurons", path, MadeChunks(n, 1.0, max(1, round(options.bytes / 12 / (traced * 10_000))), traced), [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["elephant", "spikes", "file"])
    parser.add_argument("--neurons", type=int, default=10_000)
    parser.add_argument("--duration", type=float, default=10_000.0, help="ms")
    parser.add_argument("--pairs", type=int, default=60, help="neurons whose distances are compared")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spikes", type=float, default=1e7)
    parser.add_argument("--bytes", type=float, default=5e9)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores\n")
    against_elephant(options) if options.what == "elephant" else files(options, options.what)


if __name__ == "__main__":
    main()
