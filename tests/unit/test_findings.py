"""Mistakes that a first user made, each of which once passed unnoticed or crashed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import lifsim as ls


def small(**params) -> ls.Network:
    net = ls.Network(dt=0.1)
    net.add("a", 10, "iaf_psc_exp", **params)
    return net


def test_a_potential_that_is_no_number_stops_the_run():
    net = small()
    g = net.add("g", 1, "spike_generator", spike_times=[1.0])
    for weight in (1e308, 1e308, -1e308, -1e308):
        net.connect(g, "a", weight=weight)
    with pytest.raises(ls.RunError, match=r"a\[0\]\.(V_m|I_syn_ex) is (inf|nan|-inf) at"):
        ls.run(net, 50.0)


@pytest.mark.parametrize("matrix", [np.eye(10, dtype=complex), sparse.csr_array(np.eye(10) * 1j), np.ma.masked_array(np.eye(10))])
def test_matrices_hold_real_numbers(matrix):
    net = small()
    with pytest.raises(ls.ModelError, match="complex or masked"):
        net.connect("a", "a", matrix)


def test_a_lognormal_time_constant_is_positive():
    small(tau_m={"lognormal": [2.3, 0.1]})


def test_nothing_follows_close(tmp_path):
    net = small()
    net.record("a", "spikes")
    sim = ls.Simulation(net, out=tmp_path / "x.h5")
    sim.run(5.0)
    sim.close()
    for call in (sim.run, sim.result):
        with pytest.raises(ls.LifsimError, match="closed"):
            call(5.0) if call == sim.run else call()


def test_what_does_not_fit_is_refused_at_once():
    net = small()
    net.connect("a", "a", "fixed_indegree", indegree=10**12)
    with pytest.raises(ls.LifsimError, match=r"memory: this network needs about [\d.]+ .B"):
        ls.run(net, 1.0)


def test_a_run_has_at_least_one_step():
    with pytest.raises(ls.LifsimError, match="at least one step"):
        ls.run(small(), 1e-30)


def test_spikes_have_no_interval():
    with pytest.raises(ls.ModelError, match="spikes have no interval"):
        small().record("a", "spikes", interval=1.0)


def test_poisson_window_is_that_of_nest():
    """NEST 3.10, start 10, stop 30, delay 1: arrivals from 11.2 to 31.1 ms."""
    net = ls.Network(dt=0.1)
    g = net.add("g", 1, "poisson_generator", rate=3e6, start=10.0, stop=30.0)
    n = net.add("n", 1, "iaf_psc_delta", V_th=1e9, E_L=0.0, V_m=0.0, V_reset=0.0)
    net.connect(g, n, delay=1.0)
    net.record(n, "V_m", interval=0.1)
    net.record(g, "spikes")
    result = ls.run(net, 50.0)
    rises = np.flatnonzero(np.diff(result.traces["n"]["V_m"][:, 0], prepend=0.0) > 0) + 1
    assert (rises.min(), rises.max()) == (112, 311)
    assert (result.spikes["g"].times.min(), result.spikes["g"].times.max()) == (10.2, 30.1)
