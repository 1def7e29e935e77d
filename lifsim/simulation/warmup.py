"""Compiles the code for runs in advance, and stores it in the cache (`lifsim.engine.compiler.cache`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lifsim.building.needs import PRECISIONS, STORAGES, stored
from lifsim.common.errors import RunError
from lifsim.network.method import method_of, storage_for
from lifsim.network.network import Network
from lifsim.plan.plan import Plan
from lifsim.simulation.built_network import plan_of
from lifsim.simulation.recorder import Recorder


@dataclass(frozen=True)
class Warmed:
    """Compiled code: the name of the network, the types of state variables and stored weights, and the seconds that compiling took
    (None if the code was in the cache).
    """

    name: str
    precision: str
    weights: str
    seconds: float | None


def warm_up(nets: Iterable[tuple[str, Network]], choices: Iterable[tuple[str, str | None]]) -> Iterator[Warmed]:
    """Compile the code for the `nets` (name, network) with all `choices` (precision, weights).

    Raises
    ------
    OutputError : the cache cannot be written; raised before anything is compiled.
    RunError : the compiled code could not be stored.
    """
    check_cache()
    wanted, known = list(choices), set()
    for name, net in nets:
        method = method_of(net)
        plan = thinned(plan_of(net, net.seed, method))
        for precision, weights in wanted if method == "grid" else [("float64", storage_for(method))]:
            done = _compile(name, net, plan, method, precision, weights)
            if (name, precision, done.weights) not in known:
                yield done
            known.add((name, precision, done.weights))


def choices_of(precision: str, weights: str | None, everything: bool) -> list[tuple[str, str | None]]:
    """The given combination of precision and weights, or with `everything` all combinations."""
    return [(p, w) for p in PRECISIONS for w in STORAGES] if everything else [(precision, weights)]


def _compile(name: str, net: Network, plan: Plan, method: str, precision: str, weights: str | None) -> Warmed:
    from lifsim.engine import compiling, engine_for, not_kept

    with compiling() as compiler:
        engine = engine_for(method, plan, 1, precision, stored(weights))
        Recorder(net, net.seed).chunk(0, 0, engine.advance(0), plan.events)
        engine.synapses((0, 1), (0, 1))
        engine.close()
    if why := not_kept():
        raise RunError(why)
    kept = "compact" if engine.weight_dtype.kind == "i" else engine.weight_dtype.name
    return Warmed(name, precision, kept, compiler.seconds if compiler.kernels else None)


def thinned(plan: Plan) -> Plan:
    """`plan` with one target per projection: it needs the same code, but hardly any time and memory to build."""
    return replace(plan, wirings=[replace(w, targets=w.targets[:1], ptr=w.ptr[:2], itself=w.itself[:1]) for w in plan.wirings])


def examples() -> Iterator[tuple[str, Network]]:
    """Small networks that together need all code of the basic models: parameters common to all neurons or one value each, weights that
    float32 represents exactly or not; all connection rules, delays of a wide range, currents, noise, and Poisson trains, also recorded
    ones. (Other models, and stimuli that change in every step, have code of their own, which is compiled at first use.)
    """
    for weight in (0.1, 0.5):
        net = Network(dt=0.1, name=f"weights like {weight}")
        net.add("drive", 1, "poisson_generator", rate=1000.0)
        net.add("noise", 1, "noise_generator", std=1.0)
        net.add("dc", 1, "dc_generator")
        net.record("drive", "spikes")
        for model in ("iaf_psc_exp", "iaf_psc_alpha", "iaf_psc_delta"):
            for kind, C_m in {"alike": 250.0, "differ": [250.0, 300.0]}.items():
                own = net.add(f"{model}_{kind}", 2, model, C_m=C_m).name
                net.connect("drive", own, weight=weight)
                net.connect("noise", own)
                net.connect("dc", own)
                net.connect(own, own, weight=weight, delay={"uniform": [1.0, 50.0]})
                net.connect(own, own, weight={"normal": [weight, weight / 4]})
                net.record(own, ["spikes", "V_m"])
        yield str(net.name), net


def check_cache() -> None:
    """Check that compiled code can be stored.

    Raises
    ------
    OutputError : the cache cannot be written.
    """
    from lifsim.engine import folders

    if (refused := folders().refused) is not None:
        raise refused


def caches() -> list[tuple[Path, int]]:
    """The folders of the cache, and the size of each in bytes."""
    from lifsim.engine import folders

    return [(folder, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())) for folder in folders().read]
