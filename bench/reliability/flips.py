"""R11: corrupted files. A random bit of a file is flipped, or a random byte changed; reading the whole file must report an error.

    python bench/reliability/flips.py --flips 2000
    python bench/reliability/flips.py --flips 500 --seed 9

Files: results (spikes, traces, weights over time), a store of weights (sparse and dense, with delays and biases), a trained
network, a checkpoint, the log of an unfinished run. For comparison, the script counts how often plain h5py reads wrong data from the
damaged results without an error.
"""

from __future__ import annotations

import argparse
import collections
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from nets import digest, network
from scipy import sparse

import lifsim as ls
from lifsim.ann import Classifier
from lifsim.checkpoint import checkpoint_file
from lifsim.files.run_files import checkpoint_path
from lifsim.weights import WeightStore


def results(folder: Path) -> Path:
    path = folder / "run.h5"
    ls.run(network("plastic", 1), 60.0, out=path)
    return path


def grid(folder: Path) -> Path:
    path = folder / "grid.h5"
    ls.run(network("grid", 1), 60.0, out=path)
    return path


def weights(folder: Path) -> Path:
    rng, path = np.random.default_rng(1), folder / "weights.h5"
    with WeightStore(path, "w") as store:
        w = sparse.random(60, 50, 0.2, "csc", rng=rng)
        store.put("a", w, delay=np.full(w.nnz, 1.5))
        store.put("b", rng.normal(size=(20, 30)), bias=rng.normal(size=20), units="1")
        store.note("b", scale_of_layer=2.5)
    return path


def trained(folder: Path) -> Path:
    rng, path = np.random.default_rng(1), folder / "net.h5"
    x = rng.normal(size=(60, 5))
    Classifier((8,), epochs=2).fit(x, (x[:, 0] > 0).astype(int)).save(path)
    return path


def _unfinished(folder: Path) -> Path:
    path = folder / "stopped.h5"
    if not checkpoint_path(path).exists():
        ls.run(network("plastic", 2), 5000.0, out=path, max_wall=1e-3)
        ls.resume(path, max_wall=0.3)
    return path


def saved(folder: Path) -> Path:
    return checkpoint_path(_unfinished(folder))


def log(folder: Path) -> Path:
    return Path(f"{_unfinished(folder)}.log")


def verified(path: Path) -> None:
    result = ls.open(path)
    result.verify()
    digest(result)


def stored(path: Path) -> None:
    with WeightStore(path) as store:
        store.verify()


FILES: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "results with weights": (results, verified),
    "results with traces": (grid, verified),
    "weights": (weights, stored),
    "trained network": (trained, stored),
    "checkpoint": (saved, checkpoint_file.read),
    "log": (log, verified),
}


def flipped(raw: bytes, rng: np.random.Generator) -> bytes:
    out, at = bytearray(raw), int(rng.integers(len(raw)))
    out[at] ^= 1 << int(rng.integers(8)) if rng.random() < 0.5 else int(rng.integers(1, 256))
    return bytes(out)


def plain(path: Path) -> str:
    """All data that h5py reads from a file, as text."""
    seen: list[str] = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, x: seen.append(f"{name} {x[()].tobytes()!r}") if isinstance(x, h5py.Dataset) else None)
    return "".join(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=2000, help="of each file")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, missed = np.random.default_rng(options.seed), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, (make, read) in FILES.items():
            path = make(folder)
            raw = path.read_bytes()
            read(path)
            seen = collections.Counter()
            other = path.with_name(f"flipped-{path.name}")
            for _ in range(options.flips):
                other.write_bytes(flipped(raw, rng))
                try:
                    read(other)
                    seen["MISSED"] += 1
                except ls.LifsimError:
                    seen["detected"] += 1
                except Exception as error:
                    print(what, repr(error))
                    seen["NOT A CLEAR ERROR"] += 1
            missed += options.flips - seen["detected"]
            print(f"{what}: {len(raw):,} bytes, {options.flips} flips: " + ", ".join(f"{n} {key}" for key, n in seen.items()), flush=True)
        path, silent = folder / "run.h5", 0
        want = plain(path)
        for _ in range(options.flips):
            shutil.copyfile(path, folder / "x.h5")
            (folder / "x.h5").write_bytes(flipped(path.read_bytes(), rng))
            try:
                silent += plain(folder / "x.h5") != want
            except Exception:
                continue
        print(f"plain h5py, the same results: {silent} of {options.flips} read as other data without a word")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
