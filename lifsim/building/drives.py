"""Stimuli: turns populations of generators into drives onto their targets.

Times follow NEST:

- Poisson and gamma generators: a spike with time stamp T, start + dt < T <= stop + dt, arrives at T + delay. (NEST evaluates a generator
  at the beginning of a step and stamps its spike with the end of the step.)
- Sinusoidal Poisson generators: as above, but start <= T < stop.
- Current generators: the current acts in the steps (t, t + dt] with start + delay <= t < stop + delay. DC and AC currents with
  start = 0 act from dt on, because NEST's generators send nothing at time 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lifsim.building.by_node import later, of_node, steps_of
from lifsim.common.timegrid import steps
from lifsim.plan.spikes import NEVER
from lifsim.plan.stimuli import TO_EACH, CurrentDrive, ExactDrive, NoiseDrive, PathDrive, PoissonDrive, SineDrive, TrainDrive, WaveDrive

Columns: TypeAlias = Sequence[np.ndarray]
# Beside the parameters of a noise or Ornstein-Uhlenbeck generator that was changed during a run (`lifsim.building.stimuli`): the step from
# which its noise is counted, and the number of its first random numbers that are not used again.
BEGUN, USED = "(begun)", "(used)"
SCHEDULE = "(schedule)"  # beside the parameters of a generator whose series was changed: times (ms) and values of all of the run


@dataclass(frozen=True, eq=False)
class Connections:
    """Synapses of a stimulus: source node (index in its population), target (global id), weight, delay (steps); shape (n_synapses,)."""

    node: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


def poisson_drives(values: dict[str, Any], c: Connections, dt: float, streams: Iterable[int], receptor: int = 0) -> list[PoissonDrive]:
    """Drives of a Poisson generator onto a receptor; `streams` are the random streams of the drives, in order.

    Synapses of equal weight and delay onto one target are merged, because a sum of independent Poisson trains is a Poisson train.
    """
    window = [later(_window(values, c, dt, key)) for key in ("start", "stop")]
    series = "rate_values" in values
    rate = np.ones(len(c.node)) if series else of_node(values["rate"], c.node)
    key = [*window, c.delay, c.weight < 0]
    if not series:
        key, target, weight, mean = _merged(key, c.target, c.weight, rate * dt / 1000.0)
    else:  # all targets of a drive with changing rate share one rate: group targets by number of synapses
        key, target, weight, number = _merged(key, c.target, c.weight, rate)
        key, mean = [*key, number], number
    drives: list[PoissonDrive] = []
    stream = iter(streams)
    for pick in _layers(key, target):
        start, stop, delay = (int(column[pick[0]]) for column in key[:3])
        since = None
        expected = mean[pick]
        if series:
            times, rates = values.get(SCHEDULE) or (values["rate_times"], values["rate_values"])
            since = np.round(times / dt).astype(np.int64) + delay
            expected = expected[0] * rates * dt / 1000.0
        elif not expected.any():
            continue
        drives.append(
            PoissonDrive(
                next(stream),
                target[pick],
                _same_or_all(weight[pick]),
                expected if series else np.atleast_1d(_same_or_all(expected)),
                since,
                start,
                stop,
                receptor,
                delay,
            )
        )
    return drives


def exact_drives(values: dict[str, Any], c: Connections, dt: float, streams: Iterable[int], silent: bool = False) -> list[ExactDrive]:
    """Drives of a Poisson generator with exact spike times; `streams` are the random streams of the drives, in order. Trains of rate 0
    are left out unless `silent` is set.

    Without a dead time, synapses of equal weight and delay onto one target are merged, because a sum of independent Poisson trains is
    a Poisson train.
    """
    rate, dead = (of_node(values[key], c.node) for key in ("rate", "dead_time"))
    key = [_window(values, c, dt, "start"), _window(values, c, dt, "stop"), c.delay]
    target, weight = c.target, c.weight
    if not dead.any():
        key, target, weight, rate = _merged(key, target, weight, rate)
        dead = np.zeros(len(rate))
    drives: list[ExactDrive] = []
    stream = iter(streams)
    for pick in _layers(key, target):
        pick = pick[(rate[pick] > 0) | silent]
        if len(pick):
            start, stop, delay = (int(column[pick[0]]) for column in key)
            drives.append(ExactDrive(next(stream), target[pick], weight[pick], rate[pick], dead[pick], start, stop, delay))
    return drives


def current_drives(values: dict[str, Any], c: Connections, dt: float) -> list[CurrentDrive]:
    """Drives of a DC or step current generator; a constant amplitude is multiplied into the weight."""
    key = [np.maximum(_window(values, c, dt, "start"), c.delay + 1), _window(values, c, dt, "stop"), c.delay]
    weight = c.weight
    if "amplitude" in values:
        weight, times, amplitudes = weight * of_node(values["amplitude"], c.node), np.zeros(1), np.ones(1)
    else:
        times, amplitudes = values.get(SCHEDULE) or (values["amplitude_times"], values["amplitude_values"])
    drives = []
    for pick in _sorted_groups(key, c.target):
        start, stop, delay = (int(column[pick[0]]) for column in key)
        since, amplitude = _schedule(np.round(times / dt).astype(np.int64), amplitudes, start - delay, stop - delay)
        drives.append(CurrentDrive(c.target[pick], weight[pick], since + delay, amplitude))
    return drives


def train_drives(
    values: dict[str, Any], c: Connections, dt: float, kind: int, streams: Iterable[int], receptor: int = 0
) -> list[TrainDrive]:
    """Drives of a sinusoidal Poisson or gamma generator onto a receptor; `streams` are the random streams of the drives, in order.

    If each target has a train of its own (`kind` TO_EACH), the drives differ in their streams; else all have the same one.
    """
    order = of_node(values.get("order", 0.0), c.node)
    own = [of_node(values[name], c.node) for name in ("rate", "amplitude", "frequency", "phase")]
    start, stop = (_window(values, c, dt, key) for key in ("start", "stop"))
    start, stop = (later(x) if "order" in values else np.where(x < NEVER, np.maximum(x - 1, c.delay), NEVER) for x in (start, stop))
    key = [start, stop, c.delay, c.weight < 0, *own, order]
    drives: list[TrainDrive] = []
    stream = iter(streams)
    for pick in (_layers if kind == TO_EACH else _sorted_groups)(key, c.target):
        rate, amplitude, frequency, phase = (float(column[pick[0]]) for column in own)
        drives.append(
            TrainDrive(
                kind,
                next(stream),
                c.target[pick],
                (c.target if kind == TO_EACH else c.node)[pick],
                c.weight[pick],
                rate * dt / 1000.0,
                amplitude * dt / 1000.0,
                _omega(frequency, dt),
                np.deg2rad(phase),
                float(order[pick[0]]),
                int(c.delay[pick[0]]),
                int(start[pick[0]]),
                int(stop[pick[0]]),
                receptor,
            )
        )
    return drives


def sine_drives(values: dict[str, Any], c: Connections, dt: float) -> list[SineDrive]:
    """Drives of an AC generator: the current in the step (t, t + dt] is the value of the wave at t - delay."""
    own = [of_node(values[name], c.node) for name in ("offset", "amplitude", "frequency", "phase")]
    key = [np.maximum(_window(values, c, dt, "start"), c.delay + 1), _window(values, c, dt, "stop"), c.delay, *own]
    drives = []
    for pick in _sorted_groups(key, c.target):
        start, stop, delay = (int(column[pick[0]]) for column in key[:3])
        offset, amplitude, frequency, phase = (float(column[pick[0]]) for column in own)
        omega = _omega(frequency, dt)
        at_0 = np.deg2rad(phase) - omega * (delay + 1)
        drives.append(SineDrive(c.target[pick], c.weight[pick], offset, amplitude, omega, at_0, start, stop))
    return drives


def wave_drives(values: dict[str, Any], c: Connections, dt: float, samples: np.ndarray, every: int) -> list[WaveDrive]:
    """Drives of a waveform generator; `samples` has one row per `every` steps, and one column for all nodes or one per node."""
    key = [_window(values, c, dt, "start"), _window(values, c, dt, "stop")]
    column = c.node if samples.shape[1] > 1 else np.zeros_like(c.node)
    drives = []
    for pick in _sorted_groups(key, c.target):
        start, stop = (int(x[pick[0]]) for x in key)
        stop = min(stop, start + len(samples) * every)
        drives.append(WaveDrive(c.target[pick], c.weight[pick], column[pick], samples, every, start, stop))
    return drives


def path_drives(values: dict[str, Any], c: Connections, dt: float, streams: Iterable[int]) -> list[PathDrive]:
    """Drives of an Ornstein-Uhlenbeck generator; `streams` are the random streams of the drives, in order."""
    own = [of_node(values[name], c.node) for name in ("mean", "std", "tau")]
    key = [_begin(values, c, dt), _window(values, c, dt, "stop"), *own, _used(values, c), c.delay]
    drives: list[PathDrive] = []
    stream = iter(streams)
    for pick in _layers(key, c.target):
        start, stop, *_, used, delay = (int(column[pick[0]]) for column in key)
        mean, std, tau = (float(column[pick[0]]) for column in own)
        decay = float(np.exp(-dt / tau))
        drives.append(PathDrive(next(stream), c.target[pick], c.weight[pick], mean, std, decay, start, stop, c.node[pick], used, delay))
    return drives


def noise_drives(values: dict[str, Any], c: Connections, dt: float, streams: Iterable[int]) -> list[NoiseDrive]:
    """Drives of a noise generator; `streams` are the random streams of the drives, in order."""
    names = ("mean", "std", "std_mod", "frequency", "phase", "dt")
    own = [of_node(values[name], c.node) for name in names]
    key = [_begin(values, c, dt), _window(values, c, dt, "stop"), c.delay, *own, _used(values, c)]
    drives: list[NoiseDrive] = []
    stream = iter(streams)
    for pick in _layers(key, c.target):
        start, stop, delay = (int(column[pick[0]]) for column in key[:3])
        mean, std, std_mod, frequency, phase, period = (float(column[pick[0]]) for column in own)
        omega = _omega(frequency, dt)
        drives.append(
            NoiseDrive(
                next(stream),
                c.target[pick],
                c.weight[pick],
                mean,
                std,
                std_mod,
                omega,
                np.deg2rad(phase) - omega * (delay - 1),  # the wave is a function of the time at the generator
                steps(period, dt),
                start,
                stop,
                int(key[-1][pick[0]]),
                delay,
            )
        )
    return drives


def _omega(frequency: float, dt: float) -> float:
    """The angular frequency, in radians per step, of a frequency in Hz."""
    return 2 * np.pi * frequency * dt / 1000.0


def _window(values: dict[str, Any], c: Connections, dt: float, key: str) -> np.ndarray:
    """The start or stop (`key`) of each synapse's generator, as the step of arrival; shape (n_synapses,)."""
    at = steps_of(of_node(values[key], c.node), dt)
    return np.where(at < NEVER, at + c.delay, NEVER)


