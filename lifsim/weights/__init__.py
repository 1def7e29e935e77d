"""The store of weight matrices: one HDF5 file with a group for each matrix, shared by spiking networks and dense networks.

In: dense or sparse matrices, with delays or biases. Out: the same, bit for bit, each checked against its digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

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
