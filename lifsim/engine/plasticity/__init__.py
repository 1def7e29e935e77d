"""Plastic synapses: a store for each model in use, beside the static ones, and the spikes of their targets.

`Machine.plastic` is None where there are none. Models are modules; the type of their `Synapses` (the names of these types differ, by
which Numba tells them apart) says which one a store is of; delivery is compiled for each model by itself. Targets receive static
weights first, then those of each model, in the order of `layout.MODELS`, by (delay descending, source, projection, synapse), whatever
the blocks and threads.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifsim.engine.plasticity.delivery import Plastic, deliveries
    from lifsim.engine.plasticity.layout import fan_out, occurring, plastic_of, prepared, refreshed, unpacked
    from lifsim.engine.plasticity.store import Place
    from lifsim.engine.plasticity.trains import WORDS

__all__ = ["WORDS", "Place", "Plastic", "deliveries", "fan_out", "occurring", "plastic_of", "prepared", "refreshed", "unpacked"]

_HOME = {"Plastic": "delivery", "deliveries": "delivery", "Place": "store", "WORDS": "trains"}  # the others are in `layout`


def __getattr__(name: str) -> Any:
    if name in __all__:  # loaded by those who ask: most networks have no plastic synapses
        return getattr(import_module(f"{__name__}.{_HOME.get(name, 'layout')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
