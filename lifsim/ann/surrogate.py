"""Layers of LIF neurons that are trained by backpropagation through time with a surrogate gradient.

The neurons are `iaf_psc_exp` on the time grid, updated in the order of the engine; threshold 1, rest and reset 0, C_m = tau_m:

    v[t] = P22 v'[t-1] + P21 i[t-1] + (1 - P22) I        potential before the reset; I is a constant current
    s[t] = 1 where v[t] >= 1,   v'[t] = v[t] (1 - s[t])    spike and hard reset
    i[t] = P11 i[t-1] + k W s_before[t-1]                  a spike arrives one step later

The first layer receives the current k (W x + b), or one spike of each input, the earlier the larger x (latency code). The output
layer counts spikes: z = W Σ ω[t] s[t] + b, the slope of a line fitted to the cumulative spike count, with Σω = `COUNT`. In the
backward pass the derivative of the step function s is replaced by 1 / (1 + β |v - 1|)² (Zenke & Ganguli 2018, Neural Comput. 30:1514;
Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51). The NumPy version here is for tests; training uses the compiled
`lifsim.ann.kernels.bptt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lifsim.ann.kernels import bptt
from lifsim.ann.layers import Layers
from lifsim.ann.losses import loss_and_gradient
from lifsim.ann.training import Recipe, buffers, shape, solver
from lifsim.engine.neurons.membrane import current_to_v, decaying_to_v, leak

COUNT = 10.0  # the activation of a neuron that fires in every step
ENCODINGS = ("current", "latency")


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
        """P22, P21, P11, and the increment of v by a constant current of 1 in a step."""
        p = {"tau_m": self.tau_m, "C_m": self.tau_m}
        found = leak(p, self.dt), decaying_to_v(p, self.tau_syn, self.dt), np.exp(-self.dt / self.tau_syn), current_to_v(p, self.dt)
        return tuple(float(x) for x in found)  # type: ignore[return-value]

    def scale(self, layer: int) -> float:
        """k of hidden layer 0, 1 …: the charge of a spike equals the mean current of the activation that the spike represents."""
        if layer == 0 and self.encoding == "current":
            return self.gain
        each = COUNT if layer else self.tau_m / self.dt  # an input sends a single spike
        return self.gain * each * self.dt / self.tau_syn

    @cached_property
    def count(self) -> np.ndarray:
        """ω: the contribution of a spike in each step to the slope COUNT Σ t N[t] / Σ t² of the line fitted to the counts N[1] … N[T]."""
        t = np.arange(1, self.steps + 1.0)
        return COUNT * np.cumsum(t[::-1])[::-1] / (t**2).sum()

    def when(self, x: np.ndarray) -> np.ndarray:
        """The step, from 0 on, in which each input sends its spike; -1 (no spike) for x <= 0."""
        latest = round(self.window / self.dt) - 1
        return np.where(x > 0, np.round((1 - np.clip(x, 0, 1)) * latest), -1).astype(np.int64)


@dataclass(eq=False)
class SpikingLayers(Layers):
    """Hidden layers of spiking `neurons`, and an output layer that counts their spikes.

    smooth : spikes are graded instead of 0 or 1, so that the computed gradient is the exact one; for tests. through_reset : the gradient
    includes the path through the reset.
    """

    neurons: LifNeurons = LifNeurons()
    smooth: bool = False
    through_reset: bool = False

    def hidden(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Membrane potentials before the reset, and spikes, of each hidden layer; both of shape (steps, samples, units)."""
        n, dtype = self.neurons, self.theta.dtype
        given = None
        if n.encoding == "latency":
            given = (n.when(x) == np.arange(n.steps)[:, None, None]).astype(dtype)
        out = []
        for layer, (W, b) in enumerate(self.views(self.theta)[:-1]):
            k = n.scale(layer)
            current = np.broadcast_to(n.gain * b, (len(x), len(b)))
            arrivals = np.zeros((n.steps, *current.shape), dtype)
            if given is None:
                current = current + k * (x @ W.T)
            else:
                arrivals[1:] = k * (given[:-1] @ W.T)
            out.append(self._layer(current.astype(dtype), arrivals))
            given = out[-1][1]
        return out

    def _layer(self, current: np.ndarray, arrivals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        P22, P21, P11, to_v = (self.theta.dtype.type(p) for p in self.neurons.propagators)
        v, s = np.empty_like(arrivals), np.empty_like(arrivals)
        kept, i = np.zeros_like(current), np.zeros_like(current)
        for t in range(len(arrivals)):
            v[t] = P22 * kept + P21 * i + to_v * current
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
        of_spikes = n.count[:, None, None] * (delta @ W)
        trains = (n.when(x) == np.arange(n.steps)[:, None, None]).astype(self.theta.dtype)
        for layer in reversed(range(len(courses))):
            (W, _), (gW, gb) = views[layer]
            of_arrivals, of_current = self._backward(*courses[layer], of_spikes)
            gb[:] = n.gain * of_current.sum(axis=0)
            if layer == 0 and n.encoding == "current":
                gW[:] = n.scale(0) * (of_current.T @ x)
                continue
            before = courses[layer - 1][1] if layer else trains
            gW[:] = n.scale(layer) * np.einsum("tri,trj->ij", of_arrivals[1:], before[:-1])
            of_spikes = np.zeros_like(before)
            of_spikes[:-1] = n.scale(layer) * (of_arrivals[1:] @ W)
        return loss, gradient

    def _backward(self, v: np.ndarray, s: np.ndarray, of_spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradients with respect to the arriving spikes in each step and to the constant current."""
        P22, P21, P11, to_v = self.neurons.propagators
        of_v, of_i = np.zeros_like(v[0]), np.zeros_like(v[0])
        of_arrivals, of_current = np.empty_like(v), np.zeros_like(v[0])
        for t in reversed(range(len(v))):
            of_i = P21 * of_v + P11 * of_i
            kept = P22 * of_v
            slope = (1 + self.neurons.beta * np.abs(v[t] - 1)) ** -2.0
            of_v = kept * (1 - s[t]) + (of_spikes[t] - (v[t] * kept if self.through_reset else 0)) * slope
            of_arrivals[t] = of_i
            of_current += to_v * of_v
        return of_arrivals, of_current


class SpikingEpochs:
    """Trains `layers` in place, one epoch per call; the counterpart of `lifsim.ann.training.Epochs`."""

    def __init__(self, layers: SpikingLayers, recipe: Recipe, x: np.ndarray, y: np.ndarray) -> None:
        self.layers: Layers = layers
        self.x = np.ascontiguousarray(x)
        n, dtype = layers.neurons, layers.theta.dtype
        when = n.when(x) if n.encoding == "latency" else np.zeros((0, x.shape[1]), np.int64)
        self.data = bptt.SpikingSamples(self.x, when, np.ascontiguousarray(y))
        self.batch = min(recipe.batch_size, len(x))
        self.buffers, self.solver = buffers(layers, self.batch), solver(layers, recipe)
        hidden = layers.sizes[1:-1]
        each = n.steps * self.batch * np.array(hidden)
        scale = np.array([n.scale(k) for k in range(len(hidden))], dtype)
        constants = np.array([*n.propagators, 1.0, n.beta], dtype)
        gains = np.full(len(hidden), n.gain, dtype)
        membrane = bptt.TrainedMembrane(constants, scale, gains, n.count.astype(dtype), layers.smooth, layers.through_reset)
        self.net = bptt.SpikingShape(shape(layers, self.batch), membrane)
        room = (np.zeros(int(each.sum()), dtype) for _ in range(3))
        first = np.concatenate([[0], np.cumsum(each)[:-1]])
        activity = bptt.LayerActivity(*room, first, np.zeros(self.batch * max(hidden), dtype))  # type: ignore[call-arg]
        trains = np.zeros(n.steps * self.batch * layers.sizes[0] if len(when) else 0, dtype)
        self.room = bptt.Room(activity, self.buffers, trains)

    def gradient(self, order: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient for one batch; `order` holds the indices of its samples."""
        loss = bptt.gradient(self.net, self.layers.theta, self.data, order, self.room)
        return float(loss), self.buffers.gradient.copy()

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Train on all samples, batch by batch, in the given order of indices; returns the mean loss."""
        theta = self.layers.theta
        rate = theta.dtype.type(learning_rate)
        return float(bptt.epoch(self.net, theta, self.data, order, self.batch, self.room, self.solver, rate))
