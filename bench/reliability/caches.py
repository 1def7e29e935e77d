"""R21: damaged and foreign caches of compiled code. No damaged code may be loaded, no process may crash, all results must be right.

    python bench/reliability/caches.py --trials 1000 --together 100 --runs 10
    python bench/reliability/caches.py --trials 200 --seed 5

Most trials use a cache of two small functions and a part, each compiled for two types in the way of the engine. In each trial, one to three
files of the cache are damaged or replaced: bytes are changed; the file is cut, emptied, lengthened, removed, exchanged with another or
copied from another version; it is replaced by a link, a pipe, a folder, or a file (in Numba's format or lifsim's) whose pickle would run
code; it is made writable by others or (as root) given to another user. A process that then uses the functions must get the right results
and compile the damaged code, and the next process must find all code in the cache. In further trials, six processes of different versions
compile and remove old versions in one folder at the same time, beside folders of other programs. In the last trials, whole runs use a
damaged cache of the engine.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pickle
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from nets import apart, digest, forked, network, report

import lifsim as ls
from lifsim.engine import compiling
from lifsim.engine.compiler import cache, code_file
from lifsim.engine.compiler.jit import entry
from lifsim.engine.compiler.parts import Part

OTHER_USER = 65534
X = np.linspace(0.0, 1.0, 20)


def decayed(x, n):
    for _ in range(n):
        x = 0.5 * x + 0.25
    return x


def total(xs):
    out = 0.0
    for x in xs:
        out += x * x
    return out


class Data(NamedTuple):
    """The data of the part."""

    x: np.ndarray


def halve(m):
    for i in range(len(m.x)):
        m.x[i] *= 0.5


CALLS: list[tuple[Any, tuple[Any, ...]]] = [
    (decayed, (3.0, 4)),
    (decayed, (np.float32(3.0), 4)),
    (total, (X,)),
    (total, (X.astype("f4"),)),
]
RIGHT = [float(function(*args)) for function, args in CALLS]
TYPES = np.float64, np.float32  # types of the arrays with which the part is called


def use(root: Path) -> dict[str, Any]:
    """Call the functions with a cache in `root`: their results, the number of compilations, the warnings."""
    os.environ[cache.VARIABLE] = str(root)
    cache.folders.cache_clear()
    with warnings.catch_warnings(record=True) as said, compiling() as compiler:
        warnings.simplefilter("always")
        compiled = {function: entry(function) for function in (decayed, total)}
        got = [compiled[function](*args) for function, args in CALLS]
        data, part = [Data(X.astype(dtype)) for dtype in TYPES], Part(halve)
        for each in data:
            part(each)
    right = np.allclose(got, RIGHT, rtol=1e-6) and all(np.allclose(each.x, X / 2, rtol=1e-6) for each in data)
    return {"right": bool(right), "compiled": compiler.kernels, "said": [str(w.message) for w in said]}


def used(root: Path) -> dict[str, Any]:
    """Call `use` in a forked process, which may crash."""
    return dict(json.loads(apart(lambda: json.dumps(use(root)))))


# -- damage ----------------------------------------------------------------------------------------


class Planted:
    """An object that creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def changed(path: Path, rng: np.random.Generator) -> None:
    raw = bytearray(path.read_bytes())
    at = int(rng.integers(len(raw)))
    raw[at] ^= 1 << int(rng.integers(8)) if rng.random() < 0.5 else int(rng.integers(1, 256))
    path.write_bytes(raw)


def cut(path: Path, rng: np.random.Generator) -> None:
    os.truncate(path, int(rng.integers(path.stat().st_size)))


def emptied(path: Path, rng: np.random.Generator) -> None:
    os.truncate(path, 0)


def zeroed(path: Path, rng: np.random.Generator) -> None:
    raw = bytearray(path.read_bytes())
    start = int(rng.integers(len(raw)))
    raw[start:] = bytes(len(raw) - start)
    path.write_bytes(raw + b"\0")


def lengthened(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes() + rng.bytes(int(rng.integers(1, 100))))


def removed(path: Path, rng: np.random.Generator) -> None:
    path.unlink()


def exchanged(path: Path, rng: np.random.Generator) -> None:
    others = sorted(p for p in path.parent.iterdir() if p.suffix == path.suffix and p != path and p.is_file())
    path.write_bytes(others[rng.integers(len(others))].read_bytes() if others else b"")


def of_another_version(path: Path, rng: np.random.Generator) -> None:
    other = path.parent.with_name("engine-0123456789abcdef")
    other.mkdir(exist_ok=True)
    code_file.write(other / path.name, code_file.read(path) or b"")
    path.write_bytes((other / path.name).read_bytes())


def linked(path: Path, rng: np.random.Generator) -> None:
    path.rename(path.parent.parent / path.name)
    path.symlink_to(path.parent.parent / path.name)


def piped(path: Path, rng: np.random.Generator) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path, rng: np.random.Generator) -> None:
    path.unlink()
    path.mkdir()


