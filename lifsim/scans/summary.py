"""Means and confidence intervals over the seeds of a scan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import stdtrit

from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.files.tables import Columns


def summary_of(table: Columns, parameters: Sequence[str], statistics: Mapping[str, np.ndarray], level: float) -> Columns:
    """See `ScanTable.summary`: of the columns of a `table`, of which these are `parameters` and, as arrays, these `statistics`."""
    if not 0 < level < 1:
        raise LifsimError("level", shown(level), "a number between 0 and 1, such as 0.95")
    points: dict[tuple[object, ...], list[int]] = {}
    for k, point in enumerate(zip(*(table[p] for p in parameters), strict=True)):
        points.setdefault(point, []).append(k)
    columns: Columns = {p: [table[p][own[0]] for own in points.values()] for p in parameters}
    right = [[k for k in own if table["error"][k] is None] for own in points.values()]
    columns["seeds"] = [len(own) for own in right]
    for name, values in statistics.items():
        if values.dtype == np.float64:
            found = [interval(values[own], level) for own in right]
            columns |= {
                f"{name}.{end}": list(column) for end, column in zip(("mean", "low", "high"), zip(*found, strict=True), strict=True)
            }
    return columns


def interval(values: np.ndarray | Sequence[float], level: float) -> tuple[float, float, float]:
    """Mean of the defined `values`, and the limits of its confidence interval by Student's t; nan where they are undefined."""
    x = np.asarray(values, np.float64)
    x = x[~np.isnan(x)]
    if not len(x):
        return math.nan, math.nan, math.nan
    mean = float(x.mean())
    if len(x) < 2:
        return mean, math.nan, math.nan
    half = float(stdtrit(len(x) - 1, 0.5 + level / 2) * x.std(ddof=1) / math.sqrt(len(x)))
    return mean, mean - half, mean + half
