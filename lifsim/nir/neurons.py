r"""Translates NIR's neuron nodes to populations of lifsim's models and back.

    iaf_psc_exp, lif_psc_exp         CubaLIF   tau_syn dI/dt = -I + w_in S,   tau_mem dv/dt = v_leak - v + R I
    iaf_psc_delta, lif_psc_delta     LIF       tau dv/dt = v_leak - v + R I
    if_psc_delta_hard, if_psc_delta  IF        dv/dt = R I

The first model of each line has a hard reset: a spike sets v to v_reset. The second has a soft reset: a spike reduces v by
v_threshold - v_reset. NIR has no soft resets; lifsim writes reset = "subtract" or "v_reset" to the `metadata` of a node. With an
infinite threshold, lif_* and if_psc_delta become CubaLI, LI and I. NIR neurons fire at v > v_threshold, those of lifsim at
v >= V_th, so V_th is the next larger number.

A spike along an edge has one of two meanings.

*pulse*: a Dirac pulse, as in NIR's definition. Then a weight w adds w_in w/tau_syn to I, R w/tau or R w to v.

*step*: a signal of height 1 for a time step h of the program that wrote the file, which integrates by the forward Euler method:

    I ← (1 - h/tau_syn) I + (h/tau_syn) w_in S,   v ← (1 - h/tau) v + (h/tau) (v_leak + R I)

Time constants are chosen so that exp(-h/tau_m) equals 1 - h/tau_mem, and capacitances so that a current of 1 pA changes v by R h/tau
in a step. The exact solution then equals that of these equations at the end of every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lifsim.common.errors import DataError, LifsimError
from lifsim.network.network import Network
from lifsim.nir.paths import POTENTIALS

MS = 1e-3  # seconds
SUBTRACT, TO_RESET = "subtract", "v_reset"
RESETS = (TO_RESET, SUBTRACT)
_LEAST = np.log(1e-30)  # log of the smallest decay factor of a step; stands for complete decay

_PARAMETERS = {
    "CubaLIF": ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_mem", "tau_syn", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
    "IF": ("r", "v_threshold"),
    "I": ("r",),
}
_OPTIONAL = {"v_reset": 0.0, "w_in": 1.0}


class Reading(NamedTuple):
    """How to interpret a neuron node.

    step : duration of a spike (s); None for pulses. reset : the reset, unless the metadata say so; None: not given. late : whether
    the reset occurs a step after the spike; None: if it is "subtract". at_threshold : whether neurons fire at the threshold, not above.
    """

    step: float | None
    reset: str | None
    late: bool | None
    at_threshold: bool


class NeuronNodes(NamedTuple):
    """A population: its model and parameters; the effect of a signal of 1 on each neuron, for spikes (`spike`, mV or pA) and for
    currents (`current`, pA); whether it has synaptic currents.
    """

    model: str
    params: dict[str, Any]
    spike: np.ndarray
    current: np.ndarray
    synaptic: bool


# -- from nodes ------------------------------------------------------------------------------------


def neurons(node: Mapping[str, Any], n: int, place: str, how: Reading) -> NeuronNodes:
    """The population for a node of `n` neurons.

    Raises
    ------
    DataError : parameters are missing, of the wrong size, or out of bounds. LifsimError : `how` contradicts the file.
    """
    kind, p = str(node["type"]), _parameters(node, n, place)
    meta = metadata(node, place)
    left: np.ndarray | float = 1.0
    if kind in ("IF", "I"):
        gain = 1.0 if how.step is None else how.step
        own = NeuronNodes("if_psc_delta", {"C_m": 1 / (p["r"] * MS), "V_m": 0.0}, p["r"] * gain, np.ones(n), False)
    else:
        own, left = _leaky(kind, p, place, how.step)
    model, reset = _reset(own.model, p, meta, place, how, left)
    own.params.update(reset, **({"V_m": _initial(meta, "V_m", n, place)} if "V_m" in meta else {}))
    if own.synaptic and "I" in meta:
        own.params["I_syn_ex"] = _initial(meta, "I", n, place)
    return own._replace(model=model)


def _parameters(node: Mapping[str, Any], n: int, place: str) -> dict[str, np.ndarray]:
    kind = str(node["type"])
    out: dict[str, np.ndarray] = {}
    for key in (*_PARAMETERS[kind], *(("w_in",) if "Cuba" in kind else ()), *(("v_reset",) if "F" in kind else ())):
        if key not in node and key not in _OPTIONAL:
            raise DataError(place, f"a {kind} node without {key}", f"a {kind} node needs {', '.join(_PARAMETERS[kind])}")
        x = np.asarray(node.get(key, _OPTIONAL.get(key)))
        if x.dtype.kind not in "iuf" or not np.isfinite(x).all():
            raise DataError(
                f"{place}/{key}", f"a broken {kind} node: values of type {x.dtype}, not all of them finite numbers", "finite numbers"
            )
        if x.size != (n if x.ndim else 1):
            raise DataError(
                f"{place}/{key}", f"parameters of different lengths: {x.size} values for {n} neurons", f"{n} values or a single number"
            )
        out[key] = np.broadcast_to(x.ravel().astype(np.float64), n)
        if (key == "r" or key.startswith("tau")) and np.any(out[key] <= 0):
            raise DataError(f"{place}/{key}", f"{out[key].min():g}", "above 0")
    return out


def metadata(node: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The metadata of a node (DataError if they are not a table)."""
    meta = node.get("metadata", {})
    if not isinstance(meta, Mapping):
        raise DataError(f"{place}/metadata", "is not a table", "names and values")
    return meta


