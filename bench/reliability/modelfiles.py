"""R9: arbitrary model files: each must give a network, or be refused with clear errors, quickly and with little memory.

    python bench/reliability/modelfiles.py --files 10000
    python bench/reliability/modelfiles.py --files 2000 --seed 5

Shipped models, and files that use all features, are changed at random: values are replaced by absurd ones (nan, infinities, 10^400, texts,
lists, tables, other units, expressions with huge values), keys are left out, doubled, misspelt and moved, lines and bytes are cut, swapped
and flipped. If the result is a network, its needs are estimated, and a small network is built and run for a step. A fraction of the
files (`--bombs 0.5`) are small files that are expensive to read (`bombs.py`). Failures are errors other than `ModelError` and `DataError`,
more than 2 s of processor time for a file, messages of more than 20,000 characters or with control characters, and 200 MB more memory than
at the beginning.
"""

from __future__ import annotations

import argparse
import collections
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import bombs
import numpy as np
from nets import apart

import lifsim as ls
from lifsim.building.needs import estimate
from lifsim.modelfile.reader import loads

SECONDS, MEGABYTES, SMALL = 2.0, 200.0, 5e4
ABSURD = [
    *("nan", "-inf", "1e400", "-0.0", "1e308", "-1", "0", "2.5", "9223372036854775808", "true", "1979-05-27", "0x_1", "'''"),
    *('"20 ms"', '"20 kg"', '""', '"\\u0000"', '"../../etc/passwd"', '"exc[0:5]"', '"exc[9999999999]"', '"' + "a" * 2000 + '"'),
    *('"= 1 / 0"', '"= g"', '"= 9 ** 9 ** 9 ** 9"', '"= (((((((((1)))))))))"', '"= x.y"', """"= __import__('os')\""""),
    *("[]", "{}", "[1, 2]", "[[1], [2, 3]]", "[" * 40 + "]" * 40, "[" * 3000, "{ gaussian = { p0 = 2, sigma = 0 } }"),
    *("{ normal = [1, -2] }", "{ uniform = [2, 1] }", "{ lognormal = [1e9, 1] }", "{ normal = [0, 1], min = 5, max = 4 }"),
]
EVERYTHING = """
name = "everything"
[run]
dt = "0.1 ms"
duration = "10 ms"
seed = 1
[parameters]
g = 5.0
J = "0.1 mV"
[populations.exc]
n = 20
model = "iaf_psc_exp"
params = { tau_m = "20 ms", C_m = { normal = [250, 10], min = 1 }, I_e = 100.0 }
initial = { V_m = { uniform = [-70, -60] } }
positions = { random = true, extent = [1.0, 1.0] }
[populations.inh]
n = "= 2 * g"
model = "iaf_cond_exp"
[populations.ext]
n = 1
model = "poisson_generator"
params = { rate = "2 kHz" }
[populations.given]
n = 2
model = "spike_generator"
params = { spike_times = [[1.0, 2.0], [3.0]] }
[[projections]]
source = "ext"
target = ["exc", "inh"]
weight = "= g"
delay = "1.5 ms"
[[projections]]
source = "exc"
target = "exc"
rule = "pairwise_bernoulli"
p = { gaussian = { p0 = 0.5, sigma = 0.2 } }
weight = { normal = [5.0, 1.0], min = 0.0 }
delay = { uniform = [0.3, 3.0] }
synapse = { model = "stdp_synapse", lambda = 0.01, Wmax = 10.0 }
[[projections]]
source = "given"
target = "inh"
rule = "explicit"
sources = [0, 1]
targets = [3, 4]
weight = [1.0, 2.0]
delay = 1.0
[[record]]
populations = ["exc", "inh"]
variable = "spikes"
[[record]]
populations = "exc"
variable = "V_m"
interval = 0.5
"""


