"""What figures say and how: colours, labels, numbers, bins, images without stripes, names in any script."""

from __future__ import annotations

import io
import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font
from matplotlib.text import Text

import lifsim as ls
from lifsim import plot
from lifsim.ann import plots as training_plots
from lifsim.common.errors import DataError
from lifsim.plot import palette, typefaces
from lifsim.plot.number_labels import NumberLabels
from lifsim.plot.rate_course import rate_bin_of
from lifsim.plot.spike_density import time_grid
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.results.spikes import Spikes
from lifsim.simulation.sinks import MemorySink

pytestmark = pytest.mark.usefixtures("unarranged_figures")


def entry(population, variable, unit, ids, interval=0.1, **more):
    return {
        "population": population,
        "variable": variable,
        "unit": unit,
        "interval": interval,
        "start": 0.0,
        "stop": None,
        "ids": ids,
        **more,
    }


def result_of(sizes, spikes, stop, traces=None, others=()):
    """A result: population -> (steps, ids); (population, variable) -> (entry, samples)."""
    traces = traces or {}
    populations = {name: {"n": n, "model": "iaf_psc_exp"} for name, n in sizes.items()}
    populations |= {name: {"n": 1, "model": model} for name, model in others}
    manifest = Manifest(
        dt=0.1, populations=populations, spikes={name: {"ids": "all"} for name in sizes}, traces=[e for e, _ in traces.values()]
    )
    sink = MemorySink(manifest)
    nothing = np.zeros(0, np.int64)
    samples = {key: data for key, (_, data) in traces.items()}
    sink.write(Chunk(0, round(stop * 10), {name: spikes.get(name, (nothing, nothing)) for name in sizes}, samples))
    return sink.finish({})


def poisson(sizes, rates, stop, **more):
    rng = np.random.default_rng(0)
    spikes = {}
    for name, n in sizes.items():
        at = np.sort(rng.integers(1, round(stop * 10) + 1, round(rates[name] * n * stop / 1000)))
        spikes[name] = at, rng.integers(0, n, len(at))
    return result_of(sizes, spikes, stop, **more)


def drawn(figure, dpi=100):
    """The pixels of a figure, (height, width, 3), 0 to 1; a warning is an error."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def hex_of(colour):
    return tuple(np.round(to_rgb(colour), 6))


# Colours

LAYERS = {"L23E": 50, "L23I": 20, "L4E": 50, "L4I": 20, "in": 10}


def coloured():
    voltages = (entry("L4I", "V_m", "mV", [0, 1]), np.random.default_rng(0).normal(size=(1000, 2)))
    return poisson(LAYERS, dict.fromkeys(LAYERS, 20), 100.0, traces={("L4I", "V_m"): voltages}, others=[("ext", "poisson_generator")])


def colours_in(figure):
    """Population -> colours of its dots and lines, by the axes' own labels."""
    found: dict[str, set] = {}
    for ax in figure.axes:
        for patch in ax.patches:
            if patch.get_label() in LAYERS:
                found.setdefault(patch.get_label(), set()).add(hex_of(patch.get_edgecolor()))
    return found


@pytest.mark.parametrize("chosen", [None, ["L4I"], ["L4I", "in"], ["L4E", "L23E", "L4I"]])
def test_a_population_has_one_colour_in_all_figures(chosen):
    result = coloured()
    expected = dict(zip([*LAYERS, "ext"], map(hex_of, plot.colours([*LAYERS, "ext"])), strict=True))
    raster = plot.raster(result, chosen)
    for figure in (raster, plot.rates(result, chosen), plot.isi(result, chosen)):
        for name, colours in colours_in(figure).items():
            assert colours == {expected[name]}
    dots = [line for line in raster.axes[0].lines if line.get_marker() in ("o", "|")]
    assert [hex_of(line.get_color()) for line in dots] == [expected[name] for name in chosen or LAYERS]
    first, second, *_ = plot.traces(result).axes[0].lines
    assert hex_of(first.get_color()) == expected["L4I"]
    assert hex_of(second.get_color()) not in expected.values()


