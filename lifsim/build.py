"""Network and seed → plan: numbers the nodes, draws the random parameters, resolves the rules."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from lifsim import stimuli
from lifsim.connect import wiring
from lifsim.errors import ModelError
from lifsim.grid import steps
from lifsim.network import Network, Recording
from lifsim.plan import CurrentDrive, Events, Group, NoiseDrive, Plan, PoissonDrive, Probe, Wiring
from lifsim.populations import Population, relations
from lifsim.projections import Projection
from lifsim.stimuli import NEVER
from lifsim.values import Distribution


def build_plan(net: Network, seed: int) -> Plan:
    """The plan of `net` under `seed` (0 … 2⁶⁴ - 1).

    Raises
    ------
    ModelError : a drawn value breaks a condition, or there is nothing to simulate.
    """
    if not any(p.model.role == "neuron" for p in net.populations.values()):
        raise ModelError("populations", "there are no neurons", "at least one population of neurons")
    first = numbering(net)
    groups = [_group(net, p, first[p.name], seed) for p in net.populations.values() if p.model.role == "neuron"]
    wirings: list[Wiring] = []
    drives = _Drives(net.dt, seed)
    for index, projection in enumerate(net.projections):
        source, target = projection.source.population, projection.target.population
        ids = projection.target.ids + first[target.name]
        if source.model.role in ("neuron", "spikes"):
            wirings.append(wiring(projection, index, projection.source.ids + first[source.name], ids, net.dt, seed))
        else:
            drives.add(projection, wiring(projection, index, projection.source.ids, ids, net.dt, seed))
    given = [stimuli.events(p, drawn(p, seed), first[p.name], net.dt) for p in net.populations.values() if p.model.role == "spikes"]
    return Plan(
        net.dt,
        seed,
        groups,
        wirings,
        drives.poisson,
        drives.currents,
        drives.noise,
        _merge(given),
        [_probe(r, net.dt) for r in net.recordings if r.variable not in ("spikes", "rate") and not r.source],
        {r.view.name for r in net.recordings if r.variable in ("spikes", "rate")},
        sum(p.n for p in net.populations.values() if p.model.role in ("neuron", "spikes")),
    )


def drawn(population: Population, seed: int) -> dict[str, Any]:
    """Every parameter and state variable of `population`, distributions drawn (they depend on seed and names only)."""
    out = {}
    for parameter in population.model.parameters + population.model.states:
        v = population.get(parameter.name)
        if isinstance(v, Distribution):
            word = zlib.crc32(f"{population.name}/{parameter.name}".encode())
            v = v.draw(population.n, np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, word]))))
        out[parameter.name] = np.asarray(v) if parameter.shape == "series" else v
    return out


def numbering(net: Network) -> dict[str, int]:
    """First global id of each population: neurons first, then nodes that send given spikes."""
    first, n = {}, 0
    for role in ("neuron", "spikes"):
        for p in net.populations.values():
            if p.model.role == role:
                first[p.name] = n
                n += p.n
    return first


def _group(net: Network, population: Population, first: int, seed: int) -> Group:
    given = drawn(population, seed)
    problems = list(relations(f"populations.{population.name}", population.model, given))
    if problems:
        raise ModelError.of(problems)
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

    def __init__(self, dt: float, seed: int) -> None:
        self.dt, self.seed = dt, seed
        self.poisson: list[PoissonDrive] = []
        self.currents: list[CurrentDrive] = []
        self.noise: list[NoiseDrive] = []

    def add(self, projection: Projection, synapses: Wiring) -> None:
        from lifsim.engine import expand

        node, target, weight, delay = expand(synapses, self.seed)
        c = stimuli.Connections(projection.source.ids[node], synapses.targets[target], weight, delay)
        population = projection.source.population
        values = drawn(population, self.seed)
        if population.model.role == "poisson":
            self.poisson += stimuli.poisson_drives(population, values, c, self.dt, len(self.poisson))
        elif population.model.name == "noise_generator":
            self.noise += stimuli.noise_drives(values, c, self.dt, len(self.noise))
        else:
            self.currents += stimuli.current_drives(values, c, self.dt)


def _merge(given: list[Events]) -> Events:
    if not given:
        return Events(np.zeros(0, np.int64), np.zeros(0, np.uint32))
    step, ids = np.concatenate([e.step for e in given]), np.concatenate([e.id for e in given])
    order = np.lexsort((ids, step))
    return Events(step[order], ids[order])


def _probe(r: Recording, dt: float) -> Probe:
    stop = steps(r.stop, dt) if np.isfinite(r.stop) else NEVER
    return Probe(r.view.name, r.variable, r.view.ids, steps(r.interval, dt), steps(r.start, dt), stop)
