"""Neuron models, one module each: a membrane, synapses, a threshold, and the effect of a spike.

The docstring of a module derives its equations; h is the time step, v = V_m - E_L, theta = V_th - E_L. A module defines

- `Kind`, an empty named tuple whose type identifies the model in kernels;
- `STATES`, the names of the state variables. Arriving weights are added to the first `CHANNELS` of them: 2 if excitation and
  inhibition have separate sums, 1 if they share one;
- `constants(params, dt)`, the constants of the kernels; the first one is the threshold theta;
- `drive(params, dt)`, the increment of v in a step due to a constant current of 1 pA;
- `advance`, the kernel that propagates neurons by one step.

Optional are

- `units(params)`, conversion factors of state variables that are not stored in the user's units;
- `receive`, a kernel that applies input which acts on v as soon as it arrives;
- `spike`, a kernel for another threshold or reset than `spiking.at_threshold`;
- `states(params)` and `channels(params)`, instead of the constants, if they depend on the parameters;
- `HOLDS = False`, if `advance` itself takes account of refractory neurons, so that their v is not restored after each step;
- `DRIVEN = True`, if `advance` itself integrates the constant input.

The modules `membrane`, `conductance` and `spiking` have common parts of models.

To add a model: write the module and list it in `MODELS`. It is imported and compiled only for networks that have it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from lifsim.engine.compiler.overloads import overload
from lifsim.engine.neurons.spiking import at_threshold
from lifsim.engine.neurons.state import Neurons

__all__ = ["Neurons", "advance_neurons", "channels_of", "kind_of", "module_of", "receive_weights", "spike_neurons", "states_of"]

# The modules of this package that are models; each is imported only for networks that have the model.
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
    """The name of the module for `group`: its model, except that iaf_psc_exp with delta > 0 has escape noise."""
    if group.model != "iaf_psc_exp":
        return str(group.model)
    delta = group.params["delta"]
    noisy = delta > 0 if isinstance(delta, float) else np.any(np.asarray(delta) > 0)
    return "escape_noise" if noisy else "iaf_psc_exp"


def module_of(group: Any) -> ModuleType:
    """The module that integrates `group`."""
    return _imported(module_name(group))


@lru_cache(None)
def _imported(name: str) -> ModuleType:
    assert name in MODELS
    return import_module(f"{__name__}.{name}")


def kind_of(group: Any) -> Any:
    """The `Kind` of the model of `group`."""
    return module_of(group).Kind()


def states_of(group: Any) -> tuple[str, ...]:
    """Names of the state variables of `group`, in the order of the rows of `Neurons.state`."""
    module = module_of(group)
    return module.states(group.params) if hasattr(module, "states") else module.STATES


def channels_of(group: Any) -> int:
    """The number of input sums (sums of arriving weights) of each neuron of `group`."""
    module = module_of(group)
    return module.channels(group.params) if hasattr(module, "channels") else module.CHANNELS


# -- dispatch by the type of `Kind` ------------------------------------------------------------------


def _module(kind: Any) -> ModuleType:
    """The module of a model; `kind` is the Numba type of its `Kind`."""
    return sys.modules[kind.instance_class.__module__]


def advance_neurons(kind: Any, c: Any, drive: Any, x: Any, w: Any) -> None:
    """Propagate the neurons of `w` by one step; `c` are the constants of the model, `drive` is the constant input (mV per step)."""


@overload(advance_neurons)
def _advance_neurons(kind, c, drive, x, w):
    advance = _module(kind).advance

    def code(kind, c, drive, x, w):
        advance(c, drive, x, w)

    return code


def receive_weights(kind: Any, c: Any, x: Any, w: Any) -> None:
    """Apply the input that has arrived, in models in which it acts on v immediately."""


@overload(receive_weights)
def _receive_weights(kind, c, x, w):
    receive = getattr(_module(kind), "receive", None)
    if receive is None:
        return lambda kind, c, x, w: None

    def code(kind, c, x, w):
        receive(c, x, w)

    return code


def spike_neurons(kind: Any, row: int, c: Any, x: Any, w: Any, key: Any, out: Any) -> int:
    """Reset the neurons that fire and write their indices, counted from `w.lo`, to `out`; returns their number. `row` is the row of v."""
    return 0


@overload(spike_neurons)
def _spike_neurons(kind, row, c, x, w, key, out):
    spike = getattr(_module(kind), "spike", None)
    if spike is None:
        return lambda kind, row, c, x, w, key, out: at_threshold(row, c, x, w, out)

    def code(kind, row, c, x, w, key, out):
        return spike(row, c, x, w, key, out)

    return code
