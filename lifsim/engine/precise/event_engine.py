"""The engine for exact spike times, which runs from event to event."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from lifsim.engine import layout, restimulated
from lifsim.engine.compiler.parts import Calls, Known
from lifsim.engine.derived import Releases
from lifsim.engine.neuron_engine import UNDERWAY, NeuronEngine
from lifsim.engine.parallel.clock import clock_for
from lifsim.engine.parallel.placement import blocks_for_threads
from lifsim.engine.parallel.work_sharing import reset, sharing_for
from lifsim.engine.precise import event_layout as own_layout
from lifsim.engine.precise.arrival_heap import ArrivalHeap, nothing_underway, with_room
from lifsim.engine.precise.event_dynamics import STATES
from lifsim.engine.precise.event_loop import EventMachine, advance, arrest, foresee, look_up
from lifsim.engine.precise.event_neurons import Sent
from lifsim.engine.probe_layout import probes_of
from lifsim.engine.records import SliceRecords
from lifsim.engine.stimuli.currents import OwnInput
from lifsim.engine.synapses import packing
from lifsim.engine.synapses.delivery import Synapses
from lifsim.engine.synapses.sampling import key_of
from lifsim.plan.limits import BUFFER
from lifsim.plan.plan import Group, Plan
from lifsim.plan.spikes import ListedSpikes
from lifsim.plan.stimuli import CURRENTS

LONGEST_INTERVAL = 1024  # most steps between synchronisations of threads
NUMBER = {name: i for i, name in enumerate(STATES)}  # index of each state variable
BYTES = 24  # bytes of a recorded spike: id, step, offset


class PreciseEngine(NeuronEngine):
    """A plan in memory, ready to run from event to event.

    Parameters
    ----------
    plan : what to simulate (`lifsim.plan.plan.Plan`).
    threads : number of threads; results do not depend on it.
    weights : dtype in which weights are stored; None: float64.
    tell : called now and then with the number of synapses made so far; None: not called.
    """

    def __init__(self, plan: Plan, threads: int = 1, weights: str | None = None, tell: Callable[[int], None] | None = None) -> None:
        super().__init__(plan, threads, "float64", weights or "float64", tell)
        self._begin(self._packed(), self.key)

    def _packed(self) -> Synapses:
        """The synapses of the plan."""
        dtypes = self.dtype, self.weight_dtype
        return packing.Packing(self._wirings(), self.plan.n_nodes, self.placement.first, self.key, dtypes, 1, self.tally).fill()

    def _begin(self, synapses: Synapses, key: tuple[np.uint64, np.uint64]) -> None:
        """Make the machine in its initial state, with `synapses` and the random numbers of `key`."""
        plan, seats = self.plan, self.placement
        blocks = layout.blocks_of(plan, seats, int(synapses.delay.min(initial=LONGEST_INTERVAL)))
        edges = layout.edges_of(blocks)
        neurons = own_layout.neurons_of(plan, seats.place)
        none = np.zeros(0, np.int64)
        self.machine = EventMachine(
            blocks,
            neurons,
            synapses,
            nothing_underway(len(seats.first) - 1),
            Sent(none, none, np.zeros(0), none, none, seats.id),
            np.zeros((3, len(seats.first) - 1), np.int64),
            own_layout.given_of(plan),
            own_layout.trains_of(plan, seats, key),
            own_layout.poisson_of(plan, seats, blocks),
            layout.currents_of(plan, seats, edges),
            OwnInput(np.ones(plan.n_neurons), neurons.cell["current"].copy(), np.zeros(plan.n_neurons)),
            neurons.cell["current"].copy(),
            probes_of(plan, seats.place, edges, lambda group, name: NUMBER[name]),
            key,
            sharing_for(len(seats.first) - 1, len(blocks.lo)),
            clock_for(self.team.size, on=False),
        )
        foresee((neurons, self.machine.trains), 0)
        self.derived = self._derived(edges, lambda some: layout.currents_of(some, seats, edges))

    # -- running -----------------------------------------------------------------------------------

    def longest_slice(self) -> int:
        """The number of steps that can run in one slice within the memory for recorded data and pending spikes."""
        spikes = (1 / self._refractory()).sum()
        samples = sum(len(p.ids) / p.interval * 8 for p in (*self._sampled, *self.plan.probes))
        underway = spikes * (len(self.placement.first) - 1) * self._rows() * 7 * 8
        return max(1, int(min(BUFFER / max(spikes * BYTES + samples, 1), UNDERWAY / max(underway, 1))))

    def advance(self, steps: int) -> SliceRecords:
        """Run `steps` steps and return what was recorded."""
        self.derived.begin(self.plan, self.step, self._releases, self.machine)
        self.machine = self.machine._replace(underway=self._roomy(steps))
        threads = self.team.active()
        m = self.machine
        blocks = m.blocks._replace(thread=blocks_for_threads(m.blocks.thread, threads))
        m = m._replace(blocks=blocks, sent=self._sent(steps), probes=self._with_room(m.probes, steps))
        reset(m.sharing)
        program = Calls([(advance, m)], Known())
        self.team.together(lambda rank: program.run(0, rank, self.step, steps), threads, watch=steps > 0)  # 0 steps: only loads the code
        self.step += steps
        return self._sorted(m)

    def _sent(self, steps: int) -> Sent:
        """Empty arrays for all spikes of a slice."""
        most = [self._at_most(steps, a, z) for a, z in zip(self.placement.first, self.placement.first[1:], strict=False)]
        first = np.concatenate([[0], np.cumsum(most)]).astype(np.int64)
        numbers = np.zeros(len(most), np.int64)
        ids, step = np.empty((2, first[-1]), np.int64)
        return Sent(ids, step, np.empty(first[-1]), first[:-1].copy(), numbers, self.placement.id)

    def _sorted(self, m: Any) -> SliceRecords:
        """The records of the last slice."""
        began = time.perf_counter()
        s = m.sent
        found = [slice(a, a + n) for a, n in zip(s.first, s.number, strict=True)]
        ids, step, offset = (np.concatenate([x[at] for at in found]) for x in (s.neuron, s.step, s.offset))
        spikes: dict[str, tuple[np.ndarray, ...]] = {}
        for g in self.plan.groups:
            if g.name in self.plan.watched:
                own = np.flatnonzero((ids >= g.first) & (ids < g.first + g.n))  # indices are faster than a mask
                own = own[np.lexsort((ids[own], -offset[own], step[own]))]
                spikes[g.name] = step[own], ids[own] - g.first, offset[own]
        return SliceRecords(spikes, self._recorded(m, self._shown, spikes, self._refractory_of), time.perf_counter() - began)

    # -- state -------------------------------------------------------------------------------------

    def _shown(self, group: Any, name: str, values: np.ndarray, ids: Any = slice(None)) -> np.ndarray:
        zero = group.params["E_L"] if name == "V_m" else 0.0
        return values + np.broadcast_to(zero, group.n)[ids]

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable or parameter `name` of all neurons of `group` at this step, shape (n,), float64."""
        g = self.plan.group(group)
        if name not in g.state:
            return np.broadcast_to(np.asarray(g.params[name], np.float64), (g.n,)).copy()
        out = np.empty(self.plan.n_neurons)
        look_up((self.machine.neurons, out), self.step, NUMBER[name])
        return self._shown(g, name, out[layout.places(g, self.placement.place)])

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """Set state variables and parameters of all neurons of `group`."""
        g = self.plan.group(group)
        m, at = self.machine, layout.places(g, self.placement.place)
        arrest((m.neurons, self._sent(0)), self.step)
        before = {name: self.get(group, name) for name in g.state}
        g.params.update({k: v for k, v in values.items() if k not in g.state})
        for name, shown in before.items():
            if name in values or (name == "V_m" and "E_L" in values):
                own_layout.write_state(m.neurons, at, g, name, values.get(name, shown))
        change = np.asarray(g.params["I_e"]) - m.own.I_e[at]
        m.own.I_e[at] += change
        m.neurons.cell["current"][at] += change
        m.drive[:] = m.neurons.cell["current"]
        kinds = own_layout.kinds_of(self.plan, self.placement.place, m.neurons.cell)
        self.machine = m._replace(neurons=m.neurons._replace(kind=kinds))
        foresee((self.machine.neurons, m.trains), self.step)

    def restimulate(self, plan: Plan) -> None:
        """See `lifsim.engine.contract.RunningEngine.restimulate`."""
        was, self.plan = self.plan, plan
        m, seats = self.machine, self.placement
        if restimulated.changed(was, plan, "poisson"):
            m = m._replace(poisson=own_layout.poisson_of(plan, seats, m.blocks))
        if restimulated.changed(was, plan, *CURRENTS):
            currents = restimulated.currents_of(m.currents, was, plan, seats, layout.edges_of(m.blocks))
            at_once = np.union1d(currents.change, [self.step + 1])  # currents are added up again in the next step
            m = m._replace(currents=currents._replace(change=at_once))
        if restimulated.changed(was, plan, "exact"):
            trains = own_layout.trains_by_place(plan, seats)
            own_layout.go_on_from(m.trains.train, trains.train, m.key, self.step, float(plan.dt))
            m = m._replace(trains=trains)
        if restimulated.changed(was, plan, "events"):
            m = m._replace(given=own_layout.given_of(plan))
        self.machine = m
        foresee((m.neurons, m.trains), self.step)

    def restart(self, plan: Plan, seed: int) -> None:
        """See `lifsim.engine.contract.RunningEngine.restart`; there are no plastic weights."""
        self.plan, self.step = plan, 0
        clock = self.machine.clock
        self._begin(self.machine.synapses, key_of(seed))
        self.machine = self.machine._replace(clock=clock)

    def rewire(self, plan: Plan) -> None:
        """See `lifsim.engine.contract.RunningEngine.rewire`."""
        from lifsim.engine.precise import event_snapshot

        state = event_snapshot.state_of(self)
        self.plan = plan
        self.machine = self.machine._replace(synapses=self._packed(), underway=nothing_underway(len(self.machine.blocks.first) - 1))
        event_snapshot.send_again(self, state)

    def delay_range(self) -> tuple[int, int]:
        """See `lifsim.engine.contract.RunningEngine.delay_range`."""
        delay = self.machine.synapses.delay
        return int(delay.min(initial=1)), int(delay.max(initial=0))

    def sends(self, first: int, last: int) -> bool:
        """See `lifsim.engine.contract.RunningEngine.sends`."""
        from lifsim.engine.precise import event_snapshot

        ids = event_snapshot.spikes_underway(self.machine.underway, self.machine.synapses, last)[2]
        given = self.plan.events.window(self.step - self.delay_range()[1], self.step)[1]
        both = np.concatenate([ids, given.astype(np.int64)])
        return bool(((both >= first) & (both < last)).any())

    def set_plastic_weights(self, numbers: np.ndarray, weights: np.ndarray) -> None:
        """Do nothing: exact spike times do not support plastic synapses."""

    def saved(self) -> dict[str, Any]:
        """The state for a checkpoint; it does not depend on the number of threads."""
        from lifsim.engine.precise import event_snapshot

        return event_snapshot.state_of(self)

    def restore(self, step: int, state: dict[str, Any]) -> None:
        """Load the state that an engine of the same plan `saved` after `step` (ValueError if it does not fit the plan)."""
        from lifsim.engine.precise import event_snapshot

        event_snapshot.restore(self, step, state)

    def first_not_finite(self) -> tuple[str, int, str, float] | None:
        """Population, neuron, variable and value of the first state variable that is NaN or infinite; None if all are finite."""
        cell = self.machine.neurons.cell
        if all(np.isfinite(cell[field].sum()) for field in STATES.values()):
            return None
        for g in self.plan.groups:
            for name in g.state:
                own = cell[STATES[name]][layout.places(g, self.placement.place)]
                wrong = np.flatnonzero(~np.isfinite(own))
                if len(wrong):
                    return g.name, int(wrong[0]), name, float(own[wrong[0]])
        return None

    def _releases(self, group: Group) -> Releases:
        cell = self.machine.neurons.cell[layout.places(group, self.placement.place)]
        held = cell["held"] != 0
        return Releases(np.where(held, cell["due"], -1), np.where(held, cell["due_offset"], 0.0))

    def _refractory_of(self, group: Group) -> np.ndarray:
        return self._refractory()[layout.places(group, self.placement.place)]

    # -- sizes -------------------------------------------------------------------------------------

    def _rows(self) -> int:
        """The largest number of rows of a node."""
        return int(np.diff(self.machine.synapses.row_first).max(initial=1))

    def _at_most(self, steps: int, first: int = 0, last: int | None = None) -> int:
        """The largest number of spikes in `steps` steps of the neurons at the places `first` … `last` - 1."""
        return int((steps // self._refractory()[first:last] + 2).sum())

    def _refractory(self) -> np.ndarray:
        """The refractory period (steps) of each neuron, by place; shape (n_places,)."""
        x = self.machine.neurons
        steps: np.ndarray = x.kind["refractory"][x.cell["kind"]]
        return steps

    def _roomy(self, steps: int) -> ArrivalHeap:
        """The pending spikes, with room for all spikes of `steps` steps."""
        m = self.machine
        given = cast(ListedSpikes, self.plan.events)  # exact given spikes are all in memory
        a, z = np.searchsorted(given.step, [self.step, self.step + steps], "right")
        room = int(m.underway.number.max(initial=0)) + (self._at_most(steps) + z - a) * self._rows()
        return with_room(m.underway, room + room // 2 if room > m.underway.heap.shape[1] else 0)
