"""stdp_triplet_synapse: plasticity from pairs and triplets of spikes (Pfister and Gerstner 2006).

    at a postsynaptic spike     |w| ← |w| + r1 (A2+ + A3+ o2)              (at most |Wmax|)
    at a presynaptic spike      |w| ← |w| - o1 (A2- + A3- r2)              (at least 0)

r1 and r2 are the fast and the slow trace of presynaptic spikes (tau_plus, tau_plus_triplet), o1 and o2 those of
postsynaptic ones (tau_minus, tau_minus_triplet); o2 and r2 are read just before the spike at hand adds to them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.stdp import grown as grown  # traces add up, from none
from lifsim.engine.plasticity.stdp import initial as initial
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("Aplus", "Aplus_triplet", "Aminus", "Aminus_triplet", "Wmax")
TAUS = ("tau_plus", "tau_plus_triplet")
STATES = ()


class TripletSynapses(NamedTuple):
    """Synapses of this model."""

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
    """The parameters of synapse `i`, of projection `p`."""
    return TripletRule(value(y, p, 0, i), value(y, p, 1, i), value(y, p, 2, i), value(y, p, 3, i), value(y, p, 4, i))


@inlined
def facilitated(r, w, r1, o2):
    """The weight after a postsynaptic spike."""
    return math.copysign(min(abs(w) + r1 * (r.Aplus + r.Aplus_triplet * o2), abs(r.Wmax)), r.Wmax)


@inlined
def depressed(r, w, o1, r2):
    """The weight after a presynaptic spike."""
    return math.copysign(max(abs(w) - o1 * (r.Aminus + r.Aminus_triplet * r2), 0.0), r.Wmax)
