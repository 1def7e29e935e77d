"""iaf_cond_alpha: alpha-shaped synaptic conductances; the weight is the peak conductance (nS).

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I
    dg/dt = dg - g/tau_syn,   d(dg)/dt = -dg/tau_syn,   dg ← dg + |w| e/tau_syn at arrivals

dg is stored in units of e/tau_syn, so arriving weights are added unchanged (negative weights to dg_in, so dg_in and g_in are stored as
negative numbers). At the time s·h in a step, s from 0 to 1, g(s) = (g + dg·s·h) exp(-s·h/tau_syn). V is integrated as described in
`conductance`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons.conductance import conductance, constants, drive, integrate, membrane, spike

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

STATES = ("dg_ex", "dg_in", "g_ex", "g_in", "V_m")
CHANNELS = 2
DG_EX, DG_IN, G_EX, G_IN, V = range(5)  # rows of the state
DRIVEN = True
HOLDS = False


class IafCondAlpha(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafCondAlpha


def units(p: dict[str, Any]) -> dict[str, Any]:
    """The factors that convert stored state variables to the user's units, where they are not 1."""
    return {"g_in": -1.0, "dg_ex": np.e / np.asarray(p["tau_syn_ex"]), "dg_in": -np.e / np.asarray(p["tau_syn_in"])}


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    both = conductance(c, x, w, 0, G_EX, x.state[DG_EX, lo:hi]), conductance(c, x, w, 1, G_IN, x.state[DG_IN, lo:hi])
    integrate(membrane(c, w), both, x.state[V, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])
