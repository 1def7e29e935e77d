"""The classifier: a dense network whose outputs are probabilities of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.ann import data_checks
from lifsim.ann.activations import Activation
from lifsim.ann.dense_network import DenseNetwork, hidden_activation
from lifsim.ann.layers import Layers
from lifsim.ann.losses import FUSED, loss_and_gradient
from lifsim.common.errors import DataError


class Classifier(DenseNetwork):
    """A dense network that says which class a sample belongs to.

    Parameters
    ----------
    hidden : units of each hidden layer.
    activation : of the hidden layers: "relu", "tanh", "sigmoid", "identity", or "lif", the rate of a leaky
        integrate-and-fire neuron with `tau_m` and `t_ref` (ms), which `to_spiking` then runs as such; an activation of 1
        is a rate of `gain` / `tau_m` (5 / 20 ms = 250 Hz).
    loss : "cross_entropy" (softmax; also "auto"), "binary_cross_entropy" (a sigmoid for each class, for two classes a single
        one) or "mse" (of softmax).
    solver : "sgd", "momentum" (with `momentum`) or "adam" (`beta_1`, `beta_2`, `epsilon`).
    learning_rate, schedule : of each epoch; "constant", "linear" or "cosine" (down to 0), "exponential" (to 1 %),
        "step" (a tenth at half, again at three quarters), or a function of the part of training that is done (0 to 1).
    weight_decay : d adds d/2 Σ W² to the loss.
    batch_size, epochs : samples a step; how often all are gone through.
    early_stopping, validation_fraction, patience, tol : end when the loss of data kept aside has not fallen by `tol` for
        `patience` epochs; keep the best network.
    init : of the weights; "he", "xavier", "auto" (He for ReLU).
    scale : of the inputs, kept with the network: "none", "max" (all divided by the largest), "standard" (each feature).
    seed : of initial weights and the order of samples. dtype : "float32" or "float64". progress : show a bar.

    Attributes
    ----------
    classes_ : the classes, sorted. history : "loss", "learning_rate" and with validation "validation_loss",
    "validation_score", one entry an epoch. layers_, weights, biases : the network.

    Examples
    --------
    >>> m = Classifier(hidden=(8,), epochs=300, learning_rate=0.01, batch_size=4)
    >>> _ = m.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])
    >>> m.predict([[0, 1]])
    array([1])
    """

    classes_: np.ndarray
    _losses = ("cross_entropy", "binary_cross_entropy", "mse")
    kind = _estimator_type = "classifier"

    def predict(self, X: Any) -> np.ndarray:
        """The class of each sample, shape (samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (samples, classes)."""
        return self._probabilities(self._outputs(X))

    def _probabilities(self, outputs: np.ndarray) -> np.ndarray:
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def score(self, X: Any, y: Any) -> float:
        """Accuracy: the part of samples whose class is found."""
        found = self.predict(X)
        return float(np.mean(self.classes_[self._classes(y, len(found)).argmax(axis=1)] == found))

    def _learn_targets(self, y: Any, n: int) -> np.ndarray:
        self.classes_ = np.unique(data_checks.labels_for(y, n))
        if len(self.classes_) < 2:
            raise DataError("y", f"one class only ({self.classes_[0]})", "at least two")
        return self._targets(y, n)

    def _classes(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        return data_checks.one_hot(data_checks.labels_for(y, n, place), self.classes_, place)

    def _targets(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        hot = self._classes(y, n, place)
        return hot[:, 1:] if self._loss == "binary_cross_entropy" and len(self.classes_) == 2 else hot

    @property
    def _loss(self) -> str:
        return "cross_entropy" if self.loss == "auto" else self.loss

    def _layers(self, sizes: tuple[int, ...]) -> Layers:
        output = Activation(FUSED.get(self._loss, "softmax"))
        return Layers(sizes, (*(hidden_activation(self) for _ in sizes[2:]), output), self._loss)

    def _score_aside(self, layers: Layers, x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        z = layers.forward(x)[0][-1]
        found = self._probabilities(layers.activations[-1](z)).argmax(axis=1)
        right = target[:, 0] > 0.5 if target.shape[1] == 1 else target.argmax(axis=1)
        return loss_and_gradient(layers.loss, layers.activations[-1], z, target)[0], float(np.mean(found == right))

    def facts(self) -> dict[str, Any]:
        """The classes."""
        return {"classes": self.classes_.astype(object) if self.classes_.dtype.kind == "U" else self.classes_}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """The classes again."""
        self.classes_ = np.array(list(facts["classes"]))
        outputs = 1 if self._loss == "binary_cross_entropy" and len(self.classes_) == 2 else len(self.classes_)
        if outputs != self.layers_.sizes[-1]:
            raise ValueError(f"{self.layers_.sizes[-1]} outputs for {len(self.classes_)} classes")

    def __sklearn_tags__(self) -> Any:
        return sklearn_tags("classifier")


def sklearn_tags(kind: str) -> Any:
    """What scikit-learn's own tools (cross_val_score, Pipeline …) want to know; only they ask, so it is there."""
    from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

    own = {"classifier_tags": ClassifierTags()} if kind == "classifier" else {"regressor_tags": RegressorTags()}
    return Tags(estimator_type=kind, target_tags=TargetTags(required=True), **own)
