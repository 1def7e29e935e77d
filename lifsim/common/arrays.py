"""Checks and conversions of arrays of numbers, used by several packages."""

from __future__ import annotations

import numpy as np

PIECE = 1 << 14  # values that are processed at a time, so that temporary arrays stay in the CPU cache


def delays_among(steps: np.ndarray) -> np.ndarray:
    """The distinct values, ascending, in an array of delays (steps)."""
    seen = np.zeros(int(steps.max(initial=0)) + 1, bool)
    for a in range(0, len(steps), PIECE):
        seen[steps[a : a + PIECE]] = True
    return np.flatnonzero(seen)


def places(n: int) -> np.ndarray:
    """The indices 0 … n - 1, as int32 if they fit, else int64."""
    return np.arange(n, dtype=np.int32 if n < 2**31 else np.int64)


def indices(array: np.ndarray) -> np.ndarray:
    """Convert integers to a contiguous int32 or int64 array; an array that has this form already is not copied.

    Raises
    ------
    ValueError : the array has another type, or more than one dimension.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise ValueError(f"an array of {array.dtype}, shape {array.shape}; a list of indices")
    if array.dtype.itemsize < 4 or array.dtype == np.uint32:
        return np.ascontiguousarray(array, np.int64 if array.dtype == np.uint32 else np.int32)
    return np.ascontiguousarray(array, np.int32 if array.dtype.itemsize == 4 else np.int64)


def numbers(array: np.ndarray) -> np.ndarray:
    """Convert real numbers to a contiguous float32 or float64 array; wider types are rounded to float64.

    An array that has this form already is not copied.

    Raises
    ------
    ValueError : the array has another type.
    """
    if array.dtype.kind not in "biuf":
        raise ValueError(f"entries of type {array.dtype}; real numbers")
    narrow = array.dtype.itemsize <= (4 if array.dtype.kind in "bf" else 2)
    return np.ascontiguousarray(array, np.float32 if narrow else np.float64)


def distinct(values: np.ndarray) -> int:
    """Number of different integers. (`np.unique` of NumPy 2.4 uses a hash table, which takes far longer if they hardly repeat.)"""
    ordered = np.sort(values, axis=None)
    return min(1, len(ordered)) + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def out_of_range(index: np.ndarray, n: int) -> int | None:
    """An index that is outside of 0 … n - 1; None if there is none."""
    low, high = (int(index.min()), int(index.max())) if len(index) else (0, 0)
    return (high if low >= 0 else low) if len(index) and not 0 <= low <= high < n else None


def first_not_finite(array: np.ndarray) -> int | None:
    """The flat index of the first NaN or infinite entry, or None."""
    flat = array.ravel()
    if not len(flat) or np.isfinite([flat.min(), flat.max()]).all():  # min and max of NaN are NaN
        return None
    for a in range(0, len(flat), PIECE):
        wrong = ~np.isfinite(flat[a : a + PIECE])
        if wrong.any():
            return a + int(np.argmax(wrong))
    return None


def constant(array: np.ndarray) -> bool:
    """Whether all entries are equal; False for an empty array."""
    return len(array) > 0 and array[0] == array[-1] and all((array[a : a + PIECE] == array[0]).all() for a in range(0, len(array), PIECE))


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two flat arrays are equal."""
    return a is b or (a.shape == b.shape and all(np.array_equal(a[i : i + PIECE], b[i : i + PIECE]) for i in range(0, len(a), PIECE)))
