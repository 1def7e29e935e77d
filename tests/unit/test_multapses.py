"""`allow_multapses = false` between lists of populations."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.engine import expand
from lifsim.simulation.built_network import plan_of

OVERLAPPING = ["a[0:2]", "a[1:3]"]
DRAWN = {
    "all_to_all": {},
    "pairwise_bernoulli": {"p": 0.5},
    "fixed_indegree": {"indegree": 1},
    "fixed_outdegree": {"outdegree": 1},
    "fixed_total_number": {"N": 1},
}


def network() -> ls.Network:
    net = ls.Network()
    for name in ("a", "b"):
        net.add(name, 6, "iaf_psc_exp")
    return net


def refused(source, target, rule="all_to_all", **options) -> str:
    net = network()
    with pytest.raises(ls.ModelError, match="no multapses") as error:
        net.connect(source, target, rule, allow_multapses=False, **options)
    assert net.projections == [] and error.value.problems[0].where == "projections[0]"
    return error.value.problems[0].got


def most(source, target, rule="all_to_all", multapses=False, **options) -> int:
    """The most synapses that a pair of nodes has."""
    net = network()
    net.connect(source, target, rule, allow_multapses=multapses, **options)
    plan, pairs = plan_of(net, 1), []
    for w in plan.wirings:
        x = expand(w, 1)
        pairs.append(w.sources[x.source] * 100 + w.targets[x.target])
    return int(np.unique(np.concatenate(pairs), return_counts=True)[1].max())


@pytest.mark.parametrize("rule", DRAWN)
def test_nodes_in_two_sources_are_refused(rule):
    assert "a[1] and b[0]" in refused(OVERLAPPING, "b", rule, **DRAWN[rule])
    assert "a[0] and b[1]" in refused("a", ["b[0:2]", "b[1:3]"], rule, **DRAWN[rule])
    refused(["a", "a"], "b", rule, **DRAWN[rule])
    refused(["a", "b", "a[3]"], ["b[0:2]", "a"], rule, **DRAWN[rule])


@pytest.mark.parametrize("rule", DRAWN)
def test_lists_without_common_nodes_are_fine(rule):
    assert most(["a[0:2]", "a[2:4]"], ["a", "b"], rule, **DRAWN[rule]) == 1
    assert most(["a", "b"], ["a", "b"], rule, **DRAWN[rule]) == 1
    assert most(OVERLAPPING, "b", "all_to_all", multapses=True) == 2  # as it says


def test_the_pairs_themselves_decide_where_they_are_given():
    assert most(OVERLAPPING, ["b[0:2]"], "one_to_one") == 1  # a1 → b1, a1 → b0
    refused(OVERLAPPING, ["b[0:2]", "b[1:3]"], "one_to_one")  # a1 → b1 twice
    refused(["a[0:2]", "a[0:2]"], ["b[0:2]"], "one_to_one")
    lists = {"sources": [1], "targets": [0]}
    assert most(OVERLAPPING, ["b[0:2]"], "explicit", **lists) == 1  # a1 → b0, a2 → b0
    refused(OVERLAPPING, ["b[0:2]"], "explicit", sources=[1, 0], targets=[0, 0])
    assert most(OVERLAPPING, ["b[0:2]"], np.array([[0.0, 1.0], [0.0, 0.0]])) == 1
    assert "a[1] and b[0]" in refused(OVERLAPPING, ["b[0:2]"], np.array([[1.0, 1.0], [0.0, 0.0]]))


def test_a_pair_that_makes_no_synapses_is_no_pair():
    assert most("a", ["b[0:2]", "b[1:3]"], "fixed_indegree", indegree=[[1], [0]]) == 1


def test_autapses_that_are_left_out_are_no_pair():
    assert most(OVERLAPPING, "a[1]", allow_autapses=False) == 1  # a1 → a1 would be the only one
    refused(OVERLAPPING, "a[1:3]", allow_autapses=False)


def test_a_connection_knows_nothing_of_others():
    net = network()
    for source in OVERLAPPING:
        net.connect(source, "b", allow_multapses=False)
    assert len(net.projections) == 2


def test_a_large_table_is_looked_at_quickly():
    """30 x 30 projections, none of which overlap, and as many that all do."""
    net = ls.Network()
    for name in ("a", "b"):
        net.add(name, 3000, "iaf_psc_exp")
    parts = {name: [f"{name}[{10 * k}:{10 * k + 10}]" for k in range(30)] for name in ("a", "b")}
    net.connect(parts["a"], parts["b"], allow_multapses=False)
    with pytest.raises(ls.ModelError, match="no multapses"):
        net.connect(["a"] * 30, ["b"] * 30, allow_multapses=False)


def test_in_a_model_file(tmp_path):
    (tmp_path / "x.toml").write_text(
        """
        [populations.a]
        n = 3
        model = "iaf_psc_exp"
        [[projections]]
        source = ["a[0:2]", "a[1:3]"]
        target = "a"
        allow_multapses = false
        """
    )
    with pytest.raises(ls.ModelError, match=r"projections\[0\].*a\[1\] and a\[0\] are connected twice"):
        ls.load(tmp_path / "x.toml")
