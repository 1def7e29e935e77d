"""Plastic synapses: a store for each model in use, beside the static ones, and the spikes of their targets.

`Machine.plastic` is None where there are none. Models are modules; the type of their `Synapses` (the names of these types differ, by
which Numba tells them apart) says which one a store is of; delivery is compiled for each model by itself. Targets receive static
weights first, then those of each model, in the order of `plastic_layout.MODELS`, by (delay descending, source, projection, synapse),
whatever the blocks and threads. The names here are imported on first use: most networks have no plastic synapses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

__all__ = ["WORDS", "Plastic", "StorePlace", "deliveries", "fan_out", "occurring", "plastic_of", "prepared", "refreshed", "unpacked"]

if TYPE_CHECKING:
    from lifsim.engine.plasticity.plastic_delivery import Plastic, deliveries
    from lifsim.engine.plasticity.plastic_layout import fan_out, occurring, plastic_of, prepared, refreshed, unpacked
    from lifsim.engine.plasticity.postsynaptic_spikes import WORDS
    from lifsim.engine.plasticity.store import StorePlace

__getattr__ = on_first_use(
    __name__,
    {
        "fan_out": "lifsim.engine.plasticity.plastic_layout",
        "occurring": "lifsim.engine.plasticity.plastic_layout",
        "plastic_of": "lifsim.engine.plasticity.plastic_layout",
        "prepared": "lifsim.engine.plasticity.plastic_layout",
        "refreshed": "lifsim.engine.plasticity.plastic_layout",
        "unpacked": "lifsim.engine.plasticity.plastic_layout",
        "Plastic": "lifsim.engine.plasticity.plastic_delivery",
        "deliveries": "lifsim.engine.plasticity.plastic_delivery",
        "StorePlace": "lifsim.engine.plasticity.store",
        "WORDS": "lifsim.engine.plasticity.postsynaptic_spikes",
    },
)
