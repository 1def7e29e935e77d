"""`lifsim.Spikes`: what a user gives, what is refused, and every statistic and plot of it."""

from __future__ import annotations

import dataclasses
import io
import math
import tracemalloc

import numpy as np
import pytest

import lifsim as ls
from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.results.spike_arrays import ascending, by_time, first_missing

pytestmark = pytest.mark.usefixtures("unarranged_figures")


@pytest.fixture
def spikes():
    rng = np.random.default_rng(3)
    return ls.Spikes(rng.uniform(0, 1000, 600), rng.integers(0, 10, 600), 12, t_stop=1000.0, dt=0.1, name="exc")


# -- what is stored --------------------------------------------------------------------------------


def test_lists_in_any_order():
    found = ls.Spikes([30, 10, 20, 10], [0, 2, 1, 0], 4)
    assert found.times.tolist() == [10.0, 10.0, 20.0, 30.0] and found.ids.tolist() == [2, 0, 1, 0]  # ties keep their order
    assert (found.times.dtype, found.ids.dtype, found.recorded_ids.dtype) == (np.float64, np.int64, np.int64)
    assert (found.n_nodes, found.t_start, found.t_stop, found.name, len(found)) == (4, 0.0, 30.0, "", 4)
    assert found.recorded_ids.tolist() == [0, 1, 2, 3] and math.isnan(found.dt)
    assert repr(found) == "<Spikes: 4 of 4 neurons in (0, 30] ms>"


def test_no_spikes():
    for nothing in ([], (), np.zeros(0)):
        found = ls.Spikes(nothing, nothing, 3, t_stop=50.0)
        assert len(found) == 0 and found.ids.dtype == np.int64 and found.t_stop == 50.0
        np.testing.assert_array_equal(analysis.rates(found), np.zeros(3))
    assert ls.Spikes([], [], 0).t_stop == 0.0


def test_windows():
    assert ls.Spikes([-5.0, 2.0], [0, 0], 1).t_start == -5.0
    assert ls.Spikes([5.0], [0], 1, t_start="2 ms", t_stop="1 s").t_stop == 1000.0
    at_zero = ls.Spikes([0.0, 0.1, 1.0], [0, 0, 0], 1, t_stop=2.0, dt=0.1)  # other tools have spikes at 0
    assert analysis.counts(at_zero, 1.0).tolist() == [3, 0]
    assert ls.Spikes([0.1 + 0.2], [0], 1, t_stop=0.3, dt=0.1).t_stop == 0.3  # within rounding errors


def test_ordered_arrays_are_not_copied():
    at, ids = np.arange(1.0, 10.0), np.zeros(9, np.int64)
    found = ls.Spikes(at, ids, 1)
    assert found.times is at and found.ids is ids
    assert np.shares_memory(found.window(2.0, 5.0).times, at)
    assert dataclasses.replace(found, name="x").times is at


def test_checks_need_little_memory():
    """They go through the arrays in pieces; a million spikes are 16 MB."""
    at, ids = np.linspace(0.1, 1e6, 1_000_000), np.tile(np.arange(1000), 1000)
    tracemalloc.start()
    found = ls.Spikes(at, ids, 1000)
    assert tracemalloc.get_traced_memory()[1] < 1e6 and found.times is at
    tracemalloc.stop()


def test_whole_numbers_may_be_floats():
    assert ls.Spikes([1.0, 2.0], [0.0, 3.0], 4).ids.tolist() == [0, 3]
    assert ls.Spikes(np.array([1, 2], "f4"), np.array([0, 3], "u8"), 4).ids.dtype == np.int64


def test_recorded_neurons():
    found = ls.Spikes([1.0, 2.0], [7, 3], 10, recorded_ids=[7, 3, 5], t_stop=1000.0)
    assert analysis.rates(found).tolist() == [1.0, 1.0, 0.0]
    gids = ls.Spikes([1.0], [1003], 3, recorded_ids=[1001, 1002, 1003])  # ids of another tool
    assert len(analysis.rates(gids)) == 3


def test_quantities():
    quantities = pytest.importorskip("quantities")
    found = ls.Spikes([0.001, 0.002] * quantities.s, [0, 1], 2, t_stop=1 * quantities.s, dt=100 * quantities.us)
    assert found.times.tolist() == [1.0, 2.0] and (found.t_stop, found.dt) == (1000.0, 0.1)
    with pytest.raises(DataError, match="expected times"):
        ls.Spikes([1.0] * quantities.mV, [0], 1)