def changed(text: str, rng: np.random.Generator) -> str:
    """`text` with one to four random errors."""
    for _ in range(int(rng.integers(1, 5))):
        lines = text.split("\n")
        k = int(rng.integers(len(lines)))
        what = rng.integers(10)
        if what <= 3 and "=" in lines[k]:
            key = lines[k].split("=")[0]
            lines[k] = f"{key}= {ABSURD[rng.integers(len(ABSURD))]}"
        elif what == 4:
            del lines[k]
        elif what == 5:
            lines.insert(int(rng.integers(len(lines))), lines[k])
        elif what == 6 and lines[k]:
            at = int(rng.integers(len(lines[k])))
            lines[k] = lines[k][:at] + chr(int(rng.integers(1, 0x250))) + lines[k][at + int(rng.integers(2)) :]
        elif what == 7:
            other = int(rng.integers(len(lines)))
            lines[k], lines[other] = lines[other], lines[k]
        elif what == 8 and lines[k]:
            words = lines[k].replace(",", " ").split()
            lines[k] = lines[k].replace(words[rng.integers(len(words))], ABSURD[rng.integers(len(ABSURD))], 1)
        elif what == 9:
            lines = lines[: max(1, k)] if rng.random() < 0.2 else lines
        text = "\n".join(lines)
    return text


def tried(text: str) -> str:
    try:
        signal.setitimer(signal.ITIMER_REAL, 10.0)
        net = loads(text)
        facts = estimate(net)
        signal.setitimer(signal.ITIMER_REAL, 0.0)  # no time limit for a run, which may have to compile
        if facts["synapses"] <= SMALL and facts["neurons"] <= SMALL and facts["bytes"] < 3e8:
            return apart(lambda: ran(net)).decode()
        return "networks"
    except ls.LifsimError as error:
        said = str(error)
        if any(not c.isprintable() and c != "\n" for c in said):
            return "CONTROL CHARACTERS in a message"
        return "refused" if said and len(said) < 20_000 else "REFUSED WITHOUT WORDS"


def ran(net: ls.Network) -> str:
    """Build `net` and run a step, in a forked process."""
    try:
        with ls.Simulation(net, threads=1) as sim:
            sim.run(net.dt)
        return "networks that ran"
    except ls.RunError:
        return "networks whose run failed in one message"
    except ls.LifsimError:
        return "refused when it was built"


class Slow(Exception):
    """Reading a model file took too long."""


def too_slow(*_: Any) -> None:
    raise Slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bombs", type=float, default=0.5, help="share of small files that ask for much")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng, seen = np.random.default_rng(options.seed), collections.Counter()
    texts = [EVERYTHING] * 6 + [p.read_text() for p in sorted((Path(__file__).parents[2] / "models").glob("*.toml"))]
    ran(loads(EVERYTHING))  # loads or compiles the code that runs need
    signal.signal(signal.SIGALRM, too_slow)
    longest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for k in range(options.files):
        kind, text = bombs.made(rng) if rng.random() < options.bombs else ("", changed(texts[rng.integers(len(texts))], rng))
        began, larger = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            said = tried(text)
        except (Exception, Slow) as error:
            said = f"WRONG {type(error).__name__}"
            where = "".join(traceback.format_tb(error.__traceback__)[-4:])
            print(f"WRONG {k} {kind}: {repr(error)[:300]}\n{where}{text[:3000]}\n----", flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        took = time.process_time() - began
        if took > SECONDS and "ran" not in said and "run" not in said:  # a run may have to compile
            said = f"SLOW, {said}"
            print(f"SLOW {k} {kind}: {took:.1f} s\n{text[:3000]}\n----", flush=True)
        longest = max(longest, took if "ran" not in said else 0.0)
        if said.isupper() or said[:5].isupper():
            print(f"{said} {k} {kind} of {len(text):,} characters", flush=True)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        if grown > MEGABYTES and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > larger:
            said = f"LARGE, {said}"
            print(f"LARGE {k} {kind}: {grown:.0f} MB\n{text[:3000]}\n----", flush=True)
        seen[said] += 1
    print(f"{options.files} files: " + ", ".join(f"{n} {key}" for key, n in seen.most_common()))
    print(f"{longest:.2f} s at most without a run, {grown:.0f} MB more than at the beginning")
    sys.exit(any(key.split()[0].isupper() for key in seen))


if __name__ == "__main__":
    main()
