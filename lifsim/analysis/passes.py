"""One pass through the spikes of a population, piece by piece, for any number of statistics.

Spikes in memory and spikes that are read from a file take the same way: both are pieces in order of time. Accumulators keep sums for
each neuron, so that the memory they need does not depend on the number of spikes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np

from lifsim.analysis.neurons import places, stable_order
from lifsim.common.errors import DataError
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes


class Piece:
    """Some successive spikes of a population, with what several statistics need.

    spikes : the spikes of the piece; `spikes.t_start` and `spikes.t_stop` are those of the whole window.
    """

    def __init__(self, spikes: Spikes) -> None:
        self.spikes = spikes
        if len(spikes) and self.place.min() < 0:
            strange = spikes.ids[np.argmin(self.place)]
            raise DataError(spikes.name or "spikes", f"holds a spike of neuron {strange}", "neurons that recorded_ids lists")

    @cached_property
    def place(self) -> np.ndarray:
        """Index of the neuron of each spike among the recorded neurons."""
        recorded = self.spikes.recorded_ids
        everyone = len(recorded) == self.spikes.n_nodes and np.array_equal(recorded, np.arange(len(recorded)))
        return self.spikes.ids if everyone else places(self.spikes.ids, recorded)

    @cached_property
    def number(self) -> np.ndarray:
        """Number of spikes of each recorded neuron."""
        return np.bincount(self.place, minlength=len(self.spikes.recorded_ids))

    @cached_property
    def order(self) -> np.ndarray:
        """The order of the spikes by neuron, then time."""
        return stable_order(self.place, len(self.spikes.recorded_ids))

    @cached_property
    def times(self) -> np.ndarray:
        """The times in the order of neurons."""
        return self.spikes.times[self.order]

    @cached_property
    def active(self) -> np.ndarray:
        """The neurons with spikes, as indices among the recorded ones, ascending."""
        return np.flatnonzero(self.number)

    @cached_property
    def first(self) -> np.ndarray:
        """The position of the first spike of each of the `active` neurons in the order of neurons."""
        return (np.cumsum(self.number) - self.number)[self.active]

    @cached_property
    def last(self) -> np.ndarray:
        """The position of the last spike of each of the `active` neurons in the order of neurons."""
        return np.cumsum(self.number)[self.active] - 1


class Accumulator(Protocol):
    """Sums that grow with each piece."""

    def add(self, piece: Piece) -> None:
        """Take the spikes of the next piece into account."""


def accumulate(spikes: Spikes | SpikeStream, *accumulators: Accumulator) -> None:
    """Pass the spikes to all `accumulators`, piece by piece."""
    for part in spikes.pieces():
        piece = Piece(part)
        for accumulator in accumulators:
            accumulator.add(piece)
