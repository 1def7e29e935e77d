"""R5: the disk becomes full, at 100 positions of a run. Nothing may crash, no acknowledged data may be lost, the run must be resumable.

    python bench/reliability/full_disk.py --positions 100

The size of files is limited (RLIMIT_FSIZE); the limits range over the sizes of all files of a run: log, checkpoints, results file.
If a small file system can be mounted (as root on Linux), the runs are also tested on a disk of 3 MB.
"""

from __future__ import annotations

import argparse
import collections
import resource
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from faults import errors_in, judged, ran
from kills import DURATION, Reference
from nets import KINDS, report

import lifsim as ls
from lifsim.files.run_files import log_path


def limited(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


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
                args = ["run", str(model), "--duration", str(DURATION), "-o", str(own / "run.h5"), "--checkpoint-every", "20"]
                size = int(most * (k + 0.5) / each)
                code, said = ran(args, partial(limited, size))
                seen += judged(args, own / "run.h5", reference.result, reference.digest, code, said, f"{kind}, {size:,} bytes")
            with tempfile.TemporaryDirectory() as disk:
                if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True).returncode == 0:
                    try:
                        small_disk(reference, Path(disk), seen)
                    finally:
                        subprocess.run(["umount", disk], check=True)
    report(seen)


def small_disk(reference: Reference, disk: Path, seen: collections.Counter[str]) -> None:
    """Check that a run of 10 s on a disk of 3 MB stops, and that all data that it acknowledged are readable."""
    model = disk / "model.toml"
    reference.net.save(model)
    code, said = ran(["run", str(model), "--duration", "10 s", "-o", str(disk / "run.h5")])
    seen["on 3 MB"] += 1
    seen["CRASH"] += code not in (0, 1, 2)
    seen["NOT ONE MESSAGE"] += errors_in(said) != 1
    left = ls.open(log_path(disk / "run.h5"))
    print(f"3 MB, {reference.net.name}: exit {code} at {left.t_stop:g} ms: {said.strip()[-200:]}")
    again, told = ran(["resume", str(disk / "run.h5")])
    seen["NO CLEAR MESSAGE AGAIN"] += again not in (1, 2) or errors_in(told) != 1


if __name__ == "__main__":
    main()