def _leaky(kind: str, p: Mapping[str, np.ndarray], place: str, step: float | None) -> tuple[NeuronNodes, np.ndarray | float]:
    """The population of a leaky node, and the factor by which v decays in a step (1 for pulses)."""
    cuba = "Cuba" in kind
    name = "tau_mem" if cuba else "tau"
    tau = p[name]
    rest = {"E_L": p["v_leak"], "V_m": p["v_leak"], "t_ref": 0.0}
    if step is None:
        rest |= {"tau_m": tau / MS, "C_m": tau / MS / p["r"]}
        if not cuba:
            return NeuronNodes("psc_delta", rest, p["r"] / tau, np.ones_like(tau), False), 1.0
        rest |= {"tau_syn_ex": p["tau_syn"] / MS, "tau_syn_in": p["tau_syn"] / MS}
        return NeuronNodes("psc_exp", rest, p["w_in"] / p["tau_syn"], p["w_in"], True), 1.0
    left = _log_left(tau, step, f"{place}/{name}")
    tau_m = -step / MS / left
    if not cuba:
        rest |= {"tau_m": tau_m, "C_m": tau_m / p["r"]}
        return NeuronNodes("psc_delta", rest, p["r"] * step / tau, np.ones_like(tau), False), np.exp(left)
    tau_syn = -step / MS / _log_left(p["tau_syn"], step, f"{place}/tau_syn")
    rest |= {"tau_m": tau_m, "tau_syn_ex": tau_syn, "tau_syn_in": tau_syn}
    rest["C_m"] = _charge(tau_m, tau_syn, step / MS) / (p["r"] * step / tau)
    return NeuronNodes("psc_exp", rest, p["w_in"] * step / p["tau_syn"], p["w_in"], True), np.exp(left)


def _log_left(tau: np.ndarray, step: float, place: str) -> np.ndarray:
    """The logarithm of the factor by which a variable with time constant tau (s) decays in a step of Euler's method."""
    if np.any(step > tau * (1 + 1e-5)):
        raise DataError(place, f"{tau.min():g} s, shorter than the step of {step:g} s", "at least one step, as Euler's method requires")
    with np.errstate(divide="ignore"):
        return np.maximum(np.log1p(-np.minimum(step / tau, 1.0)), _LEAST)


def _charge(tau_m: np.ndarray, tau_syn: np.ndarray, h: float) -> np.ndarray:
    """The charge C_m v on the membrane (pA ms) after time h, from a current of initially 1 pA that decays with tau_syn (times in ms).

    h exp(-h min(a, b)) φ(-h |a - b|), φ(x) = (eˣ - 1)/x, with a = 1/tau_m and b = 1/tau_syn.
    """
    a, b = 1 / tau_m, 1 / tau_syn
    x = -h * np.abs(a - b)
    safe = np.where(x == 0, 1.0, x)
    return np.asarray(h * np.exp(-h * np.minimum(a, b)) * np.where(x == 0, 1.0, np.expm1(safe) / safe))


def _reset(
    model: str,
    p: Mapping[str, np.ndarray],
    meta: Mapping[str, Any],
    place: str,
    how: Reading,
    left: np.ndarray | float,
) -> tuple[str, dict[str, Any]]:
    """The lifsim model with the reset of a node, and its parameters of threshold and reset."""
    leaky = model != "if_psc_delta"
    if "v_threshold" not in p:
        return f"lif_{model}" if leaky else model, {"V_th": np.inf, "V_reset": p.get("v_leak", 0.0)}
    reset = meta.get("reset", how.reset or TO_RESET)
    if reset not in RESETS:
        raise DataError(f"{place}/metadata/reset", f"{reset!r}", " or ".join(RESETS))
    if "reset" in meta and how.reset not in (None, reset):
        raise LifsimError("reset", f"{how.reset!r}, but {place} says {reset!r}", f"{reset!r}, or leave the argument out")
    size = p["v_threshold"] - p["v_reset"]
    if np.any(size <= 0):
        raise DataError(f"{place}/v_reset", "is not below v_threshold", "a reset that leads below the threshold")
    V_th = p["v_threshold"] if how.at_threshold else np.nextafter(p["v_threshold"], np.inf)
    late = how.step if (reset == SUBTRACT if how.late is None else how.late) else None
    if reset == SUBTRACT:  # subtracted a step later: lacks one step of decay
        own = {"V_th": V_th, "V_reset": V_th - size / (left if late else 1.0)}
        return f"lif_{model}" if leaky else model, own
    own = {"V_th": V_th, "V_reset": p["v_reset"], "t_ref": late / MS if late else 0.0}
    return (f"iaf_{model}" if leaky else f"{model}_hard"), own


