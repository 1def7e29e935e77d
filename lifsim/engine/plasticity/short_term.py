"""Short-term plasticity: the fraction of the weight that a spike transmits depends on the previous presynaptic spikes.

If all synapses of a segment have the same parameters, they share one state; else each synapse has its own.
Each model's module defines `rule`, `released`, `state` and `keep`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.jit import inlined, merged
from lifsim.engine.compiler.overloads import overload
from lifsim.engine.plasticity import tsodyks, tsodyks2
from lifsim.plan.synapses import COUNT_SPIKES

OF_SYNAPSES = {m.Synapses: m for m in (tsodyks2, tsodyks)}
OF_RULE = {m.Rule: m for m in (tsodyks2, tsodyks)}


@merged
def transmit_scaled(synapses, b, r, j, sent, total):
    """Process the arrival of a spike of step `sent` at segment (r, j) of block `b`."""
    y = synapses.y
    p, last, state = y.projection[r], np.int64(y.last[b, r, j]), y.state[b, r, j]
    h, target, weight, receptor, signs = (sent - last) * y.dt, y.target, y.weight, y.receptor[p], len(total) > 1
    first, end = y.begin[b, r, j], y.begin[b, r, j + 1]
    if y.column[p, 0] < 0:
        after, part = released(rule_of(synapses, p, first), (state[0], state[1], state[2]), h, last == 0)
        state[0], state[1], state[2] = after
        for i in range(first, end):
            put(total, receptor, signs, target[i], weight[i], part)
    else:
        for i in range(first, end):
            after, part = released(rule_of(synapses, p, i), state_of(synapses, p, i), h, last == 0)
            keep(synapses, p, i, after)
            put(total, receptor, signs, target[i], weight[i], part)
    y.last[b, r, j] = sent


@inlined
def put(total, receptor, signs, i, weight, part):
    """Add a fraction `part` of a weight to the input sum of `receptor`; for receptor 0, the sign of the weight selects it (if `signs`)."""
    if receptor >= 0:
        total[receptor - 1 if receptor > 0 else np.int64(signs and weight < 0), i] += weight * part
    elif receptor == COUNT_SPIKES:
        total[0, i] += 1


# -- by model --------------------------------------------------------------------------------------


def rule_of(synapses: Any, p: int, i: int) -> Any:
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""


def state_of(synapses: Any, p: int, i: int) -> Any:
    """The state of synapse `i`, of projection `p`."""


def keep(synapses: Any, p: int, i: int, state: Any) -> Any:
    """Set the state of synapse `i` to `state`."""


def released(own: Any, state: Any, h: float, first: bool) -> Any:
    """The state after a spike `h` ms after the previous one, and the fraction of the weight that is transmitted."""


@overload(rule_of)
def _rule_of(synapses, p, i):
    function = OF_SYNAPSES[synapses.instance_class].rule
    return lambda synapses, p, i: function(synapses.y, p, i)


@overload(state_of)
def _state_of(synapses, p, i):
    function = OF_SYNAPSES[synapses.instance_class].state
    return lambda synapses, p, i: function(synapses.y, p, i)


@overload(keep)
def _keep(synapses, p, i, state):
    function = OF_SYNAPSES[synapses.instance_class].keep
    return lambda synapses, p, i, state: function(synapses.y, p, i, state)


@overload(released)
def _released(own, state, h, first):
    function = OF_RULE[own.instance_class].released
    return lambda own, state, h, first: function(own, state, h, first)
