"""Reference implementation of the engine on the time grid, in plain NumPy, slow and simple.

It runs the same plans with the same interface (`advance`, `get`, `step`) but shares only the drawn synapses
with the engine, so it can verify the engine. Its propagators are exponentials of the matrices of the
models' equations, its random words come from an independent implementation of Philox, and its synapses are
one list in canonical order.

    >>> from lifsim.simulation.built_network import plan_of
    >>> from lifsim.engine.reference.grid_reference import simulate
    >>> from lifsim.network.network import Network
    >>> net = Network(dt=0.1)
    >>> exc = net.add("exc", 2, "iaf_psc_exp", I_e=[400.0, 0.0])
    >>> spikes, V_m = simulate(plan_of(net, seed=1), 100.0)
    >>> steps, ids = spikes["exc"]
    >>> (steps * 0.1).round(1).tolist(), ids.tolist()
    ([27.8, 57.6, 87.4], [0, 0, 0])
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from lifsim.engine.records import SliceRecords
from lifsim.engine.reference.random_numbers import Words, normal, philox, philox_of_one, poisson, poisson_probabilities
from lifsim.engine.synapses.expand import expand
from lifsim.plan.plan import Group, Plan, Probe
from lifsim.plan.stimuli import SHARED, NoiseDrive, PathDrive, PoissonDrive, TrainDrive

Spikes: TypeAlias = dict[str, tuple[np.ndarray, ...]]
STATES = {
    "iaf_psc_delta": ("V_m",),
    "iaf_psc_exp": ("V_m", "I_syn_ex", "I_syn_in"),
    "iaf_psc_alpha": ("V_m", "I_syn_ex", "I_syn_in", "dI_syn_ex", "dI_syn_in"),
    "if_psc_delta": ("V_m",),
    "if_psc_delta_hard": ("V_m",),
    "lif_psc_delta": ("V_m",),
    "lif_psc_exp": ("V_m", "I_syn_ex", "I_syn_in"),
}
SOFT = ("if_psc_delta", "lif_psc_delta", "lif_psc_exp")  # models with a reset by subtraction


def simulate(plan: Plan, duration: float) -> tuple[Spikes, dict[str, np.ndarray]]:
    """Run `plan` for `duration` ms.

    Returns
    -------
    The spikes of each population, as (steps, ids in the population), sorted by step, then id; and V_m (mV) of each
    population at the end.
    """
    reference = Reference(replace(plan, watched={g.name for g in plan.groups}))
    recorded = reference.advance(round(duration / plan.dt))
    return recorded.spikes, {g.name: reference.get(g.name, "V_m") for g in plan.groups}


class Reference:
    """A plan in memory, advanced step by step, with the interface of `Engine`.

    Parameters
    ----------
    plan : the plan to simulate; its neurons must have a linear model with a fixed threshold.

    Raises
    ------
    NotImplementedError : the plan has neurons of another model, escape noise, or plastic synapses.
    """

    def __init__(self, plan: Plan) -> None:
        for g in plan.groups:
            if g.model not in STATES or np.any(np.asarray(g.params.get("delta", 0.0)) > 0):
                raise NotImplementedError(f"{g.name}: {g.model}, or its escape noise, is not implemented in the reference")
        if any(w.plasticity for w in plan.wirings):
            raise NotImplementedError("plastic synapses are not implemented in the reference: their rules are tested one by one")
        self.plan = plan
        self.step, self._n = 0, plan.n_neurons
        self._key = plan.seed & 0xFFFFFFFF, plan.seed >> 32
        self._neurons = {g.name: _Neurons(g, plan.dt) for g in plan.groups}
        self._synapses = _Synapses(plan)
        self._trains = [_Train(d, self._key) for d in plan.trains]
        self._paths = [np.zeros(len(d.targets)) for d in plan.paths]
        self._words = Words(self._key)
        self._sent = [np.zeros(0, np.int64)]  # by step: the nodes that sent a spike at the end of the step, ascending

    def advance(self, n_steps: int) -> SliceRecords:
        """Run `n_steps` steps and return what was recorded."""
        begin = self.step
        rows: list[list[np.ndarray]] = [[] for _ in self.plan.probes]
        for _ in range(n_steps):
            self._advance()
            for p, own in zip(self.plan.probes, rows, strict=True):
                if _due(p, self.step):
                    own.append(self.get(p.group, p.variable)[p.ids])
        sent = self._sent[begin + 1 : self.step + 1]
        step, ids = np.repeat(np.arange(begin + 1, self.step + 1), [len(x) for x in sent]), np.concatenate([np.zeros(0, np.int64), *sent])
        samples = [np.reshape(own, (-1, len(p.ids))) for p, own in zip(self.plan.probes, rows, strict=True)]
        return SliceRecords(self._by_population(step, ids), samples)

    def _by_population(self, step: np.ndarray, ids: np.ndarray, *more: np.ndarray) -> dict[str, tuple[np.ndarray, ...]]:
        """The spikes of the watched populations, with ids within each population."""
        found = {}
        for g in self.plan.groups:
            if g.name in self.plan.watched:
                own = (ids >= g.first) & (ids < g.first + g.n)
                found[g.name] = step[own], ids[own] - g.first, *(x[own] for x in more)
        return found

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable or parameter `name` of all neurons of `group`, shape (n,), float64."""
        x = self._neurons[group]
        if name == "V_m":
            return x.state[0] + x.p["E_L"]
        return np.array(x.state[x.names.index(name)] if name in x.names else x.p[name])

    def _advance(self) -> None:
        """One step, in the order of `lifsim.engine.loop`."""
        self.step += 1
        ex, inh = self._arriving()
        current = self._current()
        fired = []
        for g in self.plan.groups:
            own = slice(g.first, g.first + g.n)
            fired.append(g.first + self._neurons[g.name].move(self.step, ex[own], inh[own], current[own]))
        given = self.plan.events.window(self.step - 1, self.step)[1].astype(np.int64)
        self._sent.append(np.concatenate([*fired, given]))  # nodes that send given spikes follow the neurons

    def _arriving(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums of the positive and of the negative weights that arrive at each neuron in this step."""
        ex, inh = np.zeros((2, self._n))
        own = [  # what was sent first is added first; sources are ascending
            self._synapses.of(delay, source)
            for delay in self._synapses.delays
            for source in (self._sent[self.step - delay] if delay < self.step else ())
        ]
        if own:
            _add(ex, inh, np.concatenate([target for target, _ in own]), np.concatenate([weight for _, weight in own]))
        for d in self.plan.poisson:  # in the order in which they were declared
            _add(ex, inh, d.targets, np.broadcast_to(d.weight, d.targets.shape), self._poisson_counts(d))
        for t, train in zip(self.plan.trains, self._trains, strict=True):
            if t.start < self.step <= t.stop:
                _add(ex, inh, t.targets, t.weight, train.counts(self.step - t.delay))
        return ex, inh

    def _poisson_counts(self, d: PoissonDrive) -> np.ndarray:
        """The number of spikes of a Poisson drive that arrive in this step at each target, shape (n_targets,)."""
        if not d.start < self.step <= d.stop:
            return np.zeros(len(d.targets), np.int64)
        if d.since is None:
            mean = np.broadcast_to(d.mean, d.targets.shape)
        else:
            begun = np.flatnonzero(d.since <= self.step)
            mean = np.full(len(d.targets), d.mean[begun[-1]] if len(begun) else 0.0)
        # A counter has four random words, one for each of four steps; each half of a word is for one of two neurons.
        words = self._words.of(d.targets // 2, self.step // 4, 4 << 24 | d.stream)[self.step % 4]
        halves = (words >> np.uint64(16) * (d.targets.astype(np.uint64) % np.uint64(2)) & np.uint64(0xFFFF)) ^ np.uint64(0x8000)

        counts = np.zeros(len(d.targets), np.int64)
        for own in (mean == each for each in set(mean.tolist())):

            def further(i: int, targets: np.ndarray = d.targets[own]) -> int:
                return philox_of_one(targets[i], self.step, 4 << 24 | d.stream, self._key, 1)[0]

            counts[own] = poisson(float(mean[own][0]), halves[own], further)
        return counts

    def _current(self) -> np.ndarray:
        """The current (pA) into each neuron in this step, without I_e."""
        total = np.zeros(self._n)
        for d in self.plan.currents:
            begun = np.flatnonzero(d.since < self.step)
            if len(begun):
                np.add.at(total, d.targets, d.weight * d.amplitude[begun[-1]])
        for noise in self.plan.noise:
            if noise.start < self.step <= noise.stop:
                np.add.at(total, noise.targets, noise.weight * self._noise(noise))
        for sine in self.plan.sines:
            if sine.start < self.step <= sine.stop:
                wave = np.sin(sine.omega * self.step + sine.phase)
                np.add.at(total, sine.targets, sine.weight * (sine.offset + sine.amplitude * wave))
        for w in self.plan.waves:
            if w.start < self.step <= w.stop:
                np.add.at(total, w.targets, w.weight * w.samples[(self.step - 1 - w.start) // w.every, w.column])
        for path, at in zip(self.plan.paths, self._paths, strict=True):
            if path.start < self.step <= path.stop:
                at[:] = self._moved(path, at)
                np.add.at(total, path.targets, path.weight * (path.mean + path.std * at))
        return total

    def _moved(self, d: PathDrive, at: np.ndarray) -> np.ndarray:
        """The values of Ornstein-Uhlenbeck paths in this step; `at` are those of the previous step."""
        tick = self.step - 1 - d.start
        z = normal(self._words.of(d.targets, tick, 9 << 24 | d.stream)[0])
        return z if tick == 0 else d.decay * at + np.sqrt(1 - d.decay**2) * z

    def _noise(self, d: NoiseDrive) -> np.ndarray:
        """The values (pA) of a noise drive in this step, shape (n_targets,)."""
        tick = (self.step - 1 - d.start) // d.period
        variance = d.std**2 + d.std_mod**2 * np.sin(d.omega * (d.start + tick * d.period) + d.phase)
        words = self._words.of(d.targets, tick, 5 << 24 | d.stream)[0]
        return d.mean + np.sqrt(variance) * normal(words)


class _Train:
    """The random trains of a drive, step by step."""

    def __init__(self, d: TrainDrive, key: tuple[int, int]) -> None:
        self._d, self._key, self._stream = d, key, (8 if d.kind == SHARED else 7) << 24 | d.stream
        self._words = Words(key)
        self._drawn = [0] * len(d.who)  # gamma trains: number of intervals drawn
        self._ahead: list[list[float]] = [[] for _ in d.who]  # the next ones, the last one first
        self._left = [self._interval(i) for i in range(len(d.who))] if d.order else []  # spikes expected until the next one

    def counts(self, step: int) -> np.ndarray:
        """The number of spikes of each train that the generator sent in `step`."""
        d = self._d
        expected = max(0.0, d.mean + d.amplitude * math.sin(d.omega * step + d.phase))
        if d.order == 0:
            words = self._words.of(d.who, step // 4, self._stream)[step % 4]
            return np.searchsorted(np.cumsum(poisson_probabilities(expected)), (words + 0.5) / 2**32, side="right")
        return np.array([self._gamma_count(i, expected) for i in range(len(d.who))])

    def _gamma_count(self, i: int, expected: float) -> int:
        before = self._drawn[i]
        left = self._left[i] - expected
        while left <= 0:
            left += self._interval(i)
        self._left[i] = left
        return self._drawn[i] - before

    def _interval(self, i: int) -> float:
        """The next interval: as many more are drawn at once as there were so far."""
        if not self._ahead[i]:
            number = np.arange(self._drawn[i], 2 * self._drawn[i] + 8)
            self._ahead[i] = self._intervals(self._d.who[i], number)[::-1].tolist()
        self._drawn[i] += 1
        return self._ahead[i].pop()

    def _intervals(self, who: int, number: np.ndarray) -> np.ndarray:
        """The intervals with these numbers: gamma numbers of mean 1, by the method of Marsaglia and Tsang."""
        a, out = self._d.order - 1 / 3, np.zeros(len(number))
        waiting, attempt = np.arange(len(number)), 0
        while len(waiting):
            u, v = philox(who, number[waiting], self._stream, self._key, attempt)[:2]
            z = normal(u)
            x = (1 + z / math.sqrt(9 * a)) ** 3
            log_x = np.log(np.where(x > 0, x, 1.0))
            accepted = (x > 0) & (np.log((v + 0.5) / 2**32) < z * z / 2 + a * (1 - x + log_x))
            out[waiting[accepted]] = a * x[accepted] / self._d.order
            waiting, attempt = waiting[~accepted], attempt + 1
        return out


def _due(p: Probe, step: int) -> bool:
    return p.start < step <= p.stop and (step - p.start) % p.interval == 0


def _add(ex: np.ndarray, inh: np.ndarray, target: np.ndarray, weight: np.ndarray, number: np.ndarray | int = 1) -> None:
    """Add the weights, one synapse after the other, to the sum selected by their sign; each weight counts `number` times."""
    for total, own in ((ex, weight >= 0), (inh, weight < 0)):
        np.add.at(total, target[own], (number * weight)[own])


class _Synapses:
    """All synapses in canonical order: delay (descending), source, projection, index in the projection."""

    def __init__(self, plan: Plan) -> None:
        drawn = [(w, expand(w, plan.seed)) for w in plan.wirings]
        none = np.zeros(0, np.int64)
        source = np.concatenate([none, *(w.sources[x.source] for w, x in drawn)])
        delay = np.concatenate([none, *(x.delay for _, x in drawn)])
        order = np.lexsort((source, delay))  # a stable sort: projections and synapses keep their order
        self._target = np.concatenate([none, *(w.targets[x.target] for w, x in drawn)])[order]
        self._weight = np.concatenate([np.zeros(0), *(x.weight for _, x in drawn)])[order]
        pairs, begin = np.unique(np.stack([delay[order], source[order]]), axis=1, return_index=True)
        end = np.append(begin, len(order))[1:]
        self._of = {(int(d), int(s)): slice(a, b) for (d, s), a, b in zip(pairs.T, begin, end, strict=True)}
        self.delays = np.unique(delay)[::-1].tolist()

    def of(self, delay: int, source: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of the synapses of `source` with this delay (steps)."""
        own = self._of.get((delay, int(source)), slice(0))
        return self._target[own], self._weight[own]


class _Neurons:
    """The neurons of a population. `state` has one row for each of `names`; V_m is relative to E_L."""

    def __init__(self, group: Group, dt: float) -> None:
        self.names = STATES[group.model]
        params = {"E_L": 0.0, "refractory_input": False, **group.params} | ({} if "tau_m" in group.params else {"tau_m": np.inf})
        self.p = {k: np.broadcast_to(np.asarray(v, np.float64), (group.n,)) for k, v in params.items()}
        self._soft = group.model in SOFT
        self.state = np.array([np.broadcast_to(group.state[name], (group.n,)) for name in self.names], np.float64)
        self.state[0] -= self.p["E_L"]
        self._propagators = expm(system(self.p, len(self.names)) * dt)
        self._refractory = refractory_steps(self.p["t_ref"], dt)
        self._theta = self.p["V_th"] - self.p["E_L"]
        self._until = np.zeros(group.n)  # the first step in which each neuron moves again
        self._kept = np.zeros(group.n)

    def move(self, step: int, ex: np.ndarray, inh: np.ndarray, current: np.ndarray) -> np.ndarray:
        """One step with the arriving weights `ex` and `inh` and a current (pA); returns the indices of the neurons that fire."""
        held = self._until > step
        old = self.state[0]
        x = np.concatenate([self.state, (self.p["I_e"] + current)[None]])
        self.state = np.einsum("nij,jn->in", self._propagators, x)[:-1]
        if len(self.names) == 1:
            self.state[0] += self._jump(held, ex + inh)
        elif len(self.names) == 3:
            self.state[1:] += ex, inh
        else:
            self.state[3:] += ex * np.e / self.p["tau_syn_ex"], inh * np.e / self.p["tau_syn_in"]
        if "V_min" in self.p:
            self.state[0] = np.maximum(self.state[0], self.p["V_min"] - self.p["E_L"])
        self.state[0, held] = old[held]
        fired = ~held & (self.state[0] >= self._theta)
        if not fired.any():
            return np.zeros(0, np.int64)
        if self._soft:
            self.state[0, fired] -= (self.p["V_th"] - self.p["V_reset"])[fired]
        else:
            self.state[0, fired] = (self.p["V_reset"] - self.p["E_L"])[fired]
        self._until[fired] = step + self._refractory[fired] + 1
        return np.flatnonzero(fired)

    def _jump(self, held: np.ndarray, arrived: np.ndarray) -> np.ndarray:
        """The increment of v; with `refractory_input`, input to a refractory neuron is kept, decaying like v, until it moves again."""
        kept = self._propagators[:, 0, 0] * self._kept
        self._kept = np.where(held & (self.p["refractory_input"] != 0), kept + arrived, 0.0)
        return kept + arrived


def refractory_steps(t_ref: np.ndarray, dt: float) -> np.ndarray:
    """t_ref / dt, rounded up, unless it is a whole number up to rounding errors (of float32 at most)."""
    whole = np.round(t_ref / dt)
    near = np.abs(t_ref / dt - whole) <= 1e-6
    return np.where(near | (np.float32(whole * dt) == t_ref), whole, np.ceil(t_ref / dt))


def system(p: dict[str, np.ndarray], n_states: int) -> np.ndarray:
    """The matrix A of d/dt (states, I) = A (states, I) for each neuron; I is a constant current (pA).

    C_m dv/dt = -C_m v/tau_m + I_ex + I_in + I, and for both synaptic currents dI/dt = -I/tau_syn (exp),
    or dI/dt = dI - I/tau_syn, d(dI)/dt = -dI/tau_syn (alpha).
    """
    a = np.zeros((len(p["C_m"]), n_states + 1, n_states + 1))
    a[:, 0, 0] = -1 / p["tau_m"]
    a[:, 0, -1] = 1 / p["C_m"]
    for j, tau in zip(range(1, n_states), [p.get("tau_syn_ex"), p.get("tau_syn_in")] * 2, strict=False):
        a[:, j, j] = -1 / np.asarray(tau)
        if j < 3:
            a[:, 0, j] = 1 / p["C_m"]
        else:
            a[:, j - 2, j] = 1.0
    return a


def expm(a: np.ndarray) -> np.ndarray:
    """Exponentials of the matrices `a`, shape (…, n, n): the series of exp(a / 2ˢ), squared s times.

    (`scipy.linalg.expm` suffers from cancellation where two time constants are nearly equal.)
    """
    s = max(0, int(np.ceil(np.log2(max(np.abs(a).sum(axis=-1).max(initial=0.0), 1e-300)))) + 1)
    x = a / 2.0**s  # the norm is at most 1/2: the error of 18 terms is below 1e-22
    term = total = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for k in range(1, 18):
        term = term @ x / k
        total = total + term
    for _ in range(s):
        total = total @ total
    return total
