"""Networks and weights to and from NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024, Nat. Commun.
15:8122): graphs of nodes such as Affine, CubaLIF and IF in an HDF5 file that ends in .nir.

Units: NIR leaves them open, most programs take seconds. Here times are seconds, potentials mV and currents pA, so that a
resistance is in GΩ (mV/pA). What goes along an edge is a current (pA); a spike is a Dirac pulse, in 1/s. With these,

    iaf_psc_exp     CubaLIF   tau_syn dI/dt = -I + w_in S     w_in = tau_syn, so that a spike adds its weight (pA) to I
    iaf_psc_delta   LIF       tau dv/dt = v_leak - v + R I    a spike adds R w / tau, so w = weight (mV) tau / R
    if_psc_delta    IF, I     dv/dt = R I                     a spike adds R w; an infinite threshold makes it an I
    stimuli         Input     spike_generator, or dc_generator with a node for each number
    constant input  the bias of an Affine node

NIR has neither initial states, nor delays of synapses as lifsim has them (those of a step are left out, longer ones refused), nor
refractory periods, nor soft resets: whether an IF node resets by subtraction is in its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from lifsim import disk, hdf5
from lifsim.errors import DataError, LifsimError
from lifsim.network import Network
from lifsim.outputs import check_output
from lifsim.untrusted import check_ordinary
from lifsim.weights import WeightStore, own_dataset, readable

VERSION = "1.0"
_MS = 1e-3  # seconds
_FOREVER = 1e9  # ms; a leak so slow that there is none
_SUBTRACT = "subtract"


class Graph(NamedTuple):
    """Nodes by name, each a table of "type" and parameters; edges from node to node."""

    nodes: dict[str, dict[str, Any]]
    edges: list[tuple[str, str]]


# -- files -----------------------------------------------------------------------------------------


def write(path: str | Path, graph: Graph) -> None:
    """Write a graph to a file, which is replaced in one step (RunError if the disk is full)."""
    with hdf5.replacing(check_output(path, overwrite=True), disk.UNCHANGED) as file:
        file.create_dataset("version", data=VERSION, dtype=h5py.string_dtype())
        node = file.create_group("node")
        node.create_dataset("type", data="NIRGraph", dtype=h5py.string_dtype())
        node.create_dataset("edges", data=[[a.encode(), b.encode()] for a, b in graph.edges] or np.zeros((0, 2), "S1"))
        for name, parameters in graph.nodes.items():
            _write_table(node.create_group(f"nodes/{name}"), parameters)


def _write_table(group: h5py.Group, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if isinstance(value, Mapping):
            _write_table(group.create_group(key), value)
        elif isinstance(value, str):
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        else:
            group.create_dataset(key, data=value)


def read(path: str | Path) -> Graph:
    """The graph in a file.

    Raises
    ------
    DataError : it is no NIR file, or is damaged, or keeps data elsewhere.
    """
    try:
        check_ordinary(path)
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(str(path), f"cannot be read as NIR ({error})") from None
    with file, readable(Path(path)):
        if not isinstance(file.get("node", getlink=True), h5py.HardLink) or "nodes" not in file["node"]:
            raise DataError(str(path), "holds no NIR graph", "a file that ends in .nir")
        top = file["node"]
        nodes = {name: _table(top["nodes"], name, f"{path}:{name}") for name in top["nodes"]}
        edges = [(_text(a), _text(b)) for a, b in own_dataset(top, "edges", f"{path}:edges")[()]]
    for end in {end for edge in edges for end in edge}:
        if end not in nodes:
            raise DataError(f"{path}:edges", f"there is no node {end!r}", "an edge between two nodes")
    return Graph(nodes, edges)


def _table(group: h5py.Group, name: str, place: str) -> dict[str, Any]:
    if not isinstance(group.get(name, getlink=True), h5py.HardLink) or not isinstance(group[name], h5py.Group):
        raise DataError(place, "is not a node of this file")
    out: dict[str, Any] = {}
    for key in group[name]:
        own = isinstance(group[name].get(key, getlink=True), h5py.HardLink)
        if own and isinstance(group[name][key], h5py.Group):
            out[key] = _table(group[name], key, f"{place}/{key}")
        else:
            value = own_dataset(group[name], key, f"{place}/{key}")[()]
            out[key] = _text(value) if isinstance(value, (bytes, str)) else value
    return out


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# -- weights alone ---------------------------------------------------------------------------------


def save_weights(path: str | Path, store: WeightStore) -> None:
    """Write the dense layers of `store`, each the input of the next in order of their names, as a chain of Affine (or
    Linear) nodes.
    """
    nodes: dict[str, dict[str, Any]] = {}
    before = None
    for name in store.names():
        W, b = store.get(name), store.bias(name)
        if hasattr(W, "tocsr"):
            raise LifsimError(f"{store.path}:{name}", "a sparse matrix", "dense layers")
        if before is not None and W.shape[1] != before:
            raise LifsimError(
                f"{store.path}:{name}", f"takes {W.shape[1]} values after a layer of {before}", "layers that follow each other"
            )
        nodes |= {} if nodes else {"input": {"type": "Input", "shape": np.array([W.shape[1]])}}
        nodes[name] = _linear(W, b)
        before = W.shape[0]
    if before is None:
        raise LifsimError(str(store.path), "holds no matrices", "dense layers")
    nodes["output"] = {"type": "Output", "shape": np.array([before])}
    names = list(nodes)
    write(path, Graph(nodes, list(pairwise(names))))


def _linear(W: np.ndarray, b: np.ndarray | None) -> dict[str, Any]:
    return {"type": "Linear", "weight": W} if b is None else {"type": "Affine", "weight": W, "bias": b}


def load_weights(path: str | Path, store: WeightStore) -> list[str]:
    """Put the weights and biases of a file into `store`, named as their nodes; returns the names, in the order of the edges.

    Raises
    ------
    DataError : it is no NIR file, or weights are no matrices of finite numbers.
    """
    graph, names = read(path), []
    for name in _in_order(graph, str(path)):
        node = graph.nodes[name]
        if node.get("type") in ("Affine", "Linear"):
            store.put(name.replace("/", "_"), _matrix(node, f"{path}:{name}"), bias=node.get("bias"), units="1")
            names.append(name.replace("/", "_"))
    return names


def _in_order(graph: Graph, place: str) -> list[str]:
    """The nodes, each after those that lead to it; where they run in a circle, as they come."""
    left, out = dict.fromkeys(graph.nodes), []
    while left:
        free = [name for name in left if not any(b == name and a in left and a != name for a, b in graph.edges)] or list(left)[:1]
        for name in free:
            del left[name]
        out += free
    return out


def _matrix(node: Mapping[str, Any], place: str) -> np.ndarray:
    W = np.asarray(node.get("weight"))
    if W.ndim != 2 or W.dtype.kind not in "iuf" or not np.isfinite(W).all():
        raise DataError(f"{place}/weight", f"an array of {W.dtype}, shape {W.shape}", "a matrix of finite numbers, shape (out, in)")
    b = node.get("bias")
    if b is not None and (np.shape(b) != W.shape[:1] or not np.isfinite(b).all()):
        raise DataError(f"{place}/bias", f"has shape {np.shape(b)}", f"{W.shape[:1]} finite numbers")
    return W


# -- networks --------------------------------------------------------------------------------------


def save(path: str | Path, net: Network) -> None:
    """Write a network of matrices (any connections that are given, not drawn) between neurons.

    Raises
    ------
    LifsimError : it holds what NIR cannot express; says what.
    """
    constant = _constant_input(net)
    nodes: dict[str, dict[str, Any]] = {}
    for name, population in net.populations.items():
        if population.model.role == "neuron":
            nodes[name] = _neurons(net, name)
        elif not _is_bias(net, name):
            _check_stimulus(name, population.model.name)
            nodes[name] = {"type": "Input", "shape": np.array([population.n])}
    edges: list[tuple[str, str]] = []
    for number, p in enumerate(net.projections):
        if p.source.name not in nodes:
            continue
        name, target = f"{p.source.name}_to_{p.target.name}_{number}", p.target.name
        nodes[name] = _linear(_weights(net, p, f"projections[{number}]"), constant.pop(target, None))
        edges += [(p.source.name, name), (name, target)]
    left = [name for name, current in constant.items() if np.any(current)]
    if left:
        raise LifsimError(f"populations.{left[0]}", "a constant current without any connection", "NIR has it as the bias of one")
    sources = {a for a, _ in edges}
    for name in [name for name in net.populations if name in nodes and name not in sources]:
        nodes[f"{name}_output"] = {"type": "Output", "shape": np.array([net.populations[name].n])}
        edges.append((name, f"{name}_output"))
    write(path, Graph(nodes, edges))


def _is_bias(net: Network, name: str) -> bool:
    """Whether a population is a single constant current, as biases are driven by."""
    population = net.populations[name]
    return population.model.name == "dc_generator" and population.n == 1


def _check_stimulus(name: str, model: str) -> None:
    if model not in ("spike_generator", "dc_generator"):
        raise LifsimError(f"populations.{name}", f"a {model}, which NIR does not have", "spike_generator or dc_generator")


def _values(net: Network, name: str) -> dict[str, np.ndarray]:
    """Parameters of all neurons of a population, defaults among them."""
    population, out = net.populations[name], {}
    for p in population.model.parameters:
        raw = population.params.get(p.name, p.default)
        if p.shape == "value":
            try:
                out[p.name] = np.broadcast_to(np.asarray(raw, np.float64), (population.n,)).copy()
            except (TypeError, ValueError):
                raise LifsimError(f"populations.{name}.{p.name}", "drawn from a distribution", "numbers, which NIR can keep") from None
    return out


def _neurons(net: Network, name: str) -> dict[str, Any]:
    model, p = net.populations[name].model.name, _values(net, name)
    if model not in ("iaf_psc_exp", "iaf_psc_delta", "if_psc_delta"):
        raise LifsimError(f"populations.{name}", f"{model} has no counterpart in NIR", "iaf_psc_exp, iaf_psc_delta or if_psc_delta")
    if np.any(p["t_ref"] > net.dt * (1 + 1e-9)):
        raise LifsimError(f"populations.{name}.t_ref", f"{p['t_ref'].max():g} ms; NIR has no refractory period", "at most a time step")
    if model == "if_psc_delta":
        if np.isinf(p["V_th"]).all():
            return {"type": "I", "r": 1000 / p["C_m"]}
        own = {"type": "IF", "r": 1000 / p["C_m"], "v_threshold": p["V_th"], "v_reset": p["V_reset"]}
        return own | {"metadata": {"reset": _SUBTRACT}}
    both = {"r": p["tau_m"] / p["C_m"], "v_leak": p["E_L"], "v_threshold": p["V_th"], "v_reset": p["V_reset"]}
    if model == "iaf_psc_delta":
        return {"type": "LIF", "tau": p["tau_m"] * _MS, **both}
    if np.any(p["tau_syn_ex"] != p["tau_syn_in"]):
        raise LifsimError(f"populations.{name}", "different tau_syn_ex and tau_syn_in", "one tau_syn, as NIR has")
    if not _gets_spikes(net, name):  # currents act at once
        return {"type": "LIF", "tau": p["tau_m"] * _MS, **both}
    tau_syn = p["tau_syn_ex"] * _MS
    return {"type": "CubaLIF", "tau_mem": p["tau_m"] * _MS, "tau_syn": tau_syn, "w_in": tau_syn, **both}


def _gets_spikes(net: Network, name: str) -> bool:
    return any(p.target.name == name and p.source.population.model.role != "current" for p in net.projections)


def _in_nir(net: Network, name: str) -> np.ndarray | float:
    """What a constant current (pA) onto a population is as a bias."""
    p = _values(net, name)
    if net.populations[name].model.name == "iaf_psc_exp" and _gets_spikes(net, name):
        return 1 / (p["tau_syn_ex"] * _MS)  # the bias goes through the synapse: I = w_in b
    return 1.0


def _constant_input(net: Network) -> dict[str, np.ndarray]:
    """Biases of each population: I_e, and what single dc_generators give."""
    out = {name: np.zeros(p.n) for name, p in net.populations.items() if p.model.role == "neuron"}
    for name in out:
        out[name] += _values(net, name).get("I_e", 0.0)
    for number, p in enumerate(net.projections):
        if _is_bias(net, p.source.name):
            amplitude = float(np.asarray(p.source.population.params.get("amplitude", 0.0)).ravel()[0])
            out[p.target.name] += amplitude * _entries(p, f"projections[{number}]")[:, 0]
    return {name: np.asarray(current * _in_nir(net, name)) for name, current in out.items()}


def _entries(p: Any, place: str) -> np.ndarray:
    """The weights of a projection as a matrix of both whole populations."""
    n_target, n_source = p.target.population.n, p.source.population.n
    if p.rule not in ("matrix", "explicit", "all_to_all", "one_to_one") or p.synapse or isinstance(p.weight, (str, dict)):
        raise LifsimError(place, f"connections by {p.rule}" if not p.synapse else "plastic synapses", "given weights, which NIR can keep")
    W = np.zeros((n_target, n_source))
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
    return W


def _weights(net: Network, p: Any, place: str) -> np.ndarray:
    """The matrix of a projection in NIR's terms."""
    if np.ndim(p.delay) == 0 and not isinstance(p.delay, (int, float, np.floating)):
        raise LifsimError(f"{place}.delay", "drawn or by distance", "one time step: NIR has no delays of synapses")
    if np.any(np.abs(np.asarray(p.delay, np.float64) - net.dt) > 1e-9):
        raise LifsimError(f"{place}.delay", "longer than a time step", f"{net.dt:g} ms: NIR has no delays of synapses")
    W, target = _entries(p, place), p.target.population
    if p.source.population.model.role == "current" or target.model.name == "iaf_psc_exp":
        return W * np.reshape(_in_nir(net, target.name) if p.source.population.model.role == "current" else 1.0, (-1, 1))
    values = _values(net, target.name)
    if target.model.name == "if_psc_delta":
        return W * (values["C_m"] / 1000)[:, None]
    return W * (values["C_m"] * _MS)[:, None]  # tau / R, in s pA / mV


