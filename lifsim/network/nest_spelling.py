"""Connections spelled as in NEST: a rule with its parameters in one dictionary, weight, delay and synapse model in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifsim.common.errors import ModelError, Problem
from lifsim.common.printable import shown

# The arguments of `Network.connect` that are not parameters of the rule, with their defaults.
DEFAULTS: dict[str, Any] = {
    "weight": 1.0,
    "delay": 1.0,
    "synapse": "static_synapse",
    "allow_autapses": True,
    "allow_multapses": True,
    "receptor_type": 0,
}
_FLAGS = ("allow_autapses", "allow_multapses")


def spelled_out(
    place: str, rule: Any, conn_spec: Any, syn_spec: Any, options: Mapping[str, Any], params: Mapping[str, Any]
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The rule, the options (keys of `DEFAULTS`) and the rule's parameters, after dictionaries in NEST's form are taken apart.

    Parameters
    ----------
    place : of the connection, for messages. rule : a rule or a dictionary with ``rule`` and its parameters; ``conn_spec`` : the same under
    NEST's name. syn_spec : a synapse model or a dictionary with ``synapse_model``, ``weight``, ``delay``, ``receptor_type`` and parameters
    of the synapse model. options, params : the arguments given by themselves.

    Raises
    ------
    ModelError : a dictionary has another form, or something is given twice.
    """
    options, params, problems = dict(options), dict(params), []
    if conn_spec is not None:
        if not (isinstance(rule, str) and rule == "all_to_all"):
            raise ModelError(f"{place}.conn_spec", "given together with a rule", "only one of them")
        rule = conn_spec
    if isinstance(options["synapse"], Mapping) and "synapse_model" in options["synapse"]:
        if syn_spec is not None:
            raise ModelError(f"{place}.syn_spec", "given together with synapse", "only one of them")
        syn_spec, options["synapse"] = options["synapse"], DEFAULTS["synapse"]
    if isinstance(rule, Mapping) and not hasattr(rule, "tocsr"):  # a scipy.sparse matrix of the form DOK is a dictionary, too
        given = _named(f"{place}.rule", rule)
        rule = given.pop("rule", "all_to_all")
        flags = {key: given.pop(key) for key in _FLAGS if key in given}
        problems += [*_put(place, options, flags, DEFAULTS), *_put(place, params, given, {})]
    if syn_spec is not None:
        problems += _put(place, options, _synaptic(f"{place}.syn_spec", syn_spec), DEFAULTS)
    if problems:
        raise ModelError.of(problems)
    return rule, options, params


def _named(place: str, table: Mapping[Any, Any]) -> dict[str, Any]:
    """A copy of `table`, whose keys must be names (ModelError)."""
    wrong = next((key for key in table if not isinstance(key, str)), None)
    if wrong is not None:
        raise ModelError(place, f"a dictionary with the key {shown(wrong)}", "names as keys")
    return dict(table)


def _put(place: str, known: dict[str, Any], given: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Problem]:
    """Put the `given` entries into `known`; problems if they are there already, with a value other than the default."""
    twice = [key for key in given if key in known and not (key in defaults and _is(known[key], defaults[key]))]
    known |= given
    return [Problem(f"{place}.{key}", "given twice", "once: in the dictionary or as an argument") for key in twice]


def _is(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _synaptic(place: str, syn_spec: Any) -> dict[str, Any]:
    """The options that are in `syn_spec`."""
    if isinstance(syn_spec, str):
        return {"synapse": syn_spec}
    if isinstance(syn_spec, (list, tuple)):
        raise ModelError(place, shown(syn_spec), "a single dictionary; for several synapses of each pair, call connect once for each")
    if not isinstance(syn_spec, Mapping):
        raise ModelError(place, shown(syn_spec), 'a synapse model or a dictionary such as {"weight": 0.1, "delay": 1.5}')
    given = _named(place, syn_spec)
    options: dict[str, Any] = {key: given.pop(key) for key in ("weight", "delay", "receptor_type") if key in given}
    names = [key for key in ("synapse_model", "model") if key in given]
    if len(names) == 2:
        raise ModelError(place, "has both synapse_model and model", "only one of them")
    model = given.pop(names[0]) if names else DEFAULTS["synapse"]
    if given:
        options["synapse"] = {"model": model, **given}
    elif names:
        options["synapse"] = model
    return options
