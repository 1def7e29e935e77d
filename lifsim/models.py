"""Parameter sets of neuron and stimulus models: names, defaults, units, bounds. Data only.

Names, defaults and meanings are NEST's. How a model is integrated is in `lifsim.engine.dynamics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

PARROT = "parrot_neuron"
Check = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Parameter:
    """One parameter or state variable.

    `shape` is "value" (number, array or distribution: one value a node), "number" (the same for all), "flag" (true or false),
    "series" (a list of numbers shared by all nodes), "trains" (spike times: a list, or a list of
    lists for several nodes), "samples" (a list for all nodes, or one column a node), "text" or "file" (a path).
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
            ">= 1": (v >= 1) & np.isfinite(v),
            "finite": np.isfinite(v),
            "finite or inf": v > -np.inf,
            "not negative": v >= 0,
            "0 to 1e9": (v >= 0) & (v <= 1e9),
            "-1e9 to 1e9": np.abs(v) <= 1e9,
            "0 to 1": (v >= 0) & (v <= 1),
        }
        return None if ok[self.bound].all() else self.bound


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
        return _named, (self.name, self.states)  # its checks are code, which stays where it is

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


def _rate_above_amplitude(p: Mapping[str, Any]) -> str | None:
    amplitude = np.asarray(p["amplitude"])
    return "amplitude must be from 0 to rate" if np.any((amplitude < 0) | (amplitude > np.asarray(p["rate"]))) else None


def _one_waveform(p: Mapping[str, Any]) -> str | None:
    return None if (len(p["waveform"]) == 0) != (p["waveform_file"] == "") else "give either waveform or waveform_file"


def _rates_not_negative(p: Mapping[str, Any]) -> str | None:
    v = np.asarray(p["rate_values"])
    return "rate_values must be from 0 to 1e9" if np.any(~((v >= 0) & (v <= 1e9))) else None


def _some_positive(name: str) -> Check:
    def check(p: Mapping[str, Any]) -> str | None:
        v = np.asarray(p[name])
        return None if len(v) and np.isfinite(v).all() and (v > 0).all() else f"{name} must have at least one entry, all above 0"

    return check


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
_NEVER_FIRES = "spike threshold; inf: it never fires, and adds up what arrives"
_TAKEN = "a spike takes V_th - V_reset from the potential"
_V = Parameter("V_m", -70.0, "mV", "membrane potential", "finite")
_I_SYN = (
    Parameter("I_syn_ex", 0.0, "pA", "excitatory synaptic current", "finite"),
    Parameter("I_syn_in", 0.0, "pA", "inhibitory synaptic current", "finite"),
)
_DI_SYN = (
    Parameter("dI_syn_ex", 0.0, "pA/ms", "rate of change feeding the excitatory alpha current", "finite"),
    Parameter("dI_syn_in", 0.0, "pA/ms", "rate of change feeding the inhibitory alpha current", "finite"),
)
_COND = (
    Parameter("E_L", -70.0, "mV", "resting (leak) potential", "finite"),
    Parameter("C_m", 250.0, "pF", "capacitance of the membrane", "> 0"),
    Parameter("g_L", 16.6667, "nS", "leak conductance", ">= 0"),
    Parameter("t_ref", 2.0, "ms", "refractory period; lasts ceil(t_ref / dt) steps", ">= 0"),
    Parameter("V_th", -55.0, "mV", "spike threshold", "finite"),
    Parameter("V_reset", -60.0, "mV", "reset potential", "finite"),
    Parameter("E_ex", 0.0, "mV", "excitatory reversal potential", "finite"),
    Parameter("E_in", -85.0, "mV", "inhibitory reversal potential", "finite"),
    Parameter("tau_syn_ex", 0.2, "ms", "time constant of excitatory conductances", "> 0"),
    Parameter("tau_syn_in", 2.0, "ms", "time constant of inhibitory conductances", "> 0"),
    Parameter("I_e", 0.0, "pA", "constant input current", "finite"),
)
_SFA = (
    Parameter("E_sfa", -70.0, "mV", "reversal potential of spike-frequency adaptation", "finite"),
    Parameter("q_sfa", 14.48, "nS", "what a spike adds to the conductance of adaptation", ">= 0"),
    Parameter("tau_sfa", 110.0, "ms", "time constant of adaptation", "> 0"),
    Parameter("E_rr", -70.0, "mV", "reversal potential of the relative refractory mechanism", "finite"),
    Parameter("q_rr", 3214.0, "nS", "what a spike adds to the relative refractory conductance", ">= 0"),
    Parameter("tau_rr", 1.97, "ms", "time constant of the relative refractory mechanism", "> 0"),
)
_ESCAPE = (
    Parameter("delta", 0.0, "mV", "escape noise: width of the threshold; 0 is a sharp one", ">= 0"),
    Parameter("rho", 0.01, "Hz", "escape noise: rate of firing at threshold (if delta > 0)", ">= 0"),
)
_MAT = (
    Parameter("tau_1", 10.0, "ms", "short time constant of the threshold", "> 0"),
    Parameter("tau_2", 200.0, "ms", "long time constant of the threshold", "> 0"),
    Parameter("alpha_1", 37.0, "mV", "jump of the threshold's fast part at a spike", "finite"),
    Parameter("alpha_2", 2.0, "mV", "jump of the threshold's slow part at a spike", "finite"),
    Parameter("omega", -51.0, "mV", "resting threshold", "finite"),
)
_G_SYN = (
    Parameter("g_ex", 0.0, "nS", "excitatory conductance", ">= 0"),
    Parameter("g_in", 0.0, "nS", "inhibitory conductance", ">= 0"),
)
_DG_SYN = (
    Parameter("dg_ex", 0.0, "nS/ms", "rate of change feeding the excitatory alpha conductance", ">= 0"),
    Parameter("dg_in", 0.0, "nS/ms", "rate of change feeding the inhibitory alpha conductance", ">= 0"),
)
_WINDOW = (
    Parameter("start", 0.0, "ms", "switched on at this time", ">= 0", on_grid=True),
    Parameter("stop", math.inf, "ms", "switched off at this time", "not negative", on_grid=True),
)
_BOTH = ("grid", "precise")

