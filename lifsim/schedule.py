"""When checkpoints are due: every so much biological time, and after so much wall time."""

from __future__ import annotations

import math
import time
from typing import Any

from lifsim.errors import LifsimError
from lifsim.grid import nearest_on_grid, not_on_grid, on_grid, steps
from lifsim.values import number

NEVER = 2**62


class Schedule:
    """Checkpoints every `every_ms` of biological time (at multiples of it) and `wall` seconds of wall time; None: not by that."""

    def __init__(self, dt: float, every_ms: float | None, wall: float | None) -> None:
        self.every_ms, self.wall = every_ms, wall
        self._every = None if every_ms is None else steps(every_ms, dt)
        self._last = time.monotonic()

    @property
    def on(self) -> bool:
        """Whether there are to be any."""
        return self._every is not None or self.wall is not None

    def next(self, step: int) -> int:
        """The first step after `step` in which one is due by biological time."""
        return NEVER if self._every is None else (step // self._every + 1) * self._every

    def due(self, step: int) -> bool:
        """Whether one is due after `step`."""
        if self._every is not None and step % self._every == 0:
            return True
        return self.wall is not None and time.monotonic() - self._last >= self.wall

    def done(self) -> None:
        """One was made."""
        self._last = time.monotonic()


def schedule_of(dt: float, every: float | str | None, wall: float | str | None) -> Schedule:
    """A schedule as the user asks for it: `every` in ms or a text such as "10 s", `wall` in seconds or a text such as "10 min".

    Raises
    ------
    LifsimError : no such time, or one that is not on the grid.
    """
    return Schedule(dt, _biological(dt, every), None if wall is None else seconds(wall, "checkpoint_wall"))


def _biological(dt: float, every: Any) -> float | None:
    if every is None:
        return None
    try:
        ms = number(every, "ms")
    except ValueError as error:
        raise LifsimError("checkpoint_every", str(error), "a time in ms") from None
    if not dt / 2 <= ms < math.inf:
        raise LifsimError("checkpoint_every", f"{ms:g} ms", f"a finite time, at least one step (dt = {dt:g} ms)")
    if not on_grid(ms, dt):
        raise LifsimError("checkpoint_every", not_on_grid(ms, dt), nearest_on_grid(ms, dt))
    return ms


def seconds(value: Any, place: str) -> float:
    """A wall time in seconds, or a text with a unit (LifsimError at `place` if it is none above 0)."""
    try:
        out = number(value, "ms") / 1000.0 if isinstance(value, str) and not _plain(value) else float(value)
    except (TypeError, ValueError) as error:
        raise LifsimError(place, str(error), "seconds, or a text such as '10 min'") from None
    if isinstance(value, bool) or not 0 < out < math.inf:
        raise LifsimError(place, f"{value!r}", "a time above 0, in seconds or as a text such as '10 min'")
    return out


def _plain(text: str) -> bool:
    """Whether a text is a number without a unit."""
    try:
        float(text)
    except ValueError:
        return False
    return True
