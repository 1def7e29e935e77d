"""iaf_cond_exp_sfa_rr: iaf_cond_exp with spike-frequency adaptation and a relative refractory mechanism.

    C_m dV/dt = … - g_sfa (V - E_sfa) - g_rr (V - E_rr),   dg/dt = -g/tau,   g_sfa ← g_sfa + q_sfa, g_rr ← g_rr + q_rr at own spikes

(Dayan & Abbott 2001, Theoretical Neuroscience, 5.4 and 5.9.) Two more conductances, which the neuron itself feeds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.jit import inlined, kernel, merged
from lifsim.engine.neurons.conductance import Conductance, Membrane, decaying, integrate, membrane_constants
from lifsim.engine.neurons.spiking import reset_at_threshold
from lifsim.engine.neurons.state import at, constant

STATES = ("g_ex", "g_in", "g_sfa", "g_rr", "V_m")
CHANNELS = 2
DRIVEN = True
HOLDS = False


class IafCondExpSfaRr(NamedTuple):
    """The mark of the model."""

    number: int


Kind = IafCondExpSfaRr


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of the membrane, four of each conductance, and what a spike adds to the last two."""
    ex, inh = decaying(p, "tau_syn_ex", "E_ex", 1.0, dt), decaying(p, "tau_syn_in", "E_in", -1.0, dt)
    sfa, rr = decaying(p, "tau_sfa", "E_sfa", 1.0, dt), decaying(p, "tau_rr", "E_rr", 1.0, dt)
    return (*membrane_constants(p, dt), *ex, *inh, *sfa, *rr, p["q_sfa"], p["q_rr"])


def units(p: dict[str, Any]) -> dict[str, Any]:
    """What a unit of a state variable is in the user's units, where it is not 1."""
    return {"g_in": -1.0}


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """h/C_m: what 1 pA adds to v in a step without a leak, mV/pA."""
    return dt / np.asarray(p["C_m"])


@inlined
def conductance(c, x, w, k):
    """Conductance number k."""
    lo, hi, j = w.lo, w.hi, 2 + 4 * k
    scale, half, full, e = constant(c, j, lo, hi), constant(c, j + 1, lo, hi), constant(c, j + 2, lo, hi), constant(c, j + 3, lo, hi)
    return Conductance(x.state[k, lo:hi], None, scale, half, full, scale, e)


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    lo, hi = w.lo, w.hi
    m = Membrane(constant(c, 0, lo, hi), constant(c, 1, lo, hi))
    qs = conductance(c, x, w, 0), conductance(c, x, w, 1), conductance(c, x, w, 2), conductance(c, x, w, 3)
    integrate(m, qs, x.state[4, lo:hi], drive, x.until[lo:hi], w.step, x.marks[lo:hi])


@merged
def spike(row, c, x, w, key, out):
    """Neurons at threshold are reset; their own conductances grow."""
    n = reset_at_threshold(row, c, x, w, out)
    grow(constant(c, 18, w.lo, w.hi), x.state[2, w.lo : w.hi], out[:n])
    grow(constant(c, 19, w.lo, w.hi), x.state[3, w.lo : w.hi], out[:n])
    return n


@kernel
def grow(q, g, fired):
    """Add `q` to `g` of those that fired."""
    for i in fired:
        g[i] += at(q, i)
