"""Summaries, states, correlations, spectra, trials, f-I curves and animations: what is drawn, compared with NumPy."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lifsim import analysis, plot
from lifsim.common.errors import DataError, OutputError
from lifsim.plot.selection import sample_of
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.sinks import MemorySink


def given(spikes, sizes, stop=1000.0):
    """A result with spikes: population -> (steps of 0.1 ms, ids)."""
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in sizes.items()}
    sink = MemorySink(Manifest(dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name in sizes}, traces=[]))
    nothing = np.zeros(0, np.int64)
    sink.write(Chunk(0, round(stop * 10), {name: spikes.get(name, (nothing, nothing)) for name in sizes}, {}))
    return sink.finish({})


def poisson(sizes, rate=20.0, stop=1000.0, seed=0):
    rng = np.random.default_rng(seed)
    numbers = {name: round(rate * n * stop / 1000) for name, n in sizes.items()}
    spikes = {
        name: (np.sort(rng.integers(1, round(stop * 10) + 1, numbers[name])), rng.integers(0, n, numbers[name]))
        for name, n in sizes.items()
    }
    return given(spikes, sizes, stop)


SIZES = {"exc": 60, "inh": 15}
RESULT = poisson(SIZES)
EDGES = {
    "no spike": given({}, SIZES),
    "one spike": given({"exc": (np.array([500]), np.array([3]))}, SIZES),
    "one neuron": given({"exc": (np.arange(100, 9000, 100), np.zeros(89, int))}, {"exc": 1}),
    "no time": given({}, SIZES, stop=0.0),
}
DRAW = {
    "summary": plot.summary,
    "states": lambda result, **more: plot.states({"state": result}, **more),
    "firing": lambda result, **more: plot.firing({"state": result}, **more),
    "correlations": plot.correlations,
    "correlogram": plot.correlogram,
    "spectrum": plot.spectrum,
    "psth": lambda result, **more: plot.psth(result, [300.0, 600.0], **more),
}


@pytest.mark.parametrize("case", EDGES)
@pytest.mark.parametrize("kind", DRAW)
def test_edge_cases_can_be_drawn_or_are_refused(kind, case):
    if case == "no time" and kind in ("psth", "spectrum"):
        with pytest.raises(DataError, match=r"no trial|segments of"):
            DRAW[kind](EDGES[case])
        return
    figure = DRAW[kind](EDGES[case])
    figure.set_layout_engine("none")  # that of each kind: test_house_style.py
    figure.set_dpi(40)
    FigureCanvasAgg(figure).draw()


# -- summary ---------------------------------------------------------------------------------------


def test_summary_shows_rates_cvs_and_synchrony():
    a, b, c, d = plot.summary(RESULT, t_start=100.0, neurons=40).axes
    assert [ax.get_title(loc="left") for ax in (a, b, c, d)] == list("ABCD")
    assert a.get_xlim() == (600.0, 1000.0)
    assert b.get_title(loc="right") == "B to D: 15 to 40 neurons each; 100 to 1000 ms"
    bars = d.patches
    for k, name in enumerate(SIZES):
        drawn = sample_of(RESULT.spikes[name].window(100.0), 40)
        count = np.histogram(np.round(drawn.times * 10) - 0.5, np.arange(301) * 30 + 1000)[0]  # bins (a, b] of 30 steps
        assert bars[k].get_width() == pytest.approx(count.var() / count.mean())
        assert bars[k].get_y() + bars[k].get_height() / 2 == pytest.approx(k + 0.5)
        stars = [line for line in b.lines if line.get_marker() == "*"]
        rate = np.array([np.sum(drawn.ids == i) for i in drawn.recorded_ids]) / 0.9
        assert stars[k].get_xdata()[0] == pytest.approx(rate.mean())
        cv = [np.diff(drawn.times[drawn.ids == i]) for i in drawn.recorded_ids]
        cv = [x.std() / x.mean() for x in cv if len(x) >= 5]
        assert [line for line in c.lines if line.get_marker() == "*"][k].get_xdata()[0] == pytest.approx(np.mean(cv))


def test_box_plots_are_tukeys():
    from lifsim.plot.selection import Shown
    from lifsim.plot.summary_plot import draw_tukey

    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 30])  # quartiles 3 and 7: whiskers from 1 to 8, 30 is beyond
    ax = Figure().subplots()
    draw_tukey(ax, [values, np.zeros(0)], [Shown("#000000", name, RESULT.spikes["exc"]) for name in "ab"])
    (box,) = ax.patches
    assert (box.get_x(), box.get_width()) == (3.0, 4.0)
    beyond, whiskers, median, mean = ax.lines
    assert list(beyond.get_xdata()) == [30.0]
    assert list(whiskers.get_xdata()) == [1.0, 8.0]
    assert list(median.get_xdata()) == [5.0, 5.0]
    assert mean.get_xdata()[0] == pytest.approx(values.mean())


def test_summary_draws_the_same_share_of_each_population():
    large = poisson({"exc": 6000, "inh": 1500}, rate=2.0)
    labels = [tick.get_text().split("\n")[-1] for tick in plot.summary(large).axes[0].get_yticklabels()]
    assert labels == ["1,490 of 6,000", "372 of 1,500"]  # 1,862 of 7,500


@pytest.mark.parametrize(("options", "place"), [({"neurons": 0}, "neurons"), ({"bin": -1.0}, "bin"), ({"raster_ms": 0.0}, "raster_ms")])
def test_numbers_of_a_summary_are_checked(options, place):
    with pytest.raises(DataError, match=f"{place}: .*a number above 0"):
        plot.summary(RESULT, **options)


# -- states ----------------------------------------------------------------------------------------


def test_states_show_some_neurons_and_the_activity_of_all():
    windows = {"one": (100.0, 300.0), "two": (500.0, 900.0)}
    top, below, second, _ = plot.states({"one": RESULT, "two": RESULT}, windows=windows, neurons=30, rate_bin=5.0).axes
    assert top.get_title(loc="left") == "A   one" and second.get_title(loc="left") == "B   two"
    assert top.get_xlim() == (100.0, 300.0) and second.get_xlim() == (500.0, 900.0)
    assert top.get_ylim() == (30, 0)
    rows = np.concatenate([line.get_ydata() for line in top.lines])
    assert set(np.unique(rows)) <= set(np.arange(30) + 0.5)
    rate, edges, _ = below.patches[0].get_data()
    every = np.concatenate([RESULT.spikes[name].times for name in SIZES])
    want = np.histogram(np.round(every * 10) - 0.5, np.arange(1000, 3001, 50))[0] / (75 * 0.005)
    np.testing.assert_allclose(rate, want)
    np.testing.assert_allclose(edges, np.arange(100, 301, 5))
    spikes = {(t, y) for line in top.lines for t, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    assert 70 < len(spikes) < 180  # 120 expected, of 30 neurons in 0.2 s; 4.5 standard deviations


@pytest.mark.parametrize(("stop", "width"), [(300.0, 0.1), (301.0, 0.2), (1000.0, 0.4)])
def test_activity_is_as_fine_as_the_time_step_up_to_3000_bins(stop, width):
    below = plot.states({"one": RESULT}, windows=(0.0, stop)).axes[1]
    assert below.get_ylabel() == f"activity (1/s)\n{width:g} ms bins"
    assert len(below.patches[0].get_data()[0]) == round(np.floor(stop / width + 1e-6))


def test_states_take_a_pair_of_axes_each():
    figure = Figure()
    axes = figure.subplots(2, 2)
    assert plot.states({"one": RESULT, "two": RESULT}, ax=[tuple(axes[:, 0]), tuple(axes[:, 1])]) is figure
    with pytest.raises(DataError, match="1 pairs of axes for 2 results"):
        plot.states({"one": RESULT, "two": RESULT}, ax=[tuple(axes[:, 0])])
    with pytest.raises(DataError, match="results: an empty mapping"):
        plot.states({})
    with pytest.raises(DataError, match="neurons: 0"):
        plot.states({"one": RESULT}, neurons=0)


# -- firing ----------------------------------------------------------------------------------------


def test_firing_shows_raster_intervals_and_cvs_of_each_result():
    windows = {"one": (100.0, 300.0)}
    one, intervals, cvs, two, *_ = plot.firing({"one": RESULT, "two": RESULT}, windows=windows, neurons=25).axes
    assert [ax.get_title(loc="left") for ax in (one, two)] == ["A   one", "B   two"]
    assert one.get_xlim() == (100.0, 300.0) and two.get_xlim() == (0.0, 1000.0)
    assert [tick.get_text().split("\n")[-1] for tick in one.get_yticklabels()] == ["20 of 60", "5 of 15"]  # a third of each
    spikes = RESULT.spikes["exc"].window(100.0, 300.0)
    between = np.concatenate([np.diff(spikes.times[spikes.ids == i]) for i in range(60)])
    share, edges, _ = intervals.patches[0].get_data()
    np.testing.assert_allclose(share, np.histogram(between, edges)[0] / len(between))  # of all neurons
    assert cvs.get_xlabel().startswith("CV of ISI")
    with pytest.raises(DataError, match="1 triples of axes for 2 results"):
        plot.firing({"one": RESULT, "two": RESULT}, ax=[(one, intervals, cvs)])
    with pytest.raises(DataError, match="neurons: 0; expected at least 1"):
        plot.firing({"one": RESULT}, neurons=0)


# -- correlations and spectra ----------------------------------------------------------------------


def test_distribution_of_correlations():
    ax = plot.correlations(RESULT, bin=10.0, neurons=60).axes[0]
    spikes = RESULT.spikes["inh"]
    counts = np.stack([np.histogram(np.round(spikes.times[spikes.ids == i] * 10) - 0.5, np.arange(0, 10_001, 100))[0] for i in range(15)])
    pairs = np.corrcoef(counts)[np.triu_indices(15, 1)]
    share, edges, _ = ax.patches[1].get_data()
    np.testing.assert_allclose(share, np.histogram(pairs, edges)[0] / len(pairs), atol=1e-12)
    assert ax.get_xlabel() == "correlation of counts in 10 ms"
    assert min(ax.get_xticks()) < 0  # negative correlations have labels


def test_correlogram_is_relative_to_chance():
    late = np.arange(100, 9900, 200)
    twins = given({"exc": (late, np.zeros(len(late), int)), "inh": (late + 30, np.zeros(len(late), int))}, SIZES)
    line = plot.correlogram(twins, "exc", other="inh", lag=8.0).axes[0].lines[0]
    assert line.get_label() == "exc \N{RIGHTWARDS ARROW} inh"
    lags, curve = line.get_xdata(), line.get_ydata()
    np.testing.assert_array_equal(lags, np.arange(-8, 9))
    assert set(np.flatnonzero(curve)) == {11}  # at +3 ms
    assert curve[11] == pytest.approx(49 / (49 * 49 * (1 - 3 / 1000) / 1000))
    flat = plot.correlogram(poisson(SIZES, rate=40.0, stop=5000.0), lag=20.0).axes[0].lines[0].get_ydata()
    assert np.abs(flat - 1).max() < 0.05  # 12,000 spikes: 29,000 pairs a bin, 0.006 standard deviations each


def test_spectra_have_their_peak_and_the_level_of_poisson_neurons():
    rng = np.random.default_rng(5)
    step = np.arange(1, 40_001)
    beat = rng.random(len(step)) < 0.1 * (1 + np.sin(2 * np.pi * 40e-4 * step))  # 40 Hz
    noise = rng.random(len(step)) < 0.1
    result = given(
        {"exc": (step[beat], rng.integers(0, 60, beat.sum())), "inh": (step[noise], rng.integers(0, 15, noise.sum()))}, SIZES, 4000.0
    )
    ax = plot.spectrum(result).axes[0]
    curves = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    assert list(curves) == ["exc, peak 40 Hz", "inh"]
    levels = [float(line.get_ydata()[0]) for line in ax.lines if line.get_label().startswith("_")]
    rates = [analysis.rates(result.spikes[name]).mean() for name in SIZES]
    np.testing.assert_allclose(levels, [2 * rates[0] / 60, 2 * rates[1] / 15])
    assert np.median(curves["inh"].get_ydata()) == pytest.approx(levels[1], rel=0.15)
    assert ax.get_yscale() == "log" and ax.get_xlim() == (0, 300)
    assert "2 Hz apart" in ax.get_title(loc="right")  # 4 s: 15 segments of 0.5 s
    with pytest.raises(DataError, match="highest: 0 Hz"):
        plot.spectrum(result, highest=0.0)


# -- trials ----------------------------------------------------------------------------------------


def test_trials_and_their_histogram():
    triggers = [200.0, 500.0, 980.0]  # the last trial does not end within the run
    steps = np.sort(np.concatenate([np.round(np.array(triggers[:2]) * 10) + 55 + k for k in range(10)])).astype(int)
    result = given({"exc": (steps, np.arange(20) % 10)}, {"exc": 10})
    top, below = plot.psth(result, triggers, bin=2.0, max_neurons=4).axes
    assert top.get_title(loc="right") == "2 trials, a row each"
    assert [tick.get_text() for tick in top.get_yticklabels()] == ["exc\n4 of 10"]
    rate, edges, _ = below.patches[0].get_data()
    assert {edges[k]: x for k, x in enumerate(rate) if x} == {
        4.0: pytest.approx(6 * 2 / (2 * 10 * 0.002)),
        6.0: pytest.approx(4 * 2 / (2 * 10 * 0.002)),
    }
    dots = next(line for line in top.lines if line.get_marker() == "o")
    assert len(dots.get_xdata()) == 8 and set(np.floor(dots.get_ydata())) == {0, 1}
    assert top.get_xlim() == below.get_xlim() == (-50.0, 200.0)


def test_triggers_can_be_the_spikes_of_a_population():
    result = given({"exc": (np.arange(100, 9000, 7), np.arange(1272) % 60), "inh": (np.array([2000, 5000]), np.array([0, 0]))}, SIZES)
    by_name, by_time = plot.psth(result, "inh"), plot.psth(result, [200.0, 500.0], "exc")
    np.testing.assert_array_equal(by_name.axes[1].patches[0].get_data()[0], by_time.axes[1].patches[0].get_data()[0])
    assert len(by_name.axes[1].patches) == 1  # the triggers are not shown
    figure = Figure()
    assert plot.psth(result, "inh", ax=figure.subplots()) is figure
    with pytest.raises(DataError, match=re.escape("triggers: no trial, 50 ms before to 200 ms after a trigger, is wholly in the window")):
        plot.psth(result, [10.0])
    with pytest.raises(DataError, match="there are no spikes of 'stim'"):
        plot.psth(result, "stim")


# -- f-I curve -------------------------------------------------------------------------------------


def test_fi_curve():
    current = np.array([300.0, 100.0, 200.0])
    rate = np.array([[30.0, 34.0], [0.0, 0.0], [10.0, 14.0]])
    ax = plot.fi_curve(current, rate, theory=lambda x: x / 10).axes[0]
    (bars,) = ax.containers
    np.testing.assert_array_equal(bars[0].get_xdata(), [100, 200, 300])
    np.testing.assert_array_equal(bars[0].get_ydata(), [0, 12, 32])
    ends = [segment[:, 1] for segment in bars[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[0, 0], [10, 14], [30, 34]])
    line = next(line for line in ax.lines if line.get_label() == "theory")
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata() / 10)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("I (pA)", "rate (1/s)")
    plot.fi_curve([1.0], [2.0], ([0.0, 2.0], [0.0, 4.0]), 1.5, label="other", ax=ax)
    assert ax.get_title(loc="right") == "dotted: rheobase, 1.5 pA"
    assert any(set(line.get_xdata()) == {1.5} for line in ax.lines)
    assert bars[0].get_color() != ax.containers[1][0].get_color()


@pytest.mark.parametrize(
    ("current", "rate", "message"),
    [([1.0, 2.0], [1.0], "1 values for 2 currents"), (["a"], [1.0], "current: is not an array"), ([[1.0]], [1.0], "has shape (1, 1)")],
)
def test_fi_curves_need_a_rate_for_each_current(current, rate, message):
    with pytest.raises(DataError, match=re.escape(message)):
        plot.fi_curve(current, rate)


def test_an_empty_fi_curve():
    assert plot.fi_curve([], [], theory=lambda x: x).axes[0].containers


# -- animation -------------------------------------------------------------------------------------


def test_an_animation_uncovers_the_raster(tmp_path):
    result = given({"exc": (np.arange(50, 1000, 50), np.arange(19) % 4)}, {"exc": 4}, 100.0)
    moving = plot.animation(result, seconds=1.0, fps=5, width_mm=60.0)
    top = moving._fig.axes[0]
    curtain = top.patches[-1]
    covered = []
    for frame in range(5):
        moving._func(frame)
        covered.append((curtain.get_x(), curtain.get_x() + curtain.get_width()))
    np.testing.assert_allclose([left for left, _ in covered], [20, 40, 60, 80, 100])
    assert all(right >= 100 for _, right in covered)
    path = plot.save(moving, tmp_path / "x.gif")
    with Image.open(path) as image:
        assert (image.n_frames, image.info["duration"], image.info["loop"]) == (5, 200, 0)
        assert image.size[0] == pytest.approx(60 / 25.4 * 120, abs=2)
    with pytest.raises(OutputError, match=r"\.gif"):
        plot.save(moving, tmp_path / "x.png")
    with pytest.raises(OutputError, match=r"\.png, \.pdf, \.svg"):
        plot.save(Figure(), tmp_path / "x.gif")


@pytest.mark.parametrize("options", [{"seconds": 0.0}, {"fps": -1.0}, {"seconds": 1e3, "fps": 100.0}, {"seconds": float("nan")}])
@pytest.mark.filterwarnings("ignore:Animation was deleted")
def test_frames_of_an_animation_are_limited(options):
    with pytest.raises(DataError, match="both above 0, at most 2,000 frames"):
        plot.animation(RESULT, **options)


def test_a_sample_is_drawn_without_replacement():
    spikes = RESULT.spikes["exc"]
    some = sample_of(spikes, 10)
    assert len(set(some.recorded_ids)) == 10 and set(some.recorded_ids) <= set(range(60))
    assert len(some) == np.isin(spikes.ids, some.recorded_ids).sum()
    assert sample_of(spikes, 60) is spikes and sample_of(spikes, None) is spikes
    none = replace(spikes, recorded_ids=np.zeros(0, np.int64), times=spikes.times[:0], ids=spikes.ids[:0])
    assert len(sample_of(none, 5)) == 0
