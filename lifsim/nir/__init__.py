"""Networks and weights to and from NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024, Nat. Commun.
15:8122): graphs of nodes such as Affine, CubaLIF and IF in an HDF5 file that ends in .nir.

`graph` is what is in a file, `paths` what its nodes without neurons do to signals, `neurons` the equations of nodes and of lifsim's
models, `importing` and `exporting` the ways from and to a network, `layers` the weights alone.

Units: NIR leaves them open, most programs take seconds. Here times are seconds, potentials mV and currents pA, so that a
resistance is in GΩ (mV/pA). What goes along an edge is a current (pA).
"""

from __future__ import annotations

from lifsim.nir.exporting import save
from lifsim.nir.graph import Graph, read, write
from lifsim.nir.importing import load
from lifsim.nir.layers import load_weights, save_weights

__all__ = ["Graph", "load", "load_weights", "read", "save", "save_weights", "write"]
