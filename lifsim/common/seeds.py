"""The allowed seeds of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

SEEDS = "a whole number from 0 to 2^64 - 1"


def is_seed(value: Any) -> bool:
    """Whether `value` is a valid seed."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= int(value) < 2**64
