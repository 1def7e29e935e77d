"""The arrays in which a store keeps a sparse or dense weight matrix."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from lifsim.common.arrays import first_not_finite
from lifsim.common.errors import DataError

SPARSE = ("data", "indices", "indptr")
DENSE = ("weight",)


class Matrix(NamedTuple):
    """The description of a stored matrix.

    Parameters
    ----------
    name : name in the store. shape : (n_target, n_source). kind : "dense" or "sparse", and "bias" or "delay" if stored.
    entries : number of stored weights. dtype : their type. units : their unit. sha256 : digest, computed from the stored bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    entries: int
    dtype: str
    units: str
    sha256: str


def stored_parts(matrix: Any) -> tuple[dict[str, np.ndarray], tuple[int, ...]]:
    """The arrays in which `matrix` is stored, and its shape (DataError if it is not 2-D)."""
    if not hasattr(matrix, "tocsr"):
        dense = _numbers(np.asarray(matrix))
        if dense.ndim != 2:
            raise DataError("matrix", f"an array of shape {dense.shape}", "shape (n_target, n_source)")
        return {"weight": dense}, dense.shape
    csc = matrix.tocsc() if matrix.format != "coo" else _from_coo(matrix)
    return {"data": _numbers(csc.data), "indices": csc.indices, "indptr": csc.indptr}, csc.shape


def _from_coo(matrix: Any) -> Any:
    """Convert a COO matrix to CSC without summing duplicate entries, as `tocsc` would."""
    from scipy import sparse

    order = np.lexsort((matrix.row, matrix.col))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(matrix.col, minlength=matrix.shape[1]))])
    return sparse.csc_array((matrix.data[order], matrix.row[order], indptr), shape=matrix.shape)


def _numbers(array: np.ndarray) -> np.ndarray:
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def delays_like(place: str, delay: Any, parts: dict[str, np.ndarray]) -> np.ndarray:
    """Delays (ms) in the order of the stored entries `parts` of a matrix (DataError if the sparsity patterns differ)."""
    own = {"weight": np.asarray(delay)} if not hasattr(delay, "tocsr") else stored_parts(delay)[0]
    if "data" in own and "data" in parts and all(np.array_equal(own[k], parts[k]) for k in ("indices", "indptr")):
        return own["data"]
    wanted = next(iter(parts.values())).shape
    if own.get("weight", np.empty(0)).shape != wanted:
        raise DataError(place, "the delays do not match the stored entries", f"shape {wanted}, or a matrix of the same sparsity pattern")
    return _numbers(own["weight"])


def bias_vector(place: str, bias: Any, parts: dict[str, np.ndarray]) -> np.ndarray:
    """A bias of shape (out,), with the type of the weights (DataError for another shape, or for a sparse matrix)."""
    if "weight" not in parts:
        raise DataError(place, "was given with a sparse matrix", "only dense matrices can have a bias")
    out = np.asarray(bias).astype(parts["weight"].dtype, copy=False)
    if out.shape != parts["weight"].shape[:1]:
        raise DataError(place, f"has shape {out.shape}", f"({len(parts['weight'])},), one entry for each target")
    return out


def check_finite(place: str, array: np.ndarray) -> None:
    """Raise DataError if a number is not finite."""
    wrong = first_not_finite(array)
    if wrong is not None:
        at = ", ".join(str(int(i)) for i in np.unravel_index(wrong, array.shape))
        raise DataError(f"{place}[{at}]", f"{array.flat[wrong]:g}", "finite numbers")


def check_pattern(place: str, parts: dict[str, np.ndarray], attributes: Any) -> None:
    """Raise DataError if the stored arrays are inconsistent: SciPy does not check them and could read out of bounds."""
    main = parts["weight" if "weight" in parts else "data"]
    if "delay" in parts and parts["delay"].shape != main.shape:
        raise DataError(f"{place}/delay", f"has shape {parts['delay'].shape}", f"{main.shape}, as the weights")
    if "bias" in parts and parts["bias"].shape != main.shape[:1]:
        raise DataError(f"{place}/bias", f"has shape {parts['bias'].shape}", f"{main.shape[:1]}, one entry for each target")
    if "weight" in parts:
        return
    shape = np.asarray(attributes.get("shape", ()))
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or (shape < 0).any():
        raise DataError(f"{place}/shape", f"{attributes.get('shape')!r}", "two whole numbers (n_target, n_source)")
    indices, indptr = parts["indices"], parts["indptr"].astype(np.int64)
    rising = len(indptr) == shape[1] + 1 and indptr[0] == 0 and indptr[-1] == len(main) and not (np.diff(indptr) < 0).any()
    if not rising:
        raise DataError(f"{place}/indptr", "is not valid", f"must have {shape[1] + 1} entries that rise from 0 to {len(main)}")
    if len(indices) != len(main) or (len(indices) and not 0 <= indices.min() <= indices.max() < shape[0]):
        raise DataError(f"{place}/indices", "is not valid", f"one index from 0 to {shape[0] - 1} for each of {len(main)} entries")


def digest_of(parts: dict[str, np.ndarray], attributes: Any) -> str:
    """SHA-256 of the names, types, shapes and little-endian bytes of all arrays, in alphabetical order."""
    shape, units, scale = attributes.get("shape", ()), attributes.get("units", ""), attributes.get("scale", 1.0)
    out = hashlib.sha256(repr([list(map(int, shape)), str(units), float(scale)]).encode())
    for key in sorted(parts):
        array = np.ascontiguousarray(parts[key])
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        out.update(f"{key} {plain.dtype.str} {plain.shape}".encode())
        out.update(plain.data if plain.size else b"")
    return out.hexdigest()
