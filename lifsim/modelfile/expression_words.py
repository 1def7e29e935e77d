"""What users write in expressions that these do not have, and hints for it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifsim.common.errors import did_you_mean, nearest
from lifsim.common.text import shortened
from lifsim.common.units import UNITS
from lifsim.modelfile.functions import CONSTANTS, FUNCTIONS

# What users call the parts of Python's syntax that expressions do not have, by the names of `ast`.
_PARTS = {
    "Attribute": "a name with a dot (write exp(x) and pi, not np.exp(x) and np.pi)",
    **dict.fromkeys(("ListComp", "SetComp", "DictComp", "GeneratorExp"), "a loop (for)"),
    "Lambda": "lambda",
    "JoinedStr": "an f-string",
    "Set": "a set",
    "NamedExpr": "an assignment (:=)",
    "Starred": "a star (*)",
    "BitXor": "^ (a power is written **)",
    "BitAnd": "& (write 'and')",
    "BitOr": "| (write 'or')",
    "Invert": "~ (write 'not')",
    "LShift": "<<",
    "RShift": ">>",
    "In": "the comparison 'in'",
    "NotIn": "the comparison 'not in'",
    "Is": "the comparison 'is' (write ==)",
    "IsNot": "the comparison 'is not' (write !=)",
}
_RANDOM = ("random", "rand", "randn", "normal", "uniform", "gauss", "lognormal", "exponential")
_FUNCTIONS = {
    **dict.fromkeys(("power", "pow"), "write x ** y"),
    **dict.fromkeys(("ln",), "write log(x)"),
    **dict.fromkeys(("array", "list", "tuple"), "write a list, [1, 2, 3]"),
    **dict.fromkeys(("int", "float"), "all numbers are of one kind; write round(x), floor(x) or ceil(x) for whole ones"),
    "range": "write arange(n)",
    "clip": "write min(max(x, low), high)",
    "matmul": "write dot(a, b)",
    "identity": "write eye(n)",
    **dict.fromkeys(_RANDOM, "write a random value as the value of a parameter, { normal = [mean, sd] } or { uniform = [low, high] }"),
}


def part(node: ast.AST) -> str:
    """What users call a part of the syntax."""
    return _PARTS.get(type(node).__name__, type(node).__name__)


def function_problem(node: ast.expr) -> str:
    """The message for a call of something that is no function of expressions."""
    written = ast.unparse(node)
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    if name in FUNCTIONS:
        return f"there is no function {shortened(written)!r}; write {name}"
    return f"there is no function {shortened(written)!r}; {_FUNCTIONS.get(name) or did_you_mean(name, FUNCTIONS)}"


def name_problem(name: str, names: Iterable[str]) -> str:
    """The message for a name that is neither one of `names` nor a constant."""
    known = [*names, *CONSTANTS]
    text = f"unknown name {shortened(name)!r}"
    if name in FUNCTIONS:
        return f"{text}; it is a function: write {name}(x)"
    if name in UNITS and not nearest(name, known):
        alone = f'a quantity such as "20 {name}" stands alone'
        return f"{text}; numbers in expressions have no unit, and are in ms, mV, pF, pA, nS and Hz ({alone})"
    return f"{text}; {did_you_mean(name, known)}".removesuffix("; ")
