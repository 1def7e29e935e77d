"""Results as objects of pandas, neo and xarray, compared with the arrays of the result itself."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import lifsim as ls


@pytest.fixture(scope="module")
def result():
    net = ls.Network(name="both")
    exc = net.add("exc", 6, "iaf_psc_exp", I_e=[0.0, *np.linspace(400.0, 600.0, 5)])
    inh = net.add("inh", 3, "iaf_psc_exp", I_e=500.0)
    net.connect(exc, inh, weight=5.0, synapse="stdp_synapse")
    net.record([exc, inh], "spikes")
    net.record(exc[[1, 4]], "V_m", interval=0.5)
    net.record("exc", "rate", interval=5.0)
    net.record("inh", ["V_m", "I_syn_ex"], interval=0.5)
    net.record_weights(exc, inh, interval=10.0)
    return ls.run(net, 60.0)


def test_spikes_in_pandas(result):
    pandas = pytest.importorskip("pandas")
    frame = result.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame) == ["time", "population", "neuron"]
    assert frame.attrs["units"] == {"time": "ms"} and frame["time"].is_monotonic_increasing
    assert list(frame["population"].cat.categories) == ["exc", "inh"]
    for name, spikes in result.spikes.items():
        own = frame[frame["population"] == name]
        assert len(spikes) > 3 and own["time"].tolist() == spikes.times.tolist() and own["neuron"].tolist() == spikes.ids.tolist()


def test_traces_in_pandas(result):
    pandas = pytest.importorskip("pandas")
    frame = result.to_pandas("traces")
    assert list(frame) == ["time", "population", "variable", "neuron", "value", "unit", "source"]
    for population, traces in result.traces.items():
        for variable in traces:
            own = frame[(frame["population"] == population) & (frame["variable"] == variable)]
            assert set(own["unit"]) == {traces.unit_of(variable)} and len(own) == traces[variable].size
            assert own["value"].tolist() == traces[variable].ravel().tolist()
    own = frame[(frame["population"] == "exc") & (frame["variable"] == "V_m")]
    wide = own.pivot(index="time", columns="neuron", values="value")
    assert wide.columns.tolist() == [1, 4] and np.array_equal(wide.to_numpy(), result.traces["exc"]["V_m"])
    assert np.array_equal(wide.index, result.traces["exc"].times_of("V_m"))
    assert frame[frame["variable"] == "rate"]["neuron"].isna().all()
    weights = frame[frame["variable"] == "weight_from_exc"]
    assert set(zip(weights["source"], weights["neuron"], strict=True)) == {(s, t) for s in range(6) for t in range(3)}
    assert frame[frame["variable"] == "V_m"]["source"].isna().all()
    assert pandas.api.types.is_integer_dtype(frame["neuron"])


def test_neo(result):
    neo = pytest.importorskip("neo")
    block = result.to_neo()
    assert isinstance(block, neo.Block) and len(block.segments) == 1
    segment = block.segments[0]
    assert len(segment.spiketrains) == 9 and [group.name for group in block.groups] == ["exc", "inh"]
    for name, spikes in result.spikes.items():
        trains = [train for train in segment.spiketrains if train.annotations["population"] == name]
        assert [train.annotations["neuron"] for train in trains] == list(range(spikes.n_nodes))
        for train in trains:
            assert train.rescale("ms").magnitude.tolist() == spikes.times[spikes.ids == train.annotations["neuron"]].tolist()
            assert float(train.t_start.rescale("ms")) == 0.0 and float(train.t_stop.rescale("ms")) == 60.0
    assert len(segment.spiketrains[0]) == 0  # neuron 0 is silent
    for population, traces in result.traces.items():
        for variable in traces:
            signals = [s for s in segment.analogsignals if (s.annotations["population"], s.name) == (population, variable)]
            assert len(signals) == 1 and np.array_equal(signals[0].magnitude, traces[variable])
            np.testing.assert_allclose(signals[0].times.rescale("ms").magnitude, traces.times_of(variable), rtol=0, atol=1e-9)
            if len(traces.ids_of(variable)):
                assert signals[0].array_annotations["neuron"].tolist() == traces.ids_of(variable).tolist()
    units = {s.name: s.units.dimensionality.string for s in segment.analogsignals}
    assert units == {"V_m": "mV", "I_syn_ex": "pA", "rate": "Hz", "weight_from_exc": "pA"}
    assert len(block.groups[1].spiketrains) == 3 and len(block.groups[1].analogsignals) == 3


def test_xarray(result):
    xarray = pytest.importorskip("xarray")
    both = result.to_xarray()
    assert isinstance(both, xarray.Dataset)
    assert both["exc_V_m"].dims == ("time", "exc_neuron") and both["exc_rate"].dims == ("time_exc_rate",)
    assert np.array_equal(both["inh_V_m"].values, result.traces["inh"]["V_m"]) and both["inh_V_m"].attrs == {"units": "mV"}
    own = result.to_xarray("exc")
    assert np.array_equal(own["V_m"].sel(neuron=4).values, result.traces["exc"]["V_m"][:, 1])
    assert np.array_equal(own["time"].values, result.traces["exc"].times_of("V_m")) and own["time"].attrs == {"units": "ms"}
    assert np.array_equal(own["spike_time"].values, result.spikes["exc"].times)
    assert np.array_equal(own["spike_neuron"].values, result.spikes["exc"].ids)
    inh = result.to_xarray(["inh"])
    weights = inh["weight_from_exc"]
    assert weights.dims == ("time_weight_from_exc", "synapse_weight_from_exc")
    assert np.array_equal(weights["source_weight_from_exc"].values, result.traces["inh"].sources_of("weight_from_exc"))


def test_nothing_recorded():
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp")
    empty = ls.run(net, 1.0)
    pytest.importorskip("pandas")
    assert list(empty.to_pandas()) == ["time", "population", "neuron"] and len(empty.to_pandas()) == 0
    assert len(empty.to_pandas("traces")) == 0


def test_empty_results_of_all_libraries():
    net = ls.Network()
    net.add("n", 1, "iaf_psc_exp")
    net.record("n", ["spikes", "V_m"], interval=5.0)
    short = ls.run(net, 1.0)  # no spike and no sample
    pytest.importorskip("neo")
    pytest.importorskip("xarray")
    block = short.to_neo()
    assert len(block.segments[0].spiketrains[0]) == 0 and block.segments[0].analogsignals[0].shape == (0, 1)
    assert short.to_xarray()["V_m"].shape == (0, 1)


@pytest.mark.parametrize("library", ["pandas", "neo", "xarray"])
def test_a_missing_library_is_named(result, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(
        ls.LifsimError, match=f"to_{library}: needs {library}, which is not installed; expected pip install {library}|install"
    ):
        getattr(result, f"to_{library}")()


def test_mistakes_are_told_before_a_library_is_needed(result):
    with pytest.raises(ls.DataError, match="what: 'spike'"):
        result.to_pandas("spike")
    with pytest.raises(ls.DataError, match="populations: nothing of 'ecx' was recorded; did you mean 'exc'"):
        result.to_xarray("ecx")
