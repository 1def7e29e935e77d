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

To add a model: write the module and list it in `MODELS`. It is imported and compiled only for networks that have it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numba.extending import overload

from lifsim.engine.neurons.spiking import at_threshold
from lifsim.engine.neurons.state import Neurons

__all__ = ["Neurons", "advance_neurons", "channels_of", "kind_of", "module_of", "receive_weights", "spike_neurons", "states_of"]

# The modules of this package that are models; each is imported when a network has the model.
MODELS = (
    "iaf_psc_delta",
    "iaf_psc_exp",
    "iaf_psc_alpha",
    "iaf_psc_exp_multisynapse",
    "iaf_cond_exp",
    "iaf_cond_alpha",
    "iaf_cond_exp_sfa_rr",
    "mat2_psc_exp",
    "parrot_neuron",
    "escape_noise",
    "if_psc_delta",
    "if_psc_delta_hard",
    "lif_psc_delta",
    "lif_psc_exp",
)


# -- models of groups ------------------------------------------------------------------------------


def module_name(group: Any) -> str:
    """What integrates `group`: its model, or what that becomes by its parameters."""
    if group.model != "iaf_psc_exp":
        return str(group.model)
    delta = group.params["delta"]
    noisy = delta > 0 if isinstance(delta, float) else np.any(np.asarray(delta) > 0)
    return "escape_noise" if noisy else "iaf_psc_exp"


def module_of(group: Any) -> ModuleType:
    """The module that integrates `group`."""
    name = module_name(group)
    assert name in MODELS
    return import_module(f"{__name__}.{name}")


def kind_of(group: Any) -> Any:
    """The mark of the model of `group`."""
    return module_of(group).Kind()


def states_of(group: Any) -> tuple[str, ...]:
    """Names of the state variables of `group`, in the order in which they are kept."""
    module = module_of(group)
    return module.states(group.params) if hasattr(module, "states") else module.STATES


def channels_of(group: Any) -> int:
    """How many sums of arriving weights the neurons of `group` have."""
    module = module_of(group)
    return module.channels(group.params) if hasattr(module, "channels") else module.CHANNELS


# -- dispatch: by the mark of a model ----------------------------------------------------------------


def _module(kind: Any) -> ModuleType:
    """The module of a mark; `kind` is its type as the compiler knows it."""
    return sys.modules[kind.instance_class.__module__]


def advance_neurons(kind: Any, c: Any, drive: Any, x: Any, w: Any) -> None:
    """Move the neurons of `w` by a step; `c` are the constants of the model."""


@overload(advance_neurons)
def _advance_neurons(kind, c, drive, x, w):
    advance = _module(kind).advance

    def code(kind, c, drive, x, w):
        advance(c, drive, x, w)

    return code


def receive_weights(kind: Any, c: Any, x: Any, w: Any) -> None:
    """What has arrived takes effect, in models in which it acts on v at once."""


@overload(receive_weights)
def _receive_weights(kind, c, x, w):
    receive = getattr(_module(kind), "receive", None)
    if receive is None:
        return lambda kind, c, x, w: None

    def code(kind, c, x, w):
        receive(c, x, w)

    return code


def spike_neurons(kind: Any, row: int, c: Any, x: Any, w: Any, key: Any, out: Any) -> int:
    """Neurons that fire are reset and listed in `out`, by their distance from lo; returns how many. State variable `row` is v."""
    return 0


@overload(spike_neurons)
def _spike_neurons(kind, row, c, x, w, key, out):
    spike = getattr(_module(kind), "spike", None)
    if spike is None:
        return lambda kind, row, c, x, w, key, out: at_threshold(row, c, x, w, out)

    def code(kind, row, c, x, w, key, out):
        return spike(row, c, x, w, key, out)

    return code
