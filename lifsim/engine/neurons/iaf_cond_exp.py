"""iaf_cond_exp: synaptic conductances that jump by the weight (nS) and decay exponentially.

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I,   dg/dt = -g/tau_syn,   g ← g + |w| at arrivals

A weight below 0 goes into g_in, which is kept as it arrives, below 0. V is integrated as
`conductance` says, with the conductances of the step exactly known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.jit import merged
from lifsim.engine.neurons.conductance import Conductance, Membrane, decaying, integrate, membrane_constants, spike
from lifsim.engine.neurons.state import constant

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

STATES = ("g_ex", "g_in", "V_m")
CHANNELS = 2
DRIVEN = True
HOLDS = False


class IafCondExp(NamedTuple):
    """The mark of the model."""

    number: int


Kind = IafCondExp


class Constants(NamedTuple):
    """Per neuron or for all: those of the membrane, then of each conductance."""

    theta: Any
    leak: Any
    scale_ex: Any
    half_ex: Any
    full_ex: Any
    e_ex: Any
    scale_in: Any
    half_in: Any
    full_in: Any
    e_in: Any


def constants(p: dict[str, Any], dt: float) -> Constants:
    """Step constants from parameters in the user's units."""
    ex, inh = decaying(p, "tau_syn_ex", "E_ex", 1.0, dt), decaying(p, "tau_syn_in", "E_in", -1.0, dt)
    return Constants(*membrane_constants(p, dt), *ex, *inh)


def units(p: dict[str, Any]) -> dict[str, Any]:
    """What a unit of a state variable is in the user's units, where it is not 1."""
    return {"g_in": -1.0}


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """h/C_m: what 1 pA adds to v in a step without a leak, mV/pA."""
    return dt / np.asarray(p["C_m"])


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    lo, hi = w.lo, w.hi
    m = Membrane(constant(c, 0, lo, hi), constant(c, 1, lo, hi))
    scale, half, full, e = constant(c, 2, lo, hi), constant(c, 3, lo, hi), constant(c, 4, lo, hi), constant(c, 5, lo, hi)
    ex = Conductance(x.state[0, lo:hi], None, scale, half, full, scale, e)
    scale, half, full, e = constant(c, 6, lo, hi), constant(c, 7, lo, hi), constant(c, 8, lo, hi), constant(c, 9, lo, hi)
    inh = Conductance(x.state[1, lo:hi], None, scale, half, full, scale, e)
    integrate(m, (ex, inh), x.state[2, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])
