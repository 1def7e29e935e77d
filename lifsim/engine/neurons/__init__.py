"""Neuron models: one module each, holding its derivation, its constants and its kernels.

A module has `STATES` (names of its state variables; the first `CHANNELS` of them are those to which
arriving weights are added: 1 if excitation and inhibition go into one sum), `Constants` (first the
threshold theta), `constants(params, dt)`, `drive(params, dt)` (mV a step per pA of constant current) and
the kernel `advance`, which moves a group by a step. Optional: `units(params)`, for state variables kept in
other units than the user's, and the kernel `receive`, for what acts on v as soon as it arrives. To add a
model: write the module, list it in `MODULES`, give it a branch in `advance_group`.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from lifsim.engine.jit import merged
from lifsim.engine.neurons import iaf_psc_alpha, iaf_psc_delta, iaf_psc_exp
from lifsim.engine.neurons.membrane import Neurons

__all__ = ["MODULES", "NUMBERS", "N_CONSTANTS", "N_STATES", "Neurons", "V", "advance_group", "receive_group"]

MODULES: dict[str, ModuleType] = {
    "iaf_psc_delta": iaf_psc_delta,
    "iaf_psc_exp": iaf_psc_exp,
    "iaf_psc_alpha": iaf_psc_alpha,
}
NUMBERS = {name: i for i, name in enumerate(MODULES)}
N_STATES = max(len(m.STATES) for m in MODULES.values())
N_CONSTANTS = max(len(m.Constants._fields) for m in MODULES.values())

_DELTA, _EXP, _ALPHA = (NUMBERS[name] for name in ("iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha"))
_advance_delta, _advance_exp, _advance_alpha = iaf_psc_delta.advance, iaf_psc_exp.advance, iaf_psc_alpha.advance
_receive_delta = iaf_psc_delta.receive


V = np.array([m.STATES.index("V_m") for m in MODULES.values()])  # which state variable is v, by model


@merged
def advance_group(model, c, drive, x, p, lo, hi, step):
    """Move the neurons lo … hi - 1 (piece `p`), all of `model`, by a step; `c` holds for all or one each."""
    if model == _DELTA:
        _advance_delta(c, drive, x, p, lo, hi, step)
    elif model == _EXP:
        _advance_exp(c, drive, x, lo, hi)
    elif model == _ALPHA:
        _advance_alpha(c, drive, x, lo, hi)


@merged
def receive_group(model, c, x, p, lo, hi, step):
    """What has arrived in `step` takes effect, in models in which it acts on v at once."""
    if model == _DELTA:
        _receive_delta(c, x, p, lo, hi, step)
