"""Measures what it costs to read and change a simulation while it runs: loops through Python, trials, the pole of docs/closed_loops.md.

    python bench/interactive.py
    python bench/interactive.py --against ../release     # compared with the lifsim in another folder, in turn

Times are processor time of one thread, except that an iteration of the pole is measured in wall time, which is what it has to keep up
with. "Beside its steps" is the time without that of the same number of steps done in one go. Each figure is the median
(smallest–largest) of `--repeats` separate processes. With `--against`, the figures of both versions and the ratio of their medians are
printed; the other version must have the calls that are measured. No other program should run at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from startup import HERE, Measure, code, options_of, print_figures

PAGE = HERE / "docs" / "closed_loops.md"
# The time (ms) of an iteration of 1 ms beside its ten steps, or only that of the steps.
LOOP = """
import sys, time
import numpy as np
import lifsim as ls
net = ls.Network(seed=1)
net.add("n", 1000, "iaf_psc_exp", I_e=400.0, V_m={"uniform": [-70.0, -55.0]})
net.connect("n", "n", "fixed_indegree", indegree=10, weight=20.0)
net.record("n", "spikes")
current = np.full(1000, 400.0)
with ls.Simulation(net, threads=1) as sim:
    def loop(k):
        began = time.process_time()
        for _ in range(k):
            sim.run(1.0)
            spikes = sim.spikes()["n"]
            v = sim.get("n", "V_m")
            current[:] = 400.0 + (v < -65.0)
            sim.set("n", I_e=current)
        return (time.process_time() - began) / k
    loop(100)
    whole = loop(1000)
    began = time.process_time()
    sim._engine.advance(10_000)
    steps = (time.process_time() - began) / 1000
print((steps if sys.argv[1:] else whole - steps) * 1000)
"""
# The time (µs) of a call of `spikes`, or of `result`, in the 50 iterations before and after a given one, the median.
CALL = """
import statistics, sys, time
import lifsim as ls
call, middle = sys.argv[1], int(sys.argv[2])
net = ls.Network(seed=1)
net.add("n", 1000, "iaf_psc_exp", I_e=400.0, V_m={"uniform": [-70.0, -55.0]})
net.record("n", "spikes")
taken = []
with ls.Simulation(net, threads=1, progress=False) as sim:
    for k in range(middle + 50):
        sim.run(1.0)
        if call == "spikes" or k >= middle - 50:
            began = time.perf_counter()
            getattr(sim, call)()
            taken.append(time.perf_counter() - began)
print(statistics.median(taken[-100:]) * 1e6)
"""
# The time (ms) of a trial of 100 ms, with `reset` or with a new simulation, beside its steps.
TRIALS = """
import sys, time
import lifsim as ls
net = ls.Network(seed=1)
net.add("n", 100, "iaf_psc_exp", I_e=400.0, V_m={"uniform": [-70.0, -55.0]})
net.add("noise", 1, "poisson_generator", rate=8000.0)
net.connect("noise", "n", weight=10.0)
net.connect("n", "n", "fixed_indegree", indegree=10, weight=20.0)
net.record("n", "spikes")
with ls.Simulation(net, threads=1) as sim:
    def trial(k):
        if sys.argv[1] == "reset":
            sim.reset(seed=k)
            sim.run(100.0)
            return sim.spikes()["n"]
        with ls.Simulation(net, seed=k, threads=1) as new:
            new.run(100.0)
            return new.spikes()["n"]
    for k in range(20):
        trial(k)
    began = time.process_time()
    for k in range(200):
        trial(k)
    whole = (time.process_time() - began) / 200
    sim.reset()
    began = time.process_time()
    sim._engine.advance(20_000)
    steps = (time.process_time() - began) / 20
print((whole - steps) * 1000)
"""
# The wall time (ms) of an iteration of the pole that the page (an argument) balances: the median or, in place of it, the 99th percentile.
POLE = """
import re, sys, time
from pathlib import Path
blocks = re.findall(r"^```python\\n(.*?)^```$", Path(sys.argv[1]).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
own = [k for k, body in enumerate(blocks) if "def motion(" in body or "def balance(" in body]
session = {}
exec(blocks[0], session)
for body in blocks[own[0] : own[1] + 1]:
    exec(body.split("\\npath = ")[0], session)
motion, at = session["motion"], []
def clocked(state, force):  # called once in each iteration
    at.append(time.perf_counter())
    return motion(state, force)
session["motion"] = clocked
session["balance"](200.0)
at.clear()
session["balance"](10_000.0)
taken = sorted(b - a for a, b in zip(at, at[1:]))
print(taken[int(float(sys.argv[2]) * len(taken))] * 1000)
"""
# The time (ms) to record the weights of 1,000 plastic synapses once.
WEIGHTS = """
import time
import lifsim as ls
def seconds(recorded):
    net = ls.Network(seed=1)
    net.add("trains", 20, "poisson_generator", rate=20.0)
    net.add("pre", 20, "parrot_neuron")
    net.add("post", 50, "iaf_psc_exp", I_e=400.0)
    net.connect("trains", "pre", "one_to_one")
    net.connect("pre", "post", weight=20.0, delay=1.5, synapse="stdp_synapse")
    if recorded:
        net.record_weights("pre", "post", interval=1.0)
    with ls.Simulation(net, threads=1) as sim:
        sim.run(500.0)
        began = time.process_time()
        sim.run(2000.0)
        return time.process_time() - began
plain = seconds(False)
print((seconds(True) - plain) / 2000 * 1000)
"""


def figures(_folder: Path, repeats: int) -> Iterator[tuple[str, str, int, Measure]]:
    """For each measurement: its name, its unit, the number of repeats, and its function."""
    yield "run(1.0), spikes, get, set of 1,000 neurons, beside its steps", "ms", repeats, code(LOOP)
    yield "its ten steps", "ms", repeats, code(LOOP, "steps")
    for call, at in (("spikes", 100), ("spikes", 1900), ("result", 100), ("result", 1900)):
        yield f"{call}() at iteration {at:,}", "µs", repeats, code(CALL, call, str(at))
    yield "a trial of 100 ms by reset(seed=k), 100 neurons, beside its steps", "ms", repeats, code(TRIALS, "reset")
    yield "the same by a new Simulation", "ms", repeats, code(TRIALS, "new")
    yield "an iteration of the pole, median", "ms wall", repeats, code(POLE, str(PAGE), "0.5")
    yield "an iteration of the pole, 99th percentile", "ms wall", repeats, code(POLE, str(PAGE), "0.99")
    yield "a sample of 1,000 weights", "ms", repeats, code(WEIGHTS)


if __name__ == "__main__":
    print_figures(options_of(__doc__, 5), figures)
