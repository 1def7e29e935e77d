"""Layers of LIF neurons that are trained by backpropagation through time with a surrogate gradient.

The neurons are `iaf_psc_exp` on the time grid, updated in the order of the engine; threshold 1, rest and reset 0, C_m = tau_m:

    v[t] = P22 v'[t-1] + P21 i[t-1] + (1 - P22) I        potential before the reset; I is a constant current
    s[t] = 1 where v[t] >= 1,   v'[t] = v[t] (1 - s[t])    spike and hard reset
    i[t] = P11 i[t-1] + k W s_before[t-1] + k' V s[t-1]    a spike arrives one step later; V only if the layer is recurrent

The first layer receives the current k (W x + b), where x may differ in each step, or spikes: one of each input, the earlier the larger
x (latency code), or those given for each step. The output
layer counts spikes: z = W Σ ω[t] s[t] + b, the slope of a line fitted to the cumulative spike count, with Σω = `COUNT`. In the
backward pass the derivative of the step function s is replaced by 1 / (1 + β |v - 1|)² (Zenke & Ganguli 2018, Neural Comput. 30:1514;
Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51). The NumPy version here is for tests; training uses the compiled
`lifsim.ann.kernels.bptt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lifsim.ann.kernels import activity, bptt, dense
from lifsim.ann.layers import Layers
from lifsim.ann.losses import loss_and_gradient
from lifsim.ann.training import Recipe, buffers, shape, solver
from lifsim.engine.neurons.membrane import current_to_v, decaying_to_v, leak

COUNT = 10.0  # the activation of a neuron that fires in every step
FEEDBACK = 0.1  # a recurrent layer begins almost as a feed-forward one; with weights of order 1 training is slower, or fails
ENCODINGS = ("current", "latency", "spikes")


@dataclass(frozen=True)
class LifNeurons:
    """Parameters of neurons and input, as of `SpikingClassifier`. Times in ms; `gain` is the current for an activation or input of 1, in
    units of the current that holds the potential at threshold; input spikes are sent within `window`.
    """

    encoding: str = "current"
    duration: float = 50.0
    dt: float = 1.0
    tau_m: float = 20.0
    tau_syn: float = 5.0
    gain: float = 3.0
    window: float = 20.0
    beta: float = 10.0

    @property
    def steps(self) -> int:
        """Number of steps for which a sample is presented."""
        return round(self.duration / self.dt)

    @cached_property
    def propagators(self) -> tuple[float, float, float, float]:
        """The factors P22, P21, P11 and 1 - P22 in the equations of `lifsim.ann.surrogate`, in this order."""
        p = {"tau_m": self.tau_m, "C_m": self.tau_m}
        found = leak(p, self.dt), decaying_to_v(p, self.tau_syn, self.dt), np.exp(-self.dt / self.tau_syn), current_to_v(p, self.dt)
        return tuple(float(x) for x in found)  # type: ignore[return-value]

    def scale(self, layer: int) -> float:
        """k of hidden layer 0, 1 …: the charge of a spike equals the mean current of the activation that the spike represents."""
        if layer == 0 and self.encoding == "current":
            return self.gain
        single = layer == 0 and self.encoding == "latency"  # an input sends a single spike
        return self.gain * (self.tau_m / self.dt if single else COUNT) * self.dt / self.tau_syn

    @property
    def feedback_scale(self) -> float:
        """k' of recurrent connections."""
        return self.gain * COUNT * self.dt / self.tau_syn

    @cached_property
    def count(self) -> np.ndarray:
        """ω: the contribution of a spike in each step to the slope COUNT Σ t N[t] / Σ t² of the line fitted to the counts N[1] … N[T]."""
        t = np.arange(1, self.steps + 1.0)
        return COUNT * np.cumsum(t[::-1])[::-1] / (t**2).sum()

    def when(self, x: np.ndarray) -> np.ndarray:
        """The step, from 0 on, in which each input sends its spike; -1 (no spike) for x <= 0."""
        latest = round(self.window / self.dt) - 1
        return np.where(x > 0, np.round((1 - np.clip(x, 0, 1)) * latest), -1).astype(np.int64)

    def spikes(self, x: np.ndarray) -> np.ndarray | None:
        """The spikes of the inputs in each step, shape (steps, samples, inputs); None if the inputs are currents."""
        if self.encoding == "current":
            return None
        return np.moveaxis(x, 1, 0) if self.encoding == "spikes" else self.when(x) == np.arange(self.steps)[:, None, None]


