"""Threads that have to share their cores are left out for a while, and it makes no difference to a result."""

from __future__ import annotations

import time

import numpy as np
import pytest
from test_determinism import STEPS, assert_same, network, run

from lifsim.engine.parallel import team as team_module
from lifsim.engine.parallel.placement import blocks_for_threads
from lifsim.engine.parallel.team import Team


def busy(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@pytest.fixture
def team():
    team = Team(3)
    yield team
    team.close()


def test_a_thread_without_a_core_is_left_out_and_comes_back(team, monkeypatch):
    monkeypatch.setattr(team_module, "CROWDED", 0.1)  # of a core: whatever else this machine does, two threads have more
    monkeypatch.setattr(team, "_rest", 0.3)
    assert team.active() == 3
    team.together(lambda rank: time.sleep(0.05) if rank == 2 else busy(0.02), 3, watch=True)
    assert team.active() == 2
    time.sleep(0.35)
    assert team.active() == 3


def test_it_is_tried_less_and_less_often_while_in_vain(team, monkeypatch):
    monkeypatch.setattr(team_module, "CROWDED", 0.1)
    now = [100.0]
    monkeypatch.setattr(team_module.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(team_module, "_timed", lambda function, rank: function(rank))

    def rest(*times):
        team.together(lambda rank: times[rank], 3, watch=True)
        start = now[0]
        while team.active() < 3:
            now[0] += 0.25
        return now[0] - start

    lonely, crowded = ((1.0, 1.0),) * 3, ((1.0, 1.0), (1.0, 1.0), (1.0, 0.01))
    assert [rest(*crowded) for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert [rest(*lonely), rest(*crowded)] == [0.0, 0.5]


def test_all_stay_where_all_have_a_core(team, monkeypatch):
    monkeypatch.setattr(team_module, "CROWDED", 0.01)
    team.together(lambda rank: busy(0.02), 3, watch=True)
    assert team.active() == 3


def test_short_calls_say_nothing(team):
    team.together(lambda rank: time.sleep(0.001), 3, watch=True)
    assert team.active() == 3


def test_only_what_is_watched_counts(team):
    team.together(lambda rank: time.sleep(0.05), 3)
    team.each(lambda item: time.sleep(0.05), range(3))
    assert team.active() == 3


def test_the_caller_is_never_left_out(team):
    team.together(lambda rank: time.sleep(0.05), 3, watch=True)
    assert team.active() == 1
    ranks = []
    team.together(ranks.append, 1)
    assert ranks == [0]


@pytest.mark.parametrize("size", range(1, 9))
def test_blocks_are_dealt_to_fewer_threads(size):
    thread = np.cumsum([0, *(1 + np.arange(size) % 2)])  # one or two blocks a thread
    for fewer in range(1, size + 1):
        deal = blocks_for_threads(thread, fewer)
        assert len(deal) == fewer + 1 and deal[0] == 0 and deal[-1] == thread[-1]
        assert (np.diff(deal) > 0).all() and set(deal) <= set(thread)


@pytest.mark.parametrize("delay", [0.1, 1.2], ids=["least", "longer"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_changing_number_of_threads_leaves_no_trace(delay, precision, monkeypatch):
    expected = run(network(delay=delay), threads=1, precision=precision)
    numbers = iter([3, 1, 2, 3, 1, 3] * STEPS)
    monkeypatch.setattr(Team, "active", lambda self: min(self.size, next(numbers)))
    assert_same(run(network(delay=delay), (1, 20, 79, 100), threads=3, precision=precision), expected)
