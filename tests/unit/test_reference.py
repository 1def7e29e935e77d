"""The engine against its plain NumPy twin, on random networks: identical spikes, potentials within 1e-9 mV."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import lifsim as ls
from lifsim.engine import Engine, poisson_counts
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.reference import grid_reference
from lifsim.engine.reference.grid_reference import STATES, Reference, expm, system
from lifsim.engine.reference.random_numbers import normal, philox, philox_of_one
from lifsim.engine.stimuli.poisson import count_of, laws_of, sum_bytes, sum_words
from lifsim.simulation.built_network import plan_of

TOLERANCE = 1e-9  # mV, and pA for currents


# -- random networks -------------------------------------------------------------------------------
#
# Hypothesis draws what kind of thing there is; the numbers come from a generator whose seed it draws,
# so that they are never so round that a potential meets its threshold exactly.


@lru_cache(typed=True)
def sampled(*options):
    """To make the strategy takes longer than a choice."""
    return st.sampled_from(options)


class Maker:
    """Draws the parts of a network, whose neurons are of one of the `models`."""

    models: tuple[str, ...] = ("iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha", "if_psc_delta")

    def __init__(self, draw):
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.net = ls.Network(dt=draw(st.sampled_from([0.1, 0.05, 0.25, 1.0])))

    def one_of(self, *options):
        known = all(isinstance(x, (str, bool, int, float)) for x in options)
        return self.draw(sampled(*options) if known else st.sampled_from(options))

    def value(self, low, high, shape):
        """A number, an array of `shape` or a distribution, all between low and high."""
        middle, reach = (low + high) / 2, high - low
        match self.one_of("number", "array", "uniform", "normal"):
            case "number":
                return float(self.rng.uniform(low, high))
            case "array":
                return self.rng.uniform(low, high, shape)
            case "uniform":
                return {"uniform": [low, high]}
            case _:
                return {"normal": [middle, reach / 2], "min": low, "max": high}

    def grid_times(self, n, longest=60):
        return np.sort(self.rng.integers(1, longest, n)) * self.net.dt

    def window(self):
        if self.one_of(True, False):
            return {}
        start = float(self.rng.integers(0, 30) * self.net.dt)
        stop = np.inf if self.one_of(True, False) else start + float(self.rng.integers(0, 60) * self.net.dt)
        return {"start": start, "stop": stop}

    # -- populations -------------------------------------------------------------------------------

    def neurons(self, name, model=None):
        n = self.one_of(1, 2, 5, 9, 70, 150)
        model = model or self.one_of(*self.models)
        given = {
            "E_L": self.value(-72.0, -66.0, n),
            "C_m": self.value(80.0, 300.0, n),
            "tau_m": self.value(3.0, 30.0, n),
            "t_ref": self.value(0.0, 2.5, n),
            "V_th": self.value(-60.0, -55.0, n),
            "V_reset": self.value(-74.0, -62.0, n),
            "I_e": self.value(-50.0, 700.0, n),
            "V_m": self.value(-75.0, -54.0, n),  # some above threshold
        }
        if model.startswith("if_"):
            given |= {"V_th": self.value(1.0, 5.0, n), "V_reset": self.value(-1.0, 0.5, n), "V_m": self.value(-2.0, 6.0, n)}
            given = {key: x for key, x in given.items() if key not in ("E_L", "tau_m")}
        elif len(STATES[model]) > 1:
            given |= {"tau_syn_ex": self.value(0.3, 10.0, n), "tau_syn_in": self.value(0.3, 10.0, n)}
            given |= {state: self.value(-100.0, 100.0, n) for state in STATES[model][1:]}
            if self.one_of(True, False):  # nearly equal time constants
                given |= {"tau_m": 10.0, "tau_syn_ex": 10.0, "tau_syn_in": 10.0 * (1 + 1e-9)}
        elif model == "iaf_psc_delta":
            given["refractory_input"] = self.one_of(True, False)
        if model in ("iaf_psc_delta", "iaf_psc_alpha"):
            given["V_min"] = self.one_of(-np.inf, self.value(-90.0, -75.0, n))
        kept = [key for key in given if self.one_of(True, True, False)]
        self.net.add(name, n, model, **{key: given[key] for key in kept})

    def given_spikes(self, name):
        n = self.one_of(1, 3)
        counts = self.rng.integers(0, 12, n)
        match self.one_of("lists", "shared", "ids"):
            case "lists":
                times = {"spike_times": [self.grid_times(c) for c in counts]}
            case "shared":
                times = {"spike_times": self.grid_times(8), "spike_multiplicities": self.rng.integers(0, 3, 8)}
            case _:
                times = {"spike_times": self.grid_times(15), "spike_ids": self.rng.integers(0, n, 15)}
        self.net.add(name, n, "spike_generator", **times, **self.window())

    def poisson(self, name):
        n = self.one_of(1, 3)
        rate = self.one_of(float(self.rng.uniform(100, 2e4)), self.rng.uniform(0, 5e3, n), 3e6)
        self.net.add(name, n, "poisson_generator", rate=rate, **self.window())

    def changing_poisson(self, name):
        times = np.unique(self.grid_times(4))
        rates = self.rng.uniform(0, 2e4, len(times)) * self.rng.integers(0, 2, len(times))
        self.net.add(name, 2, "inhomogeneous_poisson_generator", rate_times=times, rate_values=rates, **self.window())

    def constant_current(self, name):
        self.net.add(name, 2, "dc_generator", amplitude=self.value(-100.0, 300.0, 2), **self.window())

    def stepping_current(self, name):
        times = np.unique(self.grid_times(5))
        amplitudes = self.rng.uniform(-200, 400, len(times))
        self.net.add(name, 2, "step_current_generator", amplitude_times=times, amplitude_values=amplitudes, **self.window())

    def noise(self, name):
        std = float(self.rng.uniform(0, 300))
        wave = {"std_mod": std * 0.8, "frequency": 40.0, "phase": 30.0} if self.one_of(True, False) else {}
        period = self.one_of(1, 3, 10) * self.net.dt
        self.net.add(name, 2, "noise_generator", mean=50.0, std=std, dt=period, **wave, **self.window())

    def sinusoidal_poisson(self, name):
        wave = {"amplitude": float(self.rng.uniform(0, 1.5e4)), "frequency": float(self.rng.uniform(0, 200)), "phase": 50.0}
        rate = self.one_of(float(self.rng.uniform(100, 1e4)), self.rng.uniform(0, 5e3, 2), 3e6)
        self.net.add(name, 2, "sinusoidal_poisson_generator", rate=rate, **wave, **self.alone(), **self.window())

    def gamma(self, name):
        rate = float(10 ** self.rng.uniform(2, 4.5))  # 100 to 32,000: the twin draws every interval by itself
        wave = {"amplitude": rate * float(self.rng.uniform(0, 1)), "frequency": float(self.rng.uniform(0, 200)), "phase": -20.0}
        order = self.one_of(1.0, 1.7, np.array([3.0, 40.0]))
        self.net.add(name, 2, "sinusoidal_gamma_generator", rate=rate, order=order, **wave, **self.alone(), **self.window())

    def alternating_current(self, name):
        wave = {"frequency": self.value(5.0, 400.0, 2), "phase": self.value(-90.0, 90.0, 2)}
        self.net.add(name, 2, "ac_generator", amplitude=self.value(0.0, 300.0, 2), offset=100.0, **wave, **self.window())

    def waveform(self, name):
        samples = self.rng.uniform(-200, 400, self.one_of((9,), (30, 2)))
        interval = self.one_of(1.0, 4.0, 0.3, 2.7) * self.net.dt
        line = self.one_of(True, False)
        self.net.add(name, 2, "waveform_generator", waveform=samples, interval=interval, interpolate=line, **self.window())

    def ornstein_uhlenbeck(self, name):
        std, tau = self.value(0.0, 300.0, 2), self.one_of(1e-3, 2.0, 50.0)
        self.net.add(name, 2, "ou_generator", mean=50.0, std=std, tau=tau, **self.window())

    def alone(self):
        return {"individual_spike_trains": self.one_of(True, False)}

    # -- projections -------------------------------------------------------------------------------

    def view(self, name):
        population = self.net.populations[name]
        match self.one_of("all", "all", "slice", "list"):
            case "slice" if population.n > 1:
                return population[1 : 1 + max(1, population.n // 2)]
            case "list":
                return population[self.rng.permutation(population.n)[: max(1, population.n // 3)]]
        return population[:]

    def delay(self, shape):
        dt = self.net.dt
        match self.one_of("least", "number", "array", "uniform", "normal", "lognormal"):
            case "least":
                return dt
            case "number":
                return int(self.rng.integers(1, 12)) * dt
            case "array" if shape is not None:
                return self.rng.integers(1, 12, shape) * dt
            case "lognormal":
                return {"lognormal": [np.log(3 * dt), 0.6], "max": 20 * dt}
            case "normal":
                return {"normal": [2 * dt, 2 * dt]}
        return {"uniform": [0.2 * dt, 9.3 * dt]}

    def connect(self, source, target):
        s, t = self.view(source), self.view(target)
        current = s.population.model.role == "current"
        mild = t.population.model.weight_unit == "mV" or current
        low, high = (
            self.one_of((-2.0, 3.0), (0.1, 3.0), (-3.0, -0.1)) if mild else self.one_of((-100.0, 200.0), (5.0, 200.0), (-90.0, -1.0))
        )
        rule = self.one_of(
            "one_to_one",
            "all_to_all",
            "pairwise_bernoulli",
            "fixed_indegree",
            "fixed_outdegree",
            "fixed_total_number",
            "explicit",
            "matrix",
            "coo",
        )
        multapses, autapses = self.one_of(True, False), self.one_of(True, False)
        itself = s.population is t.population and not autapses
        if rule == "one_to_one":
            m = min(len(s), len(t))
            s, t = s.population[s.ids[:m]], t.population[t.ids[:m]]
        count = int(self.rng.integers(1, 7))
        if not multapses or itself:
            count = min(count, len(s) - itself, len(t) - itself)
            if count < 1:
                return
        params, shape = self.rule(rule, len(s), len(t), count)
        options = {} if rule in ("explicit", "matrix", "coo") else {"allow_multapses": multapses, "allow_autapses": autapses}
        weight = {}
        if rule in ("matrix", "coo"):
            rule = self.matrix(rule, len(s), len(t), low, high)
        else:
            weight["weight"] = self.value(low, high, shape)
        self.net.connect(s, t, rule, **weight, delay=self.delay(shape), **params, **options)

    def rule(self, rule, n_source, n_target, count):
        """Parameters of a rule, and the shape of an array of weights or delays."""
        few = 3 * max(n_source, n_target)
        match rule:
            case "one_to_one":
                return {}, (n_target,)
            case "all_to_all":
                return {}, (n_target, n_source)
            case "pairwise_bernoulli":
                return {"p": self.one_of(0.1, 0.7)}, (n_target, n_source)
            case "fixed_indegree":
                return {"indegree": count}, (n_target, count)
            case "fixed_outdegree":
                return {"outdegree": count}, (n_source, count)
            case "fixed_total_number":
                return {"N": count}, (count,)
            case "explicit":
                ends = {"sources": self.rng.integers(0, n_source, few), "targets": self.rng.integers(0, n_target, few)}
                return ends, (few,)
        return {}, None

    def matrix(self, kind, n_source, n_target, low, high):
        from scipy.sparse import coo_array

        if kind == "matrix":
            w = self.rng.uniform(low, high, (n_target, n_source))
            return np.where(self.rng.random(w.shape) < 0.3, w, 0.0)
        few = n_source + n_target  # repeated entries are several synapses
        ends = self.rng.integers(0, n_target, few), self.rng.integers(0, n_source, few)
        return coo_array((self.rng.uniform(low, high, few), ends), shape=(n_target, n_source))


STIMULI = (Maker.given_spikes, Maker.poisson, Maker.changing_poisson, Maker.constant_current, Maker.stepping_current, Maker.noise)
CHANGING = (Maker.sinusoidal_poisson, Maker.gamma, Maker.alternating_current, Maker.waveform, Maker.ornstein_uhlenbeck)


class AlikeMaker(Maker):
    """Of each population, all neurons are alike."""

    def value(self, low, high, shape):
        return float(self.rng.uniform(low, high))


@st.composite
def networks(draw, maker=Maker, stimuli=STIMULI, models=()):
    """Up to three populations of neurons (or one of each of the `models`) and four stimuli, connected and recorded in all ways."""
    make = maker(draw)
    of = models or [None] * draw(st.integers(1, 3))
    names = [f"n{i}" for i in range(len(of))]
    for name, model in zip(names, of, strict=True):
        make.neurons(name, model)
    for i, stimulus in enumerate(draw(st.lists(st.sampled_from(stimuli), max_size=4))):
        stimulus(make, f"s{i}")
        for _ in range(draw(st.integers(1, 2))):
            make.connect(f"s{i}", draw(st.sampled_from(names)))
    for _ in range(draw(st.integers(0, 4))):
        make.connect(draw(st.sampled_from(names)), draw(st.sampled_from(names)))
    for name in names:
        for variable in STATES[make.net.populations[name].model.name]:
            times = {} if draw(st.booleans()) else {"start": 3 * make.net.dt, "stop": 50 * make.net.dt}
            make.net.record(make.view(name), variable, interval=draw(st.sampled_from([1, 1, 7])) * make.net.dt, **times)
    return make.net


class described:
    """What is noted of a network; it is written only of one that fails. (The source of `compare`, which calls it, seeds the examples.)"""

    def __init__(self, net):
        self.net = net

    def __repr__(self):
        net = self.net
        populations = [f"{p.name}: {p.n} {p.model.name} {p.params} {p.initial}" for p in net.populations.values()]
        projections = [f"{p.source} -> {p.target} {p.rule} {p.params} weight {p.weight} delay {p.delay}" for p in net.projections]
        return "\n".join([f"dt {net.dt}", *populations, *projections])


QUIET = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
SEEDS, THREADS, SLICES = st.integers(0, 2**64 - 1), st.sampled_from([1, 2, 3]), st.lists(st.integers(1, 60), min_size=1, max_size=4)


some_or_all = pytest.mark.parametrize("share", [0.5, pytest.param(1.0, marks=pytest.mark.slow)])  # of the examples


@some_or_all
def test_engine_equals_reference(share):
    compared(networks(), int(200 * share), ("poisson", "noise", "currents", "events"))


@some_or_all
def test_engine_equals_reference_with_stimuli_that_change_all_the_time(share):
    """Of neurons that are alike, with weights of one kind: one program is compiled for all of them."""
    compared(networks(AlikeMaker, CHANGING), int(100 * share), ("trains", "sines", "waves", "paths"), weights="float64")


def test_engine_equals_reference_for_other_resets():
    """All of them in every network: one program is compiled."""
    models = ("lif_psc_delta", "lif_psc_exp", "if_psc_delta_hard")
    compared(networks(AlikeMaker, models=models), 60, ("poisson", "noise", "currents", "events"), weights="float64")


def compared(nets, examples, kinds, **options):
    """Compare so many of the networks. They are not trivial: many have synapses, many have spikes, and each of the `kinds` is there."""
    seen = Counter()

    @settings(max_examples=examples, **QUIET)
    @given(nets, SEEDS, THREADS, SLICES)
    def compare(net, seed, threads, slices):
        note(described(net))
        plan = plan_of(net, seed)
        seen["spikes"] += assert_equal(plan, threads, slices, **options)
        seen["synapses"] += plan.n_synapses > 0
        seen.update(kind for kind in kinds if len(plan.events.step if kind == "events" else getattr(plan, kind)) > 0)

    compare()
    assert min(seen["spikes"], seen["synapses"]) > examples / 10 and min(seen[kind] for kind in kinds) > 1, seen


def assert_equal(plan, threads, slices, **options):
    """The engine does what its twin does; returns whether there were spikes."""
    plan = replace(plan, watched={g.name for g in plan.groups})
    twin, engine, spikes = Reference(plan), Engine(plan, threads, **options), False
    try:
        for n in slices:
            got, expected = engine.advance(n), twin.advance(n)
            assert list(got.spikes) == list(expected.spikes) == [g.name for g in plan.groups]
            for name in expected.spikes:
                np.testing.assert_array_equal(got.spikes[name], expected.spikes[name])
            for a, b in zip(got.samples, expected.samples, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=TOLERANCE)
            spikes |= any(len(steps) for steps, _ in expected.spikes.values())
        assert engine.step == twin.step == sum(slices)
        for g in plan.groups:
            for name in (*STATES[g.model], "C_m", "V_th"):
                np.testing.assert_allclose(engine.get(g.name, name), twin.get(g.name, name), rtol=1e-12, atol=TOLERANCE)
    finally:
        engine.close()
    return spikes


def test_weights_are_not_rounded_silently():
    """Constant weights beside others were once kept as float32 although that is not exact."""
    net = ls.Network(dt=0.1)
    pair = net.add("pair", 2, "iaf_psc_delta", V_m=[-70.0, -50.0])
    net.connect(pair[1], pair[0], weight=-0.45, delay=0.1)
    net.connect(pair, pair, np.array([[0.0, 0.25], [0.5, 0.0]]), delay=0.1)
    engine = Engine(plan_of(net, 1))
    engine.advance(2)
    assert engine.get("pair", "V_m")[0] == pytest.approx(-70.0 - 0.45 + 0.25, abs=1e-13)


@pytest.mark.slow
def test_the_engine_stays_within_its_arrays():
    """The comparison again with the compiler's bounds checks, in a process (and a cache of machine code) of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "LIFSIM_CACHE_DIR": cache}
        which = ["-k", "engine_equals_reference and not 0.5", "-m", ""]  # all examples
        command = [sys.executable, "-m", "pytest", "-q", __file__, *which, "-p", "no:cacheprovider"]
        subprocess.run(command, env=environment, check=True, timeout=900)  # a thread that fails leaves others waiting