def test_maps_have_the_colours_too():
    net = ls.Network()
    for name in ("a", "b", "inh"):
        net.add(name, 9, "iaf_psc_exp", I_e=700.0, positions={"random": True, "extent": [1.0, 1.0]})
    net.record(["a", "b", "inh"], "spikes")
    (panel, *_) = plot.space(ls.run(net, 20.0), "b").axes
    shown = panel.collections[0].get_cmap()(1.0)
    assert hex_of(shown[:3]) == hex_of(plot.colours(["a", "b", "inh"])[1])


def distance(one, other):
    return float(np.linalg.norm(np.subtract(to_rgb(one), to_rgb(other))))


@pytest.mark.parametrize("n", [8, 16, 30])
def test_many_populations_have_colours_of_their_own(n):
    assert len(set(plot.colours([f"p{k}_cells" for k in range(n)]))) == n
    layers = [f"L{k}{kind}" for k in range(n // 2) for kind in "ei"]
    colours = plot.colours(layers)
    assert len(set(colours)) == len(layers)
    for excitatory, inhibitory in itertools.pairwise(colours):  # of one layer, and of neighbours
        assert distance(excitatory, inhibitory) > 0.3


def test_names_of_excitatory_and_inhibitory_populations():
    blue, red = (lambda c: to_rgb(c)[2] > to_rgb(c)[0]), (lambda c: to_rgb(c)[0] > to_rgb(c)[2])
    for name in ("L4e", "L23e_V1", "L4E", "E", "exc", "exc_1", "pyramidal_exc"):
        assert plot.colours([name])[0] == palette.EXCITATORY, name
    for name in ("L4i", "L23i_V1", "L4I", "I", "inh", "inh_1"):
        assert plot.colours([name])[0] == palette.INHIBITORY, name
    for name in ("cells", "input", "Image", "retinae", "hippocampi", "e4x"):
        assert plot.colours([name])[0] == palette.OTHERS[0], name
    assert all(map(blue, plot.colours(["L1E", "L2E", "L3E"])))
    assert all(map(red, plot.colours(["L1I", "L2I", "L3I"])))


def luminance(colour):
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_names_can_be_read_on_white():
    sizes = {f"p{k}_cells": 50 for k in range(30)}
    top, below = plot.raster(poisson(sizes, dict.fromkeys(sizes, 10), 100.0)).axes
    for label in (*top.get_yticklabels(), *below.get_yticklabels()):
        assert 1.05 / (luminance(label.get_color()) + 0.05) > 2.99


# Labels of traces


def weights(n=7):
    data = 45 + np.cumsum(np.random.default_rng(0).normal(size=(100, n)), 0)
    listed = entry("inh", "weight_from_exc", "pA", [5, 7, 9, 2, 1, 3, 3][:n], 10.0, sources=[3, 3, 4, 1, 0, 2, 2][:n])
    return result_of({"exc": 10, "inh": 10}, {}, 1000.0, {("inh", "weight_from_exc"): (listed, data)})


def test_weights_are_labelled_as_synapses():
    (ax,) = plot.traces(weights()).axes
    assert ax.get_ylabel() == "exc → inh\nweight (pA)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "synapse 0 (3 → 5)", "synapse 1 (3 → 7)", "synapse 2 (4 → 9)", "synapse 3 (1 → 2)", "synapse 4 (0 → 1)",
    ]  # fmt: skip
    assert ax.get_legend().get_title().get_text() == "source → target"
    assert ax.get_title(loc="right") == "5 of 7 recorded synapses"
    (ax,) = plot.traces(weights(1)).axes
    assert ax.lines[0].get_label() == "synapse 0 (3 → 5)"


def test_recorded_weights_of_a_run_are_labelled(tmp_path):
    net = ls.Network()
    net.add("exc", 4, "iaf_psc_exp", I_e=800.0)
    net.connect("exc", "exc", "all_to_all", weight=20.0, delay=1.0, synapse="stdp_synapse")
    net.record_weights("exc[:2]", "exc[2:]", interval=10.0)
    (ax,) = plot.traces(ls.run(net, 50.0, out=tmp_path / "x.h5")).axes
    assert ax.get_ylabel() == "exc → exc\nweight (pA)"
    labels = [line.get_label() for line in ax.lines]
    assert sorted(label.split("(")[1] for label in labels) == ["0 → 2)", "0 → 3)", "1 → 2)", "1 → 3)"]


def test_a_variable_that_was_not_recorded_is_an_error_beside_others():
    with pytest.raises(DataError, match="weight_from_inh was not recorded"):
        plot.traces(weights(), variables=["weight_from_exc", "weight_from_inh"])


def voltages(*columns):
    data = np.stack(columns, 1)
    return result_of({"a": 5}, {}, len(data) / 10, {("a", "V_m"): (entry("a", "V_m", "mV", list(range(data.shape[1]))), data)})


def test_a_line_under_others_is_wider():
    t = np.arange(1000)
    v, w = -65 + np.sin(t / 50), -65 + np.cos(t / 50)
    widths = [line.get_linewidth() for line in plot.traces(voltages(v, v, v)).axes[0].lines]
    assert widths[0] > widths[1] + 1 > widths[2] + 2
    widths = [line.get_linewidth() for line in plot.traces(voltages(v, w, v)).axes[0].lines]
    assert widths[0] > widths[1] + 1 == widths[2] + 1
    assert len({line.get_linewidth() for line in plot.traces(voltages(v, w)).axes[0].lines}) == 1


def test_coinciding_lines_are_both_seen():
    v = -65 + np.sin(np.arange(1000) / 50)
    figure = plot.traces(voltages(v, v))
    pixels = drawn(figure, 300).reshape(-1, 3)
    for line in figure.axes[0].lines:
        assert np.count_nonzero(np.abs(pixels - to_rgb(line.get_color())).max(axis=1) < 0.05) > 300


def test_equal_rates_are_both_seen():
    steps = np.arange(1, 10_000, 20)
    both = (steps, np.arange(len(steps)) % 10)
    first, second = plot.rates(result_of({"exc": 10, "inh": 10}, {"exc": both, "inh": both}, 1000.0)).axes[0].patches
    assert first.get_linewidth() > second.get_linewidth() + 1


def test_spikes_of_neurons_are_marked_in_rows():
    spikes = {"a": (np.array([100, 100, 500]), np.array([0, 1, 1]))}
    listed = {("a", "V_m"): (entry("a", "V_m", "mV", [0, 1]), np.zeros((1000, 2)))}
    figure = plot.traces(result_of({"a": 2}, spikes, 100.0, listed))
    drawn(figure)
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    heights = [line.get_transform().transform((line.get_xdata()[0], line.get_ydata()[0]))[1] for line in marks]
    assert [list(line.get_xdata()) for line in marks] == [[10.0], [10.0, 50.0]]
    assert heights[1] > heights[0] + 3


# Numbers at axes


def numbers(ax, axis="y"):
    """The labels of the ticks within the limits of a drawn axis, as numbers."""
    axis = ax.yaxis if axis == "y" else ax.xaxis
    assert axis.get_offset_text().get_text() == ""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-6 * (high - low)
    labels = [tick.label1.get_text() for tick in axis.get_major_ticks() if low - slack <= tick.get_loc() <= high + slack]
    plain = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
    return [float(label.translate(plain).replace(" × 10", "e")) for label in labels]


RANGES = {
    "around -65": (-65.0001, -64.9999),
    "large": (0.0, 1.8e14),
    "small": (1e-9, 5e-9),
    "far from 0": (1e6, 1e6 + 1),
    "usual": (-75.0, -50.0),
    "across 0": (-3e-5, 4e-5),
    "constant": (1e4, 1e4),
    "zero": (0.0, 0.0),
}


@pytest.mark.parametrize("case", RANGES)
def test_every_tick_says_its_number(case):
    low, high = RANGES[case]
    figure = plot.traces(voltages(np.linspace(low, high, 1000)))
    drawn(figure)
    (ax,) = figure.axes
    said = numbers(ax)
    low, high = ax.get_ylim()
    shown = [at for at in ax.get_yticks() if low - 1e-6 * (high - low) <= at <= high + 1e-6 * (high - low)]
    assert len(said) >= 2
    assert len(set(said)) == len(said)
    np.testing.assert_allclose(said, shown, rtol=0, atol=1e-3 * abs(shown[1] - shown[0]))


@pytest.mark.parametrize("window", [(0.0, 2.0), (99_998.0, 100_000.0), (0.0, 100_000.0), (12.3, 12.4)])
def test_times_are_plain_numbers(window):
    result = result_of({"cells": 2}, {"cells": (np.array([124, 999_990]), np.array([0, 1]))}, 100_000.0)
    for figure in (plot.raster(result, t_start=window[0], t_stop=window[1]), plot.rates(result, t_start=window[0], t_stop=window[1])):
        drawn(figure)
        for ax in figure.axes:
            assert len(numbers(ax, "x")) >= 2 or not any(tick.label1.get_visible() for tick in ax.xaxis.get_major_ticks())


def test_no_axis_is_empty():
    silent = result_of({"exc": 10, "inh": 5}, {}, 1000.0)
    top, below = plot.raster(silent).axes
    assert [text.get_text() for text in top.texts] == ["no spikes"]
    for figure in (plot.raster(silent), plot.rates(silent), plot.isi(silent)):
        drawn(figure)
        assert all(len(numbers(ax)) >= 2 for ax in figure.axes[1:])
    first, second = below.patches
    assert first.get_linewidth() > second.get_linewidth()  # both silent populations are seen


def test_labels_of_numbers():
    label = NumberLabels().format_ticks
    assert label([0, 500, 1000]) == ["0", "500", "1000"]
    assert label([-0.5, 0.0, 0.5]) == ["−0.5", "0.0", "0.5"]
    assert label([-65.0001, -65.0, -64.9999]) == ["−65.0001", "−65.0000", "−64.9999"]
    assert label([0, 5e13, 1e14]) == ["0.0", "0.5 × 10¹⁴", "1.0 × 10¹⁴"]
    assert label([1e6, 1e6 + 0.5]) == ["1000000.0", "1000000.5"]
    assert (label([]), label([7.0])) == ([], ["7"])


# Training


def history(n, training=lambda t: 2 * np.exp(-t / 8) + 0.01, validation=lambda t: 1.7 * np.exp(-t / 5) + 0.3):
    return {"loss": list(training(np.arange(n))), "validation_loss": list(validation(np.arange(n)))}


@pytest.mark.parametrize("epochs", [1, 2, 7, 1000, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 12, 60))])
def test_epochs_are_whole_numbers(epochs):
    figure = training_plots.learning_curve(history(epochs))
    drawn(figure)
    (ax,) = figure.axes
    said = numbers(ax, "x")
    assert said[0] == 1
    assert all(x == int(x) and 1 <= x <= epochs for x in said)
    assert len(said) >= min(epochs, 3)
    assert len({round(b - a) for a, b in itertools.pairwise(said[1:])}) <= 1
    assert epochs > 1 or [line.get_marker() for line in ax.lines] == ["o", "o"]  # a line of one point is not seen


