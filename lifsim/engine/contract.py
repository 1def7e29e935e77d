"""What every engine offers to those who drive it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from lifsim.engine.records import SliceRecords
from lifsim.plan.plan import Plan


class RunningEngine(Protocol):
    """A plan in memory, ready to run: `Engine` (spike times on the grid), `PreciseEngine` (exact ones), `IdleEngine` (no neurons).

    step : number of steps done. weight_dtype : in which static weights are stored.
    """

    plan: Plan
    step: int
    weight_dtype: np.dtype[Any]

    @property
    def threads(self) -> int:
        """Number of threads."""

    def longest_slice(self) -> int:
        """Steps that can run at once within the memory for what they record."""

    def advance(self, steps: int) -> SliceRecords:
        """Run `steps` steps and return what was recorded."""

    def first_not_finite(self) -> tuple[str, int, str, float] | None:
        """Population, neuron, variable and value of the first state that is NaN or infinite, if any is."""

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable or parameter `name` of all neurons of `group`, shape (n,), float64."""

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """Set state variables and parameters of all neurons of `group`."""

    def synapses(self, sources: tuple[int, int], targets: tuple[int, int]) -> tuple[np.ndarray, ...]:
        """Synapses from source ids lo … hi - 1 to target ids lo … hi - 1: source, target, weight, delay in steps."""

    def fan_out(self) -> np.ndarray:
        """Number of synapses from each node, shape (n_nodes,)."""

    def saved(self) -> dict[str, Any]:
        """The state, the same for any number of threads."""

    def restore(self, step: int, state: dict[str, Any]) -> None:
        """Load the `saved` state of an engine of the same plan after `step`, right after building (ValueError if the plan was another)."""

    def measure(self) -> None:
        """From now on, take the time of each phase of the loop."""

    def spent(self) -> dict[str, float]:
        """Seconds spent in each phase since `measure`, the mean of the threads."""

    def close(self) -> None:
        """Release the threads."""