def planted_as_numba(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(pickle.dumps(Planted(path.parent.parent / "mark")))


def open_to_others(path: Path, rng: np.random.Generator) -> None:
    code_file.write(path, pickle.dumps(Planted(path.parent.parent / "mark")))
    path.chmod(0o666 if rng.random() < 0.5 else 0o664)


def of_another_user(path: Path, rng: np.random.Generator) -> None:
    code_file.write(path, pickle.dumps(Planted(path.parent.parent / "mark")))
    os.chown(path, OTHER_USER, OTHER_USER)


DAMAGE: list[Callable[[Path, np.random.Generator], None]] = [changed] * 6 + [
    cut,
    emptied,
    zeroed,
    lengthened,
    removed,
    exchanged,
    of_another_version,
    linked,
    piped,
    a_folder,
    planted_as_numba,
    open_to_others,
]
if os.geteuid() == 0:
    DAMAGE.append(of_another_user)


def damaged(pristine: Path, folder: Path, rng: np.random.Generator) -> collections.Counter[str]:
    """Run one trial with a damaged cache of small functions."""
    root = folder / "cache"
    shutil.copytree(pristine, root)
    files = sorted((root / cache.VERSION).iterdir())
    seen, stays = collections.Counter({"damaged caches": 1}), False
    for at in rng.choice(len(files), int(rng.integers(1, 4)), replace=False):
        damage = DAMAGE[rng.integers(len(DAMAGE))]
        damage(files[at], rng)
        seen[f"files {damage.__name__.replace('_', ' ')}"] += 1
        stays |= damage is a_folder
    first, second = used(root), used(root)
    seen["WRONG RESULT"] += not (first["right"] and second["right"])
    seen["LOADED THOUGH DAMAGED"] += first["compiled"] == 0
    seen["PLANTED CODE RAN"] += (root / "mark").exists()
    seen["NOT MENDED"] += second["compiled"] > 0 and not stays
    seen["SAID MORE THAN ONCE"] += max(len(first["said"]), len(second["said"])) > stays
    return seen


# -- several processes, whole runs -------------------------------------------------------------------


def together(pristine: Path, folder: Path, rng: np.random.Generator) -> collections.Counter[str]:
    """Run one trial in which six processes of up to nine versions compile, load and remove old versions in one folder."""
    root, seen = folder / "cache", collections.Counter({"folders used by six processes": 1})
    foreign = root / "engine-measurements-1" / "data.csv"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("1,2\n")
    root.chmod(0o700)
    (root / "engine-00000000000000aa").symlink_to(folder / "nowhere")
    for k in range(9):
        (root / f"engine-{k:016x}").mkdir(mode=0o700)

    def work(seed: int, said: Path) -> None:
        own, out = np.random.default_rng(seed), []
        for _ in range(5):
            cache.VERSION = f"engine-{int(own.integers(9)):016x}"
            out.append(use(root))
        said.write_text(json.dumps(out))

    said = [folder / f"said-{k}" for k in range(6)]
    children = [forked(lambda path=path: work(int(rng.integers(1 << 30)), path)) for path in said]
    for child, path in zip(children, said, strict=True):
        crashed = os.waitpid(child, 0)[1] != 0
        seen["CRASHED"] += crashed
        if not crashed:
            uses = json.loads(path.read_text())
            seen["uses of it"] += len(uses)
            seen["uses of it that found some code"] += sum(u["compiled"] < len(CALLS) + len(TYPES) for u in uses)
            seen["WRONG RESULT"] += sum(not u["right"] for u in uses)
            seen["uses of it that could not keep some code"] += sum(bool(u["said"]) for u in uses)
    seen["FOREIGN FILES REMOVED"] += not (foreign.exists() and (root / "engine-00000000000000aa").is_symlink())
    seen["TEMPORARY FILES LEFT"] += any(p.name.endswith(".tmp") for p in root.rglob("*"))
    return seen


def simulated(root: Path) -> str:
    """The digest of a run of the engine with a cache in `root`."""
    os.environ[cache.VARIABLE] = str(root)
    cache.folders.cache_clear()
    return digest(ls.run(network("grid", 1), 60.0))


def whole_run(pristine: Path, right: str, folder: Path, rng: np.random.Generator) -> collections.Counter[str]:
    """Run one trial: a whole run with a cache of the engine in which one file in ten is damaged."""
    root, seen = folder / "cache", collections.Counter({"whole runs with a damaged cache": 1})
    shutil.copytree(pristine, root)
    for path in sorted((root / cache.VERSION).iterdir()):
        if rng.random() < 0.1:
            [changed, cut, emptied, zeroed][rng.integers(4)](path, rng)
    seen["WRONG RESULT"] += apart(lambda: simulated(root)).decode() != right
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--together", type=int, default=100, help="trials with several processes")
    parser.add_argument("--runs", type=int, default=10, help="whole runs; they compile for minutes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seen: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, whole, right = folder / "small", folder / "whole", ""
        use(folder / "first")  # loads the compiler in this process
        used(small)
        if options.runs:
            right = apart(lambda: simulated(whole)).decode()
        kinds: list[tuple[int, Callable[..., collections.Counter[str]]]] = [
            (options.trials, lambda *a: damaged(small, *a)),
            (options.together, lambda *a: together(small, *a)),
            (options.runs, lambda *a: whole_run(whole, right, *a)),
        ]
        for kind, (number, trial) in enumerate(kinds):
            for k in range(number):
                own = folder / f"trial-{kind}-{k}"
                own.mkdir()
                try:
                    seen += trial(own, np.random.default_rng([options.seed, kind, k]))
                except Exception as error:
                    print("CRASHED", kind, k, repr(error), flush=True)
                    seen["CRASHED"] += 1
                shutil.rmtree(own)
    for wrong in ("CRASHED", "WRONG RESULT", "LOADED THOUGH DAMAGED", "PLANTED CODE RAN", "NOT MENDED", "FOREIGN FILES REMOVED"):
        seen.setdefault(wrong, 0)
    report(seen)


if __name__ == "__main__":
    main()
