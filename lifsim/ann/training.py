"""Training: epochs of mini-batches in an order drawn from the seed, with a schedule, early stopping and a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from lifsim.ann import losses
from lifsim.ann.activations import KNEE, Activation, knee
from lifsim.ann.kernels import dense
from lifsim.ann.layers import Layers
from lifsim.ann.schedules import SCHEDULES, Schedule
from lifsim.common.streams import messages

SOLVERS = ("sgd", "momentum", "adam")

Score = Callable[[Layers], tuple[float, float]]  # loss and score (larger is better) on held-out data


@dataclass(frozen=True)
class Recipe:
    """Training parameters, as described in `lifsim.ann.Classifier`."""

    solver: str = "adam"
    learning_rate: float = 1e-3
    schedule: str | Schedule = "constant"
    momentum: float = 0.9
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    batch_size: int = 32
    epochs: int = 100
    early_stopping: bool = False
    patience: int = 10
    tol: float = 1e-4

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        factor = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        return self.learning_rate * factor(epoch / self.epochs)


class Epochs:
    """Trains `layers` in place, one epoch per call, on `x` (samples, inputs) and `y` (samples, outputs) of the same dtype."""

    def __init__(self, layers: Layers, recipe: Recipe, x: np.ndarray, y: np.ndarray) -> None:
        self.layers, self.x, self.y = layers, np.ascontiguousarray(x), np.ascontiguousarray(y)
        self.batch = min(recipe.batch_size, len(x))
        self.shape, self.buffers = shape(layers, self.batch), buffers(layers, self.batch)
        self.solver = solver(layers, recipe)

    def gradient(self, order: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient for one batch; `order` holds the indices of its samples."""
        loss = dense.gradient(self.shape, self.layers.theta, dense.Samples(self.x, self.y), order, self.buffers)
        return loss, self.buffers.gradient.copy()

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Train on all samples, batch by batch, in the given order of indices; returns the mean loss."""
        theta, data = self.layers.theta, dense.Samples(self.x, self.y)
        rate = theta.dtype.type(learning_rate)
        return float(dense.epoch(self.shape, theta, data, order, self.batch, self.buffers, self.solver, rate))


class Trainer(Protocol):
    """An object with `layers` and samples `x`; each call trains for one epoch."""

    layers: Layers
    x: np.ndarray

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Train on all samples in the given order of indices; returns the mean loss."""


def train(
    epochs: Trainer, recipe: Recipe, rng: np.random.Generator, aside: Score | None = None, progress: bool = False
) -> dict[str, list[float]]:
    """Train the layers of `epochs` in place; returns the history: "loss" and "learning_rate" of each epoch, and with `aside` (which
    scores a network on held-out data) "validation_loss" and "validation_score".

    With `recipe.early_stopping` training ends when the validation loss (without `aside`: the training loss) has not decreased
    by `tol` for `patience` epochs. The best parameters found are kept.

    Raises
    ------
    FloatingPointError : the loss or a parameter is no longer finite.
    """
    layers = epochs.layers
    kept = ("loss", "learning_rate", *(("validation_loss", "validation_score") if aside else ()))
    history: dict[str, list[float]] = {key: [] for key in kept}
    best, best_theta, waited = np.inf, layers.theta.copy(), 0
    for epoch in _counted(recipe.epochs, history, progress):
        rate = recipe.rate(epoch)
        loss = epochs(rng.permutation(len(epochs.x)), rate)
        if not np.isfinite(loss) or not np.isfinite(layers.theta).all():
            raise FloatingPointError(f"the loss is {loss:g} in epoch {epoch + 1}")
        history["loss"].append(loss)
        history["learning_rate"].append(rate)
        if aside:
            loss, score = aside(layers)
            history["validation_loss"].append(loss)
            history["validation_score"].append(score)
        if not recipe.early_stopping:
            continue
        waited = 0 if loss < best - recipe.tol else waited + 1
        if loss < best:
            best = loss
            best_theta[:] = layers.theta
        if waited >= recipe.patience:
            break
    if recipe.early_stopping:
        layers.theta[:] = best_theta
    return history


def _counted(epochs: int, history: dict[str, list[float]], progress: bool) -> Iterator[int]:
    """Yields the epochs from 0 on; with `progress`, shows a progress bar if standard error is a terminal."""
    with tqdm(total=epochs, desc="training", unit="epoch", file=messages(), leave=False, disable=None if progress else True) as bar:
        for epoch in range(epochs):
            yield epoch
            bar.set_postfix({key: f"{values[-1]:.3g}" for key, values in history.items() if values}, refresh=False)
            bar.update()


# -- arguments of the kernels ----------------------------------------------------------------------


def shape(layers: Layers, batch: int) -> dense.Shape:
    """The description of `layers` for the kernels, with batches of up to `batch` samples."""
    sizes, ends = np.array(layers.sizes, np.int64), layers.ends
    starts = np.concatenate([[0], ends[:-1]])
    curve = next((f for f in layers.activations if f.name == "lif"), Activation("lif"))  # the same for all layers
    return dense.Shape(
        sizes,
        np.array([f.code for f in layers.activations], np.int64),
        starts[::2],
        starts[1::2],
        batch * np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        losses.NAMES.index(layers.loss),
        np.array([curve.rho, curve.gain, KNEE, *knee(curve.rho)], layers.theta.dtype),
    )


def buffers(layers: Layers, batch: int) -> dense.Buffers:
    """Work arrays for batches of up to `batch` samples."""
    each, theta = np.zeros(batch * sum(layers.sizes), layers.theta.dtype), layers.theta
    return dense.Buffers(each, each.copy(), each.copy(), np.zeros(batch * layers.sizes[-1], theta.dtype), np.zeros_like(theta))


def solver(layers: Layers, recipe: Recipe) -> dense.Solver:
    """A solver in its initial state."""
    constants = [recipe.momentum, recipe.beta_1, recipe.beta_2, recipe.epsilon, recipe.weight_decay]
    kind, zeros = SOLVERS.index(recipe.solver), np.zeros_like(layers.theta)
    return dense.Solver(kind, np.array(constants, layers.theta.dtype), np.zeros(1, np.int64), zeros, zeros.copy())


def options() -> tuple[str, ...]:
    """The names of the entries of `Recipe`."""
    return tuple(Recipe.__dataclass_fields__)


def recipe_of(params: dict[str, Any]) -> Recipe:
    """The `Recipe` from the parameters of an estimator."""
    return Recipe(**{name: params[name] for name in options()})
