"""Synapses in space have the probabilities that they promise, against all pairs in plain NumPy.

Seeds are fixed. Each check fails by chance with a probability of 1e-4 (the level of every p-value below),
so about 1 in 200 for the whole file if all seeds were drawn anew.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

import lifsim as ls
from lifsim.building import spatial
from lifsim.network.distance import Profile
from lifsim.network.positions import Space

LEVEL = 1e-4
PROFILES = {
    "gaussian": Profile("gaussian", 0.8, 0.05),
    "wide gaussian": Profile("gaussian", 1.0, 3.0, max_distance=0.2),
    "exponential": Profile("exponential", 0.5, 0.03),
    "box": Profile("box", 0.7, 0.1),
}


@pytest.fixture(autouse=True)
def few_far_pairs(monkeypatch):
    """Cells are for networks of more than a million pairs; here for smaller ones, all pairs of which can be looked at."""
    monkeypatch.setattr(spatial, "FAR", 1e4)


def space(dimensions: int, periodic: bool, n_source: int = 1500, n_target: int = 800, seed: int = 1) -> Space:
    """Nodes anywhere in a cube."""
    rng = np.random.default_rng(seed)
    return Space(rng.random((n_source, dimensions)), rng.random((n_target, dimensions)), np.ones(dimensions) if periodic else None)


def longer(p: Profile, times: float) -> Profile:
    return replace(p, b=p.b * times, max_distance=p.max_distance * times)


def all_distances(s: Space) -> np.ndarray:
    """(n_target, n_source), to the nearest of the images that a periodic space repeats."""
    squares = np.zeros((len(s.targets), len(s.sources)))
    for to, of in zip(s.targets.T, s.sources.T, strict=True):
        apart = np.abs(to[:, None] - of[None, :])
        squares += (np.minimum(apart, 1 - apart) if s.period is not None else apart) ** 2
    return np.sqrt(squares)


@lru_cache
def everywhere(dimensions: int, periodic: bool) -> tuple[Space, np.ndarray]:
    """Nodes anywhere in a cube, and all their distances."""
    s = space(dimensions, periodic)
    return s, all_distances(s)


def drawn(s: Space, p: Profile, seed: int = 3) -> np.ndarray:
    """Number of synapses of each pair, (n_target, n_source)."""
    rng = np.random.default_rng(seed)
    degrees, sources = spatial.bernoulli(s, p, np.full(len(s.targets), -1), rng)
    shape = len(s.targets), len(s.sources)
    return np.bincount(np.repeat(np.arange(shape[0]), degrees) * shape[1] + sources, minlength=shape[0] * shape[1]).reshape(shape)


def fits(observed: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> bool:
    """χ² test of the numbers of synapses in groups of pairs, each expecting 5 at least."""
    some = (expected > 5) & (variance > 0)
    assert np.count_nonzero(some) >= 10
    statistic = ((observed - expected)[some] ** 2 / variance[some]).sum()
    return LEVEL / 2 < stats.chi2.cdf(statistic, np.count_nonzero(some)) < 1 - LEVEL / 2


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("name", PROFILES)
def test_probability_against_distance_and_degrees(name, dimensions, periodic):
    (s, d), profile = everywhere(dimensions, periodic), longer(PROFILES[name], 2 ** (dimensions - 1))  # some 20 synapses a node or more
    p, found = profile(d), drawn(s, profile)
    assert found.max() == 1
    assert not found[p == 0].any()
    of_pairs = found, p, p * (1 - p)
    possible = p > 0
    edges = np.quantile(d[p > 1e-4][::20], np.linspace(0, 1, 41)[1:-1])  # of some, as any edges do
    group = np.searchsorted(edges, d[possible])
    assert fits(*(np.bincount(group, weights=x[possible]) for x in of_pairs))
    assert fits(*(x.sum(axis=1) for x in of_pairs))  # in-degrees
    assert fits(*(x.sum(axis=0) for x in of_pairs))  # out-degrees


def test_pairs_far_apart_are_drawn_too():
    """The tail that is drawn without cells: pairs with less than 1 in 200 of a chance."""
    (s, d), profile = everywhere(2, True), Profile("exponential", 0.9, 0.03)
    p = profile(d)
    far = p < 0.005
    assert spatial.FAR / p.size > 0.005
    total = sum(drawn(s, profile, seed)[far].sum() for seed in range(5))
    expected = 5 * p[far].sum()
    assert expected > 200
    assert min(stats.poisson.cdf(total, expected), stats.poisson.sf(total - 1, expected)) > LEVEL / 2


def test_on_a_grid_every_pair_up_to_the_radius():
    """Distances that equal the radius, at the edges of cells: box with p0 = 1 leaves nothing to chance."""
    side = np.arange(40) / 40
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    s, radius = Space(points, points, np.ones(2)), 4 / 40 + 1e-9
    assert (drawn(s, Profile("box", 1.0, radius)) == (all_distances(s) <= radius)).all()


def around_one_place(n_source: int, n_target: int) -> tuple[Space, np.ndarray, Profile]:
    """Sources anywhere, all targets at one place; the share of each source; the profile."""
    rng = np.random.default_rng(5)
    s = Space(rng.random((n_source, 2)), np.full((n_target, 2), 0.4), None)
    profile = Profile("gaussian", 1.0, 0.15)
    share = profile(s.distances(np.arange(n_source), np.zeros(n_source, int)))
    return s, share / share.sum(), profile


@pytest.mark.parametrize(("n_source", "number"), [(600, 20), (3000, 4)])  # all are looked at; events
def test_partners_with_multapses_are_chosen_in_proportion(n_source, number):
    s, share, profile = around_one_place(n_source, 3000)
    chosen, _ = spatial.chosen(s, profile, number, True, np.full(3000, -1), np.random.default_rng(7))
    order = np.argsort(share)
    group = np.empty(n_source, int)
    group[order] = np.minimum(np.cumsum(share[order]) * 30, 29).astype(int)
    expected = np.bincount(group, weights=share) * chosen.size
    assert stats.chisquare(np.bincount(group[chosen.ravel()], minlength=30), expected).pvalue > LEVEL
    pairs = [len(row) - len(set(row)) for row in chosen.tolist()]  # repeated sources
    mean = (share**2).sum() * number * (number - 1) / 2 * len(chosen)
    assert min(stats.poisson.cdf(sum(pairs), mean), stats.poisson.sf(sum(pairs) - 1, mean)) > LEVEL / 2


@pytest.mark.parametrize(("n_source", "number"), [(600, 20), (3000, 4), (3000, 40)])
def test_partners_without_multapses_are_chosen_one_after_the_other(n_source, number):
    """Against NumPy's choice without replacement, which draws one after the other."""
    s, share, profile = around_one_place(n_source, 1000)
    rng = np.random.default_rng(8)
    chosen, _ = spatial.chosen(s, profile, number, False, np.full(1000, -1), rng)
    assert all(len(set(row)) == number for row in chosen.tolist())
    plain = np.concatenate([rng.choice(n_source, number, replace=False, p=share) for _ in range(1000)])
    order = np.argsort(share)
    group = np.empty(n_source, int)
    group[order] = np.minimum(np.cumsum(share[order]) * 20, 19).astype(int)
    table = [np.bincount(group[x], minlength=20) for x in (chosen.ravel(), plain)]
    assert stats.chi2_contingency(table).pvalue > LEVEL


