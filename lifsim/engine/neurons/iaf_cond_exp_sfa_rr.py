"""iaf_cond_exp_sfa_rr: iaf_cond_exp with spike-frequency adaptation and a relative refractory mechanism.

    C_m dV/dt = … - g_sfa (V - E_sfa) - g_rr (V - E_rr),   dg/dt = -g/tau,   g_sfa ← g_sfa + q_sfa, g_rr ← g_rr + q_rr at own spikes

(Dayan & Abbott 2001, Theoretical Neuroscience, 5.4 and 5.9.) The neuron's own spikes increase two further conductances.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons.conductance import (
    EACH,
    FIRST,
    SYNAPTIC,
    conductance,
    constants_of,
    drive,
    integrate,
    membrane,
)
from lifsim.engine.neurons.spiking import reset_at_threshold
from lifsim.engine.neurons.state import at, constant

__all__ = ["CHANNELS", "DRIVEN", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike", "units"]

CONDUCTANCES = (*SYNAPTIC, ("tau_sfa", "E_sfa", 1.0), ("tau_rr", "E_rr", 1.0))
STATES = ("g_ex", "g_in", "g_sfa", "g_rr", "V_m")
CHANNELS = 2
G_EX, G_IN, G_SFA, G_RR, V = range(5)  # rows of the state; the first four are the conductances
Q_SFA = FIRST + EACH * len(CONDUCTANCES)  # index of the constant after those of the conductances
Q_RR = Q_SFA + 1
DRIVEN = True
HOLDS = False


class IafCondExpSfaRr(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IafCondExpSfaRr


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of the membrane, then those of each conductance, then the increments of g_sfa and g_rr at a spike (nS)."""
    return (*constants_of(p, CONDUCTANCES, dt), p["q_sfa"], p["q_rr"])


def units(p: dict[str, Any]) -> dict[str, Any]:
    """The factors that convert stored state variables to the user's units, where they are not 1."""
    return {"g_in": -1.0}


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    lo, hi = w.lo, w.hi
    synaptic = conductance(c, x, w, G_EX, G_EX, None), conductance(c, x, w, G_IN, G_IN, None)
    own = conductance(c, x, w, G_SFA, G_SFA, None), conductance(c, x, w, G_RR, G_RR, None)
    integrate(membrane(c, w), (synaptic[0], synaptic[1], own[0], own[1]), x.state[V, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])


@merged
def spike(row, c, x, w, key, out):
    """Reset the neurons at threshold and increase their g_sfa and g_rr."""
    n = reset_at_threshold(row, c, x, w, out)
    grow(constant(c, Q_SFA, w.lo, w.hi), x.state[G_SFA, w.lo : w.hi], out[:n])
    grow(constant(c, Q_RR, w.lo, w.hi), x.state[G_RR, w.lo : w.hi], out[:n])
    return n


@kernel
def grow(q, g, fired):
    """Add `q` to `g` of the neurons with the indices `fired`."""
    for i in fired:
        g[i] += at(q, i)