@pytest.mark.parametrize("low", [0.3, 0.1, 1e-8, *(pytest.param(x, marks=pytest.mark.slow) for x in (0.2, 1e-3))])
def test_losses_have_labels(low):
    figure = training_plots.learning_curve({"loss": list(np.geomspace(0.7, low, 20))})
    drawn(figure)
    (ax,) = figure.axes
    bottom, top = ax.get_ylim()
    assert sum(bottom <= tick.get_loc() <= top and bool(tick.label1.get_text()) for tick in ax.yaxis.get_major_ticks()) >= 2


def test_losses_that_coincide_are_both_seen():
    same = training_plots.learning_curve(history(40, lambda t: np.exp(-t / 8), lambda t: 1.001 * np.exp(-t / 8))).axes[0]
    assert same.lines[0].get_linewidth() > same.lines[1].get_linewidth() + 1
    apart = training_plots.learning_curve(history(40)).axes[0]
    assert apart.lines[0].get_linewidth() == apart.lines[1].get_linewidth()


# Bins of rates


def train(n_spikes, duration=1000.0, neurons=1, dt=0.1):
    at = np.sort(np.random.default_rng(1).uniform(0, duration, n_spikes))
    return Spikes(at, np.zeros(n_spikes, np.int64), neurons, 0.0, duration, np.arange(neurons), dt, "p")


