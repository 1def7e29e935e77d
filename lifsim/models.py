"""Parameter sets of neuron and stimulus models: names, defaults, units, bounds. Data only.

Names, defaults and meanings are NEST's. How a model is integrated is in `lifsim.engine.dynamics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Check = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Parameter:
    """One parameter or state variable.

    `shape` is "value" (number, array or distribution: one value a node), "flag" (true or false),
    "series" (a list of numbers shared by all nodes), "trains" (spike times: a list, or a list of
    lists for several nodes) or "text".
    """

    name: str
    default: Any
    unit: str
    doc: str
    bound: str = ""
    shape: str = "value"
    on_grid: bool = False  # a time that must be a multiple of the network's dt

    def violation(self, x: np.ndarray | float) -> str | None:
        """What the bound asks for if `x` breaks it, else None."""
        if not self.bound:
            return None
        v = np.asarray(x, dtype=float)
        ok = {
            "> 0": (v > 0) & np.isfinite(v),
            ">= 0": (v >= 0) & np.isfinite(v),
            "finite": np.isfinite(v),
            "not negative": v >= 0,
            "0 to 1e9": (v >= 0) & (v <= 1e9),
            "0 to 1": (v >= 0) & (v <= 1),
        }
        return None if ok[self.bound].all() else self.bound


@dataclass(frozen=True)
class Model:
    """A neuron model or a stimulus: what can be set, what can be read, what must hold.

    `role` says what the rest of the program does with it: "neuron", "spikes" (sends given
    spikes), "poisson" (an independent random train for every target) or "current".
    """

    name: str
    role: str
    doc: str
    parameters: tuple[Parameter, ...]
    states: tuple[Parameter, ...] = ()
    checks: tuple[Check, ...] = field(default=(), repr=False)
    weight_unit: str = ""

    def parameter(self, name: str) -> Parameter:
        """The parameter or state variable called `name` (KeyError if there is none)."""
        for p in self.parameters + self.states:
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
        return spiking + [p.name for p in self.states]


def _reset_below_threshold(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["V_reset"]) >= np.asarray(p["V_th"])):
        return "V_reset must be below V_th in every neuron"
    return None


def _min_below_reset(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["V_min"]) > np.asarray(p["V_reset"])):
        return "V_min must not be above V_reset"
    return None


def _stop_after_start(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["stop"]) < np.asarray(p["start"])):
        return "stop must not be before start"
    return None


def _series(times: str, values: str) -> Check:
    def check(p: Mapping[str, Any]) -> str | None:
        t, v = p[times], p[values]
        if len(t) != len(v):
            return f"{times} has {len(t)} entries, {values} has {len(v)}; they must be equally long"
        if np.any(np.diff(t) <= 0):
            return f"{times} must increase strictly"
        if len(t) and (t[0] <= 0 or not np.isfinite(t).all()):
            return f"{times} must be finite and above 0"
        return None

    return check


def _modulation(p: Mapping[str, Any]) -> str | None:
    return "std_mod must not be above std" if np.any(np.asarray(p["std_mod"]) > np.asarray(p["std"])) else None


def _rates_not_negative(p: Mapping[str, Any]) -> str | None:
    v = np.asarray(p["rate_values"])
    return "rate_values must be from 0 to 1e9" if np.any(~((v >= 0) & (v <= 1e9))) else None


_MEMBRANE = (
    Parameter("E_L", -70.0, "mV", "resting (leak) potential", "finite"),
    Parameter("C_m", 250.0, "pF", "capacitance of the membrane", "> 0"),
    Parameter("tau_m", 10.0, "ms", "membrane time constant", "> 0"),
    Parameter("t_ref", 2.0, "ms", "refractory period; lasts ceil(t_ref / dt) steps", ">= 0"),
    Parameter("V_th", -55.0, "mV", "spike threshold", "finite"),
    Parameter("V_reset", -70.0, "mV", "reset potential", "finite"),
    Parameter("I_e", 0.0, "pA", "constant input current", "finite"),
)
_PLASTICITY = (
    Parameter("tau_minus", 20.0, "ms", "time constant of the trace that plastic synapses onto the neuron see", "> 0"),
    Parameter("tau_minus_triplet", 110.0, "ms", "time constant of the slow trace that triplet synapses see", "> 0"),
)
_V_MIN = Parameter("V_min", -math.inf, "mV", "lower bound of the membrane potential")
_TAU_SYN = (
    Parameter("tau_syn_ex", 2.0, "ms", "time constant of excitatory synaptic currents", "> 0"),
    Parameter("tau_syn_in", 2.0, "ms", "time constant of inhibitory synaptic currents", "> 0"),
)
_V = Parameter("V_m", -70.0, "mV", "membrane potential", "finite")
_I_SYN = (
    Parameter("I_syn_ex", 0.0, "pA", "excitatory synaptic current", "finite"),
    Parameter("I_syn_in", 0.0, "pA", "inhibitory synaptic current", "finite"),
)
_DI_SYN = (
    Parameter("dI_syn_ex", 0.0, "pA/ms", "rate of change feeding the excitatory alpha current", "finite"),
    Parameter("dI_syn_in", 0.0, "pA/ms", "rate of change feeding the inhibitory alpha current", "finite"),
)
_WINDOW = (
    Parameter("start", 0.0, "ms", "switched on at this time", ">= 0", on_grid=True),
    Parameter("stop", math.inf, "ms", "switched off at this time", "not negative", on_grid=True),
)

_ALL = (
    Model(
        "iaf_psc_delta",
        "neuron",
        "leaky integrate-and-fire neuron, each spike a jump of the potential",
        (
            *_MEMBRANE,
            _V_MIN,
            Parameter("refractory_input", False, "", "keep input that arrives while refractory", shape="flag"),
            *_PLASTICITY,
        ),
        (_V,),
        (_reset_below_threshold, _min_below_reset),
        "mV",
    ),
    Model(
        "iaf_psc_exp",
        "neuron",
        "leaky integrate-and-fire neuron, exponentially decaying synaptic currents",
        (*_MEMBRANE, *_TAU_SYN, *_PLASTICITY),
        (_V, *_I_SYN),
        (_reset_below_threshold,),
        "pA",
    ),
    Model(
        "iaf_psc_alpha",
        "neuron",
        "leaky integrate-and-fire neuron, alpha-shaped synaptic currents (a weight is the peak current)",
        (*_MEMBRANE, *_TAU_SYN, _V_MIN, *_PLASTICITY),
        (_V, *_I_SYN, *_DI_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
    ),
    Model(
        "poisson_generator",
        "poisson",
        "Poisson spike trains, an independent one for every target",
        (Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"), *_WINDOW),
        checks=(_stop_after_start,),
    ),
    Model(
        "inhomogeneous_poisson_generator",
        "poisson",
        "Poisson spike trains whose rate changes in steps, an independent one for every target",
        (
            Parameter("rate_times", (), "ms", "times at which the rate changes", shape="series", on_grid=True),
            Parameter("rate_values", (), "Hz", "rate from each of these times on (0 before the first)", shape="series"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _series("rate_times", "rate_values"), _rates_not_negative),
    ),
    Model(
        "spike_generator",
        "spikes",
        "sends given spikes",
        (
            Parameter("spike_times", (), "ms", "times of the spikes; a list of lists for several nodes", shape="trains"),
            Parameter("spike_ids", (), "", "the node of each spike time (with a flat list of times)", shape="series"),
            Parameter("spike_multiplicities", (), "", "how often each spike is sent", shape="series"),
            Parameter("spike_file", "", "", "SONATA spike file to send instead", shape="text"),
            Parameter("spike_population", "", "", "population in that file (if it holds several)", shape="text"),
            Parameter("allow_offgrid_times", False, "", "round spike times to the grid of dt", shape="flag"),
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
    ),
    Model(
        "dc_generator",
        "current",
        "constant current",
        (Parameter("amplitude", 0.0, "pA", "the current", "finite"), *_WINDOW),
        checks=(_stop_after_start,),
    ),
    Model(
        "step_current_generator",
        "current",
        "current that changes in steps",
        (
            Parameter("amplitude_times", (), "ms", "times at which the current changes", shape="series", on_grid=True),
            Parameter("amplitude_values", (), "pA", "current from each of these times on (0 before)", shape="series"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _series("amplitude_times", "amplitude_values")),
    ),
    Model(
        "noise_generator",
        "current",
        "Gaussian white noise current, piecewise constant over `dt`, independent for every target",
        (
            Parameter("mean", 0.0, "pA", "mean current", "finite"),
            Parameter("std", 0.0, "pA", "standard deviation of the current", ">= 0"),
            Parameter("std_mod", 0.0, "pA", "amplitude of the sinusoidal modulation of the variance", ">= 0"),
            Parameter("frequency", 0.0, "Hz", "frequency of that modulation", ">= 0"),
            Parameter("phase", 0.0, "deg", "phase of that modulation", "finite"),
            Parameter("dt", 1.0, "ms", "a new value is drawn every dt", "> 0", on_grid=True),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _modulation),
    ),
)

MODELS: dict[str, Model] = {m.name: m for m in _ALL}
