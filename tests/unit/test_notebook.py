"""What notebooks and prompts show: descriptions, completion, figures."""

from __future__ import annotations

import html
import importlib.util
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import lifsim as ls
from lifsim.common import notebook as notebook_module
from lifsim.plot import inline

HOSTILE = "<script>alert('x')</script>$\\frac$ \x1b[2J\u202e"


class Balanced(HTMLParser):
    """Checks that every element is closed, and keeps the text and the names of elements and attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.attributes, self.text = [], set(), set(), ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def described(thing):
    """The `repr`, after checks that hold for all descriptions."""
    text, page = repr(thing), Balanced(thing._repr_html_())
    assert len(text.splitlines()) <= 10 and max(map(len, text.splitlines())) <= 300
    assert all(c.isprintable() for c in text.replace("\n", "")) and all(c.isprintable() for c in page.text.replace("\n", ""))
    assert page.names <= {"div", "strong", "bdi", "br", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.attributes <= {"style", "class", "colspan"}
    return text


@pytest.mark.parametrize("name", ["brunel", "microcircuit", "spatial", "tsodyks", "single_neuron"])
def test_descriptions_of_shipped_networks(name):
    net = ls.load(name)
    text = described(net)
    assert text.startswith(f"Network '{name}': dt 0.1 ms, seed 1")
    assert f"{len(net.populations)} populations, {len(net.projections)} projections" in text
    for part in (*net.populations.values(), *net.projections):
        assert "\n" not in described(part)


def test_a_network_says_what_it_holds():
    net = ls.Network(name="n", duration=50.0)
    exc = net.add("exc", 80, "iaf_psc_exp", I_e=350.0, V_m={"uniform": [-70.0, -55.0]}, tau_m=np.linspace(5.0, 20.0, 80))
    noise = net.add("noise", 1, "poisson_generator", rate=8000.0)
    net.connect(noise, exc, weight=20.0, delay=1.5)
    net.connect(exc, exc[:10], "fixed_indegree", indegree=8, weight={"normal": [30.0, 3.0], "min": 0.0}, synapse="stdp_synapse")
    net.connect(exc, exc, "pairwise_bernoulli", p=0.1)
    net.record(exc[:5], "V_m")
    net.record(exc, "spikes")
    assert described(net).splitlines() == [
        "Network 'n': dt 0.1 ms, seed 1, duration 50 ms",
        "  80 neurons, about 720 synapses, 2 populations, 3 projections",
        "  records V_m of exc[0:5]; spikes of exc",
        "  exc: 80 iaf_psc_exp, I_e 350 pA, tau_m 5 to 20 ms (80 values), V_m uniform(-70, -55) mV",
        "  noise: 1 poisson_generator, rate 8000 Hz",
        "  noise → exc: all_to_all, weight 20 pA, delay 1.5 ms",
        "  exc → exc[0:10]: fixed_indegree(indegree 8), weight normal(30, 3, min 0) pA, delay 1 ms, 80 synapses, stdp_…",
        "  exc → exc: pairwise_bernoulli(p 0.1), weight 1 pA, delay 1 ms, about 640 synapses",
    ]
    assert described(exc[[3, 5, 7, 11, 13, 17, 19]]) == "View exc[3,5,7,11,13,17,…]: 7 of 80 iaf_psc_exp"
    assert described(exc[3]) == "View exc[3]: 1 of 80 iaf_psc_exp"
    assert described(ls.Network()).splitlines()[0] == "Network 'network': dt 0.1 ms, seed 1"


def test_many_parts_are_counted():
    net = ls.Network()
    for k in range(40):
        net.add(f"p{k}", 1, "iaf_psc_exp")
    net.connect(list(net.populations), list(net.populations))
    text = described(net)
    assert "  … and 37 more populations" in text and "  … and 1,598 more projections" in text
    assert "… and 1,570 more projections" in Balanced(net._repr_html_()).text
    result = ls.run(net, 1.0)
    assert "  … and 36 more populations" in described(result)


def test_large_views_are_described_at_once():
    net = ls.Network()
    big = net.add("big", 2_000_000, "iaf_psc_exp")
    assert described(big[np.arange(0, 2_000_000, 2)[::-1]]).startswith("View big[1999998,1999996,")
    assert len(described(big[np.r_[0, 2:2_000_000]])) < 80


def test_hostile_names_are_text():
    net = ls.Network(name=HOSTILE)
    net.add("名字", 2, "iaf_psc_exp")
    net.add("עברית", 2, "iaf_psc_exp")
    result = ls.run(net, 1.0)
    with ls.Simulation(net) as simulation:
        for thing in (net, result, simulation):
            assert "名字" in described(thing) and "עברית" in described(thing) and "\x1b" not in described(thing)
            page = thing._repr_html_()
            assert "<script>" not in page and html.escape("<script>") in page
            assert 'class="tex2jax_ignore mathjax_ignore"' in page  # no formulas are made of dollar signs


def test_a_simulation_says_where_it_is(tmp_path):
    net = ls.load("single_neuron")
    with ls.Simulation(net, out=tmp_path / "x.h5") as simulation:
        simulation.run(20.0)
        text = described(simulation)
        assert text.startswith("Simulation of 'single_neuron': at 20 ms, seed 1\n  1 neuron, 2 synapses\n  method grid, float64")
        assert "results in" in text and "x.h5" in text
    assert "closed" in described(simulation).splitlines()[0]
    assert described(ls.Simulation.__new__(ls.Simulation)) == "Simulation\n  not built"


def test_estimators():
    x = np.eye(4)
    m = ls.ann.Classifier(hidden=(8,), epochs=2)
    assert "not trained" in m._repr_html_() and described(m) == "Classifier(hidden=(8,), epochs=2)"
    m.fit(x, [0, 1, 0, 1])
    page = Balanced(m._repr_html_()).text
    assert "4 → 8 → 2" in page and "58" in page and f"{m.history['loss'][-1]:.4g}" in page
    assert described(m) == "Classifier(hidden=(8,), epochs=2)"
    assert described(ls.ann.to_spiking(m, x)).startswith("Spiking network: made from Classifier, layers 4 → 8 → 2")


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["analysis", "ann", "nir", "plot", "weights"])
def test_modules_list_their_public_names(name):
    module = getattr(ls, name)
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, each) for each in dir(module))


def test_the_package_lists_its_public_names():
    assert dir(ls) == sorted(ls.__all__) and "annotations" not in dir(ls) and "Classifier" in dir(ls.ann)


def test_keys_are_completed():
    net = ls.load("single_neuron")
    result = ls.run(net, 10.0)
    assert net._ipython_key_completions_() == list(net.populations)
    assert result.spikes._ipython_key_completions_() == ["neuron"] == result.traces._ipython_key_completions_()
    assert result.traces["neuron"]._ipython_key_completions_() == list(result.traces["neuron"])


def test_populations_by_name():
    net = ls.load("single_neuron")
    assert net["neuron"] is net.populations["neuron"] and "neuron" in net and "nothing" not in net and 0 not in net
    assert str(net["step[0]"]) == "step" and list(net) == list(net.populations)
    with pytest.raises(ls.ModelError, match="there is no population 'neurn'; did you mean 'neuron'"):
        net["neurn"]


# -- figures ---------------------------------------------------------------------------------------


class Shell:
    """Stands for the shell of a notebook: displays, and events of cells."""

    kernel = object()

    def __init__(self):
        self.shown, self.called = [], {"pre_execute": [], "post_execute": []}
        self.events = SimpleNamespace(register=lambda event, function: self.called[event].append(function))
        self.display_formatter = SimpleNamespace(format=lambda figure: ({"figure": figure}, {}))
        self.display_pub = SimpleNamespace(publish=lambda data, metadata: self.shown.append(data["figure"]))

    def cell(self, code):
        """Run a cell; its last value is displayed. Returns the figures that it showed."""
        self.shown.clear()
        for function in self.called["pre_execute"]:
            function()
        value = code()
        if value is not None:
            display = getattr(value, "_ipython_display_", None)
            display() if display else self.shown.append(value)
        for function in self.called["post_execute"]:
            function()
        return list(self.shown)


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr(inline, "notebook", lambda: shell)
    return shell


@pytest.fixture(scope="module")
def result():
    return ls.run(ls.load("single_neuron"), 50.0)


def test_a_figure_is_shown_once(shell, result):
    made = []

    def keep(figure):
        made.append(figure)

    assert len(shell.cell(lambda: ls.plot.raster(result))) == 1
    assert shell.cell(lambda: keep(ls.plot.traces(result))) == made and isinstance(made[0], Figure)
    assert shell.cell(lambda: made[0]) == made  # asked for again
    assert shell.cell(lambda: None) == []
    both = shell.cell(lambda: (keep(ls.plot.rates(result)), ls.plot.isi(result))[1])
    assert len(both) == 2 and made[1] in both


def test_a_failed_plot_shows_nothing(shell, result):
    def fail():
        with pytest.raises(ls.DataError):
            ls.plot.raster(result, "nothing")

    assert shell.cell(fail) == []


def test_figures_of_the_user_are_shown_once(shell, result):
    figure = Figure()
    top, below = figure.subplots(2, 1)
    assert shell.cell(lambda: (ls.plot.rates(result, ax=top), ls.plot.isi(result, ax=below))[1]) == [figure]
    assert not hasattr(figure, "_ipython_display_")


def test_no_figure_is_shown_outside_notebooks(result, capsys):
    ls.plot.raster(result)
    assert not inline._waiting and capsys.readouterr().out == ""


def test_a_terminal_is_no_notebook(monkeypatch):
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
    monkeypatch.setitem(notebook_module.sys.modules, "IPython", ipython)
    assert notebook_module.notebook() is None
    ipython.get_ipython = lambda: SimpleNamespace(kernel=1)
    assert notebook_module.notebook().kernel == 1


CELLS = {  # cell -> number of pictures that it shows
    "import lifsim as ls\nr = ls.run(ls.load('single_neuron'), 50.0, progress=True)": 0,
    # Where things are in a figure is looked at elsewhere, and takes most of the time of drawing it.
    "from matplotlib.layout_engine import ConstrainedLayoutEngine\nConstrainedLayoutEngine.execute = lambda *_: None": 0,
    "ls.plot.raster(r)": 1,
    "f = ls.plot.raster(r)": 1,
    "f": 1,
    "ls.plot.rates(r)\nls.plot.traces(r);": 2,
    "try:\n    ls.plot.raster(r, t_start=1000)\nexcept ls.DataError:\n    pass": 0,
    "import matplotlib.pyplot as plt\nls.plot.raster(r)": 1,
    "fig, ax = plt.subplots()\nls.plot.rates(r, ax=ax)": 1,
    "fig": 1,
    "fig, ax = plt.subplots()\ng = ls.plot.rates(r, ax=ax)": 1,
    "%matplotlib inline\nls.plot.raster(r)": 1,
    "plt.plot([1, 2])\nls.plot.raster(r);": 2,
}


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("nbclient", "nbformat", "ipykernel"))), reason="nbclient and ipykernel are not installed"
)
def test_in_a_notebook():
    import nbclient
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    found = {cell.source: sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in book.cells}
    assert found == CELLS
    assert not re.search("error|Warning", str([output for output in book.cells[0].outputs if output.output_type == "stream"]))


def test_settings_of_matplotlib_are_left_alone(result):
    before = dict(matplotlib.rcParams)
    ls.plot.raster(result)
    assert dict(matplotlib.rcParams) == before
