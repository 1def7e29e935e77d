"""mat2_psc_exp: iaf_psc_exp without a reset; the threshold jumps at each spike and decays with two time constants.

    theta(t) = omega - E_L + th_1 + th_2,   d(th)/dt = -th/tau_1, 2,   th_1 ← th_1 + alpha_1, th_2 ← th_2 + alpha_2 at spikes

A spike does not change V_m; the neuron cannot fire again within t_ref. (Kobayashi, Tsubo & Shinomoto 2009, Front Comput
Neurosci 3:9: multi-timescale adaptive threshold.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel, merged
from lifsim.engine.neurons import iaf_psc_exp
from lifsim.engine.neurons.iaf_psc_exp import drive, flow, update
from lifsim.engine.neurons.membrane import decay, push
from lifsim.engine.neurons.state import THETA, at, constant

__all__ = ["CHANNELS", "HOLDS", "STATES", "Kind", "advance", "constants", "drive", "spike"]

STATES = ("I_syn_ex", "I_syn_in", "V_m", "V_th_alpha_1", "V_th_alpha_2", "V_th")
I_EX, I_IN, V, TH_1, TH_2, TH = range(6)  # rows of the state
DECAY_1, JUMP_1, DECAY_2, JUMP_2 = range(6, 10)  # indices of the constants after those of iaf_psc_exp
CHANNELS = 2
HOLDS = False


class Mat2PscExp(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = Mat2PscExp


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of iaf_psc_exp with omega as threshold; then, for th_1 and th_2, the decay factor of a step and the jump (mV)."""
    th = [x for k in (1, 2) for x in (np.exp(-dt / np.asarray(p[f"tau_{k}"])), p[f"alpha_{k}"])]
    return (*iaf_psc_exp.constants({**p, "V_th": p["omega"]}, dt), *th)


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w`, and both parts of their thresholds, by one step."""
    lo, hi = w.lo, w.hi
    v = x.state[V, lo:hi]
    update(flow(c, lo, hi), v, x.state[I_EX, lo:hi], x.state[I_IN, lo:hi])
    push(v, drive)
    decay(constant(c, DECAY_1, lo, hi), x.state[TH_1, lo:hi])
    decay(constant(c, DECAY_2, lo, hi), x.state[TH_2, lo:hi])


@merged
def spike(row, c, x, w, key, out):
    """Neurons whose v has reached the current threshold fire: the threshold jumps, v is not reset."""
    lo, hi = w.lo, w.hi
    parts = x.state[TH_1, lo:hi], x.state[TH_2, lo:hi], x.state[TH, lo:hi]
    jumps = constant(c, JUMP_1, lo, hi), constant(c, JUMP_2, lo, hi)
    return cross(constant(c, THETA, lo, hi), jumps, x.state[row, lo:hi], parts, (x.until[lo:hi], x.refractory[lo:hi]), w.step, out)


@kernel
def cross(omega, jumps, v, parts, rest, step, out):
    """Write the indices of neurons that fire to `out`; returns their number. `rest`: first steps in which they may fire, t_ref in steps."""
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
