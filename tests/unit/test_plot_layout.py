"""Figures of one and of two columns: texts are not cut and do not cover each other, the data have room, labels tell what is drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lifsim import plot
from lifsim.common.errors import DataError
from lifsim.plot.distributions import rate_edges
from lifsim.plot.selection import Shown
from lifsim.plot.style import Picture, names_beside, one_panel, tidy_axes, write_note
from lifsim.results.spikes import Spikes

LONG = ("L23_pyramidal", "L23_interneuron", "thalamic_relay")
FIFTY = ("a_population_with_a_name_of_exactly_fifty_letters_1", "a_population_with_a_name_of_exactly_fifty_letters_2", "inh")
MANY = tuple(f"L{layer}{kind}" for layer in (23, 4, 5, 6) for kind in "EI")
ARROW = "\N{RIGHTWARDS ARROW}"


def poisson(names, stop=500.0):
    rng = np.random.default_rng(0)
    found = {}
    for k, name in enumerate(names):
        n, number = 20 + 10 * k, 40 * (1 + k) ** 2
        at = np.sort(rng.integers(1, round(stop * 10) + 1, number)) / 10
        found[name] = Spikes(at, rng.integers(0, n, number), n, 0.0, stop, np.arange(n), 0.1, name)
    return found


def drawn(figure):
    """The figure, laid out as in a file."""
    figure.get_layout_engine().execute(figure)
    figure.draw_without_rendering()
    return figure


def texts_of(figure):
    """(text, box) of all texts of a figure but the tick labels outside the limits of their axis."""
    for ax in figure.axes:
        legend = ax.get_legend()
        inside = [tick.label1 for axis in (ax.xaxis, ax.yaxis) for tick in axis._update_ticks()]
        others = [
            ax.title,
            ax._left_title,
            ax._right_title,
            ax.xaxis.label,
            ax.yaxis.label,
            *ax.texts,
            *(legend.get_texts() if legend else []),
        ]
        for text in (*others, *inside):
            if text.get_text() and text.get_visible():
                yield text.get_text(), text.get_window_extent()


KINDS = {
    "raster": plot.raster,
    "rates": plot.rates,
    "isi": plot.isi,
    "summary": plot.summary,
    "correlations": plot.correlations,
    "correlogram": plot.correlogram,
    "spectrum": plot.spectrum,
    "psth": lambda result, **more: plot.psth(result, [100.0, 200.0], before=20.0, after=60.0, **more),
}


LIKE_OTHERS = [("correlations", MANY), ("spectrum", MANY)]  # the legend is that of the correlogram
SPARE = [pytest.param("raster", LONG, 85, marks=pytest.mark.slow)]  # shorter than FIFTY
NARROW = [
    pytest.param(kind, names, 85, marks=pytest.mark.slow if (kind, names) in LIKE_OTHERS else ())
    for kind in KINDS
    for names in (FIFTY, MANY)
]


@pytest.mark.parametrize(("kind", "names", "width"), [*NARROW, *SPARE, ("rates", FIFTY, 180), ("summary", FIFTY, 180)])
def test_no_text_is_cut(kind, names, width):
    figure = drawn(KINDS[kind](poisson(names), width_mm=width))
    for text, box in texts_of(figure):
        assert box.x0 > -1 and box.y0 > -1, text
        assert box.x1 < figure.bbox.width + 1 and box.y1 < figure.bbox.height + 1, text
    assert figure.axes[0].get_position().width > 0.35


def test_the_map_in_space_has_room_for_the_labels_that_its_layout_brings():
    figure = Picture(figsize=(3.3, 2.8), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", ylabel="y (mm)")
    tidy_axes(ax)
    figure.colorbar(ax.scatter([0, 1], [0, 1], c=[0, 1]), ax=ax, shrink=0.8)
    figure.savefig(io.BytesIO(), format="png", dpi="figure")
    assert ax.yaxis.label.get_window_extent().x0 >= 0


def test_a_note_has_lines_as_long_as_the_axes_and_leaves_room_for_the_letter():
    ax = one_panel(2.0)
    ax.set_title("B", loc="left")
    write_note(ax, "a remark " * 30)
    drawn(ax.get_figure())
    note, letter = ax._right_title.get_window_extent(), ax._left_title.get_window_extent()
    assert note.x0 > letter.x1
    assert note.height > 1.3 * letter.height
    assert note.y1 <= ax.get_figure().bbox.height


def test_names_beside_narrow_axes_are_short_and_differ():
    ax = one_panel(2.0)
    ax.get_figure().set_size_inches(85 / 25.4, 2.0)
    labels = names_beside(ax, ["a_very_long_name_abcde", "a_very_long_name_xbcde", "exc", r"\$x"], 8)
    assert labels[2:] == ["exc", r"\$x"]
    assert labels[0] != labels[1]
    assert all("…" in label and len(label) < 21 for label in labels[:2])


def test_below_a_raster_the_names_are_not_repeated():
    below = plot.raster(poisson(LONG), width_mm=85).axes[1]
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["50 ms", "20 ms", "10 ms"]
    assert plot.raster(poisson(LONG), rate_bin=10.0).axes[1].get_legend() is None
    assert KINDS["psth"](poisson(LONG)).axes[1].get_legend() is None


def test_long_names_of_sources_stand_upright():
    matrix = np.ones((20, 20))
    for names, turned in ((LONG, 90.0), (("a", "b", "c"), 0.0)):
        ax = plot.connectivity({(source, target): matrix for source in names for target in names}, width_mm=85).axes[0]
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {turned}


def test_a_wide_legend_stands_below_the_axes():
    for width, below in ((85, True), (180, False)):
        ax = drawn(plot.correlogram(poisson(FIFTY), width_mm=width)).axes[0]
        legend, label = ax.get_legend().get_window_extent(), ax.xaxis.label.get_window_extent()
        assert (legend.y1 < label.y0) == below
        assert (legend.x0 > ax.get_window_extent().x1) != below


@pytest.mark.parametrize(("bin", "text"), [(1000.0, "500 ms bins"), (400.0, "500 ms bins"), (300.0, "300 ms bins"), (250.0, "250 ms bins")])
def test_the_label_says_the_width_that_is_drawn(bin, text):
    left = plot.rates(poisson(("exc",)), rate_bin=bin).axes[0]
    assert left.get_ylabel().endswith(text)
    assert np.diff(left.patches[0].get_data()[1])[0] == float(text.split()[0])


def test_a_bin_too_long_for_a_spectrum():
    result = poisson(("exc",))
    with pytest.raises(DataError, match=r"bin: 100 ms is too long for segments of 100 ms .*; expected at most 25 ms, or a longer window"):
        plot.spectrum(result, bin=100.0)
    assert len(plot.spectrum(result, bin=25.0).axes[0].lines[0].get_xdata()) == 2


def test_a_bin_too_long_for_counts_that_vary():
    result = poisson(("exc",))
    said = "a window of 500 ms holds fewer than two bins of 400 ms"
    assert [text.get_text() for text in plot.correlations(result, bin=400.0).axes[0].texts] == [said]
    assert [text.get_text() for text in plot.summary(result, bin=400.0).axes[3].texts] == [said]


def test_rates_close_together_are_told_apart():
    rng = np.random.default_rng(1)
    near, low = rng.normal(93, 1.7, 1000).round(), rng.normal(5, 0.8, 300).round()
    shown = [Shown("#000000", name, one) for name, one in poisson(("a", "b"), 1000.0).items()]
    edges = rate_edges([near], shown[:1])
    assert edges[0] < near.min() < edges[1] + np.diff(edges)[0] and edges[-1] > near.max()
    assert edges[0] > 40
    share = np.histogram(near, edges)[0] / len(near)
    assert share.sum() == 1 and share.max() < 0.3
    both = rate_edges([near, low], shown)
    assert both[0] < 0 and len(both) < 65
    assert max(np.histogram(near, both)[0]) / 1000 < 0.6


def test_equal_weights_of_two_targets_are_both_seen():
    weights = np.full((30, 30), 20.0)
    full, dashed = plot.weights({("exc", "exc"): weights, ("exc", "inh"): weights}).axes[0].patches
    assert dashed.get_linestyle() == "--" and full.get_linewidth() > 2 * dashed.get_linewidth()
    assert np.linalg.norm(np.subtract(to_rgb(full.get_edgecolor()[:3]), to_rgb(dashed.get_edgecolor()[:3]))) > 0.3
    assert full.get_label() == f"exc {ARROW} exc"


def test_each_panel_of_the_summary_says_its_window():
    a, b, *_ = plot.summary(poisson(("exc", "inh"))).axes
    assert a.get_title(loc="right").endswith(" spikes; 100 to 500 ms")
    assert b.get_title(loc="right") == "B to D: 20 to 30 neurons each; 0 to 500 ms"
