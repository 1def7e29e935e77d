"""Formulas refuse impossible arguments, take arrays of possible ones, and answer NaN with NaN."""

from __future__ import annotations

import inspect
import math
import warnings

import numpy as np
import pytest

import lifsim as ls
from lifsim import theory
from lifsim.common.errors import DataError

NEURON = {"tau_m": 20.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}
FI = {"tau_m": 10.0, "C_m": 250.0, "E_L": -70.0, "V_th": -55.0, "V_reset": -70.0, "t_ref": 2.0}
PSP = {"tau_m": 10.0, "C_m": 250.0, "tau_syn": 2.0}
SHUNT = {"C_m": 200.0, "g_L": 10.0, "E_L": -60.0, "E_ex": 0.0, "E_in": -80.0}
CALLS = {  # arguments that are possible
    "rheobase": ((), {name: FI[name] for name in ("tau_m", "C_m", "E_L", "V_th")}),
    "spike_interval": ((500.0,), FI),
    "fi_curve": ((500.0,), FI),
    "psp": (("exp", 1.0, 50.0), PSP),
    "psp_peak": (("exp", 50.0), PSP),
    "psp_time": (("alpha",), {"tau_m": 10.0, "tau_syn": 2.0}),
    "psc_for_psp": (("exp", 0.15), PSP),
    "siegert_rate": ((21.0, 7.0), NEURON | {"tau_syn": 0.5}),
    "siegert_cv": ((21.0, 7.0), NEURON | {"tau_syn": 0.5}),
    "jump_of": (("exp",), {"C_m": 250.0, "tau_syn": 2.0}),
    "input_moments": ((5.0, 100, 20.0, "exp"), PSP | {"weight_sd": 2.0}),
    "mean_conductance": ((1600.0, 6.0, 5.0), {}),
    "effective_membrane": ((48.0, 1.0), SHUNT),
    "rate_response": ((10.0, 21.0, 7.0), NEURON),
}
ABOVE_0 = {"tau_m", "C_m", "tau_syn", "g_L", "frequency"}
FROM_0 = {"t_ref", "sigma", "rate", "indegree", "weight_sd", "g_ex", "g_in"}


def named(name):
    """The possible arguments of a formula, by name."""
    args, given = CALLS[name]
    return dict(inspect.signature(getattr(theory, name)).bind(*args, **given).arguments)


def call(name, arguments):
    """A formula with arguments by name; its results as a list."""
    found = getattr(theory, name)(**arguments)
    return list(found) if isinstance(found, tuple) else [found]


def test_all_formulas_are_here():
    others = {"BrunelNetwork", "EffectiveMembrane", "FixedPoint", "MeanField", "StabilityPoint", "mean_field", "moments"}
    assert set(CALLS) == set(theory.__all__) - others


@pytest.mark.parametrize("name", CALLS)
def test_impossible_numbers(name):
    for argument in named(name).keys() & (ABOVE_0 | FROM_0):
        zero = argument in FROM_0 and (name, argument) != ("rate_response", "sigma")
        zero = zero or (argument == "tau_syn" and name.startswith("siegert"))  # delta synapses
        for wrong in (-1.0, -math.inf, *(() if zero else (0.0,))):
            with pytest.raises(DataError, match=rf"^{argument}: {wrong:g}; expected a (finite )?number (above 0|from 0 on)$"):
                call(name, named(name) | {argument: wrong})
        with pytest.raises(DataError, match=rf"^{argument}\[1\]: -3; expected"):
            call(name, named(name) | {argument: [1.0, -3.0]})


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrong", ["exp", "1", True, {}, [[1.0], [1.0, 2.0]], 1j])
def test_no_numbers(name, wrong):
    for argument in named(name).keys() - {"kind"}:
        with pytest.raises(DataError, match=rf"^{argument}: .*; expected a number or an array of numbers$"):
            call(name, named(name) | {argument: wrong})


