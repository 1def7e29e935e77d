"""`lifsim describe`: the tables say what the model is, and what the papers publish; the LaTeX is whole."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.mathtext import MathTextParser

import lifsim as ls
from lifsim.cli.main import main
from lifsim.description.equations import neuron_equations, synapse_equations, transmission_equations
from lifsim.description.references import bibtex
from lifsim.modelfile.shipped import shipped_names
from lifsim.network import MODELS, SYNAPSES
from lifsim.network.pair_probability import pair_probability

NAMES = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
# Potjans and Diesmann (2014), table 5, and the microcircuit's distribution in NEST; rows are targets, columns sources.
SIZES = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
K_EXT = [1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100]
P = """
0.1009 0.1689 0.0437 0.0818 0.0323 0      0.0076 0
0.1346 0.1371 0.0316 0.0515 0.0755 0      0.0042 0
0.0077 0.0059 0.0497 0.1350 0.0067 0.0003 0.0453 0
0.0691 0.0029 0.0794 0.1597 0.0033 0      0.1057 0
0.1004 0.0622 0.0505 0.0057 0.0831 0.3726 0.0204 0
0.0548 0.0269 0.0257 0.0022 0.0600 0.3158 0.0086 0
0.0156 0.0066 0.0211 0.0166 0.0572 0.0197 0.0396 0.2252
0.0364 0.0010 0.0034 0.0005 0.0277 0.0080 0.0658 0.1443
"""
SYNAPSE_COUNTS = """
45499805 22323577 20253647  9670918 3293578       0  2271404        0
17443694  5018763  4105338  1690074 2221213       0   353461        0
 3503670   756561 24482849 17413576  714524    7003 14624432        0
 8114254    92832  9933538  5223272   87836       0  8810905        0
10613575  1817058  5507804   151900 2040738 2407889  1438969        0
 1241436   169424   607667    12851  319602  430444   132414        0
 4681225   556108  6727570  1320234 4112225  305029  8372649 10827677
 2260836    17207   220033     8078  401638   25218  2888426  1354320
