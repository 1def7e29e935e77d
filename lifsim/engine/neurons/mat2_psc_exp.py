"""mat2_psc_exp: iaf_psc_exp without a reset, whose threshold jumps at each spike and falls back with two time constants.

    theta(t) = omega - E_L + th_1 + th_2,   d(th)/dt = -th/tau_1, 2,   th_1 ← th_1 + alpha_1, th_2 ← th_2 + alpha_2 at spikes

V_m goes on as if nothing had happened; for t_ref after a spike there is no other. (Kobayashi, Tsubo & Shinomoto 2009,
Front Comput Neurosci 3:9: multi-timescale adaptive threshold.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons import iaf_psc_exp
from lifsim.engine.neurons.iaf_psc_exp import Flow, drive, update
from lifsim.engine.neurons.membrane import decay, push
from lifsim.engine.neurons.state import at, constant

__all__ = ["CHANNELS", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike"]

STATES = ("I_syn_ex", "I_syn_in", "V_m", "V_th_alpha_1", "V_th_alpha_2", "V_th")
CHANNELS = 2
HOLDS = False


class Mat2PscExp(NamedTuple):
    """The mark of the model."""


Kind = Mat2PscExp


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of iaf_psc_exp, the threshold being omega; then of both parts of it what is left after a step, and the jump."""
    th = [x for k in (1, 2) for x in (np.exp(-dt / np.asarray(p[f"tau_{k}"])), p[f"alpha_{k}"])]
    return (*iaf_psc_exp.constants({**p, "V_th": p["omega"]}, dt), *th)


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step, and their thresholds."""
    lo, hi = w.lo, w.hi
    k = Flow(constant(c, 1, lo, hi), constant(c, 2, lo, hi), constant(c, 3, lo, hi), constant(c, 4, lo, hi), constant(c, 5, lo, hi))
    v = x.state[2, lo:hi]
    update(k, v, x.state[0, lo:hi], x.state[1, lo:hi])
    push(v, drive)
    decay(constant(c, 6, lo, hi), x.state[3, lo:hi])
    decay(constant(c, 8, lo, hi), x.state[4, lo:hi])


@merged
def spike(row, c, x, w, key, out):
    """Neurons whose v has reached the threshold of now fire: it jumps, v does not."""
    lo, hi = w.lo, w.hi
    parts = x.state[3, lo:hi], x.state[4, lo:hi], x.state[5, lo:hi]
    jumps = constant(c, 7, lo, hi), constant(c, 9, lo, hi)
    return cross(constant(c, 0, lo, hi), jumps, x.state[row, lo:hi], parts, (x.until[lo:hi], x.refractory[lo:hi]), w.step, out)


@kernel
def cross(omega, jumps, v, parts, rest, step, out):
    """Lists the neurons that fire; returns how many. `rest` says when each may fire again, and the steps of t_ref."""
    th_1, th_2, theta = parts
    until, refractory = rest
    n = 0
    for i in range(len(v)):
        theta[i] = at(omega, i) + th_1[i] + th_2[i]
        if v[i] >= theta[i] and until[i] <= step:
            th_1[i] += at(jumps[0], i)
            th_2[i] += at(jumps[1], i)
            theta[i] = at(omega, i) + th_1[i] + th_2[i]
            until[i] = step + refractory[i] + 1
            out[n] = i
            n += 1
    return n
