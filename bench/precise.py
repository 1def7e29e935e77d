"""Times a sparsely active network with spike times on the grid and with exact ones, for several rates and time steps.

    python bench/precise.py                                  # 100,000 neurons, 0.1 to 3 spikes/s, dt = 0.1 and 0.01 ms
    python bench/precise.py --neurons 20000 --rates 0.3 --threads 2

A few neurons with a suprathreshold current fire at about 20 spikes/s and drive all others through weak synapses; their number determines
the mean rate. Each neuron has 50 synapses with a delay of 1.5 ms. The table shows the time of `Simulation.run` without compilation, the
shortest of several runs of 1 s of biological time, and the processor time of all threads in that run.
"""

from __future__ import annotations

import argparse
import time

import machine
import numpy as np
from table import line

import lifsim as ls

OWN_RATE = 20.0  # spikes/s of a neuron with a suprathreshold current
HEAD = ["dt (ms)", "Rate (spikes/s)", "Arrivals a neuron (1/s)", "Grid (s)", "Exact (s)", "Grid / exact", "Grid CPU (s)", "Exact CPU (s)"]


def network(neurons: int, rate: float, dt: float, indegree: int = 50) -> ls.Network:
    """A network in which as many neurons have a suprathreshold current as give the mean `rate`; the others stay below threshold."""
    net = ls.Network(dt=dt)
    current = np.random.default_rng(1).uniform(0.0, 200.0, neurons)
    current[:: round(OWN_RATE / rate)] = 395.0
    net.add("n", neurons, "iaf_psc_exp", I_e=current, V_m={"uniform": [-70.0, -56.0]})
    net.connect("n", "n", "fixed_indegree", indegree=indegree, weight=10.0, delay=1.5)
    net.record("n", "rate", interval=100.0)
    return net


def measure(net: ls.Network, method: str, threads: int, repeats: int) -> tuple[float, float, float]:
    """Wall time (s) and processor time (s) for one second of biological time, and the mean rate (spikes/s)."""
    walls, cpus = [], []
    with ls.Simulation(net, method=method, threads=threads) as sim:
        sim.run(100.0)
        for _ in range(repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            sim.run(1000.0)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        rate = float(sim.result().traces["n"]["rate"][1:].mean())
    return min(walls), min(cpus), rate


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.3, 1.0, 3.0])
    parser.add_argument("--dt", type=float, nargs="+", default=[0.1, 0.01])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(machine.facts())
    print(line(HEAD))
    for dt in options.dt:
        for wanted in options.rates:
            net = network(options.neurons, wanted, dt)
            grid, grid_cpu, rate = measure(net, "grid", options.threads, options.repeats)
            exact, exact_cpu, _ = measure(net, "precise", options.threads, options.repeats)
            numbers = [rate, 50 * rate, grid, exact, grid / exact, grid_cpu, exact_cpu]
            print(line([f"{dt:g}", *(f"{x:.3g}" for x in numbers)]), flush=True)


if __name__ == "__main__":
    main()
