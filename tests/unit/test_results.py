"""Result files: the same in memory and on disk, readable by other tools, whole or refused."""

from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_recording import STEPS, chunk, manifest

from lifsim import analysis
from lifsim.common.errors import DataError, OutputError, RunError
from lifsim.files import disk
from lifsim.files.run_files import log_path
from lifsim.results import hdf5_writer
from lifsim.results.convert import convert
from lifsim.results.opening import open as open_result
from lifsim.results.recording import Chunk, Recorded, Totals
from lifsim.simulation.file_sink import FileSink
from lifsim.simulation.sinks import MemorySink

DATA = Path(__file__).parents[1] / "data" / "sonata"
SUMMARY = {"timings": {"build": 1.0, "simulate": 2.0}, "real_time_factor": 0.5}


def filled(sink, n=5):
    for k in range(n):
        sink.write(chunk(k))
    return sink


@pytest.fixture
def memory():
    return filled(MemorySink(manifest())).finish(SUMMARY)


@pytest.fixture
def path(tmp_path):
    with filled(FileSink(manifest(), tmp_path / "run.h5")) as sink:
        sink.finish(SUMMARY)
    return tmp_path / "run.h5"


def assert_equal(a, b):
    assert list(a.spikes) == list(b.spikes)
    for name in a.spikes:
        x, y = a.spikes[name], b.spikes[name]
        for field in ("times", "ids", "recorded_ids"):
            np.testing.assert_array_equal(getattr(x, field), getattr(y, field))
        assert (x.n_nodes, x.t_start, x.t_stop) == (y.n_nodes, y.t_start, y.t_stop)
    for name in a.traces:
        for variable in a.traces[name]:
            np.testing.assert_array_equal(a.traces[name][variable], b.traces[name][variable])
            np.testing.assert_array_equal(a.traces[name].times_of(variable), b.traces[name].times_of(variable))


# -- round trips ------------------------------------------------------------------------------------


def test_what_was_recorded(memory):
    steps = np.concatenate([k * STEPS + chunk(k).spikes["exc"][0] for k in range(5)])
    exc, inh = memory.spikes["exc"], memory.spikes["inh"]
    np.testing.assert_array_equal(exc.times, steps / 10)
    assert (exc.times.dtype, exc.ids.dtype, exc.n_nodes) == (np.float64, np.int64, 50)
    assert (exc.t_start, exc.t_stop, inh.t_start, inh.t_stop) == (0.0, 50.0, 5.0, 50.0)
    np.testing.assert_array_equal(inh.recorded_ids, [1, 3])
    traces = memory.traces["exc"]
    assert traces["V_m"].shape == (500, 3)
    np.testing.assert_array_equal(traces.ids, [5, 1, 3])
    np.testing.assert_array_equal(traces.times_of("V_m"), np.arange(1, 501) / 10)
    np.testing.assert_array_equal(traces.times_of("rate"), np.arange(1.0, 51.0))
    assert (memory.dt, memory.duration, memory.seed, memory.complete) == (0.1, 50.0, 2**63 + 5, True)
    assert "exc: 50 iaf_psc_delta" in repr(memory)


def test_file_equals_memory(memory, path):
    result = open_result(path)
    assert_equal(memory, result)
    assert {k: v for k, v in result.info.items() if k != "content_sha256"} == memory.info
    assert result.info["timings"] == SUMMARY["timings"]
    assert not log_path(path).exists()
    assert [p.name for p in path.parent.iterdir()] == ["run.h5"]


