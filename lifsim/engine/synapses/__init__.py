"""Synapses: drawn from counters, packed in blocks of targets, and read when a spike is delivered."""
