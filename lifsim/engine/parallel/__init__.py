"""Threads: the team, sharing of work, placement of neurons in memory, and measurement of time."""