def test_saving_memory(memory, path, tmp_path):
    saved = memory.save(tmp_path / "saved.h5")
    assert_equal(memory, open_result(saved))
    assert open_result(saved).info["content_sha256"] == open_result(path).info["content_sha256"]
    with pytest.raises(OutputError, match="exists"):
        memory.save(saved)
    assert_equal(open_result(path), open_result(open_result(path).save(saved, overwrite=True)))


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_run_in_pieces(kind, memory, tmp_path):
    sink = MemorySink(manifest()) if kind == "memory" else FileSink(manifest(), tmp_path / "run.h5")
    for k in range(3):
        sink.write(chunk(k))
    half = sink.finish({})
    assert half.duration == 30.0
    first = half.spikes["exc"]
    for k in range(3, 5):
        sink.write(chunk(k))
    assert_equal(memory, sink.finish(SUMMARY))
    sink.close()
    np.testing.assert_array_equal(half.spikes["exc"].times, first.times)


def test_a_run_that_begins_later():
    sink = MemorySink(manifest())
    sink.write(Chunk(95, 105, {}, {("exc", "V_m"): np.zeros((10, 3)), ("exc", "rate"): np.ones((1, 1))}))
    result = sink.finish({})
    assert (result.t_start, result.t_stop, result.duration) == (9.5, 10.5, 1.0)
    np.testing.assert_array_equal(result.traces["exc"].times_of("rate"), [10.0])
    np.testing.assert_allclose(result.traces["exc"].times_of("V_m"), np.arange(96, 106) / 10)


def test_nothing_recorded(tmp_path):
    for sink in (MemorySink(manifest(spikes={}, traces=[])), FileSink(manifest(spikes={}, traces=[]), tmp_path / "run.h5")):
        result = sink.finish({})
        assert (list(result.spikes), list(result.traces), result.duration) == ([], [], 0.0)
        sink.close()


def test_windows(memory):
    spikes = memory.spikes["exc"]
    edge = spikes.times[7]
    after, upto = spikes.window(t_start=edge), spikes.window(t_stop=edge)
    assert after.times.min() > edge
    assert upto.times.max() == edge
    assert len(after) + len(upto) == len(spikes)
    assert len(spikes.window(1000.0, 2000.0)) == 0


# -- unfinished runs --------------------------------------------------------------------------------


@pytest.fixture
def unfinished(tmp_path):
    filled(FileSink(manifest(), tmp_path / "run.h5")).close()
    return tmp_path / "run.h5"


def test_an_unfinished_run_can_be_read(memory, unfinished):
    for name in (unfinished, log_path(unfinished)):
        result = open_result(name)
        assert not result.complete
        assert "not complete" in repr(result)
        assert_equal(memory, result)


def test_converting_an_unfinished_run(memory, unfinished):
    with log_path(unfinished).open("ab") as file:
        file.write(b"torn")
    result = convert(log_path(unfinished))
    assert_equal(memory, result)
    assert (result.path, result.complete, log_path(unfinished).exists()) == (unfinished, False, False)


def test_a_run_that_goes_on_is_not_converted(tmp_path):
    with filled(FileSink(manifest(), tmp_path / "run.h5")), pytest.raises(OutputError, match="another simulation of this process"):
        convert(tmp_path / "run.h5.log")


# -- other tools ------------------------------------------------------------------------------------


def test_libsonata_reads_spikes(memory, path):
    libsonata = pytest.importorskip("libsonata")
    reader = libsonata.SpikeReader(str(path))
    for name in memory.spikes:
        found = reader[name].get_dict()
        assert reader[name].sorting == "by_time"
        np.testing.assert_array_equal(found["timestamps"], memory.spikes[name].times)
        np.testing.assert_array_equal(found["node_ids"], memory.spikes[name].ids)


