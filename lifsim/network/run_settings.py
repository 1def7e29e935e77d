"""Checks of what a network says about its runs: time step, seed, method, duration; and of its texts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.printable import shown
from lifsim.common.seeds import SEEDS, is_seed
from lifsim.common.values import number

METHODS = ("grid", "precise")


def time_step(dt: Any) -> float:
    """The time step in ms (ModelError)."""
    try:
        found = number(float(str(dt)) if isinstance(dt, np.floating) else dt, "ms")  # float32(0.1) means 0.1
    except ValueError as error:
        raise ModelError("run.dt", str(error), "a time in ms") from None
    if not (0 < found < math.inf):
        raise ModelError("run.dt", f"{found:g}", "a finite time above 0 ms")
    return found


def check_settings(seed: Any, method: Any, duration: Any, **texts: Any) -> None:
    """Check the other settings of a network, and its `texts` (ModelError)."""
    if not is_seed(seed):
        raise ModelError("run.seed", shown(seed), SEEDS)
    if method is not None and (not isinstance(method, str) or method not in METHODS):
        raise ModelError("run.method", shown(method), "one of: " + ", ".join(METHODS))
    try:
        number(0.0 if duration is None else duration, "ms")
    except ValueError as error:
        raise ModelError("run.duration", str(error), "a time in ms") from None
    for key, text in texts.items():
        if not isinstance(text, str):
            raise ModelError(key, shown(text), "a text")
