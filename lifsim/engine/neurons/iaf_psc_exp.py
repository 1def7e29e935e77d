"""iaf_psc_exp: each arriving spike increments a synaptic current by its weight (pA); currents decay exponentially.

    dv/dt = -v/tau_m + (i_ex + i_in + I)/C_m,   di/dt = -i/tau_syn
    v(t+h) = P22 v + P21_ex i_ex + P21_in i_in + I tau_m/C_m (1 - exp(-h/tau_m))
    i(t+h) = P11 i + Σ w

v is propagated with the currents at the beginning of the step, so an arriving spike affects v one step later.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, kernel, merged
from lifsim.engine.neurons.membrane import current_to_v, decaying_to_v, leak, push
from lifsim.engine.neurons.state import at, constant

STATES = ("I_syn_ex", "I_syn_in", "V_m")
I_EX, I_IN, V = range(3)  # rows of the state
CHANNELS = 2
P22, P21_EX, P21_IN, P11_EX, P11_IN = range(1, 6)  # indices of the constants after the threshold


class IafPscExp(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafPscExp


class Flow(NamedTuple):
    """The propagators of the module's equations; each one number for all neurons or an array."""

    P22: Any
    P21_ex: Any
    P21_in: Any
    P11_ex: Any
    P11_in: Any


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold, then the propagators, from parameters in the user's units."""
    return (
        p["V_th"] - np.asarray(p["E_L"]),
        leak(p, dt),
        decaying_to_v(p, p["tau_syn_ex"], dt),
        decaying_to_v(p, p["tau_syn_in"], dt),
        np.exp(-dt / np.asarray(p["tau_syn_ex"])),
        np.exp(-dt / np.asarray(p["tau_syn_in"])),
    )


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """The increment of v in a step due to a constant current of 1 pA, mV/pA."""
    return current_to_v(p, dt)


@kernel
def update(k, v, i_ex, i_in):
    """Propagate v by one step, with the currents at the beginning of the step; then the currents."""
    for i in range(len(v)):
        v[i] = at(k.P22, i) * v[i] + at(k.P21_ex, i) * i_ex[i] + at(k.P21_in, i) * i_in[i]
        i_ex[i] = at(k.P11_ex, i) * i_ex[i]
        i_in[i] = at(k.P11_in, i) * i_in[i]


@inlined
def flow(c, lo, hi):
    """The propagators of the neurons in the places lo … hi - 1."""
    ex, inh = constant(c, P21_EX, lo, hi), constant(c, P21_IN, lo, hi)
    return Flow(constant(c, P22, lo, hi), ex, inh, constant(c, P11_EX, lo, hi), constant(c, P11_IN, lo, hi))


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    v = x.state[V, lo:hi]
    update(flow(c, lo, hi), v, x.state[I_EX, lo:hi], x.state[I_IN, lo:hi])
    push(v, drive)
