"""One call at a time works on a simulation: others, from other threads or from within it, get one clear error."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import lifsim as ls

CALLS = {
    "run": lambda sim, _: sim.run(1.0),
    "result": lambda sim, _: sim.result(),
    "set": lambda sim, _: sim.set("n", V_m=-60.0),
    "save": lambda sim, folder: sim.save(folder / "x.ckpt"),
    "measure": lambda sim, _: sim.measure(),
    "close": lambda sim, _: sim.close(),
}
READS = {
    "get": lambda sim, _: sim.get("n", "V_m"),
    "matrix": lambda sim, _: sim.matrix("n", "n"),
    "save_weights": lambda sim, folder: sim.save_weights(folder / "w.h5", "n", "n"),
    "fan_out": lambda sim, _: sim.fan_out(),
    "spent": lambda sim, _: sim.spent(),
}


def network() -> ls.Network:
    net = ls.Network(seed=1)
    net.add("n", 50, "iaf_psc_exp", I_e=np.linspace(400.0, 800.0, 50))
    net.connect("n", "n", "fixed_indegree", indegree=5, weight=1.0)
    net.record("n")
    return net


class Held:
    """A simulation that is at work in another thread until `let_go`."""

    def __init__(self, **options: object) -> None:
        self._reached, self._go_on = threading.Event(), threading.Event()
        self.sim = ls.Simulation(network(), progress=self._wait, **options)
        self._thread = threading.Thread(target=self.sim.run, args=(50.0,))
        self._thread.start()
        assert self._reached.wait(60)

    def _wait(self, event: str, **_: object) -> None:
        if event == "step":
            self._reached.set()
            assert self._go_on.wait(60)

    def let_go(self) -> None:
        self._go_on.set()
        self._thread.join(60)


@pytest.mark.parametrize("call", [*CALLS, *READS])
def test_calls_from_another_thread(call, tmp_path):
    held = Held()
    began = time.perf_counter()
    with pytest.raises(
        ls.LifsimError, match=rf"simulation: {call}\(\) was called while run\(\) is running in another thread; expected one call at"
    ):
        (CALLS | READS)[call](held.sim, tmp_path)
    assert time.perf_counter() - began < 5
    held.let_go()
    assert held.sim.time == 50.0  # what was at work is none the worse
    expected = ls.run(network(), 50.0)
    np.testing.assert_array_equal(held.sim.result().spikes["n"].times, expected.spikes["n"].times)
    (CALLS | READS)[call](held.sim, tmp_path)  # afterwards it is anyone's
    held.sim.close()


def test_two_threads_that_run_one_simulation():
    held, errors = Held(), []

    def again() -> None:
        try:
            held.sim.run(50.0)
        except ls.LifsimError as error:
            errors.append(str(error))

    others = [threading.Thread(target=again) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    held.let_go()
    assert len(errors) == 3 and held.sim.time == 50.0
    held.sim.close()


def test_what_the_progress_function_may_call(tmp_path):
    """It reads what is now, and changes nothing under the feet of the run."""
    seen, refused = [], {}

    def progress(event: str, **_: object) -> None:
        if event != "step":
            return
        seen.append((sim.time, sim.get("n", "V_m")))
        for name, read in READS.items():
            if name != "save_weights":
                read(sim, tmp_path)
        for name, call in CALLS.items():
            with pytest.raises(ls.LifsimError, match=rf"{name}\(\) was called from within run\(\)") as error:
                call(sim, tmp_path)
            refused[name] = str(error.value)

    sim = ls.Simulation(network(), progress=progress)
    sim.run(20.0)
    assert refused.keys() == CALLS.keys() and seen[-1][0] == 20.0
    np.testing.assert_array_equal(seen[-1][1], sim.get("n", "V_m"))
    np.testing.assert_array_equal(sim.result().spikes["n"].times, ls.run(network(), 20.0).spikes["n"].times)
    sim.close()


def test_an_error_within_a_call_gives_the_turn_back():
    def progress(event: str, **_: object) -> None:
        if event == "step" and sim.time < 0.15:
            raise RuntimeError("the user's own")

    sim = ls.Simulation(network(), progress=progress)
    with pytest.raises(RuntimeError, match="the user's own"):
        sim.run(5.0)
    with pytest.raises(ls.LifsimError, match="no variable"):
        sim.get("n", "x")
    sim.run(5.0)
    thread = threading.Thread(target=sim.close)
    thread.start()
    thread.join(10)
    with pytest.raises(ls.LifsimError, match="is closed"):
        sim.run(5.0)


def test_simulations_of_their_own_run_side_by_side():
    expected, found = ls.run(network(), 100.0).spikes["n"].times, []
    threads = [threading.Thread(target=lambda: found.append(ls.run(network(), 100.0).spikes["n"].times)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 4
    for times in found:
        np.testing.assert_array_equal(times, expected)
