"""stdp_pl_synapse_hom: potentiation by a power of the weight, depression proportional to the weight (Morrison et al. 2007).

    at a postsynaptic spike     w ← w + lambda w^mu K_plus
    at a presynaptic spike      w ← w - alpha lambda w K_minus             (at least 0)

w is in units of a reference weight of 1 (pA or mV), so lambda depends on the unit of the weight (as its power 1 - mu). The traces are
those of stdp_synapse.
"""

from __future__ import annotations

from typing import NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.power import power
from lifsim.engine.plasticity.stdp import grown as grown  # traces of all spikes add up, from 0
from lifsim.engine.plasticity.stdp import initial as initial
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("lambda", "alpha", "mu")
TAUS = ("tau_plus",)
STATES = ()
TRACES = ("Kplus",)  # of the state of a segment


class PowerSynapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class PowerRule(NamedTuple):
    """The parameters of a synapse."""

    lambda_: float
    alpha: float
    mu: float


Synapses, Rule = PowerSynapses, PowerRule


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return PowerRule(value(y, p, 0, i), value(y, p, 1, i), value(y, p, 2, i))


@inlined
def facilitated(r, w, k_plus, slow):
    """The weight after a postsynaptic spike; `k_plus` is the presynaptic trace."""
    return w + r.lambda_ * power(w, r.mu) * k_plus


@inlined
def depressed(r, w, k_minus, slow):
    """The weight after a presynaptic spike; `k_minus` is the postsynaptic trace."""
    return max(w - r.alpha * r.lambda_ * w * k_minus, 0.0)