def test_libsonata_reads_reports(tmp_path):
    libsonata = pytest.importorskip("libsonata")
    entry = {"population": "exc", "interval": 0.5, "start": 1.0, "stop": None}
    traces = [{**entry, "variable": "V_m", "unit": "mV", "ids": [5, 1]}, {**entry, "variable": "I_syn_ex", "unit": "pA", "ids": "all"}]
    values = {("exc", "V_m"): np.random.default_rng(0).normal(size=(18, 2)), ("exc", "I_syn_ex"): np.ones((18, 50))}
    with FileSink(manifest(traces=traces), tmp_path / "run.h5") as sink:
        sink.write(Chunk(0, STEPS, {}, values))
        result = sink.finish({})
    reader = libsonata.ElementReportReader(str(result.path))
    assert reader.get_population_names() == ["exc", "exc.I_syn_ex"]
    found = reader["exc"]
    assert (found.data_units, found.time_units) == ("mV", "ms")
    np.testing.assert_allclose(found.get().times, result.traces["exc"].times)
    np.testing.assert_allclose(found.get(node_ids=[1]).data[:, 0], result.traces["exc"]["V_m"][:, 1], rtol=1e-6)
    assert reader["exc.I_syn_ex"].get().data.shape == (18, 50)


def test_layout(path):
    with h5py.File(path) as file:
        assert file.attrs["magic"] == 0x0A7A
        assert list(file.attrs["version"]) == [0, 1]
        group = file["spikes/exc"]
        assert (group.attrs["n_nodes"], group.attrs["t_start"], group.attrs["t_stop"]) == (50, 0.0, 50.0)
        assert h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype) == {"none": 0, "by_id": 1, "by_time": 2}
        assert (group["timestamps"].dtype, group["node_ids"].dtype) == ("<f8", "<u8")
        assert (group["timestamps"].attrs["units"], group["node_ids"].attrs["sorting"]) == ("ms", "by_time")
        trace = file["lifsim/traces/exc/V_m"]
        assert (trace.dtype, trace.attrs["unit"], trace.attrs["interval"], trace.attrs["start"]) == ("<f8", "mV", 0.1, 0.0)
        assert "report/exc.rate" not in file
        assert file["lifsim"].attrs["format_version"] == b"1.2"
        assert file["lifsim"].attrs["complete"]
        assert "libver" not in file  # and, below, an old superblock: HDF5 1.8 and 1.10 read it
    assert path.read_bytes()[8] in (0, 2)


def foreign(path, **attributes):
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/cells")
        group["timestamps"] = np.array([3.0, 1.0, 2.0])
        group["node_ids"] = np.array([4, 2, 2], dtype="u8")
        group["timestamps"].attrs.update(attributes)
    return path


