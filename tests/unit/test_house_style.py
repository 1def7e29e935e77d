"""The house style: sizes in mm, light and dark style files, one palette, embedded fonts, figures of users left as they are."""

from __future__ import annotations

import re
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import style as matplotlib_style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from lifsim import plot
from lifsim.common.errors import DataError
from lifsim.plot.house import STYLES, house_style
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.sinks import MemorySink

DARK, LIGHT = "#15191e", "#ffffff"


def activity(sizes=(("exc", 60), ("inh", 15)), rate=20.0, stop=1000.0, seed=0):
    """Poisson spikes of populations, in steps of 0.1 ms."""
    rng = np.random.default_rng(seed)
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in sizes}
    sink = MemorySink(Manifest(dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name, _ in sizes}, traces=[]))
    numbers = {name: round(rate * n * stop / 1000) for name, n in sizes}
    spikes = {name: (np.sort(rng.integers(1, round(stop * 10) + 1, numbers[name])), rng.integers(0, n, numbers[name])) for name, n in sizes}
    sink.write(Chunk(0, round(stop * 10), spikes, {}))
    return sink.finish({})


RESULT = activity()
DRAW = {
    "raster": plot.raster,
    "rates": plot.rates,
    "isi": plot.isi,
    "summary": plot.summary,
    "correlations": plot.correlations,
    "correlogram": plot.correlogram,
    "spectrum": plot.spectrum,
    "psth": lambda result, **more: plot.psth(result, [200.0, 500.0, 700.0], **more),
    "states": lambda result, **more: plot.states({"one": result, "two": result}, rate_bin=5.0, **more),
    "firing": lambda result, **more: plot.firing({"one": result, "two": result}, **more),
    "connectivity": lambda _, **more: plot.connectivity(np.eye(20), **more),
    "degrees": lambda _, **more: plot.degrees(np.eye(20), **more),
    "weights": lambda _, **more: plot.weights(np.eye(20), **more),
    "fi_curve": lambda _, **more: plot.fi_curve([1.0, 2.0], [3.0, 4.0], **more),
}


def luminance(colour):
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _looks():
    """Each kind narrow, where most is cut, and dark, which shows colours that are fixed; some wide and light; under `slow`, all."""
    for kind in DRAW:
        yield kind, "dark", 85.0
        for style, width in (("light", 180.0), ("light", 85.0), ("dark", 180.0)):
            often = (style, width) == ("light", 180.0) and kind in ("rates", "summary", "states", "weights")
            yield pytest.param(kind, style, width, marks=() if often else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "style", "width"), list(_looks()))
def test_figures_have_the_width_and_the_style_that_were_asked_for(kind, style, width):
    paper = {"light": LIGHT, "dark": DARK}[style]
    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as a layout that does not fit
        figure = DRAW[kind](RESULT, width_mm=width, style=style)
        canvas = FigureCanvasAgg(figure)
        assert dict(matplotlib.rcParams) == before
        canvas.draw()
    share = figure.get_figwidth() * 25.4 / width
    assert share == pytest.approx(1) or (width == 180 and 0.5 < share < 1)  # a single panel takes a part of a wide page
    assert to_hex(figure.get_facecolor()) == paper
    for ax in figure.axes:
        assert ax.get_position().width > 0.2  # not squeezed
        box = ax.get_tightbbox(canvas.get_renderer())
        assert box.x0 >= -2 and box.x1 <= figure.bbox.x1 + 2 and box.y0 >= -2 and box.y1 <= figure.bbox.y1 + 2  # nothing is cut off
        legend = ax.get_legend()
        ticks = [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.get_yticklabels(minor=True)]
        texts = [ax.xaxis.label, ax.yaxis.label, ax.title, *ticks, *ax.texts, *(legend.get_texts() if legend else [])]
        for text in texts:
            if text.get_text():
                assert contrast(text.get_color(), paper) > 2.7, text.get_text()


def test_both_style_files_set_the_same_and_can_be_named_in_matplotlib():
    light, dark = map(_style, STYLES)
    assert set(light) == set(dark)
    different = {key for key in light if light[key] != dark[key]}
    assert different and all("color" in key or key == "axes.prop_cycle" for key in different)
    assert (light["pdf.fonttype"], light["svg.fonttype"]) == (42, "none")


def _style(name):
    before = dict(matplotlib.rcParams)
    with matplotlib_style.context(f"lifsim.plot.styles.{name}"):
        given = {line.split(":")[0].strip() for line in _lines(name)}
        found = {key: matplotlib.rcParams[key] for key in given}
    assert dict(matplotlib.rcParams) == before
    return found


