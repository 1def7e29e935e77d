"""The compiler: kernels, parts that are called by address, machine code kept as object files, operations that Numba lacks."""
