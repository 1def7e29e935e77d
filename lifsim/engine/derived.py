"""Recorded variables that no kernel computes: they follow from samples of the state, from the spikes of a slice, or from the stimuli.

``I_syn`` is the sum of the synaptic currents; with conductances g_ex (E_ex - V_m) + g_in (E_in - V_m), positive if it depolarises.
``t_ref_remaining`` is the time until a refractory neuron is released, 0 for all others. Currents of generators: `stimuli.received`.
Runs that do not record these variables do not pay for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lifsim.common.timegrid import next_due, times
from lifsim.plan.plan import Group, Plan, Probe

SUM, REMAINING, RECEIVED = "I_syn", "t_ref_remaining", "I_stim"


def components(group: Group, probe: Probe) -> tuple[str, ...]:
    """The state variables of which `probe` needs samples."""
    if probe.source or probe.variable in (REMAINING, RECEIVED):
        return ()
    if probe.variable != SUM:
        return (probe.variable,)
    currents = tuple(name for name in group.state if name.startswith("I_syn_"))
    return currents or ("V_m", "g_ex", "g_in")


def sampled(plan: Plan) -> list[Probe]:
    """The probes of state variables that the probes of a plan need, in order."""
    return [replace(p, variable=name) for p in plan.probes for name in components(plan.group(p.group), p)]


def synaptic_current(group: Group, ids: np.ndarray, columns: Sequence[np.ndarray]) -> np.ndarray:
    """``I_syn`` (pA) of the neurons `ids` from the samples of its `components`, (n_samples, n_neurons) each."""
    if "g_ex" not in group.state:
        return np.sum(columns, axis=0)
    v, *conductances = columns
    reversal = (np.broadcast_to(group.params[name], group.n)[ids] for name in ("E_ex", "E_in"))
    return sum((g * (e - v) for g, e in zip(conductances, reversal, strict=True)), np.zeros(v.shape))


def due_steps(probe: Probe, start: int, stop: int) -> np.ndarray:
    """The steps start < step <= stop in which a sample of `probe` is due."""
    return np.arange(next_due(probe.start, probe.interval, start), min(stop, probe.stop) + 1, probe.interval)


@dataclass(frozen=True)
class Releases:
    """When the neurons of a population are released from refractoriness: `offset` ms before the end of `step`; shape (n,) each."""

    step: np.ndarray
    offset: np.ndarray

    def remaining(
        self, probe: Probe, refractory: np.ndarray, spikes: tuple[np.ndarray, ...], span: tuple[int, int], dt: float
    ) -> np.ndarray:
        """``t_ref_remaining`` (ms) at the due steps of a slice, (n_samples, n_neurons).

        Parameters
        ----------
        probe : of the variable. refractory : refractory period of each neuron in steps.
        spikes : those of the slice as in `SliceRecords`. span : first and last step of the slice. dt : time step, ms.
        """
        due = due_steps(probe, *span)
        step, offset = self.step.copy(), self.offset.copy()
        out, at = np.empty((len(due), len(probe.ids))), 0
        for row, now in zip(out, due, strict=True):
            until = int(np.searchsorted(spikes[0], now, "right"))
            who = spikes[1][at:until]
            step[who] = spikes[0][at:until] + refractory[who]
            offset[who] = spikes[2][at:until] if len(spikes) > 2 else 0.0
            row[:] = np.maximum(times(np.maximum(step[probe.ids] - now, 0), dt) - offset[probe.ids], 0.0)
            at = until
        return out


def releases_of(x: Any, place: np.ndarray) -> Callable[[Group], Releases]:
    """A function that returns the `Releases` of a population of the neurons `x`, whose spikes are on the grid."""

    def releases(group: Group) -> Releases:
        return Releases(x.until[place[group.first : group.first + group.n]].astype(np.int64) - 1, np.zeros(group.n))

    return releases


def refractory_of(x: Any, place: np.ndarray) -> Callable[[Group], np.ndarray]:
    """A function that returns the refractory periods, in steps, of a population of the neurons `x`."""

    def refractory(group: Group) -> np.ndarray:
        steps: np.ndarray = x.refractory[place[group.first : group.first + group.n]].astype(np.int64)
        return steps

    return refractory


class DerivedSamples:
    """The derived variables of a plan, over one slice after the other.

    Parameters
    ----------
    plan : whose probes they are. received : the currents from generators (`stimuli.received.Received`), None if none are recorded.
    """

    def __init__(self, plan: Plan, received: Any) -> None:
        self._plan, self._received = plan, received  # the plan of the current slice
        self._groups = {p.group for p in plan.probes if p.variable == REMAINING}
        self._before: dict[str, Releases] = {}
        self._start = 0

    def begin(self, plan: Plan, start: int, releases: Callable[[Group], Releases], machine: Any) -> None:
        """Note the state after step `start`, with which a slice begins; `plan` and `machine` are those of the slice.

        `releases` returns the `Releases` of a population.
        """
        self._plan, self._start = plan, start
        self._before = {name: releases(plan.group(name)) for name in self._groups}
        if self._received is not None:
            self._received.begin(plan, machine.currents, tuple(machine.key))

    def of(
        self,
        probe: Probe,
        columns: Sequence[np.ndarray],
        spikes: dict[str, tuple[np.ndarray, ...]],
        stop: int,
        refractory: Callable[[Group], np.ndarray],
    ) -> np.ndarray:
        """The samples of `probe` in the slice that ended with step `stop`; `columns` are those of its `components`.

        `refractory` returns the refractory periods of the neurons of a population in steps.
        """
        group, span = self._plan.group(probe.group), (self._start, stop)
        if probe.variable == SUM:
            return synaptic_current(group, probe.ids, columns)
        if probe.variable == REMAINING:
            own = self._before[probe.group]
            return own.remaining(probe, refractory(group), spikes[probe.group], span, self._plan.dt)
        if probe.source or probe.variable == RECEIVED:
            return self._received.samples(probe, due_steps(probe, *span), span)
        return columns[0]
