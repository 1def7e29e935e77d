"""The time loop.

A step k, which ends at t = k·dt, in NEST's order:

1. neurons: v moves with the old synaptic currents, which decay,
2. stimuli: Poisson spikes are added where weights go (a current, or v itself),
3. delivery: so are the weights of the spikes that arrive in this step,
4. threshold: v >= V_th fires, is stamped with the end of the step, reset and held,
5. probes: sampled variables are written down.

Turn k of a block is 3 to 5 of step k and 1 and 2 of step k + 1: all of a piece of its neurons while it is in
the fastest cache. No spike reaches another neuron before the shortest delay has passed, so the threads, each
owning blocks, meet only once every so many turns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.clock import DELIVERY, RANDOM, UPDATE, WAITING, Clock, begin, stop
from lifsim.engine.currents import Currents, OwnInput, currents_change, set_drives
from lifsim.engine.delivery import Ring, Synapses, Underway, deliver, settle
from lifsim.engine.intrinsics import borrow
from lifsim.engine.jit import kernel, merged
from lifsim.engine.neurons import Neurons, advance_group, receive_group
from lifsim.engine.neurons.membrane import fire, hold, hold_too, put_back
from lifsim.engine.poisson import PoissonDrives, add_poisson
from lifsim.engine.sharing import NONE, Sharing, all_here, arrive, finish, hand_out, next_piece, wait, wait_for_pieces


class Blocks(NamedTuple):
    """Block b owns the neurons ``first[b]`` … ``first[b + 1] - 1``, thread r the blocks ``thread[r]`` … .

    Its pieces ``piece[b]`` … are parts of populations: the neurons `lo` … `hi - 1` of group `group`. All pieces
    follow each other without a gap. Threads meet every `interval` turns.
    """

    first: np.ndarray
    thread: np.ndarray
    piece: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    group: np.ndarray
    interval: np.ndarray


class Groups(NamedTuple):
    """Populations g: model number, which state variable is v, whether any neuron has a constant input, whether
    spikes are written down, constants.

    `uniform[g]`: the constants ``same[g]`` hold for all, else each neuron has its own in `each`.
    """

    model: np.ndarray
    v: np.ndarray
    driven: np.ndarray
    watched: np.ndarray
    uniform: np.ndarray
    same: np.ndarray
    each: np.ndarray


class Probes(NamedTuple):
    """Probe p samples `variable[p]` of the neurons ``id[first[p]:first[p + 1]]`` (ascending).

    ``cut[p, i]`` … ``cut[p, i + 1] - 1`` are those in piece i. Sample number k of the slice goes to ``out[offset[p] + k·n:]``;
    `before[p]` counts the samples of earlier slices.
    """

    variable: np.ndarray
    first: np.ndarray
    id: np.ndarray
    cut: np.ndarray
    interval: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    before: np.ndarray
    offset: np.ndarray
    out: np.ndarray


class Written(NamedTuple):
    """Spikes of the slice, by piece p from ``first[p]`` on: step and id, in order of both; how many."""

    step: np.ndarray
    id: np.ndarray
    first: np.ndarray
    number: np.ndarray


class Machine(NamedTuple):
    """Everything that a run touches."""

    blocks: Blocks
    groups: Groups
    neurons: Neurons
    own: OwnInput
    synapses: Synapses
    ring: Ring
    underway: Underway
    poisson: PoissonDrives
    currents: Currents
    probes: Probes
    written: Written
    events: np.ndarray
    key: tuple[np.uint64, np.uint64]
    sharing: Sharing
    clock: Clock


@kernel
def advance(m, rank, start, n_steps):
    """Run the blocks of thread `rank` from step `start` for `n_steps` steps."""
    m = borrow(m)
    settle_blocks(m, rank, start)
    begin(m.clock, rank)
    turn, end = start, start + n_steps
    while turn <= end:
        last = min(end, max(turn + m.blocks.interval[0] - 1, start + m.blocks.interval[0]))
        run_turns(m, rank, turn, last, start, end)
        turn = last + 1


@merged
def settle_blocks(m, rank, start):
    """Make room for the spikes of a slice."""
    for b in range(m.blocks.thread[rank], m.blocks.thread[rank + 1]):
        if len(m.synapses.delay):
            settle(m.underway, b, start - m.synapses.delay[0], m.ring.number.shape[0])


@merged
def run_turns(m, rank, first, last, start, end):
    """Turns `first` … `last`: those of the own blocks, then, until all have come, pieces of what others still have to do.

    In a turn, deliver to the block, then see to its pieces.
    """
    threads = len(m.blocks.thread) - 1
    b, k, handed_out, awaited, looks = m.blocks.thread[rank], first, False, 0, 0
    while True:
        if awaited == 0 and b == m.blocks.thread[rank + 1]:
            if rank == 0 and len(m.events):
                send_given(m.ring, m.events, max(first, start + 1), last)
            awaited = arrive(m.sharing, threads)
        if awaited:
            if all_here(m.sharing, awaited):
                break
            b = (b + 1) % (len(m.blocks.first) - 1)
        elif not handed_out:
            if k > start and len(m.synapses.delay):
                lo, hi = m.blocks.first[b], m.blocks.first[b + 1]
                deliver(m.synapses, m.ring, m.underway, b, m.neurons.state[: m.neurons.channels, lo:hi], k)
            stop(m.clock, rank, DELIVERY)
            hand_out(m.sharing, b, k)
            handed_out = True
        n = m.blocks.piece[b + 1] - m.blocks.piece[b]
        piece, turn = next_piece(m.sharing, b, n)
        if piece != NONE:
            do_piece(m, rank, m.blocks.piece[b] + piece, turn, start, end)
            finish(m.sharing, b)
            looks = 0
        elif awaited:
            looks = wait(m.sharing, looks)
            stop(m.clock, rank, WAITING)
        else:
            wait_for_pieces(m.sharing, b, n)
            stop(m.clock, rank, WAITING)
            handed_out, k = False, k + 1
            if k > last:
                b, k = b + 1, first


@merged
def do_piece(m, rank, p, turn, start, end):
    """Turn `turn` of piece `p`: the end of this step, unless it is before the slice, and the beginning of the next, unless it is behind."""
    if turn > start:
        fire_piece(m.blocks, m.groups, m.neurons, m.ring, m.written, p, turn)
        for i in range(len(m.probes.variable)):
            sample(m.probes, i, p, m.neurons.state, turn)
    if turn < end:
        if len(m.currents.change) and (turn == start or currents_change(m.currents, turn + 1)):
            set_drives(m.currents, m.own, p, m.blocks.lo[p], m.blocks.hi[p], m.neurons.drive, m.key, turn + 1)
        advance_piece(m.blocks, m.groups, m.neurons, p, turn + 1)
        stop(m.clock, rank, UPDATE)
        add_poisson(m.poisson, p, m.neurons.state, m.key, turn + 1)
        stop(m.clock, rank, RANDOM)
    else:
        stop(m.clock, rank, UPDATE)


@merged
def advance_piece(blocks, groups, x, p, step):
    """Move the neurons of piece `p`."""
    lo, hi, g = blocks.lo[p], blocks.hi[p], blocks.group[p]
    now = np.int32(step)  # as `until`: compared without widening
    hold(x.held, p, lo, x.state[groups.v[g], lo:hi], x.until[lo:hi], now)
    drive = x.drive[lo : hi if groups.driven[g] else lo]
    if groups.uniform[g]:
        advance_group(groups.model[g], groups.same[g], drive, x, p, lo, hi, now)
    else:
        advance_group(groups.model[g], groups.each, drive, x, p, lo, hi, now)


@merged
def fire_piece(blocks, groups, x, ring, written, p, step):
    """Neurons of piece `p` that have reached the threshold are reset and held; their ids go into the ring and, if watched, to the record."""
    lo, hi, g = blocks.lo[p], blocks.hi[p], blocks.group[p]
    v, until, reset, refractory = x.state[groups.v[g], lo:hi], x.until[lo:hi], x.reset[lo:hi], x.refractory[lo:hi]
    now = np.int32(step)
    out = room_for(ring, p, hi - lo)
    if groups.uniform[g]:
        c = groups.same[g]
        receive_group(groups.model[g], c, x, p, lo, hi, now)
        put_back(x.held, p, lo, v)
        n = fire(v, c[0], reset, refractory, until, now, lo, out)
    else:
        receive_group(groups.model[g], groups.each, x, p, lo, hi, now)
        put_back(x.held, p, lo, v)
        n = fire(v, groups.each[0, lo:hi], reset, refractory, until, now, lo, out)
    hold_too(x.held, p, lo, out[:n])
    send(ring, p, n, step)
    if groups.watched[g]:
        write(written, p, step, out[:n])


@merged
def write(written, p, step, ids):
    """Write down that `ids` of piece `p` fired in `step`."""
    n = written.first[p] + written.number[p]
    for i in range(len(ids)):
        written.step[n + i] = step
        written.id[n + i] = ids[i]
    written.number[p] += len(ids)


@merged
def sample(probes, i, p, state, step):
    """Probe `i`: write down its variable in piece `p` if it is due in `step`."""
    since = step - probes.start[i]
    if since <= 0 or step > probes.stop[i] or since % probes.interval[i] != 0:
        return
    n = probes.first[i + 1] - probes.first[i]
    row = probes.offset[i] + (since // probes.interval[i] - 1 - probes.before[i]) * n - probes.first[i]
    for j in range(probes.cut[i, p], probes.cut[i, p + 1]):
        probes.out[row + j] = state[probes.variable[i], probes.id[j]]


@merged
def room_for(ring, p, n):
    """Room in the ring for up to `n` spikes of piece `p`."""
    if ring.room[p] + n > ring.first[p + 1]:
        ring.room[p] = ring.first[p]
    return ring.ids[ring.room[p] : ring.room[p] + n]


@merged
def send(ring, p, n, step):
    """Send the `n` spikes of `step` that lie in the room for them."""
    k = step % ring.number.shape[0]
    ring.begin[k, p], ring.number[k, p] = ring.room[p], n
    ring.room[p] += n


@merged
def send_given(ring, events, first, last):
    """Put the given spikes of the steps `first` … `last` into the ring; `events` are their steps, ascending."""
    for step in range(first, last + 1):
        k = step % ring.number.shape[0]
        ring.begin[k, -1] = np.searchsorted(events, step)
        ring.number[k, -1] = np.searchsorted(events, step, side="right") - ring.begin[k, -1]
