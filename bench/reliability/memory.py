"""R7: compares the memory forecast before building with the peak that the system reports, for shipped networks and for networks whose
memory is not dominated by synapses.

python bench/reliability/memory.py [NAME …]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable

import lifsim as ls
from lifsim.building.needs import BASE, estimate
from lifsim.common import memory
from lifsim.modelfile.reader import load_with_settings

DURATION = 50.0  # ms
DRAWN = {"normal": [10.0, 1.0]}
SHIPPED = [
    ("single_neuron", "float64", "", "1"),
    ("brunel", "float64", "", "1"),
    ("brunel", "float64", "", "2"),
    ("brunel", "float32", "", "2"),
    ("brunel_alpha", "float64", "", "2"),
    ("cuba", "float64", "", "1"),
    ("cuba", "float64", "", "1", "n=200000"),
    ("coba", "float64", "", "1"),
    ("microcircuit", "float32", "float32", "2", "scale=0.25", "k_scale=0.4"),
    ("microcircuit", "float32", "compact", "2", "scale=0.25", "k_scale=0.4"),
    ("microcircuit", "float64", "float64", "1", "scale=0.25", "k_scale=0.4"),
    ("hpc", "float64", "", "2", "C_ex=2000"),
    ("vogels_sprekeler", "float64", "", "1"),
    ("spatial", "float64", "", "1", "indegree=800"),
    ("synfire", "float64", "", "1"),
    ("tsodyks", "float64", "", "1"),
]


def network(n: int, rule: str = "", **own: object) -> ls.Network:
    """`n` neurons that fire, connected among themselves by `rule`; spikes are recorded."""
    net = ls.Network(seed=1, duration=DURATION)
    net.add("n", n, "iaf_psc_exp", I_e=450.0)
    net.record("n")
    if rule:
        net.connect("n", "n", rule, **{"weight": 0.001, "delay": 1.5, **own})
    return net


def driven(sources: int, model: str, indegree: int) -> ls.Network:
    """1000 neurons with input from `indegree` of the `sources` generators each."""
    net = network(1000)
    net.add("g", sources, model, **({"rate": 10.0} if model == "poisson_generator" else {}))
    net.connect("g", "n", "fixed_indegree", indegree=indegree, weight=0.001)
    return net


def sampled() -> ls.Network:
    """A network with a recording of 160 MB."""
    net = network(4000, "fixed_indegree", indegree=100)
    net.record("n", ["V_m"], interval=0.1)
    net.recordings = net.recordings[1:]
    return net


SHAPES: dict[str, Callable[[], ls.Network]] = {
    "few neurons, many synapses": lambda: network(100, "fixed_indegree", indegree=10**6),
    "few neurons, many synapses, drawn weights": lambda: network(100, "fixed_indegree", indegree=10**6, weight=DRAWN),
    "ten targets": lambda: network(10, "fixed_indegree", indegree=10**7),
    "one target of huge in-degree": lambda: network(1, "fixed_indegree", indegree=10**8),
    "one target, plastic": lambda: network(1, "fixed_indegree", indegree=10**7, weight=1.0, synapse="stdp_synapse"),
    "without multapses": lambda: network(20_000, "fixed_indegree", indegree=5000, allow_multapses=False),
    "given number of targets": lambda: network(20_000, "fixed_outdegree", outdegree=1000),
    "given total": lambda: network(100, "fixed_total_number", N=10**8),
    "each with a probability": lambda: network(10_000, "pairwise_bernoulli", p=0.9),
    "all to all": lambda: network(10_000, "all_to_all", weight=DRAWN),
    "one long delay": lambda: network(100, "fixed_indegree", indegree=10, delay=0.1 * 2**25),
    "delays of a wide range": lambda: network(1000, "fixed_indegree", indegree=10, delay={"uniform": [1.0, 100_000.0]}),
    "many delays": lambda: network(1000, "fixed_indegree", indegree=100, delay={"uniform": [1.0, 1000.0]}),
    "many neurons": lambda: network(2_000_000),
    "many generators of spikes": lambda: driven(1000, "poisson_generator", 2000),
    "many generators of currents": lambda: driven(1000, "dc_generator", 2000),
}
IN_MEMORY = {"samples kept in memory": sampled}


def run(net: ls.Network, precision: str, weights: str, threads: str, in_memory: bool) -> None:
    """Run a network in this process, and print the peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        out = None if in_memory else folder + "/run.h5"
        ls.run(net, DURATION, precision=precision, weights=weights or None, threads=int(threads), out=out)
    print(memory.peak())


def foretold(net: ls.Network, precision: str, weights: str, threads: str, in_memory: bool) -> float:
    """The forecast in bytes: the network, and the traces if they are kept in memory."""
    samples = sum(8 * len(r.view) * DURATION / r.interval for r in net.recordings if r.variable != "spikes") if in_memory else 0
    return estimate(net, precision, int(threads), weights or None)["bytes"] + samples


def made(name: str, settings: list[str]) -> tuple[ls.Network, bool]:
    """The network called `name`, and whether it records into memory."""
    shape = (SHAPES | IN_MEMORY).get(name)
    return (shape() if shape else load_with_settings(name, settings)), name in IN_MEMORY


def peak_of(*case: str) -> int:
    """The peak memory of a process that runs this case without compiling."""
    for _ in range(2):  # the first may have to compile
        got = subprocess.run([sys.executable, __file__, "--run", *case], check=True, capture_output=True)
    return int(got.stdout)


def main(names: list[str]) -> None:
    """Compare all networks, or those named. The part of the libraries in memory varies with the system's file cache, and is left out."""
    cases = [*SHIPPED, *((name, "float64", "", "1") for name in (*SHAPES, *IN_MEMORY))]
    cases = [case for case in cases if not names or case[0] in names]
    outside, libraries = 0, peak_of("single_neuron", "float64", "", "1") - int(BASE)
    print(f"libraries take {libraries / 1e6:+.0f} MB beside {memory.said(BASE)} here, which is left out")
    for name, precision, weights, threads, *settings in cases:
        net, in_memory = made(name, settings)
        told = foretold(net, precision, weights, threads, in_memory)
        peak = peak_of(name, precision, weights, threads, *settings) - libraries
        outside += abs(told / peak - 1) > 0.1
        what = " ".join(filter(None, [name, precision, weights, f"{threads} thread(s)", *settings]))
        print(f"{what}: foretold {memory.said(told)}, used {memory.said(peak)}: {100 * (told / peak - 1):+.1f} %", flush=True)
    print(f"{len(cases)} networks, {outside} outside of 10 %")
    sys.exit(outside > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        net, in_memory = made(sys.argv[2], sys.argv[6:])
        run(net, sys.argv[3], sys.argv[4], sys.argv[5], in_memory)
    else:
        main(sys.argv[1:])
