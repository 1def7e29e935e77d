"""if_psc_delta: no leak, each spike that arrives makes the potential jump by its weight (mV); soft reset.

    dv/dt = I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) + I h/C_m + Σ w,   v ← v - (V_th - V_reset) at v >= V_th

What exceeds the threshold stays, so that the number of spikes is the integral of the input, up to one (reset by
subtraction: Rueckauer et al. 2017, Front. Neurosci. 11:682). A neuron fires once a step at most; input to a refractory
one is lost.
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
V, INHIBITION = range(2)  # the rows of the state
TAKEN = 1  # the number of the constant after the threshold


class IfPscDelta(NamedTuple):
    """The mark of the model."""


Kind = IfPscDelta


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold, and what a spike takes away."""
    return p["V_th"], taken_by_a_spike(p)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """What 1 pA of constant current adds to v in a step, mV/pA."""
    return np.asarray(dt / np.asarray(p["C_m"]))


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    push(x.state[V, w.lo : w.hi], drive)


@merged
def receive(c, x, w):
    """What has arrived in the potentials of `w` takes effect."""
    if x.channels > 1:
        join(x.state[V, w.lo : w.hi], x.state[INHIBITION, w.lo : w.hi])


@merged
def spike(row, c, x, w, key, out):
    """Those at threshold fire."""
    return subtract_at_threshold(row, constant(c, TAKEN, w.lo, w.hi), c, x, w, out)
