"""The rows of populations in a raster plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lifsim import analysis
from lifsim.plot.selection import Shown, ShownInPieces
from lifsim.plot.style import TINY


@dataclass(frozen=True)
class Band:
    """The rows of one population: neurons `ids`, from `top` downwards over `height` of the vertical axis."""

    shown: Shown | ShownInPieces
    ids: np.ndarray
    top: float
    height: float
    colour: str
    name: str

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """(times in ms, vertical positions) of the spikes of the neurons shown."""
        times, y = [np.empty(0)], [np.empty(0)]
        for piece in self.shown.spikes.pieces():
            place = analysis.places(piece.ids, self.ids)
            inside = place >= 0
            times.append(piece.times[inside])
            y.append(self.top + (place[inside] + 0.5) / len(self.ids) * self.height)
        return np.concatenate(times), np.concatenate(y)

    @property
    def label(self) -> str:
        """Number of neurons shown and, if there are more, of the population."""
        n, total = len(self.ids), self.shown.spikes.n_nodes
        return f"n = {n:,}" if n == total else f"{n:,} of {total:,}"


def bands_of(shown: Sequence[Shown | ShownInPieces], chosen: Sequence[np.ndarray], height: float) -> list[Band]:
    """The rows of all populations. A small population gets at least 9 % of the height of the largest.

    If their names fit into `height` points, each also gets the height of its name.
    """
    sizes = np.array([len(ids) for ids in chosen])
    least = 0.09 * max(1, sizes.max())
    name = 1.1 * TINY / height
    if name * len(sizes) < 0.7:
        for _ in range(30):  # converges, since what is added to the total is less than 0.7 of what was added before
            least = max(least, name * np.maximum(sizes, least).sum())
    bands: list[Band] = []
    top = 0.0
    for one, ids in zip(shown, chosen, strict=True):
        bands.append(Band(one, ids, top, max(len(ids), float(least)), one.colour, one.label))
        top += bands[-1].height
    return bands
