"""A neuron or stimulus model: its parameters, state variables, and conditions between parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lifsim.network.parameter import Check, Parameter

PARROT = "parrot_neuron"
BOTH_METHODS = ("grid", "precise")


_DERIVED = (
    Parameter("I_syn", 0.0, "pA", "total synaptic current; with conductances g_ex (E_ex - V_m) + g_in (E_in - V_m)"),
    Parameter("t_ref_remaining", 0.0, "ms", "time until the refractory period ends; 0 outside of it"),
    Parameter("I_stim", 0.0, "pA", "total current from generators, without I_e"),
)


_RATE = Parameter("momentary_rate", 0.0, "Hz", "expected rate of the spikes that are sent in a step")
_CURRENT = Parameter("I", 0.0, "pA", "current that the generator sends")


@dataclass(frozen=True)
class Model:
    """A neuron or stimulus model.

    `role` is "neuron", "spikes" (sends given spikes), "poisson" (sends random spike trains, an independent one to every
    target) or "current" (injects a current). `checks` are conditions between parameters. `weight_unit` is the unit of the
    weights of incoming synapses. `methods` are the simulation methods that support the model: "grid" (spike times are
    multiples of dt), "precise" (exact spike times).
    """

    name: str
    role: str
    doc: str
    parameters: tuple[Parameter, ...]
    states: tuple[Parameter, ...] = ()
    checks: tuple[Check, ...] = field(default=(), repr=False)
    weight_unit: str = ""
    methods: tuple[str, ...] = ("grid",)
    shown: tuple[Parameter, ...] = ()  # derived state variables: can be read and recorded, but not set

    def __reduce__(self) -> Any:
        return by_name, (self.name, self.states)  # `checks` are functions, which are not pickled

    def __repr__(self) -> str:
        return f"<Model {self.name}: {', '.join(self.settable)}>"

    def parameter(self, name: str) -> Parameter:
        """The parameter or state variable `name` (KeyError if the model has none)."""
        return self._named[name]

    @cached_property
    def _named(self) -> dict[str, Parameter]:
        return {p.name: p for p in self.parameters + self.states + self.shown + self.derived}

    @property
    def settable(self) -> list[str]:
        """Names of all parameters and state variables."""
        return [p.name for p in self.parameters + self.states]

    @property
    def recordables(self) -> list[str]:
        """Names of the variables that `Network.record` accepts for a population of this model."""
        spiking = ["spikes", "rate"] if self.role in ("neuron", "spikes", "poisson") else []
        return spiking + [p.name for p in self.states + self.shown + self.derived]

    @cached_property
    def derived(self) -> tuple[Parameter, ...]:
        """Variables that are computed only when they are recorded."""
        if self.role == "poisson":
            return (_RATE,)
        if self.role == "current":
            return () if any(p.name == "std" for p in self.parameters) else (_CURRENT,)  # noise differs between targets
        known, states = {p.name for p in self.parameters}, {p.name for p in self.states}
        synaptic = {"g_ex", "g_in"} <= states or any(name.startswith("I_syn_") for name in states)
        applies = (synaptic, "t_ref" in known, "I_e" in known)
        return tuple(p for p, own in zip(_DERIVED, applies, strict=True) if self.role == "neuron" and own)

    @property
    def readable(self) -> list[str]:
        """Names of all parameters and variables with one value for each node."""
        return [p.name for p in self.parameters + self.states + self.shown if p.shape == "value"]

    @cached_property
    def has_receptors(self) -> bool:
        """Whether `tau_syn` lists the receptors."""
        return any(p.name == "tau_syn" for p in self.parameters)

    def of(self, params: Mapping[str, Any]) -> Model:
        """The model of a population with the parameters `params`: one synaptic current for each receptor."""
        receptors = receptors_of(self, params)
        if not receptors:
            return self
        currents = tuple(Parameter(f"I_syn_{k + 1}", 0.0, "pA", f"current of receptor {k + 1}", "finite") for k in range(receptors))
        return replace(self, states=(*self.states[:1], *currents))


def receptors_of(model: Model, params: Mapping[str, Any]) -> int:
    """The number of receptors (`receptor_type` 1, 2 …) of a neuron; 0 if the sign of the weight selects the receptor."""
    if not model.has_receptors:
        return 0
    given = params.get("tau_syn", model.parameter("tau_syn").default)
    return len(given) if isinstance(given, (list, tuple)) or (isinstance(given, np.ndarray) and given.ndim > 0) else 1


def by_name(name: str, states: tuple[Parameter, ...]) -> Model:
    """The model `name` with the state variables `states`."""
    model = MODELS[name]
    return model if model.states == states else replace(model, states=states)


MODELS: dict[str, Model] = {}  # all models, by name


def register(*models: Model) -> None:
    """Add `models` to `MODELS`."""
    MODELS.update({model.name: model for model in models})