def load(path: str | Path, dt: float = 0.1, inputs: Mapping[str, Mapping[str, Any]] | None = None) -> Network:
    """The network in a file, spikes of all neurons recorded; synapses have a delay of one step.

    Parameters
    ----------
    inputs : for Input nodes by name the parameters of their stimulus: `amplitude` (pA, one a node: a dc_generator) or
        `spike_times` (ms, a list a node: a spike_generator). An input without is a spike_generator that is silent.

    Raises
    ------
    DataError : it is no NIR file, or holds nodes that lifsim has not. LifsimError : `inputs` do not fit.
    """
    graph = read(path)
    net = Network(dt=dt, name=Path(path).stem)
    given = dict(inputs or {})
    for name, node in graph.nodes.items():
        kind = node.get("type")
        if kind == "Input":
            params = dict(given.pop(name, {"spike_times": [[] for _ in range(int(np.prod(node["shape"])))]}))
            net.add(_plain(name), int(np.prod(node["shape"])), "dc_generator" if "amplitude" in params else "spike_generator", **params)
        elif kind in _MODELS:
            _add(net, name, node, f"{path}:{name}")
        elif kind not in ("Affine", "Linear", "Output"):
            raise DataError(f"{path}:{name}", f"a node of type {kind}", "Input, Output, Affine, Linear, " + ", ".join(_MODELS))
    if given:
        raise LifsimError(
            f"inputs[{next(iter(given))!r}]", "there is no such Input node", ", ".join(n for n in graph.nodes if _kind(graph, n) == "Input")
        )
    for name in graph.nodes:
        if _kind(graph, name) in ("Affine", "Linear"):
            _connect(net, graph, name, str(path))
    net.record([name for name, p in net.populations.items() if p.model.role == "neuron"], "spikes")
    return net


