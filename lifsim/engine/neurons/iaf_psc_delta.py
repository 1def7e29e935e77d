"""iaf_psc_delta: each spike that arrives makes the potential jump by its weight (mV).

    dv/dt = -v/tau_m + I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) exp(-h/tau_m) + I tau_m/C_m (1 - exp(-h/tau_m)) + Σ w

Input to a refractory neuron is lost; with `refractory_input` it is kept, decaying like v, until the
end of refractoriness.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.jit import kernel, merged
from lifsim.engine.neurons.membrane import at, constant, current_to_v, leak

STATES = ("V_m", "kept")
CHANNELS = 1


class Constants(NamedTuple):
    """Per neuron or for all: threshold, decay of v, lower bound, whether refractory input is kept."""

    theta: Any
    P33: Any
    v_min: Any
    keep: Any


def constants(p: dict[str, Any], dt: float) -> Constants:
    """Step constants from parameters in the user's units."""
    return Constants(p["V_th"] - np.asarray(p["E_L"]), leak(p, dt), p["V_min"] - np.asarray(p["E_L"]), float(p["refractory_input"]))


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """What 1 pA of constant current adds to v in a step, mV/pA."""
    return current_to_v(p, dt)


@kernel
def update(k, drive, v, until, jump, step):
    """One step of a group; `jump` (the weights that arrived, mV) is used up."""
    for i in range(len(v)):
        moved = at(k.P33, i) * v[i] + at(drive, i) + jump[i]
        moved = max(moved, at(k.v_min, i))
        v[i] = v[i] if until[i] > step else moved
        jump[i] = 0


@kernel
def update_keeping(k, drive, v, kept, until, jump, step):
    """`update` for groups with `refractory_input`: `kept` collects what arrives while refractory."""
    for i in range(len(v)):
        left = until[i] - step
        if left > 0:
            kept[i] += jump[i] * at(k.P33, i) ** left
        else:
            v[i] = max(at(k.P33, i) * v[i] + at(drive, i) + kept[i] + jump[i], at(k.v_min, i))
            kept[i] = 0
        jump[i] = 0


@merged
def advance(c, drive, x, lo, hi, step):
    """One step of the neurons lo … hi - 1."""
    k = Constants(constant(c, 0, lo, hi), constant(c, 1, lo, hi), constant(c, 2, lo, hi), constant(c, 3, lo, hi))
    v, until, jump = x.state[0, lo:hi], x.until[lo:hi], x.arrived[0, lo:hi]
    join(jump, x.arrived[1:, lo:hi])
    if keeps(k.keep):
        update_keeping(k, drive, v, x.state[1, lo:hi], until, jump, step)
    else:
        update(k, drive, v, until, jump, step)


def keeps(flag: Any) -> bool:
    """Whether `refractory_input` is on: a flag of the population, the same for all its neurons."""
    return bool(np.any(flag))


@overload(keeps)
def _keeps(flag):
    if isinstance(flag, types.Array):
        return lambda flag: flag[0] != 0
    return lambda flag: flag != 0


@kernel
def join(total, others):
    """Add the inhibitory sums to the excitatory ones for models with one channel."""
    for c in range(len(others)):
        other = others[c]
        for i in range(len(total)):
            total[i] += other[i]
            other[i] = 0
