"""Files of spikes: those of NEST, bmtk and Brian2, CSV and NPZ; what is written keeps everything and opens in other tools."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim import analysis
from lifsim.cli.main import main
from lifsim.common.errors import DataError, OutputError
from lifsim.results.spike_writing import lost

pytestmark = pytest.mark.usefixtures("unarranged_figures")

DATA = Path(__file__).parents[1] / "data"
SAMPLES = DATA / "spikes"


@pytest.fixture
def spikes():
    """Two populations with everything that a file should keep: silent and unrecorded neurons, windows, a time step."""
    rng = np.random.default_rng(1)
    exc = ls.Spikes(rng.uniform(100, 900, 500), rng.integers(0, 40, 500), 50, 100.0, 1000.0, dt=0.1, name="exc")
    inh = ls.Spikes(rng.uniform(200, 300, 60), 2 * rng.integers(0, 5, 60), 30, 200.0, 400.0, np.arange(0, 20, 2), 0.25, "inh")
    return {"exc": exc, "inh": inh, "silent": ls.Spikes([], [], 7, 0.0, 50.0)}


def assert_same(a, b):
    for key in ("times", "ids", "recorded_ids"):
        np.testing.assert_array_equal(getattr(a, key), getattr(b, key))
    assert (a.n_nodes, a.t_start, a.t_stop) == (b.n_nodes, b.t_start, b.t_stop)
    assert a.dt == b.dt or (np.isnan(a.dt) and np.isnan(b.dt))


def expected(name, first=None):
    """Times and ids of each population of a sample, sorted, with ids from `first` on as 0, 1, …."""
    with np.load(SAMPLES / f"{name}.npz") as file:
        for population in sorted({key.rpartition("/")[0] for key in file.files}):
            prefix = f"{population}/" if population else ""
            times, ids = file[f"{prefix}times"], file[f"{prefix}ids"].astype(int)
            order = np.lexsort((ids, times))
            yield population, times[order], ids[order] - (0 if first is None else first[population])


def assert_holds(result, name, first=None):
    for population, times, ids in expected(name, first):
        own = result.spikes[population or name]
        order = np.lexsort((own.ids, own.times))
        np.testing.assert_allclose(own.times[order], times, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(own.ids[order], ids)


def quietly(path, **hints):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ls.open(path, **hints)


# -- round trips -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".npz"])
def test_nothing_is_lost(spikes, tmp_path, suffix, recwarn):
    assert ls.write_spikes(tmp_path / f"x{suffix}", spikes) == tmp_path / f"x{suffix}"
    result = ls.open(tmp_path / f"x{suffix}")
    assert list(result.spikes) == list(spikes) and not recwarn.list and not result.info.get("note")
    for name, each in spikes.items():
        assert_same(result.spikes[name], each)
    assert (result.t_start, result.t_stop) == (0.0, 1000.0)
    assert analysis.statistics(result).keys() == spikes.keys()


def test_csv_keeps_the_spikes(spikes, tmp_path):
    del spikes["silent"]
    ls.write_spikes(tmp_path / "x.csv", spikes)
    result = quietly(tmp_path / "x.csv", n_nodes={"exc": 50})
    for name, each in spikes.items():
        np.testing.assert_array_equal(result.spikes[name].times, each.times)  # every digit
        np.testing.assert_array_equal(result.spikes[name].ids, each.ids)
    assert result.spikes["exc"].n_nodes == 50
    said = " ".join(lost(tmp_path / "x.csv", spikes))
    assert "exc: n_nodes 50, t_start 100 ms, t_stop 1000 ms, dt 0.1 ms" in said and "inh: n_nodes 30, recorded_ids, t_start 200" in said
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert lines[0] == "time (ms),id,population" and len(lines) == 561
    at = [float(line.split(",")[0]) for line in lines[1:]]
    assert at == sorted(at)


def test_odd_names(tmp_path):
    given = {'a "b", c': ([1.0], [0]), "ä ü": ([2.0], [1]), "#1 of 2": ([3.0], [0])}
    for suffix in (".csv", ".npz", ".h5"):
        ls.write_spikes(tmp_path / f"x{suffix}", given)
        assert list(quietly(tmp_path / f"x{suffix}").spikes) == list(given)


def test_libsonata_reads_what_is_written(spikes, tmp_path):
    libsonata = pytest.importorskip("libsonata")
    reader = libsonata.SpikeReader(str(ls.write_spikes(tmp_path / "x.h5", spikes)))
    assert set(reader.get_population_names()) == set(spikes)
    for name, each in spikes.items():
        assert reader[name].sorting == "by_time"
        found = reader[name].get_dict()
        np.testing.assert_array_equal(found["timestamps"], each.times)
        np.testing.assert_array_equal(found["node_ids"], each.ids)


@pytest.mark.peers
def test_bmtk_reads_what_is_written(spikes, tmp_path):
    load = pytest.importorskip("bmtk.utils.reports.spike_trains").SpikeTrains.load
    trains = load(str(ls.write_spikes(tmp_path / "x.h5", spikes)))
    for name in ("exc", "inh"):
        found = trains.to_dataframe(populations=name).sort_values("timestamps")
        np.testing.assert_array_equal(found["timestamps"], spikes[name].times)
        np.testing.assert_array_equal(found["node_ids"], spikes[name].ids)


def test_what_is_written_is_sonata(spikes, tmp_path):
    with h5py.File(ls.write_spikes(tmp_path / "x.h5", spikes)) as file:
        assert file.attrs["magic"] == 0x0A7A and file.attrs["version"].tolist() == [0, 1]
        group = file["spikes/exc"]
        assert h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype) == {"none": 0, "by_id": 1, "by_time": 2}
        assert group["node_ids"].attrs["sorting"] == "by_time" and group["timestamps"].attrs["units"] == "ms"
        assert (group["timestamps"].dtype, group["node_ids"].dtype) == (np.float64, np.uint64)
        assert group["timestamps"].compression is None and "recorded_ids" not in group
        assert file["spikes/inh/recorded_ids"][:].tolist() == list(range(0, 20, 2))


def test_what_is_not_written(spikes, tmp_path):
    with pytest.raises(OutputError, match=r"ends in '\.txt'"):
        ls.write_spikes(tmp_path / "x.txt", spikes)
    ls.write_spikes(tmp_path / "x.npz", spikes)
    before = (tmp_path / "x.npz").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        ls.write_spikes(tmp_path / "x.npz", {"a": ([1.0], [0])})
    with pytest.raises(DataError, match="a pair"):
        ls.write_spikes(tmp_path / "x.npz", {"a": 3}, overwrite=True)
    assert (tmp_path / "x.npz").read_bytes() == before
    ls.write_spikes(tmp_path / "x.npz", {"a": ([1.0], [0])}, overwrite=True)
    assert list(ls.open(tmp_path / "x.npz").spikes) == ["a"] and sorted(p.name for p in tmp_path.iterdir()) == ["x.npz"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("recorded_ids", np.array([0, 2], "u8"), "holds a spike of node 1; expected a node of recorded_ids"),
        ("recorded_ids", np.array([0, 1, 1], "u8"), "holds a node twice"),
        ("recorded_ids", np.array([0.0, 1.0]), "recorded_ids"),
    ],
)
def test_sonata_with_wrong_recorded_ids(tmp_path, name, value, said):
    with h5py.File(ls.write_spikes(tmp_path / "x.h5", {"a": ([1.0, 2.0], [0, 1])}), "r+") as file:
        file[f"spikes/a/{name}"] = value
    with pytest.raises(DataError, match=said):
        ls.open(tmp_path / "x.h5")


# -- NEST ------------------------------------------------------------------------------------------

NEST = {"exc": 1, "inh": 6}  # the first ids


def test_files_of_nest(tmp_path):
    """All ways to name the files of the threads; a file of samples is left out."""
    for path in SAMPLES.glob("*.dat"):
        shutil.copy(path, tmp_path)
    with pytest.warns(UserWarning) as said:
        result = ls.open(tmp_path, dt=0.1)
    texts = [str(w.message) for w in said]
    assert any("2 of 8 files are left out: " in text and "has samples of V_m; expected a file of spikes" in text for text in texts)
    assert any("exc: NEST's ids 1 to 5 become 0 to 4" in text for text in texts)
    assert list(result.spikes) == ["exc", "inh", "steps"]
    assert_holds(result, "nest", NEST)
    np.testing.assert_array_equal(result.spikes["steps"].times, result.spikes["exc"].times)
    one = sorted(tmp_path.glob("exc-*.dat"))
    for form in (tmp_path / "exc", tmp_path / one[0].name[:-6], str(tmp_path / "exc-*.dat"), one):
        with pytest.warns(UserWarning, match="NEST's ids"):
            assert len(ls.open(form).spikes["exc"]) == len(result.spikes["exc"])
    with pytest.warns(UserWarning, match="other threads wrote spikes, too: to read all 2 files, give"):
        assert len(ls.open(one[0]).spikes["exc"]) < len(result.spikes["exc"])


def test_first_ids_of_nest(recwarn):
    result = ls.open(SAMPLES / "inh", first_id=6, n_nodes=3)
    assert not recwarn.list
    assert np.bincount(result.spikes["inh"].ids, minlength=3)[1] == 0  # the neuron without input
    assert ls.open(SAMPLES / "inh", first_id=5, n_nodes=4).spikes["inh"].ids.min() == 1
    with pytest.raises(DataError, match="holds a spike of id 6; expected numbers from first_id = 7 on"):
        ls.open(SAMPLES / "inh", first_id=7)
    with pytest.raises(DataError, match="'out'"):
        ls.open(SAMPLES / "inh", first_id={"out": 1})
    with pytest.raises(DataError, match="holds times in steps"):
        ls.open(SAMPLES / "steps")
    with pytest.raises(DataError, match="dt"):
        ls.open(SAMPLES / "steps", dt=0.0)


def test_offsets_of_nest(tmp_path):
    """A spike of an exact model lies `offset` before the end of its step."""
    (tmp_path / "ps-3-0.dat").write_text("# NEST version: 3.10.0\nsender\ttime_step\ttime_offset\n1\t10\t0.025\n2\t20\t0.000\n")
    assert quietly(tmp_path / "ps-3-0.dat", dt=0.1).spikes["ps"].times.tolist() == [0.975, 2.0]


def test_recorders_of_the_same_label(tmp_path):
    for recorder in (7, 8):
        for thread in (0, 1):
            (tmp_path / f"s-{recorder}-{thread}.dat").write_text(f"sender\ttime_ms\n{recorder + thread}\t{thread + 1}.5\n")
    assert {name: len(x) for name, x in quietly(tmp_path).spikes.items()} == {"s-7": 2, "s-8": 2}
    (tmp_path / "s-9-0.dat").write_text("# NEST version: 3.10.0\n# RecordingBackendASCII version: 2\n")  # no spike, no header
    assert len(quietly(tmp_path).spikes["s-9"]) == 0


def test_events_of_nest_as_csv(tmp_path):
    """Further columns are ignored in files that NEST did not write itself; ids count all nodes here, too."""
    (tmp_path / "x.csv").write_text("senders,times,population,other\n6,1.5,a,0\n9,2.5,b,0\n7,3.5,a,0\n")
    result = quietly(tmp_path / "x.csv")
    assert (result.spikes["a"].ids.tolist(), result.spikes["b"].ids.tolist()) == ([0, 1], [0])


def test_names_that_look_like_patterns(tmp_path):
    for name in ("x[1].csv", "x1.csv"):
        (tmp_path / name).write_text(f"time,id\n{len(name)},0\n")
    assert ls.open(tmp_path / "x[1].csv").spikes["x[1]"].times.tolist() == [8.0]


def test_older_files_without_header(tmp_path):
    (tmp_path / "old-3-0.gdf").write_text("12\t1.5\n11\t2.5\n")
    assert quietly(tmp_path / "old-3-0.gdf").spikes["old"].ids.tolist() == [1, 0]


@pytest.mark.peers
@pytest.mark.parametrize("tool", ["nest", "bmtk"])
def test_files_made_by_the_tool_itself(tool, tmp_path, monkeypatch):
    pytest.importorskip(tool)
    getattr(peers(), tool)(tmp_path)
    monkeypatch.setitem(globals(), "SAMPLES", tmp_path)
    if tool == "nest":
        assert_holds(quietly(tmp_path, dt=0.1), "nest", NEST)
    else:
        assert_holds(quietly(tmp_path / "bmtk.h5"), "bmtk")
        assert_holds(quietly(tmp_path / "bmtk.csv"), "bmtk")


@pytest.mark.peers
def test_monitors_of_brian2():
    """Times are quantities, in seconds."""
    brian2 = pytest.importorskip("brian2")
    monitor = peers().brian2_monitor()
    arrays = ls.Spikes(monitor.t, monitor.i, 4, t_stop=50 * brian2.ms, dt=0.1 * brian2.ms)
    trains = ls.Spikes.from_trains(monitor.spike_trains(), t_stop=0.05 * brian2.second)
    ((_, times, ids),) = expected("brian2")
    for own in (arrays, trains):
        assert own.t_stop == 50.0 and own.n_nodes == 4
        np.testing.assert_allclose(own.times, times, rtol=1e-12)
        np.testing.assert_array_equal(own.ids, ids)
    with pytest.raises(DataError, match="expected times"):
        ls.Spikes([1.0] * brian2.mV, [0], 1)


def peers():
    spec = importlib.util.spec_from_file_location("spike_peers", DATA / "spike_peers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- bmtk, Brian2 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_files_of_bmtk(suffix):
    with pytest.warns(UserWarning, match="V1: 8 neurons with ids 0 to 7 are assumed"):
        result = ls.open(SAMPLES / f"bmtk{suffix}")
    assert_holds(result, "bmtk")


def test_arrays_of_brian2():
    with np.load(SAMPLES / "brian2.npz") as file:
        spikes = ls.Spikes(file["times"], file["ids"], 4, t_stop=50.0)
    assert_holds(quietly(SAMPLES / "brian2.npz"), "brian2")
    assert analysis.rates(spikes)[1] == 0.0 and len(spikes) > 3


# -- CSV -------------------------------------------------------------------------------------------

TABLES = {
    "plain": "time (ms),id\n1.5,3\n2.5,0\n",
    "order": "neuron_id,time_ms\n3,1.5\n0,2.5\n",
    "seconds": "t [s];i\n0.0015;3\n0.0025;0\n",
    "suffix": "t_s\tcell\n0.0015\t3\n0.0025\t0\n",
    "slash": "times/us,gids\n1500,3\n2500,0\n",
    "spaces": "  Spike Times (ms)  ,  Node IDs \n 1.5 , 3 \n 2.5 , 0 \n",
    "pandas": ",time,neuron\n0,1.5,3.0\n1,2.5,0.0\n",
    "other columns": 'time,"what, else",id\n1.5,"a, b",3\n2.5,x,0\n',
    "no header": "1.5,3\n2.5,0\n",
    "white space": "1.5 3\n\n# a remark\n2.5   0\n",
    "unsorted": "2.5,0\n1.5,3",
    "bom": "\ufefftime,id\r\n1.5,3\r\n2.5,0\r\n",
    "first bom": "\ufeff1.5,3\n2.5,0\n",
    "exponents": "time,id\n15e-1,3\n+2.5E0,0\n",
    "population": "time,id,population\n1.5,3,x\n2.5,0,x\n",
    "quoted": '"time","population","id"\n"1.5","x",3\n"2.5","x",0\n',
}


@pytest.mark.parametrize("case", TABLES)
def test_tables(tmp_path, case):
    (tmp_path / "x.csv").write_text(TABLES[case], encoding="utf-8")
    own = ls.open(tmp_path / "x.csv").spikes["x"]
    assert (own.times.tolist(), own.ids.tolist(), own.n_nodes, own.t_stop) == ([1.5, 2.5], [3, 0], 4, 2.5)


def test_hints_of_tables(tmp_path):
    (tmp_path / "x.csv").write_text("time,id,pop\n1,101,a\n2,105,a\n3,7,b\n")
    with pytest.warns(UserWarning, match="are assumed") as said:
        assert ls.open(tmp_path / "x.csv").spikes["a"].n_nodes == 106
    assert "a: 106 neurons with ids 0 to 105 are assumed" in str(said[0].message) and "b: 8 neurons" in str(said[1].message)
    result = ls.open(tmp_path / "x.csv", first_id={"a": 101}, n_nodes={"a": 10, "b": 8}, dt=0.1)
    assert result.spikes["a"].ids.tolist() == [0, 4] and result.spikes["a"].n_nodes == 10 and result.dt == 0.1
    assert result.spikes["a"].t_stop == result.spikes["b"].t_stop == 3.0  # all have the same window
    kept = quietly(tmp_path / "x.csv", n_nodes={"a": 3})
    assert kept.spikes["a"].recorded_ids.tolist() == [101, 102, 105]  # as of SONATA files
    (tmp_path / "y.csv").write_text("time,id\n1,1000000000\n")
    with pytest.raises(DataError, match="give n_nodes"):
        ls.open(tmp_path / "y.csv")


BAD = {
    "empty": ("", "x.csv: is empty; expected a table"),
    "remarks": ("# nothing\n\n", "is empty"),
    "no times": ("a,id\n1,2\n", "line 1: has no column of times, but 'a', 'id'"),
    "no ids": ("time,b\n1,2\n", "line 1: has no column of ids"),
    "two": ("time,t,id\n1,2,3\n", "line 1: has 2 columns of times: time, t; expected one of them"),
    "unit": ("time (mV),id\n1,2\n", "line 1: has times in 'mV'; expected one of ms, s and us"),
    "word": ("time,id\n1,2\n\nx,3\n", "line 4: 'x'; expected a number"),
    "decimal comma": ("time;id\n1,5;2\n", "line 2: '1,5'; expected a number"),
    "missing": ("time,id\n1,2\n3\n", "line 3: has 1 column; expected at least 2"),
    "blank": ("time,id\n1,2\n3,\n", "line 3: ''; expected a number"),
    "nan": ("time,id\n1,2\n# x\nnan,2\n", "line 4: time nan; expected a finite time"),
    "inf": ("time,id\ninf,2\n", "line 2: time inf"),
    "negative": ("time,id\n1,2\n1,-2\n", "line 3: id -2; expected a whole number from 0"),
    "half": ("time,id\n1,2.5\n", "line 2: id 2.5"),
    "nan id": ("time,id\n1,nan\n", "line 2: id nan"),
    "one column": ("1\n2\n", "line 1: '1'; expected a table"),
    "four columns": ("1 2 3 4\n", "line 1: '1 2 3 4'"),
    "no name": ("time,id,pop\n1,2,\n", "without the name of a population"),
    "short": ("time,id,pop\n1,2,a\n1,2\n", "line 3: has no population; expected at least 3 columns"),
    "prose": ("All happy families are alike.\n", "line 1: has no column of times"),
    "underscore": ("time,id\n1_0,2\n", "line 2: '1_0'; expected a number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(tmp_path, case):
    text, said = BAD[case]
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        ls.open(tmp_path / "x.csv")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    outcome = CliRunner().invoke(main, ["info", str(tmp_path / "x.csv")])
    assert outcome.exit_code == 2 and outcome.stderr.count("\n") == 1


RUBBISH = {
    "bytes": bytes(range(256)) * 10,
    "zeros": b"\0" * 1000,
    "later": b"time,id\n1,2\n" + b"\xff\xfe\n",
    "one line": b"1," * 100_000,
    "zip": b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("suffix", [".csv", ".dat", ".npz", ".txt", ".h5"])
@pytest.mark.parametrize("case", RUBBISH)
def test_rubbish(tmp_path, suffix, case):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(RUBBISH[case])
    with pytest.raises(DataError) as caught:
        ls.open(path)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 400


def test_the_same_population_twice(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("time,id,pop\n1,0,x\n")
    with pytest.raises(DataError, match=r"b\.csv: holds the population 'x', as another of the files"):
        ls.open([tmp_path / "a.csv", tmp_path / "b.csv"])
    (tmp_path / "c.csv").write_text("time,id\n1,0\n2,0\n")
    assert {name: len(x) for name, x in ls.open([tmp_path / "a.csv", tmp_path / "c.csv"]).spikes.items()} == {"x": 1, "c": 2}
    with pytest.raises(DataError, match="is one of several files; expected text files"):
        ls.open([tmp_path / "a.csv", SAMPLES / "bmtk.h5"])


# -- NPZ -------------------------------------------------------------------------------------------


def test_plain_npz(tmp_path):
    np.savez(tmp_path / "x.npz", times=[2.0, 1.0], ids=[0, 4], n_nodes=6, t_stop=10.0)
    own = ls.open(tmp_path / "x.npz").spikes["x"]
    assert (own.times.tolist(), own.ids.tolist(), own.n_nodes, own.t_stop) == ([1.0, 2.0], [4, 0], 6, 10.0)


ARRAYS = {
    "nothing": ({"a": [1.0]}, "holds no spikes; expected times"),
    "no ids": ({"times": [1.0]}, "holds no array 'ids'"),
    "no times": ({"a/ids": [1]}, "holds no array 'a/times'"),
    "pickle": ({"times": np.array([1.0, "a"], object), "ids": [1, 2]}, "cannot be read as NPZ .*allow_pickle"),
    "lengths": ({"times": [1.0, 2.0], "ids": [1]}, "2 times, but 1 ids"),
    "nan": ({"times": [1.0, np.nan], "ids": [1, 2]}, "times: entry 1 is nan"),
    "negative": ({"times": [1.0], "ids": [-1]}, "ids: holds -1"),
    "matrix": ({"times": [[1.0]], "ids": [1]}, r"times: an array of float64 of shape \(1, 1\)"),
    "texts": ({"times": ["a"], "ids": [1]}, "times: an array of <U1"),
    "n_nodes": ({"times": [1.0], "ids": [1], "n_nodes": [1, 2]}, "n_nodes: an array of int64"),
    "few": ({"times": [1.0], "ids": [1], "n_nodes": 1}, "a spike of neuron 1, but n_nodes is 1"),
    "window": ({"times": [1.0], "ids": [1], "t_stop": 0.5}, "outside of the recorded window"),
    "recorded": ({"times": [1.0], "ids": [1], "recorded_ids": [0]}, "not in recorded_ids"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_bad_npz(tmp_path, case):
    arrays, said = ARRAYS[case]
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=rf"x\.npz.*{said}"):
        ls.open(tmp_path / "x.npz")


# -- commands --------------------------------------------------------------------------------------


def said(*words, code=0):
    outcome = CliRunner().invoke(main, [str(word) for word in words])
    assert outcome.exit_code == code, outcome.output
    return outcome.output


def test_convert_spikes(spikes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ls.write_spikes("a.h5", spikes)
    assert said("convert-spikes", "a.h5", "b.npz") == "b.npz: 560 spikes of exc, inh, silent\n"
    said("convert-spikes", "b.npz", "c.h5")
    for name, each in spikes.items():
        assert_same(ls.open("c.h5").spikes[name], each)
    text = said("convert-spikes", "c.h5", "d.csv")
    assert "d.csv: not kept: exc: n_nodes 50, t_start 100 ms" in text and "population silent (no spikes)" in text
    assert "exists already" in said("convert-spikes", "c.h5", "d.csv", code=2)
    said("convert-spikes", "c.h5", "d.csv", "--overwrite")
    assert "is the file that is read" in said("convert-spikes", "c.h5", "c.h5", "--overwrite", code=2)
    assert "ends in" in said("convert-spikes", "c.h5", "d.txt", code=2)
    files = sorted(SAMPLES.glob("exc-*.dat"))
    assert "25 spikes of exc" in said("convert-spikes", *files, "e.h5", "--first-id", "1", "--n-nodes", "6")
    assert ls.open("e.h5").spikes["exc"].n_nodes == 6
    assert "25 spikes of steps" in said("convert-spikes", SAMPLES / "steps", "f.h5", "--dt", "0.1", "--first-id", "steps=1")
    assert ls.open("f.h5").spikes["steps"].dt == 0.1


def test_a_result_loses_its_traces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = ls.Network()
    net.add("exc", 3, "iaf_psc_exp", I_e=400.0)
    net.record("exc", "spikes")
    net.record("exc", "V_m", interval=1.0)
    result = ls.run(net, 50.0, out="run.h5")
    text = said("convert-spikes", "run.h5", "x.npz")
    assert "not kept: traces of exc" in text and "not kept: model, settings" in text
    assert_same(ls.open("x.npz").spikes["exc"], result.spikes["exc"])


@pytest.mark.parametrize("name", ["exc", "exc-*.dat", "bmtk.csv", "bmtk.h5", "brian2.npz"])
def test_commands_read_all_formats(name, tmp_path, monkeypatch):
    shutil.copytree(SAMPLES, tmp_path / "s")
    monkeypatch.chdir(tmp_path)
    assert "not verified: the file has no checksums" in said("info", f"s/{name}", "--verify")
    assert "rate (1/s)" in said("stats", f"s/{name}")
    said("plot", f"s/{name}", "--kind", "rates")
    assert len(list((tmp_path / "s").glob("*.rates.png"))) == 1


def test_spikes_of_a_text_file_as_input(tmp_path):
    def sent_by(file, **options):
        net = ls.Network()
        net.add("in", 3, "spike_generator", spike_file=str(file))
        net.add("out", 3, "parrot_neuron")
        net.connect("in", "out", "one_to_one", delay=1.0)
        net.record("out", "spikes")
        return ls.run(net, 110.0, **options).spikes["out"]

    with pytest.raises(DataError, match=r"in\.spike_file: .*inh means 2 files; expected a single file; lifsim convert-spikes"):
        sent_by(SAMPLES / "inh")
    with pytest.warns(UserWarning, match="other threads wrote spikes, too"):
        sent_by(SAMPLES / "inh-11-0.dat")
    spikes = quietly(SAMPLES / "inh").spikes
    for suffix in (".csv", ".npz", ".h5"):
        got = sent_by(ls.write_spikes(tmp_path / f"in{suffix}", spikes), out=tmp_path / f"run{suffix}.h5")
        np.testing.assert_allclose(got.times, spikes["inh"].times + 1.0)
        np.testing.assert_array_equal(got.ids, spikes["inh"].ids)


def test_every_wrong_byte_of_an_npz_file_is_told(tmp_path):
    """A file in which one byte differs is read, or refused with a message."""
    file = tmp_path / "x.npz"
    np.savez_compressed(file, times=np.linspace(1.0, 90.0, 60), ids=np.arange(60) % 7)
    good = file.read_bytes()
    for at in range(0, len(good), 7):
        file.write_bytes(good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :])
        with warnings.catch_warnings(), contextlib.suppress(DataError):
            warnings.simplefilter("ignore")
            ls.open(file)


def test_blank_lines_are_passed_over(tmp_path):
    """Also where the population is in the first column."""
    file = tmp_path / "x.csv"
    file.write_text("population,time (ms),id\na,1.0,0\n\nb,2.0,1\n\na,3.0,2\n\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = ls.open(file)
    assert {name: result.spikes[name].times.tolist() for name in result.spikes} == {"a": [1.0, 3.0], "b": [2.0]}


def test_silent_populations_in_csv(tmp_path):
    """They are not in the file, which says so; a file without any spike is read as one silent population."""
    silent = ls.Spikes([], [], 50, 0.0, 7.0, name="inh")
    ls.write_spikes(tmp_path / "a.h5", {"exc": ls.Spikes([1.0, 2.0], [0, 1], 2, 0.0, 2.0), "inh": silent})
    done = CliRunner().invoke(main, ["convert-spikes", str(tmp_path / "a.h5"), str(tmp_path / "a.csv")])
    assert "2 spikes of exc\n" in done.output and "not kept: population inh (no spikes)" in done.output
    ls.write_spikes(tmp_path / "q.csv", {"inh": silent})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(ls.open(tmp_path / "q.csv").spikes["q"]) == 0
    ls.write_spikes(tmp_path / "none.h5", {})
    done = CliRunner().invoke(main, ["convert-spikes", str(tmp_path / "none.h5"), str(tmp_path / "none.npz")])
    assert done.exit_code == 2 and "holds no spikes" in done.output and not (tmp_path / "none.npz").exists()
