"""The engine: how a plan is run. This module is the one door to it."""

from lifsim.engine.engine import Engine, Recorded
from lifsim.engine.jit import cache_folder, can_keep_code, compiling
from lifsim.engine.precise import ExactTrains, PreciseEngine
from lifsim.engine.recorded import poisson_counts
from lifsim.engine.wiring import expand

__all__ = ["Engine", "ExactTrains", "PreciseEngine", "Recorded", "cache_folder", "can_keep_code", "compiling", "expand", "poisson_counts"]
