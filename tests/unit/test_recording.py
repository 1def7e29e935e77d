"""Chunks, the log of a run, and the sinks: nothing that was written is lost, nothing damaged is believed."""

from __future__ import annotations

import errno
import math
import os
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest

from lifsim.common.errors import DataError, OutputError, RunError
from lifsim.files import disk, kinds
from lifsim.files.run_files import RunFiles, checkpoint_path, log_path
from lifsim.results import log as log_module
from lifsim.results import log_reading
from lifsim.results.log import LogWriter
from lifsim.results.manifest import Manifest, first_sample
from lifsim.results.opening import open as open_result
from lifsim.results.recording import Chunk, read_log
from lifsim.simulation.earlier_runs import take_back
from lifsim.simulation.file_sink import FileSink, ResumedSink
from lifsim.simulation.sinks import MemorySink

STEPS = 100  # of a chunk
BEGUN = 1  # the number of the frame behind which the log of a run can be read: who writes it, the manifest
BEFORE = 3  # frames before the first chunk: those, and how the run begins


def manifest(**changes):
    trace = {"population": "exc", "interval": 0.1, "start": 0.0, "stop": None}
    given = {
        "dt": 0.1,
        "name": "demo",
        "populations": {"exc": {"n": 50, "model": "iaf_psc_delta"}, "inh": {"n": 10, "model": "iaf_psc_delta"}},
        "spikes": {"exc": {"ids": "all", "start": 0.0, "stop": None}, "inh": {"ids": [1, 3], "start": 5.0, "stop": math.inf}},
        "traces": [
            {**trace, "variable": "V_m", "unit": "mV", "ids": [5, 1, 3]},
            {**trace, "variable": "rate", "unit": "1/s", "interval": 1.0, "ids": []},
        ],
        "parameters": {"g": 5.0},
        "seed": 2**63 + 5,
    }
    return Manifest(**{**given, **changes})