@pytest.mark.parametrize(
    ("spikes", "duration", "width"),
    [
        (5, 1000, 100),
        (0, 1000, 100),
        (200, 1000, 50),
        (1000, 1000, 5),
        (10**6, 1000, 5),
        (10**6, 100_000, 500),
        (10, 2, 0.2),
        (10**5, 20, 0.1),
    ],
)
def test_bins_hold_enough_spikes(spikes, duration, width):
    for one in (train(spikes, float(duration)), train(spikes, float(duration), dt=np.nan)):
        assert rate_bin_of(one, len(one)) == pytest.approx(width)


def test_a_neuron_with_five_spikes_has_a_moderate_rate():
    result = result_of({"cells": 1}, {"cells": (np.array([1000, 2500, 4000, 7000, 9500]), np.zeros(5, int))}, 1000.0)
    rate, edges, _ = plot.rates(result).axes[0].patches[0].get_data()
    assert rate.max() <= 20
    assert np.sum(rate * np.diff(edges)) == pytest.approx(5000)  # spikes/s times ms: every spike is in a bin


def test_populations_have_bins_of_their_own():
    result = poisson({"exc": 800, "retina": 3}, {"exc": 5, "retina": 20}, 1000.0)
    ax = plot.rates(result).axes[0]
    assert ax.get_ylabel() == "rate (1/s), 5 to 100 ms bins"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["exc, 5 ms", "retina, 100 ms"]
    assert [len(patch.get_data().values) for patch in ax.patches] == [200, 10]
    ax = plot.rates(result, rate_bin=20.0).axes[0]
    assert ax.get_ylabel() == "rate (1/s), 20 ms bins"
    assert [len(patch.get_data().values) for patch in ax.patches] == [50, 50]


