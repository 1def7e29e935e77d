"""The plan of a simulation: a network with every random parameter drawn, in plain arrays.

It stands between the description (`lifsim.network.network`) and the engines (`lifsim.engine`): it knows
global node numbers, steps instead of milliseconds and the seed, but nothing of blocks or threads.
Neurons are numbered through all populations in order of declaration; nodes that send given spikes
follow after the last neuron.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lifsim.plan.spikes import Events
from lifsim.plan.stimuli import CurrentDrive, ExactDrive, NoiseDrive, PathDrive, PoissonDrive, SineDrive, TrainDrive, WaveDrive
from lifsim.plan.synapses import Wiring


@dataclass(frozen=True, eq=False)
class Group:
    """A population of neurons: ids `first` … `first + n - 1`.

    `params` and `state` hold each parameter and state variable of the model, as a number where it
    is the same for all, else as a float64 array of shape (n,). A neuron sends at most `burst` spikes in a step.
    """

    name: str
    first: int
    n: int
    model: str
    params: dict[str, np.ndarray | float]
    state: dict[str, np.ndarray | float]
    burst: int = 1


@dataclass(frozen=True, eq=False)
class Probe:
    """Sample `variable` of `group` at neurons `ids` (in the population) every `interval` steps.

    First at start + interval, last not after stop.
    """

    group: str
    variable: str
    ids: np.ndarray
    interval: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything an engine needs. `n_nodes` counts neurons and nodes that send given spikes."""

    dt: float
    seed: int
    groups: list[Group]
    wirings: list[Wiring]
    poisson: list[PoissonDrive]
    currents: list[CurrentDrive]
    noise: list[NoiseDrive]
    trains: list[TrainDrive]
    sines: list[SineDrive]
    waves: list[WaveDrive]
    paths: list[PathDrive]
    events: Events
    probes: list[Probe]
    watched: set[str]
    n_nodes: int
    exact: list[ExactDrive] = field(default_factory=list)

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return sum(g.n for g in self.groups)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return sum(w.n_synapses for w in self.wirings)

    def group(self, name: str) -> Group:
        """The group called `name` (KeyError if there is none)."""
        for g in self.groups:
            if g.name == name:
                return g
        raise KeyError(name)
