"""R4: the n-th write, sync, rename, open, truncation or allocation fails, for every n of a run.

    python bench/reliability/faults.py                     # every n of every call, every kind of failure
    python bench/reliability/faults.py --every 5 --seed 3  # every fifth n, other networks

`lifsim run` is called as a user calls it, in a forked process in which one call fails: no disk space (ENOSPC), a failing disk (EIO), or
(for writes) only half of the data written. The command must print one line about it, without a traceback, and exit with 1 or 2, or
complete the run. The data on the disk must be a prefix of those of the uninterrupted run. Without further failures, the run must reach
bit-identical results: by ``lifsim resume``, or by a new run if the first one had not begun.
"""

from __future__ import annotations

import argparse
import builtins
import collections
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from nets import KINDS, digest, forked, network, report

import lifsim as ls
from lifsim.cli.main import main as lifsim
from lifsim.files.run_files import log_path
from lifsim.simulation import slices

CALLS = ("write", "fsync", "fdatasync", "replace", "open", "ftruncate", "mkdir", "unlink")
ALLOCATIONS = ("empty", "zeros", "concatenate", "arange", "repeat", "ascontiguousarray")
DURATION = "60 ms"


def ran(args: list[str], patch: Callable[[], Any] = lambda: None) -> tuple[int, str]:
    """Run a command in a forked process; returns its exit code and its standard error."""
    read, write = os.pipe()

    def work() -> None:
        os.dup2(write, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        slices.SLICE_SECONDS = 0.002
        patch()
        try:
            lifsim(args)
        except SystemExit as end:
            sys.stderr.flush()
            os._exit(int(end.code or 0))

    child = forked(work)
    os.close(write)
    with builtins.open(read, "rb") as pipe:
        said = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def errors_in(said: str) -> int:
    """The number of errors that a command printed."""
    return sum(line.startswith("error:") for line in said.splitlines())


def failing(module: Any, name: str, n: int, how: str) -> Callable[[], None]:
    """A patch that makes the n-th call of ``module.name`` fail, counting only calls for files of the run."""

    def patch() -> None:
        old, calls = getattr(module, name), iter(range(10**9))

        def new(*args: Any, **options: Any) -> Any:
            if not (name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR)) and next(calls) == n:
                if how == "half" and len(args[1]) > 1:
                    return old(args[0], bytes(args[1])[: len(args[1]) // 2])
                if how == "memory":
                    raise MemoryError(f"{name}: no memory left")
                number = errno.EIO if how == "EIO" else errno.ENOSPC
                raise OSError(number, os.strerror(number))
            return old(*args, **options)

        setattr(module, name, new)

    return patch


def counted(args: list[str], module: Any, name: str) -> int:
    """The number of calls of ``module.name`` in a run."""
    read, write = os.pipe()

    def patch() -> None:
        old, out = getattr(module, name), os.write

        def new(*given: Any, **options: Any) -> Any:
            if not (name == "open" and not given[1] & (os.O_WRONLY | os.O_RDWR)):
                out(write, b".")
            return old(*given, **options)

        setattr(module, name, new)

    os.set_inheritable(write, True)
    import fcntl

    fcntl.fcntl(write, 1031, 1 << 20)  # F_SETPIPE_SZ
    ran(args, patch)
    os.close(write)
    with builtins.open(read, "rb") as pipe:
        return len(pipe.read())


def campaign(kind: str, seed: int, every: int, folder: Path) -> collections.Counter[str]:
    seen: collections.Counter[str] = collections.Counter()
    model = folder / "model.toml"
    network(kind, seed).save(model)
    reference = folder / "reference.h5"
    code, said = ran(["run", str(model), "--duration", DURATION, "-o", str(reference), "--threads", "1"])
    assert code == 0, said
    whole = ls.open(reference)
    wanted, own = whole.info["content_sha256"], folder / "own"
    args = ["run", str(model), "--duration", DURATION, "-o", str(own / "run.h5"), "--checkpoint-every", "20", "--threads", "1"]
    cases = [(os, name, how) for name in CALLS for how in (("ENOSPC", "EIO", "half") if name == "write" else ("ENOSPC", "EIO"))]
    cases += [(np, name, "memory") for name in ALLOCATIONS]
    for module, name, how in cases:
        own.mkdir()
        number = counted(args, module, name)
        shutil.rmtree(own)
        for n in range(0, number, every if module is os else max(every, number // 40)):
            own.mkdir()
            code, said = ran(args, failing(module, name, n, how))
            seen.update(judged(args, own / "run.h5", whole, wanted, code, said, f"{kind} {name} {n} {how}"))
            seen[f"{name} fails ({how})"] += 1
            shutil.rmtree(own)
    return seen


def judged(args: list[str], out: Path, whole: ls.Result, wanted: str, code: int, said: str, what: str) -> collections.Counter[str]:
    """Check the files that a failed run left, and whether the run can be completed."""
    seen = collections.Counter({"cases": 1, f"exit {code}": 1})

    def complain(wrong: str) -> None:
        print(f"{wrong}: {what}: exit {code}: {said[-300:]}", flush=True)
        seen[wrong] += 1

    if code not in (0, 1, 2):
        complain("CRASH")
    if "Traceback" in said or "mistake of lifsim" in said:
        complain("TRACEBACK")
    if code and errors_in(said) != 1:
        complain("NOT ONE LINE")
    if code == 0:
        seen["did not mind"] += 1
    elif log_path(out).exists():
        try:
            left = ls.open(log_path(out))
            if digest(left) != digest(whole, left.t_stop):
                complain("NOT A PREFIX")
        except ls.DataError:
            seen["had not begun"] += 1
        again, told = ran(["resume", str(out), "--threads", "2"])
        seen["resumed"] += again == 0
        if again:
            again, told = ran([*args, "--overwrite"])
            seen["begun anew"] += again == 0
        if again:
            complain(f"CANNOT BE MENDED {told}")
    else:
        again, told = ran([*args, "--overwrite"])
        seen["begun anew"] += again == 0
    final = ls.open(out)
    if final.info["content_sha256"] != wanted or not final.complete:
        complain("NOT IDENTICAL")
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    options = parser.parse_args()
    seen: collections.Counter[str] = collections.Counter()
    for kind in options.kinds:
        with ls.Simulation(network(kind, options.seed), threads=1) as sim:  # loads all code in this process
            sim.run(5.0)
        with tempfile.TemporaryDirectory() as folder:
            seen += campaign(kind, options.seed, options.every, Path(folder))
    report(seen)


if __name__ == "__main__":
    main()
