"""The synapse models: names, parameters with defaults, units and bounds. This module holds data only.

Names, defaults and meanings are those of NEST. `tau_minus` and `tau_minus_triplet` are parameters of the postsynaptic
neuron (`lifsim.network.neuron_models`), because all synapses onto a neuron share its trace. The weight change for a pair of spikes is
a fraction of Wmax (`lambda`; the exponents mu have no unit), except in `stdp_pl_synapse_hom`, `stdp_triplet_synapse` and
`vogels_sprekeler_synapse`, where it has the unit of the weight. The rules are computed in `lifsim.engine.plasticity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError, Problem, problem_of
from lifsim.common.printable import shown
from lifsim.common.values import Distribution, Value
from lifsim.network.parameter import Parameter, violations
from lifsim.network.parameter_synonyms import synapse_parameter_hint
from lifsim.network.synonyms import synapse_hint

Check = Callable[[Mapping[str, Any]], str | None]
WEIGHT = "weight"  # unit of parameters that have the unit of the weight: mV, pA or nS


@dataclass(frozen=True)
class SynapseModel:
    """A synapse model. Parameters of shape "value" may differ between synapses, those of shape "number" may not.

    `sign` is the allowed sign of the weight: "any" (the model only scales the weight), "Wmax" (the sign of Wmax) or "positive".
    """

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    sign: str = "any"
    checks: tuple[Check, ...] = field(default=(), repr=False)

    def __reduce__(self) -> Any:
        return _named, (self.name,)  # `checks` are functions, which are not pickled

    @property
    def changes_weights(self) -> bool:
        """Whether the model changes the stored weights (long-term plasticity)."""
        return self.sign != "any"

    def parameter(self, name: str) -> Parameter:
        """The parameter `name` (KeyError if the model has none)."""
        for p in self.parameters:
            if p.name == name:
                return p
        raise KeyError(name)


@dataclass(frozen=True, eq=False)
class Synapse:
    """The plastic synapses of a projection: their model and the parameters that were given."""

    model: SynapseModel
    params: dict[str, Value]

    def get(self, name: str) -> Value:
        """The value given for parameter `name`, or its default."""
        return self.params.get(name, self.model.parameter(name).default)


def _one(*parameters: Parameter) -> tuple[Parameter, ...]:
    """The parameters with shape "number": one value for all synapses."""
    return tuple(Parameter(p.name, p.default, p.unit, p.doc, p.bound, "number") for p in parameters)


def _different_times(p: Mapping[str, Any]) -> str | None:
    return "tau_psc and tau_rec must differ" if np.any(np.asarray(p["tau_psc"]) == np.asarray(p["tau_rec"])) else None


def _resources(p: Mapping[str, Any]) -> str | None:
    return "x + y must not be above 1" if np.any(np.asarray(p["x"]) + np.asarray(p["y"]) > 1) else None


_TAU_PLUS = Parameter("tau_plus", 20.0, "ms", "time constant of the presynaptic trace", "> 0", "number")
_LAMBDA = Parameter("lambda", 0.01, "", "learning rate: potentiation as a fraction of Wmax", "finite")
_ALPHA = Parameter("alpha", 1.0, "", "depression relative to potentiation", "finite")
_WMAX = Parameter("Wmax", 100.0, WEIGHT, "largest weight", "finite")
_MU = (
    Parameter("mu_plus", 1.0, "", "exponent of potentiation: 0 additive, 1 multiplicative", ">= 0"),
    Parameter("mu_minus", 1.0, "", "exponent of depression: 0 additive, 1 multiplicative", ">= 0"),
)
_SHORT_TERM = (
    Parameter("U", 0.5, "", "increment of u at a spike, as a fraction of 1 - u", "0 to 1"),
    Parameter("tau_rec", 800.0, "ms", "time constant of recovery from depression", "> 0"),
    Parameter("tau_fac", 0.0, "ms", "time constant of facilitation (0: no facilitation)", ">= 0"),
    Parameter("x", 1.0, "", "initial fraction of available resources", "0 to 1"),
)

_ALL = (
    SynapseModel("static_synapse", "constant weight", ()),
    SynapseModel(
        "stdp_synapse",
        "spike-timing-dependent plasticity, additive to multiplicative (Gütig et al. 2003)",
        (_TAU_PLUS, _LAMBDA, _ALPHA, *_MU, _WMAX),
        "Wmax",
    ),
    SynapseModel(
        "stdp_synapse_hom",
        "as stdp_synapse, with the same parameters for all synapses",
        (_TAU_PLUS, *_one(_LAMBDA, _ALPHA, *_MU, _WMAX)),
        "Wmax",
    ),
    SynapseModel(
        "stdp_pl_synapse_hom",
        "spike-timing-dependent plasticity with power-law potentiation (Morrison et al. 2007)",
        (
            _TAU_PLUS,
            Parameter("lambda", 0.1, "", "learning rate: potentiation at weight 1, in the unit of the weight", "finite", "number"),
            Parameter("alpha", 1.0, "", "depression relative to potentiation", "finite", "number"),
            Parameter("mu", 0.4, "", "exponent of potentiation", ">= 0", "number"),
        ),
        "positive",
    ),
    SynapseModel(
        "stdp_nn_symm_synapse",
        "as stdp_synapse, but each spike pairs only with the nearest one before it (Morrison et al. 2008)",
        (_TAU_PLUS, _LAMBDA, _ALPHA, *_MU, _WMAX),
        "Wmax",
    ),
    SynapseModel(
        "stdp_triplet_synapse",
        "triplet spike-timing-dependent plasticity (Pfister and Gerstner 2006)",
        (
            Parameter("tau_plus", 16.8, "ms", "time constant of the fast presynaptic trace", "> 0", "number"),
            Parameter("tau_plus_triplet", 101.0, "ms", "time constant of the slow presynaptic trace", "> 0", "number"),
            Parameter("Aplus", 5e-10, WEIGHT, "potentiation by a pair", "finite"),
            Parameter("Aminus", 7e-3, WEIGHT, "depression by a pair", "finite"),
            Parameter("Aplus_triplet", 6.2e-3, WEIGHT, "potentiation by a triplet", "finite"),
            Parameter("Aminus_triplet", 2.3e-4, WEIGHT, "depression by a triplet", "finite"),
            _WMAX,
        ),
        "Wmax",
    ),
    SynapseModel(
        "vogels_sprekeler_synapse",
        "symmetric inhibitory plasticity that drives the target towards a set firing rate (Vogels et al. 2011)",
        (
            Parameter(
                "tau", 20.0, "ms", "time constant of the presynaptic trace; tau_minus of the target should equal it", "> 0", "number"
            ),
            Parameter("eta", 0.001, WEIGHT, "learning rate: weight change for a pair of coincident spikes", "finite"),
            Parameter("alpha", 0.12, "", "depression at each presynaptic spike: 2 · target rate · tau", "finite"),
            Parameter("Wmax", 1.0, WEIGHT, "largest weight", "finite"),
        ),
        "Wmax",
    ),
    SynapseModel(
        "tsodyks2_synapse",
        "short-term plasticity with two state variables (Tsodyks and Markram 1997)",
        (*_SHORT_TERM, Parameter("u", 0.5, "", "initial probability of release", "0 to 1")),
    ),
    SynapseModel(
        "tsodyks_synapse",
        "short-term plasticity with three state variables (Tsodyks et al. 2000)",
        (
            *_SHORT_TERM,
            Parameter("u", 0.0, "", "initial probability of release", "0 to 1"),
            Parameter("y", 0.0, "", "initial fraction of active resources", "0 to 1"),
            Parameter("tau_psc", 3.0, "ms", "time constant of the synaptic current", "> 0"),
        ),
        checks=(_different_times, _resources),
    ),
)

SYNAPSES: dict[str, SynapseModel] = {m.name: m for m in _ALL}


def _named(name: str) -> SynapseModel:
    return SYNAPSES[name]


def synapse(place: str, raw: Any, weight_unit: str, arranged: Callable[[Any, str], Value]) -> Synapse | None:
    """The synapses described by `raw` (a name, or a table with ``model`` and parameters); None if they are static.

    `arranged(value, unit)` brings a value into the order of the synapses.

    Raises
    ------
    ModelError : lists every problem found.
    """
    table = {"model": raw} if isinstance(raw, str) else raw
    if not isinstance(table, Mapping) or not isinstance(table.get("model"), str):
        raise ModelError(place, shown(raw), "the name of a synapse model, or a table with `model` and its parameters")
    if table["model"] not in SYNAPSES:
        raise ModelError(f"{place}.model", f"there is no synapse model {shown(table['model'])}", synapse_hint(table["model"], SYNAPSES))
    model = SYNAPSES[table["model"]]
    params: dict[str, Value] = {}
    problems = []
    for key, given in table.items():
        if key != "model":
            try:
                params[key] = _value(model, key, given, weight_unit, arranged)
            except ValueError as error:
                problems.append(problem_of(f"{place}.{key}", error))
    if not problems:
        problems += _relations(place, model, params)
    if problems:
        raise ModelError.of(problems)
    return Synapse(model, params) if model.parameters else None


def _value(model: SynapseModel, key: str, raw: Any, weight_unit: str, arranged: Callable[[Any, str], Value]) -> Value:
    names = [p.name for p in model.parameters]
    if key not in names:
        raise ValueError(f"{model.name} has no such parameter; {synapse_parameter_hint(key, names)}")
    p = model.parameter(key)
    v = arranged(raw, weight_unit if p.unit == WEIGHT else p.unit)
    if p.shape == "number" and not isinstance(v, float):
        raise ValueError(f"{shown_value(v)}; {key} of {model.name} is one number for all synapses")
    wrong = p.violation(np.array([x for x in v.support if np.isfinite(x)]) if isinstance(v, Distribution) else v)
    if wrong is None and isinstance(v, Distribution):
        low, high = v.support
        open_below, open_above = low == -np.inf and p.bound in ("> 0", ">= 0", "0 to 1"), high == np.inf and p.bound == "0 to 1"
        wrong = f"{p.bound} (give the distribution a min or a max)" if open_below or open_above else None
    if wrong:
        raise ValueError(f"{shown_value(v)}; must be {wrong}")
    return v


def shown_value(v: Value) -> str:
    """A value as shown in a message."""
    if isinstance(v, Distribution):
        return f"{v.as_dict()}"
    if isinstance(v, np.ndarray) and np.ptp(v) > 0:
        return f"values from {np.min(v):g} to {np.max(v):g}"
    return f"{np.ravel(v)[0]:g}"


def _relations(place: str, model: SynapseModel, params: Mapping[str, Value]) -> Iterable[Problem]:
    values = {p.name: params.get(p.name, p.default) for p in model.parameters}
    return violations(place, model.checks, values, lambda name, x: f"{name} = {shown_value(x)}")


def check_sign(place: str, weight: Value, own: Synapse) -> Iterable[Problem]:
    """Report weights with the wrong sign: it must be that of Wmax, or positive, because plasticity does not change it."""
    low, high = _span(weight)
    if own.model.sign == "positive" and low < 0:
        yield Problem(place, shown_value(weight), f"weights of {own.model.name} must not be negative{_hint(weight)}")
    elif own.model.sign == "Wmax":
        limit = own.get("Wmax")
        if isinstance(weight, np.ndarray) and isinstance(limit, np.ndarray):
            differs = bool((weight * limit < 0).any())
        else:
            low_limit, high_limit = _span(limit)
            differs = (low < 0 and high_limit > 0) or (high > 0 and low_limit < 0)
        if differs:
            yield Problem(
                place, f"{shown_value(weight)} with Wmax {shown_value(limit)}", f"weight and Wmax must have the same sign{_hint(weight)}"
            )


def _span(v: Value) -> tuple[float, float]:
    """The smallest and the largest possible value."""
    return v.support if isinstance(v, Distribution) else (float(np.min(v, initial=np.inf)), float(np.max(v, initial=-np.inf)))


def _hint(v: Value) -> str:
    return " (give the distribution a min or a max of 0)" if isinstance(v, Distribution) else ""
