"""Times the command `lifsim run` on shipped networks, compared with other simulators if they are installed.

    python bench/networks.py brunel                                   # lifsim alone, 1 and 2 threads
    python bench/networks.py brunel cuba --nest PYTHON --brian2 PYTHON --genn PYTHON
    python bench/networks.py brunel --nest wheel=PYTHON --nest native=PYTHON
    python bench/networks.py microcircuit --scale 0.1 --k-scale 0.1 --brian2 PYTHON

A peer is another simulator, given as the Python interpreter in whose environment it is installed. Each run is a separate process; lifsim
and the peers run in turn (lifsim, peer, peer, lifsim, …) on the same network and record all spikes, lifsim to a file, the peers in
memory. The times are those of the simulation; building and compiling are reported separately. The table shows medians
(smallest–largest); ratios are computed for each round of runs, because the speed of a computer drifts. `--json` stores all
measurements, `--plot` plots them (bench/plot.py plots a stored file).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import machine
from table import OWN, head, rows

HERE = Path(__file__).resolve().parent
DT = 0.1  # ms, of the model files and of the peers' scripts
Run = dict[str, Any]


class Network(NamedTuple):
    """A shipped model, its parameters in this benchmark, the arguments of the peers' scripts, and the default duration (ms)."""

    model: str
    settings: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    duration: float = 1000.0


class Peer(NamedTuple):
    """Another simulator: its name in the table, its key in `NAMES`, and the Python interpreter in whose environment it is installed."""

    name: str
    simulator: str
    python: str


MODULES = {"nest": "nest", "brian2": "brian2", "genn": "pygenn"}
NAMES = {"nest": "NEST", "brian2": "Brian2", "genn": "GeNN"}
SINGLE_THREADED = {"genn"}
COBA = ("rule=pairwise_bernoulli", "I_e=200", "kick=0", "V_high=-50")  # the variant of published benchmarks: with a constant current
TOO_LARGE = {("brian2", "microcircuit"): 0.1}  # fraction of the synapses above which a peer needs too much memory


def networks(scale: float, k_scale: float) -> dict[str, Network]:
    """The networks that can be timed, by name; the scales are those of the microcircuit."""
    scales = (f"scale={scale}", f"k_scale={k_scale}"), ("--scale", str(scale), "--k-scale", str(k_scale))
    return {
        "brunel": Network("brunel", ("V_reset=0",)),  # as in NEST's example
        "cuba": Network("cuba"),
        "cuba64k": Network("cuba", ("n=64000",), ("--size", "64000")),  # 80 inputs per neuron, as with 4,000 neurons
        "coba": Network("coba", COBA, duration=10_000.0),  # simulating one second takes only 0.05 s
        "coba64k": Network("coba", (*COBA, "n=64000"), ("--size", "64000")),
        "hpc": Network("hpc", ("C_ex=2000",)),  # reduced: 18 million plastic synapses
        "microcircuit": Network("microcircuit", *scales),
    }


def own_names(options: argparse.Namespace) -> dict[str, str | None]:
    """Name → storage of weights for each variant of lifsim; ratios refer to the first variant."""
    first, *others = options.weights or [None]
    return {OWN: first} | {f"{OWN} ({weights})": weights for weights in others}


