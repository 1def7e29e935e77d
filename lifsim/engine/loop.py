"""The time loop.

One step, for each block of neurons (NEST's order; step k ends at t = k·dt):

1. deliver: the weights of the spikes that arrive in this step are summed for each target,
2. stimuli: Poisson spikes are added to the sums, changed currents taken over,
3. neurons: v moves with the old synaptic currents; these decay, then the sums are added; v >= V_th
   fires, is stamped with the end of the step, reset and held,
4. probes: sampled variables are written down.

No spike reaches another neuron before the shortest delay has passed, so the threads, each owning
blocks, meet only once every so many steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.clock import DELIVERY, RANDOM, UPDATE, WAITING, Clock, begin, stop
from lifsim.engine.currents import Currents, OwnInput, currents_change, set_drives
from lifsim.engine.delivery import Ring, Synapses, Underway, deliver, settle
from lifsim.engine.intrinsics import atomic_add, atomic_load, borrow, call_address
from lifsim.engine.jit import kernel, merged
from lifsim.engine.neurons import Neurons, step_group
from lifsim.engine.neurons.membrane import fire
from lifsim.engine.poisson import PoissonDrives, add_poisson

SPINS = 4000  # looks at the barrier before the time slice is given up: a few microseconds


class Blocks(NamedTuple):
    """Block b owns the neurons ``first[b]`` … ``first[b + 1] - 1``, thread r the blocks ``thread[r]`` … .

    Its pieces ``piece[b]`` … are parts of populations: the neurons `lo` … `hi - 1` of group `group`. Threads meet every `interval` steps.
    """

    first: np.ndarray
    thread: np.ndarray
    piece: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    group: np.ndarray
    interval: np.ndarray


class Groups(NamedTuple):
    """Populations g: model number, whether spikes are written down, constants.

    `uniform[g]`: the constants ``same[g]`` hold for all, else each neuron has its own in `each`.
    """

    model: np.ndarray
    watched: np.ndarray
    uniform: np.ndarray
    same: np.ndarray
    each: np.ndarray


class Probes(NamedTuple):
    """Probe p samples `variable[p]` of the neurons ``id[first[p]:first[p + 1]]`` (ascending).

    ``block[p, b]`` … are those in block b. Sample number k of the slice goes to ``out[offset[p] + k·n:]``;
    `before[p]` counts the samples of earlier slices.
    """

    variable: np.ndarray
    first: np.ndarray
    id: np.ndarray
    block: np.ndarray
    interval: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    before: np.ndarray
    offset: np.ndarray
    out: np.ndarray


class Written(NamedTuple):
    """Spikes of the slice, by block: step and id, in order of both."""

    step: np.ndarray
    id: np.ndarray
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
    meeting: np.ndarray
    clock: Clock


@kernel
def advance(m, rank, start, n_steps):
    """Run the blocks of thread `rank` from step `start` for `n_steps` steps."""
    m = borrow(m)
    for b in range(m.blocks.thread[rank], m.blocks.thread[rank + 1]):
        if len(m.synapses.delay):
            settle(m.underway, b, start - m.synapses.delay[0], m.ring.number.shape[1])
    begin(m.clock, rank)
    done = 0
    while done < n_steps:
        span = min(m.blocks.interval[0], n_steps - done)
        for b in range(m.blocks.thread[rank], m.blocks.thread[rank + 1]):
            for k in range(start + done + 1, start + done + span + 1):
                step_block(m, rank, b, k, k == start + 1)
        if rank == 0 and len(m.events):
            for k in range(start + done + 1, start + done + span + 1):
                send_given(m.ring, m.events, k)
        meet(m.meeting, len(m.blocks.thread) - 1)
        stop(m.clock, rank, WAITING)
        done += span


@merged
def step_block(m, rank, b, step, fresh):
    """One step of block `b`; `fresh` says that it is the first of a slice."""
    lo, hi = m.blocks.first[b], m.blocks.first[b + 1]
    if len(m.synapses.delay):
        deliver(m.synapses, m.ring, m.underway, b, m.neurons.arrived[:, lo:hi], step)
    stop(m.clock, rank, DELIVERY)
    if len(m.currents.change) and (fresh or currents_change(m.currents, step)):
        set_drives(m.currents, m.own, b, lo, hi, m.neurons.drive, m.key, step)
    stop(m.clock, rank, UPDATE)
    fired = room_for(m.ring, b, hi - lo)
    n = 0
    for p in range(m.blocks.piece[b], m.blocks.piece[b + 1]):
        add_poisson(m.poisson, p, m.neurons.arrived, m.key, step)
        stop(m.clock, rank, RANDOM)
        n += step_piece(m.blocks, m.groups, m.neurons, m.written, b, p, step, fired[n:])
        stop(m.clock, rank, UPDATE)
    send(m.ring, b, n, step)
    for p in range(len(m.probes.variable)):
        sample(m.probes, p, b, m.neurons.state, step)
    stop(m.clock, rank, UPDATE)


@merged
def step_piece(blocks, groups, x, written, b, p, step, out):
    """Move the neurons of piece `p` of block `b`; the ids of those that fire go into `out`, and, if watched, to the record."""
    lo, hi, g = blocks.lo[p], blocks.hi[p], blocks.group[p]
    model, drive, v, until = groups.model[g], x.drive[lo:hi], x.state[0, lo:hi], x.until[lo:hi]
    reset, refractory = x.reset[lo:hi], x.refractory[lo:hi]
    now = np.int32(step)  # as `until`: compared without widening
    if groups.uniform[g]:
        c = groups.same[g]
        step_group(model, c, drive, x, lo, hi, now)
        n = fire(v, c[0], reset, refractory, until, now, lo, out)
    else:
        step_group(model, groups.each, drive, x, lo, hi, now)
        n = fire(v, groups.each[0, lo:hi], reset, refractory, until, now, lo, out)
    if groups.watched[g]:
        write(written, b, step, out[:n])
    return n


@merged
def write(written, b, step, ids):
    """Write down that `ids` fired in `step`."""
    n = written.number[b]
    for i in range(len(ids)):
        written.step[b, n + i] = step
        written.id[b, n + i] = ids[i]
    written.number[b] = n + len(ids)


@merged
def sample(p, i, b, state, step):
    """Probe `i`: write down its variable in block `b` if it is due in `step`."""
    since = step - p.start[i]
    if since <= 0 or step > p.stop[i] or since % p.interval[i] != 0:
        return
    n = p.first[i + 1] - p.first[i]
    row = p.offset[i] + (since // p.interval[i] - 1 - p.before[i]) * n - p.first[i]
    for j in range(p.block[i, b], p.block[i, b + 1]):
        p.out[row + j] = state[p.variable[i], p.id[j]]


@merged
def room_for(ring, b, n):
    """Room in the ring for up to `n` spikes of block `b`."""
    if ring.room[b] + n > ring.ids.shape[1]:
        ring.room[b] = 0
    return ring.ids[b, ring.room[b] :]


@merged
def send(ring, b, n, step):
    """Send the `n` spikes of `step` that lie in the room for them."""
    k = step % ring.number.shape[1]
    ring.begin[b, k], ring.number[b, k] = ring.room[b], n
    ring.room[b] += n


@merged
def send_given(ring, events, step):
    """Put the given spikes of `step` into the ring; `events` are their steps, ascending."""
    k = step % ring.number.shape[1]
    ring.begin[-1, k] = np.searchsorted(events, step)
    ring.number[-1, k] = np.searchsorted(events, step, side="right") - ring.begin[-1, k]


@merged
def meet(meeting, threads):
    """Wait until all threads are here. `meeting` = (arrivals so far, …, address of the yield call)."""
    if threads == 1:
        return
    ticket = atomic_add(meeting, 0, 1)
    awaited = (ticket // threads + 1) * threads
    looks = 0
    while atomic_load(meeting, 0) < awaited:
        looks += 1
        # A pure spin collapses when another process wants the core.
        if looks > SPINS and meeting[16] != 0:
            call_address(meeting[16])
