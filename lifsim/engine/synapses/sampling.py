"""Draws the synapses of one target at a time, with counter-based random numbers: every pass gives the same synapses.

Blocks are packed in two passes (count, then fill) over these functions, so synapses are never stored twice, and nothing depends on which
thread draws. The four words of a Philox counter go to synapses that are a quarter of the target's synapses apart, so drawing is a simple
loop over counters.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import uint32, uint64

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.compiler.parts import Calls, Known, Part, call, read
from lifsim.engine.random import DELAYS, SOURCES, WEIGHTS, below, fill_normal, fill_words, midpoint, normal, philox, retry_word
from lifsim.plan.synapses import BY_PAIR, BY_SYNAPSE, CONSTANT, LOGNORMAL, ONE, RANDOM, ROWS, UNIFORM

NOT_DRAWN = (CONSTANT, BY_SYNAPSE, BY_PAIR)  # kinds of values that are not drawn
CELLS = 12  # upper bits of a random word that are the index into the table of delays


class Draw(NamedTuple):
    """`lifsim.plan.Values` in the form for kernels."""

    kind: int
    a: float
    b: float
    low: float
    high: float
    array: np.ndarray


class Rule(NamedTuple):
    """`lifsim.plan.Wiring` in the form for kernels; `steps` is the `whole_table` of its delays if they are drawn, else empty."""

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
    steps: np.ndarray


class Scratch(NamedTuple):
    """Work space for the synapses of one target: indices into `sources`, weights, delays in steps, random words; marks of sources."""

    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    word: np.ndarray
    mark: np.ndarray


def rule_of(wiring: Any) -> Rule:
    """A `lifsim.plan.Wiring` as the tuple that kernels take."""
    w = wiring
    weight, delay = draw_of(w.weight), draw_of(w.delay)
    steps = np.empty(1 << CELLS if delay.kind not in NOT_DRAWN else 0, np.int32)
    if len(steps):
        whole_table((delay, steps))
    return Rule(w.kind, w.index, w.multapses, w.sources, w.targets, w.ptr, read_only(w.rows), w.itself, weight, delay, steps)


def draw_of(v: Any) -> Draw:
    """`lifsim.plan.Values` as the tuple that kernels take."""
    array = np.zeros(0) if v.array is None else v.array
    return Draw(v.kind, float(v.a), float(v.b), float(v.low), float(v.high), read_only(np.ascontiguousarray(array, np.float64)))


def read_only(given: np.ndarray) -> np.ndarray:
    """A read-only view: kernels are compiled for one type only, whether the user's array is writable or not."""
    view = given.view()
    view.flags.writeable = False
    return view


def scratch_for(rule: Rule) -> Scratch:
    """Work space that is large enough for every target of `rule`."""
    n = int(np.diff(rule.ptr).max(initial=0)) + 4
    marks = 0 if rule.multapses or rule.kind != RANDOM else len(rule.sources)
    return Scratch(np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64), np.empty(n, np.uint32), np.zeros(marks, np.int32))


@kernel
def words_of(t, n, stream, s, key):
    """Fill ``s.word[:n]`` with the first random words of target `t`."""
    m = (n + 3) >> 2
    fill_words(t, stream, key, s.word[:m], s.word[m : 2 * m], s.word[2 * m : 3 * m], s.word[3 * m : 4 * m])


@Part
def name_sources(m, t):
    """Write the sources of target `t` for rules that do not draw them."""
    rule, s, _ = read(m)
    begin, itself = rule.ptr[t], rule.itself[t]
    for k in range(rule.ptr[t + 1] - begin):
        s.source[k] = rule.rows[begin + k] if rule.kind == ROWS else t if rule.kind == ONE else k + 1 if 0 <= itself <= k else k


@Part
def draw_sources(m, t):
    """Draw the sources of target `t` with equal probabilities, with replacement."""
    rule, s, key = read(m)
    n, stream = rule.ptr[t + 1] - rule.ptr[t], uint32(SOURCES | uint32(rule.stream))
    words_of(t, n, stream, s, key)
    some_sources(others(rule, t), s.word[:n], t, stream, key, s.source[:n])
    skip(rule.itself[t], s.source[:n])


