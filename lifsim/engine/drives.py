"""Stimuli at their targets: Poisson trains and currents, computed from the step number alone."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import uint32

from lifsim.engine.jit import kernel
from lifsim.engine.random import NOISE, POISSON, normal, philox

QUAD = 4  # a Philox counter gives four words: those of four steps
CHUNK = 256


class PoissonDrives(NamedTuple):
    """Drives d, targets i: those of d in block b are ``block[d, b]`` … ``block[d, b + 1] - 1`` in `target`, `weight` and `law`.

    A law (row of the tables) is a Poisson distribution as thresholds: a uniform word u gives the count
    ``low + Σ (u >= table[k])``, k < length. `since[piece[d]:piece[d + 1]]` are the steps from which the
    laws in `piece_law` hold for all targets of d; a drive without pieces has a law for each target.
    `uniform[d]`: contiguous targets, one weight, counts below 256 (the fast path, buffered by four
    steps in `counts`; `filled` says which four).
    """

    target: np.ndarray
    weight: np.ndarray
    law: np.ndarray
    piece: np.ndarray
    since: np.ndarray
    piece_law: np.ndarray
    uniform: np.ndarray
    channel: np.ndarray
    stream: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    block: np.ndarray
    table: np.ndarray
    low: np.ndarray
    length: np.ndarray
    counts: np.ndarray
    filled: np.ndarray


class Currents(NamedTuple):
    """Entries i: `weight[i]` times the amplitude of their schedule onto `target[i]`.

    Entries of schedule s in block b: ``first[s, b]`` … ``first[s, b + 1] - 1``. Schedule s has the
    amplitudes `amplitude[begin[s]:begin[s + 1]]`, each after the step `since`. `change` are the steps
    at which anything changes. Noise entries follow the same way, with their own parameters.
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
    noise_weight: np.ndarray
    noise: np.ndarray
    noise_when: np.ndarray


class OwnInput(NamedTuple):
    """What turns a current into the drive of a neuron: mV a step per pA, and its own I_e; shape (n,)."""

    gain: np.ndarray
    I_e: np.ndarray


# -- Poisson ---------------------------------------------------------------------------------------


@kernel
def law_at(p, d, step):
    """The law that holds for all targets of drive `d`, -1 before the first."""
    law = -1
    for q in range(p.piece[d], p.piece[d + 1]):
        if p.since[q] <= step:
            law = p.piece_law[q]
    return law


@kernel
def add_poisson(p, b, arrived, first, key, step):
    """Add the Poisson input of `step` to the sums of block `b`, whose first neuron is `first`."""
    for d in range(len(p.uniform)):
        lo, hi = p.block[d, b], p.block[d, b + 1]
        if lo < hi and p.start[d] < step <= p.stop[d]:
            if p.uniform[d]:
                law = law_at(p, d, step)
                if law >= 0:
                    add_uniform(p, d, b, law, arrived[p.channel[d]], first, key, step)
            else:
                add_single(p, d, lo, hi, arrived[p.channel[d]], first, key, step)


@kernel
def add_uniform(p, d, b, law, total, first, key, step):
    """Drive `d` on its targets in a block: contiguous, all of one law and one weight."""
    lo, hi = p.block[d, b], p.block[d, b + 1]
    quad = step // QUAD
    when = quad * len(p.low) + law  # a law that changes within four steps makes them anew
    if p.filled[d, b] != when:
        stream = uint32(POISSON | uint32(p.stream[d]))
        fill_counts(p.counts[:, lo:hi], p.target[lo], quad, stream, p.table[law, : p.length[law]], p.low[law], key)
        p.filled[d, b] = when
    counts = p.counts[step % QUAD, lo:hi]
    weight = total.dtype.type(p.weight[lo])
    at = p.target[lo] - first
    add_counts(total[at : at + hi - lo], counts, weight)


@kernel
def add_counts(total, counts, weight):
    """total += counts · weight."""
    for i in range(len(total)):
        total[i] += counts[i] * weight


