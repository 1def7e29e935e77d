"""The full-density cortical microcircuit over 10 s: published rates, and what compact weights change.

A published value and the mean over n seeds differ by no more than t·sd·sqrt(1 + 1/n), sd being the spread between
the seeds and t the two-sided 99.9 % quantile of Student's distribution for n - 1 degrees of freedom: a single
comparison is off by chance once in 1,000 times. The storage of weights is compared on the same seeds: only weights
are rounded, the network is the same, but its spike trains are others after a moment (it is chaotic), so two storages
are two samples, whose means differ by no more than t·sd·sqrt(2/n), with 2n - 2 degrees of freedom.
Run with ``pytest -m slow tests/statistical/test_microcircuit.py -s``: it prints every figure. Needs 2.4 GB.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import t as student

import lifsim as ls

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3, 4, 5)
WARM, DURATION = 500.0, 10_000.0  # ms
RATES = {  # 1/s: NEST's example over a long run (the values that its scaling uses)
    "L23E": 0.903,
    "L23I": 2.965,
    "L4E": 4.414,
    "L4I": 5.876,
    "L5E": 7.569,
    "L5I": 8.633,
    "L6E": 1.105,
    "L6I": 7.829,
}


@lru_cache
def measured(weights: str) -> dict[tuple[str, str], np.ndarray]:
    """(population, statistic) → a value for each seed."""
    runs = []
    for seed in SEEDS:
        result = ls.run(ls.load("microcircuit"), WARM + DURATION, seed=seed, precision="float32", weights=weights)
        runs.append(ls.analysis.statistics(result, WARM, WARM + DURATION))
    keys = ("rate", "cv_isi", "correlation")
    return {(p, key): np.array([run[p][key] for run in runs]) for p in RATES for key in keys}


def quantile(degrees: int) -> float:
    return float(student.ppf(0.9995, degrees))


@pytest.mark.parametrize("weights", ["float32", "compact"])
def test_rates_are_the_published_ones(weights: str) -> None:
    n, wrong = len(SEEDS), []
    for p, published in RATES.items():
        x = measured(weights)[p, "rate"]
        allowed = quantile(n - 1) * x.std(ddof=1) * np.sqrt(1 + 1 / n)
        print(f"{weights} {p:5s} rate {x.mean():.4f} ± {x.std(ddof=1):.4f}  published {published:.3f}  allowed {allowed:.4f}")
        wrong += [p] if abs(x.mean() - published) > allowed else []
    assert not wrong


def test_activity_is_asynchronous_and_irregular() -> None:
    """CV of intervals near that of Poisson trains, pairs hardly correlated: the published character of all populations."""
    for p in RATES:
        cv, correlation = measured("float32")[p, "cv_isi"], measured("float32")[p, "correlation"]
        print(f"{p:5s} CV {cv.mean():.4f} ± {cv.std(ddof=1):.4f}  correlation {correlation.mean():.5f} ± {correlation.std(ddof=1):.5f}")
        assert 0.7 < cv.mean() < 1.05
        assert 0 < correlation.mean() < 0.02


def test_compact_weights_change_less_than_another_seed() -> None:
    n, wrong = len(SEEDS), []
    for (p, key), x in measured("float32").items():
        y = measured("compact")[p, key]
        sd = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        allowed = quantile(2 * n - 2) * sd * np.sqrt(2 / n)
        print(f"{p:5s} {key:11s} float32 {x.mean():.5f}  compact {y.mean():.5f}  spread {sd:.5f}  allowed {allowed:.5f}")
        wrong += [f"{p} {key}"] if abs(x.mean() - y.mean()) > allowed else []
    assert not wrong
