"""`lifsim plot` and `lifsim gallery`: kinds, options that fit them, files, and figures of papers that are resumed."""

from __future__ import annotations

import inspect
import re
import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import lifsim as ls
from lifsim import plot
from lifsim.cli import plot as command
from lifsim.cli.main import main
from lifsim.common.errors import DataError
from lifsim.gallery import ENTRIES, Entry, Panel, make
from lifsim.gallery.statistics import STATISTICS, statistics
from lifsim.modelfile import load
from lifsim.plot import raster_plot, selection
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.file_sink import FileSink

pytestmark = pytest.mark.usefixtures("unarranged_figures")


def lif(line, code=0):
    outcome = CliRunner().invoke(main, shlex.split(line))
    assert outcome.exit_code == code, outcome.output
    return outcome.output


@pytest.fixture
def results(tmp_path, monkeypatch):
    """x.h5: spikes of two populations over 1 s."""
    monkeypatch.chdir(tmp_path)
    sizes = {"exc": 40, "inh": 10}
    rng = np.random.default_rng(0)
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in sizes.items()}
    sink = FileSink(Manifest(dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name in sizes}), tmp_path / "x.h5")
    spikes = {name: (np.sort(rng.integers(1, 10_001, 20 * n)), rng.integers(0, n, 20 * n)) for name, n in sizes.items()}
    sink.write(Chunk(0, 10_000, spikes, {}))
    sink.finish({})
    sink.close()
    return tmp_path


def test_every_kind_is_a_function_and_every_option_reaches_one():
    functions = {kind: getattr(plot, kind.replace("-", "_")) for kind in (*command._OF_RESULTS, *command._OF_MODELS)}
    taken = {name for f in functions.values() for name in inspect.signature(f).parameters}
    assert {name for names in command._PARAMETERS.values() for name in names} <= taken
    for f in functions.values():
        assert {"width_mm", "style"} <= set(inspect.signature(f).parameters)


@pytest.mark.parametrize(
    ("kind", "options", "file"),
    [
        ("summary", "--discard 100 --neurons 20 --bin 5", "x.summary.png"),
        ("correlogram", "--population inh --to 0.5s --bin 2", "x.correlogram.png"),
        ("psth", "--triggers 200,0.5s --before 20 --after 50 --bin 2", "x.psth.png"),
        ("psth", "--triggers inh -o y.pdf", "y.pdf"),
        ("raster", "--width 85 --style dark --neurons 5", "x.png"),
    ],
)
def test_kinds_of_results(results, kind, options, file):
    assert lif(f"plot x.h5 --kind {kind} {options}") == f"{file}: {kind} of x.h5\n"
    assert (results / file).stat().st_size > 3000


@pytest.mark.parametrize("most_dots", [100, 10_000])
def test_spikes_of_large_files_are_drawn_without_reading_them_whole(results, monkeypatch, most_dots):
    monkeypatch.setattr(raster_plot, "DOTS", most_dots)
    want = plot.raster("x.h5", t_start=100.0)
    monkeypatch.setattr(selection, "_LARGE", 0)
    result = ls.open("x.h5")
    monkeypatch.setattr(result.spikes, "_load", None)  # reading the spikes whole would fail
    got = plot.raster(result, t_start=100.0)
    assert len(want.axes[0].images) == (2 if most_dots == 100 else 0)
    for one, other in zip(want.axes, got.axes, strict=True):
        for a, b in zip([*one.images, *one.lines], [*other.images, *other.lines], strict=True):
            np.testing.assert_array_equal(*(x.get_array() if hasattr(x, "get_array") else x.get_xydata() for x in (a, b)))
        for a, b in zip(one.patches, other.patches, strict=True):
            np.testing.assert_array_equal(a.get_data()[0], b.get_data()[0])
        assert one.get_title(loc="right") == other.get_title(loc="right")


def test_width_and_style_are_those_of_the_picture(results, fine_figures):
    lif("plot x.h5 --width 85 --style dark --population exc")
    with Image.open("x.png") as image:
        assert image.size[0] == pytest.approx(85 / 25.4 * 300, abs=2)
        assert image.convert("RGB").getpixel((2, 2)) == (0x15, 0x19, 0x1E)


def test_an_animation_is_a_gif(results, monkeypatch):
    monkeypatch.setattr(plot, "animation", short := lambda *words, **more: ANIMATION(*words, seconds=0.3, fps=10, **more))
    short.__signature__ = inspect.signature(ANIMATION)
    assert "x.animation.gif" in lif("plot x.h5 --kind animation --neurons 5 --width 60")
    with Image.open("x.animation.gif") as image:
        assert image.n_frames == 3
    assert "a name that ends in .gif" in lif("plot x.h5 --kind animation -o y.png", 2)
    assert "y.gif for --kind raster; expected a name that ends in .png, .pdf or .svg (.gif is for --kind animation)" in lif(
        "plot x.h5 -o y.gif", 2
    )


