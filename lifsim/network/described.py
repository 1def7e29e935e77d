"""What a network shows of itself in notebooks and prompts, and access to its populations by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lifsim.common.overview import Fact, Overview, Overviewed, counted, table_of
from lifsim.common.printable import shown
from lifsim.network.overviews import parameter_facts, recorded_text, value_text
from lifsim.network.population import Population, View
from lifsim.network.projection import Projection, expected_synapses, random_number
from lifsim.network.recordings import Recording

_POPULATION = "population", "nodes", "model", "parameters given"
_PROJECTION = "projection", "rule", "weight", "delay", "synapses", "plasticity"


class Described(Overviewed):
    """Base class of `Network`."""

    dt: float
    name: str
    duration: float | None
    seed: int
    populations: dict[str, Population]
    projections: list[Projection]
    recordings: list[Recording]

    if TYPE_CHECKING:

        def view(self, nodes: str) -> View:
            """A method of `Network`."""

    def __getitem__(self, name: str) -> Population | View:
        """A population by name, as ``net["exc"]``, or a view of some of its nodes, as ``net["exc[:10]"]``.

        Raises
        ------
        ModelError : the network has no such nodes.
        """
        return self.populations[name] if name in self else self.view(name)

    def __contains__(self, name: object) -> bool:
        """Whether there is a population of this name."""
        return isinstance(name, str) and name in self.populations

    def __iter__(self) -> Iterator[str]:
        """The names of the populations."""
        return iter(self.populations)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.populations)

    def _overview(self) -> Overview:
        populations, projections = self.populations.values(), self.projections
        facts = [Fact("dt", f"{self.dt:g} ms"), Fact("seed", f"{self.seed}")]
        facts += [] if self.duration is None else [Fact("duration", value_text(self.duration, "ms"))]
        inner = [p for p in projections if p.stores_synapses]
        size = [
            counted(sum(p.n for p in populations if p.model.role == "neuron"), "neuron"),
            counted(sum(map(expected_synapses, inner)), "synapse", any(map(random_number, inner))),
            counted(len(populations), "population"),
            counted(len(projections), "projection"),
        ]
        recorded = f"records {recorded_text(self.recordings)}" if self.recordings else "records nothing"
        tables = [
            table_of("populations", _POPULATION, populations, _population, _line, 4),
            table_of("projections", _PROJECTION, projections, _projection, _line, 3),
        ]
        return Overview("Network", shown(self.name), facts, (", ".join(size), recorded), tables)


def _population(p: Population) -> tuple[str, ...]:
    return p.name, f"{p.n:,}", p.model.name, ", ".join(map(str, parameter_facts(p.model, {**p.params, **p.initial})))


def _projection(p: Projection) -> tuple[str, ...]:
    texts = {fact.label: fact.text for fact in p.facts()}
    return p.ends, *(texts.get(label, "") for label in _PROJECTION[1:])


def _line(part: Population | Projection) -> str:
    return part._overview().line()
