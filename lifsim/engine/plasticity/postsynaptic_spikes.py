"""The spikes of target neurons that plastic synapses still have to see, and the traces they leave.

A trace decays with tau_minus and grows by 1 at each spike of the neuron (a second one with tau_minus_triplet).
Synapses look at spikes late, when the spikes of their source arrive, and at all since the last time they did.
So spikes are kept, in order of time, with the value of the traces just after each; links lead from a spike of a
neuron to the one before and the one after it. Those that no synapse can ask for any more are dropped between slices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.plasticity.decay import Decays, decay

NONE = 0  # the first entry of a block stands for no spike: one so long ago that its trace is gone
LONG_AGO = -(2**31) + 1
STEP, BEFORE, AFTER, PLACE = range(4)  # words of an entry in `link`
FAST, SLOW = 2, 3  # words of an entry in `trace`: behind the links
WORDS, LINKS = 4, 8  # float64 words of an entry, half a cache line; int32 words of it


class PostsynapticSpikes(NamedTuple):
    """Spikes of the neurons of block b, in entries of `LINKS` int32 words of ``link[b]``, of which ``used[b]`` are in use.
    A spike is called by the place of its first word. The entry says its step, the spikes of the same neuron before and after
    (`NONE` if there is none), the place of the neuron and, in the same memory seen as float64 numbers, ``trace[b]``, the traces.

    `newest` is the last spike of the neuron in each place, ``law[:, place]`` its two time constants in `decays`, which
    holds those of all traces.
    """

    link: np.ndarray
    trace: np.ndarray
    used: np.ndarray
    newest: np.ndarray
    law: np.ndarray
    decays: Decays


def no_spikes(blocks: int, neurons: int, law: np.ndarray, decays: Decays) -> PostsynapticSpikes:
    """Nothing kept yet."""
    link, trace = memory(blocks, 1)
    trace[:], link[:, STEP] = 0.0, LONG_AGO
    return PostsynapticSpikes(link, trace, np.full(blocks, LINKS), np.full(neurons, NONE, np.int32), law, decays)


def memory(blocks: int, entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for so many entries in each block, as links and as traces."""
    words = np.empty((blocks, entries * WORDS))
    return words.view(np.int32), words


@kernel
def note(trains, b, place, step):
    """The neuron in `place`, of block `b`, fired in `step`."""
    link, trace, e, before = trains.link[b], trains.trace[b], trains.used[b], trains.newest[place]
    passed = step - np.int64(link[before + STEP])
    for word, law in ((FAST, 0), (SLOW, 1)):
        trace[e // 2 + word] = 1.0 + trace[before // 2 + word] * decay(trains.decays, trains.law[law, place], passed)
    link[e + STEP], link[e + BEFORE], link[e + AFTER], link[e + PLACE] = step, before, NONE, place
    if before != NONE:
        link[before + AFTER] = e
    trains.newest[place] = e
    trains.used[b] = e + LINKS


@inlined
def first_after(link, e, step):
    """The first spike after `step`, going back from spike `e`, which is after it."""
    while link[link[e + BEFORE] + STEP] > step:
        e = link[e + BEFORE]
    return e


# -- between slices --------------------------------------------------------------------------------


def has_room(trains: PostsynapticSpikes, spikes: np.ndarray) -> bool:
    """Whether there is room for so many more spikes of each block."""
    return bool(((trains.used + spikes * LINKS) <= trains.link.shape[1]).all())


def with_room(trains: PostsynapticSpikes, first: np.ndarray, spikes: np.ndarray, needed: int) -> PostsynapticSpikes:
    """`trains` with room for so many more spikes of each block; what nobody needs is dropped.

    Needed are the spikes after step `needed`, and of each neuron the last one before. Memory that is never used costs nothing.
    """
    newest, kept = trains.newest.copy(), []
    for b in range(len(trains.used)):
        entries, place = entries_after(trains, b, needed)
        newest[first[b] : first[b + 1]] = place[newest[first[b] : first[b + 1]] // LINKS]
        kept.append(entries)
    used = np.array([len(entries) for entries in kept])
    link, trace = memory(len(used), int(2 * (used + spikes).max(initial=0)))
    for own, entries in zip(trace, kept, strict=True):
        own[: entries.size] = entries.ravel()
    return trains._replace(link=link, trace=trace, used=used * LINKS, newest=newest)


def entries_after(trains: PostsynapticSpikes, b: int, needed: int) -> tuple[np.ndarray, np.ndarray]:
    """The entries of block `b` that are still needed, and the new places of all."""
    link = trains.link[b, : trains.used[b]].reshape(-1, LINKS)
    late = link[:, STEP] > needed
    late[NONE] = True
    keep = late | late[link[:, AFTER] // LINKS]
    place = np.where(keep, (np.cumsum(keep) - 1) * LINKS, NONE).astype(np.int32)
    entries = trains.trace[b, : trains.used[b] // 2].reshape(-1, WORDS)[keep]
    own = entries.view(np.int32)
    own[:, BEFORE], own[:, AFTER] = place[own[:, BEFORE] // LINKS], place[own[:, AFTER] // LINKS]
    return entries, place
