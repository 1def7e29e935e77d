"""Weights alone: the layers of a store as a chain of nodes, and back."""

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
    """Write the dense layers of `store`, each the input of the next in order of their names, as a chain of Affine (or
    Linear) nodes.

    Raises
    ------
    LifsimError : there are none, or they do not follow each other. RunError : the file cannot be written.
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
        nodes[name] = linear(W, b)
        before = W.shape[0]
    if before is None:
        raise LifsimError(str(store.path), "holds no matrices", "dense layers")
    nodes["output"] = {"type": "Output", "shape": np.array([before])}
    names = list(nodes)
    write(path, Graph(nodes, list(pairwise(names))))


def linear(W: np.ndarray, b: np.ndarray | None) -> dict[str, Any]:
    """The node of a matrix and its biases."""
    return {"type": "Linear", "weight": W} if b is None else {"type": "Affine", "weight": W, "bias": b}


def load_weights(path: str | Path, store: WeightStore) -> list[str]:
    """Put the weights and biases of a file into `store`, named as their nodes; returns the names, in the order of the edges.

    Raises
    ------
    DataError : it is no NIR file, or weights are no matrices of finite numbers, or there are weights of other kinds of nodes.
    """
    graph, names = read(path), []
    for name in in_order(graph.nodes, graph.edges):
        node, place = graph.nodes[name], f"{path}:{name}"
        if graph.kind(name) in ("Affine", "Linear"):
            store.put(name.replace("/", "_"), matrix(node, place), bias=node.get("bias"), units="1")
            names.append(name.replace("/", "_"))
        elif graph.kind(name) not in _WITHOUT_WEIGHTS:
            raise DataError(place, f"a node of type {graph.kind(name)}, whose weights are no matrix", "Affine or Linear")
    return names


def matrix(node: Mapping[str, Any], place: str) -> np.ndarray:
    """The weights of an Affine or Linear node, its biases checked (DataError)."""
    W = np.asarray(node.get("weight"))
    if W.ndim != 2 or W.dtype.kind not in "iuf" or not np.isfinite(W).all():
        raise DataError(f"{place}/weight", f"an array of {W.dtype}, shape {W.shape}", "a matrix of finite numbers, shape (out, in)")
    b = node.get("bias")
    if b is not None and (np.shape(b) != W.shape[:1] or np.asarray(b).dtype.kind not in "iuf" or not np.isfinite(b).all()):
        raise DataError(f"{place}/bias", f"has shape {np.shape(b)}", f"{W.shape[:1]} finite numbers")
    return W
