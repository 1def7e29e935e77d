"""Neuron models: one module each, holding its derivation, its constants and its update kernel.

A module has `STATES` (names of its state variables, V_m first), `CHANNELS` (1 if excitation and
inhibition go into one sum), `Constants` (first the threshold theta), `constants(params, dt)`,
`drive(params, dt)` (mV a step per pA of constant current) and `update`. To add one: write the module,
give it a number here and a branch in `step_group`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.jit import kernel
from lifsim.engine.neurons import iaf_psc_alpha, iaf_psc_delta, iaf_psc_exp

MODULES: dict[str, Any] = {
    "iaf_psc_delta": iaf_psc_delta,
    "iaf_psc_exp": iaf_psc_exp,
    "iaf_psc_alpha": iaf_psc_alpha,
}
NUMBERS = {name: i for i, name in enumerate(MODULES)}
DELTA, EXP, ALPHA = range(3)
N_STATES = max(len(m.STATES) for m in MODULES.values())
N_CONSTANTS = max(len(m.Constants._fields) for m in MODULES.values())

_Alpha = iaf_psc_alpha.Current
_delta_update, _delta_keeping = iaf_psc_delta.update, iaf_psc_delta.update_keeping
_exp_update, _alpha_update = iaf_psc_exp.update, iaf_psc_alpha.update
_Delta, _Exp, _AlphaConstants = iaf_psc_delta.Constants, iaf_psc_exp.Constants, iaf_psc_alpha.Constants


class Neurons(NamedTuple):
    """State of all neurons: variables × neurons, first step of movement, sums of arriving weights."""

    state: np.ndarray
    until: np.ndarray
    arrived: np.ndarray
    drive: np.ndarray
    reset: np.ndarray
    refractory: np.ndarray


def constant(c: Any, j: int, lo: int, hi: int) -> Any:
    """Constant j: of all (from a vector) or of each of the neurons lo … hi - 1 (from a table)."""
    return c[j] if c.ndim == 1 else c[j, lo:hi]


@overload(constant)
def _constant(c, j, lo, hi):
    if isinstance(c, types.Array) and c.ndim == 1:
        return lambda c, j, lo, hi: c[j]
    return lambda c, j, lo, hi: c[j, lo:hi]


@kernel
def step_group(model, c, drive, x, lo, hi, step):
    """One step of the neurons lo … hi - 1, all of `model`; `c` and `drive` hold for all or one each."""
    v, until, ex = x.state[0, lo:hi], x.until[lo:hi], x.arrived[0, lo:hi]
    if model == DELTA:
        k = _Delta(constant(c, 0, lo, hi), constant(c, 1, lo, hi), constant(c, 2, lo, hi), constant(c, 3, lo, hi))
        join(ex, x.arrived[1:, lo:hi])
        if keeps(k.keep):
            _delta_keeping(k, drive, v, x.state[1, lo:hi], until, ex, step)
        else:
            _delta_update(k, drive, v, until, ex, step)
    elif model == EXP:
        k = _Exp(
            constant(c, 0, lo, hi),
            constant(c, 1, lo, hi),
            constant(c, 2, lo, hi),
            constant(c, 3, lo, hi),
            constant(c, 4, lo, hi),
            constant(c, 5, lo, hi),
        )
        _exp_update(k, drive, v, x.state[1, lo:hi], x.state[2, lo:hi], until, ex, x.arrived[-1, lo:hi], step)
    else:
        k = _AlphaConstants(
            constant(c, 0, lo, hi),
            constant(c, 1, lo, hi),
            constant(c, 2, lo, hi),
            constant(c, 3, lo, hi),
            constant(c, 4, lo, hi),
            constant(c, 5, lo, hi),
            constant(c, 6, lo, hi),
            constant(c, 7, lo, hi),
            constant(c, 8, lo, hi),
            constant(c, 9, lo, hi),
            constant(c, 10, lo, hi),
            constant(c, 11, lo, hi),
            constant(c, 12, lo, hi),
        )
        excitation = _Alpha(x.state[1, lo:hi], x.state[3, lo:hi], ex)
        inhibition = _Alpha(x.state[2, lo:hi], x.state[4, lo:hi], x.arrived[-1, lo:hi])
        _alpha_update(k, drive, v, excitation, inhibition, until, step)


def keeps(flag: Any) -> bool:
    """Whether `refractory_input` is on: a flag of the population, the same for all its neurons."""
    return bool(np.any(flag))


@overload(keeps)
def _keeps(flag):
    if isinstance(flag, types.Array):
        return lambda flag: flag[0] != 0
    return lambda flag: flag != 0


@kernel
def join(total, others):
    """Add the inhibitory sums to the excitatory ones for models with one channel."""
    for c in range(len(others)):
        other = others[c]
        for i in range(len(total)):
            total[i] += other[i]
            other[i] = 0
