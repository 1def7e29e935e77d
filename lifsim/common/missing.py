"""Attributes that an object does not have: what NEST, Brian2, PyNN and scikit-learn call so, and what is written in lifsim instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lifsim.common.errors import did_you_mean

_NET = "net = lifsim.Network()"
_NO_KERNEL = "lifsim.Network(dt=0.1) and lifsim.run(net, 1000.0, seed=…, threads=…): there is no kernel to set or reset"
MODULE = {
    **dict.fromkeys(("Create", "NeuronGroup", "Population", "create"), f'net.add("exc", 100, "iaf_psc_exp", …) of {_NET}'),
    **dict.fromkeys(("PoissonGroup", "PoissonInput"), f'net.add("ext", 1, "poisson_generator", rate=…) of {_NET}, then net.connect'),
    "SpikeGeneratorGroup": f'net.add("in", n, "spike_generator", spike_times=…) of {_NET}',
    **dict.fromkeys(("Connect", "Synapses", "Projection", "connect"), f"net.connect(source, target, rule, …) of {_NET}"),
    **dict.fromkeys(("Simulate", "simulate", "run_for", "run_until", "RunManager", "Run"), "lifsim.run(net, 1000.0) (ms)"),
    **dict.fromkeys(
        ("ResetKernel", "SetKernelStatus", "GetKernelStatus", "resolution", "set", "setup", "start_scope", "end", "defaultclock"),
        _NO_KERNEL,
    ),
    **dict.fromkeys(("SpikeMonitor", "spike_recorder"), 'net.record("exc", "spikes")'),
    **dict.fromkeys(("StateMonitor", "multimeter"), 'net.record("exc", "V_m", interval=0.1)'),
    "PopulationRateMonitor": 'net.record("exc", "rate")',
    **dict.fromkeys(("GetStatus", "SetStatus"), 'sim.get("exc", "V_m") and sim.set("exc", …) of sim = lifsim.Simulation(net)'),
    "GetConnections": 'sim.matrix("exc", "inh") of sim = lifsim.Simulation(net)',
    **dict.fromkeys(("CopyModel", "SetDefaults"), "a Python dictionary of parameters, given as net.add(…, **params) or synapse=params"),
    **dict.fromkeys(("store", "restore"), 'sim.save("x.ckpt") and lifsim.Simulation.restore("x.ckpt"), or sim.reset()'),
    **dict.fromkeys(("NetworkOperation", "network_operation"), "sim.run(1000.0, every=10.0, do=function) of sim = lifsim.Simulation(net)"),
    "reset": "sim.reset() of sim = lifsim.Simulation(net)",
    "raster_plot": "lifsim.plot.raster(result)",
    **dict.fromkeys(("Classifier", "MLPClassifier"), "lifsim.ann.Classifier"),
    **dict.fromkeys(("Regressor", "MLPRegressor"), "lifsim.ann.Regressor"),
    **dict.fromkeys(("save", "loads"), "net.save(path) and lifsim.load(path)"),
    **dict.fromkeys(("ms", "mV", "pA", "nS", "pF", "second", "units"), 'numbers in ms, mV, pF, pA, nS, Hz, or texts such as "0.02 s"'),
    "random": '{"normal": [mean, sd]} or {"uniform": [low, high]} as the value of a parameter',
}
NETWORK = {
    **dict.fromkeys(("run", "simulate", "Simulate", "run_for"), "lifsim.run(net, 1000.0): a network is only a description"),
    **dict.fromkeys(
        ("Create", "create", "add_population", "add_neurons", "population", "Population", "add_node"), "net.add(name, n, model, …)"
    ),
    **dict.fromkeys(("Connect", "add_projection", "add_edges", "project"), "net.connect(source, target, rule, …)"),
    **dict.fromkeys(("monitor", "record_spikes", "add_recorder", "Record"), "net.record(population, variable)"),
    **dict.fromkeys(("reset", "store", "restore"), "a Simulation: a network is only a description, without a state"),
    **dict.fromkeys(("set", "get"), "Simulation.set and Simulation.get, or net.populations[name].get(parameter) for what was given"),
    "load": "lifsim.load(path)",
    **dict.fromkeys(("plot", "raster"), "lifsim.plot.raster(result), of result = lifsim.run(net, …)"),
    **dict.fromkeys(("spikes", "traces", "results"), "the result of lifsim.run(net, …), such as result.spikes[name]"),
}
NODES = {
    **dict.fromkeys(("record", "sample"), "net.record(population, variable)"),
    **dict.fromkeys(
        ("set", "initialize", "tset", "rset"), 'arguments of net.add, such as V_m={"uniform": [-70, -60]}; later: Simulation.set'
    ),
    **dict.fromkeys(("size", "N"), "len(population)"),
    **dict.fromkeys(
        ("get_data", "get_spikes", "events", "spikes", "spike_counts", "getSpikes"), "the result of lifsim.run: result.spikes[name]"
    ),
    **dict.fromkeys(("inject", "injectInto"), "a population such as dc_generator, connected to this one"),
    "connect": "net.connect(source, target, …)",
    **dict.fromkeys(("status", "parameters"), "population.get(parameter), for values that were given"),
}
SIMULATION = {
    **dict.fromkeys(("simulate", "Simulate", "run_for", "advance", "step_for"), "sim.run(100.0) (ms)"),
    **dict.fromkeys(("run_until", "RunUntil"), "sim.run(until - sim.time)"),
    **dict.fromkeys(("SetStatus", "set_status", "set_param", "set_parameters"), "sim.set(population, name=value)"),
    **dict.fromkeys(("GetStatus", "get_status", "state", "V_m"), "sim.get(population, name)"),
    **dict.fromkeys(("GetConnections", "connections", "weights", "get_weights"), "sim.matrix(source, target)"),
    **dict.fromkeys(("store", "checkpoint"), "sim.save(path)"),
    **dict.fromkeys(("t", "now", "biological_time", "current_time"), "sim.time (ms)"),
    **dict.fromkeys(("ResetKernel", "restart", "reinit"), "sim.reset()"),
    **dict.fromkeys(("events", "get_data", "data", "results"), "sim.result(), or sim.spikes() for the spikes since the last call"),
    **dict.fromkeys(("add", "connect", "record"), "net.add, net.connect and net.record before the Simulation is made"),
    "network_operation": "sim.run(1000.0, every=10.0, do=function)",
    "end": "sim.close()",
}


def no_attribute(owner: str, name: str, meant: Mapping[str, str], known: Iterable[str] = ()) -> AttributeError:
    """The error for an attribute `name` that `owner` does not have.

    meant : by name, what to write instead. known : names that may have been misspelt.
    """
    text = f"{owner} has no attribute {name!r}"
    if name.startswith("_"):  # asked for by Python and by libraries, not typed by a user
        return AttributeError(text)
    hint = f"write {meant[name]}" if name in meant else did_you_mean(name, known)
    return AttributeError(f"{text}; {hint}" if hint and not hint.startswith("allowed: ") else text)
