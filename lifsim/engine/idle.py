"""A plan without neurons: nothing is computed, while what generators send is drawn by those who record it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.parallel.clock import PHASES
from lifsim.engine.records import SliceRecords
from lifsim.plan.plan import Plan

LONGEST = 1 << 20  # steps at once


class IdleEngine:
    """The engine of a `plan` whose nodes are all generators: it has no state but the step."""

    threads = 1

    def __init__(self, plan: Plan, weights: str | None = None) -> None:
        self.plan = plan
        self.weight_dtype = np.dtype(weights or "float64")
        self.step = 0

    def longest_slice(self) -> int:
        """Steps that can run at once within the memory for given spikes."""
        return max(1, min(LONGEST, self.plan.events.reach(self.step) - self.step))

    def advance(self, steps: int) -> SliceRecords:
        """Go on by `steps` steps, in which no neuron does anything."""
        self.step += steps
        return SliceRecords({}, [])

    def first_not_finite(self) -> None:
        """There is no state."""

    def get(self, group: str, name: str) -> np.ndarray:
        """There is no such group (KeyError)."""
        raise KeyError(group)

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """There is no such group (KeyError)."""
        raise KeyError(group)

    def saved(self) -> dict[str, Any]:
        """Nothing but the step, which checkpoints know."""
        return {}

    def restore(self, step: int, state: dict[str, Any]) -> None:
        """Go to `step` (ValueError if there is a state: the plan was another)."""
        if state:
            raise ValueError("it holds a state of neurons")
        self.step = step

    def synapses(self, sources: tuple[int, int], targets: tuple[int, int]) -> tuple[np.ndarray, ...]:
        """None; as of `Engine.synapses`."""
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0), none

    def fan_out(self) -> np.ndarray:
        """Number of synapses from each node, shape (n_nodes,)."""
        return np.zeros(self.plan.n_nodes, np.int64)

    def measure(self) -> None:
        """No time is spent here."""

    def spent(self) -> dict[str, float]:
        """Seconds spent in each phase: none."""
        return dict.fromkeys(PHASES, 0.0)

    def close(self) -> None:
        """There are no threads."""
