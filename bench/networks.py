"""Times lifsim's ordinary command line on shipped networks, beside NEST where it is installed.

    python bench/networks.py brunel                      # lifsim alone, 1 and 2 threads
    python bench/networks.py brunel --nest PYTHON        # beside NEST of that interpreter, run in turn
    python bench/networks.py cuba microcircuit --set scale=0.1 --set k_scale=0.1

Every run is a process of its own, all spikes recorded to a file. Printed are medians (smallest to
largest) over the repeats; ratios are taken run by run, since the speed of a machine drifts. The
table goes to standard output, all figures to `--json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
EXTRA = {"brunel": ["--set", "V_reset=0"]}  # as in NEST's example


def lifsim(network: str, threads: int, duration: float, settings: list[str], precision: str) -> dict[str, float]:
    """One run of the command line in a process of its own."""
    import lifsim as ls

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.h5"
        command = [sys.executable, "-m", "lifsim", "run", network, "-q", "--threads", str(threads), "--duration", str(duration)]
        command += ["--precision", precision, "-o", str(out), *settings]
        subprocess.run(command, check=True)
        with ls.open(out) as result:
            info = result.info
            spikes = sum(len(result.spikes[p]) for p in result.spikes)
            neurons = info["neurons"]
    timings = info["timings"]
    return {
        "rtf": info["real_time_factor"],
        "build_s": timings["build"],
        "total_s": timings["total"],
        "rate": spikes / neurons / duration * 1000,
    }


def nest(python: str, network: str, threads: int, duration: float) -> dict[str, float]:
    """One run of NEST, by the script of this folder."""
    script = HERE / "peers" / f"nest_{network}.py"
    done = subprocess.run([python, str(script), str(threads), str(duration)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def summary(values: list[float]) -> str:
    """Median (smallest to largest)."""
    return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", default="float64")
    parser.add_argument("--duration", type=float, default=1000.0, help="ms")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="name=value")
    parser.add_argument("--nest", metavar="PYTHON", help="an interpreter that has NEST")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for network in options.networks:
        settings = [word for value in options.set for word in ("--set", value)] or EXTRA.get(network, [])
        lifsim(network, options.threads[0], 100.0, settings, options.precision)  # compiled and warm
        for threads in options.threads:
            own, peer = [], []
            for _ in range(options.repeats):
                own.append(lifsim(network, threads, options.duration, settings, options.precision))
                if options.nest:
                    peer.append(nest(options.nest, network, threads, options.duration))
            row = {"network": network, "threads": threads, "precision": options.precision, "lifsim": own, "nest": peer}
            rows.append(row)
            line = f"{network}, {threads} threads, {options.precision}: RTF {summary([r['rtf'] for r in own])}"
            line += f", build {summary([r['build_s'] for r in own])} s, {own[0]['rate']:.2f} spikes/s"
            if peer:
                ratio = [b["rtf"] / a["rtf"] for a, b in zip(own, peer, strict=True)]
                line += f"; NEST {peer[0]['version']} RTF {summary([r['rtf'] for r in peer])}, ratio {summary(ratio)}"
            print(line, flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
