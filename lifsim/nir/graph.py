"""Reads and writes NIR files: nodes with parameters, edges, metadata."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from lifsim.common.errors import DataError
from lifsim.files import disk, hdf5
from lifsim.files.hdf5_reading import opened, own_dataset
from lifsim.files.outputs import check_output

VERSION = "1.0"
IDENTITY = "Identity"  # the type given to Input and Output nodes of subgraphs
DEEPEST = 64  # nesting depth of groups


class Graph(NamedTuple):
    """A NIR graph.

    Parameters
    ----------
    nodes : name -> node, a dictionary of "type", the node's parameters (arrays) and, optionally, "metadata".
    edges : (source, target) names of nodes, without duplicates.
    metadata : metadata of the graph.
    """

    nodes: dict[str, dict[str, Any]]
    edges: list[tuple[str, str]]
    metadata: Mapping[str, Any] = {}

    def kind(self, name: str) -> str:
        """The type of the node `name`, such as "LIF"."""
        return str(self.nodes[name].get("type"))


# -- writing ---------------------------------------------------------------------------------------


def write(path: str | Path, graph: Graph) -> None:
    """Write a graph to a NIR file. An existing file is replaced only once the new one is complete.

    Parameters
    ----------
    path : the file. graph : the graph.

    Raises
    ------
    OutputError : the file cannot be written. RunError : the disk is full.
    """
    with hdf5.replacing(check_output(path, overwrite=True), disk.UNCHANGED) as file:
        file.create_dataset("version", data=VERSION, dtype=h5py.string_dtype())
        node = file.create_group("node")
        node.create_dataset("type", data="NIRGraph", dtype=h5py.string_dtype())
        node.create_dataset("edges", data=[[a.encode(), b.encode()] for a, b in graph.edges] or np.zeros((0, 2), "S1"))
        node.create_group("nodes")
        for name, parameters in graph.nodes.items():
            _write_table(node.create_group(f"nodes/{name}"), parameters)
        if graph.metadata:
            _write_table(node.create_group("metadata"), graph.metadata)


def _write_table(group: h5py.Group, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if isinstance(value, Mapping):
            _write_table(group.create_group(key), value)
        elif isinstance(value, str):
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        else:
            group.create_dataset(key, data=value)


# -- reading ---------------------------------------------------------------------------------------


def read(path: str | Path) -> Graph:
    """Read a graph from a NIR file.

    Subgraphs are flattened: their nodes are named GRAPH/NODE, and their Input and Output nodes get the type Identity.

    Parameters
    ----------
    path : the file.

    Raises
    ------
    DataError : the file is not a NIR file, is damaged, or refers to data in other files.
    """
    with opened(path, "NIR") as file:
        if not isinstance(file.get("node", getlink=True), h5py.HardLink) or "nodes" not in file["node"]:
            raise DataError(str(path), "holds no NIR graph", "a file that ends in .nir")
        return _graph(file["node"], str(path), set())


def _graph(top: h5py.Group, place: str, seen: set[int]) -> Graph:
    """The graph in an HDF5 group; `seen` holds the addresses of the groups read so far."""
    nodes: dict[str, dict[str, Any]] = {}
    ends: dict[str, tuple[list[str], list[str]]] = {}  # Input and Output nodes of each subgraph
    inner: list[tuple[str, str]] = []
    for name in _names(_group(top, "nodes", f"{place}:nodes", seen), place, seen):
        group = top["nodes"][name]
        if _text(group["type"][()]) == "NIRGraph":
            within = _graph(group, f"{place}:{name}", seen)
            own = [[f"{name}/{x}" for x in within.nodes if within.kind(x) == kind] for kind in ("Input", "Output")]
            ends[name] = own[0], own[1]
            nodes |= {f"{name}/{x}": _passing(node) for x, node in within.nodes.items()}
            inner += [(f"{name}/{a}", f"{name}/{b}") for a, b in within.edges]
        else:
            nodes[name] = _table(group, f"{place}:{name}", seen)
    edges = [_edge(pair, nodes, ends, f"{place}:edges") for pair in _pairs(own_dataset(top, "edges", f"{place}:edges")[()], place)]
    metadata = _table(_group(top, "metadata", f"{place}:metadata", seen), f"{place}:metadata", seen) if "metadata" in top else {}
    return Graph(nodes, list(dict.fromkeys(inner + edges)), metadata)


def _group(parent: h5py.Group, name: str, place: str, seen: set[int]) -> h5py.Group:
    """A group of this file, which must not have been read before (DataError)."""
    own = isinstance(parent.get(name, getlink=True), h5py.HardLink) and isinstance(parent[name], h5py.Group)
    if not own:
        raise DataError(place, "is not a node of this file")
    group = parent[name]
    address = h5py.h5o.get_info(group.id).addr
    if address in seen or group.name.count("/") > DEEPEST:
        raise DataError(
            place, "is reached by several links, or is nested too deep", f"each group once, and at most {DEEPEST} within each other"
        )
    seen.add(address)
    return group


def _names(nodes: h5py.Group, place: str, seen: set[int], prefix: str = "") -> Iterable[str]:
    """Names of all nodes. HDF5 stores a name with slashes as nested groups."""
    for name in nodes:
        group = _group(nodes, name, f"{place}:{prefix}{name}", seen)
        if "type" in group:
            own_dataset(group, "type", f"{place}:{prefix}{name}/type")
            yield prefix + name
        elif len(group) and all(group.get(key, getclass=True) is h5py.Group for key in group):
            yield from _names(group, place, seen, f"{prefix}{name}/")
        else:
            raise DataError(f"{place}:{prefix}{name}", "has no type", "a node with a type, such as LIF")


def _passing(node: dict[str, Any]) -> dict[str, Any]:
    """A node of a subgraph, in which Input and Output become Identity."""
    return {**node, "type": IDENTITY} if node.get("type") in ("Input", "Output") else node


def _pairs(edges: Any, place: str) -> list[tuple[str, str]]:
    if np.size(edges) == 0:
        return []
    if np.ndim(edges) != 2 or np.shape(edges)[1] != 2:
        raise DataError(f"{place}:edges", f"has shape {np.shape(edges)}", "two names for each edge")
    return [(_text(a), _text(b)) for a, b in edges]


def _edge(pair: tuple[str, str], nodes: Mapping[str, Any], ends: Mapping[str, Any], place: str) -> tuple[str, str]:
    """An edge between nodes, from a `pair` that may name subgraphs in place of their Output and Input nodes."""
    found = []
    for name, side, called in zip(pair, (1, 0), ("Output", "Input"), strict=True):
        if name in ends:
            own = ends[name][side]
            if len(own) != 1:
                raise DataError(
                    place, f"{pair[0]!r} to {pair[1]!r}, but graph {name!r} has {len(own)} {called} nodes", f"one {called} there"
                )
            found.append(own[0])
        elif name in nodes:
            found.append(name)
        else:
            raise DataError(place, f"there is no node {name!r}", "an edge between two nodes")
    return found[0], found[1]


def _table(group: h5py.Group, place: str, seen: set[int]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key in group:
        if isinstance(group.get(key, getlink=True), h5py.HardLink) and isinstance(group[key], h5py.Group):
            out[key] = _table(_group(group, key, f"{place}/{key}", seen), f"{place}/{key}", seen)
        else:
            value = own_dataset(group, key, f"{place}/{key}")[()]
            out[key] = _text(value) if isinstance(value, (bytes, str)) else value
    return out


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# -- order -----------------------------------------------------------------------------------------


def in_order(names: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """The names in topological order of the edges. A cycle begins at a node that an earlier node leads to, if there is one."""
    left = dict.fromkeys(names)
    after: dict[str, list[str]] = {name: [] for name in left}
    waits = dict.fromkeys(left, 0)
    for a, b in edges:
        if a != b and a in left and b in left:
            after[a].append(b)
            waits[b] += 1
    ready = deque(name for name in left if not waits[name])
    entered: dict[str, None] = {}  # targets of the nodes in `out`
    out: list[str] = []
    while left:
        name = ready.popleft() if ready else next((x for x in entered if x in left), next(iter(left)))
        if name not in left:  # already in `out`, as the beginning of a cycle
            continue
        del left[name]
        out.append(name)
        for b in after[name]:
            waits[b] -= 1
            if b in left:
                entered[b] = None
                if not waits[b]:
                    ready.append(b)
    return out
