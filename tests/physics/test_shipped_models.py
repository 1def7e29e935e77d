"""What the small shipped models do when they run."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lifsim as ls


def volley(spikes, group):
    """Spike times of the group within 6 ms around the time at which a travelling volley reaches it."""
    centre = 52.0 + 5.6 * group
    own = spikes.times[spikes.ids // 100 == group]
    return own[np.abs(own - centre) < 3.0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_strong_packet_travels_through_the_chain_and_sharpens(seed):
    spikes = ls.run(ls.load("synfire"), seed=seed).spikes["chain"]
    assert all(len(volley(spikes, group)) >= 90 for group in range(10))
    assert np.std(volley(spikes, 9)) < 0.5 < np.std(volley(spikes, 0))


@pytest.mark.parametrize("given", [{"a": 30}, {"a": 40, "sigma": 3.0}])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_weak_packet_dies(given, seed):
    spikes = ls.run(ls.load("synfire", **given), seed=seed).spikes["chain"]
    assert len(volley(spikes, 0)) >= 6  # over 30 seeds 17.5 ± 4.0, by chance 3.1 ± 1.6
    assert all(len(volley(spikes, group)) <= 15 for group in range(5, 10))


def test_a_single_neuron_fires_at_the_interval_of_its_current():
    """tau_m ln((I R) / (I R - 15 mV)), rounded up to the grid, and the refractory time."""
    spikes = ls.run(ls.load("single_neuron")).spikes["neuron"].times
    expected = math.ceil(10 * math.log(20 / 5) / 0.1) * 0.1 + 2.0
    assert len(spikes) == 5
    np.testing.assert_allclose(np.diff(spikes), expected, atol=1e-9)
    assert len(ls.run(ls.load("single_neuron", I="370 pA")).spikes["neuron"].times) == 0
