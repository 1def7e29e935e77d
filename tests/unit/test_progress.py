"""What is reported while a network is built and run: events, bars, lines, the logger."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

import numpy as np
import pytest

import lifsim as ls
from lifsim.cli.progress import Progress
from lifsim.common import notices as notices_module
from lifsim.common import progress_bar
from lifsim.common.notices import notices
from lifsim.engine.parallel import team
from lifsim.engine.parallel.team import Team
from lifsim.engine.synapses import tally
from lifsim.simulation import build_reports


def network():
    net = ls.Network(name="one")
    exc, inh = net.add("exc", 200, "iaf_psc_exp", I_e=400.0), net.add("inh", 100, "iaf_psc_exp")
    net.connect([exc, inh], [exc, inh], "fixed_indegree", indegree=20, weight={"normal": [1.0, 0.1]}, delay={"uniform": [0.5, 2.0]})
    net.connect(exc, inh, "fixed_indegree", indegree=10, weight=3.0, synapse={"model": "stdp_synapse", "lambda": 0.02})
    net.connect(inh, exc, np.ones((200, 100)))
    net.record(exc, "spikes")
    return net


@pytest.fixture
def often(monkeypatch):
    """Reports at every opportunity, after few synapses each."""
    monkeypatch.setattr(tally, "EVERY", 0.0)
    monkeypatch.setattr(tally, "PORTION", 97)
    monkeypatch.setattr(build_reports, "EVERY", 0.0)
    monkeypatch.setattr(team, "PAUSE", 1e-4)


class Heard(list):
    """A progress function that keeps all events, and the threads that called it."""

    def __init__(self):
        super().__init__()
        self.threads = set()

    def __call__(self, event, **facts):
        self.append((event, facts))
        self.threads.add(threading.current_thread())

    def of(self, event):
        return [facts for name, facts in self if name == event]


@pytest.mark.parametrize("method", ["grid", "precise"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_projection_is_reported_in_portions(often, threads, method):
    heard, net = Heard(), network()
    if method == "precise":
        net = ls.Network()
        n = net.add("n", 300, "iaf_psc_delta_ps")
        net.connect(n, n, "fixed_indegree", indegree=600, weight=0.1)
    with ls.Simulation(net, threads=threads, progress=heard) as simulation:
        total = sum(map(len, [simulation.matrix(a, b).data for a in net for b in net]))
    making = heard.of("making")
    made = [facts["made"] for facts in making]
    assert len(making) > len(net.projections) + 1 and made == sorted(made) and made[0] >= 0 and made[-1] <= total
    assert made[-1] > 0.9 * total or threads == 2  # with several threads, the calling thread looks from time to time
    assert {facts["synapses"] for facts in making} == {total}
    assert [facts["projection"] for facts in making][: len(net.projections)] == list(range(len(net.projections)))
    assert {facts["projections"] for facts in making} == {len(net.projections)}
    assert heard.threads == {threading.current_thread()}
    order = [name for name, _ in heard]
    assert order.index("prepare") < order.index("making") < len(order) - 1 - order[::-1].index("making") < order.index("build")


def test_portions_do_not_change_the_network(monkeypatch):
    def matrices():
        with ls.Simulation(network(), threads=2) as simulation:
            return [simulation.matrix(a, b, what).toarray() for a in ("exc", "inh") for b in ("exc", "inh") for what in ("weight", "delay")]

    whole = matrices()
    monkeypatch.setattr(tally, "PORTION", 31)
    for found, expected in zip(matrices(), whole, strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("degrees", [[], [0, 0], [5, 0, 90, 1, 0], [1000], [3] * 500])
def test_portions_cover_all_targets_once(monkeypatch, degrees, blocks):
    monkeypatch.setattr(tally, "PORTION", 40)
    ptr = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int64)
    found = list(tally.portions(ptr, blocks))
    assert [t for first, last, _ in found for t in range(first, last)] == list(range(len(degrees)))
    assert sum(share for *_, share in found) == pytest.approx(1.0 if sum(degrees) else 0.0)
    assert max((ptr[last] - ptr[first] for first, last, _ in found), default=0) <= 2 * 40 * blocks + max(degrees, default=0)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interruption_ends_all_threads_soon(monkeypatch, threads):
    monkeypatch.setattr(tally, "EVERY", 0.0)
    worked = []

    def tell(made):
        raise KeyboardInterrupt

    workers = Team(threads)
    counter = tally.Tally(workers, tell)

    def build(item):
        for _ in range(2000):
            threading.Event().wait(0.005)
            counter.add(1)
            worked.append(item)

    with pytest.raises(KeyboardInterrupt):
        counter.each(build, range(3))
    workers.close()  # waits for the threads
    assert len(worked) < 1000


# -- what `progress` may be ------------------------------------------------------------------------


@pytest.fixture
def terminal(terminal, monkeypatch):
    for module in (progress_bar, notices_module):
        monkeypatch.setattr(module, "messages", lambda: terminal)
    return terminal


def test_bars_for_building_and_running(often, terminal):
    result = ls.run(network(), 50.0, progress=True)
    lines = terminal.getvalue().replace("\r", "\n").splitlines()
    assert any("one: building" in line and "/33.0k synapses" in line for line in lines)
    assert any("one 100%" in line and "50/50 ms" in line and "real-time factor" in line for line in lines)
    assert result.duration == 50.0
    bar = progress_bar.ProgressBar("n")
    bar("making", made=0, synapses=9, projection=1, projections=6, wall_s=1.0)
    assert bar._bar.postfix == "projection 2 of 6"
    bar.close()


def test_a_bar_ends_with_its_run(terminal):
    with ls.Simulation(network(), progress=True) as simulation:
        simulation.run(10.0)
        simulation.run(1000.0, max_wall=1e-6)
        assert simulation._progress._bar is None and terminal.getvalue().endswith("\n")


def test_no_bars_but_warnings(often, terminal):
    net = network()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ls.run(net, 5.0, progress=False)
    assert terminal.getvalue() == "" and caught == []
    progress_bar.progress_for(False, "n")("compile", kept=True)
    assert terminal.getvalue() == ""
    for given in (False, True, None):
        with pytest.warns(UserWarning, match="a warning"):
            progress_bar.progress_for(given, "n")("warning", text="a warning")


@pytest.mark.parametrize("wrong", ["yes", 1, 0.5, []])
def test_other_values_are_refused_at_once(wrong):
    with pytest.raises(ls.LifsimError, match=r"progress: .*; expected a function, True or False"):
        ls.run(network(), 5.0, progress=wrong)


def test_lines_where_nobody_sees_a_bar(monkeypatch, capsys):
    bar = progress_bar.ProgressBar("n")
    facts = {"synapses": 1_600_000_000, "projection": 1, "projections": 1}
    bar("prepare", synapses=1.6e9)
    for wall in range(1, 31):
        bar("making", made=50_000_000 * wall, wall_s=float(wall), **facts)
    assert capsys.readouterr().err.splitlines() == [
        "lifsim: 500,000,000 of 1,600,000,000 synapses made (31 %), 22 s left",
        "lifsim: 1,000,000,000 of 1,600,000,000 synapses made (62 %), 12 s left",
        "lifsim: 1,500,000,000 of 1,600,000,000 synapses made (94 %), 2 s left",
    ]
    bar("build", synapses=1_600_000_000, seconds=32.0)
    for wall in range(1, 12):
        bar("step", done_ms=100.0 * wall, total_ms=2000.0, wall_s=float(wall))
    assert capsys.readouterr().err == "lifsim: 1000 of 2000 ms, real-time factor 10, 10 s left\n"


def test_the_command_line_shows_building(capsys):
    progress = Progress("n")
    progress("making", made=0, synapses=5, projection=3, projections=9, wall_s=11.0)
    assert capsys.readouterr().err == "n: preparing projection 4 of 9 …\n"
    Progress("n", quiet=True)("making", made=0, synapses=5, projection=3, projections=9, wall_s=11.0)
    assert capsys.readouterr().err == ""


def test_without_progress_a_line_every_ten_seconds(terminal, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(notices_module.time, "monotonic", lambda: now[0])
    facts = {"synapses": 1_600_000_000, "projection": 1, "projections": 1}
    notices("prepare", synapses=1.6e9)
    for wall in range(1, 22):
        now[0] = 1000.0 + wall
        notices("making", made=50_000_000 * wall, wall_s=float(wall), **facts)
    assert terminal.getvalue().splitlines() == [
        "lifsim: making 1.6e+09 synapses …",
        "lifsim: 500,000,000 of 1,600,000,000 synapses made (31 %), 22 s left",
        "lifsim: 1,000,000,000 of 1,600,000,000 synapses made (62 %), 12 s left",
    ]


@pytest.mark.parametrize("given", [None, True, False])
def test_the_logger_gets_everything(caplog, given):
    net = network()
    with caplog.at_level(logging.DEBUG, logger="lifsim"):
        ls.run(net, 20.0, progress=given)
        with pytest.warns(UserWarning):
            progress_bar.progress_for(given, "n")("warning", text="a warning")
    said = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "lifsim"]
    assert any(level == "INFO" and "33,000 synapses made in" in text for level, text in said)
    assert any(level == "DEBUG" and text.startswith("20 of 20 ms, real-time factor") for level, text in said)
    assert any(level == "INFO" and text.startswith("20 ms simulated in") for level, text in said)
    assert ("WARNING", "a warning") in said


def test_no_handler_that_shows_anything():
    assert all(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("lifsim").handlers)


def test_text_bars_in_a_notebook_without_widgets(monkeypatch):
    """tqdm's warning that ipywidgets is missing is not shown."""
    for name in [name for name in sys.modules if name.startswith("tqdm.auto")]:
        monkeypatch.delitem(sys.modules, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert "tqdm" in progress_bar.bar_class().__name__
    assert caught == []
