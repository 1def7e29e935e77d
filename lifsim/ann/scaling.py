"""Linear scaling of data: x becomes (x - offset) · gain, with one offset and one gain for each column."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SCALES = ("none", "max", "standard")


class Scaling(NamedTuple):
    """The offset that is subtracted from each column, and the gain that multiplies the difference; shape (columns,)."""

    offset: np.ndarray
    gain: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` scaled."""
        return (x - self.offset) * self.gain

    def back(self, x: np.ndarray) -> np.ndarray:
        """The inverse of the scaling."""
        return x / self.gain + self.offset


def scaling(kind: str, x: np.ndarray) -> Scaling:
    """The scaling for the data `x`, shape (…, columns). `kind` is "none"; "max": the largest magnitude of all becomes 1; or "standard":
    each column gets the mean 0 and the standard deviation 1 (a column without variance keeps its scale).
    """
    x = x.reshape(-1, x.shape[-1])
    offset, gain = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if kind == "max":
        gain /= np.abs(x).max() or 1.0
    elif kind == "standard":
        offset, spread = x.mean(axis=0), x.std(axis=0)
        gain = 1 / np.where(spread > 0, spread, 1.0)
    return Scaling(offset, gain)
