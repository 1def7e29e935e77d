"""The classifier: a dense network whose outputs are class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from lifsim.ann import data_checks, fitting
from lifsim.ann.activations import Activation
from lifsim.ann.dense_network import DenseNetwork, hidden_activation
from lifsim.ann.layers import Layers
from lifsim.ann.losses import FUSED, loss_and_gradient
from lifsim.common.errors import DataError


class Classifier(DenseNetwork):
    """A dense network that classifies samples, with the interface of scikit-learn.

    Parameters
    ----------
    hidden : number of units of each hidden layer; a single number for one layer.
    activation : of the hidden layers: "relu", "tanh", "sigmoid", "identity" or "lif". "lif" is the firing rate of a leaky
        integrate-and-fire neuron with `tau_m` and `t_ref` (ms), and `to_spiking` runs the units as such neurons; an activation of 1
        is a rate of `gain` / `tau_m` (5 / 20 ms = 250 Hz).
    loss : "cross_entropy" (softmax output; "auto" means the same), "binary_cross_entropy" (a sigmoid output for each class, a single
        one for two classes) or "mse" (mean squared error of the softmax output).
    solver : "sgd", "momentum" (Polyak 1964; with `momentum`) or "adam" (Kingma & Ba 2015, arXiv:1412.6980; with `beta_1`, `beta_2`,
        `epsilon`).
    learning_rate : initial step size of the solver.
    schedule : factor of the learning rate in each epoch: "constant", "linear" or "cosine" (from 1 to 0), "exponential" (to 1 %),
        "step" (0.1 from half of the training on, 0.01 from three quarters on), or a function of the completed fraction of the
        training (0 to 1).
    weight_decay : the coefficient d of the penalty d/2 Σ W² that is added to the loss.
    batch_size : samples per step of the solver. epochs : passes over the training data.
    early_stopping : stop when the loss on held-out data has not decreased by `tol` for `patience` epochs, and keep the best parameters.
        The held-out data are the argument `validation` of `fit`, by default a `validation_fraction` of the training data.
    init : initial weights: "he", "xavier" or "auto" (He for ReLU, else Xavier).
    scale : scaling of the inputs, stored with the network: "none", "max" (all divided by the largest magnitude) or "standard" (mean 0
        and standard deviation 1 of each feature).
    seed : of the initial weights and of the order of the samples. dtype : "float32" or "float64", of the parameters.
    progress : show a progress bar.

    Attributes
    ----------
    classes_ : the classes, sorted.
    history : lists with one entry per epoch: "loss" and "accuracy" of the training samples (of each before the step of its batch),
        "learning_rate" and, with validation data, "validation_loss" and "validation_accuracy" (also called "validation_score") after
        the epoch.
    layers_ : the network. weights, biases : of each layer, shapes (out, in) and (out,).

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

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Train for one epoch on samples and their classes, from the present weights and state of the solver; returns the network.

        The first call draws the initial weights and determines the `scale`. So n calls with the same samples give the weights of `fit`
        with `epochs` = n. The `schedule` is that of `epochs` calls; from then on the learning rate remains. After `fit` the training
        goes on; after `load` it does with a new state of the solver.

        Parameters
        ----------
        X : samples, shape (samples, features). y : their classes, shape (samples,).
        classes : all classes that any call will have; required in the first call.

        Raises
        ------
        LifsimError : a parameter is wrong, `early_stopping` is on, or the training diverges. DataError : the data are wrong, or `classes`
            is missing in the first call or not that of the first call.
        """
        if not self.is_trained:
            if classes is None:
                raise DataError(
                    "classes", "not given in the first call of partial_fit", "give all classes of all calls, such as np.unique(y)"
                )
            self.classes_ = _at_least_two(data_checks.labels_for(classes, np.size(classes), "classes"), "classes")
        elif classes is not None and not np.array_equal(
            np.unique(data_checks.labels_for(classes, np.size(classes), "classes")), self.classes_
        ):
            raise DataError(
                "classes", f"{_few(np.unique(classes))}", f"those of the earlier training ({_few(self.classes_)}), or leave classes out"
            )
        fitting.partial_fit(self, X, lambda n: self._targets(y, n))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sample, shape (samples,).

        Parameters
        ----------
        X : samples, shape (samples, features).

        Raises
        ------
        LifsimError : the network is not trained. DataError : `X` has another shape, or a value that is not finite.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (samples, classes), in the order of `classes_`.

        Parameters
        ----------
        X : samples, shape (samples, features).

        Raises
        ------
        LifsimError, DataError : as of `predict`.
        """
        return self._probabilities(self._outputs(X))

    def _probabilities(self, outputs: np.ndarray) -> np.ndarray:
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def score(self, X: Any, y: Any) -> float:
        """The accuracy: the fraction of samples that are classified correctly.

        Parameters
        ----------
        X : samples, shape (samples, features). y : their classes, shape (samples,).

        Raises
        ------
        LifsimError : the network is not trained. DataError : `X` or `y` is wrong, or a class did not occur in training.
        """
        found = self.predict(X)
        return float(np.mean(self.classes_[self._classes(y, len(found)).argmax(axis=1)] == found))

    def _learn_targets(self, y: Any, n: int) -> np.ndarray:
        self.classes_ = _at_least_two(data_checks.labels_for(y, n), "y")
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
        return Layers(sizes, (*(hidden_activation(self) for _ in sizes[2:]), output), self._loss, classes=True)

    def _score_aside(self, layers: Layers, x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        z = layers.forward(x)[0][-1]
        found = self._probabilities(layers.activations[-1](z)).argmax(axis=1)
        right = target[:, 0] > 0.5 if target.shape[1] == 1 else target.argmax(axis=1)
        return loss_and_gradient(layers.loss, layers.activations[-1], z, target)[0], float(np.mean(found == right))

    def facts(self) -> dict[str, Any]:
        """The classes, as `lifsim.ann.network_file` stores them."""
        return {"classes": self.classes_.astype(object) if self.classes_.dtype.kind == "U" else self.classes_}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Restore the classes.

        Parameters
        ----------
        facts : the attributes of a file, among them "classes".

        Raises
        ------
        ValueError : the number of classes does not fit the output layer.
        """
        self.classes_ = np.array(list(facts["classes"]))
        outputs = 1 if self._loss == "binary_cross_entropy" and len(self.classes_) == 2 else len(self.classes_)
        if outputs != self.layers_.sizes[-1]:
            raise ValueError(f"{self.layers_.sizes[-1]} outputs for {len(self.classes_)} classes")

    def __sklearn_tags__(self) -> Any:
        return sklearn_tags("classifier")


def _at_least_two(labels: np.ndarray, place: str) -> np.ndarray:
    """The classes among `labels`, sorted."""
    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError(place, f"one class only ({', '.join(map(str, classes))})", "at least two")
    if classes.dtype.kind == "f" and len(classes) > max(len(labels) / 2, 20) and np.any(classes % 1):
        got = f"{len(classes)} different numbers with fractions, such as {classes[0]:g}, for {len(labels)} samples"
        raise DataError(place, got, "a few classes, each with several samples; Regressor predicts numbers")
    return classes


def _few(classes: np.ndarray) -> str:
    return ", ".join(map(str, classes[:20])) + (", …" if len(classes) > 20 else "")


def sklearn_tags(kind: str) -> Any:
    """The tags that the tools of scikit-learn (cross_val_score, Pipeline …) require; only they call this, so scikit-learn is installed."""
    from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

    own = {"classifier_tags": ClassifierTags()} if kind == "classifier" else {"regressor_tags": RegressorTags()}
    return Tags(estimator_type=kind, target_tags=TargetTags(required=True), **own)
