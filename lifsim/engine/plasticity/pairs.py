"""Long-term plasticity: the effect of a presynaptic spike on its synapses when it arrives.

The delay d is dendritic: the synapse sees a presynaptic spike at the time t when it is sent, and a postsynaptic spike of time s
at s + d. With t_last the time of the previous presynaptic spike, the synapse therefore applies, in this order,

1. the postsynaptic spikes in (t_last - d, t - d]: for each a potentiation, by the presynaptic trace at the time the synapse sees it;
2. the depression at t, by the trace of the postsynaptic spikes before t - d;
3. the transmission of the weight.

No later event can change this weight, so all three are computed at t + d, when the presynaptic spike arrives.

The number of postsynaptic spikes to apply is unpredictable, and mispredicted branches cost more than the arithmetic. So tiles of up
to `TILE` synapses are processed in rounds: the q-th round lists the synapses with at least q such spikes, each with its q-th last
one. The rounds are applied in reverse order, so each synapse sees its spikes in order, and the computation of a round is a plain
loop. What synapses need to know about their targets depends only on the step and the delay; if spikes arrive at many synapses, it is
computed once for all targets.

Each model's module defines `rule`, `facilitated` (potentiation), `depressed` and `grown`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import uint32, uint64

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
from lifsim.engine.plasticity.rule_dispatch import depressed, facilitated, grown, heeds_slow, rule_of
from lifsim.engine.synapses.delivery import add
from lifsim.plan.spikes import NEVER
from lifsim.plan.synapses import COUNT_SPIKES, NO_RECEPTOR

TILE = 1024  # largest number of synapses in a tile
LANES = 8  # float64 numbers that a processor may compute at a time
MOST_ROUNDS = 16  # largest number of rounds; further spikes are applied one by one


class Work(NamedTuple):
    """Work space.

    ``synapse[b, q]`` (index in the tile), ``spike[b, q]`` and ``step[b, q]`` (of the spike) list the ``number[b, q]`` synapses of round q
    in block b. ``real[b]``, shape (4, TILE), has the weights of a tile, then the weights, fast traces and slow traces of a round.

    By place of the target: its `last` spike that synapses can see, the step of that spike, and the `trace` of the spikes before. If these
    are known for all targets of block b, they hold for step ``until[b]`` (else `NEVER`); `left` is the trace just after the `last`
    spike, and ``following[b]`` is the first spike of the block that has not been considered.
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
    """A presynaptic spike that arrives at a segment.

    projection : its projection. since : postsynaptic spikes after this step are new to the segment. fast : fast presynaptic trace just
    after the previous presynaptic spike. slow : slow presynaptic trace just before this spike. law : index of the time constant of `fast`.
    """

    projection: int
    since: int
    fast: float
    slow: float
    law: int


class Site(NamedTuple):
    """The targets: their spikes, work space, and the block `b`, whose neurons have the places from `lo` on."""

    trains: PostsynapticSpikes
    work: Work
    b: int
    lo: int


def work_for(blocks: int, neurons: int) -> Work:
    """Work space for so many blocks and neurons."""
    synapse, spike, step = (np.zeros((blocks, MOST_ROUNDS, TILE), np.int32) for _ in range(3))
    number, real = np.zeros((blocks, MOST_ROUNDS), np.int64), np.zeros((blocks, 4, TILE))
    last, last_step, trace, left = (np.zeros(neurons, kind) for kind in (np.int32, np.int32, float, float))
    return Work(synapse, spike, step, number, real, last, last_step, trace, left, np.full(blocks, NEVER), np.zeros(blocks, np.int64))


def forget(work: Work) -> None:
    """Discard the stored last spikes and traces of all targets, because their spikes have been moved in memory."""
    work.until[:] = NEVER


@merged
def transmit_pairs(synapses, site, r, j, sent, total, all_seen):
    """Process the arrival of a spike of step `sent` at segment (r, j) of the block; `all_seen` is the result of `look_at_all`."""
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


# -- spikes and traces of the targets ------------------------------------------------------------------


@merged
def look_at_all(synapses, site, n, until, arriving):
    """Find the last spikes until step `until`, and the traces, of all `n` targets of the block.

    Does so only if it is less work than doing it for each of the `arriving` synapses; returns whether it has been done.
    """
    trains, work, b, lo = site
    if arriving <= n:
        work.until[b] = NEVER  # because `look` will overwrite entries
        return False
    own, last_step, left, seen = rule_of(synapses, 0, 0), work.last_step[lo : lo + n], work.left[lo : lo + n], work.trace[lo : lo + n]
    if work.until[b] > until:
        work.last[lo : lo + n], last_step[:], left[:], work.following[b] = NONE, LONG_AGO, 0.0, LINKS
    advance_last_spikes(site, until)
    fade(own, trains.decays, trains.law[0, lo : lo + n], until, last_step, left, seen)
    without_last(own, site, until)
    return True


