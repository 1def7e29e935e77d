"""The spikes of one population, from a run, a file or arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifsim.common.arrays import distinct
from lifsim.common.errors import DataError
from lifsim.common.printable import shown
from lifsim.results.spike_arrays import MOST_NODES, ascending, first_missing, ids_of_spikes, time_of, times_of

SPIKES_AT_ONCE = 1 << 18  # that are looked at together: with more, their intermediate arrays leave the cache of the processor


@dataclass(frozen=True, eq=False, init=False)
class Spikes:
    """Spikes of one population: of a run or a file, or made of arrays. All functions of `lifsim.analysis` and `lifsim.plot` take them.

    Parameters
    ----------
    times : spike times in ms, (n_spikes,), in any order: a list, an array, or a quantity of neo, Brian2, pint or astropy, which is
        converted. They are stored as float64, ascending; simultaneous spikes keep their order. Ascending float64 arrays are not copied.
    ids : the neuron of each spike, as 0-based index in the population, (n_spikes,); stored as int64.
    n_nodes : size of the population, silent neurons included: mean rates depend on it.
    t_start, t_stop : the recorded window in ms, t_start < t <= t_stop (a spike at t_start itself is accepted, as some simulators have
        spikes at 0 ms, and counts to the first bin). Default: from 0, or the earliest spike if that is before 0, to the last spike.
    recorded_ids : the recorded neurons, silent ones included, (n_recorded,), distinct; default: all, 0 to n_nodes - 1. Stored as int64.
    dt : time step of the simulation in ms; bins are counted in whole steps then. Default: not known (nan).
    name : name of the population.
    derived : those of "t_start" and "t_stop" that follow from the spikes, since they were not given: nobody knows how much longer the
        recording was.

    Raises
    ------
    DataError : the arrays differ in length, hold anything but finite times and whole numbers from 0, or have spikes outside of the window
        or of neurons that were not recorded.
    """

    times: np.ndarray
    ids: np.ndarray
    n_nodes: int
    t_start: float
    t_stop: float
    recorded_ids: np.ndarray
    dt: float = math.nan
    name: str = ""
    derived: tuple[str, ...] = field(default=(), init=False)

    def __init__(
        self,
        times: Any,
        ids: Any,
        n_nodes: int,
        t_start: Any = None,
        t_stop: Any = None,
        recorded_ids: Any = None,
        dt: Any = None,
        name: str = "",
    ) -> None:
        if not isinstance(name, str):
            raise DataError("Spikes: name", shown(name), "the name of the population")
        where = f"Spikes of {name}" if name else "Spikes"
        at, of = times_of(times, f"{where}: times"), ids_of_spikes(ids, f"{where}: ids")
        if len(at) != len(of):
            raise DataError(where, f"{len(at):,} times, but {len(of):,} ids", "an id for each time")
        known = _recorded(where, of, n_nodes, recorded_ids)
        step = math.nan if dt is None or (isinstance(dt, float) and math.isnan(dt)) else time_of(dt, f"{where}: dt")
        if step <= 0:
            raise DataError(f"{where}: dt", f"{step:g} ms", "a time step above 0 ms")
        if not ascending(at):
            order = np.argsort(at, kind="stable")
            at, of = at[order], of[order]
        start, stop = _window(where, at, t_start, t_stop, step)
        derived = tuple(limit for limit, given in (("t_start", t_start), ("t_stop", t_stop)) if given is None)
        made = unchecked(at, of, int(n_nodes), start, stop, known, step, name, derived)
        vars(self).update(vars(made))  # fields of a frozen class

    @classmethod
    def from_trains(
        cls,
        trains: Mapping[int, Any] | Iterable[Any],
        n_nodes: int | None = None,
        t_start: Any = None,
        t_stop: Any = None,
        dt: Any = None,
        name: str = "",
    ) -> Spikes:
        """Spikes from a train for each neuron: lists or arrays of times, `neo.SpikeTrain`, or what Brian2's ``spike_trains()`` returns.

        Parameters
        ----------
        trains : neuron -> its times (ms, or quantities), or the times of neurons 0, 1, … in this order. Of trains of neo that all have an
            annotation `neuron`, as those of `Result.to_neo`, that is the neuron.
        n_nodes : size of the population; default: the largest neuron + 1, for lists the number of trains.
        t_start, t_stop : the recorded window in ms; default: that of the trains of neo, else as for `Spikes`.
        dt, name : as for `Spikes`.

        Returns
        -------
        The spikes; simultaneous ones are in the order of the trains.

        Raises
        ------
        DataError : as for `Spikes`.
        """
        neurons, each, recorded = _numbered(trains)
        where = f"Spikes of {name}" if name else "Spikes"
        parts = [times_of(train, f"{where}: times of neuron {k}") for k, train in zip(neurons, each, strict=True)]
        ids = ids_of_spikes(neurons, f"{where}: neurons")
        if n_nodes is None:
            n_nodes = int(ids.max(initial=-1)) + 1
        bounds = [(train.t_start, train.t_stop) for train in each if hasattr(train, "t_start") and hasattr(train, "t_stop")]
        if bounds and len(bounds) == len(each):
            t_start = min(time_of(a, "t_start") for a, _ in bounds) if t_start is None else t_start
            t_stop = max(time_of(z, "t_stop") for _, z in bounds) if t_stop is None else t_stop
        flat = np.concatenate([np.zeros(0), *parts])
        return cls(flat, np.repeat(ids, [len(part) for part in parts]), n_nodes, t_start, t_stop, ids if recorded else None, dt, name)

    def __len__(self) -> int:
        return len(self.times)

    def window(self, t_start: float | None = None, t_stop: float | None = None) -> Spikes:
        """The spikes in a window.

        Parameters
        ----------
        t_start, t_stop : limits of the window t_start < t <= t_stop, ms, cut to the recorded window (default: all of it). A window from
            the start of the recording on has its spikes at this time, too, if there are any.
        """
        if t_start is None and t_stop is None:
            return self
        start = self.t_start if t_start is None else max(t_start, self.t_start)
        stop = max(start, self.t_stop if t_stop is None else min(t_stop, self.t_stop))
        inner = {"t_start": t_start is not None and t_start >= self.t_start, "t_stop": t_stop is not None and t_stop <= self.t_stop}
        derived = tuple(limit for limit in self.derived if not inner[limit])
        held = within(self.times, start if later(start, self.t_start, self.dt) else -math.inf, stop, self.dt)
        return unchecked(self.times[held], self.ids[held], self.n_nodes, start, stop, self.recorded_ids, self.dt, self.name, derived)

    def pieces(self) -> Iterator[Spikes]:
        """The spikes in order of time, in pieces of at most `SPIKES_AT_ONCE` spikes; the limits of each are those of all."""
        for a in range(0, len(self), SPIKES_AT_ONCE):
            z = a + SPIKES_AT_ONCE
            yield self if z >= len(self) and a == 0 else self.having(self.times[a:z], self.ids[a:z])

    def having(self, times: np.ndarray, ids: np.ndarray, recorded_ids: np.ndarray | None = None) -> Spikes:
        """The same recording with other spikes.

        Parameters
        ----------
        times, ids : the spikes, of the types and in the order in which `Spikes` stores them: nothing is checked.
        recorded_ids : the recorded neurons; default: the same.
        """
        recorded = self.recorded_ids if recorded_ids is None else recorded_ids
        return unchecked(times, ids, self.n_nodes, self.t_start, self.t_stop, recorded, self.dt, self.name, self.derived)

    def __repr__(self) -> str:
        of = f" of {self.name}" if self.name else ""
        return f"<Spikes{of}: {len(self):,} of {len(self.recorded_ids):,} neurons in ({self.t_start:g}, {self.t_stop:g}] ms>"


def unchecked(
    times: np.ndarray,
    ids: np.ndarray,
    n_nodes: int,
    t_start: float,
    t_stop: float,
    recorded_ids: np.ndarray,
    dt: float,
    name: str,
    derived: tuple[str, ...] = (),
) -> Spikes:
    """`Spikes` of arrays that are known to be in order and of the right types: nothing is checked or copied."""
    made = object.__new__(Spikes)
    window = {"t_start": t_start, "t_stop": t_stop, "derived": derived}
    vars(made).update(times=times, ids=ids, n_nodes=n_nodes, recorded_ids=recorded_ids, dt=dt, name=name, **window)
    return made


def with_derived(spikes: Spikes, limits: Iterable[str]) -> Spikes:
    """The same spikes, whose `limits`, of "t_start" and "t_stop", are derived from them and others of the same file."""
    made = spikes.having(spikes.times, spikes.ids)
    vars(made)["derived"] = tuple(limits)
    return made


def later(start: float, recorded: float, dt: float) -> bool:
    """Whether a window that begins at `start` begins later than the recording, which begins at `recorded` (ms)."""
    return start > recorded + _slack(dt)


def within(times: np.ndarray, start: float, stop: float, dt: float) -> slice:
    """Which of the ascending `times` are in the window start < t <= stop (ms); -inf as `start` does not limit it."""
    a, b = np.searchsorted(times, np.array([start, stop]) + _slack(dt), side="right").tolist()
    return slice(a, b)


def _slack(dt: float) -> float:
    """What is added to limits, so that one such as 0.1 + 0.2 still denotes the step at 0.3; 1e-9 ms if the step is not known."""
    return 1e-6 * dt if dt > 0 else 1e-9


def _recorded(where: str, ids: np.ndarray, n_nodes: Any, recorded: Any) -> np.ndarray:
    """The recorded neurons, int64, which include all of `ids`."""
    if isinstance(n_nodes, bool) or not isinstance(n_nodes, (int, np.integer)) or not 0 <= n_nodes <= MOST_NODES:
        raise DataError(f"{where}: n_nodes", shown(n_nodes), f"a whole number from 0 to {MOST_NODES}")
    if recorded is None:
        largest = int(ids.max(initial=-1))
        if largest >= n_nodes:
            raise DataError(where, f"a spike of neuron {largest}, but n_nodes is {n_nodes}", f"numbers from 0 to {int(n_nodes) - 1}")
        return np.arange(n_nodes, dtype=np.int64)
    known = ids_of_spikes(recorded, f"{where}: recorded_ids")
    different = distinct(known)
    if different < len(known) or different > n_nodes:
        got = f"{len(known):,} neurons, {different:,} of them distinct"
        raise DataError(f"{where}: recorded_ids", got, f"distinct neurons, at most n_nodes = {n_nodes:,}")
    lacking = first_missing(ids, known)
    if lacking is not None:
        raise DataError(where, f"a spike of neuron {lacking}, which is not in recorded_ids", "ids of recorded neurons")
    return known


def _window(where: str, at: np.ndarray, t_start: Any, t_stop: Any, dt: float) -> tuple[float, float]:
    """The recorded window of spikes at the ascending times `at`."""
    first, last = (float(at[0]), float(at[-1])) if len(at) else (math.inf, -math.inf)
    slack = _slack(dt)
    start = min(0.0, first) if t_start is None else time_of(t_start, f"{where}: t_start")
    stop = max(start, last) if t_stop is None else time_of(t_stop, f"{where}: t_stop")
    if stop < start:
        raise DataError(where, f"t_start is {start:g} ms and t_stop {stop:g} ms", "t_stop must not be before t_start")
    if first < start - slack or last > stop + slack:
        got = f"a spike at {first if first < start - slack else last:g} ms is outside of the recorded window ({start:g}, {stop:g}] ms"
        raise DataError(where, got, "a window with all spikes; to leave some out, call window(t_start, t_stop) of the result")
    return start, stop


def _numbered(trains: Any) -> tuple[list[Any], list[Any], bool]:
    """Neurons, their trains, and whether the trains themselves say which neurons were recorded."""
    if isinstance(trains, Mapping):
        return list(trains), list(trains.values()), False
    try:
        each = list(trains)
    except TypeError:
        raise DataError("Spikes: trains", shown(trains), "a dictionary neuron -> times, or a list with the times of each neuron") from None
    said = [getattr(train, "annotations", {}).get("neuron") for train in each]
    if each and all(isinstance(k, (int, np.integer)) for k in said) and len(set(said)) == len(said):
        return said, each, True
    return list(range(len(each))), each, False
