"""Threshold, reset and refractoriness: when neurons fire, and what becomes of them.

The rule of most models is `at_threshold`, a hard reset; a model with another, such as `subtract_at_threshold`, has a kernel
`spike` of its own. All list who fired in `out` and say how many.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons.state import THETA, at, constant, part


@merged
def hold(held, p, lo, v, step):
    """Note the potentials of the neurons (of piece `p`, from `lo` on) that do not move in `step`, forget those that do."""
    n = lo
    for j in range(lo, lo + held.number[p]):
        if held.until[j] > step:
            held.offset[n], held.until[n], held.v[n] = held.offset[j], held.until[j], v[held.offset[j]]
            n += 1
    held.number[p] = n - lo


@merged
def put_back(held, p, lo, v):
    """Give the refractory neurons the potentials that were noted."""
    for j in range(lo, lo + held.number[p]):
        v[held.offset[j]] = held.v[j]


@kernel
def count_above(v, theta):
    """How many v have reached theta."""
    hits = 0
    for i in range(len(v)):
        hits += 1 if v[i] >= at(theta, i) else 0
    return hits


@kernel
def fire(v, theta, reset, refractory, until, step, out):
    """Reset every neuron at threshold: v >= theta. Its index goes into `out`; returns how many.

    The neuron is held for `refractory` steps: the first step in which it moves again is `until`.
    """
    n = 0
    for a in range(0, len(v), 64):
        b = min(a + 64, len(v))
        hits, i = count_above(v[a:b], part(theta, a, b)), a
        while hits > 0:
            if v[i] >= at(theta, i):
                hits -= 1
                if until[i] <= step:
                    v[i] = reset[i]
                    until[i] = step + refractory[i] + 1
                    out[n] = i
                    n += 1
            i += 1
    return n


@merged
def hold_too(held, p, lo, fired, until):
    """The neurons at the indices `fired` are held from now on, as `until` says."""
    n = lo + held.number[p]
    for j in range(len(fired)):
        held.offset[n + j], held.until[n + j] = fired[j], until[fired[j]]
    held.number[p] += len(fired)


@merged
def reset_at_threshold(row, c, x, w, out):
    """Neurons whose v (state variable `row`) has reached theta, the first constant, are reset."""
    lo, hi = w.lo, w.hi
    return fire(x.state[row, lo:hi], constant(c, THETA, lo, hi), x.reset[lo:hi], x.refractory[lo:hi], x.until[lo:hi], w.step, out)


@merged
def at_threshold(row, c, x, w, out):
    """They are reset and held."""
    n = reset_at_threshold(row, c, x, w, out)
    hold_too(x.held, w.p, w.lo, out[:n], x.until[w.lo : w.hi])
    return n


# -- soft reset ------------------------------------------------------------------------------------


def taken_by_a_spike(p: dict[str, Any]) -> np.ndarray:
    """What a soft reset subtracts from v, mV: V_th - V_reset (nothing where the threshold is infinite)."""
    size = p["V_th"] - np.asarray(p["V_reset"])
    return np.where(np.isfinite(size), size, 0.0)


@kernel
def subtract(v, theta, size, refractory, until, step, out):
    """Take `size` from every v that has reached theta and is not held. Lists who fired in `out`; returns how many."""
    n = 0
    for a in range(0, len(v), 64):
        b = min(a + 64, len(v))
        hits, i = count_above(v[a:b], part(theta, a, b)), a
        while hits > 0:
            if v[i] >= at(theta, i):
                hits -= 1
                if until[i] <= step:
                    v[i] -= at(size, i)
                    until[i] = step + refractory[i] + 1
                    out[n] = i
                    n += 1
            i += 1
    return n


@kernel
def subtract_at_threshold(row, size, c, x, w, out):
    """Neurons whose v (state variable `row`) has reached theta, the first constant, lose `size`, and are held for t_ref."""
    lo, hi = w.lo, w.hi
    n = subtract(x.state[row, lo:hi], constant(c, THETA, lo, hi), size, x.refractory[lo:hi], x.until[lo:hi], w.step, out)
    hold_too(x.held, w.p, lo, out[:n], x.until[lo:hi])
    return n
