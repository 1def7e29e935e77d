"""The forecast of memory against what the system counts, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lifsim.forecast import estimate
from lifsim.modelfile import load_with_settings

RUN = """
import sys
import lifsim as ls
from lifsim import memory
from lifsim.modelfile import load_with_settings
model, precision, weights, threads, *settings = sys.argv[1:]
ls.run(load_with_settings(model, settings), 5.0, precision=precision, weights=weights or None, threads=int(threads))
print(memory.peak())
"""
CASES = {
    "constant weights": ("brunel", "float64", "", "2"),
    "drawn weights": ("microcircuit", "float32", "float32", "2", "scale=0.25", "k_scale=0.4"),
    "in float64, one thread": ("microcircuit", "float64", "float64", "1", "scale=0.25", "k_scale=0.4"),
    "compact": ("microcircuit", "float32", "compact", "2", "scale=0.25", "k_scale=0.4"),
    "few synapses, many neurons": ("cuba", "float64", "", "1", "n=200000"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is Linux's")
@pytest.mark.parametrize("case", CASES)
def test_forecast(case):
    model, precision, weights, threads, *settings = CASES[case]
    for _ in range(2):  # the first may have to compile, which takes memory of its own
        got = subprocess.run([sys.executable, "-c", RUN, *CASES[case]], check=True, capture_output=True, text=True)
    told = estimate(load_with_settings(model, settings), precision, int(threads), weights or None)["bytes"]
    print(case, f"forecast {told / 1e6:.0f} MB, measured {int(got.stdout) / 1e6:.0f} MB")
    assert told == pytest.approx(int(got.stdout), rel=0.1)