_MODELS = ("CubaLIF", "LIF", "IF", "I", "LI", "CubaLI")


def _kind(graph: Graph, name: str) -> str:
    return str(graph.nodes[name].get("type"))


def _plain(name: str) -> str:
    """A node's name as that of a population."""
    return "".join(c if c.isalnum() or c in "_-+" else "_" for c in name)


def _add(net: Network, name: str, node: Mapping[str, Any], place: str) -> None:
    """The population of a node of neurons."""
    kind = node["type"]
    try:
        p = {key: np.asarray(node[key], np.float64).ravel() for key in _PARAMETERS[kind]}
        p.setdefault("v_reset", np.zeros_like(p["r"]))
        p |= {key: np.asarray(node[key], np.float64).ravel() for key in ("v_reset", "w_in") if key in node}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(place, f"a broken {kind} node ({error})", ", ".join(_PARAMETERS[kind])) from None
    n = len(p["r"])
    if any(len(x) != n for x in p.values()):
        raise DataError(place, "parameters of different lengths", f"{n} of each")
    own = _plain(name)
    if kind in ("IF", "I"):
        soft = kind == "I" or _text(node.get("metadata", {}).get("reset", "")) == _SUBTRACT
        threshold = {"V_th": np.inf if kind == "I" else p["v_threshold"], "V_reset": 0.0 if kind == "I" else p["v_reset"]}
        if soft:
            net.add(own, n, "if_psc_delta", C_m=1000 / p["r"], **threshold)
        else:
            slow = {"tau_m": _FOREVER, "E_L": 0.0, "V_m": 0.0, "t_ref": 0.0}
            net.add(own, n, "iaf_psc_delta", C_m=1000 / p["r"], **slow, **threshold)
        return
    tau = 1000 * p["tau_mem" if "Cuba" in kind else "tau"]
    rest = {"E_L": p["v_leak"], "V_m": p["v_leak"], "tau_m": tau, "C_m": tau / p["r"], "t_ref": 0.0}
    rest |= {"V_th": p["v_threshold"], "V_reset": p["v_reset"]} if "v_threshold" in p else {"V_th": 1e300, "V_reset": p["v_leak"]}
    if "Cuba" in kind:
        rest |= {"tau_syn_ex": 1000 * p["tau_syn"], "tau_syn_in": 1000 * p["tau_syn"]}
    net.add(own, n, "iaf_psc_exp" if "Cuba" in kind else "iaf_psc_delta", **rest)


