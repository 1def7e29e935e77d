"""Files of dense networks: a `lifsim.weights.WeightStore` with the groups layer_1 …, for recurrent layers also recurrent_1 …, and
attributes of the file: `kind` ("classifier", "regressor" or "spiking classifier"), `activations` and `loss`, the scaling of inputs
(`input_offset`, `input_gain`) and targets, `classes`, `parameters` (as JSON), `timed` (whether samples have a value for each step), and
the training history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from lifsim.ann.layers import Layers
from lifsim.ann.scaling import Scaling
from lifsim.ann.typical import Typical
from lifsim.weights.store import WeightStore

MOST_EPOCHS = 8000  # of the stored history: an attribute of an HDF5 file holds 64 kB


class TrainedNetwork(Protocol):
    """The part of a trained network that a file stores."""

    kind: str
    history: dict[str, list[float]]
    layers_: Layers
    input_: Scaling
    typical_: Typical

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights of each layer, (units, inputs)."""

    @property
    def biases(self) -> list[np.ndarray]:
        """The biases of each layer, (units,)."""

    def get_params(self) -> dict[str, Any]:
        """The parameters of the estimator, by name."""

    def facts(self) -> dict[str, Any]:
        """Further attributes of the file."""


def save(net: TrainedNetwork, path: str | Path) -> None:
    """Write a trained network to a new file."""
    with WeightStore(path, "w") as store:
        fill(store, net)


def fill(store: WeightStore, net: TrainedNetwork) -> None:
    """Put a trained network into an empty store."""
    for number, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        store.put(f"layer_{number}", W, bias=b, units="1")
    for number, V in enumerate(getattr(net, "recurrent_weights", ()), start=1):
        if V is not None:
            store.put(f"recurrent_{number}", V, units="1")
    store.file.attrs.update(attributes_of(net))


def attributes_of(net: TrainedNetwork) -> dict[str, Any]:
    """All but the weights, by name."""
    params = {name: "constant" if callable(value) else value for name, value in net.get_params().items()}  # a function cannot be stored
    return {
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


def _plain(value: Any) -> Any:
    """NumPy numbers and arrays in a form that JSON accepts."""
    return value.tolist()


Pairs: TypeAlias = "list[tuple[np.ndarray, np.ndarray | None]]"


def scaling_of(attributes: Mapping[str, Any], name: str, columns: int) -> Scaling:
    """The scaling called `name`, "input" or "output" (ValueError if it does not have `columns` finite numbers)."""
    offset, gain = (np.asarray(attributes[f"{name}_{part}"], np.float64) for part in ("offset", "gain"))
    if offset.shape != (columns,) or gain.shape != (columns,) or not np.isfinite([offset, gain]).all() or not gain.all():
        raise ValueError(f"the scaling of the {name} is broken; {columns} finite numbers each")
    return Scaling(offset, gain)
