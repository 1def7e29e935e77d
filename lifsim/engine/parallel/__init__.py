"""Threads: how they share the work of a step, where the neurons of each lie in memory, and how long each part of the work takes."""
