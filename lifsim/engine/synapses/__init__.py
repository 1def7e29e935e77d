"""Synapses: drawn with counter-based random numbers, packed by block of targets, and read when a spike is delivered."""
