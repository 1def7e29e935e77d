"""Compiling in two processes: each part is compiled by one of them, and nothing is lost if the other one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import pytest

from lifsim.engine import compiling
from lifsim.engine.compiler import ahead, cache
from lifsim.engine.compiler.parts import Known, Part


class Inner(NamedTuple):
    x: np.ndarray
    last: int


class Data(NamedTuple):
    x: np.ndarray
    factor: float
    none: None
    inner: Inner
    pair: tuple[np.ndarray, np.uint64]


def data_of() -> Data:
    read_only = np.zeros((2, 3), np.uint16)
    read_only.flags.writeable = False
    return Data(np.ones(3), 2.0, None, Inner(read_only, 5), (np.zeros(4, bool), np.uint64(7)))


@Part
def doubled(m):
    m.x[0] *= 2.0


@Part
def tripled(m):
    m.x[0] *= 3.0


@Part
def squared(m):
    m.x[0] *= m.x[0]


PARTS = (doubled, tripled, squared)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty cache, and parts that have not been loaded."""
    monkeypatch.setenv("LIFSIM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_not_kept", "")
    cache.folders.cache_clear()
    for part in PARTS:
        part._code.clear()
    yield tmp_path / "cache" / cache.VERSION
    for helper in tuple(ahead._helpers):
        helper.close()
    cache.folders.cache_clear()


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(ahead, "_running", lambda: 1)
    monkeypatch.setattr(ahead.memory, "free", lambda: ahead.memory.Limit("memory", 1e12, 0.0, "here"))


def kinds_of(data):
    return Known().flat(data)[0]


def jobs():
    return [job for part in PARTS if (job := part.wanted(data_of(), Known())) is not None]


def started(wanted):
    helper = ahead.Helper(lambda: wanted)
    helper.start()
    return helper


def test_data_of_the_same_types_are_made_from_their_description():
    data = data_of()
    assert kinds_of(ahead.made(ahead.described(kinds_of(data)))) == kinds_of(data)
    words = (1 << 63, True, 1)
    assert kinds_of(ahead.made(ahead.described(kinds_of(words)))) == kinds_of(words)


def test_the_other_process_compiles_what_this_one_then_loads(empty, two_cores):
    assert len(jobs()) == len(PARTS)
    helper = started(jobs())
    assert helper._process is not None
    deadline = time.monotonic() + 60
    while len(list(empty.glob("*.o"))) < len(PARTS) and time.monotonic() < deadline:
        time.sleep(0.01)
    with compiling() as compiler:
        data = data_of()
        for part in PARTS:
            part(data)
    assert (compiler.kernels, data.x[0]) == (0, 36.0) and jobs() == []
    helper.close()
    assert not helper._claims.exists() and not ahead._helpers


def test_each_part_is_compiled_by_one_process(empty, two_cores):
    """This process begins at once; the other one leaves out what this one has begun, and this one waits for what the other has begun."""
    helper = ahead.Helper(lambda: jobs()[::-1])  # starts when something is compiled
    with compiling() as compiler:
        data = data_of()
        for part in PARTS:
            part(data)
    helper.close()
    assert data.x[0] == 36.0 and 1 <= compiler.kernels <= len(PARTS) and len(list(empty.glob("*.o"))) == len(PARTS)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a signal that kills")
def test_a_process_that_is_killed_leaves_its_parts_to_this_one(empty, two_cores):
    helper = started(jobs())
    deadline = time.monotonic() + 60
    while not any(helper._claims.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.001)
    helper._process.send_signal(signal.SIGKILL)
    data = data_of()
    for part in PARTS:
        part(data)
    assert data.x[0] == 36.0 and len(list(empty.glob("*.o"))) == len(PARTS)


def test_a_claim_is_given_once(tmp_path):
    assert [ahead.claim(tmp_path, "a"), ahead.claim(tmp_path, "b"), ahead.claim(tmp_path, "a")] == [True, True, False]
    assert ahead.claim(tmp_path / "missing", "a")  # without claims, this process compiles


def test_no_process_is_started_where_it_does_not_help(empty, two_cores, monkeypatch):
    def refused(*args, **kwargs):
        raise OSError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", refused)
        assert started(jobs())._process is None
    assert started(jobs()[:2])._process is None
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/usr/bin/blender")
        assert started(jobs())._process is None
    with monkeypatch.context() as patch:
        patch.setattr(ahead.memory, "free", lambda: ahead.memory.Limit("memory", 5e8, 0.0, "here"))
        assert started(jobs())._process is None
    with monkeypatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
        assert started(jobs())._process is None
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "_running", lambda: 2)
        assert started(jobs())._process is None


def test_the_number_of_running_threads():
    """This one runs now; more than that is known only of a computer where nothing else runs."""
    assert ahead._running() >= 1
