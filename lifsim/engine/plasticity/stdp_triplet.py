"""stdp_triplet_synapse: plasticity from pairs and triplets of spikes (Pfister and Gerstner 2006).

    at a postsynaptic spike     |w| ← |w| + r1 (A2+ + A3+ o2)              (at most |Wmax|)
    at a presynaptic spike      |w| ← |w| - o1 (A2- + A3- r2)              (at least 0)

r1 and r2 are the fast and the slow presynaptic trace (tau_plus, tau_plus_triplet), o1 and o2 the fast and the slow postsynaptic
trace (tau_minus, tau_minus_triplet). o2 and r2 are the values just before the current spike adds to them. A2+, A3+, A2- and A3-
are the parameters Aplus, Aplus_triplet, Aminus and Aminus_triplet.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.stdp import grown as grown  # traces of all spikes add up, from 0
from lifsim.engine.plasticity.stdp import initial as initial
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("Aplus", "Aplus_triplet", "Aminus", "Aminus_triplet", "Wmax")
TAUS = ("tau_plus", "tau_plus_triplet")
STATES = ()
TRACES = ("Kplus", "Kplus_triplet")  # of the state of a segment


class TripletSynapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class TripletRule(NamedTuple):
    """The parameters of a synapse."""

    Aplus: float
    Aplus_triplet: float
    Aminus: float
    Aminus_triplet: float
    Wmax: float


Synapses, Rule = TripletSynapses, TripletRule


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return TripletRule(value(y, p, 0, i), value(y, p, 1, i), value(y, p, 2, i), value(y, p, 3, i), value(y, p, 4, i))


@inlined
def facilitated(r, w, r1, o2):
    """The weight after a postsynaptic spike; `r1` is the fast presynaptic trace, `o2` the slow postsynaptic trace."""
    return math.copysign(min(abs(w) + r1 * (r.Aplus + r.Aplus_triplet * o2), abs(r.Wmax)), r.Wmax)


@inlined
def depressed(r, w, o1, r2):
    """The weight after a presynaptic spike; `o1` is the fast postsynaptic trace, `r2` the slow presynaptic trace."""
    return math.copysign(max(abs(w) - o1 * (r.Aminus + r.Aminus_triplet * r2), 0.0), r.Wmax)
