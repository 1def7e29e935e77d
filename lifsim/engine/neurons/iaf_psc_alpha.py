"""iaf_psc_alpha: alpha-shaped synaptic currents; the weight is the peak current (pA).

    dv/dt = -v/tau_m + (i_ex + i_in + I)/C_m
    di/dt = di - i/tau_syn,   d(di)/dt = -di/tau_syn,   di ← di + w e/tau_syn at arrivals

So the current at the time s after a spike of weight w is i = w e/tau_syn · s exp(-s/tau_syn), which has its peak, w, at s = tau_syn.
di is stored in units of e/tau_syn, so arriving weights are added unchanged; the propagators contain the factor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons.membrane import current_to_v, decaying_to_v, leak, push, rising_to_v
from lifsim.engine.neurons.state import THETA, at, constant

STATES = ("dI_syn_ex", "dI_syn_in", "I_syn_ex", "I_syn_in", "V_m")
CHANNELS = 2
DI_EX, DI_IN, I_EX, I_IN, V = range(5)  # rows of the state
# Indices of the constants after the threshold.
V_MIN, P33, P32_EX, P32_IN, P31_EX, P31_IN, P22_EX, P22_IN, P21_EX, P21_IN = range(1, 11)


class IafPscAlpha(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafPscAlpha


class AlphaConstants(NamedTuple):
    """Threshold and lower bound of v (mV above E_L) and the propagators of the equations; each one number for all neurons or an array."""

    theta: Any
    v_min: Any
    P33: Any
    P32_ex: Any
    P32_in: Any
    P31_ex: Any
    P31_in: Any
    P22_ex: Any
    P22_in: Any
    P21_ex: Any
    P21_in: Any


def constants(p: dict[str, Any], dt: float) -> AlphaConstants:
    """The constants of an update by one time step, from parameters in the user's units."""
    ex, inh = np.asarray(p["tau_syn_ex"]), np.asarray(p["tau_syn_in"])
    return AlphaConstants(
        p["V_th"] - np.asarray(p["E_L"]),
        p["V_min"] - np.asarray(p["E_L"]),
        leak(p, dt),
        decaying_to_v(p, ex, dt),
        decaying_to_v(p, inh, dt),
        rising_to_v(p, ex, dt) * np.e / ex,
        rising_to_v(p, inh, dt) * np.e / inh,
        np.exp(-dt / ex),
        np.exp(-dt / inh),
        dt * np.exp(-dt / ex) * np.e / ex,
        dt * np.exp(-dt / inh) * np.e / inh,
    )


def units(p: dict[str, Any]) -> dict[str, Any]:
    """The factors that convert stored state variables to the user's units, where they are not 1."""
    return {"dI_syn_ex": np.e / np.asarray(p["tau_syn_ex"]), "dI_syn_in": np.e / np.asarray(p["tau_syn_in"])}


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """The increment of v in a step due to a constant current of 1 pA, mV/pA."""
    return current_to_v(p, dt)


@kernel
def update(k, v, i_ex, di_ex, i_in, di_in):
    """Propagate v by one step, with the currents at the beginning of the step."""
    for i in range(len(v)):
        moved = at(k.P33, i) * v[i]
        moved += at(k.P32_ex, i) * i_ex[i] + at(k.P31_ex, i) * di_ex[i]
        v[i] = moved + (at(k.P32_in, i) * i_in[i] + at(k.P31_in, i) * di_in[i])


@kernel
def rise(decay, feed, i_syn, di):
    """Propagate a synaptic current `i_syn`, and `di`, by one step."""
    for j in range(len(i_syn)):
        i_syn[j] = at(decay, j) * i_syn[j] + at(feed, j) * di[j]
        di[j] = at(decay, j) * di[j]


@kernel
def bound(v_min, v):
    """Limit v to values of at least v_min."""
    for i in range(len(v)):
        v[i] = max(v[i], at(v_min, i))


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    k = AlphaConstants(
        constant(c, THETA, lo, hi),
        constant(c, V_MIN, lo, hi),
        constant(c, P33, lo, hi),
        constant(c, P32_EX, lo, hi),
        constant(c, P32_IN, lo, hi),
        constant(c, P31_EX, lo, hi),
        constant(c, P31_IN, lo, hi),
        constant(c, P22_EX, lo, hi),
        constant(c, P22_IN, lo, hi),
        constant(c, P21_EX, lo, hi),
        constant(c, P21_IN, lo, hi),
    )
    v, i_ex, i_in = x.state[V, lo:hi], x.state[I_EX, lo:hi], x.state[I_IN, lo:hi]
    di_ex, di_in = x.state[DI_EX, lo:hi], x.state[DI_IN, lo:hi]
    update(k, v, i_ex, di_ex, i_in, di_in)
    push(v, drive)
    bound(k.v_min, v)
    rise(k.P22_ex, k.P21_ex, i_ex, di_ex)
    rise(k.P22_in, k.P21_in, i_in, di_in)
