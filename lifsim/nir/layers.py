"""Converts between the layers of a weight store and a chain of NIR nodes, without neurons."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError, LifsimError
from lifsim.nir.graph import Graph, in_order, read, write
from lifsim.weights.store import WeightStore

_WITHOUT_WEIGHTS = ("Input", "Output", "Identity", "Flatten", "CubaLIF", "CubaLI", "LIF", "LI", "IF", "I", "Threshold")


def save_weights(path: str | Path, store: WeightStore) -> None:
    """Write the dense layers of a weight store to a NIR file, as a chain of Affine nodes (Linear without biases).

    Parameters
    ----------
    path : the file, which is replaced if it exists.
    store : the weight store. Its layers are chained in the order of their names, so each must take as many values as the one before
        gives.

    Raises
    ------
    LifsimError : the store is empty, has sparse matrices, or sizes of successive layers differ. OutputError : the file cannot be
        written. RunError : the disk is full.
    """
    nodes: dict[str, dict[str, Any]] = {}
    before = None
    for name in store.names():
        W, b = store.get(name), store.bias(name)
        if hasattr(W, "tocsr"):
            raise LifsimError(f"{store.path}:{name}", "a sparse matrix", "dense layers")
        if before is not None and W.shape[1] != before:
            raise LifsimError(
                f"{store.path}:{name}",
                f"takes {W.shape[1]} values, and the layer before it gives {before}",
                f"{before}: layers follow each other in the order of their names",
            )
        nodes |= {} if nodes else {"input": {"type": "Input", "shape": np.array([W.shape[1]])}}
        nodes[name] = linear(W, b)
        before = W.shape[0]
    if before is None:
        raise LifsimError(str(store.path), "holds no matrices", "dense layers")
    nodes["output"] = {"type": "Output", "shape": np.array([before])}
    names = list(nodes)
    write(path, Graph(nodes, list(pairwise(names))))


def linear(W: np.ndarray, b: np.ndarray | None) -> dict[str, Any]:
    """The node with weights `W` and biases `b`: Affine, or Linear without biases."""
    return {"type": "Linear", "weight": W} if b is None else {"type": "Affine", "weight": W, "bias": b}


def load_weights(path: str | Path, store: WeightStore) -> list[str]:
    """Read the weights and biases of a NIR file into a weight store. Other nodes without weights, such as neurons, are ignored.

    Parameters
    ----------
    path : the file.
    store : the weight store. Each matrix is named after its node, with "_" in place of "/".

    Returns
    -------
    The names of the matrices, in the order of the edges.

    Raises
    ------
    DataError : the file is not a NIR file, weights are not matrices of finite numbers, or a node has weights but is not Affine or
        Linear.
    """
    graph, names = read(path), []
    for name in in_order(graph.nodes, graph.edges):
        node, place = graph.nodes[name], f"{path}:{name}"
        if graph.kind(name) in ("Affine", "Linear"):
            store.put(name.replace("/", "_"), matrix(node, place), bias=node.get("bias"), units="1")
            names.append(name.replace("/", "_"))
        elif graph.kind(name) not in _WITHOUT_WEIGHTS:
            raise DataError(place, f"a node of type {graph.kind(name)}, whose weights are not a matrix", "an Affine or a Linear node")
    return names


def matrix(node: Mapping[str, Any], place: str) -> np.ndarray:
    """The weights of an Affine or Linear node; checks weights and biases (DataError)."""
    W = np.asarray(node.get("weight"))
    if W.ndim != 2 or W.dtype.kind not in "iuf" or not np.isfinite(W).all():
        raise DataError(f"{place}/weight", f"an array of {W.dtype}, shape {W.shape}", "a matrix of finite numbers, shape (out, in)")
    b = node.get("bias")
    if b is not None and (np.shape(b) != W.shape[:1] or np.asarray(b).dtype.kind not in "iuf" or not np.isfinite(b).all()):
        raise DataError(f"{place}/bias", f"has shape {np.shape(b)}", f"{W.shape[:1]} finite numbers")
    return W
