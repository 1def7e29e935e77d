"""The picture of one neuron, and its phase plane: levels, refractory times, currents, against numbers worked out here."""

from __future__ import annotations

import re

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import lifsim as ls
from lifsim import plot
from lifsim.cli.main import main
from lifsim.common.errors import DataError
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.sinks import MemorySink

MODEL = """
[populations.cells]
n = 3
model = "iaf_psc_exp"
params = { E_L = -70.0, V_th = [-55.0, -54.0, -53.0], V_reset = -65.0, t_ref = 2.05, C_m = 250.0, tau_m = 10.0, I_e = 100.0 }
[parameters]
"""
STEPS = 200
TIMES = (np.arange(STEPS) + 1) * 0.1


def recorded(variables=("V_m", "I_stim", "I_syn_ex", "I_syn_in"), spikes=((50, 1), (120, 1), (130, 2)), model=MODEL, ids=(1, 2), every=1):
    """20 ms in steps of 0.1 ms of three cells, of which those with `ids` are sampled."""
    units = {"V_m": "mV", "V_th": "mV", "t_ref_remaining": "ms"}
    entries = [
        {
            "population": "cells", "variable": v, "unit": units.get(v, "pA"), "interval": 0.1 * (every if v == "I_stim" else 1),
            "start": 0.0, "stop": None, "ids": list(ids),
        }
        for v in variables
    ]  # fmt: skip
    manifest = Manifest(
        dt=0.1, populations={"cells": {"n": 3, "model": "iaf_psc_exp"}}, spikes={"cells": {"ids": "all"}}, traces=entries, model_text=model
    )
    sink = MemorySink(manifest)
    samples = {("cells", v): values_of(v, len(ids))[:: every if v == "I_stim" else 1] for v in variables}
    at = np.array([step for step, _ in spikes], np.int64), np.array([i for _, i in spikes], np.int64)
    sink.write(Chunk(0, STEPS, {"cells": at}, samples))
    return sink.finish({})


def values_of(variable, n):
    base = {
        "V_m": -60 + 4 * np.sin(TIMES),
        "I_stim": 200 * (TIMES > 5),
        "I_syn_ex": 30 * TIMES,
        "I_syn_in": -10 * TIMES,
        "I_syn": 20 * TIMES,
    }
    if variable == "t_ref_remaining":
        return np.stack([np.where((TIMES > 5) & (TIMES < 7.05), 1.0, 0.0)] * n, axis=1)
    if variable == "V_th":
        return np.stack([-50 - 0.1 * TIMES] * n, axis=1)
    return np.stack([base[variable] + k for k in range(n)], axis=1).astype(float)


def levels(ax):
    """The horizontal lines at constant heights, by height."""
    return {float(line.get_ydata()[0]): line for line in ax.lines if len(line.get_ydata()) == 2 and line.get_xdata()[1] == 1}


def labels(ax):
    return {text.get_text() for text in ax.texts}


def shaded(ax):
    (bars,) = ax.collections
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in bars.get_paths()]


def test_potential_levels_and_refractory_times():
    top = plot.membrane(recorded()).axes[0]
    trace = next(line for line in top.lines if len(line.get_xdata()) == STEPS)
    np.testing.assert_allclose(trace.get_xdata(), TIMES)
    np.testing.assert_allclose(trace.get_ydata(), values_of("V_m", 2)[:, 0])
    assert set(levels(top)) == {-54.0, -65.0, -70.0}  # V_th of neuron 1
    assert len({str(line._dash_pattern) for line in levels(top).values()}) == 3
    assert all(line.is_dashed() for line in levels(top).values())
    assert labels(top) == {"V_th \N{MINUS SIGN}54 mV", "V_reset \N{MINUS SIGN}65 mV", "E_L \N{MINUS SIGN}70 mV"}
    np.testing.assert_allclose(shaded(top), [(5.0, 7.1), (12.0, 14.1)])  # ceil(2.05 / 0.1) steps
    low, high = top.get_ylim()
    assert low < -70 and high > -54
    assert top.get_ylabel() == "V_m (mV)"
    assert top.get_title(loc="right") == "cells, neuron 1; shaded: refractory"
    marks = next(line for line in top.lines if line.get_marker() == "|")
    np.testing.assert_allclose(marks.get_xdata(), [5.0, 12.0])


def test_currents_are_below():
    below = plot.membrane(recorded(), neuron=2).axes[1]
    drawn = {line.get_label(): line.get_ydata() for line in below.lines if not line.get_label().startswith("_")}
    assert list(drawn) == ["I_stim", "I_syn_ex", "I_syn_in", "I_e"]
    for name in ("I_stim", "I_syn_ex", "I_syn_in"):
        np.testing.assert_allclose(drawn[name], values_of(name, 2)[:, 1])
    np.testing.assert_allclose(drawn["I_e"], 100.0)
    assert below.get_ylabel() == "I (pA)" and below.get_xlabel() == "time (ms)"
    assert len(plot.membrane(recorded(("V_m",))).axes) == 1  # no current, no panel


def test_recorded_refractoriness_and_threshold_are_used():
    top = plot.membrane(recorded(("V_m", "V_th", "t_ref_remaining"), spikes=())).axes[0]
    np.testing.assert_allclose(shaded(top), [(5.0, 7.0)])  # samples at 5.1 … 7.0, each at the end of its step
    assert set(levels(top)) == {-65.0, -70.0}
    assert "V_th (recorded)" in labels(top)
    assert any(np.array_equal(line.get_ydata(), values_of("V_th", 1)[:, 0]) for line in top.lines)


