"""Everything the documents show runs: python and toml blocks, and the lifsim lines of console blocks.

A toml block that begins with ``# NAME.toml`` is a file of that name, for the commands of its page, before which the python
blocks run that make the data.
"""

from __future__ import annotations

import ast
import io
import re
import shlex
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

import lifsim
from lifsim.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LANGUAGES = {"python", "toml", "console", "text"}  # text: other programs' code, not run
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def files(page: Path) -> dict[str, str]:
    """Toml blocks that are files of their own, by name."""
    found = ((re.match(r"# (\S+\.toml)\n", body), body) for body in blocks(page, "toml"))
    return {match[1]: body for match, body in found if match}


def pages_with(language: str) -> list:
    return [pytest.param(page, id=page.stem) for page in PAGES if blocks(page, language)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, undrawn_figures):
    """An empty folder. Figures are looked at elsewhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_its_language(page):
    used = {name for name, _ in BLOCK.findall(page.read_text(encoding="utf-8"))}
    assert used <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if ":" not in link and not (page.parent / link).exists()] == []


def anchors(page: Path) -> set[str]:
    """What links to headings of a page end with, as GitHub and the site make it of their text."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.stem)
def test_links_to_headings_lead_to_one(page):
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    targets = [(page.parent / file if file else page, anchor) for file, anchor in links]
    assert [f"{target.name}#{anchor}" for target, anchor in targets if target.suffix == ".md" and anchor not in anchors(target)] == []


def run_python(page: Path) -> None:
    """Statement by statement; what one prints is what the comment behind it says after an arrow (``print(x)  # → 2.0``)."""
    namespace: dict = {}
    for body in blocks(page, "python"):
        if "import libsonata" in body:
            pytest.importorskip("libsonata")
        if any(f"import {library}\n" in body and find_spec(library) is None for library in ("pandas", "neo", "xarray")):
            continue  # blocks that nothing else depends on
        lines = body.splitlines()
        for statement in ast.parse(body).body:
            with redirect_stdout(io.StringIO()) as printed:
                exec(compile(ast.Module([statement], []), str(page), "exec"), namespace)
            shown = re.search(r"# → (.*)", lines[(statement.end_lineno or 1) - 1])
            if shown:
                assert " ".join(printed.getvalue().split()) == " ".join(shown[1].split()), f"{page.name}: {lines[statement.lineno - 1]}"


def test_pages_show_what_is_printed():
    shown = {page.name for page in PAGES if "# → " in page.read_text(encoding="utf-8")}
    assert {"README.md", "spatial.md", "neurons.md", "results.md", "python.md", "ann.md"} <= shown


@pytest.mark.parametrize("page", [page for page in pages_with("python") if not files(page.values[0])])
def test_python_blocks(page):
    """In order, in one namespace a page. (Those of pages with files are run before their commands.)"""
    run_python(page)


@pytest.mark.parametrize("page", [page for page in pages_with("toml") if not files(page.values[0])])
def test_toml_blocks(page):
    """Joined, the blocks of a page are one model file."""
    Path("model.toml").write_text("\n".join(blocks(page, "toml")), encoding="utf-8")
    result = lifsim.run(lifsim.load("model.toml"), 20.0)
    assert result.duration == 20.0


@pytest.mark.parametrize("page", pages_with("console"))
def test_console_blocks(page):
    """Every line that begins with lifsim; what installs and tests is left to the continuous integration."""
    for name, body in files(page).items():
        Path(name).write_text(body, encoding="utf-8")
    if files(page):
        run_python(page)
    lines = [line.removeprefix("$ ") for body in blocks(page, "console") for line in body.splitlines()]
    for line in lines:
        words = shlex.split(line, comments=True)
        if words and words[0] == "lifsim":
            outcome = CliRunner().invoke(main, words[1:])
            said = re.search(r"# exits with (\d+)", line)
            assert outcome.exit_code == (int(said[1]) if said else 0), f"{line}\n{outcome.output}"


def test_tests_that_a_page_names_exist():
    """A promise in docs/files.md is held by the tests beside it."""
    tests = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*/test_*.py")}
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", (ROOT / "docs" / "files.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    for file, name in named:
        assert file in tests and (not name or f"def {name}(" in tests[file]), f"{file}::{name}"


def test_names_linked_to_the_source_are_defined_there():
    """``[`advance`](../lifsim/engine/loop.py)``: a definition, or the file itself."""
    linked = [
        (page, *found)
        for page in PAGES
        for found in re.findall(r"\[`([\w.]+)`\]\((\.\./lifsim/[\w/]+\.py)\)", page.read_text(encoding="utf-8"))
    ]
    assert len(linked) > 40
    for page, name, path in linked:
        source = (page.parent / path).read_text(encoding="utf-8")
        assert name == Path(path).name or re.search(rf"^ *(?:def|class) {name}\b|^{name} =", source, re.MULTILINE), f"{name} in {path}"
