"""Lays out a plan in memory for exact spike times: kinds and states of neurons, trains, given spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine import layout
from lifsim.engine.loop import Blocks
from lifsim.engine.parallel.placement import Placement
from lifsim.engine.precise.event_dynamics import ALPHA, DELTA, EXP, KIND, LOSSLESS, STATES
from lifsim.engine.precise.event_loop import GivenSpikes, GridPoisson
from lifsim.engine.precise.event_neurons import NEURON, EventNeurons
from lifsim.engine.precise.event_poisson import INTERVALS, TRAIN, ExactPoissonTrains, begin
from lifsim.plan.spikes import NEVER

MODELS = {"iaf_psc_delta": DELTA, "iaf_psc_exp": EXP, "iaf_psc_alpha": ALPHA}


def model_of(group: Any) -> int:
    """The dynamics of `group`; with exponential currents of one time constant, threshold crossings can be predicted (LOSSLESS)."""
    p, model = group.params, MODELS[group.model.removesuffix("_lossless").removesuffix("_ps")]
    one = model == EXP and np.all(np.asarray(p["tau_syn_ex"]) == np.asarray(p["tau_syn_in"]))
    return LOSSLESS if one and group.model != "iaf_psc_exp_ps" else model


# -- neurons ---------------------------------------------------------------------------------------


def neurons_of(plan: Any, place: np.ndarray) -> EventNeurons:
    """All neurons in their initial state, without their next internal event."""
    cell = np.zeros(plan.n_neurons, NEURON)
    cell["due"] = NEVER
    x = EventNeurons(cell, kinds_of(plan, place, cell), np.full(plan.n_neurons, NEVER), plan.dt)
    for g in plan.groups:
        at = layout.places(g, place)
        cell["current"][at] = g.params["I_e"]
        for name in g.state:
            write_state(x, at, g, name, g.state[name])
    return x


def kinds_of(plan: Any, place: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The kinds of neurons: one per population if its neurons have equal parameters, else one per neuron. Fills ``cell["kind"]``."""
    kinds, first = [np.zeros(0, KIND)], 0
    for g in plan.groups:
        alike = all(np.ndim(v) == 0 for name, v in g.params.items() if name != "I_e")
        own = kind_of(g, 1 if alike else g.n, plan.dt)
        cell["kind"][layout.places(g, place)] = first + (0 if alike else np.arange(g.n))
        kinds.append(own)
        first += len(own)
    return np.concatenate(kinds)


def kind_of(group: Any, n: int, dt: float) -> np.ndarray:
    """The kinds of the `n` neurons of `group` (n = 1 if all have equal parameters)."""
    p, own = group.params, np.zeros(n, KIND)
    for name, value in (("tau_m", "tau_m"), ("C_m", "C_m"), ("tau_ex", "tau_syn_ex"), ("tau_in", "tau_syn_in")):
        own[name] = p.get(value, 1.0)
    own["R"] = own["tau_m"] / own["C_m"]
    for name, value in (("theta", "V_th"), ("reset", "V_reset"), ("floor", "V_min")):
        own[name] = np.asarray(p.get(value, -np.inf)) - np.asarray(p["E_L"])
    own["model"] = model_of(group)
    own["refractory"] = np.maximum(layout.refractory_steps(p, dt), 1)
    own["keeps"] = p.get("refractory_input", 0)
    own["tested"] = np.isin(own["model"], (EXP, ALPHA))
    own["gridded"] = (own["model"] != DELTA) & np.isfinite(own["floor"])
    own["peak"] = highest(own["tau_m"], own["tau_ex"]) / own["C_m"] * (1 + 1e-9)  # an upper bound despite rounding
    return own