ANIMATION = plot.animation


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("x.h5 --neuron 3", "--neuron: given with --kind raster; only for --kind membrane, phase-plane"),
        ("x.h5 --kind isi --bin 2", "--bin: given with --kind isi"),
        ("x.h5 --bin 0", "--bin: 0; expected a time above 0"),
        ("x.h5 --bin -1", "--bin: -1; expected a time above 0"),
        ("x.h5 --kind spectrum --bin 1000", "--bin: 1000 ms is too long for segments"),
        ("x.h5 --kind psth", "--kind psth: needs --triggers; times such as 100,200,300"),
        ("x.h5 --kind psth --triggers 1,x", "--triggers"),
        ("x.h5 --kind psth --triggers stim", "there are no spikes of 'stim'"),
        ("x.h5 --kind membrane --population exc --population inh", "--population: given 2 times with --kind membrane"),
        ("x.h5 --kind connectivity", "--kind connectivity: x.h5 is not a model"),
        ("x.h5 --set g=3", "--set: given with --kind raster; only for models"),
        ("brunel --kind connectivity --from 10", "--from, --discard: given with --kind connectivity"),
        ("brunel --kind degrees --discard 10", "--from, --discard: given with --kind degrees"),
        ("brunel --kind weights --population ex", "there is no population 'ex'"),
        ("brunel --kind weights --n-nodes 5", "--n-nodes: given with --kind weights; only for results"),
        ("brunel", "is a model, not a file of results"),
        ("x.h5 --width 10", "--width"),
        ("x.h5 --style blue", "--style"),
        ("x.h5 --kind raste", "'raste'"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_drawn(results, words, message):
    assert message in lif(f"plot {words}", 2)
    assert not list(results.glob("*.png"))


def test_synapses_of_a_model(results):
    assert lif("plot brunel --kind connectivity --set order=20") == "outputs/brunel.connectivity.png: connectivity of brunel\n"
    assert "exists" in lif("plot brunel --kind connectivity --set order=20", 2)
    lif("plot brunel --kind weights --set order=20 --population exc -o w.svg")
    assert "exc \N{RIGHTWARDS ARROW} exc" not in (results / "w.svg").read_text(encoding="utf-8")  # one pair needs no legend


# -- gallery ---------------------------------------------------------------------------------------


def test_the_gallery_is_listed(results):
    lines = lif("gallery").splitlines()
    assert [line.split()[0] for line in lines] == list(ENTRIES)
    assert "4.2 s of model brunel" in lines[0]


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_are_valid(name):
    entry = ENTRIES[name]
    function = getattr(plot, entry.figure)
    assert set(entry.options) <= set(inspect.signature(function).parameters)
    assert set(entry.statistics) <= set(STATISTICS)
    nets = {panel.name: load(panel.model, **panel.settings) for panel in entry.panels}
    for panel in entry.panels:
        assert panel.discard < panel.duration - (panel.shown or 0.0)
    for (panel, population), values in entry.published.items():
        assert population in nets[panel].populations and set(values) <= set(STATISTICS)
    assert not entry.published or entry.source


SMALL = "gallery brunel-figure8 --set order=20 --duration 320 -q"


def test_a_figure_of_the_gallery_is_made_and_made_again(results):
    table = [line.split() for line in lif(SMALL).splitlines()]
    assert table[0] == ["run", "population", "rate", "(1/s)", "published", "CV", "of", "ISI"]
    assert [row[:2] for row in table[1:]] == [[panel, name] for panel in "ABCD" for name in ("exc", "inh")]
    folder = results / "outputs/brunel-figure8"
    runs = {name: ls.open(folder / f"{name}.h5") for name in "ABCD"}
    assert [(r.info["parameters"]["g"], r.info["parameters"]["eta"], r.duration) for r in runs.values()] == [
        (3.0, 2.0, 320.0), (6.0, 4.0, 320.0), (5.0, 2.0, 320.0), (4.5, 0.9, 320.0),
    ]  # fmt: skip
    late = runs["B"].spikes["exc"].window(200.0)
    assert float(table[3][2]) == pytest.approx(len(late) / 80 / 0.12, rel=1e-3)
    assert table[3][3] == "60.7"
    before = {name: r.info["run"] for name, r in runs.items()}
    (folder / "brunel-figure8.png").unlink()
    (folder / "C.h5").unlink()
    lif(SMALL)
    after = {name: ls.open(folder / f"{name}.h5").info["run"] for name in "ABCD"}
    assert [name for name in "ABCD" if before[name] != after[name]] == ["C"]  # the others were used again
    assert (folder / "brunel-figure8.png").stat().st_size > 10_000
    assert "belongs to another run" in lif(SMALL.replace("320", "330"), 2)
    lif(SMALL.replace("320", "330") + " --overwrite --format svg --style dark")
    assert ls.open(folder / "A.h5").duration == 330.0 and (folder / "brunel-figure8.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("brunel-figur8", "there is no figure 'brunel-figur8'; did you mean 'brunel-figure8'"),
        ("brunel-figure8 --duration 100", "duration: 100 ms; more than the warm-up, 200 ms"),
        ("brunel-figure8 --set order", "--set: 'order'; expected a parameter of the model"),
        ("brunel-figure8 --set ordr=20", "did you mean 'order'"),
    ],
)
def test_wrong_words_of_the_gallery(results, words, message):
    assert message in lif(f"gallery {words}", 2)
    assert not (results / "outputs").exists() or not list((results / "outputs").rglob("*.h5"))


