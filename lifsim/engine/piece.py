"""What is done with a piece of a population in a turn: the end of a step, then the beginning of the next one.

Each is a part of the time loop, called with its data, the thread at work, the piece, the turn and whether a step ends or begins in it
(`loop.ENDS`, `loop.BEGINS`). `step_neurons` is compiled once a model (and precision), the others once a precision.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, merged
from lifsim.engine.compiler.parts import Part
from lifsim.engine.loop import BEGINS, ENDS, Blocks
from lifsim.engine.neurons import advance_neurons, receive_weights, spike_neurons
from lifsim.engine.neurons.spiking import hold, put_back
from lifsim.engine.neurons.state import Neurons, Where, by_line
from lifsim.engine.stimuli.currents import Currents, OwnInput, currents_change, set_drives
from lifsim.engine.stimuli.modulated_trains import ModulatedTrains, add_trains
from lifsim.engine.stimuli.poisson import PoissonDrives, add_single_drives, add_uniform_drives
from lifsim.engine.synapses.delivery import Ring


class ModelGroup(NamedTuple):
    """A population: the mark of its model; constants, a vector of those that hold for all its neurons or a table (constants × places)
    with those of each; which state variable is v; whether any neuron has a constant input, whether spikes are written down;
    how many a neuron sends in a step at most.
    """

    kind: Any
    constants: np.ndarray
    v: int
    driven: bool
    watched: bool
    burst: int


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


class PieceData(NamedTuple):
    """What `step_neurons` works with."""

    group: ModelGroup
    blocks: Blocks
    neurons: Neurons
    probes: Probes
    ring: Ring
    written: Written
    key: tuple[np.uint64, np.uint64]


class CurrentInput(NamedTuple):
    """What `set_currents` works with; `drive` is that of all neurons."""

    currents: Currents
    own: OwnInput
    blocks: Blocks
    drive: np.ndarray
    key: tuple[np.uint64, np.uint64]


class PoissonInput(NamedTuple):
    """What `add_uniform_poisson` and `add_single_poisson` work with: the drives number ``which[0]`` … ``which[1] - 1`` are of their kind;
    `state` is that of all neurons.
    """

    drives: PoissonDrives
    which: tuple[int, int]
    state: np.ndarray
    key: tuple[np.uint64, np.uint64]


class TrainInput(NamedTuple):
    """What `add_train_spikes` works with; `state` is that of all neurons."""

    trains: ModulatedTrains
    state: np.ndarray
    key: tuple[np.uint64, np.uint64]


# -- parts -------------------------------------------------------------------------------------------


@Part
def set_currents(m, rank, p, turn, what):
    """The constant input of the neurons in the step that begins, if it is another than in the step before."""
    if what & BEGINS and (not what & ENDS or currents_change(m.currents, p, turn + 1)):
        set_drives(m.currents, m.own, p, m.blocks.lo[p], m.blocks.hi[p], m.drive, m.key, turn + 1)


@Part
def step_neurons(m, rank, p, turn, what):
    """Threshold and probes at the end of a step, then v and synaptic currents at the beginning of the next one."""
    group, x = m.group, m.neurons
    if what & ENDS:
        fire_piece(group, x, where(m.blocks, p, turn), m.ring, m.written, m.key)
        sample_piece(m.probes, p, x.state, turn)
    if what & BEGINS:
        advance_piece(group, x, where(m.blocks, p, turn + 1))


@Part
def add_uniform_poisson(m, rank, p, turn, what):
    """Poisson stimuli whose targets lie side by side and are all alike, in the step that begins."""
    if what & BEGINS:
        add_uniform_drives(m.drives, m.which, rank, p, m.state, m.key, turn + 1)


@Part
def add_single_poisson(m, rank, p, turn, what):
    """Other Poisson stimuli, in the step that begins."""
    if what & BEGINS:
        add_single_drives(m.drives, m.which, p, m.state, m.key, turn + 1)


@Part
def add_train_spikes(m, rank, p, turn, what):
    """Random trains whose rate changes, in the step that begins."""
    if what & BEGINS:
        add_trains(m.trains, rank, p, m.state, m.key, turn + 1)


# -- neurons -----------------------------------------------------------------------------------------


@inlined
def where(blocks, p, step):
    """Piece `p` in `step` (32 bits, as `Neurons.until`: compared without widening)."""
    return Where(p, blocks.lo[p], blocks.lo[p], blocks.hi[p], blocks.id[p], np.int32(step))


@merged
def advance_piece(group, x, w):
    """Move the neurons of `w`."""
    hold(x.held, w.p, w.lo, x.state[group.v, w.lo : w.hi], w.step)
    for lo, hi in by_line(w.lo, w.hi, w.lo):
        if lo < hi:
            own = Where(w.p, w.first, lo, hi, w.id, w.step)
            advance_neurons(group.kind, group.constants, x.drive[lo : hi if group.driven else lo], x, own)


@merged
def fire_piece(group, x, w, ring, written, key):
    """What arrived takes effect. Neurons of `w` that fire are reset; their ids go into the ring and, if watched, to the record."""
    fired = room_for(ring, w.p, (w.hi - w.lo) * group.burst)
    receive_weights(group.kind, group.constants, x, w)
    put_back(x.held, w.p, w.lo, x.state[group.v, w.lo : w.hi])
    n = spike_neurons(group.kind, group.v, group.constants, x, w, key, fired)
    shift(fired, n, np.uint32(w.id))
    send(ring, w.p, n, w.step)
    if group.watched:
        write(written, w.p, w.step, fired[:n])


@merged
def shift(ids, n, first):
    """The first `n` numbers become ids: `first` is that of number 0."""
    for i in range(n):
        ids[i] += first


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


@merged
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
