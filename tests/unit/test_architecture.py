"""Who may import whom, read from the sources: the table of packages, and what follows from it.

`ALLOWED` is the one place where the layout is laid down; the picture in CONTRIBUTING.md is held against it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2] / "lifsim"
ALLOWED = {  # package: the packages that its modules may import, wherever the import stands
    "common": "",
    "files": "common",
    "weights": "common files",
    "network": "common files",
    "plan": "common network",
    "modelfile": "common files weights network",
    "results": "common files",
    "building": "common files network plan results",
    "engine": "common plan",
    "checkpoint": "common files network plan modelfile results",
    "simulation": "common files weights network plan building engine results checkpoint",
    "analysis": "common results",
    "plot": "common files network modelfile results analysis",
    "validation": "common files network modelfile results simulation analysis",
    "gallery": "common files network modelfile results simulation analysis plot",
    "nir": "common files weights network",
    "ann": "common files weights network modelfile nir engine simulation plot",
    "cli": "common files weights network modelfile building engine results simulation analysis plot gallery validation report theory "
    "scans ann demo description reproduction",
    "description": "common network modelfile results plot",
    "report": "common files network modelfile results analysis plot description",
    "reproduction": "common files network modelfile checkpoint results simulation analysis plot description",
    "theory": "common network",
    "scans": "common files network modelfile building checkpoint results simulation analysis",
    "demo": "common files network theory results simulation analysis plot ann",
}
FACE = {"", "__main__"}  # `lifsim/__init__.py` and `lifsim/__main__.py` hand on what the packages offer
HEAVY = {"numpy", "numba", "llvmlite", "scipy", "h5py", "matplotlib", "pydantic", "tqdm", "sklearn"}
LONGEST = 380  # lines of a module

# Imports inside functions of modules that load no heavy library, and why they stand there.
LATE = {
    ("lifsim", "lifsim.modelfile"): "`lifsim/__init__.py` loads nothing until it is asked for",
    ("lifsim", "lifsim.simulation"): "`lifsim/__init__.py` loads nothing until it is asked for",
    ("lifsim.engine", "lifsim.engine.precise"): "kernels that runs on the grid do without",
    ("lifsim.engine.engine", "lifsim.engine.snapshot"): "kernels that only checkpoints need",
    ("lifsim.engine.precise.event_engine", "lifsim.engine.precise.event_snapshot"): "kernels that only checkpoints need",
    ("lifsim.engine.snapshot", "lifsim.engine.plasticity.plastic_snapshot"): "kernels that only plastic networks need",
    ("lifsim.engine.synapses.packing", "lifsim.engine.synapses.explicit"): "kernels that only given synapses need",
}


class Import(NamedTuple):
    """An import of `target`, a full name; `late`: inside a function, `typed`: under TYPE_CHECKING."""

    target: str
    late: bool
    typed: bool


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def imports(name: str) -> tuple[Import, ...]:
    """What a module imports: names of modules of lifsim, or of packages outside."""
    path, found = MODULES[name], []

    def visit(node: ast.AST, late: bool, typed: bool) -> None:
        late = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        typed = typed or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, late, typed) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; write the full name"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append(Import(inner if inner in MODULES else str(node.module), late, typed))
        for child in ast.iter_child_nodes(node):
            visit(child, late, typed)

    visit(ast.parse(path.read_text(encoding="utf-8")), False, False)
    return tuple(found)


def own(name: str) -> list[Import]:
    """The imports of modules of lifsim."""
    return [i for i in imports(name) if i.target.partition(".")[0] == "lifsim"]


def package(name: str) -> str:
    """The package, or the module, of lifsim that a module belongs to."""
    return name.split(".")[1] if "." in name else ""


@cache
def loads(name: str) -> frozenset[str]:
    """The heavy libraries that importing a module loads."""
    found: set[str] = set()
    seen, waiting = set(), [name]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        waiting += [here.rpartition(".")[0]] if "." in here else []  # the packages that it is in
        for i in imports(here):
            if not i.late and not i.typed:
                waiting += [i.target] if i.target in MODULES else []
                found |= {i.target.partition(".")[0]} & HEAVY
    return frozenset(found)


def test_the_table_names_all_packages():
    assert set(ALLOWED) | FACE == {package(name) for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_imports_are_in_the_table(name):
    if package(name) not in FACE:
        wrong = {i.target for i in own(name) if package(i.target) not in {package(name), *ALLOWED[package(name)].split()}}
        assert not wrong


def storey(name: str) -> int:
    """Of a package: one above the highest that it may import."""
    return 1 + max(map(storey, ALLOWED[name].split()), default=0)


def test_ten_storeys_at_most():
    assert max(map(storey, ALLOWED)) <= 10  # a circle in the table has no end


def test_no_circles():
    """Modules that import each other, wherever the imports stand, form no circle."""
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for i in own(name):
                if i.target not in (name, "lifsim"):
                    visit(i.target, (*trail, name))
            done.add(name)

    for name in MODULES:
        if name != "lifsim":
            visit(name, ())


@pytest.mark.parametrize("name", MODULES)
def test_imports_inside_functions_keep_a_heavy_library_from_loading(name):
    idle = {i.target for i in own(name) if i.late and not loads(i.target) - loads(name) and (name, i.target) not in LATE}
    assert not idle


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_short(name):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_no_file_name_twice_in_a_package():
    names = Counter((package(name), path.name) for name, path in MODULES.items() if path.name != "__init__.py")
    assert not [key for key, n in names.items() if n > 1]


def test_no_class_name_twice():
    classes = [
        node.name
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert not {name for name, n in Counter(classes).items() if n > 1}


@pytest.mark.parametrize("name", [name for name in MODULES if package(name) == "engine"])
def test_the_engine_stands_on_numpy_and_numba(name):
    outside = {i.target.partition(".")[0] for i in imports(name)} - set(sys.stdlib_module_names)
    assert outside <= {"numpy", "numba", "llvmlite", "platformdirs", "lifsim"}


@pytest.mark.parametrize("name", [name for name in MODULES if package(name) not in {"engine", "ann"}])
def test_the_engine_has_one_door(name):
    """Who drives the engine names nothing inside it. (`lifsim.ann.kernels` are compiled by its compiler.)"""
    assert not {i.target for i in own(name) if i.target.startswith("lifsim.engine.")}


@pytest.mark.parametrize("name", ["lifsim.common", "lifsim.network", "lifsim.plan"])
def test_description_is_light(name):
    """To describe a network takes NumPy alone; files of synapses load HDF5 when there are such."""
    assert loads(name) <= {"numpy"}


@pytest.mark.parametrize(
    "name",
    [
        "lifsim",
        "lifsim.cli.main",
        "lifsim.cli.run",
        "lifsim.cli.inspect",
        "lifsim.cli.plot",
        "lifsim.cli.gallery",
        "lifsim.cli.ann",
        "lifsim.cli.demo",
        "lifsim.cli.report",
        "lifsim.cli.describe",
        "lifsim.cli.reproduce",
        "lifsim.cli.scan",
    ],
)
def test_the_start_is_light(name):
    """`lifsim --help` needs click and little else."""
    assert not loads(name)


def test_contributing_shows_the_table():
    """Every package with its storey, from the top down; and no file that is not there."""
    text = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)
    assert {name: int(floor) for floor, name in rows} == {name: storey(name) for name in ALLOWED}
    assert [int(floor) for floor, _ in rows] == sorted((int(floor) for floor, _ in rows), reverse=True)
    named = re.findall(r"`(?:lifsim/)?((?:\w+/)+(?:\w+\.py)?|\w+\.py)`", text)
    here = {path.relative_to(ROOT).as_posix() for path in MODULES.values()} | {path.name for path in MODULES.values()}
    folders = {f"{path.relative_to(ROOT).as_posix()}/" for path in ROOT.rglob("*") if path.is_dir()}
    folders |= {f"{path.name}/" for path in ROOT.rglob("*") if path.is_dir()}
    elsewhere = [name for name in named if name not in here | folders and not (ROOT.parent / name).exists()]
    assert not [name for name in elsewhere if not list((ROOT.parent / "tests").rglob(name))]


KERNEL = {"kernel", "merged", "inlined", "Part", "entry", "owning"}
MANY_ARGUMENTS = {"polynomial": "x and the coefficients"}


@pytest.mark.parametrize("name", [name for name in MODULES if package(name) in {"engine", "ann"}])
def test_kernels_take_few_arguments(name):
    """At most eight: what belongs together is a named tuple."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    kernels = [
        f for f in tree.body if isinstance(f, ast.FunctionDef) and {ast.unparse(d).partition("(")[0] for d in f.decorator_list} & KERNEL
    ]
    assert not [f.name for f in kernels if len(f.args.args) > 8 and f.name not in MANY_ARGUMENTS]
