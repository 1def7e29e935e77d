"""Plastic synapses against NEST 3.10, and against each rule written again, plainly, from its paper.

`tests/data/plasticity.npz` holds NEST's weights for given spikes of both sides, and a random network with synapses of
every model. Everything here is run with all models at once, so that one program is compiled for all of it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import lifsim as ls
from lifsim.engine.plasticity.plastic_layout import MODELS as IN_ORDER

NEST = Path(__file__).parents[1] / "data" / "plasticity.npz"
TRUTH = Path(__file__).parents[3] / "shared" / "truth" / "net" / "exp200_stdp.npz"
MODELS = (
    "stdp_synapse",
    "stdp_pl_synapse_hom",
    "stdp_nn_symm_synapse",
    "stdp_triplet_synapse",
    "vogels_sprekeler_synapse",
    "tsodyks2_synapse",
    "tsodyks_synapse",
)
TOLERANCE = 1e-9  # of the largest of weight and Wmax


@pytest.fixture(scope="module")
def nest():
    """NEST's results as nested tables."""
    out: dict = {}
    with np.load(NEST) as file:
        for key in file:
            here = out
            *above, last = key.split("/")
            for name in above:
                here = here.setdefault(name, {})
            here[last] = file[key]
    return out


def neuron_that_fires_at(net, name, trains, **params):
    """Neurons that fire at the given steps whatever their plastic synapses send."""
    net.add(f"drive of {name}".replace(" ", "_"), len(trains), "spike_generator", spike_times=[(np.asarray(x) - 1) * 0.1 for x in trains])
    net.add(name, len(trains), "iaf_psc_delta", t_ref=0.0, V_th=1e6, **params)
    net.connect(f"drive_of_{name}", name, "one_to_one", weight=2.0**24, delay=0.1)


def with_all_models(net, target):
    """Let there be a synapse of each model, from a source that is silent: the program is then the same for all tests."""
    net.add("silent", 1, "spike_generator")
    for model in MODELS:
        sign = -1.0 if model == "vogels_sprekeler_synapse" else 1.0
        params = {"Wmax": -1.0} if sign < 0 else {}
        net.connect("silent", target, "all_to_all", weight=sign, synapse={"model": model, **params})


# -- NEST ------------------------------------------------------------------------------------------


def test_weights_for_given_spikes(nest):
    """After each presynaptic spike, sampled at some of them: long-term models of the reference, delays 0.1 and 1 ms."""
    cases = {name: (json.loads(str(x["case"])), x) for name, x in nest["rules"].items() if "post" in x}
    net = ls.Network(dt=0.1)
    net.add("pre", len(cases), "spike_generator", spike_times=[x["pre"] * 0.1 for _, x in cases.values()], allow_offgrid_times=True)
    neuron_that_fires_at(net, "post", [x["post"] for _, x in cases.values()], tau_minus=[case["tau_minus"] for case, _ in cases.values()])
    for i, (case, _) in enumerate(cases.values()):
        params = {k: v for k, v in case["params"].items() if k != "weight"}
        synapse = {"model": case["model"], **params}
        net.connect(f"pre[{i}]", f"post[{i}]", weight=case["params"]["weight"], delay=case["delay"], synapse=synapse)
    with_all_models(net, "post")
    net.record_weights("pre", "post", events=True)
    last = max(x["pre"][-1] for _, x in cases.values())
    with ls.Simulation(net, threads=1) as sim:
        for until in np.linspace(last / 12, last, 12).round().astype(int):
            sim.run((until - sim.step) * 0.1)
            got = sim.matrix("pre", "post").diagonal()
            for (name, (case, x)), w in zip(cases.items(), got, strict=True):
                seen = np.searchsorted(x["pre"], until, side="right")
                expected = x["weights"][seen - 1] if seen else case["params"]["weight"]
                scale = max(abs(expected), case["params"].get("Wmax", case["params"]["weight"]))
                assert w == pytest.approx(expected, rel=0, abs=TOLERANCE * scale), (name, until)
        sim.run(2.0)  # until the last spikes have arrived
        events = sim.result().weight_events["post"]["weight_events_from_pre"]
    for i, (case, x) in enumerate(cases.values()):
        own = events.senders == i
        assert np.array_equal(np.round(events.times[own] / 0.1), x["pre"]) and (events.targets[own] == i).all()
        scale = max(np.abs(x["weights"]).max(), case["params"].get("Wmax", case["params"]["weight"]))
        np.testing.assert_allclose(events.weights[own], x["weights"], rtol=0, atol=TOLERANCE * scale)


