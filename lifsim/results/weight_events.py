"""Weights that spikes transmitted, as a result returns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lifsim.common.overview import counted

COLUMNS = ("time (ms)", "sender", "target", "weight")  # of a stored row, float64


@dataclass(frozen=True, eq=False)
class WeightEvents:
    """The weights that spikes transmitted through plastic synapses, as NEST's weight_recorder has them.

    Parameters
    ----------
    times : when each spike was sent, ms, float64 (n_events,), ascending.
    senders : the presynaptic node, index in its population, int64 (n_events,). targets : the postsynaptic neuron, in the same form.
    weights : the weight that was transmitted, float64 (n_events,).
    unit : of the weights. source, target : names of the populations.
    """

    times: np.ndarray
    senders: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    unit: str
    source: str
    target: str

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"<WeightEvents from {self.source} to {self.target}: {counted(len(self), 'spike')}>"


def events_of(rows: np.ndarray, unit: str, source: str, target: str) -> WeightEvents:
    """The events of stored rows, (n, 4), sorted by time, then sender and target; equal ones stay in the order of arrival."""
    at, senders, targets = rows[:, 0], rows[:, 1].astype(np.int64), rows[:, 2].astype(np.int64)
    order = np.lexsort((targets, senders, at))
    return WeightEvents(at[order], senders[order], targets[order], rows[order, 3], unit, source, target)
