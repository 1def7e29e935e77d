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
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.clock import DELIVERY, RANDOM, UPDATE, WAITING, Clock, begin, stop
from lifsim.engine.currents import Currents, OwnInput, currents_change, set_drives
from lifsim.engine.delivery import Ring, Synapses, Underway, deliver, settle
from lifsim.engine.intrinsics import borrow
from lifsim.engine.jit import entry, inlined, kernel, merged
from lifsim.engine.neurons import Neurons, advance_group, receive_group, spike_group
from lifsim.engine.neurons.spiking import hold, put_back
from lifsim.engine.neurons.state import Where
from lifsim.engine.plasticity import deliver_plastic
from lifsim.engine.poisson import PoissonDrives, add_poisson
from lifsim.engine.search import number_up_to
from lifsim.engine.sharing import NONE, Sharing, all_here, arrive, finish, hand_out, next_piece, patient, wait, wait_for_pieces
from lifsim.engine.trains import Trains, add_trains

if TYPE_CHECKING:
    from lifsim.engine.plasticity import Plastic


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


class Groups(NamedTuple):
    """Populations g: model number, which state variable is v, whether any neuron has a constant input, whether
    spikes are written down, how many a neuron sends in a step at most, constants.

    `uniform[g]`: the constants ``same[g]`` hold for all, else each neuron has its own in `each`
    (None if there is no such population).
    """

    model: np.ndarray
    v: np.ndarray
    driven: np.ndarray
    watched: np.ndarray
    burst: np.ndarray
    uniform: np.ndarray
    same: np.ndarray
    each: np.ndarray | None


class Probes(NamedTuple):
    """Probe p samples `variable[p]` of the neurons in the places ``place[first[p]:first[p + 1]]`` (ascending).

    ``cut[p, i]`` … ``cut[p, i + 1] - 1`` are those in piece i. Sample number k of the slice goes to ``out[offset[p] + k·n:]``;
    `before[p]` counts the samples of earlier slices.
    """

    variable: np.ndarray
    first: np.ndarray
    place: np.ndarray
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
    """Everything that a run touches. `kinds` are marks of the models whose code is compiled; `trains` and `currents.changing` are None,
    and no code for them is compiled, where there are none.
    """

    kinds: tuple[Any, ...]
    blocks: Blocks
    groups: Groups
    neurons: Neurons
    own: OwnInput
    synapses: Synapses
    ring: Ring
    underway: Underway
    poisson: PoissonDrives
    trains: Trains | None
    currents: Currents
    probes: Probes
    written: Written
    events: np.ndarray
    key: tuple[np.uint64, np.uint64]
    sharing: Sharing
    clock: Clock
    plastic: Plastic | None


@entry
def advance(m, rank, start, n_steps):
    """Run the blocks of thread `rank` from step `start` for `n_steps` steps.

    Until the next meeting: the turns of the own blocks, first delivery, then the pieces; then, should another
    thread not come, pieces of what it still has to do. (Parts of `m` are named once: to the compiler each mention
    of `m` is a copy of it.)
    """
    m = borrow(m)
    blocks, synapses, ring, underway, plastic, sharing, clock = m.blocks, m.synapses, m.ring, m.underway, m.plastic, m.sharing, m.clock
    inputs, events = m.neurons.state[: m.neurons.channels], m.events
    mine, beyond, threads, n_blocks = blocks.thread[rank], blocks.thread[rank + 1], len(blocks.thread) - 1, len(blocks.first) - 1
    settle_blocks(synapses, ring, underway, mine, beyond, start)
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
            if k > start and len(synapses.delay):
                deliver(synapses, ring, underway, b, inputs[:, blocks.first[b] : blocks.first[b + 1]], k)
            if k > start:
                deliver_plastic(plastic, ring, blocks, b, inputs[:, blocks.first[b] : blocks.first[b + 1]], k)
            stop(clock, rank, DELIVERY)
            hand_out(sharing, b, k)
            handed_out = True
        piece, turn = next_piece(sharing, b, blocks.piece[b], blocks.piece[b + 1])
        if piece != NONE:
            do_piece(m, rank, piece, turn, start, end)
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
def settle_blocks(synapses, ring, underway, mine, beyond, start):
    """Make room in the blocks `mine` … `beyond` - 1 for the spikes of a slice."""
    for b in range(mine, beyond):
        if len(synapses.delay):
            settle(underway, b, start - synapses.delay[0], ring.number.shape[0])


