"""The neuron models: names, parameters with defaults, units and bounds, state variables. This module holds data only.

Names, defaults and meanings are those of NEST if NEST has the model. The models are integrated in `lifsim.engine.neurons` (spike times on
the grid) and `lifsim.engine.precise` (exact spike times).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lifsim.network.model import BOTH_METHODS, PARROT, Model, register
from lifsim.network.parameter import Check, Parameter


def _reset_below_threshold(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["V_reset"]) >= np.asarray(p["V_th"])):
        return "V_reset must be below V_th in every neuron"
    return None


def _min_below_reset(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["V_min"]) > np.asarray(p["V_reset"])):
        return "V_min must not be above V_reset"
    return None


def _some_positive(name: str) -> Check:
    def check(p: Mapping[str, Any]) -> str | None:
        v = np.asarray(p[name])
        return None if len(v) and np.isfinite(v).all() and (v > 0).all() else f"{name} must have at least one entry, all above 0"

    return check


def _one_tau_syn(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["tau_syn_ex"]) != np.asarray(p["tau_syn_in"])):
        return "tau_syn_ex must equal tau_syn_in (iaf_psc_exp_ps allows different values)"
    return None


_SILENT = "spike threshold; inf: the neuron never fires and only integrates its input"
_MEMBRANE = (
    Parameter("E_L", -70.0, "mV", "resting (leak) potential", "finite"),
    Parameter("C_m", 250.0, "pF", "membrane capacitance", "> 0"),
    Parameter("tau_m", 10.0, "ms", "membrane time constant", "> 0"),
    Parameter("t_ref", 2.0, "ms", "refractory period; lasts ceil(t_ref / dt) steps", ">= 0"),
    Parameter("V_th", -55.0, "mV", _SILENT, "finite or inf"),
    Parameter("V_reset", -70.0, "mV", "reset potential", "finite"),
    Parameter("I_e", 0.0, "pA", "constant input current", "-1e9 to 1e9"),
)
_PLASTICITY = (
    Parameter("tau_minus", 20.0, "ms", "time constant of the postsynaptic trace, read by plastic synapses onto the neuron", "> 0"),
    Parameter("tau_minus_triplet", 110.0, "ms", "time constant of the slow postsynaptic trace, read by triplet synapses", "> 0"),
)
_V_MIN = Parameter("V_min", -math.inf, "mV", "lower bound of the membrane potential")
_TAU_SYN = (
    Parameter("tau_syn_ex", 2.0, "ms", "time constant of excitatory synaptic currents", "> 0"),
    Parameter("tau_syn_in", 2.0, "ms", "time constant of inhibitory synaptic currents", "> 0"),
)
_TAKEN = "reset potential; a spike lowers the membrane potential by V_th - V_reset"
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
    Parameter("C_m", 250.0, "pF", "membrane capacitance", "> 0"),
    Parameter("g_L", 16.6667, "nS", "leak conductance", ">= 0"),
    Parameter("t_ref", 2.0, "ms", "refractory period; lasts ceil(t_ref / dt) steps", ">= 0"),
    Parameter("V_th", -55.0, "mV", _SILENT, "finite or inf"),
    Parameter("V_reset", -60.0, "mV", "reset potential", "finite"),
    Parameter("E_ex", 0.0, "mV", "excitatory reversal potential", "finite"),
    Parameter("E_in", -85.0, "mV", "inhibitory reversal potential", "finite"),
    Parameter("tau_syn_ex", 0.2, "ms", "time constant of excitatory conductances", "> 0"),
    Parameter("tau_syn_in", 2.0, "ms", "time constant of inhibitory conductances", "> 0"),
    Parameter("I_e", 0.0, "pA", "constant input current", "-1e9 to 1e9"),
)
_SFA = (
    Parameter("E_sfa", -70.0, "mV", "reversal potential of spike-frequency adaptation", "finite"),
    Parameter("q_sfa", 14.48, "nS", "increment of the adaptation conductance at each spike", ">= 0"),
    Parameter("tau_sfa", 110.0, "ms", "time constant of adaptation", "> 0"),
    Parameter("E_rr", -70.0, "mV", "reversal potential of the relative refractory mechanism", "finite"),
    Parameter("q_rr", 3214.0, "nS", "increment of the relative refractory conductance at each spike", ">= 0"),
    Parameter("tau_rr", 1.97, "ms", "time constant of the relative refractory mechanism", "> 0"),
)
_ESCAPE = (
    Parameter("delta", 0.0, "mV", "escape noise: width of the threshold; 0: a sharp threshold", ">= 0"),
    Parameter("rho", 0.01, "Hz", "escape noise: firing rate at threshold (if delta > 0)", ">= 0"),
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


def _with_defaults(parameters: tuple[Parameter, ...], **defaults: float) -> tuple[Parameter, ...]:
    """The parameters with some defaults replaced."""
    return tuple(replace(p, default=defaults.get(p.name, p.default)) for p in parameters)


_CHANGED: dict[str, dict[str, Any]] = {
    "t_ref": {"default": 0.0},
    "V_reset": {"doc": _TAKEN},
}
_SOFT = tuple(replace(p, **_CHANGED.get(p.name, {})) for p in _MEMBRANE)
_T_REF = Parameter("t_ref", 2.0, "ms", "refractory period; lasts ceil(t_ref / dt) dt after the exact spike time", "> 0")
_EXACT_MEMBRANE = (*(_T_REF if p.name == "t_ref" else p for p in _MEMBRANE), _V_MIN)

register(
    Model(
        "iaf_psc_delta",
        "neuron",
        "leaky integrate-and-fire neuron with delta synapses: each input spike makes the membrane potential jump by its weight",
        (
            *_MEMBRANE,
            _V_MIN,
            Parameter("refractory_input", False, "", "keep input that arrives while refractory", shape="flag"),
            *_PLASTICITY,
        ),
        (_V,),
        (_reset_below_threshold, _min_below_reset),
        "mV",
        BOTH_METHODS,
    ),
    Model(
        "iaf_psc_exp",
        "neuron",
        "leaky integrate-and-fire neuron, exponentially decaying synaptic currents",
        (*_MEMBRANE, *_TAU_SYN, *_ESCAPE, *_PLASTICITY),
        (_V, *_I_SYN),
        (_reset_below_threshold,),
        "pA",
        BOTH_METHODS,
    ),
    Model(
        "iaf_psc_alpha",
        "neuron",
        "leaky integrate-and-fire neuron, alpha-shaped synaptic currents (a weight is the peak current)",
        (*_MEMBRANE, *_TAU_SYN, _V_MIN, *_PLASTICITY),
        (_V, *_I_SYN, *_DI_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
        BOTH_METHODS,
    ),
    Model(
        "iaf_psc_exp_multisynapse",
        "neuron",
        "iaf_psc_exp with any number of receptors (receptor_type of a connection), each with its own time constant",
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
        "integrate-and-fire neuron without leak, delta synapses; potential above the threshold is kept after a spike (soft reset)",
        (*(p for p in _with_defaults(_SOFT, C_m=1.0, V_th=1.0, V_reset=0.0) if p.name not in ("E_L", "tau_m")), *_PLASTICITY),
        (replace(_V, default=0.0),),
        (_reset_below_threshold,),
        "mV",
    ),
    Model(
        "if_psc_delta_hard",
        "neuron",
        "integrate-and-fire neuron without leak, delta synapses; potential above the threshold is lost after a spike (hard reset)",
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
        "leaky integrate-and-fire neuron, delta synapses; potential above the threshold is kept after a spike (soft reset)",
        (*_SOFT, *_PLASTICITY),
        (_V,),
        (_reset_below_threshold,),
        "mV",
    ),
    Model(
        "lif_psc_exp",
        "neuron",
        "leaky integrate-and-fire neuron, exponentially decaying synaptic currents; potential above the threshold is kept (soft reset)",
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
        shown=(Parameter("V_th", -51.0, "mV", "current value of the threshold"),),
    ),
    Model(PARROT, "neuron", "relays each incoming spike, whatever its weight", _PLASTICITY),
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
        "iaf_psc_exp with exact spike times; the threshold is tested at spike arrivals and grid points",
        (*_EXACT_MEMBRANE, *_TAU_SYN),
        (_V, *_I_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
        ("precise",),
    ),
    Model(
        "iaf_psc_exp_ps_lossless",
        "neuron",
        "iaf_psc_exp with exact spike times and lossless spike detection; tau_syn_ex must equal tau_syn_in",
        (*_EXACT_MEMBRANE, *_TAU_SYN),
        (_V, *_I_SYN),
        (_reset_below_threshold, _min_below_reset, _one_tau_syn),
        "pA",
        ("precise",),
    ),
    Model(
        "iaf_psc_alpha_ps",
        "neuron",
        "iaf_psc_alpha with exact spike times; the threshold is tested at spike arrivals and grid points",
        (*_EXACT_MEMBRANE, *_TAU_SYN),
        (_V, *_I_SYN, *_DI_SYN),
        (_reset_below_threshold, _min_below_reset),
        "pA",
        ("precise",),
    ),
)
