"""Model files: what they mean, where their mistakes are said to be, and the shipped models."""

from __future__ import annotations

import math
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

import lifsim as ls
from lifsim.common.errors import DataError, LifsimError, ModelError
from lifsim.common.values import Distribution
from lifsim.modelfile.reader import load, load_with_settings, loads
from lifsim.modelfile.shipped import find, shipped, template
from lifsim.modelfile.toml_writing import dumps
from lifsim.network.explicit_synapses import ExplicitSynapses

BASE = """
name = "base"
[run]
dt = "0.1 ms"
duration = "1 s"
seed = 3
[parameters]
order = 10
g = 5.0
J = "0.1 mV"
tau_m = "0.02 s"
drive = "poisson"
W = [[1.0, -2.0], [3.0, -4.0]]
[populations.exc]
n = "= 4 * order"
model = "iaf_psc_delta"
params = { tau_m = "= tau_m", t_ref = "2 ms" }
initial = { V_m = { uniform = [-70, "= -50 - g"] } }
[populations.inh]
n = "= order"
model = "iaf_psc_delta"
[[projections]]
source = ["exc", "inh"]
target = ["exc", "inh"]
rule = "fixed_indegree"
indegree = [[4, 1], [0, 1]]
weight = { normal = ["= W", "= 0.1 * abs(W)"] }
delay = "1.5 ms"
[[projections]]
source = "inh"
target = "exc"
weight = "= -g * J"
[[record]]
populations = ["exc", "inh"]
variable = "spikes"
"""


def problems(text: str, **given) -> dict[str, str]:
    """Place → message of everything wrong with a file."""
    with pytest.raises(ModelError) as error:
        loads(text, **given)
    return {p.where: f"{p.got}; {p.allowed}" for p in error.value.problems}


def changed(*pairs: tuple[str, str]) -> str:
    """`BASE` with each first text, which must be there, replaced by the second."""
    text = BASE
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


# -- meaning -------------------------------------------------------------------------------------


def test_a_file_is_the_network_it_describes():
    net = loads(BASE)
    assert (net.name, net.dt, net.duration, net.seed) == ("base", 0.1, 1000.0, 3)
    exc = net.populations["exc"]
    assert exc.n == 40 and exc.params == {"tau_m": 20.0, "t_ref": 2.0}
    assert exc.initial == {"V_m": Distribution("uniform", -70.0, -55.0)}
    assert [(p.source.name, p.target.name, p.params.get("indegree")) for p in net.projections] == [
        ("exc", "exc", 4), ("inh", "exc", 1), ("inh", "inh", 1), ("inh", "exc", None),
    ]  # fmt: skip
    assert [p.weight for p in net.projections] == [
        Distribution("normal", 1.0, 0.1), Distribution("normal", -2.0, 0.2), Distribution("normal", -4.0, 0.4), -0.5,
    ]  # fmt: skip
    assert [p.delay for p in net.projections] == [1.5, 1.5, 1.5, 1.0]
    assert [(r.view.name, r.variable) for r in net.recordings] == [("exc", "spikes"), ("inh", "spikes")]


def test_parameters_are_resolved_to_plain_values():
    net = loads(BASE)
    assert net.parameters == {
        "order": 10, "g": 5.0, "J": 0.1, "tau_m": 20.0, "drive": "poisson", "W": [[1.0, -2.0], [3.0, -4.0]],
    }  # fmt: skip
    assert net.text == BASE


def test_parameters_may_come_in_any_order():
    text = changed(("order = 10", 'order = "= half * 2"\nhalf = "= third + 1"\nthird = 4'))
    assert loads(text).populations["exc"].n == 40


def test_parameters_in_place_of_the_files():
    net = loads(BASE, order=5, J="1 mV", W=np.ones((2, 2)), g="= 2 * order")
    assert net.populations["exc"].n == 20
    assert net.projections[-1].weight == -10.0
    assert net.projections[0].weight.a == 1.0
    assert net.parameters["W"] == [[1.0, 1.0], [1.0, 1.0]]


def test_overrides_by_path():
    overrides = {
        "run.dt": "0.05",
        "populations.exc.n": "7",
        "populations.inh.params.tau_m": "30 ms",
        "projections[1].weight": "= 2 * J",
        "projections.1.delay": "0.55 ms",
        "parameters.order": "6",
        "name": "other",
    }
    net = loads(BASE, overrides=overrides)
    assert (net.dt, net.populations["exc"].n, net.populations["inh"].n, net.name) == (0.05, 7, 6, "other")
    assert net.populations["inh"].params["tau_m"] == 30.0
    assert (net.projections[-1].weight, net.projections[-1].delay) == (0.2, 0.55)


def test_the_text_gives_the_network_back():
    """With overrides too: `text` and `parameters` are what a result keeps of a model."""
    for given_ in ({}, {"overrides": {"run.dt": "0.05", "populations.exc.n": "7"}, "g": 2.0}):
        net = loads(BASE, **given_)
        again = loads(net.text, **net.parameters)
        assert same(net, again)
        assert again.parameters == net.parameters


