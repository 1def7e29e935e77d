"""The time loop.

Step k ends at t = k·dt. Its phases, in NEST's order:

1. neurons: v is propagated with the old synaptic currents, which then decay;
2. stimuli: the weights of Poisson spikes are added to the inputs (a synaptic current, or v itself);
3. delivery: the weights of the spikes that arrive in this step are added, of static synapses first, then of plastic ones;
4. threshold: a neuron with v >= V_th fires; its spike gets the time of the end of the step; v is reset and held;
5. probes: recorded variables are sampled.

Turn k of a block is phases 3 to 5 of step k and phases 1 and 2 of step k + 1, so all work on a piece of its neurons is done while the
piece is in the fastest cache. No spike reaches another neuron before the shortest delay has passed. So threads, each of which owns
blocks, synchronise only once every `interval` turns.

The loop handles blocks, pieces and turns only. The work in them is done by parts (`lifsim.engine.compiler.parts`): parts that deliver
(`synapses.delivery`, `plasticity`) and parts that step a piece (`piece`).
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

ENDS, BEGINS = 1, 2  # flags of a turn: a step ends in it (not in the first turn of a slice), a step begins in it (not in the last)


class Blocks(NamedTuple):
    """Blocks and pieces. A block is a range of places (see `parallel.placement`), a piece is a part of one population within a block.

    Block b has the places ``first[b]`` … ``first[b + 1] - 1`` and the pieces ``piece[b]`` … ``piece[b + 1] - 1``; thread r has the
    blocks ``thread[r]`` … ``thread[r + 1] - 1``. Piece p has the places ``lo[p]`` … ``hi[p] - 1``, with the neurons of population
    ``group[p]`` from global id ``id[p]`` on. Pieces are contiguous. Threads synchronise every ``interval[0]`` turns.
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
    """The parts that deliver to block b in step k, ``part(data, b, k)``: addresses of their code and data, shape (n_parts,)."""

    code: np.ndarray
    data: np.ndarray


class Steppers(NamedTuple):
    """The parts that step pieces: ``first[g]`` … ``first[g + 1] - 1`` for population g, ``part(data, rank, piece, turn, what)``.

    `rank` is the thread at work, `what` the flags `ENDS` and `BEGINS`. `code` and `data` are addresses, `phase` is the phase of the clock
    to which the time of a part is added.
    """

    first: np.ndarray
    code: np.ndarray
    data: np.ndarray
    phase: np.ndarray


class Loop(NamedTuple):
    """The data of the loop. `delay`: delays (steps) of static synapses, ascending; `events`: steps of given spikes, ascending."""

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

    Between two synchronisations, a thread does all turns of its own blocks: delivery first, then the pieces. It then waits for the
    other threads, and if they are late, it does some of their pieces.
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
    """Compact the pending spikes of the blocks `mine` … `beyond` - 1, so that there is room for the spikes of a slice."""
    for b in range(mine, beyond):
        if len(delay):
            settle(underway, b, start - delay[0], ring.number.shape[0])


@merged
def do_piece(blocks, steppers, clock, rank, p, turn, start, end):
    """Process turn `turn` of piece `p`: the end of one step, then the beginning of the next."""
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
