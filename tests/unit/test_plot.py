"""Figures: every neuron has a row, nothing crashes on silence, nothing global is changed."""

from __future__ import annotations

import errno
import os
import warnings
from functools import cache

import h5py
import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import lifsim as ls
from lifsim import analysis, plot
from lifsim.common.errors import DataError, OutputError, RunError
from lifsim.plot import palette
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.file_sink import FileSink
from lifsim.simulation.sinks import MemorySink

pytestmark = pytest.mark.usefixtures("unarranged_figures")

CORTEX = {"L23E": 2068, "L23I": 583, "L4E": 2192, "L4I": 548, "L5E": 485, "L5I": 106, "L6E": 1440, "L6I": 295}


def make(rates, sizes, stop=1000.0, sink=None, traces=()):
    rng = np.random.default_rng(0)
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in sizes.items()}
    manifest = Manifest(dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name in sizes}, traces=list(traces))
    spikes = {}
    for name, n in sizes.items():
        at = np.sort(rng.integers(1, round(stop * 10) + 1, round(rates[name] * n * stop / 1000)))
        spikes[name] = at, rng.integers(0, n, len(at))
    samples = {(t["population"], t["variable"]): rng.normal(size=(round(stop / t["interval"]), len(t["ids"]) or 1)) for t in traces}
    sink = sink(manifest) if sink else MemorySink(manifest)
    sink.write(Chunk(0, round(stop * 10), spikes, samples))
    result = sink.finish({})
    sink.close()
    return result


def given(steps, sizes, stop=1000.0, traces=()):
    """A result with the given spikes: population -> (steps, ids)."""
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in sizes.items()}
    sink = MemorySink(Manifest(dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name in sizes}, traces=list(traces)))
    samples = {(t["population"], t["variable"]): np.zeros((round(stop / t["interval"]), len(t["ids"]))) for t in traces}
    nothing = np.zeros(0, np.int64)
    sink.write(Chunk(0, round(stop * 10), {name: steps.get(name, (nothing, nothing)) for name in sizes}, samples))
    return sink.finish({})


def sonata(path, **populations):
    """A result of another tool: population -> (times, ids, attributes)."""
    with h5py.File(path, "w") as file:
        for name, (times, ids, attributes) in populations.items():
            group = file.create_group(f"spikes/{name}")
            group["timestamps"], group["node_ids"] = np.array(times, "f8"), np.array(ids, "u8")
            group.attrs.update(attributes)
    return ls.open(path)


def drawn(figure):
    """The figure, drawn in few pixels and without the layout: whatever cannot be drawn raises an error."""
    figure.set_layout_engine("none")
    figure.set_dpi(40)
    FigureCanvasAgg(figure).draw()
    return figure


FOREIGN = {
    "no spike": {"p": ([], [], {})},
    "no spike in one": {"p": ([], [], {}), "q": ([1.0, 2.0], [0, 1], {})},
    "no neuron": {"p": ([], [], {"n_nodes": 0, "t_stop": 100.0})},
    "no neuron in any": {"p": ([], [], {"n_nodes": 0}), "q": ([], [], {"n_nodes": 0})},
    "silent": {"p": ([], [], {"n_nodes": 5, "t_stop": 100.0})},
    "at 0": {"p": ([0.0], [0], {})},
    "before 0": {"p": ([-5.0, 0.0], [0, 0], {})},
}


ALIKE = {"no spike", "no neuron", "at 0"}  # to `rates` and `isi`, which have no rows, each is as another case


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, marks=pytest.mark.slow if case in ALIKE and kind != "raster" else ())
        for case in FOREIGN
        for kind in ("raster", "rates", "isi")
    ],
)
def test_populations_without_spikes_or_neurons(tmp_path, kind, case):
    figure = getattr(plot, kind)(sonata(tmp_path / "x.h5", **FOREIGN[case]))
    if kind == "raster":
        assert plot.save(figure, tmp_path / "x.png").stat().st_size > 1000
    else:
        drawn(figure)


def test_neurons_whose_ids_do_not_begin_with_0_have_all_rows(tmp_path):
    times, ids = np.arange(1.0, 501.0), 1001 + np.arange(500) % 40
    sonata(tmp_path / "x.h5", p=(times, ids, {"n_nodes": 50}))
    figure = plot.raster(ls.open(tmp_path / "x.h5"))
    (dots,) = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 500]
    np.testing.assert_allclose(np.sort(np.unique(dots.get_ydata())), np.arange(40) + 0.5)
    assert figure.axes[0].get_ylim() == (50, 0)


