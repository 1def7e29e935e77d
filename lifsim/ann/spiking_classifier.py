"""A classifier of spiking neurons, trained by surrogate gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.ann.activations import Activation
from lifsim.ann.classifier import Classifier
from lifsim.ann.layers import Layers
from lifsim.ann.model_text import Design, leaky
from lifsim.ann.scaling import SCALES
from lifsim.ann.surrogate import COUNT, ENCODINGS, LifNeurons, SpikingEpochs, SpikingLayers
from lifsim.ann.synonyms import parameter_hint
from lifsim.ann.training import SOLVERS, Recipe, Trainer
from lifsim.common.errors import LifsimError
from lifsim.common.keywords import known_keywords
from lifsim.common.timegrid import on_grid


class SpikingClassifier(Classifier):
    """A classifier with hidden layers of LIF neurons, trained by backpropagation through time with surrogate gradients (Zenke & Ganguli
    2018, Neural Comput. 30:1514; Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51). `lifsim.ann.surrogate` has the equations.

    Parameters
    ----------
    hidden : number of neurons of each hidden layer.
    encoding : how a sample is presented: "current", a constant current for each feature, or "latency", one spike for each feature, the
        earlier the larger the value (1: in the first step, 0 and less: none). Values should lie between 0 and 1: see `scale`.
    duration : presentation time of a sample, ms. dt : time step, ms. tau_m : membrane time constant, ms.
    tau_syn : synaptic time constant, ms.
    gain : the current for an activation, or an input, of 1, in units of the current that holds the potential at threshold.
    window : with "latency", the time within which the input spikes are sent, ms.
    beta : steepness of the surrogate derivative.
    solver, learning_rate, schedule, momentum, beta_1, beta_2, epsilon, weight_decay, batch_size, epochs : as of `Classifier`.
    early_stopping, validation_fraction, patience, tol, scale, seed, dtype, progress : as of `Classifier`.

    Attributes
    ----------
    classes_, history, layers_, weights, biases : as of `Classifier`.

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
        for name in ("duration", "window"):
            if not on_grid(getattr(self, name), self.dt):
                raise LifsimError(name, f"{getattr(self, name):g} ms", f"a multiple of dt = {self.dt:g} ms")
        if self.window > self.duration:
            raise LifsimError("window", f"{self.window:g} ms", f"at most the duration, {self.duration:g} ms")

    def _layers(self, sizes: tuple[int, ...]) -> Layers:
        if len(sizes) < 3:
            raise LifsimError("hidden", "no hidden layers, so no neuron that fires", "at least one")
        activations = (*(Activation("identity") for _ in sizes[2:]), Activation("softmax"))
        return SpikingLayers(sizes, activations, "cross_entropy", neurons=self.neurons)

    def _epochs(self, recipe: Recipe, x: np.ndarray, y: np.ndarray) -> Trainer:
        assert isinstance(self.layers_, SpikingLayers)
        return SpikingEpochs(self.layers_, recipe, x, y)

    # -- as an ordinary network ----------------------------------------------------------------------

    def shown(self, x: np.ndarray) -> dict[str, Any]:
        """The parameters of the stimulus: currents or spike times (ms).

        Parameters
        ----------
        x : samples, shape (samples, features).
        """
        if self.encoding == "current":
            return super().shown(x)
        # Two steps later than in training, like the biases, which are currents of a generator.
        when = self.neurons.when(self._scaled(x)).ravel()
        return {"spike_times": [[float((t + 3) * self.dt)] if t >= 0 else [] for t in when]}

    def design(self) -> Design:
        """The content of the model file of the network."""
        n, sizes = self.neurons, self._fitted().sizes
        hidden = range(len(sizes) - 2)
        stimulus = "dc_generator" if self.encoding == "current" else "spike_generator"
        return Design(
            sizes,
            "Spiking neurons trained by surrogate gradients",
            n.dt,
            n.duration + 3 * n.dt,
            (stimulus, self.shown(self.typical_.example[None])),
            ("iaf_psc_exp", leaky(n.tau_m, n.tau_syn) | {"t_ref": 0.0}, 0.0),
            (*(2 * n.dt for _ in hidden), 3 * n.dt),
            (*(n.scale(k) for k in hidden), COUNT * n.dt),
            (*(n.gain for _ in hidden), 1.0),
            n.dt,
        )