"""
NEURON = {"E_L": -65, "V_th": -50, "V_reset": -65, "C_m": 250, "tau_m": 10, "tau_syn_ex": 0.5, "tau_syn_in": 0.5, "t_ref": 2}
V0 = {
    "L23E": (-68.28, 5.36),
    "L23I": (-63.16, 4.57),
    "L4E": (-63.33, 4.74),
    "L4I": (-63.45, 4.94),
    "L5E": (-63.11, 4.94),
    "L5I": (-61.66, 4.55),
    "L6E": (-66.72, 5.46),
    "L6I": (-61.43, 4.48),
}


def matrix(text: str) -> np.ndarray:
    return np.array([line.split() for line in text.strip().splitlines()], float)


def tables(markdown: str) -> dict[str, list[list[list[str]]]]:
    """Heading -> the tables below it, each a list of rows of cells, the head first."""
    found: dict[str, list[list[list[str]]]] = {}
    heading = ""
    for block in markdown.split("\n\n"):
        lines = block.splitlines()
        if lines[0].startswith("## "):
            heading = lines[0].removeprefix("## ")
        if lines[0].startswith("|"):
            cells = [[cell.strip().replace("\\", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
            found.setdefault(heading, []).append([cells[0], *cells[2:]])
    return found


@pytest.fixture(scope="module")
def microcircuit() -> ls.Network:
    return ls.load("microcircuit")


@pytest.fixture(scope="module")
def told(microcircuit) -> dict[str, list[list[list[str]]]]:
    return tables(ls.describe(microcircuit))


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_populations_of_the_microcircuit(told):
    (rows,) = told["B Populations"]
    assert [(row[0], row[1], number(row[2])) for row in rows[1:]] == [(n, "iaf_psc_exp", k) for n, k in zip(NAMES, SIZES, strict=True)]


def test_probabilities_of_the_microcircuit(told):
    """All 64 to the four digits of the paper, computed back from the numbers of synapses."""
    rows = told["C Connectivity"][1]
    assert rows[0][1:] == [row[0] for row in rows[1:]] == NAMES
    np.testing.assert_allclose([[float(x) for x in row[1:]] for row in rows[1:]], matrix(P), atol=5e-5 * 0.02)


def test_projections_of_the_microcircuit(told):
    rows = told["C Connectivity"][0]
    assert rows[0] == ["source", "target", "rule", "in-degree", "p", "weight", "delay", "synapses"]
    counts, published = matrix(SYNAPSE_COUNTS), matrix(P)
    seen = set()
    for source, target, rule, indegree, p, weight, delay, synapses in rows[1:]:
        t, s = NAMES.index(target), NAMES.index(source)
        seen.add((t, s))
        assert rule == "fixed_total_number"
        assert number(synapses) == counts[t, s]
        assert float(indegree) == pytest.approx(counts[t, s] / SIZES[t], rel=1e-5)
        assert float(p) == pytest.approx(published[t, s], abs=1e-6)
        mean = -351.234 if source.endswith("I") else 175.617 if (source, target) == ("L4E", "L23E") else 87.8085
        a, b = map(float, re.match(r"normal\((\S+), (\S+), m(?:in|ax) 0\) pA$", weight).groups())
        assert (a, b) == pytest.approx((mean, abs(mean) / 10), rel=1e-5)
        assert ("min 0" in weight) == (mean > 0)
        assert delay == ("normal(0.75, 0.375) ms" if source.endswith("I") else "normal(1.5, 0.75) ms")
    assert seen == set(map(tuple, np.argwhere(counts)))
    assert counts.sum() == 298_880_968


def test_neurons_and_input_of_the_microcircuit(told):
    shared, own = told["D Neuron model"]
    values = {row[0]: row[1] for row in shared[1:]}
    assert {name: float(values[name]) for name in NEURON} == NEURON
    assert "tau_minus" not in values  # no plastic synapses read it
    assert own[0] == ["population", "V_m (mV)"]
    assert {row[0]: row[1] for row in own[1:]} == {name: f"normal({m:g}, {s:g})" for name, (m, s) in V0.items()}
    (inputs,) = told["F Input"]
    for row, k in zip(inputs[1:], range(8), strict=True):
        assert row == [f"ext[{k}]", "poisson_generator", f"rate {8 * K_EXT[k]} Hz", NAMES[k], "all_to_all", "87.8085 pA", "1.5 ms"]


def test_probability_of_a_pair_against_draws():
    """At least one synapse, with and without multapses: the engine's connections, counted. Five standard errors."""
    net = ls.Network()
    a, b = net.add("a", 40, "iaf_psc_exp"), net.add("b", 60, "iaf_psc_exp")
    for rule, values in {
        "fixed_indegree": {"indegree": 30},
        "fixed_outdegree": {"outdegree": 30},
        "fixed_total_number": {"N": 1500},
    }.items():
        for multapses in (True, False):
            net.connect(a, b, rule, **values, allow_multapses=multapses, name=f"{rule}{multapses}")
    with ls.Simulation(net) as sim:
        for p in net.projections:
            connected = sim.matrix("a", "b", projection=p.name)
            share = (connected.toarray() != 0).mean()
            assert share == pytest.approx(pair_probability(p), abs=5 * np.sqrt(0.25 / 2400)), p.name
            if not p.allow_multapses:
                assert share == pytest.approx(pair_probability(p), abs=1e-12)


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_model_can_be_described(name):
    for form in ("markdown", "latex"):
        text = ls.describe(name, form)
        for letter in "ABCDEFG":
            assert re.search(rf"^(?:## |\\subsection\*{{){letter} ", text, re.MULTILINE), letter
    check_latex(ls.describe(name, "latex"))


def check_latex(text: str) -> None:
    """Environments and braces balance; nothing is left that LaTeX would take for its own; as many cells as columns."""
    stack = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if what == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    body = re.sub(r"(?m)^%.*", "", re.sub(r"\\[\\{}%&$#_]", "", text))
    assert body.count("{") == body.count("}")
    assert body.count("$") % 2 == 0
    assert text.isascii() or not re.search("[^\x00-\u017f]", text)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path, microcircuit):
    """The microcircuit with its drawing, and a network whose names and texts try LaTeX's patience."""
    odd = ls.Network(name="a_b & 50 % #1 {x} \\y ~^ $5", description='→ é Σ 中 <b> "q" [a]')
    odd.add("p_1", 3, "iaf_psc_exp")
    odd.connect("p_1", "p_1", "pairwise_bernoulli", p=0.5, weight=1.0)
    for name, net in {"circuit": microcircuit, "odd": odd}.items():
        drawing = tmp_path / f"{name}_drawing.pdf"
        (tmp_path / f"{name}.tex").write_text(ls.describe(net, "latex", drawing=drawing), encoding="utf-8")
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
        assert (tmp_path / f"{name}.pdf").stat().st_size > 10_000


def test_equations_of_all_models_can_be_read():
    found = set()
    for model in MODELS.values():
        if model.role == "neuron":
            formulas = [*neuron_equations(model), *transmission_equations(model)]
            assert formulas
            found |= {formula.latex for formula in formulas}
    for synapse in SYNAPSES.values():
        assert synapse.name == "static_synapse" or synapse_equations(synapse)
        found |= {formula.latex for formula in synapse_equations(synapse)}
    parser = MathTextParser("agg")
    for latex in sorted(found):
        parser.parse(f"${latex}$")


