"""Calls that fail: whatever the disk or the memory refuses, one error says so, nothing is lost, and the run can go on.

(bench/reliability/faults.py does this to every n-th call of the command itself.)
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import lifsim as ls
from lifsim.files.run_files import log_path
from lifsim.simulation import slices

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "reliability"))
from nets import LIF, digest

CALLS = ["write", "replace", "fdatasync" if hasattr(os, "fdatasync") else "fsync", "open", "ftruncate"]


def net() -> ls.Network:
    net = ls.Network(dt=0.1)
    n = net.add("n", 40, "iaf_psc_delta", **LIF)
    ext = net.add("ext", 1, "poisson_generator", rate=9000.0)
    net.connect(ext, n, weight=0.3, delay=0.5)
    net.connect(n, n, "fixed_indegree", indegree=6, weight=0.2, delay=1.5)
    net.record(n, "spikes")
    return net


@pytest.fixture(scope="module")
def whole() -> ls.Result:
    return ls.run(net(), 60.0)


def run(out: Path) -> ls.Result:
    return ls.run(net(), 60.0, out=out, checkpoint_every=20.0)


def fails_at(n: int, call: str, patch: pytest.MonkeyPatch) -> list[int]:
    """Let the n-th call that may change something fail; the list grows when it has."""
    old, seen, failed = getattr(os, call), iter(range(10**9)), []

    def new(*args, **options):
        changes = call != "open" or args[1] & (os.O_WRONLY | os.O_RDWR)
        if changes and next(seen) == n:
            failed.append(n)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return old(*args, **options)

    patch.setattr(os, call, new)
    return failed


@pytest.mark.parametrize("fewer", [5, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("call", CALLS)
def test_every_call_may_fail(call, fewer, tmp_path, monkeypatch, whole):
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.002)
    wanted, n, resumed = digest(whole), 0, 0
    while True:
        out = tmp_path / f"{n}" / "run.h5"
        out.parent.mkdir()
        with monkeypatch.context() as patch:
            failed = fails_at(n, call, patch)
            try:
                result = run(out)
            except (ls.RunError, ls.OutputError) as error:
                assert "No space left" in str(error)
                result = None
        if not failed:
            break
        if result is None and log_path(out).exists():
            left = ls.open(log_path(out))
            assert digest(left) == digest(whole, left.t_stop)
            try:
                result, resumed = ls.resume(out), resumed + 1
            except ls.DataError:  # it had not begun
                assert left.t_stop == 0
        if result is None:
            result = ls.run(net(), 60.0, out=out, overwrite=True)
        assert digest(result) == wanted and result.complete
        assert [p.name for p in out.parent.iterdir()] == ["run.h5"]
        n += 1 + n // fewer  # each of the first, then fewer
    assert n > 1 and (resumed > 1 or call in ("open", "ftruncate"))


@pytest.mark.parametrize("name", ["empty", "zeros", "concatenate"])
def test_memory_may_run_out(name, tmp_path, monkeypatch, whole):
    old, out = getattr(np, name), tmp_path / "run.h5"
    for n in (0, 3, 20, 60, 150):
        seen = iter(range(10**9))

        def new(*args, seen=seen, n=n, **options):
            if next(seen) == n:
                raise MemoryError("no memory left")
            return old(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(np, name, new)
            with contextlib.suppress(MemoryError):
                ls.run(net(), 60.0, out=out, overwrite=True, checkpoint_every=20.0)
        try:
            assert digest(ls.resume(out)) == digest(whole)
        except ls.DataError:  # not begun, or finished
            assert not out.exists() or digest(ls.open(out)) == digest(whole)


def test_a_nearly_full_disk_stops_a_run_with_a_checkpoint(tmp_path, monkeypatch, whole):
    out, free = tmp_path / "run.h5", iter([10**9] * 3 + [50_000] * 100)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.002)
    with monkeypatch.context() as patch:
        patch.setattr("lifsim.files.disk.free", lambda _: next(free))
        said = r"the disk is nearly full \(50,000 bytes free\); .* ms are saved; go on with: lifsim resume"
        with pytest.raises(ls.RunError, match=said):
            run(out)
    assert 0 < ls.open(log_path(out)).t_stop < 60
    assert digest(ls.resume(out)) == digest(whole)


def test_traces_that_the_disk_cannot_hold_are_refused_before(tmp_path, monkeypatch):
    sampled = net()
    sampled.record("n", "V_m", interval=0.1)
    monkeypatch.setattr("lifsim.files.disk.free", lambda _: 10**6)
    with pytest.raises(ls.OutputError, match=r"1 MB are free on its disk; the traces of this run need about 8.07 MB"):
        ls.run(sampled, 1000.0, out=tmp_path / "run.h5")
    assert not list(tmp_path.iterdir())
