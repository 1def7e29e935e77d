"""Statistics of the training data, by which a network of spiking neurons is scaled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


class Typical(NamedTuple):
    """Statistics of the training data: the mean sample, and the `PERCENTILES` of the activations of each hidden layer, shape
    (layers, percentiles).
    """

    example: np.ndarray
    activations: np.ndarray
