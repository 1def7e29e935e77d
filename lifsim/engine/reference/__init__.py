"""Reference implementations of the engines in plain NumPy, slow and simple. Only tests use them."""