def test_between_parrots(nest):
    """As NEST's own tests do it: both sides are parrots, and what the synapse sends to receptor 1 goes no further."""
    cases = {name: (json.loads(str(x["case"])), x) for name, x in nest["rules"].items() if "post" in x}
    net = ls.Network(dt=0.1)
    for side in ("pre", "post"):
        taus = {"tau_minus": [case["tau_minus"] for case, _ in cases.values()]} if side == "post" else {}
        net.add(side, len(cases), "parrot_neuron", **taus)
        net.add(f"to_{side}", len(cases), "spike_generator", spike_times=[(x[side] - 10) * 0.1 for _, x in cases.values()])
        net.connect(f"to_{side}", side, "one_to_one", weight=-7.0, delay=1.0)
    for i, (case, _) in enumerate(cases.values()):
        params = {k: v for k, v in case["params"].items() if k != "weight"}
        synapse = {"model": case["model"], **params}
        weight, delay = case["params"]["weight"], case["delay"]
        net.connect(f"pre[{i}]", f"post[{i}]", weight=weight, delay=delay, synapse=synapse, receptor_type=1)
    with_all_models(net, "post")
    net.record("post", "spikes")
    with ls.Simulation(net, threads=1) as sim:
        sim.run((max(x["pre"][-1] for _, x in cases.values()) + 20) * 0.1)
        weights, spikes = sim.matrix("pre", "post").diagonal(), sim.result().spikes["post"]
    for i, (case, x) in enumerate(cases.values()):
        scale = max(abs(x["weights"][-1]), case["params"].get("Wmax", case["params"]["weight"]))
        assert weights[i] == pytest.approx(x["weights"][-1], rel=0, abs=TOLERANCE * scale)
        np.testing.assert_array_equal(np.round(spikes.times[spikes.ids == i] / 0.1), x["post"])


def test_what_short_term_synapses_send(nest):
    """The jumps of the synaptic current."""
    cases = {name: (json.loads(str(x["case"])), x) for name, x in nest["rules"].items() if "post" not in x}
    net = ls.Network(dt=0.1)
    net.add("pre", len(cases), "spike_generator", spike_times=[x["pre"] * 0.1 for _, x in cases.values()], allow_offgrid_times=True)
    net.add("post", len(cases), "iaf_psc_exp", V_th=1e6)
    for i, (case, _) in enumerate(cases.values()):
        params = {k: v for k, v in case["params"].items() if k != "weight"}
        net.connect(f"pre[{i}]", f"post[{i}]", weight=case["params"]["weight"], delay=1.0, synapse={"model": case["model"], **params})
    with_all_models(net, "post")
    net.record("post", "I_syn_ex", interval=0.1)
    current = ls.run(net, 700.0, threads=1).traces["post"]["I_syn_ex"]
    assert len(cases) == 4
    for i, (case, x) in enumerate(cases.values()):
        at = x["pre"] + 9  # 10 steps of delay; row k is of step k + 1
        sent = current[at, i] - current[at - 1, i] * math.exp(-0.1 / 2.0)
        np.testing.assert_allclose(sent, x["weights"], rtol=0, atol=TOLERANCE * case["params"]["weight"])


