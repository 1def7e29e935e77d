"""Compiled training of dense and of spiking networks; an epoch is one call."""
