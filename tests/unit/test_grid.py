"""Which step a time is, and which time a step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import lifsim as ls
from lifsim.common.errors import LifsimError, ModelError
from lifsim.common.timegrid import (
    LONGEST_DELAY,
    ends,
    first_off_grid,
    half_up,
    no_delays,
    not_on_grid,
    off_grid,
    on_grid,
    snapped,
    spike_steps,
    time_of,
    times,
)
from lifsim.simulation.built_network import plan_of

# NEST's spike_generator (allow_offgrid_times) at resolution 0.1: a time is first a whole number of microseconds, then, off the
# grid, the end of its step
NEST = {
    0.04: 0.1,
    0.05: 0.1,
    0.06: 0.1,
    0.1: 0.1,
    3.0: 3.0,
    3.0001: 3.0,
    3.0004: 3.0,
    3.0005: 3.1,
    3.001: 3.1,
    3.04: 3.1,
    3.06: 3.1,
    3.0996: 3.1,
}


@pytest.mark.parametrize(("given", "sent"), NEST.items())
def test_a_spike_off_the_grid_goes_to_the_end_of_its_step(given, sent):
    assert spike_steps(np.array([given]), 0.1)[0] == round(sent * 10)
    net = ls.Network(dt=0.1)
    net.add("g", 1, "spike_generator", spike_times=[given], allow_offgrid_times=True)
    net.add("n", 1, "iaf_psc_exp")
    for method in ("grid", "precise"):
        plan = plan_of(net, 1, method)
        assert plan.events.window(0, 100)[0].tolist() == [round(sent * 10)], method


def test_steps_of_many_spikes_are_those_of_whole_microseconds():
    """As NEST computes them, in whole numbers: of random times at 1e6 ms as of those at 0."""
    rng = np.random.default_rng(1)
    for dt_us in (100, 10, 250):
        micro = rng.integers(1, 10**9, 20_000)  # tenths of a microsecond, up to 100 s; no ties
        micro += micro % 10 == 5
        tics = (micro + 5) // 10
        expected = -(-tics // dt_us)
        for late in (0, 10**9):
            got = spike_steps((micro / 10 + late) / 1000, dt_us / 1000)
            np.testing.assert_array_equal(got, expected + late // dt_us)


def test_spikes_at_any_time_have_a_step():
    assert spike_steps(np.array([1e300, -1e300]), 0.1).tolist() == [2**62, -(2**62)]
    assert spike_steps(np.array([0.00030, 0.00035, 0.0004]), 0.0001).tolist() == [3, 4, 4]  # below a microsecond: half a step
    assert spike_steps(np.zeros(0), 0.1).shape == (0,)


@pytest.mark.parametrize("method", ["grid", "precise"])
@pytest.mark.parametrize("option", [True, False])
def test_no_spike_is_lost_at_time_0(method, option):
    """What would be on the grid at 0 is an error, and what an exact method can send at its time is sent."""
    net = ls.Network(dt=0.1)
    net.add("g", 1, "spike_generator", spike_times=[5.0, 0.0004], allow_offgrid_times=option)
    net.add("n", 1, "iaf_psc_exp")
    if method == "precise" and not option:
        events = plan_of(net, 1, method).events
        assert events.window(0, 1)[0].tolist() == [1]
        assert events.offsets(0, 1)[0] == pytest.approx(0.0996)
        return
    with pytest.raises(ModelError, match=r"0.0004 ms is on the grid at 0 ms; times above 0 ms") as error:
        ls.Simulation(net, method=method)
    assert error.value.problems[0].where == "populations.g.spike_times"


def test_given_spikes_are_on_the_grid_within_half_a_microsecond():
    def built(*at):
        net = ls.Network(dt=0.1)
        net.add("g", 1, "spike_generator", spike_times=list(at))
        net.add("n", 1, "iaf_psc_exp")
        from lifsim.network.method import method_of

        method_of(net)
        return plan_of(net, 1).events.step.tolist()

    assert built(3.0001, 2.9996, 0.1 + 0.2, 1e6 + 0.1) == [3, 30, 30, 10_000_001]
    for wrong in (3.0006, 2.9993, 0.04):
        with pytest.raises(ModelError, match="is not on the grid"):
            built(wrong)


# -- multiples of dt -------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 0.04, 0.025, 0.3, 1.0, 1 / 3])
def test_multiples_are_on_the_grid_however_large_and_in_float32(dt):
    k = np.concatenate([np.arange(1, 3000), np.array([10**5, 10**6 + 1, 10**7, 10**9])])
    assert not off_grid(k * dt, dt).any()
    small = k[k * dt < dt / 4 * 2**23]  # beyond, float32 has less than four numbers a step
    assert not off_grid((small * dt).astype(np.float32).astype(float), dt).any()
    np.testing.assert_array_equal(ends((small * dt).astype(np.float32), dt), small)
    assert off_grid((k[:100] + 0.01) * dt, dt).all()
    assert not no_delays((small[:3000] * dt).astype(np.float32), dt).any()


def test_what_is_off_the_grid():
    assert not on_grid(4.75, 0.1) and not on_grid(np.inf, 0.1) and not on_grid(1e300, 0.1) and not on_grid(1e6 + 0.05, 0.1)
    assert on_grid(0.1 + 0.2, 0.1) and on_grid(float(np.float32(4.7)), 0.1) and on_grid(-0.3, 0.1) and on_grid(0.0, 0.1)
    assert not on_grid(float(np.float32(4.7)) + 1e-6, 0.1)  # as near, but the float32 number of no multiple
    assert first_off_grid(np.array([0.1, np.inf, 0.25, 0.31]), 0.1) == 0.25
    assert no_delays(np.array([0.1, 0.05, np.inf, 2.0**31, 0.1 * LONGEST_DELAY]), 0.1).tolist() == [False, True, True, True, False]


@pytest.mark.parametrize(("time", "said"), [(1.05, "1.05"), (4.69999999, "4.69999999"), (4.70000000001e3, None), (1e-9, "1e-09")])
def test_a_message_shows_why_a_time_is_off_the_grid(time, said):
    assert said is None or not_on_grid(time, 0.1) == f"{said} ms is not on the grid"


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_times_of_either_type_are_taken_everywhere(kind):
    t = np.array([4.7, 9.3], kind)
    net = ls.Network(dt=kind(0.1))
    assert net.dt == 0.1
    net.add("g", 2, "spike_generator", spike_times=t, start=kind(0.7), stop=t + kind(0.4))
    net.add("i", 1, "step_current_generator", amplitude_times=t, amplitude_values=[1.0, 2.0])
    net.add("p", 1, "inhomogeneous_poisson_generator", rate_times=t, rate_values=[1.0, 2.0])
    net.add("n", 2, "iaf_psc_exp", t_ref=np.array([13.3, 1.7], kind))
    net.connect("g", "n", "one_to_one", delay=t)
    net.connect("n", "n", "explicit", sources=[0, 1], targets=[1, 0], delay=t)
    net.connect("n", "n", np.ones((2, 2)), delay=np.full((2, 2), kind(4.7)))
    net.connect("i", "n", delay=kind(4.7))
    net.connect("p", "n", delay=kind(4.7))
    net.record("n", "V_m", interval=kind(0.7), start=kind(4.9), stop=kind(23.1))
    r = net.recordings[0]
    assert (r.interval, r.start, r.stop) == (0.7, 4.9, 23.1)
    plan = plan_of(net, 1)
    assert plan.events.step.tolist() == [47, 47, 93]  # that of 9.3 ms is after the stop of node 0
    assert plan.wirings[0].delay.array.tolist() == plan.wirings[1].delay.array.tolist() == [47, 93]
    assert plan.wirings[2].delay.a == 47
    assert plan.currents[0].since.tolist()[-2:] == [94, 140]
    assert plan.poisson[0].since.tolist() == [94, 140]

    from lifsim.engine.layout import refractory_steps
    from lifsim.engine.reference import grid_reference

    assert refractory_steps(plan.groups[0].params, 0.1).tolist() == [133, 17]
    assert grid_reference.refractory_steps(np.asarray(plan.groups[0].params["t_ref"]), 0.1).tolist() == [133, 17]
    with ls.Simulation(net) as sim:
        sim.run(kind(0.7))
        assert sim.step == 7


# -- times of steps --------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 0.3, 0.15, 0.04, 0.025, 2.0, 0.0001, 0.7])
def test_times_of_steps_are_rounded_once(dt):
    k = np.concatenate([np.arange(2000), np.array([10**6 + 7, 2**30])])
    exact = [float(int(n) * Fraction(str(dt))) for n in k]
    assert times(k, dt).tolist() == exact
    assert [time_of(int(n), dt) for n in k[:50]] == exact[:50]
    assert times(k[:10], dt, since=5).tolist() == [float((int(n) + 5) * Fraction(str(dt))) for n in k[:10]]
    assert all(snapped(x * (1 + 1e-15), dt) == x for x in exact[:50])


def test_thirds_and_other_steps():
    assert times(np.arange(7), 1 / 3).tolist() == [n / 3 for n in range(7)]
    assert time_of(10, np.pi) == 10 * np.pi
    assert snapped(np.inf, 0.1) == np.inf


def test_the_time_of_a_simulation_is_that_of_its_results():
    net = ls.Network(dt=0.1)
    net.add("n", 1, "iaf_psc_exp")
    net.record("n", "V_m", interval=0.1)
    with ls.Simulation(net) as sim:
        for _ in range(3):
            sim.run(0.1)
        assert sim.time == 0.3
        result = sim.result()
    assert (result.t_stop, result.duration, result.info["duration"]) == (0.3, 0.3, 0.3)
    assert result.traces["n"].times.tolist() == [0.1, 0.2, 0.3]


# -- halves ----------------------------------------------------------------------------------------


def test_halves_go_up():
    np.testing.assert_array_equal(half_up(0.8 + 0.02 * np.arange(6), 0.04), [20, 21, 21, 22, 22, 23])
    rng = np.random.default_rng(2)
    tenths = rng.integers(1, 10**6, 5000)  # of a step of 0.1 ms: every tenth of them a half
    np.testing.assert_array_equal(half_up(tenths / 100, 0.1), (tenths + 5) // 10)
    assert half_up(np.array([0.1 * (20.5 - 1e-9)]), 0.1)[0] == 20  # so far from it is no rounding


@pytest.mark.parametrize(
    "delay", [{"normal": [0.86, 0.0]}, {"uniform": [0.86, 0.86]}, {"lognormal": [float(np.log(0.86)), 0.0]}, {"normal": [0.9, 0.0]}]
)
def test_a_delay_drawn_from_one_value_is_rounded_half_up(delay):
    """0.86 ms / 0.04 ms is 21.5, but 21.499999999999996 in floating point; NEST's ld_round(ms · steps per ms) gives 22."""
    net = ls.Network(dt=0.04)
    net.add("a", 2, "iaf_psc_exp")
    net.connect("a", "a", "one_to_one", delay=delay)
    wiring = plan_of(net, 1).wirings[0]
    assert (wiring.delay.a, wiring.delay.kind) == ((22 if "0.86" in str(delay) or "lognormal" in delay else 23), 0)


def test_drawn_delays_are_rounded_half_up_by_the_engine():
    """Of 2·10⁵ uniform ones from 1 to 2 steps half are 1 and half 2, those in the middle among the latter."""
    from lifsim.engine.synapses.expand import expand

    net = ls.Network(dt=0.1)
    net.add("a", 400, "iaf_psc_exp")
    net.connect("a", "a", delay={"uniform": [0.1, 0.2]})
    got = np.bincount(expand(plan_of(net, 1).wirings[0], 1).delay)
    assert got[:1].sum() == 0 and abs(got[1] - 80_000) < 5 * 200 and got.sum() == 160_000


def test_bad_times_are_told():
    net = ls.Network(dt=0.1)
    net.add("a", 2, "iaf_psc_exp")
    with pytest.raises(ModelError, match=r"4.699999 ms is not on the grid; nearest allowed: 4.6 and 4.7 ms"):
        net.connect("a", "a", delay=4.699999)
    with ls.Simulation(net) as sim, pytest.raises(LifsimError, match=r"0.25 ms is not on the grid"):
        sim.run(0.25)
