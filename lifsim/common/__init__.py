"""Code that all packages share: errors, units, values, times on the grid of the time step, text for terminals, memory.

Its functions check values that users give; an error message names the place, what was got and what is allowed.
This package imports no other package of lifsim.
"""

from lifsim.common.errors import DataError, LifsimError, ModelError, OutputError, Problem, RunError

__all__ = ["DataError", "LifsimError", "ModelError", "OutputError", "Problem", "RunError"]
