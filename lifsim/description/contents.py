"""What a description says: the sections A to G of Nordlie, Gewaltig and Plesser (2009), and the parameters of the model file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lifsim.common.overview import counted
from lifsim.common.values import Distribution
from lifsim.description.equations import neuron_equations, synapse_equations, transmission_equations
from lifsim.description.sections import DescriptionSection, Grid, Part
from lifsim.description.tables import (
    inputs,
    model_parameters,
    neurons_of,
    own_parameters,
    probabilities,
    projections,
    stimuli_of,
    synapse_parameters,
)
from lifsim.network.method import method_of
from lifsim.network.network import Network
from lifsim.network.overviews import recorded_text
from lifsim.network.population import Population
from lifsim.network.positions import Positions
from lifsim.network.projection import expected_synapses, random_number

_ESCAPE = ("delta", "rho")
_PLASTIC_TRACES = ("tau_minus", "tau_minus_triplet")


def sections_of(net: Network) -> list[DescriptionSection]:
    """The sections of the description of a network; those without contents say so, as the scheme asks."""
    neurons = neurons_of(net)
    return [
        DescriptionSection("A", "Model summary", [_summary(net)]),
        DescriptionSection("B", "Populations", [_populations(neurons)]),
        DescriptionSection("C", "Connectivity", list(_connectivity(net))),
        DescriptionSection("D", "Neuron model", list(_neurons(net, neurons))),
        DescriptionSection("E", "Synapse model", list(_synapses(net, neurons))),
        DescriptionSection("F", "Input", [inputs(net)] if stimuli_of(net) else [_no_input(neurons)]),
        DescriptionSection("G", "Measurements", [_measurements(net)]),
        DescriptionSection("", "Simulation", [_simulation(net)]),
        *([DescriptionSection("", "Parameters", [model_parameters(net.parameters)])] if net.parameters else ()),
    ]


def _summary(net: Network) -> Grid:
    neurons, stimuli = neurons_of(net), stimuli_of(net)
    inner = [p for p in net.projections if p.stores_synapses]
    plastic = dict.fromkeys(p.synapse.model.name for p in inner if p.synapse)
    number = counted(sum(map(expected_synapses, inner)), "synapse", any(map(random_number, inner)))
    total = counted(sum(p.n for p in neurons), "neuron")
    located = [p for p in neurons if p.positions is not None]
    kinds = {"mV": "jumps of the membrane potential", "nS": "conductances", "pA": "currents", "": "none"}
    said = {
        "Populations": f"{len(neurons)}: {', '.join(p.name for p in neurons)} ({total})" if neurons else "none",
        "Topology": f"{counted(len(located), 'population')} in space" if located else "none",
        "Connectivity": f"{', '.join(dict.fromkeys(p.rule for p in inner))} ({number})" if inner else "none",
        "Neuron model": "; ".join(f"{m.name}: {m.doc}" for m in dict.fromkeys(p.model for p in neurons)) or "none",
        "Synapse model": ", ".join(dict.fromkeys(kinds[p.model.weight_unit] for p in neurons)) or "none",
        "Plasticity": ", ".join(plastic) or "none",
        "Input": ", ".join(dict.fromkeys(p.model.name for p in stimuli)) or "none",
        "Measurements": ", ".join(dict.fromkeys(r.variable for r in net.recordings)) or "none",
    }
    return Grid("", ("", ""), tuple(said.items()))


def _populations(neurons: Iterable[Population]) -> Grid:
    rows = [(p.name, p.model.name, f"{p.n:,}", _place(p.positions)) for p in neurons]
    if all(row[3] == "" for row in rows):
        return Grid("", ("name", "elements", "size"), tuple(row[:3] for row in rows), (2,))
    return Grid("", ("name", "elements", "size", "positions"), tuple(rows), (2,))


def _place(positions: Positions | None) -> str:
    if positions is None:
        return ""
    kind = "given" if positions.points is not None else "random"
    if positions.grid:
        kind = f"grid of {' × '.join(map(str, positions.grid))}"
    extent = " × ".join(f"{x:g}" for x in positions.extent) + " mm" if positions.extent else ""
    return ", ".join(filter(None, (kind, extent, "periodic" if positions.periodic else "")))


def _connectivity(net: Network) -> Iterator[Part]:
    inner = [p for p in net.projections if p.stores_synapses]
    if not inner:
        yield "There are no synapses between neurons."
        return
    yield projections(net)
    yield (
        "In-degree: synapses onto a target from all sources together, in the mean. p: the probability that a pair is connected by at "
        "least one synapse."
    )
    if any(isinstance(x, Distribution) and x.kind == "normal" for p in inner for x in (p.weight, p.delay)):
        yield "normal(a, b): mean a and standard deviation b; values beyond a limit (min, max) are drawn again."
    if any(isinstance(p.delay, Distribution) for p in inner):
        yield "Random delays below half a time step are drawn again; then they are rounded to time steps."
    for allowed, what in (("allow_autapses", "autapses"), ("allow_multapses", "multiple synapses of a pair")):
        without = [p for p in inner if not getattr(p, allowed)]
        if without:
            which = "" if len(without) == len(inner) else f" in {', '.join(p.ends for p in without)}"
            yield f"There are no {what}{which}."
    matrix = probabilities(net)
    if matrix is not None:
        yield matrix


def _neurons(net: Network, neurons: list[Population]) -> Iterator[Part]:
    onto = {p.target.population.name for p in net.projections if p.synapse}
    for model in dict.fromkeys(p.model for p in neurons):
        own = [p for p in neurons if p.model is model]
        yield f"{model.name}: {model.doc}."
        escape = any("delta" in p.params for p in own)
        yield from neuron_equations(model, escape)
        idle = (*(() if escape else _ESCAPE), *(() if onto & {p.name for p in own} else _PLASTIC_TRACES))
        yield from own_parameters(model, own, idle)


def _synapses(net: Network, neurons: list[Population]) -> Iterator[Part]:
    for model in dict.fromkeys(p.model for p in neurons):
        unit = f", with weights in {model.weight_unit}" if model.weight_unit else ""
        yield f"Onto {', '.join(p.name for p in neurons if p.model is model)} ({model.name}){unit}:"
        yield from transmission_equations(model)
    plastic: dict[str, list[Any]] = {}
    for p in net.projections:
        if p.synapse:
            plastic.setdefault(p.synapse.model.name, []).append(p)
    for same in plastic.values():
        model = same[0].synapse.model
        yield f"{model.name}: {model.doc}; in {', '.join(p.ends for p in same)}."
        yield from synapse_equations(model)
        yield synapse_parameters(model, same)


def _no_input(neurons: Iterable[Population]) -> str:
    driven = [p.name for p in neurons if "I_e" in p.params]
    return f"Constant currents I_e of {', '.join(driven)}; no other input." if driven else "There is no input."


def _measurements(net: Network) -> str:
    return f"Recorded: {recorded_text(net.recordings)}." if net.recordings else "Nothing is recorded."


def _simulation(net: Network) -> Grid:
    rows = [("time step", f"{net.dt:g} ms"), ("seed", str(net.seed))]
    if net.duration is not None:
        rows.insert(1, ("duration", f"{net.duration:g} ms"))
    rows.append(("spike times", "exact" if method_of(net) == "precise" else "multiples of the time step"))
    return Grid("", ("", ""), tuple(rows))
