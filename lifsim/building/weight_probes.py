"""Which recordings of weights the engine logs, spike by spike; the others are sampled between slices of the run."""

from __future__ import annotations

from collections.abc import Mapping

from lifsim.network.network import Network
from lifsim.network.projection import expected_synapses
from lifsim.network.projection_choice import between
from lifsim.network.recordings import Recording
from lifsim.plan.plan import WeightProbe

MOST = 1 << 18  # synapses times interval (ms) up to which a log costs less than a slice of the run for each sample


def is_logged(net: Network, r: Recording) -> bool:
    """Whether the recording `r` needs a log of transmitted weights."""
    if r.kind != "weights" or r.source is None:
        return r.kind == "events"
    if r.projection and not r.projection.synapse:
        return False
    recorded = [r.projection] if r.projection else [net.projections[i] for i in between(net.projections, r.source, r.view)]
    return sum(map(expected_synapses, recorded)) * r.interval <= MOST


def weight_probes(net: Network, first: Mapping[str, int]) -> list[WeightProbe]:
    """The logs that the recordings of `net` need; ``first[name]`` is the first global id of a population."""
    logged = [r for r in net.recordings if is_logged(net, r)]
    return [
        WeightProbe(r.source.ids + first[r.source.name], r.view.ids + first[r.view.name], r.kind == "weights") for r in logged if r.source
    ]
