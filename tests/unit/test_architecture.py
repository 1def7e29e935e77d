"""Who may import whom, read from the sources."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "lifsim"
DESCRIPTION = ["errors", "given", "grid", "models", "network", "populations", "positions", "profiles", "projections", "units", "values"]
HEAVY = {"numba", "llvmlite", "scipy", "h5py", "matplotlib", "pydantic", "tqdm", "click"}
SHARED_WITH_ENGINE = {"errors", "plan", "grid"}  # plain data and messages


def imports(path: Path, *, at_start: bool = False) -> set[str]:
    """Full names of what a module imports (not under TYPE_CHECKING); with `at_start` not inside functions either."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if at_start and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import; write the full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return found


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def parts(names: set[str]) -> set[str]:
    """The modules (or packages) of lifsim among `names`."""
    return {name.split(".")[1] for name in names if name.startswith("lifsim.")}


def modules(pattern: str) -> list:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted(ROOT.glob(pattern))]


@pytest.mark.parametrize("path", modules("engine/**/*.py"))
def test_the_engine_stands_on_numpy_and_numba(path):
    found = imports(path)
    assert packages(found) - set(sys.stdlib_module_names) <= {"numpy", "numba", "llvmlite", "platformdirs", "lifsim"}
    assert parts(found) <= {"engine"} | SHARED_WITH_ENGINE


@pytest.mark.parametrize("path", [path for path in modules("*.py") if path.id != "simulation.py"])
def test_the_engine_has_one_door(path):
    """Nothing but the driver names a module of the engine."""
    inner = {name for name in imports(path) if name.startswith("lifsim.engine.")}
    assert not {name for name in inner if (ROOT / "engine" / f"{name.split('.')[2]}.py").exists()}


@pytest.mark.parametrize("name", DESCRIPTION)
def test_description_is_light(name):
    path = ROOT / f"{name}.py"
    assert not packages(imports(path, at_start=True)) & HEAVY
    assert "engine" not in parts(imports(path))


@pytest.mark.parametrize("name", ["__init__", "cli"])
def test_the_start_is_light(name):
    """`lifsim --help` needs click and little else."""
    assert not packages(imports(ROOT / f"{name}.py", at_start=True)) & ((HEAVY - {"click"}) | {"numpy"})


def test_no_circles():
    """Modules that import each other at their start form no circle."""
    names = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in ROOT.rglob("*.py")}
    graph = {}
    for name, path in names.items():
        found = {other if other in names else other.rpartition(".")[0] for other in imports(path, at_start=True)}
        graph[name] = found & set(names) - {name, "lifsim"}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail, name])
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_forecast_of_memory_knows_the_numbers_of_the_engine():
    from lifsim import forecast
    from lifsim.engine import engine, packing, seats

    for module, names in (
        (packing, ("WAITING", "MOST_CLASSES", "STEPS", "WIDE", "MOST_WORDS")),
        (seats, ("LARGEST_BLOCK", "GRAIN")),
        (engine, ("BUFFER",)),
    ):
        for name in names:
            assert getattr(forecast, name) == getattr(module, name), name
