"""Common code of the GeNN scripts: exactly integrated neurons and inputs, and the run on the single-threaded CPU backend.

In a step, arriving spikes are added to the input, then the potential is propagated, then it is compared with the threshold. Delta
synapses therefore have an axonal delay that is one step shorter than the delay in NEST.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from math import exp

import pygenn
from common import DT, report

LIF = pygenn.create_neuron_model(
    "Lif",
    params=["decay", "drive", "E_L", "V_th", "V_reset", ("t_ref", "int")],
    vars=[("V", "scalar"), ("wait", "int")],
    sim_code="if (wait > 0) { wait--; } else { V = E_L + ((V - E_L) * decay) + Isyn + drive; }",
    threshold_condition_code="V >= V_th",
    reset_code="V = V_reset; wait = t_ref;",
)
EXPONENTIAL = pygenn.create_postsynaptic_model(
    "Exponential", params=["gain", "decay"], sim_code="injectCurrent(gain * inSyn); inSyn *= decay;"
)
POISSON = pygenn.create_current_source_model(  # an independent draw for every neuron and step, by Knuth's products
    "Poisson",
    params=["weight", "gain", "decay", "limit"],
    vars=[("current", "scalar")],
    injection_code="""
    scalar p = gennrand_uniform();
    while (p > limit) { current += weight; p *= gennrand_uniform(); }
    injectCurrent(gain * current);
    current *= decay;
    """,
)


def start(work: argparse.Namespace, name: str) -> tuple[pygenn.GeNNModel, float]:
    """Create an empty model; returns the model, and the time at which building began."""
    if work.threads != 1:
        sys.exit("GeNN's CPU backend has one thread")
    scalar = {"float32": "float", "float64": "double"}[work.precision]
    os.environ.setdefault("CXX", "g++ -march=native")
    model = pygenn.GeNNModel(scalar, name, backend="single_threaded_cpu", optimize_code=True)  # -O3 -ffast-math: not its default
    model.dt = DT
    model.seed = 1
    model.fuse_postsynaptic_models = True
    model.default_narrow_sparse_ind_enabled = True
    return model, time.perf_counter()


def gain(tau_m: float, tau_syn: float, C_m: float) -> float:
    """The increment (mV) of the potential in a step due to an exponential current of 1 pA."""
    return tau_m * tau_syn / (C_m * (tau_m - tau_syn)) * (exp(-DT / tau_m) - exp(-DT / tau_syn))


def neurons(model, name, n, V, tau_m, t_ref, *, drive=0.0, **params):
    """Add a population that records all spikes. `drive`: increment (mV) of the potential in a step due to a constant current."""
    params |= {"decay": exp(-DT / tau_m), "drive": drive, "t_ref": round(t_ref / DT)}
    population = model.add_neuron_population(name, n, LIF, params, {"V": V, "wait": 0})
    population.spike_recording_enabled = True
    return population


def poisson(model, population, rate, weight, gain=1.0, decay=0.0):
    """Give each neuron a Poisson train of `rate` Hz. A spike increments the potential, or a current if `gain` and `decay` are given."""
    params = {"weight": weight, "gain": gain, "decay": decay, "limit": exp(-rate * DT / 1000)}
    model.add_current_source("poisson_" + population.name, POISSON, population, params, {"current": 0.0})


def connect(model, source, target, weights, postsynaptic, rule):
    """Connect two populations with sparse ("ragged") connectivity."""
    return model.add_synapse_population(f"{source.name}_{target.name}", "SPARSE", source, target, weights, postsynaptic, rule)


def run(work: argparse.Namespace, model: pygenn.GeNNModel, began: float, populations: list) -> None:
    """Compile, draw the network, simulate step by step, and print the measurements."""
    steps = round(work.duration / DT)
    described = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        compiled = time.perf_counter()
        model.build(path_to_model=folder)
        loaded = time.perf_counter()
        model.load(num_recording_timesteps=steps)
        built = time.perf_counter()
        for _ in range(steps):
            model.step_time()
        run_s = time.perf_counter() - built
        model.pull_recording_buffers_from_device()
        spikes = sum(len(population.spike_recording_data[0][0]) for population in populations)
    facts = {"version": pygenn.__version__, "precision": work.precision, "compile_s": loaded - compiled}
    facts["build_includes"] = "describing and model.load (drawing the network); compile_s: model.build (generated C++)"
    report(work, sum(p.num_neurons for p in populations), spikes, run_s, described + built - loaded, **facts)
