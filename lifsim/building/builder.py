"""Builds a plan from a network and a seed: numbers the nodes, draws random parameters, resolves connection rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lifsim.building import spike_trains
from lifsim.building.connections import wiring
from lifsim.building.drawn_values import checked, is_drawn
from lifsim.building.parrots import onto_parrots, with_bursts
from lifsim.building.stimuli import Stimuli
from lifsim.building.waveform import waveform
from lifsim.building.weight_probes import weight_probes
from lifsim.common.errors import ModelError
from lifsim.common.timegrid import steps
from lifsim.network.model import PARROT
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.network.recordings import Recording
from lifsim.plan.plan import Group, Plan, Probe
from lifsim.plan.spikes import NEVER
from lifsim.plan.synapses import Expand, Wiring

MANY = 10_000_000  # nodes or spikes of a population above which `check` skips it


def build_plan(net: Network, seed: int, method: str, expand: Expand, begun: Callable[[int], None] | None = None) -> tuple[Plan, Stimuli]:
    """Build the plan of a network, and its stimuli, which can change during a run.

    Parameters
    ----------
    net : the network. seed : determines all random numbers (0 to 2⁶⁴ - 1).
    method : "grid" or "precise", the engine that will run the plan.
    expand : draws all synapses of a wiring. It is needed for synapses that must be known before the run: those of stimuli and parrots, and
        those whose values depend on distance.
    begun : called with the index of each projection before its rule is worked out.

    Raises
    ------
    ModelError : a drawn value violates a condition of its model, or the network is empty.
    DataError : a spike or waveform file cannot be read.
    """
    _refuse_nothing(net)
    first = numbering(net)
    groups = groups_of(net, seed)
    wirings: list[Wiring] = []
    stimuli = Stimuli(net, seed, expand, first, method == "precise")
    for index, projection in enumerate(net.projections):
        if begun:
            begun(index)
        source, target = projection.source.population, projection.target.population
        own = source.model.role in ("neuron", "spikes")
        ids = projection.source.ids + (first[source.name] if own else 0)
        made = wiring(projection, index, ids, projection.target.ids + first[target.name], net.dt, seed, expand)
        acting = onto_parrots(made, projection.receptor_type) if target.model.name == PARROT else made
        if acting and own:
            wirings.append(acting)
        elif acting:
            stimuli.add(projection, acting)
    stimuli.longest = max((math.ceil(w.delay.range[1]) for w in wirings), default=0)
    plan = Plan(
        net.dt,
        seed,
        groups,
        wirings,
        events=stimuli.events,
        probes=[_probe(r, net.dt) for r in net.recordings if r.kind == "probe"],
        watched={r.view.name for r in net.recordings if r.variable in ("spikes", "rate", "t_ref_remaining")},
        n_nodes=sum(p.n for p in net.populations.values() if p.model.role in ("neuron", "spikes")),
        weights=weight_probes(net, first),
        **stimuli.of(),
    )
    return replace(plan, groups=with_bursts(plan, expand)), stimuli


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
                waveform(p, values, net.dt)


def _refuse_nothing(net: Network) -> None:
    if not net.populations:
        raise ModelError("populations", "there are none", "at least one population, of neurons or generators")


def numbering(net: Network) -> dict[str, int]:
    """The first global id of each population: neurons come first, then the nodes of spike generators."""
    first, n = {}, 0
    for role in ("neuron", "spikes"):
        for p in net.populations.values():
            if p.model.role == role:
                first[p.name] = n
                n += p.n
    return first


def groups_of(net: Network, seed: int, built: Sequence[Group] = ()) -> list[Group]:
    """The populations of neurons with their parameters and initial state; with parrots, the spikes that these send are not yet counted.

    Parameters
    ----------
    net : the network. seed : determines what is drawn.
    built : the same populations with another seed; those of which nothing is drawn are taken from here.

    Raises
    ------
    ModelError : a drawn value violates a condition of its model.
    """
    first, known = numbering(net), {g.name: g for g in built}
    neurons = [p for p in net.populations.values() if p.model.role == "neuron"]
    same = {p.name: replace(known[p.name], params=dict(known[p.name].params)) for p in neurons if p.name in known and not is_drawn(p)}
    return [same.get(p.name) or _group(p, first[p.name], seed) for p in neurons]


def _group(population: Population, first: int, seed: int) -> Group:
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


def _probe(r: Recording, dt: float) -> Probe:
    stop = steps(r.stop, dt) if np.isfinite(r.stop) else NEVER
    source = r.source.name if r.source else ""
    return Probe(r.view.name, r.variable, r.view.ids, steps(r.interval, dt), steps(r.start, dt), stop, source)
