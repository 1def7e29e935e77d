"""Poisson trains with exact intervals (`poisson_generator_ps`), each at its only target.

Interval number k of a train is a function of (seed, drive, neuron, k): neither dt nor threads nor slices matter.
With a dead time, intervals are that plus an exponential one, and the train is stationary from its start: it then
either is within a dead time, with the probability rate · dead time, or not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import uint32

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.precise.event_times import before, later
from lifsim.engine.random import philox
from lifsim.plan.spikes import NEVER

INTERVALS, RECORDED = np.uint32(7 << 24), np.uint32(8 << 24)  # streams: of trains at targets, of recorded ones

TRAIN = np.dtype(
    [
        *((name, np.float64) for name in ("mean", "dead", "weight", "offset")),
        *((name, np.int64) for name in ("who", "stream", "drawn", "step", "stop")),
    ]
)
"""Intervals of `dead` plus an exponential one of `mean` (ms); how many have been `drawn`; when the next spike arrives, and the
last step in which one can."""


class ExactPoissonTrains(NamedTuple):
    """The trains onto the neuron at place i: ``first[i]`` … ``first[i + 1] - 1``."""

    train: np.ndarray
    first: np.ndarray


@inlined
def uniform(a, b):
    """Two random words as a number between 0 and 1."""
    return (a * 4294967296.0 + b + 0.5) / 18446744073709551616.0


@kernel
def interval(r, key):
    """The next interval of train `r`; the first one, from its start on."""
    w = philox(r.who, r.drawn, uint32(r.stream), 0, key)
    t, u = -r.mean * math.log(uniform(w[0], w[1])), uniform(w[2], w[3])
    if r.drawn == 0:
        busy = r.dead / (r.mean + r.dead)
        return t + (r.dead * u / busy if u < busy else 0.0)
    return t + r.dead


@kernel
def go_on(r, key, dt):
    """Move train `r` on to its next spike."""
    t = interval(r, key)
    r.drawn += 1
    if t / dt < NEVER // 2:
        r.step, r.offset = later(r.step, r.offset, t, dt)
    if r.step > r.stop or t / dt >= NEVER // 2:
        r.step = NEVER


@Part
def begin(m):
    """Draw the first spike of each train."""
    trains, key, dt = read(m)
    for j in range(len(trains)):
        go_on(trains[j], key, dt)


@kernel
def earliest(trains, i):
    """The train whose spike arrives first at neuron `i`, -1 if there is none."""
    best = -1
    for j in range(trains.first[i], trains.first[i + 1]):
        r = trains.train[j]
        if best < 0 or before(r.step, r.offset, trains.train[best].step, trains.train[best].offset):
            best = j
    return best


@Part
def note_until(m, last):
    """Write down the spikes of `trains` up to the step `last`; ``number[0]``: how many, more than there is room for if it is too small."""
    trains, key, dt, node, step, offset, number = read(m)
    n = 0
    for j in range(len(trains)):
        r = trains[j]
        while r.step <= last:
            if n == len(node):
                number[0] = n + 1
                return
            node[n], step[n], offset[n] = j, r.step, r.offset
            n += 1
            go_on(r, key, dt)
    number[0] = n