CASES = {
    "irregular": lambda: make({"exc": 40, "inh": 40}, {"exc": 10_000, "inh": 2500}),
    "cortex": lambda: make(dict.fromkeys(CORTEX, 5), CORTEX),
    "silent population": lambda: make({"exc": 8, "quiet": 0, "inh": 20}, {"exc": 800, "quiet": 300, "inh": 200}),
    "ten neurons": lambda: make({"cells": 20}, {"cells": 10}),
    "single spike": lambda: make({"cells": 1}, {"cells": 1}),
    "no spikes": lambda: make({"exc": 0}, {"exc": 10}),
    "no time": lambda: make({"exc": 0}, {"exc": 10}, stop=0.0),
    "long": lambda: make({"exc": 5, "inh": 5}, {"exc": 80, "inh": 20}, stop=20_000.0),
}


@cache
def result_of(case):
    """Made once, for tests that only look at it."""
    return CASES[case]()


@cache
def raster_of(case):
    """Made once, for tests that only look at it."""
    before = dict(matplotlib.rcParams)
    figure = plot.raster(result_of(case))
    assert dict(matplotlib.rcParams) == before
    return figure


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("draw", [raster_of, plot.rates, plot.isi])
def test_every_case_can_be_drawn(case, draw):
    before = dict(matplotlib.rcParams)
    assert isinstance(drawn(draw(case if draw is raster_of else result_of(case))), Figure)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("case", CASES)
def test_rows_come_from_the_sizes_not_from_the_spikes(case):
    result = result_of(case)
    top, below = raster_of(case).axes
    sizes = [population["n"] for population in result.populations.values()]
    least = 0.09 * max(sizes)
    assert top.get_ylim() == (pytest.approx(sum(max(n, least) for n in sizes)), 0)
    names = [label.get_text().split("\n")[0] for label in top.get_yticklabels()]
    assert names == list(result.populations)
    number = sum(len(result.spikes[name]) for name in result.spikes)
    assert top.get_title(loc="right").startswith(f"{number:,} spike")
    assert len(below.patches) == (len(sizes) if result.duration else 0)


def test_axes():
    top, below = raster_of("irregular").axes
    assert top.get_xlim() == (0.0, 1000.0)
    assert below.get_xlabel() == "time (ms)"
    assert below.get_ylabel() == "rate (1/s)\n5 ms bins"
    assert below.get_ylim()[1] > 40
    assert [label.get_text() for label in top.get_yticklabels()] == ["exc\nn = 10,000", "inh\nn = 2,500"]
    assert [label.get_color() for label in top.get_yticklabels()] == [palette.EXCITATORY, palette.INHIBITORY]
    top, below = plot.raster(result_of("long"), t_start=500.0, rate_bin=20.0).axes
    assert top.get_xlim() == (0.5, 20.0)
    assert below.get_xlabel() == "time (s)"
    assert below.get_ylabel().endswith("20 ms bins")


def test_many_spikes_become_an_image():
    many, few = raster_of("irregular").axes[0], raster_of("cortex").axes[0]
    assert (len(many.images), len(few.images)) == (2, 0)  # one a population
    assert all(line.get_rasterized() for line in few.lines if line.get_marker() == "o")
    shade = 1 - many.images[0].get_array().min(axis=2) / 255
    assert 0.3 < shade.mean() < 0.9  # neither blank nor solid
    assert shade.std() > 0.1


def test_dots_are_where_the_spikes_are():
    result = result_of("silent population")
    dots = [line for line in raster_of("silent population").axes[0].lines if line.get_marker() == "o"]
    exc, quiet, inh = dots
    np.testing.assert_array_equal(exc.get_xdata(), result.spikes["exc"].times)
    np.testing.assert_allclose(exc.get_ydata(), result.spikes["exc"].ids + 0.5)
    assert len(quiet.get_xdata()) == 0
    np.testing.assert_allclose(inh.get_ydata(), 1100 + result.spikes["inh"].ids + 0.5)


def test_fewer_neurons_are_said_so():
    top = plot.raster(result_of("irregular"), populations="exc", max_neurons=100).axes[0]
    assert top.get_yticklabels()[0].get_text() == "exc\n100 of 10,000"
    assert top.get_ylim() == (100, 0)


def boxes(texts, figure):
    return [text.get_window_extent(figure.canvas.get_renderer()) for text in texts]


SPARE = [(plot.raster, 14), (plot.rates, 14), (plot.isi, 14), (plot.isi, 80)]  # as 30, with more room; the rows of `rates`


