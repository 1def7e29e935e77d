"""vogels_sprekeler_synapse: plasticity that brings the target to a rate (Vogels et al. 2011).

    at a postsynaptic spike     |w| ← |w| + eta x_pre                      (at most |Wmax|)
    at a presynaptic spike      |w| ← |w| + eta x_post - eta alpha         (at most |Wmax|, at least 0)

The traces x decay with the same time constant on both sides: tau of the synapse, tau_minus of the target. Weights
stop changing, on average, where the target fires at the rate alpha / (2 tau).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.stdp import grown as grown  # traces add up, from none
from lifsim.engine.plasticity.stdp import initial as initial
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("eta", "alpha", "Wmax")
TAUS = ("tau",)
STATES = ()


class VogelsSynapses(NamedTuple):
    """Synapses of this model."""

    y: Store


class VogelsRule(NamedTuple):
    """The parameters of a synapse."""

    eta: float
    alpha: float
    Wmax: float


Synapses, Rule = VogelsSynapses, VogelsRule


@inlined
def rule(y, p, i):
    """The parameters of synapse `i`, of projection `p`."""
    return VogelsRule(value(y, p, 0, i), value(y, p, 1, i), value(y, p, 2, i))


@inlined
def facilitated(r, w, x, slow):
    """The weight after a spike, the trace of the other side being `x`."""
    return math.copysign(min(abs(w) + r.eta * x, abs(r.Wmax)), r.Wmax)


@inlined
def depressed(r, w, x_post, slow):
    """The weight after a presynaptic spike."""
    return math.copysign(max(abs(facilitated(r, w, x_post, slow)) - r.alpha * r.eta, 0.0), r.Wmax)
