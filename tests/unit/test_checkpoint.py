"""Checkpoints: what goes on from one is, bit for bit, what would have been without."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import sys
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import sparse

import lifsim as ls
from lifsim.checkpoint import checkpoint_file, network_archive
from lifsim.checkpoint.schedule import Schedule, schedule_of
from lifsim.common.wall_time import seconds
from lifsim.files.run_files import checkpoint_path, log_path, previous_path
from lifsim.plan.spikes import NEVER

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "reliability"))
from determinism import state
from nets import KINDS, LIF, digest, network


def small(rate: float = 9000.0) -> ls.Network:
    net = ls.Network(dt=0.1, seed=3)
    n = net.add("n", 60, "iaf_psc_delta", **LIF)
    ext = net.add("ext", 1, "poisson_generator", rate=rate)
    net.connect(ext, n, weight=0.3, delay=0.5)
    net.connect(n, n, "fixed_indegree", indegree=6, weight=0.2, delay={"uniform": [0.3, 3.0]})
    net.record(n, "spikes")
    net.record(n[:3], "V_m", interval=0.5)
    return net


@cache
def whole_of(duration: float) -> str:
    """The digest of a run of `small` without interruption."""
    return digest(ls.run(small(), duration))


def interrupted(path: Path, at: float = 60.0) -> str:
    """Let Ctrl-C stop a run of 100 ms at `path` after `at` ms; the digest of what it should come to."""

    def stop(event: str, **facts: float) -> None:
        if event == "step" and facts["done_ms"] > at - 1e-6:
            signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background begin with Ctrl-C ignored
    with pytest.raises(ls.Stopped, match="ms are saved; go on with: lifsim resume"):
        ls.run(small(), 100.0, out=path, checkpoint_every=20.0, progress=stop)
    return whole_of(100.0)


# -- bit for bit -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_goes_on_bit_for_bit(kind, tmp_path):
    with ls.Simulation(network(kind, 5), threads=1) as sim:
        sim.run(70.0)
        whole = digest(sim.result()), state(sim)
    for threads, then, at in ((1, 3, 33.3), (3, 2, 41.0)):
        with ls.Simulation(network(kind, 5), threads=threads) as sim:
            sim.run(at)
            sim.save(tmp_path / "a")
        with ls.Simulation.restore(tmp_path / "a", threads=then) as sim:
            assert sim.time == pytest.approx(at)
            sim.run(5.0)
            sim.save(tmp_path / "b")
        with ls.Simulation.restore(tmp_path / "b", threads=threads) as sim:
            sim.run(70.0 - at - 5.0)
            assert (digest(sim.result()), state(sim)) == whole


def test_what_was_set_is_kept(tmp_path):
    def changed(sim):
        sim.run(10.0)
        sim.set("n", V_th=15.0, I_e=20.0)
        sim.set("n", V_m=np.linspace(0.0, 10.0, 60))

    with ls.Simulation(small()) as sim:
        changed(sim)
        sim.run(30.0)
        whole = digest(sim.result())
    for at in (0.0, 7.0):
        with ls.Simulation(small()) as sim:
            changed(sim)
            if at:
                sim.run(at)
            sim.save(tmp_path / "x")
        with ls.Simulation.restore(tmp_path / "x", threads=2) as sim:
            sim.run(30.0 - at)
            assert digest(sim.result()) == whole
            assert (sim.get("n", "V_th") == 15.0).all()


def test_saved_before_the_first_step(tmp_path):
    with ls.Simulation(small()) as sim:
        sim.save(tmp_path / "x")
    with ls.Simulation.restore(tmp_path / "x") as sim:
        sim.run(20.0)
        assert digest(sim.result()) == whole_of(20.0)


def test_given_matrices_and_lists_are_in_it(tmp_path):
    rng = np.random.default_rng(1)
    net = small()
    w = sparse.random(60, 60, 0.1, "csr", rng=rng)
    net.connect("n", "n", w, delay={"uniform": [0.5, 2.0]})
    net.connect("n", "n", "explicit", sources=[5, 3, 3], targets=[1, 2, 2], weight=[0.1, 0.2, 0.3], delay=1.0)
    (tmp_path / "list.csv").write_text("source,target,weight,delay\n1,2,0.5,1.0\n2,3,0.25,1.5\n", encoding="utf-8")
    net.connect("n", "n", "explicit", file=str(tmp_path / "list.csv"))
    with ls.Simulation(net) as sim:
        sim.run(20.0)
        sim.save(tmp_path / "x")
        sim.run(20.0)
        whole = digest(sim.result())
    (tmp_path / "list.csv").unlink()
    with ls.Simulation.restore(tmp_path / "x") as sim:
        sim.run(20.0)
        assert digest(sim.result()) == whole


# -- files -----------------------------------------------------------------------------------------


def test_resume(tmp_path):
    out = tmp_path / "run.h5"
    whole = interrupted(out)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["run.h5.ckpt", "run.h5.ckpt.prev", "run.h5.log"]
    result = ls.resume(out, threads=2)
    assert digest(result) == whole
    assert result.complete and result.duration == 100.0
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]
    with pytest.raises(ls.DataError, match="is finished"):
        ls.resume(out)


def test_resumed_again_and_again(tmp_path):
    out = tmp_path / "run.h5"
    net = small()
    whole = ls.run(net, 400.0, out=tmp_path / "whole.h5").info["content_sha256"]
    result = ls.run(net, 400.0, out=out, max_wall=1e-6)
    goes = 0
    while not result.complete:
        before, goes = result.t_stop, goes + 1
        result = ls.resume(out, max_wall=1e-6 if goes < 4 else None, threads=1 + goes % 3)
        assert result.t_stop > before
    assert result.info["content_sha256"] == whole and goes == 4
    assert result.info["timings"]["total"] > 0


def test_a_new_file_begins_at_the_checkpoint(tmp_path):
    whole = ls.run(small(), 50.0)
    with ls.Simulation(small(), out=tmp_path / "a.h5") as sim:
        sim.run(30.0)
        sim.save(tmp_path / "x")
        sim.run(20.0)
    with ls.Simulation.restore(tmp_path / "x", out=tmp_path / "b.h5") as sim:
        sim.run(20.0)
        result = sim.result()
    late = whole.spikes["n"].window(30.0, 50.0)
    assert (result.t_start, result.t_stop) == (30.0, 50.0)
    assert np.array_equal(result.spikes["n"].times, late.times) and np.array_equal(result.spikes["n"].ids, late.ids)
    assert log_path(tmp_path / "a.h5").exists()


def test_all_steps_done_but_no_file_made(tmp_path, monkeypatch):
    out = tmp_path / "run.h5"
    with monkeypatch.context() as broken:
        broken.setattr("lifsim.results.hdf5_writer.write", lambda *_: (_ for _ in ()).throw(ls.RunError("no room")))
        with pytest.raises(ls.RunError):
            ls.run(small(), 50.0, out=out)
    assert digest(ls.resume(out)) == whole_of(50.0)
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]


def test_the_file_is_there_but_the_log_too(tmp_path):
    """As after a power failure at the very end."""
    out = tmp_path / "run.h5"
    whole = interrupted(out)
    log = log_path(out).read_bytes()
    ls.resume(out)
    log_path(out).write_bytes(log)
    assert digest(ls.resume(out)) == whole
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]


def test_a_run_without_checkpoints_begins_again(tmp_path):
    with ls.Simulation(small(), out=tmp_path / "run.h5", checkpoint_wall=None) as sim:
        sim.run(10.0)
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5.log"]
    assert digest(ls.resume(tmp_path / "run.h5", threads=2)) == whole_of(10.0)
    with pytest.raises(ls.DataError, match=r"other.h5.log: does not exist"):
        ls.resume(tmp_path / "other.h5")


def test_a_run_that_does_not_know_its_end(tmp_path):
    """As one that was killed while it was built: `lifsim.run` says how long it is to last, a bare `Simulation` does not."""
    for k, duration in enumerate((None, 20.0)):
        out, copy = tmp_path / f"{k}.h5", tmp_path / "copy.log"
        with ls.Simulation(small(), duration, out=out):
            shutil.copyfile(log_path(out), copy)
        assert not log_path(out).exists()  # nothing was recorded
        shutil.move(copy, log_path(out))
        if duration is None:
            with pytest.raises(ls.DataError, match="belongs to a run of unknown duration that was stopped before its first step"):
                ls.resume(out)
        else:
            assert digest(ls.resume(out)) == whole_of(20.0)


# -- several calls of run --------------------------------------------------------------------------


def left_behind(sim: ls.Simulation, out: Path, folder: Path) -> Path:
    """What a SIGKILL would leave of a simulation that records to `out`: a copy of its files, which is returned."""
    folder.mkdir()
    for path in out.parent.glob(f"{out.name}*"):
        shutil.copyfile(path, folder / path.name)
    return folder / out.name


def test_what_came_after_a_result_is_not_lost(tmp_path):
    out = tmp_path / "run.h5"
    with ls.Simulation(small(), out=out, checkpoint_every=50.0) as sim:
        sim.run(30.0)
        sim.result()
        sim.run(40.0)
        killed = left_behind(sim, out, tmp_path / "killed")
        whole = digest(sim.result())
    old = ls.open(killed)
    assert old.t_stop == 30.0 and "a newer run, of which 70 ms are done, is unfinished" in repr(old)
    result = ls.resume(killed)
    assert digest(result) == whole and result.t_stop == 70.0
    assert [p.name for p in killed.parent.iterdir()] == ["run.h5"]


@pytest.mark.parametrize("wall", [None, 600.0])
def test_values_set_between_two_runs_are_in_a_checkpoint(wall, tmp_path):
    """Or, without checkpoints, the run is refused rather than gone on with as if they had not been set."""
    out = tmp_path / "run.h5"
    with ls.Simulation(small(), out=out, checkpoint_wall=wall) as sim:
        sim.run(10.0)
        sim.set("n", V_th=14.0)
        sim.run(20.0)
        killed = left_behind(sim, out, tmp_path / "killed")
        whole = digest(sim.result())
    if wall is None:
        with pytest.raises(ls.DataError, match=r"without a checkpoint after values had been changed by Simulation\.set"):
            ls.resume(killed)
    else:
        assert digest(ls.resume(killed)) == whole


def test_nobody_resumes_a_run_that_goes_on(tmp_path):
    out = tmp_path / "run.h5"
    with ls.Simulation(small(), out=out) as sim:
        sim.run(10.0)
        for go_on in (lambda: ls.resume(out), lambda: ls.run(small(), 10.0, out=out, resume=True)):
            with pytest.raises(ls.OutputError, match="is being written by another simulation of this process"):
                go_on()
        sim.run(10.0)
        assert digest(sim.result()) == whole_of(20.0)


def test_a_run_whose_input_is_gone_is_not_held(tmp_path):
    """`resume` gives up the log when it fails, so that it can be tried again."""
    spikes, out = tmp_path / "spikes.h5", tmp_path / "run.h5"
    ls.run(small(), 20.0, out=spikes)
    net = ls.Network()
    net.add("given", 60, "spike_generator", spike_file=str(spikes), spike_population="n")
    net.add("x", 3, "iaf_psc_delta")
    net.connect("given", "x", weight=0.1, delay=1.0)
    net.record("x", "spikes")
    ls.run(net, 20.0, out=out, max_wall=1e-6)
    spikes.rename(tmp_path / "elsewhere.h5")
    for _ in range(2):
        with pytest.raises(ls.DataError, match="does not exist"):
            ls.resume(out)
    (tmp_path / "elsewhere.h5").rename(spikes)
    assert ls.resume(out).complete


def test_a_checkpoint_does_not_go_on_with_the_log_of_another_run(tmp_path):
    out = tmp_path / "run.h5"
    with ls.Simulation(small(), out=out) as sim:
        sim.run(10.0)
        saved = sim.save(tmp_path / "saved")
    with ls.Simulation(small(9500.0), out=out, overwrite=True) as sim:
        sim.run(20.0)
    before = log_path(out).read_bytes()
    with pytest.raises(ls.DataError, match="is the log of another run"):
        ls.Simulation.restore(saved)
    assert log_path(out).read_bytes() == before
    assert ls.resume(tmp_path / "run.old1.h5").t_stop == 10.0


def test_another_folder_becomes_the_current_one(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with ls.Simulation(small(), out="run.h5", checkpoint_every=5.0) as sim:
        sim.run(10.0)
        monkeypatch.chdir("elsewhere")
        sim.run(10.0)
        result = sim.result()
    assert result.path == tmp_path / "run.h5"
    assert digest(result) == whole_of(20.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere", "run.h5"]


# -- begin, or go on -------------------------------------------------------------------------------


def test_begin_or_go_on(tmp_path):
    out = tmp_path / "run.h5"
    whole = whole_of(100.0)

    def job(**changes):
        return ls.run(small(), **{"duration": 100.0, "out": out, "resume": True, **changes})

    result, goes = job(max_wall=1e-6), 1
    while not result.complete:
        result, goes = job(max_wall=1e-6 if goes < 3 else None, threads=1 + goes % 2), goes + 1
    assert digest(result) == whole and goes == 4
    stamp = out.stat().st_mtime_ns
    assert digest(job()) == whole and out.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_not_gone_on_with(finished, tmp_path):
    out = tmp_path / "run.h5"
    ls.run(small(), 50.0, out=out, max_wall=None if finished else 1e-6)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    other = small()
    other.connect("n", "n", "one_to_one", weight=0.1)
    for net, options, place in (
        (small(9500.0), {}, "network" if finished else "populations.ext.params.rate: 9500"),
        (other, {}, "network" if finished else r"projections"),
        (small(), {"seed": 4}, f"seed: 4; expected 3 in run.h5{'' if finished else '.log'}"),
        (small(), {"duration": 60.0}, "duration: 60 ms; expected 50 ms in run.h5"),
        (small(), {"precision": "float32"}, "precision: float32; expected float64"),
        (small(), {"weights": "compact"}, "weights: compact"),
    ):
        with pytest.raises(ls.ModelError, match=f"(?s)belongs to another run.*{place}"):
            ls.run(net, **{"duration": 50.0, "out": out, "resume": True, **options})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_begin_or_go_on_needs_a_file(tmp_path):
    for options in ({}, {"out": tmp_path / "x.h5", "overwrite": True}):
        with pytest.raises(ls.LifsimError, match="resume: given with"):
            ls.run(small(), 10.0, resume=True, **options)


# -- what overwriting leaves -----------------------------------------------------------------------


def test_what_is_read_is_not_replaced(tmp_path):
    spikes, weights = tmp_path / "spikes.h5", tmp_path / "w.h5"
    ls.run(small(), 20.0, out=spikes)
    with ls.weights.WeightStore(weights, "w") as store:
        store.put("W", np.eye(3))
    net = ls.Network()
    net.add("given", 60, "spike_generator", spike_file=f"{spikes}:n")
    net.add("x", 3, "iaf_psc_exp")
    net.record("given", "spikes")
    projection = '[[projections]]\nsource = "a"\ntarget = "a"\nmatrix = "w.h5:W"\n'
    (tmp_path / "m.toml").write_text(f'[populations.a]\nn = 3\nmodel = "iaf_psc_exp"\n{projection}', encoding="utf-8")
    for reader, out, place in ((net, spikes, "populations.given.spike_file"), (ls.load(tmp_path / "m.toml"), weights, "the model")):
        before = out.read_bytes()
        with pytest.raises(ls.OutputError, match=f"is an input file of the network \\({place}\\)"):
            ls.run(reader, 10.0, out=out, overwrite=True)
        assert out.read_bytes() == before


def broken_networks(folder: Path):
    """Networks whose run cannot begin, by what is wrong with them."""
    missing = small()
    missing.add("given", 1, "spike_generator", spike_file=str(folder / "missing.h5"))
    samples = small()
    samples.add("wave", 1, "waveform_generator", waveform_file=str(folder / "missing.csv"), interval=1.0)
    samples.connect("wave", "n", weight=1.0)
    return {"spike file": missing, "waveform": samples}


@pytest.mark.parametrize("what", ["spike file", "waveform", "traces too large", "interrupted while building"])
@pytest.mark.parametrize("left", ["result", "unfinished run"])
def test_a_run_that_cannot_begin_leaves_everything(what, left, tmp_path, monkeypatch):
    out = tmp_path / "keep.h5"
    ls.run(small(), 20.0, out=out, max_wall=None if left == "result" else 1e-6)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    net = broken_networks(tmp_path).get(what, small())
    if what == "traces too large":
        monkeypatch.setattr("lifsim.files.disk.free", lambda _: 150_000)
    if what == "interrupted while building":
        monkeypatch.setattr("lifsim.simulation.built_network.build_plan", lambda *_: signal.raise_signal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises((ls.LifsimError, KeyboardInterrupt)):
        ls.run(net, 1000.0, out=out, overwrite=True, checkpoint_wall=None)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_network_that_no_file_can_describe(tmp_path):
    net, told = small(), []
    net.name = 5  # changed behind its back
    result = ls.run(net, 20.0, out=tmp_path / "a.h5", progress=lambda event, **facts: told.append(facts.get("text")))
    assert digest(result) == whole_of(20.0)
    assert any("there will be no checkpoints" in str(text) for text in told)
    with pytest.raises(ls.ModelError, match="name: 5"):
        ls.run(net, 20.0, out=tmp_path / "b.h5", checkpoint_every=5.0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


# -- damage ----------------------------------------------------------------------------------------


def test_every_flipped_byte_is_found(tmp_path):
    with ls.Simulation(small()) as sim:
        sim.run(5.0)
        path = sim.save(tmp_path / "x")
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(ls.DataError):
            checkpoint_file.read(path)
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ls.DataError):
            checkpoint_file.read(path)


@pytest.mark.parametrize("harm", ["removed", "cut", "flipped", "of another run"])
def test_the_previous_one_is_used_if_the_last_is_bad(harm, tmp_path):
    out, told = tmp_path / "run.h5", []
    whole = interrupted(out)
    last = checkpoint_path(out)
    raw = last.read_bytes()
    if harm == "removed":
        last.unlink()
    elif harm == "of another run":
        interrupted(tmp_path / "other.h5")
        shutil.copyfile(checkpoint_path(tmp_path / "other.h5"), last)
    else:
        last.write_bytes(raw[: len(raw) // 2] if harm == "cut" else raw[:500] + bytes([raw[500] ^ 1]) + raw[501:])

    def tell(event, **facts):
        told.extend([facts["text"]] if event == "warning" else [])

    assert not ls.resume(out, progress=tell, max_wall=1e-6, checkpoint_every=1000.0).complete
    assert harm == "removed" or "is used instead" in told[0]
    checkpoint_path(out).unlink()  # the one before is good again, not that which was damaged
    assert digest(ls.resume(out)) == whole


def test_no_good_checkpoint(tmp_path):
    """Then the run begins again."""
    out = tmp_path / "run.h5"
    whole = interrupted(out)
    for path in (checkpoint_path(out), previous_path(out)):
        path.write_bytes(b"nothing")
    told = []
    result = ls.resume(out, progress=lambda event, **facts: told.extend([facts["text"]] if event == "warning" else []))
    assert [text.partition("run.h5")[2] for text in told] == [
        f".ckpt{end}: is not a checkpoint, or is incomplete; the run restarts from step 0" for end in ("", ".prev")
    ]
    assert digest(result) == whole


def test_a_log_that_is_damaged_before_the_checkpoint(tmp_path):
    out = tmp_path / "run.h5"
    whole = interrupted(out)
    raw = log_path(out).read_bytes()
    log_path(out).write_bytes(raw[: len(raw) // 2])
    with pytest.warns(UserWarning, match="the log is complete only up to step .*; the run restarts from step 0"):
        result = ls.resume(out)
    assert digest(result) == whole


def test_a_newer_format(tmp_path):
    with ls.Simulation(small()) as sim:
        image = tmp_path / "image"
        network_archive.write(sim.net, image)
        about = checkpoint_file.About(step=0, seed=1, dt=0.1, run="x", settings={}, format=checkpoint_file.FORMAT + 1)
        checkpoint_file.write(tmp_path / "x", about, {}, [], image)
    with pytest.raises(ls.DataError, match=f"has format {checkpoint_file.FORMAT + 1}"):
        ls.Simulation.restore(tmp_path / "x")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        *[("seed", x) for x in (-1, 2**64, 1.0, True, "1", None)],
        *[("step", x) for x in (-1, 2**31, 1.0, True)],
        *[("dt", x) for x in (0, -0.1, math.nan, math.inf, "0.1", True)],
        *[("until", x) for x in (5, -1, 2**40, 1.5)],
        *[("every", x) for x in (0, -1.0, math.inf, "1 ms")],
        *[("wall", x) for x in (0, -1.0, math.nan, True)],
        *[("settings", x) for x in ([], {"threads": -1}, {"precision": 3.5}, {"threads": {}}, {"weights": []})],
        *[("timings", x) for x in ({"total": -1.0}, {"total": "x"}, {"total": math.nan}, [])],
        *[("versions", x) for x in ({"numpy": 1}, None)],
        *[("arrays", x) for x in ("x", [1], ["a", "a"])],
        *[("chunks", x) for x in (-1, 12, 1.0)],
        *[("format", x) for x in (0, -1, True, None, "1")],
        *[("run", None), ("out", 5)],
    ],
)
def test_a_checkpoint_that_says_what_cannot_be(entry, value):
    about = checkpoint_file.About(step=10, seed=1, dt=0.1, run="x", settings={"threads": 1, "precision": "float64"})
    assert checkpoint_file._about(json.dumps(asdict(about)).encode(), "x") == about
    with pytest.raises(ls.DataError, match=rf"has invalid metadata \(.*{entry}|has format"):
        checkpoint_file._about(json.dumps(asdict(about) | {entry: value}).encode(), "x")


@pytest.mark.parametrize("change", [{"seed": -1}, {"dt": 0.2}, {"until": 5}, {"every": 0.0}, {"settings": {"threads": 0}}])
def test_a_checkpoint_made_by_hand(change, tmp_path):
    """Whole and sealed, but not as we write it."""
    with ls.Simulation(small()) as sim:
        sim.run(1.0)
        path = sim.save(tmp_path / "x")
    found = checkpoint_file.read(path)
    network_archive.write(small(), tmp_path / "image")
    checkpoint_file.write(path, replace(found.about, **change), found.arrays, found.chunks, tmp_path / "image")
    with pytest.raises(ls.DataError, match=r"x: (has invalid metadata|has dt = 0.2 ms, but its network has dt = 0.1 ms)"):
        ls.Simulation.restore(path)


@pytest.mark.parametrize("missing", ["step", "seed", "dt", "run", "settings"])
def test_a_checkpoint_that_leaves_something_out(missing):
    about = asdict(checkpoint_file.About(step=10, seed=1, dt=0.1, run="x", settings={}))
    del about[missing]
    with pytest.raises(ls.DataError, match=missing):
        checkpoint_file._about(json.dumps(about).encode(), "x")


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"1" * 5000, b"[]", b'{"format": 1}', b"\xff"])
def test_a_checkpoint_that_says_nothing(text, tmp_path):
    with pytest.raises(ls.DataError, match=r"has invalid metadata|has format"):
        checkpoint_file._about(text, "x")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state:neurons/state", np.zeros((3, 3))),
        ("state:neurons/until", np.zeros(60)),
        ("state:spikes/id", np.full(4, 10**9)),
        ("state:params/n/tau_m", np.zeros(7)),
        ("state:neurons/state", None),
    ],
)
def test_a_state_that_does_not_fit(key, value, tmp_path):
    with ls.Simulation(small()) as sim:
        sim.run(20.0)
        path = sim.save(tmp_path / "x")
    found = checkpoint_file.read(path)
    arrays = {k: x for k, x in found.arrays.items() if k != key} | ({} if value is None else {key: value})
    network_archive.write(small(), tmp_path / "image")
    checkpoint_file.write(path, found.about, arrays, found.chunks, tmp_path / "image")
    with pytest.raises(ls.DataError, match="does not fit its network"):
        ls.Simulation.restore(path)


# -- models and data that differ -------------------------------------------------------------------


def test_another_network_is_refused(tmp_path):
    with ls.Simulation(small()) as sim:
        sim.run(5.0)
        path = sim.save(tmp_path / "x")
    with ls.Simulation.restore(path, net=small()) as sim:
        sim.run(5.0)
    with pytest.raises(ls.ModelError, match=r"populations.ext.params.rate: 8000.0; expected 9000.0 in the checkpoint"):
        ls.Simulation.restore(path, net=small(8000.0))
    other = small()
    other.connect("n", "n", np.eye(60), delay=1.0)
    with pytest.raises(ls.ModelError, match="projections"):
        ls.Simulation.restore(path, net=other)


def test_another_matrix_is_refused(tmp_path):
    def with_matrix(w):
        net = small()
        net.connect("n", "n", w, delay=1.0)
        return net

    with ls.Simulation(with_matrix(np.eye(60))) as sim:
        path = sim.save(tmp_path / "x")
    ls.Simulation.restore(path, net=with_matrix(np.eye(60))).close()
    with pytest.raises(ls.ModelError, match=r"projections\[2\].weight"):
        ls.Simulation.restore(path, net=with_matrix(2 * np.eye(60)))


def driven(spikes: Path, wave: Path) -> ls.Network:
    net = small()
    net.add("g", 2, "spike_generator", spike_file=str(spikes))
    net.add("w", 1, "waveform_generator", waveform_file=f"{wave}:x", interval=0.1)
    net.connect("g", "n", weight=0.5, delay=1.0)
    net.connect("w", "n", weight=1.0)
    return net


def test_files_that_the_network_reads(tmp_path):
    spikes, wave, away = tmp_path / "in.h5", tmp_path / "wave.h5", tmp_path / "away"
    away.mkdir()
    with h5py.File(spikes, "w") as file:
        file["spikes/cells/timestamps"], file["spikes/cells/node_ids"] = np.arange(1.0, 60.0), np.arange(59) % 2
    with h5py.File(wave, "w") as file:
        file["x"] = 50 * np.sin(np.arange(600.0))
    with ls.Simulation(driven(spikes, wave)) as sim:
        sim.run(30.0)
        path = sim.save(away / "x")
        sim.run(20.0)
        whole = digest(sim.result())
    for source in (spikes, wave):  # beside the checkpoint they are found too
        shutil.move(source, away / source.name)
    with ls.Simulation.restore(path, net=driven(away / "in.h5", away / "wave.h5")) as sim:
        sim.run(20.0)
        assert digest(sim.result()) == whole
    with h5py.File(away / "in.h5", "r+") as file:
        file["spikes/cells/timestamps"][3] = 4.1
    with pytest.raises(ls.DataError, match=r"populations.g.spike_file: .*in.h5 is not the file with which .*x was made"):
        ls.Simulation.restore(path)
    (away / "in.h5").unlink()
    with pytest.raises(ls.DataError, match=r"populations.g.spike_file: .*in.h5 does not exist"):
        ls.Simulation.restore(path)


def test_no_path_leaves_the_image(tmp_path):
    import zipfile

    image = tmp_path / "image"
    with zipfile.ZipFile(image, "w") as archive:
        archive.writestr("../evil.toml", "x")
    with pytest.raises(ls.DataError, match=r"holds '../evil.toml' in its network"):
        network_archive.read(image, "x", tmp_path)
    assert not (tmp_path.parent / "evil.toml").exists()
    with zipfile.ZipFile(image, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("network.toml", "x" * 10**6)
    with pytest.raises(ls.DataError, match="in its network"):
        network_archive.read(image, "x", tmp_path)
    image.write_bytes(b"PK nothing")
    with pytest.raises(ls.DataError, match="cannot be read"):
        network_archive.read(image, "x", tmp_path)


# -- when they are made ----------------------------------------------------------------------------


def test_schedule():
    s = Schedule(0.1, 5.0, None)
    assert (s.on, s.next(0), s.next(49), s.next(50), s.due(50), s.due(51)) == (True, 50, 50, 100, True, False)
    assert Schedule(0.1, None, None).next(7) == NEVER and not Schedule(0.1, None, None).on
    assert Schedule(0.1, None, 1e-9).due(1) and not Schedule(0.1, None, 100.0).due(1)


@pytest.mark.parametrize(("every", "said"), [(0.0, "at least one step"), (0.25, "not on the grid"), ("abc", "a time"), (np.inf, "finite")])
def test_bad_intervals(every, said):
    with pytest.raises(ls.LifsimError, match=f"checkpoint_every.*{said}"):
        schedule_of(0.1, every, None)


def test_wall_times():
    assert [seconds(x, "t") for x in (5, "5", "5 s", "2 min", "1h", "500 ms")] == [5.0, 5.0, 5.0, 120.0, 3600.0, 0.5]
    for bad in (0, -1, np.nan, np.inf, "x", "1 mV", True, None, "0 s"):
        with pytest.raises(ls.LifsimError, match=r"^t: "):
            seconds(bad, "t")


def test_the_place_of_a_checkpoint(tmp_path):
    with ls.Simulation(small()) as sim:
        with pytest.raises(ls.OutputError, match="is a folder"):
            sim.save(tmp_path)
        with pytest.raises(ls.OutputError, match="does not exist"):
            sim.save(tmp_path / "no" / "such" / "x")
    with pytest.raises(ls.DataError, match="does not exist"):
        ls.Simulation.restore(tmp_path / "x")
    (tmp_path / "x").write_bytes(os.urandom(1000))
    with pytest.raises(ls.DataError, match="is not a checkpoint"):
        ls.Simulation.restore(tmp_path / "x")
