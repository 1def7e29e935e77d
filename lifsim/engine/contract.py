"""The interface that all engines offer to `lifsim.simulation`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from lifsim.engine.records import SliceRecords
from lifsim.plan.plan import Plan


class RunningEngine(Protocol):
    """A plan in memory, ready to run: `Engine` (spike times on the grid), `PreciseEngine` (exact ones), `IdleEngine` (no neurons).

    step : number of steps done. weight_dtype : dtype in which static weights are stored.
    """

    plan: Plan
    step: int
    weight_dtype: np.dtype[Any]

    @property
    def threads(self) -> int:
        """Number of threads."""

    def longest_slice(self) -> int:
        """The number of steps that can run in one slice within the memory reserved for recorded data."""

    def advance(self, steps: int) -> SliceRecords:
        """Run `steps` steps and return what was recorded."""

    def first_not_finite(self) -> tuple[str, int, str, float] | None:
        """Population, neuron, variable and value of the first state variable that is NaN or infinite; None if all are finite."""

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable or parameter `name` of all neurons of `group`, shape (n,), float64."""

    def derived_now(self, group: str, name: str) -> np.ndarray:
        """The value after the last step of a variable that is not a state variable, of all neurons of `group`; shape (n,).

        `name` is "I_syn" (pA), "t_ref_remaining" (ms), or "post_trace" or "post_trace_triplet", the postsynaptic traces of plastic
        synapses (KeyError if there are none).
        """

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """Set state variables and parameters of all neurons of `group`."""

    def restimulate(self, plan: Plan) -> None:
        """Go on with the stimuli of `plan`, which has the same populations, synapses and recordings."""

    def restart(self, plan: Plan, seed: int) -> None:
        """Return to step 0 with the neurons and stimuli of `plan`, whose synapses are the same, and the random numbers of `seed`.

        Plastic weights are those that the network was built with.
        """

    def rewire(self, plan: Plan) -> None:
        """Go on with the weights and delays of the static synapses of `plan`, which are otherwise the same."""

    def delay_range(self) -> tuple[int, int]:
        """The shortest and the longest delay (steps) that static synapses can be given by `rewire`."""

    def sends(self, first: int, last: int) -> bool:
        """Whether any spike of the nodes `first` … `last` - 1 (global ids) is on its way."""

    def set_plastic_weights(self, numbers: np.ndarray, weights: np.ndarray) -> None:
        """Set the weights of plastic synapses by their numbers (`numbered_synapses`)."""

    @property
    def channels(self) -> int:
        """The largest number of input sums of a neuron; with several, weights are stored by sign or receptor."""

    def classes(self, wiring: Any, weight: np.ndarray) -> np.ndarray:
        """The rank, in the order of `synapses`, of synapses of `wiring` with these weights among those of the same source and target."""

    def stored_weights(self, wiring: Any, weight: np.ndarray) -> np.ndarray:
        """Weights of static synapses of `wiring` as they are stored, rounded to the data type of weights."""

    def synapses(
        self, sources: tuple[int, int], targets: tuple[int, int], plastic_only: int | None = None, variable: str = "weight"
    ) -> tuple[np.ndarray, ...]:
        """Synapses from source ids lo … hi - 1 to target ids lo … hi - 1: source, target, weight, delay in steps; shape (n,) each.

        If `plastic_only` is given, only those of this projection, which is plastic; `variable` is then read in place of the weight.
        """

    def numbered_synapses(
        self, sources: tuple[int, int], targets: tuple[int, int], plastic_only: int | None = None, variable: str = "weight"
    ) -> tuple[np.ndarray, ...]:
        """As `synapses`, and a fifth array: the numbers of plastic synapses in the `WeightRows` of a slice, -1 for static ones."""

    def synapse_variables(self, index: int) -> tuple[str, ...]:
        """What `synapses` can read of projection number `index`, which is plastic, beside the weight and the delay."""

    def has_own_values(self, index: int, name: str) -> bool:
        """Whether each synapse of projection number `index`, which is plastic, has its own value of the variable `name`."""

    def is_in_state(self, index: int, name: str) -> bool:
        """Whether `saved` has the values of the variable `name` of projection number `index`, which is plastic."""

    def set_synapse_values(self, index: int, name: str, values: np.ndarray, numbers: np.ndarray | None) -> None:
        """Set a variable of projection number `index`, which is plastic, other than the weight and the delay.

        With `numbers` (see `numbered_synapses`), the variable must have own values, and `values` are those of these synapses; without,
        `values` is one number for all synapses of the projection.
        """

    def fan_out(self) -> np.ndarray:
        """Number of synapses from each node, shape (n_nodes,)."""

    def saved(self) -> dict[str, Any]:
        """The state for a checkpoint; it does not depend on the number of threads."""

    def restore(self, step: int, state: dict[str, Any]) -> None:
        """Load `state`, which `saved` of an engine of the same plan returned after `step` (ValueError if it does not fit the plan)."""

    def measure(self) -> None:
        """Measure the time of each phase of the loop from now on."""

    def spent(self) -> dict[str, float]:
        """Seconds spent in each phase since `measure`, averaged over threads."""

    def close(self) -> None:
        """Release the threads."""
