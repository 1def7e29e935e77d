"""The event loop.

No spike reaches a neuron before the shortest delay has passed. So each thread processes all events of its blocks in an interval of this
length, block by block; then the threads synchronise, and each makes the spikes of all threads pending for its own blocks. Within an
interval, a block stops at grid points where something happens: Poisson spikes on the grid, changes of currents, samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import prefetch
from lifsim.engine.compiler.jit import inlined, kernel, merged
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.loop import Blocks
from lifsim.engine.parallel.clock import DELIVERY, RANDOM, UPDATE, WAITING, Clock, begin, stop
from lifsim.engine.parallel.work_sharing import Sharing, all_here, arrive, wait
from lifsim.engine.piece import Probes
from lifsim.engine.precise.arrival_heap import ArrivalHeap, go_on, set_out
from lifsim.engine.precise.event_neurons import CROSSING, EventNeurons, Sent, act, acts_before, come, plan, receive, state_at
from lifsim.engine.precise.event_poisson import ExactPoissonTrains, earliest
from lifsim.engine.precise.event_poisson import go_on as next_spike
from lifsim.engine.precise.event_times import before
from lifsim.engine.stimuli.currents import Currents, OwnInput, currents_change, set_drives
from lifsim.engine.stimuli.poisson import PoissonDrives, add_poisson
from lifsim.engine.synapses.delivery import Synapses, first_weight, real

AFTER = -1.0  # an offset that is later than all others of its step
AHEAD = 4  # synapses whose neurons are prefetched in advance (targets read beyond a row do no harm: prefetching never faults)
BEGUN = 1 - 2.0**-52  # the offset, in units of dt, of the earliest time of a step


class GivenSpikes(NamedTuple):
    """Given spikes, sorted by time: step, offset (ms), global id; shape (n,) each."""

    step: np.ndarray
    offset: np.ndarray
    id: np.ndarray


class GridPoisson(NamedTuple):
    """Poisson drives whose spikes are on the grid, and work space for the input sums of a step, shape (2, n_places), or empty."""

    drives: PoissonDrives
    total: np.ndarray


class EventMachine(NamedTuple):
    """All arrays of a run.

    ``mark[turn % 3, b]`` is the number of spikes that block b had sent at the end of a turn; three turns are kept so that all threads can
    read it. `drive` are the constant inputs (pA) of the neurons where currents change.
    """

    blocks: Blocks
    neurons: EventNeurons
    synapses: Synapses
    underway: ArrivalHeap
    sent: Sent
    mark: np.ndarray
    given: GivenSpikes
    trains: ExactPoissonTrains
    poisson: GridPoisson
    currents: Currents
    own: OwnInput
    drive: np.ndarray
    probes: Probes
    key: tuple[np.uint64, np.uint64]
    sharing: Sharing
    clock: Clock
    plastic: None = None  # exact spike times do not support plastic synapses


@Part
def advance(m, rank, start, steps):
    """Run the blocks of thread `rank` in the steps start < step <= start + steps."""
    blocks, threads, end = m.blocks, len(m.blocks.thread) - 1, start + steps
    mine, beyond = blocks.thread[rank], blocks.thread[rank + 1]
    begin(m.clock, rank)
    first, turn = start, 0
    while first < end:
        last = min(end, first + blocks.interval[0])
        for b in range(mine, beyond):
            play(m, rank, b, first, last)
            m.mark[turn % 3, b] = m.sent.number[b]
        meet(m.sharing, threads)
        stop(m.clock, rank, WAITING)
        for b in range(mine, beyond):
            admit(m, b, turn, first, last)
        stop(m.clock, rank, DELIVERY)
        first, turn = last, turn + 1


@kernel
def meet(sharing, threads):
    """Synchronise with the other threads."""
    awaited, looks = arrive(sharing, threads), 0
    while not all_here(sharing, awaited):
        looks = wait(sharing, looks)


@kernel
def admit(m, b, turn, first, last):
    """Make the spikes of the last interval, sent or given, pending for block `b`."""
    if len(m.synapses.delay) == 0:
        return
    sent, given = m.sent, m.given
    for q in range(len(sent.number)):
        begun = m.mark[(turn - 1) % 3, q] if turn > 0 else 0
        for k in range(sent.first[q] + begun, sent.first[q] + m.mark[turn % 3, q]):
            set_out(m.underway, m.synapses, b, sent.neuron[k], sent.step[k], sent.offset[k])
    for k in range(number_up_to(given.step, first), number_up_to(given.step, last)):
        set_out(m.underway, m.synapses, b, given.id[k], given.step[k], given.offset[k])


@merged
def play(m, rank, b, first, last):
    """Process the steps first < step <= last of block `b`, from one grid stop to the next."""
    blocks, k = m.blocks, first
    while k < last:
        if len(m.currents.change) and currents_change(m.currents, 0, k + 1):
            change_currents(m, b, k)
        k = next_stop(m, k, last)
        deliver(m, b, k)
        stop(m.clock, rank, DELIVERY)
        if len(m.poisson.drives.drive):
            add_grid_poisson(m, rank, b, k)
            stop(m.clock, rank, RANDOM)
        look(m, b, blocks.first[b], blocks.first[b + 1], k)
        for p in range(blocks.piece[b], blocks.piece[b + 1]):
            sample_piece(m.probes, m.neurons, p, k)
        stop(m.clock, rank, UPDATE)


@kernel
def next_stop(m, step, last):
    """The next step, at most `last`, at the end of which anything happens on the grid."""
    p, change = m.probes, m.currents.change
    k = step + 1 if len(m.poisson.drives.drive) else last
    for i in range(len(p.start)):
        due = max(step, p.start[i]) + p.interval[i] - max(step - p.start[i], 0) % p.interval[i]
        if due <= p.stop[i]:
            k = min(k, due)
    j = number_up_to(change, step + 1)  # a current changes at the end of the step before it acts
    return min(k, change[j] - 1) if j < len(change) else k


@kernel
def deliver(m, b, last):
    """Deliver all arrivals at block `b` up to the end of step `last`."""
    u, y = m.underway, m.synapses
    while u.number[b] > 0 and u.step[b, u.heap[b, 0]] <= last:
        j = u.heap[b, 0]
        unit = y.unit[y.row_class[u.row[b, j]]]
        deliver_segment(m, b, u.at[b, j], u.length[b, j], unit, u.step[b, j], u.offset[b, j])
        go_on(u, y, b)


@inlined
def deliver_segment(m, b, at, n, unit, step, offset):
    """Deliver the `n` synapses of the segment at word `at`, arriving at (`step`, `offset`); weights are in units of `unit`."""
    x, y, first = m.neurons, m.synapses, m.blocks.first[b]
    w = first_weight(y.weight, at + n)
    for k in range(n):
        prefetch(x.cell, first + y.target[at + k + AHEAD])
        weight = real(y.weight[w + k], unit) if len(y.weight) else unit
        take(m, b, first + y.target[at + k], step, offset, weight)


@inlined
def take(m, b, i, step, offset, weight):
    """Deliver `weight`, arriving at (`step`, `offset`), to neuron `i`."""
    x, sent, trains = m.neurons, m.sent, m.trains
    if x.due[i] <= step:
        settle(trains, x, sent, m.key, b, i, step, offset)
    come(x, sent, b, i, step, offset)
    receive(x, i, step, offset, weight)
    plan(x, i)
    x.due[i] = next_due(trains, x, i)


@kernel
def look(m, b, lo, hi, step):
    """Process the internal events of the neurons at places lo … hi - 1, and the trains onto them, up to the end of `step`."""
    x = m.neurons
    for i in range(lo, hi):
        if x.due[i] <= step:
            settle(m.trains, x, m.sent, m.key, b, i, step, AFTER)
            x.due[i] = next_due(m.trains, x, i)


@kernel
def act_until(x, sent, b, i, step, offset):
    """Process the internal events of neuron `i` before (`step`, `offset`)."""
    while acts_before(x.cell[i], step, offset):
        act(x, sent, b, i)


@kernel
def change_currents(m, b, step):
    """Set the constant inputs of block `b` to those of the step after `step`."""
    x = m.neurons
    for p in range(m.blocks.piece[b], m.blocks.piece[b + 1]):
        set_drives(m.currents, m.own, p, m.blocks.lo[p], m.blocks.hi[p], m.drive, m.key, step + 1)
    for i in range(m.blocks.first[b], m.blocks.first[b + 1]):
        if m.drive[i] != x.cell[i].current:
            come(x, m.sent, b, i, step, 0.0)
            x.cell[i].current = m.drive[i]
            plan(x, i)
            x.due[i] = next_due(m.trains, x, i)


@kernel
def sample_piece(probes, x, p, step):
    """Sample piece `p` at the end of `step` for all probes that are due, without changing the stored states."""
    for q in range(len(probes.variable)):
        since = step - probes.start[q]
        if since > 0 and step <= probes.stop[q] and since % probes.interval[q] == 0:
            n = probes.first[q + 1] - probes.first[q]
            row = probes.offset[q] + (since // probes.interval[q] - 1 - probes.before[q]) * n - probes.first[q]
            for j in range(probes.cut[q, p], probes.cut[q, p + 1]):
                cell = x.cell[probes.place[j]]
                probes.out[row + j] = value_of(state_at(cell, x.kind[cell.kind], step, 0.0, x.dt), probes.variable[q])


@kernel
def value_of(y, variable):
    """State variable number `variable`, in the order of `event_dynamics.State`."""
    return y.v if variable == 0 else y.ex if variable == 1 else y.inh if variable == 2 else y.dex if variable == 3 else y.dinh


@Part
def look_up(m, step, variable):
    """Write state variable number `variable` of all neurons at the end of `step` to `out`, shape (n_places,)."""
    x, out = read(m)
    for i in range(len(out)):
        out[i] = value_of(state_at(x.cell[i], x.kind[x.cell[i].kind], step, 0.0, x.dt), variable)


@Part
def arrest(m, step):
    """Integrate all neurons to the end of `step`, before their parameters change."""
    x, sent = read(m)
    for i in range(len(x.due)):
        come(x, sent, 0, i, step, 0.0)


@Part
def foresee(m, step):
    """Determine the next internal event of all neurons. A neuron at or above threshold fires at the beginning of the next step."""
    x, trains = read(m)
    for i in range(len(x.due)):
        n = x.cell[i]
        plan(x, i)
        if n.does == CROSSING and not n.held and n.v >= x.kind[n.kind].theta:
            n.due, n.due_offset = step + 1, x.dt * BEGUN
        x.due[i] = next_due(trains, x, i)


# -- stimuli ---------------------------------------------------------------------------------------


@kernel
def settle(trains, x, sent, key, b, i, step, offset):
    """Process the internal events of neuron `i`, and the Poisson trains onto it, before (`step`, `offset`)."""
    j = earliest(trains, i)
    while j >= 0 and before(trains.train[j].step, trains.train[j].offset, step, offset):
        r = trains.train[j]
        act_until(x, sent, b, i, r.step, r.offset)
        come(x, sent, b, i, r.step, r.offset)
        receive(x, i, r.step, r.offset, r.weight)
        plan(x, i)
        next_spike(r, key, x.dt)
        j = earliest(trains, i)
    act_until(x, sent, b, i, step, offset)


@inlined
def next_due(trains, x, i):
    """The step of the next event of neuron `i` if no spike arrives from other nodes."""
    due = x.cell[i].due
    if len(trains.train):
        j = earliest(trains, i)
        due = due if j < 0 else min(due, trains.train[j].step)
    return due


@merged
def add_grid_poisson(m, rank, b, step):
    """Deliver the grid Poisson spikes that reach block `b` at the end of `step`: to each neuron, the sum of its weights of each sign."""
    total = m.poisson.total
    for p in range(m.blocks.piece[b], m.blocks.piece[b + 1]):
        add_poisson(m.poisson.drives, rank, p, total, m.key, step)
    for i in range(m.blocks.first[b], m.blocks.first[b + 1]):
        for channel in range(2):
            if total[channel, i] != 0:
                take(m, b, i, step, 0.0, total[channel, i])
                total[channel, i] = 0