@dataclass(eq=False)
class SpikingLayers(Layers):
    """Hidden layers of spiking `neurons`, and an output layer that counts their spikes. Samples have the shape (samples, inputs), or with
    a value for each step (samples, steps, inputs).

    recurrent : for each hidden layer, whether its neurons are connected with each other; their weights V are at the end of `theta`.
    smooth : spikes are graded instead of 0 or 1, so that the computed gradient is the exact one; for tests. through_reset : the gradient
    includes the path through the reset.
    """

    neurons: LifNeurons = LifNeurons()
    recurrent: tuple[bool, ...] = ()
    smooth: bool = False
    through_reset: bool = False

    @property
    def feedback_starts(self) -> list[int]:
        """Where V of each hidden layer begins in `theta`; -1 for layers without recurrent connections."""
        out, end = [], int(self.ends[-1])
        for n, present in zip(self.sizes[1:-1], self.recurrent or [False] * len(self.sizes[1:-1]), strict=True):
            out.append(end if present else -1)
            end += n * n if present else 0
        return out

    @property
    def description(self) -> tuple[Any, ...]:
        """All but the parameters, for comparison with other layers of the same sizes."""
        return (*super().description, self.neurons, self.recurrent)

    @property
    def n_parameters(self) -> int:
        """The length of `theta`."""
        squares = (n * n for n, at in zip(self.sizes[1:-1], self.feedback_starts, strict=True) if at >= 0)
        return int(self.ends[-1]) + sum(squares)

    def feedback(self, vector: np.ndarray) -> list[np.ndarray | None]:
        """V of each hidden layer, shape (units, units), as views of `vector` (`theta` or its gradient); None if it is not recurrent."""
        pairs = zip(self.sizes[1:-1], self.feedback_starts, strict=True)
        return [vector[at : at + n * n].reshape(n, n) if at >= 0 else None for n, at in pairs]

    def initialise(self, rng: np.random.Generator, dtype: str = "float64", init: str = "auto") -> None:
        """As of `Layers`; recurrent weights are drawn last, uniformly with the standard deviation `FEEDBACK` / √units."""
        super().initialise(rng, dtype, init)
        for V in self.feedback(self.theta):
            if V is not None:
                bound = FEEDBACK * np.sqrt(3 / len(V))
                V[:] = rng.uniform(-bound, bound, V.shape)

    def hidden(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Membrane potentials before the reset, and spikes, of each hidden layer; both of shape (steps, samples, units)."""
        n, dtype = self.neurons, self.theta.dtype
        given = n.spikes(x)
        out = []
        for layer, ((W, b), V) in enumerate(zip(self.views(self.theta)[:-1], self.feedback(self.theta), strict=True)):
            k = n.scale(layer)
            current = np.broadcast_to(n.gain * b, (len(x), len(b)))
            arrivals = np.zeros((n.steps, *current.shape), dtype)
            if given is None:
                current = current + k * (x @ W.T) if x.ndim == 2 else np.moveaxis(n.gain * b + k * (x @ W.T), 1, 0)
            else:
                arrivals[1:] = k * (given[:-1].astype(dtype) @ W.T)
            out.append(self._layer(current.astype(dtype), arrivals, V))
            given = out[-1][1]
        return out

    def _layer(self, current: np.ndarray, arrivals: np.ndarray, V: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        P22, P21, P11, to_v = (self.theta.dtype.type(p) for p in self.neurons.propagators)
        v, s = np.empty_like(arrivals), np.empty_like(arrivals)
        kept, i = np.zeros_like(arrivals[0]), np.zeros_like(arrivals[0])
        for t in range(len(arrivals)):
            if V is not None and t:
                arrivals[t] += self.theta.dtype.type(self.neurons.feedback_scale) * (s[t - 1] @ V.T)
            v[t] = P22 * kept + P21 * i + to_v * (current if current.ndim == 2 else current[t])
            i = P11 * i + arrivals[t]
            u = v[t] - 1
            s[t] = 0.5 + u / (1 + self.neurons.beta * np.abs(u)) if self.smooth else u >= 0
            kept = v[t] * (1 - s[t])
        return v, s

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """A list of the weighted sums of the output layer only; and a list of inputs, weighted spike counts of hidden layers, outputs."""
        count = self.neurons.count.astype(self.theta.dtype)
        counted = [np.tensordot(count, s, 1) for _, s in self.hidden(x)]
        W, b = self.views(self.theta)[-1]
        z = counted[-1] @ W.T + b
        return [z], [x, *counted, self.activations[-1](z)]

    def gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of a batch and its gradient with respect to `theta`, by backpropagation through time."""
        n, gradient = self.neurons, np.zeros_like(self.theta)
        courses, views = self.hidden(x), list(zip(self.views(self.theta), self.views(gradient), strict=True))
        counted = np.tensordot(n.count.astype(self.theta.dtype), courses[-1][1], 1)
        (W, b), (gW, gb) = views[-1]
        loss, delta = loss_and_gradient(self.loss, self.activations[-1], counted @ W.T + b, y)
        gW[:], gb[:] = delta.T @ counted, delta.sum(axis=0)
        of_spikes, trains = n.count[:, None, None] * (delta @ W), n.spikes(x)
        feedback = list(zip(self.feedback(self.theta), self.feedback(gradient), strict=True))
        for layer in reversed(range(len(courses))):
            (W, _), (gW, gb), (V, gV) = *views[layer], feedback[layer]
            of_arrivals, of_current = self._backward(*courses[layer], of_spikes, V)
            gb[:] = n.gain * of_current.sum(axis=(0, 1))
            if gV is not None:
                gV[:] = n.feedback_scale * np.einsum("tri,trj->ij", of_arrivals[1:], courses[layer][1][:-1])
            before = courses[layer - 1][1] if layer else trains
            if before is None:
                inputs = x[:, None] if x.ndim == 2 else x
                gW[:] = n.scale(0) * np.einsum("tri,rtj->ij", of_current, np.broadcast_to(inputs, (len(x), n.steps, x.shape[-1])))
                continue
            gW[:] = n.scale(layer) * np.einsum("tri,trj->ij", of_arrivals[1:], before[:-1].astype(gW.dtype))
            of_spikes = np.zeros((n.steps, len(x), W.shape[1]))
            of_spikes[:-1] = n.scale(layer) * (of_arrivals[1:] @ W)
        return loss, gradient

    def _backward(self, v: np.ndarray, s: np.ndarray, of_spikes: np.ndarray, V: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The gradients with respect to the arriving spikes and to the current, in each step."""
        P22, P21, P11, to_v = self.neurons.propagators
        of_v, of_i = np.zeros_like(v[0]), np.zeros_like(v[0])
        of_arrivals, of_current = np.empty_like(v), np.empty_like(v)
        for t in reversed(range(len(v))):
            of_s = of_spikes[t]
            if V is not None and t + 1 < len(v):
                of_s = of_s + self.neurons.feedback_scale * (of_arrivals[t + 1] @ V)
            of_i = P21 * of_v + P11 * of_i
            kept = P22 * of_v
            slope = (1 + self.neurons.beta * np.abs(v[t] - 1)) ** -2.0
            of_v = kept * (1 - s[t]) + (of_s - (v[t] * kept if self.through_reset else 0)) * slope
            of_arrivals[t] = of_i
            of_current[t] = to_v * of_v
        return of_arrivals, of_current


class SpikingEpochs:
    """Trains `layers` in place, one epoch per call, on samples `x` and targets `y`; the counterpart of `lifsim.ann.training.Epochs`."""

    def __init__(self, layers: SpikingLayers, recipe: Recipe, x: np.ndarray, y: np.ndarray, state: dense.Solver | None = None) -> None:
        self.layers: Layers = layers
        self.x, self.y = np.ascontiguousarray(x.reshape(len(x), -1)), np.ascontiguousarray(y)
        n, dtype = layers.neurons, layers.theta.dtype
        inputs = activity.SPIKES if n.encoding == "spikes" else activity.CURRENTS if x.ndim == 3 else activity.CONSTANT
        inputs = activity.LATENCY if n.encoding == "latency" else inputs
        when = n.when(x) if inputs == activity.LATENCY else np.zeros((0, layers.sizes[0]), np.int64)
        self.data = activity.SpikingSamples(self.x, when, self.y)
        self.batch = min(recipe.batch_size, len(x))
        self.buffers, self.solver = buffers(layers, self.batch), solver(layers, recipe, state)
        self.net = activity.SpikingShape(shape(layers, self.batch), _membrane(layers, inputs))
        hidden = layers.sizes[1:-1]
        each, most = n.steps * self.batch * np.array(hidden), self.batch * max(hidden)
        room = (np.zeros(int(each.sum()), dtype) for _ in range(3))
        first = np.concatenate([[0], np.cumsum(each)[:-1]])
        current = np.zeros(max(most, int(each[0])) if inputs == activity.CURRENTS else most, dtype)
        active = activity.LayerActivity(*room, first, current, np.zeros(most, dtype))  # type: ignore[call-arg]
        trains = np.zeros(n.steps * self.batch * layers.sizes[0] if inputs != activity.CONSTANT else 0, dtype)
        self.room = activity.Room(active, self.buffers, trains)

    def gradient(self, order: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient for one batch; `order` holds the indices of its samples."""
        loss = bptt.gradient(self.net, self.layers.theta, self.data, order, self.room)
        return float(loss), self.buffers.gradient.copy()

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Train on all samples, batch by batch, in the given order of indices; returns the mean loss."""
        theta = self.layers.theta
        rate = theta.dtype.type(learning_rate)
        return float(bptt.epoch(self.net, theta, self.data, order, self.batch, self.room, self.solver, rate))

    @property
    def tally(self) -> np.ndarray:
        """The `tally` of the last epoch (`lifsim.ann.kernels.dense.Buffers`)."""
        return self.buffers.tally


def _membrane(layers: SpikingLayers, inputs: int) -> activity.TrainedMembrane:
    """The constants of the neurons for the kernels."""
    n, dtype, hidden = layers.neurons, layers.theta.dtype, len(layers.sizes) - 2
    return activity.TrainedMembrane(
        np.array([*n.propagators, 1.0, n.beta, n.feedback_scale], dtype),
        np.array([n.scale(k) for k in range(hidden)], dtype),
        np.full(hidden, n.gain, dtype),
        n.count.astype(dtype),
        np.array(layers.feedback_starts, np.int64),
        inputs,
        layers.smooth,
        layers.through_reset,
    )
