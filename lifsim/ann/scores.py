"""The score of a regression, R²."""

from __future__ import annotations

import numpy as np


def r_squared(y: np.ndarray, found: np.ndarray) -> float:
    """R² = 1 - Σ (y - found)² / Σ (y - mean)², the mean over columns; of arrays of shape (samples,) or (samples, columns)."""
    y, found = y.reshape(len(y), -1).astype(np.float64), found.reshape(len(y), -1)
    return r_squared_of(((y - found) ** 2).sum(axis=0), y)


def r_squared_of(rest: np.ndarray, y: np.ndarray) -> float:
    """R² from the sum of the squared errors of each column of `y`, shape (samples, columns). A column without variance counts 1 if it is
    predicted exactly, else 0.
    """
    y = y.astype(np.float64)
    spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    return float(np.mean(np.where(spread > 0, 1 - rest / np.where(spread > 0, spread, 1), rest == 0)))
