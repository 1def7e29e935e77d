"""What newcomers from NEST, PyNN, Brian2, scikit-learn, Keras and PyTorch type, and what they get: the right call, or its name."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

import lifsim as ls
from lifsim.ann import Classifier, Regressor, SpikingClassifier
from lifsim.ann import synonyms as ann_synonyms
from lifsim.cli.main import main
from lifsim.common import missing
from lifsim.modelfile import key_synonyms, toml
from lifsim.modelfile.paths import paths_of
from lifsim.modelfile.schema import PopulationTable, ProjectionTable, RecordTable, RunTable
from lifsim.network import MODELS, SYNAPSES, parameter_synonyms, synonyms
from lifsim.network.rules import RULES


@pytest.fixture
def net() -> ls.Network:
    net = ls.Network(duration=20.0)
    net.add("ext", 1, "poisson_generator", rate=100.0)
    net.add("exc", 8, "iaf_psc_exp")
    net.add("inh", 4, "iaf_cond_exp")
    net.add("mat", 2, "mat2_psc_exp")
    return net


def refused(call: Any, *pieces: str, error: type[Exception] = ls.LifsimError) -> None:
    with pytest.raises(error) as caught:
        call()
    for piece in pieces:
        assert piece in str(caught.value)


def same_synapses(net: ls.Network, other: ls.Network, ends: tuple[str, str] = ("exc", "exc")) -> None:
    a, b = (ls.Simulation(n).matrix(*ends).toarray() for n in (net, other))
    assert a.any()
    np.testing.assert_array_equal(a, b)


# -- recorders -----------------------------------------------------------------------------------

RECORDED = {
    "spike_recorder": 'net.record("exc", "spikes")',
    "spike_detector": 'net.record("exc", "spikes")',
    "SpikeMonitor": 'net.record("exc", "spikes")',
    "voltmeter": 'net.record("exc", "V_m", interval=1.0)',
    "multimeter": 'net.record("exc", "V_m", interval=1.0)',
    "StateMonitor": 'net.record("exc", "V_m", interval=1.0)',
    "PopulationRateMonitor": 'net.record("exc", "rate", interval=1.0)',
    "weight_recorder": "net.record_weights(SOURCE, TARGET, interval=1.0)",
}


@pytest.mark.parametrize(("word", "call"), RECORDED.items())
def test_recorders(net, word, call):
    refused(lambda: net.add("r", 1, word), f"populations.r.model: there is no model '{word}'", call)
    refused(lambda: net.connect("exc", word), f"projections[0].target: there is no population '{word}'", call)
    refused(lambda: net.connect(word, "exc"), "projections[0].source", call)
    if "SOURCE" not in call:
        eval(call, {"net": net})  # what the message says works
        assert len(net.recordings) == 1


def test_recorders_with_parameters(net):
    refused(
        lambda: net.add("mm", 1, "multimeter", interval=0.1, record_from=["V_m", "I_syn_ex"]),
        'net.record("exc", ["V_m", "I_syn_ex"], interval=0.1)',
    )
    refused(lambda: ls.Network().add("sr", 1, "spike_recorder"), 'net.record(POPULATION, "spikes")')


def test_recorders_in_model_files():
    text = """
