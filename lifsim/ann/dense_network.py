"""The common base of `Classifier` and `Regressor`: dense networks with the interface of scikit-learn."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from lifsim.ann import data_checks, fitting, network_file, nir_graph
from lifsim.ann.activations import Activation
from lifsim.ann.kernels.dense import Solver
from lifsim.ann.layers import INITS, Layers
from lifsim.ann.overviews import overview_of
from lifsim.ann.parameter_checks import BOUNDS, check_flag, check_number, check_whole, widths
from lifsim.ann.scaling import SCALES, Scaling
from lifsim.ann.schedules import SCHEDULES
from lifsim.ann.synonyms import ATTRIBUTES, SCHEDULED, fit_hint, parameter_hint, value_hint
from lifsim.ann.training import SOLVERS, Callback, Epochs, Recipe, Trainer
from lifsim.ann.typical import Typical, typical_of
from lifsim.common.errors import LifsimError
from lifsim.common.keywords import known_keywords
from lifsim.common.missing import no_attribute
from lifsim.common.overview import Overview, Overviewed
from lifsim.nir import Graph

HIDDEN = ("relu", "tanh", "sigmoid", "identity", "lif")


class DenseNetwork(Overviewed):
    """Base class of `Classifier` and `Regressor`, which describe the parameters; not for direct use."""

    hidden: tuple[int, ...]
    activation: str
    loss: str
    solver: str
    learning_rate: float
    schedule: Any
    momentum: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float
    batch_size: int
    epochs: int
    early_stopping: bool
    validation_fraction: float
    patience: int
    tol: float
    init: str
    scale: str
    tau_m: float
    t_ref: float
    gain: float
    seed: int
    dtype: str
    progress: bool

    layers_: Layers
    input_: Scaling
    history: dict[str, list[float]]
    kind = ""  # its name in files
    _typical: Typical
    _current: tuple[np.ndarray, np.ndarray] | None = None  # during training: samples, and the same scaled
    _solver: Solver | None = None  # its state, and that of the random numbers, at the end of the last training
    _rng: np.random.Generator | None = None
    _losses: tuple[str, ...] = ()
    _estimator_type = ""

    @known_keywords(parameter_hint)
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
        self._keep(locals())

    # -- the interface of scikit-learn -------------------------------------------------------------

    @property
    def is_classifier(self) -> bool:
        """Whether the outputs are probabilities of classes."""
        return self._estimator_type == "classifier"

    @classmethod
    def parameter_names(cls) -> list[str]:
        """The names of the parameters of the constructor."""
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def _keep(self, parameters: Mapping[str, Any]) -> None:
        """Keep the parameters of the constructor as attributes of the same names, as scikit-learn's tools expect."""
        for name in self.parameter_names():
            setattr(self, name, parameters[name])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, as given to the constructor; `deep` has no effect."""
        return {name: getattr(self, name) for name in self.parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; returns the network. The next `fit` uses them.

        Parameters
        ----------
        **params : parameters of the constructor.

        Raises
        ------
        LifsimError : there is no such parameter.
        """
        for name, value in params.items():
            if name not in self.parameter_names():
                raise LifsimError(name, f"{type(self).__name__} has no such parameter", parameter_hint(name, self.parameter_names()))
            setattr(self, name, value)
        return self

    if not TYPE_CHECKING:  # else type checkers would accept any attribute

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse an attribute that the network lacks; the message says what other libraries' names of attributes are here."""
            if name in ("classes_", "history", "layers_", "input_", "output_", "typical_", "_typical"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} before it is trained; call fit first")
            raise no_attribute(f"{type(self).__name__!r} object", name, ATTRIBUTES, dir(type(self)))

    def __repr__(self) -> str:
        standard = inspect.signature(type(self).__init__).parameters
        changed = (f"{name}={value!r}" for name, value in self.get_params().items() if value != standard[name].default)
        return f"{type(self).__name__}({', '.join(changed)})"

    def _overview(self) -> Overview:
        return overview_of(self)

    # -- training and prediction -------------------------------------------------------------------

    @known_keywords(fit_hint)
    def fit(self, X: Any, y: Any, validation: tuple[Any, Any] | None = None, callbacks: Sequence[Callback] = ()) -> Self:
        """Train on samples and their targets, from new initial weights; returns the network.

        Parameters
        ----------
        X : samples, shape (samples, features).
        y : targets: classes, shape (samples,), or numbers, shape (samples,) or (samples, outputs).
        validation : (X, y), held-out data on which loss and score are computed after each epoch. Default: none, but with
            `early_stopping` a `validation_fraction` of `X` and `y`, which is then not trained on.
        callbacks : functions f(epoch, numbers), called after each epoch with the number of epochs done and a dictionary of the last
            numbers of `history`. The network can be used and saved there. Training ends when one of them returns True.

        Raises
        ------
        LifsimError : a parameter is wrong, or the training diverges. DataError : the data are wrong.
        """
        fitting.fit(self, X, lambda n: self._learn_targets(y, n), validation, callbacks)
        return self

    def _epochs(self, recipe: Recipe, x: np.ndarray, y: np.ndarray, state: Solver | None = None) -> Trainer:
        """The object that trains the layers, one epoch per call, from a `state` of the solver (default: the initial one)."""
        return Epochs(self.layers_, recipe, x, y, state)

    def _new_samples(self, X: Any, place: str = "X") -> np.ndarray:
        """The samples of a first training, checked."""
        return data_checks.samples(X, place=place)

    def _same_samples(self, X: Any, x: np.ndarray, place: str = "X") -> np.ndarray:
        """Samples, checked, which must be like the samples `x`."""
        return data_checks.samples(X, x.shape[1], place)

    def _samples(self, X: Any, place: str = "X") -> np.ndarray:
        """Samples for the trained network, checked."""
        return data_checks.samples(X, self.n_features_in_, place)

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return self.input_(x).astype(self.dtype)

    def _outputs(self, X: Any) -> np.ndarray:
        """Outputs of the network, shape (samples, outputs), float64."""
        layers = self._fitted()
        return layers.predict(self._scaled(self._samples(X))).astype(np.float64)

    def decision_function(self, X: Any) -> np.ndarray:
        """The weighted sums of the output layer (logits), shape (samples, outputs).

        Parameters
        ----------
        X : samples, shape (samples, features).

        Raises
        ------
        LifsimError : the network is not trained. DataError : `X` has another shape, or a value that is not finite.
        """
        layers = self._fitted()
        return layers.forward(self._scaled(self._samples(X)))[0][-1]

    def _fitted(self) -> Layers:
        if not self.is_trained:
            raise LifsimError(type(self).__name__, "is not trained yet", "call fit first")
        return self.layers_

    @property
    def is_trained(self) -> bool:
        """Whether the network has weights, from `fit`, `partial_fit` or a file."""
        return hasattr(self, "layers_")

    @property
    def typical_(self) -> Typical:
        """Statistics of the data of the last training."""
        return self._typical if self._current is None else typical_of(self.layers_, *self._current)

    @typical_.setter
    def typical_(self, statistics: Typical) -> None:
        self._typical = statistics

    @property
    def n_features_in_(self) -> int:
        """Number of features of a sample."""
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
        """Write the network to an HDF5 file, a `lifsim.weights.WeightStore` with the groups ``layer_1`` …, which `load` reads.

        Parameters
        ----------
        path : of the file. An existing file is replaced.

        Raises
        ------
        LifsimError : the network is not trained. OutputError : the file cannot be written.
        """
        self._fitted()
        network_file.save(self, path)

    def nir_graph(self) -> Graph:
        """The network as a NIR graph, which `lifsim.nir.save` writes: a chain of Affine nodes.

        Raises
        ------
        LifsimError : the network is not trained, or has an activation for which NIR has no node.
        """
        self._fitted()
        return nir_graph.graph_of(self)

    def shown(self, x: np.ndarray) -> dict[str, Any]:
        """The parameters of the stimulus that presents samples to spiking neurons.

        Parameters
        ----------
        x : samples, shape (samples, features); one node of the stimulus for each number.
        """
        return {"amplitude": self.input_(x).ravel().tolist()}

    # -- implemented by the subclasses ---------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """The prediction for each sample of `X`.

        Raises
        ------
        NotImplementedError : in this base class.
        """
        raise NotImplementedError

    def score(self, X: Any, y: Any) -> float:
        """The quality of the predictions for `X`, given the targets `y`; 1 is the best.

        Raises
        ------
        NotImplementedError : in this base class.
        """
        raise NotImplementedError

    def _learn_targets(self, y: Any, n: int) -> np.ndarray:
        """Training targets, shape (n, outputs); also sets what depends on the targets only (the classes, or their scaling)."""
        raise NotImplementedError

    def _targets(self, y: Any, n: int, place: str = "y") -> np.ndarray:
        raise NotImplementedError

    def _layers(self, sizes: tuple[int, ...]) -> Layers:
        raise NotImplementedError

    def _score_aside(self, layers: Layers, x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """What a file stores beside the layers and the scaling of the inputs (`lifsim.ann.network_file`).

        Raises
        ------
        NotImplementedError : in this base class.
        """
        raise NotImplementedError

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Restore the `facts` of a file (ValueError if they do not fit the layers).

        Raises
        ------
        NotImplementedError : in this base class.
        """
        raise NotImplementedError

    # -- parameters ----------------------------------------------------------------------------------

    def check_parameters(self) -> None:
        """Check all parameters.

        Raises
        ------
        LifsimError : a parameter is wrong.
        """
        widths(self.hidden)
        for name, allowed in self._choices().items():
            if getattr(self, name) not in allowed:
                raise LifsimError(name, f"{getattr(self, name)!r}", value_hint(name, getattr(self, name), allowed))
        if not callable(self.schedule) and self.schedule not in SCHEDULES:
            hint = value_hint("schedule", self.schedule, SCHEDULES)
            raise LifsimError("schedule", f"{self.schedule!r}", hint if "function" in hint else f"{hint} (or a function)")
        if isinstance(self.learning_rate, str) and self.learning_rate in SCHEDULED:
            raise LifsimError("learning_rate", f"{self.learning_rate!r}", "a number; its course during training is the parameter schedule")
        for name in self.parameter_names():
            if name in BOUNDS:
                check_number(name, getattr(self, name), *BOUNDS[name])
        for name in ("batch_size", "epochs", "patience", "seed"):
            check_whole(name, getattr(self, name), 0 if name == "seed" else 1)
        for name in ("early_stopping", "progress"):
            check_flag(name, getattr(self, name))

    def _choices(self) -> dict[str, tuple[str, ...]]:
        """The allowed values of parameters that are words."""
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
