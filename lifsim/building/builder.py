"""Builds a plan from a network and a seed: numbers the nodes, draws random parameters, resolves connection rules."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from lifsim.building import drives, spike_trains
from lifsim.building.connections import wiring
from lifsim.building.parrots import onto_parrots, with_bursts
from lifsim.building.waveform import waveform
from lifsim.building.weight_probes import weight_probes
from lifsim.common.errors import ModelError
from lifsim.common.timegrid import steps
from lifsim.common.values import Distribution
from lifsim.network.model import PARROT
from lifsim.network.network import Network
from lifsim.network.population import Population, relations
from lifsim.network.projection import Projection
from lifsim.network.recordings import Recording
from lifsim.plan import spikes
from lifsim.plan.plan import Group, Plan, Probe
from lifsim.plan.spikes import NEVER, Events, ListedSpikes, Merged
from lifsim.plan.stimuli import (
    SHARED,
    TO_EACH,
    CurrentDrive,
    ExactDrive,
    NoiseDrive,
    PathDrive,
    PoissonDrive,
    SineDrive,
    TrainDrive,
    WaveDrive,
)
from lifsim.plan.synapses import Expand, Wiring

AnyDrive = TypeVar("AnyDrive", CurrentDrive, NoiseDrive, SineDrive, WaveDrive, PathDrive)
MANY = 10_000_000  # nodes or spikes of a population above which `check` skips it


def build_plan(net: Network, seed: int, method: str, expand: Expand) -> Plan:
    """Build the plan of a network.

    Parameters
    ----------
    net : the network. seed : determines all random numbers (0 to 2⁶⁴ - 1).
    method : "grid" or "precise", the engine that will run the plan.
    expand : draws all synapses of a wiring. It is needed for synapses that must be known before the run: those of stimuli and parrots, and
        those whose values depend on distance.

    Raises
    ------
    ModelError : a drawn value violates a condition of its model, or the network is empty.
    DataError : a spike or waveform file cannot be read.
    """
    _refuse_nothing(net)
    first = numbering(net)
    groups = [_group(net, p, first[p.name], seed) for p in net.populations.values() if p.model.role == "neuron"]
    wirings: list[Wiring] = []
    stimuli = _Drives(net, seed, expand)
    for index, projection in enumerate(net.projections):
        source, target = projection.source.population, projection.target.population
        own = source.model.role in ("neuron", "spikes")
        ids = projection.source.ids + (first[source.name] if own else 0)
        made = wiring(projection, index, ids, projection.target.ids + first[target.name], net.dt, seed, expand)
        acting = onto_parrots(made, projection.receptor_type) if target.model.name == PARROT else made
        if acting and own:
            wirings.append(acting)
        elif acting:
            stimuli.add(projection, acting)
    generators = [p for p in net.populations.values() if p.model.role == "spikes"]
    given = [spike_trains.events(p, drawn(p, seed), first[p.name], net.dt, method == "precise") for p in generators]
    plan = Plan(
        net.dt,
        seed,
        groups,
        wirings,
        stimuli.poisson,
        stimuli.currents,
        stimuli.noise,
        stimuli.trains,
        stimuli.sines,
        stimuli.waves,
        stimuli.paths,
        _merged(given),
        [_probe(r, net.dt) for r in net.recordings if r.kind == "probe"],
        {r.view.name for r in net.recordings if r.variable in ("spikes", "rate", "t_ref_remaining")},
        sum(p.n for p in net.populations.values() if p.model.role in ("neuron", "spikes")),
        stimuli.exact,
        weight_probes(net, first),
    )
    return replace(plan, groups=with_bursts(plan, expand))


def check(net: Network, seed: int, method: str = "grid") -> None:
    """Check the populations of a network as `build_plan` does, without building the plan.

    Populations with more than `MANY` nodes or spikes are skipped because drawing their values takes long.

    Parameters
    ----------
    net : the network. seed : determines all random numbers (0 to 2⁶⁴ - 1). method : "grid" or "precise", the engine that will run it.

    Raises
    ------
    ModelError : a drawn value violates a condition of its model, or the network is empty.
    DataError : a spike or waveform file cannot be read.
    """
    _refuse_nothing(net)
    for p in net.populations.values():
        if p.n <= MANY:
            values = checked(p, seed)
            if p.model.role == "spikes" and spike_trains.number_of(p) <= MANY:
                spike_trains.events(p, values, 0, net.dt, method == "precise")
            elif p.model.name == "waveform_generator":
                _read_waveform(p, values, net.dt)


def _refuse_nothing(net: Network) -> None:
    if not net.populations:
        raise ModelError("populations", "there are none", "at least one population, of neurons or generators")


def drawn(population: Population, seed: int) -> dict[str, Any]:
    """All parameters and state variables of `population`; values drawn from distributions depend only on the seed and on the names."""
    out = {}
    for parameter in population.model.parameters + population.model.states:
        v = population.get(parameter.name)
        if isinstance(v, Distribution):
            word = zlib.crc32(f"{population.name}/{parameter.name}".encode())
            v = v.draw(population.n, np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, word]))))
        out[parameter.name] = np.asarray(v) if parameter.shape == "series" else v
    return out


def checked(population: Population, seed: int) -> dict[str, Any]:
    """As `drawn`, but raises a ModelError if a condition between the values does not hold."""
    given = drawn(population, seed)
    problems = list(relations(f"populations.{population.name}", population.model, given))
    if problems:
        raise ModelError.of(problems)
    return given


def numbering(net: Network) -> dict[str, int]:
    """The first global id of each population: neurons come first, then the nodes of spike generators."""
    first, n = {}, 0
    for role in ("neuron", "spikes"):
        for p in net.populations.values():
            if p.model.role == role:
                first[p.name] = n
                n += p.n
    return first


def _group(net: Network, population: Population, first: int, seed: int) -> Group:
    given = checked(population, seed)
    states = {p.name for p in population.model.states}
    return Group(
        population.name,
        first,
        population.n,
        population.model.name,
        {k: v for k, v in given.items() if k not in states},
        {k: v for k, v in given.items() if k in states},
    )


class _Drives:
    """Collects the drives of all stimulus projections, in order of declaration."""

    def __init__(self, net: Network, seed: int, expand: Expand) -> None:
        self.dt, self.seed, self.expand = net.dt, seed, expand
        self._numbers = {name: k for k, name in enumerate(net.populations)}
        self._waveforms: dict[str, tuple[np.ndarray, int]] = {}  # (samples, steps per row) of each generator, read once
        self.poisson: list[PoissonDrive] = []
        self.currents: list[CurrentDrive] = []
        self.noise: list[NoiseDrive] = []
        self.trains: list[TrainDrive] = []
        self.exact: list[ExactDrive] = []
        self.sines: list[SineDrive] = []
        self.waves: list[WaveDrive] = []
        self.paths: list[PathDrive] = []

    def add(self, projection: Projection, synapses: Wiring) -> None:
        node, target, weight, delay = self.expand(synapses, self.seed)
        c = drives.Connections(projection.source.ids[node], synapses.targets[target], weight, delay)
        population = projection.source.population
        values = checked(population, self.seed)
        match population.model.name:
            case "sinusoidal_poisson_generator" | "sinusoidal_gamma_generator":
                kind = TO_EACH if values["individual_spike_trains"] else SHARED
                stream = len(self.trains) if kind == TO_EACH else self._numbers[population.name]
                self.trains += drives.train_drives(values, c, self.dt, kind, stream, synapses.receptor)
            case "poisson_generator_ps":
                self.exact += drives.exact_drives(values, c, self.dt, len(self.exact))
            case "noise_generator":
                self.noise += _from(population, drives.noise_drives(values, c, self.dt, len(self.noise)))
            case "ac_generator":
                self.sines += _from(population, drives.sine_drives(values, c, self.dt))
            case "ou_generator":
                self.paths += _from(population, drives.path_drives(values, c, self.dt, len(self.paths)))
            case "waveform_generator":
                self.waves += _from(population, drives.wave_drives(values, c, self.dt, *self._waveform(population, values)))
            case _ if population.model.role == "poisson":
                self.poisson += drives.poisson_drives(population, values, c, self.dt, len(self.poisson), synapses.receptor)
            case _:
                self.currents += _from(population, drives.current_drives(values, c, self.dt))

    def _waveform(self, population: Population, values: dict[str, Any]) -> tuple[np.ndarray, int]:
        if population.name not in self._waveforms:
            self._waveforms[population.name] = _read_waveform(population, values, self.dt)
        return self._waveforms[population.name]


def _from(population: Population, made: list[AnyDrive]) -> list[AnyDrive]:
    """The currents `made`, marked as those of `population`."""
    return [replace(d, source=population.name) for d in made]


def _read_waveform(population: Population, values: dict[str, Any], dt: float) -> tuple[np.ndarray, int]:
    return waveform(population, values, dt)


def _merged(given: list[Events]) -> Events:
    """All given spikes; those held in memory become one list."""
    lists = [e for e in given if isinstance(e, ListedSpikes)]
    step = np.concatenate([np.zeros(0, np.int64), *(e.step for e in lists)])
    ids = np.concatenate([np.zeros(0, np.uint32), *(e.id for e in lists)])
    offsets = [e.offset for e in lists if e.offset is not None]  # every list has offsets, or none has
    together = spikes.listed(step, ids, np.concatenate(offsets) if offsets else None)
    files = [e for e in given if not isinstance(e, ListedSpikes)]
    return Merged([together, *files]) if files else together


def _probe(r: Recording, dt: float) -> Probe:
    stop = steps(r.stop, dt) if np.isfinite(r.stop) else NEVER
    source = r.source.name if r.source else ""
    return Probe(r.view.name, r.variable, r.view.ids, steps(r.interval, dt), steps(r.start, dt), stop, source)
