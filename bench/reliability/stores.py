"""R19: weight stores whose writer is killed. A store must be the complete old or new one, and must never remain locked.

    python bench/reliability/stores.py --trials 600
    python bench/reliability/stores.py --trials 50 --seed 7        # other matrices, other moments

In each trial, a process repeatedly opens a store to append, to create it anew, only to read, or by `save_weights`. It stores matrices of up
to 3 MB and notes, flushes, closes the store, or leaves the block with an error. It reports which changes are acknowledged, and is killed at
a random moment. Meanwhile, another process reads the store and must always find one of the intended states, never an older one than before;
in some trials, a third process tries to write. Finally, the store must be in the state acknowledged last or in the next one, every byte
verified, by lifsim and by h5py alone. It must open for appending at once, and the folder must contain no other file.
"""

from __future__ import annotations

import argparse
import collections
import os
import signal
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from nets import forked, report
from scipy import sparse

import lifsim as ls
from lifsim.files import seal
from lifsim.weights import WeightStore

State = dict[str, tuple[float, int]]  # matrix -> the value of all its entries, and a note
Session = list[tuple[Any, ...]]


# -- what the writer does --------------------------------------------------------------------------


def sessions(rng: np.random.Generator) -> list[Session]:
    """Several random sessions: the operations on the store from opening to closing it."""
    out: list[Session] = []
    for _ in range(int(rng.integers(3, 7))):
        mode = str(rng.choice(["a", "a", "a", "a", "w", "r", "sim"]))
        steps: Session = [(mode,)]
        for _ in range(int(rng.integers(0, 4)) if mode in ("a", "w") else 0):
            kind = str(rng.choice(["put", "put", "note", "flush"]))
            steps.append((kind, f"m{rng.integers(4)}", float(rng.integers(1, 1000)), int(rng.choice([3, 100, 600]))))
        steps.append(("error",) if mode in ("a", "w") and rng.random() < 0.15 else ("close",))
        out.append(steps)
    return out


def states(work: list[Session], first: State) -> list[State]:
    """The states of the store: the first one, then the state after each acknowledgement."""
    out, now = [first], dict(first)
    for (mode,), *steps in work:
        own = {} if mode == "w" else dict(now)
        if mode == "sim":
            own["e_to_e"] = (SAVED, 0)
        for kind, *rest in steps:
            if kind == "put":
                own[rest[0]] = (rest[1], 0)
            elif kind == "note" and rest[0] in own:
                own[rest[0]] = (own[rest[0]][0], int(rest[1]))
            if kind in ("flush", "close"):
                now = dict(own)
            if kind in ("flush", "close", "error"):
                out.append(dict(now))
    return out


SAVED = 30.0


class Stopped(Exception):
    """The error with which a block is left."""


def write(path: Path, work: list[Session], sim: ls.Simulation, said: Callable[[], None]) -> None:
    for session in work:
        while True:
            try:
                write_once(path, session, sim, said)
                break
            except ls.OutputError:  # the second writer has opened it
                time.sleep(1e-3)
        said()


def write_once(path: Path, session: Session, sim: ls.Simulation, said: Callable[[], None]) -> None:
    (mode,), *steps = session
    if mode == "sim":
        sim.save_weights(path, "e", "e")
    else:
        try:
            with WeightStore(path, mode) as store:
                for kind, *rest in steps:
                    if kind == "put":
                        store.put(rest[0], matrix(rest[1], rest[2]))
                    elif kind == "note" and rest[0] in store.names():
                        store.note(rest[0], note=int(rest[1]))
                    elif kind == "flush":
                        store.flush()
                        said()
                    elif kind == "error":
                        raise Stopped
        except Stopped:
            pass


def matrix(value: float, size: int) -> Any:
    return sparse.diags_array([value] * size).tocsc() if size == 100 else np.full((size, size), value)


# -- what is in the store --------------------------------------------------------------------------


def content(path: Path) -> State:
    """The state of the store, read with lifsim; every byte is verified."""
    out = {}
    with WeightStore(path) as store:
        for found in store.verify():
            out[found.name] = one_number(store.get(found.name)), int(store.notes(found.name).get("note", 0))
    return out


def plain(path: Path) -> State:
    """The state of the store, read with h5py alone."""
    with h5py.File(path, "r") as file:
        return {name: (one_number(g["weight" if "weight" in g else "data"][()]), int(g.attrs.get("note", 0))) for name, g in file.items()}


def one_number(x: Any) -> float:
    found = np.unique(x.data if hasattr(x, "tocsr") else x)
    return float(found[0]) if len(found) == 1 else float("nan")


