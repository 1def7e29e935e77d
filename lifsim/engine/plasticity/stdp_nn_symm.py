"""stdp_nn_symm_synapse: as stdp_synapse, but a spike pairs only with the last one before it on the other side.

The symmetric nearest-neighbour scheme of Morrison, Diesmann and Gerstner (2008), figure 7A: traces do not add up but
begin anew with 1 at each spike. Time 0 counts as a presynaptic spike, as in NEST's code (t_lastspike_ begins at 0), whose weights
are kept to; the paper and NEST's own test leave unpaired what comes before the first real one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity import stdp
from lifsim.engine.plasticity.store import Store

PARAMETERS, TAUS, STATES = stdp.PARAMETERS, stdp.TAUS, stdp.STATES


class NearestSynapses(NamedTuple):
    """Synapses of this model."""

    y: Store


class NearestRule(NamedTuple):
    """The parameters of a synapse, as those of stdp_synapse."""

    pairs: stdp.StdpRule


Synapses, Rule = NearestSynapses, NearestRule


def initial(constant: Any) -> tuple[float, float, float]:
    """The trace of a spike at time 0."""
    return 1.0, 0.0, 0.0


@inlined
def rule(y, p, i):
    """The parameters of synapse `i`, of projection `p`."""
    return NearestRule(stdp.rule(y, p, i))


@inlined
def grown(r, k):
    """What a trace is after a spike that would have made it `k`."""
    return 1.0


@inlined
def facilitated(r, w, k_plus, slow):
    """The weight after a postsynaptic spike."""
    return stdp.facilitated(r.pairs, w, k_plus, slow)


@inlined
def depressed(r, w, k_minus, slow):
    """The weight after a presynaptic spike."""
    return stdp.depressed(r.pairs, w, k_minus, slow)
