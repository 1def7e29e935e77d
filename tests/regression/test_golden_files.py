"""Files that earlier versions wrote can still be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import lifsim as ls

DATA = Path(__file__).parents[1] / "data"


def test_format_1_0() -> None:
    with ls.open(DATA / "golden_1.0.h5") as result:
        assert (result.dt, result.duration, result.seed, result.complete) == (0.1, 100.0, 1, True)
        spikes, traces = result.spikes["n"], result.traces["n"]
        assert spikes.n_nodes == 3
        assert np.bincount(spikes.ids, minlength=3)[0] == 0  # no current, no spikes
        assert spikes.ids[0] == 2 and spikes.times[0] == 18.0  # the strongest current first: closed form below
        assert traces["V_m"].shape == (100, 2)
        assert traces.ids.tolist() == [1, 2]
    # from -70 to -55 mV with 450 pA: -tau ln(1 - 15 / 18), rounded up to the grid
    assert spikes.times[0] == np.ceil(-10.0 * np.log(1 - 15 / 18) * 10) / 10


def golden() -> ls.Network:
    """The network of the later golden files."""
    net = ls.Network(name="golden", seed=1)
    n = net.add("n", 3, "iaf_psc_exp", I_e=[0.0, 400.0, 450.0])
    stdp = {"model": "stdp_synapse", "Wmax": 200.0}
    net.connect(n, n, "explicit", sources=[2, 1], targets=[1, 2], weight=[100.0, 50.0], delay=1.0, synapse=stdp)
    net.record(n, "spikes")
    net.record(n[1:], "V_m", interval=1.0)
    return net


def same(a: ls.Result, b: ls.Result, until: float) -> bool:
    x, y = a.spikes["n"].window(0.0, until), b.spikes["n"].window(0.0, until)
    n = round(until)
    traces = np.allclose(a.traces["n"]["V_m"][:n], b.traces["n"]["V_m"][:n], rtol=0, atol=1e-9)
    return bool(np.array_equal(x.times, y.times) and np.array_equal(x.ids, y.ids) and traces)


def test_format_1_1() -> None:
    result = ls.open(DATA / "golden_1.1.h5")
    assert result.verify() > 3
    assert same(result, ls.run(golden(), 100.0), 100.0)


@pytest.mark.parametrize("version", [1, 2])
def test_logs(version, tmp_path) -> None:
    shutil.copyfile(DATA / f"golden_{version}.log", tmp_path / "run.h5.log")
    result = ls.open(tmp_path / "run.h5")
    assert not result.complete
    assert same(result, ls.run(golden(), 50.0), 50.0)


def test_checkpoint_1(tmp_path) -> None:
    shutil.copyfile(DATA / "golden_2.log", tmp_path / "run.h5.log")
    shutil.copyfile(DATA / "golden_1.ckpt", tmp_path / "run.h5.ckpt")
    result = ls.resume(tmp_path / "run.h5", progress=lambda *_, **__: None)  # which may warn of other versions
    assert same(result, ls.run(golden(), 100.0), 100.0)
