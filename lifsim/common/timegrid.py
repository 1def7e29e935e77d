"""The time grid: conversion between times and whole numbers of time steps.

A time counts as a multiple of dt if it differs from one by at most a millionth of dt (or 1e-12 of the time, if that is more), or if
it is the float32 number nearest to a multiple, as in an array of that type (4.7 ms in float32 is 4.69999981). Given spike times
count as on the grid if they are less than half a microsecond away, as in NEST, whose times are whole microseconds.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from lifsim.common.arrays import PIECE
from lifsim.common.errors import LifsimError
from lifsim.common.values import number

LONGEST_DELAY = 2**30  # steps; no run is longer
FARTHEST = 2**52  # steps; floating-point numbers count steps exactly up to here
NEAR, NEAR_RELATIVE = 1e-6, 1e-12  # tolerance of multiples of dt, relative to dt and to the time
NEAR_SPIKE = 0.0005  # ms; tolerance of given spike times
ROUNDING = 16 * float(np.finfo(float).eps)  # bound of the relative rounding error of a few operations


# -- multiples of dt -------------------------------------------------------------------------------


def _nearest(t: np.ndarray, dt: float, near: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The nearest whole number of steps to each time `t` (ms, 1-d), and whether `t` counts as this multiple; `near` (ms): see `_counts`."""
    with np.errstate(over="ignore", invalid="ignore"):  # inf - inf
        t = t.astype(np.float64, copy=False)
        ratio = t / dt
        nearest = np.rint(ratio)
        apart = np.abs(np.subtract(ratio, nearest, out=ratio), out=ratio)
        there: np.ndarray = apart <= NEAR
        rest = np.flatnonzero(~there)  # few times, if any
        if len(rest):
            there[rest] = _counts(t[rest], nearest[rest], apart[rest], dt, near)
    return nearest, there & (np.abs(nearest) <= FARTHEST)


def _counts(t: np.ndarray, nearest: np.ndarray, apart: np.ndarray, dt: float, near: float) -> np.ndarray:
    """Whether times that are `apart` steps from their nearest multiple of `dt` count as this multiple.

    They do if the time is long, if a spike is nearer than `near` (ms), or if the time is the float32 number nearest to the multiple.
    """
    there: np.ndarray = apart <= NEAR + NEAR_RELATIVE * np.abs(nearest)
    if near > 0:
        there |= apart < min(near / dt, 0.5) * (1 - 1e-9)  # strictly nearer
    narrow = t.astype(np.float32)
    return there | ((apart < 0.25) & (narrow == t) & (narrow == (nearest * dt).astype(np.float32)))


def off_grid(times: np.ndarray, dt: float, near: float = 0.0) -> np.ndarray:
    """A mask of the `times` (ms, 1-d) that are not multiples of `dt`, or too large to be counted in steps.

    Times nearer than `near` (ms) to a multiple count as multiples.
    """
    return ~_nearest(times, dt, near)[1]


def on_grid(time: float, dt: float) -> bool:
    """Whether `time` is a multiple of `dt`, and not too large to be counted in steps."""
    return not off_grid(np.array([time], np.float64), dt)[0]


def first_off_grid(times: np.ndarray | float, dt: float, near: float = 0.0) -> float | None:
    """The first finite time that is not a multiple of `dt` (`near`: as in `off_grid`), or None."""
    t = np.atleast_1d(np.asarray(times, dtype=np.float64)).ravel()
    for a in range(0, len(t), PIECE):
        piece = t[a : a + PIECE]
        off = off_grid(piece, dt, near) & np.isfinite(piece)
        if off.any():
            return float(piece[np.argmax(off)])
    return None


def is_plain_delay(x: float, dt: float) -> bool:
    """Whether a delay (ms) is valid without a doubt, as most are; many times as fast as `no_delays`, which decides about all others."""
    ratio = x / dt
    return 1 <= ratio <= LONGEST_DELAY and abs(ratio - round(ratio)) <= NEAR


def no_delays(x: np.ndarray, dt: float) -> np.ndarray:
    """A mask of the numbers that are not valid delays: not finite, below `dt`, above the longest delay, or not multiples of `dt`."""
    with np.errstate(over="ignore"):
        ratio = x.astype(np.float64, copy=False) / dt
    return ~np.isfinite(x) | (ratio < 1 - NEAR) | (ratio > LONGEST_DELAY) | off_grid(x, dt)


# -- numbers of steps ------------------------------------------------------------------------------


def steps(time: float, dt: float) -> int:
    """The whole number of steps nearest to `time`."""
    return round(time / dt)


