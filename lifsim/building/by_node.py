"""Values of the generator behind each synapse or spike, and times as steps."""

from __future__ import annotations

import numpy as np

from lifsim.plan.spikes import NEVER


def of_node(v: np.ndarray | float, node: np.ndarray) -> np.ndarray:
    """A value of the node behind each entry."""
    return v[node] if isinstance(v, np.ndarray) else np.full(len(node), v)


def steps_of(times: np.ndarray, dt: float) -> np.ndarray:
    """`times` as whole numbers of steps (the nearest); infinite ones are NEVER."""
    finite = np.isfinite(times)
    return np.where(finite, np.round(np.where(finite, times, 0) / dt), NEVER).astype(np.int64)


def later(step: np.ndarray) -> np.ndarray:
    """One step later, never staying never."""
    return np.where(step < NEVER, step + 1, NEVER)
