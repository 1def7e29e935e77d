"""Long-term plasticity: what a presynaptic spike does to its synapses when it arrives.

The delay d is dendritic: a spike sent at t is seen by the synapse at t, a postsynaptic one of time s at s + d. So the
synapse makes up for the postsynaptic spikes in (t_last - d, t - d], each a potentiation by the trace of presynaptic
spikes as it was then, in order; then follows the depression at t, by the trace of postsynaptic spikes before t - d;
then the weight is sent. Nothing that happens later can change it, so all this is done at t + d, when it arrives.

How many spikes a synapse has to make up for cannot be foretold, and mispredicted branches cost more than the
arithmetic. So it is done for a few hundred synapses at a time, in rounds: round q lists those that have at least q
spikes, each with its q-th last one. Going through the rounds backwards each synapse sees its spikes in order, and what is
computed in a round is a plain loop. What synapses have to know of their targets depends on the step and the delay alone:
where many arrive at once, it is found once for all targets.

What differs between models is in their modules: `rule`, `facilitated`, `depressed`, `grown`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint32, uint64

from lifsim.engine.compiler.intrinsics import prefetch
from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.plasticity.decay import decay
from lifsim.engine.plasticity.postsynaptic_spikes import (
    AFTER,
    BEFORE,
    FAST,
    LINKS,
    LONG_AGO,
    NONE,
    PLACE,
    SLOW,
    STEP,
    PostsynapticSpikes,
    first_after,
)
from lifsim.engine.plasticity.rules import depressed, facilitated, grown, heeds_slow, rule_of
from lifsim.engine.synapses.delivery import add
from lifsim.plan.spikes import NEVER
from lifsim.plan.synapses import COUNT_SPIKES, NO_RECEPTOR

TILE = 1024  # synapses at a time
LANES = 8  # numbers that a processor may compute at a time
MOST_ROUNDS = 16  # rounds at a time


class Work(NamedTuple):
    """Work space of each block b: ``synapse[b, q]``, ``spike[b, q]`` and ``step[b, q]`` (of the spike) are the list of round
    q, of ``number[b, q]`` entries; ``real[b]`` the weights of a tile, then weights and traces of a round.

    What synapses see of their targets, by place: the `last` spike, the step of it, the `trace` of those before. Of all targets
    of block b, `last` is that of the step ``until[b]`` (`NEVER`: of none), `left` the trace it left, ``following[b]`` the spike after.
    """

    synapse: np.ndarray
    spike: np.ndarray
    step: np.ndarray
    number: np.ndarray
    real: np.ndarray
    last: np.ndarray
    last_step: np.ndarray
    trace: np.ndarray
    left: np.ndarray
    until: np.ndarray
    following: np.ndarray


class Arrival(NamedTuple):
    """A spike at a segment: its projection, the step `since` which postsynaptic spikes are new to it, the presynaptic traces
    as they were then (fast) and are now (slow), the number of the time constant of the fast one.
    """

    projection: int
    since: int
    fast: float
    slow: float
    law: int


class Site(NamedTuple):
    """Where spikes arrive: the spikes that targets have sent, work space, and a block `b`, whose neurons have the places from `lo` on."""

    trains: PostsynapticSpikes
    work: Work
    b: int
    lo: int


def work_for(blocks: int, neurons: int) -> Work:
    """Work space."""
    synapse, spike, step = (np.zeros((blocks, MOST_ROUNDS, TILE), np.int32) for _ in range(3))
    number, real = np.zeros((blocks, MOST_ROUNDS), np.int64), np.zeros((blocks, 4, TILE))
    last, last_step, trace, left = (np.zeros(neurons, kind) for kind in (np.int32, np.int32, float, float))
    return Work(synapse, spike, step, number, real, last, last_step, trace, left, np.full(blocks, NEVER), np.zeros(blocks, np.int64))


def forget(work: Work) -> None:
    """The spikes of the targets are in other places from now on."""
    work.until[:] = NEVER


@merged
def transmit_pairs(synapses, site, r, j, sent, total, all_seen):
    """The spike of step `sent` arrives at segment (r, j) of the block; `all_seen` says whether `look_at_all` did its work."""
    y, trains, work, b = synapses.y, site.trains, site.work, site.b
    p, before, state, d = y.projection[r], np.int64(y.last[b, r, j]), y.state[b, r, j], y.delay[j]
    slow = state[1] * decay(trains.decays, y.law[p, 1], sent - before)
    arrival = Arrival(p, before - d, state[0], slow, y.law[p, 0])
    own = rule_of(synapses, p, y.begin[b, r, j])
    trace = work.trace[site.lo : site.lo + total.shape[1]]
    for a in range(y.begin[b, r, j], y.begin[b, r, j + 1], TILE):
        n = min(TILE, y.begin[b, r, j + 1] - a)
        target, weight, w = y.target[a : a + n], y.weight[a : a + n], work.real[b, 0, :n]
        if not all_seen:
            look(own, site, target, sent - d)
        for i in range(n):
            w[i] = weight[i]
        apply_facilitation(synapses, own, site, a, target, w, arrival)
        depress(synapses, own, a, target, trace, w, work.real[b, 1, :n], arrival)
        for i in range(n):
            weight[i] = w[i]
        send(y, y.receptor[p], a, n, total)
    state[0] = grown(own, 1.0 + state[0] * decay(trains.decays, y.law[p, 0], sent - before))
    state[1] = 1.0 + slow
    y.last[b, r, j] = sent


# -- what synapses see of their targets ----------------------------------------------------------------


@merged
def look_at_all(synapses, site, n, until, arriving):
    """Find it for all `n` targets of the block, if that is less work than for each of the `arriving` synapses; whether it was."""
    trains, work, b, lo = site
    if arriving <= n:
        work.until[b] = NEVER  # what is known of all will be written over
        return False
    own, last_step, left, seen = rule_of(synapses, 0, 0), work.last_step[lo : lo + n], work.left[lo : lo + n], work.trace[lo : lo + n]
    if work.until[b] > until:
        work.last[lo : lo + n], last_step[:], left[:], work.following[b] = NONE, LONG_AGO, 0.0, LINKS
    go_on(site, until)
    fade(own, trains.decays, trains.law[0, lo : lo + n], until, last_step, left, seen)
    without_last(own, site, until)
    return True


@kernel
def go_on(site, until):
    """Of all targets of the block the last spike until step `until`: what they have fired since the step before."""
    trains, work, b, _ = site
    link, trace, e = trains.link[b], trains.trace[b], work.following[b]
    while e < trains.used[b] and link[e + STEP] <= until:
        place = link[e + PLACE]
        work.last[place], work.last_step[place], work.left[place] = e, link[e + STEP], trace[e // 2 + FAST]
        e += LINKS
    work.following[b], work.until[b] = e, until


@kernel
def fade(own, decays, law, until, last_step, left, seen):
    """What is left in step `until` of the trace after the last spike."""
    fine, coarse, f, c = decays.fine, decays.coarse, decays.bits[0], decays.bits[1]
    near, far = (1 << f) - 1, (1 << c) - 1
    for t in range(len(seen)):
        n, q = until - last_step[t], law[t]
        passed = coarse[uint64((q << c) + min(n >> f, far))] * fine[uint64((q << f) + (n & near))]
        seen[t] = grown(own, left[t]) * passed


@kernel
def without_last(own, site, until):
    """Of those that fired in step `until` the trace of the spikes before."""
    trains, work, b, _ = site
    link, trace, end = trains.link[b], trains.trace[b], work.following[b]
    first = end
    while first > LINKS and link[first - LINKS + STEP] == until:
        first -= LINKS
    for e in range(first, end, LINKS):
        before, place = link[e + BEFORE], link[e + PLACE]
        passed = decay(trains.decays, trains.law[0, place], until - np.int64(link[before + STEP]))
        work.trace[place] = grown(own, trace[before // 2 + FAST]) * passed


@kernel
def look(own, site, target, until):
    """The last spike until step `until` of each of the targets, its step, and the trace of those before `until`."""
    trains, work, b, lo = site
    last, last_step, seen = work.last[lo:], work.last_step[lo:], work.trace[lo:]
    link, trace, newest, law = trains.link[b], trains.trace[b], trains.newest[lo:], trains.law[0, lo:]
    fine, coarse, f, c = trains.decays.fine, trains.decays.coarse, trains.decays.bits[0], trains.decays.bits[1]
    near, far = (1 << f) - 1, (1 << c) - 1
    for i in range(len(target)):
        prefetch(link, newest[target[i]])
    for i in range(len(target)):
        t = target[i]
        e = uint32(newest[t])
        while link[e + uint32(STEP)] > until:
            e = uint32(link[e + uint32(BEFORE)])
        last[t], last_step[t] = e, link[e + uint32(STEP)]
        e = uint32(link[e + uint32(BEFORE)]) if link[e + uint32(STEP)] == until else e
        n, q = until - link[e + uint32(STEP)], law[t]
        passed = coarse[uint64((q << c) + min(n >> f, far))] * fine[uint64((q << f) + (n & near))]
        seen[t] = grown(own, trace[(e >> uint32(1)) + uint32(FAST)]) * passed


# -- postsynaptic spikes since the last presynaptic one ------------------------------------------------


@kernel
def apply_facilitation(synapses, own, site, a, target, w, arrival):
    """Apply the facilitation by all postsynaptic spikes that the synapses from `a` on, of weights `w`, have not seen."""
    trains, work, b, lo = site
    last, last_step = work.last[lo:], work.last_step[lo:]
    link, synapse, spike, step, number = trains.link[b], work.synapse[b], work.spike[b], work.step[b], work.number[b]
    number[0] = first_round(link, target, last, last_step, synapse[0], spike[0], step[0], arrival.since)
    q = 0
    while number[q] > 0 and arrival.fast > 0.0 and q < MOST_ROUNDS - 1:  # without a trace, once is enough to obey Wmax
        n = number[q]
        number[q + 1] = next_round(link, synapse[q, :n], spike[q, :n], synapse[q + 1], spike[q + 1], step[q + 1], arrival.since)
        q += 1
    n = number[q]
    if n > 0 and arrival.fast > 0.0:
        see_rest(synapses, trains, b, a, synapse[q, :n], spike[q, :n], w, arrival)
    while q >= 0:
        n, real = number[q], work.real[b]
        m = -(-n // LANES) * LANES  # what is beyond the list is computed for nothing, which is less than what is left over would take
        if heeds_slow(own):
            slow_traces(trains.trace[b], spike[q, :n], real[3])
        x, fast, slow = real[1, :m], real[2, :m], real[3, :m]
        as_they_were(trains.decays, synapse[q, :n], step[q, :n], w, x, fast, arrival)
        if len(synapses.y.own):
            for i in range(n):
                x[i] = facilitated(rule_of(synapses, arrival.projection, a + synapse[q, i]), x[i], fast[i], slow[i])
        else:
            facilitate(own, x, fast, slow)
        for i in range(n):
            w[uint32(synapse[q, i])] = x[i]
        q -= 1


@kernel
def first_round(link, target, last, last_step, synapse, spike, step, since):
    """List the synapses that have not seen the last spike before; how many."""
    n = 0
    for i in range(len(target)):
        t = target[i]
        synapse[n], spike[n], step[n] = i, last[t], last_step[t]
        n += 1 if last_step[t] > since else 0
    for i in range(n):
        prefetch(link, spike[i])
    return n


@kernel
def next_round(link, synapse, spike, synapse_next, spike_next, step_next, since):
    """Of the synapses in a list, those that have not seen the spike before either; how many."""
    for i in range(len(synapse)):
        prefetch(link, link[uint32(spike[i]) + uint32(BEFORE)])
    n = 0
    for i in range(len(synapse)):
        e = uint32(link[uint32(spike[i]) + uint32(BEFORE)])
        at = link[e + uint32(STEP)]
        synapse_next[n], spike_next[n], step_next[n] = synapse[i], e, at
        n += 1 if at > since else 0
    return n


@kernel
def slow_traces(trace, spike, slow):
    """The slow traces of the targets just before each of the spikes."""
    for i in range(len(spike)):
        slow[i] = trace[(uint32(spike[i]) >> uint32(1)) + uint32(SLOW)] - 1.0


@kernel
def as_they_were(decays, synapse, step, w, x, fast, arrival):
    """Weights `x` of the synapses in the list, and their presynaptic traces `fast` when the spike came that they see now."""
    fine, coarse, f, c = decays.fine, decays.coarse, decays.bits[0], decays.bits[1]
    near, far, first_fine, first_coarse = (1 << f) - 1, (1 << c) - 1, arrival.law << f, arrival.law << c
    before, since = arrival.fast, arrival.since
    for i in range(len(synapse)):
        n = step[i] - since
        x[i] = w[uint32(synapse[i])]
        fast[i] = before * (coarse[uint64(first_coarse + min(n >> f, far))] * fine[uint64(first_fine + (n & near))])


@kernel
def facilitate(own, x, fast, slow):
    """The weights `x` after a spike, of synapses with the same parameters."""
    for i in range(len(x)):
        x[i] = facilitated(own, x[i], fast[i], slow[i])


@kernel
def see_rest(synapses, trains, b, a, synapse, spike, w, arrival):
    """Before that, the synapses in the last list see what spikes there are before those in it."""
    link, trace = trains.link[b], trains.trace[b]
    for i in range(len(synapse)):
        own = rule_of(synapses, arrival.projection, a + synapse[i])
        e = first_after(link, spike[i], arrival.since)
        while e != spike[i]:
            fast = arrival.fast * decay(trains.decays, arrival.law, link[e + STEP] - arrival.since)
            w[synapse[i]] = facilitated(own, w[synapse[i]], fast, trace[e // 2 + SLOW] - 1.0)
            e = link[e + AFTER]


# -- the presynaptic spike -------------------------------------------------------------------------


@kernel
def depress(synapses, own, a, target, trace, w, k, arrival):
    """The synapses from `a` on see the presynaptic spike; `k` is room for the traces of their targets."""
    for i in range(len(w)):
        k[i] = trace[target[i]]
    if len(synapses.y.own):
        for i in range(len(w)):
            w[i] = depressed(rule_of(synapses, arrival.projection, a + i), w[i], k[i], arrival.slow)
    else:
        for i in range(len(w)):
            w[i] = depressed(own, w[i], k[i], arrival.slow)


@kernel
def send(y, receptor, a, n, total):
    """Add the `n` weights from `a` on to `total`: the receptor, or else the sign, says which sum they go into."""
    target, weight, negative = y.target, y.weight, 0
    if receptor == NO_RECEPTOR:
        return
    if receptor == COUNT_SPIKES:
        for i in range(a, a + n):
            total[0, target[i]] += 1
        return
    for i in range(a, a + n):
        negative += 1 if weight[uint64(i)] < 0 else 0
    if receptor > 0 or len(total) == 1 or negative == 0:
        add(total[max(receptor - 1, 0)], target, a, n, weight, a, 1.0)
    elif negative == n:
        add(total[1], target, a, n, weight, a, 1.0)
    else:
        for i in range(a, a + n):
            total[uint64(weight[i] < 0), target[i]] += weight[i]
