"""iaf_psc_alpha: synaptic currents shaped like an alpha function, the weight being the peak (pA).

    dv/dt = -v/tau_m + (i_ex + i_in + I)/C_m
    di/dt = di - i/tau_syn,   d(di)/dt = -di/tau_syn,   di ← di + w e/tau_syn at arrivals

so a spike of weight w makes i = w e/tau_syn · s exp(-s/tau_syn), which peaks at w after tau_syn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.jit import kernel, merged
from lifsim.engine.neurons.membrane import at, constant, current_to_v, decaying_to_v, leak, rising_to_v

STATES = ("V_m", "I_syn_ex", "I_syn_in", "dI_syn_ex", "dI_syn_in")
CHANNELS = 2


class Constants(NamedTuple):
    """Per neuron or for all: threshold, lower bound, propagators, and e/tau_syn."""

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
    peak_ex: Any
    peak_in: Any


def constants(p: dict[str, Any], dt: float) -> Constants:
    """Step constants from parameters in the user's units."""
    ex, inh = np.asarray(p["tau_syn_ex"]), np.asarray(p["tau_syn_in"])
    return Constants(
        p["V_th"] - np.asarray(p["E_L"]),
        p["V_min"] - np.asarray(p["E_L"]),
        leak(p, dt),
        decaying_to_v(p, ex, dt),
        decaying_to_v(p, inh, dt),
        rising_to_v(p, ex, dt),
        rising_to_v(p, inh, dt),
        np.exp(-dt / ex),
        np.exp(-dt / inh),
        dt * np.exp(-dt / ex),
        dt * np.exp(-dt / inh),
        np.e / ex,
        np.e / inh,
    )


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """What 1 pA of constant current adds to v in a step, mV/pA."""
    return current_to_v(p, dt)


@kernel
def update(k, drive, v, ex, inh, until, step):
    """One step of a group: v from the currents of the beginning of the step; `ex`, `inh` as in `rise`."""
    for i in range(len(v)):
        moved = at(k.P33, i) * v[i] + at(drive, i)
        moved += at(k.P32_ex, i) * ex.i[i] + at(k.P31_ex, i) * ex.di[i]
        moved += at(k.P32_in, i) * inh.i[i] + at(k.P31_in, i) * inh.di[i]
        moved = max(moved, at(k.v_min, i))
        v[i] = v[i] if until[i] > step else moved
    rise(k.P22_ex, k.P21_ex, k.peak_ex, ex)
    rise(k.P22_in, k.P21_in, k.peak_in, inh)


class Current(NamedTuple):
    """A synaptic current, what feeds it, and the weights that arrived."""

    i: np.ndarray
    di: np.ndarray
    arrived: np.ndarray


@kernel
def rise(P22, P21, peak, x):
    """A synaptic current over a step; the weights that arrived (pA) are used up."""
    for j in range(len(x.i)):
        x.i[j] = at(P22, j) * x.i[j] + at(P21, j) * x.di[j]
        x.di[j] = at(P22, j) * x.di[j] + at(peak, j) * x.arrived[j]
        x.arrived[j] = 0


@merged
def advance(c, drive, x, lo, hi, step):
    """One step of the neurons lo … hi - 1."""
    k = Constants(
        constant(c, 0, lo, hi),
        constant(c, 1, lo, hi),
        constant(c, 2, lo, hi),
        constant(c, 3, lo, hi),
        constant(c, 4, lo, hi),
        constant(c, 5, lo, hi),
        constant(c, 6, lo, hi),
        constant(c, 7, lo, hi),
        constant(c, 8, lo, hi),
        constant(c, 9, lo, hi),
        constant(c, 10, lo, hi),
        constant(c, 11, lo, hi),
        constant(c, 12, lo, hi),
    )
    ex = Current(x.state[1, lo:hi], x.state[3, lo:hi], x.arrived[0, lo:hi])
    inh = Current(x.state[2, lo:hi], x.state[4, lo:hi], x.arrived[1, lo:hi])
    update(k, drive, x.state[0, lo:hi], ex, inh, x.until[lo:hi], step)
