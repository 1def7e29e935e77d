"""The engine for plans without neurons: it computes nothing; recorders draw the spikes of generators themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.parallel.clock import PHASES
from lifsim.engine.records import SliceRecords
from lifsim.plan.plan import Plan

LONGEST = 1 << 20  # largest number of steps in a slice


class IdleEngine:
    """The engine for a `plan` whose nodes are all generators; its only state is the step."""

    threads = 1

    def __init__(self, plan: Plan, weights: str | None = None) -> None:
        self.plan = plan
        self.weight_dtype = np.dtype(weights or "float64")
        self.step = 0

    def longest_slice(self) -> int:
        """The number of steps that can run in one slice within the memory for given spikes."""
        return max(1, min(LONGEST, self.plan.events.reach(self.step) - self.step))

    def advance(self, steps: int) -> SliceRecords:
        """Advance by `steps` steps; nothing is recorded."""
        self.step += steps
        return SliceRecords({}, [])

    def first_not_finite(self) -> None:
        """None: there are no state variables."""

    def get(self, group: str, name: str) -> np.ndarray:
        """KeyError: there are no groups."""
        raise KeyError(group)

    def derived_now(self, group: str, name: str) -> np.ndarray:
        """KeyError: there are no groups."""
        raise KeyError(group)

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """KeyError: there are no groups."""
        raise KeyError(group)

    def restimulate(self, plan: Plan) -> None:
        """Go on with the given spikes of `plan`."""
        self.plan = plan

    def restart(self, plan: Plan, seed: int) -> None:
        """Return to step 0, with the given spikes of `plan`."""
        self.plan, self.step = plan, 0

    def rewire(self, plan: Plan) -> None:
        """Do nothing: there are no synapses."""

    def delay_range(self) -> tuple[int, int]:
        """No delays: there are no synapses."""
        return 1, 0

    def sends(self, first: int, last: int) -> bool:
        """False: there are no synapses."""
        return False

    def set_plastic_weights(self, numbers: np.ndarray, weights: np.ndarray) -> None:
        """Do nothing: there are no synapses."""

    def saved(self) -> dict[str, Any]:
        """An empty state: checkpoints store the step themselves."""
        return {}

    def restore(self, step: int, state: dict[str, Any]) -> None:
        """Go to `step` (ValueError if `state` is not empty: it belongs to another plan)."""
        if state:
            raise ValueError("it has a state of neurons, but the network has no neurons")
        self.step = step

    @property
    def channels(self) -> int:
        """The number of input sums of a neuron; 1, since there are no neurons that need more."""
        return 1

    def classes(self, wiring: Any, weight: np.ndarray) -> np.ndarray:
        """Zeros, one for each weight."""
        return np.zeros(len(weight), np.int8)

    def stored_weights(self, wiring: Any, weight: np.ndarray) -> np.ndarray:
        """The weights unchanged."""
        return weight

    def synapses(
        self, sources: tuple[int, int], targets: tuple[int, int], plastic_only: int | None = None, variable: str = "weight"
    ) -> tuple[np.ndarray, ...]:
        """Empty arrays in the form of `Engine.synapses`."""
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0), none

    def numbered_synapses(
        self, sources: tuple[int, int], targets: tuple[int, int], plastic_only: int | None = None, variable: str = "weight"
    ) -> tuple[np.ndarray, ...]:
        """Empty arrays in the form of `Engine.numbered_synapses`."""
        return (*self.synapses(sources, targets), np.zeros(0, np.int64))

    def synapse_variables(self, index: int) -> tuple[str, ...]:
        """Nothing: there are no synapses."""
        return ()

    def has_own_values(self, index: int, name: str) -> bool:
        """KeyError: there are no synapses."""
        raise KeyError(index)

    def is_in_state(self, index: int, name: str) -> bool:
        """KeyError: there are no synapses."""
        raise KeyError(index)

    def set_synapse_values(self, index: int, name: str, values: np.ndarray, numbers: np.ndarray | None) -> None:
        """KeyError: there are no synapses."""
        raise KeyError(index)

    def fan_out(self) -> np.ndarray:
        """Number of synapses from each node (all 0), shape (n_nodes,)."""
        return np.zeros(self.plan.n_nodes, np.int64)

    def measure(self) -> None:
        """Do nothing: no phase takes any time."""

    def spent(self) -> dict[str, float]:
        """Seconds spent in each phase: 0."""
        return dict.fromkeys(PHASES, 0.0)

    def close(self) -> None:
        """Do nothing: there are no threads."""
