"""Reference implementation of exact spike times, in plain NumPy, slow and simple.

It goes through every step, neuron and arrival of a plan. States are propagated by matrix exponentials; threshold crossings
and maxima of v are found by bisection. It shares neither formulas nor the order of computation with the engine.

    >>> from lifsim.simulation.built_network import plan_of
    >>> from lifsim.engine.reference.event_reference import PreciseReference
    >>> from lifsim.network.network import Network
    >>> net = Network(dt=0.1)
    >>> exc = net.add("exc", 1, "iaf_psc_delta_ps", I_e=450.0, V_reset=-65.0)
    >>> net.record(exc, "spikes")
    >>> spikes = PreciseReference(plan_of(net, 1, "precise")).advance(400)
    >>> (spikes.step * 0.1 - spikes.offset).round(8).tolist()
    [17.91759469, 34.58096538]
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lifsim.engine.records import SliceRecords
from lifsim.engine.reference.grid_reference import Reference, expm, refractory_steps, system
from lifsim.engine.reference.random_numbers import philox_of_one
from lifsim.plan.plan import Group, Plan
from lifsim.plan.spikes import ListedSpikes
from lifsim.plan.stimuli import ExactDrive

SAME = 1e-10  # ms; arrivals less than this apart are simultaneous (up to rounding)
PARTS = 32  # times at which a bisection looks at once
SUPERTHRESHOLD = 1e-16  # ms after the beginning at which a neuron fires whose initial v is at threshold or above


class PreciseReference(Reference):
    """A plan in memory, advanced step by step, with the interface of `PreciseEngine`."""

    def __init__(self, plan: Plan) -> None:
        groups = [replace(g, model=_grid_model(g.model)) for g in plan.groups]
        super().__init__(replace(plan, groups=groups))
        self._cells = [_Cell(g, i, _lossless(g), plan.dt) for g in plan.groups for i in range(g.n)]
        self._arrivals: dict[int, list[tuple[float, int, float]]] = defaultdict(list)  # by step: ms before its end, target, weight
        self._record: list[tuple[int, float, int]] = []  # step, offset (ms before its end) and id of each spike
        self._exact_trains = [train for d in plan.exact for train in _trains(d, plan, self._key)]

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable `name` of all neurons of `group`, shape (n,)."""
        g = self.plan.group(group)
        row = self._neurons[group].names.index(name)
        own = np.array([cell.state[row] for cell in self._cells[g.first : g.first + g.n]])
        return own + np.asarray(g.params["E_L"]) if name == "V_m" else own

    def advance(self, n_steps: int) -> SliceRecords:
        """Run `n_steps` steps and return what was recorded."""
        done = len(self._record)
        recorded = super().advance(n_steps)
        found = sorted((step, -offset, i) for step, offset, i in self._record[done:])
        step, offset, ids = np.array(found, dtype=float).reshape(-1, 3).T
        return SliceRecords(self._by_population(step.astype(np.int64), ids.astype(np.int64), -offset), recorded.samples)

    def _advance(self) -> None:
        """One step: each neuron in turn. Spikes sent in this step arrive in later ones."""
        self.step += 1
        self._sent.append(np.zeros(0, np.int64))
        current, arriving = self._current(), self._arriving_now()
        for i, cell in enumerate(self._cells):
            for offset in cell.step(arriving[i], current[i]):
                self._send(i, offset)
        events = self.plan.events
        assert isinstance(events, ListedSpikes)  # given spikes with exact times are in memory
        for k in np.flatnonzero(events.step == self.step):
            self._send(int(events.id[k]), float(events.offset[k]) if events.offset is not None else 0.0)

    def _send(self, source: int, offset: float) -> None:
        if source < self.plan.n_neurons:
            self._record.append((self.step, offset, source))
        for delay in self._synapses.delays:
            for target, weight in zip(*self._synapses.of(delay, source), strict=True):
                self._arrivals[self.step + delay].append((offset, int(target), float(weight)))

    def _arriving_now(self) -> list[list[tuple[float, float]]]:
        """For each neuron the arrivals in this step: ms since its beginning, weight."""
        dt = self.plan.dt
        out: list[list[tuple[float, float]]] = [[] for _ in self._cells]
        for offset, target, weight in self._arrivals.pop(self.step, []):
            out[target].append((dt - offset, weight))
        for d in self.plan.poisson:
            for target, weight, n in zip(d.targets, np.broadcast_to(d.weight, d.targets.shape), self._poisson_counts(d), strict=True):
                out[target] += [(dt, float(weight))] * int(n)
        for train in self._exact_trains:
            out[train.target] += [(t, train.weight) for t in train.until(self.step)]
        return [sorted(own, key=lambda arrival: arrival[0]) for own in out]


