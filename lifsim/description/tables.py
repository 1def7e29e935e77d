"""The tables of a network that descriptions and reports show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lifsim.description.sections import Grid
from lifsim.network.model import Model
from lifsim.network.network import Network
from lifsim.network.overviews import rule_text, value_text
from lifsim.network.pair_probability import indegree, pair_probability
from lifsim.network.parameter import Parameter
from lifsim.network.population import Population
from lifsim.network.projection import Projection, expected_synapses, random_number
from lifsim.network.synapse_models import WEIGHT, SynapseModel
from lifsim.network.synapse_values import weight_unit

FEW = 12  # entries of a list, or populations, up to which each is shown
_FORM = ".4g"  # of probabilities


def neurons_of(net: Network) -> list[Population]:
    """The populations of neurons."""
    return [p for p in net.populations.values() if p.model.role == "neuron"]


def stimuli_of(net: Network) -> list[Population]:
    """The populations of stimuli."""
    return [p for p in net.populations.values() if p.model.role != "neuron"]


def model_parameters(given: Mapping[str, Any]) -> Grid:
    """The values of the parameters of a model file."""
    return Grid("", ("parameter", "value"), tuple((name, _entry(value)) for name, value in given.items()))


def _entry(value: Any) -> str:
    """A parameter of the model file: a number, a text, or a list, of which only a short one is shown in full."""
    if isinstance(value, list) and len(value) <= FEW and not any(isinstance(x, (list, dict)) for x in value):
        return ", ".join(map(value_text, value))
    return value_text(value)


def parameter_rows(model: Model, own: Sequence[Population]) -> Iterator[tuple[Parameter, str, list[str], bool]]:
    """Of each parameter and initial value of a model: itself, its meaning, its value in each population, whether it was given in one."""
    for parameter in (*model.parameters, *model.states):
        meaning = f"{parameter.doc}, at the start" if parameter in model.states else parameter.doc
        given = any(parameter.name in p.params or parameter.name in p.initial for p in own)
        yield parameter, meaning, [value_text(p.get(parameter.name)) for p in own], given


def own_parameters(model: Model, own: Sequence[Population], idle: Collection[str] = ()) -> Iterator[Grid]:
    """The parameters of a neuron model but the `idle` ones: those that all populations share, and those that differ between them."""
    rows = [row for row in parameter_rows(model, own) if row[0].name not in idle or row[3]]
    shared = [row for row in rows if len(set(row[2])) == 1]
    head = ("parameter", "value", "unit", "meaning")
    told = ((q.name, values[0], q.unit, meaning + ("" if given else " (default)")) for q, meaning, values, given in shared)
    if shared:
        yield Grid(f"Parameters of {model.name}", head, tuple(told), (1,))
    other = [row for row in rows if row not in shared]
    if not other:
        return
    caption = f"Parameters of {model.name} that differ between populations"
    names = tuple(f"{q.name} ({q.unit})" if q.unit else q.name for q, *_ in other)
    by_population = tuple((p.name, *(values[k] for _, _, values, _ in other)) for k, p in enumerate(own))
    yield Grid(caption, ("population", *names), by_population, tuple(range(1, 1 + len(names))))


def synapse_parameters(model: SynapseModel, same: Sequence[Projection]) -> Grid:
    """The parameters of a synapse model: a column for the values of each different set of projections."""
    columns: dict[tuple[str, ...], list[str]] = {}
    for p in same:
        assert p.synapse is not None
        unit = weight_unit(p.source, p.target)
        values = tuple(value_text(p.synapse.get(q.name), unit if q.unit == WEIGHT else q.unit) for q in model.parameters)
        columns.setdefault(values, []).append(p.ends)
    heads = ("value",) if len(columns) == 1 else tuple(", ".join(ends) for ends in columns.values())
    rows = ((q.name, *(values[k] for values in columns), q.doc) for k, q in enumerate(model.parameters))
    return Grid(f"Parameters of {model.name}", ("parameter", *heads, "meaning"), tuple(rows))


def projections(net: Network) -> Grid:
    """The projections between neurons (and from given spikes): rule, in-degree, probability, weight, delay, synapses."""
    inner = [p for p in net.projections if p.stores_synapses]
    plastic = any(p.synapse for p in inner)
    head = ("source", "target", "rule", "in-degree", "p", "weight", "delay", "synapses", *(("plasticity",) if plastic else ()))
    rows = []
    for p in inner:
        source, _, target = p.ends.partition(" → ")
        number = f"{'about ' if random_number(p) else ''}{expected_synapses(p):,.0f}"
        ends = (f"{source} ({p.name})" if p.name else source, target, _rule(p), f"{indegree(p):.6g}", format(pair_probability(p), _FORM))
        values = value_text(p.weight, weight_unit(p.source, p.target), "weight"), value_text(p.delay, "ms", "delay"), number
        rows.append((*ends, *values, *((p.synapse.model.name if p.synapse else "static",) if plastic else ())))
    return Grid("Projections", head, tuple(rows), (3, 4, 7))


def _rule(p: Projection) -> str:
    """The rule; its parameters where no other column has them: a function of distance, a receptor."""
    counted = ("N", "indegree")  # in columns of their own
    said = rule_text(p.rule, {name: x for name, x in p.params.items() if name not in counted})
    return said + (f", receptor {p.receptor_type}" if p.receptor_type else "")


def pair_probabilities(net: Network) -> dict[tuple[str, str], float]:
    """(source, target) -> the probability that a pair of neurons of these populations is connected by at least one synapse."""
    missing: dict[tuple[str, str], float] = {}
    for p in net.projections:
        if p.stores_synapses:
            share = len(p.source) * len(p.target) / (p.source.population.n * p.target.population.n)
            key = p.source.population.name, p.target.population.name
            missing[key] = missing.get(key, 1.0) * (1 - share * min(pair_probability(p), 1.0))
    return {key: 1 - x for key, x in missing.items()}


def probabilities(net: Network) -> Grid | None:
    """The matrix of these probabilities, targets × sources; None for networks of fewer than three populations."""
    found = pair_probabilities(net)
    names = list(net.populations)
    sources = [name for name in names if any(name == source for source, _ in found)]
    targets = [name for name in names if any(name == target for _, target in found)]
    if max(len(sources), len(targets)) < 3:
        return None
    rows = tuple((t, *(format(found[s, t], _FORM) if (s, t) in found else "0" for s in sources)) for t in targets)
    return Grid(
        "Connection probabilities p from source (column) to target (row)", ("target", *sources), rows, tuple(range(1, 1 + len(sources)))
    )


def given_parameters(p: Population) -> str:
    """The given parameters of a stimulus, with units."""
    units = {parameter.name: parameter.unit for parameter in (*p.model.parameters, *p.model.states)}
    values = {**p.params, **p.initial}
    return ", ".join(f"{name} {value_text(value, units.get(name, ''))}" for name, value in values.items()) or "default values"


def inputs(net: Network) -> Grid:
    """The stimuli: a row for each of their projections, with the values of the nodes that it leads from."""
    rows = []
    for stimulus in stimuli_of(net):
        own = [p for p in net.projections if p.source.population is stimulus]
        for p in own:
            weight = value_text(p.weight, weight_unit(p.source, p.target), "weight")
            target = p.ends.partition(" → ")[2]
            rows.append(
                (p.ends.partition(" → ")[0], stimulus.model.name, _of_view(p), target, p.rule, weight, value_text(p.delay, "ms", "delay"))
            )
        if not own:
            rows.append((stimulus.name, stimulus.model.name, given_parameters(stimulus), "none", "", "", ""))
    return Grid("", ("source", "type", "parameters", "target", "rule", "weight", "delay"), tuple(rows))


def _of_view(p: Projection) -> str:
    """The parameters of a stimulus in words; of a single node, its own values."""
    population, view = p.source.population, p.source
    if len(view) != 1 or population.n == 1:
        return given_parameters(population)
    units, one = {q.name: q.unit for q in population.model.parameters}, int(view.ids[0])
    texts = []
    for name, value in population.params.items():
        shape = population.model.parameter(name).shape
        own = value[one] if shape == "value" and getattr(value, "shape", None) == (population.n,) else value
        texts.append(f"{name} {value_text(own, units.get(name, ''))}")
    return ", ".join(texts) or "default values"
