"""The rules of long-term plasticity: the compiler selects the module of the model by the types of the arguments."""

from __future__ import annotations

from typing import Any

from lifsim.engine.compiler.overloads import overload
from lifsim.engine.plasticity import stdp, stdp_nn_symm, stdp_pl, stdp_triplet, vogels_sprekeler

MODULES = (stdp, stdp_nn_symm, stdp_pl, stdp_triplet, vogels_sprekeler)
OF_SYNAPSES = {m.Synapses: m for m in MODULES}
OF_RULE = {m.Rule: m for m in MODULES}


def rule_of(synapses: Any, p: int, i: int) -> Any:
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""


def grown(own: Any, k: float) -> Any:
    """The trace just after a spike. `k` is 1 more than the trace just before the spike."""


def heeds_slow(own: Any) -> Any:
    """Whether the rule uses the slow postsynaptic trace."""


def facilitated(own: Any, w: float, k_plus: float, slow: float) -> Any:
    """The weight after a postsynaptic spike; `k_plus` is the presynaptic trace, `slow` the slow postsynaptic trace."""


def depressed(own: Any, w: float, k_minus: float, slow: float) -> Any:
    """The weight after a presynaptic spike; `k_minus` is the postsynaptic trace, `slow` the slow presynaptic trace."""


@overload(rule_of)
def _rule_of(synapses, p, i):
    rule = OF_SYNAPSES[synapses.instance_class].rule
    return lambda synapses, p, i: rule(synapses.y, p, i)


@overload(grown)
def _grown(own, k):
    function = OF_RULE[own.instance_class].grown
    return lambda own, k: function(own, k)


@overload(heeds_slow)
def _heeds_slow(own):
    heeds = OF_RULE[own.instance_class] is stdp_triplet
    return (lambda own: True) if heeds else (lambda own: False)


@overload(facilitated)
def _facilitated(own, w, k_plus, slow):
    function = OF_RULE[own.instance_class].facilitated
    return lambda own, w, k_plus, slow: function(own, w, k_plus, slow)


@overload(depressed)
def _depressed(own, w, k_minus, slow):
    function = OF_RULE[own.instance_class].depressed
    return lambda own, w, k_minus, slow: function(own, w, k_minus, slow)
