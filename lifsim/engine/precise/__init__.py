"""Exact spike times: neurons are moved from event to event by exact propagators, whatever the grid."""

from lifsim.engine.precise.event_engine import PreciseEngine
from lifsim.engine.precise.exact_trains import ExactTrains

__all__ = ["ExactTrains", "PreciseEngine"]
