"""Common code of the NEST scripts: sets up the kernel, and runs a network."""

from __future__ import annotations

import argparse
import time

import nest
from common import DT, report


def start(work: argparse.Namespace) -> float:
    """Set up the kernel; returns the time at which building began."""
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.SetKernelStatus({"resolution": DT, "local_num_threads": work.threads, "rng_seed": 1, "print_time": False})
    return time.perf_counter()


def run(work: argparse.Namespace, began: float, populations: list) -> None:
    """Record all spikes of `populations` in memory, simulate, and print the measurements. NEST computes in float64 only."""
    recorder = nest.Create("spike_recorder")
    for population in populations:
        nest.Connect(population, recorder)
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(work.duration)
    run_s = time.perf_counter() - built
    nest.Cleanup()
    neurons = sum(len(population) for population in populations)
    facts = {"version": nest.__version__, "precision": "float64", "compile_s": None}
    facts["build_includes"] = "creating, connecting and nest.Prepare"
    report(work, neurons, recorder.n_events, run_s, built - began, **facts)
