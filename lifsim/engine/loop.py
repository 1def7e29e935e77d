"""The time loop.

A step k, which ends at t = k·dt, in NEST's order:

1. neurons: v moves with the old synaptic currents, which decay,
2. stimuli: Poisson spikes are added where weights go (a current, or v itself),
3. delivery: so are the weights of the spikes that arrive in this step, static ones first, then plastic ones,
4. threshold: v >= V_th fires, is stamped with the end of the step, reset and held,
5. probes: sampled variables are written down.

Turn k of a block is 3 to 5 of step k and 1 and 2 of step k + 1: all of a piece of its neurons while it is in
the fastest cache. No spike reaches another neuron before the shortest delay has passed, so the threads, each
owning blocks, meet only once every so many turns.

The loop knows blocks, pieces and turns. What is done in them is done by parts (`lifsim.engine.compiler.parts`): those that deliver
(`delivery`, `plasticity.delivery`) and those that step a piece (`piece`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import merged
from lifsim.engine.compiler.parts import Part, call
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.parallel.clock import DELIVERY, WAITING, Clock, begin, stop
from lifsim.engine.parallel.work_sharing import (
    NONE,
    Sharing,
    all_here,
    arrive,
    finish,
    hand_out,
    next_piece,
    patient,
    wait,
    wait_for_pieces,
)
from lifsim.engine.synapses.delivery import PendingSpikes, Ring, settle

ENDS, BEGINS = 1, 2  # of a turn: whether a step ends in it (not before the slice), and whether one begins (not behind it)


class Blocks(NamedTuple):
    """Block b owns the places ``first[b]`` … ``first[b + 1] - 1``, thread r the blocks ``thread[r]`` … (see `seats`).

    Its pieces ``piece[b]`` … are parts of populations: in the places `lo` … `hi - 1` are the neurons of group `group`
    from number `id` on. All pieces follow each other without a gap. Threads meet every `interval` turns.
    """

    first: np.ndarray
    thread: np.ndarray
    piece: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    id: np.ndarray
    group: np.ndarray
    interval: np.ndarray


class Deliveries(NamedTuple):
    """Parts that deliver to block b in step k, ``part(data, b, k)``: their addresses and those of their data."""

    code: np.ndarray
    data: np.ndarray


class Steppers(NamedTuple):
    """Parts ``first[g]`` … ``first[g + 1] - 1`` do the turns of the pieces of population g, ``part(data, rank, piece, turn, what)``,
    thread `rank` being at work: their addresses and those of their data, and the phase to which the time that each takes belongs.
    """

    first: np.ndarray
    code: np.ndarray
    data: np.ndarray
    phase: np.ndarray


class Loop(NamedTuple):
    """What the loop itself works with. `delay` are the delays (steps) of static synapses, `events` the steps of given spikes, ascending."""

    blocks: Blocks
    ring: Ring
    underway: PendingSpikes
    delay: np.ndarray
    events: np.ndarray
    sharing: Sharing
    clock: Clock
    deliveries: Deliveries
    steppers: Steppers


@Part
def advance(m, rank, start, n_steps):
    """Run the blocks of thread `rank` from step `start` for `n_steps` steps.

    Until the next meeting: the turns of the own blocks, first delivery, then the pieces; then, should another
    thread not come, pieces of what it still has to do.
    """
    blocks, ring, deliveries, sharing, clock, events = m.blocks, m.ring, m.deliveries, m.sharing, m.clock, m.events
    mine, beyond, threads, n_blocks = blocks.thread[rank], blocks.thread[rank + 1], len(blocks.thread) - 1, len(blocks.first) - 1
    settle_blocks(m.underway, m.delay, ring, mine, beyond, start)
    begin(clock, rank)
    first, end = start, start + n_steps
    last = min(end, start + blocks.interval[0])
    b, k, handed_out, awaited, looks = mine, first, False, 0, 0
    while first <= end:
        if awaited == 0 and b == beyond:
            if rank == 0 and len(events):
                send_given(ring, events, max(first, start + 1), last)
            awaited = arrive(sharing, threads)
        if awaited:
            if all_here(sharing, awaited):
                stop(clock, rank, WAITING)
                first, last, awaited = last + 1, min(end, last + blocks.interval[0]), 0
                b, k, looks = mine, first, 0
                continue
            if patient(looks):
                looks = wait(sharing, looks)
                continue
            b = (b + 1) % n_blocks
        elif not handed_out:
            for i in range(len(deliveries.code) if k > start else 0):
                call(deliveries.code[i], deliveries.data[i], (b, k))
            stop(clock, rank, DELIVERY)
            hand_out(sharing, b, k)
            handed_out = True
        piece, turn = next_piece(sharing, b, blocks.piece[b], blocks.piece[b + 1])
        if piece != NONE:
            do_piece(blocks, m.steppers, clock, rank, piece, turn, start, end)
            finish(sharing, piece, turn)
        elif awaited:
            looks = wait(sharing, looks)
            stop(clock, rank, WAITING)
        else:
            wait_for_pieces(sharing, blocks.piece[b], blocks.piece[b + 1], k)
            stop(clock, rank, WAITING)
            handed_out, k = False, k + 1
            if k > last:
                b, k = b + 1, first


@merged
def settle_blocks(underway, delay, ring, mine, beyond, start):
    """Make room in the blocks `mine` … `beyond` - 1 for the spikes of a slice."""
    for b in range(mine, beyond):
        if len(delay):
            settle(underway, b, start - delay[0], ring.number.shape[0])


@merged
def do_piece(blocks, steppers, clock, rank, p, turn, start, end):
    """Turn `turn` of piece `p`."""
    g, what = blocks.group[p], (ENDS if turn > start else 0) | (BEGINS if turn < end else 0)
    for i in range(steppers.first[g], steppers.first[g + 1]):
        call(steppers.code[i], steppers.data[i], (rank, p, turn, what))
        stop(clock, rank, steppers.phase[i])


@merged
def send_given(ring, events, first, last):
    """Put the given spikes of the steps `first` … `last` into the ring; `events` are their steps, ascending."""
    for step in range(first, last + 1):
        k = step % ring.number.shape[0]
        ring.begin[k, -1] = number_up_to(events, step - 1)
        ring.number[k, -1] = number_up_to(events, step) - ring.begin[k, -1]
