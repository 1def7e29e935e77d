"""iaf_psc_delta: each spike that arrives makes the potential jump by its weight (mV).

    dv/dt = -v/tau_m + I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) exp(-h/tau_m) + I tau_m/C_m (1 - exp(-h/tau_m)) + Σ w

Input to a refractory neuron is lost; with `refractory_input` it is kept, decaying like v, until the
end of refractoriness. Weights are added to v itself; beside models that tell excitation from
inhibition, the negative ones wait in a sum of their own until all have arrived.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons.membrane import current_to_v, decay, leak, push
from lifsim.engine.neurons.state import at, constant, of_all

STATES = ("V_m", "inhibition", "kept")
CHANNELS = 1
V, INHIBITION, KEPT = range(3)  # the rows of the state
P33, V_MIN, KEEP = range(1, 4)  # the numbers of the constants after the threshold


class IafPscDelta(NamedTuple):
    """The mark of the model."""


Kind = IafPscDelta


class DeltaConstants(NamedTuple):
    """Per neuron or for all: threshold, decay of v, lower bound, whether refractory input is kept."""

    theta: Any
    P33: Any
    v_min: Any
    keep: Any


def constants(p: dict[str, Any], dt: float) -> DeltaConstants:
    """Step constants from parameters in the user's units."""
    return DeltaConstants(p["V_th"] - np.asarray(p["E_L"]), leak(p, dt), p["V_min"] - np.asarray(p["E_L"]), float(p["refractory_input"]))


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """What 1 pA of constant current adds to v in a step, mV/pA."""
    return current_to_v(p, dt)


@kernel
def release(v, kept, until, step):
    """Neurons that move again receive what was kept for them."""
    for i in range(len(v)):
        if kept[i] != 0 and until[i] <= step:
            v[i] += kept[i]
            kept[i] = 0


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    lo, hi = w.lo, w.hi
    v = x.state[V, lo:hi]
    decay(constant(c, P33, lo, hi), v)
    push(v, drive)
    if of_all(constant(c, KEEP, lo, hi)) != 0:
        release(v, x.state[KEPT, lo:hi], x.until[lo:hi], w.step)
        for j in range(w.first, w.first + x.held.number[w.p]):  # so that v becomes the sum of what arrives
            x.state[V, w.first + x.held.offset[j]] = 0


@merged
def receive(c, x, w):
    """What has arrived in the potentials of `w` takes effect."""
    lo, hi = w.lo, w.hi
    v = x.state[V, lo:hi]
    if x.channels > 1:
        join(v, x.state[INHIBITION, lo:hi])
    if of_all(constant(c, KEEP, lo, hi)) != 0:
        keep(constant(c, P33, lo, hi), x.held.offset[lo : lo + x.held.number[w.p]], v, x.state[KEPT, lo:hi], x.until[lo:hi], w.step)
    bound(constant(c, V_MIN, lo, hi), v)


@kernel
def join(v, inhibition):
    """Add the inhibitory weights to the excitatory ones."""
    for i in range(len(v)):
        v[i] += inhibition[i]
        inhibition[i] = 0


@kernel
def keep(decay, held, v, kept, until, step):
    """Keep what arrived (it is in v) at the refractory neurons, as it will have decayed when they move again."""
    for j in range(len(held)):
        i = held[j]
        kept[i] += v[i] * at(decay, i) ** (until[i] - step)


@kernel
def bound(v_min, v):
    """No potential is below v_min."""
    if bounds(v_min):
        for i in range(len(v)):
            v[i] = max(v[i], at(v_min, i))


def bounds(v_min: Any) -> bool:
    """Whether there is a lower bound."""
    return bool(np.any(np.asarray(v_min) > -np.inf))


@overload(bounds)
def _bounds(v_min):
    if isinstance(v_min, types.Array):
        return lambda v_min: True
    return lambda v_min: v_min > -np.inf
