"""Returns an engine to its first step, without making its synapses again."""

from __future__ import annotations

import numpy as np

from lifsim.engine import layout
from lifsim.engine.neurons import states_of
from lifsim.engine.neurons.state import Neurons
from lifsim.engine.stimuli.currents import Currents
from lifsim.engine.stimuli.modulated_trains import ModulatedTrains
from lifsim.engine.stimuli.poisson import PoissonDrives
from lifsim.engine.synapses.delivery import PendingSpikes, Ring
from lifsim.plan.plan import Group, Plan


def begin_neurons(x: Neurons, plan: Plan, place: np.ndarray) -> None:
    """Give all neurons the initial state that `plan` has for them; ``place[i]`` is the place of neuron i."""
    x.state[:], x.until[:], x.held.number[:] = 0, 0, 0
    for g in plan.groups:
        for name in states_of(g):
            if name in g.state:
                layout.write_state(x, place, g, name, g.state[name])


def same_parameters(old: list[Group], new: list[Group]) -> bool:
    """Whether all populations have the same parameters, as the same objects."""
    same = (a.burst == b.burst and all(a.params[name] is x for name, x in b.params.items()) for a, b in zip(old, new, strict=True))
    return all(same)


def empty(ring: Ring, underway: PendingSpikes) -> None:
    """Remove all spikes from `ring`, and all pending ones."""
    ring.begin[:], ring.number[:], ring.room[:] = 0, 0, ring.first[:-1]
    underway.begin[:], underway.number[:], underway.room[:] = 0, 0, 0


def begin_stimuli(poisson: PoissonDrives, trains: ModulatedTrains | None, currents: Currents) -> None:
    """Return the random processes of stimuli to their state at time 0."""
    poisson.filled[:] = -1
    if trains is not None:
        trains.left[:], trains.drawn[:] = 0, 0
    if currents.changing is not None:
        currents.changing.path_at[:] = 0
