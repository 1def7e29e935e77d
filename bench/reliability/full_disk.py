"""R5: the disk is full, at 100 positions of a run. Nothing crashes, nothing acknowledged is lost, the run can go on.

    python bench/reliability/full_disk.py --positions 100

Files of a run may not grow beyond a limit (RLIMIT_FSIZE), which is moved over everything that a run writes: log, checkpoints, file
of results. Where a small file system can be mounted (as root, Linux), runs meet a disk of 3 MB too.
"""

from __future__ import annotations

import argparse
import collections
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from faults import ran
from kills import DURATION, Reference
from nets import KINDS, digest

import lifsim as ls
from lifsim.runlog import log_path


def limited(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def tried(reference: Reference, model: Path, out: Path, patch) -> collections.Counter[str]:
    """A run that meets a full disk, and then one that has room."""
    seen = collections.Counter({"positions": 1})
    code, said = ran(["run", str(model), "--duration", str(DURATION), "-o", str(out), "--checkpoint-every", "20"], patch)
    seen[f"exit {code}"] += 1
    seen["CRASH"] += code not in (0, 1, 2)
    lines = [line for line in said.splitlines() if line.strip()]
    seen["NOT ONE MESSAGE"] += code != 0 and (len([x for x in lines if x.startswith("error:")]) != 1 or "Traceback" in said)
    if code and log_path(out).exists():
        try:
            left = ls.open(log_path(out))
            seen["LOST OR WRONG"] += digest(left) != digest(reference.result, left.t_stop)
            seen["ms kept"] += round(left.t_stop)
        except ls.DataError:
            seen["had not begun"] += 1
        again, _ = ran(["resume", str(out)])
        if again:
            again, _ = ran(["run", str(model), "--duration", str(DURATION), "-o", str(out), "--overwrite"])
            seen["begun anew"] += 1
        seen["CANNOT GO ON"] += again != 0
    elif code:
        ran(["run", str(model), "--duration", str(DURATION), "-o", str(out), "--overwrite"])
        seen["begun anew"] += 1
    final = ls.open(out)
    same = final.info["content_sha256"] == reference.digest
    seen["identical in the end"] += same
    seen["NOT IDENTICAL"] += not same
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--positions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seen: collections.Counter[str] = collections.Counter()
    each = -(-options.positions // len(KINDS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in KINDS:
            reference = Reference(kind, options.seed, folder)
            model = folder / f"{kind}.toml"
            reference.net.save(model)
            most = reference.path.stat().st_size * 1.2
            for k in range(each):
                own = folder / f"{kind}-{k}"
                own.mkdir()
                seen += tried(reference, model, own / "run.h5", lambda size=int(most * (k + 0.5) / each): limited(size))
            with tempfile.TemporaryDirectory() as disk:
                if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True).returncode == 0:
                    try:
                        small_disk(reference, Path(disk), seen)
                    finally:
                        subprocess.run(["umount", disk], check=True)
    for key, n in sorted(seen.items(), key=lambda entry: (entry[0].isupper(), entry[0])):
        print(f"{n:8,}  {key}")
    wrong = sum(n for key, n in seen.items() if key.isupper())
    print(f"{wrong:8,}  WRONG")
    sys.exit(wrong > 0)


def small_disk(reference: Reference, disk: Path, seen: collections.Counter[str]) -> None:
    """A run of 10 s on a disk of 3 MB: it stops, and what it acknowledged is there."""
    model = disk / "model.toml"
    reference.net.save(model)
    code, said = ran(["run", str(model), "--duration", "10 s", "-o", str(disk / "run.h5")])
    seen["on 3 MB"] += 1
    seen["CRASH"] += code not in (0, 1, 2)
    seen["NOT ONE MESSAGE"] += len([x for x in said.splitlines() if x.startswith("error:")]) != 1
    left = ls.open(log_path(disk / "run.h5"))
    print(f"3 MB, {reference.net.name}: exit {code} at {left.t_stop:g} ms: {said.strip()[-200:]}")
    again, told = ran(["resume", str(disk / "run.h5")])
    seen["NO CLEAR MESSAGE AGAIN"] += again not in (1, 2) or len([x for x in told.splitlines() if x.startswith("error:")]) != 1


if __name__ == "__main__":
    main()
