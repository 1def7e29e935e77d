"""Stimuli at their targets: Poisson spikes, trains with changing rate, currents."""