[populations.e]
n = 2
model = "iaf_psc_exp"
[populations.mm]
n = 1
model = "multimeter"
params = { interval = 0.5, record_from = ["V_m"] }
[[projections]]
source = "mm"
target = "e"
[[projections]]
source = "e"
target = "spike_recorder"
"""
    with pytest.raises(ls.ModelError) as caught:
        ls.load(_file(text))
    said = {p.where: p.allowed for p in caught.value.problems}
    assert said == {
        "populations.mm.model": "recordings are not populations: write a table [[record]] with "
        'populations = "e", variable = ["V_m"], interval = 0.5',
        "projections[1].target": 'recordings are not populations: write a table [[record]] with populations = "e", variable = "spikes"',
    }
    fixed = re.sub(r"\[populations\.mm\].*", "", text, flags=re.DOTALL)
    for allowed in said.values():
        entries = re.split(r", (?=\w+ = )", allowed.split(" with ")[1])
        fixed += "\n".join(["[[record]]", *entries]) + "\n"
    assert len(ls.load(_file(fixed)).recordings) == 2


def _file(text: str) -> Path:
    path = Path("model.toml")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# -- connections as in NEST ----------------------------------------------------------------------

# arguments in NEST's form → the same in lifsim's
NEST = {
    "rule": (
        lambda n: n.connect("exc", "exc", {"rule": "fixed_indegree", "indegree": 3}, weight=2.0),
        lambda n: n.connect("exc", "exc", "fixed_indegree", indegree=3, weight=2.0),
    ),
    "flags": (
        lambda n: n.connect("exc", "exc", {"rule": "fixed_total_number", "N": 9, "allow_autapses": False, "allow_multapses": False}),
        lambda n: n.connect("exc", "exc", "fixed_total_number", N=9, allow_autapses=False, allow_multapses=False),
    ),
    "both dictionaries": (
        lambda n: n.connect("exc", "exc", {"rule": "pairwise_bernoulli", "p": 0.5}, {"weight": 3.0, "delay": 1.5}),
        lambda n: n.connect("exc", "exc", "pairwise_bernoulli", p=0.5, weight=3.0, delay=1.5),
    ),
    "by name": (
        lambda n: n.connect("exc", "exc", conn_spec={"rule": "fixed_outdegree", "outdegree": 2}, syn_spec={"weight": 4.0}),
        lambda n: n.connect("exc", "exc", "fixed_outdegree", outdegree=2, weight=4.0),
    ),
    "names alone": (
        lambda n: n.connect("exc", "exc", conn_spec="one_to_one", syn_spec="static_synapse"),
        lambda n: n.connect("exc", "exc", "one_to_one"),
    ),
    "no rule": (lambda n: n.connect("exc", "exc", {}, {"weight": 5.0}), lambda n: n.connect("exc", "exc", weight=5.0)),
    "weights of each synapse": (
        lambda n: n.connect("exc", "exc", {"rule": "one_to_one"}, {"weight": np.arange(1.0, 9.0)}),
        lambda n: n.connect("exc", "exc", "one_to_one", weight=np.arange(1.0, 9.0)),
    ),
    "a matrix": (
        lambda n: n.connect("exc", "exc", scipy.sparse.dok_array(np.eye(8)), {"delay": 2.0}),
        lambda n: n.connect("exc", "exc", np.eye(8), delay=2.0),
    ),
    "lists": (
        lambda n: n.connect(["exc"], ["exc"], {"rule": "fixed_indegree", "indegree": [[2]]}, {"weight": [[6.0]]}),
        lambda n: n.connect("exc", "exc", "fixed_indegree", indegree=2, weight=6.0),
    ),
}


@pytest.mark.parametrize(("nest", "own"), NEST.values(), ids=NEST)
def test_dictionaries_of_nest(net, nest, own):
    other = copy.deepcopy(net)
    (a,), (b,) = nest(net), own(other)
    assert (a.rule, a.allow_autapses, a.allow_multapses, a.delay) == (b.rule, b.allow_autapses, b.allow_multapses, b.delay)
    same_synapses(net, other)


SYN = {"synapse_model": "stdp_synapse", "weight": 2.0, "delay": 1.5, "alpha": 1.1, "Wmax": 10.0}


@pytest.mark.parametrize(
    "connect",
    [
        lambda n: n.connect("exc", "exc", "one_to_one", SYN),
        lambda n: n.connect("exc", "exc", "one_to_one", synapse=SYN),
        lambda n: n.connect(
            "exc", "exc", "one_to_one", {"model": "stdp_synapse", **{k: x for k, x in SYN.items() if k != "synapse_model"}}
        ),
    ],
)
def test_synapses_of_nest(net, connect):
    (found,) = connect(net)
    assert found.synapse is not None and found.synapse.model.name == "stdp_synapse"
    assert (found.weight, found.delay, found.synapse.params) == (2.0, 1.5, {"alpha": 1.1, "Wmax": 10.0})
    net.save("net.toml")
    again = ls.load("net.toml").projections[0]
    assert (again.weight, again.delay, again.synapse.params) == (2.0, 1.5, {"alpha": 1.1, "Wmax": 10.0})
    assert SYN == {"synapse_model": "stdp_synapse", "weight": 2.0, "delay": 1.5, "alpha": 1.1, "Wmax": 10.0}, "the caller's"


def test_receptor_types_of_nest():
    net = ls.Network()
    net.add("m", 2, "iaf_psc_exp_multisynapse", tau_syn=[2.0, 5.0])
    (found,) = net.connect("m", "m", "one_to_one", {"receptor_type": 2})
    assert found.receptor_type == 2


WRONG = {
    "p twice": (lambda n: n.connect("exc", "exc", {"rule": "pairwise_bernoulli", "p": 0.1}, p=0.2), "projections[0].p: given twice"),
    "weight twice": (lambda n: n.connect("exc", "exc", "one_to_one", {"weight": 1.0}, weight=2.0), "projections[0].weight: given twice"),
    "flag twice": (
        lambda n: n.connect("exc", "exc", {"rule": "one_to_one", "allow_autapses": True}, allow_autapses=False),
        "allow_autapses: given twice",
    ),
    "two rules": (lambda n: n.connect("exc", "exc", "one_to_one", conn_spec="all_to_all"), "conn_spec: given together with a rule"),
    "two synapses": (lambda n: n.connect("exc", "exc", "one_to_one", {"weight": 1.0}, synapse=SYN), "syn_spec: given together with"),
    "two models": (lambda n: n.connect("exc", "exc", "one_to_one", {**SYN, "model": "x"}), "has both synapse_model and model"),
    "a number": (lambda n: n.connect("exc", "exc", "one_to_one", 0.1), "syn_spec: 0.1; expected a synapse model or a dictionary"),
    "several": (lambda n: n.connect("exc", "exc", "one_to_one", [{}, {}]), "call connect once for each"),
    "keys": (lambda n: n.connect("exc", "exc", {1: 2}), "rule: a dictionary with the key 1; expected names"),
    "rule of the dictionary": (lambda n: n.connect("exc", "exc", {"rule": "fixed_indgree"}), "did you mean 'fixed_indegree'?"),
    "parameters of static synapses": (
        lambda n: n.connect("exc", "exc", "one_to_one", {"alpha": 1.0}),
        "synapse.alpha: static_synapse has no such parameter",
    ),
    "mask": (
        lambda n: n.connect("exc", "exc", {"rule": "pairwise_bernoulli", "p": 0.1, "mask": {"circular": {"radius": 0.3}}}),
        '"max_distance"',
    ),
    "make_symmetric": (lambda n: n.connect("exc", "exc", {"rule": "one_to_one", "make_symmetric": True}), "a second call of connect"),
    "p without its rule": (
        lambda n: n.connect("exc", "exc", p=0.1),
        "all_to_all has no parameter 'p'; it belongs to the rule pairwise_bernoulli",
    ),
    "tau_minus": (
        lambda n: n.connect("exc", "exc", synapse={"model": "stdp_synapse", "tau_minus": 20.0}),
        "a parameter of the target neurons",
    ),
    "weight in synapse": (lambda n: n.connect("exc", "exc", synapse={"model": "stdp_synapse", "weight": 1.0}), "an argument of connect"),
}


@pytest.mark.parametrize(("call", "said"), WRONG.values(), ids=WRONG)
def test_dictionaries_that_are_refused(net, call, said):
    before = len(net.projections)
    refused(lambda: call(net), said)
    assert len(net.projections) == before


def test_rules_of_nest_in_model_files():
    with pytest.raises(ls.ModelError) as caught:
        ls.load(
            _file('[populations.e]\nn = 2\nmodel = "iaf_psc_exp"\n[[projections]]\nsource = "e"\ntarget = "e"\n'
            'rule = { rule = "fixed_indegree", indegree = 1 }\nsyn_spec = { weight = 1.0 }\n')
        )  # fmt: skip
    assert [p.where for p in caught.value.problems] == ["projections[0].rule", "projections[0].syn_spec"]
    assert 'rule = "fixed_indegree", indegree = 1' in str(caught.value)


# -- parameters, models, rules, synapses -----------------------------------------------------------

PARAMETERS = [
    # PyNN
    ("iaf_psc_exp", "v_rest", "write E_L (in mV)"),
    ("iaf_psc_exp", "cm", "write C_m (in pF; 1 nF = 1000 pF)"),
    ("iaf_psc_exp", "tau_refrac", "write t_ref (in ms)"),
    ("iaf_psc_exp", "tau_syn_E", "write tau_syn_ex (in ms)"),
    ("iaf_psc_exp", "tau_syn_I", "write tau_syn_in (in ms)"),
    ("iaf_psc_exp", "v_thresh", "write V_th (in mV)"),
    ("iaf_psc_exp", "v_reset", "write V_reset (in mV)"),
    ("iaf_psc_exp", "i_offset", "write I_e (in pA; 1 nA = 1000 pA)"),
    ("iaf_cond_exp", "e_rev_E", "write E_ex (in mV)"),
    ("iaf_cond_exp", "e_rev_I", "write E_in (in mV)"),
    ("poisson_generator", "duration", "write stop (in ms; start plus the duration)"),
    # NEST
    ("iaf_psc_exp", "V_reset_", "write V_reset (in mV)"),
    ("iaf_psc_exp", "g_L", "write tau_m (ms), which is C_m / g_L"),
    ("iaf_cond_exp", "tau_m", "write g_L (nS), which is C_m / tau_m"),
    ("iaf_psc_exp", "tau_syn", "write tau_syn_ex (in ms) and tau_syn_in (in ms)"),
    ("mat2_psc_exp", "V_th", "write omega (in mV)"),
    ("iaf_psc_exp_multisynapse", "tau_s", "write tau_syn (in ms)"),
    # Brian2 and papers
    ("iaf_psc_exp", "tau", "write tau_m (in ms)"),
    ("iaf_psc_exp", "threshold", "write V_th (in mV)"),
    ("iaf_psc_exp", "reset", "write V_reset (in mV)"),
    ("iaf_psc_exp", "refractory", "write t_ref (in ms)"),
    ("iaf_psc_exp", "v", "write V_m (in mV)"),
    ("iaf_psc_exp", "R", "write C_m (pF), which is tau_m (ms) / R (Gohm)"),
    ("iaf_cond_exp", "gl", "write g_L (in nS; 1 uS = 1000 nS)"),
    ("dc_generator", "I", "write amplitude (in pA; 1 nA = 1000 pA)"),
    ("spike_generator", "times", "write spike_times (in ms)"),
    ("poisson_generator", "rates", "write rate (in Hz)"),
    # misspelt
    ("iaf_psc_exp", "tau_mm", "did you mean 'tau_m'?"),
]


@pytest.mark.parametrize(("model", "word", "said"), PARAMETERS)
def test_parameters(model, word, said):
    refused(lambda: ls.Network().add("n", 1, model, **{word: 1.0}), f"populations.n.{word}: {model} has no such parameter; {said}")


def test_parameters_in_the_tables_of_model_files():
    with pytest.raises(ls.ModelError) as caught:
        ls.load(_file('[populations.e]\nn = 2\nmodel = "iaf_psc_exp"\nparams = { v_init = 1.0, cm = 1.0 }\ninitial = { tau = 2.0 }\n'))
    said = {p.where.rpartition(".")[2]: p.allowed for p in caught.value.problems}
    assert said == {
        "v_init": "write V_m (in mV) in initial",
        "cm": "write C_m (in pF; 1 nF = 1000 pF)",
        "tau": "write tau_m (in ms) in params",
    }


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("IF_curr_exp", "write iaf_psc_exp"),
        ("IF_cond_exp", "write iaf_cond_exp"),
        ("SpikeSourcePoisson", "write poisson_generator"),
        ("PoissonGroup", "write poisson_generator"),
        ("SpikeGeneratorGroup", "write spike_generator"),
        ("aeif_cond_exp", "leaky integrate-and-fire; the nearest: iaf_cond_exp_sfa_rr"),
        ("Izhikevich", "leaky integrate-and-fire; the nearest: iaf_cond_exp_sfa_rr"),
        ("iaf_cond_beta", "the nearest: iaf_cond_alpha"),
        ("iaf_psc_alpha_multisynapse", "the nearest: iaf_psc_exp_multisynapse"),
        ("hh_psc_alpha", "the nearest: iaf_cond_exp"),
        ("iaf_psc_ex", "did you mean 'iaf_psc_exp'?"),
    ],
)
def test_models(word, said):
    refused(lambda: ls.Network().add("n", 1, word), f"populations.n.model: there is no model '{word}'; ", said)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("AllToAllConnector", "write all_to_all"),
        ("FixedProbabilityConnector", "write pairwise_bernoulli with p"),
        ("symmetric_pairwise_bernoulli", "write pairwise_bernoulli"),
        ("random_convergent", "write fixed_indegree"),
        ("fixed_indgree", "did you mean 'fixed_indegree'?"),
    ],
)
def test_rules(net, word, said):
    refused(lambda: net.connect("exc", "exc", word), f"rule: there is no rule '{word}'; {said}")


@pytest.mark.parametrize(
    ("word", "said"),
    [("stdp", "write stdp_synapse"), ("stdp_synapse_hpc", "write stdp_synapse"), ("static_synapse_hom_w", "write static_synapse")],
)
def test_synapse_models(net, word, said):
    refused(lambda: net.connect("exc", "exc", synapse=word), f"there is no synapse model '{word}'; {said}")


@pytest.mark.parametrize(
    ("population", "word", "said"),
    [
        ("exc", "v", "write V_m"),
        ("exc", "spike", "write spikes"),
        ("exc", "I_syn_e", "did you mean"),
        ("inh", "gsyn_exc", "write g_ex"),
        ("exc", "weight", "net.record_weights"),
    ],
)
def test_variables(net, population, word, said):
    refused(lambda: net.record(population, word), f"({population}) has no variable '{word}' to record; ", said)


def test_every_name_that_a_hint_gives_exists():
    known = {p.name for m in MODELS.values() for p in m.parameters + m.states}
    assert {name for names in parameter_synonyms._PARAMETERS.values() for name in names[0]} <= known
    assert {name for name, _ in synonyms._MODELS.values()} <= set(MODELS)
    assert {re.split(r"\W", name)[0] for name in synonyms._ABSENT.values()} <= set(MODELS)
    assert {re.split(r"\W", x)[0] for x in synonyms._RULES.values()} <= {*RULES, "a"}
    assert {re.split(r"\W", x)[0] for x in synonyms._SYNAPSES.values()} <= set(SYNAPSES)
    arguments = {*inspect.signature(ls.Network.connect).parameters, *(n for names in RULES.values() for n in names), "a", "the"}
    assert {re.split(r"\W", x)[0] for x in synonyms._ARGUMENTS.values()} <= arguments
    for table, words in ((RunTable, key_synonyms._RUN), (PopulationTable, key_synonyms._POPULATION), (RecordTable, key_synonyms._RECORD)):
        assert {re.split(r"\W", x)[0] for x in words.values()} <= {*table.model_fields, "the"}
    assert {re.split(r"\W", x)[0] for x in key_synonyms._PROJECTION.values()} <= set(ProjectionTable.model_fields)
    own = {name for kind in (Classifier, SpikingClassifier) for name in kind.parameter_names()} | {"validation"}
    assert set(ann_synonyms._PARAMETERS.values()) <= own


def test_no_synonym_hides_a_name():
    assert not set(synonyms._MODELS) & set(MODELS)
    assert not set(synonyms._RULES) & set(RULES)
    assert not set(synonyms._SYNAPSES) & set(SYNAPSES)
    own = {name for kind in (Classifier, SpikingClassifier) for name in kind.parameter_names()}
    assert not set(ann_synonyms._PARAMETERS) & own and not set(ann_synonyms._EXPLAINED) & own


# -- populations and values ------------------------------------------------------------------------


def test_sums_of_populations(net):
    exc, inh = net.populations["exc"], net.populations["inh"]
    for call in (lambda: exc + inh, lambda: exc[:3] + inh, lambda: exc + inh[:2], lambda: sum([exc, inh])):
        refused(call, "populations cannot be added; write the list [", "slices of one population", error=ls.ModelError)


def test_parameters_as_a_dictionary():
    net = ls.Network()
    made = net.add("a", 2, "iaf_psc_exp", {"tau_m": 5.0}, V_m=-60.0)
    assert (made.params, made.initial) == ({"tau_m": 5.0}, {"V_m": -60.0})
    assert net.add("b", 2, "iaf_psc_exp", params={"tau_m": 5.0}).params == {"tau_m": 5.0}
    refused(lambda: net.add("c", 2, "iaf_psc_exp", {"tau_m": 5.0}, tau_m=6.0), "populations.c.tau_m: given twice")
    refused(lambda: net.add("c", 2, "iaf_psc_exp", 5.0), "populations.c.params: 5.0; expected a dictionary of parameters")
    refused(lambda: net.add("iaf_psc_exp", 10, {"tau_m": 5.0}), 'write the name first, then the number and the model: net.add("exc", 100')
    refused(lambda: net.add("c", "iaf_psc_exp", 10), "write the name first")
    refused(lambda: net.add("c", 2, "iaf_psc_exp", initial={"V_m": 1.0}), "write its entries as arguments, such as V_m=-65.0")


class Brian(np.ndarray):
    """Stands for Brian2's quantities: an array in SI units with a dimension, whose text has a unit."""

    dim = "time"

    def __str__(self) -> str:
        return f"{float(self) * 1000:g} ms" if self.ndim == 0 else super().__str__()


