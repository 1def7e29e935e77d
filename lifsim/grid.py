"""Times on the grid of the time step."""

from __future__ import annotations

import math

import numpy as np

LONGEST_DELAY = 2**30  # steps: no run is longer
FARTHEST = 2**52  # steps: as far as floating-point numbers count


def on_grid(time: float, dt: float) -> bool:
    """Whether `time` is a whole multiple of `dt`, to 1e-6 dt, and not absurdly large."""
    ratio = time / dt
    return abs(ratio) <= FARTHEST and abs(ratio - round(ratio)) <= 1e-6 + 1e-12 * abs(ratio)


def first_off_grid(times: np.ndarray | float, dt: float) -> float | None:
    """The first of `times` (infinite ones aside) that is no multiple of `dt`, or None."""
    t = np.atleast_1d(np.asarray(times, dtype=np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = t[np.isfinite(t)] / dt
        off = ~(np.abs(ratio - np.round(ratio)) <= 1e-6 + 1e-12 * np.abs(ratio)) | (np.abs(ratio) > FARTHEST)
    return float(t[np.isfinite(t)][np.argmax(off)]) if off.any() else None


def no_delays(x: np.ndarray, dt: float) -> np.ndarray:
    """Which numbers cannot be delays: infinite, below `dt`, absurdly long, or no multiple of `dt`."""
    with np.errstate(over="ignore", invalid="ignore"):  # inf - inf
        ratio = x / dt
        return ~np.isfinite(x) | (ratio < 1 - 1e-6) | (ratio > LONGEST_DELAY) | (np.abs(ratio - np.round(ratio)) > 1e-6)


def nearest_on_grid(time: float, dt: float) -> str:
    """The sentence that names the multiples of `dt` next to `time`."""
    if time / dt > FARTHEST:
        return f"at most {tidy(FARTHEST * dt)} ms"
    below = max(1, math.floor(time / dt))
    return f"nearest allowed: {tidy(below * dt)} and {tidy((below + 1) * dt)} ms (multiples of dt = {tidy(dt)} ms)"


WAYS = ', or allow_offgrid_times = true to round, or method="precise"'
"""What else can be done about a spike that is given off the grid."""


def tidy(x: float) -> str:
    """`x` without the noise of binary fractions."""
    return f"{x:.10g}"


def steps(time: float, dt: float) -> int:
    """`time` as a whole number of steps (the nearest)."""
    return round(time / dt)


def times(step: np.ndarray, dt: float, since: int = 0, out: np.ndarray | None = None) -> np.ndarray:
    """Times in ms of step numbers counted after step `since`, in `out` if given: step / (1 / dt) where that is exact, so that 3 steps
    are 0.3 ms.
    """
    inverse = round(1 / dt)
    exact = inverse >= 1 and abs(inverse * dt - 1) < 1e-12
    out = np.add(step, float(since), out=np.empty(np.shape(step)) if out is None else out)
    return np.divide(out, inverse, out=out) if exact else np.multiply(out, dt, out=out)