@pytest.mark.parametrize("multapses", [True, False])
@pytest.mark.parametrize("n_source", [100, 5000])  # all are looked at; events
def test_too_few_in_reach_are_told(n_source, multapses):
    """Of three targets the second has one source in reach, the third none."""
    sources = np.concatenate([np.zeros((n_source - 1, 2)), [[5.0, 0.0]]])
    s = Space(sources, np.array([[0.1, 0.0], [5.0, 0.1], [9.0, 9.0]]), None)
    chosen, starved = spatial.chosen(s, Profile("box", 0.5, 1.0), 2, multapses, np.full(3, -1), np.random.default_rng(1))
    assert starved == (2 if multapses else 1)
    some = Space(s.sources, s.targets[: 2 if multapses else 1], None)
    chosen, starved = spatial.chosen(some, Profile("box", 0.5, 1.0), 2, multapses, np.full(2, -1), np.random.default_rng(1))
    assert starved is None
    assert (chosen[0] < n_source - 1).all() and (chosen[1:] == n_source - 1).all()


@pytest.mark.parametrize("rule", ["fixed_indegree", "fixed_outdegree"])
@pytest.mark.parametrize("multapses", [True, False])
def test_given_numbers_of_partners_in_a_network(rule, multapses):
    net = ls.Network()
    n = net.add("n", 900, "iaf_psc_exp", positions={"grid": [30, 30], "periodic": True})
    number = {"indegree": 12} if rule == "fixed_indegree" else {"outdegree": 12}
    net.connect(n, n, rule, **number, p={"gaussian": {"p0": 1.0, "sigma": 0.1}}, allow_autapses=False, allow_multapses=multapses)
    with ls.Simulation(net, threads=1) as sim:
        found = sim.matrix(n, n).tocoo()
    found = np.histogram2d(found.row, found.col, bins=[np.arange(901)] * 2)[0]
    assert (found.sum(axis=1 if rule == "fixed_indegree" else 0) == 12).all()
    assert np.trace(found) == 0
    assert (found.max() == 1) == (not multapses)
    d = all_distances(Space(net.positions(n), net.positions(n), np.ones(2)))
    share, d = Profile("gaussian", 1.0, 0.1)(d) * (1 - np.eye(900)), np.round(d, 9)
    near, far = (d <= 0.1) & (d > 0), d > 0.1
    expected = 900 * 12 * share[near].sum() / share.sum()
    if multapses:  # on a torus all nodes are alike
        assert stats.binomtest(int(found[near].sum()), 900 * 12, expected / (900 * 12)).pvalue > LEVEL
    else:  # nearby ones run out
        assert found[near].sum() < expected and found[far].sum() > 0
