"""Import and export of NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024, Nat. Commun. 15:8122): graphs of
nodes such as Affine, CubaLIF and IF in an HDF5 file with the extension .nir.

`graph` reads and writes files, `paths` multiplies nodes without neurons into weight matrices, `neurons` translates between nodes
and lifsim's neuron models, `importing` and `exporting` convert whole networks, `layers` converts weights alone.

Units: NIR does not define any; most programs use seconds. Here times are in s, potentials in mV and currents in pA, so that a
resistance is in GΩ (mV/pA). The signal along an edge is a current (pA).
"""

from __future__ import annotations

from lifsim.common.lazy import public_names
from lifsim.nir.exporting import save
from lifsim.nir.graph import Graph, read, write
from lifsim.nir.importing import load
from lifsim.nir.layers import load_weights, save_weights

__all__ = ["Graph", "load", "load_weights", "read", "save", "save_weights", "write"]

__dir__ = public_names(__name__)
