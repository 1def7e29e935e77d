"""iaf_cond_alpha: synaptic conductances shaped like an alpha function, the weight being the peak (nS).

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I
    dg/dt = dg - g/tau_syn,   d(dg)/dt = -dg/tau_syn,   dg ← dg + |w| e/tau_syn at arrivals

State is dg in units of e/tau_syn, to which arriving weights are added as they are (those below 0 to the inhibitory one,
which stays below 0); over a part s of the step g(s) = (g + dg·s·h) exp(-s·h/tau_syn). V is integrated as `conductance` says.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.jit import merged
from lifsim.engine.neurons.conductance import Conductance, Membrane, decaying, integrate, membrane_constants, spike
from lifsim.engine.neurons.state import constant

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

STATES = ("dg_ex", "dg_in", "g_ex", "g_in", "V_m")
CHANNELS = 2
DRIVEN = True
HOLDS = False


class IafCondAlpha(NamedTuple):
    """The mark of the model."""

    number: int


Kind = IafCondAlpha


class Constants(NamedTuple):
    """Per neuron or for all: those of the membrane, then of each conductance."""

    theta: Any
    leak: Any
    scale_ex: Any
    half_ex: Any
    full_ex: Any
    e_ex: Any
    lift_ex: Any
    scale_in: Any
    half_in: Any
    full_in: Any
    e_in: Any
    lift_in: Any


def constants(p: dict[str, Any], dt: float) -> Constants:
    """Step constants from parameters in the user's units."""
    ex, inh = decaying(p, "tau_syn_ex", "E_ex", 1.0, dt), decaying(p, "tau_syn_in", "E_in", -1.0, dt)
    lift_ex, lift_in = (dt * np.e / np.asarray(p[tau]) for tau in ("tau_syn_ex", "tau_syn_in"))
    return Constants(*membrane_constants(p, dt), *ex, lift_ex, *inh, lift_in)


def units(p: dict[str, Any]) -> dict[str, Any]:
    """What a unit of a state variable is in the user's units, where it is not 1."""
    return {"g_in": -1.0, "dg_ex": np.e / np.asarray(p["tau_syn_ex"]), "dg_in": -np.e / np.asarray(p["tau_syn_in"])}


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """h/C_m: what 1 pA adds to v in a step without a leak, mV/pA."""
    return dt / np.asarray(p["C_m"])


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    lo, hi = w.lo, w.hi
    m = Membrane(constant(c, 0, lo, hi), constant(c, 1, lo, hi))
    scale, half, full, e = constant(c, 2, lo, hi), constant(c, 3, lo, hi), constant(c, 4, lo, hi), constant(c, 5, lo, hi)
    ex = Conductance(x.state[2, lo:hi], x.state[0, lo:hi], scale, half, full, constant(c, 6, lo, hi), e)
    scale, half, full, e = constant(c, 7, lo, hi), constant(c, 8, lo, hi), constant(c, 9, lo, hi), constant(c, 10, lo, hi)
    inh = Conductance(x.state[3, lo:hi], x.state[1, lo:hi], scale, half, full, constant(c, 11, lo, hi), e)
    integrate(m, (ex, inh), x.state[4, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])
