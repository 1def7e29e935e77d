"""The same seed gives the same bits: for any number of threads, any slices, any recordings."""

from __future__ import annotations

import numpy as np
import pytest

import lifsim as ls
from lifsim.engine import Engine, layout
from lifsim.engine.parallel.placement import shares
from lifsim.simulation import slices
from lifsim.simulation.built_network import plan_of

STEPS = 200


def network(dt=0.1, delay=None, record=("spikes", "V_m", "rate")):
    """Three populations of all models, 420 neurons: several blocks from two threads on, with all kinds of random input."""
    net = ls.Network(dt=dt)
    delay = dt if delay is None else delay
    e = net.add("e", 300, "iaf_psc_exp", V_m={"normal": [-62.0, 4.0]}, tau_m={"uniform": [8.0, 12.0]}, I_e=200.0)
    i = net.add("i", 75, "iaf_psc_alpha", V_m={"uniform": [-70.0, -55.0]})
    d = net.add("d", 45, "iaf_psc_delta", t_ref=0.5, refractory_input=True)
    ext = net.add("ext", 1, "poisson_generator", rate=8000.0)
    net.connect(ext, e, weight=30.0, delay=delay)
    net.connect(ext, i[5:70], weight=np.linspace(20.0, 60.0, 65)[:, None], delay=delay)
    net.connect(ext, d, weight=0.5, delay=delay)
    net.connect(net.add("noise", 1, "noise_generator", mean=100.0, std=300.0, dt=2 * dt), e, delay=delay)
    net.connect(net.add("dc", 1, "dc_generator", amplitude=150.0, start=5 * dt, stop=150 * dt), i, delay=delay)
    spikes = net.add("given", 2, "spike_generator", spike_times=np.arange(10, 200, 7) * dt)
    net.connect(spikes, d, weight=1.0, delay=delay)
    net.connect(e, [e, i], "fixed_indegree", indegree=30, weight={"normal": [25.0, 10.0]}, delay={"uniform": [delay, 4 * delay]})
    net.connect(i, [e, d], "pairwise_bernoulli", p=0.2, weight=-1.5, delay=2 * delay)
    net.connect(d, e, "fixed_outdegree", outdegree=20, weight={"uniform": [-20.0, 40.0]}, delay=3 * delay)
    if "spikes" in record:
        net.record([e, i, d], "spikes")
    if "V_m" in record:
        net.record([d, e[[299, 3, 64, 63]], i[60:]], "V_m", interval=dt)
        net.record(e[::50], ["I_syn_ex", "I_syn_in"], interval=3 * dt)
    if "rate" in record:
        net.record([e, i], "rate", interval=10 * dt)
    return net


def facts(sim):
    """Everything that a run can show, by name."""
    result = sim.result()
    out = {}
    for name, s in result.spikes.items():
        out[f"times of {name}"], out[f"ids of {name}"] = s.times, s.ids
    for name, traces in result.traces.items():
        out |= {f"{variable} of {name}": x for variable, x in traces.items()}
    states = {"e": ("V_m", "I_syn_ex", "I_syn_in"), "i": ("V_m", "I_syn_ex", "dI_syn_in"), "d": ("V_m",)}
    out |= {f"final {variable} of {name}": sim.get(name, variable) for name, known in states.items() for variable in known}
    return out


def run(net, pieces=(STEPS,), **settings):
    with ls.Simulation(net, **settings) as sim:
        for n in pieces:
            sim.run(n * net.dt)
        return facts(sim)


def assert_same(got, expected):
    assert got.keys() == expected.keys()
    for name, x in expected.items():
        np.testing.assert_array_equal(got[name], x, err_msg=name)


@pytest.fixture(scope="module", params=["least", "longer"])
def delay(request):
    return {"least": 0.1, "longer": 1.2}[request.param]


@pytest.fixture(scope="module", params=["float64", "float32"])
def precision(request):
    return request.param


@pytest.fixture(scope="module")
def expected(delay, precision):
    """One thread, one piece."""
    out = run(network(delay=delay), threads=1, precision=precision)
    for name in "eid":
        assert len(out[f"times of {name}"]) > 50, name  # there is something to compare
    return out


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads(delay, precision, expected, threads):
    assert_same(run(network(delay=delay), threads=threads, precision=precision), expected)


@pytest.mark.parametrize("piece", [32, 100])
def test_pieces_of_populations(delay, precision, expected, piece, monkeypatch):
    """Populations are stepped in pieces, which only large ones have several of."""
    monkeypatch.setattr(layout, "PIECE", piece)
    assert_same(run(network(delay=delay), threads=2, precision=precision), expected)


def test_there_are_several_blocks():
    """Block boundaries fall on multiples of 64 neurons, so 420 neurons make several of them."""
    with_blocks = {}
    for threads in (1, 2, 3, 8):
        engine = Engine(plan_of(network(), 1), threads)
        with_blocks[threads] = engine.machine.blocks.first.tolist()
        engine.close()
    assert with_blocks[1] == [0, 420]
    assert [len(set(with_blocks[n])) for n in (2, 3)] == [3, 4] and len(set(with_blocks[8])) > 4


@pytest.mark.parametrize("pieces", [(1,) * 20 + (180,), (7, 100, 93), (100, 100), (199, 1)], ids=str)
def test_pieces(delay, precision, expected, pieces):
    assert_same(run(network(delay=delay), pieces, threads=2, precision=precision), expected)


@pytest.mark.parametrize("longest", [1, 7, 100])
def test_slices(delay, precision, expected, longest, monkeypatch):
    monkeypatch.setattr(Engine, "longest_slice", lambda self: longest)
    assert_same(run(network(delay=delay), threads=1, precision=precision), expected)