def lifsim(network: Network, threads: int, options: argparse.Namespace, weights: str | None) -> Run:
    """The measurements of one run of `lifsim run` in a separate process."""
    import lifsim as ls

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        command = [sys.executable, "-m", "lifsim", "run", network.model, "-q", "-o", str(out)]
        command += ["--threads", str(threads), "--duration", str(network.duration), "--precision", options.precision]
        command += ["--weights", weights] if weights else []
        command += [word for setting in (*network.settings, *options.set) for word in ("--set", setting)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        with ls.open(out) as result:
            return measured(result, network.duration, options.precision + (f", {weights} weights" if weights else ""))


def measured(result: Any, duration: float, precision: str) -> Run:
    """The measurements in a results file, with the names that the peers' scripts print."""
    info, timings = result.info, result.info["timings"]
    spikes = sum(len(result.spikes[population]) for population in result.spikes)
    return {
        "rtf": info["real_time_factor"],
        "run_s": timings["simulate"] + timings["record"],
        "build_s": timings["build"],
        "compile_s": timings["compile"],
        "total_s": timings["total"],
        "build_includes": "drawing the network and laying it out; compile_s: from the cache after the first run",
        "rate": spikes / info["neurons"] / duration * 1000,
        "neurons": info["neurons"],
        "spikes": spikes,
        "version": info["versions"]["lifsim"],
        "versions": info["versions"],
        "precision": precision,
    }


def peer_run(peer: Peer, network: Network, threads: int, options: argparse.Namespace) -> Run:
    """The measurements of one run of another simulator, by its script in bench/peers."""
    script = HERE / "peers" / f"{peer.simulator}_{network.model}.py"
    command = [peer.python, str(script), str(threads), str(network.duration), options.precision, *network.arguments]
    with tempfile.TemporaryDirectory() as folder:  # for files that the simulator leaves behind
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return json.loads(done.stdout.splitlines()[-1])


def note(text: str) -> None:
    """Print a message that is not part of the table."""
    print(text, file=sys.stderr, flush=True)


def parse_peer(simulator: str) -> Callable[[str], Peer]:
    """A parser of arguments PYTHON or NAME=PYTHON; NAME distinguishes two builds of a simulator."""

    def parse(text: str) -> Peer:
        label, equals, python = text.rpartition("=")
        if os.sep in label:
            label, equals, python = "", "", text
        return Peer(f"{NAMES[simulator]} ({label})" if equals else NAMES[simulator], simulator, python)

    return parse


def installed(peer: Peer) -> bool:
    """Whether the interpreter exists and can import the simulator; prints a message if not."""
    find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{MODULES[peer.simulator]}') is None)"
    try:
        found = subprocess.run([peer.python, "-c", find], capture_output=True).returncode == 0
    except OSError as error:
        note(f"{peer.name} left out: {peer.python}: {error.strerror}")
        return False
    if not found:
        note(f"{peer.name} left out: {peer.python} has no module {MODULES[peer.simulator]}")
    return found


def takes_part(peer: Peer, network: Network, threads: int, part: float) -> bool:
    """Whether a peer can run this network; prints a message if not. `part`: fraction of the microcircuit's synapses."""
    if threads > 1 and peer.simulator in SINGLE_THREADED:
        note(f"{peer.name} left out with {threads} threads: its CPU backend has one")
        return False
    if part > TOO_LARGE.get((peer.simulator, network.model), part):
        note(f"{peer.name} left out of {network.model}: too large for its memory (see --scale and --k-scale)")
        return False
    return True


def compare(network: Network, threads: int, options: argparse.Namespace, peers: list[Peer]) -> dict[str, list[Run]]:
    """Run each simulator `repeats` times, in turn; a peer that fails is left out."""
    runs: dict[str, list[Run]] = {own: [] for own in own_names(options)}
    peers = [peer for peer in peers if takes_part(peer, network, threads, options.scale * options.k_scale)]
    for _ in range(options.repeats):
        for own, weights in own_names(options).items():
            runs[own].append(lifsim(network, threads, options, weights))
        for peer in list(peers):
            try:
                runs.setdefault(peer.name, []).append(peer_run(peer, network, threads, options))
            except subprocess.CalledProcessError as error:
                note(f"{peer.name} left out, it failed: {last_line(error)}")
                peers.remove(peer)
                runs.pop(peer.name)
    return runs


def last_line(error: subprocess.CalledProcessError) -> str:
    """The last line that a failed command printed."""
    lines = (error.stderr or error.stdout or "").strip().splitlines()
    return lines[-1] if lines else f"exit status {error.returncode}"


def facts(options: argparse.Namespace) -> dict[str, Any]:
    """The entries of the report that hold for all runs."""
    return {
        "machine": machine.facts(),
        "dt_ms": DT,
        "repeats": options.repeats,
        "precision": options.precision,
        "weights": options.weights or "as the precision",
        "recorded": "every spike of every neuron; lifsim to a file, the others in memory",
    }


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the measurements of each network and number of threads."""
    peers = [peer for peer in (*options.nest, *options.brian2, *options.genn) if installed(peer)]
    for name in options.networks:
        network = networks(options.scale, options.k_scale)[name]
        network = network._replace(duration=options.duration or network.duration)
        for weights in own_names(options).values():
            lifsim(network._replace(duration=10.0), options.threads[0], options, weights)  # compile the code and fill the caches
        for threads in options.threads:
            runs = compare(network, threads, options, peers)
            settings = [*network.settings, *options.set]
            yield {"network": name, "threads": threads, "duration_ms": network.duration, "settings": settings, "runs": runs}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", choices=networks(1.0, 1.0), metavar="NETWORK", help=", ".join(networks(1.0, 1.0)))
    for simulator, name in NAMES.items():
        peer = parse_peer(simulator)
        parser.add_argument(f"--{simulator}", type=peer, action="append", default=[], metavar="[NAME=]PYTHON", help=f"has {name}")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64", help="NEST has float64 only")
    storages = ["float64", "float32", "compact"]
    parser.add_argument("--weights", nargs="+", choices=storages, help="lifsim's storages of weights; ratios are to the first")
    parser.add_argument("--duration", type=float, help="ms; 1000, of small networks more")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the microcircuit's neurons")
    parser.add_argument("--k-scale", type=float, default=1.0, help="of the microcircuit's synapses a neuron")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter; for lifsim alone")
    parser.add_argument("--json", type=Path, help="all figures")
    parser.add_argument("--plot", type=Path, help="a picture")
    options = parser.parse_args()
    if options.set and (options.nest or options.brian2 or options.genn):
        parser.error("--set is for lifsim alone: the others would do other work")
    return options


def main() -> None:
    options = parse()
    report = facts(options) | {"results": []}
    print("\n".join(head()), flush=True)
    for result in measure(options):
        print("\n".join(rows(result)), flush=True)
        report["results"].append(result)
        if options.json:  # stored now, in case a later run fails
            options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    if options.plot:
        from plot import draw

        draw(report).savefig(options.plot, dpi=150)


if __name__ == "__main__":
    main()
