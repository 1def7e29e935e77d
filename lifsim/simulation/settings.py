"""The settings of a run: its options, checked against the network, with defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lifsim.building.needs import PRECISIONS, STORAGES, coarse_weights, estimate
from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.common.seeds import SEEDS, is_seed
from lifsim.common.timegrid import steps, time_on_grid
from lifsim.network.method import check_precision, method_of, storage_for
from lifsim.network.network import Network

MOST_STEPS = 2**30  # the engine counts steps in 32 bits; at dt 0.1 ms this is 30 hours


@dataclass(frozen=True)
class Settings:
    """Seed, method, precision, storage of weights and number of threads of a run; `needs` as of `lifsim.building.needs.estimate`."""

    seed: int
    method: str
    precision: str
    weights: str | None
    threads: int
    needs: dict[str, Any]
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The settings by name, as stored in manifests and checkpoints."""
        return {"threads": self.threads, "precision": self.precision, "weights": self.weights, "method": self.method}


def settle(net: Network, seed: Any, threads: Any, precision: Any, weights: Any, method: Any) -> Settings:
    """The settings of a run of `net`; the arguments are those of `RunOptions`.

    Raises
    ------
    LifsimError : an option is wrong. ModelError : the network contains something that the method does not support.
    """
    seed = net.seed if seed is None else seed
    if not is_seed(seed):
        raise LifsimError("seed", shown(seed), SEEDS)
    _check_choice("precision", precision, PRECISIONS)
    _check_choice("weights", weights, (None, *STORAGES))
    method = method_of(net, method)
    check_precision(method, precision)
    weights = weights or storage_for(method)
    needs = estimate(net, precision, threads, weights)
    return Settings(int(seed), method, precision, weights, needs["threads"], needs, tuple(coarse_weights(net, weights)))


def check_duration(net: Network, duration: float | str | None) -> float:
    """`duration` (default: that of the network) in ms, checked: a positive multiple of dt.

    Raises
    ------
    LifsimError : there is no duration, or it is not a time, not on the time grid, or too long.
    """
    if duration is None:
        duration = net.duration
    if duration is None:
        raise LifsimError("duration", "not given", "a time in ms, here or as run.duration in the model file")
    return _known_duration(duration, net.dt) if type(duration) in (float, int, str) else _checked_duration(duration, net.dt)


def _checked_duration(duration: float | str, dt: float) -> float:
    ms = time_on_grid("duration", duration, dt)
    if steps(ms, dt) > MOST_STEPS:
        raise LifsimError("duration", f"{ms:.10g} ms", f"at most {MOST_STEPS * dt:.10g} ms (2³⁰ steps)")
    return ms


_known_duration = lru_cache(64)(_checked_duration)  # for loops of short runs


def check_network(net: Any) -> None:
    """Check that `net` is a `Network` (LifsimError)."""
    if not isinstance(net, Network):
        raise LifsimError("network", f"{net!r}", "a Network, such as lifsim.load returns")


def _check_choice(name: str, given: Any, allowed: tuple[Any, ...]) -> None:
    if not isinstance(given, (str, type(None))) or given not in allowed:
        raise LifsimError(name, shown(given), "one of: " + ", ".join(str(a) for a in allowed))