@Part
def draw_different_sources(m, t):
    """Draw the sources of target `t` with equal probabilities, without replacement."""
    rule, s, key = read(m)
    n, stream, room = rule.ptr[t + 1] - rule.ptr[t], uint32(SOURCES | uint32(rule.stream)), others(rule, t)
    if 2 * n <= room:
        different_sources(room, n, t, stream, s, key)
    else:  # if more than half are drawn, draw the sources that are left out instead
        different_sources(room, room - n, t, stream, s, key)
        left_in(room, t, s.mark, s.source[:n])
    skip(rule.itself[t], s.source[:n])


@inlined
def others(rule, t):
    """The number of possible sources of target `t`: all, or all but itself."""
    return len(rule.sources) - (1 if rule.itself[t] >= 0 else 0)


@inlined
def skip(itself, source):
    """Turn indices among the sources without `itself` into indices among all sources; -1: nothing is excluded."""
    if itself >= 0:
        for k in range(len(source)):
            source[k] += 1 if source[k] >= itself else 0


@kernel
def some_sources(room, word, t, stream, key, source):
    """``source[k] = below(room, word[k], …)``: a vectorised loop without rejection; if any word may be rejected, all are recomputed."""
    n, doubtful = uint64(room), 0
    for k in range(len(source)):
        m = uint64(word[k]) * n
        source[k] = np.int64(m >> uint64(32))
        doubtful += 1 if uint32(m) < uint32(n) else 0
    if doubtful:
        for k in range(len(source)):
            source[k] = below(room, word[k], t, k, stream, key)


@kernel
def different_sources(room, n, t, stream, s, key):
    """The first `n` different sources of the random sequence of target `t`; they are marked with t + 1."""
    found, k = 0, 0
    while found < n:
        words = philox(t, k >> 2, stream, 0, key)
        for j in range(4):
            x = below(room, words[j], t, k + j, stream, key)
            if found < n and s.mark[x] != t + 1:
                s.mark[x] = t + 1
                s.source[found] = x
                found += 1
        k += 4


@kernel
def left_in(room, t, mark, source):
    """The sources that are not marked for target `t`, ascending."""
    k = 0
    for x in range(room):
        if mark[x] != t + 1:
            source[k] = x
            k += 1


@kernel
def transform(kind, a, b, u):
    """The value of a distribution for the random word `u`. (No argument is an array: counting references would cost more than this.)"""
    if kind == UNIFORM:
        return a + (b - a) * midpoint(u)
    z = a + b * normal(u)
    return math.exp(z) if kind == LOGNORMAL else z


@inlined
def given_value(rule, draw, t, k, source):
    """The weight or delay (`draw`) of synapse `k` of target `t` from source number `source`, if it is not drawn."""
    if draw.kind == CONSTANT:
        return draw.a
    if draw.kind == BY_SYNAPSE:
        return draw.array[rule.ptr[t] + k]
    return draw.array[t * len(rule.sources) + source]


@Part
def give_weights(m, t):
    """Write the weights of the synapses of target `t` if they are not drawn."""
    rule, s, _ = read(m)
    for k in range(rule.ptr[t + 1] - rule.ptr[t]):
        s.weight[k] = given_value(rule, rule.weight, t, k, s.source[k])


@Part
def draw_weights(m, t):
    """Draw the weights of the synapses of target `t`."""
    rule, s, key = read(m)
    d, n, stream = rule.weight, rule.ptr[t + 1] - rule.ptr[t], uint32(WEIGHTS | uint32(rule.stream))
    words_of(t, n, stream, s, key)
    drawn_values(d, s.word[:n], t, stream, key, s.weight[:n])


@kernel
def drawn_values(d, word, t, stream, key, out):
    """Fill `out` with the values of distribution `d` for the random words of target `t`; values outside [low, high] are redrawn."""
    kind, a, b, low, high = d.kind, d.a, d.b, d.low, d.high
    if kind == UNIFORM:
        for k in range(len(out)):
            out[k] = transform(kind, a, b, word[k])
    else:
        fill_normal(word, out)
        for k in range(len(out)):
            out[k] = a + b * out[k]
        if kind == LOGNORMAL:
            for k in range(len(out)):
                out[k] = math.exp(out[k])
    outside = 0
    for k in range(len(out)):
        outside += (out[k] < low) | (out[k] > high)
    if outside:
        for k in range(len(out)):
            attempt = 0
            while out[k] < low or out[k] > high:
                attempt += 1
                out[k] = transform(kind, a, b, retry_word(t, k, stream, attempt, key))