@pytest.mark.filterwarnings("ignore:.*neurons with ids 0 to .* are assumed")
def test_spikes_of_other_tools(tmp_path):
    result = open_result(foreign(tmp_path / "other.h5", units="ms"))
    spikes = result.spikes["cells"]
    np.testing.assert_array_equal(spikes.times, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(spikes.ids, [2, 2, 4])
    assert (spikes.n_nodes, spikes.t_stop) == (5, 3.0)
    assert "another tool" in repr(result)


@pytest.mark.filterwarnings("ignore:.*neurons with ids 0 to .* are assumed")
@pytest.mark.parametrize(
    ("units", "factor"),
    [("ms", 1), ("milliseconds", 1), ("s", 1000), (np.bytes_("s"), 1000), ("Seconds", 1000), ("us", 1e-3), (None, 1)],
)
def test_units_of_times(tmp_path, units, factor):
    spikes = open_result(foreign(tmp_path / "other.h5", **({"units": units} if units else {}))).spikes["cells"]
    np.testing.assert_allclose(spikes.times, np.array([1.0, 2.0, 3.0]) * factor, rtol=1e-15)
    assert spikes.t_stop == spikes.times[-1]
    with pytest.raises(DataError, match="units 'parsec'; expected one of ms, s and us"):
        open_result(foreign(tmp_path / "other.h5", units="parsec"))


def populations(path, **named):
    """A file with these populations: times, ids and attributes of each ("" : in /spikes itself, as gids)."""
    with h5py.File(path, "w") as file:
        for name, (times, ids, attributes) in named.items():
            group = file.require_group("spikes") if name == "flat" else file.create_group(f"spikes/{name}")
            group["timestamps"], group["gids" if name == "flat" else "node_ids"] = times, ids
            group.attrs.update(attributes)
    return path


def test_the_older_layout(tmp_path):
    path = populations(tmp_path / "old.h5", flat=([3.0, 1.0], [1, 0], {"sorting": "by_gid"}), more=([2.0], [0], {}))
    result = open_result(path)
    assert list(result.spikes) == ["spikes", "more"]
    assert result.spikes["spikes"].times.tolist() == [1.0, 3.0] and result.spikes["spikes"].ids.tolist() == [0, 1]
    path = populations(tmp_path / "named.h5", gids=([2.0], [0], {}), timestamps=([1.0], [0], {}))  # populations of these names
    assert sorted(open_result(path).spikes) == ["gids", "timestamps"]


@pytest.mark.parametrize(
    ("name", "total", "n"), [("flat_spikes", {"spikes": 124}, [14]), ("bmtk_spikes", {"cells": 200, "gids": 300}, [20, 50])]
)
def test_files_of_other_tools(name, total, n):
    """One of the examples of pysonata, in the older layout, and one that bmtk wrote, with the ids 1001 to 1050."""
    path = DATA / f"{name}.h5"
    result = open_result(path, n_nodes=dict(zip(total, n, strict=True)))
    assert {name: len(s) for name, s in result.spikes.items()} == total
    assert [len(s.recorded_ids) for s in result.spikes.values()] == n
    with h5py.File(path) as file:
        for name in total:
            group = file["spikes"] if name == "spikes" else file[f"spikes/{name}"]
            times, ids = group["timestamps"][()], group["gids" if name == "spikes" else "node_ids"][()]
            order = np.lexsort((ids, times))
            np.testing.assert_array_equal(result.spikes[name].times, times[order])
            np.testing.assert_array_equal(result.spikes[name].ids, ids[order])


UNREADABLE = {
    "nan": (([1.0, np.nan], [0, 1]), "entry 1: nan"),
    "inf": (([-np.inf, 1.0], [0, 1]), "entry 0: -inf"),
    "lengths": (([1.0, 2.0, 3.0], [0, 1]), "3 timestamps, but 2 node_ids"),
    "negative": (([1.0, 2.0], [0, -1]), "holds a spike of node -1"),
    "negative alone": (([1.0], [-1]), "holds a spike of node -1"),
    "huge": (([1.0, 2.0], np.array([0, 2**63], "u8")), "holds a spike of node 9223372036854775808"),
    "fractions": (([1.0, 2.0], [0.5, 1.0]), "type float64"),
    "text": ((["a", "b"], [0, 1]), "type object"),
    "unlikely": (([1.0, 2.0], [0, 2**30]), "give n_nodes, the number of neurons"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_one_bad_population_keeps_no_other_from_being_read(tmp_path, case):
    (times, ids), said = UNREADABLE[case]
    path = populations(tmp_path / "x.h5", bad=(times, ids, {}), good=([1.0, 2.0], [0, 1], {}))
    with pytest.warns(UserWarning, match=f"bad is left out: .*{said}"):
        result = open_result(path)
    assert list(result.spikes) == list(result.populations) == ["good"] and len(result.spikes["good"]) == 2
    assert "bad: cannot be read" in repr(result) and said in result.info["unreadable"]["bad"]
    with pytest.raises(DataError, match=said):
        result.spikes["bad"]
    with pytest.raises(DataError, match=said):  # where there is no other, the file is refused
        open_result(populations(tmp_path / "y.h5", bad=(times, ids, {})))


def test_numbers_of_neurons(tmp_path):
    """A file of the ids 1001 to 1050 is of 1051 neurons, unless it or the user says that there are 50."""
    times, ids = np.arange(1, 971) * 1.0, 1001 + np.arange(970) % 50
    path = populations(tmp_path / "x.h5", p=(times, ids.astype("u8"), {}))
    with pytest.warns(UserWarning, match=r"p: 1,051 neurons with ids 0 to 1050 are assumed, since the spikes have ids 1001 to 1050"):
        assert analysis.statistics(open_result(path))["p"]["neurons"] == 1051
    for n_nodes in (50, {"p": 50}):
        result = open_result(path, n_nodes=n_nodes)
        found = analysis.statistics(result)["p"]
        assert (found["neurons"], found["spikes"], result.spikes["p"].n_nodes, result.populations["p"]["n"]) == (50, 970, 50, 50)
        assert found["rate"] == pytest.approx(970 / 50 / 0.97)
        assert found["cv_neurons"] == 50
        np.testing.assert_array_equal(result.spikes["p"].recorded_ids, np.arange(1001, 1051))
        np.testing.assert_array_equal(analysis.rates(result.spikes["p"]) * 0.97, np.bincount(ids)[1001:])
    said = open_result(populations(tmp_path / "said.h5", p=(times, ids, {"n_nodes": 60, "t_stop": 2000.0})))
    assert len(said.spikes["p"].recorded_ids) == 60 and said.t_stop == 2000.0
    assert len(open_result(path, n_nodes=2000).spikes["p"].recorded_ids) == 2000
    for n_nodes, words in (
        (49, "50 neurons or more; expected at most the given n_nodes"),
        ({"q": 3}, "'q'"),
        (-1, "-1"),
        (True, "True"),
        (2.5, "2.5"),
    ):
        with pytest.raises(DataError, match=words):
            open_result(path, n_nodes=n_nodes)


def test_neurons_far_apart(tmp_path):
    """Ids may be anything: no table as long as the largest is made."""
    ids = np.array([7, 10**9, 7, 2 * 10**9], "u8")
    result = open_result(populations(tmp_path / "x.h5", p=([1.0, 2.0, 3.0, 4.0], ids, {})), n_nodes=4)
    tracemalloc.start()
    assert analysis.statistics(result)["p"]["neurons"] == 4
    np.testing.assert_array_equal(result.spikes["p"].recorded_ids, [7, 8, 10**9, 2 * 10**9])
    np.testing.assert_array_equal(analysis.rates(result.spikes["p"]), [500.0, 0.0, 250.0, 250.0])
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["path", "unfinished"])
def test_a_result_of_lifsim_says_itself_how_many_neurons_there_are(kind, request):
    with pytest.raises(DataError, match="the file itself says how many neurons there are"):
        open_result(request.getfixturevalue(kind), n_nodes=50)


def test_times_at_and_before_zero_count(tmp_path):
    result = open_result(populations(tmp_path / "x.h5", p=(np.array([5, 0, -5], "f4"), [0, 0, 0], {})))
    found = analysis.statistics(result)["p"]
    assert (found["spikes"], result.t_start, result.duration, found["rate"]) == (3, -5.0, 10.0, 300.0)
    assert result.spikes["p"].window(0.0).times.tolist() == [5.0]
    whole = open_result(populations(tmp_path / "y.h5", p=(np.array([5, 1], "i4"), [0, 0], {"t_stop": 3.0})))
    assert whole.spikes["p"].times.tolist() == [1.0, 5.0] and whole.t_stop == 5.0


def test_reports_have_what_bmtk_reads(path):
    """bmtk reads index_pointer and element_pos, libsonata index_pointers."""
    with h5py.File(path) as file:
        mapping = file["report/exc/mapping"]
        np.testing.assert_array_equal(mapping["index_pointer"], mapping["index_pointers"])
        assert mapping["index_pointer"].id.get_offset() == mapping["index_pointers"].id.get_offset()  # one dataset, two names
        assert len(mapping["element_pos"]) == len(mapping["element_ids"]) == len(mapping["node_ids"])


@pytest.mark.peers
def test_bmtk_reads_spikes_and_reports(memory, path):
    trains = pytest.importorskip("bmtk.utils.reports.spike_trains").SpikeTrains.load(str(path))
    for name in memory.spikes:
        np.testing.assert_array_equal(np.sort(trains.to_dataframe(populations=name)["timestamps"]), memory.spikes[name].times)
    report = pytest.importorskip("bmtk.utils.reports.compartment").CompartmentReport(str(path), mode="r")
    for column, node in enumerate(memory.traces["exc"].ids_of("V_m")):
        found = report["exc"].data(node_id=int(node))
        np.testing.assert_allclose(np.ravel(found), memory.traces["exc"]["V_m"][:, column], rtol=1e-6)


# -- errors -----------------------------------------------------------------------------------------


def test_wrong_names(memory):
    with pytest.raises(DataError, match="did you mean 'exc'"):
        memory.spikes["ecx"]
    with pytest.raises(DataError, match="no traces of 'inh'"):
        memory.traces["inh"]
    with pytest.raises(DataError, match="did you mean 'V_m'"):
        memory.traces["exc"]["v_m"]
    with pytest.raises(DataError, match="times_of"):
        _ = memory.traces["exc"].times
    assert memory.spikes.get("ecx") is None
    assert "ecx" not in memory.spikes


def test_missing_file(path):
    with pytest.raises(DataError, match=r"did you mean 'run\.h5'"):
        open_result(path.with_name("rum.h5"))
    with pytest.raises(DataError, match="folder"):
        open_result(path.parent)


def test_not_a_result(tmp_path):
    (tmp_path / "text.h5").write_text("hello " * 1000)
    with pytest.raises(DataError, match="not an HDF5 file"):
        open_result(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match="neither"):
        open_result(tmp_path / "other.h5")


def test_newer_format(path):
    with h5py.File(path, "r+") as file:
        file["lifsim"].attrs["format_version"] = np.bytes_("2.0")
    with pytest.raises(DataError, match=r"format version 2\.0"):
        open_result(path)


def test_replaced_while_open(path):
    result = open_result(path)
    with FileSink(manifest(), path, overwrite=True) as sink:
        sink.finish({})
    with pytest.raises(DataError, match="replaced"):
        result.spikes["exc"]


def link(file):
    del file["spikes/exc/timestamps"]
    file["spikes/exc/timestamps"] = h5py.ExternalLink("secret.h5", "/spikes/cells/timestamps")


def soft_cycle(file):
    del file["spikes/exc"]
    file["spikes/exc"] = h5py.SoftLink("/spikes/exc")


def storage(file):
    del file["spikes/exc/timestamps"]
    file.create_dataset("spikes/exc/timestamps", (3,), "f8", external=[("secret.h5", 0, 24)])


def virtual(file):
    del file["spikes/exc/timestamps"]
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "/spikes/cells/timestamps", (3,))
    file.create_virtual_dataset("spikes/exc/timestamps", layout)


def bomb(file):
    del file["spikes/exc/timestamps"]
    file.create_dataset("spikes/exc/timestamps", (2**45,), "f8", chunks=(2**16,))


def text(file):
    del file["spikes/exc/timestamps"]
    file["spikes/exc/timestamps"] = "now"


def missing(file):
    del file["spikes/exc/timestamps"]


def shorter(file):
    del file["spikes/exc/timestamps"]
    file["spikes/exc/timestamps"] = np.zeros(3)


def strangers(file):
    del file["spikes/exc/timestamps"], file["spikes/exc/node_ids"]
    file["spikes/exc/timestamps"] = np.zeros(1)
    file["spikes/exc/node_ids"] = np.array([50], dtype="u8")


@pytest.mark.parametrize("harm", [link, soft_cycle, storage, virtual, bomb, text, missing, shorter, strangers])
def test_hostile_files_are_refused(path, harm):
    foreign(path.with_name("secret.h5"))
    with h5py.File(path, "r+") as file:
        harm(file)
    tracemalloc.start()
    with pytest.raises(DataError):
        open_result(path).spikes["exc"]
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize("n", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_flipped_bytes_never_change_data(memory, path, n):
    """Any single changed byte is found, or changes nothing of spikes and traces."""
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), n):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ int(rng.integers(1, 256))]) + whole[at + 1 :])
        try:
            result = open_result(path)
            found = [result.spikes[name] for name in memory.spikes]
            traces = result.traces["exc"]["V_m"]
        except DataError:
            continue
        for spikes in found:
            np.testing.assert_array_equal(spikes.times, memory.spikes[spikes.name].times)
            np.testing.assert_array_equal(spikes.ids, memory.spikes[spikes.name].ids)
        np.testing.assert_array_equal(traces, memory.traces["exc"]["V_m"])


