"""Layers of LIF neurons that are trained as such, by backpropagation through time with a surrogate gradient.

Neurons are `iaf_psc_exp` on the grid, in the engine's order of a step; threshold 1, rest and reset 0, C_m = tau_m:

    v[t] = P22 v'[t-1] + P21 i[t-1] + (1 - P22) I        potential before the reset; I is a constant current
    s[t] = 1 where v[t] >= 1,   v'[t] = v[t] (1 - s[t])    spike and hard reset
    i[t] = P11 i[t-1] + k W s_before[t-1]                  a spike arrives one step later

The first layer gets the current k (W x + b), or one spike of each input, the earlier the larger x (latency code). The output
only counts: z = W Σ ω[t] s[t] + b, the slope of the line through the sum of all spikes so far, Σω = `COUNT`. Backwards the
step of s is taken for a smooth one of the slope 1 / (1 + β |v - 1|)² (Zenke & Ganguli 2018, Neural Comput. 30:1514; Neftci,
Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51). The plain form; training runs `lifsim.ann.kernels.bptt`.
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

COUNT = 10.0  # what an activation is of a neuron that fires in every step
ENCODINGS = ("current", "latency")


@dataclass(frozen=True)
class LifNeurons:
    """All that is said of neurons and input. Times in ms; `gain` is the current of an activation or input of 1, in units of
    the one that holds the potential at threshold; `window` the time of the latest input spike.
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
        """Number of steps of a sample."""
        return round(self.duration / self.dt)

    @cached_property
    def propagators(self) -> tuple[float, float, float, float]:
        """P22, P21, P11, and what a constant current of 1 adds to v in a step."""
        p = {"tau_m": self.tau_m, "C_m": self.tau_m}
        found = leak(p, self.dt), decaying_to_v(p, self.tau_syn, self.dt), np.exp(-self.dt / self.tau_syn), current_to_v(p, self.dt)
        return tuple(float(x) for x in found)  # type: ignore[return-value]

    def scale(self, layer: int) -> float:
        """k of hidden layer 0, 1 …: the charge of a spike is the mean current of the activation that it stands for."""
        if layer == 0 and self.encoding == "current":
            return self.gain
        each = COUNT if layer else self.tau_m / self.dt  # an input sends but one
        return self.gain * each * self.dt / self.tau_syn

    @cached_property
    def count(self) -> np.ndarray:
        """ω: what a spike in each step adds to the slope of the line through the sums N[1] … N[T], COUNT Σ t N[t] / Σ t²."""
        t = np.arange(1, self.steps + 1.0)
        return COUNT * np.cumsum(t[::-1])[::-1] / (t**2).sum()

    def when(self, x: np.ndarray) -> np.ndarray:
        """The step, from 0 on, in which each input sends its spike; -1: none, for x = 0 and less."""
        latest = round(self.window / self.dt) - 1
        return np.where(x > 0, np.round((1 - np.clip(x, 0, 1)) * latest), -1).astype(np.int64)


@dataclass(eq=False)
class SpikingLayers(Layers):
    """Hidden layers of spiking `neurons`, and an output layer that counts. `smooth` units fire by degrees, so that the loss
    has the gradient that is computed: for tests.
    """

    neurons: LifNeurons = LifNeurons()
    smooth: bool = False
    through_reset: bool = False

    def hidden(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Potentials before the reset and spikes of each hidden layer, shape (steps, samples, units)."""
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
        """The sums of the output layer (alone); and inputs, counted spikes of each hidden layer, outputs."""
        count = self.neurons.count.astype(self.theta.dtype)
        counted = [np.tensordot(count, s, 1) for _, s in self.hidden(x)]
        W, b = self.views(self.theta)[-1]
        z = counted[-1] @ W.T + b
        return [z], [x, *counted, self.activations[-1](z)]

    def gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of a batch and its derivative by `theta`, step by step backwards."""
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
        """The derivatives by the arrivals in each step and by the constant current."""
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
    """Trains `layers` in place, an epoch a call; as `lifsim.ann.training.Epochs`."""

    def __init__(self, layers: SpikingLayers, recipe: Recipe, x: np.ndarray, y: np.ndarray) -> None:
        self.layers: Layers = layers
        self.x, self.y = np.ascontiguousarray(x), np.ascontiguousarray(y)
        n, dtype = layers.neurons, layers.theta.dtype
        self.when = n.when(x) if n.encoding == "latency" else np.zeros((0, x.shape[1]), np.int64)
        self.batch = min(recipe.batch_size, len(x))
        self.shape, self.buffers = shape(layers, self.batch), buffers(layers, self.batch)
        self.solver = solver(layers, recipe)
        hidden = layers.sizes[1:-1]
        each = n.steps * self.batch * np.array(hidden)
        scale = np.array([n.scale(k) for k in range(len(hidden))], dtype)
        constants = np.array([*n.propagators, 1.0, n.beta], dtype)
        gains = np.full(len(hidden), n.gain, dtype)
        self.membrane = bptt.TrainedMembrane(constants, scale, gains, n.count.astype(dtype), layers.smooth, layers.through_reset)
        room = (np.zeros(int(each.sum()), dtype) for _ in range(3))
        first = np.concatenate([[0], np.cumsum(each)[:-1]])
        self.course = bptt.LayerActivity(*room, first, np.zeros(self.batch * max(hidden), dtype))  # type: ignore[call-arg]
        self.trains = np.zeros(n.steps * self.batch * layers.sizes[0] if len(self.when) else 0, dtype)

    def gradient(self, order: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient of the samples `order` (one batch)."""
        data = self.layers.theta, self.x, self.when, self.y, order
        loss = bptt.gradient(self.shape, self.membrane, *data, self.course, self.buffers, self.trains)
        return float(loss), self.buffers.gradient.copy()

    def __call__(self, order: np.ndarray, learning_rate: float) -> float:
        """Go through the samples `order` batch by batch; returns their mean loss."""
        data = self.layers.theta, self.x, self.when, self.y, order, self.batch
        rate = self.layers.theta.dtype.type(learning_rate)
        room = self.course, self.buffers, self.trains
        return float(bptt.epoch(self.shape, self.membrane, *data, *room, self.solver, rate))
