"""Loss functions, each a mean over the samples of a batch. The cross-entropies are fused with the output activation that yields
probabilities: the combined derivative with respect to the weighted sum z is p - y, which neither overflows nor vanishes.

    mse                    mean over samples and outputs of (a - y)²
    binary_cross_entropy   mean over samples and outputs of -y ln p - (1 - y) ln(1 - p), p = sigmoid(z)
    cross_entropy          mean over samples of -Σ y ln p, p = softmax(z)
"""

from __future__ import annotations

import numpy as np

from lifsim.ann.activations import Activation, sigmoid, softmax

NAMES = ("mse", "binary_cross_entropy", "cross_entropy")
FUSED = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}  # loss: output activation


def loss_and_gradient(loss: str, output: Activation, z: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its derivative with respect to `z`, shape (batch, outputs).

    Parameters
    ----------
    loss : one of `NAMES`. output : the activation of the output layer.
    z : weighted sums of the output layer, shape (batch, outputs).
    y : targets of the same shape: numbers for "mse", 0 or 1 for "binary_cross_entropy", one-hot rows for "cross_entropy".
    """
    n = len(z)
    if loss == "cross_entropy":
        shifted = z - z.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return float(-(y * log_p).sum() / n), (softmax(z) - y) / n
    if loss == "binary_cross_entropy":
        each = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
        return float(each.mean()), (sigmoid(z) - y) / z.size
    error = output(z) - y
    return float((error**2).mean()), output.backward(z, 2 * error / z.size)
