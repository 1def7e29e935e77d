"""What all packages share: errors, units, values, times on the grid, text for terminals, memory.

In: raw values, as users give them. Out: checked ones, or an error that says where, what was got and what is allowed.
This package imports no other package of lifsim.
"""

from lifsim.common.errors import DataError, LifsimError, ModelError, OutputError, Problem, RunError

__all__ = ["DataError", "LifsimError", "ModelError", "OutputError", "Problem", "RunError"]
