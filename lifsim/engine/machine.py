"""The machine (all arrays of a run) and the program that runs it: the time loop with the parts that the network needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lifsim.engine import plasticity
from lifsim.engine.compiler.ahead import Helper, WantedPart
from lifsim.engine.compiler.parts import Calls, Known, Part, Programs
from lifsim.engine.loop import Blocks, Deliveries, Loop, Steppers, advance
from lifsim.engine.neurons.state import Neurons
from lifsim.engine.parallel.clock import RANDOM, UPDATE, Clock
from lifsim.engine.parallel.work_sharing import Sharing
from lifsim.engine.piece import (
    CurrentInput,
    ModelGroup,
    PieceData,
    PoissonInput,
    Probes,
    TrainInput,
    Written,
    add_single_poisson,
    add_train_spikes,
    add_uniform_poisson,
    set_currents,
    step_neurons,
)
from lifsim.engine.stimuli.currents import Currents, OwnInput
from lifsim.engine.stimuli.modulated_trains import ModulatedTrains
from lifsim.engine.stimuli.poisson import PoissonDrives
from lifsim.engine.synapses.delivery import Delivery, PendingSpikes, Ring, Synapses, deliver_static

if TYPE_CHECKING:
    from lifsim.engine.plasticity import Plastic


class Machine(NamedTuple):
    """All arrays of a run; `trains` and `plastic` are None if the plan has none."""

    blocks: Blocks
    groups: tuple[ModelGroup, ...]
    neurons: Neurons
    own: OwnInput
    synapses: Synapses
    ring: Ring
    underway: PendingSpikes
    poisson: PoissonDrives
    trains: ModulatedTrains | None
    currents: Currents
    probes: Probes
    written: Written
    events: np.ndarray
    key: np.ndarray
    sharing: Sharing
    clock: Clock
    plastic: Plastic | None


class LoopProgram:
    """The compiled program of a machine. The data of its parts stay in memory as long as this object.

    `known` holds the tuples of the machine that were flattened for earlier slices. `helper` compiles some of the parts meanwhile; it ends.
    """

    def __init__(self, m: Machine, known: Known, helper: Helper | None = None) -> None:
        deliveries = Calls(_deliveries(m), known)
        steppers = [_steppers(m, g) for g in range(len(m.groups))]
        calls = Calls(((part, data) for own in steppers for part, data, _ in own), known)
        first = np.cumsum([0, *map(len, steppers)])
        phase = np.array([phase for own in steppers for _, _, phase in own], np.int64)
        loop = _loop(m, Deliveries(deliveries.code, deliveries.data), Steppers(first, calls.code, calls.data, phase))
        self._loop = Calls([(advance, loop)], known)
        self._called = deliveries, calls
        if helper is not None:
            helper.close()

    def run(self, rank: int, start: int, steps: int) -> None:
        """Run the blocks of thread `rank` from step `start` for `steps` steps."""
        self._loop.run(0, rank, start, steps)

    def programs(self) -> Programs:
        """The names of all parts, each with the types of its data."""
        return self._loop.programs().union(*(calls.programs() for calls in self._called))


def wanted_parts(m: Machine, known: Known) -> list[WantedPart]:
    """The parts of the program of `m` that must be compiled, in the order in which another process should do so.

    That is the reverse order, so that this process meets the other one, except that the delivery to plastic synapses, which takes longest,
    comes first.
    """
    none = np.zeros(0, np.int64)
    deliveries = _deliveries(m)
    steppers = [(part, data) for g in range(len(m.groups)) for part, data, _ in _steppers(m, g)]
    loop = (advance, _loop(m, Deliveries(none, none), Steppers(none, none, none, none)))
    parts = [*deliveries[:1], *steppers, loop, *deliveries[1:]]
    wanted = {each.name: each for part, data in reversed(parts) if (each := part.wanted(data, known)) is not None}
    return list(wanted.values())


def _loop(m: Machine, deliveries: Deliveries, steppers: Steppers) -> Loop:
    return Loop(m.blocks, m.ring, m.underway, m.synapses.delay, m.events, m.sharing, m.clock, deliveries, steppers)


def _deliveries(m: Machine) -> list[tuple[Part, Any]]:
    """The parts that deliver spikes, static synapses first."""
    parts: list[tuple[Part, Any]] = []
    inputs, first = m.neurons.state[: m.neurons.channels], m.blocks.first
    if len(m.synapses.delay):
        parts.append((deliver_static, Delivery(m.synapses, m.ring, m.underway, inputs, first)))
    if m.plastic is not None:
        parts += plasticity.deliveries(m.plastic, m.ring, m.blocks, inputs)
    return parts


def _steppers(m: Machine, g: int) -> list[tuple[Part, Any, np.int64]]:
    """The parts that step population `g`, in order: part, data, and phase of the clock."""
    group, x, key = m.groups[g], m.neurons, m.key
    pieces = np.flatnonzero(m.blocks.group == g)
    parts: list[tuple[Part, Any, np.int64]] = []
    if group.driven and len(m.currents.change):
        parts.append((set_currents, CurrentInput(m.currents, m.own, m.blocks, x.drive, key), UPDATE))
    parts.append((step_neurons, PieceData(group, m.blocks, x, m.probes, m.ring, m.written, key), UPDATE))
    parts += [(part, PoissonInput(m.poisson, drives, x.state, key), RANDOM) for part, drives in _poisson(m.poisson, pieces)]
    if m.trains is not None and np.any(m.trains.first[:, pieces] < m.trains.first[:, pieces + 1]):
        parts.append((add_train_spikes, TrainInput(m.trains, x.state, key), RANDOM))
    return parts


def _poisson(p: PoissonDrives, pieces: np.ndarray) -> list[tuple[Part, tuple[int, int]]]:
    """The parts for the Poisson drives onto `pieces`, one per run of drives of the same kind, so that drives are added in order."""
    entries = [e for a, z in zip(p.entry[pieces], p.entry[pieces + 1], strict=True) for e in range(a, z)]
    runs: list[tuple[Part, tuple[int, int]]] = []
    for d in np.unique(p.drive[entries]).tolist():
        part = add_uniform_poisson if p.uniform[d] else add_single_poisson
        if runs and runs[-1][0] is part:
            runs[-1] = part, (runs[-1][1][0], d + 1)
        else:
            runs.append((part, (d, d + 1)))
    return runs