Brian.__module__ = "brian2.units"


def quantity(x: Any) -> Brian:
    return np.asarray(x, float).view(Brian)


QUANTITIES = {
    "a parameter": lambda n: n.add("x", 1, "iaf_psc_exp", tau_m=quantity(0.02)),
    "an array": lambda n: n.add("x", 2, "iaf_psc_exp", tau_m=quantity([0.02, 0.01])),
    "a list": lambda n: n.add("x", 2, "iaf_psc_exp", tau_m=[quantity(0.02), quantity(0.01)]),
    "in a distribution": lambda n: n.add("x", 2, "iaf_psc_exp", tau_m={"normal": [quantity(0.02), 0.0]}),
    "spike times": lambda n: n.add("x", 1, "spike_generator", spike_times=quantity([0.02, 0.03])),
    "a delay": lambda n: n.connect("exc", "exc", delay=quantity(0.0015)),
    "delays": lambda n: n.connect("exc", "exc", "one_to_one", delay=quantity(np.full(8, 0.0015))),
    "a matrix": lambda n: n.connect("exc", "exc", quantity(np.eye(8))),
    "an interval": lambda n: n.record("exc", "V_m", interval=quantity(0.001)),
    "positions": lambda n: n.add("x", 2, "iaf_psc_exp", positions=quantity([[1.0, 2.0], [3.0, 4.0]])),
    "a duration": lambda n: ls.run(n, quantity(0.1)),
    "a time step": lambda n: ls.Network(dt=quantity(0.0001)),
}


