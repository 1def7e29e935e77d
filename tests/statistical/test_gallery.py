"""Figures of papers against what other simulators, and the papers, say of the same networks. Minutes: pytest -m slow."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.gallery import ENTRIES
from lifsim.gallery.statistics import statistics

pytestmark = pytest.mark.slow


def found(entry, panel, population, names, seed, duration=None):
    """Statistics of a run of a panel of the gallery."""
    (panel,) = [one for one in ENTRIES[entry].panels if one.name == panel]
    result = ls.run(ls.load(panel.model, **panel.settings), duration or panel.duration, seed=seed)
    values = statistics(names, result, population, panel.discard)
    return [values[name] for name in names]


# Means and standard deviations of ten networks in NEST 3.10, 200 to 1000 ms.
NEST = {
    ("COBA", "exc"): ((19.055, 1.767), (1.580, 0.028)),
    ("COBA", "inh"): ((18.882, 0.772), (1.588, 0.040)),
    ("CUBA", "exc"): ((5.656, 0.320), (0.497, 0.009)),
    ("CUBA", "inh"): ((5.579, 0.072), (0.497, 0.013)),
}


@pytest.mark.parametrize(("panel", "population"), NEST)
def test_benchmarks_of_brette_as_in_nest(panel, population):
    """Means of ten seeds, within four standard errors of the difference: 1 in 2,000 false alarms for each of the eight."""
    ours = np.array([found("brette-benchmarks", panel, population, ("rate", "cv"), seed) for seed in range(1, 11)])
    for k, (mean, sd) in enumerate(NEST[panel, population]):
        error = np.sqrt((sd**2 + ours[:, k].var(ddof=1)) / 10)
        assert abs(ours[:, k].mean() - mean) < 4 * error


def test_population_bursts_as_in_brian2():
    """Twelve seeds beside twelve networks in Brian2 2.9, within four standard errors."""
    ours = np.array([found("tsodyks-figure1", "bursts", "exc", ("rate", "bursts"), seed) for seed in range(1, 13)])
    for k, (mean, sd) in enumerate(((7.689, 0.465), (0.430, 0.202))):
        error = np.sqrt((sd**2 + ours[:, k].var(ddof=1)) / 12)
        assert abs(ours[:, k].mean() - mean) < 4 * error


def test_volleys_before_inhibitory_plasticity():
    """Brian2 2.9, without delays: 164.4 and 67.3 spikes/s, volleys at 163.75 Hz; the authors' figure has 155."""
    rate, peak = found("vogels-sprekeler", "before", "exc", ("rate", "peak"), 3)
    assert rate == pytest.approx(164.4, rel=0.02) and peak == pytest.approx(163.75, abs=4.0)


def test_competing_synapses_leave_the_rate_of_the_neuron():
    """Four times the rate of the inputs, hardly more output (Song, Miller & Abbott 2000); the weights become bimodal."""
    rates = []
    for panel in ("10Hz", "40Hz"):
        rate, cv, weak, strong = found("song-miller-abbott", panel, "neuron", ("rate", "cv", "weak", "strong"), 2)
        rates.append(rate)
        assert 0.7 < cv < 0.9  # irregular
        assert weak > 0.2 and strong > 0.05 and 1 - weak - strong < (0.5 if panel == "10Hz" else 0.1)
    assert max(rates) < 1.3 * min(rates)