@kernel
def fill_counts(counts, who, quad, stream, table, low, key):
    """Poisson counts of four steps, shape (4, n), of the neurons from `who` on; in chunks that stay in the cache."""
    words = np.empty((QUAD, CHUNK), np.uint32)
    for a in range(0, counts.shape[1], CHUNK):
        n = min(CHUNK, counts.shape[1] - a)
        draw_words(words[0, :n], words[1, :n], words[2, :n], words[3, :n], who + a, quad, stream, key)
        for q in range(QUAD):
            count_thresholds(words[q, :n], table, low, counts[q, a : a + n])


@kernel
def draw_words(w0, w1, w2, w3, who, quad, stream, key):
    """The words of four steps of the neurons from `who` on."""
    for i in range(len(w0)):
        w0[i], w1[i], w2[i], w3[i] = philox(who + i, quad, stream, 0, key)


@kernel
def count_thresholds(u, table, low, out):
    """out[i] = low + Σ_k (u[i] >= table[k]), eight thresholds at a time; `table` has a multiple of eight."""
    out[:] = low
    for k in range(0, len(table), 8):
        a, b, c, d = table[k], table[k + 1], table[k + 2], table[k + 3]
        e, f, g, h = table[k + 4], table[k + 5], table[k + 6], table[k + 7]
        for i in range(len(u)):
            x = u[i]
            n = uint32(x >= a) + uint32(x >= b) + uint32(x >= c) + uint32(x >= d)
            n += uint32(x >= e) + uint32(x >= f) + uint32(x >= g) + uint32(x >= h)
            out[i] += n


@kernel
def add_single(p, d, lo, hi, total, first, key, step):
    """Drive `d` on targets of any order, each with its own law and weight."""
    stream = uint32(POISSON | uint32(p.stream[d]))
    shared = law_at(p, d, step)
    for i in range(lo, hi):
        law = p.law[i] if p.piece[d] == p.piece[d + 1] else shared
        if law >= 0:
            words = philox(p.target[i], step // QUAD, stream, 0, key)
            n = p.low[law] + np.searchsorted(p.table[law, : p.length[law]], words[step % QUAD], side="right")
            total[p.target[i] - first] += n * total.dtype.type(p.weight[i])


# -- currents --------------------------------------------------------------------------------------


@kernel
def currents_change(c, step):
    """Whether any current is another in `step` than in the step before."""
    k = np.searchsorted(c.change, step)
    if k < len(c.change) and c.change[k] == step:
        return True
    for s in range(len(c.noise_when)):
        period, start, stop = c.noise_when[s]
        if start < step <= stop and (step - 1 - start) % period == 0:
            return True
    return False


@kernel
def add_currents(c, b, total, first, key, step):
    """Add to `total` (pA, a sum a neuron) of block `b` the currents that act in `step`."""
    for s in range(len(c.begin) - 1):
        k = np.searchsorted(c.since[c.begin[s] : c.begin[s + 1]], step) - 1
        if k >= 0:
            amplitude = c.amplitude[c.begin[s] + k]
            for i in range(c.first[s, b], c.first[s, b + 1]):
                total[c.target[i] - first] += c.weight[i] * amplitude
    for s in range(len(c.noise_when)):
        add_noise(c, s, b, total, first, key, step)


@kernel
def add_noise(c, s, b, total, first, key, step):
    """Noise drive `s`: a value for every target and period, whatever step asks for it."""
    period, start, stop = c.noise_when[s]
    if not start < step <= stop:
        return
    mean, std, std_mod, omega, phase, stream = c.noise[s]
    tick = (step - 1 - start) // period
    wave = math.sin(omega * (start + tick * period) + phase)
    sd = math.sqrt(std * std + std_mod * std_mod * wave)
    for i in range(c.noise_first[s, b], c.noise_first[s, b + 1]):
        words = philox(c.noise_target[i], tick, uint32(NOISE | uint32(stream)), 0, key)
        total[c.noise_target[i] - first] += c.noise_weight[i] * (mean + sd * normal(words[0]))


@kernel
def set_drives(c, own, b, lo, hi, drive, key, step):
    """The constant input of the neurons lo … hi - 1 of block `b` in `step`, as mV a step."""
    total = np.zeros(hi - lo)
    add_currents(c, b, total, lo, key, step)
    for i in range(lo, hi):
        drive[i] = own.gain[i] * (own.I_e[i] + total[i - lo])