def _begin(values: dict[str, Any], c: Connections, dt: float) -> np.ndarray:
    """The step of arrival at which the noise of each synapse begins; shape (n_synapses,)."""
    if BEGUN not in values:
        return _window(values, c, dt, "start")
    begun = of_node(values[BEGUN], c.node).astype(np.int64)
    return np.where(begun < NEVER, begun + c.delay, NEVER)


def _used(values: dict[str, Any], c: Connections) -> np.ndarray:
    """For each synapse, how many random numbers of its noise are not used again after a change; shape (n_synapses,)."""
    return of_node(values.get(USED, 0), c.node).astype(np.int64)


def _merged(
    key: Columns, target: np.ndarray, weight: np.ndarray, mean: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Merge entries of equal key, target and weight into one; their means are added."""
    order = np.lexsort((weight, target, *reversed(list(key))))
    columns = [column[order] for column in (*key, target, weight)]
    first = _starts(columns)
    total = np.add.reduceat(mean[order], first) if len(first) else mean
    *kept, target, weight = (column[first] for column in columns)
    return kept, target, weight, total


def _starts(columns: Columns) -> np.ndarray:
    """The indices at which a new combination of values begins in sorted columns."""
    n = len(columns[0])
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    new = np.zeros(n, dtype=bool)
    new[0] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _groups(key: Columns) -> Iterator[np.ndarray]:
    """For each combination of values in `key`, the indices of its entries."""
    order = np.lexsort(tuple(reversed(list(key))))
    first = _starts([column[order] for column in key])
    yield from np.split(order, first[1:]) if len(first) else ()


def _sorted_groups(key: Columns, target: np.ndarray) -> Iterator[np.ndarray]:
    """As `_groups`, with the indices of each group sorted by target."""
    for pick in _groups(key):
        yield pick[np.argsort(target[pick], kind="stable")]


def _layers(key: Columns, target: np.ndarray) -> Iterator[np.ndarray]:
    """As `_sorted_groups`, with groups split so that no target occurs twice in one."""
    for pick in _sorted_groups(key, target):
        first = _starts([target[pick]])
        rank = np.arange(len(pick)) - np.repeat(first, np.diff([*first, len(pick)]))
        for layer in range(int(rank.max()) + 1):
            yield pick[rank == layer]


def _same_or_all(x: np.ndarray) -> np.ndarray | float:
    """One number if all entries are equal, else the array."""
    return float(x[0]) if (x == x[0]).all() else x


def _schedule(at: np.ndarray, amplitude: np.ndarray, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Restrict a piecewise constant amplitude to the window [start, stop); it is 0 outside. Returns steps of change and amplitudes."""
    inside = (at > start) & (at < stop)
    before = np.flatnonzero(at <= start)
    since = [start, *at[inside]]
    values = [amplitude[before[-1]] if len(before) else 0.0, *amplitude[inside]]
    if stop < NEVER // 2:
        since.append(stop)
        values.append(0.0)
    return np.array(since, dtype=np.int64), np.array(values, dtype=np.float64)
