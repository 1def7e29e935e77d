"""The synapses of a plan: their sources and targets, weights and delays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lifsim.common.arrays import PIECE

if TYPE_CHECKING:
    from lifsim.network.explicit_synapses import ExplicitSynapses

CONSTANT, NORMAL, UNIFORM, LOGNORMAL, BY_SYNAPSE, BY_PAIR = range(6)  # kinds of `Values`
ALL, ONE, RANDOM, ROWS, GIVEN = range(5)  # kinds of `Wiring`
NO_RECEPTOR, COUNT_SPIKES = -1, -2  # special receptors: spikes have no effect; each spike counts once, whatever its weight


@dataclass(frozen=True, eq=False)
class Values:
    """Weights (or delays in steps) of the synapses of one wiring.

    By `kind`, a value is:

    - CONSTANT: `a`.
    - NORMAL, LOGNORMAL: drawn with mean `a` and standard deviation `b` (of the logarithm). UNIFORM: drawn from `a` to `b`. Draws outside
      [low, high] are repeated.
    - BY_SYNAPSE: an entry of `array`, sorted by target, then synapse (float64). If the wiring is GIVEN, the entries are in the order of
      its synapses (weights float32 or float64, delays int32).
    - BY_PAIR: ``array[target · n_source + source]``.
    """

    kind: int
    a: float = 0.0
    b: float = 0.0
    low: float = -np.inf
    high: float = np.inf
    array: np.ndarray | None = None

    @property
    def sign(self) -> int:
        """1 if no value can be negative, -1 if all are negative, else 0."""
        low, high = self.range
        return 1 if low >= 0 else -1 if high < 0 else 0

    @cached_property
    def range(self) -> tuple[float, float]:
        """Lower and upper bound of all values."""
        if self.array is not None:
            return (float(self.array.min()), float(self.array.max())) if len(self.array) else (0.0, 0.0)
        if self.kind == CONSTANT:
            return self.a, self.a
        reach = 6.4 * self.b  # no normal deviate that is drawn is larger, see `lifsim.engine.random.normal`
        low, high = (self.a, self.b) if self.kind == UNIFORM else (self.a - reach, self.a + reach)
        if self.kind == LOGNORMAL:
            low, high = float(np.exp(low)), float(np.exp(high))
        return max(low, self.low), min(high, self.high)

    @property
    def narrow(self) -> bool:
        """Whether float32 holds every value exactly; False for drawn values."""
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
    """The model of plastic synapses and the values of all its parameters (ordered as weights are)."""

    model: str
    params: dict[str, Values]


@dataclass(frozen=True, eq=False)
class Wiring:
    """The synapses of projection number `index`, from `sources` onto `targets` (global ids), target by target.

    Target t has the synapses ``ptr[t]`` … ``ptr[t + 1] - 1``. By `kind`, their sources are:

    - ALL: every source in turn. ONE: source number t.
    - RANDOM: drawn by the engine, with or without `multapses`.
    - ROWS: in `rows`, indices into `sources`, one per synapse.
    - GIVEN: in `given`, in any order; the synapses of a target are numbered in that order.

    `itself[t]` is the index among the sources of target t if this source is excluded (no autapses), else -1. Weights act on receptor
    number `receptor` (from 1) of the targets; with 0 the sign of each weight decides; NO_RECEPTOR and COUNT_SPIKES are for parrots.
    Plastic synapses (never GIVEN) have a `plasticity`.
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
        """The number of synapses."""
        return int(self.ptr[-1])


class Expanded(NamedTuple):
    """Synapses of one wiring: indices into its sources and targets, weight, delay in steps; shape (n,) each."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


Expand = Callable[[Wiring, int], Expanded]  # draws the synapses of a wiring with a seed: `lifsim.engine.expand`