def test_a_network_with_synapses_of_every_model(nest):
    """Delays from 0.1 to 3 ms, parameters of each synapse and neuron, bursts: the same spikes, the same weights."""
    given = nest["net"]
    net = ls.Network(dt=0.1)
    drive, neuron = given["drive"], given["neuron"]
    n = len(neuron["V_m"])
    net.add("n", n, "iaf_psc_exp", **neuron)
    net.add("drive", n, "spike_generator", spike_times=drive["step"] * 0.1, spike_ids=drive["id"].astype(float), allow_offgrid_times=True)
    net.connect("drive", "n", "one_to_one", weight=2000.0, delay=0.1)
    models = {name: x for name, x in given.items() if name.endswith(("synapse", "hom"))}
    for name, x in models.items():
        params = {k.removeprefix("param "): (v if v.ndim else float(v)) for k, v in x.items() if k.startswith("param ")}
        ends = {"sources": x["source"].astype(int), "targets": x["target"].astype(int)}
        net.connect("n", "n", "explicit", **ends, weight=x["weight"], delay=x["delay"], synapse={"model": name, **params})
    net.record("n", "spikes")
    with ls.Simulation(net, threads=1) as sim:
        sim.run(600.0)
        spikes, got = sim.result().spikes["n"], sim.matrix("n", "n").tocoo()
    assert np.array_equal(np.round(spikes.times / 0.1), given["spikes"]["step"])
    assert np.array_equal(spikes.ids, given["spikes"]["id"])
    joined = [np.concatenate([x[key] for x in models.values()]) for key in ("source", "target", "final")]
    order, own = np.lexsort(joined[::-1]), np.lexsort((got.data, got.row, got.col))
    assert np.array_equal(got.col[own], joined[0][order]) and np.array_equal(got.row[own], joined[1][order])
    np.testing.assert_allclose(got.data[own], joined[2][order], rtol=0, atol=TOLERANCE * 100)
    changed = {name: np.abs(x["final"] - x["weight"]).max() for name, x in models.items()}
    assert all(d > 10 for name, d in changed.items() if not name.startswith("tsodyks"))


@pytest.mark.skipif(not TRUTH.exists(), reason="needs the whole of the reference results")
def test_a_network_of_200_neurons():
    entry = next(x for x in json.loads((TRUTH.parents[1] / "net_index.json").read_text()) if x["name"] == TRUTH.stem)
    with np.load(TRUTH) as file:
        data = dict(file)
    net = ls.Network(dt=0.1)
    net.add("n", 200, "iaf_psc_exp", V_m=data["V0"], I_e=data["I_e"], **entry["params"])
    plastic = data["plastic"].astype(bool)
    for own, synapse in ((~plastic, "static_synapse"), (plastic, {"model": "stdp_synapse", **entry["synp"]})):
        ends = {"sources": data["src"][own], "targets": data["tgt"][own]}
        net.connect("n", "n", "explicit", **ends, weight=data["weight"][own], delay=data["delay"][own], synapse=synapse)
    with_all_models(net, "n")
    net.record("n", "spikes")
    with ls.Simulation(net, threads=2) as sim:
        sim.run(entry["T"])
        spikes, weights = sim.result().spikes["n"], sim.matrix("n", "n").tocsr()
    assert np.array_equal(np.round(spikes.times / 0.1), data["spike_step"]) and np.array_equal(spikes.ids, data["spike_id"])
    source, target, expected = data["w_final"]
    np.testing.assert_allclose(weights[target.astype(int), source.astype(int)], expected, rtol=1e-9, atol=0)


# -- the papers ------------------------------------------------------------------------------------


def trace(spikes, t, tau, nearest=False):
    """Σ exp(-(t - s)/tau) over the spikes s before t; of the last one only in the nearest-neighbour scheme."""
    before = [s for s in spikes if s < t]
    return sum(math.exp(-(t - s) / tau) for s in (before[-1:] if nearest else before))


