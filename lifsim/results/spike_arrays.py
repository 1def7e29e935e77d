"""Checks and conversions of spike times and ids that users give: lists, arrays, and quantities of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.arrays import PIECE, first_not_finite
from lifsim.common.errors import DataError
from lifsim.common.printable import shown
from lifsim.common.values import number

MOST_NODES = 2**31  # of a population
_LARGEST_TABLE = 1 << 24  # ids up to here are looked up in a table


def in_ms(raw: Any, where: str) -> Any:
    """`raw` without its unit: quantities of neo, pint, astropy and Brian2 are converted to ms; everything else is returned as it is.

    Raises
    ------
    DataError : `raw` is a quantity of another kind than time; the message begins with `where`.
    """
    try:
        if hasattr(raw, "rescale"):  # quantities, neo
            return raw.rescale("ms").magnitude
        if hasattr(raw, "to_value"):  # astropy
            return raw.to_value("ms")
        if hasattr(raw, "magnitude") and hasattr(raw, "to"):  # pint
            return raw.to("ms").magnitude
        if hasattr(getattr(raw, "dim", None), "get_dimension"):  # quantities and variables of Brian2, which are in seconds
            if not _is_time(raw.dim):
                raise ValueError("not a time")
            return 1000.0 * np.asarray(raw)
    except Exception:  # each library has errors of its own
        raise DataError(where, f"a quantity in {getattr(raw, 'units', getattr(raw, 'unit', raw.__class__.__name__))}", "times") from None
    return raw


def _is_time(dim: Any) -> bool:
    """Whether a dimension of Brian2 is that of a time."""
    others = ("length", "mass", "current", "temperature", "substance", "luminosity")
    return dim.get_dimension("time") == 1 and not any(dim.get_dimension(name) for name in others)


def time_of(raw: Any, where: str) -> float:
    """A time in ms from a number, a quantity or a text such as "1 s" (DataError if it is none, or not finite)."""
    given = in_ms(raw, where)
    try:
        value = number(given.item() if isinstance(given, np.ndarray) and given.ndim == 0 else given, "ms")
    except ValueError as error:
        raise DataError(where, str(error), "a time in ms") from None
    if not np.isfinite(value):
        raise DataError(where, f"{value:g} ms", "a finite time")
    return float(value)


def times_of(raw: Any, where: str) -> np.ndarray:
    """Spike times as float64 in ms; an array of this type is not copied (DataError if they are not finite numbers in one dimension)."""
    at = _array(in_ms(raw, where), where, "iuf", "times in ms").astype(np.float64, copy=False)
    wrong = first_not_finite(at)
    if wrong is not None:
        raise DataError(where, f"entry {wrong} is {at[wrong]:g}", "finite times in ms")
    return at


def ids_of_spikes(raw: Any, where: str) -> np.ndarray:
    """Ids as int64; an array of this type is not copied. Floats that are whole numbers are accepted.

    Raises
    ------
    DataError : they are not whole numbers from 0 to 2147483647 in one dimension.
    """
    given = _array(raw, where, "iuf", "whole numbers")
    if given.dtype.kind == "f":
        for a in range(0, len(given), PIECE):
            wrong = np.flatnonzero(given[a : a + PIECE] != np.rint(given[a : a + PIECE]))  # nan differs from itself
            if len(wrong):
                raise DataError(where, f"entry {a + wrong[0]} is {given[a + wrong[0]]:g}", "whole numbers from 0")
    low, high = (given.min(), given.max()) if len(given) else (0, 0)
    if not 0 <= low <= high < MOST_NODES:
        raise DataError(where, f"holds {low if low < 0 else high:g}", f"whole numbers from 0 to {MOST_NODES - 1}")
    return given.astype(np.int64, copy=False)


def _array(raw: Any, where: str, kinds: str, allowed: str) -> np.ndarray:
    try:
        made = np.asarray(raw)
    except ValueError:  # lists of different lengths
        raise DataError(where, shown(raw), f"a list or array of {allowed}") from None
    if made.size == 0 and made.ndim == 1:
        return made.astype(np.float64, copy=False)
    if made.ndim != 1 or made.dtype.kind not in kinds:
        got = shown(raw) if made.ndim == 0 else f"an array of {made.dtype} of shape {made.shape}"
        raise DataError(where, got, f"a list or array of {allowed}, in one dimension")
    return made


def ascending(at: np.ndarray, ids: np.ndarray | None = None) -> bool:
    """Whether times are in order, and simultaneous spikes in that of `ids` if given; takes no memory that grows with their number."""
    for a in range(0, len(at), PIECE - 1):
        piece = at[a : a + PIECE]
        right = piece[1:] >= piece[:-1]
        if ids is not None:
            of = ids[a : a + PIECE]
            right &= (piece[1:] > piece[:-1]) | (of[1:] >= of[:-1])
        if not right.all():
            return False
    return True


def by_time(at: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spikes in order of time, then of id."""
    if ascending(at, ids):
        return at, ids
    if not ascending(at):
        order = np.argsort(at, kind="stable")
        at, ids = at[order], ids[order]
    key = np.zeros(len(at), np.int64)  # whole numbers are sorted several times as fast as pairs
    np.cumsum(at[1:] != at[:-1], out=key[1:])
    nodes = int(ids.max()) + 1
    key *= nodes
    key += ids
    key.sort()
    return at, key % nodes


def first_missing(ids: np.ndarray, among: np.ndarray) -> int | None:
    """One of `ids` that `among` does not contain, or None. Both are whole numbers from 0."""
    if not len(ids):
        return None
    largest = int(ids.max())
    if len(among) == largest + 1 and among[0] == 0 and among[-1] == largest and (np.diff(among) == 1).all():
        return None
    if largest < _LARGEST_TABLE:
        table = np.zeros(largest + 1, bool)
        table[among[among <= largest]] = True
        used = np.zeros(largest + 1, bool)
        used[ids] = True
        lacking = np.flatnonzero(used & ~table)
    else:
        lacking = np.setdiff1d(ids, among)
    return int(lacking[0]) if len(lacking) else None
