"""Connectivity matrices, degrees, weights and their evolution: what is drawn is what the matrices hold."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.sparse import coo_array, csc_array

import lifsim as ls
from lifsim import plot
from lifsim.common.errors import DataError
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.sinks import MemorySink

RNG = np.random.default_rng(3)


def matrices(n_exc=40, n_inh=10):
    """Random weights between two populations, negative from the inhibitory one."""
    sizes = {"exc": n_exc, "inh": n_inh}
    made = {}
    for source, n in sizes.items():
        for target, m in sizes.items():
            dense = (RNG.random((m, n)) < 0.3) * RNG.uniform(0.5, 1.5, (m, n)) * (1 if source == "exc" else -4)
            made[source, target] = csc_array(dense)
    return made


def shade_of(image, colour):
    """Undo the colours of an image: 0 for the background, 1 for the full colour."""
    way = 1 - np.array(to_rgb(colour))
    return ((1 - image) / np.where(way > 0.1, way, np.nan))[..., np.nanargmax(way)]


def test_each_block_shows_the_density_of_its_matrix():
    given = matrices()
    ax = plot.connectivity(given).axes[0]
    total = sum(m.nnz for m in given.values())
    assert ax.get_title(loc="right").startswith(f"{total:,} synapses, {total / 2500:.3g} a pair; full colour: 1")
    assert ax.get_xlabel() == "source" and ax.get_ylabel() == "target" and ax.get_ylim() == (1.0, 0.0)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["exc", "inh"]
    colours = dict(zip(["exc", "inh"], plot.colours(["exc", "inh"]), strict=True))
    for (source, target), image in zip(given, ax.images, strict=True):
        dense = given[source, target].toarray() != 0
        np.testing.assert_allclose(shade_of(image.get_array(), colours[source]), dense, atol=0.01)  # a pixel is a pair here
        left, right, bottom, top = image.get_extent()
        assert (left, right) == ((0.0, 0.8) if source == "exc" else (0.8, 1.0))
        assert (top, bottom) == ((0.0, 0.8) if target == "exc" else (0.8, 1.0))  # the first target is on top


def test_pixels_of_large_networks_are_mean_densities():
    n = 1000
    source, target = RNG.integers(0, n, 40_000), np.sort(RNG.integers(0, n, 40_000))
    source[target < 500] //= 2  # the first targets have sources among the first half only
    many = coo_array((np.ones(40_000), (target, source)), shape=(n, n))
    image = plot.connectivity({("cells", "cells"): many}).axes[0].images[0].get_array()
    assert max(image.shape[:2]) <= 300
    shade = shade_of(np.asarray(image), "#000000") ** 2
    assert shade[: image.shape[0] // 2 - 1, image.shape[1] // 2 + 1 :].max() < 1e-6  # no synapses
    ratio = shade[: image.shape[0] // 2, : image.shape[1] // 2].mean() / shade[image.shape[0] // 2 + 1 :].mean()
    assert ratio == pytest.approx(2.0, rel=0.1)


def test_degrees_are_numbers_of_synapses():
    given = matrices()
    left, right = plot.degrees(given).axes
    dense = {key: m.toarray() != 0 for key, m in given.items()}
    want_in = {t: sum(dense[s, t].sum(axis=1) for s in ("exc", "inh")) for t in ("exc", "inh")}
    want_out = {s: sum(dense[s, t].sum(axis=0) for t in ("exc", "inh")) for s in ("exc", "inh")}
    for ax, want, label in ((left, want_in, "in-degree"), (right, want_out, "out-degree")):
        assert ax.get_xlabel() == f"{label} (synapses)"
        for name, line in zip(want, ax.patches, strict=True):
            share, edges, _ = line.get_data()
            np.testing.assert_allclose(edges % 1, 0.5)  # midway between whole numbers
            np.testing.assert_allclose(share, np.histogram(want[name], edges)[0] / len(want[name]))
            assert share.sum() == pytest.approx(1)


def test_multapses_are_counted_each():
    twice = coo_array((np.ones(3), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    left = plot.degrees({("a", "a"): twice}).axes[0]
    share, edges, _ = left.patches[0].get_data()
    assert {round(edges[k] + 0.5): x for k, x in enumerate(share) if x} == {1: 0.5, 2: 0.5}


def test_weights_of_each_pair_of_populations():
    given = matrices()
    ax = plot.weights(given, bins=25).axes[0]
    for (source, target), line in zip(given, ax.patches, strict=True):
        share, edges, _ = line.get_data()
        np.testing.assert_allclose(share, np.histogram(given[source, target].data, edges)[0] / given[source, target].nnz)
        assert line.get_label() == f"{source} \N{RIGHTWARDS ARROW} {target}"
        assert len(edges) == 26


def test_many_pairs_are_pooled_over_their_targets():
    names = "abc"
    given = {(s, t): csc_array(np.full((4, 4), float(k))) for k, s in enumerate(names, 1) for t in names}
    ax = plot.weights(given).axes[0]
    assert [line.get_label() for line in ax.patches] == [f"{s} \N{RIGHTWARDS ARROW} all" for s in names]
    for k, line in enumerate(ax.patches, 1):
        share, edges, _ = line.get_data()
        (where,) = np.flatnonzero(share)
        assert share[where] == 1 and edges[where] <= k <= edges[where + 1]


def test_networks_simulations_and_matrices_give_the_same():
    net = ls.Network(seed=4)
    exc = net.add("exc", 30, "iaf_psc_delta")
    net.add("drive", 1, "poisson_generator", rate=10.0)
    net.connect("drive", exc, weight=1.0)
    net.connect(exc, exc, "fixed_indegree", indegree=5, weight={"uniform": [0.5, 1.5]})
    simulation = ls.Simulation(net, 1.0)
    matrix = simulation.matrix("exc", "exc")
    figures = [plot.weights(x) for x in (net, simulation, {("exc", "exc"): matrix})]
    for figure in figures[1:]:
        np.testing.assert_array_equal(figure.axes[0].patches[0].get_data()[0], figures[0].axes[0].patches[0].get_data()[0])
    assert figures[0].axes[0].get_xlabel() == "weight (mV)"
    assert figures[2].axes[0].get_xlabel() == "weight"
    assert plot.connectivity(net).axes[0].get_title(loc="right").startswith("150 synapses")


@pytest.mark.parametrize("draw", [plot.connectivity, plot.degrees, plot.weights])
@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (3, {}, "synapses: a int; expected a Network, a Simulation"),
        ({"exc": np.eye(2)}, {}, "the key 'exc'; expected a pair of names"),
        ({("a", "a"): np.eye(2), ("a", "b"): np.ones((3, 4))}, {}, "'a' has 2 neurons in one matrix and 4 in another"),
        ({("exc", "exc"): np.eye(2)}, {"populations": "ex"}, "did you mean 'exc'"),
        (ls.Network(), {}, "network has no synapses; expected a network with projections between neurons"),
    ],
)
def test_what_holds_no_synapses_is_refused(draw, given, options, message):
    with pytest.raises(DataError, match=re.escape(message)):
        draw(given, **options)


def test_empty_matrices():
    nothing = csc_array((5, 5))
    assert plot.connectivity(nothing).axes[0].get_title(loc="right").startswith("0 synapses, 0 a pair")
    assert [text.get_text() for text in plot.weights(nothing).axes[0].texts] == ["no synapses"]
    share = plot.degrees(nothing).axes[0].patches[0].get_data()[0]
    assert share[0] == 1


def test_own_axes():
    figure = Figure()
    one, two, three, four = figure.subplots(4)
    given = matrices()
    assert plot.connectivity(given, ax=one) is figure
    assert plot.degrees(given, ax=(two, three)) is figure
    assert plot.weights(given, populations="exc", ax=four) is figure
    assert len(figure.axes) == 4


def plastic(weights, sources=(0, 1, 2), targets=(1, 0, 1), stop=100.0):
    """A result with sampled weights, (samples, synapses)."""
    interval = stop / len(weights)
    entry = {
        "population": "exc", "variable": "weight_from_inh", "unit": "pA", "interval": interval, "start": 0.0, "stop": None,
        "ids": list(targets), "sources": list(sources),
    }  # fmt: skip
    populations = {"exc": {"n": 3, "model": "iaf_psc_exp"}, "inh": {"n": 3, "model": "iaf_psc_exp"}}
    sink = MemorySink(Manifest(dt=0.1, populations=populations, spikes={}, traces=[entry]))
    sink.write(Chunk(0, round(stop * 10), {}, {("exc", "weight_from_inh"): np.asarray(weights, float)}))
    return sink.finish({})


def test_weights_over_time():
    weights = np.linspace(0, 1, 20)[:, None] * np.array([-10.0, -20.0, -60.0])
    image, samples = plot.weight_evolution(plastic(weights)).axes
    mean = image.lines[0]
    np.testing.assert_allclose(mean.get_xdata(), np.arange(1, 21) * 5.0)
    np.testing.assert_allclose(mean.get_ydata(), weights.mean(axis=1))
    mesh = image.collections[0]
    shade = np.asarray(mesh.get_array()).reshape(-1, 20)
    edges = mesh.get_coordinates()[:, 0, 1]
    for k in (0, 10, 19):
        np.testing.assert_allclose(shade[:, k] ** 2, np.histogram(weights[k], edges)[0] / 3)
    assert [patch.get_label() for patch in samples.patches] == ["5 ms", "50 ms", "100 ms"]
    np.testing.assert_allclose(samples.patches[2].get_data()[0], np.histogram(weights[19], edges)[0] / 3)
    assert image.get_ylabel() == samples.get_xlabel() == "weight (pA)"
    assert image.get_title(loc="right") == "inh \N{RIGHTWARDS ARROW} exc, 3 synapses; line: mean"
    later = plot.weight_evolution(plastic(weights), t_start=60.0, ax=Figure().subplots()).axes[0]
    np.testing.assert_allclose(later.lines[0].get_xdata(), np.arange(13, 21) * 5.0)


def test_one_sample_of_one_weight():
    image, samples = plot.weight_evolution(plastic([[2.0]], [0], [1])).axes
    assert image.get_title(loc="right").endswith("1 synapse; line: mean")
    assert [patch.get_label() for patch in samples.patches] == ["100 ms"]


def test_final_weights_of_several_runs_have_common_bins():
    low, high = np.linspace([0, 0, 0], [1, 2, 6], 20), np.linspace([5, 5, 5], [9, 9, 10], 10)
    figure = plot.final_weights({"low": plastic(low), "high": plastic(high)}, windows={"low": (0.0, 50.0)}, bins=8)
    edges = np.linspace(low[9].min(), 10.0, 9)
    for ax, last, title in zip(figure.axes, (low[9], high[9]), ("A   low", "B   high"), strict=True):
        assert ax.get_title(loc="left") == title and ax.get_xlabel() == "weight (pA)"
        (drawn,) = ax.patches
        np.testing.assert_allclose(drawn.get_data()[1], edges)
        np.testing.assert_allclose(drawn.get_data()[0], np.histogram(last, edges)[0] / 3)
    with pytest.raises(DataError, match=r"plot: no weights were sampled within the windows; wider windows"):
        plot.final_weights({"low": plastic(low)}, windows=(1.0, 4.0))
    with pytest.raises(DataError, match="bins: 0; expected at least 1"):
        plot.final_weights({"low": plastic(low)}, bins=0)


def test_weights_that_were_not_recorded():
    net = ls.Network()
    net.record(net.add("exc", 2, "iaf_psc_exp"), "spikes")
    result = ls.run(net, 1.0)
    with pytest.raises(
        DataError, match=re.escape("no weights were sampled; record them: net.record_weights(source, target, interval=10.0)")
    ):
        plot.weight_evolution(result)
    with pytest.raises(DataError, match="no weights were sampled; record them"):
        plot.final_weights({"run": result})
    with pytest.raises(DataError, match="there are no weights of 'inh'"):
        plot.weight_evolution(plastic([[1.0]], [0], [1]), "inh")
