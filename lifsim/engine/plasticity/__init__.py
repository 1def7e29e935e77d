"""Plastic synapses: a store for each model in use, separate from static synapses, and the spikes of their target neurons.

`Machine.plastic` is None if a network has none. Each model is a module. The type of its `Synapses` identifies the model of a store (the
types have different names, by which Numba distinguishes them); delivery is compiled separately for each model. A target receives static
weights first, then those of each plastic model in the order of `plastic_layout.MODELS`, sorted by (delay descending, source, projection,
synapse); this order does not depend on blocks and threads. The names here are imported on first use, because most networks have no
plastic synapses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

__all__ = [
    "OWN",
    "SHARED",
    "WORDS",
    "Only",
    "Plastic",
    "Seen",
    "StorePlace",
    "WeightLogs",
    "begun_again",
    "deliveries",
    "draw_again",
    "fan_out",
    "kind_of",
    "occurring",
    "plastic_of",
    "prepared",
    "refreshed",
    "set_own",
    "set_weights",
    "stored_in",
    "traces_now",
    "unpacked",
    "variables",
    "with_value",
]

if TYPE_CHECKING:
    from lifsim.engine.plasticity.plastic_delivery import Plastic, deliveries
    from lifsim.engine.plasticity.plastic_layout import (
        Only,
        Seen,
        begun_again,
        draw_again,
        fan_out,
        occurring,
        plastic_of,
        prepared,
        refreshed,
        set_weights,
        stored_in,
        unpacked,
        variables,
    )
    from lifsim.engine.plasticity.plastic_values import OWN, SHARED, kind_of, set_own, with_value
    from lifsim.engine.plasticity.postsynaptic_spikes import WORDS, traces_now
    from lifsim.engine.plasticity.store import StorePlace
    from lifsim.engine.plasticity.weight_logging import WeightLogs

__getattr__ = on_first_use(
    __name__,
    {
        "Only": "lifsim.engine.plasticity.plastic_layout",
        "variables": "lifsim.engine.plasticity.plastic_layout",
        "Seen": "lifsim.engine.plasticity.plastic_layout",
        "stored_in": "lifsim.engine.plasticity.plastic_layout",
        "begun_again": "lifsim.engine.plasticity.plastic_layout",
        "draw_again": "lifsim.engine.plasticity.plastic_layout",
        "set_weights": "lifsim.engine.plasticity.plastic_layout",
        "fan_out": "lifsim.engine.plasticity.plastic_layout",
        "occurring": "lifsim.engine.plasticity.plastic_layout",
        "plastic_of": "lifsim.engine.plasticity.plastic_layout",
        "prepared": "lifsim.engine.plasticity.plastic_layout",
        "refreshed": "lifsim.engine.plasticity.plastic_layout",
        "unpacked": "lifsim.engine.plasticity.plastic_layout",
        **dict.fromkeys(("OWN", "SHARED", "kind_of", "set_own", "with_value"), "lifsim.engine.plasticity.plastic_values"),
        "Plastic": "lifsim.engine.plasticity.plastic_delivery",
        "deliveries": "lifsim.engine.plasticity.plastic_delivery",
        "WeightLogs": "lifsim.engine.plasticity.weight_logging",
        "StorePlace": "lifsim.engine.plasticity.store",
        "traces_now": "lifsim.engine.plasticity.postsynaptic_spikes",
        "WORDS": "lifsim.engine.plasticity.postsynaptic_spikes",
    },
)
