"""The engine for spike times on the grid: builds a plan in memory and advances it slice by slice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.engine import initial_state, layout, plasticity, restimulated, rewiring
from lifsim.engine.compiler.ahead import Helper
from lifsim.engine.compiler.parts import Known, Programs
from lifsim.engine.derived import refractory_of, releases_of
from lifsim.engine.machine import LoopProgram, Machine, wanted_parts
from lifsim.engine.merge_spikes import merged_spikes
from lifsim.engine.neuron_engine import UNDERWAY, NeuronEngine
from lifsim.engine.neurons import channels_of, states_of
from lifsim.engine.parallel.clock import clock_for
from lifsim.engine.parallel.placement import blocks_for_threads
from lifsim.engine.parallel.work_sharing import reset, sharing_for
from lifsim.engine.piece import Written
from lifsim.engine.probe_layout import probes_of
from lifsim.engine.records import SliceRecords
from lifsim.engine.synapses import packing
from lifsim.engine.synapses.delivery import PendingSpikes, Ring, no_pending_spikes
from lifsim.engine.synapses.sampling import key_of
from lifsim.engine.synapses.tally import Tally
from lifsim.plan.limits import BUFFER
from lifsim.plan.plan import Plan
from lifsim.plan.stimuli import CURRENTS

if TYPE_CHECKING:
    from lifsim.engine.plasticity import Plastic

UNSCALED = {"I_e", "V_th", "V_reset", "t_ref"}  # parameters that do not change the units in which states are stored
LITTLE = 1 << 16  # bytes of samples of a slice for which memory is kept until the next one
LONGEST_INTERVAL = 128  # most steps between synchronisations of threads: spikes are kept for so long beyond the longest delay


class Engine(NeuronEngine):
    """A plan in memory, ready to run.

    Parameters
    ----------
    plan : what to simulate (`lifsim.plan.plan.Plan`).
    threads : number of threads; results do not depend on it.
    precision : dtype of the state and of input sums, "float64" or "float32".
    weights : dtype in which weights are stored; None: that of `precision`, or float32 if it holds all weights exactly.
    tell : called now and then with the number of synapses made so far; None: not called.
    """

    def __init__(
        self,
        plan: Plan,
        threads: int = 1,
        precision: str = "float64",
        weights: str | None = None,
        tell: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(plan, threads, precision, weights or layout.natural_weights(plan, precision), tell)
        self._chosen = weights
        exact = (weights or precision) == "float64"
        self.plastic_dtype = np.dtype("float64" if exact else "float32")  # integers could not hold small changes
        self._known = Known()  # tuples of the machine that are unchanged since the last slice
        self._program: tuple[Machine, LoopProgram] | None = None  # the program of the last slice, and its machine
        self._least: dict[str, int] = {}  # shortest refractory period (steps) of each population
        channels, seats, wirings = max(map(channels_of, plan.groups)), self.placement, self._wirings()
        static, dtypes = [w for w in wirings if w.plasticity is None], (self.dtype, self.weight_dtype)
        packed = packing.Packing(static, plan.n_nodes, seats.first, self.key, dtypes, channels, self.tally)
        synapses, plastic, delay = packed.synapses, None, packed.synapses.delay
        if len(static) < len(wirings):
            place = self._plastic_place()._replace(tally=self.tally)
            plastic = plasticity.plastic_of(plan, seats.place, wirings, place)
            delay = np.concatenate([delay, plasticity.occurring(plastic)])
        interval = int(delay.min(initial=LONGEST_INTERVAL))
        slots = int(delay.max(initial=0)) + interval
        blocks = layout.blocks_of(plan, seats, interval)
        edges = layout.edges_of(blocks)
        self._sending = layout.sending(synapses, seats, edges)
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
            np.array(self.key),
            sharing_for(len(seats.first) - 1, len(blocks.lo)),
            clock_for(self.team.size, on=False),
            plastic,
        )
        self._helper = Helper(lambda: wanted_parts(self.machine, self._known))
        packed.fill()
        self._logs = plasticity.WeightLogs(plan, plastic, seats.first, seats.id) if plan.weights and plastic is not None else None
        self._releases = releases_of(neurons, seats.place)
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
        logged = 0.0 if self._logs is None else self._logs.bytes_of(self.plan, self._rate)
        given = self.plan.events.reach(self.step) - self.step
        return max(1, int(min(BUFFER / max(spikes + samples, 1), UNDERWAY / max(underway + seen + logged, 1), given)))

    def advance(self, steps: int) -> SliceRecords:
        """Run `steps` steps and return what was recorded."""
        self.derived.begin(self.plan, self.step, self._releases, self.machine)
        m, threads = self._prepared(steps), self.team.active()
        if threads != len(m.blocks.thread) - 1:
            m = m._replace(blocks=m.blocks._replace(thread=blocks_for_threads(m.blocks.thread, threads)))
        layout.hold_refractory(self.plan, m.neurons, m.blocks, self.step)
        reset(m.sharing)
        program = self._program_of(m)
        self.team.together(lambda rank: program.run(rank, self.step, steps), threads, watch=steps > 0)  # 0 steps: only loads the code
        self.step += steps
        return self._merged(m, steps)

    def _prepared(self, steps: int) -> Machine:
        """The machine with room for what `steps` steps record and send; the same as for the last slice if that has the room."""
        self.machine = self._with_given(steps)  # first: given spikes need room, too
        parts: dict[str, Any] = {"underway": self._underway(steps), "plastic": self._plastic(steps), "written": self._written(steps)}
        probes = self._with_room(self.machine.probes, steps)
        little = probes.out.nbytes <= LITTLE
        if little:
            parts["probes"] = probes
        if any(getattr(self.machine, name) is not part for name, part in parts.items()):
            self.machine = self.machine._replace(**parts)
        return self.machine if little else self.machine._replace(probes=probes)

    def _program_of(self, m: Machine) -> LoopProgram:
        """The program of `m`: that of the last slice if `m` is its machine. So short runs of equal length cost little."""
        if self._program is None or self._program[0] is not m:
            program = LoopProgram(m, self._known, self._helper)
            self._known.keep(self.machine)
            self._program = (m, program) if m is self.machine else None
            return program
        return self._program[1]

    def _with_given(self, steps: int) -> Machine:
        """The machine with the given spikes of the next `steps` steps and of the last ones that are still in the ring."""
        ring, now = self.machine.ring, self.step
        slots = len(ring.number)
        step, ids = self.plan.events.window(now - slots, now + steps)
        if not len(step) and not len(self.machine.events):
            return self.machine
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
        if np.array_equal(first, m.written.first):
            m.written.number[:] = 0
            return m.written
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
        samples = self._recorded(m, layout.shown, spikes, refractory_of(m.neurons, self.placement.place))
        weights = () if self._logs is None or m.plastic is None else self._logs.records(m.plastic, m.ring, self.dtype, self.step)
        return SliceRecords(spikes, samples, time.perf_counter() - began, *weights)

    # -- state -------------------------------------------------------------------------------------

    def get(self, group: str, name: str) -> np.ndarray:
        """State variable or parameter `name` of all neurons of `group`, shape (n,), float64."""
        g = self.plan.group(group)
        if name in states_of(g):
            return layout.read_state(self.machine.neurons, self.placement.place, g, name)
        return np.broadcast_to(np.asarray(g.params[name], np.float64), (g.n,)).copy()

    def set(self, group: str, values: dict[str, np.ndarray | float]) -> None:
        """Set state variables and parameters of all neurons of `group`."""
        g, x, place = self.plan.group(group), self.machine.neurons, self.placement.place
        states = states_of(g)
        params = {k: v for k, v in values.items() if k not in states}
        scaled = bool(params.keys() - UNSCALED)
        before = {name: (layout.unit_and_zero(g, name), self.get(group, name)) for name in states if name in g.state} if scaled else {}
        g.params.update(params)
        for name in states:
            if name in values:
                layout.write_state(x, place, g, name, values[name])
            elif name in before and not np.array_equal(before[name][0], layout.unit_and_zero(g, name)):  # avoid rounding an unchanged state
                layout.write_state(x, place, g, name, before[name][1])
        if params.keys() == {"I_e"}:
            layout.refresh_currents(g, place, x, self.machine.own)
            changed = not self.machine.groups[self.plan.groups.index(g)].driven
        else:
            layout.refresh_neurons(self.plan, place, x, self.machine.own)
            changed = bool(params)
        if changed:
            self._refresh_constants()

    def _refresh_constants(self) -> None:
        """Bring the constants of populations, and what depends on refractory periods and time constants, up to date."""
        self._least.clear()
        ring, plastic = self._widened(self.machine.ring), self.machine.plastic
        if plastic is not None:
            plastic = plasticity.refreshed(plastic, self.plan, self.placement.place)
        groups = layout.groups_of(self.plan, self.placement.place, self.dtype)
        self.machine = self.machine._replace(groups=groups, ring=ring, plastic=plastic)

    def restimulate(self, plan: Plan) -> None:
        """Go on with the stimuli of `plan`, which has the same populations, synapses and recordings."""
        was, self.plan = self.plan, plan
        m, seats, channels, edges = self.machine, self.placement, self.machine.neurons.channels, layout.edges_of(self.machine.blocks)
        if restimulated.changed(was, plan, "poisson"):
            m = m._replace(poisson=layout.poisson_of(plan, seats, m.blocks, channels))
        if m.trains is not None and restimulated.changed(was, plan, "trains"):
            m = m._replace(trains=restimulated.trains_of(m.trains, plan, seats, edges, channels))
        if restimulated.changed(was, plan, *CURRENTS):
            m = m._replace(currents=restimulated.currents_of(m.currents, was, plan, seats, edges))
        if restimulated.changed(was, plan, "groups"):  # parrots may send more spikes per step
            m = m._replace(groups=layout.groups_of(plan, seats.place, self.dtype), ring=self._widened(m.ring))
        self.machine = m

    def restart(self, plan: Plan, seed: int) -> None:
        """See `lifsim.engine.contract.RunningEngine.restart`."""
        was, plastic = self.plan.groups, self.machine.plastic
        self.step = 0
        if restimulated.changed(self.plan, plan, *restimulated.STIMULI):
            self.restimulate(replace(plan, groups=was))
        self.plan = plan
        initial_state.empty(self.machine.ring, self.machine.underway)
        initial_state.begin_neurons(self.machine.neurons, plan, self.placement.place)
        initial_state.begin_stimuli(self.machine.poisson, self.machine.trains, self.machine.currents)
        if not initial_state.same_parameters(was, plan.groups):
            layout.refresh_neurons(plan, self.placement.place, self.machine.neurons, self.machine.own)
            self._refresh_constants()
        if plastic is not None:
            plasticity.draw_again(plastic, self._plastic_place(), self._wirings())
            plastic = plasticity.begun_again(plastic, plan, self.placement.place)
        self.machine.key[:] = key_of(seed)
        if plastic is not None or len(self.machine.events):
            self.machine = self.machine._replace(plastic=plastic, events=np.zeros(0, np.int64))

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

    # -- weights -----------------------------------------------------------------------------------

    def rewire(self, plan: Plan) -> None:
        """See `lifsim.engine.contract.RunningEngine.rewire`."""
        self.plan, self.weight_dtype = plan, np.dtype(self._chosen or layout.natural_weights(plan, self.dtype.name))
        self._program = None  # it holds the old synapses
        rewiring.pack_again(self, [w for w in self._wirings() if w.plasticity is None])
        self._sending = layout.sending(self.machine.synapses, self.placement, layout.edges_of(self.machine.blocks))
        self.machine = self.machine._replace(underway=self._underway(0))
        rewiring.send_again(self)

    def delay_range(self) -> tuple[int, int]:
        """See `lifsim.engine.contract.RunningEngine.delay_range`."""
        interval = int(self.machine.blocks.interval[0])
        return interval, len(self.machine.ring.number) - interval

    def sends(self, first: int, last: int) -> bool:
        """See `lifsim.engine.contract.RunningEngine.sends`."""
        return rewiring.any_underway(self, first, last)

    def set_plastic_weights(self, numbers: np.ndarray, weights: np.ndarray) -> None:
        """See `lifsim.engine.contract.RunningEngine.set_plastic_weights`."""
        plasticity.set_weights(self.machine.plastic, numbers, weights)

    def _plastic_place(self) -> Any:
        """Where plastic synapses are stored."""
        return plasticity.StorePlace(self.plan.n_nodes, self.placement.first, self.key, self.plastic_dtype, Tally(self.team))

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
        logs, span = self._logs, (self.step, steps)
        return plastic if logs is None else logs.prepared(plastic, self.plan, m.ring, span, self._least_refractory)

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
