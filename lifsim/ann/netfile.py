"""Files of dense networks: a `lifsim.weights.WeightStore` with the groups layer_1 …, and as attributes of the file what
else makes the network: `kind` ("classifier", "regressor" or "spiking classifier"), `activations` and `loss`, the scaling of inputs
(`input_offset`, `input_gain`) and targets, `classes`, `parameters` (as JSON), and the history of its training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lifsim.ann.layers import Layers
from lifsim.ann.scaling import Scaling
from lifsim.errors import DataError, LifsimError
from lifsim.weights import WeightStore

if TYPE_CHECKING:
    from lifsim.ann.estimators import DenseNetwork, Typical

_HOME = {  # where what a file calls kind is
    "classifier": ("lifsim.ann.estimators", "Classifier"),
    "regressor": ("lifsim.ann.estimators", "Regressor"),
    "spiking classifier": ("lifsim.ann.spiking_classifier", "SpikingClassifier"),
}
MOST_EPOCHS = 8000  # of a history that is kept: an attribute of an HDF5 file holds 64 kB


def save(net: DenseNetwork, path: str | Path) -> None:
    """Write a trained network."""
    with WeightStore(path, "w") as store:
        fill(store, net)


def fill(store: WeightStore, net: DenseNetwork) -> None:
    """Put a trained network into an empty store."""
    for number, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        store.put(f"layer_{number}", W, bias=b, units="1")
    params = {name: "constant" if callable(value) else value for name, value in net.get_params().items()}  # a function cannot be kept
    store.file.attrs.update(
        {
            "kind": net.kind,
            "activations": [f.name for f in net.layers_.activations],
            "loss": net.layers_.loss,
            "parameters": json.dumps(params, default=_plain),
            "input_offset": net.input_.offset,
            "input_gain": net.input_.gain,
            "typical_example": net.typical_.example,
            "typical_activations": net.typical_.activations,
            **net.facts(),
            **{f"history_{key}": np.array(values[-MOST_EPOCHS:]) for key, values in net.history.items()},
        }
    )


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as JSON takes them."""
    return value.tolist()


def load(path: str | Path) -> DenseNetwork:
    """The `Classifier` or `Regressor` in a file.

    Raises
    ------
    DataError : it is no such file, or is damaged.
    """
    with WeightStore(path) as store:
        attributes = dict(store.file.attrs)
        if str(attributes.get("kind", "")) not in _HOME:
            raise DataError(str(path), "is a store of weights, but no dense network", "a file that lifsim train or save made")
        names = [f"layer_{number}" for number in range(1, len(store.names()) + 1)]
        pairs = [(store.get(name), store.bias(name)) for name in names]
    try:
        return _network(attributes, pairs)
    except (KeyError, TypeError, ValueError, LifsimError) as error:
        raise DataError(str(path), f"is damaged: {error}") from None


Pairs: TypeAlias = "list[tuple[np.ndarray, np.ndarray | None]]"


def _network(attributes: dict[str, Any], pairs: Pairs) -> DenseNetwork:
    params = json.loads(attributes["parameters"])
    module, name = _HOME[str(attributes["kind"])]
    net: DenseNetwork = getattr(import_module(module), name)(**params | {"hidden": tuple(np.atleast_1d(params["hidden"]).tolist())})
    net._check()
    net.layers_ = _layers(net, attributes, pairs)
    net.input_ = scaling_of(attributes, "input", net.layers_.sizes[0])
    net.typical_ = _typical(attributes, net.layers_.sizes)
    net.recall(attributes)
    net.history = {key.removeprefix("history_"): list(map(float, x)) for key, x in attributes.items() if key.startswith("history_")}
    return net


def _layers(net: DenseNetwork, attributes: dict[str, Any], pairs: Pairs) -> Layers:
    """The layers that the parameters of `net` ask for, with the weights of the file, which must be like them."""
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
    layers.theta = np.concatenate(parts)
    return layers


def _typical(attributes: Mapping[str, Any], sizes: tuple[int, ...]) -> Typical:
    from lifsim.ann.estimators import PERCENTILES, Typical

    found = Typical(*(np.asarray(attributes[f"typical_{name}"], np.float64) for name in Typical._fields))
    if found.example.shape != sizes[:1] or found.activations.shape != (len(sizes) - 2, len(PERCENTILES)):
        raise ValueError("what is said of typical samples does not fit the layers")
    if not all(np.isfinite(x).all() for x in found):
        raise ValueError("what is said of typical samples is not finite")
    return found


def scaling_of(attributes: Mapping[str, Any], name: str, columns: int) -> Scaling:
    """The scaling called `name` (ValueError if it does not fit)."""
    offset, gain = (np.asarray(attributes[f"{name}_{part}"], np.float64) for part in ("offset", "gain"))
    if offset.shape != (columns,) or gain.shape != (columns,) or not np.isfinite([offset, gain]).all() or not gain.all():
        raise ValueError(f"the scaling of the {name} is broken; {columns} finite numbers each")
    return Scaling(offset, gain)
