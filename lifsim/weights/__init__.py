"""The store of weight matrices: an HDF5 file with one group for each matrix, used by spiking networks and dense networks.

A store holds dense or sparse matrices, with delays or biases, and returns them bit for bit. Each is checked against its digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["FORMAT_VERSION", "Matrix", "WeightStore", "is_store"]

if TYPE_CHECKING:
    from lifsim.weights.matrix import Matrix
    from lifsim.weights.store import WeightStore
    from lifsim.weights.store_file import FORMAT_VERSION, is_store

__getattr__ = on_first_use(
    __name__,
    {
        "WeightStore": "lifsim.weights.store",
        "Matrix": "lifsim.weights.matrix",
        "is_store": "lifsim.weights.store_file",
        "FORMAT_VERSION": "lifsim.weights.store_file",
    },
)

__dir__ = public_names(__name__)
