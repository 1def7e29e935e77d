"""Spikes that other tools wrote: `python tests/data/spike_peers.py nest|bmtk|brian2` writes those of a tool to tests/data/spikes.

Beside the files of a tool, `NAME.npz` has what it holds in memory, by population: times (ms) and ids as the tool counts them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent / "spikes"


def nest(folder: Path) -> None:
    """Two threads; recorders of two populations (one with a silent neuron), one of them also in steps, and a multimeter."""
    import nest

    nest.ResetKernel()
    nest.local_num_threads = 2
    nest.data_path, nest.overwrite_files = str(folder), True
    exc = nest.Create("iaf_psc_exp", 5, {"I_e": 450.0})
    exc.V_m = [-70.0, -65.0, -60.0, -58.0, -68.0]
    inh = nest.Create("iaf_psc_exp", 3, {"I_e": [600.0, 0.0, 500.0]})
    memory = {}
    for name, neurons in (("exc", exc), ("inh", inh)):
        nest.Connect(neurons, nest.Create("spike_recorder", {"record_to": "ascii", "label": name}))
        memory[name] = nest.Create("spike_recorder")
        nest.Connect(neurons, memory[name])
    nest.Connect(exc, nest.Create("spike_recorder", {"record_to": "ascii", "label": "steps", "time_in_steps": True}))
    nest.Connect(nest.Create("multimeter", {"record_to": "ascii", "label": "vm", "record_from": ["V_m"], "interval": 50.0}), exc)
    nest.Simulate(100.0)
    np.savez(
        folder / "nest.npz",
        **{f"{name}/times": recorder.events["times"] for name, recorder in memory.items()},
        **{f"{name}/ids": recorder.events["senders"] for name, recorder in memory.items()},
    )


def bmtk(folder: Path) -> None:
    """Two populations, unsorted, as SONATA and as CSV."""
    from bmtk.utils.reports.spike_trains import SpikeTrains

    spikes = {"V1": ([2.5, 1.0, 9.0, 4.25], [3, 1, 1, 7]), "LGN": ([5.5, 6.0], [0, 2])}
    trains = SpikeTrains(population="V1")
    for name, (times, ids) in spikes.items():
        trains.add_spikes(node_ids=ids, timestamps=times, population=name)
    trains.to_sonata(str(folder / "bmtk.h5"))
    trains.to_csv(str(folder / "bmtk.csv"))
    np.savez(
        folder / "bmtk.npz",
        **{f"{name}/times": times for name, (times, _) in spikes.items()},
        **{f"{name}/ids": ids for name, (_, ids) in spikes.items()},
    )


def brian2(folder: Path) -> None:
    """A SpikeMonitor, whose times are in seconds."""
    monitor = brian2_monitor()
    np.savez(folder / "brian2.npz", times=1000.0 * np.asarray(monitor.t), ids=np.asarray(monitor.i))


def brian2_monitor():
    """The monitor of four neurons, one of which is silent; 50 ms."""
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    group = b2.NeuronGroup(4, "dv/dt = (I - v) / (10*ms) : 1\nI : 1", threshold="v > 1", reset="v = 0", method="exact")
    group.I = [1.5, 0.5, 2.0, 3.0]
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, monitor).run(50 * b2.ms)
    return monitor


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name in sys.argv[1:]:
        {"nest": nest, "bmtk": bmtk, "brian2": brian2}[name](HERE)