@Part
def give_delays(m, t):
    """Write the delays (in steps) of the synapses of target `t` if they are not drawn."""
    rule, s, _ = read(m)
    for k in range(rule.ptr[t + 1] - rule.ptr[t]):
        s.delay[k] = math.floor(given_value(rule, rule.delay, t, k, s.source[k]) + 0.5)


@Part
def draw_delays(m, t):
    """Draw the delays (in steps) of the synapses of target `t`; they are at least dt / 2, so they round to at least 1 step."""
    rule, s, key = read(m)
    n, stream = rule.ptr[t + 1] - rule.ptr[t], uint32(DELAYS | uint32(rule.stream))
    words_of(t, n, stream, s, key)
    drawn_steps(rule.delay, rule.steps, s.word[:n], t, stream, key, s.delay[:n])


@kernel
def whole(d, u):
    """The delay (steps) for the random word `u`; 0 if it must be redrawn."""
    x = transform(d.kind, d.a, d.b, u)
    return 0 if x < d.low or x > d.high else math.floor(x + 0.5)


@Part
def whole_table(m):
    """Tabulate the delay of all random words that share their upper `CELLS` bits; -1 if it is not the same for all of them.

    `transform` increases with the word, so the delay is the same for all if it is the same for the first and the last word.
    """
    d, table = read(m)
    for i in range(len(table)):
        first = i << (32 - CELLS)
        a, z = whole(d, first), whole(d, first + (1 << (32 - CELLS)) - 1)
        table[i] = a if a == z and a > 0 else -1


@kernel
def drawn_steps(d, table, word, t, stream, key, out):
    """Fill `out` with the delays for the random words of target `t`, from the table where possible."""
    for k in range(len(out)):
        out[k] = table[word[k] >> uint32(32 - CELLS)]
        if out[k] < 0:
            attempt, out[k] = 0, whole(d, word[k])
            while out[k] == 0:
                attempt += 1
                out[k] = whole(d, retry_word(t, k, stream, attempt, key))


DELAYS_TOO, WEIGHTS_TOO = 1, 2  # flags: what to draw in addition to the sources of a target


class Drawing(NamedTuple):
    """The data with which kernels draw synapses.

    `code` and `data` are the addresses of the parts for sources, delays and weights. After calling these for target t, its
    ``ptr[t + 1] - ptr[t]`` synapses are in `source` (indices into `sources`), `weight` and `delay` (steps).
    """

    code: np.ndarray
    data: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    ptr: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


class Drawer:
    """Draws the synapses of a rule. It has its own work space, so only one thread may use it at a time."""

    def __init__(self, rule: Rule, key: tuple[np.uint64, np.uint64]) -> None:
        s = scratch_for(rule)
        data = rule, s, key
        self._calls = Calls(
            [
                (name_sources if rule.kind != RANDOM else draw_sources if rule.multapses else draw_different_sources, data),
                (draw_delays if len(rule.steps) else give_delays, data),
                (give_weights if rule.weight.kind in NOT_DRAWN else draw_weights, data),
            ],
            Known(),
        )
        self._drawing = Drawing(self._calls.code, self._calls.data, rule.sources, rule.targets, rule.ptr, s.source, s.weight, s.delay)

    def run(self, part: Part, data: tuple[Any, ...], *numbers: int) -> None:
        """Run a part that draws synapses; its data are the `Drawing`, followed by `data`."""
        part((self._drawing, *data), *numbers)


@inlined
def draw(d, t, what):
    """Draw the synapses of target `t`; returns their number."""
    call(d.code[0], d.data[0], (t,))
    if what & DELAYS_TOO:
        call(d.code[1], d.data[1], (t,))
    if what & WEIGHTS_TOO:
        call(d.code[2], d.data[2], (t,))
    return d.ptr[t + 1] - d.ptr[t]


def key_of(seed: int) -> tuple[np.uint64, np.uint64]:
    """The Philox key of a seed: its two 32-bit words."""
    return np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)
