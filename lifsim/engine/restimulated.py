"""Stimuli of an engine that change during a run: their tables are laid out anew, and the state of random processes goes on."""

from __future__ import annotations

import numpy as np

from lifsim.engine import layout
from lifsim.engine.parallel.placement import Placement
from lifsim.engine.stimuli.currents import Currents
from lifsim.engine.stimuli.modulated_trains import ModulatedTrains
from lifsim.plan.plan import Plan
from lifsim.plan.stimuli import KINDS

STIMULI = (*KINDS, "events")  # all that a stimulus may change in a plan


def changed(old: Plan, new: Plan, *kinds: str) -> bool:
    """Whether any of these entries of a plan is another one in `new`."""
    return any(getattr(old, kind) is not getattr(new, kind) for kind in kinds)


def trains_of(old: ModulatedTrains, plan: Plan, seats: Placement, edges: np.ndarray, channels: int) -> ModulatedTrains:
    """The tables of random trains of `plan`; each train continues from its state in the tables `old`."""
    made = layout.trains_of(plan.trains, seats.place, edges, channels, len(old.table))
    before, after = (np.lexsort((t.who, t.target)) for t in (old, made))
    made.left[after], made.drawn[after] = old.left[before], old.drawn[before]
    return made


def currents_of(old: Currents, was: Plan, plan: Plan, seats: Placement, edges: np.ndarray) -> Currents:
    """The tables of currents of `plan`; Ornstein-Uhlenbeck processes go on where they were in `old`, the tables of the plan `was`."""
    made = layout.currents_of(plan, seats, edges)
    if made.changing is not None and old.changing is not None:
        before = _paths_in_order(was, seats, old.changing.path_id)
        after = _paths_in_order(plan, seats, made.changing.path_id)
        made.changing.path_at[after] = old.changing.path_at[before]
    return made


def _paths_in_order(plan: Plan, seats: Placement, ids: np.ndarray) -> np.ndarray:
    """Indices that sort Ornstein-Uhlenbeck processes by target, then by generator node; `ids` are the targets in the tables of `plan`."""
    node = np.concatenate([np.zeros(0, np.int64), *(layout.seated(d, seats.place).node for d in plan.paths)])
    return np.lexsort((node, ids))
