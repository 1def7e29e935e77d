"""The model of a report: in words and tables, from the model text that a file of results keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from lifsim.common.errors import LifsimError
from lifsim.common.overview import counted
from lifsim.description.stored import stored_network
from lifsim.description.tables import FEW, given_parameters, model_parameters, neurons_of, parameter_rows, stimuli_of
from lifsim.network.network import Network
from lifsim.network.overviews import recorded_text
from lifsim.network.population import Population
from lifsim.report.markup import element, facts, folded, section, table
from lifsim.results.result import Result

_ROLES = {
    "neuron": "neuron{s}",
    "spikes": "node{s} with given spikes",
    "poisson": "generator{s} of random spikes",
    "current": "generator{s} of currents",
}


def model_part(result: Result) -> Element:
    """The section "Model". Without a model text, or if it cannot be read, it says so and shows the populations alone."""
    text, name = str(result.info.get("model_text") or ""), result.name
    net, why = _network(result)
    parts: list[Element] = []
    if net is None:
        parts.append(element("p", why))
        parts.append(table("Populations", ("population", "nodes", "model"), _known(result), (1,)))
    else:
        parts += _described(net, result)
    if text:
        parts.append(folded("Model file", element("pre", text, tabindex="0", aria_label=f"model file of {name}")))
    return section("model", "Model", *parts)


def _network(result: Result) -> tuple[Network | None, str]:
    """The network that the model text describes, or None and the reason."""
    if not result.info.get("model_text"):
        return None, "The file holds no model text: it is from another tool, or the network was built in Python. Known are:"
    try:
        return stored_network(result), ""
    except LifsimError as error:
        first = str(error).split("\n")[0]
        return None, f"The model text in the file cannot be read on its own ({first}); it is shown below as it is. Known are:"


def _known(result: Result) -> Iterator[tuple[str, str, str]]:
    for name, entry in result.populations.items():
        yield name, f"{entry['n']:,}", str(entry["model"])


def _described(net: Network, result: Result) -> list[Element]:
    parts = [element("p", _in_words(net, result))]
    given = result.info.get("parameters") or {}
    if given:
        grid = model_parameters(given)
        values = table("Parameters of the model file", grid.head, grid.rows)
        parts.append(values if len(given) <= FEW else folded(f"{len(given)} parameters of the model file", values))
    neurons, stimuli = neurons_of(net), stimuli_of(net)
    head = ("population", "nodes", "model")
    parts.append(table("Populations of neurons", head, [(p.name, f"{p.n:,}", p.model.name) for p in neurons], (1,)))
    parts += [element("p", f"{model.name}: {model.doc}", class_="note") for model in dict.fromkeys(p.model for p in neurons)]
    parts += _parameter_tables(neurons)
    if stimuli:
        rows = [(p.name, f"{p.n:,}", p.model.name, given_parameters(p)) for p in stimuli]
        parts.append(table("Stimuli", (*head, "parameters"), rows, (1,)))
    if net.projections:
        parts.append(table("Projections", _PROJECTION, [_projection(p) for p in net.projections]))
    if net.recordings:
        parts.append(facts([("Recorded", recorded_text(net.recordings))]))
    return parts


def _in_words(net: Network, result: Result) -> str:
    counts: dict[str, list[int]] = {}
    for p in net.populations.values():
        counts.setdefault(p.model.role, []).append(p.n)
    said = [f"{sum(n):,} {_ROLES[role].format(s='s' * (sum(n) != 1))} in {counted(len(n), 'population')}" for role, n in counts.items()]
    synapses = result.info.get("synapses")
    made = (
        f" {counted(synapses, 'synapse')} {'was' if synapses == 1 else 'were'} made by"
        if isinstance(synapses, int)
        else " Synapses are made by"
    )
    rules = f"{made} {counted(len(net.projections), 'projection')}." if net.projections else ""
    return f"The network has {' and '.join(', '.join(said).rsplit(', ', 1))}.{rules}"


def _parameter_tables(neurons: list[Population]) -> Iterator[Element]:
    """A table for each neuron model: a row for each parameter or initial value, a column for each population."""
    models = dict.fromkeys(p.model for p in neurons)
    for model in models:
        own = [p for p in neurons if p.model is model]
        rows: list[tuple[str | Element, ...]] = []
        for parameter, meaning, values, given in parameter_rows(model, own):
            cell = element("div", meaning, class_="long")
            rows.append((parameter.name, parameter.unit, *values, cell, "" if given else "default"))
        head = ("parameter", "unit", *(p.name for p in own), "meaning", "")
        yield table(f"Parameters of {model.name}", head, rows, range(2, 2 + len(own)))


_PROJECTION = ("projection", "rule", "weight", "delay", "synapses", "plasticity")


def _projection(p: Any) -> tuple[str, ...]:
    said = {fact.label: fact.text for fact in p.facts()}
    return (p.ends, *(said.get(label, "–") for label in _PROJECTION[1:]))
