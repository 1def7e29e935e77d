r"""Nodes of neurons as populations of lifsim's models, and the other way.

    iaf_psc_exp, lif_psc_exp         CubaLIF   tau_syn dI/dt = -I + w_in S,   tau_mem dv/dt = v_leak - v + R I
    iaf_psc_delta, lif_psc_delta     LIF       tau dv/dt = v_leak - v + R I
    if_psc_delta_hard, if_psc_delta  IF        dv/dt = R I

The first of each puts v to v_reset at a spike, the second takes v_threshold - v_reset from it. Soft resets are no part of NIR;
`metadata` of a node says reset = "subtract" or "v_reset". With an infinite threshold lif_* and if_psc_delta are CubaLI, LI and I.
NIR fires at v > v_threshold, lifsim at v >= V_th, so that V_th is the next larger number.

A spike that goes along an edge means one of two things.

*pulse*: a Dirac pulse, as NIR's text has it. Then a weight w adds w_in w/tau_syn to I, R w/tau or R w to v.

*step*: a signal of height 1 for a step h of the program that wrote the file, which integrates by Euler's forward method:

    I ← (1 - h/tau_syn) I + (h/tau_syn) w_in S,   v ← (1 - h/tau) v + (h/tau) (v_leak + R I)

Time constants are chosen here so that exp(-h/tau_m) is 1 - h/tau_mem, and capacitances so that a current of 1 moves v by R h/tau in
a step: then the exact solution has the values of these equations at the end of every step.
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
_LEAST = np.log(1e-30)  # of what a step leaves; stands for nothing

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
    """How a node is read: the step (s) that a spike lasts, None for pulses; which reset neurons have that do not say, and whether it
    comes a step late (None: if it subtracts); whether they fire at the threshold, or above it.
    """

    step: float | None
    reset: str | None
    late: bool | None
    at_threshold: bool


class NeuronNodes(NamedTuple):
    """A population: its model and parameters; what a unit of a signal is there, as spikes (mV or pA) and as a current (pA); whether it
    has synaptic currents.
    """

    model: str
    params: dict[str, Any]
    spike: np.ndarray
    current: np.ndarray
    synaptic: bool


# -- from nodes ------------------------------------------------------------------------------------


def neurons(node: Mapping[str, Any], n: int, place: str, how: Reading) -> NeuronNodes:
    """The population of a node of `n` neurons.

    Raises
    ------
    DataError : parameters are missing, of wrong size, or out of bounds.
    """
    kind, p = str(node["type"]), _parameters(node, n, place)
    said = metadata(node, place)
    left: np.ndarray | float = 1.0
    if kind in ("IF", "I"):
        gain = 1.0 if how.step is None else how.step
        own = NeuronNodes("if_psc_delta", {"C_m": 1 / (p["r"] * MS), "V_m": 0.0}, p["r"] * gain, np.ones(n), False)
    else:
        own, left = _leaky(kind, p, place, how.step)
    model, reset = _reset(own.model, p, said, place, how, left)
    own.params.update(reset, **({"V_m": _initial(said, "V_m", n, place)} if "V_m" in said else {}))
    if own.synaptic and "I" in said:
        own.params["I_syn_ex"] = _initial(said, "I", n, place)
    return own._replace(model=model)


def _parameters(node: Mapping[str, Any], n: int, place: str) -> dict[str, np.ndarray]:
    kind = str(node["type"])
    out: dict[str, np.ndarray] = {}
    for key in (*_PARAMETERS[kind], *(("w_in",) if "Cuba" in kind else ()), *(("v_reset",) if "F" in kind else ())):
        if key not in node and key not in _OPTIONAL:
            raise DataError(place, f"a broken {kind} node (it has no {key})", ", ".join(_PARAMETERS[kind]))
        x = np.asarray(node.get(key, _OPTIONAL.get(key)))
        if x.dtype.kind not in "iuf" or not np.isfinite(x).all():
            raise DataError(f"{place}/{key}", f"a broken {kind} node (values of type {x.dtype}, or not finite)", "finite numbers")
        if x.size != (n if x.ndim else 1):
            raise DataError(f"{place}/{key}", f"parameters of different lengths ({x.size})", f"{n} of each, or a single number")
        out[key] = np.broadcast_to(x.ravel().astype(np.float64), n)
        if (key == "r" or key.startswith("tau")) and np.any(out[key] <= 0):
            raise DataError(f"{place}/{key}", f"{out[key].min():g}", "above 0")
    return out


def metadata(node: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """What a node says beside its parameters."""
    said = node.get("metadata", {})
    if not isinstance(said, Mapping):
        raise DataError(f"{place}/metadata", "is not a table", "names and values")
    return said


def _leaky(kind: str, p: Mapping[str, np.ndarray], place: str, step: float | None) -> tuple[NeuronNodes, np.ndarray | float]:
    """Neurons with a leak, and what a step leaves of v."""
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
    """The logarithm of what a step of Euler's method leaves of what decays with tau."""
    if np.any(step > tau * (1 + 1e-5)):
        raise DataError(place, f"{tau.min():g} s, shorter than the step of {step:g} s", "a step that Euler's method can make")
    with np.errstate(divide="ignore"):
        return np.maximum(np.log1p(-np.minimum(step / tau, 1.0)), _LEAST)


