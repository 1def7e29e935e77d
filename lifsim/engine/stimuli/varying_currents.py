"""Currents that change in every step, at their targets: sine waves, waveforms, Ornstein-Uhlenbeck processes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import kernel
from lifsim.engine.compiler.overloads import is_none, overload
from lifsim.engine.random import PATHS, normal, philox


class Onto(NamedTuple):
    """Targets of drives: drive d acts in piece p on the places ``target[i]`` with ``weight[i]``, for first[d, p] <= i < first[d, p + 1]."""

    first: np.ndarray
    target: np.ndarray
    weight: np.ndarray


class Changing(NamedTuple):
    """Drives d of each kind (see `lifsim.plan.stimuli`); times are in steps.

    Sine waves: ``sine[d]`` is offset, amplitude, omega, phase; ``sine_when[d]`` is start, stop. Waveforms: ``wave_when[d]`` is start, stop,
    steps per row, numbers per row, index in `samples` of the first number; ``wave_column[i]`` is the column of a target.
    Ornstein-Uhlenbeck processes: ``path[d]`` is mean, std, decay, factor of the new random number, stream; ``path_when[d]`` is start,
    stop, used; ``path_id[i]`` is the id of a target; ``path_at[i]`` is the value of its process, in standard deviations from the mean.
    """

    sines: Onto
    sine: np.ndarray
    sine_when: np.ndarray
    waves: Onto
    wave_when: np.ndarray
    wave_column: np.ndarray
    samples: np.ndarray
    paths: Onto
    path: np.ndarray
    path_when: np.ndarray
    path_id: np.ndarray
    path_at: np.ndarray


def another_in(c: Any, p: int, step: int) -> bool:
    """Whether any current that changes in every step acts on piece `p` in `step`, so that the input may differ from the step before."""
    return False


@overload(another_in)
def _another_in(c, p, step):
    if is_none(c):
        return lambda c, p, step: False

    def code(c, p, step):
        return acts_on(c.sines, c.sine_when, p, step) or acts_on(c.paths, c.path_when, p, step) or acts_on(c.waves, c.wave_when, p, step)

    return code


@kernel
def acts_on(onto, when, p, step):
    """Whether any drive of one kind acts on piece `p` in `step`."""
    acts = False
    for d in range(len(when)):
        acts |= when[d, 0] < step <= when[d, 1] and onto.first[d, p] < onto.first[d, p + 1]
    return acts


def add_changing(c: Any, *where: Any) -> None:
    """Add the currents that act in `step` on piece `p` to `total` (pA, one sum per neuron); called once per step in which any acts."""


@overload(add_changing)
def _add_changing(c, p, total, first, key, step):
    if is_none(c):
        return lambda c, p, total, first, key, step: None

    def code(c, p, total, first, key, step):
        for d in range(len(c.sine)):
            if c.sine_when[d, 0] < step <= c.sine_when[d, 1]:
                offset, amplitude, omega, phase = c.sine[d]
                add_same(c.sines, d, p, total, first, offset + amplitude * math.sin(omega * step + phase))
        for d in range(len(c.wave_when)):
            if c.wave_when[d, 0] < step <= c.wave_when[d, 1]:
                add_wave(c, d, p, total, first, step)
        for d in range(len(c.path)):
            if c.path_when[d, 0] < step <= c.path_when[d, 1]:
                add_path(c, d, p, total, first, key, step)

    return code


@kernel
def add_same(onto, d, p, total, first, current):
    """Add a current that is the same for all targets of drive `d`."""
    for i in range(onto.first[d, p], onto.first[d, p + 1]):
        total[onto.target[i] - first] += onto.weight[i] * current


@kernel
def add_wave(c, d, p, total, first, step):
    """Add waveform drive `d`: one row of samples."""
    start, _, every, width, begin = c.wave_when[d]
    row = begin + (step - 1 - start) // every * width
    for i in range(c.waves.first[d, p], c.waves.first[d, p + 1]):
        total[c.waves.target[i] - first] += c.waves.weight[i] * c.samples[row + c.wave_column[i]]


@kernel
def add_path(c, d, p, total, first, key, step):
    """Ornstein-Uhlenbeck processes: x(t + dt) = decay·x(t) + sqrt(1 - decay²)·N(0, 1), exact at grid points; x(0) is stationary."""
    mean, std, decay, fresh, stream = c.path[d]
    tick, used = step - 1 - c.path_when[d, 0], c.path_when[d, 2]
    for i in range(c.paths.first[d, p], c.paths.first[d, p + 1]):
        z = normal(philox(c.path_id[i], used + tick, uint32(PATHS | uint32(stream)), 0, key)[0])
        c.path_at[i] = z if tick == 0 else decay * c.path_at[i] + fresh * z
        total[c.paths.target[i] - first] += c.paths.weight[i] * (mean + std * c.path_at[i])