def _grid_model(model: str) -> str:
    return model.removesuffix("_lossless").removesuffix("_ps")


def _lossless(g: Group) -> bool:
    """Whether the model detects every threshold crossing, also if v is below threshold again at the end of the interval."""
    one = "tau_syn_ex" in g.params and np.all(np.asarray(g.params["tau_syn_ex"]) == np.asarray(g.params["tau_syn_in"]))
    return "delta" in g.model or ("exp" in g.model and g.model != "iaf_psc_exp_ps" and bool(one))


class _Cell:
    """A neuron. `state` is v, then synaptic currents; `held` is the remaining refractory period (ms), `kept` the input kept during it."""

    def __init__(self, g: Group, i: int, lossless: bool, dt: float) -> None:
        self.p = {k: float(np.broadcast_to(np.asarray(v, float), (g.n,))[i]) for k, v in g.params.items()}
        rows = {"iaf_psc_delta": 1, "iaf_psc_exp": 3, "iaf_psc_alpha": 5}[_grid_model(g.model)]
        names = ("V_m", "I_syn_ex", "I_syn_in", "dI_syn_ex", "dI_syn_in")[:rows]
        self.state = np.array([float(np.broadcast_to(np.asarray(g.state[name]), (g.n,))[i]) for name in names])
        self.state[0] -= self.p["E_L"]
        self.matrix = system({k: np.array([v]) for k, v in self.p.items()}, rows)[0]
        self.theta, self.reset = self.p["V_th"] - self.p["E_L"], self.p["V_reset"] - self.p["E_L"]
        self.lossless, self.dt = lossless, dt
        self.refractory = float(refractory_steps(np.array([self.p["t_ref"]]), dt)[0]) * dt
        self.held, self.kept, self.begun = 0.0, 0.0, False
        self.known: dict[float, np.ndarray] = {}  # exponentials: of a whole step, and of the last other time

    def step(self, arrivals: list[tuple[float, float]], current: float) -> Iterator[float]:
        """Simulate a step with its arrivals and a current (pA); yields the times of spikes, in ms before the end of the step."""
        self.drive = np.append(np.zeros(len(self.state)), self.p["I_e"] + current)
        if not self.begun and self.state[0] >= self.theta:
            yield from self.fire(self.dt - SUPERTHRESHOLD)
            self.held -= SUPERTHRESHOLD
        self.begun, now = True, 0.0
        for t, weights in _together(arrivals):
            yield from self.until(now, t)
            now = t
            for weight in weights:
                self.take(weight)
            if self.held == 0 and self.state[0] >= self.theta:
                yield from self.fire(self.dt - t)
        yield from self.until(now, self.dt)

    def until(self, now: float, then: float) -> Iterator[float]:
        """Propagate from `now` to `then` (ms since the beginning of the step); yields spikes as `step` does."""
        if self.held > then - now + SAME:
            self.state = self.after(then - now, free=False)
            self.held -= then - now
            return
        if self.held > 0:
            self.state = self.after(self.held, free=False)
            now, self.held = now + self.held, 0.0
            self.state[0] += self.kept
            self.kept = 0.0
            if self.state[0] >= self.theta:
                yield from self.fire(self.dt - now)
                yield from self.until(now, then)
                return
        t = self.crossing(then - now)
        if t is not None:
            self.state = self.after(t)
            yield from self.fire(self.dt - now - t)
            yield from self.until(now + t, then)
        else:
            self.state = self.after(then - now)

    def after(self, t: float, free: bool = True) -> np.ndarray:
        """The state `t` ms later; v does not change unless the neuron is `free` (not refractory)."""
        if t <= 0:
            return self.state.copy()
        if t not in self.known:
            self.known = {x: y for x, y in self.known.items() if x == self.dt} | {t: expm(self.matrix[None] * t)[0]}
        out: np.ndarray = (self.known[t] @ (np.append(self.state, 0.0) + self.drive))[:-1]
        if not free:
            out[0] = self.state[0]
        return out

    def at(self, times: np.ndarray) -> np.ndarray:
        """The states `times` ms later, if the neuron is free: one row for each time."""
        states: np.ndarray = expm(self.matrix * times[:, None, None]) @ (np.append(self.state, 0.0) + self.drive)
        return states[:, :-1]

    def crossing(self, t: float) -> float | None:
        """The time (ms) at which v reaches threshold within the next `t` ms; None if it does not."""
        then = self.after(t)
        if then[0] >= self.theta:
            return _bisect(lambda times: self.at(times)[:, 0] >= self.theta, t)
        if not self.lossless or self.slope(self.state) <= 0 or self.slope(then) >= 0:
            return None
        top = _bisect(lambda times: self.slope(self.at(times)) <= 0, t)
        return _bisect(lambda times: self.at(times)[:, 0] >= self.theta, top) if self.after(top)[0] >= self.theta else None

    def slope(self, states: np.ndarray) -> np.ndarray:
        """dv/dt in each of the `states`."""
        slopes: np.ndarray = states @ self.matrix[0, :-1] + self.matrix[0] @ self.drive
        return slopes

    def fire(self, offset: float) -> Iterator[float]:
        yield max(offset, 0.0)
        self.state[0], self.held, self.kept = self.reset, self.refractory, 0.0

    def take(self, weight: float) -> None:
        """Apply an arriving weight."""
        if len(self.state) > 1:
            row = 1 + (weight < 0)
            tau = self.p["tau_syn_in" if weight < 0 else "tau_syn_ex"]
            self.state[row if len(self.state) == 3 else row + 2] += weight * (1 if len(self.state) == 3 else math.e / tau)
        elif self.held <= SAME:
            self.state[0] += weight
        elif self.p["refractory_input"]:
            self.kept += weight * math.exp(-self.held / self.p["tau_m"])


