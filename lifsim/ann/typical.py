"""Statistics of the training data, by which a network of spiking neurons is scaled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.ann.layers import Layers

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


class Typical(NamedTuple):
    """Statistics of the training data: the mean sample, shape (features,), and the `PERCENTILES` of the activations of each hidden layer,
    shape (layers, percentiles). Of inputs that change in time the mean is also over time.
    """

    example: np.ndarray
    activations: np.ndarray


def typical_of(layers: Layers, x: np.ndarray, scaled: np.ndarray) -> Typical:
    """The statistics of the samples `x`, which are `scaled` for the layers."""
    hidden = layers.forward(scaled)[1][1:-1]
    percentiles = np.array([np.percentile(a, PERCENTILES) for a in hidden]).reshape(-1, len(PERCENTILES))
    return Typical(x.mean(axis=tuple(range(x.ndim - 1))), percentiles)
