"""iaf_psc_exp with escape noise: neurons fire at random, with a probability that grows exponentially with v.

    In a step of length h, a neuron that is not refractory fires with the probability rho·h·exp((v - theta)/delta).

(Gerstner & Kistler 2002, Spiking Neuron Models, 5.3. As in NEST, rho is in 1/s, and delta = 0 means a deterministic threshold.) The
random number depends only on neuron, step and seed.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons import iaf_psc_exp
from lifsim.engine.neurons.iaf_psc_exp import CHANNELS, STATES, advance, drive
from lifsim.engine.neurons.spiking import hold_too
from lifsim.engine.neurons.state import THETA, at, constant
from lifsim.engine.random import ESCAPE, midpoint, philox

__all__ = ["CHANNELS", "STATES", "Kind", "advance", "constants", "drive", "spike"]


class EscapeNoise(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = EscapeNoise
RHO, DELTA = 6, 7  # indices of the constants after those of iaf_psc_exp


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of iaf_psc_exp, then rho·h and delta (mV)."""
    return (*iaf_psc_exp.constants(p, dt), np.asarray(p["rho"]) * dt / 1000.0, p["delta"])


@merged
def spike(row, c, x, w, key, out):
    """Reset the neurons that fire, and hold them while they are refractory."""
    lo, hi = w.lo, w.hi
    k = constant(c, THETA, lo, hi), constant(c, RHO, lo, hi), constant(c, DELTA, lo, hi)
    n = escape(k, x.state[row, lo:hi], x.until[lo:hi], w.id, w.step, key, out)
    for j in range(n):
        i = lo + out[j]
        x.state[row, i], x.until[i] = x.reset[i], w.step + x.refractory[i] + 1
    hold_too(x.held, w.p, lo, out[:n], x.until[lo:hi])
    return n


@kernel
def escape(k, v, until, first, step, key, out):
    """Write the indices of the neurons that fire to `out`; returns their number. `first` is the id of the first neuron."""
    theta, rho, delta = k
    n = 0
    for i in range(len(v)):
        if until[i] <= step:
            above = v[i] - at(theta, i)
            if at(delta, i) > 0:
                u = midpoint(philox(first + i, step, uint32(ESCAPE), 0, key)[0])
                fires = u < at(rho, i) * math.exp(above / at(delta, i))
            else:
                fires = above >= 0
            if fires:
                out[n] = i
                n += 1
    return n
