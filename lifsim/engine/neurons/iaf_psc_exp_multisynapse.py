"""iaf_psc_exp_multisynapse: iaf_psc_exp with any number of receptors, each with its own time constant.

    dv/dt = -v/tau_m + (Σ i_k + I)/C_m,   di_k/dt = -i_k/tau_k,   i_k ← i_k + w for synapses of receptor_type k

Weights are added to the currents directly: those of receptor k to i_k, whatever their sign.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons.membrane import current_to_v, decay, decaying_to_v, leak, push
from lifsim.engine.neurons.state import at, constant, of_all


class IafPscExpMultisynapse(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafPscExpMultisynapse
# Indices of the constants after the threshold; those of receptor k (from 0) are P21 + 2 k and P11 + 2 k.
RECEPTORS, P22, P21, P11 = range(1, 5)


def channels(p: dict[str, Any]) -> int:
    """The number of receptors."""
    return len(p["tau_syn"])


def states(p: dict[str, Any]) -> tuple[str, ...]:
    """Names of the state variables: the current of each receptor, then V_m."""
    return (*(f"I_syn_{k + 1}" for k in range(channels(p))), "V_m")


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """Threshold, number of receptors, decay factor of v; for each receptor the propagator from its current to v and its decay factor."""
    taus = [float(tau) for tau in p["tau_syn"]]
    each = [x for tau in taus for x in (decaying_to_v(p, tau, dt), np.exp(-dt / tau))]
    return (p["V_th"] - np.asarray(p["E_L"]), len(taus), leak(p, dt), *each)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """The increment of v in a step due to a constant current of 1 pA, mV/pA."""
    return current_to_v(p, dt)


@kernel
def flow(to_v, decay, v, i_syn):
    """Add the effect of one current to v, then propagate the current by one step."""
    for i in range(len(v)):
        v[i] += at(to_v, i) * i_syn[i]
        i_syn[i] = at(decay, i) * i_syn[i]


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    receptors = int(of_all(constant(c, RECEPTORS, lo, hi)))
    v = x.state[receptors, lo:hi]
    decay(constant(c, P22, lo, hi), v)
    for k in range(receptors):
        flow(constant(c, P21 + 2 * k, lo, hi), constant(c, P11 + 2 * k, lo, hi), v, x.state[k, lo:hi])
    push(v, drive)
