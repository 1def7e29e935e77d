"""Plastic synapses: a store for each model in use, beside the static ones, and the spikes of their targets.

`Machine.plastic` is None where there are none: then nothing of this is compiled. Models are modules; the type of their
`Synapses` (the names of these types differ, by which Numba tells them apart) says which one a store is of, so that a
network is compiled for just the models in it. Targets receive static weights first, then those of each model, in the order
of `layout.MODELS`, by (delay descending, source, projection, synapse), whatever the blocks and threads.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from numba import types
from numba.extending import overload

if TYPE_CHECKING:
    from lifsim.engine.plasticity.delivery import Plastic
    from lifsim.engine.plasticity.layout import fan_out, occurring, plastic_of, prepared, refreshed, unpacked
    from lifsim.engine.plasticity.store import Place
    from lifsim.engine.plasticity.trains import WORDS

__all__ = ["WORDS", "Place", "Plastic", "deliver_plastic", "fan_out", "occurring", "plastic_of", "prepared", "refreshed", "unpacked"]

_HOME = {"Plastic": "delivery", "Place": "store", "WORDS": "trains"}  # the others are in `layout`


def deliver_plastic(plastic: Any, ring: Any, blocks: Any, b: int, total: Any, step: int) -> None:
    """Add to `total` (channels, n) of block `b` all plastic weights that arrive in `step`; none where `plastic` is None.

    (How it is done where there are some is said in `delivery`.)
    """


@overload(deliver_plastic)
def _nothing(plastic, ring, blocks, b, total, step):
    return (lambda plastic, ring, blocks, b, total, step: None) if isinstance(plastic, types.NoneType) else None


def __getattr__(name: str) -> Any:
    if name in __all__:  # loaded by those who ask: most networks have no plastic synapses
        return getattr(import_module(f"{__name__}.{_HOME.get(name, 'layout')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