def test_settings_of_the_command_line(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(BASE)
    net = load_with_settings(path, ["g=2", "run.dt=0.05", "tau_m = 10 ms", "drive=dc", "J== 0.5 * 2"])
    assert (net.parameters["g"], net.dt, net.parameters["tau_m"], net.parameters["drive"], net.parameters["J"]) == (
        2,
        0.05,
        10.0,
        "dc",
        1.0,
    )
    with pytest.raises(ModelError, match="name=value") as error:
        load_with_settings(path, ["g", "=3"])
    assert len(error.value.problems) == 2


def test_name_is_the_files_unless_given(tmp_path):
    path = tmp_path / "chain.toml"
    path.write_text('[populations.a]\nn = 1\nmodel = "iaf_psc_exp"\n')
    assert load(path).name == "chain"


def test_spike_files_are_beside_the_model(tmp_path):
    (tmp_path / "m.toml").write_text('[populations.a]\nn = 1\nmodel = "spike_generator"\nparams = { spike_file = "in.h5" }\n')
    assert load(tmp_path / "m.toml").populations["a"].params["spike_file"] == str(tmp_path / "in.h5")


def test_indices_may_be_computed():
    net = loads(BASE + '[[projections]]\nsource = "exc"\ntarget = "inh"\nrule = "explicit"\nsources = "= arange(3)"\ntargets = [0, 0, 1]\n')
    np.testing.assert_array_equal(net.projections[-1].params["given"].by_target().sources, [0, 1, 2])


# -- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('name = "base"', "name = 3", "name", "text in quotes"),
        ('name = "base"', 'nmae = "base"', "nmae", "did you mean 'name'"),
        ('dt = "0.1 ms"', 'dt = "0.1 mV"', "run.dt", "voltage"),
        ('dt = "0.1 ms"', "dt = 0", "run.dt", "above 0"),
        ('dt = "0.1 ms"', "dt = nan", "run.dt", "nan"),
        ('dt = "0.1 ms"', "dtt = 0.1", "run.dtt", "did you mean 'dt'"),
        ('duration = "1 s"', "duration = -1", "run.duration", "at least 0"),
        ('duration = "1 s"', "duration = inf", "run.duration", "finite"),
        ("seed = 3", "seed = 1.5", "run.seed", "whole number"),
        ("seed = 3", "seed = true", "run.seed", "whole number"),
        ("seed = 3", "seed = -1", "run.seed", "from 0"),
        ("g = 5.0", "g = nan", "parameters.g", "nan"),
        ("g = 5.0", "g = 1979-05-27", "parameters.g", "must be a number"),
        ("g = 5.0", 'g = "5 mx"', "parameters.g", "unknown unit"),
        ("g = 5.0", 'g = "= h"', "parameters.g", "unknown name 'h'"),
        ("g = 5.0", 'g = "= g"', "parameters.g", "g → g"),
        ("g = 5.0", "g = [1, [2, 3]]", "parameters.g", "differ in length"),
        ("g = 5.0", 'g = [1, "x"]', "parameters.g", "must hold numbers"),
        ("g = 5.0", "g = 5.0\nlambda = 1", "parameters.lambda", "reserved"),
        ("g = 5.0", 'g = 5.0\n"a b" = 1', "parameters.a b", "not a name"),
        ('n = "= 4 * order"', 'n = "= 4 * ordr"', "populations.exc.n", "did you mean 'order'"),
        ('n = "= 4 * order"', "n = true", "populations.exc.n", "whole number"),
        ('n = "= 4 * order"', "", "populations.exc.n", "missing"),
        ('n = "= 4 * order"', 'n = 40\nsize = "x"', "populations.exc.size", "no such key"),
        ('model = "iaf_psc_delta"', 'model = "iaf_psc_dleta"', "populations.exc.model", "did you mean 'iaf_psc_delta'"),
        ('model = "iaf_psc_delta"', "model = 1", "populations.exc.model", "text in quotes"),
        ('tau_m = "= tau_m"', 'tau_mm = "= tau_m"', "populations.exc.params.tau_mm", "did you mean 'tau_m'"),
        ('tau_m = "= tau_m"', 'tau_m = "20 mV"', "populations.exc.params.tau_m", "voltage"),
        ('tau_m = "= tau_m"', "tau_m = -1", "populations.exc.params.tau_m", "> 0"),
        ('tau_m = "= tau_m"', "tau_m = true", "populations.exc.params.tau_m", "not a number"),
        ('tau_m = "= tau_m"', 'tau_m = "= 1 / 0"', "populations.exc.params.tau_m", "division by zero"),
        ('tau_m = "= tau_m"', "n = 3", "populations.exc.params.n", "no such parameter"),
        ('tau_m = "= tau_m"', "V_m = -60", "populations.exc.params.V_m", "initial"),
        ("initial = { V_m", "initial = { tau_m = 3, V_m", "populations.exc.initial.tau_m", "params"),
        ("{ uniform = [-70", "{ unifrom = [-70", "populations.exc.initial.V_m", "not a distribution"),
        ('{ uniform = [-70, "= -50 - g"] }', "[1, 2]", "populations.exc.initial.V_m", "one value a node"),
        ('source = ["exc", "inh"]', 'source = ["exk", "inh"]', "projections[0].source", "did you mean 'exc'"),
        ('source = ["exc", "inh"]', "source = [1]", "projections[0].source", "name in quotes"),
        ('source = ["exc", "inh"]', "", "projections[0].source", "missing"),
        ('rule = "fixed_indegree"', 'rule = "fixed_indegre"', "projections[0].rule", "did you mean 'fixed_indegree'"),
        ("indegree = [[4, 1], [0, 1]]", "indegre = 3", "projections[0].indegre", "did you mean 'indegree'"),
        ("indegree = [[4, 1], [0, 1]]", "indegree = 1.5", "projections[0].indegree", "whole number"),
        ("indegree = [[4, 1], [0, 1]]", "", "projections[0].indegree", "missing"),
        ('delay = "1.5 ms"', 'delay = "1.55 ms"', "projections[0].delay", "1.5 and 1.6"),
        ('delay = "1.5 ms"', 'delay = "1.5 mV"', "projections[0].delay", "voltage"),
        ('weight = "= -g * J"', 'weight = "3 pA"', "projections[1].weight", "current"),
        ('weight = "= -g * J"', 'wieght = "= -g * J"', "projections[1].wieght", "did you mean 'weight'"),
        ('target = "exc"', 'target = "exc[0:99]"\nrule = "one_to_one"', "projections[1]", "10 sources and 40 targets"),
        ('populations = ["exc", "inh"]', 'populations = "inn"', "record[0].populations", "did you mean 'inh'"),
        ('variable = "spikes"', 'variable = "V_mm"', "record[0].variable", "did you mean 'V_m'"),
        ('variable = "spikes"', 'variable = "V_m"\ninterval = 0.25', "record[0].interval", "0.2 and 0.3"),
        ('variable = "spikes"', 'variabel = "V_m"', "record[0].variabel", "did you mean 'variable'"),
    ],
)
def test_one_mistake_is_one_problem_at_its_place(old, new, place, message):
    found = problems(changed((old, new)))
    assert list(found) == [place]
    assert message in found[place]


