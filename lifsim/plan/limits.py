"""Sizes by which an engine lays out a plan in memory, and by which the memory of a run is estimated."""

from __future__ import annotations

BUFFER = 64 << 20  # bytes for what a slice may record, at most
MOST_CLASSES = 8  # of constant weights; with more, each synapse has its own
WIDE = 256  # delays (steps) above which a first pass looks which ones occur
WAITING = 1 << 21  # synapses of a wiring that wait in buckets, at most
STEPS = 32767  # of the largest weight, where weights are stored as 16-bit whole numbers
MOST_WORDS = (1 << 32) - 1  # 16-bit words of a row: places in it, and the lengths of segments, are counted in 32 bits
LARGEST_BLOCK = 65536  # a target is a uint16
GRAIN = 64  # neurons: shares are multiples of it where they can, so that no two threads write to one cache line
