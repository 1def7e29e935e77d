"""The spikes of a page: all of them or, of very many, their density and the complete trains of some neurons.

Times are whole numbers of ticks. A tick is the time step, or the grid that the times lie on. Times on no grid are rounded to a
nanosecond, or to as much more as 32-bit differences need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifsim import analysis
from lifsim.common.printable import one_line
from lifsim.common.text import storable
from lifsim.plot.selection import Shown
from lifsim.plot.spike_density import time_grid
from lifsim.report.blocks import PageBlocks
from lifsim.results.spikes import Spikes

ALL = 2_000_000  # the largest number of spikes that a page holds one by one
_COLUMNS, _ROWS = 4096, 384  # of the density
_FINEST = 1e-6  # ms; ticks of times that lie on no grid
_PIECE = 1 << 20  # spikes that are handled at a time


@dataclass(frozen=True)
class TickClock:
    """The unit of time of a page: `tick` in ms; `grid`, in ticks, is what limits of windows are rounded to; `exact`: as stored."""

    tick: float
    grid: int
    exact: bool

    def ticks(self, times: np.ndarray) -> np.ndarray:
        """Times (ms) in ticks, int64."""
        return np.rint(times / self.tick).astype(np.int64)

    def span(self, start: float, stop: float) -> tuple[int, int]:
        """The whole ticks that a window (ms) reaches into."""
        return math.floor(start / self.tick + 1e-6), math.ceil(stop / self.tick - 1e-6)


def clock_of(spikes: Sequence[Spikes], start: float, stop: float, dt: float) -> TickClock:
    """The clock for spikes in a window from `start` to `stop` (ms) of a run in steps of `dt` (nan if not known)."""
    times = [one.times for one in spikes]
    for grid in (dt, time_grid(times, dt) if sum(map(len, times)) else 0.0):
        if grid > 0 and all(_lie_on(one, grid) for one in times) and _fits(times, grid, start, stop):
            return TickClock(grid, 1, True)
    tick = _FINEST
    while not _fits(times, tick, start, stop):
        tick *= 10
    return TickClock(tick, max(1, round((dt if dt > 0 else 0.1) / tick)), False)


def _lie_on(times: np.ndarray, grid: float) -> bool:
    for k in range(0, len(times), _PIECE):
        steps = times[k : k + _PIECE] / grid
        if np.abs(steps - np.rint(steps)).max() > 1e-3:
            return False
    return True


def _fits(times: Sequence[np.ndarray], tick: float, start: float, stop: float) -> bool:
    """Whether differences of successive times can be 32-bit numbers, and times whole numbers in float64.

    If only the trains of some neurons are kept, the gaps between their spikes may be as long as the window.
    """
    longest = stop - start
    if sum(map(len, times)) <= ALL:
        longest = max((float(np.diff(one, prepend=start, append=stop).max()) for one in times), default=longest)
    return longest / tick < 2**32 - 2 and max(abs(start), abs(stop)) / tick < 2**52


def raster_data(shown: Sequence[Shown], clock: TickClock, span: tuple[int, int], blocks: PageBlocks) -> dict[str, Any]:
    """The populations of the interactive raster with their spikes, for the page.

    Parameters
    ----------
    shown : the populations. clock : the unit of time. span : first and last tick of the window.
    blocks : where the arrays are kept.

    Returns
    -------
    {"populations": a list of {"name", "colour", "recorded" (neurons), "spikes" (in the window), "trains" (neurons whose
    spikes are kept), "kept" (their spikes), "delta", "train" (of each spike), "rows", "ids" (None: 0, 1, 2, …), "density" (None: all
    spikes are kept)}, "sampled": whether spikes are left out, "column": width of a column of the densities in ticks}.
    """
    counts = [len(one.spikes) for one in shown]
    sampled = sum(counts) > ALL
    shares = _shares(counts, ALL) if sampled else counts
    origin, last = span
    column = max(1, -(-(last - origin) // _COLUMNS))
    neurons = sum(len(one.spikes.recorded_ids) for one in shown)
    populations = []
    for one, share in zip(shown, shares, strict=True):
        recorded = np.sort(one.spikes.recorded_ids)
        ticks, rows = clock.ticks(one.spikes.times) - origin, analysis.places(one.spikes.ids, recorded)
        kept = _complete_trains(rows, len(recorded), share) if sampled else np.arange(len(recorded))
        entry = {"name": one_line(storable(one.spikes.name)), "colour": one.colour, "recorded": len(recorded), "spikes": len(ticks)}
        entry |= _spike_arrays(ticks, rows, kept, len(recorded), blocks)
        entry["ids"] = None if np.array_equal(recorded, np.arange(len(recorded))) else blocks.add(recorded)
        density = _density(ticks, rows, len(recorded), neurons, (column, -(-(last - origin) // column)), blocks) if sampled else None
        populations.append({**entry, "density": density})
    return {"populations": populations, "sampled": sampled, "column": column}


def _shares(counts: Sequence[int], most: int) -> list[int]:
    """How many of `most` spikes each population may keep: small populations keep all, the others share what is left equally."""
    shares, left = [0] * len(counts), most
    order = sorted(range(len(counts)), key=lambda k: counts[k])
    for rank, k in enumerate(order):
        shares[k] = min(counts[k], left // (len(order) - rank))
        left -= shares[k]
    return shares


def _complete_trains(rows: np.ndarray, n: int, share: int) -> np.ndarray:
    """Neurons, chosen at random (always the same ones), whose trains together have at most `share` spikes; ascending."""
    each = np.bincount(rows[rows >= 0], minlength=n)
    order = np.random.default_rng(0).permutation(n)
    order = order[np.argsort(each[order] > share, kind="stable")]  # a train that is too long itself must not exclude others
    return np.sort(order[np.cumsum(each[order]) <= share])


def _spike_arrays(ticks: np.ndarray, rows: np.ndarray, kept: np.ndarray, n: int, blocks: PageBlocks) -> dict[str, Any]:
    """The spikes of the neurons `kept` of `n`: differences of successive times, and which of the kept trains each belongs to."""
    train = analysis.places(rows, kept) if len(kept) < n or (rows < 0).any() else rows
    mine = train >= 0
    ticks, train = ticks[mine], train[mine]
    order = np.lexsort((train, ticks))  # spikes of a step in the order of the neurons, which compresses better
    delta = np.diff(ticks[order], prepend=0)
    every = len(kept) == n
    return {
        "trains": len(kept),
        "kept": len(train),
        "delta": blocks.add(np.maximum(delta, 0)),
        "train": blocks.add(train[order]),
        "rows": None if every else blocks.add(kept),
    }


def _density(ticks: np.ndarray, rows: np.ndarray, n: int, of: int, columns: tuple[int, int], blocks: PageBlocks) -> dict[str, Any]:
    """The number of spikes of a population in each cell of a few neurons × `columns` (width in ticks, number)."""
    width, number = columns
    each = max(1, math.ceil(n / max(24, round(_ROWS * n / max(of, 1)))))  # neurons in a row of cells
    high = max(1, -(-n // each))
    count = np.zeros(high * number, np.int64)
    for k in range(0, len(ticks), _PIECE):
        at, row = ticks[k : k + _PIECE], rows[k : k + _PIECE]
        column = np.clip((at - 1) // width, 0, number - 1)  # (a, b]
        count += np.bincount((row // each * number + column)[row >= 0], minlength=len(count))
    return {"neurons": each, "rows": high, "columns": number, "counts": blocks.add(count)}