def ends(times: np.ndarray, dt: float, near: float = 0.0) -> np.ndarray:
    """The number of the time step that ends at each of `times` (ms) or contains it: whole numbers, float64."""
    t = np.asarray(times, np.float64)
    nearest, there = _nearest(t.ravel(), dt, near)
    rest = np.flatnonzero(~there)
    with np.errstate(over="ignore"):
        nearest[rest] = np.ceil(t.ravel()[rest] / dt)
    return nearest.reshape(t.shape)


def spike_steps(times: np.ndarray, dt: float) -> np.ndarray:
    """The time steps in which given spikes are sent, int64. Spikes off the grid are sent at the end of their step, as in NEST."""
    out = np.empty(len(times), np.int64)
    for a in range(0, len(times), PIECE):
        out[a : a + PIECE] = np.clip(ends(times[a : a + PIECE], dt, NEAR_SPIKE), -(2.0**62), 2.0**62)
    return out


def half_up(times: np.ndarray, dt: float, error: float = 0.0) -> np.ndarray:
    """Round `times` (ms) to whole numbers of steps, float64; halves are rounded up, as in NEST.

    Times that are within `error` (ms), or within rounding errors, below the middle between two steps are rounded up, too.
    """
    x = np.asarray(times, np.float64) / dt
    return np.floor(x + 0.5 + (error / dt + ROUNDING * (x + 1)))


# -- times of steps --------------------------------------------------------------------------------


@lru_cache(64)
def _fraction(dt: float) -> tuple[int, int] | None:
    """`dt` as a fraction with a small denominator, if it is one to within its rounding error (0.1 is 1/10); else None."""
    if not math.isfinite(dt):
        return None
    found = Fraction(dt).limit_denominator(10**7)
    return (found.numerator, found.denominator) if abs(float(found) - dt) <= 4 * math.ulp(dt) else None


def times(step: np.ndarray, dt: float, since: int = 0, out: np.ndarray | None = None) -> np.ndarray:
    """Times in ms of step numbers that are counted from step `since`; written to `out` if given.

    If dt is a simple fraction, times are rounded only once, so that 3 steps of 0.1 ms are 0.3 ms.
    """
    out = np.add(step, float(since), out=np.empty(np.shape(step)) if out is None else out)
    numerator, denominator = _fraction(dt) or (dt, 1)
    if numerator != 1:
        np.multiply(out, numerator, out=out)
    return np.divide(out, denominator, out=out) if denominator != 1 else out


def time_of(step: int, dt: float) -> float:
    """The time in ms of a step, as in `times`."""
    numerator, denominator = _fraction(dt) or (dt, 1)
    return float(step) * numerator / denominator


def snapped(time: float, dt: float) -> float:
    """`time` rounded to a multiple of `dt`; an infinite time is returned as it is."""
    return time_of(steps(time, dt), dt) if math.isfinite(time) else time


# -- messages --------------------------------------------------------------------------------------

WAYS = ', or allow_offgrid_times = true to send it at the end of its step, or method="precise"'
"""The alternatives, in messages about a spike time off the grid."""

AT_ZERO = "or above 0.0005 ms if spikes are sent on the time grid"
"""The least spike time, in messages about a spike that is rounded to 0 ms."""


def tidy(x: float) -> str:
    """`x` as text without the rounding errors of binary fractions."""
    return f"{x:.10g}"


def not_on_grid(time: float, dt: float) -> str:
    """The message that `time` is not a multiple of `dt`, with enough digits to show it."""
    shown = tidy(time)
    return f"{time!r} ms is not on the grid" if on_grid(float(shown), dt) else f"{shown} ms is not on the grid"


def nearest_on_grid(time: float, dt: float) -> str:
    """The part of a message that names the multiples of `dt` next to `time`."""
    if time / dt > FARTHEST:
        return f"at most {tidy(FARTHEST * dt)} ms"
    below = max(1, math.floor(time / dt))
    return f"nearest allowed: {tidy(below * dt)} and {tidy((below + 1) * dt)} ms (multiples of dt = {tidy(dt)} ms)"


def time_on_grid(place: str, value: Any, dt: float) -> float:
    """Convert a time that a user gave to ms and check that it is a multiple of `dt` (ms), at least one step.

    Raises
    ------
    LifsimError : the time is not valid; the message begins with `place`.
    """
    try:
        ms = number(value, "ms")
    except ValueError as error:
        raise LifsimError(place, str(error), "a time in ms") from None
    if not dt / 2 <= ms < math.inf:
        raise LifsimError(place, f"{ms:g} ms", f"a finite time, at least one step (dt = {dt:g} ms)")
    if not on_grid(ms, dt):
        raise LifsimError(place, not_on_grid(ms, dt), nearest_on_grid(ms, dt))
    return ms


def next_due(begin: int, every: int, step: int) -> int:
    """The first step after `step` in which something is due that is done `every` so many steps after the step `begin`."""
    return begin + every * (max(step - begin, 0) // every + 1)
