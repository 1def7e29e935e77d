"""What a run says in Python that is given no `progress`."""

from __future__ import annotations

import logging

import pytest

import lifsim as ls
from lifsim.common import notices as module
from lifsim.common import progress_bar
from lifsim.common.notices import notices


@pytest.fixture
def terminal(terminal, monkeypatch):
    monkeypatch.setattr(module, "messages", lambda: terminal)
    return terminal


def test_compiling_and_long_building_are_said_on_a_terminal(terminal):
    notices("prepare", synapses=1000.0)
    notices("build", synapses=1000, seconds=0.1)
    assert terminal.getvalue() == ""
    notices("compile", kept=True)
    notices("prepare", synapses=3e8)
    assert terminal.getvalue() == (
        "lifsim: compiling for this machine, once; later runs start at once …\nlifsim: making 3e+08 synapses …\n"
    )


def test_a_program_that_logs_gets_them_once(terminal, caplog):
    with caplog.at_level(logging.INFO, logger="lifsim"):
        notices("compile", kept=False)
        notices("build", synapses=1000, seconds=0.1)
    assert [r.getMessage() for r in caplog.records] == [
        "compiling (compiled code cannot be cached here, so every run compiles) …",
        "1,000 synapses made in 0.10 s",
    ]
    assert terminal.getvalue() == ""


def test_nothing_is_said_where_nobody_looks(capfd):
    notices("compile", kept=True)
    assert capfd.readouterr() == ("", "")


def test_a_run_says_what_it_does(monkeypatch):
    heard = []
    monkeypatch.setattr(progress_bar, "notices", lambda event, **facts: heard.append((event, facts)))
    net = ls.Network()
    net.add("n", 10, "iaf_psc_exp")
    net.connect("n", "n")
    ls.run(net, 1.0)
    assert ("prepare", {"synapses": 100}) in heard
    assert next(facts["synapses"] for event, facts in heard if event == "build") == 100
