"""R17: power failures. After each disk operation of a run, states of the disk that a failure could leave are simulated.

    python bench/reliability/power.py                 # two networks of each kind
    python bench/reliability/power.py --seed 8

Every open, write, sync, truncation, rename, link and removal of a run with checkpoints is recorded. After each operation, only synced data
are certain to be on the disk. Of the other data, nothing, all, a first part that ends within a write, or any subset of the writes (with
zeros in the gaps) may be on the disk. The same holds for file names in a folder that was not synced. In each such state, the synced part
of the log must be readable and be a prefix of the uninterrupted run, and the run must be resumed, from a checkpoint or from its beginning,
with bit-identical results. (Most file systems guarantee more than this model of a disk.)
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nets import KINDS, digest, network, report

import lifsim as ls
from lifsim.files.run_files import log_path
from lifsim.results.recording import read_log
from lifsim.simulation import slices

DURATION = 60.0


# -- recording -------------------------------------------------------------------------------------


@dataclass
class Tape:
    """Records the operations on the files of a folder, in order; files are identified by numbers."""

    folder: Path
    ops: list[tuple[Any, ...]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    open_files: dict[int, int] = field(default_factory=dict)
    number: int = 0

    def own(self, path: Any) -> str | None:
        """The name of a file in the folder; None for a file elsewhere."""
        path = Path(os.fspath(path)) if isinstance(path, (str, os.PathLike)) else Path("/")
        return path.name if path.parent == self.folder else None

    def __enter__(self) -> Tape:
        names = ("open", "write", "fsync", "fdatasync", "ftruncate", "replace", "link", "unlink", "close")
        self.real = {name: getattr(os, name) for name in names}
        for name in self.real:
            setattr(os, name, getattr(self, f"_{name}"))
        return self

    def __exit__(self, *_: Any) -> None:
        for name, old in self.real.items():
            setattr(os, name, old)

    def _open(self, path: Any, flags: int, *args: Any, **options: Any) -> int:
        fd = self.real["open"](path, flags, *args, **options)
        name = self.own(path)
        if name is not None and flags & (os.O_WRONLY | os.O_RDWR):
            if name not in self.names:
                self.names[name] = self.number
                self.ops.append(("create", name, self.number))
                self.number += 1
            if flags & os.O_TRUNC:
                self.ops.append(("truncate", self.names[name], 0))
            self.open_files[fd] = self.names[name]
        elif Path(os.fspath(path)) == self.folder:
            self.open_files[fd] = -1
        else:
            self.open_files.pop(fd, None)
        return fd

    def _write(self, fd: int, data: Any) -> int:
        at = os.lseek(fd, 0, os.SEEK_CUR) if fd in self.open_files else 0
        n = self.real["write"](fd, data)
        if fd in self.open_files:
            end = os.lseek(fd, 0, os.SEEK_CUR)
            self.ops.append(("write", self.open_files[fd], end - n if end != at + n else at, bytes(memoryview(data).cast("B")[:n])))
        return n

    def _fsync(self, fd: int) -> None:
        self.real["fsync"](fd)
        if fd in self.open_files:
            self.ops.append(("sync names",) if self.open_files[fd] < 0 else ("sync", self.open_files[fd]))

    def _fdatasync(self, fd: int) -> None:
        self._fsync(fd)

    def _ftruncate(self, fd: int, size: int) -> None:
        self.real["ftruncate"](fd, size)
        if fd in self.open_files:
            self.ops.append(("truncate", self.open_files[fd], size))

    def _replace(self, old: Any, new: Any) -> None:
        self.real["replace"](old, new)
        if self.own(old) is not None:
            self.names[self.own(new)] = self.names.pop(self.own(old))
            self.ops.append(("rename", self.own(old), self.own(new)))

    def _link(self, old: Any, new: Any) -> None:
        self.real["link"](old, new)
        if self.own(old) in self.names:
            self.names[self.own(new)] = self.names[self.own(old)]
            self.ops.append(("link", self.own(old), self.own(new)))

    def _unlink(self, path: Any, **options: Any) -> None:
        self.real["unlink"](path, **options)
        if not options and self.own(path) in self.names:
            self.names.pop(self.own(path))
            self.ops.append(("unlink", self.own(path)))

    def _close(self, fd: int) -> None:
        self.open_files.pop(fd, None)
        self.real["close"](fd)


# -- what a failure leaves -------------------------------------------------------------------------


class Disk:
    """A simulated disk: the files and names that are certain, and the operations that may not have reached the disk."""

    def __init__(self) -> None:
        self.content: dict[int, bytes] = collections.defaultdict(bytes)
        self.names: dict[str, int] = {}
        self.written: dict[int, list[tuple[Any, ...]]] = collections.defaultdict(list)
        self.renamed: list[tuple[Any, ...]] = []

    def do(self, op: tuple[Any, ...]) -> None:
        if op[0] in ("write", "truncate"):
            self.written[op[1]].append(op)
        elif op[0] == "sync":
            self.content[op[1]] = applied(self.content[op[1]], self.written.pop(op[1], []))
        elif op[0] == "sync names":
            self.names, self.renamed = renamed(self.names, self.renamed), []
        else:
            self.renamed.append(op)

    def after(self, how: str, rng: np.random.Generator) -> dict[str, bytes]:
        """The files (by name) as a power failure at this time may leave them."""
        moves = {"nothing": 0, "all": len(self.renamed)}.get(how, int(rng.integers(len(self.renamed) + 1)))
        files = {}
        for name, number in renamed(self.names, self.renamed[:moves]).items():
            pending = self.written.get(number, [])
            files[name] = applied(self.content.get(number, b""), list(self.some(how, pending, rng)))
        return files

    @staticmethod
    def some(how: str, pending: list[tuple[Any, ...]], rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        """The pending operations that have reached the disk."""
        if how == "all":
            yield from pending
        elif how == "torn" and pending:
            k = int(rng.integers(len(pending)))
            yield from pending[:k]
            if pending[k][0] == "write":
                yield (*pending[k][:3], pending[k][3][: int(rng.integers(len(pending[k][3]) + 1))])
        elif how == "any":
            yield from (op for op in pending if rng.random() < 0.5)


def applied(content: bytes, ops: list[tuple[Any, ...]]) -> bytes:
    out = bytearray(content)
    for op in ops:
        if op[0] == "truncate":
            out = out[: op[2]] + bytes(max(0, op[2] - len(out)))
        else:
            out += bytes(max(0, op[2] - len(out)))
            out[op[2] : op[2] + len(op[3])] = op[3]
    return bytes(out)


def renamed(names: dict[str, int], ops: list[tuple[Any, ...]]) -> dict[str, int]:
    out = dict(names)
    for op in ops:
        if op[0] == "create":
            out[op[1]] = op[2]
        elif op[0] == "rename" and op[1] in out:
            out[op[2]] = out.pop(op[1])
        elif op[0] == "link" and op[1] in out:
            out[op[2]] = out[op[1]]
        elif op[0] == "unlink":
            out.pop(op[1], None)
    return out


# -- the trial -------------------------------------------------------------------------------------


def tried(
    net: ls.Network, whole: ls.Result, wanted: str, disk: Disk, files: dict[str, bytes], rng: np.random.Generator
) -> collections.Counter[str]:
    """Simulate a power failure at this time; check the files that are left, and whether the run can be resumed."""
    seen = collections.Counter({"states": 1})
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run.h5"
        for file, content in files.items():
            (out.parent / file).write_bytes(content)
        certain = synced(disk, out.name, out.parent)
        if out.exists() and not log_path(out).exists():
            seen["finished"] += 1
            seen["NOT IDENTICAL"] += ls.open(out).info["content_sha256"] != wanted
            return seen
        try:
            left = ls.open(log_path(out))
        except ls.DataError:
            seen["not begun yet"] += certain is None
            seen["LOST THE LOG"] += certain is not None
            return seen
        seen["LOST"] += certain is not None and left.t_stop < certain - 1e-6
        seen["NOT A PREFIX"] += digest(left) != digest(whole, left.t_stop)
        try:
            result = ls.resume(out, threads=int(rng.integers(1, 4)))
            seen["resumed"] += 1
            seen["NOT IDENTICAL"] += result.info["content_sha256"] != wanted
        except ls.DataError as error:
            seen["CANNOT BE RESUMED"] += 1
            print(f"CANNOT BE RESUMED: {error}", flush=True)
    return seen


def synced(disk: Disk, name: str, folder: Path) -> float | None:
    """The time (ms) up to which the log is certain to be on the disk; None if even its beginning is not."""
    number = disk.names.get(f"{name}.log")
    if number is None:
        return None
    copy = folder / "certain"
    copy.write_bytes(disk.content.get(number, b""))
    try:
        recorded, _ = read_log(copy)
        return recorded.totals.end * recorded.manifest.dt
    except ls.DataError:
        return None
    finally:
        copy.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, seen = np.random.default_rng(options.seed), collections.Counter()
    slices.SLICE_SECONDS = 0.003
    for kind in KINDS:
        for seed in range(options.seed, options.seed + options.networks):
            net, disk = network(kind, seed), Disk()
            with tempfile.TemporaryDirectory() as folder:
                with Tape(Path(folder)) as tape:
                    whole = ls.run(net, DURATION, out=Path(folder) / "run.h5", threads=1, checkpoint_every=15.0)
                wanted = whole.info["content_sha256"]
                known: set[bytes] = set()
                for k, op in enumerate(tape.ops):
                    disk.do(op)
                    if op[0] == "write" and op[2] and k % 10:  # HDF5 makes a hundred small writes: test a tenth
                        log_number = disk.names.get("run.h5.log")
                        if op[1] != log_number:
                            continue
                    seen[f"after {op[0]}"] += 1
                    for how in ("nothing", "all", "torn", "any"):
                        files = disk.after(how, rng)
                        state = hashlib.sha256(repr(sorted(files.items())).encode()).digest()
                        if state not in known:
                            known.add(state)
                            seen += tried(net, whole, wanted, disk, files, rng)
            print(f"{net.name}: {len(tape.ops)} operations", flush=True)
    report(seen)


if __name__ == "__main__":
    main()
