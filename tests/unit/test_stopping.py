"""Signals: a run ends between two slices, with everything saved and the exit code of the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.files.run_files import log_path
from lifsim.simulation.signals import Stopped, deferred, handling

MODEL = """
[run]
duration = "1000 s"
[populations.n]
n = 400
model = "iaf_psc_delta"
params = { I_e = 500.0 }
[[record]]
populations = "n"
variable = "spikes"
"""
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def signals_as_usual():
    """Also where the tests were started in the background, with Ctrl-C or hangups ignored."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {n: signal.signal(n, signal.default_int_handler if n == signal.SIGINT else signal.SIG_DFL) for n in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_is_noted_and_the_second_goes_on():
    got = []
    with handling(lambda number, _: got.append(number)):
        with deferred() as asked:
            assert asked.number is None
            signal.raise_signal(signal.SIGINT)
            assert (asked.number, got) == (signal.SIGINT, [])
            signal.raise_signal(signal.SIGTERM)
            assert (asked.number, got) == (signal.SIGINT, [signal.SIGTERM])
        signal.raise_signal(signal.SIGINT)
        assert got == [signal.SIGTERM, signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with deferred() as asked:
            signal.raise_signal(signal.SIGTERM)
        assert asked.number is None
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_stopped_says():
    stopped = Stopped(signal.SIGTERM, "5 ms are saved")
    assert (str(stopped), stopped.exit_code) == ("stopped by SIGTERM; 5 ms are saved", 143)
    assert isinstance(stopped, KeyboardInterrupt)  # "except Exception" must not hold it


def test_in_python_the_simulation_can_go_on():
    net = ls.Network()
    net.add("n", 3, "iaf_psc_delta", I_e=500.0)
    net.record("n", "spikes")

    def stop(event, **facts):
        if event == "step" and facts["done_ms"] > 1.0 and not stopped:
            stopped.append(True)
            signal.raise_signal(signal.SIGINT)

    stopped: list[bool] = []
    with ls.Simulation(net, progress=stop) as sim:
        with pytest.raises(ls.Stopped):
            sim.run(1000.0)
        sim.run(1000.0 - sim.time)
        spikes = sim.result().spikes["n"]
    assert (spikes.times == ls.run(net, 1000.0).spikes["n"].times).all()


def started(path: Path, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lifsim", *args]
    return subprocess.Popen(command, cwd=path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, size: int = 20_000) -> None:
    """Until the log has grown, so that the run is at work."""
    for _ in range(1200):
        if log_path(path).exists() and log_path(path).stat().st_size > size:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not begin")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_command_stops_and_goes_on(tmp_path, monkeypatch, name):
    (tmp_path / "m.toml").write_text(MODEL, encoding="utf-8")
    number = getattr(signal, name)
    run = started(tmp_path, "run", "m.toml", "-o", "x.h5")
    wait_for(tmp_path / "x.h5")
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert f"stopped by {name}; " in err and "go on with: lifsim resume x.h5" in err
    assert "Traceback" not in out + err
    first = ls.open(log_path(tmp_path / "x.h5")).t_stop
    monkeypatch.chdir(tmp_path)
    again = CliRunner().invoke(main, ["resume", "x.h5", "--max-wall", "1e-3"])
    assert again.exit_code == 3, again.output
    assert "time is up" in again.stderr and "go on with: lifsim resume x.h5" in again.stderr
    assert ls.open(log_path(tmp_path / "x.h5")).t_stop > first


@posix
def test_a_run_that_ignores_hangups_is_named_to_another(tmp_path, monkeypatch):
    """As under nohup. Another run into the same file is refused, and told which process writes it."""
    (tmp_path / "m.toml").write_text(MODEL, encoding="utf-8")
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    code += "from lifsim.cli.main import main; main(['run', 'm.toml', '-o', 'x.h5'])"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "x.h5")
    run.send_signal(signal.SIGHUP)
    wait_for(tmp_path / "x.h5", 3 * log_path(tmp_path / "x.h5").stat().st_size)  # several slices more
    assert run.poll() is None
    monkeypatch.chdir(tmp_path)
    for args in (("run", "m.toml", "-o", "x.h5", "--overwrite"), ("resume", "x.h5")):
        other = CliRunner().invoke(main, args)
        assert other.exit_code == 2
        assert f"is being written by another run (process {run.pid})" in other.stderr
    assert ls.open(log_path(tmp_path / "x.h5")).t_stop > 0  # reading does no harm
    run.terminate()
    assert run.wait(60) == 143
