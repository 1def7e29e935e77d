"""if_psc_delta: no leak; each arriving spike increments v by its weight (mV); soft reset.

    dv/dt = I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) + I h/C_m + Σ w,   v ← v - (V_th - V_reset) at v >= V_th

The reset keeps the excess over the threshold, so the number of spikes differs from the integral of the input by at most one
(reset by subtraction: Rueckauer et al. 2017, Front. Neurosci. 11:682). A neuron fires at most once per step; input to a
refractory neuron is lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons.iaf_psc_delta import join
from lifsim.engine.neurons.membrane import push
from lifsim.engine.neurons.spiking import subtract_at_threshold, taken_by_a_spike
from lifsim.engine.neurons.state import constant

STATES = ("V_m", "inhibition")
CHANNELS = 1
V, INHIBITION = range(2)  # rows of the state
TAKEN = 1  # index of the constant after the threshold


class IfPscDelta(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IfPscDelta


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold, and the amount that a spike subtracts from v (mV)."""
    return p["V_th"], taken_by_a_spike(p)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """The increment of v in a step due to a constant current of 1 pA, mV/pA."""
    return np.asarray(dt / np.asarray(p["C_m"]))


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    push(x.state[V, w.lo : w.hi], drive)


@merged
def receive(c, x, w):
    """Apply the input that has arrived at the neurons of `w`."""
    if x.channels > 1:
        join(x.state[V, w.lo : w.hi], x.state[INHIBITION, w.lo : w.hi])


@merged
def spike(row, c, x, w, key, out):
    """Apply the soft reset to the neurons at threshold."""
    return subtract_at_threshold(row, constant(c, TAKEN, w.lo, w.hi), c, x, w, out)
