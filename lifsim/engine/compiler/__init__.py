"""The compiler: kernels, parts that are called by address, the cache of compiled code, operations that Numba lacks."""