@merged
def do_piece(m, rank, p, turn, start, end):
    """Turn `turn` of piece `p`: the end of this step, unless it is before the slice, and the beginning of the next, unless it is behind."""
    blocks, groups, x, clock, key = m.blocks, m.groups, m.neurons, m.clock, m.key
    if turn > start:
        fire_piece(m.kinds, groups, x, where(blocks, p, turn), blocks.group[p], m.ring, m.written, key)
        sample_piece(m.probes, p, x.state, turn)
    if turn < end:
        currents = m.currents
        if len(currents.change) and (turn == start or currents_change(currents, p, turn + 1)):
            set_drives(currents, m.own, p, blocks.lo[p], blocks.hi[p], x.drive, key, turn + 1)
        advance_piece(m.kinds, groups, x, where(blocks, p, turn + 1), blocks.group[p])
        stop(clock, rank, UPDATE)
        add_poisson(m.poisson, rank, p, x.state, key, turn + 1)
        add_trains(m.trains, rank, p, x.state, key, turn + 1)
        stop(clock, rank, RANDOM)
    else:
        stop(clock, rank, UPDATE)


@inlined
def where(blocks, p, step):
    """Piece `p` in `step` (32 bits, as `Neurons.until`: compared without widening)."""
    return Where(p, blocks.lo[p], blocks.hi[p], blocks.id[p], np.int32(step))


@merged
def advance_piece(kinds, groups, x, w, g):
    """Move the neurons of `w`, of population `g`."""
    hold(x.held, w.p, w.lo, x.state[groups.v[g], w.lo : w.hi], w.step)
    drive = x.drive[w.lo : w.hi if groups.driven[g] else w.lo]
    if groups.uniform[g]:
        advance_group(kinds, groups.model[g], groups.same[g], drive, x, w)
    else:
        advance_each(kinds, groups.model[g], groups.each, drive, x, w)


@merged
def fire_piece(kinds, groups, x, w, g, ring, written, key):
    """Neurons of `w` that fire are reset; their ids go into the ring and, if watched, to the record."""
    fired = room_for(ring, w.p, (w.hi - w.lo) * groups.burst[g])
    if groups.uniform[g]:
        n = fire_group(kinds, groups.model[g], groups.v[g], groups.same[g], x, w, key, fired)
    else:
        n = fire_each(kinds, groups.model[g], groups.v[g], groups.each, x, w, key, fired)
    fired[:n] += np.uint32(w.id)
    send(ring, w.p, n, w.step)
    if groups.watched[g]:
        write(written, w.p, w.step, fired[:n])


@merged
def fire_group(kinds, model, row, c, x, w, key, out):
    """What arrived takes effect; the neurons that fire are reset and listed in `out`, by their distance from lo; returns how many."""
    receive_group(kinds, model, c, x, w)
    put_back(x.held, w.p, w.lo, x.state[row, w.lo : w.hi])
    return spike_group(kinds, model, row, c, x, w, key, out)


# -- populations whose neurons differ: compiled only where there are such --------------------------------


def advance_each(kinds: Any, model: Any, each: Any, *where: Any) -> None:
    """`advance_group` with constants of each neuron."""


@overload(advance_each)
def _advance_each(kinds, model, each, drive, x, w):
    if isinstance(each, types.NoneType):
        return lambda kinds, model, each, drive, x, w: None

    def code(kinds, model, each, drive, x, w):
        advance_group(kinds, model, each, drive, x, w)

    return code


def fire_each(kinds: Any, model: Any, row: Any, each: Any, *where: Any) -> int:
    """`fire_group` with constants of each neuron."""
    return 0


@overload(fire_each)
def _fire_each(kinds, model, row, each, x, w, key, out):
    if isinstance(each, types.NoneType):
        return lambda kinds, model, row, each, x, w, key, out: np.int64(0)

    def code(kinds, model, row, each, x, w, key, out):
        return fire_group(kinds, model, row, each, x, w, key, out)

    return code


# -- what is written down and sent -----------------------------------------------------------------------


@merged
def write(written, p, step, ids):
    """Write down that `ids` of piece `p` fired in `step`."""
    n = written.first[p] + written.number[p]
    for i in range(len(ids)):
        written.step[n + i] = step
        written.id[n + i] = ids[i]
    written.number[p] += len(ids)


@merged
def sample_piece(probes, p, state, step):
    """Write down what the probes want of piece `p` in `step`."""
    for i in range(len(probes.variable)):
        sample(probes, i, p, state, step)


@kernel
def sample(probes, i, p, state, step):
    """Probe `i`: write down its variable in piece `p` if it is due in `step`."""
    since = step - probes.start[i]
    if since <= 0 or step > probes.stop[i] or since % probes.interval[i] != 0:
        return
    n = probes.first[i + 1] - probes.first[i]
    row = probes.offset[i] + (since // probes.interval[i] - 1 - probes.before[i]) * n - probes.first[i]
    for j in range(probes.cut[i, p], probes.cut[i, p + 1]):
        probes.out[row + j] = state[probes.variable[i], probes.place[j]]


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
        ring.begin[k, -1] = number_up_to(events, step - 1)
        ring.number[k, -1] = number_up_to(events, step) - ring.begin[k, -1]
