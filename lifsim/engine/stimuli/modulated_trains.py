"""Random spike trains with changing rate, at their targets: sinusoidal Poisson and gamma generators.

The expected number of spikes in a step is the same for all targets of a drive. Poisson trains need no state: the distribution function of
their counts is tabulated once per step, and a random word is looked up in it. In a gamma train of order a, the integral of the rate
between two spikes has the gamma distribution of shape a and mean 1; the state of a train is what is left of this integral until the next
spike (Barbieri et al. 2001, doi:10.1016/S0165-0270(00)00344-7).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import kernel
from lifsim.engine.compiler.overloads import is_none, overload
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.random import midpoint, normal, philox, word


class ModulatedTrains(NamedTuple):
    """Drives with random trains. Each spike of entry i adds ``weight[i]`` to state variable ``channel[d]`` at place ``target[i]``.

    Drive d has the entries ``first[d, p]`` … ``first[d, p + 1] - 1`` in piece p. ``stream[d]`` and ``who[i]`` are the key of the random
    numbers. ``rate[d]`` is mean, amplitude, omega, phase; ``order[d]`` is 0 for Poisson trains; ``when[d]`` is delay, start, stop (see
    `lifsim.plan.stimuli.TrainDrive`). For gamma trains, ``left[i]`` is the integral of the rate until the next spike, and ``drawn[i]`` the
    number of intervals drawn so far. ``table[rank]`` is work space of a thread for the distribution function.
    """

    first: np.ndarray
    target: np.ndarray
    who: np.ndarray
    weight: np.ndarray
    channel: np.ndarray
    stream: np.ndarray
    rate: np.ndarray
    order: np.ndarray
    when: np.ndarray
    left: np.ndarray
    drawn: np.ndarray
    table: np.ndarray


WIDE, MORE = 7, 24  # Poisson counts further than WIDE·sqrt(mean) + MORE from the mean are neglected


def room(mean: float) -> int:
    """The size of the table of a Poisson distribution whose mean is at most `mean`."""
    return 2 * math.ceil(WIDE * math.sqrt(mean) + MORE) + 3


def add_trains(t: Any, *where: Any) -> None:
    """Add the spikes of all drives that arrive in `step` to the neurons of `piece`; called by thread `rank`."""


@overload(add_trains)
def _add_trains(t, rank, piece, state, key, step):
    if is_none(t):
        return lambda t, rank, piece, state, key, step: None

    def code(t, rank, piece, state, key, step):
        for d in range(len(t.order)):
            delay, start, stop = t.when[d]
            if start < step <= stop and t.first[d, piece] < t.first[d, piece + 1]:
                mean, amplitude, omega, phase = t.rate[d]
                expected = mean + amplitude * math.sin(omega * (step - delay) + phase)
                if expected > 0 and t.order[d] == 0:
                    add_poisson_trains(t, rank, d, piece, state[t.channel[d]], expected, key, step - delay)
                elif expected > 0:
                    add_gamma_trains(t, d, piece, state[t.channel[d]], expected, key)

    return code


@kernel
def add_poisson_trains(t, rank, d, piece, total, expected, key, step):
    """Add Poisson counts with the mean `expected`, sent by the generator in `step`."""
    low, n = tabulate(t.table[rank], expected)
    table, stream = t.table[rank, :n], uint32(t.stream[d])
    for i in range(t.first[d, piece], t.first[d, piece + 1]):
        count = low + number_up_to(table, midpoint(word(t.who[i], step, stream, key)))
        total[t.target[i]] += count * total.dtype.type(t.weight[i])


@kernel
def tabulate(table, mean):
    """Fill `table` with P(N <= low), P(N <= low + 1), … of a Poisson number N; returns `low` and the number of entries."""
    far = WIDE * math.sqrt(mean) + MORE
    low, high = max(0, math.floor(mean - far)), math.ceil(mean + far)
    p, total = math.exp(low * math.log(mean) - mean - math.lgamma(low + 1.0)), 0.0
    for k in range(low, high + 1):
        total += p
        table[k - low] = total
        p *= mean / (k + 1)
    return low, high + 1 - low


@kernel
def add_gamma_trains(t, d, piece, total, expected, key):
    """Add the spikes of gamma trains in a step with `expected` spikes per train; before the first step, every train has just spiked."""
    stream, order = uint32(t.stream[d]), t.order[d]
    for i in range(t.first[d, piece], t.first[d, piece + 1]):
        if t.drawn[i] == 0:
            t.left[i] = gamma_interval(t.who[i], 0, stream, order, key)
            t.drawn[i] = 1
        t.left[i] -= expected
        count = 0
        while t.left[i] <= 0:
            t.left[i] += gamma_interval(t.who[i], t.drawn[i], stream, order, key)
            t.drawn[i] += 1
            count += 1
        total[t.target[i]] += count * total.dtype.type(t.weight[i])


@kernel
def gamma_interval(who, number, stream, order, key):
    """Interval `number` of a train: gamma distribution, shape `order` >= 1, mean 1 (Marsaglia & Tsang 2000, doi:10.1145/358407.358414)."""
    d, attempt = order - 1.0 / 3.0, 0
    while True:
        words = philox(who, number, stream, attempt, key)
        z, u = normal(words[0]), midpoint(words[1])
        v = (1.0 + z / math.sqrt(9.0 * d)) ** 3
        if v > 0 and math.log(u) < 0.5 * z * z + d - d * v + d * math.log(v):
            return d * v / order
        attempt += 1
