"""The spikes of target neurons that plastic synapses have not seen yet, and the postsynaptic traces.

A trace increases by 1 at each spike of the neuron and decays with tau_minus (a second trace decays with tau_minus_triplet).
A synapse considers postsynaptic spikes late: when a presynaptic spike arrives, it sees all that were fired since the previous
one. So spikes are stored in order of time, with the values of the traces just after each; links lead from a spike to the previous
and the next one of the same neuron. Spikes that no synapse can need any more are removed between slices.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.plasticity.decay import Decays, decay

NONE = 0  # the first entry of a block stands for no spike: its step is so long ago that traces have decayed to 0
LONG_AGO = -(2**31) + 1
STEP, BEFORE, AFTER, PLACE = range(4)  # int32 words of an entry in `link`
FAST, SLOW = 2, 3  # float64 words of an entry in `trace`, after the int32 words
WORDS, LINKS = 4, 8  # length of an entry (half a cache line) in float64 words and in int32 words


class PostsynapticSpikes(NamedTuple):
    """The spikes of the neurons of each block b.

    A spike is an entry of `LINKS` int32 words in ``link[b]``, of which ``used[b]`` words are in use; it is identified by the index of its
    first word. The entry contains the step, the previous and the next spike of the same neuron (`NONE` if there is none), the place of the
    neuron, and the two traces just after the spike, which are float64 numbers in ``trace[b]``, a view of the same memory.

    ``newest[place]`` is the last spike of a neuron; ``law[:, place]`` are the indices of its two time constants in `decays`, which has the
    time constants of all traces.
    """

    link: np.ndarray
    trace: np.ndarray
    used: np.ndarray
    newest: np.ndarray
    law: np.ndarray
    decays: Decays


def no_spikes(blocks: int, neurons: int, law: np.ndarray, decays: Decays) -> PostsynapticSpikes:
    """No spikes yet."""
    link, trace = memory(blocks, 1)
    trace[:], link[:, STEP] = 0.0, LONG_AGO
    return PostsynapticSpikes(link, trace, np.full(blocks, LINKS), np.full(neurons, NONE, np.int32), law, decays)


def memory(blocks: int, entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Uninitialised memory for `entries` entries in each block, viewed as links and as traces."""
    words = np.empty((blocks, entries * WORDS))
    return words.view(np.int32), words


@kernel
def note(trains, b, place, step):
    """Record a spike in `step` of the neuron in `place`, of block `b`."""
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
    """The first spike of a neuron after `step`, found by going back from its spike `e`, which is after `step`."""
    while link[link[e + BEFORE] + STEP] > step:
        e = link[e + BEFORE]
    return e


# -- between slices --------------------------------------------------------------------------------


def has_room(trains: PostsynapticSpikes, spikes: np.ndarray) -> bool:
    """Whether there is room for ``spikes[b]`` more spikes in each block b."""
    return bool(((trains.used + spikes * LINKS) <= trains.link.shape[1]).all())


def with_room(trains: PostsynapticSpikes, first: np.ndarray, spikes: np.ndarray, needed: int) -> PostsynapticSpikes:
    """`trains` with room for ``spikes[b]`` more spikes in each block b, and without the spikes that are no longer needed.

    Needed are the spikes after step `needed`, and the last spike of each neuron before. Memory that is never written costs nothing.
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
    """The entries of block `b` that are still needed, and the new index of every entry (`NONE` if removed)."""
    link = trains.link[b, : trains.used[b]].reshape(-1, LINKS)
    late = link[:, STEP] > needed
    late[NONE] = True
    keep = late | late[link[:, AFTER] // LINKS]
    place = np.where(keep, (np.cumsum(keep) - 1) * LINKS, NONE).astype(np.int32)
    entries = trains.trace[b, : trains.used[b] // 2].reshape(-1, WORDS)[keep]
    own = entries.view(np.int32)
    own[:, BEFORE], own[:, AFTER] = place[own[:, BEFORE] // LINKS], place[own[:, AFTER] // LINKS]
    return entries, place


def traces_now(trains: PostsynapticSpikes, bounds: np.ndarray, now: float, fired: np.ndarray, which: int, dt: float) -> np.ndarray:
    """The postsynaptic trace of every neuron at step `now`, shape (n_places,); time steps are of `dt` ms.

    Block b begins at place ``bounds[b]``; `fired` are the places of neurons that fired in this step, which are noted in the next one;
    `which` is 0 for the trace with tau_minus, 1 for that with tau_minus_triplet.
    """
    out = np.empty(len(trains.newest))
    for b, (lo, hi) in enumerate(itertools.pairwise(bounds)):
        e = trains.newest[lo:hi].astype(np.int64)
        tau = trains.decays.tau[trains.law[which, lo:hi]]
        passed = now - trains.link[b][e + STEP].astype(np.float64)
        out[lo:hi] = trains.trace[b][e // 2 + (FAST, SLOW)[which]] * np.exp(-passed * dt / tau)
    out[fired] += 1.0
    return out
