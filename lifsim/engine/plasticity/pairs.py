"""Long-term plasticity: what a presynaptic spike does to its synapses when it arrives.

The delay d is dendritic: a spike sent at t is seen by the synapse at t, a postsynaptic one of time s at s + d. So the
synapse makes up for the postsynaptic spikes in (t_last - d, t - d], each a potentiation by the trace of presynaptic
spikes as it was then, in order; then follows the depression at t, by the trace of postsynaptic spikes before t - d;
then the weight is sent. Nothing that happens later can change it, so all this is done at t + d, when it arrives.

What differs between models is in their modules: `rule`, `facilitated`, `depressed`, `grown`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload

from lifsim.engine.jit import kernel
from lifsim.engine.plasticity import stdp, stdp_nn_symm, stdp_pl, stdp_triplet, vogels_sprekeler
from lifsim.engine.plasticity.decay import decay
from lifsim.engine.plasticity.store import send
from lifsim.engine.plasticity.trains import AFTER, BEFORE, FAST, NONE, SLOW, STEP, first_after, last_until

MODULES = (stdp, stdp_nn_symm, stdp_pl, stdp_triplet, vogels_sprekeler)
OF_SYNAPSES = {m.Synapses: m for m in MODULES}
OF_RULE = {m.Rule: m for m in MODULES}


@kernel
def transmit_pairs(synapses, trains, b, lo, r, j, sent, total):
    """The spike of step `sent` arrives at segment (r, j) of block `b`, whose neurons have the places from `lo` on."""
    y, link, newest = synapses.y, trains.link[b], trains.newest[lo : lo + total.shape[1]]
    p, last, state = y.projection[r], np.int64(y.last[b, r, j]), y.state[b, r, j]
    first, end = y.begin[b, r, j], y.begin[b, r, j + 1]
    seen = sent - y.delay[j]
    own = rule_of(synapses, p, first)
    slow = state[1] * decay(trains.decays, y.law[p, 1], sent - last)
    for i in range(first, end):
        t = y.target[i]
        if len(y.own):
            own = rule_of(synapses, p, i)
        w, e = np.float64(y.weight[i]), np.int64(last_until(link, newest[t], seen))
        w = made_up(own, w, trains, b, e, last - y.delay[j], state[0], y.law[p, 0])
        if e != NONE and link[e, STEP] == seen:
            e = np.int64(link[e, BEFORE])
        k_minus = 0.0
        if e != NONE:
            k_minus = grown(own, trains.trace[b, e, FAST]) * decay(trains.decays, trains.law[0, lo + t], seen - link[e, STEP])
        y.weight[i] = depressed(own, w, k_minus, slow)
        send(total, t, y.weight[i])
    state[0] = grown(own, 1.0 + state[0] * decay(trains.decays, y.law[p, 0], sent - last))
    state[1] = 1.0 + slow
    y.last[b, r, j] = sent


@kernel
def made_up(own, w, trains, b, e, since, k_plus, law):
    """The weight after the postsynaptic spikes after step `since`, of which `e` is the last; `k_plus` is the trace at `since`."""
    link = trains.link[b]
    if e == NONE or link[e, STEP] <= since:
        return w
    if k_plus == 0.0:  # no presynaptic spike yet: only what is beyond Wmax is changed
        return facilitated(own, w, 0.0, 0.0)
    f, e = np.int64(first_after(link, e, since)), np.int64(link[e, AFTER])
    while f != e:
        k = k_plus * decay(trains.decays, law, link[f, STEP] - since)
        w = facilitated(own, w, k, trains.trace[b, f, SLOW] - 1.0)
        f = np.int64(link[f, AFTER])
    return w


# -- by model --------------------------------------------------------------------------------------


def rule_of(synapses: Any, p: int, i: int) -> Any:
    """The parameters of synapse `i`, of projection `p`."""


def grown(own: Any, k: float) -> Any:
    """What a trace is after a spike that made it `k`."""


def facilitated(own: Any, w: float, k_plus: float, slow: float) -> Any:
    """The weight after a postsynaptic spike."""


def depressed(own: Any, w: float, k_minus: float, slow: float) -> Any:
    """The weight after a presynaptic spike."""


@overload(rule_of)
def _rule_of(synapses, p, i):
    rule = OF_SYNAPSES[synapses.instance_class].rule
    return lambda synapses, p, i: rule(synapses.y, p, i)


@overload(grown)
def _grown(own, k):
    function = OF_RULE[own.instance_class].grown
    return lambda own, k: function(own, k)


@overload(facilitated)
def _facilitated(own, w, k_plus, slow):
    function = OF_RULE[own.instance_class].facilitated
    return lambda own, w, k_plus, slow: function(own, w, k_plus, slow)


@overload(depressed)
def _depressed(own, w, k_minus, slow):
    function = OF_RULE[own.instance_class].depressed
    return lambda own, w, k_minus, slow: function(own, w, k_minus, slow)