def test_slices_cut_by_wall_time(delay, precision, expected, monkeypatch):
    """A slow machine takes shorter slices, with the same result."""
    monkeypatch.setattr(slices, "SLICE_SECONDS", 1e-9)
    assert_same(run(network(delay=delay), threads=3, precision=precision), expected)


@pytest.mark.parametrize("sizes", [(1,), (7,), (100,), (3, 64, 1, 32)], ids=str)
def test_engine_advances_in_any_steps(sizes):
    plan = plan_of(network(), 1)
    one, other = Engine(plan), Engine(plan, 3)
    expected, parts, k = one.advance(STEPS), [], 0
    while other.step < STEPS:
        parts.append(other.advance(min(sizes[k % len(sizes)], STEPS - other.step)))
        k += 1
    other.close()
    assert expected.spikes
    for name, columns in expected.spikes.items():
        np.testing.assert_array_equal(np.hstack([p.spikes[name] for p in parts]), columns)
    for i, samples in enumerate(expected.samples):
        np.testing.assert_array_equal(np.concatenate([p.samples[i] for p in parts]), samples)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_again(expected, delay, precision, threads):
    """Building draws nothing from anywhere but the seed."""
    assert_same(run(network(delay=delay), threads=threads, precision=precision, seed=1), expected)


def test_another_seed_is_another_result():
    one, other = (run(network(), seed=seed) for seed in (1, 2))
    for name in one:
        if name not in ("rate of e", "rate of i"):
            assert not np.array_equal(one[name], other[name]), name


def test_seeds_reach_to_64_bits():
    """Both words of the key count."""
    net = network(record=("V_m",))
    results = [run(net, (50,), seed=seed)["final V_m of e"] for seed in (0, 1, 2**32, 2**64 - 1)]
    assert len({x.tobytes() for x in results}) == 4


def test_recording_changes_nothing():
    """More recordings, fewer, or others: the network does the same."""
    full = run(network())
    for record in (("spikes",), ("V_m",), ("rate", "spikes"), ()):
        part = run(network(record=record))
        assert_same(part, {name: full[name] for name in part})


def test_the_order_of_recordings_does_not_matter():
    nets = network(record=()), network(record=())
    recordings = [("e", "spikes"), ("i", "spikes"), ("d", "spikes"), ("e[3:9]", "V_m"), ("d", "V_m")]
    for net, order in zip(nets, (recordings, recordings[::-1]), strict=True):
        for nodes, variable in order:
            net.record(nodes, variable, **({} if variable == "spikes" else {"interval": 0.2}))
    one, other = (run(net) for net in nets)
    assert_same(other, one)


def test_a_network_can_be_built_again():
    """A network is inert: running it leaves no trace in it."""
    net = network()
    first = run(net, seed=5)
    run(net, seed=6)
    assert_same(run(net, seed=5), first)


@pytest.mark.parametrize("dt", [0.05, 1.0])
def test_other_time_steps(dt):
    expected = run(network(dt=dt), threads=1)
    assert_same(run(network(dt=dt), (11, STEPS - 11), threads=8), expected)


def vars_of(matrix):
    return matrix.data, matrix.indices, matrix.indptr


@pytest.mark.parametrize("threads", [2, 7])
def test_targets_in_any_order(threads):
    """Views whose ids are not sorted, connected by every rule that draws, in several blocks."""

    def net():
        net = ls.Network()
        rng = np.random.default_rng(4)
        n = net.add("n", 260, "iaf_psc_exp", V_m={"uniform": [-70.0, -54.0]}, I_e=380.0)
        some = n[rng.permutation(260)[:200]]
        others = n[rng.permutation(260)[:150]]
        given = {"weight": {"normal": [15.0, 5.0]}, "delay": {"lognormal": [0.0, 0.5]}, "allow_autapses": False}
        net.connect(some, others, "fixed_total_number", N=3000, **given)
        net.connect(others, some, "fixed_indegree", indegree=120, allow_multapses=False, **given)
        net.connect(others, others, "fixed_outdegree", outdegree=9, **given)
        net.connect(net.add("p", 2, "poisson_generator", rate=[500.0, 3000.0]), others, weight={"uniform": [-20.0, 40.0]}, delay=0.3)
        net.record(n, "spikes")
        net.record(others, "V_m", interval=0.5)
        return net

    results = []
    for count in (1, threads):
        with ls.Simulation(net(), threads=count) as sim:
            sim.run(30.0)
            result = sim.result()
            matrices = [x for what in ("weight", "delay") for x in vars_of(sim.matrix("n", "n", what))]
        results.append((result.spikes["n"].times, result.spikes["n"].ids, result.traces["n"]["V_m"], *matrices))
    assert len(results[0][0]) > 100
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_share_every_population_evenly():
    """Whatever populations fire, each thread has its part of it; where rounding gives one too much, the next evens it out."""
    first, cost = [0, 1000, 1030, 5030, 5062], np.concatenate([np.full(1030, 3.0), np.full(4032, 1.0)])
    cut = shares(first, cost, 3)
    assert cut[:, 0].tolist() == first[:-1] and cut[:, -1].tolist() == first[1:]
    assert (np.diff(cut, axis=1) >= 0).all()
    sums = np.concatenate([[0.0], np.cumsum(cost)])
    work = np.diff(sums[cut], axis=1)
    for g in (0, 2):
        assert work[g] == pytest.approx(work[g].mean(), abs=3 * 64 * cost[first[g]])
    assert work.sum(axis=0) == pytest.approx(work.sum() / 3, abs=64)
    assert ((cut[:, 1:-1] - cut[:, :1]) % 64 == 0)[[0, 2]].all()
