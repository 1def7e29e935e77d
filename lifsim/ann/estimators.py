"""Classifier and Regressor: dense networks with the calls of scikit-learn."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from lifsim.ann import arrays, netfile
from lifsim.ann.activations import Activation
from lifsim.ann.layers import INITS, Layers
from lifsim.ann.losses import FUSED, loss_and_gradient
from lifsim.ann.scaling import SCALES, Scaling, scaling
from lifsim.ann.schedules import SCHEDULES
from lifsim.ann.training import SOLVERS, Epochs, Recipe, Trainer, recipe_of, train
from lifsim.engine import can_keep_code, compiling
from lifsim.errors import DataError, LifsimError, did_you_mean
from lifsim.notices import notices

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)
HIDDEN = ("relu", "tanh", "sigmoid", "identity", "lif")


class Typical(NamedTuple):
    """What the samples of training were like: the mean of them, and the `PERCENTILES` of the activations of each hidden
    layer, shape (layers, percentiles).
    """

    example: np.ndarray
    activations: np.ndarray


class DenseNetwork:
    """What both have in common; not used by itself."""

    layers_: Layers
    input_: Scaling
    typical_: Typical
    history: dict[str, list[float]]
    kind = ""  # how files call it
    _losses: tuple[str, ...] = ()
    _estimator_type = ""

    def __init__(
        self,
        hidden: tuple[int, ...] = (64,),
        activation: str = "relu",
        *,
        loss: str = "auto",
        solver: str = "adam",
        learning_rate: float = 1e-3,
        schedule: Any = "constant",
        momentum: float = 0.9,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        epochs: int = 100,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        tol: float = 1e-4,
        init: str = "auto",
        scale: str = "none",
        tau_m: float = 20.0,
        t_ref: float = 2.0,
        gain: float = 5.0,
        seed: int = 0,
        dtype: str = "float32",
        progress: bool = False,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.init = init
        self.scale = scale
        self.tau_m = tau_m
        self.t_ref = t_ref
        self.gain = gain
        self.seed = seed
        self.dtype = dtype
        self.progress = progress

    # -- as scikit-learn's tools ask for it --------------------------------------------------------

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, as they were given."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; they act in the next `fit`."""
        for name, value in params.items():
            if name not in self._names():
                raise LifsimError(name, f"{type(self).__name__} has no such parameter", did_you_mean(name, self._names()))
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        standard = inspect.signature(type(self).__init__).parameters
        changed = (f"{name}={value!r}" for name, value in self.get_params().items() if value != standard[name].default)
        return f"{type(self).__name__}({', '.join(changed)})"

    # -- training and prediction -------------------------------------------------------------------

    def fit(self, X: Any, y: Any, validation: tuple[Any, Any] | None = None) -> Self:
        """Train on the samples `X` (samples, features) and targets `y`.

        validation : (X, y) that is not trained on, of which loss and score are taken in each epoch; with
            `early_stopping` a part `validation_fraction` of the data unless given.

        Raises
        ------
        LifsimError : a parameter is wrong. DataError : the data are.
        """
        self._check()
        x = arrays.samples(X)
        rng = np.random.Generator(np.random.Philox(self.seed))
        x, target, aside = self._split(x, self._learn_targets(y, len(x)), validation, rng)
        self.input_ = scaling(self.scale, x)
        self.layers_ = self._layers((x.shape[1], *_widths(self.hidden), target.shape[1]))
        self.layers_.initialise(rng, self.dtype, self.init)
        data = self._scaled(x), target.astype(self.dtype)
        kept = (self._scaled(aside[0]), aside[1].astype(self.dtype)) if aside else None
        score = (lambda layers: self._score_aside(layers, *kept)) if kept else None
        try:
            recipe = recipe_of(self.get_params())
            with compiling(lambda: notices("compile", kept=can_keep_code())):
                self.history = train(self._epochs(recipe, *data), recipe, rng, score, self.progress)
        except FloatingPointError as error:
            raise LifsimError("learning_rate", f"{self.learning_rate:g}: training does not converge, {error}", "a smaller one") from None
        hidden = self.layers_.forward(data[0])[1][1:-1]
        self.typical_ = Typical(x.mean(axis=0), np.array([np.percentile(a, PERCENTILES) for a in hidden]).reshape(-1, len(PERCENTILES)))
        return self

    def _split(self, x: np.ndarray, target: np.ndarray, validation: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Any]:
        """What to train on, and what is kept aside."""
        if validation is not None:
            other = arrays.samples(validation[0], x.shape[1], "validation[0]")
            return x, target, (other, self._targets(validation[1], len(other), "validation[1]"))
        if not self.early_stopping:
            return x, target, None
        order, n = rng.permutation(len(x)), max(round(self.validation_fraction * len(x)), 1)
        if n >= len(x):
            raise DataError("X", f"{len(x)} samples", "at least 2, of which one is kept aside for early stopping")
        return x[order[n:]], target[order[n:]], (x[order[:n]], target[order[:n]])

    def _epochs(self, recipe: Recipe, x: np.ndarray, y: np.ndarray) -> Trainer:
        """What trains the layers."""
        return Epochs(self.layers_, recipe, x, y)

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return self.input_(x).astype(self.dtype)

    def _outputs(self, X: Any) -> np.ndarray:
        """Outputs of the network, float64."""
        layers = self._fitted()
        return layers.predict(self._scaled(arrays.samples(X, layers.sizes[0]))).astype(np.float64)

    def decision_function(self, X: Any) -> np.ndarray:
        """The weighted sums of the output layer (logits), shape (samples, outputs)."""
        layers = self._fitted()
        return layers.forward(self._scaled(arrays.samples(X, layers.sizes[0])))[0][-1]

    def _fitted(self) -> Layers:
        if not hasattr(self, "layers_"):
            raise LifsimError(type(self).__name__, "is not trained yet", "call fit first")
        return self.layers_

    @property
    def n_features_in_(self) -> int:
        """Number of inputs."""
        return self._fitted().sizes[0]

    @property
    def weights(self) -> list[np.ndarray]:
        """W of each layer, shape (out, in)."""
        return self._fitted().weights

    @property
    def biases(self) -> list[np.ndarray]:
        """b of each layer, shape (out,)."""
        return self._fitted().biases

    def save(self, path: str | Path) -> None:
        """Write the network to an HDF5 file, a `lifsim.weights.WeightStore` with the groups ``layer_1`` … (`load` reads it)."""
        self._fitted()
        netfile.save(self, path)

    def shown(self, x: np.ndarray) -> dict[str, Any]:
        """The parameters of the stimulus that shows the samples `x` to spiking neurons, a node for each number."""
        return {"amplitude": self.input_(x).ravel().tolist()}

    # -- what the two do differently -----------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """What the network says of each sample."""
        raise NotImplementedError

    def score(self, X: Any, y: Any) -> float:
        """How good that is; 1 is the best."""
        raise NotImplementedError

    def _learn_targets(self, y: Any, n: int) -> np.ndarray:
        """Targets of training, shape (n, outputs), and what is learnt from them alone (classes, their scale)."""
        raise NotImplementedError

    def _targets(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        raise NotImplementedError

    def _layers(self, sizes: tuple[int, ...]) -> Layers:
        raise NotImplementedError

    def _score_aside(self, layers: Layers, x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """What it knows beside the layers and the scaling of the inputs, as `netfile` keeps it."""
        raise NotImplementedError

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Take over `facts` from a file (ValueError if they do not fit the layers)."""
        raise NotImplementedError

    # -- parameters ----------------------------------------------------------------------------------

    def _check(self) -> None:
        """LifsimError if a parameter is wrong."""
        _widths(self.hidden)
        for name, allowed in self._choices().items():
            if getattr(self, name) not in allowed:
                raise LifsimError(name, f"{getattr(self, name)!r}", did_you_mean(str(getattr(self, name)), allowed))
        if not callable(self.schedule) and self.schedule not in SCHEDULES:
            raise LifsimError("schedule", f"{self.schedule!r}", did_you_mean(str(self.schedule), SCHEDULES) + ", or a function")
        for name in self._names():
            if name in _BOUNDS:
                _check_number(name, getattr(self, name), *_BOUNDS[name])
        for name in ("batch_size", "epochs", "patience", "seed"):
            _check_whole(name, getattr(self, name), 0 if name == "seed" else 1)

    def _choices(self) -> dict[str, tuple[str, ...]]:
        """Parameters that are one of a few words."""
        return {
            "activation": HIDDEN,
            "loss": ("auto", *self._losses),
            "solver": SOLVERS,
            "init": INITS,
            "scale": SCALES,
            "dtype": ("float32", "float64"),
        }


def hidden_activation(m: DenseNetwork) -> Activation:
    """The activation of the hidden layers."""
    return Activation("lif", m.t_ref / m.tau_m, m.gain) if m.activation == "lif" else Activation(m.activation)


# Numbers lie between these, the lower itself allowed where it is 0 (but not as a learning rate or a time constant).
_BOUNDS = {
    "learning_rate": (1e-300, math.inf),
    "momentum": (0.0, 1.0),
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "epsilon": (1e-300, math.inf),
    "weight_decay": (0.0, math.inf),
    "validation_fraction": (1e-300, 1.0),
    "tol": (0.0, math.inf),
    "tau_m": (1e-300, math.inf),
    "tau_syn": (1e-300, math.inf),
    "t_ref": (0.0, math.inf),
    "dt": (1e-300, math.inf),
    "duration": (1e-300, math.inf),
    "window": (1e-300, math.inf),
    "gain": (1e-300, math.inf),
    "beta": (1e-300, math.inf),
}


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    good = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not good or not low <= value < high:
        above = "from 0 on" if low == 0 else "above 0"
        raise LifsimError(name, f"{value!r}", f"a number {above}" + (f" and below {high:g}" if high < math.inf else ""))


def _check_whole(name: str, value: Any, low: int) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
        raise LifsimError(name, f"{value!r}", f"a whole number from {low} on")


def _widths(hidden: Any) -> tuple[int, ...]:
    """Units of the hidden layers; one number stands for one layer."""
    widths = tuple(hidden) if isinstance(hidden, (tuple, list, np.ndarray)) else (hidden,)
    for n in widths:
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise LifsimError("hidden", f"{hidden!r}", "numbers of units, such as (64,) or (64, 32)")
    return tuple(int(n) for n in widths)


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
        self.classes_ = np.unique(arrays.labels_for(y, n))
        if len(self.classes_) < 2:
            raise DataError("y", f"one class only ({self.classes_[0]})", "at least two")
        return self._targets(y, n)

    def _classes(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        return arrays.one_hot(arrays.labels_for(y, n, place), self.classes_, place)

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
        return _tags("classifier")


class Regressor(DenseNetwork):
    """A dense network that predicts numbers; `score` is R². Parameters as those of `Classifier`, but loss "mse" (with
    identity) or "binary_cross_entropy" (with sigmoid, for targets from 0 to 1). With `scale="standard"` targets are
    scaled as well, and predictions back.
    """

    output_: Scaling
    flat_: bool
    _losses = ("mse", "binary_cross_entropy")
    kind = _estimator_type = "regressor"

    def predict(self, X: Any) -> np.ndarray:
        """The prediction for each sample, shape (samples,) or (samples, outputs), as the targets were."""
        outputs = self._outputs(X)
        found = self.output_.back(outputs)
        return found[:, 0] if self.flat_ else found

    def score(self, X: Any, y: Any) -> float:
        """R² = 1 - Σ (y - predicted)² / Σ (y - mean)²; of several outputs the mean."""
        found = self.predict(X)
        y = arrays.numbers_for(y, len(found))
        if y.shape != found.shape:
            raise DataError("y", f"has shape {y.shape}", f"{found.shape}, as in training")
        return r_squared(y, found)

    def _learn_targets(self, y: Any, n: int) -> np.ndarray:
        target = arrays.numbers_for(y, n)
        self.flat_ = target.ndim == 1
        target = target.reshape(n, -1)
        self.output_ = scaling("standard" if self.scale == "standard" and self._loss == "mse" else "none", target)
        if self._loss == "binary_cross_entropy" and not ((target >= 0) & (target <= 1)).all():
            raise DataError("y", f"from {target.min():g} to {target.max():g}", "0 to 1 for binary_cross_entropy")
        return self.output_(target)

    def _targets(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        target = arrays.numbers_for(y, n, place).reshape(n, -1)
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
        """The scaling of the targets, and whether they came as a flat array."""
        return {"output_offset": self.output_.offset, "output_gain": self.output_.gain, "flat": self.flat_}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """The scaling again."""
        self.output_, self.flat_ = netfile.scaling_of(facts, "output", self.layers_.sizes[-1]), bool(facts["flat"])

    def __sklearn_tags__(self) -> Any:
        return _tags("regressor")


def r_squared(y: np.ndarray, found: np.ndarray) -> float:
    """R²; of several columns the mean. A column without spread counts 1 if it is found exactly, else 0."""
    y, found = y.reshape(len(y), -1).astype(np.float64), found.reshape(len(y), -1)
    rest, spread = ((y - found) ** 2).sum(axis=0), ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    return float(np.mean(np.where(spread > 0, 1 - rest / np.where(spread > 0, spread, 1), rest == 0)))


def _tags(kind: str) -> Any:
    """What scikit-learn's own tools (cross_val_score, Pipeline …) want to know; only they ask, so it is there."""
    from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

    own = {"classifier_tags": ClassifierTags()} if kind == "classifier" else {"regressor_tags": RegressorTags()}
    return Tags(estimator_type=kind, target_tags=TargetTags(required=True), **own)
