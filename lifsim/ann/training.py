"""Training: epochs of mini-batches in an order drawn from the seed, with a schedule, early stopping, callbacks and a history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lifsim.ann import losses
from lifsim.ann.activations import KNEE, Activation, knee
from lifsim.ann.epoch_progress import counted
from lifsim.ann.kernels import dense
from lifsim.ann.layers import Layers
from lifsim.ann.schedules import SCHEDULES, Schedule
from lifsim.ann.scores import r_squared_of
from lifsim.common.errors import LifsimError

SOLVERS = ("sgd", "momentum", "adam")

Score = Callable[[Layers], tuple[float, float]]  # loss and score (larger is better) on held-out data
Callback = Callable[[int, dict[str, float]], Any]  # called with the number of epochs done and the numbers of the last one; True: stop


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
        """The learning rate of an epoch, counted from 0; that of the last epoch if `epoch` is beyond it.

        Raises
        ------
        LifsimError : a function given as `schedule` returned something else than a number from 0 on.
        """
        done = min(epoch, self.epochs - 1) / self.epochs
        if isinstance(self.schedule, str):
            return self.learning_rate * SCHEDULES[self.schedule](done)
        factor = self.schedule(done)
        if not isinstance(factor, (int, float, np.integer, np.floating)) or not 0 <= factor < np.inf:
            raise LifsimError("schedule", f"the function returned {factor!r} for {done:g}", "a number from 0 on")
        return self.learning_rate * float(factor)


class Epochs:
    """Trains `layers` in place, one epoch per call, on `x` (samples, inputs) and `y` (samples, outputs) of the same dtype.

    state : the solver of an earlier training, which is continued.
    """

    def __init__(self, layers: Layers, recipe: Recipe, x: np.ndarray, y: np.ndarray, state: dense.Solver | None = None) -> None:
        self.layers, self.x, self.y = layers, np.ascontiguousarray(x), np.ascontiguousarray(y)
        self.batch = min(recipe.batch_size, len(x))
        self.shape, self.buffers = shape(layers, self.batch), buffers(layers, self.batch)
        self.solver = solver(layers, recipe, state)

    def gradient(self, order: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient for one batch; `order` holds the indices of its samples."""
        loss = dense.gradient(self.shape, self.layers.theta, dense.Samples(self.x, self.y), order, self.buffers)
        return loss, self.buffers.gradient.copy()

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Train on all samples, batch by batch, in the given order of indices; returns the mean loss."""
        theta, data = self.layers.theta, dense.Samples(self.x, self.y)
        rate = theta.dtype.type(learning_rate)
        return float(dense.epoch(self.shape, theta, data, order, self.batch, self.buffers, self.solver, rate))

    @property
    def tally(self) -> np.ndarray:
        """Number of correct samples of the last epoch, shape (1,), or squared errors (`lifsim.ann.kernels.dense.Buffers.tally`)."""
        return self.buffers.tally


class Trainer(Protocol):
    """An object with `layers`, samples `x`, targets `y` and a `solver`; each call trains for one epoch."""

    layers: Layers
    x: np.ndarray
    y: np.ndarray
    solver: dense.Solver

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Train on all samples in the given order of indices; returns the mean loss."""

    @property
    def tally(self) -> np.ndarray:
        """The `tally` of the last epoch (`lifsim.ann.kernels.dense.Buffers`)."""


class Diverged(FloatingPointError):
    """The loss or a parameter is no longer finite."""


def train_epoch(epochs: Trainer, recipe: Recipe, rng: np.random.Generator, number: int) -> dict[str, float]:
    """Train for one epoch, the `number`-th from 0; returns "loss", "accuracy" (of classes) or "r2", and "learning_rate".

    Loss and score are those of each sample before the step of its batch, so that they cost no further pass over the data.

    Raises
    ------
    Diverged : the loss or a parameter is no longer finite.
    """
    rate, n = recipe.rate(number), len(epochs.x)
    loss = epochs(rng.permutation(n), rate)
    if not np.isfinite(loss) or not np.isfinite(epochs.layers.theta).all():
        raise Diverged(f"the loss is {loss:g} in epoch {number + 1}")
    classes = epochs.layers.classes
    score = epochs.tally[0] / n if classes else r_squared_of(epochs.tally, epochs.y)
    return {"loss": loss, score_name(classes): float(score), "learning_rate": rate}


def score_name(classes: bool) -> str:
    """The name of the score in the history."""
    return "accuracy" if classes else "r2"


