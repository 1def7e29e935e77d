"""The currents that neurons receive from generators, computed once more for the recorded steps, by the kernels of the run.

All these currents are functions of the step, except Ornstein-Uhlenbeck processes, whose values at the beginning of a slice are copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.derived import RECEIVED
from lifsim.engine.restimulated import changed
from lifsim.engine.stimuli.currents import Currents, add_currents
from lifsim.plan.plan import Plan, Probe
from lifsim.plan.stimuli import CURRENTS


class ReceivedCurrents(NamedTuple):
    """The data of `receive_currents`: the currents, bounds of the pieces, work space for the sums (pA) by place, the places that are
    recorded, the steps that are due, ascending, and their samples, (n_due, n_recorded). `always` is 1 if steps between them count too.
    """

    currents: Currents
    edges: np.ndarray
    total: np.ndarray
    place: np.ndarray
    due: np.ndarray
    out: np.ndarray
    always: int
    key: tuple[np.uint64, np.uint64]


@Part
def receive_currents(m, first, last):
    """Sample the currents in the due ones of the steps `first` … `last`."""
    c, edges, total, place, due, out, always, key = read(m)
    row = 0
    for step in range(first, last + 1):
        wanted = row < len(due) and due[row] == step
        if wanted or always:
            total[:] = 0
            for p in range(len(edges) - 1):
                add_currents(c, p, total[edges[p] : edges[p + 1]], edges[p], key, step)
        if wanted:
            for i in range(len(place)):
                out[row, i] = total[place[i]]
            row += 1


def received_now(currents: Currents, edges: np.ndarray, place: np.ndarray, key: Any, step: int) -> np.ndarray:
    """The current (pA) from all generators onto the neurons at the places `place` in `step`, the last one that was done; shape (n,).

    Parameters
    ----------
    currents : the tables of the run. edges : bounds of the pieces. key : of the random numbers.
    """
    changing, total, out = currents.changing, np.zeros(int(edges[-1])), np.zeros((1, len(place)))
    still = currents  # without Ornstein-Uhlenbeck processes, which the kernel would advance by a step
    if changing is not None:
        still = currents._replace(changing=changing._replace(path_when=np.zeros_like(changing.path_when)))
    receive_currents(ReceivedCurrents(still, edges, total, place, np.array([step]), out, 0, key), step, step)
    return out[0] + (0.0 if changing is None else _paths_now(changing, int(edges[-1]), step)[place])


def _paths_now(c: Any, n: int, step: int) -> np.ndarray:
    """The currents of Ornstein-Uhlenbeck processes at all `n` places in `step`, the last one that was done."""
    total = np.zeros(n)
    for d, ((mean, std, *_), (start, stop, _)) in enumerate(zip(c.path, c.path_when, strict=True)):
        own = slice(c.paths.first[d, 0], c.paths.first[d, -1])
        if start < step <= stop:
            np.add.at(total, c.paths.target[own], c.paths.weight[own] * (mean + std * c.path_at[own]))
    return total


class Received:
    """Samples the currents from generators onto neurons.

    Parameters
    ----------
    place : the place of each neuron. edges : bounds of the pieces. tables : makes the tables of the currents of a plan.
    """

    def __init__(self, place: np.ndarray, edges: np.ndarray, tables: Callable[[Plan], Currents]) -> None:
        self._place, self._edges, self._make = place, edges, tables
        self._plan: Plan | None = None
        self._key: Any = None  # of the random numbers
        self._tables: dict[str, Currents] = {}  # of each recorded source, "" for all
        self._paths: dict[str, np.ndarray] = {}  # index of its processes among those of the run
        self._begun = np.zeros(0)  # values of the processes of the run when the slice began

    def begin(self, plan: Plan, currents: Currents, key: Any) -> None:
        """Note the stimuli at the beginning of a slice: `plan`, and the tables of the run."""
        if self._plan is None or changed(self._plan, plan, *CURRENTS):
            self._lay_out(plan)
        self._plan, self._key = plan, key
        self._begun = np.zeros(0) if currents.changing is None else currents.changing.path_at.copy()

    def _lay_out(self, plan: Plan) -> None:
        """Make the tables of each recorded source."""
        for source in {p.source for p in plan.probes if p.source or p.variable == RECEIVED}:
            own: Any = {name: [d for d in getattr(plan, name) if source in ("", d.source)] for name in CURRENTS}
            self._tables[source] = self._make(replace(plan, **own))
            each = [np.full(len(d.targets), source in ("", d.source)) for d in plan.paths]
            self._paths[source] = np.flatnonzero(np.concatenate([np.zeros(0, bool), *each]))

    def samples(self, probe: Probe, due: np.ndarray, span: tuple[int, int]) -> np.ndarray:
        """The currents (pA) in the steps `due` of the slice with the steps after ``span[0]`` up to ``span[1]``, (n_due, n_neurons)."""
        assert self._plan is not None
        tables, own = self._tables[probe.source], self._paths[probe.source]
        if tables.changing is not None:
            tables = tables._replace(changing=tables.changing._replace(path_at=self._begun[own]))
        place = self._place[self._plan.group(probe.group).first + probe.ids]
        out = np.zeros((len(due), len(place)))
        total = np.zeros(self._plan.n_neurons)
        data = ReceivedCurrents(tables, self._edges, total, place, due, out, int(len(own) > 0), self._key)
        first = span[0] + 1 if len(own) else int(due.min(initial=span[1] + 1))
        receive_currents(data, first, int(due.max(initial=span[0])))
        return out
