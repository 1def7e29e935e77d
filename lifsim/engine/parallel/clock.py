"""Measures the time of the phases of the time loop, with a stopwatch for each thread."""

from __future__ import annotations

import ctypes
import sys
import time
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import call_clock
from lifsim.engine.compiler.jit import kernel

PHASES = ("delivery", "random numbers", "update", "waiting")
DELIVERY, RANDOM, UPDATE, WAITING = map(np.int64, range(len(PHASES)))  # int64 variables: `stop` would be compiled anew for each literal
_LAST, _SPENT = 2, 3  # columns of `Clock.cell`


class Clock(NamedTuple):
    """The stopwatches of all threads.

    `setting`: address of the system's clock function (0: switched off), its first argument, ticks per unit of the first number that it
    writes. ``cell[rank]`` (16 int64s, so threads share no cache line): the two numbers that the function writes, the time of the last
    stop, and the ticks spent in each of `PHASES`.
    """

    setting: np.ndarray
    cell: np.ndarray


@kernel
def begin(clock, rank):
    """Start the stopwatch of thread `rank`."""
    if clock.setting[0]:
        clock.cell[rank, _LAST] = now(clock, rank)


@kernel
def stop(clock, rank, phase):
    """Add the time since the last stop to `phase`."""
    if clock.setting[0]:
        t = now(clock, rank)
        clock.cell[rank, _SPENT + phase] += t - clock.cell[rank, _LAST]
        clock.cell[rank, _LAST] = t


@kernel
def now(clock, rank):
    """The current time in ticks."""
    call_clock(clock.setting[0], clock.setting[1], clock.cell, rank * clock.cell.shape[1])
    return clock.cell[rank, 0] * clock.setting[2] + clock.cell[rank, 1]


def clock_for(threads: int, on: bool) -> Clock:
    """Stopwatches for `threads` threads, all at zero; `on` switches them on."""
    return Clock(np.array(_system_clock() if on else (0, 0, 0), np.int64), np.zeros((threads, 16), np.int64))


def spent(clock: Clock) -> dict[str, float]:
    """Seconds spent in each phase, averaged over threads."""
    seconds = clock.cell[:, _SPENT : _SPENT + len(PHASES)].mean(axis=0) / _ticks()
    return dict(zip(PHASES, seconds.tolist(), strict=True))


def _system_clock() -> tuple[int, int, int]:
    """Address, first argument, ticks per unit of the first number: clock_gettime writes (s, ns), the counter of Windows one number."""
    try:
        if sys.platform == "win32":
            function, first, ticks = ctypes.WinDLL("kernel32").QueryPerformanceCounter, 0, 1
        else:
            function, first, ticks = ctypes.CDLL(None).clock_gettime, time.CLOCK_MONOTONIC, 1_000_000_000
    except (OSError, AttributeError):
        return 0, 0, 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0, first, ticks


def _ticks() -> float:
    """Ticks per second."""
    if sys.platform != "win32":
        return 1e9
    frequency = ctypes.c_longlong()
    ctypes.WinDLL("kernel32").QueryPerformanceFrequency(ctypes.byref(frequency))
    return float(frequency.value)
