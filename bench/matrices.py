"""Times the construction of a network from a matrix, compared with a plain copy of the matrix and with SciPy's conversion.

    python bench/matrices.py                                          # every form, 100 million entries
    python bench/matrices.py csr-i4-f4 coo-i8-f8-mixed --entries 10e6 --threads 1 2

The name of a case gives the format (csr, csc, coo), the type of the indices (i4, i8) and of the entries (f4, f8), "-mixed" if the
entries of a row or column are unsorted (coo: all entries), and "-delays" if each entry has its own delay. Each case runs in its own
process. The script times `Network.connect` and the construction of the `Simulation` (its code is compiled before, with a small matrix);
and, in the same process and for the same arrays, a copy into new memory, a copy into existing memory, and `tocsr()` (`tocsc()` for a
CSR matrix). Memory is the peak of the process minus its memory when only the matrix was loaded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import numpy as np
from scipy import sparse
from table import line, summary

CASES = [
    *(f"{form}-{index}-{data}" for form in ("csr", "csc", "coo") for index in ("i4", "i8") for data in ("f4", "f8")),
    *(f"{form}-i4-f4-mixed" for form in ("csr", "csc", "coo")),
    *(f"{form}-i4-f4-delays" for form in ("csr", "csc")),
]
HEAD = ["Case", "Threads", "connect (s)", "build (s)", "Copy (s)", "Times a copy", "Copy in place (s)", "tocsr (s)", "Times tocsr"]
HEAD += ["Matrix (GB)", "More memory (GB)", "Forecast (GB)", "Bytes a synapse"]


# -- one case, in a process of its own -------------------------------------------------------------


def matrix(case: str, entries: int, neurons: int) -> Any:
    """The matrix of a case; all rows and columns have (nearly) the same number of entries."""
    form, index, data, *more = case.split("-")
    rng = np.random.default_rng(1)
    values = rng.standard_normal(entries, np.float32) if data == "f4" else rng.standard_normal(entries)
    major = np.arange(neurons + 1) * entries // neurons
    number = np.repeat(np.diff(major), np.diff(major))
    minor = (np.arange(entries) - np.repeat(major[:-1], np.diff(major))) * neurons // number
    minor = rng.integers(0, neurons, entries, index) if "mixed" in more else minor.astype(index)
    if form != "coo":
        kind = sparse.csr_array if form == "csr" else sparse.csc_array
        made = kind((values, minor, major.astype(index)), shape=(neurons, neurons))
    else:
        rows = rng.integers(0, neurons, entries, index) if "mixed" in more else np.repeat(np.arange(neurons, dtype=index), np.diff(major))
        made = sparse.coo_array((values, (rows, minor)), shape=(neurons, neurons))
    assert made.data.dtype == np.dtype(data) and parts(made)[1].dtype == np.dtype(index)
    return made


def parts(made: Any) -> list[np.ndarray]:
    """The arrays of a sparse matrix."""
    return [made.data, *(made.coords if made.format == "coo" else (made.indices, made.indptr))]


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of `work` in seconds; its result is discarded."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def build(made: Any, delay: Any, threads: int) -> dict[str, float]:
    """Seconds for connecting and for building, and the memory forecast."""
    import lifsim as ls
    from lifsim.building.needs import estimate

    net = ls.Network()
    net.add("n", made.shape[0], "iaf_psc_exp")
    connect = seconds(lambda: net.connect("n", "n", made, delay=delay))
    forecast = estimate(net, threads=threads)
    return {
        "connect_s": connect,
        "build_s": seconds(lambda: ls.Simulation(net, threads=threads).close()),
        "forecast_b": forecast["bytes"],
        "held_b": forecast.get("held", 0),
    }


def delays(made: Any, case: str) -> Any:
    """One delay for all entries, or one for each entry (1 … 16 steps of 0.1 ms)."""
    if "delays" not in case:
        return 1.5
    out = made.copy()
    out.data = np.random.default_rng(2).integers(1, 17, made.nnz) * 0.1
    return out


def copy_in_place(arrays: list[np.ndarray]) -> float:
    """The shortest of three times (s) for copying arrays into existing memory."""
    room = [x.copy() for x in arrays]
    return min(seconds(lambda: [np.copyto(a, x) for a, x in zip(room, arrays, strict=True)]) for _ in range(3))


def measure(case: str, entries: int, neurons: int, threads: int) -> dict[str, Any]:
    """All measurements of one case."""
    from lifsim.common import memory

    small = matrix(case, 20 * neurons, neurons)
    build(small, delays(small, case), threads)
    made = matrix(case, entries, neurons)
    delay = delays(made, case)
    memory.forget_peak()
    before = memory.peak()
    out: dict[str, Any] = build(made, delay, threads)
    out["peak_b"], out["matrix_b"], out["nnz"] = memory.peak() - before, sum(x.nbytes for x in parts(made)), made.nnz
    out["copy_s"] = seconds(lambda: [x.copy() for x in parts(made)])
    out["in_place_s"] = copy_in_place(parts(made))
    out["tocsr_s"] = seconds(made.tocsc if made.format == "csr" else made.tocsr)
    return out


# -- all cases -------------------------------------------------------------------------------------


def apart(case: str, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Call `measure` in a separate process."""
    command = [sys.executable, __file__, case, "--entries", str(options.entries), "--neurons", str(options.neurons)]
    done = subprocess.run([*command, "--threads", str(threads), "--here"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def row(case: str, threads: int, runs: list[dict[str, Any]]) -> str:
    """The table row of one case; ratios are computed for each run."""

    def said(*values: float) -> str:
        return summary(list(values))

    own = [run["connect_s"] + run["build_s"] for run in runs]
    gb = [said(*(run[key] / 1e9 for run in runs)) for key in ("matrix_b", "peak_b")]
    cells = [case, str(threads), said(*(run["connect_s"] for run in runs)), said(*(run["build_s"] for run in runs))]
    for key in ("copy_s", "in_place_s", "tocsr_s"):
        cells.append(said(*(run[key] for run in runs)))
        if key != "in_place_s":
            cells.append(summary([x / run[key] for x, run in zip(own, runs, strict=True)], "×"))
    forecast = said(*((run["forecast_b"] - run["held_b"]) / 1e9 for run in runs))
    return line([*cells, *gb, forecast, said(*(run["peak_b"] / run["nnz"] for run in runs))])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES, metavar="CASE", help="such as " + ", ".join(CASES[::5]))
    parser.add_argument("--entries", type=lambda text: int(float(text)), default=100_000_000)
    parser.add_argument("--neurons", type=int, default=20_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", type=Path, help="all figures")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.here:
        print(json.dumps(measure(options.cases[0], options.entries, options.neurons, options.threads[0])))
        return
    report: dict[str, Any] = {"machine": machine.facts(), "entries": options.entries, "neurons": options.neurons, "results": []}
    print("\n".join([line(HEAD), line(["---"] * len(HEAD))]), flush=True)
    for case in options.cases:
        for threads in options.threads:
            runs = [apart(case, threads, options) for _ in range(options.repeats)]
            print(row(case, threads, runs), flush=True)
            report["results"].append({"case": case, "threads": threads, "runs": runs})
            if options.json:
                options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
