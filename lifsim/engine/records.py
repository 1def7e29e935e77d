"""The data that an engine records in a slice of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WeightRows:
    """Transmitted weights: the step in which the spike was `sent`, `source` and `target` (global ids), a number of the `synapse` that no
    other has, and the `weight`; shape (n,) each, in the order of arrival, then of step, source and target.
    """

    sent: np.ndarray
    source: np.ndarray
    target: np.ndarray
    synapse: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class SliceRecords:
    """The data recorded in a slice: spikes of each watched population, samples of each probe.

    `spikes[name]` is (steps, ids in the population), sorted by step, then id. With exact spike times it is (steps, ids, offsets), sorted
    by time, then id; an offset is the time in ms from a spike to the end of its step. `samples[p]` has the shape (n_samples, n_neurons),
    with columns in the order of the probe's ids, in the user's units (V_m is absolute). `seconds` is the time spent on gathering.

    `arrived` has the logged weights of the spikes that arrived in the slice, `pending` those that spikes sent until its end will transmit
    later, if the plan samples weights; both are None if no weights are logged.
    """

    spikes: dict[str, tuple[np.ndarray, ...]]
    samples: list[np.ndarray]
    seconds: float = 0.0
    arrived: WeightRows | None = None
    pending: WeightRows | None = None
