"""Returns an engine to its first step, without making its synapses again."""

from __future__ import annotations

from typing import Any

from lifsim.engine import layout
from lifsim.engine.neurons import states_of
from lifsim.engine.stimuli.currents import Currents
from lifsim.engine.stimuli.modulated_trains import ModulatedTrains
from lifsim.engine.stimuli.poisson import PoissonDrives
from lifsim.engine.synapses.delivery import PendingSpikes, Ring


def begin_neurons(engine: Any) -> None:
    """Give all neurons of an `lifsim.engine.Engine` the parameters and the initial state of its plan."""
    x, place = engine.machine.neurons, engine.placement.place
    x.state[:], x.until[:], x.held.number[:] = 0, 0, 0
    layout.refresh_neurons(engine.plan, place, x, engine.machine.own)
    for g in engine.plan.groups:
        for name in states_of(g):
            if name in g.state:
                layout.write_state(x, place, g, name, g.state[name])


def empty(ring: Ring, underway: PendingSpikes) -> None:
    """Remove all spikes from `ring`, and all pending ones."""
    ring.begin[:], ring.number[:], ring.room[:] = 0, 0, ring.first[:-1]
    underway.begin[:], underway.number[:], underway.room[:] = 0, 0, 0


def begin_stimuli(poisson: PoissonDrives, trains: ModulatedTrains | None, currents: Currents) -> None:
    """Let the random processes of stimuli begin again."""
    poisson.filled[:] = -1
    if trains is not None:
        trains.left[:], trains.drawn[:] = 0, 0
    if currents.changing is not None:
        currents.changing.path_at[:] = 0
