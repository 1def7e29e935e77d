"""Exact spike times: neurons are moved from event to event by exact propagators, whatever the grid."""

from lifsim.engine.precise.engine import PreciseEngine
from lifsim.engine.precise.recorded import ExactTrains

__all__ = ["ExactTrains", "PreciseEngine"]
