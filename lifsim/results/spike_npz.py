"""Spikes in NPZ files: arrays `NAME/times` (ms) and `NAME/ids` for each population, or `times` and `ids`.

Further arrays of a population, which may be missing: n_nodes, t_start, t_stop, dt (numbers), recorded_ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.files.untrusted import NPZ_ERRORS, RATIO, unpacks_too_much
from lifsim.results.spike_arrays import ids_of_spikes, time_of, times_of
from lifsim.results.spike_tables import Columns

_NUMBERS = ("n_nodes", "t_start", "t_stop", "dt")
_KEYS = "times (ms) and ids, or NAME/times and NAME/ids for each population"


def read_npz(path: Path) -> dict[str, Columns]:
    """Read the populations in an NPZ file; one without a name is called like the file.

    Raises
    ------
    DataError : it cannot be read, or an array is missing or of another kind.
    """
    try:
        reason = unpacks_too_much(path)
        if reason:
            raise DataError(str(path), reason, f"arrays that unpack to at most {RATIO} times their stored size")
        with np.load(path, allow_pickle=False) as file:
            wanted = ("times", "ids", "recorded_ids", *_NUMBERS)
            arrays = {key: file[key] for key in file.files if key.rpartition("/")[2] in wanted}
    except NPZ_ERRORS as error:
        raise DataError(str(path), f"cannot be read as NPZ ({error})", "arrays of numbers") from None
    names = list(dict.fromkeys(key.rpartition("/")[0] for key in arrays))
    if not any(key.rpartition("/")[2] in ("times", "ids") for key in arrays):
        raise DataError(str(path), "holds no spikes", _KEYS)
    return {name or path.stem: _columns(path, f"{name}/" if name else "", arrays) for name in names}


def _columns(path: Path, prefix: str, arrays: dict[str, Any]) -> Columns:
    for key in ("times", "ids"):
        if prefix + key not in arrays:
            raise DataError(str(path), f"holds no array {prefix + key!r}", _KEYS)
    facts: dict[str, Any] = {}
    for key in (key for key in _NUMBERS if prefix + key in arrays):
        value, where = arrays[prefix + key], f"{path}: {prefix}{key}"
        if value.size != 1 or value.dtype.kind not in "iuf":
            raise DataError(where, f"an array of {value.dtype} of shape {value.shape}", "a number")
        facts[key] = int(value.item()) if key == "n_nodes" else time_of(float(value.item()), where)
    if prefix + "recorded_ids" in arrays:
        facts["recorded_ids"] = ids_of_spikes(arrays[prefix + "recorded_ids"], f"{path}: {prefix}recorded_ids")
        facts.setdefault("n_nodes", int(facts["recorded_ids"].max(initial=-1)) + 1)
    at, ids = times_of(arrays[f"{prefix}times"], f"{path}: {prefix}times"), ids_of_spikes(arrays[f"{prefix}ids"], f"{path}: {prefix}ids")
    return Columns(at, ids, facts)