def test_all_mistakes_of_all_stages_at_once():
    text = changed(
        ("seed = 3", "seed = -3"),
        ("g = 5.0", 'g = "= h"'),
        ('t_ref = "2 ms"', 't_rf = "2 ms", C_m = "3 ms"'),
        ('model = "iaf_psc_delta"\n[[', 'model = "iaf"\n[['),
        ('rule = "fixed_indegree"', 'rule = "fixed"'),
        ('delay = "1.5 ms"', 'delay = "1.55 ms"'),
        ('weight = "= -g * J"', 'wieght = 1\ndelay = "0 ms"'),
        ('variable = "spikes"', 'variable = "V_mm"\nstart = "3 mV"'),
    )
    assert sorted(problems(text)) == [
        "parameters.g",
        "populations.exc.params.C_m",
        "populations.exc.params.t_rf",
        "populations.inh.model",
        "projections[0].delay",
        "projections[0].rule",
        "projections[1].delay",
        "projections[1].wieght",
        "record[0].start",
        "record[0].variable",
        "run.seed",
    ]


def test_an_unknown_size_does_not_hide_the_rest():
    text = changed(('n = "= 4 * order"', 'n = "= 4 * ordr"'), ('t_ref = "2 ms"', "t_ref = -1"), ('delay = "1.5 ms"', "delay = 0.05"))
    assert sorted(problems(text)) == ["populations.exc.n", "populations.exc.params.t_ref", "projections[0].delay"]


def test_the_index_is_that_of_the_file():
    """Even though the first entry makes three projections and the record two recordings."""
    text = BASE + '[[projections]]\nsource = "exc"\ntarget = "inh"\ndelay = -1\n[[record]]\npopulations = "exc"\nvariable = "V"\n'
    assert sorted(problems(text)) == ["projections[2].delay", "record[1].variable"]


def test_an_unknown_time_step_makes_no_times_wrong():
    """Whether 1.55 ms is on the grid cannot be said; that a delay is negative can."""
    dc = '[populations.dc]\nn = 1\nmodel = "dc_generator"\nparams = { start = 0.25, amplitude = "3 mV" }\n'
    text = changed(('dt = "0.1 ms"', "dt = -1"), ('delay = "1.5 ms"', "delay = 1.55"), ("[[record]]", f"{dc}[[record]]"))
    assert sorted(problems(text)) == ["populations.dc.params.amplitude", "run.dt"]


def test_longer_cycles_are_reported_once():
    found = problems(changed(("g = 5.0", 'g = "= h"\nh = "= k + 1"\nk = "= g"')))
    (message,) = found.values()
    assert "g → h → k → g" in message


def test_chains_of_any_length():
    """Whatever the order: each parameter is computed after those that it names."""
    links = [f'p{i} = "= p{i + 1} + 1"' for i in range(3000)] + ["p3000 = 1"]
    for lines in (links, links[::-1], links[1500:] + links[:1500]):
        assert loads("[parameters]\n" + "\n".join(lines)).parameters["p0"] == 3001.0