@pytest.mark.parametrize("call", QUANTITIES.values(), ids=QUANTITIES)
def test_quantities_of_other_libraries_are_never_read_as_plain_numbers(net, call):
    refused(lambda: call(net), "is a quantity of brian2; write ")


def test_quantities_are_shown_as_lifsim_writes_them(net):
    refused(lambda: net.connect("exc", "exc", delay=quantity(0.0015)), 'write 1.5 or "1.5 ms"')


def test_random_values_of_other_libraries(net):
    class Parameter:
        """Stands for what nest.random.normal returns."""

    Parameter.__module__ = "nest.lib.hl_api_types"
    for value in (Parameter(), scipy.stats.norm(-60, 5), np.random.default_rng, lambda: 3.0, "randn()*5*mV - 60*mV", "normal(-60, 5)"):
        refused(lambda value=value: net.add("x", 2, "iaf_psc_exp", V_m=value), "populations.x.V_m: ", '{"normal": [mean, sd]}')
    p = {"rule": "pairwise_bernoulli", "p": Parameter()}
    refused(lambda: net.connect("exc", "exc", p), "projections[0].p: ", "a function of distance")


# -- calls -----------------------------------------------------------------------------------------

CALLS = [
    (lambda n: ls.Create, "net.add("),
    (lambda n: ls.NeuronGroup, "net.add("),
    (lambda n: ls.Connect, "net.connect("),
    (lambda n: ls.Simulate, "lifsim.run(net, 1000.0)"),
    (lambda n: ls.run_for, "lifsim.run(net, 1000.0)"),
    (lambda n: ls.ResetKernel, "there is no kernel"),
    (lambda n: ls.SpikeMonitor, 'net.record("exc", "spikes")'),
    (lambda n: ls.MLPClassifier, "lifsim.ann.Classifier"),
    (lambda n: ls.Netwrok, "did you mean 'Network'?"),
    (lambda n: ls.ann.MLPClassifier, "lifsim.ann.Classifier"),
    (lambda n: n.run, "lifsim.run(net, 1000.0)"),
    (lambda n: n.Connect, "net.connect("),
    (lambda n: n.recrod, "did you mean 'record'?"),
    (lambda n: n.populations["exc"].V_m, 'Simulation.get("exc", "V_m")'),
    (lambda n: n.populations["exc"][:2].V_th, 'Simulation.get("exc", "V_th")'),
    (lambda n: n.populations["exc"].record, "net.record(population, variable)"),
    (lambda n: n.populations["exc"].set, "net.add"),
    (lambda n: Classifier().coefs_, "write weights"),
    (lambda n: Classifier().classes_, "call fit first"),
    (lambda n: Classifier().predct, "did you mean 'predict'?"),
]


