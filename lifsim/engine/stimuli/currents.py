"""Current stimuli at their targets (constant, stepped, noise), computed from the step number alone."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import merged
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.random import NOISE, normal, philox
from lifsim.engine.stimuli.varying_currents import Changing, add_changing, another_in


class Currents(NamedTuple):
    """Current drives. Entry i adds ``weight[i]`` times the amplitude of its drive (pA) to the neuron at place ``target[i]``.

    Drive s has the entries ``first[s, p]`` … ``first[s, p + 1] - 1`` in piece p, and the amplitudes ``amplitude[begin[s]:begin[s + 1]]``,
    each of which acts after the step in `since`. `change` are the steps in which any current changes, ascending.

    The arrays `noise_…` are the same for noise drives: ``noise_id[i]`` is the global id of a target, ``noise[s]`` is mean, std, std_mod,
    omega, phase, stream, and ``noise_when[s]`` is period, start, stop, used (see `lifsim.plan.stimuli.NoiseDrive`). `changing` has the
    currents that change in every step, None if there are none.
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
    """Inputs per neuron, shape (n_places,): `gain` (mV per step and pA), constant `I_e` (pA), work space for the sum of others (pA)."""

    gain: np.ndarray
    I_e: np.ndarray
    total: np.ndarray


@merged
def currents_change(c, p, step):
    """Whether any current onto piece `p` may differ in `step` from the step before."""
    k = number_up_to(c.change, step - 1)
    if k < len(c.change) and c.change[k] == step:
        return True
    for s in range(len(c.noise_when)):
        period, start, stop, _ = c.noise_when[s]
        if start < step <= stop and (step - 1 - start) % period == 0:
            return True
    return another_in(c.changing, p, step)


@merged
def add_currents(c, p, total, first, key, step):
    """Add the currents that act in `step` on piece `p`, which begins at place `first`, to `total` (pA, one sum per neuron)."""
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
    """Add noise drive `s`; its values depend only on target and period, not on the step within the period."""
    period, start, stop, used = c.noise_when[s]
    if not start < step <= stop:
        return
    mean, std, std_mod, omega, phase, stream = c.noise[s]
    tick = (step - 1 - start) // period
    wave = math.sin(omega * (start + tick * period) + phase)
    sd = math.sqrt(std * std + std_mod * std_mod * wave)
    for i in range(c.noise_first[s, p], c.noise_first[s, p + 1]):
        words = philox(c.noise_id[i], used + tick, uint32(NOISE | uint32(stream)), 0, key)
        total[c.noise_target[i] - first] += c.noise_weight[i] * (mean + sd * normal(words[0]))


@merged
def set_drives(c, own, p, lo, hi, drive, key, step):
    """Compute the constant input `drive` (mV per step) in `step` of the neurons at places lo … hi - 1 of piece `p`."""
    total = own.total[lo:hi]
    total[:] = 0
    add_currents(c, p, total, lo, key, step)
    for i in range(lo, hi):
        drive[i] = own.gain[i] * (own.I_e[i] + own.total[i])
