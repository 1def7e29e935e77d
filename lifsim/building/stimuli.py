"""The stimuli of a network: their synapses, and the values of their parameters, which may change between two steps of a run.

A change takes effect at the generator: what it sends afterwards follows the new values, what is on its way does not change. So synapses
with different delays pass to the new values at different steps, in which the drives of the generator are made anew (`Stimuli.follow`).
As in NEST, a generator of currents sends the current of a step at the beginning of the step before, so its changes act a step later.
Random numbers are functions of the step and of the stream of a drive. Drives keep their streams, and further drives get streams that no
other drive has.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from lifsim.building import drives, spike_trains
from lifsim.building.drawn_values import checked
from lifsim.building.history import History, noise_counters, schedule
from lifsim.building.parrots import with_bursts
from lifsim.building.waveform import waveform
from lifsim.network.model import PARROT
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.network.projection import Projection
from lifsim.plan.plan import Plan
from lifsim.plan.spikes import NEVER, Events, Merged, Spell, merged
from lifsim.plan.stimuli import CURRENTS, KINDS, SHARED, TO_EACH
from lifsim.plan.synapses import Expand, Wiring

FURTHER = 1 << 23  # the first stream of drives that a change adds; every projection has as many of them as synapses
SERIES = ("amplitude_times", "amplitude_values"), ("rate_times", "rate_values")  # names of times and values that change in steps
WAVE = ("waveform", "waveform_file", "interval", "interpolate")  # what the samples of a waveform generator are made of
_WEIGHTS = "(weights)"  # in a checkpoint, beside the names of generators: the weights of their synapses
SAMPLES = "(samples)"  # beside the parameters of a waveform generator: its samples, and the steps for which each holds
_KIND = {
    "sinusoidal_poisson_generator": "trains",
    "sinusoidal_gamma_generator": "trains",
    "poisson_generator_ps": "exact",
    "noise_generator": "noise",
    "ac_generator": "sines",
    "ou_generator": "paths",
    "waveform_generator": "waves",
}


class _Part(NamedTuple):
    """The synapses of a projection that have one delay, and the streams of their drives."""

    delay: int
    synapses: drives.Connections
    streams: tuple[int, ...]


@dataclass(eq=False)
class _Input:
    """A projection of a generator: its synapses, and the drives that act through them now."""

    number: int  # of the projection in the network
    further: int  # the first stream of drives that a change adds
    population: Population
    kind: str
    synapses: drives.Connections
    receptor: int
    drives: list[Any] = field(default_factory=list)
    streams: list[tuple[int, int]] = field(default_factory=list)  # delay and stream of each drive that the network was built with
    weights: list[tuple[int, np.ndarray]] = field(default_factory=list)  # that were set, each for all that is sent after a step

    @property
    def ahead(self) -> int:
        """How many steps before it is due the generator sends what acts in a step."""
        return int(self.population.model.role == "current")

    @property
    def delays(self) -> list[int]:
        """The delays that occur, in steps."""
        found: list[int] = np.unique(self.synapses.delay).tolist()
        return found

    def parts(self, step: int) -> Iterator[_Part]:
        """The synapses by delay, with the weights of what acts after `step`."""
        c = self.synapses
        for delay in self.delays:
            own = np.flatnonzero(c.delay == delay)
            streams = tuple(stream for d, stream in self.streams if d == delay)
            weight = self.weight_at(step - delay - self.ahead)
            yield _Part(delay, drives.Connections(c.node[own], c.target[own], weight[own], c.delay[own]), streams)

    def weight_at(self, step: int) -> np.ndarray:
        """The weights of what is sent in the step after `step`, shape (n_synapses,)."""
        return next((weight for since, weight in reversed(self.weights) if since <= step), self.synapses.weight)

    @property
    def weight(self) -> np.ndarray:
        """The weights that were set last, or else those that the network was built with."""
        return self.weights[-1][1] if self.weights else self.synapses.weight


class Stimuli:
    """The generators of `net`: the synapses onto their targets, and the present values of their parameters.

    seed : of random parameter values and synapses. expand : a function that draws all synapses of a wiring. first : global id of the
    first node of each population. exact : whether spike times are exact, not on the time grid.
    """

    def __init__(self, net: Network, seed: int, expand: Expand, first: dict[str, int], exact: bool) -> None:
        self._net, self._seed, self._expand, self._first, self._exact = net, seed, expand, first, exact
        self._numbers = {name: k for k, name in enumerate(net.populations)}
        self._inputs: list[_Input] = []
        self._due: dict[int, set[str]] = {}  # by step: the generators whose drives are made anew then
        self.histories = {p.name: History(p, checked(p, seed)) for p in net.populations.values() if p.model.role != "neuron"}
        self._spells = {p.name: [Spell(self._given(p), 0, NEVER)] for p in net.populations.values() if p.model.role == "spikes"}
        self._resting: tuple[int, list[Spell]] = (-1, [])  # the spikes of generators that never changed, merged; their number
        self.longest = 0  # longest delay of a spike generator's synapses, in steps

    def add(self, projection: Projection, synapses: Wiring) -> None:
        """Add the synapses of a generator's `projection`."""
        node, target, weight, delay = self._expand(synapses, self._seed)
        c = drives.Connections(projection.source.ids[node], synapses.targets[target], weight, delay)
        population = projection.source.population
        kind = _KIND.get(population.model.name, population.model.role if population.model.role == "poisson" else "currents")
        further = FURTHER + sum(len(x.synapses.node) for x in self._inputs)
        own = _Input(synapses.index, further, population, kind, c, synapses.receptor)
        first = sum(len(x.drives) for x in self._inputs if x.kind == kind)
        own.drives = self._made(own, c, self.histories[population.name].now, itertools.count(first))
        own.streams = [(d.delay, d.stream) for d in own.drives if hasattr(d, "stream")]
        self._inputs.append(own)

    def of(self, kinds: Iterable[str] = KINDS) -> dict[str, Any]:
        """The drives of these `kinds`, for a plan."""
        return {kind: [d for x in self._inputs if x.kind == kind for d in x.drives] for kind in kinds}

    @property
    def events(self) -> Events:
        """The given spikes. Those of generators that never changed are merged once, which takes long if they are many."""
        still = [name for name in self._spells if not self.histories[name].changed]
        if self._resting[0] != len(still):
            together = merged([spell for name in still for spell in self._spells[name]])
            self._resting = len(still), [Spell(together, 0, NEVER)]
        moving = [spell for name, spells in self._spells.items() if name not in still for spell in spells]
        if not moving:
            return self._resting[1][0].events
        if self._exact:
            return merged([*self._resting[1], *moving])
        return Merged([self._resting[1][0].events, merged(moving)])

    # -- changes -----------------------------------------------------------------------------------

    def change(self, name: str, values: dict[str, Any], step: int) -> None:
        """Let the generators `name` have these values for all that they send after `step`.

        Raises
        ------
        ModelError, DataError : a spike file or waveform cannot be used; nothing is changed.
        """
        history = self.histories[name]
        if any(values[key] is not history.now[key] for key in WAVE if key in values):
            values = {key: x for key, x in values.items() if key != SAMPLES}
        if self._net.populations[name].model.name in ("noise_generator", "ou_generator"):
            values = values | noise_counters(history.now, values, step + 1, self._net.dt)
        for times, amplitudes in SERIES:
            if times in values:
                since = (step - self._longest_of(name) - 2) * self._net.dt  # what was sent earlier has arrived
                series = schedule(history.now, values, (times, amplitudes), step * self._net.dt, since)
                values = values | {drives.SCHEDULE: series}
        self._enter(name, values, step)

    def _enter(self, name: str, values: dict[str, Any], step: int) -> None:
        """As `change`, with values that are complete."""
        population = self._net.populations[name]
        if name in self._spells:
            later = Spell(self._given(population, values), step, NEVER)
            before = [replace(s, stop=min(s.stop, step)) for s in self._spells[name] if s.start < step and s.stop > step - self.longest]
            self._spells[name] = [*before, later]
        elif population.model.name == "waveform_generator":
            self._waveform(population, values)
        history, own = self.histories[name], [x for x in self._inputs if x.population is population]
        history.add(step, values)
        if not own:  # else `_renew` forgets
            history.forget(step - self.longest)
        for x in own:
            self._follow_later(x, step)

    def _follow_later(self, x: _Input, step: int) -> None:
        """Have the drives of an input made anew when what is sent after `step` arrives; before the first step nothing is on its way."""
        for due in {step + delay + x.ahead for delay in x.delays} if step > 0 else {0}:
            self._due.setdefault(due, set()).add(x.population.name)

    def synapses(self, number: int) -> drives.Connections:
        """The synapses of projection `number`, that of a generator, with the weights that were set last."""
        x = self._input(number)
        return replace(x.synapses, weight=x.weight)

    def set_weights(self, number: int, weight: np.ndarray, step: int) -> None:
        """Let the synapses of projection `number`, that of a generator, have these weights for all that it sends after `step`."""
        x = self._input(number)
        oldest = step - int(x.synapses.delay.max(initial=0)) - x.ahead  # what was sent until then has arrived
        passed = max((i for i, (since, _) in enumerate(x.weights) if since <= oldest), default=0)
        since = step or -NEVER  # nothing was sent before the first step
        x.weights = [w for w in x.weights[passed:] if w[0] < since] + [(since, weight)]
        self._follow_later(x, step)

    def _input(self, number: int) -> _Input:
        return next(x for x in self._inputs if x.number == number)

    def next(self, step: int) -> int:
        """The first step, not before `step`, for which `follow` returns a plan with other drives; NEVER if there is none."""
        return min((due for due in self._due if due >= step), default=NEVER)

    def follow(self, plan: Plan, step: int) -> Plan:
        """`plan` with the stimuli that act in the steps after `step`; `plan` itself if they are the same."""
        names = set().union(*(self._due.pop(due) for due in [due for due in self._due if due <= step]))
        for x in self._inputs:
            if x.population.name in names:
                self._renew(x, step)
        kinds = {x.kind for x in self._inputs if x.population.name in names}
        return self._with_bursts(replace(plan, **self.of(kinds))) if kinds else plan

    def with_events(self, plan: Plan) -> Plan:
        """`plan` with the given spikes as they are now."""
        return self._with_bursts(replace(plan, events=self.events))

    def _with_bursts(self, plan: Plan) -> Plan:
        """`plan` with enough room for the spikes that parrots send in a step."""
        if not any(g.model == PARROT for g in plan.groups):
            return plan
        most = zip(plan.groups, with_bursts(plan, self._expand), strict=True)
        return replace(plan, groups=[replace(old, burst=max(old.burst, new.burst)) for old, new in most])

    def _longest_of(self, name: str) -> int:
        """The longest delay of the synapses of a generator, in steps."""
        return max((int(x.synapses.delay.max(initial=0)) for x in self._inputs if x.population.name == name), default=0)

    def _renew(self, x: _Input, step: int) -> None:
        """Make the drives of an input as they act after `step`."""
        history = self.histories[x.population.name]
        further = itertools.count(x.further)
        x.drives = []
        for part in x.parts(step):
            values = history.at(step - part.delay - x.ahead)
            x.drives += self._made(x, part.synapses, values, itertools.chain(part.streams, further))
        history.forget(step - self._longest_of(x.population.name) - 1)

    def initial(self, seed: int) -> dict[str, dict[str, Any]]:
        """The values in a run with `seed` of those generators whose values are now others (ModelError if one is not allowed)."""
        again = [name for name, history in self.histories.items() if history.changed or (seed != self._seed and history.drawn)]
        return {name: checked(self._net.populations[name], seed) for name in again}

    def forget(self, names: Iterable[str]) -> None:
        """Let the next restart take the values of the generators `names` from the network, where they are others now."""
        for name in names:
            history = self.histories[name] = History(self._net.populations[name], self.histories[name].now)
            history.add(0, dict(history.initial))  # counts as changed
        self._resting = (-1, [])

    def restart(self, plan: Plan, seed: int, again: dict[str, dict[str, Any]], keep_weights: bool) -> Plan:
        """`plan` with the stimuli of a run with `seed` from its first step on; `again` is what `initial` returned. The synapses stay."""
        self._due, self._seed = {}, seed
        anew = [x for x in self._inputs if x.population.name in again or x.weights]
        for x in anew:
            x.weights = [(-NEVER, x.weight)] if keep_weights and x.weights else []
        if not anew and not again:
            return plan
        for name, values in again.items():
            self.histories[name].restart(values)
            if name in self._spells:
                self._spells[name] = [Spell(self._given(self._net.populations[name]), 0, NEVER)]
        for x in anew:
            self._renew(x, 0)
        kinds = {x.kind for x in anew}
        events = self.events if any(name in self._spells for name in again) else plan.events
        return self._with_bursts(replace(plan, **self.of(kinds), events=events))

    # -- checkpoints -------------------------------------------------------------------------------

    def saved(self) -> dict[str, np.ndarray]:
        """The values of generators, and the weights of their synapses, that were changed, by name, for a checkpoint."""
        out = {f"{name}/{key}": x for name, history in self.histories.items() for key, x in history.saved().items()}
        return out | {f"{_WEIGHTS}/{x.number}/{since}": weight for x in self._inputs for since, weight in x.weights}

    def restore(self, plan: Plan, step: int, state: dict[str, np.ndarray]) -> Plan:
        """`plan` with the stimuli as they were after `step`, from the arrays of `saved` (ValueError if they do not fit the network)."""
        for name, history in self.histories.items():
            own = {key.removeprefix(f"{name}/"): x for key, x in state.items() if key.startswith(f"{name}/")}
            for since, values in history.versions(own) if own else ():
                self._enter(name, values, since)
        self._restore_weights(state)
        return self.with_events(self.follow(plan, step - 1))  # what is due at `step` was not followed yet

    def _restore_weights(self, state: dict[str, np.ndarray]) -> None:
        lengths = {x.number: len(x.synapses.weight) for x in self._inputs}
        found = {tuple(map(int, key.split("/")[1:])): weight for key, weight in state.items() if key.startswith(f"{_WEIGHTS}/")}
        for (number, since), weight in sorted(found.items(), key=lambda entry: entry[0]):
            if weight.shape != (lengths.get(number, -1),):
                raise ValueError(f"weights of projection {number}: shape {weight.shape}; {lengths.get(number, 0)} synapses")
            self.set_weights(number, weight, since)

    # -- drives ------------------------------------------------------------------------------------

    def _made(self, x: _Input, c: drives.Connections, values: dict[str, Any], streams: Iterable[int]) -> list[Any]:
        """The drives of an input through the synapses `c`, with these values."""
        made = self._unnamed(x, c, values, streams)
        return [replace(d, source=x.population.name) for d in made] if x.kind in CURRENTS else made

    def _unnamed(self, x: _Input, c: drives.Connections, values: dict[str, Any], streams: Iterable[int]) -> list[Any]:
        """As `_made`, without the name of the generators."""
        dt = self._net.dt
        match x.kind:
            case "trains":
                alone = values["individual_spike_trains"]
                shared = itertools.repeat(self._numbers[x.population.name])
                return drives.train_drives(values, c, dt, TO_EACH if alone else SHARED, streams if alone else shared, x.receptor)
            case "poisson":
                return drives.poisson_drives(values, c, dt, streams, x.receptor)
            case "exact":
                return drives.exact_drives(values, c, dt, streams, silent=values is not self.histories[x.population.name].initial)
            case "noise":
                return drives.noise_drives(values, c, dt, streams)
            case "sines":
                return drives.sine_drives(values, c, dt)
            case "paths":
                return drives.path_drives(values, c, dt, streams)
            case "waves":
                return drives.wave_drives(values, c, dt, *self._waveform(x.population, values))
            case _:
                return drives.current_drives(values, c, dt)

    def _waveform(self, population: Population, values: dict[str, Any]) -> tuple[np.ndarray, int]:
        """The samples of a waveform generator, read once."""
        if SAMPLES not in values:
            values[SAMPLES] = waveform(population, values, self._net.dt)
        samples: tuple[np.ndarray, int] = values[SAMPLES]
        return samples

    def _given(self, population: Population, values: dict[str, Any] | None = None) -> Events:
        """The spikes of a spike generator."""
        own = self.histories[population.name].now if values is None else values
        return spike_trains.events(population, own, self._first[population.name], self._net.dt, self._exact)
