"""Poisson stimuli at their targets: counts of spikes, computed from the step number alone.

A count takes half a random word. With p_k the probability of k spikes in a step and
a_k = floor(2¹⁶ p_k), the 2¹⁶ values of the half are given out to the counts, a_k of them to k; the few
that are left (about one in 10⁴) ask for a further word, which draws from what the rounding has left
over, 2¹⁶ p_k - a_k. So each k has the probability p_k, up to 2⁻³², and vectors of 16 halves are compared
with the limits between the counts at once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import int16, uint8, uint32

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.compiler.object_code import processor
from lifsim.engine.compiler.search import number_up_to
from lifsim.engine.neurons.state import by_line
from lifsim.engine.random import POISSON, philox

STEPS = 4  # to a random number, whose four words are those of four steps, a half for each of two neurons
LANES = 4  # limits that are compared at a time
FEW = 128  # counts that are searched at a time for those that ask for a further word


class Laws(NamedTuple):
    """Distributions l of counts. A half word, read as signed number s, means ``low[l]`` + the number of
    limits ``limit[first[l]:first[l + 1]]`` below s, unless all `width[l]` are: then the count is
    ``rest_low[l]`` + the number of limits ``rest[rest_first[l]:rest_first[l + 1]]`` not above the further word.
    """

    limit: np.ndarray
    first: np.ndarray
    low: np.ndarray
    width: np.ndarray
    rest: np.ndarray
    rest_first: np.ndarray
    rest_low: np.ndarray


class PoissonDrives(NamedTuple):
    """Drives d onto targets i (places, and ids): each spike adds ``weight[i]`` to the state variable ``channel[d]``.

    Entries ``entry[p]`` … ``entry[p + 1] - 1`` belong to the piece p of a population; entry e are the
    targets ``begin[e]`` … ``end[e] - 1`` of drive ``drive[e]``. From step `since[q]` on, the law
    `law_since[q]` holds for all targets of drive d, q from ``change[d]`` to ``change[d + 1] - 1``; a drive
    without such has ``law[i]`` for each target. `uniform[d]`: contiguous targets, one weight, counts below
    256: these are drawn for four steps at a time into `counts` (`filled[e]` says which four), each thread
    having `words` of its own to work with, whose halves are in `halves` (the same memory as int16), and `sums`.
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


# -- distributions (NumPy, once a run) --------------------------------------------------------------


def probabilities(mean: float) -> tuple[int, np.ndarray]:
    """(k₀, P(N = k₀), P(N = k₀ + 1), …) of a Poisson number N, as far as 2⁻³² of it matter."""
    if mean == 0:
        return 0, np.ones(1)
    reach = 7 * math.sqrt(mean) + 24
    k = np.arange(max(0, math.floor(mean - reach)), math.ceil(mean + reach) + 1)
    return int(k[0]), np.exp(k * math.log(mean) - mean - np.array([math.lgamma(x + 1.0) for x in k]))


def limits(k0: int, p: np.ndarray) -> tuple[int, np.ndarray]:
    """The distribution `p` of k₀, k₀ + 1, … as (low, limits): count = low + Σ (u >= limit), u uniform below 2³²."""
    cdf = np.round(np.cumsum(p) * 2.0**32)
    return k0 + int(np.count_nonzero(cdf < 1)), cdf[(cdf >= 1) & (cdf < 2.0**32)].astype(np.uint32)


def half_limits(k0: int, p: np.ndarray) -> tuple[int, np.ndarray, tuple[int, np.ndarray]]:
    """The same for a half word: low, limits and, for what is above the last, low and limits for a further word."""
    share = np.floor(p * 2.0**16)
    rest = p * 2.0**16 - share
    used = np.flatnonzero(share)
    first, stop = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)  # none: every half word asks for a further one
    return k0 + first, np.cumsum(share[first:stop]).astype(np.int64), limits(k0, rest / max(rest.sum(), 2.0**-32))


def laws_of(means: np.ndarray) -> Laws:
    """Poisson distributions of these means."""
    low, width, limit, rest_low, rest = [], [], [], [], []
    for mean in means.tolist():
        own_low, own, (further_low, further) = half_limits(*probabilities(mean))
        low.append(own_low)
        width.append(len(own))
        # s > limit for a signed s: the half word u = s + 2¹⁵ is at least limit + 2¹⁵ + 1. No s exceeds the spare limits.
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
    """Add the Poisson input of `step` to the neurons of `piece`, where their weights go; thread `rank` is at work."""
    for e in range(p.entry[piece], p.entry[piece + 1]):
        d = p.drive[e]
        if p.start[d] < step <= p.stop[d]:
            if p.uniform[d]:
                add_uniform(p, rank, e, state[p.channel[d]], key, step)
            else:
                add_single(p, e, state[p.channel[d]], key, step)


