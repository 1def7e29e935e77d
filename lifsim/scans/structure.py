"""What a network is made of, as digests: its behaviour altogether, and what must be built again for another one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from lifsim.checkpoint.network_archive import NetworkImage
from lifsim.common.values import Distribution
from lifsim.network.network import Network
from lifsim.network.projection import Projection
from lifsim.simulation.other_values import fixed

_ALL_GIVEN = ("one_to_one", "all_to_all", "explicit", "matrix")  # rules that draw no random numbers


def behaviour_of(net: Network) -> str:
    """A digest of everything that determines the behaviour of the network but the seed."""
    return NetworkImage(net).sha256()


def structures_of(net: Network, seeds: Sequence[int]) -> list[str]:
    """A digest, with each of the seeds, of what is built: networks for which it is equal differ only in what `Simulation.take_values` and
    `reset` change.
    """
    bare = copy(net)
    bare.populations = {name: replace(p, params={}, initial={}) for name, p in net.populations.items()}
    parts, is_random = [NetworkImage(bare).sha256(), [fixed(p) for p in net.populations.values()]], _is_random(net)
    texts = (json.dumps([*parts, seed if is_random else None], default=repr) for seed in seeds)
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def code_of(net: Network, method: str | None) -> str:
    """Networks for which this is equal need the same compiled code, as far as can be told from their description."""
    models = sorted({p.model.name for p in net.populations.values()})
    rules = sorted({(p.rule, p.synapse.model.name if p.synapse else "") for p in net.projections})
    recorded = sorted({r.kind for r in net.recordings})
    return repr((method or net.method, models, rules, recorded))


def _is_random(net: Network) -> bool:
    """Whether the seed decides about synapses or positions."""
    return any(map(_is_drawn, net.projections)) or any(p.positions is not None for p in net.populations.values())


def _is_drawn(p: Projection) -> bool:
    own = p.synapse.params.values() if p.synapse else ()
    return p.rule not in _ALL_GIVEN or any(map(_is_distribution, (p.weight, p.delay, *own)))


def _is_distribution(value: Any) -> bool:
    return isinstance(value, Distribution)
