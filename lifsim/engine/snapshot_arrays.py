"""The arrays of a snapshot of an engine, by name; entries are in order of neuron ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

State = dict[str, Any]  # names to arrays, or to `Pieces` while a snapshot is written


@dataclass(frozen=True)
class Pieces:
    """An array that is too large to be made as a whole: `pieces` yields its parts along the last axis."""

    shape: tuple[int, ...]
    dtype: np.dtype
    pieces: Callable[[], Iterator[np.ndarray]]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """The whole array."""
        return np.concatenate([np.zeros((*self.shape[:-1], 0), self.dtype), *self.pieces()], axis=-1).astype(
            dtype or self.dtype, copy=False
        )


def taken(state: State, key: str, dtype: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """The entry `key` of a state as an array of `dtype` (ValueError if it is missing or has another shape or kind of type)."""
    if key not in state:
        raise ValueError(f"{key} is missing")
    x = np.asarray(state[key])
    if x.dtype.kind not in "biuf" or (shape is not None and x.shape != shape):
        raise ValueError(f"{key} has shape {x.shape} and type {x.dtype}; expected {shape} and {np.dtype(dtype)}")
    if x.dtype.kind == "f" and np.dtype(dtype).kind in "iu":
        raise ValueError(f"{key} has type {x.dtype}; expected whole numbers")
    return x.astype(dtype, copy=False)


def put(array: np.ndarray, key: str, state: State, at: Any = slice(None)) -> None:
    """Fill ``array[at]`` with the entry `key` of a state."""
    array[at] = taken(state, key, array.dtype, array.shape)
