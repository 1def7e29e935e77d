"""Who may import whom, read from the sources: the table of packages, and what follows from it.

`ALLOWED` is the one place where the layout is laid down; the picture in CONTRIBUTING.md is held against it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeGuard

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
KERNEL = {"kernel", "merged", "inlined", "Part", "entry", "owning"}
MANY_ARGUMENTS = {"polynomial": "x and the coefficients"}

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
def text(name: str) -> str:
    return MODULES[name].read_text(encoding="utf-8")


class Source(NamedTuple):
    """What the tests ask of a module; its syntax tree is parsed once and not kept."""

    imports: tuple[Import, ...]
    classes: tuple[str, ...]
    kernels: dict[str, int]  # with their number of arguments


BODIES = (
    ast.stmt,
    ast.excepthandler,
    ast.match_case,
)  # what holds statements; expressions, of which most of a tree is made, import nothing


def statements(node: ast.AST, late: bool = False, typed: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    """All statements below `node`; `late`, `typed`: where they stand, as in `Import`."""
    late = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    typed = typed or (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING")
    for child in ast.iter_child_nodes(node):
        if isinstance(child, BODIES):
            yield child, late, typed
            yield from statements(child, late, typed)


def imported(name: str, node: ast.AST) -> list[str]:
    """What a statement of a module imports: names of modules of lifsim, or of packages outside."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.level == 0, f"{MODULES[name]}: a relative import; write the full name"
    inner = [f"{node.module}.{alias.name}" for alias in node.names]
    return [full if full in MODULES else str(node.module) for full in inner]


def is_kernel(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and bool({ast.unparse(d).partition("(")[0] for d in node.decorator_list} & KERNEL)


@cache
def source(name: str) -> Source:
    tree = ast.parse(text(name))
    found = list(statements(tree))
    imports = tuple(Import(target, late, typed) for node, late, typed in found for target in imported(name, node))
    classes = tuple(node.name for node, *_ in found if isinstance(node, ast.ClassDef))
    return Source(imports, classes, {node.name: len(node.args.args) for node in tree.body if is_kernel(node)})


def imports(name: str) -> tuple[Import, ...]:
    return source(name).imports


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


INNER = [name for name in MODULES if package(name) not in FACE]


def in_packages(*packages: str) -> list[str]:
    return [name for name in MODULES if package(name) in packages]


def of_modules(found: dict[str, Iterable]) -> dict[str, list]:
    """What was found wrong, by module: all of it, as one dictionary, which a failure shows."""
    return {name: sorted(wrong) for name, wrong in found.items() if wrong}


def test_the_table_names_all_packages():
    assert set(ALLOWED) | FACE == {package(name) for name in MODULES}


def test_imports_are_in_the_table():
    allowed = {home: {home, *others.split()} for home, others in ALLOWED.items()}
    assert not of_modules({name: {i.target for i in own(name) if package(i.target) not in allowed[package(name)]} for name in INNER})


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


def test_imports_inside_functions_keep_a_heavy_library_from_loading():
    def idle(name: str) -> set[str]:
        return {i.target for i in own(name) if i.late and not loads(i.target) - loads(name) and (name, i.target) not in LATE}

    assert not of_modules({name: idle(name) for name in MODULES})


def test_modules_are_short():
    lines = {name: len(text(name).splitlines()) for name in MODULES}
    assert not {name: n for name, n in lines.items() if n > LONGEST}


def test_no_file_name_twice_in_a_package():
    names = Counter((package(name), path.name) for name, path in MODULES.items() if path.name != "__init__.py")
    assert not [key for key, n in names.items() if n > 1]


def test_no_class_name_twice():
    classes = Counter(each for name in MODULES for each in source(name).classes)
    assert not {name for name, n in classes.items() if n > 1}


def test_the_engine_stands_on_numpy_and_numba():
    known = {*sys.stdlib_module_names, "numpy", "numba", "llvmlite", "platformdirs", "lifsim"}
    assert not of_modules({name: {i.target.partition(".")[0] for i in imports(name)} - known for name in in_packages("engine")})


def test_the_engine_has_one_door():
    """Who drives the engine names nothing inside it. (`lifsim.ann.kernels` are compiled by its compiler.)"""
    outside = [name for name in MODULES if package(name) not in {"engine", "ann"}]
    assert not of_modules({name: {i.target for i in own(name) if i.target.startswith("lifsim.engine.")} for name in outside})


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
    page = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.MULTILINE)
    assert {name: int(floor) for floor, name in rows} == {name: storey(name) for name in ALLOWED}
    assert [int(floor) for floor, _ in rows] == sorted((int(floor) for floor, _ in rows), reverse=True)
    named = re.findall(r"`(?:lifsim/)?((?:\w+/)+(?:\w+\.py)?|\w+\.py)`", page)
    here = {path.relative_to(ROOT).as_posix() for path in MODULES.values()} | {path.name for path in MODULES.values()}
    folders = {f"{path.relative_to(ROOT).as_posix()}/" for path in ROOT.rglob("*") if path.is_dir()}
    folders |= {f"{path.name}/" for path in ROOT.rglob("*") if path.is_dir()}
    elsewhere = [name for name in named if name not in here | folders and not (ROOT.parent / name).exists()]
    assert not [name for name in elsewhere if not list((ROOT.parent / "tests").rglob(name))]


def test_kernels_take_few_arguments():
    """At most eight: what belongs together is a named tuple."""
    kernels = {name: source(name).kernels for name in in_packages("engine", "ann")}
    assert any(kernels.values())
    assert not of_modules({name: [f for f, n in own.items() if n > 8 and f not in MANY_ARGUMENTS] for name, own in kernels.items()})