@pytest.mark.parametrize(("call", "said"), CALLS)
def test_attributes(net, call, said):
    refused(lambda: call(net), "has no attribute", said, error=AttributeError)


def test_calls_that_messages_name_exist():
    text = " ".join([*missing.MODULE.values(), *missing.NETWORK.values(), *missing.NODES.values(), *ann_synonyms.MODULE.values()])
    for path in set(re.findall(r"lifsim((?:\.\w+)+)\(", text)):
        thing: Any = ls
        for name in path[1:].split("."):
            thing = getattr(thing, name)
        assert callable(thing)
    for owner, names in (
        (ls.Network, re.findall(r"\bnet\.(\w+)\(", text)),
        (ls.Simulation, re.findall(r"(?:\bsim|Simulation)\.(\w+)\(", text)),
    ):
        assert names and all(callable(getattr(owner, name)) for name in names)


def test_objects_are_copied_and_pickled_as_before(net):
    for thing in (net, net.populations["exc"], net.populations["exc"][2:4], Classifier(hidden=(3,))):
        for again in (copy.copy(thing), copy.deepcopy(thing), pickle.loads(pickle.dumps(thing))):
            assert type(again) is type(thing)
    assert not hasattr(net, "__array__") and not hasattr(net.populations["exc"], "tocsr")
    assert isinstance(ls, types.ModuleType) and not hasattr(ls, "__path_of_nothing__")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda n: ls.Network(resolution=0.1), "Network() has no parameter 'resolution'; write dt"),
        (lambda n: ls.Network(threads=2), "an argument of lifsim.run"),
        (lambda n: n.record("exc", "V_m", dt=0.1), "Network.record() has no parameter 'dt'; write interval"),
        (lambda n: n.record("exc", variabel="V_m"), "did you mean 'variable'?"),
        (lambda n: ls.run(n, local_num_threads=2), "run() has no option 'local_num_threads'; write threads"),
        (lambda n: ls.run(n, dt=0.1), "dt as an argument of lifsim.Network"),
        (lambda n: ls.Simulation(n, rng_seed=3), "write seed"),
    ],
)
def test_keywords(net, call, said):
    refused(lambda: call(net), said, error=TypeError)


