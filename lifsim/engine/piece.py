"""The turn of a piece of a population: the end of one step, then the beginning of the next one.

The functions marked `Part` are called by the time loop with their data, the thread at work, the piece, the turn, and flags for whether a
step ends or begins in the turn (`loop.ENDS`, `loop.BEGINS`). `step_neurons` is compiled once per neuron model and precision, the others
once per precision.
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
    """A population of neurons.

    kind : marks the model. constants : shape (n_constants,) if they are the same for all neurons, else (n_constants, n_places).
    v : index of the state variable that is the membrane potential. driven : whether any neuron has a constant input.
    watched : whether spikes are recorded. burst : largest number of spikes of a neuron per step.
    """

    kind: Any
    constants: np.ndarray
    v: int
    driven: bool
    watched: bool
    burst: int


class Probes(NamedTuple):
    """The probes of a simulation, and the samples that they take in a slice (the steps that the engine simulates in one call).

    Probe p samples state variable `variable[p]` of the neurons in the places ``place[first[p]:first[p + 1]]`` (ascending). Of these, the
    entries ``cut[p, i]`` … ``cut[p, i + 1] - 1`` of `place` belong to piece i. Sample number k of the slice is written to
    ``out[offset[p] + k·n:]``, where n is the number of neurons of the probe; `before[p]` is the number of samples of earlier slices.
    `interval`, `start` and `stop` of each probe are in steps.
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
    """Recorded spikes of the slice: piece p has ``number[p]`` entries of `step` and `id` from ``first[p]`` on, sorted by step, then id."""

    step: np.ndarray
    id: np.ndarray
    first: np.ndarray
    number: np.ndarray


class PieceData(NamedTuple):
    """The data of `step_neurons`; `key` is the Philox key, shape (2,), an array so that it can change while the program stays."""

    group: ModelGroup
    blocks: Blocks
    neurons: Neurons
    probes: Probes
    ring: Ring
    written: Written
    key: np.ndarray


class CurrentInput(NamedTuple):
    """The data of `set_currents`; `drive` has shape (n_places,)."""

    currents: Currents
    own: OwnInput
    blocks: Blocks
    drive: np.ndarray
    key: np.ndarray


class PoissonInput(NamedTuple):
    """The data of `add_uniform_poisson` or `add_single_poisson`, for the drives ``which[0]`` … ``which[1] - 1``.

    `state` has the state variables of all neurons, shape (n_variables, n_places).
    """

    drives: PoissonDrives
    which: tuple[int, int]
    state: np.ndarray
    key: np.ndarray


class TrainInput(NamedTuple):
    """The data of `add_train_spikes`; `state` as in `PoissonInput`."""

    trains: ModulatedTrains
    state: np.ndarray
    key: np.ndarray


# -- parts -------------------------------------------------------------------------------------------


@Part
def set_currents(m, rank, p, turn, what):
    """Set the constant input of the neurons for the step that begins, if it changes."""
    if what & BEGINS and (not what & ENDS or currents_change(m.currents, p, turn + 1)):
        set_drives(m.currents, m.own, p, m.blocks.lo[p], m.blocks.hi[p], m.drive, (m.key[0], m.key[1]), turn + 1)


@Part
def step_neurons(m, rank, p, turn, what):
    """Threshold and probes at the end of a step, then propagation of v and synaptic currents in the next one."""
    group, x = m.group, m.neurons
    if what & ENDS:
        fire_piece(group, x, where(m.blocks, p, turn), m.ring, m.written, (m.key[0], m.key[1]))
        sample_piece(m.probes, p, x.state, turn)
    if what & BEGINS:
        advance_piece(group, x, where(m.blocks, p, turn + 1))


@Part
def add_uniform_poisson(m, rank, p, turn, what):
    """Add Poisson spikes of uniform drives (contiguous targets, one weight) in the step that begins."""
    if what & BEGINS:
        add_uniform_drives(m.drives, m.which, rank, p, m.state, (m.key[0], m.key[1]), turn + 1)


@Part
def add_single_poisson(m, rank, p, turn, what):
    """Add Poisson spikes of the drives that are not uniform in the step that begins."""
    if what & BEGINS:
        add_single_drives(m.drives, m.which, p, m.state, (m.key[0], m.key[1]), turn + 1)


@Part
def add_train_spikes(m, rank, p, turn, what):
    """Add the spikes that random trains of changing rate send in the step that begins in `turn`."""
    if what & BEGINS:
        add_trains(m.trains, rank, p, m.state, (m.key[0], m.key[1]), turn + 1)


# -- neurons -----------------------------------------------------------------------------------------


@inlined
def where(blocks, p, step):
    """Piece `p` in `step`, which has 32 bits like `Neurons.until` so that both are compared without conversion."""
    return Where(p, blocks.lo[p], blocks.lo[p], blocks.hi[p], blocks.id[p], np.int32(step))


@merged
def advance_piece(group, x, w):
    """Propagate the neurons of `w` by one step."""
    hold(x.held, w.p, w.lo, x.state[group.v, w.lo : w.hi], w.step)
    for lo, hi in by_line(w.lo, w.hi, w.lo):
        if lo < hi:
            own = Where(w.p, w.first, lo, hi, w.id, w.step)
            advance_neurons(group.kind, group.constants, x.drive[lo : hi if group.driven else lo], x, own)


@merged
def fire_piece(group, x, w, ring, written, key):
    """Apply the input of a step to the neurons of `w`; reset those that fire, send their spikes and record them if watched."""
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
    """Turn the first `n` indices into ids by adding `first`."""
    for i in range(n):
        ids[i] += first


# -- recording and sending -------------------------------------------------------------------------------


@merged
def write(written, p, step, ids):
    """Record spikes of the neurons `ids` of piece `p` in `step`."""
    n = written.first[p] + written.number[p]
    for i in range(len(ids)):
        written.step[n + i] = step
        written.id[n + i] = ids[i]
    written.number[p] += len(ids)


@merged
def sample_piece(probes, p, state, step):
    """Sample piece `p` for all probes that are due in `step`."""
    for i in range(len(probes.variable)):
        sample(probes, i, p, state, step)


@merged
def sample(probes, i, p, state, step):
    """Sample the variable of probe `i` in piece `p` if the probe is due in `step`."""
    since = step - probes.start[i]
    if since <= 0 or step > probes.stop[i] or since % probes.interval[i] != 0:
        return
    n = probes.first[i + 1] - probes.first[i]
    row = probes.offset[i] + (since // probes.interval[i] - 1 - probes.before[i]) * n - probes.first[i]
    for j in range(probes.cut[i, p], probes.cut[i, p + 1]):
        probes.out[row + j] = state[probes.variable[i], probes.place[j]]


@merged
def room_for(ring, p, n):
    """Free entries of the ring for up to `n` spikes of piece `p`; starts anew at the front if there is too little room at the end."""
    if ring.room[p] + n > ring.first[p + 1]:
        ring.room[p] = ring.first[p]
    return ring.ids[ring.room[p] : ring.room[p] + n]


@merged
def send(ring, p, n, step):
    """Register the `n` spikes of `step` that were written to the entries from `room_for`."""
    k = step % ring.number.shape[0]
    ring.begin[k, p], ring.number[k, p] = ring.room[p], n
    ring.room[p] += n
