"""Training of dense and of spiking networks, compiled: an epoch is one call."""
