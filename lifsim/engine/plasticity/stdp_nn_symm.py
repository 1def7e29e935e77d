"""stdp_nn_symm_synapse: stdp_synapse in which a spike pairs only with the last spike of the other neuron before it.

The symmetric nearest-neighbour scheme of Morrison, Diesmann and Gerstner (2008), figure 7A: traces do not add up but are
set to 1 at each spike. Time 0 counts as a presynaptic spike, as in NEST's code (t_lastspike_ begins at 0), so that weights agree with
NEST's. In the paper and in NEST's own test, postsynaptic spikes before the first real presynaptic spike remain unpaired.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity import stdp
from lifsim.engine.plasticity.store import Store

PARAMETERS, TAUS, STATES = stdp.PARAMETERS, stdp.TAUS, stdp.STATES
TRACES = ()


class NearestSynapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class NearestRule(NamedTuple):
    """The parameters of a synapse: those of stdp_synapse."""

    pairs: stdp.StdpRule


Synapses, Rule = NearestSynapses, NearestRule


def initial(constant: Any) -> tuple[float, float, float]:
    """The state of a segment before any spike: the trace of a presynaptic spike at time 0."""
    return 1.0, 0.0, 0.0


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return NearestRule(stdp.rule(y, p, i))


@inlined
def grown(r, k):
    """The trace just after a spike: always 1."""
    return 1.0


@inlined
def facilitated(r, w, k_plus, slow):
    """The weight after a postsynaptic spike; `k_plus` is the presynaptic trace."""
    return stdp.facilitated(r.pairs, w, k_plus, slow)


@inlined
def depressed(r, w, k_minus, slow):
    """The weight after a presynaptic spike; `k_minus` is the postsynaptic trace."""
    return stdp.depressed(r.pairs, w, k_minus, slow)