def _lines(name):
    from importlib.resources import files

    text = files("lifsim.plot").joinpath("styles", f"{name}.mplstyle").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_settings_of_matplotlib_are_left_as_they_were():
    """Also after an error; after figures, the test of their width and style looks."""
    before = dict(matplotlib.rcParams)
    with pytest.raises(DataError), house_style(style="drak"):
        pass
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "drak"}, "style: 'drak'; did you mean 'dark'"),
        ({"width_mm": 5.0}, "width_mm: 5 mm; from 40 to 1000 mm"),
        ({"width_mm": float("nan")}, "width_mm: nan mm"),
    ],
)
def test_wrong_styles_and_widths(options, message):
    with pytest.raises(DataError, match=re.escape(message)):
        plot.raster(RESULT, **options)


def test_a_figure_of_the_user_keeps_its_size():
    figure = Figure(figsize=(3, 3))
    with pytest.raises(DataError, match="given together with ax"):
        plot.rates(RESULT, ax=figure.subplots(), width_mm=85.0)
    assert tuple(figure.get_size_inches()) == (3, 3)


@pytest.mark.parametrize("kind", [kind for kind in DRAW if kind != "summary"])
def test_axes_of_a_figure_with_parts_are_drawn_in(kind):
    """Axes in, axes out: nothing is added to the figure of the user, and no other axes are touched."""
    figure = Figure(figsize=(6, 3))
    left, right = figure.subfigures(1, 2)
    pair = tuple(left.subplots(2, 1))
    spare = right.subplots()
    others = Figure().subplots(4, 1)
    groups = {"degrees": pair, "states": [pair, tuple(others[:2])], "firing": [(*pair, others[0]), tuple(others[1:])]}
    own = groups.get(kind, pair[0])
    assert DRAW[kind](RESULT, ax=own) is figure
    assert figure.axes == [*pair, spare]
    assert not spare.has_data()
    assert spare.get_xlim() == (0.0, 1.0)
    assert tuple(figure.get_size_inches()) == (6, 3)


def test_the_style_follows_the_background_of_the_axes():
    bright, black = Figure(), Figure(facecolor="black")
    plot.rates(RESULT, ax=bright.subplots())
    ax = black.subplots()
    ax.set_facecolor("none")
    plot.rates(RESULT, ax=ax)
    assert to_hex(bright.axes[0].patches[0].get_edgecolor()) == plot.colours(["exc"])[0].lower()
    with house_style(style="dark"):
        expected = plot.colours(["exc"])[0]
    assert to_hex(ax.patches[0].get_edgecolor()) == expected.lower() != plot.colours(["exc"])[0].lower()


def test_the_style_follows_the_settings_of_matplotlib():
    with matplotlib.rc_context({"axes.facecolor": "black", "figure.facecolor": "black"}):
        assert to_hex(plot.raster(RESULT).get_facecolor()) == DARK
    assert to_hex(plot.raster(RESULT).get_facecolor()) == LIGHT


@pytest.mark.parametrize("style", STYLES)
def test_all_populations_stand_out_from_the_background(style):
    names = [f"L{layer}{kind}" for layer in (23, 4, 5, 6) for kind in "EI"] + [f"other_{k}" for k in range(12)]
    with house_style(style=style):
        found = plot.colours(names)
        paper = matplotlib.rcParams["axes.facecolor"]
    assert len(set(found)) == len(names)
    assert min(contrast(colour, paper) for colour in found) > 1.5
    assert min(contrast(colour, paper) for colour in found[:8]) > 2


def test_a_population_has_its_colour_in_every_figure():
    want = {name: colour.lower() for name, colour in zip(["exc", "inh"], plot.colours(["exc", "inh"]), strict=True)}
    dots = plot.raster(RESULT).axes[0].lines[:2]
    assert [to_hex(line.get_color()) for line in dots] == list(want.values())
    for draw in (plot.correlogram, plot.spectrum):
        lines = [line for line in draw(RESULT, populations="inh").axes[0].lines if line.get_label() == "inh"]
        assert to_hex(lines[0].get_color()) == want["inh"]
    rows = plot.summary(RESULT).axes[3].patches
    assert [to_hex(bar.get_facecolor()) for bar in rows] == list(want.values())
    one = plot.states({"x": RESULT}).axes[0].lines
    assert [to_hex(line.get_color()) for line in one] == list(want.values())


@pytest.mark.parametrize("kind", ["raster", "summary"])
def test_text_is_text_and_dots_are_pixels(kind, tmp_path):
    figure = DRAW[kind](RESULT)
    figure.set_layout_engine(None)  # where things are does not matter
    svg = plot.save(figure, tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "<text" in svg and "time" in svg
    assert "<image" in svg
    pdf = plot.save(figure, tmp_path / "x.pdf").read_bytes()
    assert b"/Type3" not in pdf and b"/FontFile2" in pdf  # embedded TrueType
