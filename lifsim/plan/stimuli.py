"""The stimuli of a plan, each onto the neurons that it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TO_EACH, SHARED, RECORDED = range(3)


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
