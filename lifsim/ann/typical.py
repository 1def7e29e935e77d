"""Typical values of the units of a network, which a network of spiking neurons is scaled by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


class Typical(NamedTuple):
    """What the samples of training were like: the mean of them, and the `PERCENTILES` of the activations of each hidden
    layer, shape (layers, percentiles).
    """

    example: np.ndarray
    activations: np.ndarray
