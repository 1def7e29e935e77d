"""The plan of a simulation: a network in plain arrays, with all random parameters drawn.

A plan is made from the description of a network (`lifsim.network.network`) and is run by an engine (`lifsim.engine`). It has global node
ids, steps instead of milliseconds and the seed, but no blocks or threads. Neurons are numbered across all populations in order of
declaration; the nodes of spike generators follow after the last neuron.
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

    `params` and `state` hold each parameter and state variable of the model in the user's units: a number if it is the same for all
    neurons, else a float64 array of shape (n,). A neuron sends at most `burst` spikes per step.
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
    """Samples `variable` of the neurons `ids` (indices in `group`) every `interval` steps.

    The first sample is taken at step start + interval, the last one not after step `stop`. With a `source`, a population of generators, the
    variable is the current that the neurons receive from it.
    """

    group: str
    variable: str
    ids: np.ndarray
    interval: int
    start: int
    stop: int
    source: str = ""


@dataclass(frozen=True, eq=False)
class WeightProbe:
    """Asks for a log of the weights that spikes transmit from the nodes `sources` to the neurons `targets` (global ids).

    `sampled` says whether weights are to be known at any step, with those that spikes under way will transmit.
    """

    sources: np.ndarray
    targets: np.ndarray
    sampled: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything an engine needs to run a network, and what it records (`probes`, `watched`, `weights`).

    `dt` is in ms. `events` are the given spikes of spike generators, `watched` the names of the groups whose spikes are recorded, and
    `n_nodes` the number of neurons and spike generator nodes.
    """

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
    weights: list[WeightProbe] = field(default_factory=list)

    @property
    def n_neurons(self) -> int:
        """The number of neurons."""
        return sum(g.n for g in self.groups)

    @property
    def n_synapses(self) -> int:
        """The number of synapses, without those of stimuli."""
        return sum(w.n_synapses for w in self.wirings)

    def group(self, name: str) -> Group:
        """The group called `name` (KeyError if there is none)."""
        for g in self.groups:
            if g.name == name:
                return g
        raise KeyError(name)
