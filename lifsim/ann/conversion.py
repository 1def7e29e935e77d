"""Conversion of a dense network to spiking neurons that use its weights unchanged.

Firing rates represent activations: a unit with the output a fires at the rate r, and a = λ r / r_max. The conversion chooses only
scales, thresholds and offsets; W stays as it is. V_th - E_L is 1 mV. Currents are in units of the current that holds the
membrane potential at threshold (1 pA), or of 1 mV per step for neurons without leak.

`if`: integrate-and-fire neurons without leak, with a soft reset (the threshold is subtracted). The largest rate is one spike per
step, so that a ReLU is reproduced exactly, up to one spike: r = max(z, 0) / λ spikes per step, where λ is a percentile of
the layer's activations (Rueckauer et al. 2017, Front. Neurosci. 11:682).

`lif`: leaky integrate-and-fire neurons with a hard reset, which fire at r = 1 / (t_ref + tau_m ln(J / (J - 1))) for the drive J.
 - A network trained with the activation `lif` contains this curve: J = 1 + K z, a = r tau_m / K.
 - A ReLU matches only its asymptote: tau_m ln(J / (J - 1)) = tau_m / (J - 1/2) + O(J⁻³), so r tau_m ≈ J - 1/2 where J is large and
   t_ref is 0. Hence J = K z / λ + 1/2: a constant current of half the threshold, and a gain K = tau_m r_max for which the largest
   rates lie where the asymptote is accurate. Below J = 1 the neuron is silent: activations below λ / 2K are lost.

Membrane potentials start at half the threshold, so that spike counts are rounded rather than truncated. An exponential synapse
transfers the charge w tau_syn per spike, so w = W λ' tau_m / (λ tau_syn). The biases of a layer begin when the spikes of the
layer before begin to act, so that all inputs of the layer refer to the same time. The output neurons do not fire: they integrate
their input, and their potential divided by time is the weighted sum of the dense network's output layer.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.ann import network_file
from lifsim.ann.dense_network import DenseNetwork
from lifsim.ann.model_text import STORE, Design, leaky, model_text
from lifsim.ann.parameter_checks import check_flag, check_sample
from lifsim.ann.spiking_classifier import SpikingClassifier
from lifsim.ann.spiking_network import Spiking
from lifsim.ann.typical import PERCENTILES
from lifsim.common.errors import LifsimError, did_you_mean
from lifsim.weights.store import WeightStore

NEURONS = ("lif", "if")
HALF = 0.5
_PERCENTILES = {"lif": 99.0, "if": 99.9}
_REFUSED = {
    "tanh": "their outputs can be negative, but firing rates cannot",
    "sigmoid": "their output is 0.5 if the input is 0, so every neuron would fire all the time",
    "identity": "their outputs can be negative, but firing rates cannot",
}


@dataclass(frozen=True)
class Conversion:
    """The parameters of a conversion. Times in ms.

    `scales` are λ of the inputs (1) and of each hidden layer; the drive of a neuron is J = K z / λ + `offset` with K = `gain`.
    """

    neuron: str
    scales: tuple[float, ...]
    gain: float
    offset: float
    dt: float
    tau_m: float
    tau_syn: float
    t_ref: float

    def begins(self, layer: int) -> float:
        """The time (ms) at which input begins to act on hidden layer 1, 2 … and on the output, the last layer. The current of a
        generator acts from dt + delay on. Each further layer adds the delay of a spike, and each further hidden layer of leaky neurons
        also the mean delay tau_syn of its exponential current.
        """
        spiking = len(self.scales) - 1
        later = (layer - 1) * self.dt + (min(layer, spiking) - 1) * (self.tau_syn if self.neuron == "lif" else 0.0)
        return round(2 + later / self.dt) * self.dt

    def drive(self, layer: int) -> float:
        """The factor of the currents (inputs, biases) into hidden layer 1, 2 …"""
        return self.gain / self.scales[layer]

    def weight(self, layer: int) -> float:
        """The factor of W from hidden layer `layer` to the next, or to the output: the activation that one spike represents (λ / K for
        the time tau_m, or for a step without leak), expressed as a charge through the synapses of the next layer; unchanged for the
        output.
        """
        spike = self.scales[layer] / self.gain * (self.tau_m if self.neuron == "lif" else self.dt)
        if layer == len(self.scales) - 1:
            return spike
        return spike * self.drive(layer + 1) / (self.tau_syn if self.neuron == "lif" else self.dt)


def to_spiking(
    m: DenseNetwork,
    X: Any = None,
    *,
    sample: int | None = None,
    neuron: str = "lif",
    percentile: float | None = None,
    gain: float = 10.0,
    dt: float | None = None,
    tau_m: float | None = None,
    tau_syn: float = 5.0,
    t_ref: float | None = None,
    half_threshold: bool = True,
) -> Spiking:
    """Convert a trained network of "relu" or "lif" units to a network of spiking neurons with the same weights.

    Firing rates represent activations (Rueckauer et al. 2017, Front. Neurosci. 11:682; the corrections for leaky neurons are derived in
    `lifsim.ann.conversion`). A `SpikingClassifier` already consists of spiking neurons: its network is used as trained, and all other
    arguments but `X` and `sample` are ignored.

    Parameters
    ----------
    m : the trained network.
    X : samples, shape (samples, features), from which `percentile` is computed (default: statistics of the training data).
    sample : the number of the sample of `X`, from 0 on, that is the stimulus of the network. Default: the first one; without `X` the mean
        of the training data.
    neuron : "lif" (leak, hard reset, exponential synapses) or "if" (no leak, soft reset).
    percentile : the percentile (0 to 100) of a layer's activations that is mapped to the rate r_max. Default: 99 for "lif", where a few
        neurons may fire faster; 99.9 for "if", where none can.
    gain : K = tau_m r_max of ReLU units run as leaky neurons; 10 is 500 Hz at tau_m = 20 ms. "lif" units keep the gain of training.
    dt : time step, ms; 0.1, or 1 for "if".
    tau_m, tau_syn, t_ref : membrane time constant, synaptic time constant and refractory period of leaky neurons, ms. Defaults: 20, 5
        and 0; for "lif" units `tau_m` and `t_ref` are those of training.
    half_threshold : whether leaky neurons for ReLU units get a constant current of half the threshold, and potentials start at half the
        threshold. Without this correction the conversion is biased, most visibly in deep networks; False is for demonstration.

    Raises
    ------
    LifsimError : an argument is wrong, or the network cannot be converted in this way. DataError : `X` is wrong.
    """
    if not isinstance(m, DenseNetwork):
        raise LifsimError(
            "m", f"an object of type {type(m).__name__}", "a trained network of lifsim.ann; lifsim.ann.load reads one from a file"
        )
    layers, activation = m._fitted(), m.activation
    shown = _sample(m, X, sample)
    store = WeightStore()
    network_file.fill(store, m)
    if isinstance(m, SpikingClassifier):
        return Spiking(m, model_text(m.design(shown)), {STORE: store})
    if neuron not in NEURONS:
        raise LifsimError("neuron", f"{neuron!r}", did_you_mean(str(neuron), NEURONS))
    if len(layers.sizes) < 3:
        raise LifsimError("hidden", "no hidden layers, so no unit that could fire", "at least one")
    if activation in _REFUSED:
        got = f"firing rates cannot represent the outputs of {activation} units: {_REFUSED[activation]}"
        raise LifsimError("activation", got, '"relu" or "lif"')
    if activation == "lif" and neuron != "lif":
        raise LifsimError("neuron", f"{neuron!r} for a network of lif units", 'set neuron="lif", the neuron whose rate they have')
    check_flag("half_threshold", half_threshold)
    trained = activation == "lif"
    tau_m = tau_m if tau_m is not None else m.tau_m if trained else 20.0
    t_ref = t_ref if t_ref is not None else m.t_ref if trained else 0.0
    _check_times(neuron, m if trained else None, tau_m=tau_m, tau_syn=tau_syn, t_ref=t_ref, dt=dt, gain=gain)
    ones = tuple(1.0 for _ in layers.sizes[1:-1])
    scales = (1.0, *(ones if trained else _percentiles(m, X, _PERCENTILES[neuron] if percentile is None else percentile)))
    if neuron == "if":
        step = 1.0 if dt is None else float(dt)
        made = Conversion("if", scales, 1.0, 0.0, step, 1.0, 0.0, 0.0)
    else:
        offset = 1.0 if trained else HALF if half_threshold else 0.0
        made = Conversion("lif", scales, m.gain if trained else float(gain), offset, float(dt or 0.1), tau_m, tau_syn, t_ref)
        if t_ref > 0 and not trained:
            text = f"a ReLU grows without bound, a neuron with t_ref = {t_ref:g} ms fires at most every {t_ref:g} ms"
            warnings.warn(f'{text}: train with activation="lif", which accounts for t_ref, or convert with t_ref=0', stacklevel=2)
    design = _design(m, made, m.typical_.example if shown is None else shown[0], HALF if half_threshold else 0.0)
    return Spiking(m, model_text(design), {STORE: store})


def _sample(m: DenseNetwork, X: Any, sample: Any) -> np.ndarray | None:
    """The sample of `X` that is shown, as an array of one sample; None for the mean of the training data."""
    if X is None:
        if sample is not None:
            raise LifsimError("sample", f"{sample!r}, but no samples X", "give the samples too: to_spiking(m, X, sample=…)")
        return None
    x = m._samples(X)
    number = 0 if sample is None else sample
    check_sample(number, len(x))
    return x[number : number + 1]


def can_be_converted(m: DenseNetwork) -> bool:
    """Whether `to_spiking` can convert a trained network: it has hidden layers, of units whose activations are rates."""
    return isinstance(m, SpikingClassifier) or (len(m._fitted().sizes) > 2 and m.activation not in _REFUSED)


def _check_times(neuron: str, trained: Any, *, dt: Any, gain: Any, **times: Any) -> None:
    for name, value in {**times, "gain": gain, **({} if dt is None else {"dt": dt})}.items():
        good = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and 0 <= value < np.inf
        if not good or (value == 0 and name != "t_ref"):
            raise LifsimError(name, f"{value!r}", "a number above 0" if name != "t_ref" else "a time from 0 ms on")
    if trained is not None and (times["tau_m"], times["t_ref"]) != (trained.tau_m, trained.t_ref):
        own = f"tau_m = {trained.tau_m:g}, t_ref = {trained.t_ref:g} ms"
        raise LifsimError(
            "tau_m, t_ref", f"{times['tau_m']:g} and {times['t_ref']:g} ms", f"those that the network was trained with: {own}"
        )
    if neuron == "if" and times["t_ref"]:
        raise LifsimError("t_ref", f"{times['t_ref']:g} ms for neurons without leak", "0")


def _percentiles(m: DenseNetwork, X: Any, percentile: float) -> tuple[float, ...]:
    """λ of each hidden layer: the percentile of all its activations; the maximum if the percentile is 0, and 1 if both are."""
    if not isinstance(percentile, (int, float)) or isinstance(percentile, bool) or not 0 < percentile <= 100:
        raise LifsimError("percentile", f"{percentile!r}", "a number above 0, up to 100")
    if X is None:
        return tuple(float(np.interp(percentile, PERCENTILES, row)) or float(row[-1]) or 1.0 for row in m.typical_.activations)
    hidden = m._fitted().forward(m._scaled(m._samples(X)))[1][1:-1]
    return tuple(float(np.percentile(a, percentile)) or float(a.max()) or 1.0 for a in hidden)


def _design(m: DenseNetwork, c: Conversion, shown: np.ndarray, start: float) -> Design:
    """The content of the model file; `start` is the initial membrane potential."""
    sizes = m._fitted().sizes
    layers = range(1, len(sizes))
    if c.neuron == "if":
        model, kind = "if_psc_delta", "integrate-and-fire neurons without leak, soft reset"
        params = {"V_th": 1.0, "V_reset": 0.0, "C_m": c.dt, "t_ref": 0.0}
    else:
        model, kind = "iaf_psc_exp", "leaky integrate-and-fire neurons, hard reset"
        params = leaky(c.tau_m, c.tau_syn) | {"t_ref": c.t_ref, "I_e": c.offset}
    return Design(
        sizes,
        f"A trained dense network of {m.activation} units as {kind}",
        c.dt,
        100.0 if c.neuron == "lif" else 32 * c.dt,
        ("dc_generator", {"amplitude": [float(x) for x in m.input_(shown)]}),
        (model, params, start),
        tuple(c.begins(layer) for layer in layers),
        (c.drive(1), *(c.weight(layer) for layer in layers[:-1])),
        (*(c.drive(layer) for layer in layers[:-1]), 1.0),
        max(c.dt, 1.0),
    )
