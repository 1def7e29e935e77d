"""Poisson counts for recorders: the trains of generators themselves, computed from the step alone."""

from __future__ import annotations

import numpy as np
from numba import uint32

from lifsim.engine.jit import entry
from lifsim.engine.poisson import limits, probabilities
from lifsim.engine.random import RECORDED, word
from lifsim.engine.wiring import key_of


@entry
def fill_words(step, stream, key, out):
    """One random word for each step (rows) and node (columns)."""
    for i in range(len(step)):
        for node in range(out.shape[1]):
            out[i, node] = word(node, step[i], stream, key)


def poisson_counts(mean: np.ndarray, step: np.ndarray, stream: int, seed: int) -> np.ndarray:
    """Poisson numbers of the given `mean`, shape (steps, nodes), for the steps `step`."""
    words = np.empty(mean.shape, np.uint32)
    fill_words(step, uint32(RECORDED | np.uint32(stream)), key_of(seed), words)
    counts = np.zeros(mean.shape, np.int64)
    for m in np.unique(mean):
        low, thresholds = limits(*probabilities(float(m)))
        at = mean == m
        counts[at] = low + np.searchsorted(thresholds, words[at], side="right")
    return counts