def test_trains():
    by_neuron = ls.Spikes.from_trains({3: [5.0, 1.0], 0: [2.0]}, t_stop=10.0, name="x")
    assert by_neuron.n_nodes == 4 and by_neuron.times.tolist() == [1.0, 2.0, 5.0] and by_neuron.ids.tolist() == [3, 0, 3]
    listed = ls.Spikes.from_trains([[5.0], [], [2.0, 3.0]], n_nodes=5)
    assert listed.n_nodes == 5 and listed.ids.tolist() == [2, 2, 0]
    assert ls.Spikes.from_trains([[], []]).n_nodes == 2 and ls.Spikes.from_trains([]).n_nodes == 0
    for wrong, said in (([[1.0], [math.nan]], "times of neuron 1"), ({-1: [1.0]}, "neurons"), (3, "trains"), ({"a": [1.0]}, "neurons")):
        with pytest.raises(DataError, match=said):
            ls.Spikes.from_trains(wrong)


def test_trains_of_neo(spikes):
    neo = pytest.importorskip("neo")
    trains = [neo.SpikeTrain([0.5, 0.2], units="s", t_stop=1.0), neo.SpikeTrain([], units="ms", t_start=-5.0, t_stop=800.0)]
    found = ls.Spikes.from_trains(trains)
    assert found.times.tolist() == [200.0, 500.0] and (found.n_nodes, found.t_start, found.t_stop) == (2, -5.0, 1000.0)
    for form in (trains, neo.Segment()):
        if form is not trains:
            form.spiketrains.extend(trains)
        assert len(ls.open(form).spikes["spikes"]) == 2
    part = ls.Spikes(spikes.times[spikes.ids < 4], spikes.ids[spikes.ids < 4], 12, 0.0, 1000.0, np.arange(4), 0.1, "exc")
    back = ls.open(ls.open({"exc": spikes, "part": part}).to_neo())
    for name, given in (("exc", spikes), ("part", part)):
        same(back.spikes[name], given, n_nodes=12 if name == "exc" else 4)
    block = neo.Block()
    block.segments.extend([neo.Segment(), neo.Segment()])
    with pytest.raises(DataError, match="2 segments"):
        ls.open(block)
    with pytest.raises(DataError, match="no spike trains"):
        ls.open(neo.Segment())


def same(a, b, **other):
    np.testing.assert_array_equal(np.lexsort((a.ids, a.times)), np.arange(len(a)))
    order = np.lexsort((b.ids, b.times))
    np.testing.assert_array_equal(a.times, b.times[order])
    np.testing.assert_array_equal(a.ids, b.ids[order])
    np.testing.assert_array_equal(a.recorded_ids, b.recorded_ids)
    facts = {key: getattr(b, key) for key in ("n_nodes", "t_start", "t_stop", "dt")} | other
    assert {key: getattr(a, key) for key in facts} == facts


# -- what is refused -------------------------------------------------------------------------------

