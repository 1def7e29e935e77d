"""Describing a network: what is accepted, and where a mistake is said to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

from lifsim import ModelError, Network
from lifsim.common.values import Distribution


@pytest.fixture
def net():
    """10 exc (delta), 5 inh (delta), 4 cur (exp) and stimuli."""
    out = Network(dt=0.1)
    out.add("exc", 10, "iaf_psc_delta")
    out.add("inh", 5, "iaf_psc_delta")
    out.add("cur", 4, "iaf_psc_exp")
    out.add("noise", 1, "poisson_generator", rate=100.0)
    out.add("dc", 1, "dc_generator", amplitude=3.0)
    return out


def places(error) -> list[str]:
    return [p.where for p in error.value.problems]


# -- populations ---------------------------------------------------------------------------------


def test_parameters_and_states_are_told_apart(net):
    p = net.add("x", 3, "iaf_psc_exp", tau_m="0.02 s", V_m=[-60, -61, -62], I_e={"normal": [0, 1]})
    assert p.params == {"tau_m": 20.0, "I_e": Distribution("normal", 0.0, 1.0)}
    np.testing.assert_array_equal(p.initial["V_m"], [-60, -61, -62])
    assert p.get("tau_m") == 20.0 and p.get("C_m") == 250.0
    assert len(p) == 3 and net.populations["x"] is p


def test_every_problem_of_a_population_is_reported(net):
    with pytest.raises(ModelError) as error:
        net.add("x", 3, "iaf_psc_exp", tau_mm=1, C_m="3 ms", t_ref=-1, V_m=[1, 2])
    assert sorted(places(error)) == ["populations.x.C_m", "populations.x.V_m", "populations.x.t_ref", "populations.x.tau_mm"]
    assert "did you mean 'tau_m'" in str(error.value)
    assert "x" not in net.populations


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "3", None, math.nan, math.inf, 2**31])
def test_wrong_sizes(net, n):
    with pytest.raises(ModelError) as error:
        net.add("x", n, "iaf_psc_exp")
    assert places(error) == ["populations.x.n"]


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"tau_m": 0}, "tau_m"),
        ({"tau_m": math.inf}, "tau_m"),
        ({"tau_m": math.nan}, "tau_m"),
        ({"C_m": {"normal": [1, 1]}}, "C_m"),
        ({"tau_m": True}, "tau_m"),
        ({"V_m": math.inf}, "V_m"),
        ({"V_reset": -50.0, "V_th": -55.0}, ""),
        ({"tau_syn_ex": [1, 2, 3, 0]}, "tau_syn_ex"),
    ],
)
def test_bounds(net, params, place):
    with pytest.raises(ModelError) as error:
        net.add("x", 4, "iaf_psc_exp", **params)
    assert places(error) == [f"populations.x.{place}".rstrip(".")]


def test_names(net):
    for name in ("", "a b", "a[1]", "a.b", "a/b"):
        with pytest.raises(ModelError):
            net.add(name, 1, "iaf_psc_exp")
    with pytest.raises(ModelError, match="already"):
        net.add("exc", 1, "iaf_psc_exp")
    with pytest.raises(ModelError, match="did you mean 'iaf_psc_exp'"):
        net.add("x", 1, "iaf_psc_ex")


@pytest.mark.parametrize("dt", [0, -1, math.nan, math.inf, "1 mV", True, None])
def test_wrong_time_steps(dt):
    with pytest.raises(ModelError) as error:
        Network(dt=dt)
    assert places(error) == ["run.dt"]


# -- views ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "text", "ids"),
    [
        (slice(None), "exc", range(10)),
        (slice(2, 5), "exc[2:5]", [2, 3, 4]),
        (slice(None, None, 3), "exc[0:10:3]", [0, 3, 6, 9]),
        (3, "exc[3]", [3]),
        (-1, "exc[9]", [9]),
        ([4, 1, 7], "exc[4,1,7]", [4, 1, 7]),
        (slice(5, 2, -1), "exc[5,4,3]", [5, 4, 3]),
    ],
)
def test_views_and_their_names(net, index, text, ids):
    view = net.populations["exc"][index]
    np.testing.assert_array_equal(view.ids, list(ids))
    assert str(view) == text
    np.testing.assert_array_equal(net.view(text).ids, view.ids)


@pytest.mark.parametrize("name", ["exk", "exc[10]", "exc[a]", "exc[1,1]", "exc[3:3]", "exc[", "", "exc[1:2:3:4]", "exc[::0]"])
def test_wrong_views(net, name):
    with pytest.raises(ModelError):
        net.view(name)


def test_a_wrong_index_is_reported_where_it_is_used(net):
    with pytest.raises(ModelError, match=r"out of bounds.*0 to 9") as error:
        net.connect("exc[10]", "inh")
    assert places(error) == ["projections[0].source"]


def test_a_population_of_another_network(net):
    other = Network()
    foreign = other.add("exc", 10, "iaf_psc_delta")
    with pytest.raises(ModelError, match="another network"):
        net.connect(foreign, "inh")


# -- projections ---------------------------------------------------------------------------------


def test_defaults_are_nests(net):
    (p,) = net.connect("exc", "inh")
    assert (p.rule, p.weight, p.delay, p.allow_autapses, p.allow_multapses) == ("all_to_all", 1.0, 1.0, True, True)


def test_lists_make_a_projection_for_each_pair(net):
    made = net.connect(["exc", "inh"], ["exc", "inh", "inh[:2]"], "fixed_indegree", indegree=2)
    assert [(str(p.source), str(p.target)) for p in made] == [
        ("exc", "exc"), ("inh", "exc"), ("exc", "inh"), ("inh", "inh"), ("exc", "inh[0:2]"), ("inh", "inh[0:2]"),
    ]  # fmt: skip
    assert net.projections == made


def test_nested_lists_are_matrices_target_source(net):
    made = net.connect(
        ["exc", "inh"],
        ["exc", "inh"],
        "fixed_total_number",
        N=[[1, 2], [3, 4]],
        weight={"normal": [[[1, 2], [3, 4]], 0.5], "min": [[0, 0], [0, -1]]},
        delay=[["1 ms", 2.0], [3.0, {"uniform": [1, 2]}]],
        allow_autapses=[[False, True], [True, False]],
    )
    assert [p.params["N"] for p in made] == [1, 2, 3, 4]
    assert [p.weight.a for p in made] == [1, 2, 3, 4]
    assert [p.weight.b for p in made] == [0.5] * 4
    assert [p.weight.min for p in made] == [0, 0, 0, -1]
    assert [p.delay for p in made] == [1.0, 2.0, 3.0, Distribution("uniform", 1.0, 2.0)]
    assert [p.allow_autapses for p in made] == [False, True, True, False]


def test_an_array_is_never_a_matrix_of_pairs(net):
    """A NumPy array holds one value a synapse, even where its shape is that of the pairs."""
    net.add("a", 2, "iaf_psc_exp")
    net.add("b", 2, "iaf_psc_exp")
    made = net.connect(["a", "b"], ["a", "b"], weight=np.array([[1.0, 2.0], [3.0, 4.0]]))
    for p in made:
        np.testing.assert_array_equal(p.weight, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("rule", "params"), [("fixed_total_number", {"N": 0}), ("fixed_indegree", {"indegree": 0}), ("pairwise_bernoulli", {"p": 0})]
)
def test_a_count_of_zero_makes_no_projection(net, rule, params):
    assert net.connect("exc", "inh", rule, **params) == []
    key = next(iter(params))
    made = net.connect(["exc", "inh"], ["exc"], rule, **{key: [[0, 1]]})
    assert [p.source.name for p in made] == ["inh"]
    assert net.projections == made


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("exk", "inh"), "source"),
        (("exc", "inn"), "target"),
        (("exc", "noise"), "target"),
        (("exc", "inh", "fixed_indegre"), "rule"),
        (("exc", "inh", "fixed_indegree"), "indegree"),
    ],
)
def test_places_of_wrong_ends_and_rules(net, arguments, place):
    with pytest.raises(ModelError) as error:
        net.connect(*arguments)
    assert places(error) == [f"projections[0].{place}"]


@pytest.mark.parametrize(
    ("rule", "given", "place"),
    [
        ("all_to_all", {"indegree": 3}, "indegree"),
        ("all_to_all", {"delay": 0.05}, "delay"),
        ("all_to_all", {"delay": 1.55}, "delay"),
        ("all_to_all", {"delay": "1 mV"}, "delay"),
        ("all_to_all", {"delay": math.nan}, "delay"),
        ("all_to_all", {"delay": {"uniform": [0, 0.01]}}, "delay"),
        ("all_to_all", {"weight": math.inf}, "weight"),
        ("all_to_all", {"weight": "3 pA"}, "weight"),
        ("all_to_all", {"weight": np.ones((10, 5))}, "weight"),
        ("all_to_all", {"allow_autapses": 1}, "allow_autapses"),
        ("pairwise_bernoulli", {"p": 1.5}, "p"),
        ("pairwise_bernoulli", {"p": True}, "p"),
        ("fixed_indegree", {"indegree": 1.5}, "indegree"),
        ("fixed_indegree", {"indegree": -1}, "indegree"),
        ("fixed_indegree", {"indegree": 11, "allow_multapses": False}, "indegree"),
        ("fixed_total_number", {"N": 51, "allow_multapses": False}, "N"),
        ("one_to_one", {}, ""),
        ("explicit", {"sources": [0, 10], "targets": [0, 0]}, "sources"),
        ("explicit", {"sources": [0, 1], "targets": [0]}, ""),
        ("explicit", {"sources": [0.5], "targets": [0]}, "sources"),
        (np.ones((10, 5)), {}, "matrix"),
        (sparse.csr_array(np.full((5, 10), np.nan)), {}, "matrix"),
        (np.ones((5, 10)), {"weight": 2.0}, "weight"),
        (sparse.csr_array(np.eye(5, 10)), {"delay": sparse.csr_array(np.ones((5, 10)))}, "delay"),
    ],
)
def test_places_of_wrong_values(net, rule, given, place):
    with pytest.raises(ModelError) as error:
        net.connect("exc", "inh", rule, **given)
    assert places(error) == [f"projections[0].{place}".rstrip(".")]
    assert net.projections == []


def test_every_problem_of_a_projection_is_reported(net):
    with pytest.raises(ModelError) as error:
        net.connect("exc", "inh", "fixed_indegre", weight="1 pA", delay=0.01)
    assert places(error) == ["projections[0].rule", "projections[0].weight", "projections[0].delay"]
    with pytest.raises(ModelError) as error:
        net.connect("exk", "inn")
    assert places(error) == ["projections[0].source", "projections[0].target"]


def test_delay_off_the_grid_names_its_neighbours(net):
    with pytest.raises(ModelError, match=r"1\.5 and 1\.6"):
        net.connect("exc", "inh", delay=1.55)


@pytest.mark.parametrize(
    ("source", "target", "weight"), [("exc", "inh", "0.1 mV"), ("exc", "cur", "0.1 nA"), ("noise", "cur", "3 pA"), ("dc", "cur", "2")]
)
def test_weights_have_the_unit_of_the_target(net, source, target, weight):
    (p,) = net.connect(source, target, weight=weight)
    assert p.weight == {"0.1 mV": 0.1, "0.1 nA": 100.0, "3 pA": 3.0, "2": 2.0}[weight]


def test_the_weight_of_a_current_has_no_unit(net):
    with pytest.raises(ModelError, match="without a unit"):
        net.connect("dc", "cur", weight="2 pA")


@pytest.mark.parametrize("form", ["array", "csr", "csc", "coo"])
def test_matrices(net, form):
    dense = np.zeros((5, 10))
    dense[4, 2], dense[0, 9], dense[4, 1] = 1.0, 2.0, 3.0
    (p,) = net.connect("exc", "inh", dense if form == "array" else sparse.csr_array(dense).asformat(form), delay=1.5)
    found = np.zeros((5, 10))
    for at, targets, sources in p.params["given"].pieces(1):
        found[targets, sources] = p.weight[at]
    np.testing.assert_array_equal(found, dense)


def test_explicit_synapses_can_be_sorted_by_target_with_their_values(net):
    (p,) = net.connect("exc", "inh", "explicit", sources=[7, 1, 3], targets=[4, 0, 4], weight=[1.0, 2.0, 3.0], delay=[1.0, 2.0, 3.0])
    rows = p.params["given"].by_target()
    np.testing.assert_array_equal(rows.ptr, [0, 1, 1, 1, 1, 3])
    np.testing.assert_array_equal(rows.sources, [1, 7, 3])
    np.testing.assert_array_equal(rows.sorted(p.weight), [2, 1, 3])
    np.testing.assert_array_equal(rows.sorted(p.delay), [2, 1, 3])


# -- recordings ----------------------------------------------------------------------------------


def test_recordings(net):
    net.record(["exc", "inh[:2]"], ["spikes", "V_m"], interval="0.5 ms", start=10, stop=20)
    assert [(str(r.view), r.variable, r.interval, r.start, r.stop) for r in net.recordings] == [
        ("exc", "spikes", 0.5, 10, 20), ("exc", "V_m", 0.5, 10, 20), ("inh[0:2]", "spikes", 0.5, 10, 20), ("inh[0:2]", "V_m", 0.5, 10, 20),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "given", "place"),
    [
        (("exk",), {}, "populations"),
        (("exc", "V_mm"), {}, "variable"),
        (("exc", "I_syn_ex"), {}, "variable"),
        (("dc", "spikes"), {}, "variable"),
        (("exc", "V_m"), {"interval": 0.25}, "interval"),
        (("exc", "V_m"), {"interval": 0}, "interval"),
        (("exc", "V_m"), {"interval": "1 mV"}, "interval"),
        (("exc", "V_m"), {"start": -1}, "start"),
        (("exc", "V_m"), {"start": 5, "stop": 1}, "stop"),
        (("exc", "V_m"), {"stop": math.nan}, "stop"),
        (("exc", ["V_m", "V_m"]), {}, ""),
    ],
)
def test_places_of_wrong_recordings(net, arguments, given, place):
    with pytest.raises(ModelError) as error:
        net.record(*arguments, **given)
    assert places(error) == [f"record[0].{place}".rstrip(".")]
    assert net.recordings == []


def test_spikes_need_no_interval():
    """The default interval of 1 ms matters to sampled variables only."""
    net = Network(dt=0.3)
    exc = net.add("exc", 1, "iaf_psc_exp")
    net.record(exc, "spikes")
    with pytest.raises(ModelError, match="interval"):
        net.record(exc, "V_m")