def test_conditions_may_lead_in_a_circle():
    text = '[parameters]\nmode = {}\nrate = "= 8.0 if mode else 1000 / interval"\ninterval = "= 1000 / rate if mode else 20.0"'
    assert loads(text.format("true")).parameters == {"mode": True, "rate": 8.0, "interval": 125.0}
    assert loads(text.format("false")).parameters == {"mode": False, "rate": 50.0, "interval": 20.0}


def test_long_circles():
    links = "\n".join(f'p{i} = "= p{(i + 1) % 3000} + 1"' for i in range(3000))
    (message,) = problems("[parameters]\n" + links).values()
    assert "refers to itself, or to others" in message and len(message) < 1000


@pytest.mark.parametrize(
    ("given_", "place", "message"),
    [
        ({"gg": 1}, "parameters.gg", "did you mean 'g'"),
        ({"dt": 0.1}, "parameters.dt", "write run.dt"),
        ({"J": "3 ms"}, "parameters.J", "voltage"),
        ({"J": "big"}, "parameters.J", "must be a number"),
        ({"J": True}, "parameters.J", "must be a number"),
        ({"drive": 3}, "parameters.drive", "must be a text"),
        ({"g": math.nan}, "parameters.g", "nan"),
        ({"g": None}, "parameters.g", "must be a number"),
        ({"overrides": {"run.dtt": "1"}}, "run.dtt", "did you mean 'dt'"),
        ({"overrides": {"rum.dt": "1"}}, "rum.dt", "did you mean 'run'"),
        ({"overrides": {"populations.exk.n": "1"}}, "populations.exk.n", "did you mean 'exc'"),
        ({"overrides": {"projections[7].delay": "1"}}, "projections[7].delay", "0 to 1"),
        ({"overrides": {"run.dt.x": "1"}}, "run.dt.x", "neither a table nor a list"),
        ({"overrides": {"parameters.gg": "1"}}, "parameters.gg", "did you mean 'g'"),
        ({"overrides": {"populations.exc.n": "x"}}, "populations.exc.n", "whole number"),
        ({"overrides": {"": "x"}}, "''", "not a path"),
    ],
)
def test_wrong_settings(given_, place, message):
    found = problems(BASE, **given_)
    assert list(found) == [place]
    assert message in found[place]


@pytest.mark.parametrize("value", ["1\ng = 2", "[1", "", '"', "1979-05-27"])
def test_a_setting_is_one_value(value):
    """What is not one TOML value is a text, and no text can smuggle in other keys."""
    assert "parameters.J" in problems(BASE, overrides={"parameters.J": value})


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a = 1\na = 2\n", "model, line 2, column 6", "overwrite"),
        ("[run]\ndt = = 3", "model, line 2, column 6", "value"),
        ("x = " + "[" * 9999, "model", "TOML"),
        ("x = " + "1" * 9999, "model", "TOML"),
    ],
)
def test_broken_toml(text, place, message):
    found = problems(text)
    assert list(found) == [place] and message in found[place]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("populations = 3", "populations"),
        ("[[populations]]", "populations"),
        ("[populations]\nexc = 3", "populations.exc"),
        ("projections = [1]", "projections[0]"),
        ("[projections]", "projections"),
        ("parameters = 1", "parameters"),
        ("run = 1", "run"),
        ("[populations.a]\nn = 1\nmodel = 'iaf_psc_exp'\nparams = 3", "populations.a.params"),
        ("[populations.'a b']\nn = 1\nmodel = 'iaf_psc_exp'", "populations.a b"),
    ],
)
def test_tables_of_another_kind(text, place):
    assert list(problems(text)) == [place]


TREE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["= g", "= 1/0", "exc", "20 ms", "iaf_psc_exp"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["n", "model", "params", "initial", "dt", "normal", "V_m", "source", "target", "delay", "weight", "g"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
DOCUMENT = st.fixed_dictionaries(
    {},
    optional={
        "run": TREE,
        "parameters": TREE,
        "populations": TREE | st.dictionaries(st.sampled_from(["exc", "inh"]), TREE, max_size=2),
        "projections": TREE | st.lists(TREE, max_size=2),
        "record": TREE,
    },
)


def _without_none(tree):
    if isinstance(tree, dict):
        return {k: _without_none(x) for k, x in tree.items() if x is not None}
    return [_without_none(x) for x in tree if x is not None] if isinstance(tree, list) else tree


@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENT)
def test_any_document_is_a_network_or_a_model_error(document):
    is_a_network_or_a_model_error(document)


@pytest.mark.slow
@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENT)
def test_any_of_many_documents_is_a_network_or_a_model_error(document):
    is_a_network_or_a_model_error(document)


def is_a_network_or_a_model_error(document):
    text = dumps(_without_none(document))
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    try:
        loads(text)
    except ModelError as error:
        assert all(p.where and p.got for p in error.problems)


# -- files ---------------------------------------------------------------------------------------


