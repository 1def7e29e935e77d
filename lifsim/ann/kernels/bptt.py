"""Compiled training of spiking networks: backpropagation through time with surrogate gradients.

The layers consist of iaf_psc_exp neurons on the time grid (`lifsim.ann.surrogate` has the equations and a NumPy version). A layer is
computed for all steps before the next one, so that its arrivals are one matrix product, and so are the gradients of its weights; only
recurrent connections take a product in each step. Arrays have the shape (n_steps, rows of the batch, n_units), flat in memory.
"""

from __future__ import annotations

import numpy as np

from lifsim.ann.kernels.activity import CONSTANT, CURRENTS, FEEDBACK, LATENCY, Course, Feedback
from lifsim.ann.kernels.dense import WEIGHT_DECAY, add_bias, count, decay, errors, matrix, step, take, units, weights
from lifsim.engine.compiler.jit import entry, owning


@owning
def part(x, course, layer, size, entries):
    """The values of hidden layer `layer` (from 0) in the flat array `x`, as a matrix of shape (entries, n_units)."""
    return matrix(x, course.first[layer], entries, size)


@owning
def course_of(net, m, c, layer, rows):
    """The activity of hidden layer `layer` in a batch: views."""
    steps, n = len(m.share), rows * net.sizes[layer + 1]
    lo, hi = c.first[layer], c.first[layer] + n * steps
    entries = n * steps if layer == 0 and m.inputs == CURRENTS else n
    return Course(c.v[lo:hi], c.spike[lo:hi], c.arrival[lo:hi], c.current[:entries], n)


@owning
def feedback_of(net, m, c, theta, layer, rows):
    """The recurrent connections of hidden layer `layer`."""
    n = net.sizes[layer + 1] if m.recurrent[layer] >= 0 else 0
    work = matrix(c.work, 0, rows if n else 0, n)
    return Feedback(matrix(theta, max(m.recurrent[layer], 0), n, n), m.constants[FEEDBACK : FEEDBACK + 1], work)


@owning
def forward_layer(m, own, feedback, steps):
    """Compute potentials and spikes of a layer; `own.arrival` is added to I_syn in each step."""
    P22, P21, P11, to_v, theta, beta, _ = m.constants
    n, stride = own.n, own.n if len(own.current) > own.n else 0
    rows, units = feedback.work.shape
    kept, i_syn = np.zeros_like(own.v[:n]), np.zeros_like(own.v[:n])
    one, zero, half = own.v.dtype.type(1), own.v.dtype.type(0), own.v.dtype.type(0.5)
    for t in range(steps):
        vt, st, at = own.v[t * n : t * n + n], own.spike[t * n : t * n + n], own.arrival[t * n : t * n + n]
        current = own.current[t * stride : t * stride + n]
        if units > 0 and t > 0:
            np.dot(matrix(own.spike, t * n - n, rows, units), feedback.weights.T, feedback.work)
            add_scaled(feedback.work.ravel(), feedback.factor[0], at)
        for i in range(n):
            x = P22 * kept[i] + P21 * i_syn[i] + to_v * current[i]
            i_syn[i] = P11 * i_syn[i] + at[i]
            u = x - theta
            s = half + u / (one + beta * abs(u)) if m.smooth else (one if u >= zero else zero)
            vt[i], st[i] = x, s
            kept[i] = x * (one - s)


