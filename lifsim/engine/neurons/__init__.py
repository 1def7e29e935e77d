"""Neuron models: one module each, composed of a membrane, synapses, a threshold and what a spike does.

A module has its derivation as docstring and

- `Kind`, an empty mark by which kernels know the model; `STATES`, the names of its state variables, of which the first
  `CHANNELS` are those to which arriving weights are added (1 if excitation and inhibition go into one sum);
- `constants(params, dt)`, of which the first is the threshold, theta, and `drive(params, dt)`: what 1 pA of constant
  current adds to v in a step;
- the kernel `advance`, which moves neurons by a step.

Optional: `units(params)`, for state variables kept in other units than the user's; the kernel `receive`, for what acts
on v as soon as it arrives; the kernel `spike`, for another threshold or reset than `spiking.at_threshold`; `states` and
`channels` in place of the constants, if they depend on the parameters; `HOLDS = False` if it is for `advance` to know of
refractory neurons (their v is not put back); `DRIVEN = True` if `advance` itself takes in the constant input. Parts of
models: `membrane`, `conductance`, `spiking`.

To add a model: write the module and list it in `MODULES`. It is compiled only for networks that have it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numba.extending import overload

from lifsim.engine.neurons import (
    escape_noise,
    iaf_cond_alpha,
    iaf_cond_exp,
    iaf_cond_exp_sfa_rr,
    iaf_psc_alpha,
    iaf_psc_delta,
    iaf_psc_exp,
    iaf_psc_exp_multisynapse,
    if_psc_delta,
    if_psc_delta_hard,
    lif_psc_delta,
    lif_psc_exp,
    mat2_psc_exp,
    parrot_neuron,
)
from lifsim.engine.neurons.spiking import at_threshold
from lifsim.engine.neurons.state import Neurons

__all__ = ["Neurons", "advance_group", "channels_of", "kinds_of", "module_of", "number_of", "receive_group", "spike_group", "states_of"]

MODULES: dict[str, ModuleType] = {
    "iaf_psc_delta": iaf_psc_delta,
    "iaf_psc_exp": iaf_psc_exp,
    "iaf_psc_alpha": iaf_psc_alpha,
    "iaf_psc_exp_multisynapse": iaf_psc_exp_multisynapse,
    "iaf_cond_exp": iaf_cond_exp,
    "iaf_cond_alpha": iaf_cond_alpha,
    "iaf_cond_exp_sfa_rr": iaf_cond_exp_sfa_rr,
    "mat2_psc_exp": mat2_psc_exp,
    "parrot_neuron": parrot_neuron,
    "escape_noise": escape_noise,
    "if_psc_delta": if_psc_delta,
    "if_psc_delta_hard": if_psc_delta_hard,
    "lif_psc_delta": lif_psc_delta,
    "lif_psc_exp": lif_psc_exp,
}
TOGETHER = ("iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha")  # one program serves all networks of these

_NUMBERS = {name: i for i, name in enumerate(MODULES)}
_OF_KIND = {module.Kind: module for module in MODULES.values()}


# -- models of groups ------------------------------------------------------------------------------


def module_name(group: Any) -> str:
    """What integrates `group`: its model, or what that becomes by its parameters."""
    noisy = group.model == "iaf_psc_exp" and np.any(np.asarray(group.params["delta"]) > 0)
    return "escape_noise" if noisy else str(group.model)


def module_of(group: Any) -> ModuleType:
    """The module that integrates `group`."""
    return MODULES[module_name(group)]


def number_of(group: Any) -> int:
    """The number by which kernels know the model of `group`."""
    return _NUMBERS[module_name(group)]


def kinds_of(groups: list[Any]) -> tuple[Any, ...]:
    """Marks of all models that are to be compiled for `groups`, each with its number."""
    names = {module_name(g) for g in groups}
    names |= set(TOGETHER if names & set(TOGETHER) else ())
    return tuple(module.Kind(_NUMBERS[name]) for name, module in MODULES.items() if name in names)


def states_of(group: Any) -> tuple[str, ...]:
    """Names of the state variables of `group`, in the order in which they are kept."""
    module = module_of(group)
    return module.states(group.params) if hasattr(module, "states") else module.STATES


def channels_of(group: Any) -> int:
    """How many sums of arriving weights the neurons of `group` have."""
    module = module_of(group)
    return module.channels(group.params) if hasattr(module, "channels") else module.CHANNELS


# -- dispatch: by the number among the models that are there -----------------------------------------


def advance_group(kinds: Any, model: int, *where: Any) -> None:
    """Move the neurons of `w`, all of `model`, by a step; `c` holds for all or one each."""


@overload(advance_group)
def _advance_group(kinds, model, c, drive, x, w):
    if not len(kinds):
        return lambda kinds, model, c, drive, x, w: None
    advance = _OF_KIND[kinds[0].instance_class].advance

    def code(kinds, model, c, drive, x, w):
        if model == kinds[0].number:
            advance(c, drive, x, w)
        else:
            advance_group(kinds[1:], model, c, drive, x, w)

    return code


def receive_group(kinds: Any, model: int, *where: Any) -> None:
    """What has arrived takes effect, in models in which it acts on v at once."""


@overload(receive_group)
def _receive_group(kinds, model, c, x, w):
    if not len(kinds):
        return lambda kinds, model, c, x, w: None
    receive = getattr(_OF_KIND[kinds[0].instance_class], "receive", None)
    if receive is None:
        return lambda kinds, model, c, x, w: receive_group(kinds[1:], model, c, x, w)

    def code(kinds, model, c, x, w):
        if model == kinds[0].number:
            receive(c, x, w)
        else:
            receive_group(kinds[1:], model, c, x, w)

    return code


def spike_group(kinds: Any, model: int, *where: Any) -> int:
    """Neurons that fire are reset and listed in `out`, by their distance from lo; returns how many."""
    return 0


@overload(spike_group)
def _spike_group(kinds, model, row, c, x, w, key, out):
    if not len(kinds):
        return lambda kinds, model, row, c, x, w, key, out: at_threshold(row, c, x, w, out)
    spike = getattr(_OF_KIND[kinds[0].instance_class], "spike", None)
    if spike is None:
        return lambda kinds, model, row, c, x, w, key, out: spike_group(kinds[1:], model, row, c, x, w, key, out)

    def code(kinds, model, row, c, x, w, key, out):
        return spike(row, c, x, w, key, out) if model == kinds[0].number else spike_group(kinds[1:], model, row, c, x, w, key, out)

    return code
