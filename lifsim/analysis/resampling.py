"""Confidence intervals by resampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lifsim.common.errors import DataError, did_you_mean

METHODS = "percentile", "basic", "BCa"


def bootstrap_interval(
    values: Any,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    n: int = 2000,
    seed: int = 0,
    method: str = "percentile",
) -> tuple[float, float]:
    """Confidence interval of a statistic of independent values, such as the mean of neurons' rates, by bootstrap.

    The values are drawn `n` times with replacement, and the statistic is computed each time (B. Efron, R. J. Tibshirani, An Introduction
    to the Bootstrap, 1993, ch. 13 and 14; `scipy.stats.bootstrap`).

    Parameters
    ----------
    values : one value for each independent unit, such as a neuron, a trial or a seed, (k,). nan are left out.
    statistic : a function of an array of values, such as `numpy.mean` or `numpy.median`; it must accept `axis`.
    level : of confidence, above 0 and below 1.
    n : number of resamples. seed : seed of the random draws: equal seeds give equal intervals.
    method : "percentile"; "basic"; or "BCa", corrected for bias and skewness.

    Returns
    -------
    (low, high) : limits of the interval; nan with fewer than 2 values. If all values are equal, both limits are this value.

    Raises
    ------
    DataError : `level`, `n` or `method` is not one of those allowed.
    """
    from scipy.stats import bootstrap

    if not 0 < level < 1:
        raise DataError("level", f"{level:g}", "above 0 and below 1")
    if not n >= 1:
        raise DataError("n", f"{n}", "a whole number from 1 on")
    if method not in METHODS:
        raise DataError("method", f"there is no method {method!r}", did_you_mean(str(method), METHODS))
    known = np.asarray(values, np.float64).ravel()
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return float("nan"), float("nan")
    if (known == known[0]).all():
        return (float(statistic(known, axis=0)),) * 2
    rng = np.random.default_rng(seed)
    found = bootstrap((known,), statistic, n_resamples=n, confidence_level=level, method=method, random_state=rng, batch=64)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
