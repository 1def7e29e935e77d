"""Pictures of digits, 8 × 8 pixels with values from 0 to 16: scikit-learn's handwritten ones, or printed ones made here."""

from __future__ import annotations

import numpy as np

_PRINTED = """
.###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###.
#...# .##.. #...# #...# ..##. #.... #.... ....# #...# #...#
#...# ..#.. ....# ....# .#.#. ####. ####. ...#. #...# #...#
#...# ..#.. ..##. ..##. #..#. ....# #...# ..#.. .###. .####
#...# ..#.. .#... ....# ##### ....# #...# .#... #...# ....#
#...# ..#.. #.... #...# ...#. #...# #...# .#... #...# ....#
.###. .###. ##### .###. ...#. .###. .###. .#... .###. .###.
"""


def digits() -> tuple[np.ndarray, np.ndarray, str]:
    """Pictures, shape (samples, 64), the digit of each, shape (samples,), and where they are from."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return *printed_digits(), "printed digits, shifted and with noise (handwritten ones: pip install scikit-learn)"
    X, y = load_digits(return_X_y=True)
    return X, y, "scikit-learn's handwritten digits"


def printed_digits(n: int = 1797, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Printed digits of varying place and strength, with noise: `n` pictures, shape (n, 64), and their digits, shape (n,)."""
    rng = np.random.Generator(np.random.Philox(seed))
    rows = [line.split() for line in _PRINTED.strip().splitlines()]
    shapes = np.array([[[c == "#" for c in row[k]] for row in rows] for k in range(10)], float)  # (digit, 7, 5)
    y = np.arange(n) % 10
    pictures = np.zeros((n, 8, 8))
    for picture, k, down, right in zip(pictures, y, rng.integers(0, 2, n), rng.integers(0, 4, n), strict=True):
        picture[down : down + 7, right : right + 5] = shapes[k]
    pictures = 16 * pictures * rng.uniform(0.5, 1.0, (n, 1, 1)) + rng.normal(0, 2.5, pictures.shape)
    return np.clip(np.round(pictures), 0, 16).reshape(n, 64), y
