"""Number, mean and variance of values that come in groups, from sums that are kept while the values pass."""

from __future__ import annotations

import numpy as np


class Moments:
    """Number `n`, `mean` and summed squared deviations `squares` of the values of each of `size` groups, float64 (size,).

    Values come in any number of batches. The moments of a batch are taken in two passes and then joined with those before (T. F. Chan,
    G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242, 1983, eq. 2.1), which loses no digits where the mean is large.
    """

    def __init__(self, size: int) -> None:
        self.n = np.zeros(size)
        self.mean = np.zeros(size)
        self.squares = np.zeros(size)

    def add(self, values: np.ndarray, group: np.ndarray) -> None:
        """Add `values`, float64 (k,), each to its `group`, int64 (k,)."""
        size = len(self.n)
        n = np.bincount(group, minlength=size)
        mean = np.bincount(group, values, size) / np.maximum(n, 1)
        deviation = values - mean[group]
        squares = np.bincount(group, np.square(deviation, out=deviation), size)
        total = np.maximum(self.n + n, 1)
        apart = mean - self.mean
        self.mean += apart * (n / total)
        self.squares += squares + apart**2 * (self.n * n / total)
        self.n += n

    def variance(self) -> np.ndarray:
        """Variances, divided by the number of values; nan for groups without values."""
        with np.errstate(invalid="ignore"):
            return self.squares / self.n
