"""Compiled training of spiking networks: backpropagation through time with surrogate gradients.

The layers consist of iaf_psc_exp neurons on the time grid (`lifsim.ann.surrogate` has the equations and a NumPy version). Since
connections are feed-forward only, each layer is computed for all steps before the next one: its arrivals are one matrix product,
and so are the gradients of its weights. Arrays have the shape (n_steps, rows of the batch, n_units), flat in memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.ann.kernels.dense import WEIGHT_DECAY, Buffers, Shape, Solver, add_bias, decay, errors, matrix, step, take, units, weights
from lifsim.engine.compiler.jit import entry, owning

__all__ = ["Shape", "Solver", "epoch", "gradient"]


class TrainedMembrane(NamedTuple):
    """Constants of the neurons.

    constants : [P22, P21, P11, increment of v by a unit current in a step, threshold, beta of the surrogate]. scale, bias_scale : factors
    of W and of the biases of each hidden layer. share : what a spike in each step counts for the output, shape (n_steps,). smooth : whether
    spikes are a smooth function of v instead of a step function. through_reset : whether the gradient includes that of the reset.
    """

    constants: np.ndarray
    scale: np.ndarray
    bias_scale: np.ndarray
    share: np.ndarray
    smooth: bool
    through_reset: bool


class SpikingShape(NamedTuple):
    """A network of spiking neurons: its layers, and the constants of its neurons."""

    layers: Shape
    membrane: TrainedMembrane


class SpikingSamples(NamedTuple):
    """Samples.

    x : inputs as constant currents, shape (n_samples, n_inputs). when : inputs as the step of the spike of each, shape (n_samples,
    n_inputs), or no rows if inputs are currents. y : targets, shape (n_samples, n_outputs).
    """

    x: np.ndarray
    when: np.ndarray
    y: np.ndarray


class LayerActivity(NamedTuple):
    """The activity of all hidden units in all steps of a batch.

    v : potential before the reset. spike : 1 or 0 (in between if smooth). arrival : increments of I_syn, later their gradients. first :
    where each hidden layer begins in these arrays. current : work space for the constant currents into a layer.
    """

    v: np.ndarray
    spike: np.ndarray
    arrival: np.ndarray
    first: np.ndarray
    current: np.ndarray


class Room(NamedTuple):
    """Work space for a batch: activity of the hidden layers, buffers of the layers as in `dense`, spike trains of the inputs."""

    activity: LayerActivity
    buffers: Buffers
    trains: np.ndarray


@owning
def part(x, course, layer, size, entries):
    """The values of hidden layer `layer` (from 0) in the flat array `x`, as a matrix of shape (entries, n_units)."""
    return matrix(x, course.first[layer], entries, size)


@owning
def forward_layer(m, v, spike, arrival, current, steps):
    """Compute potentials and spikes of a layer; `current` (rows · n_units) is constant, `arrival` is added to I_syn in each step."""
    P22, P21, P11, to_v, theta, beta = m.constants
    n = len(current)
    kept, i_syn = np.zeros_like(current), np.zeros_like(current)
    one, zero, half = v.dtype.type(1), v.dtype.type(0), v.dtype.type(0.5)
    for t in range(steps):
        vt, st, at = v[t * n : t * n + n], spike[t * n : t * n + n], arrival[t * n : t * n + n]
        for i in range(n):
            x = P22 * kept[i] + P21 * i_syn[i] + to_v * current[i]
            i_syn[i] = P11 * i_syn[i] + at[i]
            u = x - theta
            s = half + u / (one + beta * abs(u)) if m.smooth else (one if u >= zero else zero)
            vt[i], st[i] = x, s
            kept[i] = x * (one - s)


@owning
def backward_layer(m, v, spike, gradient, onto_current, steps):
    """Replace `gradient`, of the loss with respect to each spike, by that with respect to each arrival.

    `onto_current` becomes the gradient with respect to the constant current, summed over steps.
    """
    P22, P21, P11, to_v, theta, beta = m.constants
    n = len(onto_current)
    later_v, later_i = np.zeros_like(onto_current), np.zeros_like(onto_current)
    one = v.dtype.type(1)
    reset = one if m.through_reset else v.dtype.type(0)
    onto_current[:] = 0
    for t in range(steps - 1, -1, -1):
        vt, st, gt = v[t * n : t * n + n], spike[t * n : t * n + n], gradient[t * n : t * n + n]
        for i in range(n):
            kept = P22 * later_v[i]
            slope = one / (one + beta * abs(vt[i] - theta))
            of_v = kept * (one - st[i]) + (gt[i] - reset * vt[i] * kept) * slope * slope
            of_i = P21 * later_v[i] + P11 * later_i[i]
            later_v[i], later_i[i], gt[i] = of_v, of_i, of_i
            onto_current[i] += to_v * of_v


@owning
def shift(x, n, steps, forward):
    """Shift `x` (n values per step) to one step later if `forward`, else to one step earlier; fills with zeros."""
    if forward:
        for t in range(steps - 1, 0, -1):
            x[t * n : t * n + n] = x[t * n - n : t * n]
        x[:n] = 0
    else:
        for t in range(steps - 1):
            x[t * n : t * n + n] = x[t * n + n : t * n + 2 * n]
        x[(steps - 1) * n : steps * n] = 0


@owning
def spread(b, scale, out):
    """Write the biases times `scale` to each row of `out`."""
    for i in range(len(out)):
        for j in range(len(b)):
            out[i, j] = scale * b[j]


@owning
def scaled(x, factor):
    """Multiply the flat array `x` by a number, in place."""
    for i in range(len(x)):
        x[i] *= factor


@owning
def sent(net, c, layer, trains, entries):
    """The spikes that hidden layer `layer` receives, shape (n_steps · rows, n_units): of the inputs, or of the previous layer."""
    if layer == 0:
        return matrix(trains, 0, entries, net.sizes[0])
    return part(c.spike, c, layer - 1, net.sizes[layer], entries)


@owning
def run_forward(net, m, c, b, theta, trains, rows, steps):
    """Compute all layers, from constant currents if `trains` is empty, else from spikes; `b.value` gets the sums of the output layer."""
    hidden = len(net.sizes) - 2
    for layer in range(hidden):
        n = net.sizes[layer + 1]
        arrival = part(c.arrival, c, layer, n, steps * rows)
        current = matrix(c.current, 0, rows, n)
        spread(theta[net.bias[layer] : net.bias[layer] + n], m.bias_scale[layer], current)
        W = weights(net, theta, layer)
        if layer == 0 and len(trains) == 0:
            z = matrix(b.error, 0, rows, n)  # not needed in the forward pass
            np.dot(units(net, b.value, 0, rows), W.T, z)
            scaled(z.ravel(), m.scale[0])
            for i in range(rows):
                for j in range(n):
                    current[i, j] += z[i, j]
            arrival.ravel()[:] = 0
        else:
            before = sent(net, c, layer, trains, steps * rows)
            np.dot(before, W.T, arrival)
            scaled(arrival.ravel(), m.scale[layer])
            shift(arrival.ravel(), rows * n, steps, True)
        v, spike = part(c.v, c, layer, n, steps * rows).ravel(), part(c.spike, c, layer, n, steps * rows).ravel()
        forward_layer(m, v, spike, arrival.ravel(), current.ravel(), steps)
    n = net.sizes[hidden]
    counted, spike = units(net, b.value, hidden, rows).ravel(), part(c.spike, c, hidden - 1, n, steps * rows).ravel()
    counted[:] = 0
    for t in range(steps):
        for i in range(rows * n):
            counted[i] += m.share[t] * spike[t * rows * n + i]
    z = units(net, b.value, hidden + 1, rows)
    np.dot(units(net, b.value, hidden, rows), weights(net, theta, hidden).T, z)
    add_bias(z, theta[net.bias[hidden] : net.bias[hidden] + net.sizes[hidden + 1]])


@owning
def add_rows(x, factor, out):
    """Write the sum of the rows of `x`, times `factor`, to `out`."""
    out[:] = 0
    for i in range(len(x)):
        for j in range(len(out)):
            out[j] += factor * x[i, j]


@owning
def run_backward(net, m, c, b, theta, trains, rows, steps):
    """Compute the gradient of the loss with respect to all parameters from the errors of the output layer."""
    hidden = len(net.sizes) - 2
    error = units(net, b.error, hidden + 1, rows)
    np.dot(error.T, units(net, b.value, hidden, rows), weights(net, b.gradient, hidden))
    add_rows(error, error.dtype.type(1), b.gradient[net.bias[hidden] : net.bias[hidden] + net.sizes[hidden + 1]])
    counted = units(net, b.error, hidden, rows)
    np.dot(error, weights(net, theta, hidden), counted)
    n = net.sizes[hidden]
    own, flat = part(c.arrival, c, hidden - 1, n, steps * rows).ravel(), counted.ravel()
    for t in range(steps):
        for i in range(rows * n):
            own[t * rows * n + i] = m.share[t] * flat[i]
    for layer in range(hidden - 1, -1, -1):
        n = net.sizes[layer + 1]
        v, spike = part(c.v, c, layer, n, steps * rows).ravel(), part(c.spike, c, layer, n, steps * rows).ravel()
        gradient, current = part(c.arrival, c, layer, n, steps * rows), matrix(c.current, 0, rows, n)
        backward_layer(m, v, spike, gradient.ravel(), current.ravel(), steps)
        add_rows(current, m.bias_scale[layer], b.gradient[net.bias[layer] : net.bias[layer] + n])
        onto_W = weights(net, b.gradient, layer)
        if layer == 0 and len(trains) == 0:
            np.dot(current.T, units(net, b.value, 0, rows), onto_W)
        else:
            shift(gradient.ravel(), rows * n, steps, False)
            before = sent(net, c, layer, trains, steps * rows)
            np.dot(gradient.T, before, onto_W)
            if layer > 0:
                below = part(c.arrival, c, layer - 1, net.sizes[layer], steps * rows)
                np.dot(gradient, weights(net, theta, layer), below)
                scaled(below.ravel(), m.scale[layer])
        scaled(onto_W.ravel(), m.scale[layer])


@owning
def set_trains(when, order, steps, trains):
    """Write the spikes of the inputs to `trains`, shape (n_steps, rows, n_inputs), flat: one in step `when`, none if that is negative."""
    rows, n = len(order), when.shape[1]
    trains[:] = 0
    for i in range(rows):
        for j in range(n):
            t = when[order[i], j]
            if 0 <= t < steps:
                trains[(t * rows + i) * n + j] = 1


@entry
def gradient(net, theta, data, order, room):
    """The mean loss of one batch, the samples `order` of `data`; leaves its gradient with respect to `theta` in `room.buffers.gradient`."""
    shape, m = net
    x, when, y = data
    c, b, trains = room
    rows, steps = len(order), len(m.share)
    spikes = trains[: steps * rows * when.shape[1]] if len(when) else trains[:0]
    if len(when):
        set_trains(when, order, steps, spikes)
    else:
        take(x, order, units(shape, b.value, 0, rows))
    take(y, order, matrix(b.target, 0, rows, y.shape[1]))
    run_forward(shape, m, c, b, theta, spikes, rows, steps)
    loss = errors(shape, b, rows)
    run_backward(shape, m, c, b, theta, spikes, rows, steps)
    return loss


@entry
def epoch(net, theta, data, order, batch, room, solver, learning_rate):
    """An epoch: one step of the solver for every `batch` samples of `data`, taken in `order`; returns the mean loss over all samples."""
    shape, gradient_of_all = net.layers, room.buffers.gradient
    total = 0.0
    for first in range(0, len(order), batch):
        some = order[first : first + batch]
        total += gradient(net, theta, data, some, room) * len(some)
        if solver.constants[WEIGHT_DECAY] > 0:
            decay(shape, theta, gradient_of_all, solver.constants[WEIGHT_DECAY])
        step(solver, theta, gradient_of_all, learning_rate)
    return total / len(order)
