"""`lifsim watch`: the rates and a raster of a run that goes on, from its log, of which only what is new is read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from itertools import product

import numpy as np
import pytest
from click.testing import CliRunner
from test_recording import STEPS, chunk, manifest

import lifsim as ls
from lifsim.cli.live_text import Screen, frame, one_liner, raster, redrawn
from lifsim.cli.main import main
from lifsim.common.errors import DataError
from lifsim.files.run_files import log_path
from lifsim.results import last_spikes, log_following
from lifsim.results.log_following import Glimpse, LogFollower
from lifsim.results.opening import open as open_result
from lifsim.simulation.file_sink import FileSink

LENGTH = STEPS * 0.1  # ms of a chunk


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


@pytest.fixture
def sink(path):
    sink = FileSink(manifest(), path)
    sink.begin_run(20 * STEPS, 0)
    yield sink
    sink.close()


def write(sink, *which):
    for k in which:
        sink.write(chunk(k))


# -- following the log -----------------------------------------------------------------------------


def test_what_is_seen_is_what_was_recorded(sink, path):
    """Compared with the log read as a whole, after each chunk."""
    follower = LogFollower(log_path(path), 25.0)
    for k in range(8):
        write(sink, k)
        seen, result = follower.look(), open_result(log_path(path))
        assert (seen.name, seen.start, seen.now, seen.until) == ("demo", 0.0, result.t_stop, 20 * LENGTH)
        for name, whole in result.spikes.items():
            last = whole.window(result.t_stop - 25.0)
            np.testing.assert_array_equal(seen.spikes[name].times, last.times)
            np.testing.assert_array_equal(seen.spikes[name].ids, last.ids)
            assert (seen.spikes[name].t_start, seen.spikes[name].t_stop) == (last.t_start, last.t_stop)
            assert seen.totals[name] == len(whole)
            rates = 1000 * len(last) / (last.t_stop - last.t_start) / len(last.recorded_ids)
            assert seen.rate(name) == pytest.approx(rates)
            assert seen.mean_rate(name) == pytest.approx(ls.analysis.rates(whole).mean())


def test_each_look_reads_what_is_new(sink, path, monkeypatch):
    read = []

    def counted(*args, **named):
        for each in real(*args, **named):
            read.append(len(each.payload))
            yield each

    real = log_following.frames
    monkeypatch.setattr(log_following, "frames", counted)
    follower = LogFollower(log_path(path), 25.0)
    write(sink, *range(10))
    follower.look()
    assert len(read) >= 11
    read.clear()
    follower.look()
    assert read == []
    write(sink, 10)
    assert follower.look().now == 11 * LENGTH and len(read) == 1
    assert len(follower._recent) <= 4  # of 10 ms each: older chunks are not kept


def test_a_log_that_is_cut_or_replaced_is_read_anew(sink, path):
    follower = LogFollower(log_path(path), 1000.0)
    write(sink, 0)
    end = sink._log.end
    write(sink, 1, 2)
    assert follower.look().now == 3 * LENGTH
    sink._log.cut(end)
    sink._totals = type(sink._totals)(0, STEPS)
    write(sink, 1)
    seen = follower.look()
    assert seen.now == 2 * LENGTH
    np.testing.assert_array_equal(seen.spikes["exc"].times, open_result(log_path(path)).spikes["exc"].times)
    other = path.with_name("other.h5")
    with FileSink(manifest(name="second"), other) as second:
        second.write(chunk(0))
        os.replace(log_path(other), log_path(path))
        assert follower.look().name == "second"


def test_chunks_that_do_not_follow_each_other(sink, path):
    write(sink, 0)
    sink._totals = type(sink._totals)(0, 2 * STEPS)
    write(sink, 2)
    with pytest.raises(DataError, match="do not follow each other"):
        LogFollower(log_path(path), 10.0).look()


def test_half_a_frame_is_waited_for(sink, path):
    write(sink, 0, 1)
    whole = log_path(path).read_bytes()
    copy = path.with_name("copy.h5.log")
    follower = LogFollower(copy, 1000.0)
    for size in (0, 10, 16, 40):
        copy.write_bytes(whole[:size])
        assert follower.look() is None
    for size in range(len(whole) - 3000, len(whole) + 1, 500):
        copy.write_bytes(whole[:size])
        assert follower.look().now in (0.0, LENGTH, 2 * LENGTH)
    copy.write_bytes(whole)
    assert follower.look().now == 2 * LENGTH


def test_of_a_finished_run_the_last_rows_are_read(sink, path, monkeypatch):
    write(sink, *range(20))
    seen = LogFollower(log_path(path), 25.0).look()
    result = sink.finish({"complete": True})
    monkeypatch.setattr(last_spikes, "_ROWS", 7)
    last = last_spikes.glimpse_of(open_result(path), 25.0)
    for name in seen.spikes:
        np.testing.assert_array_equal(last.spikes[name].times, seen.spikes[name].times)
        assert last.mean_rate(name) == pytest.approx(seen.mean_rate(name)) and last.totals[name] == len(result.spikes[name])
    rows = []
    real = type(result.file).rows
    monkeypatch.setattr(type(result.file), "rows", lambda self, name, a, z: rows.append(z - a) or real(self, name, a, z))
    last_spikes.glimpse_of(open_result(path), 25.0)
    assert sum(rows) < sum(map(len, result.spikes.values())) / 2


# -- text ------------------------------------------------------------------------------------------


def dots_of(lines, columns, rows):
    """The dots of braille characters as a matrix, from the numbering of Unicode."""
    out = np.zeros((rows, columns), int)
    for r, line in enumerate(lines):
        for c, character in enumerate(line):
            for bit, (y, x) in enumerate([(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1)]):
                out[4 * r + y, 2 * c + x] = ord(character) - 0x2800 >> bit & 1
    return out


def test_dots_are_spikes():
    """Bins are (a, b]; a row of dots is one neuron."""
    spikes = ls.Spikes([1.0, 10.0, 10.5, 100.0], [0, 1, 2, 7], 8, t_stop=100.0)
    dots = dots_of(raster(spikes, 5, 2), 10, 8)
    assert np.argwhere(dots).tolist() == [[0, 0], [1, 0], [2, 1], [7, 9]]
    assert raster(spikes, 10, 3, braille=False) == ["|.........", "..........", ".........|"]  # neurons 0, 4 and 7
    few = ls.Spikes([1.0], [1], 2, t_stop=10.0)
    assert len(raster(few, 5, 4)) == 1 and dots_of(raster(few, 5, 4), 10, 4)[1, 0] == 1
    for nothing in (ls.Spikes([], [], 0), ls.Spikes([], [], 3)):
        assert set("".join(raster(nothing, 5, 2))) == {"\u2800"}
    assert raster(few, 0, 2) == raster(few, 5, 0) == []


def glimpse(populations=2, n=100):
    rng = np.random.default_rng(0)
    spikes = {f"p{k}": ls.Spikes(rng.uniform(0, 200, 500), rng.integers(0, n, 500), n, t_stop=200.0) for k in range(populations)}
    return Glimpse("a model", 200.0, 0.0, 1000.0, spikes, dict.fromkeys(spikes, 500), dict.fromkeys(spikes, 200.0))


@pytest.mark.parametrize("populations", [0, 1, 2, 8, 30])
def test_every_frame_fits(populations):
    seen = glimpse(populations)
    for width, height, braille in product([10, 20, 40, 79, 200], [3, 6, 10, 24, 60], [False, True]):
        lines = frame(seen, "200 of 1000 ms (20 %), running", Screen(width, height, False, braille))
        screen = f"{width} x {height}, braille: {braille}"
        assert all(len(line) <= width for line in lines), screen
        assert len(lines) <= max(height - 1, 3) and lines[0].startswith("a model"), screen


def test_a_frame_says_rates_and_times():
    lines = frame(glimpse(), "running", Screen(60, 24))
    assert lines[0] == "a model: running" and lines[1] == "p0: 25 spikes/s, 25 since the start; n = 100"
    assert re.fullmatch(r"  0 ms +200 ms", lines[-1]) and len(lines[-1]) == 60
    assert one_liner(glimpse(), "running") == "a model: running; spikes/s: p0 25, p1 25"
    assert "\x1b" not in "".join(lines) and "\x1b[34m" in frame(glimpse(), "", Screen(60, 24, colour=True))[2]
    assert "no spikes are recorded" in frame(glimpse(0), "", Screen(60, 24))


def test_a_frame_replaces_the_last():
    """Shown by a terminal of a few lines, which knows the sequences that are used."""
    screen, row = [], 0
    for lines, before in ((["a", "bbb", "c"], 0), (["d", "e"], 3), (["f", "g", "h", "i"], 2)):
        text = redrawn(lines, before)
        up = re.match(r"\r(?:\x1b\[(\d+)A)?", text)
        row -= int(up[1] or 0)
        for line in text[up.end() :].removesuffix("\x1b[J").split("\n")[:-1]:
            screen[row:] = [line.removesuffix("\x1b[K"), *screen[row + 1 :]]
            row += 1
        del screen[row:]
        assert screen == lines


def test_names_from_files_cannot_control_the_terminal():
    seen = glimpse(1)
    seen.spikes["\x1b[2J\nx"] = seen.spikes.pop("p0")
    seen.totals, seen.recorded = {}, {"\x1b[2J\nx": 1.0}
    lines = frame(seen, "", Screen(60, 24))
    assert "\x1b" not in "".join(lines) and all("\n" not in line for line in lines)
    assert "\x1b" not in one_liner(seen, "")


# -- the command -----------------------------------------------------------------------------------


def watched(*words, code=0):
    outcome = CliRunner().invoke(main, ["watch", *map(str, words)])
    assert outcome.exit_code == code, outcome.output
    return outcome.output


def test_once(sink, path):
    write(sink, *range(5))
    text = watched(path, "--once", "--window", "30 ms")
    assert text.startswith("demo: 50 of 200 ms (25 %), running\nexc: ") and "20 ms" in text and "50 ms" in text
    assert "\x1b" not in text
    assert watched(log_path(path), "--once").startswith("demo: 50 of 200 ms")
    sink.finish({"complete": True})
    sink.close()
    text = watched(path, "--once")
    assert text.startswith("demo: 50 of 50 ms") and text.endswith(f"the run is finished; next: lifsim stats {path}\n")
    assert re.match(r"demo: 50 of 50 ms \(100 %\); spikes/s: exc [\d.]+, inh [\d.]+\n.*: the run is finished", watched(path))


def test_interrupted(sink, path):
    write(sink, *range(5))
    sink.close()
    text = watched(path, code=3)
    assert "not running" in text and f"the run was interrupted; it goes on with: lifsim resume {path}" in text
    assert watched(path, "--once", code=3).startswith("demo: 50 of 200 ms (25 %), not running\n")


def test_a_run_that_never_began(path):
    assert "does not exist, and no run writes it" in watched(path, "--once", code=2)
    assert "is no folder" in watched(path.parent / "none" / "x.h5", code=2)
    log_path(path).write_bytes(b"")
    assert "stopped before its first step" in watched(path, code=3)
    log_path(path).write_bytes(b"rubbish" * 100)
    assert "is not the log of a run" in watched(path, code=2)
    assert "a time above 0" in watched(path, "--window", "0", code=2)


def test_a_run_is_watched_to_its_end(tmp_path):
    """From before it begins, by a process of its own: one line for each change, then where the result is."""
    out = tmp_path / "run.h5"
    watcher = subprocess.Popen(
        [sys.executable, "-m", "lifsim", "watch", str(out), "--every", "0.1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert watcher.stdout.readline().strip() == f"{out}: waiting for the run to begin (Ctrl-C ends)"
        with FileSink(manifest(), out) as sink:
            sink.begin_run(10 * STEPS, 0)
            write(sink, *range(4))
            line = watcher.stdout.readline()
            while "40 of 100 ms (40 %), running" not in line:
                assert line, "the watcher ended"
                line = watcher.stdout.readline()
            write(sink, *range(4, 10))
            sink.finish({"complete": True})
        rest = watcher.communicate(timeout=30)[0]
        assert watcher.returncode == 0 and rest.endswith(f"{out}: the run is finished; next: lifsim stats {out}\n")
    finally:
        watcher.kill()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_control_c_leaves_cleanly(sink, path):
    write(sink, 0)
    watcher = subprocess.Popen(
        [sys.executable, "-m", "lifsim", "watch", str(path), "--every", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watcher.stdout.readline().startswith("demo: ")
    time.sleep(0.2)
    watcher.send_signal(signal.SIGINT)
    out, err = watcher.communicate(timeout=30)
    assert (watcher.returncode, out, err) == (0, f"{path}: no longer watched\n", "")
    write(sink, 1)  # the run goes on


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(
    ("settings", "colour", "live"),
    [({"TERM": "xterm"}, True, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
    ids=["colour", "no colour", "dumb"],
)
def test_terminals(sink, path, settings, colour, live):
    import pty

    write(sink, *range(5))
    master, slave = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    environment = {**kept, **settings, "PYTHONIOENCODING": "utf-8"}
    watcher = subprocess.Popen([sys.executable, "-m", "lifsim", "watch", str(path), "--every", "0.2"], stdout=slave, env=environment)
    os.close(slave)
    time.sleep(0.1)
    seen = b""
    until = time.monotonic() + 30
    while (b"since the start" not in seen if live else b"spikes/s" not in seen) and time.monotonic() < until:
        seen += os.read(master, 65536)
    if live:
        write(sink, 5)
        while b"60 of 200" not in seen and time.monotonic() < until:
            seen += os.read(master, 65536)
    watcher.send_signal(signal.SIGINT)
    watcher.wait(timeout=30)
    os.close(master)
    assert (b"\x1b[34m" in seen) == colour and (b"\x1b[K" in seen) == live
    assert bool(re.search(rb"\x1b\[\d+A", seen)) == live
    assert watcher.returncode == 0


def test_without_braille(sink, path, monkeypatch):
    write(sink, *range(5))
    monkeypatch.setattr("lifsim.cli.watch._has_braille", lambda: False)
    text = watched(path, "--once")
    assert "|" in text and text.isascii()
