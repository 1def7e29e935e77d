"""R3: results must be bit-identical for any number of threads, any slices, with and without recording, uninterrupted or resumed.

    python bench/reliability/determinism.py --seeds 3

For random networks of each kind, the spikes, traces, final potentials and plastic weights of a run with one thread are compared with those
of runs with 1, 2, 4 and 8 threads (more than there are cores) and slices of 1, 10 and 100 ms, and of runs that were resumed twice from
checkpoints, each time with another number of threads.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
from nets import KINDS, digest, network

import lifsim as ls
from lifsim.simulation import slices

DURATION = 150.0
OTHER = {1: 4, 2: 1, 4: 8, 8: 2}


def state(sim: ls.Simulation) -> str:
    """SHA-256 of the state variables of all neurons and of all plastic weights."""
    out = hashlib.sha256()
    for name, p in sim.net.populations.items():
        for variable in (s.name for s in p.model.states) if p.model.role == "neuron" else ():
            out.update(sim.get(name, variable).tobytes())
    for p in sim.net.projections:
        if p.synapse:
            out.update(np.asarray(sim.matrix(p.source.name, p.target.name).data).tobytes())
    return out.hexdigest()


def in_slices(sim: ls.Simulation, until: float, each: float) -> None:
    while sim.time < until - 1e-9:
        sim.run(min(each, until - sim.time))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    slices.SLICE_SECONDS = 10.0  # so that the wall time does not limit a slice
    cases = wrong = 0
    for kind in KINDS:
        for seed in range(options.first, options.first + options.seeds):
            found = set()
            for threads in OTHER:
                for each in (1.0, 10.0, 100.0):
                    with ls.Simulation(network(kind, seed), threads=threads) as sim:
                        in_slices(sim, DURATION, each)
                        found.add((digest(sim.result()), state(sim)))
                        cases += 1
                found.add(resumed(kind, seed, threads))
                cases += 1
            bare = network(kind, seed)
            bare.recordings.clear()
            with ls.Simulation(bare, threads=2) as sim:
                sim.run(DURATION)
                found_bare = state(sim)
            bare_same = found_bare in {s for _, s in found}
            wrong += len(found) - 1 + (not bare_same)
            without = "the same" if bare_same else "ANOTHER"
            print(f"{kind} {seed}: {len(found)} result(s); without recording {without} state", flush=True)
    print(f"{cases} runs, {wrong} differ")
    sys.exit(wrong > 0)


def resumed(kind: str, seed: int, threads: int) -> tuple[str, str]:
    """The digests of a run that is saved at 41.3 ms and at 97 ms, and resumed with other numbers of threads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved"
        with ls.Simulation(network(kind, seed), threads=threads) as sim:
            sim.run(41.3)
            sim.save(path)
        with ls.Simulation.restore(path, threads=OTHER[threads]) as sim:
            sim.run(97.0 - 41.3)
            sim.save(path)
        with ls.Simulation.restore(path, threads=threads) as sim:
            sim.run(DURATION - 97.0)
            return digest(sim.result()), state(sim)


if __name__ == "__main__":
    main()
