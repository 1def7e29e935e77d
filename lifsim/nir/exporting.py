"""Writes a network to a NIR file, in which spikes are pulses.

NIR has no refractory periods and no synaptic delays like lifsim's: a delay of one time step is left out, a longer one is an error. NIR
has no initial states, soft resets or time step either; these are stored as metadata, which only lifsim reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lifsim.common.errors import LifsimError
from lifsim.network.network import Network
from lifsim.network.projection import Projection
from lifsim.nir.graph import Graph, write
from lifsim.nir.importing import NOTHING
from lifsim.nir.layers import linear
from lifsim.nir.neurons import MS, node_of, values
from lifsim.nir.paths import POTENTIALS

_STIMULI = ("spike_generator", "dc_generator", "waveform_generator")
_RULES = ("matrix", "explicit", "all_to_all", "one_to_one")


class AsGraph(Protocol):
    """An object that is written as the NIR graph that it makes of itself."""

    def nir_graph(self) -> Graph:
        """The graph."""


def save(path: str | Path, net: Network | AsGraph) -> None:
    """Write a network to a NIR file.

    Stimuli become Input nodes, without their spike times or currents. Constant currents (`I_e`, or a dc_generator of one node without
    `stop`) become biases.

    A trained `lifsim.ann.Classifier` or `Regressor` of "identity" units becomes a chain of Affine nodes, which `lifsim.ann.load` reads
    again; NIR has no nodes for other activations. A `SpikingClassifier` is written as its network of spiking neurons.

    Parameters
    ----------
    path : the file, which is replaced if it exists.
    net : the network. Its connections must be given (matrices, lists, all to all, one to one), not drawn at random. Or a trained
        network of `lifsim.ann`.

    Raises
    ------
    LifsimError : the network has a feature, named in the message, that NIR cannot express. OutputError : the file cannot be written.
    RunError : the disk is full.
    """
    if not isinstance(net, Network) and not hasattr(net, "nir_graph"):
        allowed = "a lifsim.Network (such as s.network of s = lifsim.ann.to_spiking(m)), or a trained network of lifsim.ann"
        raise LifsimError("net", f"an object of type {type(net).__name__}", allowed)
    write(path, graph_of(net) if isinstance(net, Network) else net.nir_graph())


def graph_of(net: Network) -> Graph:
    """The NIR graph of a network (LifsimError if NIR cannot express it)."""
    return _Export(net).graph()


class _Export:
    """Converts a network to a graph."""

    def __init__(self, net: Network) -> None:
        if net.method == "precise":
            raise LifsimError("run.method", "exact spike times", 'method="grid": NIR has no spike times within a time step')
        self.net = net
        self.bias = {name for name in net.populations if _is_bias(net, name)}
        self.neurons = [name for name, p in net.populations.items() if p.model.role == "neuron"]
        self.synaptic = {
            p.target.name
            for p in net.projections
            if p.source.population.model.role != "current" and "psc_exp" in p.target.population.model.name
        }
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[tuple[str, str]] = []

    def graph(self) -> Graph:
        """The graph of the whole network."""
        constant = {name: self._constant(name) for name in self.neurons}
        for name, population in self.net.populations.items():
            if name in constant:
                begin, current = constant[name]
                self.nodes[name] = node_of(self.net, name, name in self.synaptic, current if begin == 0 else np.zeros(population.n))
            elif name not in self.bias:
                if population.model.name not in _STIMULI:
                    got = f"a {population.model.name}, which NIR does not have"
                    raise LifsimError(f"populations.{name}", got, "one of: " + ", ".join(_STIMULI))
                self.nodes[name] = {"type": "Input", "shape": np.array([population.n])}
        for number, p in enumerate(self.net.projections):
            if p.source.name not in self.bias:
                self._add_projection(p, f"projections[{number}]", number, constant)
        self._add_ends({name: given for name, given in constant.items() if np.any(given[1])})
        return Graph(self.nodes, self.edges, {"spikes": "pulse", "threshold": "reached", "dt": self.net.dt * MS})

    def _name(self, name: str) -> str:
        """`name`, with a number appended if a node or population has that name already."""
        taken = {*self.nodes, *self.net.populations}
        return next(x for x in (name, *(f"{name}_{k}" for k in range(2, len(taken) + 3))) if x not in taken)

    def _add_projection(self, p: Projection, place: str, number: int, constant: dict[str, tuple[float, np.ndarray]]) -> None:
        source, target = p.source.population, p.target.population
        if self.nodes[source.name]["type"] in POTENTIALS:
            raise LifsimError(place, f"{source.name} never fires", "neurons that fire: NIR would transmit their membrane potential")
        name = self._name(f"{source.name}_to_{target.name}_{number}")
        begin, current = constant.pop(target.name, (0.0, np.zeros(0)))
        self.nodes[name] = linear(self._weights(p, place), self._in_nir(target.name) * current if np.any(current) else None)
        if begin and np.any(current):
            self.nodes[name]["metadata"] = {"bias_start": begin * MS}
        self.edges += [(source.name, name), (name, target.name)]

    def _add_ends(self, left: dict[str, tuple[float, np.ndarray]]) -> None:
        """Add the biases of neurons without incoming connections, and an Input and Output if missing, as other programs need them."""
        to_others = {a.name for a, b in self._pairs() if a.population is not b.population}
        last = [name for name in self.nodes if name in self.net.populations and name not in to_others and name not in self.bias]
        inputs = [name for name, node in self.nodes.items() if node["type"] == "Input"]
        if left or (self.neurons and not inputs):
            nothing = self._name("nothing")
            self.nodes[nothing] = {"type": "Input", "shape": np.array([1]), "metadata": {"signal": NOTHING}}
            for name in left or self.neurons[:1]:
                begin, current = left.get(name, (0.0, np.zeros(self.net.populations[name].n)))
                node, weights = self._name(f"{nothing}_to_{name}"), np.zeros((len(current), 1))
                self.nodes[node] = linear(weights, self._in_nir(name) * current)
                self.nodes[node] |= {"metadata": {"bias_start": begin * MS}} if begin else {}
                self.edges += [(nothing, node), (node, name)]
        for name in last or self.neurons:
            output = self._name(f"{name}_output")
            self.nodes[output] = {"type": "Output", "shape": np.array([self.net.populations[name].n])}
            self.edges.append((name, output))

    def _pairs(self) -> list[tuple[Any, Any]]:
        return [(p.source, p.target) for p in self.net.projections]

    # -- constant currents ---------------------------------------------------------------------------

    def _constant(self, name: str) -> tuple[float, np.ndarray]:
        """(start in ms, constant current of each neuron in pA) of a population: the sum of I_e and of generators of one node."""
        own = values(self.net, name).get("I_e", np.zeros(self.net.populations[name].n))
        parts = {0.0: own} if np.any(own) else {}
        for number, p in enumerate(self.net.projections):
            if p.target.name == name and p.source.name in self.bias:
                generator, begin = values(self.net, p.source.name), self._begin(p, f"projections[{number}]")
                parts[begin] = parts.get(begin, 0.0) + generator["amplitude"][0] * _entries(p, f"projections[{number}]")[:, 0]
        if len(parts) > 1:
            times = " and ".join(f"{begin:g}" for begin in sorted(parts))
            raise LifsimError(f"populations.{name}", f"constant currents that begin at {times} ms", "one start time: NIR has one bias")
        return parts.popitem() if parts else (0.0, np.zeros(self.net.populations[name].n))

    def _begin(self, p: Projection, place: str) -> float:
        """The start (ms) of an equivalent generator that is connected with a delay of one time step."""
        if not isinstance(p.delay, (int, float, np.floating)):
            raise LifsimError(f"{place}.delay", "different delays of a constant current", "one delay")
        start, late = float(values(self.net, p.source.name)["start"][0]), round((p.delay - self.net.dt) / self.net.dt) * self.net.dt
        return start + late + (self.net.dt if late and not start else 0.0)  # a generator with start = 0 begins at dt

    def _in_nir(self, name: str) -> np.ndarray | float:
        """The signal along an edge that gives a population a current of 1 pA; a Cuba node multiplies the signal by w_in."""
        return 1 / (values(self.net, name)["tau_syn_ex"] * MS) if self.nodes[name]["type"].startswith("Cuba") else 1.0

    # -- weights -------------------------------------------------------------------------------------

    def _weights(self, p: Projection, place: str) -> np.ndarray:
        """The weight matrix of a projection in NIR's units."""
        if not isinstance(p.delay, (int, float, np.floating, np.ndarray)):
            raise LifsimError(f"{place}.delay", "drawn or dependent on distance", "one time step: NIR has no delays of synapses")
        if np.any(np.abs(np.asarray(p.delay, np.float64) - self.net.dt) > 1e-9):
            raise LifsimError(f"{place}.delay", "longer than a time step", f"{self.net.dt:g} ms: NIR has no delays of synapses")
        W, target = _entries(p, place), p.target.population
        if p.source.population.model.role == "current":
            return W * np.reshape(self._in_nir(target.name), (-1, 1))
        if target.name in self.synaptic:
            return W
        return W * (values(self.net, target.name)["C_m"] * MS)[:, None]  # a spike moves v by R w / tau, or R w


