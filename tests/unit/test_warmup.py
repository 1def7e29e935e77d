"""What is compiled, when, and where it is kept."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
import scipy.sparse
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.engine import Engine, compiling, folders
from lifsim.engine.compiler import cache
from lifsim.engine.synapses.sampling import rule_of
from lifsim.modelfile.reader import load_with_settings
from lifsim.simulation import warmup
from lifsim.simulation.built_network import plan_of

SMALL = {"brunel": ["order=100"], "microcircuit": ["scale=0.01", "k_scale=0.01"], "spatial": ["width=0.4", "indegree=20"]}


def bare():
    net = ls.Network()
    net.add("n", 1, "iaf_psc_delta")
    return net


def full():
    """Everything that a network can hold, more than once."""
    net = ls.Network(dt=0.1)
    net.add("a", 70, "iaf_psc_delta")
    net.add("b", 5, "iaf_psc_exp")
    net.add("given", 2, "spike_generator", spike_times=[1.0, 2.0])
    net.add("drive", 3, "poisson_generator", rate=1000.0)
    net.add("rates", 1, "inhomogeneous_poisson_generator", rate_times=[1.0, 2.0], rate_values=[10.0, 20.0])
    net.add("dc", 2, "dc_generator", amplitude=1.0)
    net.add("noise", 2, "noise_generator", std=1.0)
    for source in ("given", "drive", "rates", "dc", "noise", "a", "b"):
        net.connect(source, ["a", "b"], "all_to_all", weight=0.1, delay=1.0)
    net.connect("a", "b", weight={"normal": [-0.1, 0.5]}, delay={"uniform": [0.5, 50.0]})
    net.connect("b", "a", np.arange(350.0).reshape(70, 5))
    for name in ("a", "b", "drive", "given"):
        net.record(name, "spikes")
    net.record(["a", "b"], "V_m")
    return net


def shipped(name):
    return lambda: load_with_settings(name, SMALL.get(name, []))


def programs(*nets, **settings):
    """The parts that networks need, each with the types of what it works with."""
    found = set()
    for net in nets:
        engine = Engine(plan_of(net, 1), 1, **settings)
        found |= engine.programs()
        engine.close()
    return found


def with_models(*models, **params):
    net = ls.Network()
    net.add("drive", 1, "poisson_generator", rate=1000.0)
    for i, model in enumerate(models):
        net.add(f"n{i}", 3, model, **params)
        net.connect("drive", f"n{i}")
        net.connect(f"n{i}", f"n{i}", weight=0.1)
    return net


def test_programs_add():
    """A network with several models needs what networks with one of them need, and nothing else; rules of plasticity likewise."""
    models = ["iaf_psc_exp", "iaf_psc_alpha", "iaf_cond_exp", "mat2_psc_exp"]
    assert programs(with_models(*models)) == programs(*map(with_models, models))
    plastic = {}
    for rules in (["stdp_synapse"], ["tsodyks2_synapse"], ["stdp_synapse", "tsodyks2_synapse"]):
        net = with_models("iaf_psc_exp")
        for rule in rules:
            net.connect("n0", "n0", weight=1.0, synapse=rule)
        plastic[len(rules), rules[0]] = programs(net)
    both = plastic[2, "stdp_synapse"]
    assert both == plastic[1, "stdp_synapse"] | plastic[1, "tsodyks2_synapse"]
    assert len(both - programs(with_models("iaf_psc_exp"))) == 3  # spikes of the targets, and each rule


def test_a_change_of_precision_compiles_what_depends_on_it():
    """The loop does not, nor does what only builds."""
    double, single = (programs(with_models("iaf_psc_exp"), precision=p) for p in ("float64", "float32"))
    assert {name for name, _ in double & single} == {"advance"}
    assert {name for name, _ in double ^ single} == {"step_neurons", "add_uniform_poisson", "deliver_static"}


@pytest.fixture(scope="module")
def ready():
    """What `lifsim warmup` compiles for the examples, by the storage of weights that is asked for."""
    nets = [net for _, net in warmup.examples()]
    return {weights: programs(*nets) | programs(*nets, weights=weights) for weights in ("float64", "float32")}


@pytest.mark.parametrize(
    "net", [bare, full, *map(shipped, ["brunel", "brunel_alpha", "cuba", "microcircuit", "single_neuron", "spatial", "synfire"])]
)
def test_the_examples_have_all_programs(net, ready):
    """Whatever is in a network of the basic models, it needs no code that `lifsim warmup` does not compile."""
    for weights, compiled in ready.items():
        assert programs(net(), weights=weights) <= compiled


def test_one_builder_serves_all_projections():
    """Also where numbers are given, in arrays that must not be written."""

    def locked(*shape):
        out = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        out.flags.writeable = False
        return out

    net = full()
    net.connect("b", "b", locked(5, 5))
    net.connect("b", "b", scipy.sparse.csr_array(locked(5, 5)))
    net.connect("b", "b", weight=locked(5, 5), delay=locked(5, 5))
    net.connect("b", "b", "one_to_one", weight=locked(5))
    net.connect("b", "b", "explicit", sources=locked(5).astype(int) - 1, targets=locked(5).astype(int) - 1, weight=locked(5))
    net.connect("b", "b", "fixed_indegree", indegree=2, weight=locked(5, 2), allow_multapses=False)
    net.connect("b", "b", "fixed_outdegree", outdegree=2)
    net.connect("b", "b", "fixed_total_number", N=4, weight=locked(4))
    net.connect("b", "b", "pairwise_bernoulli", p=0.5)
    net.add("c", 4, "iaf_psc_exp", positions={"grid": [2, 2]})
    net.connect("c", "c", "pairwise_bernoulli", p={"box": {"p0": 1.0, "radius": 0.6}}, weight={"gaussian": {"w0": 1.0, "sigma": 1.0}})
    net.connect("c", "c", "fixed_indegree", indegree=2, delay={"linear": {"base": 1.0, "per_mm": 1.0}})
    assert len({numba.typeof(rule_of(w)) for w in plan_of(net, 1).wirings}) == 1


def test_a_thinned_plan_is_small():
    plan = plan_of(shipped("cuba")(), 1)
    assert warmup.thinned(plan).n_synapses < 500 < plan.n_synapses
    assert Engine(warmup.thinned(plan)).weight_dtype == Engine(plan).weight_dtype


def test_warmup_says_what_it_took_and_where_it_is():
    """Once compiled it is in the cache, and a run says nothing of compiling."""
    CliRunner().invoke(main, ["warmup", "cuba"])
    outcome = CliRunner().invoke(main, ["warmup", "cuba"])
    assert outcome.exit_code == 0, outcome.output
    program, place = outcome.stdout.splitlines()
    assert program == "cuba: float64, weights float64: cached"
    assert place.startswith(f"{folders().kept}: ") and place.endswith("MB")
    events = []
    ls.run(ls.load("cuba"), 1.0, progress=lambda event, **_: events.append(event))
    assert "step" in events and "compile" not in events


def test_choices():
    assert warmup.choices_of("float32", None, False) == [("float32", None)]
    assert len(set(warmup.choices_of("float64", None, True))) == 6


def test_the_compiler_is_listened_to():
    import lifsim.engine.compiler.dispatchers  # noqa: F401  # which tell; while all code is in the cache, nothing else loads them

    code = numba.njit(lambda x: x + 1)
    told = []
    with compiling(lambda: told.append("began")) as first:
        code(1)
        code(1.0)
    with compiling(lambda: told.append("again")) as second:
        code(2)
    code(1j)  # nobody listens any more
    assert told == ["began"]
    assert (first.kernels, second.kernels) == (2, 0)
    assert first.seconds > 0 == second.seconds


@pytest.mark.parametrize("words", [["warmup"], ["warmup", "cuba", "--all"]])
def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch, words):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIFSIM_CACHE_DIR", str(tmp_path / "file"))
    done = subprocess.run([sys.executable, "-m", "lifsim", *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'file'}") and done.stderr.count("\n") == 1
    assert "LIFSIM_CACHE_DIR" in done.stderr


def test_code_that_could_not_be_kept_is_a_failure(monkeypatch):
    """What else is `lifsim warmup` for?"""
    monkeypatch.setattr(cache, "_not_kept", "/cache: No space left on device")
    outcome = CliRunner().invoke(main, ["warmup", "cuba"])
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (1, "", "error: /cache: No space left on device\n")
