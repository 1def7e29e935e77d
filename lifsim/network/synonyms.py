"""Names of models, rules and synapses in NEST, PyNN, Brian2 and SONATA that differ from those of lifsim, and hints that translate them.

A hint is the part of a message that says what is allowed. Names that no table has are compared with the allowed ones
(`did_you_mean`). Parameters and variables are in `lifsim.network.parameter_synonyms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifsim.common.errors import did_you_mean
from lifsim.common.printable import shown
from lifsim.network.model import MODELS

# Recording devices, and the variable that they record.
RECORDERS = {
    **dict.fromkeys(("spike_recorder", "spike_detector", "spikedetector", "SpikeMonitor", "spike_monitor"), "spikes"),
    **dict.fromkeys(("multimeter", "voltmeter", "StateMonitor", "state_monitor"), "V_m"),
    **dict.fromkeys(("PopulationRateMonitor", "EventMonitor", "rate_monitor"), "rate"),
    "weight_recorder": "weight",
}

# Neuron and stimulus models; the note follows the name.
_MODELS: dict[str, tuple[str, str]] = {
    "IF_curr_exp": ("iaf_psc_exp", ""),
    "IF_curr_alpha": ("iaf_psc_alpha", ""),
    "IF_curr_delta": ("iaf_psc_delta", ""),
    "IF_cond_exp": ("iaf_cond_exp", ""),
    "IF_cond_alpha": ("iaf_cond_alpha", ""),
    "IF_cond_exp_gsfa_grr": ("iaf_cond_exp_sfa_rr", ""),
    "SpikeSourcePoisson": ("poisson_generator", ""),
    "SpikeSourceInhGamma": ("sinusoidal_gamma_generator", ""),
    "SpikeSourceArray": ("spike_generator", ""),
    "DCSource": ("dc_generator", ", in pA"),
    "StepCurrentSource": ("step_current_generator", ", in pA"),
    "ACSource": ("ac_generator", ", in pA"),
    "NoisyCurrentSource": ("noise_generator", ", in pA"),
    "NeuronGroup": ("iaf_psc_exp", ", or another neuron model"),
    "PoissonGroup": ("poisson_generator", "; for trains that several targets share, send it through parrot_neuron"),
    "PoissonInput": ("poisson_generator", ""),
    "SpikeGeneratorGroup": ("spike_generator", ""),
    "TimedArray": ("step_current_generator", ", or waveform_generator"),
    "poisson": ("poisson_generator", ""),
    "iaf_neuron": ("iaf_psc_alpha", ""),
    "iaf_psc_alpha_canon": ("iaf_psc_alpha_ps", ""),
    "iaf_psc_alpha_presc": ("iaf_psc_alpha_ps", ""),
    "iaf_psc_delta_canon": ("iaf_psc_delta_ps", ""),
    "parrot_neuron_ps": ("parrot_neuron", ", whose spike times are multiples of dt"),
    "spike_train_injector": ("spike_generator", ""),
    "lif": ("iaf_psc_exp", " (LIF neuron with exponential synaptic currents), or another neuron model"),
    "LIF": ("iaf_psc_exp", " (LIF neuron with exponential synaptic currents), or another neuron model"),
    "parrot": ("parrot_neuron", ""),
}

# Beginnings of models that lifsim does not have, and the nearest that it has.
_ABSENT = {
    "aeif_": "iaf_cond_exp_sfa_rr (adaptation)",
    "eif_": "iaf_cond_exp_sfa_rr (adaptation)",
    "adex": "iaf_cond_exp_sfa_rr (adaptation)",
    "amat2_": "mat2_psc_exp (adaptive threshold)",
    "gif_": "iaf_psc_exp with delta and rho (escape noise)",
    "glif_": "mat2_psc_exp (adaptive threshold)",
    "pp_psc": "iaf_psc_exp with delta and rho (escape noise)",
    "iaf_psc_alpha_multisynapse": "iaf_psc_exp_multisynapse",
    "iaf_cond_beta": "iaf_cond_alpha",
    "iaf_cond_alpha_mc": "iaf_cond_alpha (one compartment)",
    "iaf_chxk": "iaf_cond_alpha",
    "iaf_tum": "iaf_psc_exp with tsodyks_synapse",
    "iaf_psc_exp_htum": "iaf_psc_exp",
    "iaf_bw": "iaf_cond_exp",
    "izhikevich": "iaf_cond_exp_sfa_rr (adaptation)",
    "hh_": "iaf_cond_exp",
    "hodgkin": "iaf_cond_exp",
    "ht_neuron": "iaf_cond_exp",
    "mip_generator": "spike_generator with spike_times",
    "pulsepacket_generator": "spike_generator with spike_times",
    "gamma_sup_generator": "sinusoidal_gamma_generator",
    "ppd_sup_generator": "poisson_generator_ps with dead_time",
    "spike_dilutor": "spike_generator",
}

_RULES = {
    "AllToAllConnector": "all_to_all",
    "OneToOneConnector": "one_to_one",
    "FixedProbabilityConnector": "pairwise_bernoulli with p",
    "DistanceDependentProbabilityConnector": 'pairwise_bernoulli with p={"gaussian": {"p0": …, "sigma": …}}',
    "FixedNumberPreConnector": "fixed_indegree with indegree",
    "FixedNumberPostConnector": "fixed_outdegree with outdegree",
    "FixedTotalNumberConnector": "fixed_total_number with N",
    "FromListConnector": "explicit with sources and targets",
    "FromFileConnector": "explicit with file",
    "ArrayConnector": "a matrix of weights of shape (n_target, n_source) in place of the rule",
    "convergent": "fixed_indegree with indegree",
    "random_convergent": "fixed_indegree with indegree",
    "divergent": "fixed_outdegree with outdegree",
    "random_divergent": "fixed_outdegree with outdegree",
    "symmetric_pairwise_bernoulli": "pairwise_bernoulli with p; lifsim draws each direction by itself",
    "pairwise_poisson": "fixed_total_number with N, whose pairs may have several synapses",
    "pairwise_avg_num_conns": "fixed_total_number with N, whose pairs may have several synapses",
    "random": "pairwise_bernoulli with p",
    "bernoulli": "pairwise_bernoulli with p",
    "fixed_probability": "pairwise_bernoulli with p",
    "gaussian": 'pairwise_bernoulli with p={"gaussian": {"p0": …, "sigma": …}}',
}

# Arguments of `Network.connect` and keys of [[projections]].
_ARGUMENTS = {
    **dict.fromkeys(("prob", "probability", "p_connect", "connection_probability"), "p, with the rule pairwise_bernoulli"),
    **dict.fromkeys(("K", "k", "n_in", "n_pre", "in_degree"), "indegree, with the rule fixed_indegree"),
    **dict.fromkeys(("n_post", "n_out", "out_degree"), "outdegree, with the rule fixed_outdegree"),
    **dict.fromkeys(("total", "total_number", "n_synapses"), "N, with the rule fixed_total_number"),
    **dict.fromkeys(("i", "pre_index", "pre"), "sources, indices for the rule explicit"),
    **dict.fromkeys(("j", "post_index", "post"), "targets, indices for the rule explicit"),
    **dict.fromkeys(("w", "weights", "J", "g_syn"), "weight"),
    **dict.fromkeys(("d", "delays", "syn_delay"), "delay"),
    **dict.fromkeys(("synapse_model", "synapse_type", "model", "syn_model"), "synapse"),
    **dict.fromkeys(("receptor", "receptor_types", "port"), "receptor_type (1, 2, …)"),
    **dict.fromkeys(("autapses", "allow_self_connections", "self_connections"), "allow_autapses"),
    "multapses": "allow_multapses",
    "connector": "rule",
    "mask": 'p={"box": {"p0": …, "radius": …}}, or the "max_distance" of another function of distance',
    "make_symmetric": "a second call of connect for the other direction",
    "use_on_source": "the rule fixed_outdegree",
    "number_of_connections": "indegree, with the rule fixed_indegree, or outdegree, with fixed_outdegree",
    "condition": "sources and targets, with the rule explicit",
}

_SYNAPSES = {
    **dict.fromkeys(("static", "StaticSynapse", "cont_delay_synapse", "clopath_static"), "static_synapse"),
    **dict.fromkeys(("stdp", "STDPMechanism", "stdp_synapse_additive"), "stdp_synapse"),
    **dict.fromkeys(("stdp_triplet", "triplet"), "stdp_triplet_synapse"),
    **dict.fromkeys(("vogels", "inhibitory_stdp", "istdp"), "vogels_sprekeler_synapse"),
    **dict.fromkeys(("TsodyksMarkramSynapse", "tsodyks", "std", "stp", "tsodyks_synapse_hom"), "tsodyks_synapse, or tsodyks2_synapse"),
    **dict.fromkeys(("quantal_stp_synapse",), "tsodyks2_synapse, which is its mean"),
}
_ABSENT_SYNAPSES = (
    "bernoulli_synapse",
    "gap_junction",
    "clopath_synapse",
    "urbanczik_synapse",
    "jonke_synapse",
    "ht_synapse",
    "rate_connection",
    "diffusion_connection",
    "stdp_dopamine",
    "stdp_facetshw",
    "eprop_",
)
_VARIANTS = ("_lbl", "_hpc", "_hom_w")  # NEST's names of the same synapse model, stored in another way


_RECORDING = {
    **dict.fromkeys(("dt", "every", "sampling_interval", "record_interval", "timestep"), "interval"),
    **dict.fromkeys(("record_from", "variables", "what", "name"), "variable"),
    **dict.fromkeys(("population", "populations", "nodes", "target", "source"), "the population as the first argument"),
    **dict.fromkeys(("t_start", "origin"), "start"),
    **dict.fromkeys(("t_stop", "duration"), "stop"),
    **dict.fromkeys(("to", "file", "to_file", "record_to", "filename"), "lifsim.run(net, …, out=FILE)"),
}
_NETWORK = {
    **dict.fromkeys(("resolution", "timestep", "time_step"), "dt"),
    **dict.fromkeys(("threads", "n_threads", "local_num_threads", "precision", "weights", "out"), "it as an argument of lifsim.run"),
    **dict.fromkeys(("rng_seed", "random_state", "random_seed", "grng_seed"), "seed"),
    **dict.fromkeys(("simtime", "t_sim", "T", "tstop"), "duration"),
    "title": "name",
}


def recording_hint(word: str, known: Iterable[str]) -> str:
    """The argument of `Network.record` that is meant by `word`, which is none of the `known` ones."""
    return f"write {_RECORDING[word]}" if word in _RECORDING else did_you_mean(word, known)


def network_hint(word: str, known: Iterable[str]) -> str:
    """The argument of `Network` that is meant by `word`, which is none of the `known` ones."""
    return f"write {_NETWORK[word]}" if word in _NETWORK else did_you_mean(word, known)


def recorder_hint(word: str, nodes: Iterable[str], params: Mapping[str, Any] | None = None, toml: bool = False) -> str:
    """What to write in place of the recording device `word`; "" if it is none.

    nodes : names of populations, of which the first is the example. params : of the device, such as ``interval`` and ``record_from``.
    toml : the form of model files.
    """
    if word not in RECORDERS:
        return ""
    example, params = next(iter(nodes), ""), params or {}
    variable: Any = RECORDERS[word]
    wanted = params.get("record_from", params.get("variables", variable))
    variable = wanted if variable == "V_m" and isinstance(wanted, (str, list)) else variable
    interval = "" if variable == "spikes" else f"{', interval = ' if toml else ', interval='}{shown(params.get('interval', 1.0))}"
    name = f'"{example}"' if example else "POPULATION"
    if toml:
        entries = 'source = SOURCE, target = TARGET, variable = "weight"' if variable == "weight" else f"populations = {name}, variable = "
        entries += "" if variable == "weight" else _listed(variable)
        return f"recordings are not populations: write a table [[record]] with {entries}{interval}"
    call = "net.record_weights(SOURCE, TARGET" if variable == "weight" else f"net.record({name}, {_listed(variable)}"
    return f"recordings are not populations: write {call}{interval})"


def _listed(variable: Any) -> str:
    return shown(variable).replace("'", '"')


def model_hint(word: str) -> str:
    """A hint for `word`, which is not the name of a model: the model of the same meaning, or the most similar names of `MODELS`."""
    if word in _MODELS:
        name, note = _MODELS[word]
        return f"write {name}{note}"
    lower = word.lower()
    near = max((start for start in _ABSENT if lower.startswith(start)), key=len, default="")
    if near:
        kind = (
            "lifsim's neurons are leaky integrate-and-fire" if not lower.endswith(("generator", "dilutor")) else "lifsim has none like it"
        )
        return f"{kind}; the nearest: {_ABSENT[near]}"
    return did_you_mean(word, MODELS)


def rule_hint(word: str, rules: Iterable[str]) -> str:
    """A hint for `word`, which is not the name of a rule: the rule of the same meaning, or the most similar names of `rules`."""
    name = _RULES.get(word.removesuffix("()"))
    return f"write {name}" if name else did_you_mean(word, rules)


def argument_hint(word: str, known: Iterable[str]) -> str:
    """A hint for `word`, no argument of `Network.connect`: the argument of the same meaning, or the most similar of the `known` ones."""
    name = _ARGUMENTS.get(word)
    return f"write {name}" if name else did_you_mean(word, known)


def synapse_hint(word: str, synapses: Iterable[str]) -> str:
    """A hint for `word`, which is not a synapse model: the model of the same meaning, or the most similar names of `synapses`."""
    names = list(synapses)
    if word in _SYNAPSES:
        return f"write {_SYNAPSES[word]}"
    for ending in _VARIANTS:
        if word.removesuffix(ending) != word and word.removesuffix(ending) in names:
            return f"write {word.removesuffix(ending)}"
    if word.startswith(_ABSENT_SYNAPSES):
        return f"one of: {', '.join(names)}"
    return did_you_mean(word, names)
