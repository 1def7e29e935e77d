"""The reference: what the engines do, in plain NumPy, slow and obvious. Only tests use it."""
