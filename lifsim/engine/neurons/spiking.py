"""Threshold, reset and refractoriness.

Most models use `at_threshold`, which has a hard reset. A model with another rule, such as `subtract_at_threshold`, has its own
kernel `spike`. All these kernels write the indices of the neurons that fire to `out` and return their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons.state import THETA, at, constant, part


@merged
def hold(held, p, lo, v, step):
    """Store v of the neurons of piece `p` (from place `lo` on) that are refractory in `step`; remove the others from the list."""
    n = lo
    for j in range(lo, lo + held.number[p]):
        if held.until[j] > step:
            held.offset[n], held.until[n], held.v[n] = held.offset[j], held.until[j], v[held.offset[j]]
            n += 1
    held.number[p] = n - lo


@merged
def put_back(held, p, lo, v):
    """Set v of the refractory neurons of piece `p` to the values that `hold` stored."""
    for j in range(lo, lo + held.number[p]):
        v[held.offset[j]] = held.v[j]


@kernel
def count_above(v, theta):
    """The number of neurons whose v has reached theta."""
    hits = 0
    for i in range(len(v)):
        hits += 1 if v[i] >= at(theta, i) else 0
    return hits


@kernel
def fire(v, theta, reset, refractory, until, step, out):
    """Reset every neuron with v >= theta that is not refractory. Writes the indices to `out`; returns their number.

    A neuron that fires is held for `refractory` steps; `until` is the first step in which it moves again.
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
    """Add the neurons with the indices `fired` to the list of refractory neurons."""
    n = lo + held.number[p]
    for j in range(len(fired)):
        held.offset[n + j], held.until[n + j] = fired[j], until[fired[j]]
    held.number[p] += len(fired)


@merged
def reset_at_threshold(row, c, x, w, out):
    """Reset the neurons whose v (row `row` of the state) has reached theta, the first constant."""
    lo, hi = w.lo, w.hi
    return fire(x.state[row, lo:hi], constant(c, THETA, lo, hi), x.reset[lo:hi], x.refractory[lo:hi], x.until[lo:hi], w.step, out)


@merged
def at_threshold(row, c, x, w, out):
    """Reset the neurons at threshold, and hold them while they are refractory."""
    n = reset_at_threshold(row, c, x, w, out)
    hold_too(x.held, w.p, w.lo, out[:n], x.until[w.lo : w.hi])
    return n


# -- soft reset ------------------------------------------------------------------------------------


def taken_by_a_spike(p: dict[str, Any]) -> np.ndarray:
    """The amount that a soft reset subtracts from v: V_th - V_reset, mV (0 where the threshold is infinite)."""
    size = p["V_th"] - np.asarray(p["V_reset"])
    return np.where(np.isfinite(size), size, 0.0)


@kernel
def subtract(v, theta, size, refractory, until, step, out):
    """Subtract `size` (mV) from v of every non-refractory neuron with v >= theta. Writes the indices to `out`; returns their number."""
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
    """Subtract `size` (mV) from v of the neurons that have reached theta, the first constant; hold them for t_ref."""
    lo, hi = w.lo, w.hi
    n = subtract(x.state[row, lo:hi], constant(c, THETA, lo, hi), size, x.refractory[lo:hi], x.until[lo:hi], w.step, out)
    hold_too(x.held, w.p, lo, out[:n], x.until[lo:hi])
    return n
