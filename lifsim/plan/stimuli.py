"""Drives: the stimuli of a plan, with the neurons that they act on. Arrays have shape (n_targets,) unless stated otherwise.

The `source` of a current is the population of generators that it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TO_EACH, SHARED, RECORDED = range(3)  # kinds of `TrainDrive`
CURRENTS = ("currents", "noise", "sines", "waves", "paths")  # the lists of drives in a plan that are currents
KINDS = (*CURRENTS, "poisson", "trains", "exact")  # all lists of drives in a plan


@dataclass(frozen=True, eq=False)
class PoissonDrive:
    """Independent Poisson trains onto `targets` (global ids, ascending); each spike has the weight `weight`.

    If the rate is constant, `since` is None and `mean` is the expected number of spikes per step, one per target or one for all. If the
    rate changes, `mean[q]` holds for all targets from arrival step `since[q]` on. Spikes arrive in the steps start < t <= stop. `stream`
    is part of the key of the random numbers; `receptor` is as in `Wiring`; `delay` (steps) is that of the synapses.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray | float
    mean: np.ndarray
    since: np.ndarray | None
    start: int
    stop: int
    receptor: int = 0
    delay: int = 0


@dataclass(frozen=True, eq=False)
class TrainDrive:
    """Random trains with sinusoidal rate onto `targets` (global ids, ascending); each spike has the weight `weight`.

    A spike that arrives in step t was sent in step s = t - delay, in which mean + amplitude·sin(omega·s + phase) spikes are expected (none
    if this is negative); `omega` is in radians per step, `phase` in radians. With `order` 0, trains are Poisson trains; else the
    integral of the expected number between two spikes of a train has a gamma distribution of this order. Spikes arrive in the steps
    start < t <= stop. `kind`, `stream` and `who` are the key of the random numbers; `who` names the train of each target: one of its
    own (TO_EACH), that of the generator node (SHARED), or that which a recorder of the node receives (RECORDED).
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
    """Poisson trains with exact spike times onto `targets` (global ids, ascending); each spike has the weight `weight`.

    Each train has a `rate` (Hz) and a `dead_time` (ms) after every spike, and is stationary from `start` on. Spikes arrive at any time
    within the steps start < t <= stop. `stream` is part of the key of the random numbers; `delay` (steps) is that of the synapses.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray
    rate: np.ndarray
    dead_time: np.ndarray
    start: int
    stop: int
    delay: int = 0


@dataclass(frozen=True, eq=False)
class CurrentDrive:
    """Piecewise constant currents onto `targets` (global ids, ascending): weight · amplitude, in pA.

    The amplitude is `amplitude[q]` in the steps after step `since[q]`, until the next change; it is 0 before.
    """

    targets: np.ndarray
    weight: np.ndarray
    since: np.ndarray
    amplitude: np.ndarray
    source: str = ""


@dataclass(frozen=True, eq=False)
class NoiseDrive:
    """Gaussian noise currents onto `targets` (global ids, ascending): weight · (mean + sd·N(0, 1)), in pA.

    Each target gets a new value every `period` steps. The noise acts in the steps start < t <= stop. Its variance sd² is
    std² + std_mod²·sin(omega·s + phase), where s is the time in steps since the beginning of the simulation and `omega` is in radians
    per step. `stream` is part of the key of the random numbers, the first `used` of which are left out; `delay` (steps) is that of the
    synapses.
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
    used: int = 0
    delay: int = 0
    source: str = ""


@dataclass(frozen=True, eq=False)
class SineDrive:
    """Currents weight · (offset + amplitude·sin(omega·t + phase)), in pA, onto `targets` (global ids) in the steps start < t <= stop."""

    targets: np.ndarray
    weight: np.ndarray
    offset: float
    amplitude: float
    omega: float
    phase: float
    start: int
    stop: int
    source: str = ""


@dataclass(frozen=True, eq=False)
class WaveDrive:
    """Sampled currents onto `targets` (global ids, ascending): weight · sample, in pA.

    `samples` has the shape (rows, columns), and `column` is the column of each target. Row q acts in the `every` steps after step
    start + q·every, until step `stop`.
    """

    targets: np.ndarray
    weight: np.ndarray
    column: np.ndarray
    samples: np.ndarray
    every: int
    start: int
    stop: int
    source: str = ""


@dataclass(frozen=True, eq=False)
class PathDrive:
    """Ornstein-Uhlenbeck currents onto `targets` (global ids, ascending): weight · (mean + std·z), in pA, in the steps start < t <= stop.

    Each target has a process of its own: z is N(0, 1) in the first step, and decay·z + sqrt(1 - decay²)·N(0, 1) in the next one.
    `stream` is part of the key of the random numbers, the first `used` of which are left out. `node` is the generator node of each target;
    `delay` (steps) is that of the synapses.
    """

    stream: int
    targets: np.ndarray
    weight: np.ndarray
    mean: float
    std: float
    decay: float
    start: int
    stop: int
    node: np.ndarray
    used: int = 0
    delay: int = 0
    source: str = ""
