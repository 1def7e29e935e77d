"""Scans in several processes: functions of scripts, killed workers, interrupted and killed scans, a cluster."""

from __future__ import annotations

import io
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import lifsim as ls
from lifsim.common.errors import LifsimError, RunError
from lifsim.scans import crew as crews
from lifsim.scans import kept_network
from lifsim.scans.crew import ClusterCrew
from lifsim.scans.dispatch import Waiting, dispatch
from lifsim.scans.job import Job, Outcome, SharedSettings
from lifsim.scans.source import FunctionSource
from lifsim.simulation.signals import StopRequest

SCRIPT = """
import os, time
import lifsim as ls

def make(k):
    net = ls.Network()
    net.add("n", 2, "iaf_psc_delta", I_e=400.0 + k)
    net.record("n", "spikes")
    return net

def measured(result):
    time.sleep(float(os.environ["WAIT"]))
    return {{"n": len(result.spikes["n"].times), "pid": os.getpid()}}

table = ls.scan(make, {{"k": range({n})}}, 1, measured, duration=20.0, jobs={jobs}, out="s")
print(table.failed, len(set(table["pid"])))
"""
UNIX = pytest.mark.skipif(os.name == "nt", reason="signals of Unix")


def start(folder: Path, n: int, wait: float, jobs: int = 2) -> subprocess.Popen:
    """A script without a guard against being run again by its workers."""
    (folder / "script.py").write_text(SCRIPT.format(n=n, jobs=jobs), encoding="utf-8")
    root = str(Path(ls.__file__).parents[1])
    environment = {**os.environ, "WAIT": str(wait), "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def rows(folder: Path) -> list[dict]:
    path = folder / "s" / "runs.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
    return [json.loads(line) for line in lines[:-1]]


def processes(folder: Path) -> set[int]:
    return {row["statistics"]["pid"] for row in rows(folder)}


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]
    except OSError:
        return False


@UNIX
def test_a_killed_worker_and_an_interrupted_scan(tmp_path):
    """A worker is killed: its run is made elsewhere. Ctrl-C: what is done is kept. Another start makes the rest, each run once."""
    script = start(tmp_path, 60, 0.15)
    wait_until(lambda: len(rows(tmp_path)) >= 4)
    os.kill(rows(tmp_path)[-1]["statistics"]["pid"], signal.SIGKILL)
    wait_until(lambda: len(processes(tmp_path)) == 3)
    os.killpg(script.pid, signal.SIGINT)
    _, said = script.communicate(timeout=30)
    assert "Stopped: stopped by SIGINT;" in said and "runs are done and kept" in said
    assert (tmp_path / "s" / "table.csv").read_text().count("\n") == len(rows(tmp_path)) + 1 < 60
    assert not any(map(alive, processes(tmp_path)))
    check_the_rest(tmp_path)


@UNIX
@pytest.mark.slow
def test_a_killed_scan(tmp_path):
    """Its workers end by themselves; another start makes the runs that are not stored."""
    script = start(tmp_path, 60, 0.15)
    wait_until(lambda: len(rows(tmp_path)) >= 4)
    script.kill()
    script.communicate()
    wait_until(lambda: not any(map(alive, processes(tmp_path))))
    check_the_rest(tmp_path)


