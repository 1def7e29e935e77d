"""The steps in which a recording is sampled."""

from __future__ import annotations

import math

import numpy as np

from lifsim.common.timegrid import next_due, steps
from lifsim.network.recordings import Recording
from lifsim.plan.spikes import NEVER


def stop_of(r: Recording, dt: float) -> int:
    """The last step of a recording, NEVER if it does not end."""
    return steps(r.stop, dt) if math.isfinite(r.stop) else NEVER


def due_steps(r: Recording, dt: float, start: int, stop: int) -> np.ndarray:
    """The steps start < step <= stop in which a sample of `r` is due, ascending."""
    begin, every = steps(r.start, dt), steps(r.interval, dt)
    return np.arange(next_due(begin, every, start), min(stop, stop_of(r, dt)) + 1, every)