def train(
    epochs: Trainer,
    recipe: Recipe,
    rng: np.random.Generator,
    aside: Score | None = None,
    progress: bool = False,
    callbacks: Sequence[Callback] = (),
) -> dict[str, list[float]]:
    """Train the layers of `epochs` in place; returns the history: the numbers of `train_epoch` for each epoch, and with `aside` (which
    scores a network on held-out data) "validation_loss" and "validation_accuracy" or "validation_r2", also called "validation_score".

    With `recipe.early_stopping` training ends when the validation loss (without `aside`: the training loss) has not decreased
    by `tol` for `patience` epochs. The best parameters found are kept. Training also ends when one of the `callbacks` returns True.

    Raises
    ------
    Diverged : the loss or a parameter is no longer finite.
    """
    layers, history = epochs.layers, dict[str, list[float]]()
    best, best_theta, waited = np.inf, layers.theta.copy(), 0
    for epoch in counted(recipe.epochs, history, progress):
        numbers = train_epoch(epochs, recipe, rng, epoch)
        if aside:
            loss, score = aside(layers)
            name = f"validation_{score_name(layers.classes)}"
            numbers |= {"validation_loss": loss, name: score, "validation_score": score}
        append(history, numbers)
        loss = numbers["validation_loss" if aside else "loss"]
        waited = 0 if loss < best - recipe.tol else waited + 1
        if loss < best and recipe.early_stopping:
            best_theta[:] = layers.theta
        best = min(best, loss)
        stop = [f(epoch + 1, dict(numbers)) for f in callbacks]  # all are called
        if any(isinstance(x, (bool, np.bool_)) and x for x in stop) or (recipe.early_stopping and waited >= recipe.patience):
            break
    if recipe.early_stopping:
        layers.theta[:] = best_theta
    return history


def append(history: dict[str, list[float]], numbers: dict[str, float]) -> None:
    """Add the numbers of an epoch to `history`, whose lists keep the same length: a number that an epoch does not have is NaN."""
    length = max(map(len, history.values()), default=0)
    for key in dict.fromkeys([*history, *numbers]):
        history.setdefault(key, [float("nan")] * length).append(numbers.get(key, float("nan")))


# -- arguments of the kernels ----------------------------------------------------------------------


def shape(layers: Layers, batch: int) -> dense.Shape:
    """The description of `layers` for the kernels, with batches of up to `batch` samples."""
    sizes, ends = np.array(layers.sizes, np.int64), layers.ends
    starts = np.concatenate([[0], ends[:-1]])
    weight, bias = np.ascontiguousarray(starts[::2]), np.ascontiguousarray(starts[1::2])  # networks of one layer need no code of their own
    curve = next((f for f in layers.activations if f.name == "lif"), Activation("lif"))  # the same for all layers
    return dense.Shape(
        sizes,
        np.array([f.code for f in layers.activations], np.int64),
        weight,
        bias,
        batch * np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        losses.NAMES.index(layers.loss),
        np.array([curve.rho, curve.gain, KNEE, *knee(curve.rho)], layers.theta.dtype),
        layers.classes,
    )


def buffers(layers: Layers, batch: int) -> dense.Buffers:
    """Work arrays for batches of up to `batch` samples."""
    each, theta, outputs = np.zeros(batch * sum(layers.sizes), layers.theta.dtype), layers.theta, layers.sizes[-1]
    target = np.zeros(batch * outputs, theta.dtype)
    return dense.Buffers(each, each.copy(), each.copy(), target, np.zeros_like(theta), np.zeros(outputs))


def solver(layers: Layers, recipe: Recipe, state: dense.Solver | None = None) -> dense.Solver:
    """A solver in its initial state, or in the `state` of an earlier training, if that was by the same method."""
    numbers = [recipe.momentum, recipe.beta_1, recipe.beta_2, recipe.epsilon, recipe.weight_decay]
    constants, kind = np.array(numbers, layers.theta.dtype), SOLVERS.index(recipe.solver)
    if state is not None and state.kind == kind:
        return state._replace(constants=constants)
    zeros = np.zeros_like(layers.theta)
    return dense.Solver(kind, constants, np.zeros(1, np.int64), zeros, zeros.copy())


def options() -> tuple[str, ...]:
    """The names of the entries of `Recipe`."""
    return tuple(Recipe.__dataclass_fields__)


def recipe_of(params: dict[str, Any]) -> Recipe:
    """The `Recipe` from the parameters of an estimator."""
    return Recipe(**{name: params[name] for name in options()})