@pytest.mark.parametrize("name", CALLS)
def test_arrays_have_the_values_of_their_entries(name):
    wanted = call(name, named(name))
    for argument in named(name).keys() - {"kind"}:
        value = named(name)[argument]
        for found, one in zip(call(name, named(name) | {argument: [value, value]}), wanted, strict=True):
            np.testing.assert_allclose(found, [one, one], rtol=1e-13)


@pytest.mark.parametrize("name", CALLS)
def test_nan_in_nan_out(name):
    for argument in named(name).keys() - {"kind"}:
        value = named(name)[argument]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = call(name, named(name) | {argument: [value, math.nan]})
        assert any(np.isnan(x)[..., 1].all() for x in found if np.ndim(x)), argument
        assert all(np.isfinite(x).all() if np.ndim(x) == 0 else np.isfinite(x[0]) for x in found), argument


@pytest.mark.parametrize("name", ["spike_interval", "fi_curve", "siegert_rate", "siegert_cv", "rate_response"])
def test_the_reset_is_below_the_threshold(name):
    threshold = named(name)["V_th"]
    for wrong in (threshold, threshold + 15, [threshold - 1, threshold + 15]):
        with pytest.raises(DataError, match=rf"^V_reset: {np.max(wrong):g} mV, with V_th = {threshold:g} mV; expected a potential below"):
            call(name, named(name) | {"V_reset": wrong})


def test_kinds_come_first():
    for name in ("psp", "psp_peak", "psp_time", "psc_for_psp"):
        assert next(iter(inspect.signature(getattr(theory, name)).parameters)) == "kind"
    with pytest.raises(DataError, match=r"^kind: .*did you mean 'alpha'"):
        theory.psp("alfa", 1.0, 1.0, **PSP)
    with pytest.raises(DataError, match=r"^kind: .*allowed: delta, exp, alpha"):
        theory.psp(np.array([1.0, 2.0]), "exp", 1.0, **PSP)
    with pytest.raises(DataError, match=r"^kind: .*allowed: exp, alpha"):
        theory.mean_conductance(1.0, 1.0, 1.0, "delta")
    with pytest.raises(DataError, match=r"^tau_syn: missing; .*exp current"):
        theory.psp_time("exp", tau_m=10.0)
    assert theory.psp_time("delta", tau_m=10.0) == 0
    assert theory.psp("delta", [0.0, 10.0], 1.0, tau_m=10.0) == pytest.approx([1, math.exp(-1)])


def test_shapes_and_missing_arguments():
    with pytest.raises(DataError, match=r"^arguments: shapes that do not fit: I_e \(3,\), t_ref \(2,\); expected"):
        theory.fi_curve([1.0, 2.0, 3.0], **FI | {"t_ref": [1.0, 2.0]})
    with pytest.raises(TypeError, match=r"rheobase\(\) missing"):
        theory.rheobase(tau_m=10.0)
    with pytest.raises(TypeError, match=r"rheobase\(\) got an unexpected"):
        theory.rheobase(tau=10.0)


def test_dt():
    for wrong in (0.0, -0.1, math.inf):
        with pytest.raises(DataError, match=r"^dt: "):
            theory.fi_curve(500.0, **FI, dt=wrong)


def test_networks_and_moments():
    for wrong in ({"tau_m": -1.0}, {"J": 0.0}, {"V_reset": 20.0}, {"t_ref": 0.0}, {"delay": -1.0}, {"gamma": "x"}):
        with pytest.raises(DataError, match=f"^{next(iter(wrong))}: "):
            theory.BrunelNetwork(**wrong)
    assert np.isnan(theory.moments(math.nan)).all() and np.isnan(theory.moments(np.array([1.0, math.nan]))).all()
    assert np.isnan(theory.moments(1.0, math.nan)).all() and ls.theory.moments(2.0) == (1.0, 2.0, 4.0)