def pairs(weight, pre, post, up, down):
    """Go through both trains in order of time: `up(w, t)` at a postsynaptic spike, `down(w, t)` at a presynaptic one, which
    comes after a postsynaptic one of the same time.
    """
    for t, is_pre in sorted([(t, False) for t in post] + [(t, True) for t in pre]):
        if is_pre or t <= pre[-1]:  # what comes later, no presynaptic spike has seen
            weight = down(weight, t) if is_pre else up(weight, t)
    return weight


def stdp(p, weight, pre, post, tau_minus, nearest=False):
    """Gütig et al. 2003, equations 1 to 4, with w = 0 … Wmax."""
    W, a, before = p["Wmax"], p["lambda"], [0.0, *pre] if nearest else pre

    def up(w, t):
        return min(w + W * a * (1 - w / W) ** p["mu_plus"] * trace(before, t, p["tau_plus"], nearest), W)

    def down(w, t):
        return max(w - W * a * p["alpha"] * (w / W) ** p["mu_minus"] * trace(post, t, tau_minus, nearest), 0.0)

    return pairs(weight, pre, post, up, down)


def power_law(p, weight, pre, post, tau_minus):
    """Morrison et al. 2007, equation 8, w in units of its reference weight."""

    def up(w, t):
        return w + p["lambda"] * w ** p["mu"] * trace(pre, t, p["tau_plus"])

    return pairs(weight, pre, post, up, lambda w, t: max(w - p["lambda"] * p["alpha"] * w * trace(post, t, tau_minus), 0.0))


def triplets(p, weight, pre, post, tau_minus):
    """Pfister and Gerstner 2006, equations 3 and 4; tau_minus_triplet is 110 ms."""

    def up(w, t):
        return min(w + trace(pre, t, p["tau_plus"]) * (p["Aplus"] + p["Aplus_triplet"] * trace(post, t, 110.0)), p["Wmax"])

    def down(w, t):
        slow = trace(pre, t, p["tau_plus_triplet"])
        return max(w - trace(post, t, tau_minus) * (p["Aminus"] + p["Aminus_triplet"] * slow), 0.0)

    return pairs(weight, pre, post, up, down)


def symmetric(p, weight, pre, post, tau_minus):
    """Vogels et al. 2011, equations 4 and 5 of the supplement, on the size of the weight."""

    def down(w, t):
        return max(min(w + p["eta"] * trace(post, t, tau_minus), -p["Wmax"]) - p["eta"] * p["alpha"], 0.0)

    return -pairs(-weight, pre, post, lambda w, t: min(w + p["eta"] * trace(pre, t, p["tau"]), -p["Wmax"]), down)


RULES = {
    "stdp_synapse": (stdp, 30.0, {"lambda": 0.05, "alpha": 0.9, "mu_plus": 0.7, "mu_minus": 0.3, "Wmax": 80.0, "tau_plus": 15.0}),
    "stdp_pl_synapse_hom": (power_law, 40.0, {"lambda": 0.3, "alpha": 0.05, "mu": 0.6, "tau_plus": 15.0}),
    "stdp_nn_symm_synapse": (
        lambda *given: stdp(*given, nearest=True),
        30.0,
        {"lambda": 0.05, "alpha": 0.9, "mu_plus": 0.0, "mu_minus": 1.0, "Wmax": 80.0, "tau_plus": 15.0},
    ),
    "stdp_triplet_synapse": (
        triplets,
        30.0,
        {
            "Aplus": 0.5,
            "Aminus": 1.0,
            "Aplus_triplet": 1.0,
            "Aminus_triplet": 0.3,
            "Wmax": 80.0,
            "tau_plus": 16.8,
            "tau_plus_triplet": 90.0,
        },
    ),
    "vogels_sprekeler_synapse": (symmetric, -10.0, {"eta": 2.0, "alpha": 0.3, "tau": 20.0, "Wmax": -60.0}),
}