def test_a_figure_of_a_single_run(tmp_path):
    """As that of the microcircuit, which takes minutes."""
    published = {("only", "exc"): {"rate": 5.0, "peak": 40.0}}
    panel = Panel("only", "only", "brunel", {"order": 20}, 700.0, 100.0)
    entry = Entry("one", "one", "", (panel,), "summary", {"neurons": 50, "raster_ms": 50.0}, published=published)
    made = make(entry, tmp_path / "b", threads=1)
    assert made.figure == tmp_path / "b" / "one.png" and made.figure.stat().st_size > 10_000
    first, second = made.rows
    spikes = made.results["only"].spikes["exc"].window(100.0)
    assert (first.panel, first.population, first.published) == ("only", "exc", {"rate": 5.0, "peak": 40.0})
    assert first.here["rate"] == pytest.approx(len(spikes) / 80 / 0.6)
    rate = np.histogram(np.round(spikes.times * 10) - 0.5, np.arange(1000, 7001, 10))[0] / 80 * 1000
    segments = np.stack([rate[a : a + 500] for a in (0,)])
    power = np.abs(np.fft.rfft((segments - segments.mean(axis=1, keepdims=True)) * np.hanning(501)[:500])) ** 2
    assert first.here["peak"] == pytest.approx(2.0 * (3 + np.argmax(power[0, 3:])))  # from 5 Hz on, 2 Hz apart
    assert set(second.here) == {"rate", "cv"} and second.published == {}


def test_bursts_and_weights_of_the_gallery():
    steps = np.sort(np.concatenate([np.full(5, 1005), np.arange(1200, 9000, 400), np.full(9, 8000)]))
    net = ls.Network(dt=0.1)
    cells = net.add("exc", 10, "parrot_neuron")
    times = [[] for _ in range(10)]
    for k, step in enumerate(steps):  # 5 neurons at 100 ms, 9 at 800 ms, single ones between
        times[k % 10].append(step / 10 - 0.1)
    net.connect(net.add("given", 10, "spike_generator", spike_times=times), cells, "one_to_one", delay=0.1)
    post = net.add("post", 1, "iaf_psc_exp")
    net.connect(cells, post, weight=[[-10.0, -1.0, -1.9, -2.1, -7.9, -8.1, -5.0, -5.0, -9.0, -0.5]], delay=0.1, synapse={
        "model": "stdp_synapse", "lambda": 0.0, "Wmax": -100.0,
    })  # fmt: skip
    net.record(cells, "spikes")
    net.record_weights(cells, post, interval=100.0)
    result = ls.run(net, 1000.0)
    assert statistics(("bursts", "rate"), result, "exc", 0.0) == {"bursts": 2.0, "rate": pytest.approx(len(steps) / 10)}
    assert statistics(("bursts",), result, "exc", 500.0) == {"bursts": 2.0}  # one in half a second
    assert np.isnan(statistics(("weak",), result, "exc", 0.0)["weak"])
    net.record(post, "spikes")
    result = ls.run(net, 1000.0)
    assert statistics(("weak", "strong"), result, "post", 0.0) == {"weak": 0.3, "strong": 0.3}


def test_the_parameters_of_a_panel_cannot_be_overridden(tmp_path):
    entry = Entry("x", "x", "", (Panel("A", "a", "brunel", {"g": 3.0}, 10.0, 1.0),), "summary")
    with pytest.raises(DataError, match=re.escape("settings: g is set by the figure")):
        make(entry, tmp_path, settings={"g": 4.0})
    with pytest.raises(DataError, match=r"suffix: '\.gif'"):
        make(entry, tmp_path, suffix=".gif")