_PARAMETERS = {
    "CubaLIF": ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_mem", "tau_syn", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
    "IF": ("r", "v_threshold"),
    "I": ("r",),
}


def _connect(net: Network, graph: Graph, name: str, path: str) -> None:
    """The projections that a node of weights makes, and its biases as constant currents."""
    node, place = graph.nodes[name], f"{path}:{name}"
    W = _matrix(node, place)
    sources, targets = [a for a, b in graph.edges if b == name], [b for a, b in graph.edges if a == name]
    for source in sources:
        for target in targets:
            if _kind(graph, target) == "Output":
                continue
            if _kind(graph, target) not in _MODELS or _kind(graph, source) not in (*_MODELS, "Input"):
                raise DataError(place, f"leads from {source!r} ({_kind(graph, source)}) to {target!r} ({_kind(graph, target)})", "neurons")
            scale = _jump(graph.nodes[target], net.populations[_plain(source)].model.role == "current")
            net.connect(_plain(source), _plain(target), W * np.reshape(scale, (-1, 1)), delay=net.dt)
    if "bias" in node:
        for target in (t for t in targets if _kind(graph, t) in _MODELS):
            gain = np.asarray(graph.nodes[target].get("w_in", 1.0), np.float64)
            own = net.populations[_plain(target)]
            own.params["I_e"] = own.params.get("I_e", 0.0) + np.ravel(node["bias"]) * gain


def _jump(node: Mapping[str, Any], current: bool) -> np.ndarray | float:
    """What multiplies a weight: a spike's effect in mV or pA, or a current's in pA."""
    kind, w_in = node["type"], np.asarray(node.get("w_in", 1.0), np.float64)
    if "Cuba" in kind:
        return w_in if current else w_in / np.asarray(node["tau_syn"], np.float64)
    if current:
        return 1.0
    r = np.asarray(node["r"], np.float64)
    return r if kind in ("IF", "I") else r / np.asarray(node["tau"], np.float64)
