"""The spikes of target neurons that plastic synapses still have to see, and the traces they leave.

A trace decays with tau_minus and grows by 1 at each spike of the neuron (a second one with tau_minus_triplet).
Synapses look at spikes late, when the spikes of their source arrive, and at all since the last time they did.
So spikes are kept, in order of time, with the value of the traces just after each; links lead from a spike of a
neuron to the one before and the one after it. Those that no synapse can ask for any more are dropped between slices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.jit import inlined, kernel
from lifsim.engine.plasticity.decay import Decays, decay

NONE = 0  # the first entry of a block stands for no spike: one so long ago that its trace is gone
LONG_AGO = -(2**31) + 1
STEP, BEFORE, AFTER = range(3)  # columns of `link`
FAST, SLOW = 2, 3  # columns of `trace`: behind the links
WORDS, LINKS = 4, 8  # float64 words of a spike, half a cache line; int32 words of it


class Trains(NamedTuple):
    """Spikes e of the neurons of block b, ``1 … used[b] - 1``: ``link[b, e]`` says the step and the spikes of the same
    neuron before and after (int32; `NONE` if there is none), ``trace[b, e]`` the traces (float64); both are one memory.

    `newest` is the last spike of the neuron in each place, ``law[:, place]`` its two time constants in `decays`, which
    holds those of all traces.
    """

    link: np.ndarray
    trace: np.ndarray
    used: np.ndarray
    newest: np.ndarray
    law: np.ndarray
    decays: Decays


def no_spikes(blocks: int, neurons: int, law: np.ndarray, decays: Decays) -> Trains:
    """Nothing kept yet."""
    link, trace = memory(blocks, 1)
    trace[:], link[:, NONE, STEP] = 0.0, LONG_AGO
    return Trains(link, trace, np.ones(blocks, np.int64), np.full(neurons, NONE, np.int32), law, decays)


def memory(blocks: int, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for so many spikes in each block, as links and as traces."""
    words = np.empty((blocks, room, WORDS))
    return words.view(np.int32), words


@kernel
def note(trains, b, place, step):
    """The neuron in `place`, of block `b`, fired in `step`."""
    link, trace, e, before = trains.link[b], trains.trace[b], trains.used[b], trains.newest[place]
    link[e, STEP], link[e, BEFORE], link[e, AFTER] = step, before, NONE
    passed = step - np.int64(link[before, STEP])
    trace[e, FAST] = 1.0 + trace[before, FAST] * decay(trains.decays, trains.law[0, place], passed)
    trace[e, SLOW] = 1.0 + trace[before, SLOW] * decay(trains.decays, trains.law[1, place], passed)
    if before != NONE:
        link[before, AFTER] = e
    trains.newest[place] = e
    trains.used[b] = e + 1


@inlined
def first_after(link, e, step):
    """The first spike after `step`, going back from spike `e`, which is after it."""
    while link[link[e, BEFORE], STEP] > step:
        e = link[e, BEFORE]
    return e


# -- between slices --------------------------------------------------------------------------------


def with_room(trains: Trains, first: np.ndarray, spikes: np.ndarray, needed: int) -> Trains:
    """`trains` with room for so many more spikes of each block; what nobody needs is dropped when they are moved.

    Needed are the spikes after step `needed`, and of each neuron the last one before. Memory that is never used costs nothing.
    """
    room = int((trains.used + spikes).max(initial=0))
    if room <= trains.link.shape[1]:
        return trains
    newest, used, kept = trains.newest.copy(), trains.used.copy(), []
    for b in range(len(used)):
        words, number = _needed(trains, b, needed)
        newest[first[b] : first[b + 1]] = number[newest[first[b] : first[b + 1]]]
        used[b] = len(words)
        kept.append(words)
    link, trace = memory(len(used), int(2 * (used + spikes).max(initial=0)))
    for b, words in enumerate(kept):
        trace[b, : used[b]] = words
    return trains._replace(link=link, trace=trace, used=used, newest=newest)


def _needed(trains: Trains, b: int, needed: int) -> tuple[np.ndarray, np.ndarray]:
    """The spikes of block `b` that are still needed, and the new numbers of all."""
    link = trains.link[b, : trains.used[b]]
    late = link[:, STEP] > needed
    late[NONE] = True
    keep = late | late[link[:, AFTER]]
    number = np.where(keep, np.cumsum(keep) - 1, NONE).astype(np.int32)
    words = trains.trace[b, : trains.used[b]][keep]
    own = words.view(np.int32)
    own[:, BEFORE], own[:, AFTER] = number[own[:, BEFORE]], number[own[:, AFTER]]
    return words, number
