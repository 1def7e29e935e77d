"""The synapses of one target at a time, drawn from counters: the same at every pass.

Blocks are filled in two passes (count, then fill) over these functions, so synapses are never held
twice and nothing depends on which thread asks.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import uint32

from lifsim.engine.jit import inlined, kernel
from lifsim.engine.random import DELAYS, SOURCES, WEIGHTS, below, normal, philox, retry_word
from lifsim.plan import BY_PAIR, BY_SYNAPSE, CONSTANT, LOGNORMAL, ONE, RANDOM, ROWS, UNIFORM


class Draw(NamedTuple):
    """`plan.Values` for kernels."""

    kind: int
    a: float
    b: float
    low: float
    high: float
    array: np.ndarray


class Rule(NamedTuple):
    """`plan.Wiring` for kernels."""

    kind: int
    stream: int
    multapses: bool
    sources: np.ndarray
    targets: np.ndarray
    ptr: np.ndarray
    rows: np.ndarray
    itself: np.ndarray
    weight: Draw
    delay: Draw


class Scratch(NamedTuple):
    """Work space for the synapses of one target: indices into `sources`, weights, delays in steps."""

    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    mark: np.ndarray


def rule_of(wiring: Any) -> Rule:
    """A `plan.Wiring` as the tuple that kernels take."""

    def draw(v: Any) -> Draw:
        array = np.zeros(0) if v.array is None else v.array
        return Draw(v.kind, float(v.a), float(v.b), float(v.low), float(v.high), np.ascontiguousarray(array, np.float64))

    w = wiring
    return Rule(w.kind, w.index, w.multapses, w.sources, w.targets, w.ptr, w.rows, w.itself, draw(w.weight), draw(w.delay))


def scratch_for(rule: Rule) -> Scratch:
    """Work space large enough for any target of `rule`."""
    n = int(np.diff(rule.ptr).max(initial=0)) + 4
    return Scratch(np.empty(n, np.int32), np.empty(n, np.float64), np.empty(n, np.float64), np.zeros(len(rule.sources), np.int32))


@inlined
def random_sources(rule, t, n, s, key):
    """Fill ``s.source[:n]`` with sources drawn for target `t`, each equally likely."""
    itself = rule.itself[t]
    room = len(rule.sources) - (1 if itself >= 0 else 0)
    stream = uint32(SOURCES | uint32(rule.stream))
    # Of more than half of them, draw those that are left out.
    wanted = n if rule.multapses or 2 * n <= room else room - n
    found, i = 0, 0
    while found < wanted:
        words = philox(t, i >> 2, stream, 0, key)
        for j in range(4):
            if found < wanted:
                x = below(room, words[j], t, i + j, stream, key)
                x += 1 if 0 <= itself <= x else 0
                if rule.multapses or s.mark[x] != t + 1:
                    s.mark[x] = t + 1
                    s.source[found] = x
                    found += 1
        i += 4
    if wanted != n:
        found = 0
        for x in range(len(rule.sources)):
            if s.mark[x] != t + 1 and x != itself:
                s.source[found] = x
                found += 1


@inlined
def sources_of(rule, t, s, key):
    """Fill ``s.source`` with the sources of target `t`; returns how many."""
    n = rule.ptr[t + 1] - rule.ptr[t]
    if rule.kind == ROWS:
        s.source[:n] = rule.rows[rule.ptr[t] : rule.ptr[t + 1]]
    elif rule.kind == ONE:
        s.source[0] = t
    elif rule.kind == RANDOM:
        random_sources(rule, t, n, s, key)
    else:
        k = 0
        for x in range(len(rule.sources)):
            if x != rule.itself[t]:
                s.source[k] = x
                k += 1
    return n


@kernel
def transform(kind, a, b, u):
    """The value of a distribution at the random word `u`. (No array among the arguments: counting
    references to it would cost more than the arithmetic.)
    """
    if kind == UNIFORM:
        return a + (b - a) * ((np.float64(u) + 0.5) / 4294967296.0)
    z = a + b * normal(u)
    return math.exp(z) if kind == LOGNORMAL else z


@inlined
def values_of(rule, draw, t, n, source, stream, out, key):
    """Fill ``out[:n]`` with the weights or delays (`draw`) of the `n` synapses of target `t`."""
    if draw.kind == CONSTANT:
        out[:n] = draw.a
    elif draw.kind == BY_SYNAPSE:
        out[:n] = draw.array[rule.ptr[t] : rule.ptr[t + 1]]
    elif draw.kind == BY_PAIR:
        row = draw.array[t * len(rule.sources) : (t + 1) * len(rule.sources)]
        for k in range(n):
            out[k] = row[source[k]]
    else:
        kind, a, b = draw.kind, draw.a, draw.b
        for q in range((n + 3) >> 2):
            words = philox(t, q, stream, 0, key)
            for j in range(4):
                k = 4 * q + j
                x = transform(kind, a, b, words[j])
                attempt = 0
                while x < draw.low or x > draw.high:
                    attempt += 1
                    x = transform(kind, a, b, retry_word(t, k, stream, attempt, key))
                out[k] = x


@inlined
def weights_of(rule, t, n, s, key):
    """Fill ``s.weight[:n]``."""
    values_of(rule, rule.weight, t, n, s.source, uint32(WEIGHTS | uint32(rule.stream)), s.weight, key)


@inlined
def delays_of(rule, t, n, s, key):
    """Fill ``s.delay[:n]`` with whole numbers of steps; drawn ones are at least dt / 2 and so round to at least 1."""
    values_of(rule, rule.delay, t, n, s.source, uint32(DELAYS | uint32(rule.stream)), s.delay, key)
    for k in range(n):
        s.delay[k] = math.floor(s.delay[k] + 0.5)


@kernel
def expand_rule(rule, s, key, out):
    """Every synapse of `rule` as a row of `out`: (source index, target index, weight, delay)."""
    i = 0
    for t in range(len(rule.targets)):
        n = sources_of(rule, t, s, key)
        weights_of(rule, t, n, s, key)
        delays_of(rule, t, n, s, key)
        for k in range(n):
            out.source[i], out.target[i] = s.source[k], t
            out.weight[i], out.delay[i] = s.weight[k], np.int64(s.delay[k])
            i += 1


class Expanded(NamedTuple):
    """Synapses of one wiring: indices into its sources and targets, weight, delay in steps; shape (n,) each."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


def key_of(seed: int) -> tuple[np.uint64, np.uint64]:
    """The Philox key of a seed: its two 32-bit words."""
    return np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)


def expand(wiring: Any, seed: int) -> Expanded:
    """All synapses of a `plan.Wiring`, in order of target and synapse."""
    rule = rule_of(wiring)
    n = int(rule.ptr[-1])
    out = Expanded(np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.float64), np.empty(n, np.int64))
    expand_rule(rule, scratch_for(rule), key_of(seed), out)
    return out
