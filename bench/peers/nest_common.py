"""What the NEST scripts share: the kernel before a network is built, and the run after."""

from __future__ import annotations

import argparse
import time

import nest
from common import DT, report


def start(work: argparse.Namespace) -> float:
    """Sets the kernel. Returns when building began."""
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.SetKernelStatus({"resolution": DT, "local_num_threads": work.threads, "rng_seed": 1, "print_time": False})
    return time.perf_counter()


def run(work: argparse.Namespace, began: float, populations: list) -> None:
    """Records every spike of `populations` (in memory), simulates and reports. NEST computes in float64 only."""
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