def _together(arrivals: list[tuple[float, float]]) -> Iterator[tuple[float, list[float]]]:
    """Arrivals grouped by time: v is compared with the threshold only after all simultaneous weights."""
    while arrivals:
        t = arrivals[0][0]
        n = sum(other - t < SAME for other, _ in arrivals)
        yield t, [weight for _, weight in arrivals[:n]]
        arrivals = arrivals[n:]


def _bisect(true: Callable[[np.ndarray], np.ndarray], t: float) -> float:
    """The time between 0 and `t` from which on `true` holds; it is asked for `PARTS` times at once, which takes hardly longer."""
    lo, hi = 0.0, t
    while True:
        times = np.linspace(lo, hi, PARTS + 2)
        inside = times[(lo < times) & (times < hi)]
        if not len(inside):
            return hi
        holds = true(inside)
        k = int(np.argmax(holds)) if holds.any() else len(inside)
        lo, hi = float(inside[k - 1]) if k else lo, float(inside[k]) if k < len(inside) else hi


class _ExactTrain:
    """A Poisson train with exact spike times onto one neuron."""

    def __init__(self, d: ExactDrive, k: int, dt: float, key: tuple[int, int]) -> None:
        self.target, self.weight, self.dt = int(d.targets[k]), float(d.weight[k]), dt
        self.next, self.stop = d.start * dt, d.stop * dt
        self._draw = _intervals(float(d.rate[k]), float(d.dead_time[k]), self.target, 7 << 24 | d.stream, key)
        self.next += next(self._draw)

    def until(self, step: int) -> Iterator[float]:
        """The next spikes up to the end of `step`, in ms since the beginning of this step."""
        while self.next <= min(step * self.dt, self.stop):
            yield self.next - (step - 1) * self.dt
            self.next += next(self._draw)


def _intervals(rate: float, dead: float, who: int, stream: int, key: tuple[int, int]) -> Iterator[float]:
    """The intervals (ms) of a train: a dead time plus an exponential time. The first one begins at a random time in a stationary train."""
    k = 0
    while True:
        w = [float(x) for x in philox_of_one(who, k, stream, key)]
        free, u = -(1000 / rate - dead) * math.log((w[0] * 2.0**32 + w[1] + 0.5) / 2.0**64), (w[2] * 2.0**32 + w[3] + 0.5) / 2.0**64
        left = u * 1000 / rate  # if less than the dead time: what remains of it at the beginning
        yield free + dead if k else free + (left if left < dead else 0.0)
        k += 1


def _trains(d: ExactDrive, plan: Any, key: tuple[int, int]) -> list[_ExactTrain]:
    return [_ExactTrain(d, k, plan.dt, key) for k in range(len(d.targets))]
