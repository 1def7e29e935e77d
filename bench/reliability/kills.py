"""R1, R2: random SIGKILLs. No acknowledged data may be lost or duplicated, and resumed runs must give bit-identical results.

    python bench/reliability/kills.py --trials 1000 --jobs 2
    python bench/reliability/kills.py --trials 50 --seed 7        # other networks, other moments

Each trial runs a random network that records to a file, with checkpoints, a random number of threads and short slices. Another process
receives the time up to which data are acknowledged and kills the run at a random moment: while the network is built, in a slice, while a
checkpoint is written or renamed, or while the results file is written. Then the log must be readable, contain all acknowledged data and be
a prefix of the uninterrupted run, also after conversion to HDF5, read by h5py alone. The run is resumed with another number of threads.
Half of the resumed runs are killed again, once or twice; before one in eight, the last checkpoint is damaged or removed.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from nets import KINDS, apart, digest, forked, network, report, witness

import lifsim as ls
from lifsim.files.run_files import checkpoint_path, log_path, previous_path
from lifsim.results import convert
from lifsim.simulation import slices

DURATION = 200.0  # ms
SLICE = 0.003  # seconds


class Reference:
    """The uninterrupted run of a network: its digest, and its spikes, with which prefixes are compared."""

    def __init__(self, kind: str, seed: int, folder: Path) -> None:
        self.net = network(kind, seed)
        self.path = folder / f"reference-{kind}-{seed}.h5"
        slices.SLICE_SECONDS = SLICE
        for _ in range(2):  # the first run loads all code in this process
            began = time.perf_counter()
            ls.Simulation(self.net, threads=1).close()
            self.building = time.perf_counter() - began
        with ls.Simulation(self.net, threads=1, out=self.path) as sim:
            began = time.perf_counter()
            sim.run(DURATION)
            self.seconds = time.perf_counter() - began
            sim.result()
            self.finishing = time.perf_counter() - began - self.seconds
        self.result = ls.open(self.path)
        self.digest = self.result.info["content_sha256"]


def killed(work: Any, least: float, delay: float) -> tuple[bool, float]:
    """Kill `work`, which gets a pipe, `delay` s after it acknowledged `least` ms; returns whether it was killed, and ms acknowledged."""
    read, write = os.pipe()
    child = forked(lambda: work(write))
    os.close(write)
    seen, ended = 0.0, False
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while seen < least:
            said = pipe.read(8)
            if not said:
                ended = True
                break
            seen = struct.unpack("<d", said)[0]
        if not ended:
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
        rest = pipe.read()
        while rest:
            seen, rest = struct.unpack("<d", rest[len(rest) - 8 :])[0], pipe.read()
    status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the run ended with {code}")
    return code != 0, seen


def trial(reference: Reference, folder: Path, rng: np.random.Generator) -> collections.Counter[str]:
    """Kill and resume a run until it is complete; returns the counts of outcomes."""
    out, seen = folder / "run.h5", collections.Counter({"trials": 1})
    every = float(rng.choice([5.0, 10.0, 20.0, 50.0]))

    def first(pipe: int) -> None:
        ls.run(reference.net, DURATION, out=out, threads=int(rng.integers(1, 4)), checkpoint_every=every, progress=witness(pipe))

    def again(pipe: int) -> None:
        base = witness(pipe)
        ls.resume(out, threads=int(rng.integers(1, 5)), progress=base)

    least, delay = float(rng.uniform(1.0, 0.9 * DURATION)), float(rng.uniform(0, 0.5 * reference.seconds))
    when = rng.random()
    if when < 0.2:  # while the log is converted to the results file
        least, delay = DURATION - 0.05, float(rng.uniform(0, reference.finishing))
    elif when < 0.35:  # before the first step
        least, delay = 0.0, float(rng.uniform(0, reference.building))
    was_killed, acknowledged = killed(first, least, delay)
    seen["killed"] += was_killed
    kills = int(rng.choice([0, 0, 1, 2]))
    while was_killed:
        seen.update(check(reference, out, acknowledged))
        if rng.random() < 0.125 and previous_path(out).exists():
            damage(checkpoint_path(out), rng)
            seen["last checkpoint damaged or removed"] += 1
        if kills and log_path(out).exists():
            kills -= 1
            before = ls.open(log_path(out)).t_stop
            was_killed, _ = killed(again, 0.0, float(rng.uniform(0, reference.seconds)))
            seen["killed again"] += was_killed
            acknowledged = 0.0 if was_killed else before
            continue
        if log_path(out).exists():
            apart(lambda: again(os.open(os.devnull, os.O_WRONLY)))
        break
    if not out.exists():
        apart(lambda: first(os.open(os.devnull, os.O_WRONLY)))
        seen["had not begun"] += 1
    final = ls.open(out)
    same = final.complete and final.info["content_sha256"] == reference.digest
    seen["resumes identical" if was_killed else "finished before the kill, identical"] += same
    seen["NOT IDENTICAL"] += not same
    leftovers = [p.name for p in folder.iterdir() if p != out]
    seen["LEFTOVERS"] += bool(leftovers)
    return seen


def check(reference: Reference, out: Path, acknowledged: float) -> collections.Counter[str]:
    """Check the data of a killed run, as log and as HDF5: readable, all acknowledged data, no duplicates."""
    seen: collections.Counter[str] = collections.Counter()
    if out.exists() and not log_path(out).exists():  # killed after the run was complete
        return collections.Counter({"in the file already": 1})
    if not log_path(out).exists():
        return collections.Counter({"LOST": acknowledged > 0})
    if any(".ckpt." in p.name and p.name.endswith(".tmp") for p in out.parent.iterdir()):
        seen["while a checkpoint was written"] += 1
    if any(p.name.startswith(f".{out.name}.") and ".ckpt" not in p.name for p in out.parent.iterdir()):
        seen["while the file was made"] += 1
    try:
        left = ls.open(log_path(out))
    except Exception as error:
        print("UNREADABLE", reference.net.name, error)
        return seen + collections.Counter({"UNREADABLE": 1})
    seen["readable"] += 1
    seen["LOST"] += left.t_stop < acknowledged - 1e-6
    seen["NOT A PREFIX"] += digest(left) != digest(reference.result, left.t_stop)
    seen["spikes acknowledged"] += sum(len(s) for s in left.spikes.values())
    copy = out.with_name("copy.h5")
    shutil.copyfile(log_path(out), log_path(copy))
    convert.convert(log_path(copy))
    with h5py.File(copy, "r") as file:
        for name, s in left.spikes.items():
            group = file[f"spikes/{name}"]
            seen["UNREADABLE BY H5PY"] += not (
                np.array_equal(group["timestamps"][()], s.times) and np.array_equal(group["node_ids"][()], s.ids)
            )
    copy.unlink()
    return seen


def damage(path: Path, rng: np.random.Generator) -> None:
    """Flip a bit of a file, truncate the file, or remove it."""
    what = rng.integers(3)
    if what == 0 or not path.exists():
        path.unlink(missing_ok=True)
        return
    raw = bytearray(path.read_bytes())
    if what == 1:
        raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
    path.write_bytes(raw if what == 1 else raw[: rng.integers(len(raw))])


def campaign(trials: range, seed: int) -> collections.Counter[str]:
    seen: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        references: dict[tuple[str, int], Reference] = {}
        for k in trials:
            rng = np.random.default_rng([seed, k])
            key = KINDS[k % len(KINDS)], seed + (k // len(KINDS)) % 5
            if key not in references:
                references[key] = Reference(*key, Path(folder))
            own = Path(folder) / f"trial-{k}"
            own.mkdir()
            try:
                seen += trial(references[key], own, rng)
            except Exception as error:
                print("FAILED", k, key, repr(error), flush=True)
                seen["FAILED"] += 1
            shutil.rmtree(own)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.jobs == 1:
        seen = campaign(range(options.first, options.first + options.trials), options.seed)
    else:
        each, beyond = -(-options.trials // options.jobs), options.first + options.trials
        command = [sys.executable, __file__, "--json", "--seed", str(options.seed), "--first"]
        parts = [[str(a), "--trials", str(min(each, beyond - a))] for a in range(options.first, beyond, each)]
        runs = [subprocess.Popen([*command, *part], stdout=subprocess.PIPE, text=True) for part in parts]
        said = [run.communicate()[0] for run in runs]
        seen = collections.Counter()
        for text in said:
            *lines, last = text.strip().splitlines()
            print(*lines, sep="\n", end="\n" if lines else "")
            seen += collections.Counter(json.loads(last))
    if options.json:
        print(json.dumps(seen))
        return
    for wrong in ("UNREADABLE", "UNREADABLE BY H5PY", "LOST", "NOT A PREFIX", "NOT IDENTICAL", "LEFTOVERS", "FAILED"):
        seen.setdefault(wrong, 0)
    report(seen)


if __name__ == "__main__":
    main()
