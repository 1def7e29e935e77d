"""Where the time goes: a stopwatch for each thread that the time loop stops after each of its phases."""

from __future__ import annotations

import ctypes
import sys
import time
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import call_clock
from lifsim.engine.compiler.jit import kernel

PHASES = ("delivery", "random numbers", "update", "waiting")
DELIVERY, RANDOM, UPDATE, WAITING = map(np.int64, range(len(PHASES)))  # not literals, for each of which `stop` would be compiled
_LAST, _SPENT = 2, 3  # columns of `Clock.cell`


class Clock(NamedTuple):
    """`setting`: address of the system's clock (0: switched off), its first argument, ticks of a second
    of its first number. ``cell[rank]`` (a cache line or two of its own): the two numbers of the clock,
    the time of the last stop, ticks spent in each of `PHASES`.
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
    """What has passed since the last stop belongs to `phase`."""
    if clock.setting[0]:
        t = now(clock, rank)
        clock.cell[rank, _SPENT + phase] += t - clock.cell[rank, _LAST]
        clock.cell[rank, _LAST] = t


@kernel
def now(clock, rank):
    """The time in ticks."""
    call_clock(clock.setting[0], clock.setting[1], clock.cell, rank * clock.cell.shape[1])
    return clock.cell[rank, 0] * clock.setting[2] + clock.cell[rank, 1]


def clock_for(threads: int, on: bool) -> Clock:
    """Stopwatches of so many threads, all at zero."""
    return Clock(np.array(_system_clock() if on else (0, 0, 0), np.int64), np.zeros((threads, 16), np.int64))


def spent(clock: Clock) -> dict[str, float]:
    """Seconds spent in each phase, the mean of the threads."""
    seconds = clock.cell[:, _SPENT : _SPENT + len(PHASES)].mean(axis=0) / _ticks()
    return dict(zip(PHASES, seconds.tolist(), strict=True))


def _system_clock() -> tuple[int, int, int]:
    """Address, first argument, ticks of its first number: clock_gettime fills (s, ns), Windows' counter one number."""
    try:
        if sys.platform == "win32":
            function, first, ticks = ctypes.WinDLL("kernel32").QueryPerformanceCounter, 0, 1
        else:
            function, first, ticks = ctypes.CDLL(None).clock_gettime, time.CLOCK_MONOTONIC, 1_000_000_000
    except (OSError, AttributeError):
        return 0, 0, 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0, first, ticks


def _ticks() -> float:
    """Ticks of a second."""
    if sys.platform != "win32":
        return 1e9
    frequency = ctypes.c_longlong()
    ctypes.WinDLL("kernel32").QueryPerformanceFrequency(ctypes.byref(frequency))
    return float(frequency.value)
