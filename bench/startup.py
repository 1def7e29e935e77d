"""Measures start-up times: compiling with an empty cache, the first run of a process, many small runs in one process.

    python bench/startup.py
    python bench/startup.py --against ../release     # compared with the lifsim in another folder, in turn

Times are processor time, that of child processes included, since compiling and starting do not wait for anything, except that the command
line is measured in wall time.
Each figure is the median (smallest–largest) of `--repeats` separate processes. With `--against`, the figures of both versions and the
ratio of their medians are printed. No other program should run at the same time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from table import line, summary

Measure = Callable[[Path, Path], float]  # arguments: the folder from which lifsim is imported, and its cache of compiled code
HERE = Path(__file__).parents[1]
NETWORKS = {
    "single_neuron": "single_neuron",
    "brunel": "brunel",
    "coba": "coba",
    "hpc, a part": "hpc C_ex=400 C_in=100",
    "vogels_sprekeler": "vogels_sprekeler",
}
# Compiles for several runs, one after the other; prints the processor time (s) of the last compilation.
COMPILE = """
import os, sys
import lifsim as ls
from lifsim.engine import compiling
def spent():
    return sum(os.times()[:4])  # another process may help
for words in sys.argv[1:]:
    name, *settings = words.split()
    run = {"precision": settings.pop()} if settings and settings[-1].startswith("float") else {}
    net = ls.load(name, **{key: float(value) for key, value in (s.split("=") for s in settings)})
    began = spent()
    with compiling() as compiler:
        ls.run(net, 1.0, threads=1, **run)
    taken = spent() - began
    began = spent()
    ls.run(net, 1.0, threads=1, **run)
    taken -= spent() - began  # the run itself
print(taken)
"""
FIRST = """
import time
import numpy, numba, h5py
began = time.process_time()
import lifsim as ls
net = ls.Network(seed=1)
net.add("n", 100, "iaf_psc_exp", I_e=400.0)
net.connect("n", "n", "fixed_indegree", indegree=10, weight=20.0)
net.record("n", "spikes")
ls.run(net, 100.0, threads=1)
print(time.process_time() - began)
"""
# Time per run (ms) from the description of a network to its result, without the steps.
SMALL = """
import sys, time
import lifsim as ls
out = sys.argv[1] if len(sys.argv) > 1 else None
def run(k):
    net = ls.Network(seed=1)
    net.add("n", 100, "iaf_psc_exp", I_e=400.0 + k)
    net.connect("n", "n", "fixed_indegree", indegree=10, weight=20.0)
    net.record("n", "spikes")
    with ls.Simulation(net, threads=1, out=out, overwrite=True) as sim:
        sim.run(100.0)
        result = sim.result()
    return result
def steps():
    net = ls.Network(seed=1)
    net.add("n", 100, "iaf_psc_exp", I_e=400.0)
    net.connect("n", "n", "fixed_indegree", indegree=10, weight=20.0)
    net.record("n", "spikes")
    with ls.Simulation(net, threads=1) as sim:
        sim.run(100.0)
        began = time.process_time()
        sim._engine.advance(20_000)
        return (time.process_time() - began) / 20
own = steps()
run(0)
began = time.process_time()
for k in range(200):
    run(k)
print(((time.process_time() - began) / 200 - own) * 1000)
"""


# Processor time (µs) of a step of a network with the given number of neurons.
STEP = """
import sys, time
import lifsim as ls
n = int(sys.argv[1])
net = ls.Network(seed=1)
net.add("n", n, "iaf_psc_exp", I_e=400.0)
net.connect("n", "n", "fixed_indegree", indegree=10, weight=20.0)
net.record("n", "spikes")
with ls.Simulation(net, threads=1) as sim:
    sim.run(100.0)
    steps = 2_000_000 // n
    began = time.process_time()
    sim.run(0.1 * steps)
    print((time.process_time() - began) / steps * 1e6)
