"""The plan of a simulation: a network with every random parameter drawn, in plain arrays.

It stands between the description (`lifsim.network`) and the engines (`lifsim.engine`): it knows
global node numbers, steps instead of milliseconds and the seed, but nothing of blocks or threads.
Neurons are numbered through all populations in order of declaration; nodes that send given spikes
follow after the last neuron.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lifsim.given import Given

CONSTANT, NORMAL, UNIFORM, LOGNORMAL, BY_SYNAPSE, BY_PAIR = range(6)
ALL, ONE, RANDOM, ROWS, GIVEN = range(5)
PIECE = 1 << 14  # values at a time: what is made of them stays in the cache, in memory that need not be asked for anew


@dataclass(frozen=True, eq=False)
class Group:
    """A population of neurons: ids `first` … `first + n - 1`.

    `params` and `state` hold each parameter and state variable of the model, as a number where it
    is the same for all, else as a float64 array of shape (n,).
    """

    name: str
    first: int
    n: int
    model: str
    params: dict[str, np.ndarray | float]
    state: dict[str, np.ndarray | float]


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
    out, else -1. Synapses that are plastic (never GIVEN) have a `plasticity`.
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
    given: Given | None = None
    plasticity: Plasticity | None = None

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(self.ptr[-1])


@dataclass(frozen=True, eq=False)
class PoissonDrive:
    """Independent Poisson trains onto `targets` (global ids, ascending), each spike of `weight`.

    Either `mean` is the expected number of spikes a step, one a target or one for all; or the rate
    changes: `mean[q]` holds for all targets from arrival step `since[q]` on. Spikes arrive in the
    steps start < t <= stop. `stream` keys the random numbers.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray | float
    mean: np.ndarray
    since: np.ndarray | None
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class CurrentDrive:
    """Currents onto `targets` (global ids, ascending): weight · amplitude of the node behind each.

    The amplitude is `amplitude[q]` in the steps after step `since[q]`, until the next change.
    """

    targets: np.ndarray
    weight: np.ndarray
    since: np.ndarray
    amplitude: np.ndarray


@dataclass(frozen=True, eq=False)
class NoiseDrive:
    """Gaussian noise onto `targets`: a new mean + sd·N(0, 1) for each every `period` steps.

    It acts in the steps start < t <= stop. The variance is std² + std_mod²·sin(ω·s + phase), s the
    time in steps since the beginning of the simulation, `omega` in radians a step.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray
    mean: float
    std: float
    std_mod: float
    omega: float
    phase: float
    period: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Events:
    """Given spikes: node `id` (global) sends one at the end of `step`; ascending by step, then id."""

    step: np.ndarray
    id: np.ndarray


@dataclass(frozen=True, eq=False)
class Probe:
    """Sample `variable` of `group` at neurons `ids` (in the population) every `interval` steps.

    First at start + interval, last not after stop.
    """

    group: str
    variable: str
    ids: np.ndarray
    interval: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything an engine needs. `n_nodes` counts neurons and nodes that send given spikes."""

    dt: float
    seed: int
    groups: list[Group]
    wirings: list[Wiring]
    poisson: list[PoissonDrive]
    currents: list[CurrentDrive]
    noise: list[NoiseDrive]
    events: Events
    probes: list[Probe]
    watched: set[str]
    n_nodes: int

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return sum(g.n for g in self.groups)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return sum(w.n_synapses for w in self.wirings)

    def group(self, name: str) -> Group:
        """The group called `name` (KeyError if there is none)."""
        for g in self.groups:
            if g.name == name:
                return g
        raise KeyError(name)


def delays_among(steps: np.ndarray) -> np.ndarray:
    """The delays (steps, ascending) in an array of them, piece by piece."""
    seen = np.zeros(int(steps.max(initial=0)) + 1, bool)
    for a in range(0, len(steps), PIECE):
        seen[steps[a : a + PIECE]] = True
    return np.flatnonzero(seen)
