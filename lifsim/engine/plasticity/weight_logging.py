"""Which weights an engine logs, room for their rows, and the rows of a slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lifsim.engine.plasticity.pairs import Work, forget, work_for
from lifsim.engine.plasticity.plastic_delivery import Plastic, catch_up
from lifsim.engine.plasticity.plastic_layout import numbered, part_of
from lifsim.engine.plasticity.rule_dispatch import OF_SYNAPSES
from lifsim.engine.plasticity.weight_log import ROW_BYTES, WeightLog, empty_log
from lifsim.engine.records import WeightRows
from lifsim.plan.plan import Group, Plan


class WeightLogs:
    """The logs of the weights that the probes of a plan ask for.

    Parameters
    ----------
    plan : the plan. plastic : its plastic synapses. first : bounds of the blocks. ids : the neuron at each place.
    """

    def __init__(self, plan: Plan, plastic: Plastic, first: np.ndarray, ids: np.ndarray) -> None:
        self._first, self._ids = first, ids
        source, target = np.zeros(plan.n_nodes, bool), np.zeros(plan.n_nodes, bool)
        for probe in plan.weights:
            source[probe.sources], target[probe.targets] = True, True
        self._range = int(np.flatnonzero(source).min(initial=plan.n_nodes)), int(np.flatnonzero(source).max(initial=-1)) + 1
        self._pending = any(probe.sampled for probe in plan.weights)
        self._place = target[ids]
        self._work: Work | None = None  # for `pending`
        self._rows: list[np.ndarray | None] = []  # of each model, whether the synapses of a row are logged
        self._sizes: list[np.ndarray] = []  # of each model, the number of logged synapses by block and source
        for group in plastic.groups:
            logged = type(group) in OF_SYNAPSES
            node = np.repeat(np.arange(plan.n_nodes), np.diff(group.y.row_first))
            self._rows.append(source[node] if logged else None)
            self._sizes.append(self._sizes_of(group.y, node, source) if logged else np.zeros((len(first) - 1, plan.n_nodes), np.int64))
        self.size = np.sum(self._sizes, axis=(0, 1))  # by source

    def _sizes_of(self, y: Any, node: np.ndarray, source: np.ndarray) -> np.ndarray:
        blocks = len(self._first) - 1
        out = np.zeros((blocks, len(source)), np.int64)
        for b in range(blocks if len(node) else 0):
            a, z = int(y.begin[b, 0, 0]), int(y.begin[b, -1, -1])
            before = np.append(0, np.cumsum(self._place[self._first[b] + y.target[a:z]]))
            number = before[y.begin[b, :, -1] - a] - before[y.begin[b, :, 0] - a]
            np.add.at(out[b], node, number * source[node])
        return out

    def prepared(self, plastic: Plastic, plan: Plan, ring: Any, span: tuple[int, int], least: Callable[[Group], int]) -> Plastic:
        """`plastic` with empty logs for the ``span[1]`` steps after step ``span[0]``; `least` gives the shortest refractory period."""
        logs, most = [], most_arrivals(plan, ring, *span, least)
        for row, size, log in zip(self._rows, self._sizes, plastic.logs, strict=True):
            rooms = size @ most
            if row is not None and (log is None or (np.diff(log.first) < rooms).any()):
                log = empty_log(row, self._place, rooms)
            if log is not None:
                log.number[:] = 0
            logs.append(log)
        same = all(a is b for a, b in zip(logs, plastic.logs, strict=True))
        return plastic if same else plastic._replace(logs=tuple(logs))

    def bytes_of(self, plan: Plan, rate: Callable[[Group], float]) -> float:
        """The bytes of the logs in a step; `rate` gives the number of spikes of a population in a step."""
        return float(self.size @ each(plan, lambda g: rate(g) / g.n)) * ROW_BYTES

    def records(self, plastic: Plastic, ring: Any, dtype: np.dtype[Any], step: int) -> tuple[WeightRows, WeightRows]:
        """The results of `rows` and `pending`, after the slice (the steps of one call of the engine) that ended with `step`."""
        return self.rows(plastic), self.pending(plastic, ring, dtype, step)

    def rows(self, plastic: Plastic) -> WeightRows:
        """The rows of the slice that is done, by the step of arrival, then by step, source and target."""
        found = [self._read(k, g.y, log, 0) for k, (g, log) in enumerate(zip(plastic.groups, plastic.logs, strict=True)) if log]
        return _joined(found)

    def pending(self, plastic: Plastic, ring: Any, dtype: np.dtype[Any], step: int) -> WeightRows:
        """The rows that the spikes sent until `step` which have not arrived will write, as `rows`; none if no probe is sampled."""
        spikes = int(ring.number.sum())
        found: list[tuple[np.ndarray, ...]] = []
        lo, hi = self._range
        for k, (group, rows, size) in enumerate(zip(plastic.groups, self._rows, self._sizes, strict=True)):
            if rows is None or not (self._pending and spikes and lo < hi):
                continue
            for b in range(len(self._first) - 1):
                part, own = part_of(group.y, b, lo, hi), rows[group.y.row_first[lo] : group.y.row_first[hi]]
                log = empty_log(own, self._place, np.array([spikes * int(size[b].max(initial=0))]))
                trains = plastic.trains._replace(**{key: getattr(plastic.trains, key)[b : b + 1] for key in ("link", "trace", "used")})
                self._work = self._work or work_for(1, len(trains.newest))
                forget(self._work)
                catch_up(type(group)(part), trains, ring, self._first[b : b + 2], dtype, step, log, self._work)
                begin = group.y.begin[b, group.y.row_first[lo] : group.y.row_first[hi]]
                found.append(self._read(k, group.y, log, int(begin[0, 0]) if begin.size else 0))
        return _joined(found)

    def _read(self, k: int, y: Any, log: WeightLog, offset: int) -> tuple[np.ndarray, ...]:
        """The columns of the log of model `k`; the synapses of the log are numbered from `offset` on."""
        at = np.concatenate([np.zeros(0, np.int64), *(np.arange(a, a + n) for a, n in zip(log.first[:-1], log.number, strict=True))])
        synapse = log.synapse[at] + offset
        block = np.searchsorted(y.begin[:, 0, 0], synapse, "right") - 1 if len(at) else at
        target = self._ids[self._first[block] + y.target[synapse]]
        return log.sent[at], log.sent[at] + log.delay[at], log.source[at], target, numbered(k, synapse), log.weight[at]


def most_arrivals(plan: Plan, ring: Any, step: int, steps: int, least: Callable[[Group], int]) -> np.ndarray:
    """The most spikes of each node that can arrive at a synapse in the `steps` steps after `step`: those under way, and new ones."""
    most = each(plan, lambda g: g.burst * (steps // (least(g) + 1) + 1)).astype(np.int64)
    sent = [ring.ids[a : a + n] for a, n in zip(ring.begin[:, :-1].ravel(), ring.number[:, :-1].ravel(), strict=True) if n]
    given = plan.events.window(step - len(ring.number), step + steps)[1]
    return most + np.bincount(np.concatenate([given, *sent]).astype(np.int64), minlength=len(most))


def each(plan: Plan, number: Callable[[Group], float]) -> np.ndarray:
    """A number of each neuron, that of its population, and 0 for other nodes; shape (n_nodes,)."""
    out = np.zeros(plan.n_nodes)
    for g in plan.groups:
        out[g.first : g.first + g.n] = number(g)
    return out


def _joined(found: Sequence[tuple[np.ndarray, ...]]) -> WeightRows:
    none = tuple(np.zeros(0, np.int64) for _ in range(5))
    columns = [np.concatenate(x) for x in zip((*none, np.zeros(0)), *found, strict=True)]
    sent, arrived, source, target, *_ = columns
    order = np.lexsort((target, source, sent, arrived))
    return WeightRows(*(columns[i][order] for i in (0, 2, 3, 4, 5)))
