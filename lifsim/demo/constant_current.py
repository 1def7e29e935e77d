"""Runs of neurons at constant currents, and what theory says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run

DT = 0.1  # ms
NEURON: dict[str, Any] = {
    "E_L": -70.0,
    "V_th": -55.0,
    "V_reset": -70.0,
    "C_m": 250.0,
    "tau_m": 10.0,
    "t_ref": 2.0,
}  # the defaults of iaf_psc_exp
MEMBRANE = {name: NEURON[name] for name in ("tau_m", "C_m", "E_L", "V_th")}  # what the rheobase depends on


def run_neurons(
    neurons: Mapping[str, Mapping[str, Any]], duration: float, model: str = "iaf_psc_exp", recorded: tuple[str, ...] = ("V_m",)
) -> Result:
    """Run populations of single neurons, or of as many neurons as `I_e` has values; spikes are recorded, and variables each step.

    Parameters
    ----------
    neurons : for each population, the parameters in which it differs from NEURON. duration : ms. model : the neuron model.
    recorded : variables.
    """
    net = Network(dt=DT)
    for name, changed in neurons.items():
        net.add(name, int(np.size(changed.get("I_e", 0.0))), model, **(NEURON | dict(changed)))
        net.record(name, "spikes")
        for variable in recorded:
            net.record(name, variable, interval=DT)
    return run(net, duration)


def rates(result: Result, population: str) -> np.ndarray:
    """The firing rate of each neuron of a regularly firing population, spikes/s: one over the mean interval; 0 of fewer than two spikes."""
    spikes, n = result.spikes[population], int(result.populations[population]["n"])
    out = np.zeros(n)
    for k in range(n):
        times = spikes.times[spikes.ids == k]
        if len(times) > 1:
            out[k] = 1000.0 * (len(times) - 1) / (times[-1] - times[0])
    return out
