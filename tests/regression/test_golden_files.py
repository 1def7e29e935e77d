"""Files that earlier versions wrote can still be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
