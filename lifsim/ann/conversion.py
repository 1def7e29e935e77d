"""From a dense network to spiking neurons that run its weights as they are.

Rates stand for activations: a unit with the output a fires at r, and a = λ r / r_max. Only scales, thresholds and
offsets are chosen, beside W; with them a spike that arrives makes W a of it. V_th - E_L is 1 mV, and currents are in units
of the one that holds the potential at threshold (1 pA), or of 1 mV a step for neurons without leak.

`if`: integrate and fire without leak; what exceeds the threshold stays (soft reset). One step is one interval at the
largest rate, so a ReLU comes out exactly, up to one spike: r = max(z, 0) / λ spikes a step, where λ is a percentile of
the layer's activations (Rueckauer et al. 2017, Front. Neurosci. 11:682).

`lif`: leaky integrate and fire with a hard reset. It fires at r = 1 / (t_ref + tau_m ln(J / (J - 1))) for the drive J.
 - A network trained with the activation `lif` has this curve in it: J = 1 + K z, a = r tau_m / K.
 - A ReLU only has its asymptote: tau_m ln(J / (J - 1)) = tau_m / (J - 1/2) + O(J⁻³), so r tau_m ≈ J - 1/2 where J is large and
   t_ref is 0. Hence J = K z / λ + 1/2: a current of half a threshold, and a gain K = tau_m r_max that puts the largest rates
   where the asymptote is good. Below J = 1 the neuron is silent: activations under λ / 2K are lost.

Potentials start at half the threshold, so that counts are rounded and not cut off. An exponential synapse gives the
charge w tau_syn a spike, so w = W λ' tau_m / (λ tau_syn). The biases of a layer begin
when the spikes of the layer before begin to act, so that all it gets refers to the same time. The output does not fire: it
adds up what arrives, and its potential over time is the weighted sum of the dense network's output layer.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim.ann import data_checks, network_file
from lifsim.ann.dense_network import DenseNetwork
from lifsim.ann.model_text import STORE, Design, leaky, model_text
from lifsim.ann.spiking_classifier import SpikingClassifier
from lifsim.ann.spiking_network import Spiking
from lifsim.ann.typical import PERCENTILES
from lifsim.common.errors import LifsimError, did_you_mean
from lifsim.weights.store import WeightStore

NEURONS = ("lif", "if")
HALF = 0.5
_PERCENTILES = {"lif": 99.0, "if": 99.9}
_REFUSED = {
    "tanh": "its outputs are negative for half of all inputs, and rates are not",
    "sigmoid": "its output for no input is 0.5, so every neuron would fire all the time",
    "identity": "its outputs are negative for half of all inputs, and rates are not",
}


@dataclass(frozen=True)
class Conversion:
    """How units become neurons. Times in ms.

    `scales` are λ of the inputs (1) and of each hidden layer; `gain` K and `offset` make the drive J = K z / λ + offset.
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
        """When its input begins to act on hidden layer 1, 2 …, and on the output, the last. The first current of a generator
        acts from dt + delay on; a spike arrives a delay later, and its exponential current acts tau_syn later on average.
        """
        spiking = len(self.scales) - 1
        later = (layer - 1) * self.dt + (min(layer, spiking) - 1) * (self.tau_syn if self.neuron == "lif" else 0.0)
        return round(2 + later / self.dt) * self.dt

    def drive(self, layer: int) -> float:
        """What multiplies a current onto hidden layer 1, 2 … (its inputs, its biases)."""
        return self.gain / self.scales[layer]

    def weight(self, layer: int) -> float:
        """What multiplies W from hidden layer `layer` on to the next (or to the output): the activation that a spike
        stands for (its λ / K tau_m: a unit for 1 ms) as a charge through the synapses of the next, or as it is.
        """
        spike = self.scales[layer] / self.gain * (self.tau_m if self.neuron == "lif" else self.dt)
        if layer == len(self.scales) - 1:
            return spike
        return spike * self.drive(layer + 1) / (self.tau_syn if self.neuron == "lif" else self.dt)


def to_spiking(
    m: DenseNetwork,
    X: Any = None,
    *,
    neuron: str = "lif",
    percentile: float | None = None,
    gain: float = 10.0,
    dt: float | None = None,
    tau_m: float | None = None,
    tau_syn: float = 5.0,
    t_ref: float | None = None,
    half_threshold: bool = True,
) -> Spiking:
    """`m`, a trained network of "relu" or "lif" units, as a network of spiking neurons. (A `SpikingClassifier` is one
    already: its network is what it was trained as, whatever the other arguments.)

    Parameters
    ----------
    X : samples, for what the activations are like; those of training unless given.
    neuron : "lif" (leak, hard reset, exponential synapses) or "if" (no leak, soft reset).
    percentile : the activation of a layer that becomes the rate r_max; 99 unless given, as a few neurons may fire faster;
        99.9 for "if", where none can.
    gain : K = tau_m r_max of ReLU units as leaky neurons; 10 are 500 Hz at tau_m = 20 ms. ("lif" units have their own.)
    dt : ms; 0.1, and 1 for "if".
    tau_m, tau_syn, t_ref : ms, of leaky neurons; 20, 5 and 0, for "lif" units those that they were trained with.
    half_threshold : the current of half a threshold that a ReLU needs of a leaky neuron (and the potentials' start there).
        Without it the conversion is wrong, as shows in deep networks; it can be left out to see that.

    Raises
    ------
    LifsimError : the network cannot be converted in this way; says what can.
    """
    layers, activation = m._fitted(), m.activation
    store = WeightStore()
    network_file.fill(store, m)
    if isinstance(m, SpikingClassifier):
        return Spiking(m, model_text(m.design()), {STORE: store})
    if neuron not in NEURONS:
        raise LifsimError("neuron", f"{neuron!r}", did_you_mean(str(neuron), NEURONS))
    if len(layers.sizes) < 3:
        raise LifsimError("hidden", "no hidden layers, so no unit that could fire", "at least one")
    if activation in _REFUSED:
        raise LifsimError("activation", f"a network of {activation} units cannot be run by rates: {_REFUSED[activation]}", "relu or lif")
    if activation == "lif" and neuron != "lif":
        raise LifsimError("neuron", f"{neuron!r} for a network of lif units", 'neuron="lif", whose curve they were trained with')
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
            warnings.warn(f'{text}: train with activation="lif", which knows t_ref, or convert with t_ref=0', stacklevel=2)
    shown = m.typical_.example if X is None else data_checks.samples(X, layers.sizes[0])[0]
    design = _design(m, made, shown, HALF if half_threshold else 0.0)
    return Spiking(m, model_text(design), {STORE: store})


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
    """λ of each hidden layer: the percentile of all its activations (the largest, if that is 0)."""
    if not isinstance(percentile, (int, float)) or not 0 < percentile <= 100:
        raise LifsimError("percentile", f"{percentile!r}", "a number above 0, up to 100")
    if X is None:
        return tuple(float(np.interp(percentile, PERCENTILES, row)) or float(row[-1]) or 1.0 for row in m.typical_.activations)
    hidden = m._fitted().forward(m._scaled(data_checks.samples(X, m.n_features_in_)))[1][1:-1]
    return tuple(float(np.percentile(a, percentile)) or float(a.max()) or 1.0 for a in hidden)


def _design(m: DenseNetwork, c: Conversion, shown: np.ndarray, start: float) -> Design:
    """What the model file is to say; `start` is the potential at the beginning."""
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
