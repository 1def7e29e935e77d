"""The common base of engines with neurons: probes, synapses, and threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from lifsim.common.timegrid import times
from lifsim.engine import plasticity
from lifsim.engine.derived import RECEIVED, REMAINING, SUM, DerivedSamples, Releases, components, sampled, synaptic_current
from lifsim.engine.parallel.clock import clock_for, spent
from lifsim.engine.parallel.placement import place_neurons
from lifsim.engine.parallel.team import Team
from lifsim.engine.piece import Probes
from lifsim.engine.probe_layout import probed
from lifsim.engine.stimuli.received import Received, received_now
from lifsim.engine.synapses import packing
from lifsim.engine.synapses.sampling import key_of
from lifsim.engine.synapses.tally import Tally
from lifsim.plan.limits import GRAIN, STEPS
from lifsim.plan.plan import Group, Plan, Probe
from lifsim.plan.spikes import NEVER

UNDERWAY = 512 << 20  # most bytes of address space for pending spikes; unused address space takes no memory


class NeuronEngine:
    """A plan in memory. The subclass makes the `machine`, which has all arrays of a run.

    Parameters
    ----------
    plan : what to simulate.
    threads : number of threads; results do not depend on it.
    precision : dtype of the state and of input sums. weights : dtype in which weights are stored.
    tell : called now and then with the number of synapses made so far; None: not called.
    """

    machine: Any
    get: Callable[[str, str], np.ndarray]
    _releases: Callable[[Group], Releases]
    derived: DerivedSamples
    _edges: np.ndarray  # bounds of the pieces

    def __init__(self, plan: Plan, threads: int, precision: str, weights: str, tell: Callable[[int], None] | None) -> None:
        self.plan = plan
        self.dtype, self.weight_dtype = np.dtype(precision), np.dtype(weights)
        # Shares of threads are multiples of `GRAIN` neurons, so further threads would have none.
        self.team = Team(min(threads, -(-plan.n_neurons // GRAIN)))
        self.tally = Tally(self.team, tell)
        self.step = 0
        self.key = key_of(plan.seed)
        self.placement = place_neurons(plan, self.team.size)
        self._sampled = sampled(plan)

    @property
    def threads(self) -> int:
        """Number of threads."""
        return self.team.size

    # -- probes ------------------------------------------------------------------------------------

    def _with_room(self, probes: Probes, steps: int) -> Probes:
        """`probes` with an output buffer for the samples of `steps` steps."""
        before, after = self._samples(self.step), self._samples(self.step + steps)
        offset = np.concatenate([[0], np.cumsum((after - before) * np.diff(probes.first))]).astype(np.int64)
        if len(probes.out) == offset[-1] and np.array_equal(offset[:-1], probes.offset):
            probes.before[:] = before
            return probes
        return probes._replace(before=before, offset=offset[:-1], out=np.zeros(offset[-1]))

    def _samples(self, step: int) -> np.ndarray:
        """The number of samples that each probe has taken up to `step`, shape (n_probes,)."""
        p = self.machine.probes
        return np.maximum(np.minimum(step, p.stop) - p.start, 0) // np.maximum(p.interval, 1)

    def _derived(self, edges: np.ndarray, tables: Callable[[Plan], Any]) -> DerivedSamples:
        """The derived variables that the plan records; `edges` are the bounds of the pieces, `tables` makes tables of currents."""
        received, self._edges = None, edges
        if any(p.source or p.variable == RECEIVED for p in self.plan.probes):
            received = Received(self.placement.place, edges, tables)
        return DerivedSamples(self.plan, received)

    def derived_now(self, group: str, name: str) -> np.ndarray:
        """See `lifsim.engine.contract.RunningEngine.derived_now`."""
        g = self.plan.group(group)
        if name == SUM:
            needed = components(g, Probe(group, SUM, np.arange(g.n), 1, 0, NEVER))
            return synaptic_current(g, np.arange(g.n), [self.get(group, own)[None] for own in needed])[0]
        if name == REMAINING:
            at = self._releases(g)
            return np.maximum(times(np.maximum(at.step - self.step, 0), self.plan.dt) - at.offset, 0.0)
        if name == RECEIVED:
            place = self.placement.place[g.first : g.first + g.n]
            return received_now(self.machine.currents, self._edges, place, tuple(self.machine.key), self.step)
        if self.machine.plastic is None:
            raise KeyError(name)
        place, blocks, ring, trains = self.placement.place, self.machine.blocks, self.machine.ring, self.machine.plastic.trains
        k = self.step % len(ring.number)
        fired = [ring.ids[a : a + n] for a, n in zip(ring.begin[k, :-1], ring.number[k, :-1], strict=True)]
        slow = int(name == "post_trace_triplet")
        found = plasticity.traces_now(trains, blocks.first, self.step, place[np.concatenate(fired)], slow, self.plan.dt)
        return found[place[g.first : g.first + g.n]]

    def _recorded(
        self,
        m: Any,
        shown: Callable[..., np.ndarray],
        spikes: dict[str, tuple[np.ndarray, ...]],
        refractory: Callable[[Group], np.ndarray],
    ) -> list[np.ndarray]:
        """The samples of each probe of the plan in the slice that is done, in which the populations fired `spikes`."""
        raw = iter(self._gathered(m, shown))
        needed = [[next(raw) for _ in components(self.plan.group(p.group), p)] for p in self.plan.probes]
        return [self.derived.of(p, own, spikes, self.step, refractory) for p, own in zip(self.plan.probes, needed, strict=True)]

    def _gathered(self, m: Any, shown: Callable[..., np.ndarray]) -> list[np.ndarray]:
        """The samples of each probe of a state variable in the user's units and order; `m` has the buffers."""
        samples = []
        for i, p in enumerate(self._sampled):
            n = len(p.ids)
            stop = m.probes.offset[i + 1] if i + 1 < len(m.probes.offset) else len(m.probes.out)
            columns = m.probes.out[m.probes.offset[i] : stop].reshape(-1, n)  # sorted by place
            order = np.argsort(np.argsort(probed(self.plan, p, self.placement.place)))
            if (order != np.arange(n)).any():
                columns = columns[:, order]
            samples.append(shown(self.plan.group(p.group), p.variable, columns, p.ids))
        return samples

    # -- synapses ----------------------------------------------------------------------------------

    @property
    def channels(self) -> int:
        """The largest number of input sums of a neuron; with several, weights are stored by sign or receptor."""
        return int(getattr(self.machine.neurons, "channels", 1))

    def classes(self, wiring: Any, weight: np.ndarray) -> np.ndarray:
        """The rank, in the order of `synapses`, of synapses of `wiring` with these weights among those of the same source and target."""
        mixed = not wiring.plasticity and packing.channel_of(wiring, self.channels) < 0
        return (weight < 0).astype(np.int8) if mixed else np.zeros(len(weight), np.int8)

    def stored_weights(self, wiring: Any, weight: np.ndarray) -> np.ndarray:
        """Weights of static synapses of `wiring` as they are stored, rounded to the data type of weights."""
        if self.weight_dtype.kind == "f":
            return weight.astype(self.weight_dtype).astype(np.float64)
        unit = self.machine.synapses.unit
        own = np.where(weight < 0, unit[-1], unit[0]) if not wiring.receptor else unit[wiring.receptor - 1]
        return np.clip(np.floor(weight / own + 0.5), -STEPS, STEPS) * own if len(self.machine.synapses.weight) else weight

    def synapses(
        self, sources: tuple[int, int], targets: tuple[int, int], plastic_only: int | None = None, variable: str = "weight"
    ) -> tuple[np.ndarray, ...]:
        """Synapses from source ids lo … hi - 1 to target ids lo … hi - 1, sorted by source, then target.

        If `plastic_only` is given, only those of this projection, which is plastic; `variable` is then read in place of the weight.
        Returns source, target (both relative to the ranges), weight, delay in steps; shape (n_synapses,) each.
        """
        return self.numbered_synapses(sources, targets, plastic_only, variable)[:4]

    def numbered_synapses(
        self, sources: tuple[int, int], targets: tuple[int, int], plastic_only: int | None = None, variable: str = "weight"
    ) -> tuple[np.ndarray, ...]:
        """As `synapses`, and the numbers of plastic synapses in `WeightRows`, -1 for static ones."""
        y, first, plastic = self.machine.synapses, self.machine.blocks.first, self.machine.plastic
        rows = y.row_first[sources[0]], y.row_first[sources[1]]
        row_source = np.repeat(np.arange(sources[1] - sources[0]), np.diff(y.row_first[sources[0] : sources[1] + 1]))
        only = None if plastic_only is None else plasticity.Only(*plasticity.stored_in(self.plan.wirings, plastic_only), variable)
        columns = []
        for b in range(len(first) - 1):
            both = []
            if plastic_only is None:
                row, *packed = packing.unpack(y, b, *rows)
                both.append([row_source[row], *packed, np.full(len(row), -1)])
            if plastic is not None:
                seen = plasticity.Seen(self.machine.ring, first, self.dtype, self.step)
                both.append(plasticity.unpacked(plastic, seen, b, sources, only))
            for source, place, *rest in both:
                target = self.placement.id[first[b] + place] - targets[0]
                keep = (target >= 0) & (target < targets[1] - targets[0])
                columns.append([x[keep] for x in (source, target, *rest)])
        joined = [np.concatenate(c) for c in zip(*columns, strict=True)]
        order = np.lexsort((joined[1], joined[0]))  # all synapses of a pair are in one block, so the order does not depend on blocks
        return tuple(c[order] for c in joined)

    def synapse_variables(self, index: int) -> tuple[str, ...]:
        """See `lifsim.engine.contract.RunningEngine.synapse_variables`."""
        return plasticity.variables(plasticity.stored_in(self.plan.wirings, index)[0])

    def has_own_values(self, index: int, name: str) -> bool:
        """See `lifsim.engine.contract.RunningEngine.has_own_values`."""
        return plasticity.kind_of(self.machine.plastic, self.plan.wirings, index, name) == plasticity.OWN

    def is_in_state(self, index: int, name: str) -> bool:
        """See `lifsim.engine.contract.RunningEngine.is_in_state`."""
        return plasticity.kind_of(self.machine.plastic, self.plan.wirings, index, name) != plasticity.SHARED

    def set_synapse_values(self, index: int, name: str, values: np.ndarray, numbers: np.ndarray | None) -> None:
        """See `lifsim.engine.contract.RunningEngine.set_synapse_values`."""
        plastic, wirings = self.machine.plastic, self.plan.wirings
        if numbers is not None:
            plasticity.set_own(plastic, wirings, index, name, values, numbers)
        else:
            plastic = plasticity.with_value(plastic, wirings, index, name, float(values), self.plan, self.placement.place)
            self.machine = self.machine._replace(plastic=plastic)

    def _wirings(self) -> list[Any]:
        """The wirings of the plan, with places as targets."""
        return [replace(w, targets=self.placement.place[w.targets]) for w in self.plan.wirings]

    def fan_out(self) -> np.ndarray:
        """Number of synapses from each node, shape (n_nodes,)."""
        y = self.machine.synapses
        blocks = range(len(self.machine.blocks.first) - 1)
        rows = sum((packing.lengths(y, b, 0, len(y.row_class)) for b in blocks), np.zeros(len(y.row_class), np.int64))
        static = np.diff(np.concatenate([[0], np.cumsum(rows)])[y.row_first])
        return static if self.machine.plastic is None else static + plasticity.fan_out(self.machine.plastic)

    # -- timing and threads ------------------------------------------------------------------------

    def measure(self) -> None:
        """Measure the time of each phase of the loop from now on."""
        self.machine = self.machine._replace(clock=clock_for(self.team.size, on=True))

    def spent(self) -> dict[str, float]:
        """Seconds spent in each phase since `measure`, averaged over threads."""
        return spent(self.machine.clock)

    def close(self) -> None:
        """Release the threads."""
        self.team.close()
