"""The regressor: a dense network whose outputs are numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from lifsim.ann import data_checks, fitting, network_file
from lifsim.ann.activations import Activation
from lifsim.ann.classifier import sklearn_tags
from lifsim.ann.dense_network import DenseNetwork, hidden_activation
from lifsim.ann.layers import Layers
from lifsim.ann.losses import FUSED, loss_and_gradient
from lifsim.ann.scaling import Scaling, scaling
from lifsim.ann.scores import r_squared
from lifsim.common.errors import DataError


class Regressor(DenseNetwork):
    """A dense network that predicts numbers, with the interface of scikit-learn; `score` is R².

    Parameters
    ----------
    loss : "mse" (identity output; "auto" means the same) or "binary_cross_entropy" (sigmoid output, for targets from 0 to 1).
    scale : as of `Classifier`. With "standard" and "mse" the targets are standardised, too, and predictions are scaled back.
    hidden, activation, solver, learning_rate, schedule, momentum, beta_1, beta_2, epsilon, weight_decay, batch_size, epochs : as of
        `Classifier`.
    early_stopping, validation_fraction, patience, tol, init, tau_m, t_ref, gain, seed, dtype, progress : as of `Classifier`.

    Attributes
    ----------
    history : as of `Classifier`, with R² in place of the accuracy: "r2" and "validation_r2" (also called "validation_score").
    layers_, weights, biases : as of `Classifier`.
    """

    output_: Scaling
    flat_: bool
    _losses = ("mse", "binary_cross_entropy")
    kind = _estimator_type = "regressor"

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Train for one epoch on samples and their targets, as `Classifier.partial_fit`; returns the network.

        Parameters
        ----------
        X : samples, shape (samples, features).
        y : targets, shape (samples,) or (samples, outputs). The first call determines their scaling.

        Raises
        ------
        LifsimError : a parameter is wrong, `early_stopping` is on, or the training diverges. DataError : the data are wrong.
        """
        fitting.partial_fit(self, X, lambda n: self._targets(y, n) if self.is_trained else self._learn_targets(y, n))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The prediction for each sample, shape (samples,) or (samples, outputs) like the targets of `fit`.

        Parameters
        ----------
        X : samples, shape (samples, features).

        Raises
        ------
        LifsimError : the network is not trained. DataError : `X` has another shape, or a value that is not finite.
        """
        outputs = self._outputs(X)
        found = self.output_.back(outputs)
        return found[:, 0] if self.flat_ else found

    def score(self, X: Any, y: Any) -> float:
        """The coefficient of determination R² = 1 - Σ (y - predicted)² / Σ (y - mean)²; the mean over several outputs.

        Parameters
        ----------
        X : samples, shape (samples, features). y : their targets, shape (samples,) or (samples, outputs) as in `fit`.

        Raises
        ------
        LifsimError : the network is not trained. DataError : `X` or `y` is wrong.
        """
        found = self.predict(X)
        y = data_checks.numbers_for(y, len(found))
        if y.shape != found.shape:
            raise DataError("y", f"has shape {y.shape}", f"{found.shape}, as in training")
        return r_squared(y, found)

    def _learn_targets(self, y: Any, n: int) -> np.ndarray:
        target = data_checks.numbers_for(y, n)
        self.flat_ = target.ndim == 1
        target = target.reshape(n, -1)
        self.output_ = scaling("standard" if self.scale == "standard" and self._loss == "mse" else "none", target)
        if self._loss == "binary_cross_entropy" and not ((target >= 0) & (target <= 1)).all():
            raise DataError("y", f"from {target.min():g} to {target.max():g}", "0 to 1 for binary_cross_entropy")
        return self.output_(target)

    def _targets(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        target = data_checks.numbers_for(y, n, place).reshape(n, -1)
        if target.shape[1] != len(self.output_.gain):
            raise DataError(place, f"has {target.shape[1]} outputs", f"{len(self.output_.gain)}, as in training")
        return self.output_(target)

    @property
    def _loss(self) -> str:
        return "mse" if self.loss == "auto" else self.loss

    def _layers(self, sizes: tuple[int, ...]) -> Layers:
        output = Activation(FUSED.get(self._loss, "identity"))
        return Layers(sizes, (*(hidden_activation(self) for _ in sizes[2:]), output), self._loss)

    def _score_aside(self, layers: Layers, x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        z = layers.forward(x)[0][-1]
        return loss_and_gradient(layers.loss, layers.activations[-1], z, target)[0], r_squared(target, layers.activations[-1](z))

    def facts(self) -> dict[str, Any]:
        """The scaling of the targets, and whether they were a one-dimensional array."""
        return {"output_offset": self.output_.offset, "output_gain": self.output_.gain, "flat": self.flat_}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Restore the scaling of the targets.

        Parameters
        ----------
        facts : the attributes of a file, among them "output_offset", "output_gain" and "flat" (ValueError if they do not fit).
        """
        self.output_, self.flat_ = network_file.scaling_of(facts, "output", self.layers_.sizes[-1]), bool(facts["flat"])

    def __sklearn_tags__(self) -> Any:
        return sklearn_tags("regressor")