def highest(tau_m: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The maximum over t of (e^(-t/tau) - e^(-t/tau_m)) / (1/tau_m - 1/tau) in ms: tau x^(x/(1 - x)) with x = tau/tau_m."""
    x = tau / tau_m
    near = np.abs(x - 1) < 1e-4
    u = np.where(near, 0.5, x)
    return np.where(near, tau_m * np.maximum(x, 1) / np.e * (1 + 1e-4), tau * u ** (u / (1 - u)))


def write_state(x: EventNeurons, at: np.ndarray, group: Any, name: str, values: Any) -> None:
    """Set state variable `name` of the neurons of `group` at the places `at`, in the user's units."""
    x.cell[STATES[name]][at] = values - (group.params["E_L"] if name == "V_m" else 0.0)


# -- stimuli ---------------------------------------------------------------------------------------


def given_of(plan: Any) -> GivenSpikes:
    """The given spikes of a plan."""
    e = plan.events
    return GivenSpikes(e.step, np.zeros(len(e.step)) if e.offset is None else e.offset, e.id)


def poisson_of(plan: Any, seats: Placement, blocks: Blocks) -> GridPoisson:
    """Poisson drives whose spikes are on the grid."""
    return GridPoisson(layout.poisson_of(plan, seats, blocks, 2), np.zeros((2, plan.n_neurons if plan.poisson else 0)))


def trains_of(plan: Any, seats: Placement, key: tuple[np.uint64, np.uint64]) -> ExactPoissonTrains:
    """All exact trains, sorted by place of the target, then by declaration."""
    trains = trains_by_place(plan, seats)
    begin((trains.train, key, float(plan.dt)))
    return trains


def trains_by_place(plan: Any, seats: Placement) -> ExactPoissonTrains:
    """As `trains_of`, without the first spikes."""
    drives = [layout.seated(d, seats.place) for d in plan.exact]
    own = np.concatenate([np.zeros(0, TRAIN), *(train_of(d, seats.id[d.targets], INTERVALS | np.uint32(d.stream)) for d in drives)])
    place = np.concatenate([np.zeros(0, np.int64), *(d.targets for d in drives)])
    order = np.argsort(place, kind="stable")
    return ExactPoissonTrains(own[order], np.searchsorted(place[order], np.arange(plan.n_neurons + 1)))


def go_on_from(old: np.ndarray, new: np.ndarray, key: tuple[np.uint64, np.uint64], step: int, dt: float) -> None:
    """Let the trains `new` go on after `step`, until which the trains were `old`; trains are the same if neuron and stream are.

    If the rate changes, the time until the next spike changes by the same factor as the mean interval, since a Poisson process whose rate
    changes is a process of rate 1 in another time. With a dead time, the next spike stays where it is, as in NEST. A train that begins or
    had ended draws a new interval.
    """
    _, mine, theirs = np.intersect1d(new["who"] << 32 | new["stream"], old["who"] << 32 | old["stream"], return_indices=True)
    r, was = new[mine], old[theirs]
    r["drawn"] = was["drawn"]
    on = (r["step"] <= step) & (was["step"] < NEVER) & (was["step"] > step) & np.isfinite(was["mean"])
    factor = np.where((r["dead"] == 0) & (was["dead"] == 0) & on, r["mean"] / np.where(on, was["mean"], 1.0), 1.0)
    left = factor * ((was["step"] - step) * dt - was["offset"])
    later = step + np.maximum(np.ceil(np.minimum(left, NEVER // 4 * dt) / dt), 1)
    later = np.where(np.isfinite(left), later, NEVER)
    moved = factor != 1
    r["offset"] = np.where(on, np.where(moved, np.maximum((later - step) * dt - left, 0.0), was["offset"]), r["offset"])
    r["step"] = np.where(on, np.where(moved, later, was["step"]), r["step"])
    r["step"] = np.where(on & (r["step"] > r["stop"]), NEVER, r["step"])
    new[mine] = r
    drawn = np.ones(len(new), bool)
    drawn[mine] = ~on
    fresh = new[drawn]
    fresh["step"] = np.maximum(fresh["step"], step)
    begin((fresh, key, dt))
    new[drawn] = fresh


def train_of(d: Any, who: np.ndarray, stream: Any) -> np.ndarray:
    """The trains of a drive in their initial state."""
    out = np.zeros(len(who), TRAIN)
    with np.errstate(divide="ignore"):
        out["mean"] = 1000.0 / np.asarray(d.rate) - d.dead_time
    out["dead"], out["weight"], out["who"], out["stream"] = d.dead_time, d.weight, who, stream
    out["step"], out["stop"] = d.start, d.stop
    return out
