"""Names of parameters and variables in NEST, PyNN, Brian2 and papers that differ from those of lifsim, and hints that translate them."""

from __future__ import annotations

from collections.abc import Iterable

from lifsim.common.errors import did_you_mean
from lifsim.network.model import Model
from lifsim.network.parameter import Parameter

# Words that mean a parameter or state variable → its names in lifsim, of which a model has some; a note about the unit.
_WORDS: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {
    ("v_rest", "V_rest", "vrest", "u_rest", "El", "EL", "E_l", "e_l", "E_leak", "e_leak", "v_leak", "V_L"): (("E_L",), ""),
    (
        *("v_thresh", "V_thresh", "v_th", "vth", "Vth", "vt", "Vt", "VT", "V_t", "theta", "thr", "threshold"),
        *("v_threshold", "V_threshold", "firing_threshold", "V_th"),
    ): (("V_th", "omega"), ""),
    ("v_reset", "Vreset", "vreset", "Vr", "vr", "V_r", "v_r", "reset", "reset_potential", "V_reset_"): (("V_reset",), ""),
    ("cm", "Cm", "C", "c_m", "capacitance", "membrane_capacitance"): (("C_m",), "1 nF = 1000 pF"),
    ("tau", "taum", "tau_mem", "tau_membrane", "tau_M"): (("tau_m",), ""),
    (
        *("tau_refrac", "refractory", "refrac", "tref", "tau_ref", "refractory_period", "t_refrac", "t_refractory"),
        *("tau_rp", "abs_refrac"),
    ): (("t_ref",), ""),
    (
        *("i_offset", "I", "I_ext", "Iext", "I_inj", "I_dc", "I0", "I_0", "i_e", "Ie", "i_ext", "current", "bias", "I_bias"),
        *("I_stim", "I_const"),
    ): (("I_e", "amplitude"), "1 nA = 1000 pA"),
    (
        *("tau_syn_E", "tau_syn_e", "tau_e", "taue", "tau_E", "tau_ex", "tau_exc", "tau_syn_exc", "tau_ampa", "tau_AMPA"),
        *("tau_decay_ex",),
    ): (("tau_syn_ex",), ""),
    (
        *("tau_syn_I", "tau_syn_i", "tau_i", "taui", "tau_I", "tau_in", "tau_inh", "tau_syn_inh", "tau_gaba", "tau_GABA"),
        *("tau_decay_in",),
    ): (("tau_syn_in",), ""),
    ("tau_syn", "tau_s", "tausyn", "tau_synapse"): (("tau_syn_ex", "tau_syn_in", "tau_syn"), ""),
    ("e_rev_E", "E_e", "Ee", "E_exc", "V_ex", "E_rev_ex", "E_rev_e", "e_ex", "E_E"): (("E_ex",), ""),
    ("e_rev_I", "E_i", "Ei", "E_inh", "V_in", "E_rev_in", "E_rev_i", "e_in", "E_I"): (("E_in",), ""),
    ("g_leak", "gl", "gL", "gleak", "g_l", "g_m", "gm"): (("g_L",), "1 uS = 1000 nS"),
    ("v", "V", "vm", "Vm", "V_M", "u", "v_init", "V_init", "Vinit", "V0", "V_0", "v0", "membrane_potential", "v_m"): (("V_m",), ""),
    ("ge", "g_e", "gsyn_exc", "g_exc", "g_syn_ex"): (("g_ex",), ""),
    ("gi", "g_i", "gsyn_inh", "g_inh", "g_syn_in"): (("g_in",), ""),
    ("I_ex", "I_exc", "i_syn_ex", "Ie_syn", "isyn_exc"): (("I_syn_ex",), ""),
    ("I_in", "I_inh", "i_syn_in", "Ii_syn", "isyn_inh"): (("I_syn_in",), ""),
    ("tau_sfa_", "tau_w", "tau_adapt"): (("tau_sfa", "tau_2"), ""),
    ("q", "b", "spike_adaptation"): (("q_sfa",), ""),
    ("rates", "freq", "firing_rate", "lam", "lambda_", "r"): (("rate",), ""),
    ("duration",): (("stop",), "start plus the duration"),
    ("t_stop", "tstop", "end"): (("stop",), ""),
    ("onset", "t_start", "tstart", "begin"): (("start",), ""),
    ("times", "spikes", "spiketimes", "t"): (("spike_times", "rate_times", "amplitude_times"), ""),
    ("indices", "ids", "i", "senders"): (("spike_ids",), ""),
    ("amplitudes", "values"): (("amplitude_values", "rate_values"), ""),
    ("amp", "I_amp", "dc"): (("amplitude",), "1 nA = 1000 pA"),
    ("stdev", "sigma", "sd"): (("std",), ""),
}
_PARAMETERS = {word: names for words, names in _WORDS.items() for word in words}