def _charge(tau_m: np.ndarray, tau_syn: np.ndarray, h: float) -> np.ndarray:
    """What a current of 1 pA that decays with tau_syn has brought to the membrane after h: C_m v, in pA ms.

    h exp(-h min(a, b)) φ(-h |a - b|), φ(x) = (eˣ - 1)/x, with a = 1/tau_m and b = 1/tau_syn.
    """
    a, b = 1 / tau_m, 1 / tau_syn
    x = -h * np.abs(a - b)
    safe = np.where(x == 0, 1.0, x)
    return np.asarray(h * np.exp(-h * np.minimum(a, b)) * np.where(x == 0, 1.0, np.expm1(safe) / safe))


def _reset(
    model: str,
    p: Mapping[str, np.ndarray],
    said: Mapping[str, Any],
    place: str,
    how: Reading,
    left: np.ndarray | float,
) -> tuple[str, dict[str, Any]]:
    """The model with the reset of a node, and the parameters of threshold and reset."""
    leaky = model != "if_psc_delta"
    if "v_threshold" not in p:
        return f"lif_{model}" if leaky else model, {"V_th": np.inf, "V_reset": p.get("v_leak", 0.0)}
    reset = said.get("reset", how.reset or TO_RESET)
    if reset not in RESETS:
        raise DataError(f"{place}/metadata/reset", f"{reset!r}", " or ".join(RESETS))
    if "reset" in said and how.reset not in (None, reset):
        raise LifsimError("reset", f"{how.reset!r}, but {place} says {reset!r}", "what the file says, or none")
    size = p["v_threshold"] - p["v_reset"]
    if np.any(size <= 0):
        raise DataError(f"{place}/v_reset", "is not below v_threshold", "a reset that leads below the threshold")
    V_th = p["v_threshold"] if how.at_threshold else np.nextafter(p["v_threshold"], np.inf)
    late = how.step if (reset == SUBTRACT if how.late is None else how.late) else None
    if reset == SUBTRACT:  # a step late means: a step less decayed
        own = {"V_th": V_th, "V_reset": V_th - size / (left if late else 1.0)}
        return f"lif_{model}" if leaky else model, own
    own = {"V_th": V_th, "V_reset": p["v_reset"], "t_ref": late / MS if late else 0.0}
    return (f"iaf_{model}" if leaky else f"{model}_hard"), own


def _initial(said: Mapping[str, Any], key: str, n: int, place: str) -> np.ndarray:
    """What metadata say a state variable is at the beginning; without, it is at rest."""
    x = np.asarray(said[key])
    if x.dtype.kind not in "iuf" or x.size not in (1, n) or not np.isfinite(x).all():
        raise DataError(f"{place}/metadata/{key}", f"{x.size} values of type {x.dtype}", f"{n} finite numbers")
    return np.broadcast_to(x.ravel().astype(np.float64), n)


