"""Neurons by their ids: their places among the recorded ones, and choices of some of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.arrays import distinct
from lifsim.common.errors import DataError
from lifsim.results.spikes import Spikes

LARGEST_TABLE = 1 << 24  # entries of a table with a place for each id


def places(ids: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Index in `among` of each of `ids`.

    Parameters
    ----------
    ids : whole numbers from 0, (n,). among : distinct whole numbers from 0, (m,), in any order.

    Returns
    -------
    int64 (n,); -1 for ids that `among` does not contain.
    """
    if not len(among) or not len(ids):
        return np.full(len(ids), -1)
    largest = int(max(ids.max(), among.max()))
    if largest < LARGEST_TABLE:
        table = np.full(largest + 1, -1)
        table[among] = np.arange(len(among))
        return table[ids]
    order = np.argsort(among, kind="stable")
    place = order[np.minimum(np.searchsorted(among, ids, sorter=order), len(among) - 1)]
    return np.where(among[place] == ids, place, -1)


def chosen(spikes: Spikes, ids: Any) -> np.ndarray:
    """The neurons `ids`, int64 (n,), or all recorded ones if None (DataError if one was not recorded, or is named twice)."""
    if ids is None:
        return spikes.recorded_ids
    wanted = np.atleast_1d(np.asarray(ids))
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
        raise DataError("ids", f"has shape {wanted.shape} and type {wanted.dtype}", "a list of whole numbers")
    wanted = wanted.astype(np.int64)
    unknown = wanted[~np.isin(wanted, spikes.recorded_ids)]
    if len(unknown):
        raise DataError("ids", f"{unknown[0]} was not recorded in {spikes.name or 'this population'}", "ids of recorded neurons")
    if distinct(wanted) < len(wanted):
        raise DataError("ids", "a neuron is named twice", "different neurons")
    return wanted


def select(spikes: Spikes, ids: Any) -> Spikes:
    """The spikes of some neurons of a population, as if only these had been recorded.

    Parameters
    ----------
    spikes : the spikes of one population. ids : the neurons.

    Returns
    -------
    Their spikes, with `recorded_ids` in the order of `ids`.

    Raises
    ------
    DataError : a neuron of `ids` was not recorded, or is named twice.
    """
    neurons = chosen(spikes, ids)
    kept = places(spikes.ids, neurons) >= 0
    return spikes.having(spikes.times[kept], spikes.ids[kept], neurons)


def stable_order(place: np.ndarray, n: int) -> np.ndarray:
    """The order that sorts `place`, whole numbers from 0 to `n` - 1, and leaves equal numbers in their order.

    NumPy sorts 16-bit numbers in linear time, so that larger numbers are sorted by their low bits, then by their high bits.
    """
    if n <= 1 << 16:
        return np.argsort(place.astype(np.uint16), kind="stable")
    low = np.argsort((place & 0xFFFF).astype(np.uint16), kind="stable")
    if n > 1 << 32:
        return np.argsort(place, kind="stable")
    return low[np.argsort((place[low] >> 16).astype(np.uint16), kind="stable")]
