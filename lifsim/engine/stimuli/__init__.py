"""Stimuli at their targets: Poisson counts, trains of changing rate, currents."""
