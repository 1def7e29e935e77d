"""vogels_sprekeler_synapse: plasticity that drives the target neuron to a given firing rate (Vogels et al. 2011).

    at a postsynaptic spike     |w| ← |w| + eta x_pre                      (at most |Wmax|)
    at a presynaptic spike      |w| ← |w| + eta x_post - eta alpha         (at most |Wmax|, at least 0)

The traces x_pre and x_post decay with the same time constant: tau of the synapse and tau_minus of the target neuron should be
equal. Weights do not change on average if the target fires at the rate alpha / (2 tau).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.stdp import grown as grown  # traces of all spikes add up, from 0
from lifsim.engine.plasticity.stdp import initial as initial
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("eta", "alpha", "Wmax")
TAUS = ("tau",)
STATES = ()
TRACES = ("Kplus",)  # of the state of a segment


class VogelsSynapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class VogelsRule(NamedTuple):
    """The parameters of a synapse."""

    eta: float
    alpha: float
    Wmax: float


Synapses, Rule = VogelsSynapses, VogelsRule


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return VogelsRule(value(y, p, 0, i), value(y, p, 1, i), value(y, p, 2, i))


@inlined
def facilitated(r, w, x, slow):
    """The weight after a spike of one neuron; `x` is the trace of the other neuron."""
    return math.copysign(min(abs(w) + r.eta * x, abs(r.Wmax)), r.Wmax)


@inlined
def depressed(r, w, x_post, slow):
    """The weight after a presynaptic spike; `x_post` is the postsynaptic trace."""
    return math.copysign(max(abs(facilitated(r, w, x_post, slow)) - r.alpha * r.eta, 0.0), r.Wmax)
