"""The pages of the site and the notebooks. Their blocks are run by test_docs.py; .ci/nightly runs the notebooks and builds the site."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import lifsim

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


# -- notebooks -----------------------------------------------------------------------------------


def test_the_index_lists_all_notebooks():
    index = (DOCS / "notebooks" / "index.md").read_text(encoding="utf-8")
    assert {path.name for path in NOTEBOOKS} == set(re.findall(r"\]\((\w+\.ipynb)\)", index))
    assert len(NOTEBOOKS) == 8


@notebooks
def test_notebooks_are_clean_and_have_exercises_with_solutions(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 30_000 and set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path, "code"))
    (exercises,) = [source(cell) for cell in cells(path, "markdown") if "## Exercises" in source(cell)]
    solutions = [source(cell) for cell in cells(path, "markdown") if "solution" in cell["metadata"].get("tags", [])]
    assert len(solutions) == len(re.findall(r"(?m)^\d\. ", exercises)) == 3
    tagged = ["solution" in cell["metadata"].get("tags", []) for cell in notebook["cells"]]
    assert tagged == sorted(tagged)  # they come last


@notebooks
def test_cells_compile_and_use_what_exists(path):
    """Every chain ls.a.b that begins with the package leads to a public name."""
    for cell in cells(path, "code"):
        tree = ast.parse(source(cell))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), ast.unparse(node)
                check_public(ast.unparse(node))


def check_public(chain: str) -> None:
    first, *rest = chain.split(".")
    if first != "ls" or not all(part.isidentifier() for part in rest):
        return
    thing = lifsim
    for name in rest:
        assert name in dir(thing), chain
        thing = getattr(thing, name)
        if not isinstance(thing, ModuleType):
            return


def test_wrong_names_are_found():
    with pytest.raises(AssertionError, match=r"ls\.plot\.rastre"):
        check_public("ls.plot.rastre")


@pytest.mark.slow
@notebooks
def test_notebooks_run(path, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert not [output.text for output in shown if output.output_type == "stream" and output.name == "stderr"]


# -- pages ---------------------------------------------------------------------------------------


def test_the_way_to_spikes_is_the_same_in_both_languages():
    english, chinese = (
        (DOCS / f"from_artificial_to_spiking{suffix}.md").read_text(encoding="utf-8").replace("\uff0c", ",") for suffix in ("", ".zh")
    )
    for what in (
        r"lifsim demo [\w-]+",
        r"\]\(((?!from_art)[^)]+)\)",
        r"(?m)^#+",
        r"\$[^$\n]+\$",
        r"(?m)^(?:net|cells|x, y|w, b|a|gradient)\b.*?(?=  #|$)",
    ):
        found = re.findall(what, english)
        assert found == re.findall(what, chinese)
        assert len(found) >= 5
    assert {name.removeprefix("lifsim demo ") for name in re.findall(r"lifsim demo [\w-]+", english)} == set(lifsim.demo.names())


def peer_pages() -> list:
    return [pytest.param(tool, id=tool) for tool in ("nest", "brian2", "snntorch")]


@pytest.mark.parametrize("tool", peer_pages())
def test_both_sides_of_a_page_show_the_same(tool):
    page = (DOCS / f"from_{tool}.md").read_text(encoding="utf-8")
    theirs, ours = (re.findall(r"# → (.*)", re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]) for language in ("text", "python"))
    assert theirs == ours and len(ours) == 2


@pytest.mark.peers
@pytest.mark.parametrize("tool", peer_pages())
def test_the_other_side_shows_what_it_prints(tool):
    """In a process of its own: in this Python, or in the one that LIFSIM_NEST_PYTHON (…) names."""
    python = os.environ.get(f"LIFSIM_{tool.upper()}_PYTHON")
    if python is None and find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    code = re.search(r"```text\n(.*?)```", (DOCS / f"from_{tool}.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    run = subprocess.run([python or sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown = re.findall(r"# → (.*)", code)
    assert [line for line in run.stdout.splitlines() if line in shown] == shown


# -- the site ------------------------------------------------------------------------------------


def test_every_page_is_in_the_navigation():
    navigation = re.findall(r"(?m)^ +- .*?([\w./]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {path.name for path in DOCS.glob("*.md")} | {f"notebooks/{path.stem}.md" for path in NOTEBOOKS}
    assert pages <= set(navigation)
    assert len(navigation) == len(set(navigation))


def test_pages_are_called_in_the_navigation_as_they_call_themselves():
    named = re.findall(r'(?m)^ +- "?([^"\n]+?)"?: ([\w./]+\.md)$', (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert [page for title, page in named if title not in ("Home", "Demonstrations")] == ["from_artificial_to_spiking.zh.md"]


@pytest.fixture
def website(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "website"))
    return import_module


def test_requests_to_other_hosts_are_found(website, tmp_path):
    (tmp_path / "a.html").write_text('<script src="https://x.org/a.js"></script><a href="https://x.org">link</a><img src="b.png">')
    (tmp_path / "b.css").write_text("@import '//x.org/c.css'; p { background: url(data:image/png;base64,AAAA) }")
    found = website("other_hosts").requests_to_other_hosts(tmp_path)
    assert found == ["a.html: <script> https://x.org/a.js", "b.css: //x.org/c.css"]


def test_formulas(website):
    pytest.importorskip("latex2mathml")
    as_mathml = website("formulas").as_mathml
    assert "<mi>x</mi>" in as_mathml(r'<span class="arithmatex">\(x\)</span>')
    with pytest.raises(ValueError, match=r"cannot be converted|not known"):
        as_mathml(r'<span class="arithmatex">\(\nosuchcommand{x}\)</span>')


def test_the_reference_names_every_parameter_in_a_row_of_its_own(website):
    page = website("reference_pages").reference_pages()["reference/theory.md"]
    part = page[page.index("## rheobase") : page.index("## siegert_cv")]
    assert "```python\nrheobase(*, tau_m, C_m, E_L, V_th)\n```" in part
    assert "| `tau_m` | ms; inf: no leak, with rheobase 0. |" in part and "| `E_L`, `V_th` | mV. |" in part


def test_the_reference_names_every_error_in_a_row_of_its_own(website):
    page = website("reference_pages").reference_pages()["reference/lifsim.md"]
    part = page[page.index("## run\n") : page.index("## RunError")]
    assert re.findall(r"(?m)^\| `(\w+(?:Error|Stopped)|Stopped)` \|", part) == ["LifsimError", "RunError", "Stopped"]


def test_links_of_the_repository_become_those_of_the_site(website):
    repository = website("repository_links").Repository(ROOT, {"index.md": "README.md", "CONTRIBUTING.md": "CONTRIBUTING.md"})
    moved = repository.with_site_links("[a](docs/models.md#runs) [b](CONTRIBUTING.md) [c](https://x.org)", "index.md")
    assert moved == "[a](models.md#runs) [b](CONTRIBUTING.md) [c](https://x.org)"
    moved = repository.with_site_links("[a](../lifsim/engine/loop.py) [b](notebooks/ann.ipynb) [c](../README.md)", "one_spike.md")
    assert moved == "[a](source/lifsim/engine/loop.py.md) [b](notebooks/ann.md) [c](index.md)"