def chunk(k):
    rng = np.random.default_rng(k)
    spikes = {}
    for name, ids in (("exc", np.arange(50)), ("inh", np.array([1, 3]))):
        n = rng.integers(0, 30)
        at, who = rng.integers(1, STEPS + 1, n), rng.choice(ids, n)
        order = np.lexsort((who, at))
        spikes[name] = at[order], who[order]
    traces = {("exc", "V_m"): rng.normal(size=(STEPS, 3)), ("exc", "rate"): rng.random((STEPS // 10, 1))}
    return Chunk(k * STEPS, (k + 1) * STEPS, spikes, traces)


def same(a, b):
    """Whether two chunks hold the same (an empty entry is as good as none)."""
    spikes = all(
        np.array_equal(x, y)
        for name in {*a.spikes, *b.spikes}
        for x, y in zip(a.spikes.get(name, ([], [])), b.spikes.get(name, ([], [])), strict=True)
    )
    return spikes and (a.start, a.stop) == (b.start, b.stop) and all(np.array_equal(a.traces[k], b.traces[k]) for k in a.traces)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


@pytest.fixture
def log(path):
    """The log of an unfinished run of 4 chunks."""
    with FileSink(manifest(), path) as sink:
        for k in range(4):
            sink.write(chunk(k))
    return log_path(path)


# -- forms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(5))
def test_chunk_round_trip(k):
    assert same(Chunk.from_bytes(chunk(k).to_bytes()), chunk(k))


def test_late_steps_fit():
    late = Chunk(10**12, 10**12 + 5, {"exc": (np.array([5]), np.array([2**31 - 3]))})
    assert same(Chunk.from_bytes(late.to_bytes()), late)


def test_manifest_round_trip():
    made = manifest(parameters={"g": np.float64(5), "W": np.eye(2), "n": np.int64(3)})
    read = Manifest.from_json(made.to_json())
    assert read.parameters == {"g": 5.0, "W": [[1.0, 0.0], [0.0, 1.0]], "n": 3}
    assert read.seed == made.seed
    assert float(read.spikes["inh"]["stop"]) == math.inf
    assert Manifest.from_json(read.to_json()) == read
    assert "Infinity" not in made.to_json()


def test_manifest_of_a_later_minor_version():
    text = manifest().to_json()[:-1] + ', "new_entry": 1}'
    assert Manifest.from_json(text).name == "demo"


@pytest.mark.parametrize(("start", "expected"), [(0, 30), (25, 30), (29, 30), (30, 40), (31, 40)])
def test_first_sample_of_a_run_that_begins_later(start, expected):
    assert first_sample({"interval": 1.0, "start": 2.0}, start, 0.1) == (expected, 10)


def test_a_gap_is_refused(path):
    for sink in (MemorySink(manifest()), FileSink(manifest(), path)):
        sink.write(chunk(0))
        with pytest.raises(ValueError, match="step 200"):
            sink.write(chunk(2))
        sink.close()


# -- the log ----------------------------------------------------------------------------------------


def test_log_holds_what_was_written(log):
    recorded, end = read_log(log)
    assert recorded.manifest.populations == manifest().populations
    assert all(same(a, chunk(k)) for k, a in enumerate(recorded.chunks))
    assert (recorded.totals.start, recorded.totals.stop) == (0, 400)
    assert recorded.summary is None
    assert (recorded.ignored, end) == (0, log.stat().st_size)


def prefix(log):
    """The number of chunks that can be read, all as they were written."""
    recorded, _ = read_log(log)
    chunks = list(recorded.chunks)
    assert all(same(a, chunk(k)) for k, a in enumerate(chunks))
    return len(chunks), recorded.ignored


@pytest.mark.parametrize("every", [17, pytest.param(7, marks=pytest.mark.slow)])
def test_a_log_cut_anywhere_holds_what_came_before(log, every):
    ends = [frame.end for frame in log_reading.frames(log)]
    for size in reversed(range(0, log.stat().st_size, every)):  # shorter and shorter: nothing must be written anew
        os.truncate(log, size)
        if size < ends[BEGUN]:
            with pytest.raises(DataError, match="is empty"):
                read_log(log)
        else:
            assert prefix(log) == (max(0, sum(end <= size for end in ends) - BEFORE), size - max(e for e in ends if e <= size))


@pytest.mark.parametrize("every", [29, pytest.param(13, marks=pytest.mark.slow)])
def test_a_flipped_byte_anywhere_is_found(log, every):
    whole = log.read_bytes()
    ends = [frame.end for frame in log_reading.frames(log)]
    for at in [*range(16), *range(16, len(whole), every)]:
        log.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        if at < ends[BEGUN]:
            with pytest.raises(DataError, match="is not the log|damaged at its beginning" if at < 16 else "damaged at byte (16|40)"):
                read_log(log)
        else:
            start = max(end for end in ends if end <= at)
            if at < ends[-2]:  # a length changed in the last frame looks like a write cut short
                assert read_log(log)[0].reason == f"damaged at byte {start:,} or soon after it"
            assert prefix(log)[0] == max(0, sum(end <= at for end in ends) - BEFORE)


@pytest.mark.parametrize("every", [19, pytest.param(1, marks=pytest.mark.slow)])
def test_a_torn_end_is_not_called_damage(log, every):
    """Cut within 40 bytes of the ends of frames, which are longer than their heads, and at every so many bytes."""
    ends = [frame.end for frame in log_reading.frames(log)]
    for at in reversed(range(ends[BEGUN], log.stat().st_size)):
        if at % every and all(abs(at - end) > 40 for end in ends):
            continue
        os.truncate(log, at)
        assert read_log(log)[0].reason == ("" if at in ends else "the last write was cut short")
    for at in reversed(range(17, ends[BEGUN], every)):
        os.truncate(log, at)
        with pytest.raises(DataError, match="is empty"):
            read_log(log)


def test_an_absurd_length_is_not_believed(log):
    end = log.stat().st_size
    with log.open("ab") as file:
        file.write(log_reading.FRAME.pack(b"LIFf", 2, 2**62, 0))
    assert prefix(log) == (4, log.stat().st_size - end)


@pytest.mark.parametrize("content", [b"", b"short", b"something else entirely"])
def test_not_a_log(path, content):
    log_path(path).write_bytes(content)
    with pytest.raises(DataError):
        open_result(path)


def test_a_newer_log(log):
    whole = log.read_bytes()
    head = kinds.MAGIC + struct.pack("<I", 7)
    log.write_bytes(head + struct.pack("<I", zlib.crc32(head)) + whole[16:])
    with pytest.raises(DataError, match="log version 7"):
        read_log(log)


# -- where a run may write --------------------------------------------------------------------------


def test_an_existing_result_stays(path):
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="--overwrite"):
        FileSink(manifest(), path)
    assert path.read_bytes() == b"precious"


def test_an_unfinished_run_stays(path, log):
    before = log.read_bytes()
    with pytest.raises(OutputError, match="--overwrite"):
        FileSink(manifest(), path)
    assert log.read_bytes() == before


def test_overwrite(path, log):
    """What was there stays until the new run has its result; an unfinished run has another name until then."""
    path.write_bytes(b"old")
    aside = path.with_name("run.old1.h5")
    with FileSink(manifest(name="new"), path, overwrite=True) as sink:
        sink.write(chunk(0))
        assert path.read_bytes() == b"old"
        assert (open_result(log).name, open_result(aside).name) == ("new", "demo")
        assert open_result(aside).t_stop == 40.0
        sink.finish({})
        assert open_result(path).name == "new"
    assert [p.name for p in path.parent.iterdir()] == ["run.h5"]


def test_a_run_that_never_begins_changes_nothing(path, log):
    path.write_bytes(b"old")
    checkpoint_path(path).write_bytes(b"saved")
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    with FileSink(manifest(name="new"), path, overwrite=True):
        assert open_result(log).name == "new"
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before


def test_unfinished_runs_are_set_aside_one_after_the_other(path, log):
    for k in range(2):
        with FileSink(manifest(name=f"run {k}"), path, overwrite=True) as sink:
            sink.write(chunk(0))
    names = [open_result(path.with_name(f"run.old{k}.h5")).name for k in (1, 2)]
    assert names == ["demo", "run 0"]
    with FileSink(manifest(), path, overwrite=True) as sink:
        sink.write(chunk(0))
        sink.finish({})
    assert [p.name for p in path.parent.iterdir()] == ["run.h5"]


@pytest.mark.parametrize("claimed", [False, True], ids=["no log", "empty log"])
def test_a_set_aside_run_comes_back_after_a_kill_before_the_log_of_the_new_one(path, log, claimed):
    """The new run may have claimed the name of its log already."""
    before, aside = log.read_bytes(), log_path(path.with_name("run.old1.h5"))
    log.replace(aside)
    if claimed:
        log.touch()
    take_back(RunFiles(path))
    assert log.read_bytes() == before and not aside.exists()


def test_a_set_aside_run_that_somebody_goes_on_with_stays(path, log):
    with FileSink(manifest(), path, overwrite=True) as sink:
        sink.write(chunk(0))
        with ResumedSink.of(path.with_name("run.old1.h5"), 4 * STEPS) as other:
            sink.finish({})
            sink.close()
            other.write(chunk(4))
    assert prefix(log_path(path.with_name("run.old1.h5"))) == (5, 0)


def test_a_log_that_is_none_is_not_replaced(path):
    log_path(path).write_bytes(b"notes on my experiment, by hand")
    with pytest.raises(OutputError, match=r"run.h5.log: is not the log of a run"):
        FileSink(manifest(), path, overwrite=True)
    assert log_path(path).read_bytes() == b"notes on my experiment, by hand"


def test_a_log_that_is_read_while_it_is_written(path):
    """A reader sees whole frames, and that the run goes on; the frame that is being written is no damage."""
    with FileSink(manifest(), path) as sink:
        for k in range(4):
            sink.write(chunk(k))
        with log_path(path).open("ab") as file:
            file.write(log_reading.FRAME.pack(b"LIFf", 2, 1000, 0) + b"the beginning")
        recorded, _ = read_log(log_path(path))
        assert (recorded.reason, recorded.ignored, recorded.writer) == ("", 0, f"process {os.getpid()}")
        assert "the run is in progress: process" in repr(open_result(path))
    assert read_log(log_path(path))[0].reason == "the last write was cut short"


def test_what_a_resumed_run_will_replace_stays_until_then(path, log):
    """The log is cut off at the checkpoint with the first new frame, not before: the run may fail to begin."""
    before = log.read_bytes()
    ResumedSink.of(path, STEPS).close()
    assert log.read_bytes() == before


def test_the_log_of_another_run_is_left_alone(path, log):
    with pytest.raises(DataError, match="is the log of another run"):
        ResumedSink.of(path, STEPS, run="another")


def test_one_run_at_a_time(path):
    with FileSink(manifest(), path) as first:
        first.write(chunk(0))
        with pytest.raises(OutputError, match="another simulation of this process"):
            FileSink(manifest(), path, overwrite=True)
        with pytest.raises(OutputError, match="another simulation of this process"):
            ResumedSink.of(path, STEPS)
        first.write(chunk(1))
    assert prefix(log_path(path)) == (2, 0)


def test_a_missing_folder_is_created_but_not_its_parents(tmp_path):
    FileSink(manifest(), tmp_path / "a" / "run.h5").close()
    with pytest.raises(OutputError, match="does not exist"):
        FileSink(manifest(), tmp_path / "b" / "c" / "run.h5")
    assert not (tmp_path / "b").exists()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        FileSink(manifest(), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="not a folder"):
        FileSink(manifest(), tmp_path / "file" / "run.h5")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        FileSink(manifest(), tmp_path / "run.h5")


# -- going on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", [b"", b"torn"])
@pytest.mark.parametrize("k", [0, 2, 4])
def test_a_resumed_run_equals_an_uninterrupted_one(path, log, tmp_path, k, tail):
    with log.open("ab") as file:
        file.write(tail)
    with FileSink(manifest(), tmp_path / "whole.h5") as whole, ResumedSink.of(path, k * STEPS) as resumed:
        for i in range(6):
            whole.write(chunk(i))
        for i in range(k, 6):
            resumed.write(chunk(i))
        a, b = whole.finish({}), resumed.finish({})
    assert a.info["content_sha256"] == b.info["content_sha256"]
    assert not log.exists()


def test_a_log_that_ends_too_early_for_the_checkpoint(path, log):
    with pytest.raises(DataError, match="ends at step 400"):
        ResumedSink.of(path, 500)
    with pytest.raises(DataError, match="does not exist"):
        ResumedSink.of(path.with_name("other.h5"), 0)


# -- failing disks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(7))
def test_a_disk_that_fills_up_keeps_what_was_written(path, monkeypatch, n):
    write, calls = os.write, iter(range(1000))

    def failing(fd, data):
        call = next(calls)
        if call == n:
            return write(fd, data[:5])  # a short write, then nothing more
        if call > n:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", failing)
    with pytest.raises(RunError, match=r"No space left.*bytes free"), FileSink(manifest(), path) as sink:
        for k in range(6):
            sink.write(chunk(k))
    monkeypatch.undo()
    if n > BEFORE:  # header, owner, manifest and beginning are there: the run has begun
        assert prefix(log_path(path)) == (n - BEFORE - 1, 0)
    else:
        assert not log_path(path).exists()


def test_the_log_reaches_the_disk_about_once_a_second(path, monkeypatch):
    clock, synced = [0.0], []
    monkeypatch.setattr(log_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(disk, "sync", lambda fd: synced.append(clock[0]))
    writer = LogWriter(path)
    for tick in range(40):
        clock[0] = tick / 8
        writer.append(log_reading.CHUNK, b"x")
        writer._wait()  # which it does aside
    writer.close()
    assert synced == [1.125, 2.25, 3.375, 4.5]


def test_what_fails_on_the_way_to_the_disk_is_said(path, monkeypatch):
    """At the next frame, or where all is asked to be on the disk."""

    def failing(fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(disk, "sync", failing)
    monkeypatch.setattr(log_module, "_SYNC_EVERY", -1.0)
    writer = LogWriter(path)
    with pytest.raises(RunError, match=r"Input/output error.*the data recorded so far are in this file"):
        for _ in range(1000):
            writer.append(log_reading.CHUNK, b"x")
            time.sleep(0.01)
    with pytest.raises(RunError, match="Input/output error"):
        writer.sync()
    writer.close()


def test_light_imports():
    code = "import sys, lifsim.results.recording; print([m for m in ('h5py', 'scipy', 'matplotlib', 'numba') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
