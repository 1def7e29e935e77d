"""Poisson trains with exact spike times (`poisson_generator_ps`), each onto one target.

Interval number k of a train is a function of (seed, drive, neuron, k), so it does not depend on dt, threads or slices. With a dead time,
an interval is the dead time plus an exponentially distributed time. The train is stationary from its start: at the start, it is within a
dead time with the probability rate · dead time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.precise.event_times import before, later
from lifsim.engine.random import philox
from lifsim.plan.spikes import NEVER

INTERVALS, RECORDED = np.uint32(7 << 24), np.uint32(8 << 24)  # purposes of streams: trains at targets, recorded trains

TRAIN = np.dtype(
    [
        *((name, np.float64) for name in ("mean", "dead", "weight", "offset")),
        *((name, np.int64) for name in ("who", "stream", "drawn", "step", "stop")),
    ]
)
"""A train: intervals are `dead` plus an exponential time of mean `mean` (ms), and `drawn` is their number so far; spikes have the weight
`weight`; the next one arrives at (`step`, `offset`), the last one not after step `stop`; `who` and `stream` key the random numbers."""


class ExactPoissonTrains(NamedTuple):
    """Trains by place of the target: ``first[i]`` … ``first[i + 1] - 1`` are those onto the neuron at place i."""

    train: np.ndarray
    first: np.ndarray


@inlined
def uniform(a, b):
    """A float64 between 0 and 1 from two random words."""
    return (a * 4294967296.0 + b + 0.5) / 18446744073709551616.0


@kernel
def interval(r, key):
    """The next interval (ms) of train `r`; the first interval begins at the start of the train."""
    w = philox(r.who, r.drawn, uint32(r.stream), 0, key)
    t, u = -r.mean * math.log(uniform(w[0], w[1])), uniform(w[2], w[3])
    if r.drawn == 0:
        busy = r.dead / (r.mean + r.dead)
        return t + (r.dead * u / busy if u < busy else 0.0)
    return t + r.dead


@kernel
def go_on(r, key, dt):
    """Advance train `r` to its next spike."""
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
    """The train with the earliest next spike at neuron `i`; -1 if there is none."""
    best = -1
    for j in range(trains.first[i], trains.first[i + 1]):
        r = trains.train[j]
        if best < 0 or before(r.step, r.offset, trains.train[best].step, trains.train[best].offset):
            best = j
    return best


@Part
def note_until(m, last):
    """Record the spikes of `trains` up to step `last`; ``number[0]`` is their number, or above the room for them if there are more."""
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
