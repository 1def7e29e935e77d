"""The engine: how a plan is run. This module is the one door to it."""

from lifsim.engine.engine import Engine, Recorded
from lifsim.engine.wiring import expand

__all__ = ["Engine", "Recorded", "expand"]
