"""A dense network: layers of weights and biases, stored in one flat parameter vector.

    z_l = a_{l-1} W_lᵀ + b_l,   a_l = f_l(z_l),   a_0 = the inputs, one sample a row

W_l has the shape (out, in), as everywhere in lifsim. Backpropagation computes, from the derivative δ_l of the loss with respect to
z_l, ∂W_l = δ_lᵀ a_{l-1}, ∂b_l = Σ δ_l, ∂a_{l-1} = δ_l W_l (Rumelhart, Hinton & Williams 1986, Nature 323:533).
This NumPy version is used for prediction and in tests; training uses the compiled `lifsim.ann.kernels.dense`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifsim.ann.activations import Activation
from lifsim.ann.losses import loss_and_gradient

INITS = ("auto", "he", "xavier")


@dataclass(eq=False)
class Layers:
    """A dense network.

    Parameters
    ----------
    sizes : number of inputs, of units of each hidden layer, and of outputs.
    activations : one per layer, that of the output last.
    loss : the loss that training minimises (`lifsim.ann.losses`).
    theta : all parameters: W_1 (row by row), b_1, W_2, b_2 …; zeros unless given.
    classes : whether the outputs stand for classes; else they are numbers.
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: str = "mse"
    theta: np.ndarray = field(default_factory=lambda: np.empty(0))
    classes: bool = False

    def __post_init__(self) -> None:
        if not len(self.theta):
            self.theta = np.zeros(self.n_parameters)

    @property
    def ends(self) -> np.ndarray:
        """The end of W_1, b_1, W_2, b_2 … in `theta`."""
        return np.cumsum([n for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True) for n in (a * b, b)])

    @property
    def n_parameters(self) -> int:
        """The length of `theta`."""
        return int(self.ends[-1])

    @property
    def description(self) -> tuple[Any, ...]:
        """All but the parameters, for comparison with other layers of the same sizes."""
        return self.activations, self.loss

    def views(self, vector: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """(W, b) of each layer as views of `vector`, which is `theta` or its gradient."""
        parts = np.split(vector[: self.ends[-1]], self.ends[:-1])
        return [(W.reshape(len(b), -1), b) for W, b in zip(parts[::2], parts[1::2], strict=True)]

    @property
    def weights(self) -> list[np.ndarray]:
        """W of each layer, shape (out, in): views."""
        return [W for W, _ in self.views(self.theta)]

    @property
    def biases(self) -> list[np.ndarray]:
        """b of each layer, shape (out,): views."""
        return [b for _, b in self.views(self.theta)]

    def initialise(self, rng: np.random.Generator, dtype: str = "float64", init: str = "auto") -> None:
        """Draw weights uniformly with the variance 2 / in (He et al. 2015, arXiv:1502.01852) or 2 / (in + out) (Glorot
        & Bengio 2010, "xavier"); "auto" takes the first for ReLU. Biases are 0.
        """
        self.theta = np.zeros(self.n_parameters, dtype)
        for W, activation in zip(self.weights, self.activations, strict=True):
            n_out, n_in = W.shape
            he = init == "he" or (init == "auto" and activation.name == "relu")
            bound = np.sqrt(6 / n_in if he else 6 / (n_in + n_out))
            W[:] = rng.uniform(-bound, bound, W.shape)

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The weighted sums of each layer, and a list of `x` and the outputs of each layer."""
        sums, outputs = [], [x]
        for (W, b), f in zip(self.views(self.theta), self.activations, strict=True):
            sums.append(outputs[-1] @ W.T + b)
            outputs.append(f(sums[-1]))
        return sums, outputs

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The outputs for `x`, shape (samples, outputs)."""
        return self.forward(x)[1][-1]

    def gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of a batch and its gradient with respect to `theta`."""
        sums, outputs = self.forward(x)
        loss, delta = loss_and_gradient(self.loss, self.activations[-1], sums[-1], y)
        gradient = np.zeros_like(self.theta)
        weights = self.weights
        for layer, (gW, gb) in reversed(list(enumerate(self.views(gradient)))):
            gW[:], gb[:] = delta.T @ outputs[layer], delta.sum(axis=0)
            if layer:
                delta = self.activations[layer - 1].backward(sums[layer - 1], delta @ weights[layer])
        return loss, gradient
