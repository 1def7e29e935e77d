"""A function that a run calls at regular intervals of biological time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.common.timegrid import steps, time_on_grid


@dataclass(frozen=True, eq=False)
class Callback:
    """Calls `function` after every `every` steps, counted from step `first`."""

    function: Callable[[], None]
    every: int
    first: int

    def next(self, step: int) -> int:
        """The first step after `step` after which the function is called."""
        return self.first + ((step - self.first) // self.every + 1) * self.every

    def after(self, step: int) -> None:
        """Call the function if it is due after `step`."""
        if step > self.first and (step - self.first) % self.every == 0:
            self.function()

    def as_dict(self) -> dict[str, Any]:
        """As logs keep it."""
        return {"every": self.every, "first": self.first}


def check_callback(every: Any, do: Any, dt: float) -> int | None:
    """The number of steps between calls of `do`; None if there is none (LifsimError if an argument is wrong, or only one is given)."""
    if every is None and do is None:
        return None
    if do is None or not callable(do):
        raise LifsimError("do", "not given" if do is None else shown(do), "a function that takes the simulation (since every was given)")
    if every is None:
        raise LifsimError("every", "not given", "a biological time in ms, the interval between calls of do")
    return steps(time_on_grid("every", every, dt), dt)
