"""Looks up the generator node of each synapse or spike, and converts times to steps."""

from __future__ import annotations

import numpy as np

from lifsim.plan.spikes import NEVER


def of_node(v: np.ndarray | float, node: np.ndarray) -> np.ndarray:
    """The value that `v` (one per node, or one for all) has at each entry of `node`; shape (n_entries,)."""
    return v[node] if isinstance(v, np.ndarray) else np.full(len(node), v)


def steps_of(times: np.ndarray, dt: float) -> np.ndarray:
    """Times in ms as the nearest whole numbers of steps; infinite times become `NEVER`."""
    finite = np.isfinite(times)
    return np.where(finite, np.round(np.where(finite, times, 0) / dt), NEVER).astype(np.int64)


def later(step: np.ndarray) -> np.ndarray:
    """Each step plus 1; `NEVER` stays `NEVER`."""
    return np.where(step < NEVER, step + 1, NEVER)