def test_signatures_are_shown_as_before():
    assert list(inspect.signature(ls.Network).parameters)[:4] == ["dt", "name", "description", "reference"]
    assert list(inspect.signature(ls.Network.record).parameters) == ["self", "what", "variable", "interval", "start", "stop", "name"]
    assert list(inspect.signature(Classifier).parameters)[:3] == ["hidden", "activation", "loss"]


# -- dense networks --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Classifier, Regressor, SpikingClassifier])
@pytest.mark.parametrize(
    ("word", "own"),
    [
        ("hidden_layer_sizes", "hidden"),
        ("learning_rate_init", "learning_rate"),
        ("max_iter", "epochs"),
        ("alpha", "weight_decay, which is alpha / batch_size"),
        ("random_state", "seed"),
        ("n_iter_no_change", "patience"),
        ("lr", "learning_rate"),
        ("optimizer", "solver"),
        ("verbose", "progress"),
        ("validation_split", "validation_fraction"),
        ("epoch", "did you mean 'epochs'?"),
    ],
)
def test_parameters_of_dense_networks(kind, word, own):
    hint = own if own.startswith("did") else f"write {own}"
    refused(lambda: kind(**{word: 1}), f"{kind.__name__}() has no parameter '{word}'; {hint}", error=TypeError)
    refused(lambda: kind().set_params(**{word: 1}), f"{word}: {kind.__name__} has no such parameter; {hint}")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"activation": "logistic"}, "activation: 'logistic'; write sigmoid"),
        ({"solver": "lbfgs"}, "solver: 'lbfgs'; write adam"),
        ({"loss": "categorical_crossentropy"}, "write cross_entropy"),
        ({"init": "glorot_uniform"}, "write xavier"),
        (
            {"learning_rate": "adaptive"},
            "learning_rate: 'adaptive'; expected a number; its course during training is the parameter schedule",
        ),
        ({"schedule": "invscaling"}, "schedule: 'invscaling'; write exponential"),
        ({"activation": "rleu"}, "did you mean 'relu'?"),
    ],
)
def test_values_of_dense_networks(parameters, said):
    refused(Classifier(**parameters).check_parameters, said)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ({"epochs": 3}, "Classifier.fit() has no parameter 'epochs'; epochs is an argument of the constructor"),
        ({"verbose": 0}, "progress is an argument of the constructor"),
        ({"validation_data": ()}, "write validation"),
    ],
)
def test_arguments_of_fit(argument, said):
    refused(lambda: Classifier().fit([[0.0], [1.0]], [0, 1], **argument), said, error=TypeError)


def test_scikit_learn_clones_as_before():
    assert clone(Classifier(hidden=(3,), seed=4)).get_params() == Classifier(hidden=(3,), seed=4).get_params()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(("own", "theirs", "factor"), [(Classifier, MLPClassifier, 1.0), (Regressor, MLPRegressor, 2.0)])
