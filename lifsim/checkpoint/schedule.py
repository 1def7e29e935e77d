"""The schedule of checkpoints, by biological time and by wall time."""

from __future__ import annotations

import time

from lifsim.common.timegrid import steps, time_on_grid
from lifsim.common.wall_time import seconds
from lifsim.plan.spikes import NEVER


class Schedule:
    """Checkpoints at multiples of `every_ms` of biological time, and after every `wall` seconds of wall time; None: not by that time."""

    def __init__(self, dt: float, every_ms: float | None, wall: float | None) -> None:
        self.every_ms, self.wall = every_ms, wall
        self._every = None if every_ms is None else steps(every_ms, dt)
        self._last = time.monotonic()

    @property
    def on(self) -> bool:
        """Whether any checkpoints are scheduled."""
        return self._every is not None or self.wall is not None

    def next(self, step: int) -> int:
        """The first step after `step` at which a checkpoint is due by biological time."""
        return NEVER if self._every is None else (step // self._every + 1) * self._every

    def due(self, step: int) -> bool:
        """Whether a checkpoint is due after `step`."""
        if self._every is not None and step % self._every == 0:
            return True
        return self.wall is not None and time.monotonic() - self._last >= self.wall

    def done(self) -> None:
        """Note that a checkpoint was written."""
        self._last = time.monotonic()


def schedule_of(dt: float, every: float | str | None, wall: float | str | None) -> Schedule:
    """The schedule for the options of a run: `every` in ms or a text such as "10 s", `wall` in seconds or a text such as "10 min".

    Raises
    ------
    LifsimError : a time is invalid, or `every` is not on the time grid.
    """
    return Schedule(
        dt,
        None if every is None else time_on_grid("checkpoint_every", every, dt),
        None if wall is None else seconds(wall, "checkpoint_wall"),
    )