def check_the_rest(folder: Path) -> None:
    """The script is started again, in this process."""
    (folder / "script.py").write_text(SCRIPT.format(n=60, jobs=1), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as said:
        patch.chdir(folder)
        patch.setenv("WAIT", "0")
        runpy.run_path("script.py", run_name="__main__")
    assert out.getvalue().split()[0] == "0" and "Traceback" not in said.getvalue()
    assert sorted(row["values"]["k"] for row in rows(folder)) == list(range(60)) and not any(row["error"] for row in rows(folder))


def test_functions_that_cannot_be_sent(tmp_path):
    lock = threading.Lock()
    with pytest.raises(LifsimError, match=r"cannot be sent to other processes .*jobs=1"):
        ls.scan("single_neuron", {"tau_m": [5, 10]}, 1, lambda r: {"x": lock.locked()}, jobs=2, progress=False)


class Recorded:
    """A worker that ends in the way that it is told, or makes the run."""

    def __init__(self, ends: dict[str, list[Exception]], made: list[tuple[Recorded, str]]) -> None:
        self.ends, self.made = ends, made

    def submit(self, call, *args) -> Future:
        future: Future = Future()
        job = args[0] if args and isinstance(args[0], Job) else None
        waiting = self.ends.get(job.key, []) if job else []
        if waiting:
            future.set_exception(waiting.pop(0))
        else:
            future.set_result(Outcome())
            self.made += [(self, job.key)] if job else []
        return future


class Fixed:
    def __init__(self, n: int, ends: dict[str, list[Exception]], retries: int = 3) -> None:
        self.made: list[tuple[Recorded, str]] = []
        self.own, self.retries = [Recorded(ends, self.made) for _ in range(n)], retries

    def workers(self):
        return self.own

    def close(self, kill):
        pass


def jobs(*structures: str) -> list[Job]:
    source = FunctionSource(ls.Network)
    return [Job(source=source, values={}, seed=k, structure=s, settings=SharedSettings(), key=f"{s}{k}") for k, s in enumerate(structures)]


def outcomes(given: list[Job], crew: Fixed) -> dict[str, str]:
    found: dict[str, str] = {}

    def done(job: Job, outcome: Outcome) -> None:
        assert job.key not in found
        found[job.key] = outcome.error

    dispatch(given, given[:1], crew, done, StopRequest())
    return found


def test_a_run_whose_workers_end_fails_after_three_tries_more():
    broken = crews.BrokenExecutor("killed")
    given = jobs("a", "a", "a")
    found = outcomes(given, Fixed(2, {"a0": [broken] * 3, "a1": [broken] * 4, "a2": [RuntimeError("odd")]}))
    assert found["a0"] == "" and found["a2"] == "RuntimeError: odd"
    assert found["a1"] == "the process that made this run was ended from outside, 4 times, perhaps for want of memory"
    assert set(outcomes(given, Fixed(1, {"a0": [broken]}, retries=0)).values()) == {
        "",
        "the process that made this run was ended from outside, perhaps for want of memory",
    }


def test_workers_keep_their_network():
    """Two workers and three networks: each network is built once, until one worker helps the other with the last."""
    given = jobs(*"aaaabbbbcccc")
    crew = Fixed(2, {})
    assert len(outcomes(given, crew)) == 12
    waiting, (one, other) = Waiting(given), crew.own
    first = [waiting.next(one).structure for _ in range(3)]
    second = [waiting.next(other).structure for _ in range(5)]
    assert first == ["a"] * 3 and second == ["b"] * 4 + ["c"]
    assert [waiting.next(one).structure for _ in range(2)] == ["a", "c"] and bool(waiting)


def test_a_stop_leaves_the_rest():
    asked, found = StopRequest(), []

    def done(job: Job, outcome: Outcome) -> None:
        found.append(job.key)
        asked.number = 2

    dispatch(jobs(*"aaaa"), jobs("a"), Fixed(1, {}), done, asked)
    assert len(found) == 1


class Leaving(Fixed):
    """A crew without workers, after the first look, for some looks."""

    def __init__(self, looks: int) -> None:
        super().__init__(1, {})
        self.looks, self.times = looks, 0

    def workers(self):
        self.times += 1
        return [] if 1 < self.times <= 1 + self.looks else self.own


def dispatched(crew: Fixed) -> tuple[list[str], list[str], float]:
    """The runs that are made, what is said, and the seconds of processor time."""
    found: list[str] = []
    said: list[str] = []
    given, before = jobs("a", "b"), time.process_time()
    try:
        dispatch(given, given[:1], crew, lambda job, outcome: found.append(job.key), StopRequest(), said.append)
    except RunError as error:
        said.append(str(error))
    return found, said, time.process_time() - before


def test_without_workers_a_scan_waits_and_gives_up(monkeypatch):
    """It waits without work for the processor, and says so; each look takes 0.2 s."""
    found, said, _ = dispatched(Leaving(3))
    assert found == ["a0", "b1"] and "there are no workers; waiting up to 600 s" in said[0] and said[1] == "there are workers again"
    monkeypatch.setattr("lifsim.scans.dispatch._GONE", 1.0)
    crew = Leaving(10**9)
    found, said, spent = dispatched(crew)
    assert found == [] and said[-1].startswith("there were no workers for 1 s; the runs that are done are kept")
    assert spent < 0.5 and crew.times < 12


def test_a_scheduler_that_is_not_there():
    pytest.importorskip("distributed")
    with pytest.raises(LifsimError, match=r"--scheduler: no Dask scheduler with workers at not-an-address"):
        ClusterCrew("not-an-address", None)


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        LifsimError, match=r"--scheduler: needs distributed, which is not installed; pip install distributed, or lifsim\[dask\]"
    ):
        ClusterCrew("tcp://127.0.0.1:1", None)


def test_a_cluster(tmp_path):
    """A worker in this process with two threads, which both release their networks.

    The digests are those of a scan without a cluster, and the cluster stays.
    """
    distributed = pytest.importorskip("distributed")
    grid = {"tau_m": [8, 12], "I": [450, 500]}
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        there = ls.scan("single_neuron", grid, 1, scheduler=client, progress=False, out=tmp_path / "s")
        assert client.submit(sum, [1, 2]).result() == 3
        assert not any(kept._simulation for kept in kept_network._all)  # also of the threads that made no run at the end
    here = ls.scan("single_neuron", grid, 1, jobs=1, progress=False)
    assert there.columns["digest"] == here.columns["digest"] and there.failed == 0