def test_alpha_is_weight_decay_times_the_batch_size(own, theirs, factor):
    """One step of gradient descent: the decay of the weights by the penalty alone, relative to the step size and the weights."""
    rng = np.random.default_rng(1)
    X, y, alpha, rate = rng.normal(size=(20, 3)), np.arange(20) % 3, 8.0, 0.01

    def weights(penalty: float, lr: float) -> np.ndarray:
        parameters = {"alpha": penalty, "learning_rate_init": lr, "momentum": 0.0, "batch_size": 20, "max_iter": 1, "shuffle": False}
        m = theirs(hidden_layer_sizes=(4,), activation="tanh", solver="sgd", nesterovs_momentum=False, random_state=0, **parameters)
        return m.fit(X, y).coefs_[0]

    def own_weights(penalty: float, lr: float) -> np.ndarray:
        d = factor * penalty / 20
        m = own((4,), "tanh", solver="sgd", weight_decay=d, learning_rate=lr, batch_size=20, epochs=1, dtype="float64")
        return m.fit(X, y).weights[0]

    decay = []
    for w, gradient in ((weights, 1.0), (own_weights, factor)):
        start = w(0.0, 1e-12)
        decay.append(np.median((w(alpha, rate) - w(0.0, rate)) / start) / gradient)
    assert decay[0] == pytest.approx(-rate * alpha / 20, rel=1e-3)
    assert decay[1] == pytest.approx(decay[0], rel=1e-3)


# -- the command line ------------------------------------------------------------------------------

MODEL = """
[run]
duration = 5.0
[parameters]
g = 4.0
[populations.exc]
n = 4
model = "iaf_psc_exp"
params = { tau_m = 10.0 }
[populations.inh]
n = 2
model = "iaf_psc_exp"
[[projections]]
source = "exc"
target = "inh"
rule = "fixed_indegree"
indegree = 2
[[record]]
populations = ["exc"]
variable = "spikes"
"""


def said(*words: str) -> str:
    outcome = CliRunner().invoke(main, list(words))
    assert outcome.exit_code == 2, outcome.output
    message = outcome.stderr.strip()
    assert message.startswith("error: ") and len(message.splitlines()) == 1
    return message.removeprefix("error: ")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("tau_m=20", "there is no parameter 'tau_m'; write populations.exc.params.tau_m or populations.inh.params.tau_m"),
        ("taum=20", "write populations.exc.params.tau_m or populations.inh.params.tau_m"),
        ("v_rest=-65", "write populations.exc.params.E_L or populations.inh.params.E_L"),
        ("V_m=-60", "write populations.exc.initial.V_m or populations.inh.initial.V_m"),
        ("indegree=3", "write projections[0].indegree"),
        ("variable=V_m", "write record[0].variable"),
        ("dt=0.05", "write run.dt"),
        ("duratoin=5", "write run.duration"),
        ("n=3", "write populations.exc.n or populations.inh.n"),
        ("G=3", "did you mean 'g'?"),
        ("zzz=3", "there is no parameter 'zzz'; allowed: g"),
        ("exc.tau_m=20", "exc.tau_m: there is no 'exc'; write populations.exc.params.tau_m"),
        ("inh.n=20", "write populations.inh.n"),
        ("populations.exc.tau_m=20", "populations.exc.tau_m: there is no such key; write it in params: populations.exc.params.tau_m"),
        ("populations.exc.V_m=20", "write it in initial: populations.exc.initial.V_m"),
        ("populations.exx.n=20", "there is no 'exx'; did you mean 'exc'?"),
        ("populations.exc.params.cm=1", "write C_m (in pF; 1 nF = 1000 pF)"),
        ("projection[0].indegree=1", "there is no 'projection'; did you mean 'projections'?"),
        ("run.resolution=0.1", "run.resolution: there is no such key; write dt"),
        ("run.threads=4", "write the option --threads of lifsim run"),
        ("populations.exc.size=4", "populations.exc.size: there is no such key; write n"),
    ],
)
def test_settings(setting, message):
    _file(MODEL)
    found = said("check", "model.toml", "--set", setting)
    assert message in found
    for path in re.findall(r"populations\.\w+\.[\w.]+|projections\[\d\]\.\w+|record\[\d\]\.\w+|run\.\w+", found.partition("write ")[2]):
        value = {"variable": "rate", "dt": "0.5"}.get(path.rpartition(".")[2], "2")
        outcome = CliRunner().invoke(main, ["check", "model.toml", "--set", f"{path}={value}"])
        assert outcome.exit_code == 0, f"{path}: {outcome.output}"