def test_plastic_synapses_and_their_parameters():
    said = ls.describe("hpc")
    assert "stdp_pl_synapse_hom" in said and r"w \rightarrow w + \lambda w^{\mu} K_+" in said
    rows = {row[0]: row[1] for row in tables(said)["E Synapse model"][0][1:]}
    assert (rows["lambda"], rows["alpha"], rows["mu"], rows["tau_plus"]) == ("0.1", "0.0513", "0.4", "15 ms")
    assert any(row[:2] == ["tau_minus", "30"] for row in tables(said)["D Neuron model"][0])


class Outline(HTMLParser):
    """Open elements must be closed, and nothing is loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [value or "" for key, value in attrs if key in ("src", "href", "xlink:href")]
        if tag not in ("meta", "img", "br"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.links += [value or "" for key, value in attrs if key in ("src", "href", "xlink:href")]


def test_html_needs_nothing_else():
    net = ls.load("brunel", order=20)
    net.description = "<script>alert(1)</script>"
    page = ls.describe(net, "html")
    outline = Outline()
    outline.feed(page)
    assert not outline.stack
    assert all(link.startswith(("data:image/", "#")) for link in outline.links)
    assert "<script" not in page and "&lt;script&gt;" in page and "<svg" in page
    shown = ls.describe(net)
    assert "<table>" in shown._repr_html_() and "<html" not in shown._repr_html_()
    assert shown._repr_markdown_() == str(shown)


def test_results_describe_their_model(tmp_path):
    net = ls.load("brunel", order=20, g=6.0)
    ls.run(net, 5.0, seed=7, out=tmp_path / "b.h5")
    rows = dict(row for row in tables(ls.describe(tmp_path / "b.h5"))["Simulation"][0][1:])
    assert rows["seed"] == "7" and rows["duration"] == "5 ms"
    assert ls.describe(ls.open(tmp_path / "b.h5"), "latex").count("longtable")
    bare = ls.Network(duration=1.0)
    bare.add("a", 1, "iaf_psc_exp")
    bare.record("a", "spikes")
    ls.run(bare, out=tmp_path / "bare.h5")
    with pytest.raises(ls.DataError, match="no model text"):
        ls.describe(tmp_path / "bare.h5")


def test_bibtex():
    for name in shipped_names():
        reference = ls.load(name).reference
        entries = bibtex(reference)
        assert (reference.removeprefix("doi:") in entries) or not reference
        assert "@misc{model" not in entries  # all of them are known
        assert entries.count("{") == entries.count("}")
        assert f"note = {{Version {ls.__version__}}}" in entries
    assert "@misc{model" in bibtex("Someone {2020} & co, doi:10.1234/x_y") and "doi = {10.1234/x_y}" in bibtex("see doi:10.1234/x_y")


def test_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def lifsim(*words: str) -> tuple[int, str]:
        outcome = CliRunner().invoke(main, ["describe", *words])
        return outcome.exit_code, outcome.output

    code, said = lifsim("brunel", "--set", "g=6")
    assert code == 0 and "-0.6 mV" in said
    code, said = lifsim("brunel", "-o", "d/b.tex", "--drawing", "d/b.png")
    assert code == 0 and "d/b.png" in Path("d/b.tex").read_text(encoding="utf-8") and Path("d/b.png").stat().st_size > 5000
    assert lifsim("brunel", "-o", "d/b.tex")[0] == 2  # exists
    assert lifsim("brunel", "-o", "d/b.tex", "--overwrite")[0] == 0
    assert lifsim("brunel", "-o", "b.html")[0] == 0 and Path("b.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    code, said = lifsim("brunel", "--format", "latex", "--drawing", "x.svg")
    assert code == 2 and ".pdf or .png" in said and not Path("x.svg").exists()
    assert lifsim("brunnel")[0] == 2
    assert lifsim("brunel", "--format", "word")[0] == 2
    with pytest.raises(ls.DataError, match="format"):
        ls.describe("brunel", "docx")
    with pytest.raises(ls.DataError, match="model"):
        ls.describe(3)


def test_drawing():
    for name in ("single_neuron", "synfire", "spatial", "microcircuit"):
        figure = ls.plot.network(ls.load(name))
        figure.canvas.draw()
    texts = {text.get_text() for text in figure.axes[1].texts}
    assert {".373", ".101", "3e-4"} <= texts
    assert "16 of 55" in figure.axes[0].get_title(loc="right")
    with pytest.raises(ls.DataError):
        ls.plot.network("brunel")


def test_citation_file_is_in_step():
    text = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.*)"', project, re.MULTILINE)[1]
    assert re.search(rf"^version: {re.escape(version)}$", text, re.MULTILINE)
    for key in ("cff-version: 1.2.0", "message:", "title:", "authors:", "license: MIT"):
        assert re.search(rf"^{re.escape(key)}", text, re.MULTILINE), key
