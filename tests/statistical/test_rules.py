"""Connection rules and drawn values have the distributions that they promise.

Seeds are fixed. Each check fails by chance with a probability of 1e-4 (the level of every p-value below),
so about 1 in 500 for the whole file if all seeds were drawn anew.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import lifsim as ls

LEVEL = 1e-4
N_SOURCE, N_TARGET = 300, 200


def built(rule: str, seed: int = 1, what: str = "weight", same: bool = False, **options: object):
    """The matrix that `rule` builds, (n_target, n_source), several synapses of a pair as separate entries."""
    net = ls.Network(dt=0.1)
    a = net.add("a", N_SOURCE, "iaf_psc_exp")
    b = a if same else net.add("b", N_TARGET, "iaf_psc_exp")
    net.connect(a, b, rule, **options)
    with ls.Simulation(net, seed=seed, threads=1) as sim:
        return sim.matrix(a, b, what=what)


def counts(matrix) -> np.ndarray:
    """Number of synapses of each pair, (n_target, n_source)."""
    pairs = matrix.tocoo()
    out = np.zeros(matrix.shape, dtype=int)
    np.add.at(out, (pairs.row, pairs.col), 1)
    return out


def uniform(observed: np.ndarray) -> bool:
    """χ² test: are all of these equally likely?"""
    return stats.chisquare(observed).pvalue > LEVEL


def test_fixed_indegree_draws_sources_alike():
    found = counts(built("fixed_indegree", indegree=50))
    assert (found.sum(axis=1) == 50).all()
    assert uniform(found.sum(axis=0))
    # With multapses a pair has Binomial(50, 1/300) synapses.
    expected = stats.binom.pmf([0, 1], 50, 1 / N_SOURCE)
    observed = np.array([(found == 0).sum(), (found == 1).sum(), (found >= 2).sum()])
    assert stats.chisquare(observed, found.size * np.append(expected, 1 - expected.sum())).pvalue > LEVEL


@pytest.mark.parametrize("indegree", [50, 200, 299])  # the larger ones draw what is left out
def test_fixed_indegree_without_multapses_and_autapses(indegree):
    found = counts(built("fixed_indegree", same=True, indegree=indegree, allow_multapses=False, allow_autapses=False))
    assert (found.sum(axis=1) == indegree).all()
    assert found.max() == 1
    assert np.trace(found) == 0
    # without replacement the χ² of the out-degrees is smaller by the factor 1 - (K - 1)/(n - 1): no more than uniform
    assert stats.chisquare(found.sum(axis=0)).pvalue > LEVEL


@pytest.mark.parametrize("multapses", [True, False])
def test_fixed_outdegree_draws_targets_alike(multapses):
    found = counts(built("fixed_outdegree", outdegree=40, allow_multapses=multapses))
    assert (found.sum(axis=0) == 40).all()
    assert multapses or found.max() == 1
    assert uniform(found.sum(axis=1))


@pytest.mark.parametrize("p", [0.02, 0.5, 0.97])
def test_pairwise_bernoulli_is_independent_for_each_pair(p):
    found = counts(built("pairwise_bernoulli", p=p))
    assert found.max() == 1
    assert stats.binomtest(int(found.sum()), found.size, p).pvalue > LEVEL
    for axis, n in ((0, N_TARGET), (1, N_SOURCE)):  # degrees: binomial, by their variance
        degrees = found.sum(axis=axis)
        dispersion = ((degrees - n * p) ** 2).sum() / (n * p * (1 - p))
        assert LEVEL < stats.chi2.cdf(dispersion, len(degrees)) < 1 - LEVEL


def test_pairwise_bernoulli_at_its_ends():
    assert counts(built("pairwise_bernoulli", p=1.0)).min() == 1
    assert built("pairwise_bernoulli", p=0.0).nnz == 0


def test_fixed_total_number_picks_pairs_alike():
    found = counts(built("fixed_total_number", N=12_000))
    assert found.sum() == 12_000
    assert uniform(found.sum(axis=0)) and uniform(found.sum(axis=1))
    expected = 12_000 / found.size
    observed = np.array([(found == 0).sum(), (found == 1).sum(), (found >= 2).sum()])
    law = stats.binom.pmf([0, 1], 12_000, 1 / found.size)
    assert stats.chisquare(observed, found.size * np.append(law, 1 - law.sum())).pvalue > LEVEL
    assert expected == pytest.approx(found.mean())


def test_fixed_total_number_without_multapses():
    found = counts(built("fixed_total_number", N=30_000, allow_multapses=False))
    assert found.sum() == 30_000 and found.max() == 1


def test_all_to_all_and_one_to_one_without_autapses():
    assert (counts(built("all_to_all", same=True, allow_autapses=False)) == 1 - np.eye(N_SOURCE, dtype=int)).all()
    assert (counts(built("one_to_one", same=True)) == np.eye(N_SOURCE, dtype=int)).all()


DRAWN = {
    "normal": ({"normal": [50.0, 10.0]}, stats.norm(50, 10)),
    "truncated": ({"normal": [5.0, 10.0], "min": 0.0, "max": 20.0}, stats.truncnorm(-0.5, 1.5, 5, 10)),
    "uniform": ({"uniform": [-3.0, 7.0]}, stats.uniform(-3, 10)),
    "lognormal": ({"lognormal": [1.0, 0.7]}, stats.lognorm(0.7, scale=np.e)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_weights(name):
    given, law = DRAWN[name]
    weights = built("all_to_all", weight=given).data
    assert stats.kstest(weights, law.cdf).pvalue > LEVEL
    together = np.corrcoef(weights[:-1], weights[1:])[0, 1]  # of neighbours
    assert abs(together) < stats.norm.isf(LEVEL / 2) / np.sqrt(len(weights))


def test_drawn_delays_are_redrawn_below_half_a_step_and_rounded():
    delays = built("all_to_all", what="delay", delay={"normal": [0.5, 0.5]}).data
    steps = np.round(delays / 0.1).astype(int)
    np.testing.assert_allclose(delays, steps * 0.1, atol=1e-9)
    law = stats.truncnorm(-0.9, np.inf, 0.5, 0.5)  # no less than dt/2 = 0.05
    edges = np.append((np.arange(1, 21) - 0.5) * 0.1, np.inf)
    observed = np.array([(steps == k).sum() for k in range(1, 20)] + [(steps >= 20).sum()])
    assert stats.chisquare(observed, len(steps) * np.diff(law.cdf(edges))).pvalue > LEVEL


@pytest.mark.parametrize("rate", [50.0, 8000.0, 400_000.0])
def test_poisson_counts(rate):
    """Counts in steps of the trains of a generator, for small, medium and large expectations."""
    net = ls.Network(dt=0.1)
    net.add("n", 1, "iaf_psc_delta")
    net.add("g", 20, "poisson_generator", rate=rate)
    net.record("g", "spikes")
    spikes = ls.run(net, 500.0, seed=5).spikes["g"]
    found = np.zeros((5000, 20), dtype=int)
    np.add.at(found, (np.round(spikes.times * 10).astype(int) - 1, spikes.ids), 1)
    law = stats.poisson(rate * 1e-4)
    low, high = int(law.ppf(0.002)), int(law.ppf(0.998))
    values = np.arange(low, high + 1)
    expected = np.array([law.cdf(low), *law.pmf(values[1:-1]), law.sf(high - 1)]) if high > low else np.array([1.0])
    observed = np.bincount(np.clip(found.ravel(), low, high) - low, minlength=len(values))
    assert stats.chisquare(observed, found.size * expected).pvalue > LEVEL
    assert stats.kstest(stats.poisson.cdf(found.sum(axis=0), rate * 0.5), "uniform").pvalue > LEVEL  # trains of nodes


def test_poisson_input_is_independent_for_every_target():
    """What two targets of one generator receive is not correlated."""
    net = ls.Network(dt=0.1)
    n = net.add("n", 50, "iaf_psc_delta", tau_m=0.01, V_th=1e6, E_L=0.0, V_reset=0.0, V_m=0.0)  # forgets at once
    net.connect(net.add("g", 1, "poisson_generator", rate=10_000.0), n, weight=1.0)
    net.record(n, "V_m", interval=0.1)
    counts_ = np.round(ls.run(net, 500.0, seed=2).traces["n"]["V_m"][10:])
    assert counts_.mean() == pytest.approx(1.0, abs=4 * np.sqrt(1 / counts_.size))
    r = np.corrcoef(counts_.T)[np.triu_indices(50, 1)]
    assert abs(r).max() < stats.norm.isf(LEVEL / 2 / len(r)) / np.sqrt(len(counts_))
    lagged = [np.corrcoef(counts_[:-1, k], counts_[1:, k])[0, 1] for k in range(50)]
    assert np.abs(lagged).max() < stats.norm.isf(LEVEL / 2 / 50) / np.sqrt(len(counts_))
