"""Common code of the Brian2 scripts: sets up the C++ standalone device, and runs a network.

The time is the wall time of the simulation loop alone, measured by a clock that is inserted into the generated program
(Brian2's own measurement is processor time if OpenMP is off). OpenMP is used with two or more threads.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import brian2 as b2
import numpy as np
from common import DT, report

CLOCK = "const auto loop_began = std::chrono::steady_clock::now();"
WRITE = """{{
    std::ofstream file("{}");
    file << std::chrono::duration<double>(std::chrono::steady_clock::now() - loop_began).count();
}}"""


def start(work: argparse.Namespace) -> float:
    """Set up the device; returns the time at which building began."""
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = work.threads if work.threads > 1 else 0
    b2.prefs.core.default_float_dtype = {"float64": np.float64, "float32": np.float32}[work.precision]
    b2.prefs.codegen.cpp.headers += ["<chrono>", "<fstream>"]
    b2.defaultclock.dt = DT * b2.ms
    b2.seed(1)
    return time.perf_counter()


def run(work: argparse.Namespace, began: float, neurons: b2.NeuronGroup, *others: b2.BrianObject) -> None:
    """Record all spikes of `neurons` in memory, compile, simulate, and print the measurements."""
    monitor = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, monitor, *others)
    with tempfile.TemporaryDirectory() as folder:
        elapsed = Path(folder) / "loop_s"
        b2.device.insert_code("before_network_run", CLOCK)
        b2.device.insert_code("after_network_run", WRITE.format(elapsed))
        network.run(work.duration * b2.ms)
        described = time.perf_counter() - began
        b2.device.build(directory=str(Path(folder) / "code"), compile=True, run=True, with_output=False)
        run_s = float(elapsed.read_text())
        timers = b2.device.timers
        spikes = monitor.num_spikes
    build_s = described + timers["run_binary"] - run_s
    facts = {"version": b2.__version__, "precision": work.precision, "compile_s": timers["compile"]["make"]}
    facts["build_includes"] = "describing, and the program but for its loop (drawing the network, writing results); compile_s: make"
    report(work, len(neurons), int(spikes), run_s, build_s, **facts)
