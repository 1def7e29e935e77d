"""Checks that there is enough memory for a run, and for compiling its code."""

from __future__ import annotations

import gc
from typing import Any

from lifsim.building.needs import BASE
from lifsim.common import memory
from lifsim.common.errors import LifsimError
from lifsim.plan.limits import MOST_WORDS

ADDRESSES, DATA, STACK = 620e6, 80e6, 75e6  # bytes beyond BASE: of address space, of data segments; address space per thread
SLICE = 64e6  # bytes reserved for the records and the spikes in transit of a slice
COMPILER = 315e6  # bytes needed for compiling, with the types that Numba then loads


def check_room(facts: dict[str, Any]) -> None:
    """Check that there is enough memory for a run; `facts` as of `lifsim.building.needs.estimate`.

    Raises
    ------
    LifsimError : there is not enough; says how much is needed, and how much is free for this process.
    """
    lacking = _lacking(facts)
    if lacking is not None:
        gc.collect()  # unreferenced objects may be large
        lacking = _lacking(facts)
    if lacking is not None:
        needed, free, place = lacking
        kind = "address space" if "ulimit" in place else "memory"
        got = f"this network needs about {memory.said(needed)} of {kind}"
        raise LifsimError("memory", got, f"{memory.said(free)} are free {place}; a network with fewer synapses, or float32, needs less")
    if facts["row"] > MOST_WORDS:
        got = f"the synapses of a node onto the neurons of a block take about {facts['row']:.3g} words of 16 bits"
        raise LifsimError("projections", got, f"at most {MOST_WORDS:,}: fewer synapses from one node, or weights of fewer bits")


def check_compiler() -> None:
    """Check that there is enough memory for compiling.

    Raises
    ------
    LifsimError : there is not enough; says how much is needed, and how much is free for this process.
    """
    limit = memory.free()
    if limit.free < COMPILER:
        got = f"compiling the code of this run needs about {memory.said(COMPILER)}"
        raise LifsimError("memory", got, f"{memory.said(limit.free)} are free {limit.place}; run `lifsim warmup` once without this limit")


def _lacking(facts: dict[str, Any]) -> tuple[float, float, str] | None:
    """The first memory limit that a run would exceed, as (bytes needed, bytes free, where); None if there is none. Memory that the
    program has already loaded counts as needed and as free.
    """
    rest = facts["bytes"] - facts["held"] - BASE
    reserved = facts["reserved"] + SLICE
    program = {"memory": BASE, "addresses": BASE + ADDRESSES, "data": BASE + DATA}
    beside = {"memory": 0.0, "addresses": reserved + STACK * (facts["threads"] if facts["threads"] > 1 else 0), "data": reserved}
    for limit in memory.limits(rest + max(beside.values()) + max(program.values())):
        loaded = program[limit.kind]
        needed, free = rest + loaded + beside[limit.kind], limit.free + min(limit.used, loaded)
        if needed > free:
            return needed, free, limit.place
    return None
