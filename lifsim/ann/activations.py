"""Activation functions: the output of a unit as a function of its weighted sum z. NumPy versions; `lifsim.ann.kernels.dense` has the
compiled ones.

All but `softmax` act on each unit separately. `lif` is the firing rate of the neuron that will run the network: a leaky
integrate-and-fire neuron with the constant drive J = 1 + K z (in units of V_th - E_L, so that z = 0 is rheobase)
fires at

    r = 1 / (t_ref + tau_m ln(J / (J - 1)))                                    for J > 1.

The activation is a = r tau_m / K, which grows like z where t_ref / tau_m is small; the gain K sets how many spikes represent an
activation. At rheobase this curve is infinitely steep, and below rheobase it is 0, so that the gradient is useless for training.
Below J = 1 + KNEE the curve is therefore replaced by the exponential function with the same value and slope at that point
(smoothing as in Hunsberger & Eliasmith 2015, arXiv:1510.08829, but exact above the knee).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

NAMES = ("identity", "relu", "tanh", "sigmoid", "softmax", "lif")
KNEE = 0.02  # J - 1 below which `lif` is the exponential function, in units of the threshold


@dataclass(frozen=True)
class Activation:
    """An activation function; `rho` = t_ref / tau_m and `gain` = K apply to `lif` only."""

    name: str
    rho: float = 0.0
    gain: float = 1.0

    @property
    def code(self) -> int:
        """The number that identifies the activation in the compiled kernels."""
        return NAMES.index(self.name)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """The output for the weighted sums `z`, shape (batch, units)."""
        if self.name == "lif":
            return lif(z * self.gain, self.rho) / self.gain
        return _VALUES[self.name](z)

    def backward(self, z: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The gradient of a loss with respect to z, from `gradient`, that with respect to the output; shape (batch, units)."""
        if self.name == "softmax":  # each output depends on all z: da_i/dz_j = a_i (δ_ij - a_j)
            a = self(z)
            return a * (gradient - (gradient * a).sum(axis=1, keepdims=True))
        if self.name == "lif":
            return gradient * lif_slope(z * self.gain, self.rho)
        return gradient * _SLOPES[self.name](z)


def softmax(z: np.ndarray) -> np.ndarray:
    """exp(z) / Σ exp(z) along the last axis, without overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def knee(rho: float) -> tuple[float, float]:
    """The value of `lif` at KNEE, and the rate constant of the exponential below it (slope / value)."""
    value = 1 / (rho + np.log1p(1 / KNEE))
    return float(value), float(value / (KNEE * (1 + KNEE)))


def lif(drive: np.ndarray, rho: float) -> np.ndarray:
    """r tau_m as a function of `drive` = J - 1."""
    value, rate = knee(rho)
    above = np.maximum(drive, KNEE)
    exact = 1 / (rho + np.log1p(1 / above))
    return np.where(drive > KNEE, exact, value * np.exp(rate * (np.minimum(drive, KNEE) - KNEE))).astype(drive.dtype)


def lif_slope(drive: np.ndarray, rho: float) -> np.ndarray:
    """The derivative of `lif`."""
    a, above = lif(drive, rho), np.maximum(drive, KNEE)
    return np.where(drive > KNEE, a * a / (above * (1 + above)), a * knee(rho)[1])


_VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softmax": softmax,
}
_SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": np.ones_like,
    "relu": lambda z: (z > 0).astype(z.dtype),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
}
