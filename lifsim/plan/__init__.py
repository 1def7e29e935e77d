"""The plan of a simulation: a network as plain arrays, with all random parameters drawn.

`lifsim.building` makes a plan; it holds everything that an engine needs, and nothing else. This package has only definitions.
"""

from lifsim.plan.plan import Group, Plan, Probe
from lifsim.plan.spikes import Events
from lifsim.plan.synapses import Values, Wiring

__all__ = ["Events", "Group", "Plan", "Probe", "Values", "Wiring"]
