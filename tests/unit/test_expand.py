"""Synapses of which nothing is drawn are spelled out without compiled code: the same as kernels make of them."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.building.connections import _by_target
from lifsim.engine.synapses import expand as expand_module
from lifsim.engine.synapses import sampling
from lifsim.plan import synapses
from lifsim.simulation.built_network import plan_of

N = 7


def values(rng, shape):
    return {"weight": rng.random(shape), "delay": 0.1 * rng.integers(1, 30, shape)}


def network(rule: str, source: str, alike: bool, autapses: bool) -> ls.Network:
    rng, net = np.random.default_rng(1), ls.Network()
    for name in "ab":
        net.add(name, N, "iaf_psc_exp")
    net.add("g", N, "poisson_generator", rate=10.0)
    number = {"outdegree": 3} if rule == "fixed_outdegree" else {}
    own = {} if alike or number else values(rng, (N, N) if rule == "all_to_all" and autapses else N)
    net.connect(source, "b", rule, allow_autapses=autapses, **number, **own)
    return net


CASES = [
    (rule, source, alike, autapses)
    for rule in ("all_to_all", "one_to_one", "fixed_outdegree")
    for source in "abg"
    for alike in (True, False)
    for autapses in (True, False)
    if autapses or (rule != "one_to_one" and alike)  # there is no network of the others
]


@pytest.mark.parametrize(("rule", "source", "alike", "autapses"), CASES)
def test_the_same_as_by_kernels(rule, source, alike, autapses, monkeypatch):
    seen, spelled_out = [], expand_module.spelled_out
    monkeypatch.setattr(expand_module, "spelled_out", lambda w: seen.append(w) or spelled_out(w))
    plan = plan_of(network(rule, source, alike, autapses), 1)
    for w in [*seen, *plan.wirings]:
        got = expand_module.expand(w, 1)
        drawn = synapses.Expanded(*(np.empty_like(x) for x in got))
        sampling.Drawer(sampling.rule_of(w), sampling.key_of(1)).run(expand_module.expand_rule, (drawn,))
        for name, x, y in zip(got._fields, got, drawn, strict=True):
            assert x.dtype == y.dtype and (x == y).all(), name
    assert seen


@pytest.mark.parametrize("n_target", [7, 1 << 16, (1 << 16) + 1])
def test_synapses_keep_their_order_when_sorted_by_target(n_target):
    """By keys of 16 bits where they can hold the targets."""
    targets = np.random.default_rng(1).integers(max(n_target - 50, 0), n_target, (9, 40))
    degrees, sources, order = _by_target(targets, n_target)
    wanted = sorted(range(targets.size), key=lambda k: (targets.flat[k], k))
    assert order.tolist() == wanted and sources.tolist() == [k // 40 for k in wanted]
    assert degrees.tolist() == np.bincount(targets.ravel(), minlength=n_target).tolist()