"""


def python(arguments: list[str], root: Path, cache: Path) -> str:
    """The output of Python with these arguments; lifsim is imported from `root`, and its cache is `cache`."""
    elsewhere = cache.parent  # a folder without another lifsim
    environment = os.environ | {"PYTHONPATH": str(root), "LIFSIM_CACHE_DIR": str(cache)}
    environment["PYTHONDONTWRITEBYTECODE"] = ""  # bytecode is kept, as it is beside installed packages
    done = subprocess.run([sys.executable, *arguments], env=environment, cwd=elsewhere, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def code(text: str, *arguments: str) -> Measure:
    """A measurement: the number that this code prints."""
    return lambda root, cache: float(python(["-c", text, *arguments], root, cache).split()[-1])


def cold(*runs: str) -> Measure:
    """A measurement: seconds of compiling for the last of these runs, beginning with an empty cache."""
    return from_nothing(code(COMPILE, *runs))


def command(*words: str) -> Measure:
    """A measurement: the wall time (s) of a command."""

    def measure(root: Path, cache: Path) -> float:
        began = time.perf_counter()
        python(["-m", "lifsim", *words], root, cache)
        return time.perf_counter() - began

    return measure


def from_nothing(measure: Measure) -> Measure:
    """The same measurement with an empty cache of compiled code."""

    def emptied(root: Path, cache: Path) -> float:
        with tempfile.TemporaryDirectory(dir=cache.parent) as empty:
            return measure(root, Path(empty) / "cache")

    return emptied


def figures(folder: Path, repeats: int) -> Iterator[tuple[str, str, int, Measure]]:
    """For each measurement: its name, its unit, the number of repeats, and its function."""

    for name, run in NETWORKS.items():
        yield f"compile {name}", "s", repeats, cold(run)
    yield "after brunel: coba", "s", repeats, cold("brunel", "coba")
    yield "after brunel: brunel in float32", "s", repeats, cold("brunel", "brunel float32")
    yield "after hpc: vogels_sprekeler", "s", repeats, cold(NETWORKS["hpc, a part"], "vogels_sprekeler")
    words = ("run", "brunel", "--plot", "--overwrite", "-o")
    yield "compile, run, plot: README's lifsim run brunel --plot", "s wall", repeats, from_nothing(command(*words, str(folder / "b.h5")))
    yield "first run of a process", "s", 3 * repeats, code(FIRST)
    yield "a small run, in memory", "ms", 3 * repeats, code(SMALL)
    yield "a small run, to a file", "ms", 3 * repeats, code(SMALL, str(folder / "small.h5"))
    for n in (10, 100, 1000):
        yield f"a step of {n} neurons", "µs", 3 * repeats, code(STEP, str(n))
    yield "lifsim run single_neuron", "s wall", 3 * repeats, command("run", "single_neuron", "-o", str(folder / "x.h5"), "--overwrite")


def options_of(description: str | None, repeats: int) -> argparse.Namespace:
    """The options of the command line; `repeats` is the default of theirs."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="a folder with another lifsim/")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--only", default="", help="figures whose name holds this")
    return parser.parse_args()


def print_figures(options: argparse.Namespace, figures: Callable[[Path, int], Iterator[tuple[str, str, int, Measure]]]) -> None:
    """Measure, and print a table with a row for each figure."""
    roots = [HERE, *([options.against.resolve()] if options.against else [])]
    head = ["", "", "here", *(["there", "ratio"] if options.against else [])]
    print(line(head), line(["---"] * len(head)), sep="\n")
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as text:
        folder = Path(text)
        for name, unit, repeats, measure in figures(folder, options.repeats):
            if options.only not in name:
                continue
            found: list[list[float]] = [[] for _ in roots]
            warm = not name.startswith(("compile", "after"))
            for k in range(repeats + warm):
                for i in range(len(roots)) if k % 2 else reversed(range(len(roots))):
                    seconds = measure(roots[i], folder / f"cache{i}")
                    if k or not warm:  # the first may have to compile
                        found[i].append(seconds)
            ratio = [f"{statistics.median(found[0]) / statistics.median(found[1]):.3f}"] if options.against else []
            print(line([name, unit, *map(summary, found), *ratio]), flush=True)


if __name__ == "__main__":
    print_figures(options_of(__doc__, 3), figures)
