"""Common code of the campaigns in this folder: random small networks with many features, digests of results, forked processes."""

from __future__ import annotations

import collections
import hashlib
import os
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import lifsim as ls

KINDS = ("grid", "plastic", "conductances", "precise")
LIF = {"tau_m": 20.0, "V_th": 20.0, "V_reset": 10.0, "E_L": 0.0, "C_m": 250.0, "t_ref": 2.0, "V_m": {"uniform": [0.0, 20.0]}}


def network(kind: str, seed: int) -> ls.Network:
    """A network of one of `KINDS`; its sizes, rates and delays are functions of `seed`."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    net = ls.Network(dt=0.1, name=f"{kind} {seed}", seed=seed)
    {"grid": _grid, "plastic": _plastic, "conductances": _conductances, "precise": _precise}[kind](net, rng)
    return net


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(100, 300)), int(rng.integers(30, 130))


def _grid(net: ls.Network, rng: np.random.Generator) -> None:
    n, m = _sizes(rng)
    exc, inh = net.add("exc", n, "iaf_psc_exp", **LIF), net.add("inh", m, "iaf_psc_delta", **LIF)
    noisy = net.add("noisy", 40, "iaf_psc_exp", delta=1.0, rho=0.01, **LIF)
    ext = net.add("ext", 1, "poisson_generator", rate=float(rng.uniform(6e3, 9e3)))
    gamma = net.add("gamma", 2, "sinusoidal_gamma_generator", rate=2000.0, amplitude=500.0, frequency=20.0, order=3.0)
    path = net.add("path", 1, "ou_generator", mean=100.0, std=50.0, tau=10.0)
    times = [np.sort(rng.integers(1, 2000, 30)) * 0.1 for _ in range(3)]
    given = net.add("given", 3, "spike_generator", spike_times=times)
    net.connect(ext, exc, weight=60.0, delay=0.5)
    net.connect(ext, inh, weight=0.3, delay=0.5)
    net.connect(gamma, exc, weight=20.0, delay=0.5)
    net.connect(path, [exc, noisy])
    net.connect(given, exc, weight=80.0, delay={"uniform": [0.5, 20.0]})
    net.connect([exc], [exc, inh, noisy], "fixed_indegree", indegree=20, weight=[[60.0], [0.2], [60.0]], delay={"uniform": [0.3, 3.0]})
    net.connect(inh, exc, "pairwise_bernoulli", p=0.1, weight=-300.0, delay=1.5)
    net.record([exc, inh, noisy, ext, gamma, given], "spikes")
    net.record(exc[:7], "V_m", interval=0.5)
    net.record([exc, exc[[8, 2]]], "rate", interval=7.0)
    net.record(exc[[8, 2]], ["V_m", "I_syn", "I_stim"], interval=0.3)
    net.record(inh[:3], "t_ref_remaining")
    net.record_currents(path, noisy[:2])


def _plastic(net: ls.Network, rng: np.random.Generator) -> None:
    n, m = _sizes(rng)
    exc, inh = net.add("exc", n, "iaf_psc_exp", **LIF), net.add("inh", m, "iaf_psc_exp", **LIF)
    ext = net.add("ext", 1, "poisson_generator", rate=float(rng.uniform(7e3, 9e3)))
    net.connect(ext, [exc, inh], weight=70.0, delay=0.5)
    some = {"model": "stdp_synapse", "lambda": {"uniform": [0.01, 0.1]}, "Wmax": 100.0}
    net.connect(exc, exc, "fixed_indegree", indegree=20, weight=30.0, delay={"uniform": [0.3, 3.0]}, synapse=some)
    net.connect(exc[[5, 3, 60, 7]], inh, weight=30.0, delay=1.0, synapse={"model": "stdp_triplet_synapse"})
    net.connect(exc, inh, "fixed_outdegree", outdegree=10, weight=60.0, delay=1.5, synapse={"model": "tsodyks2_synapse"})
    net.connect(
        inh, exc, "fixed_indegree", indegree=10, weight=-100.0, delay=1.5, synapse={"model": "vogels_sprekeler_synapse", "Wmax": -500.0}
    )
    net.record([exc, inh], "spikes")
    net.record_weights(exc[:5], exc, interval=10.0)
    net.record_weights(exc[:5], exc, interval=0.7)
    net.record_weights(inh, exc[:9], events=True)


def _conductances(net: ls.Network, rng: np.random.Generator) -> None:
    n, m = _sizes(rng)
    exc, inh = net.add("exc", n, "iaf_cond_exp", I_e=500.0), net.add("inh", m, "iaf_cond_alpha", I_e=450.0)
    adapting = net.add("adapting", 30, "iaf_cond_exp_sfa_rr", I_e=800.0)
    ext = net.add("ext", 1, "poisson_generator", rate=float(rng.uniform(2e3, 3e3)))
    net.connect(ext, [exc, inh, adapting], weight=3.0, delay=0.5)
    net.connect(exc, [exc, inh, adapting], "fixed_indegree", indegree=20, weight=2.0, delay={"uniform": [0.3, 3.0]})
    net.connect(inh, [exc, inh], "fixed_indegree", indegree=5, weight=-10.0, delay=1.0)
    net.record([exc, inh, adapting], "spikes")
    net.record(inh[:5], ["V_m", "I_syn"], interval=1.0)


def _precise(net: ls.Network, rng: np.random.Generator) -> None:
    n, m = _sizes(rng)
    exc, inh = net.add("exc", n, "iaf_psc_exp_ps", **LIF), net.add("inh", m, "iaf_psc_delta_ps", **LIF)
    ext = net.add("ext", 2, "poisson_generator_ps", rate=float(rng.uniform(3e3, 4e3)), dead_time=0.05)
    times = [np.sort(rng.uniform(1.0, 200.0, 20)) for _ in range(3)]
    given = net.add("given", 3, "spike_generator", spike_times=times)
    net.connect(ext, exc, weight=100.0, delay=0.5)
    net.connect(ext, inh, weight=0.3, delay=0.5)
    net.connect(given, exc, weight=300.0, delay={"uniform": [0.5, 30.0]})
    net.connect([exc], [exc, inh], "fixed_indegree", indegree=20, weight=[[60.0], [0.3]], delay={"uniform": [0.3, 3.0]})
    net.connect(inh, exc, "pairwise_bernoulli", p=0.1, weight=-400.0, delay=1.5)
    net.record([exc, inh, ext, given], "spikes")
    net.record(exc[:7], ["V_m", "t_ref_remaining"], interval=0.5)


# -- what a run leaves -----------------------------------------------------------------------------


def digest(result: ls.Result, until: float | None = None) -> str:
    """SHA-256 of all spikes and traces (up to `until` ms, if given), equal for results in memory and in a file.

    Transmitted weights are left out if `until` is given: those of the last spikes before are known only when these have arrived.
    """
    out = hashlib.sha256()
    for name in sorted(result.spikes):
        s = result.spikes[name]
        keep = slice(None) if until is None else s.times <= until + 1e-6
        out.update(f"{name} {len(s.times[keep])}".encode() + s.times[keep].tobytes() + s.ids[keep].astype("<i8").tobytes())
    for name in sorted(result.traces):
        for variable in sorted(result.traces[name]):
            t = result.traces[name].times_of(variable)
            keep = slice(None) if until is None else t <= until + 1e-6
            rows = np.ascontiguousarray(result.traces[name][variable][keep])
            out.update(f"{name}.{variable} {rows.shape}".encode() + rows.tobytes() if len(rows) else b"")
    for name in sorted(result.weight_events) if until is None else ():
        for variable, events in sorted(result.weight_events[name].items()):
            columns = np.column_stack([events.times, events.senders, events.targets, events.weights])
            out.update(f"{name}.{variable} {columns.shape}".encode() + columns.tobytes())
    return out.hexdigest()


def report(seen: collections.Counter[str]) -> NoReturn:
    """Print the counts of outcomes, wrong ones (in capitals) last; exit with 1 if there are wrong ones."""
    for name, number in sorted(seen.items(), key=lambda entry: (entry[0].isupper(), entry[0])):
        print(f"{number:10,}  {name}")
    wrong = sum(n for name, n in seen.items() if name.split(":")[0].isupper())
    print(f"{wrong:10,}  WRONG")
    sys.exit(wrong > 0)


def apart(work: Callable[[], Any]) -> bytes:
    """Call `work` in a forked process, which may fail, hang or be killed; returns its result as text."""
    read, write = os.pipe()
    child = forked(lambda: os.write(write, str(work()).encode()))
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    if status:
        raise RuntimeError(f"a copy of this process ended with {os.waitstatus_to_exitcode(status)}: {said.decode()[-500:]}")
    return said


def forked(work: Callable[[], Any]) -> int:
    """Start `work` in a forked process; returns its process id. (This process must have only one thread.)"""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 0
    try:
        work()
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def witness(pipe: int) -> Callable[..., None]:
    """A `progress` function that writes to `pipe` the time (ms) up to which all recorded data are acknowledged."""

    def told(event: str, **facts: Any) -> None:
        if event == "step":
            os.write(pipe, struct.pack("<d", facts["done_ms"]))

    return told
