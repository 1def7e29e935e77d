"""What the engine records in a slice of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SliceRecords:
    """What a slice recorded: spikes of each watched population, samples of each probe.

    `spikes[name]` are (steps, ids in the population), by step, then id; where spike times are exact, (steps, ids, offsets),
    a spike having been so many ms before the end of its step, by step, then time. `samples[p]` has shape (n, number of
    neurons), its columns in the order in which the probe names them; V_m is absolute. Gathering them took `seconds`.
    """

    spikes: dict[str, tuple[np.ndarray, ...]]
    samples: list[np.ndarray]
    seconds: float = 0.0
