"""Time, memory and size of reports: python bench/report.py [SPIKES …] [--neurons N] [--exact]

Each number of spikes (default: a million, ten million) is written as a spike file of two populations, Poisson trains of 10 s, from which
a report is made in a process of its own. The time is from the open file to the finished page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

DURATION = 10_000.0  # ms


def write_spikes(path: Path, spikes: int, neurons: int, exact: bool) -> None:
    """A SONATA file with four fifths of the spikes and neurons in "exc", the others in "inh"."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        for name, share in (("exc", 0.8), ("inh", 0.2)):
            n, m = round(share * spikes), max(1, round(share * neurons))
            group = file.require_group("spikes").create_group(name)
            group.attrs["n_nodes"], group.attrs["t_stop"] = m, DURATION
            steps = rng.random(n) * DURATION if exact else rng.integers(1, round(10 * DURATION) + 1, n) / 10
            group["timestamps"], group["node_ids"] = np.sort(steps), rng.integers(0, m, n)
            group["timestamps"].attrs["units"] = "ms"


def measured(path: Path) -> dict[str, float]:
    """Seconds, peak memory (MB) and size (MB) of a report, in this process."""
    import resource

    from lifsim.report import write

    begin = time.perf_counter()
    page = write(path, path.with_suffix(".html"), overwrite=True)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return {"seconds": seconds, "peak": peak, "size": page.stat().st_size / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spikes", nargs="*", type=lambda text: round(float(text)), default=[1_000_000, 10_000_000])
    parser.add_argument("--neurons", type=int, default=12_500)
    parser.add_argument("--exact", action="store_true", help="times on no grid")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measured(asked.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for spikes in asked.spikes:
            path = Path(folder) / "spikes.h5"
            write_spikes(path, spikes, asked.neurons, asked.exact)
            command = [sys.executable, __file__, "--measure", str(path)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            print("{:>12,} spikes: {seconds:6.1f} s, {peak:6.0f} MB of memory, page of {size:.1f} MB".format(spikes, **found), flush=True)


if __name__ == "__main__":
    main()