@pytest.mark.parametrize(
    ("draw", "number"),
    [(draw, number) for draw in (plot.raster, plot.rates, plot.isi) for number in (6, 30, 80) if (draw, number) not in SPARE]
    + [pytest.param(*each, marks=pytest.mark.slow) for each in SPARE],
)
def test_many_populations_with_long_names(draw, number):
    sizes = {f"layer_{k}_population_of_pyramidal_cells_{'left' if k % 2 else 'right'}": 900 if k == 3 else 100 for k in range(number)}
    figure = draw(make(dict.fromkeys(sizes, 5), sizes, stop=200.0))
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    legends = [ax.get_legend().get_texts() for ax in figure.axes if ax.get_legend()]
    rows = [ax.get_yticklabels() for ax in figure.axes if draw is plot.raster or number > 6]
    assert len(legends) == (1 if number == 6 else 0)  # more than six have rows with names instead
    for column in [*legends, *([text for text in column if text.get_text()] for column in rows)]:
        found = boxes(column, figure)
        if not found or not any(name.get_text().startswith("layer") for name in column):
            continue
        assert len(column) == number or number == 80
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1 for box in found)
        centres = sorted((box.y0 + box.y1) / 2 for box in found)
        assert np.diff(centres).min() > 0.9 * column[0].get_fontsize() * figure.dpi / 72
    assert min(ax.get_position().width for ax in figure.axes) > 0.2


def test_few_neurons_are_numbered():
    figure = plot.raster(make({"exc": 20, "inh": 20}, {"exc": 3, "inh": 2}))
    top = figure.axes[0]
    assert [label.get_text() for label in top.get_yticklabels(minor=True)] == ["0", "1", "2", "0", "1"]
    np.testing.assert_allclose(top.get_yticks(minor=True), np.arange(5) + 0.5)
    assert raster_of("irregular").axes[0].get_yticklabels(minor=True) == []
    assert raster_of("single spike").get_figheight() < figure.get_figheight() < 4


def test_own_axes():
    figure = Figure()
    one, two, three = figure.subplots(3)
    result = result_of("cortex")
    assert plot.raster(result, ax=one) is figure
    assert plot.raster(result, ax=(one, two)) is figure
    assert plot.rates(result, ax=two) is figure
    assert plot.isi(result, ax=three) is figure


def test_colours():
    assert plot.colours(["exc", "inh"]) == plot.colours(["E", "I"]) == [palette.EXCITATORY, palette.INHIBITORY]
    assert plot.colours(["cells", "input", "Image"]) == list(palette.OTHERS[:3])
    assert len(set(plot.colours(list(CORTEX)))) == 8
    assert len(set(plot.colours([f"pop_{k}" for k in range(14)], shades=False))) == 14


def entry(variable, unit, ids, interval=0.1):
    return {"population": "exc", "variable": variable, "unit": unit, "interval": interval, "start": 0.0, "stop": None, "ids": ids}


def test_traces(tmp_path):
    recorded = [entry("V_m", "mV", [2, 5]), entry("rate", "1/s", [], 1.0)]
    result = make({"exc": 20}, {"exc": 10}, 100.0, lambda m: FileSink(m, tmp_path / "run.h5"), recorded)
    first, second = plot.traces(result.path).axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("exc\nV_m (mV)", "exc\nrate (1/s)")
    np.testing.assert_array_equal(first.lines[0].get_ydata(), result.traces["exc"]["V_m"][:, 0])
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["neuron 2", "neuron 5"]
    assert len(plot.traces(result, variables="rate", t_start=50.0).axes[0].lines[0].get_xdata()) == 50
    with pytest.raises(DataError, match="did you mean 'V_m'"):
        plot.traces(result, variables="v_m")


