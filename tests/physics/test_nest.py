"""Equality with NEST 3.10: the same spikes, potentials within 1e-9 mV.

`tests/data/nest.npz` holds a part of the reference results; where the whole of them lies beside the
checkout (`../shared/truth`), every sample of every variable is compared as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lifsim as ls
from lifsim.engine.reference.grid_reference import Reference
from lifsim.simulation.built_network import plan_of

ROOT = Path(__file__).parents[2]
TRUTH = ROOT.parent / "shared" / "truth"
MODELS = ("iaf_psc_delta", "iaf_psc_exp", "iaf_psc_alpha")
NETWORKS = ("exp200", "delta200", "alpha200")
TOLERANCE = 1e-9  # mV, pA


@dataclass(frozen=True)
class Given:
    """What was simulated and what came out."""

    case: dict[str, Any]
    data: dict[str, np.ndarray]


def own(kind: str) -> dict[str, Given]:
    """The cases of `kind` in the project's own file."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(Path(__file__).parents[1] / "data" / "nest.npz") as file:
        for key in file:
            group, name, what = key.split("/")
            if group == kind:
                found.setdefault(name, {})[what] = file[key]
    return {name: Given(json.loads(str(data["case"])), data) for name, data in found.items()}


def of_truth(kind: str) -> dict[str, Given]:
    """All cases of `kind`, where they are at hand."""
    index = TRUTH / f"{kind}_index.json"
    if not index.exists():
        return {}
    wanted = [e for e in json.loads(index.read_text()) if e["model"] in MODELS and not e.get("precise")]
    found = {}
    for entry in wanted:
        if kind == "single" or entry["name"] in NETWORKS:
            with np.load(TRUTH / kind / f"{entry['name']}.npz") as file:
                data = dict(file)
            found[entry["name"]] = Given(json.loads(str(data["meta"])) | entry, data)
    return found


SINGLE, NET, ALL_SINGLE, ALL_NET = own("single"), own("net"), of_truth("single"), of_truth("net")
whole_truth = pytest.mark.skipif(not ALL_SINGLE, reason="the whole reference data are not beside this checkout")


def single(case: dict[str, Any], variables: tuple[str, ...] = ("V_m",)) -> ls.Network:
    net = ls.Network(dt=case["dt"])
    n = net.add("n", 1, case["model"], **case["params"])
    for i, (time, weight, delay, number) in enumerate(case["inputs"]):
        net.connect(net.add(f"spikes{i}", 1, "spike_generator", spike_times=[time] * number), n, weight=weight, delay=delay)
    for i, (amplitude, start, stop, delay) in enumerate(case["dcgen"]):
        net.connect(net.add(f"dc{i}", 1, "dc_generator", amplitude=amplitude, start=start, stop=stop), n, delay=delay)
    net.record(n, "spikes")
    net.record(n, variables, interval=case["dt"])
    return net


@pytest.mark.parametrize("name", SINGLE)
def test_single(name):
    case, data = SINGLE[name].case, SINGLE[name].data
    result = ls.run(single(case), case["T"])
    every = case["every"]
    v = result.traces["n"]["V_m"][every - 1 :: every, 0]
    np.testing.assert_allclose(v[: len(data["V_m"])], data["V_m"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(result.spikes["n"].times, data["spikes"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", SINGLE)
def test_the_reference_too(name):
    """The plain NumPy twin against NEST: what the engine is compared with is itself right."""
    case, data = SINGLE[name].case, SINGLE[name].data
    recorded = Reference(plan_of(single(case), seed=1)).advance(round(case["T"] / case["dt"]))
    every = case["every"]
    v = recorded.samples[0][every - 1 :: every, 0]
    np.testing.assert_allclose(v[: len(data["V_m"])], data["V_m"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(recorded.spikes["n"][0] * case["dt"], data["spikes"], rtol=0, atol=1e-9)


@whole_truth
@pytest.mark.parametrize("name", ALL_SINGLE)
def test_every_sample(name):
    case, data = ALL_SINGLE[name].case, ALL_SINGLE[name].data
    variables = tuple(v for v in ("V_m", "I_syn_ex", "I_syn_in") if v in data)
    result = ls.run(single(case, variables), case["T"])
    for variable in variables:
        got = result.traces["n"][variable][: len(data["times"]), 0]
        np.testing.assert_allclose(got, data[variable], rtol=0, atol=TOLERANCE, err_msg=variable)
    np.testing.assert_allclose(result.spikes["n"].times, data["spikes"], rtol=0, atol=1e-9)


def run_net(given: Given, weight: np.ndarray, delay: np.ndarray, threads: int) -> tuple[ls.Result, np.ndarray]:
    case, data = given.case, given.data
    net = ls.Network(dt=case["dt"])
    n = net.add("n", case["N"], case["model"], **case["params"], V_m=data["V0"], I_e=data["I_e"])
    net.connect(n, n, "explicit", sources=data["src"], targets=data["tgt"], weight=weight, delay=delay)
    net.record(n, "spikes")
    net.record(n[:10], "V_m", interval=case["dt"])
    with ls.Simulation(net, threads=threads) as simulation:
        simulation.run(case["T"])
        return simulation.result(), simulation.get(n, "V_m")


def assert_same_spikes(result: ls.Result, data: dict[str, np.ndarray]) -> None:
    spikes = result.spikes["n"]
    np.testing.assert_array_equal(np.round(spikes.times / result.dt).astype(int), data["spike_step"])
    np.testing.assert_array_equal(spikes.ids, data["spike_id"])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_network(name, threads):
    data = NET[name].data
    result, v = run_net(NET[name], data["weight64"] / 64, data["delay_steps"] * NET[name].case["dt"], threads)
    assert_same_spikes(result, data)
    np.testing.assert_allclose(v, data["V_final"], rtol=0, atol=TOLERANCE)


@whole_truth
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_sample_of_a_network(name, threads):
    data = ALL_NET[name].data
    result, v = run_net(ALL_NET[name], data["weight"], data["delay"], threads)
    assert_same_spikes(result, data)
    np.testing.assert_allclose(v, data["V_final"], rtol=0, atol=TOLERANCE)
    known = ~np.isnan(data["V_rec"])  # the last sample is missing
    assert known[:, :-1].all()
    np.testing.assert_allclose(result.traces["n"]["V_m"].T[known], data["V_rec"][known], rtol=0, atol=TOLERANCE)