_WAVE = (
    Parameter("frequency", 0.0, "Hz", "frequency of the modulation", "finite"),
    Parameter("phase", 0.0, "deg", "phase of the modulation at time 0", "finite"),
)
_TRAINS = Parameter("individual_spike_trains", True, "", "a train for every target; else all targets of a node share its one", shape="flag")


def _with_defaults(parameters: tuple[Parameter, ...], **defaults: float) -> tuple[Parameter, ...]:
    """The same parameters, some with other defaults."""
    return tuple(replace(p, default=defaults.get(p.name, p.default)) for p in parameters)


_CHANGED: dict[str, dict[str, Any]] = {
    "t_ref": {"default": 0.0},
    "V_th": {"doc": _NEVER_FIRES, "bound": "finite or inf"},
    "V_reset": {"doc": _TAKEN},
}
_SOFT = tuple(replace(p, **_CHANGED.get(p.name, {})) for p in _MEMBRANE)

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
        _BOTH,
    ),
    Model(
        "iaf_psc_exp",
        "neuron",
        "leaky integrate-and-fire neuron, exponentially decaying synaptic currents",
        (*_MEMBRANE, *_TAU_SYN, *_ESCAPE, *_PLASTICITY),
        (_V, *_I_SYN),
        (_reset_below_threshold,),
        "pA",
        _BOTH,
    ),
    Model(
        "iaf_psc_alpha",
        "neuron",
        "leaky integrate-and-fire neuron, alpha-shaped synaptic currents (a weight is the peak current)",
        (*_MEMBRANE, *_TAU_SYN, _V_MIN, *_PLASTICITY),
        (_V, *_I_SYN, *_DI_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
        _BOTH,
    ),
    Model(
        "iaf_psc_exp_multisynapse",
        "neuron",
        "iaf_psc_exp with any number of receptors, each with a time constant of its own (receptor_type of a connection)",
        (*_MEMBRANE, *_PLASTICITY, Parameter("tau_syn", (2.0,), "ms", "time constant of the current of each receptor", shape="series")),
        (_V, Parameter("I_syn_1", 0.0, "pA", "current of receptor 1 (and so on for each)", "finite")),
        (_reset_below_threshold, _some_positive("tau_syn")),
        "pA",
    ),
    Model(
        "iaf_cond_exp",
        "neuron",
        "leaky integrate-and-fire neuron, exponentially decaying synaptic conductances",
        (*_COND, *_PLASTICITY),
        (_V, *_G_SYN),
        (_reset_below_threshold,),
        "nS",
    ),
    Model(
        "iaf_cond_alpha",
        "neuron",
        "leaky integrate-and-fire neuron, alpha-shaped synaptic conductances (a weight is the peak conductance)",
        (*_COND, *_PLASTICITY),
        (_V, *_G_SYN, *_DG_SYN),
        (_reset_below_threshold,),
        "nS",
    ),
    Model(
        "iaf_cond_exp_sfa_rr",
        "neuron",
        "iaf_cond_exp with spike-frequency adaptation and a relative refractory mechanism",
        (
            *_with_defaults(_COND, C_m=289.5, g_L=28.95, t_ref=0.5, V_th=-57.0, V_reset=-70.0, E_in=-75.0, tau_syn_ex=1.5, tau_syn_in=10.0),
            *_SFA,
            *_PLASTICITY,
        ),
        (
            _V,
            *_G_SYN,
            Parameter("g_sfa", 0.0, "nS", "conductance of adaptation", ">= 0"),
            Parameter("g_rr", 0.0, "nS", "relative refractory conductance", ">= 0"),
        ),
        (_reset_below_threshold,),
        "nS",
    ),
    Model(
        "if_psc_delta",
        "neuron",
        "integrate-and-fire neuron without leak, each spike a jump of the potential; what exceeds the threshold stays (soft reset)",
        (*(p for p in _with_defaults(_SOFT, C_m=1.0, V_th=1.0, V_reset=0.0) if p.name not in ("E_L", "tau_m")), *_PLASTICITY),
        (replace(_V, default=0.0),),
        (_reset_below_threshold,),
        "mV",
    ),
    Model(
        "if_psc_delta_hard",
        "neuron",
        "integrate-and-fire neuron without leak, each spike a jump of the potential; what exceeds the threshold is lost (hard reset)",
        (
            *(p for p in _with_defaults(_MEMBRANE, C_m=1.0, V_th=1.0, V_reset=0.0, t_ref=0.0) if p.name not in ("E_L", "tau_m")),
            *_PLASTICITY,
        ),
        (replace(_V, default=0.0),),
        (_reset_below_threshold,),
        "mV",
    ),
    Model(
        "lif_psc_delta",
        "neuron",
        "leaky integrate-and-fire neuron, each spike a jump of the potential; what exceeds the threshold stays (soft reset)",
        (*_SOFT, *_PLASTICITY),
        (_V,),
        (_reset_below_threshold,),
        "mV",
    ),
    Model(
        "lif_psc_exp",
        "neuron",
        "leaky integrate-and-fire neuron, exponentially decaying synaptic currents; what exceeds the threshold stays (soft reset)",
        (*_SOFT, *_TAU_SYN, *_PLASTICITY),
        (_V, *_I_SYN),
        (_reset_below_threshold,),
        "pA",
    ),
    Model(
        "mat2_psc_exp",
        "neuron",
        "leaky integrator without reset, with a threshold that adapts on two time scales, exponentially decaying currents",
        (
            *(p for p in _with_defaults(_MEMBRANE, C_m=100.0, tau_m=5.0) if p.name not in ("V_th", "V_reset")),
            *_with_defaults(_TAU_SYN, tau_syn_ex=1.0, tau_syn_in=3.0),
            *_MAT,
            *_PLASTICITY,
        ),
        (
            _V,
            *_I_SYN,
            Parameter("V_th_alpha_1", 0.0, "mV", "fast part of the threshold", "finite"),
            Parameter("V_th_alpha_2", 0.0, "mV", "slow part of the threshold", "finite"),
        ),
        (),
        "pA",
        shown=(Parameter("V_th", -51.0, "mV", "threshold of the moment"),),
    ),
    Model(PARROT, "neuron", "sends each spike that arrives on, whatever its weight", _PLASTICITY),
    Model(
        "poisson_generator",
        "poisson",
        "Poisson spike trains, an independent one for every target",
        (Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"), *_WINDOW),
        checks=(_stop_after_start,),
        methods=_BOTH,
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
        methods=_BOTH,
    ),
    Model(
        "sinusoidal_poisson_generator",
        "poisson",
        "Poisson spike trains of the rate rate + amplitude · sin(2π·frequency·t + phase), 0 where that is negative",
        (
            Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"),
            Parameter("amplitude", 0.0, "Hz", "amplitude of the modulation", "-1e9 to 1e9"),
            *_WAVE,
            _TRAINS,
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
    ),
    Model(
        "sinusoidal_gamma_generator",
        "poisson",
        "gamma spike trains (CV of intervals 1/√order, without modulation) of the rate rate + amplitude · sin(2π·frequency·t + phase)",
        (
            Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"),
            Parameter("amplitude", 0.0, "Hz", "amplitude of the modulation, at most the rate", ">= 0"),
            *_WAVE,
            Parameter("order", 1.0, "", "order of the gamma distribution of the intervals; 1 is a Poisson process", ">= 1"),
            _TRAINS,
            *_WINDOW,
        ),
        checks=(_stop_after_start, _rate_above_amplitude),
    ),
    Model(
        "spike_generator",
        "spikes",
        "sends given spikes",
        (
            Parameter("spike_times", (), "ms", "times of the spikes; a list of lists for several nodes", shape="trains"),
            Parameter("spike_ids", (), "", "the node of each spike time (with a flat list of times)", shape="series"),
            Parameter("spike_multiplicities", (), "", "how often each spike is sent", shape="series"),
            Parameter("spike_file", "", "", "SONATA spike file to send instead", shape="file"),
            Parameter("spike_population", "", "", "population in that file (if it holds several)", shape="text"),
            Parameter(
                "allow_offgrid_times", False, "", "send spikes given between the points of the grid at the end of their step", shape="flag"
            ),
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
        methods=_BOTH,
    ),
    Model(
        "dc_generator",
        "current",
        "constant current",
        (Parameter("amplitude", 0.0, "pA", "the current", "finite"), *_WINDOW),
        checks=(_stop_after_start,),
        methods=_BOTH,
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
        methods=_BOTH,
    ),
    Model(
        "ac_generator",
        "current",
        "alternating current offset + amplitude · sin(2π·frequency·t + phase)",
        (
            Parameter("amplitude", 0.0, "pA", "amplitude of the current", "finite"),
            Parameter("offset", 0.0, "pA", "constant part of the current", "finite"),
            *_WAVE,
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
    ),
    Model(
        "waveform_generator",
        "current",
        "current given by samples, from `start` on",
        (
            Parameter("waveform", (), "pA", "the samples; of shape (samples, n) for a column a node", shape="samples"),
            Parameter("waveform_file", "", "", "file of samples instead: x.csv, x.npy or x.h5:dataset", shape="file"),
            Parameter("interval", 1.0, "ms", "time from one sample to the next", "> 0", shape="number"),
            Parameter("interpolate", False, "", "straight lines between the samples instead of steps", shape="flag"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _one_waveform),
    ),
    Model(
        "ou_generator",
        "current",
        "Ornstein-Uhlenbeck current, independent for every target",
        (
            Parameter("mean", 0.0, "pA", "mean current", "finite"),
            Parameter("std", 0.0, "pA", "standard deviation of the current", ">= 0"),
            Parameter("tau", 5.0, "ms", "correlation time", "> 0"),
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
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

_T_REF = Parameter("t_ref", 2.0, "ms", "refractory period; lasts ceil(t_ref / dt) dt from the exact time of a spike on", "> 0")
_EXACT_MEMBRANE = (*(_T_REF if p.name == "t_ref" else p for p in _MEMBRANE), _V_MIN)


def _one_tau_syn(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["tau_syn_ex"]) != np.asarray(p["tau_syn_in"])):
        return "tau_syn_ex must be tau_syn_in (iaf_psc_exp_ps does without)"
    return None


def _time_to_live(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["rate"]) * np.asarray(p["dead_time"]) >= 1000):
        return "dead_time must be shorter than the mean interval, 1000 / rate"
    return None


_PRECISE = (
    Model(
        "iaf_psc_delta_ps",
        "neuron",
        "iaf_psc_delta with exact spike times",
        (*_EXACT_MEMBRANE, Parameter("refractory_input", False, "", "keep input that arrives while refractory", shape="flag")),
        (_V,),
        (_reset_below_threshold, _min_below_reset),
        "mV",
        ("precise",),
    ),
    Model(
        "iaf_psc_exp_ps",
        "neuron",
        "iaf_psc_exp with exact spike times, threshold being tested at arrivals and grid points",
        (*_EXACT_MEMBRANE, *_TAU_SYN),
        (_V, *_I_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
        ("precise",),
    ),
    Model(
        "iaf_psc_exp_ps_lossless",
        "neuron",
        "iaf_psc_exp with exact spike times, of which none is missed; of one synaptic time constant",
        (*_EXACT_MEMBRANE, *_TAU_SYN),
        (_V, *_I_SYN),
        (_reset_below_threshold, _min_below_reset, _one_tau_syn),
        "pA",
        ("precise",),
    ),
    Model(
        "iaf_psc_alpha_ps",
        "neuron",
        "iaf_psc_alpha with exact spike times, threshold being tested at arrivals and grid points",
        (*_EXACT_MEMBRANE, *_TAU_SYN),
        (_V, *_I_SYN, *_DI_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
        ("precise",),
    ),
    Model(
        "poisson_generator_ps",
        "poisson",
        "Poisson spike trains with exact times, an independent one for every target",
        (
            Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"),
            Parameter("dead_time", 0.0, "ms", "shortest interval", ">= 0"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _time_to_live),
        methods=("precise",),
    ),
)

MODELS: dict[str, Model] = {m.name: m for m in (*_ALL, *_PRECISE)}


def _named(name: str, states: tuple[Parameter, ...]) -> Model:
    """The model called `name`, with as many currents as a population of it has."""
    model = MODELS[name]
    return model if model.states == states else replace(model, states=states)