# -- to nodes --------------------------------------------------------------------------------------

_NEUTRAL = {"t_ref": "NIR has no refractory period", "V_min": "NIR has no lower bound", "delta": "NIR has no escape noise"}
_SOFT = ("if_psc_delta", "lif_psc_delta", "lif_psc_exp")
_MODELS = ("iaf_psc_exp", "iaf_psc_delta", "if_psc_delta_hard", *_SOFT)


def node_of(net: Network, name: str, synaptic: bool, constant: np.ndarray) -> dict[str, Any]:
    """The node of a population; with `synaptic`, spikes come to it, which `constant` (pA) goes beside.

    Raises
    ------
    LifsimError : it has what NIR cannot express.
    """
    model, p = net.populations[name].model.name, values(net, name)
    if model not in _MODELS:
        raise LifsimError(f"populations.{name}", f"{model} has no counterpart in NIR", ", ".join(_MODELS[:-1]) + f" or {_MODELS[-1]}")
    _check_neutral(net, name, p)
    kind, own = _equation(name, model, p, synaptic)
    said: dict[str, Any] = {"V_m": p["V_m"]}
    if "Cuba" in kind:
        said["I"] = p["I_syn_ex"] + p["I_syn_in"] + constant
    if kind in POTENTIALS:
        return {"type": kind, **own, "metadata": said}
    said["reset"] = SUBTRACT if model in _SOFT else TO_RESET
    return {"type": kind, **own, "v_threshold": p["V_th"], "v_reset": p["V_reset"], "metadata": said}


def _check_neutral(net: Network, name: str, p: Mapping[str, np.ndarray]) -> None:
    """Refuse what a population has and NIR has not."""
    neutral = {"t_ref": 0.0, "V_min": -np.inf, "delta": 0.0}
    for key, why in _NEUTRAL.items():
        if np.any(p.get(key, neutral[key]) != neutral[key]):
            worst = p[key][p[key] != neutral[key]].max()
            unit = net.populations[name].model.parameter(key).unit
            raise LifsimError(f"populations.{name}.{key}", f"{worst:g} {unit}; {why}", f"{neutral[key]:g}")


def _equation(name: str, model: str, p: Mapping[str, np.ndarray], synaptic: bool) -> tuple[str, dict[str, np.ndarray]]:
    """Type and parameters of the node, those of threshold and reset apart."""
    silent = np.isinf(p["V_th"])
    if silent.any() and not silent.all():
        raise LifsimError(f"populations.{name}.V_th", "infinite for some neurons only", "all or none: NIR has different nodes for them")
    fires = "" if silent.any() else "F"
    if model.startswith("if_"):
        return f"I{fires}", {"r": 1 / (p["C_m"] * MS)}
    own = {"r": p["tau_m"] / p["C_m"], "v_leak": p["E_L"]}
    if model.endswith("psc_exp") and np.any(p["tau_syn_ex"] != p["tau_syn_in"]):
        raise LifsimError(f"populations.{name}", "different tau_syn_ex and tau_syn_in", "one tau_syn, as NIR has")
    if model.endswith("psc_delta") or not (synaptic or np.any(p["I_syn_ex"] + p["I_syn_in"])):  # currents act at once
        return f"LI{fires}", {"tau": p["tau_m"] * MS, **own}
    tau_syn = p["tau_syn_ex"] * MS
    return f"CubaLI{fires}", {"tau_mem": p["tau_m"] * MS, "tau_syn": tau_syn, "w_in": tau_syn, **own}


def values(net: Network, name: str) -> dict[str, np.ndarray]:
    """Parameters and initial state of all neurons of a population, defaults among them."""
    population, out = net.populations[name], {}
    for p in population.model.parameters + population.model.states:
        raw = population.get(p.name)
        if p.shape == "value":
            try:
                out[p.name] = np.broadcast_to(np.asarray(raw, np.float64), (population.n,)).copy()
            except (TypeError, ValueError):
                raise LifsimError(f"populations.{name}.{p.name}", "drawn from a distribution", "numbers, which NIR can keep") from None
    return out