def test_a_missing_file_says_what_there_is(tmp_path):
    with pytest.raises(DataError, match="did you mean 'brunel'"):
        find("brunell")
    with pytest.raises(DataError, match="did you mean 'brunel'"):
        find(tmp_path / "brunell.toml")
    with pytest.raises(DataError, match="directory"):
        find(tmp_path)
    (tmp_path / "bad.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(DataError, match="UTF-8"):
        load(tmp_path / "bad.toml")


def test_broken_files_are_named(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[run\n")
    with pytest.raises(ModelError, match=r"broken\.toml, line 1, column 5"):
        load(path)


# -- saving --------------------------------------------------------------------------------------


def same(a: ls.Network, b: ls.Network) -> bool:
    """Whether two networks are equal in all that a simulation depends on."""

    def plain(x):
        if isinstance(x, np.ndarray):
            return ("array", x.shape, x.tolist())
        if isinstance(x, list):
            return list(map(plain, x))
        if isinstance(x, dict):
            return {k: plain(v) for k, v in x.items()}
        if isinstance(x, ExplicitSynapses):
            rows = x.by_target()
            return (rows.ptr.tolist(), rows.sources.tolist())
        return x

    def ordered(p, x):
        return plain(p.params["given"].by_target().sorted(x) if "given" in p.params else x)

    def facts(net):
        return (
            [net.dt, net.duration, net.seed, net.name, net.description, net.reference],
            [(p.name, p.n, p.model.name, plain(p.params), plain(p.initial)) for p in net.populations.values()],
            [
                (
                    str(p.source),
                    str(p.target),
                    p.rule,
                    plain(p.params),
                    ordered(p, p.weight),
                    ordered(p, p.delay),
                    p.allow_autapses,
                    p.allow_multapses,
                )
                for p in net.projections
            ],
            [(str(r.view), r.variable, r.interval, r.start, r.stop) for r in net.recordings],
        )

    return facts(a) == facts(b)


@pytest.fixture
def rich():
    """A network with every kind of value."""
    rng = np.random.default_rng(5)
    net = ls.Network(dt=0.1, name='q"uote\n', description="π \x7f 😀", reference="doi:x", duration=12.5, seed=9)
    exc = net.add("exc", 6, "iaf_psc_delta", V_m=rng.normal(size=6), tau_m={"uniform": [10, 20]}, refractory_input=True)
    inh = net.add("inh+", 4, "iaf_psc_exp", V_m={"normal": [-60, 5], "max": -56}, I_e=1 / 3)
    net.add("spikes", 2, "spike_generator", spike_times=[[1.0, 2.0, 2.0], []])
    net.add("train", 2, "spike_generator", spike_times=[1.0, 2.0], spike_ids=[0, 1])
    net.add("dc", 1, "dc_generator", amplitude=3.0, stop=50.0)
    net.connect("spikes", exc, "one_to_one" if False else "all_to_all", weight=rng.normal(size=(6, 2)), delay=0.1)
    net.connect(exc, inh, "fixed_indegree", indegree=3, weight=rng.normal(size=(4, 3)), allow_multapses=False)
    net.connect(inh, exc, "fixed_outdegree", outdegree=2, delay=np.full((4, 2), 1.5), weight={"lognormal": [0, 1], "max": 3})
    net.connect(exc, exc, "fixed_total_number", N=5, weight=rng.normal(size=5), allow_autapses=False)
    net.connect(exc[:4], inh, "one_to_one", weight=[1, 2, 3, 4])
    net.connect(exc[[5, 1]], inh[::2], "pairwise_bernoulli", p=0.3)
    net.connect(exc, inh, "explicit", sources=[5, 0, 5], targets=[3, 1, 3], weight=[1.0, 2.0, 3.0], delay={"uniform": [1, 2]})
    net.connect("dc", inh)
    w = sparse.random(4, 6, 0.5, random_state=2, format="csr")
    delay = w.copy()
    delay.data = np.round(1 + np.arange(w.nnz) * 0.1, 1)
    net.connect(exc, inh, w, delay=delay)
    net.connect(exc, inh, sparse.coo_array(([1.0, 0.0, 2.0], ([1, 3, 1], [2, 0, 2])), shape=(4, 6)), delay={"normal": [1, 1]})
    net.connect(exc, inh, sparse.csr_array(([1.0, 2.0], [4, 1], [0, 2, 2, 2, 2]), shape=(4, 6)), delay=2.0)
    net.record([exc, inh[1]], "V_m", interval=0.5, start=1, stop=9)
    net.record("spikes")
    return net


def test_saved_networks_come_back(rich, tmp_path):
    rich.save(tmp_path / "sub" / "rich.toml")
    assert sorted(p.name for p in (tmp_path / "sub").iterdir()) == ["rich.toml", "rich.weights.h5"]
    again = load(tmp_path / "sub" / "rich.toml")
    # The last matrix was given with an unsorted row; stored, it is in the order of the sources.
    last = again.projections[-1]
    np.testing.assert_array_equal(last.params["given"].by_target().sources, [1, 4])
    np.testing.assert_array_equal(last.params["given"].by_target().sorted(last.weight), [2.0, 1.0])
    rich.projections.pop()
    again.projections.pop()
    assert same(rich, again)


def test_saving_again_changes_nothing(rich, tmp_path):
    rich.save(tmp_path / "a.toml")
    load(tmp_path / "a.toml").save(tmp_path / "b.toml")
    assert (tmp_path / "b.toml").read_text() == (tmp_path / "a.toml").read_text().replace("a.weights.h5", "b.weights.h5")


def test_unsorted_rows_with_drawn_delays_keep_their_order(tmp_path):
    """Draws follow the order of the synapses, so that order is part of the network."""
    net = ls.Network(name="x")
    a = net.add("a", 6, "iaf_psc_exp")
    net.connect(a, a, sparse.csr_array(([1.0, 2.0], [4, 1], [0, 2, 2, 2, 2, 2, 2]), shape=(6, 6)), delay={"uniform": [1, 2]})
    net.save(tmp_path / "x.toml")
    (p,) = load(tmp_path / "x.toml").projections
    np.testing.assert_array_equal(p.params["given"].by_target().sources, [4, 1])
    np.testing.assert_array_equal(p.weight, [1.0, 2.0])
    assert not (tmp_path / "x.weights.h5").exists()


@pytest.mark.parametrize(
    "reference", ["../w.h5:W", "/etc/w.h5:W", "a/../../w.h5:W", "..\\w.h5:W", "w.h5", ":W", "none.h5:W", "w.h5:V", "link/w.h5:W"]
)
def test_matrices_are_read_from_the_models_folder_only(tmp_path, reference):
    from lifsim.weights import WeightStore

    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(tmp_path, target_is_directory=True)
    for path in (tmp_path / "w.h5", home / "w.h5"):
        with WeightStore(path, "w") as store:
            store.put("W", np.ones((2, 2)))
    text = f"[populations.a]\nn = 2\nmodel = 'iaf_psc_exp'\n[[projections]]\nsource = 'a'\ntarget = 'a'\nmatrix = '{reference}'\n"
    (home / "m.toml").write_text(text)
    with pytest.raises(ModelError) as error:
        load(home / "m.toml")
    assert [p.where for p in error.value.problems] == ["projections[0].matrix"]
    (home / "m.toml").write_text(text.replace(reference, "w.h5:W"))
    np.testing.assert_array_equal(load(home / "m.toml").projections[0].weight, np.ones(4))


def test_stored_weights_of_another_unit(tmp_path):
    from lifsim.weights import WeightStore

    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("W", np.ones((2, 2)), units="mV")
    (tmp_path / "m.toml").write_text(
        "[populations.a]\nn = 2\nmodel = 'iaf_psc_exp'\n[[projections]]\nsource = 'a'\ntarget = 'a'\nmatrix = 'w.h5:W'\n"
    )
    with pytest.raises(ModelError, match="in mV; weights in pA, the unit of a"):
        load(tmp_path / "m.toml")


def test_matrices_may_be_written_out():
    net = loads(BASE + '[[projections]]\nsource = "inh[0:2]"\ntarget = "exc[0:2]"\nmatrix = [[0, 1], [2, 0]]\ndelay = 2.0\n')
    p = net.projections[-1]
    np.testing.assert_array_equal(p.params["given"].by_target().sources, [1, 0])
    np.testing.assert_array_equal(p.weight, [1, 2])


TOML_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(lambda k: k != "populations"), TOML_VALUES, max_size=4
    )
)
def test_written_tables_read_back(document):
    found = tomllib.loads(dumps(document))
    assert found == document or any(x == [] for x in document.values())


# -- shipped models ------------------------------------------------------------------------------


def test_shipped_models_say_what_they_are():
    models = shipped()
    ours = (
        "brunel brunel_alpha coba cuba hpc inhibitory_plasticity microcircuit population_bursts single_neuron song spatial synfire tsodyks "
    )
    ours += "vogels_sprekeler"
    assert set(ours.split()) <= set(models)
    for name, description in models.items():
        assert description
        net = ls.load(name)
        assert net.name == name and net.recordings and net.duration
        assert find(name).read_text(encoding="utf-8").startswith("# "), "a model begins with what it is and where it comes from"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_models_survive_saving(name, tmp_path):
    net = ls.load(name)
    net.save(tmp_path / "again.toml")
    assert same(net, load(tmp_path / "again.toml"))


def test_the_template_is_a_model():
    net = loads(template())
    assert net.duration == 500.0 and len(net.projections) == 6


def synapses(net, source, target, key):
    return sum(p.params[key] for p in net.projections if p.source.name in source and p.target.name in target)


@pytest.mark.parametrize("g, eta", [(3, 2), (6, 4), (5, 2), (4.5, 0.9)])
def test_brunel(g, eta):
    net = ls.load("brunel", g=g, eta=eta)
    assert net.populations["exc"].n == 10_000 and net.populations["inh"].n == 2500
    assert net.populations["ext"].params["rate"] == pytest.approx(eta * 10_000)
    by = {(p.source.name, p.target.name): p for p in net.projections}
    for target in ("exc", "inh"):
        assert net.populations[target].params | {"E_L": 0} == {"tau_m": 20, "V_th": 20, "V_reset": 10, "E_L": 0, "C_m": 1, "t_ref": 2}
        assert net.populations[target].initial == {"V_m": 0.0}
        assert by["exc", target].params["indegree"] == 1000 and by["inh", target].params["indegree"] == 250
        assert by["exc", target].weight == by["ext", target].weight == 0.1
        assert by["inh", target].weight == pytest.approx(-0.1 * g)
    assert {p.delay for p in net.projections} == {1.5}
    assert ls.load("brunel", V_reset="0 mV").populations["exc"].params["V_reset"] == 0.0


def psp(w, tau_m, tau_syn, C_m, alpha):
    """Peak of the potential that a current of weight w causes, by integration in small steps."""
    t = np.arange(0, 60, 1e-3)
    current = w * (np.e / tau_syn * t if alpha else 1.0) * np.exp(-t / tau_syn)
    kernel = np.exp(-t / tau_m) / C_m
    return max(np.dot(current[: k + 1], kernel[k::-1]) * 1e-3 for k in range(500, 8000, 20))


def test_weights_cause_the_potentials_they_are_named_for():
    alpha = ls.load("brunel_alpha").parameters
    assert psp(alpha["w"], 20, 0.5, 250, True) == pytest.approx(0.1, rel=2e-3)
    assert alpha["w"] == pytest.approx(20.680155243678, rel=1e-12)
    assert psp(ls.load("synfire").parameters["w"], 10, 0.33, 250, True) == pytest.approx(0.14, rel=2e-3)
    assert psp(ls.load("microcircuit").parameters["w_full"], 10, 0.5, 250, False) == pytest.approx(0.15, rel=2e-3)


def test_brunel_alpha_drive_is_what_reaches_threshold():
    """eta = 1: the mean input of rate nu holds the potential at theta."""
    net = ls.load("brunel_alpha", eta=1.0)
    w, rate = net.parameters["w"], net.populations["ext"].params["rate"]
    assert rate / 1000 * w * math.e * 0.5 * 20 / 250 == pytest.approx(20.0)


def test_cuba_and_its_variants():
    net = ls.load("cuba")
    assert [(p.rule, p.params["p"], p.weight) for p in net.projections[:4]] == [
        ("pairwise_bernoulli", 0.02, 16.2), ("pairwise_bernoulli", 0.02, -90.0),
        ("pairwise_bernoulli", 0.02, 16.2), ("pairwise_bernoulli", 0.02, -90.0),
    ]  # fmt: skip
    assert net.populations["exc"].n == 3200 and net.populations["inh"].n == 800
    assert net.populations["exc"].initial["V_m"] == Distribution("uniform", -60.0, -50.0)
    big = ls.load("cuba", n=40_000)
    assert big.projections[0].params["p"] * big.parameters["n"] == pytest.approx(80)
    nest = ls.load("cuba", rule="fixed_indegree", w_in=-139.5, V_low=-49, V_high=-49, kick=300)
    assert [(p.rule, p.params["indegree"], p.weight) for p in nest.projections[:2]] == [
        ("fixed_indegree", 64, 16.2),
        ("fixed_indegree", 16, -139.5),
    ]
    assert nest.populations["kick"].params["rate"] == 300
    with pytest.raises(ModelError, match="did you mean 'fixed_indegree'"):
        ls.load("cuba", rule="fixed_indegre")


NAMES = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
COUNTS = """
45499805 22323577 20253647  9670918 3293578       0  2271404        0
17443694  5018763  4105338  1690074 2221213       0   353461        0
 3503670   756561 24482849 17413576  714524    7003 14624432        0
 8114254    92832  9933538  5223272   87836       0  8810905        0
10613575  1817058  5507804   151900 2040738 2407889  1438969        0
 1241436   169424   607667    12851  319602  430444   132414        0
 4681225   556108  6727570  1320234 4112225  305029  8372649 10827677
 2260836    17207   220033     8078  401638   25218  2888426  1354320
"""


def test_microcircuit_synapse_counts():
    """All 64 numbers of synapses of the full model."""
    net = ls.load("microcircuit")
    found = {(p.target.name, p.source.name): p.params["N"] for p in net.projections if p.rule == "fixed_total_number"}
    expected = {
        (t, s): int(x) for t, row in zip(NAMES, COUNTS.split("\n")[1:-1], strict=True) for s, x in zip(NAMES, row.split(), strict=True)
    }
    assert len(expected) == 64
    assert found == {pair: n for pair, n in expected.items() if n}
    assert sum(found.values()) == 298_880_968


def test_microcircuit_populations_and_weights():
    net = ls.load("microcircuit")
    assert [net.populations[n].n for n in NAMES] == [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
    assert sum(net.populations[n].n for n in NAMES) == 77_169
    for p in net.projections:
        if p.rule != "fixed_total_number":
            continue
        mean = -351.234 if p.source.name.endswith("I") else 175.617 if (p.source.name, p.target.name) == ("L4E", "L23E") else 87.8085
        assert p.weight.a == pytest.approx(mean, rel=1e-5) and p.weight.b == pytest.approx(abs(mean) / 10, rel=1e-5)
        assert p.weight.support == ((0.0, math.inf) if mean > 0 else (-math.inf, 0.0))
        assert (p.delay.a, p.delay.b) == ((1.5, 0.75) if mean > 0 else (0.75, 0.375))
        assert p.allow_autapses and p.allow_multapses


def test_microcircuit_drive():
    poisson = ls.load("microcircuit")
    rates = [12800, 12000, 16800, 15200, 16000, 15200, 23200, 16800]
    np.testing.assert_allclose(poisson.populations["ext"].params["rate"], rates)
    assert all(poisson.populations[n].params["I_e"] == 0 for n in NAMES)
    external = [p for p in poisson.projections if p.source.name == "ext"]
    assert [(str(p.source), str(p.target)) for p in external] == [(f"ext[{k}]", n) for k, n in enumerate(NAMES)]
    assert all(p.weight == pytest.approx(87.8085, rel=1e-6) and p.delay == 1.5 for p in external)
    dc = ls.load("microcircuit", drive="dc")
    np.testing.assert_array_equal(dc.populations["ext"].params["rate"], 0)
    currents = [561.974, 526.851, 737.591, 667.345, 702.468, 667.345, 1018.579, 737.591]
    np.testing.assert_allclose([dc.populations[n].params["I_e"] for n in NAMES], currents, atol=5e-4)


def test_microcircuit_initial_potentials():
    assert ls.load("microcircuit").populations["L5I"].initial["V_m"] == Distribution("normal", -61.66, 4.55)
    assert ls.load("microcircuit", V0="original").populations["L5I"].initial["V_m"] == Distribution("normal", -58.0, 10.0)
    with pytest.raises(ModelError, match="did you mean 'original'"):
        ls.load("microcircuit", V0="orginal")


@pytest.mark.parametrize("drive", ["poisson", "dc"])
def test_microcircuit_scaling_keeps_the_mean_input(drive):
    """van Albada et al. 2015: with the full model's rates each neuron's mean current stays as it was."""
    full, small = (ls.load("microcircuit", scale=s, k_scale=k, drive=drive) for s, k in ((1.0, 1.0), (0.2, 0.3)))
    rates = dict(zip(NAMES, full.parameters["rates_full"], strict=True))

    def mean_current(net, target):
        total = net.populations[target].params["I_e"]
        for p in net.projections:
            if p.target.name != target:
                continue
            if p.source.name == "ext":
                rate = net.populations["ext"].params["rate"][p.source.ids[0]]
                total += p.weight * rate * 0.5 / 1000
            else:
                total += p.weight.a * p.params["N"] / net.populations[target].n * rates[p.source.name] * 0.5 / 1000
        return total

    for name in NAMES:
        assert small.populations[name].n == round(full.populations[name].n * 0.2)
        assert mean_current(small, name) == pytest.approx(mean_current(full, name), rel=2e-3)


def test_synfire_connects_each_group_to_the_next():
    net = ls.load("synfire")
    chain = [p for p in net.projections if p.rule == "fixed_indegree"]
    assert [(int(p.source.ids[0]), int(p.target.ids[0])) for p in chain] == [(100 * k, 100 * (k + 1)) for k in range(9)]
    assert all(p.params["indegree"] == len(p.source) == len(p.target) == 100 and not p.allow_multapses for p in chain)
    times = ls.load("synfire", a=50, sigma="2 ms").populations["packet"].params["spike_times"][0]
    assert len(times) == 50 and times.mean() == pytest.approx(50) and times.std() == pytest.approx(2, rel=0.05)


# -- imports -------------------------------------------------------------------------------------


def test_loading_a_model_needs_no_heavy_module():
    code = "import lifsim as ls, sys; ls.load('brunel'); print(sorted({'numba', 'scipy', 'matplotlib', 'h5py'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_hostile_sizes_end_soon():
    start = time.process_time()
    for value in ("= 9**9**9", "= zeros(1e12)", "= " + "(" * 500):
        with pytest.raises(LifsimError):
            loads(changed(("g = 5.0", f'g = "{value}"')))
    assert time.process_time() - start < 2


# -- what a newcomer tries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", 3), ("description", None), ("seed", -1), ("seed", 1.5), ("duration", -1), ("name", "\ud800")],
)
def test_save_refuses_what_load_refuses(tmp_path, name, value):
    net = ls.Network()
    a = net.add("a", 2, "iaf_psc_exp")
    net.connect(a, a)
    net.connect(a, a, np.eye(2))
    setattr(net, name, value)
    with pytest.raises(ModelError):
        net.save(tmp_path / "x.toml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", [3, "", "a\0b", "x" * 300, ".", "no/such/folder/x.toml"])
def test_paths_that_are_none(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for use in (ls.Network().save, ls.load, ls.open):
        with pytest.raises(ls.LifsimError):
            use(path)


def test_the_largest_seed(tmp_path):
    ls.Network(seed=2**64 - 1).save(tmp_path / "x.toml")
    assert ls.load(tmp_path / "x.toml").seed == 2**64 - 1


def test_a_mark_of_byte_order_is_no_error(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbfname = 'x'\n")
    assert ls.load(tmp_path / "x.toml").name == "x"


def test_long_values_are_not_echoed():
    for value in (f'"= {"1 + " * 900}q"', f'"{"x" * 5000}"', f"[{'1, ' * 5000}]"):
        with pytest.raises(ModelError) as caught:
            loads(f"[run]\ndt = {value}\nduration = {value}\nseed = {value}\n[parameters]\nx = {value}")
        assert all(len(line) < 250 for line in str(caught.value).splitlines()), str(caught.value)