@kernel
def advance_last_spikes(site, until):
    """Advance the last spikes of all targets of the block to step `until`, by the spikes since the previous call."""
    trains, work, b, _ = site
    link, trace, e = trains.link[b], trains.trace[b], work.following[b]
    while e < trains.used[b] and link[e + STEP] <= until:
        place = link[e + PLACE]
        work.last[place], work.last_step[place], work.left[place] = e, link[e + STEP], trace[e // 2 + FAST]
        e += LINKS
    work.following[b], work.until[b] = e, until


@kernel
def fade(own, decays, law, until, last_step, left, seen):
    """Compute the traces `seen` at step `until` from the traces `left` just after the last spikes."""
    fine, coarse, f, c = decays.fine, decays.coarse, decays.bits[0], decays.bits[1]
    near, far = (1 << f) - 1, (1 << c) - 1
    for t in range(len(seen)):
        n, q = until - last_step[t], law[t]
        passed = coarse[uint64((q << c) + min(n >> f, far))] * fine[uint64((q << f) + (n & near))]
        seen[t] = grown(own, left[t]) * passed


@kernel
def without_last(own, site, until):
    """For targets that fired in step `until`, replace the trace by that of the spikes before."""
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
    """For each entry of `target`, find its last spike until step `until`, the step of this spike, and the trace of earlier spikes."""
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
    """Apply to the weights `w` of the synapses from `a` on the potentiation by all postsynaptic spikes since they were last updated."""
    trains, work, b, lo = site
    last, last_step = work.last[lo:], work.last_step[lo:]
    link, synapse, spike, step, number = trains.link[b], work.synapse[b], work.spike[b], work.step[b], work.number[b]
    number[0] = first_round(link, target, last, last_step, synapse[0], spike[0], step[0], arrival.since)
    q = 0
    while number[q] > 0 and arrival.fast > 0.0 and q < MOST_ROUNDS - 1:  # if the trace is 0, one round is enough to enforce Wmax
        n = number[q]
        number[q + 1] = next_round(link, synapse[q, :n], spike[q, :n], synapse[q + 1], spike[q + 1], step[q + 1], arrival.since)
        q += 1
    n = number[q]
    if n > 0 and arrival.fast > 0.0:
        apply_rest(synapses, trains, b, a, synapse[q, :n], spike[q, :n], w, arrival)
    while q >= 0:
        n, real = number[q], work.real[b]
        m = -(-n // LANES) * LANES  # whole vectors: the surplus entries cost less than a scalar loop over the remainder
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
    """List each synapse whose target fired after step `since`, with the target's last spike; returns the number of synapses."""
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
    """List those of the listed synapses that have not seen the spike before either, with that spike; returns their number."""
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
    """Compute the slow traces of the targets just before each spike."""
    for i in range(len(spike)):
        slow[i] = trace[(uint32(spike[i]) >> uint32(1)) + uint32(SLOW)] - 1.0


@kernel
def as_they_were(decays, synapse, step, w, x, fast, arrival):
    """Copy the weights of the listed synapses to `x`; compute their presynaptic traces `fast` at the listed postsynaptic spikes."""
    fine, coarse, f, c = decays.fine, decays.coarse, decays.bits[0], decays.bits[1]
    near, far, first_fine, first_coarse = (1 << f) - 1, (1 << c) - 1, arrival.law << f, arrival.law << c
    before, since = arrival.fast, arrival.since
    for i in range(len(synapse)):
        n = step[i] - since
        x[i] = w[uint32(synapse[i])]
        fast[i] = before * (coarse[uint64(first_coarse + min(n >> f, far))] * fine[uint64(first_fine + (n & near))])


@kernel
def facilitate(own, x, fast, slow):
    """Potentiate the weights `x` by a postsynaptic spike each; all synapses have the same parameters."""
    for i in range(len(x)):
        x[i] = facilitated(own, x[i], fast[i], slow[i])


@kernel
def apply_rest(synapses, trains, b, a, synapse, spike, w, arrival):
    """Apply to the synapses of the last possible round all unseen spikes before the listed ones."""
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
    """Apply the presynaptic spike to the synapses from `a` on; `k` is work space for the traces of their targets."""
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
    """Add the `n` weights from `a` on to the input sums `total`; the receptor, or if it is 0 the sign of a weight, selects the sum."""
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