def test_levels_of_the_same_value_share_a_label():
    top = plot.membrane(recorded(model=MODEL.replace("V_reset = -65.0", "V_reset = -70.0"))).axes[0]
    assert labels(top) == {"V_th \N{MINUS SIGN}54 mV", "V_reset = E_L \N{MINUS SIGN}70 mV"}


def test_a_network_described_in_python_is_given_with_it():
    bare = recorded(model="")
    top = plot.membrane(bare).axes[0]
    assert not levels(top) and not top.collections
    assert top.get_title(loc="right") == "cells, neuron 1; parameters not known"
    net = ls.Network()
    net.add("cells", 3, "iaf_psc_exp", V_th={"uniform": [-55.0, -50.0]}, V_reset=-66.0, E_L=np.array([-70.0, -71.0, -72.0]))
    assert set(levels(plot.membrane(bare, net=net).axes[0])) == {-66.0, -71.0}  # V_th is drawn at random


def test_own_axes_and_windows():
    figure = Figure()
    one, two = figure.subplots(2)
    assert plot.membrane(recorded(), ax=(one, two), t_start=10.0) is figure
    assert one.get_xlim() == (10.0, 20.0)
    np.testing.assert_allclose(shaded(one), [(12.0, 14.1)])
    other = Figure()
    assert plot.membrane(recorded(), ax=other.subplots()) is other
    assert len(other.axes) == 1
    silent = plot.membrane(recorded(("V_m",), spikes=()), ax=Figure().subplots(1, 2)[0])
    assert "shaded" not in silent.axes[0].get_title(loc="right")
    below = Figure().subplots(2)
    plot.membrane(recorded(("V_m",), model=""), ax=tuple(below))
    assert [text.get_text() for text in below[1].texts] == ['no current was recorded;\nrecord "I_stim" and "I_syn"']


@pytest.mark.parametrize("draw", [plot.membrane, plot.phase_plane])
@pytest.mark.parametrize(
    ("result", "options", "message"),
    [
        (lambda: recorded(("I_stim",)), {}, 'V_m was not recorded; record it in the model, such as net.record(exc[0], "V_m"'),
        (recorded, {"neuron": 0}, "neuron: V_m of neuron 0 of cells was not recorded; expected one of: 1, 2"),
        (recorded, {"population": "cell"}, "V_m of 'cell' was not recorded; did you mean 'cells'"),
        (recorded, {"t_start": 30.0}, "must overlap the run"),
    ],
)
def test_what_was_not_recorded_is_named(draw, result, options, message):
    with pytest.raises(DataError, match=re.escape(message)):
        draw(result(), **options)


def test_phase_plane():
    ax = plot.phase_plane(recorded()).axes[0]
    orbit = ax.lines[0]
    x, y = orbit.get_xdata(), orbit.get_ydata()
    gaps = np.flatnonzero(np.isnan(x))
    assert len(x) == STEPS + 2 and len(gaps) == 2  # interrupted at both spikes
    kept = ~np.isnan(x)
    np.testing.assert_allclose(x[kept], values_of("V_m", 2)[:, 0])
    total = sum(values_of(name, 2)[:, 0] for name in ("I_stim", "I_syn_ex", "I_syn_in")) + 100.0
    np.testing.assert_allclose(y[kept], total)
    assert ax.get_ylabel() == "I_stim + I_syn_ex + I_syn_in + I_e (pA)"
    still = next(line for line in ax.lines if line.get_label() == "dV_m/dt = 0")
    np.testing.assert_allclose(still.get_ydata(), (still.get_xdata() + 70) * 250.0 / 10.0)
    columns = sorted(float(line.get_xdata()[0]) for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[1] == 1)
    assert columns == [-70.0, -65.0, -54.0]


def test_phase_plane_prefers_the_total_synaptic_current_and_needs_equal_samples():
    ax = plot.phase_plane(recorded(("V_m", "I_syn", "I_syn_ex"))).axes[0]
    assert ax.get_ylabel() == "I_syn + I_e (pA)"
    with pytest.raises(DataError, match='no current was recorded of cells, neuron 1; record "V_m", "I_syn" and "I_stim"'):
        plot.phase_plane(recorded(("V_m",)))
    with pytest.raises(DataError, match="no current was recorded at the samples of V_m"):
        plot.phase_plane(recorded(("V_m", "I_stim"), every=2))


def test_the_command_draws_the_shipped_neuron(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (
        "run single_neuron -q",
        "plot outputs/single_neuron.h5 --kind membrane",
        "plot outputs/single_neuron.h5 --kind phase-plane",
    ):
        outcome = CliRunner().invoke(main, words.split())
        assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "outputs/single_neuron.membrane.png").stat().st_size > 10_000
    top, below = plot.membrane("outputs/single_neuron.h5").axes
    assert set(levels(top)) == {-55.0, -70.0}
    step = next(line for line in below.lines if line.get_label() == "I_stim")
    assert set(np.unique(step.get_ydata())) == {0.0, 500.0}
    spikes = ls.open("outputs/single_neuron.h5").spikes["neuron"].times
    np.testing.assert_allclose(shaded(top), np.stack([spikes, spikes + 2.0], axis=1))
