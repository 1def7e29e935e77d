"""The plan of a simulation: a network in which every random parameter is drawn, as plain arrays.

In: the arrays that `lifsim.building` makes. Out: what an engine needs to know, and nothing else. Only definitions are here, no work.
"""

from lifsim.plan.plan import Group, Plan, Probe
from lifsim.plan.spikes import Events
from lifsim.plan.synapses import Values, Wiring

__all__ = ["Events", "Group", "Plan", "Probe", "Values", "Wiring"]
