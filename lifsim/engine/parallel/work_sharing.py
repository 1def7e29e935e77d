"""How the threads share the work of a turn and wait for each other.

Only its own thread delivers to a block, and steps the pieces of the block: what is known of them stays in the
caches of one core. A piece that another thread does travels there and back, which takes longer than it takes to do
it, and makes a late thread later still (measured, where the cores have no cache in common: 1.4 times as long a run).
So pieces are handed out to others, one at a time, only where a thread does not seem to come: its core was taken.
What a piece does depends on the block alone, so who did it leaves no trace in a result.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import atomic_add, atomic_load, atomic_store, call_address, yield_address
from lifsim.engine.compiler.jit import inlined, kernel

SPINS = 4000  # looks at what others do before the time slice is given up, and others helped: ten microseconds or so
LINE = 16  # int64s between two counters: cache lines of their own
BITS = 20  # of a ticket that say which piece; the rest is the turn
NONE = -1


class Sharing(NamedTuple):
    """`ticket[b, 0]`: the turn of block b and its next piece; `done[p]`: the last turn of piece p;
    `arrived[0]`: arrivals at the meeting so far. `pause` is the address of the call that gives up the time slice.
    """

    ticket: np.ndarray
    done: np.ndarray
    arrived: np.ndarray
    pause: np.ndarray


def sharing_for(blocks: int, pieces: int) -> Sharing:
    """Nothing to be handed out yet."""
    ticket = np.full((blocks, LINE), (1 << BITS) - 1, np.int64)
    return Sharing(ticket, np.full(pieces, NONE, np.int64), np.zeros(LINE, np.int64), np.array([yield_address()], np.int64))


def reset(s: Sharing) -> None:
    """Before a slice: nothing done, nobody at the meeting."""
    s.done[:] = NONE
    s.arrived[:] = 0


@kernel
def hand_out(s, b, turn):
    """From now on the pieces of block `b` can be had for `turn`."""
    atomic_store(s.ticket[b], 0, turn << BITS)


@kernel
def next_piece(s, b, first, last):
    """The next of the pieces `first` … `last - 1` of block `b` and its turn; `NONE` if all are taken."""
    if first + (atomic_load(s.ticket[b], 0) & ((1 << BITS) - 1)) >= last:
        return NONE, 0
    ticket = atomic_add(s.ticket[b], 0, 1)
    piece = first + (ticket & ((1 << BITS) - 1))
    return (piece if piece < last else NONE), ticket >> BITS


@kernel
def finish(s, p, turn):
    """Piece `p` is done."""
    atomic_store(s.done, p, turn)


@kernel
def wait_for_pieces(s, first, last, turn):
    """Wait until the pieces `first` … `last - 1` are done: others may be at work on the last ones."""
    looks = 0
    for p in range(first, last):
        while atomic_load(s.done, p) < turn:
            looks = wait(s, looks)


@kernel
def arrive(s, threads):
    """Come to the meeting; returns the number of arrivals at which all are there."""
    return (atomic_add(s.arrived, 0, 1) // threads + 1) * threads


@kernel
def all_here(s, awaited):
    """Whether all threads have arrived."""
    return atomic_load(s.arrived, 0) >= awaited


@inlined
def patient(looks):
    """Whether the others are only a little behind."""
    return looks < SPINS


@kernel
def wait(s, looks):
    """Look again soon. A pure spin collapses when another process wants the core."""
    if not patient(looks) and s.pause[0] != 0:
        call_address(s.pause[0])
    return looks + 1
