"""A classifier of spiking neurons, trained by surrogate gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.ann import data_checks, network_file
from lifsim.ann.activations import Activation
from lifsim.ann.classifier import Classifier
from lifsim.ann.kernels.dense import Solver
from lifsim.ann.layers import Layers
from lifsim.ann.model_text import STORE, Design, leaky, model_text
from lifsim.ann.parameter_checks import widths
from lifsim.ann.scaling import SCALES
from lifsim.ann.surrogate import COUNT, ENCODINGS, LifNeurons, SpikingEpochs, SpikingLayers
from lifsim.ann.synonyms import parameter_hint
from lifsim.ann.training import SOLVERS, Recipe, Trainer
from lifsim.common.errors import DataError, LifsimError
from lifsim.common.keywords import known_keywords
from lifsim.common.timegrid import on_grid
from lifsim.nir import Graph
from lifsim.nir.exporting import graph_of as nir_graph_of
from lifsim.weights.store import WeightStore


class SpikingClassifier(Classifier):
    """A classifier with hidden layers of LIF neurons, trained by backpropagation through time with surrogate gradients (Zenke & Ganguli
    2018, Neural Comput. 30:1514; Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51). `lifsim.ann.surrogate` has the equations.

    Parameters
    ----------
    hidden : number of neurons of each hidden layer.
    encoding : how a sample is presented: "current", a current for each feature, constant or with a value for each step; "latency", one
        spike for each feature, the earlier the larger the value (1: in the first step, 0 and less: none); or "spikes", the spikes of each
        feature in each step (1: a spike, 0: none). Values should lie between 0 and 1: see `scale`. Samples with a value for each step
        have the shape (samples, steps, features), with steps = `duration` / `dt`; others (samples, features).
    recurrent : whether the neurons of a hidden layer are connected with each other, each with all of its layer: True or False for all
        layers, or one of them for each. A spike arrives one step later.
    duration : presentation time of a sample, ms. dt : time step, ms. tau_m : membrane time constant, ms.
    tau_syn : synaptic time constant, ms.
    gain : the current for an activation, or an input, of 1, in units of the current that holds the potential at threshold.
    window : with "latency", the time within which the input spikes are sent, ms.
    beta : steepness of the surrogate derivative.
    solver, learning_rate, schedule, momentum, beta_1, beta_2, epsilon, weight_decay, batch_size, epochs : as of `Classifier`.
    early_stopping, validation_fraction, patience, tol, scale, seed, dtype, progress : as of `Classifier`.

    Attributes
    ----------
    classes_, history, layers_, weights, biases : as of `Classifier`. recurrent_weights : of each hidden layer, shape (units, units), row
    i the weights to neuron i; None for a layer without. timed_ : whether samples have a value for each step.

    Examples
    --------
    >>> m = SpikingClassifier(hidden=(16,), duration=20.0, epochs=5)
    >>> x = np.repeat(np.eye(3), 8, axis=0)
    >>> m.fit(x, np.repeat(["a", "b", "c"], 8)).predict(np.eye(3)).shape
    (3,)
    """

    kind = "spiking classifier"
    activation = "spikes"
    loss = "auto"
    init = "he"

    encoding: str
    recurrent: Any
    timed_: bool = False
    duration: float
    dt: float
    tau_syn: float
    window: float
    beta: float

    @known_keywords(parameter_hint)
    def __init__(
        self,
        hidden: tuple[int, ...] = (64,),
        encoding: str = "current",
        *,
        duration: float = 50.0,
        dt: float = 1.0,
        tau_m: float = 20.0,
        tau_syn: float = 5.0,
        gain: float = 3.0,
        window: float = 20.0,
        beta: float = 10.0,
        recurrent: bool | tuple[bool, ...] = False,
        solver: str = "adam",
        learning_rate: float = 5e-3,
        schedule: Any = "cosine",
        momentum: float = 0.9,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        epochs: int = 60,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        tol: float = 1e-4,
        scale: str = "none",
        seed: int = 0,
        dtype: str = "float32",
        progress: bool = False,
    ) -> None:
        self._keep(locals())

    @property
    def neurons(self) -> LifNeurons:
        """The parameters of neurons and input for the layers."""
        return LifNeurons(self.encoding, self.duration, self.dt, self.tau_m, self.tau_syn, self.gain, self.window, self.beta)

    def _choices(self) -> dict[str, tuple[str, ...]]:
        return {"encoding": ENCODINGS, "solver": SOLVERS, "scale": SCALES, "dtype": ("float32", "float64")}

    def check_parameters(self) -> None:
        """Check all parameters.

        Raises
        ------
        LifsimError : a parameter is wrong.
        """
        super().check_parameters()
        self._recurrent()
        if self.encoding == "spikes" and self.scale != "none":
            raise LifsimError("scale", f"{self.scale!r} of inputs that are spikes", '"none"')
        latency = self.encoding == "latency"  # the only one that has a window
        for name in ("duration", "window") if latency else ("duration",):
            if not on_grid(getattr(self, name), self.dt):
                raise LifsimError(name, f"{getattr(self, name):g} ms", f"a multiple of dt = {self.dt:g} ms")
        if latency and self.window > self.duration:
            raise LifsimError("window", f"{self.window:g} ms", f"at most the duration, {self.duration:g} ms")

    def _recurrent(self) -> tuple[bool, ...]:
        """Whether each hidden layer is recurrent."""
        layers, given = len(widths(self.hidden)), self.recurrent
        each = tuple(given) if isinstance(given, (tuple, list)) else (given,) * layers
        if len(each) != layers or not all(isinstance(x, (bool, np.bool_)) for x in each):
            raise LifsimError("recurrent", f"{given!r}", f"True or False, or a tuple of them, one for each hidden layer ({layers})")
        return tuple(map(bool, each))

    def _layers(self, sizes: tuple[int, ...]) -> Layers:
        if len(sizes) < 3:
            raise LifsimError("hidden", "no hidden layers, so no neuron that fires", "at least one")
        activations = (*(Activation("identity") for _ in sizes[2:]), Activation("softmax"))
        return SpikingLayers(sizes, activations, "cross_entropy", classes=True, neurons=self.neurons, recurrent=self._recurrent())

    def _epochs(self, recipe: Recipe, x: np.ndarray, y: np.ndarray, state: Solver | None = None) -> Trainer:
        return SpikingEpochs(self._spiking_layers(), recipe, x, y, state)

    def _spiking_layers(self) -> SpikingLayers:
        layers = self._fitted()
        assert isinstance(layers, SpikingLayers)
        return layers

    @property
    def recurrent_weights(self) -> list[np.ndarray | None]:
        """The weights between the neurons of each hidden layer, shape (units, units), row i those to neuron i; None if it has none."""
        layers = self._spiking_layers()
        return layers.feedback(layers.theta)

    # -- samples ---------------------------------------------------------------------------------------

    def _new_samples(self, X: Any, place: str = "X") -> np.ndarray:
        self.timed_ = self.encoding == "spikes" or (self.encoding == "current" and np.ndim(X) == 3)
        return self._checked(X, None, place)

    def _same_samples(self, X: Any, x: np.ndarray, place: str = "X") -> np.ndarray:
        return self._checked(X, x.shape[-1], place)

    def _samples(self, X: Any, place: str = "X") -> np.ndarray:
        return self._checked(X, self.n_features_in_, place)

    def _checked(self, X: Any, features: int | None, place: str) -> np.ndarray:
        if not self.timed_:
            if np.ndim(X) == 3:
                allowed = "(samples, features)" + (", as in training" if self.is_trained else f" with encoding={self.encoding!r}")
                raise DataError(place, f"has shape {np.shape(X)}", allowed)
            return data_checks.samples(X, features, place)
        x = data_checks.courses(X, self.neurons.steps, features, place)
        return data_checks.spikes(x, place) if self.encoding == "spikes" else x

    def facts(self) -> dict[str, Any]:
        """The classes, and whether samples have a value for each step, as `lifsim.ann.network_file` stores them."""
        return super().facts() | {"timed": self.timed_}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Restore the classes, and whether samples have a value for each step, from the attributes of a file.

        Parameters
        ----------
        facts : the attributes, as the method `facts` returns them. Files of versions whose
            inputs were constant in time lack "timed".

        Raises
        ------
        ValueError : the number of classes does not fit the output layer.
        """
        super().recall(facts)
        self.timed_ = bool(facts.get("timed", False))

    # -- as an ordinary network ----------------------------------------------------------------------

    def shown(self, x: np.ndarray) -> dict[str, Any]:
        """The parameters of the stimulus: currents, or spike times (ms).

        Parameters
        ----------
        x : samples, shape (samples, features) or (samples, steps, features).
        """
        # All inputs act two steps later than in training, like the biases, which are currents of a generator.
        if self.encoding == "current":
            if not self.timed_:
                return super().shown(x)
            course = np.moveaxis(self.input_(x), 1, 0).reshape(x.shape[1], -1)
            return {"waveform": course.tolist(), "interval": self.dt, "start": self.dt}
        if self.encoding == "spikes":
            trains = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).T
            return {"spike_times": [((np.flatnonzero(train) + 3) * self.dt).tolist() for train in trains]}
        when = self.neurons.when(self._scaled(x)).ravel()
        return {"spike_times": [[float((t + 3) * self.dt)] if t >= 0 else [] for t in when]}

    def example(self) -> np.ndarray:
        """The mean sample of the training data, shape (1, features). With a value for each step, shape (1, steps, features), it is the mean
        over time, in each step; of spikes, regular trains of the mean rates.
        """
        mean, steps = self.typical_.example, self.neurons.steps
        if not self.timed_:
            return mean[None]
        if self.encoding == "current":
            return np.broadcast_to(mean, (1, steps, len(mean)))
        return np.diff(np.floor(np.arange(steps + 1)[:, None] * mean), axis=0)[None]

    def nir_graph(self) -> Graph:
        """The network of spiking neurons as a NIR graph, which `lifsim.nir.save` writes and `lifsim.nir.load` reads.

        Raises
        ------
        LifsimError : the network is not trained.
        """
        from lifsim.modelfile.reader import loads

        store = WeightStore()
        self._fitted()
        network_file.fill(store, self)
        return nir_graph_of(loads(model_text(self.design()), stores={STORE: store}))

    def design(self, shown: np.ndarray | None = None) -> Design:
        """The content of the model file of the network.

        Parameters
        ----------
        shown : the sample of its stimulus, shape (1, features) or (1, steps, features). Default: the `example`.
        """
        n, sizes = self.neurons, self._fitted().sizes
        hidden = range(len(sizes) - 2)
        stimulus = "spike_generator" if self.encoding != "current" else "waveform_generator" if self.timed_ else "dc_generator"
        return Design(
            sizes,
            "Spiking neurons trained by surrogate gradients",
            n.dt,
            n.duration + 3 * n.dt,
            (stimulus, self.shown(self.example() if shown is None else shown)),
            ("iaf_psc_exp", leaky(n.tau_m, n.tau_syn) | {"t_ref": 0.0}, 0.0),
            (*(2 * n.dt for _ in hidden), 3 * n.dt),
            (*(n.scale(k) for k in hidden), COUNT * n.dt),
            (*(n.gain for _ in hidden), 1.0),
            n.dt,
            tuple(n.feedback_scale if present else 0.0 for present in self._recurrent()),
        )
