"""Number, mean and variance of values that come in groups, from sums that are kept while the values pass."""

from __future__ import annotations

import numpy as np


class Moments:
    """Number `n`, `mean` and summed squared deviations `squares` of the values of each of `size` groups, float64 (size,).

    Values come in any number of batches. The moments of a batch, best taken in two passes, are joined with those before (T. F. Chan,
    G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242, 1983), which loses no digits where the mean is large.
    """

    def __init__(self, size: int) -> None:
        self.n = np.zeros(size)
        self.mean = np.zeros(size)
        self.squares = np.zeros(size)

    def add(self, n: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> None:
        """Add a batch: the number of its values in each group, their mean, and their summed squared deviations from it."""
        total = np.maximum(self.n + n, 1)
        apart = mean - self.mean
        self.mean += apart * (n / total)
        self.squares += squares + apart**2 * (self.n * n / total)
        self.n += n

    def variance(self) -> np.ndarray:
        """Variances, divided by the number of values; nan for groups without values."""
        with np.errstate(invalid="ignore"):
            return self.squares / self.n
