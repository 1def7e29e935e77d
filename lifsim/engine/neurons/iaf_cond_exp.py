"""iaf_cond_exp: synaptic conductances that jump by the weight (nS) and decay exponentially.

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I,   dg/dt = -g/tau_syn,   g ← g + |w| at arrivals

A weight below 0 goes into g_in, which is kept as it arrives, below 0. V is integrated as
`conductance` says, with the conductances of the step exactly known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons.conductance import conductance, conductance_constants, drive, integrate, membrane, membrane_constants, spike

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

STATES = ("g_ex", "g_in", "V_m")
CHANNELS = 2
G_EX, G_IN, V = range(3)  # the rows of the state
DRIVEN = True
HOLDS = False


class IafCondExp(NamedTuple):
    """The mark of the model."""


Kind = IafCondExp


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """Those of the membrane, then of each conductance, from parameters in the user's units."""
    ex, inh = conductance_constants(p, "tau_syn_ex", "E_ex", 1.0, dt), conductance_constants(p, "tau_syn_in", "E_in", -1.0, dt)
    return (*membrane_constants(p, ("tau_syn_ex", "tau_syn_in"), dt), *ex, *inh)


def units(p: dict[str, Any]) -> dict[str, Any]:
    """What a unit of a state variable is in the user's units, where it is not 1."""
    return {"g_in": -1.0}


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    lo, hi = w.lo, w.hi
    both = conductance(c, x, w, 0, G_EX, None), conductance(c, x, w, 1, G_IN, None)
    integrate(membrane(c, w), both, x.state[V, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])
