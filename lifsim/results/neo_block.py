"""Spikes and traces of a result as objects of neo, for Elephant and other tools."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.optional import optional

_UNITS = {"": "dimensionless", "1/s": "Hz", "spikes/s": "Hz"}


def block(result: Any) -> Any:
    """All spikes and traces of `result` as a `neo.Block`; see `Result.to_neo`."""
    neo = optional("neo", "to_neo")
    made = neo.Block(name=result.name, simulator="lifsim", seed=str(result.seed), dt_ms=result.dt)
    segment = neo.Segment(name=result.name)
    made.segments.append(segment)
    for population in (name for name in result.populations if name in result.spikes or name in result.traces):
        group = neo.Group(name=population, model=result.populations[population]["model"])
        if population in result.spikes:
            trains = spike_trains(result.spikes[population], neo)
            segment.spiketrains.extend(trains)
            group.add(*trains)
        if population in result.traces:
            signals = [signal(result, population, variable, neo) for variable in result.traces[population]]
            segment.analogsignals.extend(signals)
            group.add(*signals)
        made.groups.append(group)
    return made


def spike_trains(spikes: Any, neo: Any) -> list[Any]:
    """A `neo.SpikeTrain` for each recorded neuron, silent ones included."""
    order = np.argsort(spikes.ids, kind="stable")
    ids, times = spikes.ids[order], spikes.times[order]
    first, last = (np.searchsorted(ids, spikes.recorded_ids, side) for side in ("left", "right"))
    return [
        neo.SpikeTrain(
            times[a:z],
            units="ms",
            t_start=min(spikes.t_start, times[a] if z > a else spikes.t_start),
            t_stop=max(spikes.t_stop, times[z - 1] if z > a else spikes.t_stop),
            name=f"{spikes.name}[{i}]",
            population=spikes.name,
            neuron=int(i),
        )
        for i, a, z in zip(spikes.recorded_ids, first, last, strict=True)
    ]


def signal(result: Any, population: str, variable: str, neo: Any) -> Any:
    """A trace as a `neo.AnalogSignal`; its channels are the neurons, or for weights the synapses."""
    quantities = optional("quantities", "to_neo")
    of = result.traces[population]
    values, at, unit = of[variable], of.times_of(variable), of.unit_of(variable)
    channels = {"neuron": of.ids_of(variable), "source": of.sources_of(variable)}
    every = at[1] - at[0] if len(at) > 1 else at[0] - result.t_start if len(at) else result.dt
    return neo.AnalogSignal(
        values,
        units=_UNITS.get(unit, unit),
        t_start=(at[0] if len(at) else result.t_start) * quantities.ms,
        sampling_period=round(every / result.dt) * result.dt * quantities.ms,
        name=variable,
        population=population,
        array_annotations={key: ids for key, ids in channels.items() if len(ids) == values.shape[1]},
    )
