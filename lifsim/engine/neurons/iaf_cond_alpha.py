"""iaf_cond_alpha: synaptic conductances shaped like an alpha function, the weight being the peak (nS).

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I
    dg/dt = dg - g/tau_syn,   d(dg)/dt = -dg/tau_syn,   dg ← dg + |w| e/tau_syn at arrivals

State is dg in units of e/tau_syn, to which arriving weights are added as they are (those below 0 to the inhibitory one,
which stays below 0); over a part s of the step g(s) = (g + dg·s·h) exp(-s·h/tau_syn). V is integrated as `conductance` says.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons.conductance import conductance, conductance_constants, drive, integrate, membrane, membrane_constants, spike

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

STATES = ("dg_ex", "dg_in", "g_ex", "g_in", "V_m")
CHANNELS = 2
DG_EX, DG_IN, G_EX, G_IN, V = range(5)  # the rows of the state
DRIVEN = True
HOLDS = False


class IafCondAlpha(NamedTuple):
    """The mark of the model."""


Kind = IafCondAlpha


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """Those of the membrane, then of each conductance, from parameters in the user's units."""
    ex, inh = conductance_constants(p, "tau_syn_ex", "E_ex", 1.0, dt), conductance_constants(p, "tau_syn_in", "E_in", -1.0, dt)
    return (*membrane_constants(p, ("tau_syn_ex", "tau_syn_in"), dt), *ex, *inh)


def units(p: dict[str, Any]) -> dict[str, Any]:
    """What a unit of a state variable is in the user's units, where it is not 1."""
    return {"g_in": -1.0, "dg_ex": np.e / np.asarray(p["tau_syn_ex"]), "dg_in": -np.e / np.asarray(p["tau_syn_in"])}


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    lo, hi = w.lo, w.hi
    both = conductance(c, x, w, 0, G_EX, x.state[DG_EX, lo:hi]), conductance(c, x, w, 1, G_IN, x.state[DG_IN, lo:hi])
    integrate(membrane(c, w), both, x.state[V, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])
