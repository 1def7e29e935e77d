"""Spikes from files that are read while the run goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import lifsim as ls
from lifsim.building import spike_file
from lifsim.plan.spikes import ListedSpikes
from lifsim.simulation.built_network import plan_of


def write(path: Path, steps: np.ndarray, ids: np.ndarray, **attributes: object) -> Path:
    """A SONATA file as other tools write it: times in ms, dt 0.1 ms."""
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/p")
        group.attrs.update(attributes)
        group.create_dataset("timestamps", data=steps / 10).attrs["units"] = "ms"
        group["node_ids"] = ids.astype(np.uint64)
    return path


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(spike_file, "ROWS", 100)
    monkeypatch.setattr(spike_file, "FEW", 100)
    monkeypatch.setattr(spike_file, "MOST_SORTED", 2000)


@pytest.fixture
def spikes() -> tuple[np.ndarray, np.ndarray]:
    """1500 spikes of 20 nodes in 50 ms, by time only: many at once, some twice."""
    rng = np.random.default_rng(1)
    return np.sort(rng.integers(1, 500, 1500)), rng.integers(0, 20, 1500)


def network(path: Path, n: int = 20, **params: object) -> ls.Network:
    net = ls.Network(dt=0.1)
    net.add("more", 2, "spike_generator", spike_times=[[1.0, 7.0], [7.0, 30.0]])
    net.add("g", n, "spike_generator", spike_file=str(path), **params)
    net.add("n", 50, "iaf_psc_exp", V_th=-69.0)
    net.connect("g", "n", "fixed_indegree", indegree=5, weight={"normal": [5.0, 30.0]}, delay={"uniform": [0.5, 4.0]})
    net.connect("more", "n", weight=3.0, delay=2.0)
    net.record(["g", "more", "n"], "spikes")
    net.record("n", "V_m", interval=0.1)
    net.record("g", "rate")
    return net


def assert_same(a: ls.Result, b: ls.Result) -> None:
    for name in a.spikes:
        np.testing.assert_array_equal(a.spikes[name].times, b.spikes[name].times)
        np.testing.assert_array_equal(a.spikes[name].ids, b.spikes[name].ids)
    np.testing.assert_array_equal(a.traces["n"]["V_m"], b.traces["n"]["V_m"])
    np.testing.assert_array_equal(a.traces["g"]["rate"], b.traces["g"]["rate"])


@pytest.mark.parametrize("window", [{}, {"start": 3.0, "stop": 31.5}])
def test_a_streamed_file_is_that_in_memory(tmp_path, spikes, small_blocks, monkeypatch, window):
    net = network(write(tmp_path / "in.h5", *spikes), **window)
    assert not isinstance(plan_of(net, 1).events, ListedSpikes)
    with ls.Simulation(net, threads=2) as sim:
        for part in (0.1, 0.3, 20.0, 0.1, 29.5):
            sim.run(part)
        parts = sim.result()
    streamed = ls.run(net, 50.0, threads=1)
    monkeypatch.setattr(spike_file, "FEW", 10_000)
    listed = ls.run(net, 50.0)
    assert isinstance(plan_of(net, 1).events, ListedSpikes)
    assert len(listed.spikes["g"]) > 500 and len(listed.spikes["n"]) > 100
    assert_same(streamed, listed)
    assert_same(parts, listed)


def test_files_out_of_order(tmp_path, spikes, small_blocks, monkeypatch):
    """What memory holds is sorted, as it always was; more is refused."""
    step, ids = spikes
    order = np.random.default_rng(2).permutation(len(step))
    sorted_file, other = write(tmp_path / "a.h5", step, ids), write(tmp_path / "b.h5", step[order], ids[order])
    assert_same(ls.run(network(sorted_file), 50.0), ls.run(network(other), 50.0))
    monkeypatch.setattr(spike_file, "MOST_SORTED", 1000)
    with pytest.raises(ls.LifsimError, match="1,500 spikes that are not sorted by time") as error:
        ls.run(network(other), 50.0)
    assert error.value.problems[0].where == "populations.g.spike_file"


def test_blocks_out_of_order(tmp_path, spikes, small_blocks):
    """Each block is in order, but not the blocks."""
    step, ids = (np.concatenate([x[800:], x[:800]]) for x in spikes)
    assert_same(ls.run(network(write(tmp_path / "a.h5", step, ids)), 50.0), ls.run(network(write(tmp_path / "b.h5", *spikes)), 50.0))


@pytest.mark.parametrize(
    ("at", "what", "words"),
    [("step", 137.5, "13.75 ms is not on the grid"), ("step", np.nan, "not finite numbers"), ("id", 20, "node id 20")],
)
def test_everything_is_checked_before_the_run(tmp_path, spikes, small_blocks, at, what, words):
    step, ids = spikes[0].astype(float), spikes[1].copy()
    (step if at == "step" else ids)[750] = what
    with pytest.raises(ls.LifsimError, match=words):
        ls.Simulation(network(write(tmp_path / "in.h5", step, ids, n_nodes=30, t_stop=50.0)))


@pytest.mark.parametrize("size", ["at once", "streamed"])
@pytest.mark.parametrize(("option", "method"), [(False, "grid"), (True, "grid"), (False, "precise"), (True, "precise")])
@pytest.mark.parametrize("at", [0.0, -30.0])
def test_a_spike_at_or_before_time_0_is_told(tmp_path, spikes, small_blocks, monkeypatch, size, option, method, at):
    """0 ms, and -3 ms; a start above 0 leaves them out, as it says."""
    step, ids = np.append(at, spikes[0].astype(float)), np.append(7, spikes[1])
    if size == "at once":
        monkeypatch.setattr(spike_file, "FEW", 10_000)
    path = write(tmp_path / "in.h5", step, ids)

    def built(**window):
        net = ls.Network(dt=0.1)
        net.add("g", 20, "spike_generator", spike_file=str(path), allow_offgrid_times=option, **window)
        net.add("n", 1, "iaf_psc_exp")
        return plan_of(net, 1, method).events.window(0, 10_000)[0]

    with pytest.raises(ls.DataError, match=f"holds 1 spikes at or before 0 ms, such as that of node 7 at {at / 10:g} ms") as error:
        built()
    assert error.value.problems[0].where == "populations.g.spike_file"
    np.testing.assert_array_equal(np.sort(built(start=0.1)), spikes[0][spikes[0] > 1])
    np.testing.assert_array_equal(np.sort(built(start=[3.0] * 20)), spikes[0][spikes[0] > 30])


def test_times_of_a_file_off_the_grid_go_to_the_end_of_their_step(tmp_path, spikes, small_blocks, monkeypatch):
    """ShownInPieces and at once: tenths of a microsecond, moved by whole microseconds as in NEST; all of them are sent."""
    rng = np.random.default_rng(5)
    micro = np.sort(rng.integers(6, 500_000, 1500))
    micro += micro % 10 == 5  # tenths of a microsecond, no ties
    path = write(tmp_path / "in.h5", micro / 1000, spikes[1])
    expected = -(-((micro + 5) // 10) // 100)
    for few in (100, 10_000):
        monkeypatch.setattr(spike_file, "FEW", few)
        net = network(path, allow_offgrid_times=True)
        events = plan_of(net, 1).events
        assert isinstance(events, ListedSpikes) == (few > 100)
        step, ids = events.window(0, 1000)
        own = (ids >= 52) & (ids < 72)  # after 50 neurons and the two nodes of "more"
        np.testing.assert_array_equal(step[own], expected)
        parts = [events.window(a, a + 7) for a in range(0, 1000, 7)]
        np.testing.assert_array_equal(np.concatenate([s for s, _ in parts]), step)


@pytest.mark.parametrize("option", [True, False])
def test_float32_times_in_a_file(tmp_path, option):
    step = np.array([1, 3, 47, 1234, 90_001, 234_567])
    path = tmp_path / "in.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/p")
        group.create_dataset("timestamps", data=(step * 0.1).astype(np.float32)).attrs["units"] = "ms"
        group["node_ids"] = np.zeros(len(step), np.uint64)
    net = ls.Network(dt=0.1)
    net.add("g", 1, "spike_generator", spike_file=str(path), allow_offgrid_times=option)
    net.add("n", 1, "iaf_psc_exp")
    np.testing.assert_array_equal(plan_of(net, 1).events.step, step)


def test_a_damaged_result_is_found(tmp_path, small_blocks):
    net = ls.Network()
    net.add("p", 20, "iaf_psc_exp", I_e=np.linspace(400.0, 2000.0, 20))
    net.record("p", "spikes")
    path = ls.run(net, 200.0, out=tmp_path / "r.h5").path
    assert ls.run(network(path), 20.0).spikes["g"].times[-1] > 15.0
    with h5py.File(path, "r+") as file:
        ids = file["spikes/p/node_ids"]
        assert len(ids) > 200
        ids[150] = (ids[150] + 1) % 20
    with pytest.raises(ls.LifsimError, match="checksum"):
        ls.run(network(path), 20.0)


def test_units_and_the_older_layout(tmp_path, spikes, small_blocks, monkeypatch):
    """Read at once and streamed alike."""
    step, ids = spikes
    usual = ls.run(network(write(tmp_path / "a.h5", step, ids)), 50.0)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("spikes/timestamps", data=step / 10000).attrs["units"] = "s"
        file["spikes/gids"] = ids
    for few in (100, 10_000):
        monkeypatch.setattr(spike_file, "FEW", few)
        assert_same(ls.run(network(tmp_path / "b.h5"), 50.0), usual)


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_population_that_cannot_be_read(tmp_path, spikes):
    """It is refused where it is meant, and in nobody's way where it is not."""
    path = write(tmp_path / "a.h5", *spikes)
    with h5py.File(path, "r+") as file:
        file["spikes/bad/timestamps"], file["spikes/bad/node_ids"] = [1.0, np.nan], [0, 5]
    assert len(ls.run(network(path, spike_population="p"), 50.0).spikes["g"]) == len(spikes[0])
    with pytest.raises(ls.DataError, match=r"spike_population: .*spikes/bad/timestamps: holds 1 or more times that are not finite numbers"):
        ls.Simulation(network(path, spike_population="bad"))
    with pytest.raises(ls.DataError, match="holds several populations; expected one of: p, bad"):
        ls.Simulation(network(path))


RUN = """
import sys
import lifsim as ls
from lifsim.common import memory
net = ls.Network(dt=0.1)
net.add("g", 100, "spike_generator", spike_file=sys.argv[1])
net.add("n", 10, "iaf_psc_exp", V_th=1e6)
net.connect("g", "n", weight=0.01, delay=1.0)
net.record("n", "V_m", interval=10.0)
ls.run(net, float(sys.argv[2]), threads=1)
print(memory.peak() / 1e6)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the peak can be that of the process that started this one")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """0.75 and 3 million spikes, 12 and 48 MB, at the same rate: less than 12.5 MB apart in memory."""
    peaks = []
    for number in (750_000, 3_000_000):
        duration = number // 2000  # ms
        step = np.sort(np.random.default_rng(3).integers(1, duration * 10, number))
        path = write(tmp_path / "in.h5", step, np.arange(number) % 100)
        done = subprocess.run([sys.executable, "-c", RUN, path, str(duration)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(float(done.stdout))
    assert peaks[1] - peaks[0] < 12.5, peaks
