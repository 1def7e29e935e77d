"""Expressions: the same numbers as Python and NumPy, nothing that is not arithmetic, no hanging."""

from __future__ import annotations

import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifsim.modelfile.expressions import Budget, evaluate, is_expression
from lifsim.modelfile.functions import FUNCTIONS, MAX_SIZE

W = np.arange(12.0).reshape(3, 4)
NAMES = {"order": 2500, "g": 4.5, "drive": "dc", "on": True, "W": W, "top": math.inf, "v": [1.0, 2.0, 4.0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 * order", 10_000.0),
        ("= 4 * order", 10_000.0),
        ("7 // 2 + 7 % 4", 6.0),
        ("-7 // 2", -4.0),
        ("2 ** -2", 0.25),
        ("-2 ** 2", -4.0),
        ("1 if g > 4 else 2", 1.0),
        ("1 if drive == 'poisson' else 2", 2.0),
        ("drive != 'poisson' and not on", False),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("order == 2500 or 1 / 0", True),
        ("0 if on else 1 / 0", 0.0),
        ("{'poisson': 1, 'dc': 2}[drive]", 2.0),
        ("round(2.5)", 2.0),
        ("round(3.5)", 4.0),
        ("round(1.25, 1)", 1.2),
        ("sqrt(9) + floor(1.7) + ceil(1.2) + abs(-3)", 9.0),
        ("max(1, 3, 2) - min(4, 2)", 1.0),
        ("min(W) + max(W) + len(v)", 14.0),
        ("sum(v) + mean(v)", 7.0 + 7.0 / 3),
        ("log(exp(2)) + pi", 2.0 + math.pi),
        ("dot(v, v)", 21.0),
        ("W[1, 2]", 6.0),
        ("W[-1, -1]", 11.0),
        ("drive", "dc"),
    ],
)
def test_scalars(text, expected):
    found = evaluate(text, NAMES)
    assert found == expected or math.isclose(found, expected, rel_tol=1e-15)
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("W[:, ::2]", W[:, ::2]),
        ("W[1]", W[1]),
        ("W[1:]", W[1:]),
        ("v[[2, 0]]", np.array([4.0, 1.0])),
        ("v[v > 1]", np.array([2.0, 4.0])),
        ("sum(W, axis=1)", W.sum(1)),
        ("max(W, axis=0)", W.max(0)),
        ("max(v, 2)", np.array([2.0, 2.0, 4.0])),
        ("outer(v, [1, 2])", np.outer([1, 2, 4], [1, 2])),
        ("v @ W", np.array([1.0, 2.0, 4.0]) @ W),
        ("transpose(W) * v", W.T * np.array([1.0, 2.0, 4.0])),
        ("where(W > 5, W, -1)", np.where(W > 5, W, -1)),
        ("[[1, g], [2, 3]]", np.array([[1, 4.5], [2, 3]])),
        ("eye(3, -1)", np.eye(3, k=-1)),
        ("concat(v, 9, arange(2))", np.array([1.0, 2, 4, 9, 0, 1])),
        ("arange(1, 2, 0.25)", np.array([1, 1.25, 1.5, 1.75])),
        ("linspace(0, 1, 5)", np.array([0, 0.25, 0.5, 0.75, 1])),
        ("v > 1 and v < 3", np.array([False, True, False])),
        ("-v", np.array([-1.0, -2.0, -4.0])),
    ],
)
def test_arrays(text, expected):
    found = evaluate(text, NAMES)
    assert isinstance(found, np.ndarray) and found.dtype == (bool if expected.dtype == bool else float)
    np.testing.assert_array_equal(found, expected)


def test_special_functions_solve_their_equations():
    w = evaluate("lambertw(-0.1, -1)", {})
    assert w < -1 and math.isclose(w * math.exp(w), -0.1, rel_tol=1e-12)
    x = evaluate("normal_quantile(0.975)", {})
    assert math.isclose(0.5 * math.erfc(-x / math.sqrt(2)), 0.975, rel_tol=1e-12)


numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@given(a=numbers, b=numbers, c=numbers, op1=st.sampled_from("+-*/"), op2=st.sampled_from(["+", "-", "*", "//", "%"]))
def test_as_python(a, b, c, op1, op2):
    text = f"(a {op1} b) {op2} ({c!r})"
    names = {"a": a, "b": b}
    try:
        expected = eval(text, {}, names)  # the test's own text
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="division by zero"):
            evaluate(text, names)
    else:
        assert evaluate(text, names) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ordr", "did you mean 'order'"),
        ("sqr(2)", "did you mean 'sqrt'"),
        ("1 / 0", "division by zero"),
        ("W / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("9**9**9", "too large"),
        ("1e308 * 10", "not finite"),
        ("exp(v * 1000)", "overflow"),
        ("log(0)", "divide by zero in log"),
        ("sqrt(-1)", "invalid"),
        ("(-8) ** (1 / 3)", "not a real number"),
        ("1e999", "not finite"),
        ("drive * 2", "'dc' is not a number"),
        ("drive == 2", "a text is compared with a number"),
        ("{'a': 1, 'b': 2}[drive]", "none of the choices"),
        ("{'a': 1}", "needs an index"),
        ("{1: 1}['a']", "must be strings"),
        ("W + [1, 2]", "shape mismatch"),
        ("[[1, 2], [3]]", "equally long"),
        ("W[7]", "out of bounds"),
        ("W[0.5]", "not a whole number"),
        ("W[top]", "not a whole number"),
        ("W[on]", "not a whole number"),
        ("W[{'a': 1}]", "not a whole number"),
        ("g[0]", "not an array"),
        ("1 if W else 2", "where"),
        ("sqrt()", "missing a required argument"),
        ("sum(v, bogus=1)", "unexpected keyword"),
        ("1 +", "not an expression"),
        ("", "not an expression"),
        ("min([])", "zero-size"),
    ],
)
def test_says_what_is_wrong(text, message):
    with pytest.raises(ValueError, match=message):
        evaluate(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__",
        "W.T",
        "(lambda: 1)()",
        "[x for x in v]",
        "(x := 3)",
        "f'{g}'",
        "sum(*v)",
        "1j",
        "b'a'",
        "None",
        "...",
        "g & 3",
        "2 in v",
        "exp",
        "open('x')",
        "W[0](1)",
        "sqrt.__call__(4)",
        "x = 3",
        "1, 2",
        "{**{}}['a']",
    ],
)
def test_refuses_all_but_arithmetic(text):
    with pytest.raises(ValueError):
        evaluate(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "zeros(1e12)",
        "arange(1e12)",
        "arange(0, 1, 1e-12)",
        "linspace(0, 1, 1e12)",
        "eye(1e6)",
        "diag(zeros(1e6))",
        "outer(zeros(1e6), zeros(1e6))",
        "[zeros(1e6), zeros(1e6)]",
        "concat(zeros(1e6), zeros(1e6))",
        "transpose([zeros(1e6)]) + zeros(1e6)",
        "transpose([zeros(1e6)]) @ [zeros(1e6)]",
        "eye(1000)[arange(100000)]",
        "where(zeros(1e6) > 1, transpose([zeros(1e6)]), 0)",
        "-" * 3000 + "1",
        "(" * 1000 + "1" + ")" * 1000,
        "1" * 5000,
        "+".join(["1"] * 2500),
        "not " * 900 + "1",
    ],
)
def test_ends_soon_in_little_memory(text):
    start = time.process_time()
    with pytest.raises(ValueError):
        evaluate(text, NAMES)
    assert time.process_time() - start < 1.0


def test_the_largest_array_is_allowed():
    assert len(evaluate(f"zeros({MAX_SIZE})", {})) == MAX_SIZE


def test_does_not_change_what_it_is_given():
    evaluate("-W + W * 2", NAMES)
    np.testing.assert_array_equal(W, np.arange(12.0).reshape(3, 4))


def test_every_function_is_called_with_its_own_arguments():
    """A name in the table stands for something that can be called (arity is checked by its signature)."""
    assert all(map(callable, FUNCTIONS.values()))


@pytest.mark.parametrize(("raw", "is_one"), [("= 1", True), ("  =x", True), ("1 = 2", False), (3, False), ("", False)])
def test_what_an_expression_is(raw, is_one):
    assert is_expression(raw) is is_one


BOMBS = [
    "min(outer(ones(1000000), ones(1)), outer(ones(1), ones(1000000)))",
    "outer(ones(1000000), ones(1)) < outer(ones(1), ones(1000000))",
    "outer(ones(1000000), ones(1)) and outer(ones(1), ones(1000000))",
    "linspace(arange(1000000), 1, 1000000)",
    "outer(arange(1000000), arange(1000000))",
    "sum(lambertw(arange(1000000) + 1)) + sum(lambertw(arange(1000000) + 2))",
    "{'a': arange(1000000)" + "".join(f", '{i}': arange(1000000)" for i in range(100)) + "}['a']",
    "concat(" + ", ".join(["arange(1000000)"] * 100) + ")",
    "arange(1000000) + (" * 100 + "1" + ")" * 100,
    " + ".join(["sum(outer(arange(1000), arange(1000)) @ outer(arange(1000), arange(1000)))"] * 40),
    " + ".join(["sum(arange(1000000))"] * 150),
]


@pytest.mark.parametrize("text", BOMBS)
def test_what_an_expression_computes_and_holds_is_bounded(text):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(ValueError, match=r"elements|too large|compute more than|hold more than"):
        evaluate(text, {})
    took, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 4.0 and most < 200e6


def test_a_budget_is_for_all_that_is_computed_with_it():
    budget = Budget()
    held = [evaluate("arange(1000000)", {}, budget) for _ in range(15)]
    with pytest.raises(ValueError, match="hold more than"):
        evaluate("arange(1000000) + arange(1000000)", {}, budget)
    del held
    for _ in range(20):  # what nobody refers to counts no longer
        evaluate("sum(arange(1000000) + arange(1000000))", {}, budget)
    with pytest.raises(ValueError, match="compute more than"):
        for _ in range(100):
            evaluate("sum(arange(1000000) + arange(1000000))", {}, budget)


def test_indices_that_no_array_has():
    assert evaluate("W[[1, 0]]", {"W": W}).tolist() == W[[1, 0]].tolist()
    for text in ("W[[1e300]]", "W[[0.5]]", "W[[-1e18]]", "W[1e300]", "W[[1000001]]"):
        with pytest.raises(ValueError, match=r"whole number|out of bounds|too large"):
            evaluate(text, {"W": W})
