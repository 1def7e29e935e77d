"""Reads trained networks from files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.ann import nir_graph
from lifsim.ann.classifier import Classifier
from lifsim.ann.dense_network import DenseNetwork
from lifsim.ann.layers import Layers
from lifsim.ann.network_file import Pairs, scaling_of
from lifsim.ann.regressor import Regressor
from lifsim.ann.spiking_classifier import SpikingClassifier
from lifsim.ann.surrogate import SpikingLayers
from lifsim.ann.typical import PERCENTILES, Typical
from lifsim.common.errors import DataError, LifsimError
from lifsim.weights.store import WeightStore

_KINDS: dict[str, type[DenseNetwork]] = {kind.kind: kind for kind in (Classifier, Regressor, SpikingClassifier)}


def load(path: str | Path) -> DenseNetwork:
    """Read a trained network from a file.

    Parameters
    ----------
    path : a file that `save` or ``lifsim train`` wrote; or a NIR file, ending in .nir, that `lifsim.nir.save` made of a dense network.

    Returns
    -------
    The `Classifier`, `Regressor` or `SpikingClassifier`.

    Raises
    ------
    DataError : there is no such file, it does not hold a dense network, or is damaged. LifsimError : `path` is no path.
    """
    if not isinstance(path, (str, Path)):
        raise LifsimError("path", f"an object of type {type(path).__name__}", "the path of a file that lifsim train or save made")
    if not Path(path).is_file():
        raise DataError(str(path), "there is no such file", "a file that lifsim train or save made")
    if Path(path).suffix == ".nir":
        attributes, pairs = nir_graph.parts_of(path)
        return _made(path, attributes, pairs, {})
    with WeightStore(path) as store:
        attributes = dict(store.file.attrs)
        if str(attributes.get("kind", "")) not in _KINDS:
            raise DataError(str(path), "is a store of weights, but no dense network", "a file that lifsim train or save made")
        recurrent = [name for name in store.names() if name.startswith("recurrent_")]
        names = [f"layer_{number}" for number in range(1, len(store.names()) - len(recurrent) + 1)]
        pairs = [(store.get(name), store.bias(name)) for name in names]
        feedback = {name: store.get(name) for name in recurrent}
    return _made(path, attributes, pairs, feedback)


def _made(path: str | Path, attributes: dict[str, Any], pairs: Pairs, feedback: Mapping[str, np.ndarray]) -> DenseNetwork:
    try:
        return _network(attributes, pairs, feedback)
    except (KeyError, TypeError, ValueError, LifsimError) as error:
        raise DataError(str(path), f"is damaged: {error}") from None


def _network(attributes: dict[str, Any], pairs: Pairs, feedback: Mapping[str, np.ndarray]) -> DenseNetwork:
    """The network from the attributes of a file, (W, b) of each layer, and the recurrent weights by name."""
    params = json.loads(attributes["parameters"])
    params["hidden"] = tuple(np.atleast_1d(params["hidden"]).tolist())
    if isinstance(params.get("recurrent"), list):
        params["recurrent"] = tuple(params["recurrent"])
    net = _KINDS[str(attributes["kind"])](**params)
    net.check_parameters()
    net.layers_ = _layers(net, attributes, pairs)
    _put_feedback(net.layers_, feedback)
    net.input_ = scaling_of(attributes, "input", net.layers_.sizes[0])
    net.typical_ = _typical(attributes, net.layers_.sizes)
    net.recall(attributes)
    net.history = {key.removeprefix("history_"): list(map(float, x)) for key, x in attributes.items() if key.startswith("history_")}
    return net


def _layers(net: DenseNetwork, attributes: dict[str, Any], pairs: Pairs) -> Layers:
    """The layers with the weights of the file, which must agree with the parameters of `net` (else ValueError)."""
    sizes, parts = [pairs[0][0].shape[1]] if pairs else [0], []
    for number, (W, b) in enumerate(pairs, start=1):
        if b is None or W.shape != (len(b), sizes[-1]):
            got = "no bias" if b is None else f"a bias of shape {b.shape}"
            raise ValueError(f"layer_{number} has weights of shape {W.shape} and {got} after a layer of {sizes[-1]} units")
        sizes.append(len(b))
        parts += [W.ravel(), b]
    if tuple(sizes[1:-1]) != net.hidden:
        raise ValueError(f"hidden layers of {sizes[1:-1]} units, where the parameters say {list(net.hidden)}")
    layers = net._layers(tuple(sizes))
    said = [str(name) for name in attributes["activations"]], str(attributes["loss"])
    if said != ([f.name for f in layers.activations], layers.loss):
        raise ValueError(f"activations and loss {said} do not go with the parameters")
    layers.theta = np.concatenate([*parts, np.zeros(layers.n_parameters - sum(map(len, parts)), parts[0].dtype)])
    return layers


def _put_feedback(layers: Layers, feedback: Mapping[str, np.ndarray]) -> None:
    """Copy the recurrent weights of a file into the layers (ValueError if these have others)."""
    places = layers.feedback(layers.theta) if isinstance(layers, SpikingLayers) else []
    own = {f"recurrent_{number}": V for number, V in enumerate(places, start=1) if V is not None}
    if set(own) != set(feedback):
        raise ValueError(f"it holds {sorted(feedback)}, where the parameters say {sorted(own)}")
    for name, V in own.items():
        if feedback[name].shape != V.shape:
            raise ValueError(f"{name} has the shape {feedback[name].shape} in a layer of {len(V)} neurons")
        V[:] = feedback[name]


def _typical(attributes: Mapping[str, Any], sizes: tuple[int, ...]) -> Typical:
    found = Typical(*(np.asarray(attributes[f"typical_{name}"], np.float64) for name in Typical._fields))
    found = found._replace(activations=found.activations.reshape(-1, len(PERCENTILES)) if not found.activations.size else found.activations)
    if found.example.shape != sizes[:1] or found.activations.shape != (len(sizes) - 2, len(PERCENTILES)):
        raise ValueError("the statistics of the training data do not fit the layers")
    if not all(np.isfinite(x).all() for x in found):
        raise ValueError("the statistics of the training data are not finite")
    return found
