"""Plots of scans: what is drawn where, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from lifsim import plot
from lifsim.common.errors import DataError
from lifsim.plot.scan_axes import scan_axis, shown_name
from lifsim.scans import ScanTable
from lifsim.scans.scan_table import table_from


def table(units=None, seeds=3, skip=(), **axes) -> ScanTable:
    """A scan whose rate is the sum of the (numbers of the) values, plus the seed / 10."""
    rows = []
    for values in itertools.product(*axes.values()):
        if values in skip:
            continue
        for seed in range(seeds):
            rate = sum(x if isinstance(x, (int, float)) else len(x) for x in values) + seed / 10
            numbers = {"exc.rate": rate, "inh.rate": 2 * rate, "exc.cv_isi": math.nan, "order": 3.0}
            rows.append({"values": dict(zip(axes, values, strict=True)), "seed": seed, "statistics": numbers, "wall_s": 1.0})
    return table_from(rows, {"parameters": list(axes), "name": "t", "units": units or {}})


def test_curves():
    figure = plot.scan(table({"tau_m": "ms"}, tau_m=[5, 10, 20]), populations="exc")
    ax = figure.axes[0]
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [5, 10, 20]
    np.testing.assert_allclose(line.get_ydata(), [5.1, 10.1, 20.1])
    half = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    band = ax.collections[0].get_paths()[0].vertices
    ends = band[band[:, 0] == 5, 1]
    np.testing.assert_allclose([ends.min(), ends.max()], [5.1 - half, 5.1 + half])
    assert ax.get_xlabel() == "tau_m (ms)" and ax.get_ylabel() == "rate (1/s)" and "mean of 3 seeds" in ax.get_title(loc="right")
    both = plot.scan(table(tau_m=[5, 10]))
    assert len(both.axes[0].lines) == 2 and [t.get_text() for t in both.axes[0].get_legend().get_texts()] == ["exc", "inh"]


def test_one_seed_has_no_band():
    figure = plot.scan(table(g=[1, 2], seeds=1))
    assert not figure.axes[0].collections and figure.axes[0].get_title(loc="right") == "one seed"


def test_maps():
    found = table({"b": "mV"}, a=[1, 2, 3.5], b=[10, 20, 30, 40])
    figure = plot.scan(found)
    maps = [ax for ax in figure.axes if ax.get_xlabel() == "a"]
    assert len(maps) == 2 and maps[0].get_ylabel() == "b (mV)" and maps[0].get_title() == "exc"
    drawn = maps[1].collections[0].get_array()
    np.testing.assert_allclose(drawn, 2 * (np.array([[1, 2, 3.5]]) + np.array([[10], [20], [30], [40]]) + 0.1))
    corners = maps[0].collections[0].get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], [0.5, 1.5, 2.75, 4.25])  # each cell around its value
    levels = maps[0].collections[1].levels
    assert len(levels) >= 2 and min(levels) > 11.1 and max(levels) < 43.6


def test_maps_with_holes_and_of_random_points():
    drawn = plot.scan(table(a=[1, 2, 3], b=[1, 2, 3], skip=[(2, 2)]), populations="exc").axes[0].collections[0].get_array()
    assert np.ma.is_masked(drawn) and drawn.mask.sum() == 1 and drawn.mask[1, 1]
    scattered = table(a=[1, 2, 3], b=[1, 2, 3], skip=[(x, y) for x in (1, 2, 3) for y in (1, 2, 3) if x != y])
    dots = plot.scan(scattered, populations="exc").axes[0].collections[0]
    assert sorted(map(tuple, dots.get_offsets())) == [(1, 1), (2, 2), (3, 3)]


def test_small_multiples():
    figure = plot.scan(table(a=[1, 2, 3], b=[1, 2, 3], c=[0.1, 0.2, 0.4]))
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == ["c = 0.1", "c = 0.2", "c = 0.4"]
    assert len({ax.collections[0].get_clim() for ax in figure.axes[:3]}) == 1
    assert len(plot.scan(table(a=[1, 2], b=[1, 2], c=[1, 2]), populations=["exc", "inh"]).axes) == 4 + 2


def test_names_and_constant_parameters():
    figure = plot.scan(table(model=["iaf_psc_exp", "iaf"], k=[7]), populations=["inh"])
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["iaf", "iaf_psc_exp"] and "k = 7" in ax.get_title(loc="right")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2 * 10.1, 2 * 18.1])


def test_axes():
    assert scan_axis("x", np.geomspace(1, 100, 7).tolist()).log and not scan_axis("x", [1, 2, 3, 4, 5]).log
    assert not scan_axis("x", [-1, 1, 10]).log and not scan_axis("x", [1, 2, 4]).named
    assert shown_name("populations.exc.params.tau_m") == "exc tau_m" and shown_name("g") == "g"


@pytest.mark.parametrize(
    ("axes", "options", "said"),
    [
        ({"a": [1, 2]}, {"statistic": "rat"}, "did you mean 'rate'"),
        ({"a": [1, 2]}, {"populations": "ex"}, "did you mean 'exc'"),
        ({"a": [1]}, {}, "only one point"),
        ({"a": [1, 2], "b": [1, 2], "c": [1, 2], "d": [1, 2]}, {}, "4 parameters vary: a, b, c, d"),
        ({"a": [1, 2], "b": [1, 2], "c": list(range(13))}, {}, "13 maps"),
        ({"a": [1, None]}, {}, "some runs have no value of a"),
    ],
)
def test_what_cannot_be_drawn(axes, options, said):
    with pytest.raises(DataError, match=said):
        plot.scan(table(**axes) if None not in axes["a"] else with_hole(), **options)


def with_hole() -> ScanTable:
    made = table(a=[1, 2])
    made.columns["a"][0] = None
    return made


def test_undefined_values_and_columns(tmp_path):
    assert np.isnan(plot.scan(table(a=[1, 2]), "cv_isi").axes[0].lines[0].get_ydata()).all()
    assert plot.scan(table(a=[1, 2]), "order").axes[0].get_ylabel() == "order"
    assert plot.save(plot.scan(table(a=[1, 2, 3], b=[1, 2, 3])), tmp_path / "x.png").stat().st_size > 10_000
