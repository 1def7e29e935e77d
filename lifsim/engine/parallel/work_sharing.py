"""The sharing of the work of a turn among threads, and their synchronisation.

Normally only the thread that owns a block delivers to it and steps its pieces, so their data stay in the caches of one core. If another
thread does a piece, the data move to the other core and back, which takes longer than the work itself and delays a late thread even more
(measured on cores without a common cache: a run takes 1.4 times as long). So a thread takes pieces of others, one at a time, only if
their thread seems to have lost its core. Results do not depend on which thread does a piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import atomic_add, atomic_load, atomic_store, call_address, yield_address
from lifsim.engine.compiler.jit import inlined, kernel

SPINS = 4000  # checks, about ten microseconds, before a waiting thread yields its core and helps others
LINE = 16  # int64s per counter, so that no two counters share a cache line
BITS = 20  # low bits of a ticket, which are the number of the next piece in its block; the upper bits are the turn
NONE = -1  # no piece; no turn


class Sharing(NamedTuple):
    """The state that threads share.

    ``ticket[b, 0]``: turn and next piece of block b (see `BITS`); ``done[p]``: last finished turn of piece p; ``arrived[0]``: number of
    arrivals at synchronisation points so far; ``pause[0]``: address of the system call that yields the core (0: none).
    """

    ticket: np.ndarray
    done: np.ndarray
    arrived: np.ndarray
    pause: np.ndarray


def sharing_for(blocks: int, pieces: int) -> Sharing:
    """The initial state: all tickets are used up."""
    ticket = np.full((blocks, LINE), (1 << BITS) - 1, np.int64)
    return Sharing(ticket, np.full(pieces, NONE, np.int64), np.zeros(LINE, np.int64), np.array([yield_address()], np.int64))


def reset(s: Sharing) -> None:
    """Reset before a slice: no piece is done, no thread has arrived."""
    s.done[:] = NONE
    s.arrived[:] = 0


@kernel
def hand_out(s, b, turn):
    """Make the pieces of block `b` available for `turn`."""
    atomic_store(s.ticket[b], 0, turn << BITS)


@kernel
def next_piece(s, b, first, last):
    """Take the next of the pieces `first` … `last - 1` of block `b`; returns piece (`NONE` if all are taken) and turn."""
    if first + (atomic_load(s.ticket[b], 0) & ((1 << BITS) - 1)) >= last:
        return NONE, 0
    ticket = atomic_add(s.ticket[b], 0, 1)
    piece = first + (ticket & ((1 << BITS) - 1))
    return (piece if piece < last else NONE), ticket >> BITS


@kernel
def finish(s, p, turn):
    """Mark `turn` of piece `p` as done."""
    atomic_store(s.done, p, turn)


@kernel
def wait_for_pieces(s, first, last, turn):
    """Wait until `turn` is done for the pieces `first` … `last - 1`, on which other threads may be at work."""
    looks = 0
    for p in range(first, last):
        while atomic_load(s.done, p) < turn:
            looks = wait(s, looks)


@kernel
def arrive(s, threads):
    """Arrive at a synchronisation point; returns the number of arrivals at which all threads are there."""
    return (atomic_add(s.arrived, 0, 1) // threads + 1) * threads


@kernel
def all_here(s, awaited):
    """Whether all threads have arrived: `awaited` is the number from `arrive`."""
    return atomic_load(s.arrived, 0) >= awaited


@inlined
def patient(looks):
    """Whether a waiting thread should check again without yielding its core, since it has checked fewer than `SPINS` times."""
    return looks < SPINS


@kernel
def wait(s, looks):
    """Count a check; after `SPINS` of them, yield the core: pure spinning is very slow if another process needs it."""
    if not patient(looks) and s.pause[0] != 0:
        call_address(s.pause[0])
    return looks + 1