@merged
def add_uniform_drives(p, drives, rank, piece, state, key, step):
    """`add_poisson` of the drives `drives[0]` … `drives[1]` - 1, which are uniform."""
    for e in range(p.entry[piece], p.entry[piece + 1]):
        d = p.drive[e]
        if drives[0] <= d < drives[1] and p.start[d] < step <= p.stop[d]:
            add_uniform(p, rank, e, state[p.channel[d]], key, step)


@merged
def add_single_drives(p, drives, piece, state, key, step):
    """`add_poisson` of the drives `drives[0]` … `drives[1]` - 1, which are not uniform."""
    for e in range(p.entry[piece], p.entry[piece + 1]):
        d = p.drive[e]
        if drives[0] <= d < drives[1] and p.start[d] < step <= p.stop[d]:
            add_single(p, e, state[p.channel[d]], key, step)


@merged
def law_at(p, d, step):
    """The law that holds for all targets of drive `d`, -1 before the first."""
    law = np.int64(-1)  # not a literal, for which what is called would be compiled once more
    for q in range(p.change[d], p.change[d + 1]):
        if p.since[q] <= step:
            law = p.law_since[q]
    return law


@merged
def add_uniform(p, rank, e, total, key, step):
    """Entry `e`: contiguous targets, all of one law and one weight."""
    lo, hi = p.begin[e], p.end[e]
    law = law_at(p, p.drive[e], step)
    if law < 0:
        return
    when = (step // STEPS) * len(p.laws.low) + law  # a law that changes within four steps makes them anew
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
    """Counts of four steps, shape (4, n), of the neurons from `who` on."""
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
    """The words of four steps of the pairs of neurons from `pair` on."""
    for i in range(len(w0)):
        w0[i], w1[i], w2[i], w3[i] = philox(pair + i, quad, stream, 0, key)


@kernel
def sum_bytes(s, limit, low, sums, out):
    """out[i] = low + Σ_k (s[i] > limit[k]); there is a multiple of four limits."""
    out[:] = low
    for k in range(0, len(limit), LANES):
        a, b, c, d = limit[k], limit[k + 1], limit[k + 2], limit[k + 3]
        for i in range(len(s)):
            x = s[i]
            out[i] += uint8(uint8(x > a) + uint8(x > b) + uint8(x > c) + uint8(x > d))


@kernel
def sum_words(s, limit, low, sums, out):
    """The same by way of 16-bit `sums`, as wide as what is compared."""
    for i in range(len(s)):
        sums[i] = low
    for k in range(0, len(limit), LANES):
        a, b, c, d = limit[k], limit[k + 1], limit[k + 2], limit[k + 3]
        for i in range(len(s)):
            x = s[i]
            sums[i] += int16(x > a) + int16(x > b) + int16(x > c) + int16(x > d)
    for i in range(len(s)):
        out[i] = uint8(sums[i])


# AVX-512 compares into masks, which add to bytes as they do to words; elsewhere a comparison gives words, which take long to narrow.
count_limits = sum_bytes if "+avx512bw" in processor().instructions else sum_words


@kernel
def greatest(count):
    """The greatest of some counts."""
    most = uint8(0)
    for i in range(len(count)):
        most = max(most, count[i])
    return most


@kernel
def further(who, step, stream, laws, law, key):
    """The count of a neuron whose half word is among those left over."""
    u = uint32(philox(who, step, stream, 1, key)[0])
    return laws.rest_low[law] + number_up_to(laws.rest[laws.rest_first[law] : laws.rest_first[law + 1]], u)


@kernel
def add_single(p, e, total, key, step):
    """Entry `e`: targets of any order, each with its own law and weight."""
    d = p.drive[e]
    stream = uint32(POISSON | uint32(p.stream[d]))
    shared = law_at(p, d, step)
    for i in range(p.begin[e], p.end[e]):
        law = p.law[i] if p.change[d] == p.change[d + 1] else shared
        if law >= 0:
            total[p.target[i]] += count_of(p.id[i], step, stream, p.laws, law, key) * total.dtype.type(p.weight[i])


@kernel
def count_of(who, step, stream, laws, law, key):
    """The count of one neuron in `step`."""
    words = philox(who >> 1, step // STEPS, stream, 0, key)
    half = words[step % STEPS] >> (16 * (who & 1)) & 0xFFFF
    s = np.int64(half) - 65536 if half > 32767 else np.int64(half)
    k = number_up_to(laws.limit[laws.first[law] : laws.first[law] + laws.width[law]], s - 1)
    return laws.low[law] + k if k < laws.width[law] else further(who, step, stream, laws, law, key)