@owning
def backward_layer(m, own, feedback, steps):
    """Replace the values of `own.arrival`, gradients of the loss with respect to each spike, by those with respect to each arrival, and
    those of `own.current` by the gradients with respect to the currents (of a constant current, summed over steps).
    """
    P22, P21, P11, to_v, theta, beta, _ = m.constants
    n, stride = own.n, own.n if len(own.current) > own.n else 0
    rows, units = feedback.work.shape
    later_v, later_i = np.zeros_like(own.v[:n]), np.zeros_like(own.v[:n])
    one = own.v.dtype.type(1)
    reset = one if m.through_reset else own.v.dtype.type(0)
    own.current[:] = 0
    for t in range(steps - 1, -1, -1):
        vt, st, gt = own.v[t * n : t * n + n], own.spike[t * n : t * n + n], own.arrival[t * n : t * n + n]
        onto_current = own.current[t * stride : t * stride + n]
        if units > 0 and t < steps - 1:
            np.dot(matrix(own.arrival, t * n + n, rows, units), feedback.weights, feedback.work)
            add_scaled(feedback.work.ravel(), feedback.factor[0], gt)
        for i in range(n):
            kept = P22 * later_v[i]
            slope = one / (one + beta * abs(vt[i] - theta))
            of_v = kept * (one - st[i]) + (gt[i] - reset * vt[i] * kept) * slope * slope
            of_i = P21 * later_v[i] + P11 * later_i[i]
            later_v[i], later_i[i], gt[i] = of_v, of_i, of_i
            onto_current[i] += to_v * of_v


@owning
def add_scaled(x, factor, out):
    """Add the flat array `x` times `factor` to `out`."""
    for i in range(len(out)):
        out[i] += factor * x[i]


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
def currents_of(net, m, b, trains, entries):
    """The inputs that are currents, shape (rows, n_inputs), or (n_steps * rows, n_inputs) with a value for each step."""
    return units(net, b.value, 0, entries) if m.inputs == CONSTANT else matrix(trains, 0, entries, net.sizes[0])


