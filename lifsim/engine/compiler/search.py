"""Search in sorted arrays. (`np.searchsorted` takes a second to compile for each type of array.)"""

from __future__ import annotations

from lifsim.engine.compiler.jit import kernel


@kernel
def number_up_to(values, x):
    """The number of entries of the ascending `values` that are at most `x`."""
    lo, hi = 0, len(values)
    while lo < hi:
        middle = (lo + hi) >> 1
        if values[middle] <= x:
            lo = middle + 1
        else:
            hi = middle
    return lo
