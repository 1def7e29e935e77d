"""R7: memory as it is foretold before anything is built, against the peak that the system counts, for 14 networks.

python bench/reliability/memory.py
"""

from __future__ import annotations

import subprocess
import sys

from lifsim import memory
from lifsim.forecast import estimate
from lifsim.modelfile import load_with_settings

RUN = """
import sys, tempfile
import lifsim as ls
from lifsim import memory
from lifsim.modelfile import load_with_settings
model, precision, weights, threads, *settings = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    net = load_with_settings(model, settings)
    ls.run(net, 50.0, precision=precision, weights=weights or None, threads=int(threads), out=folder + "/run.h5")
print(memory.peak())
"""
CASES = [
    ("single_neuron", "float64", "", "1"),
    ("brunel", "float64", "", "1"),
    ("brunel", "float64", "", "2"),
    ("brunel", "float32", "", "2"),
    ("brunel_alpha", "float64", "", "2"),
    ("cuba", "float64", "", "1"),
    ("cuba", "float64", "", "1", "n=200000"),
    ("coba", "float64", "", "1"),
    ("microcircuit", "float32", "float32", "2", "scale=0.25", "k_scale=0.4"),
    ("microcircuit", "float32", "compact", "2", "scale=0.25", "k_scale=0.4"),
    ("microcircuit", "float64", "float64", "1", "scale=0.25", "k_scale=0.4"),
    ("hpc", "float64", "", "2", "C_ex=2000"),
    ("vogels_sprekeler", "float64", "", "1"),
    ("spatial", "float64", "", "1", "indegree=800"),
    ("synfire", "float64", "", "1"),
    ("tsodyks", "float64", "", "1"),
]


def main() -> None:
    outside = 0
    for model, precision, weights, threads, *settings in CASES:
        told = estimate(load_with_settings(model, settings), precision, int(threads), weights or None)["bytes"]
        for _ in range(2):  # the first may have to compile
            got = subprocess.run(
                [sys.executable, "-c", RUN, model, precision, weights, threads, *settings], check=True, capture_output=True
            )
        peak = int(got.stdout)
        outside += abs(told / peak - 1) > 0.1
        what = " ".join([model, precision, weights, f"{threads} thread(s)", *settings])
        print(f"{what}: foretold {memory.said(told)}, used {memory.said(peak)}: {100 * (told / peak - 1):+.1f} %", flush=True)
    print(f"{len(CASES)} networks, {outside} outside of 10 %")
    sys.exit(outside > 0)


if __name__ == "__main__":
    main()
