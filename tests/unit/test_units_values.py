"""Units and values: quantities become coherent numbers, distributions keep their bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifsim.common import units
from lifsim.common.values import Distribution, acceptance, number, value


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("20 ms", "ms", 20.0),
        ("0.02 s", "ms", 20.0),
        ("0.02s", "ms", 20.0),
        ("100 us", "ms", 0.1),
        ("100 µs", "ms", 0.1),
        ("2 min", "ms", 120_000.0),
        ("-70 mV", "mV", -70.0),
        ("-0.07 V", "mV", -70.0),
        ("1 nF", "pF", 1000.0),
        ("250 pF", "pF", 250.0),
        ("0.5 nA", "pA", 500.0),
        ("87.8 pA", "pA", 87.8),
        ("1 uS", "nS", 1000.0),
        ("8 Hz", "Hz", 8.0),
        ("8 1/s", "Hz", 8.0),
        ("2 spikes/s", "Hz", 2.0),
        ("3 kHz", "Hz", 3000.0),
        ("2 1/ms", "Hz", 2000.0),
        ("10 %", "", 0.1),
        ("3.5", "ms", 3.5),
        ("+1e-3 s", "ms", 1.0),
        (".5 ms", "ms", 0.5),
        ("inf", "ms", math.inf),
        ("20 ms", None, 20.0),
    ],
)
def test_quantities(text, unit, expected):
    assert units.parse(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("20 mV", "ms", "is a voltage, expected a time"),
        ("20 ms", "", "expected a number without a unit"),
        ("20 mx", "ms", "unknown unit 'mx'"),
        ("20 MS", "ms", "is a conductance"),
        ("20 mm ms", "ms", "not a number with a unit"),
        ("ms", "ms", "not a number with a unit"),
        ("", "ms", "not a number with a unit"),
        ("nan", "ms", "not a number with a unit"),
        ("1,5 ms", "ms", "not a number with a unit"),
        ("0x10 ms", "ms", "not a number with a unit"),
    ],
)
def test_wrong_quantities(text, unit, message):
    with pytest.raises(ValueError, match=message):
        units.parse(text, unit)


SI = {"s": ("ms", 1e3), "V": ("mV", 1e3), "F": ("pF", 1e12), "A": ("pA", 1e12), "S": ("nS", 1e9), "Hz": ("Hz", 1.0)}
PREFIX = {"k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}


@given(
    x=st.floats(-1e9, 1e9, allow_subnormal=False),
    symbol=st.sampled_from(sorted(SI)),
    prefix=st.sampled_from(sorted(PREFIX)),
)
def test_every_prefix(x, symbol, prefix):
    unit, factor = SI[symbol]
    assert units.parse(f"{x!r} {prefix}{symbol}", unit) == pytest.approx(x * PREFIX[prefix] * factor, rel=1e-14, abs=1e-300)


@given(st.floats(-1e12, 1e12), st.sampled_from(["ms", "mV", "pF", "pA", "nS", "Hz"]))
def test_coherent_units_round_trip(x, unit):
    assert units.parse(f"{x!r} {unit}", unit) == x


@pytest.mark.parametrize(("symbol", "unit"), [("V", "mV"), ("uF", "pF"), ("min", "ms"), ("1/ms", "Hz"), ("%", ""), ("", None)])
def test_coherent(symbol, unit):
    assert units.coherent(symbol) == unit


# -- numbers and values --------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [True, np.bool_(False), None, [1], {}, math.nan, np.float64("nan"), 1j, b"1"])
def test_what_is_no_number(raw):
    with pytest.raises(ValueError):
        number(raw, "ms")


@pytest.mark.parametrize(("raw", "expected"), [(1, 1.0), (np.int32(3), 3.0), (np.float32(0.5), 0.5), ("2 s", 2000.0), (math.inf, math.inf)])
def test_numbers(raw, expected):
    found = number(raw, "ms")
    assert found == expected and type(found) is float


def test_arrays():
    np.testing.assert_array_equal(value([1, "0.002 s", 3.0], "ms"), [1.0, 2.0, 3.0])
    given_ = np.array([1.0, 2.0])
    found = value(given_, "ms")
    given_[0] = 9.0
    assert found[0] == 1.0, "a value keeps its own copy"
    assert not found.flags.writeable
    assert value(np.array(3.0), "ms") == 3.0


@pytest.mark.parametrize("raw", [[1, "2 mV"], [1, None], [[1], [1, 2]], [1, math.nan], ["a"], {"normal": 1}, {"gauss": [0, 1]}])
def test_wrong_values(raw):
    with pytest.raises(ValueError):
        value(raw, "ms")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"normal": ["1.5 ms", "0.75 ms"]}, Distribution("normal", 1.5, 0.75)),
        ({"uniform": [0, "1 s"], "max": "0.5 s"}, Distribution("uniform", 0.0, 1000.0, max=500.0)),
        ({"lognormal": [0.5, 0.1], "min": 1}, Distribution("lognormal", 0.5, 0.1, min=1.0)),
    ],
)
def test_distributions(raw, expected):
    found = value(raw, "ms")
    assert found == expected
    assert value(found.as_dict(), "ms") == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"normal": [1, -1]}, "negative sd"),
        ({"uniform": [2, 1]}, "above high"),
        ({"normal": [1, math.inf]}, "finite"),
        ({"normal": [1, 2, 3]}, "takes"),
        ({"normal": ["1 mV", 1]}, "voltage"),
        ({"lognormal": ["1 ms", 1]}, "without a unit"),
        ({"normal": [0, 1], "min": 9}, "never falls"),
        ({"uniform": [0, 1], "min": 2}, "never falls"),
        ({"normal": [0, 1], "mim": 0}, "not a distribution"),
        ({"normal": [0, 1], "uniform": [0, 1]}, "not a distribution"),
        ({}, "not a distribution"),
    ],
)
def test_wrong_distributions(raw, message):
    with pytest.raises(ValueError, match=message):
        value(raw, "ms")


DRAWS = [
    Distribution("normal", 1.0, 2.0, min=0.0, max=3.0),
    Distribution("uniform", -1.0, 4.0, min=0.0),
    Distribution("lognormal", 0.0, 1.0, max=2.0),
]


@pytest.mark.parametrize("d", DRAWS, ids=lambda d: d.kind)
def test_draws_are_redrawn_not_clipped(d):
    x = d.draw(20_000, np.random.default_rng(1))
    low, high = d.support
    assert low <= x.min() and x.max() <= high
    assert np.mean((x == x.min()) | (x == x.max())) < 0.001, "clipping heaps values on the bounds"


@pytest.mark.parametrize("d", DRAWS, ids=lambda d: d.kind)
def test_acceptance_is_the_share_that_is_kept(d):
    free = Distribution(d.kind, d.a, d.b).draw(100_000, np.random.default_rng(2))
    kept = np.mean((free >= d.min) & (free <= d.max))
    assert acceptance(d) == pytest.approx(kept, abs=4 * math.sqrt(0.25 / 100_000))


@pytest.mark.parametrize(
    ("d", "support"),
    [
        (Distribution("normal", 2.0, 0.0), (2.0, 2.0)),
        (Distribution("lognormal", 0.0, 0.0), (1.0, 1.0)),
        (Distribution("uniform", 0.0, 2.0, min=1.0), (1.0, 2.0)),
        (Distribution("lognormal", 0.0, 1.0), (0.0, math.inf)),
    ],
)
def test_support(d, support):
    assert d.support == support
