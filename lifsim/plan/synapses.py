"""The synapses of a plan: which there are, and their weights and delays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lifsim.common.arrays import PIECE

if TYPE_CHECKING:
    from lifsim.network.explicit_synapses import ExplicitSynapses

CONSTANT, NORMAL, UNIFORM, LOGNORMAL, BY_SYNAPSE, BY_PAIR = range(6)
ALL, ONE, RANDOM, ROWS, GIVEN = range(5)
NO_RECEPTOR, COUNT_SPIKES = -1, -2  # instead of a receptor: spikes have no effect; they are counted, whatever the weight


@dataclass(frozen=True, eq=False)
class Values:
    """Weights (or delays in steps) of the synapses of one wiring.

    `kind` is CONSTANT (a), NORMAL (a, b), UNIFORM (a, b), LOGNORMAL (a, b), BY_SYNAPSE (`array` in
    order of target and synapse, float64; of a wiring that is GIVEN in that order, weights as float32 or
    float64, delays as int32) or BY_PAIR (`array[target · n_source + source]`); draws outside [low, high]
    are repeated.
    """

    kind: int
    a: float = 0.0
    b: float = 0.0
    low: float = -np.inf
    high: float = np.inf
    array: np.ndarray | None = None

    @property
    def sign(self) -> int:
        """1 if no value is negative, -1 if all are negative, 0 if both can occur."""
        low, high = self.range
        return 1 if low >= 0 else -1 if high < 0 else 0

    @cached_property
    def range(self) -> tuple[float, float]:
        """An interval that holds every value."""
        if self.array is not None:
            return (float(self.array.min()), float(self.array.max())) if len(self.array) else (0.0, 0.0)
        if self.kind == CONSTANT:
            return self.a, self.a
        reach = 6.4 * self.b  # no drawn normal deviate is larger, see `engine.random.normal`
        low, high = (self.a, self.b) if self.kind == UNIFORM else (self.a - reach, self.a + reach)
        if self.kind == LOGNORMAL:
            low, high = float(np.exp(low)), float(np.exp(high))
        return max(low, self.low), min(high, self.high)

    @property
    def narrow(self) -> bool:
        """Whether float32 holds every value exactly, as can be said of those that are not drawn."""
        if self.array is None and self.kind != CONSTANT:
            return False
        given = np.atleast_1d(self.a if self.array is None else self.array)
        if given.dtype == np.float32:
            return True
        pieces = (given[i : i + PIECE] for i in range(0, len(given), PIECE))
        with np.errstate(over="ignore"):
            return all(np.array_equal(piece.astype(np.float32), piece) for piece in pieces)


@dataclass(frozen=True, eq=False)
class Plasticity:
    """The model of plastic synapses and the values of all its parameters, in the order and forms of weights."""

    model: str
    params: dict[str, Values]


@dataclass(frozen=True, eq=False)
class Wiring:
    """Synapses onto `targets` from `sources` (global ids), target by target.

    Target t has synapses number ``ptr[t]`` … ``ptr[t + 1] - 1``. Their sources are, by `kind`: ALL
    (every one in turn), ONE (the t-th), RANDOM (drawn, with or without `multapses`), ROWS (given
    in `rows`, indices into `sources`) or GIVEN: in `given`, in any order; the synapses of a target are
    numbered in that order. `itself[t]` is the index of target t among the sources if it is to be left
    out, else -1. Weights go to receptor number `receptor` (from 1) of the targets; 0: their sign decides
    (or it is NO_RECEPTOR, COUNT_SPIKES).
    Synapses that are plastic (never GIVEN) have a `plasticity`.
    """

    index: int
    kind: int
    sources: np.ndarray
    targets: np.ndarray
    ptr: np.ndarray
    rows: np.ndarray
    itself: np.ndarray
    multapses: bool
    weight: Values
    delay: Values
    given: ExplicitSynapses | None = None
    receptor: int = 0
    plasticity: Plasticity | None = None

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(self.ptr[-1])


class Expanded(NamedTuple):
    """Synapses of one wiring: indices into its sources and targets, weight, delay in steps; shape (n,) each."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


Expand = Callable[[Wiring, int], Expanded]  # what draws the synapses of a wiring, given the seed: `lifsim.engine.expand`