def test_cut_files_are_refused(path):
    whole = path.read_bytes()
    for size in range(0, len(whole), 997):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError):
            result = open_result(path)
            _ = [result.spikes[name] for name in result.spikes], result.traces["exc"]["V_m"]


# -- failing disks, memory --------------------------------------------------------------------------


def test_a_disk_that_fills_up_during_conversion(unfinished, memory):
    """At any size of the disk: an error in words, no crash, the log untouched, no half file."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = log_path(unfinished)
    before = log.read_bytes()
    failed = 0
    for size in range(1000, 60_000, 3000):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            convert(log, unfinished.with_name(f"{size}.h5"))
        except RunError as error:
            failed += 1
            assert "bytes free" in str(error)
            assert log.read_bytes() == before
            assert not unfinished.with_name(f"{size}.h5").exists()
        else:
            assert_equal(memory, open_result(unfinished.with_name(f"{size}.h5")))
            break
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert failed > 5
    assert not log.exists()


@pytest.mark.parametrize("call", ["replace", "fdatasync" if hasattr(os, "fdatasync") else "fsync"])
def test_a_failing_call_leaves_the_log(unfinished, memory, monkeypatch, call):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(RunError, match="Input/output error"):
        convert(log_path(unfinished))
    monkeypatch.undo()
    assert sorted(p.name for p in unfinished.parent.iterdir()) == ["run.h5.log"]
    assert_equal(memory, convert(log_path(unfinished)))


def test_a_full_disk_is_seen_beforehand(unfinished, monkeypatch):
    monkeypatch.setattr(disk, "free", lambda _: 1000)
    with pytest.raises(RunError, match=r"disk is full \(1,000 bytes free"):
        convert(log_path(unfinished))


def test_what_is_known_of_a_file_just_written_is_what_it_says(tmp_path):
    with filled(FileSink(manifest(positions={"exc": np.zeros((50, 2))}), tmp_path / "run.h5")) as sink:
        made = sink.finish(SUMMARY)
        read = open_result(tmp_path / "run.h5")
    assert made.info == read.info
    assert list(made.positions) == list(read.positions) == ["exc"]
    assert repr(made) == repr(read)


class Many:
    """Chunks made as they are asked for."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        ids = np.arange(2000)
        for k in range(self.n):
            yield Chunk(k, k + 1, {"exc": (np.ones(2000), ids % 50)}, {("exc", "V_m"): np.zeros((1, 3))})


def test_memory_does_not_grow_with_the_duration(tmp_path):
    def peak(n):
        totals = Totals(0, n, {"exc": 2000 * n}, {("exc", "V_m"): n})
        tracemalloc.start()
        hdf5_writer.write(Recorded(manifest(), Many(n), totals, {}), tmp_path / f"{n}.h5")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(5)  # imports
    short, long = peak(100), peak(1000)  # 3.2 and 32 MB of spikes
    assert (tmp_path / "1000.h5").stat().st_size > 32e6
    assert long < short + 1e6