@pytest.mark.parametrize(("stop", "bins"), [(1000.0, 10), (1040.0, 10), (1060.0, 11), (1.0, 1)])
def test_the_end_of_the_window_is_drawn(stop, bins):
    result = poisson({"cells": 100}, {"cells": 10}, stop)
    rate, edges, _ = plot.rates(result, rate_bin=100.0).axes[0].patches[0].get_data()
    assert (len(rate), edges[-1]) == (bins, pytest.approx(stop))
    assert np.sum(rate * np.diff(edges)) * 100 / 1000 == pytest.approx(len(result.spikes["cells"]))


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
def test_bins_that_are_none_are_refused(width):
    with pytest.raises(DataError, match="rate_bin"):
        plot.raster(result_of({"cells": 1}, {}, 10.0), rate_bin=width)


def test_rates_of_many_populations_have_rows():
    sizes = {f"L{k}{kind}": 100 for k in range(5) for kind in "EI"}
    result = poisson(sizes, dict.fromkeys(sizes, 10), 500.0)
    left, right = plot.rates(result).axes
    assert left.get_legend() is None
    assert [label.get_text() for label in left.get_yticklabels()] == list(sizes)
    for k, (name, patch) in enumerate(zip(sizes, left.patches, strict=True)):
        values, edges, baseline = patch.get_data()
        assert baseline == k + 1
        assert k < values.min() <= values.max() <= k + 1
        highest = ls.analysis.population_rate(result.spikes[name], edges[1] - edges[0])[1].max()
        assert left.texts[k].get_text() == f"{highest:.3g}"
    medians = [line.get_xdata()[0] for line in right.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(medians, [np.median(ls.analysis.rates(result.spikes[name])) for name in sizes])


# Millions of spikes

STEPS, NEURONS = 17_500, 80_000


def lattice():
    """5.6 million spikes: every neuron fires each 25 ms, at phases that are spread evenly over neurons and time."""
    phase = np.random.default_rng(0).permutation(np.arange(NEURONS) % 250)
    order = np.argsort(phase, kind="stable")
    return (np.arange(STEPS // 250)[:, None] * 250 + phase[order]).ravel() + 1, np.tile(order, STEPS // 250)


def whole_milliseconds():
    """5.5 million spikes at whole milliseconds."""
    rng = np.random.default_rng(0)
    each = np.bincount(rng.integers(0, STEPS // 10, 5_500_000), minlength=STEPS // 10)  # spikes in a millisecond: they need no sorting
    return np.repeat(np.arange(STEPS // 10) * 10 + 10, each), rng.integers(0, NEURONS, 5_500_000)


@pytest.mark.parametrize("spikes", [lattice, whole_milliseconds])
def test_an_even_density_has_no_stripes(spikes):
    result = result_of({"exc": NEURONS}, {"exc": spikes()}, STEPS / 10)
    tracemalloc.start()
    top = plot.raster(result).axes[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 225e6  # the spikes alone take 90 MB
    (image,) = top.images
    shade = 255.0 - image.get_array()[..., 0]
    noise = shade[:-1, :-1].std()  # of pixels; that of the means of n pixels is less by √n
    for axis in (0, 1):
        means = shade[:-1, :-1].mean(axis=axis)
        assert means.std() < 2 * noise / np.sqrt(shade.shape[axis]) + 0.3
        spectrum = np.abs(np.fft.rfft(means - means.mean())) ** 2
        assert spectrum.max() < 0.1 * spectrum.sum() or means.std() < 0.3


def test_a_pixel_stands_for_whole_neurons_and_steps(tmp_path, fine_figures):
    sizes = {"exc": 64_000, "inh": 16_000}
    rng = np.random.default_rng(0)
    spikes = {}
    for name, n in sizes.items():
        at = np.repeat(np.arange(10_001), np.bincount(rng.integers(1, 10_001, 40 * n), minlength=10_001))
        spikes[name] = at, rng.integers(0, n, len(at))
    figure = plot.raster(result_of(sizes, spikes, 1000.0))
    top = figure.axes[0]
    assert "3,200,000 spikes (full colour: " in top.get_title(loc="right")
    for image, n in zip(top.images, sizes.values(), strict=True):
        left, right, bottom, upper = image.get_extent()
        rows, columns = image.get_array().shape[:2]
        neurons, steps = (bottom - upper) / rows, (right - left) / columns * 10
        assert neurons == pytest.approx(round(neurons))
        assert steps == pytest.approx(round(steps))
        assert right >= 1000.0 > right - steps / 10
        assert bottom - upper >= n > bottom - upper - neurons
    assert top.get_xlim() == (0.0, 1000.0)
    assert top.get_ylim() == (80_000, 0)
    assert plot.save(figure, tmp_path / "x.png").stat().st_size < 1_500_000


def test_the_density_is_that_of_the_spikes():
    """A quarter of the neurons fire four times as often as the others, in half of the time."""
    rng = np.random.default_rng(0)
    at, ids = rng.integers(1, 10_001, 3_000_000), rng.integers(0, 10_000, 3_000_000)
    kept = (ids < 2500) & (at <= 5000) | (rng.random(len(at)) < 0.25)
    order = np.argsort(at[kept], kind="stable")
    image = plot.raster(result_of({"exc": 10_000}, {"exc": (at[kept][order], ids[kept][order])}, 1000.0)).axes[0].images[0].get_array()
    shade = 255.0 - image[..., 0]
    rows, columns = np.array(shade.shape) // 4
    busy, quiet = shade[:rows, : 2 * columns].mean(), shade[rows + 1 :, 2 * columns + 1 :].mean()
    assert busy / quiet == pytest.approx(2, rel=0.05)  # the square root of 4


@pytest.mark.parametrize("dt", [np.nan, 0.01])
def test_time_grids(dt):
    rng = np.random.default_rng(0)
    for grid in (1.0, 0.25, 0.1, 0.01):
        assert time_grid([rng.integers(1, 100_000, 50_000) * grid, rng.integers(1, 1000, 50) * grid], dt) == grid
    assert time_grid([rng.uniform(0, 100, 1000)], dt) == 0
    assert time_grid([rng.integers(1, 100_000, 1000) / 32], dt) == 0
    assert time_grid([rng.integers(1, 100_000, 1000) / 32], 1 / 32) == 1 / 32


# Names in any script


def every_text(figure):
    return [text for text in figure.findobj(Text) if text.get_text()]


NAMES = [
    "锥体细胞",
    "Нейроны",
    "α-γ",
    "🧠 cells",
    "$x_1$",
    "_hidden",
    "நரம்பு",
    "a\nb",
    "x" * 60,
    "العصبون",
    "%s{}\\n",
    "\u202eevil",
    "👩‍💻",
    " ",
]


FORMATS = ("png", "pdf", "svg")
OFTEN = [(plot.raster, 14, FORMATS), (plot.rates, 14, ("png",)), (plot.isi, 14, ("png",)), (plot.rates, 4, ("png",))]
ALL = [(draw, number, FORMATS) for draw in (plot.raster, plot.rates, plot.isi) for number in (4, 14)]


@pytest.mark.parametrize(
    ("draw", "number", "formats"), [*OFTEN, *(pytest.param(*each, marks=pytest.mark.slow) for each in ALL if each not in OFTEN)]
)
def test_every_name_can_be_drawn(draw, number, formats):
    """Rows and legends; the fonts are those of all figures, so that one of them is saved in all formats."""
    sizes = dict.fromkeys(NAMES[:number], 20)
    figure = draw(poisson(sizes, dict.fromkeys(sizes, 20), 200.0))
    for format in formats:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "Glyph … missing from font"
            figure.savefig(io.BytesIO(), format=format)


@pytest.fixture
def only_standard_fonts(monkeypatch):
    monkeypatch.setattr(typefaces, "_fonts", lambda known: ())
    typefaces._looked_up.cache_clear()
    yield
    typefaces._looked_up.cache_clear()


def test_characters_without_a_font_are_escaped(only_standard_fonts):
    assert typefaces.showable("锥体 Нейроны 🧠") == r"\u9525\u4f53 Нейроны \U0001f9e0"
    assert typefaces.showable("👩‍💻") == r"\U0001f469\U0001f4bb"  # the joiner would join nothing
    sizes = dict.fromkeys(["锥体", "b", "c"], 5)
    result = poisson(sizes, dict.fromkeys(sizes, 20), 200.0)
    assert plot.raster(result).axes[0].get_yticklabels()[0].get_text().startswith(r"\u9525\u4f53")
    assert plot.rates(result).axes[0].get_legend().get_texts()[0].get_text() == r"\u9525\u4f53"
    traced = result_of({"锥体": 1}, {}, 10.0, {("锥体", "V_m"): (entry("锥体", "V_m", "mV", [0]), np.zeros((100, 1)))})
    assert plot.traces(traced).axes[0].get_ylabel() == "\\u9525\\u4f53\nV_m (mV)"


def test_a_font_is_found_for_characters_that_the_standard_one_lacks():
    """By way of a font that comes with matplotlib: its own characters, read here from the file."""
    (stix,) = [font for font in fontManager.ttflist if font.name == "STIXGeneral" and font.style == "normal" and font.weight == 400][:1]
    dejavu = get_font(fontManager.findfont("DejaVu Sans")).get_charmap()
    lacking = [c for c in map(chr, get_font(stix.fname).get_charmap()) if ord(c) not in dejavu and c.isalpha() and ord(c) < 0xE000]
    name = "".join(lacking[:3])
    assert len(name) == 3
    sizes = dict.fromkeys([name, "b"], 5)
    figures = [draw(poisson(sizes, dict.fromkeys(sizes, 20), 200.0)) for draw in (plot.raster, plot.rates)]
    for figure in figures:
        drawn(figure)
    texts = [text for figure in figures for text in every_text(figure)]
    labels = [text for text in texts if name in text.get_text() and text.get_visible()]
    assert len(labels) >= 2  # beside the raster, and in the legend of the rates
    assert all(len(label.get_fontfamily()) > 1 for label in labels)
    assert all(label.get_fontfamily() == ["sans-serif"] for label in texts if label.get_text().isascii())


def test_fonts_that_are_added_later_are_found(monkeypatch):
    (stix,) = [font for font in fontManager.ttflist if font.name == "STIXGeneral" and font.style == "normal" and font.weight == 400][:1]
    monkeypatch.setattr(fontManager, "ttflist", [font for font in fontManager.ttflist if "DejaVu Sans" in font.name])
    assert typefaces.showable("ᶁ") == r"\u1d81"
    fontManager.ttflist.append(stix)
    assert typefaces.showable("ᶁ") == "ᶁ"


def test_fonts_of_boxes_are_not_taken():
    assert not any("last resort" in font.name.lower() for font in typefaces._fonts(len(fontManager.ttflist)))


def test_names_that_are_shortened_to_the_same_stay_apart():
    names = [f"{'x' * 30}{k}{'y' * 30}" for k in range(3)]
    result = poisson(dict.fromkeys(names, 5), dict.fromkeys(names, 20), 200.0)
    labels = [text.get_text() for text in plot.rates(result).axes[0].get_legend().get_texts()]
    assert len(set(labels)) == 3
    assert plot.rates(result, names[1:]).axes[0].get_legend().get_texts()[0].get_text() == labels[1]


def test_a_long_name_fits_its_panel():
    name = "a_population_with_a_very_long_name"
    listed = {(name, v): (entry(name, v, "mV", [0]), np.zeros((100, 1))) for v in ("V_m", "V_th")}
    figure = plot.traces(result_of({name: 1}, {}, 10.0, listed))
    drawn(figure)
    first, second = (ax.yaxis.label.get_window_extent() for ax in figure.axes)
    assert first.y1 <= figure.bbox.y1
    assert first.y0 > second.y1


def test_figures_in_own_axes_leave_other_texts_alone():
    figure = Figure()
    one, two = figure.subplots(2)
    one.set_title("锥体", loc="center")
    plot.rates(poisson({"a": 5}, {"a": 20}, 100.0), ax=two)
    assert one.get_title() == "锥体"


def test_results_without_spikes_or_traces_say_what_they_have():
    net = ls.Network()
    net.add("a", 1, "iaf_psc_exp")
    net.record("a", "V_m")
    with pytest.raises(DataError, match="no spikes were recorded; record spikes in the model, or plot traces"):
        plot.raster(ls.run(net, 5.0))
    with pytest.raises(DataError, match="no traces were recorded; record traces in the model, or plot raster"):
        plot.traces(result_of({"a": 1}, {}, 10.0))


def test_empty_lists_are_errors():
    with pytest.raises(DataError, match="populations: an empty list"):
        plot.raster(result_of({"a": 1}, {}, 10.0), populations=[])
    with pytest.raises(DataError, match="variables: an empty list"):
        plot.traces(weights(), variables=[])


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"t_start": 20.0}, "times after 20 ms"),
        ({"t_start": 10.0}, "times after 10 ms"),
        ({"t_stop": 0.0}, "times up to 0 ms"),
        ({"t_start": 20.0, "t_stop": 30.0}, r"\(20, 30\] ms"),
        ({"t_start": float("nan")}, "times after nan ms"),
    ],
)
def test_windows_outside_the_run(limits, said):
    with pytest.raises(DataError, match=rf"window: {said}; must overlap the run, \(0, 10\] ms"):
        plot.rates(result_of({"a": 1}, {}, 10.0), **limits)
