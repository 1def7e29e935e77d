"""The values of a generator's parameters over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lifsim.building.by_node import steps_of
from lifsim.building.drawn_values import is_drawn
from lifsim.building.drives import BEGUN, SCHEDULE, USED
from lifsim.network.population import Population

_SINCE = "since"  # the name of the array with the steps after which versions hold


class History:
    """The values of the parameters of `population`: the initial ones, and those that were set, each for all that is sent after a step."""

    def __init__(self, population: Population, values: dict[str, Any]) -> None:
        self._population = population
        self.drawn = is_drawn(population)  # whether any initial value is drawn
        self.restart(values)

    def restart(self, values: dict[str, Any]) -> None:
        """Forget all changes; `values` hold from the beginning."""
        self.initial, self._versions = values, [(0, values)]

    @property
    def changed(self) -> bool:
        """Whether any values were set."""
        return self.now is not self.initial

    @property
    def now(self) -> dict[str, Any]:
        """The values that were set last."""
        return self._versions[-1][1]

    def at(self, step: int) -> dict[str, Any]:
        """The values that determine what is sent in the step after `step`."""
        return next((values for since, values in reversed(self._versions) if since <= step), self._versions[0][1])

    def add(self, step: int, values: dict[str, Any]) -> None:
        """Let `values` hold for all that is sent after `step`."""
        self._versions = [v for v in self._versions if v[0] < step] + [(step, values)]

    def forget(self, step: int) -> None:
        """Forget the values that no longer hold after `step`."""
        last = max((i for i, (since, _) in enumerate(self._versions) if since <= step), default=0)
        del self._versions[:last]

    # -- checkpoints -------------------------------------------------------------------------------

    def saved(self) -> dict[str, np.ndarray]:
        """The values that were set, as arrays by name; empty if none were."""
        if not self.changed:
            return {}
        out = {_SINCE: np.array([since for since, _ in self._versions], np.int64)}
        for k, (_, values) in enumerate(self._versions):
            for name, x in values.items():
                if x is not self.initial.get(name) and (name in (BEGUN, USED, SCHEDULE) or not name.startswith("(")):
                    out |= {f"{k}/{name}{part}": array for part, array in self._encoded(name, x).items()}
        return out

    def _encoded(self, name: str, x: Any) -> dict[str, np.ndarray]:
        match self._shape(name):
            case "trains":
                return {"/times": np.concatenate([np.zeros(0), *x]), "/lengths": np.array([len(train) for train in x], np.int64)}
            case "pair":
                return {"": np.stack(x)}
            case "text" | "file":
                return {"": np.frombuffer(x.encode(), np.uint8)}
            case _:
                return {"": np.asarray(x)}

    def versions(self, arrays: dict[str, np.ndarray]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each set of values of the parameters and the step from which it holds, from the arrays that `saved` returned.

        Raises
        ------
        KeyError, ValueError : the arrays are not those of `saved`.
        """
        for k, since in enumerate(arrays[_SINCE].tolist()):
            own = {key.removeprefix(f"{k}/"): x for key, x in arrays.items() if key.startswith(f"{k}/")}
            names = dict.fromkeys(key.partition("/")[0] for key in own)
            yield int(since), self.initial | {name: self._decoded(name, own) for name in names} if names else self.initial

    def _decoded(self, name: str, arrays: dict[str, np.ndarray]) -> Any:
        match self._shape(name):
            case "trains":
                return np.split(arrays[f"{name}/times"], np.cumsum(arrays[f"{name}/lengths"])[:-1])
            case "pair":
                return tuple(arrays[name])
            case "text" | "file":
                return arrays[name].astype(np.uint8).tobytes().decode()
            case "flag":
                return bool(arrays[name])
            case _:
                x = arrays[name]
                return x.item() if x.ndim == 0 else x

    def _shape(self, name: str) -> str:
        return "value" if name in (BEGUN, USED) else "pair" if name == SCHEDULE else self._population.model.parameter(name).shape


# -- what a change leaves as it was ----------------------------------------------------------------------


def noise_counters(old: dict[str, Any], new: dict[str, Any], step: int, dt: float) -> dict[str, np.ndarray]:
    """Where the noise of a generator whose parameters change from `old` to `new` begins, and how many of its random numbers are not used
    again (`BEGUN`, `USED`). `step` is the first one whose current follows the new parameters.

    Noise that is on goes on. If it begins at a later time, or anew with another period, it does so with new random numbers: the number of
    those drawn so far is at most that of the steps.
    """
    before, after = (steps_of(np.atleast_1d(values["start"]), dt) for values in (old, new))
    begun, used = np.atleast_1d(old.get(BEGUN, before)), np.atleast_1d(old.get(USED, 0))
    same_period = np.atleast_1d(old.get("dt", 1.0)) == np.atleast_1d(new.get("dt", 1.0))
    goes_on = (begun < step) & (after <= step) & same_period
    begun, used = np.where(goes_on, begun, np.maximum(after, step)), np.where(goes_on, used, step)
    return {key: x if len(x) > 1 else x[0] for key, x in ((BEGUN, begun), (USED, used))}


def schedule(old: dict[str, Any], new: dict[str, Any], names: tuple[str, str], time: float, since: float) -> tuple[np.ndarray, np.ndarray]:
    """The times and values of a series that changes from `old` to `new` at `time` (ms), as far as they hold after the time `since`.

    `names` are those of its times and its values. As in NEST, new times that are not after `time` are passed over: the value that holds
    at `time` holds until the next one.
    """
    times, values = old.get(SCHEDULE) or tuple(np.asarray(old[name]) for name in names)
    if all(old[name] is new[name] for name in names):
        return times, values
    further, own = (np.asarray(new[name]) for name in names)
    past, future = times <= time * (1 + 1e-12), further > time * (1 + 1e-12)
    past[: max(int(np.searchsorted(times, since, "right")) - 1, 0)] = False
    return np.concatenate([times[past], further[future]]), np.concatenate([values[past], own[future]])