@pytest.mark.parametrize("threads", [1, 2])
def test_many_given_spikes(threads):
    """More spikes at once than there are neurons, slice after slice."""
    net = ls.Network(dt=0.1)
    rng = np.random.default_rng(6)
    net.add("n", 70, "iaf_psc_delta", V_th=1e6)
    net.add("g", 300, "spike_generator", spike_times=[rng.integers(1, 100, 60) * 0.1 for _ in range(300)])
    net.connect("g", "n", "fixed_indegree", indegree=50, weight={"normal": [0.0, 1.0]}, delay={"uniform": [1.5, 3.0]})
    net.record("n", "V_m", interval=0.1)
    plan = plan_of(net, 1)
    engine, expected = Engine(plan, threads), Reference(plan).advance(120).samples[0]
    got = np.concatenate([engine.advance(n).samples[0] for n in (1, 1, 20, 1, 1, 1, 40, 5, 50)])
    engine.close()
    assert expected.max() > -50.0
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)


# -- the parts of the reference --------------------------------------------------------------------


def test_the_example_in_its_docstring():
    assert doctest.testmod(grid_reference).failed == 0


def a_system(tau_syn):
    p = {"tau_m": 10.0, "C_m": 250.0, "tau_syn_ex": tau_syn, "tau_syn_in": 2.0}
    return system({k: np.full(2, v) for k, v in p.items()}, 5)


