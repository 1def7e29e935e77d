"""Plastic synapses: a store for each model in use, beside the static ones, and the spikes of their targets.

`Machine.plastic` is None where there are none: then nothing of this is compiled. Models are modules; the type of their
`Synapses` (the names of these types differ, by which Numba tells them apart) says which one a store is of, so that a
network is compiled for just the models in it. Targets receive static weights first, then those of each model, in the order
of `layout.MODELS`, by (delay descending, source, projection, synapse), whatever the blocks and threads.
"""

from lifsim.engine.plasticity.delivery import Plastic, deliver_plastic

__all__ = ["Plastic", "deliver_plastic"]
