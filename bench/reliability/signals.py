"""R6: SIGINT, SIGTERM, SIGHUP and SIGXCPU at random moments of `lifsim run` and `lifsim resume`.

    python bench/reliability/signals.py --trials 40

Each signal must end the command within a second or a slice, with exit code 128 + its number and one line that says how to resume; also if a
second SIGINT follows immediately. The final results must be those of an uninterrupted run.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import lifsim as ls
from lifsim.files.run_files import log_path

KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)
MODEL = ["brunel", "--set", "order=500", "--duration", "20 s", "--threads", "2"]


def command(*args: str) -> subprocess.Popen:
    python = [sys.executable, "-X", "faulthandler", "-m", "lifsim"]
    return subprocess.Popen([*python, *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, wrong, took, twice = np.random.default_rng(options.seed), 0, [], 0
    with tempfile.TemporaryDirectory() as folder:
        reference, out = Path(folder) / "reference.h5", Path(folder) / "run.h5"
        began = time.perf_counter()
        command("run", *MODEL, "-o", str(reference)).wait()
        longest = time.perf_counter() - began
        wanted = ls.open(reference).info["content_sha256"]
        done = finished = outside = 0
        while done < options.trials:
            first = not log_path(out).exists()
            args = ["run", *MODEL, "-o", str(out), "--overwrite"] if first else ["resume", str(out)]
            run = command(*args)
            time.sleep(float(rng.uniform(0.5, longest)))  # earlier, Python itself has not started yet
            number = KINDS[int(rng.integers(len(KINDS)))]
            again = number == signal.SIGINT and rng.random() < 0.5
            sent = time.perf_counter()
            run.send_signal(number)
            if again:
                time.sleep(0.005)
                run.send_signal(number)
            try:
                said = run.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGABRT)
                said = "HANGS " + run.communicate()[1]
            seconds = time.perf_counter() - sent
            if run.returncode == 0:
                finished += 1
                wrong += ls.open(out).info["content_sha256"] != wanted
                out.unlink()
                continue
            if run.returncode == -number and not said:  # Python had not started yet, or had ended already
                outside += 1
                continue
            bad = run.returncode != 128 + number or "Traceback" in said or (log_path(out).exists() and "stopped by" not in said)
            done, twice, wrong = done + 1, twice + again, wrong + bad
            took.append(seconds)
            if bad:
                print(f"WRONG: {args[0]}: {number.name}: exit {run.returncode}: {said}", flush=True)
        if log_path(out).exists():
            command("resume", str(out)).wait()
            wrong += ls.open(out).info["content_sha256"] != wanted
        took.sort()
        print(f"{done} signals ({twice} SIGINT twice), {finished} runs had finished before, {outside} were not at work")
        print(f"stopped after {took[len(took) // 2]:.2f} s (median), {took[-1]:.2f} s at most; {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