@pytest.mark.parametrize("tau_syn", [0.01, 0.3, 9.0, 10.0, 1e3])
@pytest.mark.parametrize("h", [0.01, 0.1, 1.0, 10.0])
def test_exponentials_are_those_of_scipy(tau_syn, h):
    a = a_system(tau_syn) * h
    # Where h/tau is large, either method loses a few digits of what is left.
    np.testing.assert_allclose(expm(a), [scipy.linalg.expm(x) for x in a], rtol=1e-12 * max(1.0, h / tau_syn), atol=1e-15)


@pytest.mark.parametrize("difference", [1e-6, -1e-8, 1e-10, -1e-12])
def test_exponentials_of_nearly_equal_time_constants(difference):
    """scipy's own cancels here: at h = 10 ms and a difference of 1e-11 it is wrong in the fifth digit."""
    h, a, b = 10.0, 1 / 10.0, 1 / (10.0 * (1 + difference))
    got = expm(a_system(10.0 * (1 + difference)) * h)[0]
    x = h * (a - b)  # of the exact integral h/C exp(-h a) (e^x - 1)/x, x small
    np.testing.assert_allclose(got[0, 1], h / 250.0 * np.exp(-h * a) * (1 + x / 2 + x * x / 6), rtol=1e-13)


def test_philox_of_the_paper():
    """The first known answer of Random123's own tests: counter and key 0."""
    for words in (philox(0, 0, 0, (0, 0))[:, 0], philox_of_one(0, 0, 0, (0, 0))):
        assert [f"{w:08x}" for w in words] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@pytest.mark.parametrize("mean", [1e-6, 0.01, 1.0, 7.3, 300.0, 2e4])