def _initial(meta: Mapping[str, Any], key: str, n: int, place: str) -> np.ndarray:
    """The initial value of a state variable from metadata, for each of `n` neurons."""
    x = np.asarray(meta[key])
    if x.dtype.kind not in "iuf" or x.size not in (1, n) or not np.isfinite(x).all():
        raise DataError(f"{place}/metadata/{key}", f"{x.size} values of type {x.dtype}", f"{n} finite numbers")
    return np.broadcast_to(x.ravel().astype(np.float64), n)


# -- to nodes --------------------------------------------------------------------------------------

_NEUTRAL = {"t_ref": "NIR has no refractory period", "V_min": "NIR has no lower bound", "delta": "NIR has no escape noise"}
_SOFT = ("if_psc_delta", "lif_psc_delta", "lif_psc_exp")
_MODELS = ("iaf_psc_exp", "iaf_psc_delta", "if_psc_delta_hard", *_SOFT)


def node_of(net: Network, name: str, synaptic: bool, constant: np.ndarray) -> dict[str, Any]:
    """The node of a population.

    synaptic : whether the population has synaptic inputs. constant : constant current of each neuron, pA, which in NIR flows through
    the synapse.

    Raises
    ------
    LifsimError : the population has a feature that NIR cannot express.
    """
    model, p = net.populations[name].model.name, values(net, name)
    if model not in _MODELS:
        raise LifsimError(f"populations.{name}", f"{model} has no counterpart in NIR", "one of: " + ", ".join(_MODELS))
    _check_neutral(net, name, p)
    kind, own = _equation(name, model, p, synaptic)
    meta: dict[str, Any] = {"V_m": p["V_m"]}
    if "Cuba" in kind:
        meta["I"] = p["I_syn_ex"] + p["I_syn_in"] + constant
    if kind in POTENTIALS:
        return {"type": kind, **own, "metadata": meta}
    meta["reset"] = SUBTRACT if model in _SOFT else TO_RESET
    return {"type": kind, **own, "v_threshold": p["V_th"], "v_reset": p["V_reset"], "metadata": meta}


def _check_neutral(net: Network, name: str, p: Mapping[str, np.ndarray]) -> None:
    """Check that parameters which NIR does not have are at their neutral values (LifsimError)."""
    neutral = {"t_ref": 0.0, "V_min": -np.inf, "delta": 0.0}
    for key, why in _NEUTRAL.items():
        if np.any(p.get(key, neutral[key]) != neutral[key]):
            worst = p[key][p[key] != neutral[key]].max()
            unit = net.populations[name].model.parameter(key).unit
            raise LifsimError(f"populations.{name}.{key}", f"{worst:g} {unit}; {why}", f"{neutral[key]:g}")


def _equation(name: str, model: str, p: Mapping[str, np.ndarray], synaptic: bool) -> tuple[str, dict[str, np.ndarray]]:
    """Type and parameters of the node, without those of threshold and reset."""
    silent = np.isinf(p["V_th"])
    if silent.any() and not silent.all():
        raise LifsimError(f"populations.{name}.V_th", "infinite for some neurons only", "all or none: NIR has different nodes for them")
    fires = "" if silent.any() else "F"
    if model.startswith("if_"):
        return f"I{fires}", {"r": 1 / (p["C_m"] * MS)}
    own = {"r": p["tau_m"] / p["C_m"], "v_leak": p["E_L"]}
    if model.endswith("psc_exp") and np.any(p["tau_syn_ex"] != p["tau_syn_in"]):
        raise LifsimError(f"populations.{name}", "different tau_syn_ex and tau_syn_in", "one tau_syn, as NIR has")
    if model.endswith("psc_delta") or not (synaptic or np.any(p["I_syn_ex"] + p["I_syn_in"])):  # currents act directly
        return f"LI{fires}", {"tau": p["tau_m"] * MS, **own}
    tau_syn = p["tau_syn_ex"] * MS
    return f"CubaLI{fires}", {"tau_mem": p["tau_m"] * MS, "tau_syn": tau_syn, "w_in": tau_syn, **own}


def values(net: Network, name: str) -> dict[str, np.ndarray]:
    """Parameters and initial state of all neurons of a population, including defaults."""
    population, out = net.populations[name], {}
    for p in population.model.parameters + population.model.states:
        raw = population.get(p.name)
        if p.shape == "value":
            try:
                out[p.name] = np.broadcast_to(np.asarray(raw, np.float64), (population.n,)).copy()
            except (TypeError, ValueError):
                raise LifsimError(f"populations.{name}.{p.name}", "drawn from a distribution", "numbers, which NIR can keep") from None
    return out