def test_every_path_of_a_model_can_be_set():
    path, exc = _file(MODEL), MODELS["iaf_psc_exp"]
    given = {"model": "iaf_psc_exp", "n": 4, "source": "exc", "target": "inh", "rule": "fixed_indegree", "indegree": 2, "g": 4.0}
    given |= {"populations": "exc", "variable": "spikes", "dt": 0.1, "duration": 5.0, "seed": 1, "method": "grid"}
    given |= {p.name: p.default for p in exc.parameters + exc.states}
    found = list(paths_of(toml.parsed(MODEL, "model")))
    assert {"populations.inh.params.C_m", "populations.exc.initial.I_syn_ex", "projections[0].indegree", "run.method"} <= set(found)
    for each in found:
        ls.load(path, overrides={each: given[each.rpartition(".")[2]]})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "model.toml", "--dt", "0.1"], "No such option '--dt'; write --set run.dt=VALUE"),
        (["run", "model.toml", "--g", "4"], "No such option '--g'; write --set g=VALUE"),
        (["run", "model.toml", "g=4"], "write --set g=4"),
        (["run", "model.toml", "--simtime", "4"], "write --duration"),
        (["run", "model.toml", "--thread", "4"], "did you mean '--threads'?"),
        (["run", "model.toml", "-n", "4"], "write --threads"),
        (["run", "model.toml", "--force"], "write --overwrite"),
        (["run", "model.toml", "--output", "x.h5"], "write --out"),
        (["check", "model.toml", "--duration", "4"], "write --set run.duration=VALUE"),
        (["train", "c.toml", "--epochs", "4"], "write --set epochs=VALUE"),
        (["simulate", "model.toml"], "lifsim simulate: there is no such command; write lifsim run"),
        (["brunel"], "write lifsim run brunel"),
        (["model.toml"], "write lifsim run model.toml"),
        (["list"], "write lifsim models"),
        (["monitor", "x.h5"], "write lifsim watch"),
        (["convert_spikes", "a", "b"], "write lifsim convert-spikes"),
        (["tutorial"], "write lifsim demo"),
        (["help"], "write lifsim --help"),
        (["rnu"], "did you mean 'run'?"),
        (["stats", "brunel"], "brunel: is a model, not a file of results; expected the name of its results, such as"),
        (["resume", "brunel"], "is a model, not a file of results"),
        (["run", "script.py"], "run a script that calls lifsim with Python itself"),
    ],
)
def test_commands_and_options(words, message):
    _file(MODEL)
    assert message in said(*words)


def test_settings_of_training():
    Path("c.toml").write_text("hidden = [4]\n", encoding="utf-8")
    for setting, own in (
        ("lr=1", "learning_rate"),
        ("hidden_layer_sizes=[3]", "hidden"),
        ("max_iter=3", "epochs"),
        ("alpha=1", "weight_decay"),
    ):
        message = said("train", "c.toml", "--data", "x.csv", "-o", "n.h5", "--set", setting)
        assert message.startswith(f"c.toml: {setting.partition('=')[0]}: there is no such entry; write {own}")


# -- expressions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("np.exp(2)", "there is no function 'np.exp'; write exp"),
        ("math.pi", "a name with a dot (write exp(x) and pi, not np.exp(x) and np.pi) is not allowed"),
        ("2^3", "^ (a power is written **) is not allowed"),
        ("exp", "unknown name 'exp'; it is a function: write exp(x)"),
        ("20 * ms", 'a quantity such as "20 ms" stands alone'),
        ("np.random.normal(3)", "{ normal = [mean, sd] }"),
        ("range(3)", "write arange(n)"),
        ("[x for x in g]", "a loop (for) is not allowed"),
        ("1 is g", "the comparison 'is' (write ==) is not allowed"),
        ("exp(1, 2)", "exp(x): too many positional arguments"),
        ("max()", "max(x, *more, axis=None): missing a required argument: 'x'"),
        ("G + 1", "unknown name 'G'; did you mean 'g'?"),
    ],
)
def test_expressions(expression, message):
    refused(lambda: ls.load(_file(f'[parameters]\ng = 1.0\nx = "= {expression}"\n')), "parameters.x: ", message)


# -- the libraries themselves ------------------------------------------------------------------------


@pytest.mark.peers
def test_quantities_of_brian2(net):
    units = pytest.importorskip("brian2.units")
    refused(lambda: net.add("x", 1, "iaf_psc_exp", tau_m=0.02 * units.second), "populations.x.tau_m: ", 'write 20 or "20 ms"')
    refused(lambda: net.connect("exc", "exc", weight=0.1 * units.nA), 'write 100 or "100 pA"')
    refused(lambda: net.add("x", 2, "spike_generator", spike_times=[1, 2] * units.ms), "is a quantity of brian2")
    refused(lambda: ls.run(net, 100 * units.ms), 'write 100 or "100 ms"')


@pytest.mark.peers
def test_quantities_of_pint(net):
    pint = pytest.importorskip("pint")
    for value in (20 * pint.UnitRegistry().ms, [20, 10] * pint.UnitRegistry().ms):
        refused(lambda value=value: net.add("x", 2, "iaf_psc_exp", tau_m=value), "is a quantity of pint")


@pytest.mark.peers
def test_random_values_and_nodes_of_nest(net):
    nest = pytest.importorskip("nest")
    for value in (nest.random.normal(-60.0, 5.0), nest.random.uniform(-70.0, -60.0) + 1.0):
        refused(lambda value=value: net.add("x", 2, "iaf_psc_exp", V_m=value), '{"normal": [mean, sd]}')
    p = nest.spatial_distributions.gaussian(nest.spatial.distance, std=0.2)
    refused(lambda: net.connect("exc", "exc", {"rule": "pairwise_bernoulli", "p": p}), "a function of distance")
    refused(lambda: net.connect(nest.Create("iaf_psc_exp", 3), "exc"), "projections[0].source: ", "expected a population")
    both = nest.CollocatedSynapses({"weight": 1.0}, {"weight": 2.0})
    refused(lambda: net.connect("exc", "exc", "all_to_all", both), "projections[0].syn_spec: ")


@pytest.mark.peers
def test_random_values_of_pynn(net):
    random = pytest.importorskip("pyNN.random")
    value = random.RandomDistribution("normal", (-60, 5))
    refused(lambda: net.add("x", 2, "iaf_psc_exp", V_m=value), '{"normal": [mean, sd]}')