def test_poisson_numbers_are_those_of_the_engine(mean):
    """Random words and the inversion, through the trains that a recorder of a generator gets."""
    seed, stream, steps, n = 2**63 + 12345, 3, np.arange(1, 200), 5
    key = seed & 0xFFFFFFFF, seed >> 32
    words = np.array([philox(np.arange(n), k // 4, 6 << 24 | stream, key)[k % 4] for k in steps])
    cdf = scipy.stats.poisson.cdf(np.arange(mean + 10 * np.sqrt(mean) + 30), mean)
    expected = np.searchsorted(cdf, words / 2**32, side="right")
    np.testing.assert_array_equal(poisson_counts(np.full((len(steps), n), mean), steps, stream, seed), expected)


@Part
def counted(m, step):
    """The counts of all neurons in `step`."""
    out, stream, laws, key = read(m)
    for who in range(len(out)):
        out[who] = count_of(who, step, stream, laws, 0, key)


@pytest.mark.parametrize("mean", [1.6, 5e4, 7.5e8])
def test_poisson_counts_of_half_words_have_mean_and_variance(mean):
    """Also where no single count takes a whole share of the half words; the deviations are 5 of their standard errors."""
    laws, key, n = laws_of(np.array([mean])), (np.uint64(1), np.uint64(2)), 20_000
    count = np.empty(n, np.int64)
    counted((count, np.uint32(4 << 24), laws, key), 8)
    assert abs(count.mean() - mean) < 5 * np.sqrt(mean / n)
    assert abs(count.var() / mean - 1) < 5 * np.sqrt((2 + 1 / mean) / n)


@Part
def by_bytes(m):
    halves, limit, low, sums, out = read(m)
    sum_bytes(halves, limit, low, sums, out)


@Part
def by_words(m):
    halves, limit, low, sums, out = read(m)
    sum_words(halves, limit, low, sums, out)


@pytest.mark.parametrize("count", [by_bytes, by_words])
@pytest.mark.parametrize("mean", [0.0, 0.02, 1.6, 30.0])
def test_counts_of_half_words_are_the_numbers_of_limits_below_them(count, mean):
    """On every processor, though it takes one of these kernels."""
    laws, halves = laws_of(np.array([mean])), np.arange(-(2**15), 2**15, dtype=np.int16)
    out = np.empty(len(halves), np.uint8)
    count((halves, laws.limit, laws.low[0], np.empty(len(halves), np.int16), out))
    assert (out == laws.low[0] + np.searchsorted(laws.limit, halves)).all()


def test_normal_deviates_fill_the_range():
    words = np.random.default_rng(3).integers(0, 2**32, 20_000)
    z = normal(words)
    assert abs(z.mean()) < 4 / np.sqrt(len(z)) and abs(z.var() - 1) < 4 * np.sqrt(2 / len(z))
    assert normal(2**31) == -normal(2**31 - 1) and 6.2 < normal(2**32 - 1) < 6.4
