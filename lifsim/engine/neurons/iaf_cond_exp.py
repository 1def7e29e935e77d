"""iaf_cond_exp: each arriving spike increments a synaptic conductance by its weight (nS); conductances decay exponentially.

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I,   dg/dt = -g/tau_syn,   g ← g + |w| at arrivals

Negative weights are added to g_in unchanged, so g_in is stored as a negative number. V is integrated as described in
`conductance`, with the exact conductances of the step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons.conductance import conductance, constants, drive, integrate, membrane, spike

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

STATES = ("g_ex", "g_in", "V_m")
CHANNELS = 2
G_EX, G_IN, V = range(3)  # rows of the state
DRIVEN = True
HOLDS = False


class IafCondExp(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafCondExp


def units(p: dict[str, Any]) -> dict[str, Any]:
    """The factors that convert stored state variables to the user's units, where they are not 1."""
    return {"g_in": -1.0}


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    both = conductance(c, x, w, 0, G_EX, None), conductance(c, x, w, 1, G_IN, None)
    integrate(membrane(c, w), both, x.state[V, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])