WRONG = {
    "lengths": (([1.0, 2.0], [0], 1), "2 times, but 1 ids; expected an id for each time"),
    "nan": (([1.0, math.nan], [0, 0], 1), "times: entry 1 is nan; expected finite times in ms"),
    "text": ((["a"], [0], 1), "times: .* expected a list or array of times in ms"),
    "matrix": ((np.ones((2, 2)), [0, 0], 1), r"times: an array of float64 of shape \(2, 2\)"),
    "ragged": (([[1.0], [1.0, 2.0]], [0, 0], 1), "times: "),
    "bools": (([True], [0], 1), "times: an array of bool"),
    "a number": ((1.0, [0], 1), "times: 1.0"),
    "negative id": (([1.0], [-1], 1), "ids: holds -1; expected whole numbers from 0"),
    "half id": (([1.0], [0.5], 1), "ids: entry 0 is 0.5; expected whole numbers from 0"),
    "nan id": (([1.0], [math.nan], 1), "ids: entry 0 is nan"),
    "large id": (([1.0], [2**40], 1), "ids: holds 1.09951e\\+12|ids: holds 1099511627776"),
    "beyond": (([1.0, 2.0], [0, 5], 5), "a spike of neuron 5, but n_nodes is 5; expected numbers from 0 to 4"),
    "n_nodes": (([1.0], [0], 2.5), "n_nodes: 2.5; expected a whole number"),
    "n_nodes bool": (([1.0], [0], True), "n_nodes: True"),
    "not recorded": (([1.0], [3], 5, None, None, [0, 1]), "a spike of neuron 3, which is not in recorded_ids"),
    "twice": (([1.0], [0], 5, None, None, [0, 0]), "recorded_ids: 2 neurons, 1 of them distinct"),
    "many": (([1.0], [0], 1, None, None, [0, 1]), "recorded_ids: 2 neurons, .* at most n_nodes = 1"),
    "before": (([1.0, 7.0], [0, 0], 1, 2.0), r"a spike at 1 ms is outside of the recorded window \(2, 7\] ms"),
    "after": (([1.0, 7.0], [0, 0], 1, 0.0, 5.0), "a spike at 7 ms is outside"),
    "no window": (([], [], 1, 5.0, 2.0), "t_start is 5 ms and t_stop 2 ms"),
    "t_stop": (([], [], 1, 0.0, math.inf), "t_stop: inf ms; expected a finite time"),
    "unit": (([], [], 1, 0.0, "5 mV"), "t_stop: .*voltage"),
    "dt": (([], [], 1, 0.0, 5.0, None, 0.0), "dt: 0 ms; expected a time step above 0 ms"),
    "name": (([], [], 1, 0.0, 5.0, None, None, 3), "name: 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case):
    given, said = WRONG[case]
    with pytest.raises(DataError, match=said):
        ls.Spikes(*given)


@pytest.mark.parametrize("seed", range(20))
def test_checks_compare_with_plain_numpy(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 50_000))
    at = np.sort(rng.uniform(0, 10, n))
    if seed % 2 and n > 1:
        k = int(rng.integers(0, n - 1))
        at[k], at[k + 1] = at[k + 1], at[k]
    assert ascending(at) == bool((np.diff(at) >= 0).all())
    scale = 1 if seed < 10 else 10**8
    among = rng.permutation(rng.choice(100, 60, replace=False)) * scale
    ids = rng.choice(among if seed % 3 else np.arange(100) * scale, 30)
    lacking = set(ids.tolist()) - set(among.tolist())
    assert (first_missing(ids, among) in lacking) if lacking else first_missing(ids, among) is None


@pytest.mark.parametrize("seed", range(6))
def test_order_of_time_then_id(seed):
    rng = np.random.default_rng(seed)
    at, ids = rng.integers(-20, 20, 500) * 0.1, rng.integers(0, 2**31 if seed % 2 else 5, 500)
    at = np.sort(at) if seed < 2 else at
    order = np.lexsort((ids, at))
    for own, numpy in zip(by_time(at, ids), (at[order], ids[order]), strict=True):
        np.testing.assert_array_equal(own, numpy)
    assert by_time(np.zeros(0), np.zeros(0, int))[0].size == 0


# -- statistics and plots --------------------------------------------------------------------------


def test_statistics_of_spikes(spikes):
    of_result = analysis.statistics(ls.open({"exc": spikes, "inh": spikes}))
    assert analysis.statistics({"exc": spikes, "inh": spikes}) == of_result
    assert analysis.statistics(spikes) == {"exc": of_result["exc"]}
    assert of_result["exc"]["rate"] == pytest.approx(50.0) and of_result["exc"]["neurons"] == 12
    assert list(analysis.statistics(dataclasses.replace(spikes, name=""))) == ["spikes"]


@pytest.mark.parametrize("kind", ["raster", "rates", "isi"])
def test_plots_of_spikes(spikes, kind):
    """The same picture, whatever form the spikes have."""

    def drawn(given):
        file = io.BytesIO()
        getattr(ls.plot, kind)(given).savefig(file, dpi=30)
        return file.getvalue()

    assert drawn(spikes) == drawn(ls.open({"exc": spikes})) == drawn({"exc": spikes})


def test_a_result_of_spikes(spikes, tmp_path):
    result = ls.open({"exc": spikes, "other": ls.Spikes([5.0], [0], 2, t_start=1.0, t_stop=2000.0, dt=0.5)})
    assert (result.t_start, result.t_stop, math.isnan(result.dt), result.complete) == (0.0, 2000.0, True, True)
    assert (result.spikes["exc"].t_stop, result.spikes["exc"].dt, result.spikes["other"].dt) == (1000.0, 0.1, 0.5)
    assert result.spikes["exc"].times is spikes.times and ls.open(result) is result
    assert result.save(tmp_path / "x.h5").exists() and ls.open(tmp_path / "x.h5").spikes["other"].t_start == 1.0
    with pytest.raises(DataError, match="did you mean 'exc'"):
        result.spikes["ecx"]
    assert len(ls.open({"pair": ([1.0, 2.0], [4, 0])}).spikes["pair"].recorded_ids) == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a/b": ([1.0], [0])}, "'a/b'"),
        ({3: ([1.0], [0])}, "a population called 3"),
        ({"a": [1.0, 2.0]}, "expected a pair"),
        ({"a": 3}, "expected a pair"),
        (3, "file of results"),
        ([], "file of results"),
        (None, "file of results"),
    ],
)
def test_what_is_no_result(given, said):
    with pytest.raises(DataError, match=said):
        ls.open(given)


def test_facts_of_spikes_in_memory_are_their_own(spikes):
    with pytest.raises(DataError, match="n_nodes is given for spikes in memory"):
        ls.open(spikes, n_nodes=4)
