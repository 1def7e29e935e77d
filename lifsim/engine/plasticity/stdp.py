"""stdp_synapse, stdp_synapse_hom: pair-based spike-timing-dependent plasticity (Gütig et al. 2003).

With the normalised weight z = w / Wmax:

    at a postsynaptic spike     z ← z + lambda (1 - z)^mu_plus K_plus          (at most 1)
    at a presynaptic spike      z ← z - alpha lambda z^mu_minus K_minus        (at least 0)

K_plus is the trace of presynaptic spikes and decays with tau_plus; K_minus is the trace of postsynaptic spikes and decays with
tau_minus of the target neuron. All pairs of spikes count. The rule is additive for mu = 0 (Song et al. 2000) and multiplicative
for mu = 1 (van Rossum et al. 2000).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.power import power
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("lambda", "alpha", "mu_plus", "mu_minus", "Wmax")
TAUS = ("tau_plus",)
STATES = ()
TRACES = ("Kplus",)  # of the state of a segment


class StdpSynapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class StdpRule(NamedTuple):
    """The parameters of a synapse."""

    lambda_: float
    alpha: float
    mu_plus: float
    mu_minus: float
    Wmax: float


Synapses, Rule = StdpSynapses, StdpRule


def initial(constant: Any) -> tuple[float, float, float]:
    """The state of a segment before any spike: traces of 0."""
    return 0.0, 0.0, 0.0


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return StdpRule(value(y, p, 0, i), value(y, p, 1, i), value(y, p, 2, i), value(y, p, 3, i), value(y, p, 4, i))


@inlined
def grown(r, k):
    """The trace just after a spike. `k` is 1 more than the trace just before the spike."""
    return k


@inlined
def facilitated(r, w, k_plus, slow):
    """The weight after a postsynaptic spike; `k_plus` is the presynaptic trace."""
    z = w / r.Wmax
    return min(z + r.lambda_ * power(max(1.0 - z, 0.0), r.mu_plus) * k_plus, 1.0) * r.Wmax


@inlined
def depressed(r, w, k_minus, slow):
    """The weight after a presynaptic spike; `k_minus` is the postsynaptic trace."""
    z = w / r.Wmax
    return max(z - r.alpha * r.lambda_ * power(z, r.mu_minus) * k_minus, 0.0) * r.Wmax
