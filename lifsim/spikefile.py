"""Spike trains from SONATA files (``/spikes/<population>/{timestamps, node_ids}``)."""

from __future__ import annotations

import numpy as np

from lifsim.errors import DataError


def read_spikes(path: str, population: str, n: int, place: str) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and node ids of a population in a SONATA spike file, ids below `n`.

    Raises
    ------
    DataError : no such file or population, or an id out of range.
    """
    from lifsim.results import open as open_result

    with open_result(path) as result:
        names = list(result.populations)
        name = population or (names[0] if len(names) == 1 else "")
        if name not in names:
            got = f"{path} holds no population {name!r}" if name else f"{path} holds several populations"
            raise DataError(f"{place}.spike_population", got, "one of: " + ", ".join(names))
        spikes = result.spikes[name]
        times, ids = np.asarray(spikes.times, np.float64), np.asarray(spikes.ids, np.int64)
    if len(ids) and (ids.min() < 0 or ids.max() >= n):
        raise DataError(f"{place}.spike_file", f"{path} holds node id {ids.max()}", f"0 to {n - 1} (n = {n})")
    return times, ids
