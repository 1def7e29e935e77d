"""Search in sorted arrays (NumPy's takes a second to compile for each kind of array)."""

from __future__ import annotations

from lifsim.engine.compiler.jit import kernel


@kernel
def number_up_to(values, x):
    """How many of the ascending `values` are at most `x`."""
    lo, hi = 0, len(values)
    while lo < hi:
        middle = (lo + hi) >> 1
        if values[middle] <= x:
            lo = middle + 1
        else:
            hi = middle
    return lo
