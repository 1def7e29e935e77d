"""Expands all synapses of a wiring into arrays, where they must be known before the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.synapses.sampling import DELAYS_TOO, NOT_DRAWN, WEIGHTS_TOO, Drawer, draw, key_of, rule_of
from lifsim.plan.synapses import BY_SYNAPSE, CONSTANT, GIVEN, ONE, RANDOM, ROWS, Expanded


@Part
def expand_rule(m):
    """Draw all synapses of a rule, target by target."""
    d, out = read(m)
    i = 0
    for t in range(len(d.targets)):
        for k in range(draw(d, t, DELAYS_TOO | WEIGHTS_TOO)):
            out.source[i], out.target[i] = d.source[k], t
            out.weight[i], out.delay[i] = d.weight[k], d.delay[k]
            i += 1


def expand(wiring: Any, seed: int) -> Expanded:
    """All synapses of a `lifsim.plan.Wiring`, ordered by target, then by number of the synapse."""
    if wiring.kind == GIVEN:
        return in_order(wiring)
    if wiring.kind != RANDOM and wiring.weight.kind in NOT_DRAWN and wiring.delay.kind in NOT_DRAWN:
        return spelled_out(wiring)
    rule = rule_of(wiring)
    n = int(rule.ptr[-1])
    out = Expanded(np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.float64), np.empty(n, np.int64))
    Drawer(rule, key_of(seed)).run(expand_rule, (out,))
    return out


def spelled_out(wiring: Any) -> Expanded:
    """`expand` where nothing is drawn, as for most stimuli; this needs no compiled code."""
    w, target = wiring, np.repeat(np.arange(len(wiring.targets)), np.diff(wiring.ptr))
    n = len(target)
    if w.kind == ROWS:
        source = w.rows[:n].astype(np.int64)
    elif w.kind == ONE:
        source = target
    else:
        source = np.arange(n) - w.ptr[target]  # number of the synapse at its target
        source += (w.itself[target] >= 0) & (w.itself[target] <= source)

    def each(v: Any) -> np.ndarray:
        if v.kind == CONSTANT:
            return np.full(n, float(v.a))
        return (
            np.asarray(v.array, np.float64)[:n]
            if v.kind == BY_SYNAPSE
            else np.asarray(v.array, np.float64)[target * len(w.sources) + source]
        )

    return Expanded(source, target, each(w.weight), np.floor(each(w.delay) + 0.5).astype(np.int64))


def in_order(wiring: Any) -> Expanded:
    """`expand` for given synapses."""
    rows = wiring.given.by_target()

    def each(v: Any) -> np.ndarray:
        return np.full(len(rows.sources), v.a) if v.array is None else rows.sorted(v.array)

    weight, delay = each(wiring.weight).astype(np.float64), each(wiring.delay).astype(np.int64)
    return Expanded(rows.sources.astype(np.int64), rows.targets, weight, delay)
