"""R22: a run with --overwrite is killed, gets a signal or a disk error at every point. The old or the new result must exist.

    python bench/reliability/overwrite.py                     # every call of every run
    python bench/reliability/overwrite.py --every 4 --seed 3  # every fourth call, another network

`lifsim run --overwrite` is called, in a forked process, where an earlier result, an earlier unfinished run (log and checkpoints), or both
exist. Just before the n-th call that changes a file (write, sync, rename, link, removal, opening for writing), for every n, the process is
killed (SIGKILL), gets a SIGTERM, or the call fails because the disk is full. Then the results file must be readable and be the complete
earlier or the complete new one; every unfinished run must be resumable with bit-identical results; the new run, resumed or restarted,
must give bit-identical results and leave no other file.
"""

from __future__ import annotations

import argparse
import collections
import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults import ran
from nets import network, report

import lifsim as ls
from lifsim.files.run_files import log_path
from lifsim.simulation import slices

CALLS = ("write", "pwrite", "fsync", "fdatasync", "replace", "rename", "link", "open", "ftruncate", "mkdir", "unlink")
HOW = ("SIGKILL", "SIGTERM", "ENOSPC")
EARLIER = ("result", "unfinished run", "result and unfinished run")


def at_call(n: int, act: Callable[[], Any]) -> Callable[[], None]:
    """A patch that calls `act` just before the n-th call that changes a file."""

    def patch() -> None:
        calls = iter(range(10**9))

        def counting(name: str, old: Any) -> Any:
            def new(*args: Any, **options: Any) -> Any:
                reads = name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR)
                if not reads and not (name == "write" and args[0] < 3) and next(calls) == n:
                    act()
                return old(*args, **options)

            return new

        for name in CALLS:
            setattr(os, name, counting(name, getattr(os, name)))

    return patch


def fail() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


ACTS: dict[str, Callable[[], Any]] = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: signal.raise_signal(signal.SIGTERM),
    "ENOSPC": fail,
}


class Runs:
    """The earlier and the new run of one network: their models, and the digests of their results."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.model, self.folder = folder / "model.toml", folder
        network("grid", seed).save(self.model)
        self.digests = {}
        for name in ("earlier", "interrupted", "new"):
            code, said = ran(self.command(name, folder / f"{name}.h5"))
            assert code == 0, said
            self.digests[ls.open(folder / f"{name}.h5").info["content_sha256"]] = name
        self.templates = {what: self._template(what) for what in EARLIER}

    def command(self, name: str, out: Path, *more: str) -> list[str]:
        seed = {"earlier": "11", "interrupted": "12", "new": "13"}[name]
        options = ("--duration", "60 ms", "--checkpoint-every", "20", "--threads", "1", "--seed", seed)
        return ["run", str(self.model), "-o", str(out), *options, *more]

    def _template(self, what: str) -> Path:
        out = self.folder / what / "run.h5"
        out.parent.mkdir()
        if "unfinished" in what:
            code, said = ran(self.command("interrupted", out, "--max-wall", "1e-3"))
            assert code == 3, said
        if what.startswith("result"):
            shutil.copyfile(self.folder / "earlier.h5", out)
        return out.parent

    def name_of(self, path: Path) -> str:
        """The name of the run whose result is at `path`; "" if there is none, "DAMAGED" if it cannot be read."""
        if not path.exists():
            return ""
        try:
            result = ls.open(path)
            result.verify()
        except ls.DataError:
            return "DAMAGED"
        return self.digests.get(result.info["content_sha256"], "ANOTHER") if result.complete else "INCOMPLETE"


def trial(runs: Runs, what: str, how: str, n: int, folder: Path) -> collections.Counter[str]:
    """Run one trial with the event `how` at the n-th call; "over" is counted if the run makes fewer calls."""
    shutil.copytree(runs.templates[what], folder)
    out, seen = folder / "run.h5", collections.Counter({"trials": 1, f"{how}, {what}": 1})
    code, said = ran(runs.command("new", out, "--overwrite"), at_call(n, ACTS[how]))

    def complain(wrong: str) -> None:
        print(f"{wrong}: {how} at call {n}, {what}: exit {code}: {said[-200:]!r}: {sorted(p.name for p in folder.iterdir())}", flush=True)
        seen[wrong] += 1

    if code not in {"SIGKILL": (0, -9), "SIGTERM": (0, 143, -15), "ENOSPC": (0, 1, 2)}[how] or "Traceback" in said:
        complain("CRASH")
    now = runs.name_of(out)
    if now not in {"new", "earlier" if what.startswith("result") else ""}:
        complain("THE RESULT IS NEITHER THE OLD NOR THE NEW ONE")
    if "unfinished" in what and now != "new" and not _comes_to(runs, "interrupted", out, folder):
        complain("THE UNFINISHED RUN IS LOST")
    if log_path(out).exists():
        again, told = ran(["resume", str(out), "--threads", "2"])
        seen["resumed"] += again == 0
        if again and not (again == 2 and "was stopped before" in told):
            complain(f"CANNOT BE RESUMED {told}")
    if runs.name_of(out) != "new":
        again, told = ran(runs.command("new", out, "--overwrite"))
        seen["begun again"] += 1
        if again:
            complain(f"CANNOT BEGIN AGAIN {told}")
    if runs.name_of(out) != "new":
        complain("NOT IDENTICAL")
    if [p.name for p in folder.iterdir()] != ["run.h5"]:
        complain("LEFTOVERS")
    seen["over"] += code == 0 and how != "SIGTERM"
    shutil.rmtree(folder)
    return seen


def _comes_to(runs: Runs, name: str, out: Path, folder: Path) -> bool:
    """Whether one of the unfinished runs in `folder`, copied and resumed, gives the result of the run `name`."""
    for log in folder.glob("run*.h5.log"):
        copy = folder.with_name("copy")
        shutil.copytree(folder, copy)
        path = copy / log.name.removesuffix(".log")
        ran(["resume", str(path)])
        found = runs.name_of(path)
        shutil.rmtree(copy)
        if found == name:
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    slices.SLICE_SECONDS = 0.002
    with ls.Simulation(network("grid", options.seed), threads=1) as sim:  # loads all code in this process
        sim.run(5.0)
    seen: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(options.seed, Path(folder))
        for what in EARLIER:
            for how in HOW:
                n, over = 0, 0
                while over < 3:  # the number of calls varies a little from run to run
                    found = trial(runs, what, how, n, Path(folder) / "trial")
                    seen, n, over = seen + found, n + options.every, over + (found["over"] > 0 or n > 400)
    seen.pop("over", None)
    report(seen)


if __name__ == "__main__":
    main()