@owning
def run_forward(net, m, c, b, theta, trains, rows):
    """Compute all layers from the inputs, in `b.value` (constant currents) or `trains`; `b.value` gets the sums of the output layer."""
    hidden, steps = len(net.sizes) - 2, len(m.share)
    for layer in range(hidden):
        n = net.sizes[layer + 1]
        own, W = course_of(net, m, c, layer, rows), weights(net, theta, layer)
        current = matrix(own.current, 0, len(own.current) // n, n)
        spread(theta[net.bias[layer] : net.bias[layer] + n], m.bias_scale[layer], current)
        if layer == 0 and m.inputs in (CONSTANT, CURRENTS):
            z = matrix(own.arrival, 0, len(current), n)  # work space here, for no spikes arrive
            np.dot(currents_of(net, m, b, trains, len(current)), W.T, z)
            add_scaled(z.ravel(), m.scale[0], current.ravel())
            own.arrival[:] = 0
        else:
            np.dot(sent(net, c, layer, trains, steps * rows), W.T, matrix(own.arrival, 0, steps * rows, n))
            scaled(own.arrival, m.scale[layer])
            shift(own.arrival, rows * n, steps, True)
        forward_layer(m, own, feedback_of(net, m, c, theta, layer, rows), steps)
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
def run_backward(net, m, c, b, theta, trains, rows):
    """Compute the gradient of the loss with respect to all parameters from the errors of the output layer."""
    hidden, steps = len(net.sizes) - 2, len(m.share)
    error = units(net, b.error, hidden + 1, rows)
    np.dot(error.T, units(net, b.value, hidden, rows), weights(net, b.gradient, hidden))
    add_rows(error, error.dtype.type(1), b.gradient[net.bias[hidden] : net.bias[hidden] + net.sizes[hidden + 1]])
    counted = units(net, b.error, hidden, rows)
    np.dot(error, weights(net, theta, hidden), counted)
    n = net.sizes[hidden]
    last, flat = part(c.arrival, c, hidden - 1, n, steps * rows).ravel(), counted.ravel()
    for t in range(steps):
        for i in range(rows * n):
            last[t * rows * n + i] = m.share[t] * flat[i]
    for layer in range(hidden - 1, -1, -1):
        n = net.sizes[layer + 1]
        own = course_of(net, m, c, layer, rows)
        backward_layer(m, own, feedback_of(net, m, c, theta, layer, rows), steps)
        current = matrix(own.current, 0, len(own.current) // n, n)
        add_rows(current, m.bias_scale[layer], b.gradient[net.bias[layer] : net.bias[layer] + n])
        if m.recurrent[layer] >= 0:
            later = matrix(own.arrival, rows * n, (steps - 1) * rows, n)
            onto_V = matrix(b.gradient, m.recurrent[layer], n, n)
            np.dot(later.T, matrix(own.spike, 0, (steps - 1) * rows, n), onto_V)
            scaled(onto_V.ravel(), m.constants[FEEDBACK])
        onto_W = weights(net, b.gradient, layer)
        if layer == 0 and m.inputs in (CONSTANT, CURRENTS):
            np.dot(current.T, currents_of(net, m, b, trains, len(current)), onto_W)
        else:
            shift(own.arrival, rows * n, steps, False)
            gradient = matrix(own.arrival, 0, steps * rows, n)
            np.dot(gradient.T, sent(net, c, layer, trains, steps * rows), onto_W)
            if layer > 0:
                below = part(c.arrival, c, layer - 1, net.sizes[layer], steps * rows)
                np.dot(gradient, weights(net, theta, layer), below)
                scaled(below.ravel(), m.scale[layer])
        scaled(onto_W.ravel(), m.scale[layer])


@owning
def set_spikes(when, order, steps, trains):
    """Write the spikes of the inputs to `trains`, shape (n_steps, rows, n_inputs), flat: one in step `when`, none if that is negative."""
    rows, n = len(order), when.shape[1]
    trains[:] = 0
    for i in range(rows):
        for j in range(n):
            t = when[order[i], j]
            if 0 <= t < steps:
                trains[(t * rows + i) * n + j] = 1


@owning
def set_values(x, order, steps, trains):
    """Write the rows `order` of `x`, shape (n_samples, n_steps * n_inputs), to `trains`, shape (n_steps, rows, n_inputs), flat."""
    rows, n = len(order), x.shape[1] // steps
    for i in range(rows):
        row = x[order[i]]
        for t in range(steps):
            for j in range(n):
                trains[(t * rows + i) * n + j] = row[t * n + j]


@owning
def gradient_of_batch(net, theta, data, order, room):
    """The mean loss of one batch, the samples `order` of `data`; leaves its gradient with respect to `theta` in `room.buffers.gradient`."""
    shape, m = net
    x, when, y = data
    c, b, trains = room
    rows, steps = len(order), len(m.share)
    sent_by_inputs = trains[: steps * rows * shape.sizes[0]] if m.inputs != CONSTANT else trains[:0]
    if m.inputs == CONSTANT:
        take(x, order, units(shape, b.value, 0, rows))
    elif m.inputs == LATENCY:
        set_spikes(when, order, steps, sent_by_inputs)
    else:
        set_values(x, order, steps, sent_by_inputs)
    take(y, order, matrix(b.target, 0, rows, y.shape[1]))
    run_forward(shape, m, c, b, theta, sent_by_inputs, rows)
    loss = errors(shape, b, rows)
    count(shape, b, rows)
    run_backward(shape, m, c, b, theta, sent_by_inputs, rows)
    return loss


@owning
def decay_feedback(shape, m, theta, gradient, rate):
    """Weight decay of the recurrent weights."""
    for layer in range(len(m.recurrent)):
        first, n = m.recurrent[layer], shape.sizes[layer + 1]
        if first >= 0:
            add_scaled(theta[first : first + n * n], rate, gradient[first : first + n * n])


@entry
def gradient(net, theta, data, order, room):
    """`gradient_of_batch`, for Python."""
    return gradient_of_batch(net, theta, data, order, room)


@entry
def epoch(net, theta, data, order, batch, room, solver, learning_rate):
    """An epoch: one step of the solver for every `batch` samples of `data`, taken in `order`; returns the mean loss over all samples."""
    shape, gradient_of_all = net.layers, room.buffers.gradient
    total = 0.0
    room.buffers.tally[:] = 0
    for first in range(0, len(order), batch):
        some = order[first : first + batch]
        total += gradient_of_batch(net, theta, data, some, room) * len(some)
        if solver.constants[WEIGHT_DECAY] > 0:
            decay(shape, theta, gradient_of_all, solver.constants[WEIGHT_DECAY])
            decay_feedback(shape, net.membrane, theta, gradient_of_all, solver.constants[WEIGHT_DECAY])
        step(solver, theta, gradient_of_all, learning_rate)
    return total / len(order)