@pytest.mark.parametrize("window", [(120.0, 140.0), (0.0, 30.0), (99.9, 120.0), (0.0, 200.0)])
def test_traces_without_a_spike_keep_their_size(window, tmp_path, arranged_figures):
    steps = {"exc": (np.array([500, 1000]), np.array([0, 0]))}
    result = given(steps, {"exc": 1}, 200.0, [entry("V_m", "mV", [0])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot.traces(result, t_start=window[0], t_stop=window[1])
        plot.save(figure, tmp_path / "w.png")
    assert figure.axes[0].get_position().height > 0.6


def test_traces_say_how_many_are_left_out():
    result = given({}, {"exc": 20}, 100.0, [entry("V_m", "mV", list(range(20)))])
    assert plot.traces(result).axes[0].get_title(loc="right") == "5 of 20 recorded neurons"
    assert plot.traces(result, max_neurons=20).axes[0].get_title(loc="right") == ""


@pytest.mark.parametrize("rate", [3, 40, 300])
def test_bins_of_rates_hold_equally_many_rates(rate):
    result = make({"exc": rate}, {"exc": 3000}, stop=730.0)
    share, edges, _ = plot.rates(result).axes[1].patches[0].get_data()
    spikes = edges * 0.73 + 0.5  # edges lie midway between numbers of spikes
    np.testing.assert_allclose(spikes, np.round(spikes), atol=1e-9)
    assert len(set(np.round(np.diff(spikes)))) == 1
    assert share.sum() == pytest.approx(1)
    inner = share[share > 0.3 * share.max()]
    assert inner.min() > 0.25 * share.max()  # no comb


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_empty_histograms_say_why():
    left, right = plot.isi(given({}, {"exc": 5})).axes
    assert texts(left) == ["no neuron fired twice"]
    assert texts(right) == ["every neuron has\nfewer than 5 intervals"]
    left, right = plot.isi(given({"exc": (np.arange(1, 6) * 100, np.zeros(5, int))}, {"exc": 5})).axes
    assert texts(left) == []
    assert texts(right) == ["every neuron has\nfewer than 5 intervals"]


def test_intervals_of_a_clock():
    left, right = plot.isi(given({"exc": (np.arange(37, 9900, 137), np.zeros(72, int))}, {"exc": 1})).axes
    assert right.get_xlim()[1] > 0.1
    assert right.lines[0].get_xdata() == [0.0, 0.0]
    assert right.get_title(loc="right") == "dashed: mean"
    assert left.get_title(loc="right") == ""


def test_long_intervals_left_out_are_counted():
    steps = np.append(np.arange(1, 500) * 10, 9000)
    left = plot.isi(given({"exc": (steps, np.zeros(500, int))}, {"exc": 1})).axes[0]
    assert left.get_title(loc="right") == "0.2 % of the intervals are longer, up to 401 ms"


def test_errors():
    result = result_of("single spike")
    with pytest.raises(DataError, match="did you mean 'cells'"):
        plot.raster(result, populations=["cell"])
    with pytest.raises(DataError, match="no traces were recorded"):
        plot.traces(result)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_saving(tmp_path, ending, fine_figures):
    path = plot.save(raster_of("cortex"), tmp_path / f"raster.{ending}")
    assert 10_000 < path.stat().st_size < 2_000_000
    if ending == "svg":
        assert "L23E" in path.read_text()
    if ending == "pdf":
        assert b"/Type3" not in path.read_bytes()


def test_saving_elsewhere(tmp_path):
    figure = plot.raster(result_of("single spike"))
    with pytest.raises(OutputError, match=r"\.png, \.pdf, \.svg"):
        plot.save(figure, tmp_path / "raster.jpg")
    with pytest.raises(OutputError, match="cannot be written"):
        plot.save(figure, tmp_path / "nowhere" / "raster.png")


def test_a_failed_save_leaves_the_picture_before(tmp_path, monkeypatch):
    path = tmp_path / "raster.png"
    path.write_text("before")

    def full(fd, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunError, match="No space left"):
        plot.save(Figure(), path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("raster.png", "before")]


@pytest.mark.parametrize("draw", [plot.raster, plot.rates, plot.isi, plot.traces])
@pytest.mark.parametrize(("window", "why"), [((50.0, 50.0), "not be empty"), ((60.0, 50.0), "not be empty"), ((2000.0, 3000.0), "overlap")])
def test_empty_windows_are_refused(draw, window, why):
    result = given({}, {"exc": 1}, 100.0, [entry("V_m", "mV", [0])])
    with pytest.raises(DataError, match=why):
        draw(result, t_start=window[0], t_stop=window[1])


def test_map_of_activity(tmp_path, arranged_figures):
    net = ls.Network()
    for k, dimensions in enumerate((2, 3, 1, 2)):
        positions = {"random": True, "extent": [1.0] * dimensions}
        net.add(f"p{k}", 20, "iaf_psc_exp", I_e=np.linspace(0, 2000, 20), positions=positions)
    net.add("nowhere", 1, "iaf_psc_exp")
    net.record(["p0", "p1", "p2", "p3", "nowhere"], "spikes")
    result = ls.run(net, 50.0)
    figure = plot.space(result, t_start=10.0)
    panels = [ax for ax in figure.axes if ax.get_xlabel() == "x (mm)"]
    assert [ax.get_title() for ax in panels] == ["p0", "p1", "p2", "p3"]
    dots = panels[0].collections[0]
    rate = analysis.rates(result.spikes["p0"].window(10.0))
    assert len(set(rate)) > 3
    shown = {tuple(place): x for place, x in zip(dots.get_offsets().tolist(), dots.get_array().tolist(), strict=True)}
    assert shown == {tuple(place): x for place, x in zip(result.positions["p0"].tolist(), rate.tolist(), strict=True)}
    plot.save(figure, tmp_path / "x.png")
    own = Figure()
    assert plot.space(result, "p3", ax=own.subplots()) is own
    with pytest.raises(DataError, match="'nowhere' has no positions"):
        plot.space(result, "nowhere")
    with pytest.raises(DataError, match="no population has positions"):
        plot.space(result_of("cortex"))
    with pytest.raises(DataError, match="overlap"):
        plot.space(result, t_start=100.0, t_stop=200.0)
