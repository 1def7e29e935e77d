"""Compiled training of dense networks; an epoch is one call (`lifsim.ann.layers` is the NumPy version).

All parameters are one flat vector, and arrays of numbers describe the layers. So one program handles any number of
layers of any size, any activation and any solver; it is compiled once for float32 and once for float64.
Matrix products use the BLAS library that comes with scipy. The forward pass stores the slope of every activation
in addition to its value, so the backward pass does not depend on the activation functions.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import entry, owning

IDENTITY, RELU, TANH, SIGMOID, SOFTMAX, LIF = range(6)  # in the order of lifsim.ann.activations.NAMES
MSE, BINARY, MULTICLASS = range(3)  # in the order of lifsim.ann.losses.NAMES
SGD, MOMENTUM, ADAM = range(3)
MASS, BETA_1, BETA_2, EPSILON, WEIGHT_DECAY = range(5)  # indices of the constants of a solver; MASS is the momentum


class Shape(NamedTuple):
    """A network.

    sizes : units of each layer, inputs first. activation : code of each layer. weight, bias : where W and b of each layer begin in the
    parameters. unit : where the values of each layer begin in a buffer. loss : code of the loss. curve : constants of the activation
    `lif`: t_ref / tau_m, gain, knee, the value at the knee and the rate of the exponential function below it. classes : whether the outputs
    stand for classes.
    """

    sizes: np.ndarray
    activation: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    unit: np.ndarray
    loss: int
    curve: np.ndarray
    classes: bool


class Samples(NamedTuple):
    """Inputs x, shape (n_samples, n_inputs), and targets y, shape (n_samples, n_outputs), of the dtype of the parameters."""

    x: np.ndarray
    y: np.ndarray


class Buffers(NamedTuple):
    """Work space for a batch: values, slopes and errors (derivatives of the loss with respect to z) of all units, targets; the gradient.

    tally : of all samples since it was 0: for classes, [number of samples classified correctly]; else the sum of the squared differences
    between outputs and targets, for each output. float64, shape (n_outputs,).
    """

    value: np.ndarray
    slope: np.ndarray
    error: np.ndarray
    target: np.ndarray
    gradient: np.ndarray
    tally: np.ndarray


class Solver(NamedTuple):
    """The method that computes steps from gradients.

    kind : SGD, MOMENTUM or ADAM. constants : [momentum, beta_1, beta_2, epsilon, weight decay]. steps : number of steps done, shape (1,).
    mean, square : running means of the gradient and of its square (of the gradient only, with momentum).
    """

    kind: int
    constants: np.ndarray
    steps: np.ndarray
    mean: np.ndarray
    square: np.ndarray


@owning
def matrix(x, first, rows, columns):
    """A part of the flat array `x`, from index `first` on, as a matrix of shape (rows, columns): a view."""
    return x[first : first + rows * columns].reshape(rows, columns)


@owning
def units(net, x, layer, rows):
    """The values of a layer in the buffer `x`, shape (rows, n_units): a view. Each layer has room for a whole batch."""
    return matrix(x, net.unit[layer], rows, net.sizes[layer])


@owning
def weights(net, theta, layer):
    """W from `layer` to the next layer, shape (out, in): a view of `theta`."""
    return matrix(theta, net.weight[layer], net.sizes[layer + 1], net.sizes[layer])


# -- forward ---------------------------------------------------------------------------------------


@owning
def add_bias(z, b):
    """Add `b` to each row."""
    for i in range(len(z)):
        row = z[i]
        for j in range(len(b)):
            row[j] += b[j]


@owning
def activate(code, curve, z, slope):
    """Replace the sums in the flat array `z` by activations and write the slope of each to `slope`. (Losses compute softmax themselves.)"""
    zero, one = z.dtype.type(0), z.dtype.type(1)
    if code == RELU:
        for i in range(len(z)):
            slope[i] = one if z[i] > zero else zero
            z[i] = max(z[i], zero)
    elif code == TANH:
        for i in range(len(z)):
            z[i] = math.tanh(z[i])
            slope[i] = one - z[i] * z[i]
    elif code == SIGMOID:
        for i in range(len(z)):
            e = math.exp(-abs(z[i]))
            z[i] = (one if z[i] >= zero else e) / (one + e)
            slope[i] = z[i] * (one - z[i])
    elif code == LIF:
        for i in range(len(z)):
            z[i], slope[i] = lif(z[i], curve)
    else:
        slope[:] = one


@owning
def lif(z, curve):
    """Value and slope of the f-I curve at `z` (`lifsim.ann.activations`)."""
    rho, gain, knee, value, rate = curve
    drive = gain * z
    if drive > knee:
        a = 1 / (rho + math.log1p(1 / drive))
        return a / gain, a * a / (drive * (1 + drive))
    a = value * math.exp(rate * (drive - knee))
    return a / gain, a * rate


@owning
def forward(net, theta, b, rows):
    """Compute values and slopes of all units from the inputs, which are in `b.value`. The output layer is left with its sums z."""
    last = len(net.sizes) - 1
    for layer in range(last):
        z = units(net, b.value, layer + 1, rows)
        np.dot(units(net, b.value, layer, rows), weights(net, theta, layer).T, z)
        add_bias(z, theta[net.bias[layer] : net.bias[layer] + net.sizes[layer + 1]])
        if layer + 1 < last:
            activate(net.activation[layer], net.curve, z.ravel(), units(net, b.slope, layer + 1, rows).ravel())


# -- losses: each writes the derivatives of the loss with respect to the sums z to `error` and returns the mean loss of the batch ------


@owning
def softmax(row):
    """Replace z by probabilities; returns ln Σ exp(z)."""
    top = row.max()
    total = row.dtype.type(0)
    for j in range(len(row)):
        row[j] = math.exp(row[j] - top)
        total += row[j]
    for j in range(len(row)):
        row[j] /= total
    return top + math.log(total)


@owning
def multiclass(z, y, error):
    """Cross-entropy with softmax."""
    loss, n = 0.0, z.dtype.type(len(z))
    for i in range(len(z)):
        own = 0.0
        for j in range(z.shape[1]):
            own += y[i, j] * z[i, j]
        loss += softmax(z[i]) - own
        for j in range(z.shape[1]):
            error[i, j] = (z[i, j] - y[i, j]) / n
    return loss / len(z)


@owning
def binary(z, y, error):
    """Binary cross-entropy with sigmoid, on flat arrays."""
    loss, n, one = 0.0, z.dtype.type(len(z)), z.dtype.type(1)
    for i in range(len(z)):
        e = math.exp(-abs(z[i]))
        loss += max(z[i], 0) - y[i] * z[i] + math.log1p(e)
        error[i] = ((one if z[i] >= 0 else e) / (one + e) - y[i]) / n
    return loss / len(z)


@owning
def squares(code, curve, z, y, error, slope):
    """Mean squared error with any activation."""
    if code == SOFTMAX:
        for i in range(len(z)):
            softmax(z[i])
    else:
        activate(code, curve, z.ravel(), slope.ravel())
    loss, half = 0.0, z.dtype.type(z.size) / 2
    for i in range(len(z)):
        along = z.dtype.type(0)
        for j in range(z.shape[1]):
            difference = z[i, j] - y[i, j]
            loss += difference * difference
            error[i, j] = difference / half
            along += error[i, j] * z[i, j]
        for j in range(z.shape[1]):  # softmax: da_i/dz_j = a_i (δ_ij - a_j)
            error[i, j] = z[i, j] * (error[i, j] - along) if code == SOFTMAX else error[i, j] * slope[i, j]
    return loss / z.size


@owning
def errors(net, b, rows):
    """Compute the errors of the output layer; returns the mean loss of the batch."""
    last = len(net.sizes) - 1
    z, error, y = units(net, b.value, last, rows), units(net, b.error, last, rows), matrix(b.target, 0, rows, net.sizes[last])
    if net.loss == MULTICLASS:
        return multiclass(z, y, error)
    if net.loss == BINARY:
        return binary(z.ravel(), y.ravel(), error.ravel())
    return squares(net.activation[last - 1], net.curve, z, y, error, units(net, b.slope, last, rows))


@owning
def count(net, b, rows):
    """Add the batch to `b.tally`, after `errors`, which leaves probabilities, outputs or (binary cross-entropy) sums z in `b.value`."""
    last = len(net.sizes) - 1
    z, y = units(net, b.value, last, rows), matrix(b.target, 0, rows, net.sizes[last])
    for i in range(rows):
        if not net.classes:
            for j in range(z.shape[1]):
                output = 1 / (1 + math.exp(-z[i, j])) if net.loss == BINARY else z[i, j]
                b.tally[j] += (output - y[i, j]) ** 2
        elif z.shape[1] == 1:
            b.tally[0] += (z[i, 0] > 0) == (y[i, 0] > 0.5)
        else:
            b.tally[0] += z[i].argmax() == y[i].argmax()


# -- backward and the step -------------------------------------------------------------------------


@owning
def backward(net, theta, b, rows):
    """Compute the gradient of the loss from the errors of the output layer, by backpropagation."""
    for layer in range(len(net.sizes) - 2, -1, -1):
        error = units(net, b.error, layer + 1, rows)
        np.dot(error.T, units(net, b.value, layer, rows), weights(net, b.gradient, layer))
        own = b.gradient[net.bias[layer] : net.bias[layer] + net.sizes[layer + 1]]
        own[:] = 0
        for i in range(rows):
            for j in range(len(own)):
                own[j] += error[i, j]
        if layer > 0:
            before = units(net, b.error, layer, rows)
            np.dot(error, weights(net, theta, layer), before)
            times(before.ravel(), units(net, b.slope, layer, rows).ravel())


@owning
def times(x, y):
    """Multiply `x` by `y` in place, entry by entry."""
    for i in range(len(x)):
        x[i] *= y[i]


@owning
def decay(net, theta, gradient, rate):
    """Weight decay: add the gradient of rate/2 Σ W². Biases do not decay."""
    for layer in range(len(net.sizes) - 1):
        W, g = weights(net, theta, layer).ravel(), weights(net, gradient, layer).ravel()
        for i in range(len(W)):
            g[i] += rate * W[i]


@owning
def step(s, theta, g, learning_rate):
    """Update the parameters: by plain gradient descent, with momentum (Polyak 1964), or by Adam (Kingma & Ba 2015, arXiv:1412.6980)."""
    momentum, beta_1, beta_2, epsilon, _ = s.constants
    one = theta.dtype.type(1)
    s.steps[0] += 1
    if s.kind == SGD:
        for i in range(len(theta)):
            theta[i] -= learning_rate * g[i]
    elif s.kind == MOMENTUM:
        for i in range(len(theta)):
            s.mean[i] = momentum * s.mean[i] + g[i]
            theta[i] -= learning_rate * s.mean[i]
    else:
        # Both means begin at 0; dividing by 1 - beta^t corrects this bias.
        size = theta.dtype.type(learning_rate / (1 - float(beta_1) ** s.steps[0]))
        root = theta.dtype.type(1 / math.sqrt(1 - float(beta_2) ** s.steps[0]))
        for i in range(len(theta)):
            s.mean[i] = beta_1 * s.mean[i] + (one - beta_1) * g[i]
            s.square[i] = beta_2 * s.square[i] + (one - beta_2) * g[i] * g[i]
            theta[i] -= size * s.mean[i] / (math.sqrt(s.square[i]) * root + epsilon)


@owning
def take(x, order, out):
    """Copy the rows `order` of `x` to `out`."""
    for i in range(len(order)):
        row, into = x[order[i]], out[i]
        for j in range(len(row)):
            into[j] = row[j]


@owning
def gradient_of_batch(net, theta, data, order, b):
    """The mean loss of one batch, the samples `order` of `data`; leaves its gradient with respect to `theta` in `b.gradient`."""
    rows = len(order)
    take(data.x, order, units(net, b.value, 0, rows))
    take(data.y, order, matrix(b.target, 0, rows, data.y.shape[1]))
    forward(net, theta, b, rows)
    loss = errors(net, b, rows)
    count(net, b, rows)
    backward(net, theta, b, rows)
    return loss


@entry
def gradient(net, theta, data, order, b):
    """`gradient_of_batch`, for Python."""
    return gradient_of_batch(net, theta, data, order, b)


@entry
def epoch(net, theta, data, order, batch, b, solver, learning_rate):
    """An epoch: one step of the solver for every `batch` samples of `data`, taken in `order`; returns the mean loss over all samples.

    Each sample counts for the loss and for `b.tally` as it was before the step of its batch.
    """
    total = 0.0
    b.tally[:] = 0
    for first in range(0, len(order), batch):
        some = order[first : first + batch]
        total += gradient_of_batch(net, theta, data, some, b) * len(some)
        if solver.constants[WEIGHT_DECAY] > 0:
            decay(net, theta, b.gradient, solver.constants[WEIGHT_DECAY])
        step(solver, theta, b.gradient, learning_rate)
    return total / len(order)
