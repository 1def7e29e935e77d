"""The arrays of the compiled training of spiking networks (`lifsim.ann.kernels.bptt`), by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.ann.kernels.dense import Buffers, Shape

CONSTANT, LATENCY, SPIKES, CURRENTS = range(4)  # how inputs are presented; the last two have a value for each step
FEEDBACK = 6  # index of the factor of recurrent weights in the constants of the neurons


class TrainedMembrane(NamedTuple):
    """Constants of the neurons.

    constants : [P22, P21, P11, increment of v by a unit current in a step, threshold, beta of the surrogate, factor of recurrent weights].
    scale, bias_scale : factors of W and of the biases of each hidden layer. share : what a spike in each step counts for the output, shape
    (n_steps,). recurrent : where the recurrent weights of each hidden layer begin in the parameters; -1 for none. inputs : how inputs are
    presented. smooth : whether spikes are a smooth function of v instead of a step function. through_reset : whether the gradient includes
    that of the reset.
    """

    constants: np.ndarray
    scale: np.ndarray
    bias_scale: np.ndarray
    share: np.ndarray
    recurrent: np.ndarray
    inputs: int
    smooth: bool
    through_reset: bool


class SpikingShape(NamedTuple):
    """A network of spiking neurons: its layers, and the constants of its neurons."""

    layers: Shape
    membrane: TrainedMembrane


class SpikingSamples(NamedTuple):
    """Samples.

    x : inputs as constant currents, shape (n_samples, n_inputs), or as a value for each step, shape (n_samples, n_steps * n_inputs).
    when : inputs as the step of the spike of each, shape (n_samples, n_inputs), or no rows. y : targets, shape (n_samples, n_outputs).
    """

    x: np.ndarray
    when: np.ndarray
    y: np.ndarray


class LayerActivity(NamedTuple):
    """The activity of all hidden units in all steps of a batch.

    v : potential before the reset. spike : 1 or 0 (in between if smooth). arrival : increments of I_syn, later their gradients. first :
    where each hidden layer begins in these arrays. current : work space for the currents into a layer. work : for one step of a layer.
    """

    v: np.ndarray
    spike: np.ndarray
    arrival: np.ndarray
    first: np.ndarray
    current: np.ndarray
    work: np.ndarray


class Course(NamedTuple):
    """The activity of one layer of a batch, flat, with `n` values in each step. current : `n` values, or `n` for each step."""

    v: np.ndarray
    spike: np.ndarray
    arrival: np.ndarray
    current: np.ndarray
    n: int


class Feedback(NamedTuple):
    """The recurrent weights of a layer, shape (n_units, n_units), or (0, 0) if there are none; their factor; work space for a step."""

    weights: np.ndarray
    factor: np.ndarray
    work: np.ndarray


class Room(NamedTuple):
    """Work space for a batch: activity of the hidden layers, buffers of the layers as in `dense`, spikes or currents of the inputs."""

    activity: LayerActivity
    buffers: Buffers
    trains: np.ndarray
