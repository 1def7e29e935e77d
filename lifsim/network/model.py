"""A neuron model or a stimulus: its parameters, its state variables, and what must hold between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lifsim.network.parameter import Check, Parameter

PARROT = "parrot_neuron"
BOTH_METHODS = ("grid", "precise")


@dataclass(frozen=True)
class Model:
    """A neuron model or a stimulus: what can be set, what can be read, what must hold.

    `role` says what the rest of the program does with it: "neuron", "spikes" (sends given
    spikes), "poisson" (random trains, an independent one for every target) or "current". `methods` are those
    that it can be run with: "grid" (spike times on the grid of dt), "precise" (exact ones).
    """

    name: str
    role: str
    doc: str
    parameters: tuple[Parameter, ...]
    states: tuple[Parameter, ...] = ()
    checks: tuple[Check, ...] = field(default=(), repr=False)
    weight_unit: str = ""
    methods: tuple[str, ...] = ("grid",)
    shown: tuple[Parameter, ...] = ()  # state variables that follow from others: can be read and recorded, not set

    def __reduce__(self) -> Any:
        return by_name, (self.name, self.states)  # its checks are code, which stays where it is

    def parameter(self, name: str) -> Parameter:
        """The parameter or state variable called `name` (KeyError if there is none)."""
        for p in self.parameters + self.states + self.shown:
            if p.name == name:
                return p
        raise KeyError(name)

    @property
    def settable(self) -> list[str]:
        """Names of all parameters and state variables."""
        return [p.name for p in self.parameters + self.states]

    @property
    def recordables(self) -> list[str]:
        """What `Network.record` accepts for a population of this model."""
        spiking = ["spikes", "rate"] if self.role in ("neuron", "spikes", "poisson") else []
        return spiking + [p.name for p in self.states + self.shown]

    @property
    def readable(self) -> list[str]:
        """Names of what has one value a node."""
        return [p.name for p in self.parameters + self.states + self.shown if p.shape == "value"]

    def of(self, params: Mapping[str, Any]) -> Model:
        """The model of a population with the parameters `params`: as many currents as it has receptors."""
        receptors = receptors_of(self, params)
        if not receptors:
            return self
        currents = tuple(Parameter(f"I_syn_{k + 1}", 0.0, "pA", f"current of receptor {k + 1}", "finite") for k in range(receptors))
        return replace(self, states=(*self.states[:1], *currents))


def receptors_of(model: Model, params: Mapping[str, Any]) -> int:
    """How many receptors (`receptor_type` 1, 2 …) neurons of `model` have; 0 where the sign of a weight decides."""
    if not any(p.name == "tau_syn" for p in model.parameters):
        return 0
    given = params.get("tau_syn", model.parameter("tau_syn").default)
    return len(given) if isinstance(given, (list, tuple)) or (isinstance(given, np.ndarray) and given.ndim > 0) else 1


def by_name(name: str, states: tuple[Parameter, ...]) -> Model:
    """The model called `name`, with as many currents as a population of it has."""
    model = MODELS[name]
    return model if model.states == states else replace(model, states=states)


MODELS: dict[str, Model] = {}  # all, by name


def register(*models: Model) -> None:
    """Add `models` to `MODELS`."""
    MODELS.update({model.name: model for model in models})
