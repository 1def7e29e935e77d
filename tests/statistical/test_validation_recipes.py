"""The recipes of `lifsim validate`, run: minutes each.

The small microcircuit as in its recipe, against distributions of NEST 3.10; the full one shortened to 10 s and three seeds, against
published mean rates, which it must meet within 3 %. The recipe of Senk et al. (2026) asks for 15 min and ten seeds:
``lifsim validate microcircuit``.
False alarms: 1 % each (the seeds are fixed, so that the outcome is too). Run with ``pytest -m slow -s``: it prints every figure.
"""

from __future__ import annotations

import pytest

import lifsim as ls
from lifsim import analysis, validation
from lifsim.cli.comparison_text import compared_statistically
from lifsim.modelfile.published import MICROCIRCUIT_RATES

pytestmark = pytest.mark.slow


def test_small_microcircuit_against_nest(tmp_path):
    found = validation.validate(validation.RECIPES["microcircuit-small"], tmp_path)
    print(compared_statistically(found.comparison))
    assert found.comparison.same
    for row in found.comparison.rows:  # runs of NEST and lifsim are as near as two runs of either
        assert row.distance < 1.3 * row.distance_within + 0.01


def test_weaker_inhibition_is_found_out(tmp_path):
    """Inhibitory weights a tenth smaller."""
    reference = validation.own_reference(validation.RECIPES["microcircuit-small"])
    found = validation.validate(validation.RECIPES["microcircuit-small"], tmp_path, reference, settings={"g": -3.6}, seeds=3)
    print(compared_statistically(found.comparison))
    assert not found.comparison.same


def test_full_microcircuit_shortened_to_10_s_and_three_seeds(tmp_path):
    found = validation.validate(validation.RECIPES["microcircuit"], tmp_path, duration=10_000.0, seeds=3, precision="float32")
    print(compared_statistically(found.comparison))
    assert found.comparison.same
    assert [row.population for row in found.comparison.rows] == list(MICROCIRCUIT_RATES)
    for row in found.comparison.rows:  # t-tests of so few runs find differences of several standard deviations only
        assert row.means == (MICROCIRCUIT_RATES[row.population], pytest.approx(MICROCIRCUIT_RATES[row.population], rel=0.03))
    run = ls.open(found.files[1])
    assert run.duration == 10_500.0 and sum(s.n_nodes for s in run.spikes.values()) == 77_169
    assert analysis.compare_exactly(run, run).same
