"""Keys that newcomers write in model files, and hints that name the right ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from lifsim.common.errors import did_you_mean
from lifsim.network.model import MODELS
from lifsim.network.synonyms import argument_hint

_TOP = {
    **dict.fromkeys(("neurons", "nodes", "groups", "cells"), "tables [populations.NAME]"),
    **dict.fromkeys(("connections", "synapses", "edges", "connect"), "tables [[projections]]"),
    **dict.fromkeys(("recorders", "recordings", "outputs", "devices", "monitors"), "tables [[record]]"),
    **dict.fromkeys(("stimuli", "inputs", "generators"), "tables [populations.NAME], which stimuli have, too"),
    **dict.fromkeys(("simulation", "kernel", "simulator", "settings"), "a table [run]"),
    **dict.fromkeys(("dt", "duration", "seed", "method"), "{0} in the table [run]"),
}
_RUN = {
    **dict.fromkeys(("T", "t_sim", "simtime", "sim_time", "tstop", "t_stop", "time", "runtime"), "duration"),
    **dict.fromkeys(("resolution", "timestep", "time_step", "step", "h"), "dt"),
    **dict.fromkeys(("rng_seed", "random_seed", "random_state", "grng_seed"), "seed"),
    **dict.fromkeys(("threads", "local_num_threads", "n_threads", "precision", "out"), "the option --{0} of lifsim run"),
}
_RUN |= dict.fromkeys(("local_num_threads", "n_threads"), "the option --threads of lifsim run")
_POPULATION = {
    **dict.fromkeys(("size", "N", "number", "count", "num", "n_neurons"), "n"),
    **dict.fromkeys(("type", "neuron_model", "cell_type", "celltype", "cellclass", "neuron"), "model"),
    **dict.fromkeys(("parameters", "parameter", "cellparams"), "params"),
    **dict.fromkeys(("init", "initial_values", "initialize", "state"), "initial"),
}
_PROJECTION = {
    **dict.fromkeys(("from", "pre", "sender", "presynaptic_population"), "source"),
    **dict.fromkeys(("to", "post", "receiver", "postsynaptic_population"), "target"),
    "conn_spec": "rule and its parameters as entries of this table",
    "syn_spec": "weight, delay, synapse and receptor_type as entries of this table",
}
_RECORD = {
    **dict.fromkeys(("record_from", "what", "variables"), "variable"),
    **dict.fromkeys(("dt", "every", "sampling_interval", "resolution"), "interval"),
    **dict.fromkeys(("from", "to"), "populations (or source and target, for weights)"),
}
_TABLES = {"ModelFile": _TOP, "RunTable": _RUN, "PopulationTable": _POPULATION, "ProjectionTable": _PROJECTION, "RecordTable": _RECORD}


def key_hint(table: str, word: str, known: Iterable[str], place: str) -> str:
    """The key that is meant by `word`, which is none of the `known` keys of a table.

    table : name of its class in `lifsim.modelfile.schema`. place : of the table, such as ``populations.exc``.
    """
    name = _TABLES[table].get(word)
    if name:
        return f"write {name.format(word)}"
    if table == "PopulationTable":
        for home, words in (("params", _parameters()), ("initial", _states())):
            if word in words:
                return f"write it in {home}: {place}.{home}.{word}"
    return argument_hint(word, known) if table == "ProjectionTable" else did_you_mean(word, known)


@cache
def _parameters() -> set[str]:
    return {p.name for model in MODELS.values() for p in model.parameters}


@cache
def _states() -> set[str]:
    return {p.name for model in MODELS.values() for p in model.states}
