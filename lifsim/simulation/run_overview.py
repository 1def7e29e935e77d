"""Short descriptions of simulations, as `repr` and in notebooks."""

from __future__ import annotations

from typing import Any

from lifsim.common.overview import Fact, Overview, counted, table_of
from lifsim.common.printable import shown
from lifsim.network.population import Population

_POPULATIONS = "population", "nodes", "model"


def overview_of(simulation: Any) -> Overview:
    """The description of a `Simulation`. One that could not be built, or is closed, can be described, too."""
    engine = getattr(simulation, "_engine", None)
    if engine is None:
        return Overview("Simulation", lines=("not built",))
    net, settings = simulation.net, simulation._settings
    time = f"{engine.step * net.dt:.10g} ms"
    facts = [Fact("time reached", time, said=f"at {time}"), Fact("seed", f"{simulation.seed}")]
    facts += [Fact("closed", "yes", said="closed")] if simulation._closed else []
    size = f"{counted(engine.plan.n_neurons, 'neuron')}, {counted(engine.plan.n_synapses, 'synapse')}"
    how = f"method {simulation.method}, {settings.precision}, weights {engine.weight_dtype.name}, {counted(engine.threads, 'thread')}"
    where = f"results in {simulation.path}" if simulation.path else "results in memory"
    parts = [p for p in net.populations.values() if p.model.role in ("neuron", "spikes")]
    table = table_of("populations", _POPULATIONS, parts, _row, lambda p: f"{p.name}: {p.n:,} {p.model.name}", 6)
    return Overview("Simulation", f"of {shown(net.name)}", facts, (size, how, where), (table,))


def _row(p: Population) -> tuple[str, ...]:
    return p.name, f"{p.n:,}", p.model.name
