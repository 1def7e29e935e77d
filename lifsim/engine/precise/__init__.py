"""Exact spike times: neurons are integrated from event to event with exact propagators, independently of the grid."""

from lifsim.engine.precise.event_engine import PreciseEngine
from lifsim.engine.precise.exact_trains import ExactTrains

__all__ = ["ExactTrains", "PreciseEngine"]
