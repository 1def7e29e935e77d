"""The plan of a simulation: a network with every random parameter drawn, in plain arrays.

It stands between the description (`lifsim.network`) and the engines (`lifsim.engine`): it knows
global node numbers, steps instead of milliseconds and the seed, but nothing of blocks or threads.
Neurons are numbered through all populations in order of declaration; nodes that send given spikes
follow after the last neuron.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from lifsim.given import Given

CONSTANT, NORMAL, UNIFORM, LOGNORMAL, BY_SYNAPSE, BY_PAIR = range(6)
NEVER = 2**62  # a step that is never reached (for stop = inf)
ALL, ONE, RANDOM, ROWS, GIVEN = range(5)
TO_EACH, SHARED, RECORDED = range(3)
NO_RECEPTOR, COUNT_SPIKES = -1, -2  # instead of a receptor: spikes have no effect; they are counted, whatever the weight
PIECE = 1 << 14  # values that are worked on at a time: temporary arrays of this length stay in the cache


@dataclass(frozen=True, eq=False)
class Group:
    """A population of neurons: ids `first` … `first + n - 1`.

    `params` and `state` hold each parameter and state variable of the model, as a number where it
    is the same for all, else as a float64 array of shape (n,). A neuron sends at most `burst` spikes in a step.
    """

    name: str
    first: int
    n: int
    model: str
    params: dict[str, np.ndarray | float]
    state: dict[str, np.ndarray | float]
    burst: int = 1


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
    given: Given | None = None
    receptor: int = 0
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
    steps start < t <= stop. `stream` keys the random numbers; `receptor` as in `Wiring`.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray | float
    mean: np.ndarray
    since: np.ndarray | None
    start: int
    stop: int
    receptor: int = 0


@dataclass(frozen=True, eq=False)
class TrainDrive:
    """Random trains onto `targets` (global ids, ascending), each spike of `weight`.

    A spike that arrives in step t left the generator `delay` steps before, in step s = t - delay, in which
    mean + amplitude·sin(omega·s + phase) of them are expected, or none if that is negative. Of `order` 0, trains are Poisson
    trains; else the expected number from one spike of a train to the next has a gamma distribution of this order. Spikes arrive in
    the steps start < t <= stop. `kind` and `stream` key the random numbers, and `who` the train of each target (TO_EACH:
    one of its own; SHARED: that of the generator's node; RECORDED: that which a recorder of the node gets).
    """

    kind: int
    stream: int
    targets: np.ndarray
    who: np.ndarray
    weight: np.ndarray
    mean: float
    amplitude: float
    omega: float
    phase: float
    order: float
    delay: int
    start: int
    stop: int
    receptor: int = 0


@dataclass(frozen=True, eq=False)
class ExactDrive:
    """Poisson trains with exact intervals onto `targets` (global ids, ascending), each spike of `weight`.

    Each has a `rate` (Hz) and, after every spike, a `dead_time` (ms). Spikes arrive at moments in the steps start < t <= stop,
    trains being stationary from `start` on. `stream` keys the random numbers.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray
    rate: np.ndarray
    dead_time: np.ndarray
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
class SineDrive:
    """offset + amplitude·sin(omega·t + phase) onto `targets` in the steps start < t <= stop."""

    targets: np.ndarray
    weight: np.ndarray
    offset: float
    amplitude: float
    omega: float
    phase: float
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class WaveDrive:
    """Samples onto `targets`: row q of `samples`, in the column of each, in `every` steps after step start + q·every, until `stop`."""

    targets: np.ndarray
    weight: np.ndarray
    column: np.ndarray
    samples: np.ndarray
    every: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class PathDrive:
    """An Ornstein-Uhlenbeck path onto each of `targets`: mean + std·z in the steps start < t <= stop.

    z is N(0, 1) in the first of them, then decay·z + sqrt(1 - decay²)·N(0, 1).
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray
    mean: float
    std: float
    decay: float
    start: int
    stop: int


class Events(Protocol):
    """Given spikes, a window of time at a time."""

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps (int64) and nodes (global ids, uint32) of the spikes sent at the end of the steps start < k <= stop, by step, then id."""

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """How many ms before the end of its step each of them is sent, where times are exact."""

    def reach(self, start: int) -> int:
        """How far a window from `start` may go if it is to stay small, at least a step."""


@dataclass(frozen=True, eq=False)
class Listed:
    """Given spikes in memory: node `id` sends one at the end of `step`, or `offset` ms before; ascending by time, then id."""

    step: np.ndarray
    id: np.ndarray
    offset: np.ndarray | None = None

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events`."""
        inside = slice(*np.searchsorted(self.step, [start, stop], side="right"))
        return self.step[inside], self.id[inside]

    def offsets(self, start: int, stop: int) -> np.ndarray | None:
        """See `Events`."""
        return None if self.offset is None else self.offset[slice(*np.searchsorted(self.step, [start, stop], side="right"))]

    def reach(self, start: int) -> int:
        """There is no end to what is in memory."""
        return NEVER


@dataclass(frozen=True, eq=False)
class Merged:
    """Given spikes of several kinds, each from nodes of its own."""

    parts: list[Events]

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Events`."""
        step, ids = (np.concatenate(x) for x in zip(*(part.window(start, stop) for part in self.parts), strict=True))
        order = np.lexsort((ids, step))
        return step[order], ids[order]

    def offsets(self, start: int, stop: int) -> None:
        """Times are on the grid: exact ones are in memory, in one list."""

    def reach(self, start: int) -> int:
        """See `Events`."""
        return min(part.reach(start) for part in self.parts)


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
    trains: list[TrainDrive]
    sines: list[SineDrive]
    waves: list[WaveDrive]
    paths: list[PathDrive]
    events: Events
    probes: list[Probe]
    watched: set[str]
    n_nodes: int
    exact: list[ExactDrive] = field(default_factory=list)

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
