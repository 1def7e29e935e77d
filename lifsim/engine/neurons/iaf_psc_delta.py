"""iaf_psc_delta: each arriving spike increments the membrane potential by its weight (mV).

    dv/dt = -v/tau_m + I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) exp(-h/tau_m) + I tau_m/C_m (1 - exp(-h/tau_m)) + Σ w

Input to a refractory neuron is lost; with `refractory_input` it is kept, decays like v, and is added to v at the end of the
refractory period. Weights are added to v directly. If the network also has models with separate sums of excitatory and
inhibitory weights, negative weights are first added to `inhibition`, until all input of the step has arrived.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.compiler.overloads import is_array, overload
from lifsim.engine.neurons.membrane import current_to_v, decay, leak, push
from lifsim.engine.neurons.state import at, constant, of_all

STATES = ("V_m", "inhibition", "kept")
CHANNELS = 1
V, INHIBITION, KEPT = range(3)  # rows of the state
P33, V_MIN, KEEP = range(1, 4)  # indices of the constants after the threshold


class IafPscDelta(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafPscDelta


class DeltaConstants(NamedTuple):
    """Constants, each one number for all neurons or an array.

    theta : threshold, mV above E_L. P33 : the factor by which v decays in a step. v_min : lower bound, mV above E_L. keep : 1 if input to
    refractory neurons is kept, else 0.
    """

    theta: Any
    P33: Any
    v_min: Any
    keep: Any


def constants(p: dict[str, Any], dt: float) -> DeltaConstants:
    """The constants of an update by one time step, from parameters in the user's units."""
    return DeltaConstants(p["V_th"] - np.asarray(p["E_L"]), leak(p, dt), p["V_min"] - np.asarray(p["E_L"]), float(p["refractory_input"]))


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """The increment of v in a step due to a constant current of 1 pA, mV/pA."""
    return current_to_v(p, dt)


@kernel
def release(v, kept, until, step):
    """Add the kept input to v of neurons whose refractory period has ended."""
    for i in range(len(v)):
        if kept[i] != 0 and until[i] <= step:
            v[i] += kept[i]
            kept[i] = 0


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    v = x.state[V, lo:hi]
    decay(constant(c, P33, lo, hi), v)
    push(v, drive)
    if of_all(constant(c, KEEP, lo, hi)) != 0:
        release(v, x.state[KEPT, lo:hi], x.until[lo:hi], w.step)
        for j in range(w.first, w.first + x.held.number[w.p]):  # so that v becomes the sum of the arriving weights
            x.state[V, w.first + x.held.offset[j]] = 0


@merged
def receive(c, x, w):
    """Apply the input that has arrived at the neurons of `w`."""
    lo, hi = w.lo, w.hi
    v = x.state[V, lo:hi]
    if x.channels > 1:
        join(v, x.state[INHIBITION, lo:hi])
    if of_all(constant(c, KEEP, lo, hi)) != 0:
        keep(constant(c, P33, lo, hi), x.held.offset[lo : lo + x.held.number[w.p]], v, x.state[KEPT, lo:hi], x.until[lo:hi], w.step)
    bound(constant(c, V_MIN, lo, hi), v)


@kernel
def join(v, inhibition):
    """Add the sum of the inhibitory weights to v, which already includes the excitatory ones."""
    for i in range(len(v)):
        v[i] += inhibition[i]
        inhibition[i] = 0


@kernel
def keep(decay, held, v, kept, until, step):
    """Keep the input to the refractory neurons (it is in v), reduced by its decay until the end of the refractory period."""
    for j in range(len(held)):
        i = held[j]
        kept[i] += v[i] * at(decay, i) ** (until[i] - step)


@kernel
def bound(v_min, v):
    """Limit v to values of at least v_min."""
    if bounds(v_min):
        for i in range(len(v)):
            v[i] = max(v[i], at(v_min, i))


def bounds(v_min: Any) -> bool:
    """Whether `v_min` is a lower bound of v (and not minus infinity)."""
    return bool(np.any(np.asarray(v_min) > -np.inf))


@overload(bounds)
def _bounds(v_min):
    if is_array(v_min):
        return lambda v_min: True
    return lambda v_min: v_min > -np.inf