# What neither Python nor a table of synonyms would find: words that a model has no parameter for, and why.
_WHY = {
    ("tau_m", "g_L"): "write g_L (nS), which is C_m / tau_m",
    ("g_L", "tau_m"): "write tau_m (ms), which is C_m / g_L",
    ("R", "tau_m"): "write C_m (pF), which is tau_m (ms) / R (Gohm)",
    ("R", "g_L"): "write g_L (nS), which is 1 / R (Gohm)",
}
_RESISTANCES = ("R", "Rm", "R_m", "rm", "r_m", "R_in")

_VARIABLES = {
    "spikes": ("spike", "Spikes", "events", "spiketimes", "spike_times", "times"),
    "rate": ("rates", "firing_rate", "population_rate", "r"),
    "I_syn_ex and I_syn_in": ("I_syn", "i_syn", "isyn"),
}
_WEIGHTS = ("weight", "weights", "w")

_SYNAPSE_WORDS = {
    **dict.fromkeys(("weight", "delay", "receptor_type"), "write {0} = … beside synapse, as an argument of connect"),
    **dict.fromkeys(("tau_minus", "tau_minus_triplet"), "write {0} as a parameter of the target neurons, which all their synapses share"),
    "weight_recorder": "write net.record_weights(SOURCE, TARGET)",
    **dict.fromkeys(("w_max", "wmax", "Wmax_", "w_upper", "gmax"), "Wmax"),
    **dict.fromkeys(("A_plus", "learning_rate", "lambda_", "lr"), "lambda"),
    **dict.fromkeys(("tau_pre", "taupre", "tau_p"), "tau_plus"),
    "U0": "U",
    "tau_facil": "tau_fac",
    "tau_D": "tau_rec",
    "tau_F": "tau_fac",
}


def meanings(word: str) -> tuple[str, ...]:
    """The parameters and state variables that `word` may mean, whatever the model."""
    return _PARAMETERS.get(word, ((), ""))[0]


def parameter_hint(word: str, model: Model, names: Iterable[str] | None = None) -> str:
    """The parameter of `model` that is meant by `word`, which it has not; chosen from `names`, by default all that can be set."""
    known = list(model.settable if names is None else names)
    if word == "origin":
        return "times count from the beginning of the simulation: write start=sim.time + 5.0 for one from now on"
    if word in ("initial", "initial_values", "state"):
        return "write its entries as arguments, such as V_m=-65.0"
    meant, note = _PARAMETERS.get(word, ((), ""))
    found = [name for name in meant if name in known]
    if not found:
        resistance = "R" if word in _RESISTANCES else word
        why = next((text for (a, b), text in _WHY.items() if a == resistance and b in known), "")
        return why or did_you_mean(word, known)
    return f"write {' and '.join(_with_unit(model.parameter(name), note) for name in found)}"


def _with_unit(parameter: Parameter, note: str) -> str:
    said = "; ".join(filter(None, (f"in {parameter.unit}" if parameter.unit else "", note)))
    return f"{parameter.name} ({said})" if said else parameter.name


def variable_hint(word: str, model: Model) -> str:
    """The variable of `model` that is meant by `word`, which it cannot record."""
    known = model.recordables
    if word in _WEIGHTS:
        return 'write net.record_weights(SOURCE, TARGET); in a model file: source, target and variable = "weight"'
    for name, words in _VARIABLES.items():
        if word in words and all(part in known for part in name.split(" and ")):
            return f"write {name}"
    return parameter_hint(word, model, known)


def synapse_parameter_hint(word: str, names: list[str]) -> str:
    """The synapse parameter that is meant by `word`, which is none of `names`."""
    meant = _SYNAPSE_WORDS.get(word, "")
    if " " in meant:
        return meant.format(word)
    return f"write {meant}" if meant in names else did_you_mean(word, names)
