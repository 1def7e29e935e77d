"""Sizes that determine how an engine lays out a plan in memory, used also to estimate the memory of a run."""

from __future__ import annotations

BUFFER = 64 << 20  # largest number of bytes that a slice may record
MOST_CLASSES = 8  # largest number of constant weights; with more, each synapse stores its weight
WIDE = 256  # width of a range of delays (steps) above which a first pass finds the delays that occur
WAITING = 1 << 21  # largest number of synapses of a wiring that are held in buckets
STEPS = 32767  # the largest weight in units of stored weights, where these are 16-bit integers
MOST_WORDS = (1 << 32) - 1  # largest number of 16-bit words in a row: positions in it and lengths of segments have 32 bits
LARGEST_BLOCK = 65536  # largest number of neurons in a block: a target is stored as uint16
GRAIN = 64  # neurons: shares of threads are multiples of it where possible, so that no two threads write to one cache line
