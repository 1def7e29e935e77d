"""Neuron models: one module each, holding its derivation, its constants and its kernels.

A module has `STATES` (names of its state variables, V_m first), `CHANNELS` (1 if excitation and
inhibition go into one sum), `Constants` (first the threshold theta), `constants(params, dt)`,
`drive(params, dt)` (mV a step per pA of constant current) and the kernel `advance`, one step of a
group. To add one: write the module, list it in `MODULES`, give it a branch in `step_group`.
"""

from __future__ import annotations

from types import ModuleType

from lifsim.engine.jit import merged
from lifsim.engine.neurons import iaf_psc_alpha, iaf_psc_delta, iaf_psc_exp
from lifsim.engine.neurons.membrane import Neurons

__all__ = ["MODULES", "NUMBERS", "N_CONSTANTS", "N_STATES", "Neurons", "step_group"]

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


@merged
def step_group(model, c, drive, x, lo, hi, step):
    """One step of the neurons lo … hi - 1, all of `model`; `c` holds for all or one each, `drive` is one each."""
    if model == _DELTA:
        _advance_delta(c, drive, x, lo, hi, step)
    elif model == _EXP:
        _advance_exp(c, drive, x, lo, hi, step)
    elif model == _ALPHA:
        _advance_alpha(c, drive, x, lo, hi, step)