def _is_bias(net: Network, name: str) -> bool:
    """Whether a population is a dc_generator of one node without `stop`, which becomes a bias."""
    population = net.populations[name]
    constant = population.model.name == "dc_generator" and population.n == 1
    return constant and bool(np.all(np.isinf(values(net, name)["stop"])))


def _entries(p: Projection, place: str) -> np.ndarray:
    """The weights of a projection as a matrix over the whole populations, (n_target, n_source)."""
    if p.rule not in _RULES or not isinstance(p.weight, (int, float, np.number, np.ndarray)):
        raise LifsimError(
            place,
            f"connections by {p.rule}" if p.rule not in _RULES else "drawn weights",
            "weights that are given: a matrix, a list, all_to_all or one_to_one",
        )
    if p.synapse:
        raise LifsimError(place, "plastic synapses, which NIR does not have", "static_synapse")
    W = np.zeros((p.target.population.n, p.source.population.n))
    if "given" in p.params:
        given = p.params["given"]
        weight = np.broadcast_to(np.asarray(p.weight, np.float64), (len(given),))
        for at, t, s in given.pieces():
            np.add.at(W, (p.target.ids[t], p.source.ids[s]), weight[at])
        return W
    rows, columns = p.target.ids, p.source.ids
    if p.rule == "one_to_one":
        W[rows, columns] = p.weight
    else:
        W[np.ix_(rows, columns)] = np.reshape(p.weight, (len(rows), len(columns))) if np.ndim(p.weight) else p.weight
    if p.recurrent and not p.allow_autapses:
        np.fill_diagonal(W, 0.0)
    return W
