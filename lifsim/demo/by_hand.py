"""Small dense networks with given weights, one step of gradient descent at a time, through the public calls of `lifsim.ann`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lifsim.ann.classifier import Classifier
from lifsim.ann.regressor import Regressor

Weights = Sequence[tuple[Any, Any]]  # W, shape (out, in), and b, shape (out,), of each layer


class Step(NamedTuple):
    """A forward pass, the gradients, and a step of gradient descent.

    sums, outputs : z and a of each layer, shape (samples, units). loss : before the step.
    gradients : of W and b of each layer. taken : the same, from the change that `partial_fit` made, divided by the learning rate.
    weights : W and b of each layer after the step. loss_after : the loss with them.
    """

    sums: list[np.ndarray]
    outputs: list[np.ndarray]
    loss: float
    gradients: list[tuple[np.ndarray, np.ndarray]]
    taken: list[tuple[np.ndarray, np.ndarray]]
    weights: list[tuple[np.ndarray, np.ndarray]]
    loss_after: float


def classifier(X: Any, y: Any, weights: Weights, learning_rate: float, activation: str = "tanh") -> Classifier:
    """A network with given weights, a sigmoid output and the loss -y ln a - (1 - y) ln(1 - a), for plain gradient descent."""
    hidden = tuple(len(b) for _, b in weights[:-1])
    options: dict[str, Any] = {"solver": "sgd", "learning_rate": learning_rate, "batch_size": len(X), "dtype": "float64"}
    m = Classifier(hidden, activation, loss="binary_cross_entropy", **options)
    m.partial_fit(X, y, classes=[0, 1])  # makes the layers
    set_weights(m, weights)
    return m


def regressor(X: Any, y: Any, weights: Weights, learning_rate: float, activation: str = "tanh") -> Regressor:
    """A network with given weights, a linear output and the mean squared error, for plain gradient descent."""
    hidden = tuple(len(b) for _, b in weights[:-1])
    m = Regressor(hidden, activation, solver="sgd", learning_rate=learning_rate, batch_size=len(X), dtype="float64")
    m.partial_fit(X, y)
    set_weights(m, weights)
    return m


def set_weights(m: Classifier | Regressor, weights: Weights) -> None:
    """Replace all weights and biases; the history begins anew."""
    for W, b, (W_new, b_new) in zip(m.weights, m.biases, weights, strict=True):
        W[...], b[...] = W_new, b_new
    m.history = {}


def step(m: Classifier | Regressor, X: Any, y: Any) -> Step:
    """One step of gradient descent on all samples, by `partial_fit`."""
    x, target = np.asarray(X, float), np.asarray(y, float).reshape(len(X), -1)
    layers = m.layers_
    sums, outputs = layers.forward(x)
    loss, gradient = layers.gradient(x, target)
    before = layers.theta.copy()
    m.partial_fit(X, y)
    taken = (before - layers.theta) / m.learning_rate
    weights = [(W.copy(), b.copy()) for W, b in layers.views(layers.theta)]
    return Step(sums, outputs, loss, layers.views(gradient), layers.views(taken), weights, layers.gradient(x, target)[0])


def descend(m: Classifier | Regressor, X: Any, y: Any, steps: int) -> np.ndarray:
    """Take `steps` steps; returns the loss before each of them."""
    for _ in range(steps):
        m.partial_fit(X, y)
    return np.array(m.history["loss"][-steps:])
