"""The engine: how a plan is run. This module is the one door to it."""

from lifsim.engine.engine import Engine, Recorded
from lifsim.engine.jit import can_keep_code, is_compiled, mark_compiled
from lifsim.engine.recorded import poisson_counts
from lifsim.engine.wiring import expand

__all__ = ["Engine", "Recorded", "can_keep_code", "expand", "is_compiled", "mark_compiled", "poisson_counts"]
