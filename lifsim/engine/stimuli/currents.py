"""Current stimuli at their targets: constant, stepped and noisy, computed from the step number alone."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import uint32

from lifsim.engine.compiler.jit import merged
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.random import NOISE, normal, philox
from lifsim.engine.stimuli.varying_currents import Changing, add_changing, another_in


class Currents(NamedTuple):
    """Entries i: `weight[i]` times the amplitude of their schedule onto the place `target[i]`.

    Entries of schedule s in piece p: ``first[s, p]`` … ``first[s, p + 1] - 1``. Schedule s has the
    amplitudes `amplitude[begin[s]:begin[s + 1]]`, each after the step `since`. `change` are the steps
    at which anything changes. Noise entries follow the same way, with their own parameters and the ids of their targets.
    `changing`: what changes in every step, None if nothing does.
    """

    first: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    begin: np.ndarray
    since: np.ndarray
    amplitude: np.ndarray
    change: np.ndarray
    noise_first: np.ndarray
    noise_target: np.ndarray
    noise_id: np.ndarray
    noise_weight: np.ndarray
    noise: np.ndarray
    noise_when: np.ndarray
    changing: Changing | None


class OwnInput(NamedTuple):
    """What turns a current into the drive of a neuron: mV a step per pA, its own I_e, and room for the sum of all others; shape (n,)."""

    gain: np.ndarray
    I_e: np.ndarray
    total: np.ndarray


@merged
def currents_change(c, p, step):
    """Whether any current onto piece `p` may be another in `step` than in the step before."""
    k = number_up_to(c.change, step - 1)
    if k < len(c.change) and c.change[k] == step:
        return True
    for s in range(len(c.noise_when)):
        period, start, stop = c.noise_when[s]
        if start < step <= stop and (step - 1 - start) % period == 0:
            return True
    return another_in(c.changing, p, step)


@merged
def add_currents(c, p, total, first, key, step):
    """Add to `total` (pA, a sum a neuron) of piece `p` the currents that act in `step`."""
    for s in range(len(c.begin) - 1):
        k = number_up_to(c.since[c.begin[s] : c.begin[s + 1]], step - 1) - 1
        if k >= 0:
            amplitude = c.amplitude[c.begin[s] + k]
            for i in range(c.first[s, p], c.first[s, p + 1]):
                total[c.target[i] - first] += c.weight[i] * amplitude
    for s in range(len(c.noise_when)):
        add_noise(c, s, p, total, first, key, step)
    add_changing(c.changing, p, total, first, key, step)


@merged
def add_noise(c, s, p, total, first, key, step):
    """Noise drive `s`: a value for every target and period, whatever step asks for it."""
    period, start, stop = c.noise_when[s]
    if not start < step <= stop:
        return
    mean, std, std_mod, omega, phase, stream = c.noise[s]
    tick = (step - 1 - start) // period
    wave = math.sin(omega * (start + tick * period) + phase)
    sd = math.sqrt(std * std + std_mod * std_mod * wave)
    for i in range(c.noise_first[s, p], c.noise_first[s, p + 1]):
        words = philox(c.noise_id[i], tick, uint32(NOISE | uint32(stream)), 0, key)
        total[c.noise_target[i] - first] += c.noise_weight[i] * (mean + sd * normal(words[0]))


@merged
def set_drives(c, own, p, lo, hi, drive, key, step):
    """The constant input of the neurons lo … hi - 1 of piece `p` in `step`, as mV a step."""
    total = own.total[lo:hi]
    total[:] = 0
    add_currents(c, p, total, lo, key, step)
    for i in range(lo, hi):
        drive[i] = own.gain[i] * (own.I_e[i] + own.total[i])
