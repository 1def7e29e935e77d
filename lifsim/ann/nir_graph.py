"""Dense networks as NIR graphs, and back.

NIR has nodes for weights (Affine, Linear, Scale) and for neurons, but none for ReLU, tanh, sigmoid or softmax. So a dense network can be
written if its hidden units are "identity" units: a chain of Affine nodes. The outputs of the graph are the numbers that a regressor
predicts, or the weighted sums (logits) of a classifier, the largest of which names the class. All else that lifsim has in its own files,
such as the classes, is in the metadata of the graph, from which `lifsim.ann.load` restores the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.ann.network_file import Pairs, TrainedNetwork, attributes_of
from lifsim.ann.scaling import Scaling
from lifsim.common.errors import DataError, LifsimError
from lifsim.nir import Graph, read
from lifsim.nir.layers import linear, matrix

METADATA = "lifsim_network"  # the attributes of the network, as JSON
INPUT, OUTPUT = "input_scaling", "output_scaling"  # nodes


def graph_of(m: TrainedNetwork) -> Graph:
    """The NIR graph of a dense network.

    Raises
    ------
    LifsimError : NIR has no node for an activation of the network.
    """
    names = [f.name for f in m.layers_.activations]
    for name in names[:-1]:
        if name != "identity":
            raise LifsimError("activation", f"{name!r}, for which NIR has no node", _allowed(name))
    if m.kind == "regressor" and names[-1] != "identity":
        raise LifsimError(
            "loss", f"{m.layers_.loss!r} with a {names[-1]} output, for which NIR has no node", '"mse", whose output is linear'
        )
    attributes = attributes_of(m)
    nodes: dict[str, dict[str, Any]] = {"input": {"type": "Input", "shape": np.array([m.layers_.sizes[0]])}}
    nodes |= _scaling_node(INPUT, m.input_)
    nodes |= {f"layer_{k}": linear(W, b) for k, (W, b) in enumerate(zip(m.weights, m.biases, strict=True), start=1)}
    if "output_gain" in attributes:
        offset, gain = attributes["output_offset"], attributes["output_gain"]
        nodes |= _scaling_node(OUTPUT, Scaling(-offset * gain, 1 / gain))  # x / gain + offset
    nodes["output"] = {"type": "Output", "shape": np.array([m.layers_.sizes[-1]])}
    return Graph(nodes, list(pairwise(nodes)), {METADATA: json.dumps(attributes, default=_as_list)})


def _allowed(name: str) -> str:
    weights = "its weights alone with lifsim.nir.save_weights(path, store)"
    if name == "relu":
        return f'write it as spiking neurons, lifsim.nir.save(path, lifsim.ann.to_spiking(m, neuron="if").network), or {weights}'
    return f'write {weights}; networks of "identity" units can be written whole'


def _scaling_node(name: str, s: Scaling) -> dict[str, dict[str, Any]]:
    """The node that computes (x - offset) gain: none if that is x."""
    if np.any(s.offset):
        return {name: linear(np.diag(s.gain), -s.offset * s.gain)}
    return {name: {"type": "Scale", "scale": s.gain}} if np.any(s.gain != 1) else {}


def _as_list(x: Any) -> Any:
    return x.tolist()


def parts_of(path: str | Path) -> tuple[dict[str, Any], Pairs]:
    """The attributes of the network in a NIR file, as in a file of lifsim, and (W, b) of each layer.

    Raises
    ------
    DataError : the file was not written by `lifsim.nir.save` from a dense network, or is damaged.
    """
    graph = read(path)
    if not isinstance(graph.metadata.get(METADATA), str):
        allowed = "a file that lifsim.nir.save made of a dense network; lifsim.nir.load reads networks of neurons, load_weights matrices"
        raise DataError(str(path), "holds no dense network of lifsim", allowed)
    try:
        attributes = json.loads(graph.metadata[METADATA])
    except ValueError as error:
        raise DataError(f"{path}:metadata/{METADATA}", f"is damaged: {error}") from None
    if not isinstance(attributes, Mapping):
        raise DataError(f"{path}:metadata/{METADATA}", "is damaged", "names and values")
    names = [name for name in _chain(graph, str(path)) if name.startswith("layer_")]
    pairs = [(matrix(graph.nodes[name], f"{path}:{name}"), graph.nodes[name].get("bias")) for name in names]
    return dict(attributes), pairs


def _chain(graph: Graph, path: str) -> list[str]:
    """The nodes in the order of the edges, which must form a chain (DataError)."""
    after = dict(graph.edges)
    name, out = "input", ["input"]
    while name in after and len(out) <= len(graph.nodes):
        name = after[name]
        out.append(name)
    if len(after) != len(graph.edges) or set(out) != set(graph.nodes) or len(out) != len(graph.nodes):
        raise DataError(f"{path}:edges", "the nodes form no chain", "each node leads to the next, from the input to the output")
    return out
