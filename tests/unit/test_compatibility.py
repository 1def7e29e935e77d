"""Checkpoints of earlier versions go on, or are refused where their network means something else by now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lifsim as ls
from lifsim.checkpoint import checkpoint_file, network_archive
from lifsim.checkpoint.compatibility import changed_rules

GRID = {"grid": [5, 5], "extent": [5.0, 5.0]}
EXACT = {"grid": [4, 4], "extent": [1.0, 1.0]}  # whose middles always were where they are
RANDOM = {"random": True, "extent": [1.0, 1.0]}
GAUSSIAN = {"gaussian": {"p0": 0.5, "sigma": 0.3}}


def driven(spike_times=(), **generator) -> ls.Network:
    net = ls.Network()
    net.add("g", 1, "spike_generator", spike_times=list(spike_times), **generator)
    net.add("n", 1, "iaf_psc_exp")
    net.connect("g", "n")
    return net


def placed(positions, rule="all_to_all", n=25, **connection) -> ls.Network:
    net = ls.Network()
    net.add("n", n, "iaf_psc_exp", positions=positions)
    net.connect("n", "n", rule, **connection)
    return net


CHANGED = {
    "spikes off the grid": (driven([3.04], allow_offgrid_times=True), "populations.g.spike_times"),
    "a file of them": (driven(spike_file="x.h5", allow_offgrid_times=True), "populations.g.spike_file"),
    "a grid": (placed(GRID, "pairwise_bernoulli", p=GAUSSIAN), "projections[0]"),
    "weights on a grid": (placed(GRID, weight={"linear": {"base": 1.0, "per_mm": 1.0}}), "projections[0]"),
    "a mask": (placed(EXACT, "pairwise_bernoulli", 16, p={"box": {"p0": 1.0, "radius": 0.25}}), "projections[0]"),
    "a limit": (placed(EXACT, "pairwise_bernoulli", 16, p={**GAUSSIAN, "max_distance": 0.25}), "projections[0]"),
    "delays by distance": (placed(EXACT, n=16, delay={"linear": {"base": 1.0, "per_mm": 1.0}}), "projections[0].delay"),
    "one delay drawn": (placed(RANDOM, n=5, delay={"normal": [1.05, 0.0]}), "projections[0].delay"),
}
SAME = {
    "spikes on the grid": driven([3.1, 0.1 + 0.2], allow_offgrid_times=True),
    "spikes that are rounded up": driven([3.06], allow_offgrid_times=True),
    "a grid as it was": placed(EXACT, "pairwise_bernoulli", 16, p=GAUSSIAN),
    "a grid without distances": placed(GRID),
    "random": placed(
        RANDOM, "pairwise_bernoulli", 16, p={"box": {"p0": 1.0, "radius": 0.3}}, delay={"linear": {"base": 1.0, "per_mm": 1.0}}
    ),
    "delays drawn": placed(GRID, delay={"uniform": [0.5, 1.5]}),
    "one delay on the grid": placed(GRID, delay={"normal": [1.1, 0.0]}),
    "golden": placed(GRID, "fixed_indegree", indegree=3, delay=1.5),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_means_something_else(name):
    net, place = CHANGED[name]
    assert [p.where for p in changed_rules(net, 1)] == [place]
    assert changed_rules(net, 2) == []


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same(name):
    assert changed_rules(SAME[name], 1) == []


def test_an_old_grid_is_the_one_that_is_told_apart():
    """x = 1 mm was 0.9999999999999998, as lifsim before wrote it into its results."""
    before = 5.0 * ((np.arange(5) + 0.5) / 5 - 0.5)
    assert before[3] == 0.9999999999999998
    net, _ = CHANGED["a grid"]
    assert sorted(set(net.positions("n")[:, 0])) == [-2.0, -1.0, 0.0, 1.0, 2.0]


def as_format_1(path, net, to) -> None:
    saved = checkpoint_file.read(path)
    image = to.with_suffix(".image")
    network_archive.write(net, image)
    checkpoint_file.write(to, replace(saved.about, format=1, versions={"lifsim": "1.9"}), saved.arrays, saved.chunks, image)


@pytest.mark.parametrize("spike_times", [[3.04], [3.06]])
def test_a_checkpoint_of_before(tmp_path, spike_times):
    net = driven(spike_times, allow_offgrid_times=True)
    net.record("g", "spikes")
    with ls.Simulation(net) as sim:
        sim.run(1.0)
        new = sim.save(tmp_path / "new.ckpt")
    as_format_1(new, net, tmp_path / "old.ckpt")
    for path in (new, tmp_path / "old.ckpt"):
        if path != new and spike_times == [3.04]:
            with pytest.raises(
                ls.DataError, match=r"was made by lifsim 1.9.*populations.g.spike_times.*at the end of its step.*run it again"
            ):
                ls.Simulation.restore(path)
            continue
        with ls.Simulation.restore(path, progress=lambda *_, **__: None) as sim:
            sim.run(3.0)
            assert sim.result().spikes["g"].times.tolist() == [3.1]