def watch(path: Path, expected: list[State]) -> None:
    """Read the store until killed; raises an error if a state is not one of `expected`, or is older than one seen before."""
    seen = 0
    while True:
        found = content(path)
        at = next((k for k in range(seen, len(expected)) if expected[k] == found), None)
        if at is None:
            raise RuntimeError(f"the reader found {found}, after state {seen} of {expected}")
        seen = at


# -- the trial -------------------------------------------------------------------------------------


def trial(folder: Path, rng: np.random.Generator, sim: ls.Simulation) -> collections.Counter[str]:
    path, seen = folder / "w.h5", collections.Counter({"trials": 1})
    first: State = {}
    with WeightStore(path, "w") as store:
        for k in range(int(rng.integers(1, 4))):
            first[f"m{k}"] = (k + 1.0, 0)
            store.put(f"m{k}", matrix(k + 1.0, 100))
    work = sessions(rng)
    expected = states(work, first)

    copy = folder / "copy.h5"
    copy.write_bytes(path.read_bytes())
    began = time.perf_counter()
    write(copy, work, sim, lambda: None)
    usual = time.perf_counter() - began
    if content(copy) != expected[-1]:
        seen["NOT WHAT WAS WRITTEN"] += 1
    copy.unlink()

    out, into = os.pipe()
    reader = forked(lambda: (os.close(into), watch(path, expected))) if rng.random() < 0.7 else 0
    writer = forked(lambda: write(path, work, sim, lambda: os.write(into, struct.pack("<B", 1)) and None))
    os.close(into)
    time.sleep(float(rng.uniform(0, 2.0 * usual)))
    if rng.random() < 0.3:
        seen[second_writer(path)] += 1
    os.kill(writer, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1])
    with os.fdopen(out, "rb") as pipe:
        acknowledged = len(pipe.read())
    seen["killed" if code == -signal.SIGKILL else "done before it was killed"] += 1
    if code not in (0, -signal.SIGKILL):
        seen["THE WRITER FAILED"] += 1
    if reader:
        seen["readers"] += 1
        os.kill(reader, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]) != -signal.SIGKILL:
            seen["THE READER FOUND SOMETHING ELSE"] += 1

    seen += check(path, expected, acknowledged)
    return seen


def second_writer(path: Path) -> str:
    """Open the store as a second writer: it must be refused at once, or come between two sessions, and change nothing."""
    try:
        WeightStore(path, "a").close()
    except ls.OutputError:
        return "second writer refused"
    return "second writer between two sessions"


def check(path: Path, expected: list[State], acknowledged: int) -> collections.Counter[str]:
    seen: collections.Counter[str] = collections.Counter()
    try:
        found = content(path)
        if not seal.check(path):
            seen["NOT SEALED"] += 1
    except ls.LifsimError as error:
        print("LOCKED OUT", error, flush=True)
        return collections.Counter({"LOCKED OUT": 1})
    allowed = expected[acknowledged : acknowledged + 2]
    if found not in allowed:
        print("NOT OLD AND NOT NEW", found, allowed, flush=True)
        seen["NOT OLD AND NOT NEW"] += 1
    elif len(allowed) == 2 and allowed[0] != allowed[1]:
        seen["the old store" if found == allowed[0] else "the new store, before it was said"] += 1
    if plain(path) != found:
        seen["ANOTHER BY H5PY"] += 1
    seen["abandoned files"] += len(list(path.parent.iterdir())) > 1
    try:
        with WeightStore(path, "a") as store:
            store.put("after", np.eye(2))
        if {key: x for key, x in content(path).items() if key != "after"} != found:
            seen["LOST BY APPENDING"] += 1
    except ls.LifsimError as error:
        print("CANNOT BE APPENDED TO", error, flush=True)
        seen["CANNOT BE APPENDED TO"] += 1
    if [p.name for p in path.parent.iterdir()] != [path.name]:
        seen["LEFTOVERS"] += 1
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seen: collections.Counter[str] = collections.Counter()
    net = ls.Network()
    net.add("e", 40, "iaf_psc_exp")
    net.connect("e", "e", "fixed_indegree", indegree=8, weight=SAVED, delay=1.5)
    with ls.Simulation(net, threads=1) as sim:
        for k in range(options.trials):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    seen += trial(Path(folder), np.random.default_rng([options.seed, k]), sim)
                except Exception as error:
                    print("FAILED", k, repr(error), flush=True)
                    seen["FAILED"] += 1
    report(seen)


if __name__ == "__main__":
    main()
