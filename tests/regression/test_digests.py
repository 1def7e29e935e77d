"""Spikes of small networks, as they were when these digests were made.

A digest that changes means that results changed: then say so in CHANGELOG.md and print the new ones
with ``python tests/regression/test_digests.py``. Spike steps and ids are exact; they do not depend on
threads or processor, unless a potential comes within rounding of the threshold.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import lifsim as ls
from lifsim.simulation.built_network import plan_of

LIF = {"tau_m": 20.0, "V_th": 20.0, "V_reset": 10.0, "E_L": 0.0, "C_m": 250.0, "V_m": {"uniform": [0.0, 20.0]}}
WEIGHTS = {"iaf_psc_delta": 0.3, "iaf_psc_exp": 120.0, "iaf_psc_alpha": 60.0}
DIGESTS = {
    "iaf_psc_delta": "2f744de07e4bb4a2",
    "iaf_psc_exp": "f4ad7f8bd40c61da",
    "iaf_psc_alpha": "04cfba2de436d082",
}


def digest(model: str, threads: int) -> tuple[str, int]:
    """Hash and number of the spikes of a random network of `model`."""
    w = WEIGHTS[model]
    net = ls.Network(dt=0.1)
    exc, inh = net.add("exc", 240, model, **LIF), net.add("inh", 60, model, **LIF)
    ext = net.add("ext", 1, "poisson_generator", rate=8000.0, start=5.0)
    net.connect(ext, [exc, inh], weight=w, delay=0.5)
    net.connect(exc, [exc, inh], "fixed_indegree", indegree=24, weight={"normal": [w, 0.1 * w], "min": 0.0}, delay={"uniform": [0.3, 3.0]})
    net.connect(inh, [exc, inh], "pairwise_bernoulli", p=0.1, weight=-5 * w, delay=1.5)
    net.record([exc, inh], "spikes")
    result = ls.run(net, 200.0, seed=3, threads=threads)
    parts = [
        np.round(result.spikes[p].times * 10).astype("<i8").tobytes() + result.spikes[p].ids.astype("<i8").tobytes() for p in ("exc", "inh")
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16], sum(len(result.spikes[p].times) for p in ("exc", "inh"))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("model", DIGESTS)
def test_spikes_are_as_they_were(model: str, threads: int) -> None:
    found, number = digest(model, threads)
    assert number > 200  # a network that says something
    assert found == DIGESTS[model]


SPATIAL = "4a4b17a8bd2b706f"


def spatial_digest() -> str:
    """Hash of the sources and delays of synapses that distance decides."""
    net = ls.Network(dt=0.1)
    n = net.add("n", 1600, "iaf_psc_exp", positions={"random": True, "extent": [1.0, 1.0], "periodic": True})
    kernel, delay = {"gaussian": {"p0": 0.8, "sigma": 0.05}}, {"linear": {"base": 0.5, "per_mm": 10.0}}
    net.connect(n, n, "pairwise_bernoulli", p=kernel, delay=delay, allow_autapses=False)
    net.connect(n, n, "fixed_indegree", indegree=10, p=kernel, delay=delay)
    net.connect(n, n, "fixed_outdegree", outdegree=40, p=kernel, delay=delay, allow_multapses=False)
    arrays = [x for w in plan_of(net, 3).wirings for x in (w.ptr.astype("<i8"), w.rows.astype("<i4"), w.delay.array.astype("<i4"))]
    return hashlib.sha256(b"".join(x.tobytes() for x in arrays)).hexdigest()[:16]


def test_synapses_in_space_are_as_they_were() -> None:
    assert spatial_digest() == SPATIAL


if __name__ == "__main__":
    print("SPATIAL", spatial_digest())
    for name in DIGESTS:
        print(name, digest(name, 1))