@pytest.mark.parametrize("delay", [2, 9])
def test_rules_as_in_their_papers(delay):
    """Random trains with bursts and coinciding spikes. The delay is dendritic: postsynaptic spikes are seen that much later.

    More spikes of the target between two of the source than are looked at in rounds are among it.
    """
    rng = np.random.default_rng(delay)
    n = 6
    pre = [np.unique(rng.integers(20, 6000, 40)) for _ in range(n)]
    post = [np.unique(np.concatenate([rng.integers(20, 6000, 40), x[::5] - delay, np.arange(3000, 3400, 4)])) for x in pre]
    pre[0] = pre[0][(pre[0] < 2900) | (pre[0] > 3500)]
    net = ls.Network(dt=0.1)
    net.add("pre", n, "spike_generator", spike_times=[x * 0.1 for x in pre], allow_offgrid_times=True)
    neuron_that_fires_at(net, "post", post, tau_minus=25.0)
    with_all_models(net, "post")
    for model, (_, weight, params) in RULES.items():
        net.connect("pre", "post", "one_to_one", weight=weight, delay=delay * 0.1, synapse={"model": model, **params})
    with ls.Simulation(net, threads=1) as sim:
        sim.run(620.0)
        got = sim.matrix("pre", "post").tocoo()
    for i in range(n):
        seen = [(x + delay) * 0.1 for x in post[i]]
        by_model = {name: rule(p, w, [x * 0.1 for x in pre[i]], seen, 25.0) for name, (rule, w, p) in RULES.items()}
        expected = [by_model[name] for name in sorted(RULES, key=list(IN_ORDER).index)]  # the order of the synapses of a pair
        np.testing.assert_allclose(got.data[got.col == i], expected, rtol=0, atol=TOLERANCE * 80)


def test_a_spike_before_the_first_presynaptic_one_pairs_with_time_0():
    """The nearest-neighbour rule as in NEST's code, not as in NEST's own test; every other rule leaves such a spike unpaired.

    A postsynaptic spike at 19 ms, seen at 20 ms; the first presynaptic one at 30 ms: w/Wmax + lambda exp(-20/tau_plus), then
    depression by exp(-10/tau_minus). (NEST's data for given spikes, of which some come first, have it too.)
    """
    net = ls.Network(dt=0.1)
    net.add("pre", 1, "spike_generator", spike_times=[30.0])
    neuron_that_fires_at(net, "post", [[190]], tau_minus=30.0)
    with_all_models(net, "post")
    params = {"lambda": 0.05, "alpha": 0.9, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": 80.0, "tau_plus": 15.0}
    for model in ("stdp_synapse", "stdp_nn_symm_synapse"):
        net.connect("pre", "post", weight=30.0, delay=1.0, synapse={"model": model, **params})
    with ls.Simulation(net, threads=1) as sim:
        sim.run(40.0)
        got = sim.matrix("pre", "post").data
    without = 30.0 - 80.0 * 0.05 * 0.9 * math.exp(-10 / 30)
    np.testing.assert_allclose(got, [without, without + 80.0 * 0.05 * math.exp(-20 / 15)], rtol=1e-12)


def test_depression_by_a_pair_in_closed_form():
    """A presynaptic spike 10 ms after a postsynaptic one: Δw = -alpha lambda w exp(-10/tau_minus) (power law)."""
    net = ls.Network(dt=0.1)
    net.add("pre", 1, "spike_generator", spike_times=[30.0])
    neuron_that_fires_at(net, "post", [[190]], tau_minus=30.0)  # seen at 20 ms
    with_all_models(net, "post")
    net.connect("pre", "post", weight=45.0, delay=1.0, synapse={"model": "stdp_pl_synapse_hom", "lambda": 0.1, "alpha": 0.05})
    with ls.Simulation(net, threads=1) as sim:
        sim.run(40.0)
        assert sim.matrix("pre", "post").data[0] == pytest.approx(45.0 * (1 - 0.005 * math.exp(-10 / 30)), rel=1e-12)
