"""parrot_neuron: repeats each arriving spike immediately.

A spike sent at t with the delay d is repeated at t + d. If several spikes arrive in a step, the neuron sends as many. Weights
do not matter: each synapse adds 1 to the number of spikes that have arrived (see `lifsim.building.parrots`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged

STATES = ("arrived",)
CHANNELS = 1


class ParrotNeuron(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = ParrotNeuron


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """An infinite threshold, because the model has none."""
    return (np.inf,)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """Zero, because currents have no effect."""
    return np.zeros(())


@merged
def advance(c, drive, x, w):
    """Nothing to propagate."""


@merged
def spike(row, c, x, w, key, out):
    """Write the index of each neuron to `out` once for each spike that has arrived at the neuron; returns the number of entries."""
    return send_on(x.state[row, w.lo : w.hi], out)


@kernel
def send_on(arrived, out):
    """Write index i to `out` ``arrived[i]`` times and set ``arrived[i]`` to 0; returns the number of entries."""
    n = 0
    for i in range(len(arrived)):
        for _ in range(int(arrived[i])):
            out[n] = i
            n += 1
        arrived[i] = 0
    return n
