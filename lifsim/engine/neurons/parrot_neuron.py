"""parrot_neuron: sends each spike that arrives on at once, as often as it arrives.

So a spike sent at t, with the delay d, is sent on at t + d; several that arrive in a step are sent on as several. Weights
do not matter: each synapse adds 1 to the number of spikes that have arrived (see `lifsim.building.builder`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged

STATES = ("arrived",)
CHANNELS = 1


class ParrotNeuron(NamedTuple):
    """The mark of the model."""


Kind = ParrotNeuron


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """There is no threshold."""
    return (np.inf,)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """Currents have no effect."""
    return np.zeros(())


@merged
def advance(c, drive, x, w):
    """Nothing moves."""


@merged
def spike(row, c, x, w, key, out):
    """Lists each neuron as often as spikes have arrived at it."""
    return send_on(x.state[row, w.lo : w.hi], out)


@kernel
def send_on(arrived, out):
    """Each index as often as its number says, which is then 0; returns how many."""
    n = 0
    for i in range(len(arrived)):
        for _ in range(int(arrived[i])):
            out[n] = i
            n += 1
        arrived[i] = 0
    return n
