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

from lifsim.engine.jit import kernel, merged
from lifsim.engine.neurons.iaf_psc_delta import join
from lifsim.engine.neurons.membrane import push
from lifsim.engine.neurons.spiking import count_above, hold_too
from lifsim.engine.neurons.state import at, constant, part

STATES = ("V_m", "inhibition")
CHANNELS = 1


class IfPscDelta(NamedTuple):
    """The mark of the model."""

    number: int


Kind = IfPscDelta


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold, and what a spike takes away (nothing where the threshold is infinite)."""
    step = p["V_th"] - np.asarray(p["V_reset"])
    return p["V_th"], np.where(np.isfinite(step), step, 0.0)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """What 1 pA of constant current adds to v in a step, mV/pA."""
    return np.asarray(dt / np.asarray(p["C_m"]))


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    push(x.state[0, w.lo : w.hi], drive)


@merged
def receive(c, x, w):
    """What has arrived in the potentials of `w` takes effect."""
    if x.channels > 1:
        join(x.state[0, w.lo : w.hi], x.state[1, w.lo : w.hi])


@kernel
def subtract(v, theta, size, refractory, until, step, out):
    """Take `size` from every v that has reached theta and is not held. Lists who fired in `out`; returns how many."""
    n = 0
    for a in range(0, len(v), 64):
        b = min(a + 64, len(v))
        hits, i = count_above(v[a:b], part(theta, a, b)), a
        while hits > 0:
            if v[i] >= at(theta, i):
                hits -= 1
                if until[i] <= step:
                    v[i] -= at(size, i)
                    until[i] = step + refractory[i] + 1
                    out[n] = i
                    n += 1
            i += 1
    return n


@merged
def spike(row, c, x, w, key, out):
    """Those at threshold fire, and are held if they have a refractory period."""
    lo, hi = w.lo, w.hi
    theta, size = constant(c, 0, lo, hi), constant(c, 1, lo, hi)
    n = subtract(x.state[row, lo:hi], theta, size, x.refractory[lo:hi], x.until[lo:hi], w.step, out)
    hold_too(x.held, w.p, lo, out[:n], x.until[lo:hi])
    return n
