"""Poisson stimuli at their targets: spike counts, computed from the step number alone.

A count takes half of a random word (16 bits). Let p_k be the probability of k spikes in a step, and a_k = floor(2¹⁶ p_k). Of the 2¹⁶
values of the half word, a_k mean the count k. The few that remain (about one in 10⁴) need a further word, which is drawn from the
remainders of the rounding, 2¹⁶ p_k - a_k. So k has the probability p_k up to 2⁻³², and vectors of 16 half words are compared at once with
the limits between counts.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy import int16, uint8, uint32

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.compiler.object_code import processor
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.neurons.state import by_line
from lifsim.engine.random import POISSON, philox

STEPS = 4  # steps per Philox counter: one of its four words per step, with half a word for each of two neurons
LANES = 4  # limits that are compared at a time
FEW = 128  # counts that are searched at a time for those that need a further word


class Laws(NamedTuple):
    """Distributions l of counts (laws).

    A half word, read as signed number s, means the count ``low[l]`` plus the number of limits ``limit[first[l]:first[l + 1]]`` below s. If
    all ``width[l]`` limits are below s, the count is ``rest_low[l]`` plus the number of limits ``rest[rest_first[l]:rest_first[l + 1]]``
    that are not above the further word.
    """

    limit: np.ndarray
    first: np.ndarray
    low: np.ndarray
    width: np.ndarray
    rest: np.ndarray
    rest_first: np.ndarray
    rest_low: np.ndarray


class PoissonDrives(NamedTuple):
    """Poisson drives d onto targets i (place ``target[i]``, global id ``id[i]``).

    Each spike adds ``weight[i]`` to state variable ``channel[d]``. The entries ``entry[p]`` … ``entry[p + 1] - 1`` belong to piece p; entry
    e has the targets ``begin[e]`` … ``end[e] - 1`` of drive ``drive[e]``. If drive d has one law for all targets, this is
    ``law_since[q]`` from step ``since[q]`` on, with q from ``change[d]`` to ``change[d + 1] - 1``; else each target has the law ``law[i]``.

    Drives with ``uniform[d]`` have contiguous targets, one weight, and counts below 256. Their counts are drawn for four steps at a time
    into `counts` (uint8, shape (4, n_targets)); ``filled[e]`` tells for which four. Each thread has the work space ``words[rank]``
    (uint32), ``halves[rank]`` (the same memory as int16) and ``sums[rank]``.
    """

    target: np.ndarray
    id: np.ndarray
    weight: np.ndarray
    law: np.ndarray
    channel: np.ndarray
    stream: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    uniform: np.ndarray
    change: np.ndarray
    since: np.ndarray
    law_since: np.ndarray
    entry: np.ndarray
    drive: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    filled: np.ndarray
    counts: np.ndarray
    words: np.ndarray
    halves: np.ndarray
    sums: np.ndarray
    laws: Laws


# -- distributions (NumPy, once per run) ------------------------------------------------------------


def probabilities(mean: float) -> tuple[int, np.ndarray]:
    """k₀ and P(N = k₀), P(N = k₀ + 1), … of a Poisson number N, including all that are not negligible at a resolution of 2⁻³²."""
    if mean == 0:
        return 0, np.ones(1)
    reach = 7 * math.sqrt(mean) + 24
    k = np.arange(max(0, math.floor(mean - reach)), math.ceil(mean + reach) + 1)
    return int(k[0]), np.exp(k * math.log(mean) - mean - np.array([math.lgamma(x + 1.0) for x in k]))


def limits(k0: int, p: np.ndarray) -> tuple[int, np.ndarray]:
    """The probabilities `p` of k₀, k₀ + 1, … as (low, limits): count = low + Σ (u >= limit), with u uniform in [0, 2³²)."""
    cdf = np.round(np.cumsum(p) * 2.0**32)
    return k0 + int(np.count_nonzero(cdf < 1)), cdf[(cdf >= 1) & (cdf < 2.0**32)].astype(np.uint32)


def half_limits(k0: int, p: np.ndarray) -> tuple[int, np.ndarray, tuple[int, np.ndarray]]:
    """As `limits`, for a half word: low, limits, and (low, limits) of the further word for values above the last limit."""
    share = np.floor(p * 2.0**16)
    rest = p * 2.0**16 - share
    used = np.flatnonzero(share)
    first, stop = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)  # if empty, every half word needs a further word
    return k0 + first, np.cumsum(share[first:stop]).astype(np.int64), limits(k0, rest / max(rest.sum(), 2.0**-32))


@lru_cache(512)
def law_of(mean: float) -> tuple[int, np.ndarray, tuple[int, np.ndarray]]:
    """The `half_limits` of a Poisson distribution."""
    return half_limits(*probabilities(mean))


def laws_of(means: np.ndarray) -> Laws:
    """Poisson distributions with these means."""
    low, width, limit, rest_low, rest = [], [], [], [], []
    for mean in means.tolist():
        own_low, own, (further_low, further) = law_of(mean)
        low.append(own_low)
        width.append(len(own))
        # s > limit for a signed s: the half word u = s + 2¹⁵ is at least limit + 2¹⁵ + 1. No s exceeds the limits used as padding.
        signed = np.minimum(own - 2**15 - 1, 2**15 - 1)
        limit.append(np.append(signed, np.full(-len(own) % LANES, 2**15 - 1)).astype(np.int16))
        rest_low.append(further_low)
        rest.append(further)
    none = np.zeros(0, np.int16)
    return Laws(
        np.concatenate([none, *limit]),
        np.concatenate([[0], np.cumsum([len(x) for x in limit])]).astype(np.int64),
        np.array(low, np.int64),
        np.array(width, np.int64),
        np.concatenate([none.astype(np.uint32), *rest]),
        np.concatenate([[0], np.cumsum([len(x) for x in rest])]).astype(np.int64),
        np.array(rest_low, np.int64),
    )


# -- kernels -----------------------------------------------------------------------------------------


@merged
def add_poisson(p, rank, piece, state, key, step):
    """Add the Poisson input of `step` to the neurons of `piece`; called by thread `rank`."""
    for e in range(p.entry[piece], p.entry[piece + 1]):
        d = p.drive[e]
        if p.start[d] < step <= p.stop[d]:
            if p.uniform[d]:
                add_uniform(p, rank, e, state[p.channel[d]], key, step)
            else:
                add_single(p, e, state[p.channel[d]], key, step)


@merged
def add_uniform_drives(p, drives, rank, piece, state, key, step):
    """As `add_poisson`, for the drives ``drives[0]`` … ``drives[1] - 1``, which are all uniform."""
    for e in range(p.entry[piece], p.entry[piece + 1]):
        d = p.drive[e]
        if drives[0] <= d < drives[1] and p.start[d] < step <= p.stop[d]:
            add_uniform(p, rank, e, state[p.channel[d]], key, step)


@merged
def add_single_drives(p, drives, piece, state, key, step):
    """As `add_poisson`, for the drives ``drives[0]`` … ``drives[1] - 1``, none of which is uniform."""
    for e in range(p.entry[piece], p.entry[piece + 1]):
        d = p.drive[e]
        if drives[0] <= d < drives[1] and p.start[d] < step <= p.stop[d]:
            add_single(p, e, state[p.channel[d]], key, step)


@merged
def law_at(p, d, step):
    """The law of all targets of drive `d` in `step`; -1 before the first."""
    law = np.int64(-1)  # int64: the functions called with it would be compiled anew for a literal
    for q in range(p.change[d], p.change[d + 1]):
        if p.since[q] <= step:
            law = p.law_since[q]
    return law


@merged
def add_uniform(p, rank, e, total, key, step):
    """Add the counts of entry `e` of a uniform drive: contiguous targets with one law and one weight."""
    lo, hi = p.begin[e], p.end[e]
    law = law_at(p, p.drive[e], step)
    if law < 0:
        return
    when = (step // STEPS) * len(p.laws.low) + law  # if the law changes within the four steps, counts are drawn again
    if p.filled[e] != when:
        stream = uint32(POISSON | uint32(p.stream[p.drive[e]]))
        fill_counts(p.counts[:, lo:hi], p, rank, p.id[lo], step // STEPS, stream, law, key)
        p.filled[e] = when
    for a, z in by_line(lo, hi, p.target[lo]):
        if a < z:
            add_counts(total[p.target[a] : p.target[a] + z - a], p.counts[step % STEPS, a:z], total.dtype.type(p.weight[lo]))


@kernel
def add_counts(total, count, weight):
    """total += count · weight."""
    for i in range(len(total)):
        total[i] += count[i] * weight


@kernel
def fill_counts(count, p, rank, who, quad, stream, law, key):
    """Draw the counts of four steps into `count`, shape (4, n), for the neurons from id `who` on."""
    n, odd, words, halves, laws = count.shape[1], who & 1, p.words[rank], p.halves[rank], p.laws
    pairs = (n + odd + 1) >> 1
    draw_words(words[0, :pairs], words[1, :pairs], words[2, :pairs], words[3, :pairs], who >> 1, quad, stream, key)
    limit, top = laws.limit[laws.first[law] : laws.first[law + 1]], laws.low[law] + laws.width[law]
    for q in range(STEPS):
        count_limits(halves[q, odd : odd + n], limit, laws.low[law], p.sums[rank, :n], count[q])
        for a in range(0, n, FEW):
            z = min(a + FEW, n)
            if greatest(count[q, a:z]) == top:
                for i in range(a, z):
                    if count[q, i] == top:
                        count[q, i] = further(who + i, quad * STEPS + q, stream, laws, law, key)


@kernel
def draw_words(w0, w1, w2, w3, pair, quad, stream, key):
    """Draw one word per step (`w0` … `w3`) and pair of neurons, from pair number `pair` on."""
    for i in range(len(w0)):
        w0[i], w1[i], w2[i], w3[i] = philox(pair + i, quad, stream, 0, key)


@kernel
def sum_bytes(s, limit, low, sums, out):
    """out[i] = low + Σ_k (s[i] > limit[k]); the number of limits is a multiple of `LANES`."""
    out[:] = low
    for k in range(0, len(limit), LANES):
        a, b, c, d = limit[k], limit[k + 1], limit[k + 2], limit[k + 3]
        for i in range(len(s)):
            x = s[i]
            out[i] += uint8(uint8(x > a) + uint8(x > b) + uint8(x > c) + uint8(x > d))


@kernel
def sum_words(s, limit, low, sums, out):
    """As `sum_bytes`, with 16-bit `sums`, the width of the compared numbers."""
    for i in range(len(s)):
        sums[i] = low
    for k in range(0, len(limit), LANES):
        a, b, c, d = limit[k], limit[k + 1], limit[k + 2], limit[k + 3]
        for i in range(len(s)):
            x = s[i]
            sums[i] += int16(x > a) + int16(x > b) + int16(x > c) + int16(x > d)
    for i in range(len(s)):
        out[i] = uint8(sums[i])


# AVX-512 comparisons give masks, which add to bytes as fast as to words; others give words, which take long to convert to bytes.
count_limits = sum_bytes if "+avx512bw" in processor().instructions else sum_words


@kernel
def greatest(count):
    """The largest of some counts."""
    most = uint8(0)
    for i in range(len(count)):
        most = max(most, count[i])
    return most


@kernel
def further(who, step, stream, laws, law, key):
    """The count of a neuron whose half word needs a further word."""
    u = uint32(philox(who, step, stream, 1, key)[0])
    return laws.rest_low[law] + number_up_to(laws.rest[laws.rest_first[law] : laws.rest_first[law + 1]], u)


@kernel
def add_single(p, e, total, key, step):
    """Add the counts of entry `e` of a drive that is not uniform: any targets, each with its own weight, and law if it does not change."""
    d = p.drive[e]
    stream = uint32(POISSON | uint32(p.stream[d]))
    shared = law_at(p, d, step)
    for i in range(p.begin[e], p.end[e]):
        law = p.law[i] if p.change[d] == p.change[d + 1] else shared
        if law >= 0:
            total[p.target[i]] += count_of(p.id[i], step, stream, p.laws, law, key) * total.dtype.type(p.weight[i])


@kernel
def count_of(who, step, stream, laws, law, key):
    """The count of the neuron with id `who` in `step`."""
    words = philox(who >> 1, step // STEPS, stream, 0, key)
    half = words[step % STEPS] >> (16 * (who & 1)) & 0xFFFF
    s = np.int64(half) - 65536 if half > 32767 else np.int64(half)
    k = number_up_to(laws.limit[laws.first[law] : laws.first[law] + laws.width[law]], s - 1)
    return laws.low[law] + k if k < laws.width[law] else further(who, step, stream, laws, law, key)
