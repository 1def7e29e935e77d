"""Positions of populations, values that depend on distance, and networks that have them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import lifsim as ls
from lifsim.network.distance import Profile, profile
from lifsim.network.positions import positions
from lifsim.network.projection import expected_synapses
from lifsim.simulation.built_network import plan_of

GRID = {"grid": [6, 5], "extent": [1.2, 1.0], "periodic": True}

# as nest.GetPosition of NEST 3.10 tells them
NEST_2D = [[x, y] for x in (0.25, 0.75, 1.25, 1.75) for y in (1.0, 0.0, -1.0)]
NEST_3D = [[x, y, z] for x in (-0.5, 0.5) for y in (1.0, 0.0, -1.0) for z in (-1.0, 1.0)]


def test_grids_are_nests():
    found = positions("x", {"grid": [4, 3], "extent": [2.0, 3.0], "center": [1.0, 0.0]}, 12)
    np.testing.assert_allclose(found.of("a", 1), NEST_2D)
    found = positions("x", {"grid": [2, 3, 2], "extent": [2.0, 3.0, 4.0]}, 12)
    np.testing.assert_allclose(found.of("a", 1), NEST_3D)
    np.testing.assert_allclose(positions("x", {"grid": [2]}, 2).of("a", 1), [[-0.25], [0.25]])  # a line of 1 mm


@pytest.mark.parametrize(
    ("n", "extent", "center"),
    [(5, 5.0, 0.0), (3, 0.3, 0.0), (10, 1.0, 0.5), (7, 1.0, 0.1), (4, 1 / 3, 1e6), (6, 0.7, -2.3), (1000, 123.4567, 1e-9)],
)
def test_nodes_on_a_grid_lie_where_exact_arithmetic_has_them(n, extent, center):
    found = positions("x", {"grid": [n], "extent": [extent], "center": [center]}, n).of("a", 1).ravel()
    exact = [Fraction(repr(center)) + Fraction(repr(extent)) * (2 * k + 1 - n) / (2 * n) for k in range(n)]
    assert found.tolist() == [float(x) for x in exact]


MASKS = {  # layout, whether it is periodic, radius in cells
    "square": ([5, 5], False, 1),
    "square, periodic": ([5, 5], True, 1),
    "diagonal, 3-4-5": ([9, 9], False, 5),
    "half of a periodic space": ([6, 1], True, 3),
    "line": ([10], False, 2),
    "cube": ([3, 3, 3], False, 1),
    "cube, periodic": ([3, 3, 3], True, 1),
    "cube, 1-2-2": ([4, 4, 4], False, 3),
}


def pairs_within(grid: list[int], periodic: bool, radius: int) -> int:
    """How many pairs of cells are no further apart, in whole numbers."""
    cells = np.stack(np.meshgrid(*(np.arange(n) for n in grid)), axis=-1).reshape(-1, len(grid))
    apart = np.abs(cells[:, None] - cells[None])
    apart = np.minimum(apart, np.array(grid) - apart) if periodic else apart
    return int(((apart**2).sum(axis=-1) <= radius**2).sum())


@pytest.mark.parametrize("unit", [1.0, 0.1, 0.3, 1 / 3, 0.0007, 12.34])
@pytest.mark.parametrize("name", MASKS)
def test_a_mask_holds_the_nodes_at_its_radius(name, unit):
    """In whatever unit: neighbours at 0.1 or 0.3 mm, whose differences in floating point are more or less than that."""
    grid, periodic, radius = MASKS[name]
    expected = pairs_within(grid, periodic, radius)
    n, where = math.prod(grid), {"grid": grid, "extent": [unit * k for k in grid], "center": [unit * 7.0] * len(grid), "periodic": periodic}
    counts = {}
    for p in ({"box": {"p0": 1.0, "radius": unit * radius}}, {"exponential": {"p0": 1.0, "lambda": 1e9}, "max_distance": unit * radius}):
        net = ls.Network()
        net.add("a", n, "iaf_psc_exp", positions=where)
        net.connect("a", "a", "pairwise_bernoulli", p=p)
        assert expected_synapses(net.projections[0]) == pytest.approx(expected, rel=1e-6)
        counts[next(iter(p))] = plan_of(net, 1).n_synapses
    assert counts == {"box": expected, "exponential": expected}


def test_the_pairs_of_a_square_within_a_cell():
    assert (pairs_within([5, 5], False, 1), pairs_within([5, 5], True, 1)) == (105, 125)


def test_the_tolerance_of_a_mask_is_a_few_units_in_the_last_place():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0 + 1e-13], [-1.0 - 1e-9, 0.0]])
    net = ls.Network()
    net.add("a", 4, "iaf_psc_exp", positions=points)
    net.connect("a[1:4]", "a[0]", "pairwise_bernoulli", p={"box": {"p0": 1.0, "radius": 1.0 - 1e-15}})
    wiring = plan_of(net, 1).wirings[0]
    assert wiring.rows.tolist() == [0]


def test_weights_and_partners_of_a_mask_know_those_at_its_radius():
    net = ls.Network()
    net.add("a", 25, "iaf_psc_exp", positions={"grid": [5, 5], "extent": [0.5, 0.5], "periodic": True})
    box = {"radius": 0.1}
    net.connect("a", "a", weight={"box": {"w0": 3.0, **box}})
    net.connect("a", "a", "fixed_indegree", indegree=5, allow_multapses=False, p={"box": {"p0": 1.0, **box}})
    weights, partners = plan_of(net, 1).wirings
    assert np.count_nonzero(weights.weight.array) == 125
    assert partners.n_synapses == 125  # all five that there are, of each node


def test_points_at_the_edge_of_a_space_far_away_lie_within_it():
    points = np.array([[1000.0], [1000.2]])
    assert positions("x", {"points": points, "extent": [0.2], "center": [1000.1], "periodic": True}, 2).n == 2
    with pytest.raises(ls.ModelError, match="within the extent"):
        positions("x", {"points": points + 1e-9, "extent": [0.2], "center": [1000.1]}, 2)


RING = [0.8, 0.84, 0.84, 0.88, 0.88, 0.92, 0.88, 0.88, 0.84, 0.84]  # of .8, .82, .84, .86, .88, .9 ms, as NEST rounds them


@pytest.mark.parametrize("unit", [1.0, 0.1, 0.3, 3.0])
@pytest.mark.parametrize("where", ["grid", "points"])
def test_delays_between_two_steps_go_to_the_longer(unit, where):
    place = {"grid": {"grid": [10]}, "points": {"points": unit * 0.1 * np.arange(0, 100, 10).reshape(-1, 1)}}[where]
    net = ls.Network(dt=0.04)
    space = {"extent": [10 * unit], "center": [5 * unit], "periodic": True}
    net.add("a", 10, "iaf_psc_exp", positions={**place, **space})
    net.connect("a", "a", delay={"linear": {"base": 0.8, "per_mm": 0.02 / unit}})
    delay = plan_of(net, 1).wirings[0].delay.array.reshape(10, 10)
    assert (delay[0] * 0.04).round(9).tolist() == RING
    assert all(np.array_equal(delay[k], np.roll(delay[0], k)) for k in range(10))


def test_random_positions_depend_on_seed_and_name_and_fill_the_extent():
    given = positions("x", {"random": True, "extent": ["500 um", 2.0, 1.0], "center": [1.0, 0.0, 0.0]}, 4000)
    places = given.of("a", 1)
    assert places.shape == (4000, 3)
    np.testing.assert_array_equal(places, given.of("a", 1))
    assert not np.isin(given.of("b", 1), places).any() and not np.isin(given.of("a", 2), places).any()
    low, high = np.array([0.75, -1.0, -0.5]), np.array([1.25, 1.0, 0.5])
    assert (places >= low).all() and (places <= high).all()
    np.testing.assert_allclose([places.min(axis=0), places.max(axis=0)], [low, high], atol=0.01)


def test_positions_are_read_from_network_simulation_result_and_file(tmp_path):
    net = ls.Network(seed=3)
    points = np.random.default_rng(1).random((5, 2))
    net.add("a", 5, "iaf_psc_exp", I_e=500.0, positions=points)
    net.add("b", 30, "iaf_psc_exp", positions={"random": True, "extent": [1.0, 1.0]})
    net.add("c", 2, "iaf_psc_exp")
    net.record("a", "spikes")
    np.testing.assert_array_equal(net.positions("a[1:3]"), points[1:3])
    assert not np.array_equal(net.positions("b"), net.positions("b", seed=4))
    with ls.Simulation(net, seed=4) as sim:
        sim.run(20.0)
        result = sim.result()
        np.testing.assert_array_equal(sim.positions("b"), net.positions("b", seed=4))
    result.save(tmp_path / "x.h5")
    for found in (result, ls.open(tmp_path / "x.h5"), ls.run(net, 20.0, seed=4, out=tmp_path / "y.h5")):
        assert list(found.positions) == ["a", "b"]
        np.testing.assert_array_equal(found.positions["a"], points)
        np.testing.assert_array_equal(found.positions["b"], net.positions("b", seed=4))
        with pytest.raises(ls.DataError, match="'c' has no positions"):
            found.positions["c"]
    assert ls.open(tmp_path / "x.h5").info["content_sha256"] == ls.open(tmp_path / "y.h5").info["content_sha256"]
    with pytest.raises(ls.ModelError, match="has no positions"):
        net.positions("c")


def test_positions_survive_in_the_log_of_a_run_that_did_not_end(tmp_path):
    net = ls.Network()
    net.add("a", 30, "iaf_psc_exp", positions=GRID)
    net.record("a", "spikes")
    with ls.Simulation(net, out=tmp_path / "x.h5") as sim:
        sim.run(1.0)
    np.testing.assert_array_equal(ls.open(tmp_path / "x.h5").positions["a"], net.positions("a"))


@pytest.mark.parametrize(
    ("given", "quantity", "at"),
    [
        ({"gaussian": {"p0": 0.8, "sigma": "200 um"}}, "p", 0.8 * math.exp(-0.5 * 1.5**2)),
        ({"exponential": {"p0": 0.5, "lambda": 0.1}}, "p", 0.5 * math.exp(-3)),
        ({"box": {"p0": 0.5, "radius": 0.3}}, "p", 0.5),
        ({"box": {"p0": 0.5, "radius": 0.29}}, "p", 0.0),
        ({"gaussian": {"p0": 0.8, "sigma": 0.2}, "max_distance": 0.29}, "p", 0.0),
        ({"gaussian": {"w0": "-40 pA", "sigma": 0.3}}, "weight", -40 * math.exp(-0.5)),
        ({"linear": {"base": "1 ms", "per_mm": 2.0}}, "delay", 1.6),
    ],
)
def test_profiles(given, quantity, at):
    found = profile(given, quantity, {"p": "", "weight": "pA", "delay": "ms"}[quantity])
    assert found(np.array([0.3])) == pytest.approx(at)
    assert profile(found.as_dict(quantity), quantity, None) == found
    low, high = found.range(0.3)
    between = found(np.linspace(0, 0.3, 50))
    assert low <= between.min() and between.max() <= high


@pytest.mark.parametrize("p", [Profile("gaussian", 0.8, 0.2), Profile("exponential", 0.8, 0.2), Profile("box", 0.8, 0.2)])
def test_beyond_its_reach_a_profile_is_below_the_level(p):
    for level in (0.5, 1e-3, 1e-9):
        assert p(np.array([p.beyond(level) * (1 + 1e-9)])) <= level
    assert p.beyond(0.9) == 0.0


def matrices(net: ls.Network, seed: int = 1, threads: int = 1) -> list[np.ndarray]:
    """Delays and weights of a → b, 0 where there is no synapse, (n_target, n_source)."""
    with ls.Simulation(net, seed=seed, threads=threads) as sim:
        return [sim.matrix("a", "b", what=what).toarray() for what in ("delay", "weight")]


def plane(**connection: object) -> ls.Network:
    net = ls.Network()
    net.add("a", 30, "iaf_psc_exp", positions=GRID)
    net.add("b", 40, "iaf_psc_exp", positions={"random": True, "extent": [1.2, 1.0], "periodic": True})
    net.connect("a", "b", **connection)
    return net


def distances(net: ls.Network) -> np.ndarray:
    apart = np.abs(net.positions("b")[:, None] - net.positions("a")[None])
    return np.linalg.norm(np.minimum(apart, [1.2, 1.0] - apart), axis=-1)


RULES = {
    "all_to_all": {"rule": "all_to_all"},
    "bernoulli": {"rule": "pairwise_bernoulli", "p": 0.4},
    "by distance": {"rule": "pairwise_bernoulli", "p": {"gaussian": {"p0": 0.9, "sigma": 0.3}}},
    "indegree": {"rule": "fixed_indegree", "indegree": 5, "allow_multapses": False},
    "outdegree": {"rule": "fixed_outdegree", "outdegree": 5, "allow_multapses": False},
    "near ones": {"rule": "fixed_outdegree", "outdegree": 5, "allow_multapses": False, "p": {"box": {"p0": 1.0, "radius": 0.4}}},
    "explicit": {"rule": "explicit", "sources": [5, 3, 29], "targets": [39, 0, 1]},
    "matrix": {"rule": np.eye(40, 30)},
}


@pytest.mark.parametrize("name", RULES)
def test_delays_and_weights_of_any_rule_follow_the_distance(name):
    weight = {} if name == "matrix" else {"weight": {"linear": {"base": 5.0, "per_mm": -2.0}}}
    net = plane(**RULES[name], **weight, delay={"linear": {"base": 0.0, "per_mm": "2 ms"}})
    delay, w = matrices(net)
    made, d = w != 0, distances(net)
    assert made.any()
    np.testing.assert_allclose(delay[made], np.maximum(np.round(2.0 * d[made] / 0.1), 1) * 0.1)
    if name != "matrix":
        np.testing.assert_allclose(w[made], 5.0 - 2.0 * d[made])
    if "p" not in RULES[name]:  # who is connected is drawn as ever
        _, plain = matrices(plane(**RULES[name]))
        np.testing.assert_array_equal(plain != 0, made)
    assert expected_synapses(net.projections[0]) == pytest.approx(made.sum(), rel=0.3)


def test_given_weights_beside_a_chance_that_falls_with_distance():
    W = np.arange(1.0, 1201.0).reshape(40, 30)
    _, w = matrices(plane(**RULES["by distance"], weight=W))
    assert 0 < np.count_nonzero(w) < w.size
    np.testing.assert_array_equal(w[w != 0], W[w != 0])
    box = {"box": {"p0": 1.0, "radius": 0.4}}
    _, w = matrices(plane(rule="fixed_indegree", indegree=3, p=box, allow_multapses=False, weight=np.arange(1.0, 121.0).reshape(40, 3)))
    np.testing.assert_array_equal(np.sort(w[w != 0].reshape(40, 3), axis=1), np.arange(1.0, 121.0).reshape(40, 3))
    assert (distances(plane())[w != 0] <= 0.4).all()


def test_seed_decides_and_threads_do_not():
    net = plane(**RULES["by distance"], weight={"gaussian": {"w0": 3.0, "sigma": 0.2}})
    (_, one), (_, again), (_, other) = matrices(net), matrices(net, threads=3), matrices(net, seed=2)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_stimulus_can_lie_in_space_too():
    net = ls.Network()
    source = net.add("in", 1, "dc_generator", amplitude=1000.0, positions=[[0.0, 0.0]])
    n = net.add("n", 3, "iaf_psc_exp", positions=[[0.1, 0.0], [0.5, 0.0], [0.2, 0.1]])
    net.connect(source, n, "pairwise_bernoulli", p={"box": {"p0": 1.0, "radius": 0.3}})
    net.record(n, "spikes")
    assert set(ls.run(net, 50.0).spikes["n"].ids) == {0, 2}


@pytest.mark.parametrize("name", [name for name in RULES if name != "matrix"])
def test_saved_and_loaded_it_is_the_same(name, tmp_path):
    net = plane(**RULES[name], delay={"linear": {"base": 1.0, "per_mm": 2.0}}, weight={"gaussian": {"w0": 3.0, "sigma": 0.2}})
    net.save(tmp_path / "x.toml")
    for own, copy in zip(plan_of(net, 1).wirings, plan_of(ls.load(tmp_path / "x.toml"), 1).wirings, strict=True):
        np.testing.assert_array_equal(own.rows, copy.rows)
        np.testing.assert_array_equal(own.delay.array, copy.delay.array)
        np.testing.assert_array_equal(own.weight.array, copy.weight.array)


def test_a_list_of_populations_may_have_a_value_for_each_pair():
    net = ls.Network()
    for name in ("a", "b"):
        net.add(name, 30, "iaf_psc_exp", positions=GRID)
    net.connect(["a", "b"], ["a"], "pairwise_bernoulli", p={"gaussian": {"p0": [[0.5, 0.25]], "sigma": 0.1}})
    assert [p.params["p"].a for p in net.projections] == [0.5, 0.25]


def test_no_chance_makes_no_projection():
    assert plane(rule="pairwise_bernoulli", p={"gaussian": {"p0": 0.0, "sigma": 0.1}}).projections == []


def test_positions_in_a_model_file(tmp_path):
    (tmp_path / "x.toml").write_text(
        """
        [parameters]
        rows = 4
        size = "300 um"
        [populations.n]
        n = "= rows ** 2"
        model = "iaf_psc_exp"
        positions = { grid = ["= rows", "= rows"], extent = ["= size", "= size"] }
        [[projections]]
        source = "n"
        target = "n"
        rule = "pairwise_bernoulli"
        p = { box = { p0 = "= 1 / 2", radius = "= size" }, max_distance = "0.1 mm" }
        """
    )
    net = ls.load(tmp_path / "x.toml", rows=3)
    np.testing.assert_allclose(sorted(set(net.positions("n")[:, 0].round(12))), [-0.1, 0.0, 0.1])
    assert net.projections[0].params["p"] == Profile("box", 0.5, 0.3, 0.1)


def test_an_expectation_is_not_drawn_but_near():
    net = ls.Network()
    a = net.add("a", 2000, "iaf_psc_exp", positions={"random": True, "extent": [1.0, 1.0]})
    net.connect(a, a, "pairwise_bernoulli", p={"gaussian": {"p0": 0.5, "sigma": 0.05}}, allow_autapses=False)
    assert expected_synapses(net.projections[0]) == pytest.approx(plan_of(net, 1).n_synapses, rel=0.02)
