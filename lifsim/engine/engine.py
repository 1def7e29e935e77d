"""The engine for spike times on the grid: builds a plan in memory and advances it slice by slice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.engine import layout, plasticity
from lifsim.engine.compiler.parts import Known, Programs
from lifsim.engine.derived import Releases
from lifsim.engine.machine import LoopProgram, Machine
from lifsim.engine.merge_spikes import merged_spikes
from lifsim.engine.neuron_engine import UNDERWAY, NeuronEngine
from lifsim.engine.neurons import channels_of, states_of
from lifsim.engine.parallel.clock import clock_for
from lifsim.engine.parallel.placement import Placement, blocks_for_threads
from lifsim.engine.parallel.work_sharing import reset, sharing_for
from lifsim.engine.piece import Written
from lifsim.engine.probe_layout import probes_of
from lifsim.engine.records import SliceRecords
from lifsim.engine.synapses import packing
from lifsim.engine.synapses.delivery import PendingSpikes, Ring, Synapses, no_pending_spikes
from lifsim.plan.limits import BUFFER
from lifsim.plan.plan import Group, Plan

if TYPE_CHECKING:
    from lifsim.engine.plasticity import Plastic

LONGEST_INTERVAL = 128  # most steps between synchronisations of threads: spikes are kept for so long beyond the longest delay


def sending(y: Synapses, seats: Placement, edges: np.ndarray) -> np.ndarray:
    """For each piece, whether any of its neurons has outgoing static synapses (otherwise its spikes never become pending).

    Pieces begin at the places `edges`.
    """
    number = np.concatenate([[0], np.cumsum(np.diff(y.row_first)[seats.id] > 0)])
    return np.diff(number[edges]) > 0


class Engine(NeuronEngine):
    """A plan in memory, ready to run.

    Parameters
    ----------
    plan : what to simulate (`lifsim.plan.plan.Plan`).
    threads : number of threads; results do not depend on it.
    precision : dtype of the state and of input sums, "float64" or "float32".
    weights : dtype in which weights are stored; None: that of `precision`, or float32 if it holds all weights exactly.
    """

    def __init__(self, plan: Plan, threads: int = 1, precision: str = "float64", weights: str | None = None) -> None:
        super().__init__(plan, threads, precision, weights or _natural_weights(plan, precision))
        self.plastic_dtype = np.dtype(
            "float64" if (weights or precision) == "float64" else "float32"
        )  # integers could not hold small changes
        self._known = Known()  # tuples of the machine that are unchanged since the last slice
        self._least: dict[str, int] = {}  # shortest refractory period (steps) of each population
        channels = max(map(channels_of, plan.groups))
        seats = self.placement
        wirings = [replace(w, targets=seats.place[w.targets]) for w in plan.wirings]
        dtypes = (self.dtype, self.weight_dtype)
        static = [w for w in wirings if w.plasticity is None]
        synapses = packing.pack(static, plan.n_nodes, seats.first, self.key, dtypes, channels, self.team.each)
        plastic, delay = None, synapses.delay
        if len(static) < len(wirings):
            place = plasticity.StorePlace(plan.n_nodes, seats.first, self.key, self.plastic_dtype, self.team.each)
            plastic = plasticity.plastic_of(plan, seats.place, wirings, place)
            delay = np.concatenate([delay, plasticity.occurring(plastic)])
        interval = int(delay.min(initial=LONGEST_INTERVAL))
        slots = int(delay.max(initial=0)) + interval
        blocks = layout.blocks_of(plan, seats, interval)
        edges = layout.edges_of(blocks)
        self._sending = sending(synapses, seats, edges)
        neurons, own = layout.neurons_of(plan, seats.place, self.dtype, channels, len(blocks.lo))
        self.machine = Machine(
            blocks,
            layout.groups_of(plan, seats.place, self.dtype),
            neurons,
            own,
            synapses,
            self._ring(blocks, slots),
            no_pending_spikes(len(seats.first) - 1, len(synapses.channel), slots),
            layout.poisson_of(plan, seats, blocks, channels),
            layout.trains_of(plan.trains, seats.place, edges, channels, self.team.size) if layout.changing(plan) else None,
            layout.currents_of(plan, seats, edges),
            probes_of(plan, seats.place, edges),
            Written(np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(1, np.int64), np.zeros(1, np.int64)),
            np.zeros(0, np.int64),
            self.key,
            sharing_for(len(seats.first) - 1, len(blocks.lo)),
            clock_for(self.team.size, on=False),
            plastic,
        )
        self._logs = plasticity.WeightLogs(plan, plastic, seats.first, seats.id) if plan.weights and plastic is not None else None
        self.derived = self._derived(edges, lambda some: layout.currents_of(some, seats, edges))

    # -- running -----------------------------------------------------------------------------------

    def programs(self) -> Programs:
        """The parts that the machine needs, each of which is compiled separately."""
        return LoopProgram(self.machine, Known()).programs()

    def longest_slice(self) -> int:
        """The number of steps that can run in one slice within the memory for recorded data, pending spikes and given spikes."""
        spikes = sum(self._rate(g) * 12 for g in self.plan.groups if g.name in self.plan.watched)
        samples = sum(len(p.ids) / p.interval * 8 for p in (*self._sampled, *self.plan.probes))
        blocks = len(self.machine.blocks.first) - 1
        underway = sum(self._rate(g) for g in self.plan.groups) * 12 * blocks * len(self.machine.synapses.channel)
        seen = sum(self._rate(g) * 8 * plasticity.WORDS for g in self.plan.groups) if self.machine.plastic else 0
        logged = 0.0 if self._logs is None else self._logs.bytes_of(self._each(lambda g: self._rate(g) / g.n))
        given = self.plan.events.reach(self.step) - self.step
        return max(1, int(min(BUFFER / max(spikes + samples, 1), UNDERWAY / max(underway + seen + logged, 1), given)))

    def advance(self, steps: int) -> SliceRecords:
        """Run `steps` steps and return what was recorded."""
        self.derived.begin(self.step, self._releases, self.machine.currents)
        self.machine = self._with_given(steps)
        self.machine = self.machine._replace(underway=self._underway(steps), plastic=self._plastic(steps), written=self._written(steps))
        threads = self.team.active()
        m = self.machine
        m = m._replace(
            blocks=m.blocks._replace(thread=blocks_for_threads(m.blocks.thread, threads)), probes=self._with_room(m.probes, steps)
        )
        layout.hold_refractory(self.plan, m.neurons, m.blocks, self.step)
        reset(m.sharing)
        program = LoopProgram(m, self._known)
        self._known.keep(self.machine)
        self.team.together(lambda rank: program.run(rank, self.step, steps), threads, watch=steps > 0)  # 0 steps: only loads the code
        self.step += steps
        return self._merged(m, steps)

    def _with_given(self, steps: int) -> Machine:
        """The machine with the given spikes of the next `steps` steps and of the last ones that are still in the ring."""
        ring, now = self.machine.ring, self.step
        slots = len(ring.number)
        step, ids = self.plan.events.window(now - slots, now + steps)
        if len(step) or len(self.machine.events):  # else there are none in the ring
            sent = np.arange(max(now - slots, 0) + 1, now + 1)
            begin, end = (np.searchsorted(step, at, "right") for at in (sent - 1, sent))
            ring.begin[sent % slots, -1], ring.number[sent % slots, -1] = begin, end - begin
        return self.machine._replace(events=step, ring=ring._replace(given=ids))

    def _written(self, steps: int) -> Written:
        """Empty record for the spikes of `steps` steps; reuses the arrays of the last slice if they are large enough."""
        m = self.machine
        watched = np.array([g.watched for g in m.groups])[m.blocks.group]
        first = np.concatenate([[0], np.cumsum(np.where(watched, self._most_spikes(m.blocks, steps), 0))])
        step, ids = m.written.step, m.written.id
        if len(step) < first[-1]:
            step, ids = np.empty(first[-1], np.int64), np.empty(first[-1], np.uint32)
        return Written(step, ids, first, np.zeros(len(watched), np.int64))

    def _merged(self, m: Machine, steps: int) -> SliceRecords:
        """The records of the last `steps` steps."""
        began = time.perf_counter()
        spikes: dict[str, tuple[np.ndarray, ...]] = {}
        pieces = m.ring.order[:-1]  # by id
        for i, g in enumerate(self.plan.groups):
            if g.name in self.plan.watched:
                own = pieces[m.blocks.group[pieces] == i]
                spikes[g.name] = merged_spikes(m.written, own, g.first, self.step - steps, steps)
        samples, arrived, pending = self._recorded(m, layout.shown, spikes), None, None
        if self._logs is not None and m.plastic is not None:
            arrived, pending = self._logs.rows(m.plastic), self._logs.pending(m.plastic, m.ring, self.dtype, self.step)
        return SliceRecords(spikes, samples, time.perf_counter() - began, arrived, pending)

    # -- state -------------------------------------------------------------------------------------

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable or parameter `name` of all neurons of `group`, shape (n,), float64."""
        g = self.plan.group(group)
        if name in states_of(g):
            return layout.read_state(self.machine.neurons, self.placement.place, g, name)
        return np.broadcast_to(np.asarray(g.params[name], np.float64), (g.n,)).copy()

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """Set state variables and parameters of all neurons of `group`."""
        g = self.plan.group(group)
        states = states_of(g)
        before = {name: (layout.unit_and_zero(g, name), self.get(group, name)) for name in states if name in g.state}
        g.params.update({k: v for k, v in values.items() if k not in states})
        self._least.clear()
        for name, (scale, shown) in before.items():
            if name in values or not np.array_equal(scale, layout.unit_and_zero(g, name)):  # avoid rounding an unchanged state
                layout.write_state(self.machine.neurons, self.placement.place, g, name, values.get(name, shown))
        layout.refresh_neurons(self.plan, self.placement.place, self.machine.neurons, self.machine.own)
        ring, plastic = self._widened(self.machine.ring), self.machine.plastic
        if plastic is not None:
            plastic = plasticity.refreshed(plastic, self.plan, self.placement.place)
        groups = layout.groups_of(self.plan, self.placement.place, self.dtype)
        self.machine = self.machine._replace(groups=groups, ring=ring, plastic=plastic)

    def first_not_finite(self) -> tuple[str, int, str, float] | None:
        """Population, neuron, variable and value of the first state variable that is NaN or infinite; None if all are finite."""
        if np.isfinite(self.machine.neurons.state.sum()):  # the sum is finite only if all values are
            return None
        for g in self.plan.groups:
            for name, values in zip(states_of(g), self.machine.neurons.state, strict=False):
                own = values[layout.places(g, self.placement.place)]
                wrong = np.flatnonzero(~np.isfinite(own))
                if len(wrong):
                    return g.name, int(wrong[0]), name, float(own[wrong[0]])
        return None

    def saved(self) -> dict[str, Any]:
        """The state for a checkpoint; it does not depend on the number of threads."""
        from lifsim.engine import snapshot

        return snapshot.state_of(self)

    def restore(self, step: int, state: dict[str, Any]) -> None:
        """Load the state that an engine of the same plan `saved` after `step` (ValueError if it does not fit the plan)."""
        from lifsim.engine import snapshot

        snapshot.restore(self, step, state)

    def _releases(self, group: Group) -> Releases:
        until = self.machine.neurons.until[layout.places(group, self.placement.place)]
        return Releases(until.astype(np.int64) - 1, np.zeros(group.n))

    def _refractory_of(self, group: Group) -> np.ndarray:
        return self.machine.neurons.refractory[layout.places(group, self.placement.place)].astype(np.int64)

    # -- sizes -------------------------------------------------------------------------------------

    def _least_refractory(self, group: Any) -> int:
        if group.name not in self._least:
            self._least[group.name] = int(layout.refractory_steps(group.params, self.plan.dt).min())
        return self._least[group.name]

    def _rate(self, group: Any) -> float:
        """The largest sustained number of spikes per step of the neurons of `group`."""
        return group.n * group.burst / (self._least_refractory(group) + 1)

    def _ring(self, blocks: Any, slots: int) -> Ring:
        """A ring for all spikes of `slots` steps; pieces have extra room for two steps, as the spikes of one step do not wrap around."""
        first = np.concatenate([[0], np.cumsum(self._most_spikes(blocks, slots) + 2 * self._most_spikes(blocks, 0))])
        begin, number = np.zeros((2, slots, len(blocks.lo) + 1), np.int64)
        order = np.append(np.argsort(blocks.id), len(blocks.id))
        return Ring(np.empty(first[-1], np.uint32), first, begin, number, np.zeros(0, np.uint32), first[:-1].copy(), order)

    def _underway(self, steps: int) -> PendingSpikes:
        """The pending spikes, with room for those of `steps` steps; the system provides memory only once it is written to."""
        m = self.machine
        given = len(m.events) - np.searchsorted(m.events, self.step, "right")
        spikes = m.ring.number.sum() + (self._most_spikes(m.blocks, steps) * self._sending).sum() + given  # sent before, and in the slice
        room = int(m.underway.number.sum(axis=2).max(initial=0) + spikes)  # a source has one row per class
        if room <= m.underway.at.shape[2]:
            return m.underway
        used = int((m.underway.begin + m.underway.number).max(initial=0))
        arrays = {}
        for name in ("at", "length"):
            old = getattr(m.underway, name)
            arrays[name] = np.empty((*old.shape[:2], room + room // 2), old.dtype)  # extra room for longer slices
            arrays[name][:, :, :used] = old[:, :, :used]
        return m.underway._replace(**arrays)

    def _plastic(self, steps: int) -> Plastic | None:
        """The plastic synapses, with room for the postsynaptic spikes of `steps` steps; None if there are none."""
        m = self.machine
        if m.plastic is None:
            return None
        before = np.append(0, np.cumsum(self._most_spikes(m.blocks, steps)))[m.blocks.piece]
        plastic = plasticity.prepared(m.plastic, m.blocks.first, self.step, np.diff(before))
        return plastic if self._logs is None else self._logs.prepared(plastic, self._most_arrivals(steps))

    def _most_arrivals(self, steps: int) -> np.ndarray:
        """The most spikes of each node that can arrive at a synapse in the next `steps` steps, int64, (n_nodes,)."""
        ring, most = self.machine.ring, self._each(lambda g: g.burst * (steps // (self._least_refractory(g) + 1) + 1))
        sent = [ring.ids[a : a + n] for a, n in zip(ring.begin[:, :-1].ravel(), ring.number[:, :-1].ravel(), strict=True) if n]
        given = self.plan.events.window(self.step - len(ring.number), self.step + steps)[1]
        under_way = np.bincount(np.concatenate([given, *sent]).astype(np.int64), minlength=len(most))
        return most.astype(np.int64) + under_way

    def _each(self, number: Callable[[Group], float]) -> np.ndarray:
        """A number of each neuron, that of its group, and 0 for other nodes; shape (n_nodes,)."""
        out = np.zeros(self.plan.n_nodes)
        for g in self.plan.groups:
            out[g.first : g.first + g.n] = number(g)
        return out

    def _most_spikes(self, blocks: Any, steps: int) -> np.ndarray:
        """The most spikes of each piece in `steps` steps: a neuron fires once per t_ref, a parrot `burst` times per step."""
        each = np.array([g.burst * (steps // (self._least_refractory(g) + 1) + 1) for g in self.plan.groups])
        return (blocks.hi - blocks.lo) * each[blocks.group]

    def _widened(self, ring: Ring) -> Ring:
        """`ring` enlarged for the current refractory periods; new spikes are stored behind the old ones."""
        wanted = self._ring(self.machine.blocks, len(ring.number))
        more = np.diff(wanted.first) - np.diff(ring.first)
        if not np.any(more > 0):
            return ring
        place = wanted.first + ring.first[-1]  # the old spikes stay in front
        return ring._replace(ids=np.concatenate([ring.ids, wanted.ids]), first=place, room=place[:-1].copy())


def _natural_weights(plan: Plan, precision: str) -> str:
    """The dtype for stored weights: float32 if it holds every weight exactly or `precision` is float32, else float64."""
    return "float32" if precision == "float32" or all(w.weight.narrow for w in plan.wirings if w.plasticity is None) else "float64"
