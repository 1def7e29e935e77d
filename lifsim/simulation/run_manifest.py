"""Makes the manifest (metadata) of a run from its network and settings."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from lifsim.network.network import Network
from lifsim.network.recording_names import united_spikes
from lifsim.network.recordings import Recording
from lifsim.results.manifest import Manifest


def manifest(net: Network, seed: int, settings: dict[str, Any], versions: dict[str, str], host: str, command: str) -> Manifest:
    """The manifest of a run of `net`: its metadata and what it will record."""
    return Manifest(
        dt=net.dt,
        populations={p.name: {"n": p.n, "model": p.model.name} for p in net.populations.values()},
        spikes={r.view.name: {"ids": r.view.listed, "start": r.start, "stop": r.stop} for r in united_spikes(net.recordings)},
        traces=[_trace(r) for r in net.recordings if r.kind not in ("spikes", "events")],
        weight_events=[_events(r) for r in net.recordings if r.kind == "events"],
        name=net.name,
        description=net.description,
        reference=net.reference,
        seed=seed,
        model_text=net.text,
        parameters=net.parameters,
        settings=settings,
        versions=versions,
        host=host,
        run=uuid.uuid4().hex,
        command=command,
        positions={p.name: net.positions(p, seed) for p in net.populations.values() if p.positions is not None},
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _trace(r: Recording) -> dict[str, Any]:
    """The entry of a sampled recording; that of weights is completed when the synapses are known."""
    population, name = r.key
    entry = {
        "population": population,
        "variable": name,
        "unit": _unit(r),
        "interval": r.interval,
        "start": r.start,
        "stop": r.stop,
        "ids": [] if r.kind in ("rate", "weights") else r.view.listed,
    }
    if name != r.variable:
        entry["of"] = r.variable
    if r.variable == "rate" and not r.view.whole:
        entry["members"] = r.view.listed
    return entry


def _events(r: Recording) -> dict[str, Any]:
    """The entry of a recording of transmitted weights."""
    assert r.source is not None
    population, name = r.key
    both = {"ids": r.view.listed, "sources": r.source.listed}
    unit = r.view.population.model.weight_unit
    return {"population": population, "variable": name, "unit": unit, "source": r.source.name, "start": r.start, "stop": r.stop, **both}


def _unit(r: Recording) -> str:
    model = r.view.population.model
    if r.kind == "weights":
        return model.weight_unit
    return "Hz" if r.kind == "rate" else "pA" if r.source else model.parameter(r.variable).unit
