"""The equations of all neuron and synapse models, in LaTeX, as docs/neurons.md and docs/plasticity.md explain them.

They use the LaTeX that matplotlib's mathtext reads, too, which draws them where no other program does.
"""

from __future__ import annotations

from collections.abc import Iterator

from lifsim.description.sections import Formula
from lifsim.network.model import PARROT, Model
from lifsim.network.synapse_models import SynapseModel

_BELOW, _FIRE, _RESET, _SPIKE = "below threshold", "spike at t_s", "after a spike", "a spike of weight w at t = 0"
_CURRENT = r"I_\mathrm{syn}(t) + I_\mathrm{e} + I_\mathrm{stim}(t)"
_LEAK = r"\frac{\mathrm{d}V_\mathrm{m}}{\mathrm{d}t} = -\frac{V_\mathrm{m} - E_\mathrm{L}}{\tau_\mathrm{m}}"
_KICK = r"V_\mathrm{m} \rightarrow V_\mathrm{m} + w"
_THRESHOLD = r"V_\mathrm{m}(t_\mathrm{s}) \geq V_\mathrm{th}"
_HARD = r"V_\mathrm{m}(t) = V_\mathrm{reset}, \quad t_\mathrm{s} < t \leq t_\mathrm{s} + t_\mathrm{ref}"
_SOFT = r"V_\mathrm{m} \rightarrow V_\mathrm{m} - (V_\mathrm{th} - V_\mathrm{reset}), \quad t = t_\mathrm{s}"
_ADAPTIVE = (
    Formula(
        _FIRE, r"V_\mathrm{m}(t_\mathrm{s}) \geq V_\mathrm{th}(t_\mathrm{s}), \quad V_\mathrm{th}(t) = \omega + \theta_1(t) + \theta_2(t)"
    ),
    Formula(_RESET, r"\theta_k \rightarrow \theta_k + \alpha_k, \quad \frac{\mathrm{d}\theta_k}{\mathrm{d}t} = -\frac{\theta_k}{\tau_k}"),
    Formula("no other spike for", r"t_\mathrm{s} < t \leq t_\mathrm{s} + t_\mathrm{ref}"),
)
_JUMP = r"g_k \rightarrow g_k + q_k, \quad \frac{\mathrm{d}g_k}{\mathrm{d}t} = -\frac{g_k}{\tau_k}, \quad k = \mathrm{sfa}, \mathrm{rr}"
_SHAPES = {
    "exp": r"e^{-t/\tau_\mathrm{syn}}",
    "alpha": r"\frac{e\,t}{\tau_\mathrm{syn}}\,e^{-t/\tau_\mathrm{syn}}",
}


def neuron_equations(model: Model, escape: bool = True) -> Iterator[Formula]:
    """The membrane below threshold, when it spikes (with or without `escape` noise), and what a spike does to it."""
    name, known = model.name, {p.name for p in model.parameters}
    if name == PARROT:
        return
    yield Formula(_BELOW, _membrane(name, known))
    if "omega" in known:
        yield from _ADAPTIVE
        return
    yield Formula(_FIRE, _THRESHOLD)
    if escape and "delta" in known:
        yield Formula(
            "or, if delta > 0, at random", r"P(\mathrm{spike\ in\ a\ step}) = \rho\,\mathrm{d}t\,e^{(V_\mathrm{m} - V_\mathrm{th})/\delta}"
        )
    yield Formula(_RESET, _SOFT if name in ("if_psc_delta", "lif_psc_delta", "lif_psc_exp") else _HARD)
    if "q_sfa" in known:
        yield Formula(_RESET, _JUMP)


def _membrane(name: str, known: set[str]) -> str:
    if "g_L" in known:
        more = "".join(rf" - g_\mathrm{{{k}}}(V_\mathrm{{m}} - E_\mathrm{{{k}}})" for k in ("sfa", "rr") if f"q_{k}" in known)
        return (
            r"C_\mathrm{m}\frac{\mathrm{d}V_\mathrm{m}}{\mathrm{d}t} = -g_\mathrm{L}(V_\mathrm{m} - E_\mathrm{L})"
            r" - g_\mathrm{ex}(V_\mathrm{m} - E_\mathrm{ex}) - g_\mathrm{in}(V_\mathrm{m} - E_\mathrm{in})"
            + more
            + r" + I_\mathrm{e} + I_\mathrm{stim}(t)"
        )
    current = r"I_\mathrm{e} + I_\mathrm{stim}(t)" if "delta" in name else _CURRENT
    if "tau_m" not in known:
        return r"C_\mathrm{m}\frac{\mathrm{d}V_\mathrm{m}}{\mathrm{d}t} = " + current
    return rf"{_LEAK} + \frac{{{current}}}{{C_\mathrm{{m}}}}"


def transmission_equations(model: Model) -> Iterator[Formula]:
    """What a spike that arrives at t = 0 does to a neuron of the model."""
    name = model.name
    if name == PARROT:
        yield Formula(_SPIKE, r"\mathrm{is\ sent\ on\ in\ the\ same\ step}")
    elif model.weight_unit == "mV":
        yield Formula(_SPIKE, _KICK)
    else:
        shape = _SHAPES["alpha" if "alpha" in name else "exp"]
        if model.weight_unit == "nS":
            yield Formula("a spike of weight w ≥ 0 at t = 0", rf"g_\mathrm{{ex}}(t) = w\,{shape}".replace("syn}", "syn,ex}"))
            yield Formula("a spike of weight w < 0 at t = 0", rf"g_\mathrm{{in}}(t) = |w|\,{shape}".replace("syn}", "syn,in}"))
        elif "tau_syn" in {p.name for p in model.parameters}:
            yield Formula("a spike of weight w at receptor k at t = 0", rf"I_\mathrm{{syn,k}}(t) = w\,{shape.replace('syn}', 'syn,k}')}")
        else:
            yield Formula(_SPIKE, rf"I_\mathrm{{syn}}(t) = w\,{shape}")
            yield Formula(
                "with", r"\tau_\mathrm{syn} = \tau_\mathrm{syn,ex} \ \mathrm{if}\ w \geq 0, \ \mathrm{else}\ \tau_\mathrm{syn,in}"
            )


_POST, _PRE, _TRACES = "at a postsynaptic spike", "at a presynaptic spike", "traces"
_PAIR_TRACES = r"\frac{\mathrm{d}K_\pm}{\mathrm{d}t} = -\frac{K_\pm}{\tau_\pm}, \quad K_\pm \rightarrow K_\pm + 1 \ \mathrm{at\ a\ spike}"
_STDP = (
    Formula("with", r"z = w / W_\mathrm{max}"),
    Formula(_POST, r"z \rightarrow \min(1,\ z + \lambda (1 - z)^{\mu_+} K_+)"),
    Formula(_PRE, r"z \rightarrow \max(0,\ z - \alpha \lambda z^{\mu_-} K_-)"),
)
_SYNAPSES: dict[str, tuple[Formula, ...]] = {
    "static_synapse": (),
    "stdp_synapse": (*_STDP, Formula(_TRACES, _PAIR_TRACES)),
    "stdp_synapse_hom": (*_STDP, Formula(_TRACES, _PAIR_TRACES)),
    "stdp_nn_symm_synapse": (
        *_STDP,
        Formula(_TRACES, _PAIR_TRACES.replace(r"K_\pm + 1", "1")),
    ),
    "stdp_pl_synapse_hom": (
        Formula(_POST, r"w \rightarrow w + \lambda w^{\mu} K_+"),
        Formula(_PRE, r"w \rightarrow \max(0,\ w - \alpha \lambda w K_-)"),
        Formula(_TRACES, _PAIR_TRACES),
    ),
    "stdp_triplet_synapse": (
        Formula(_POST, r"|w| \rightarrow \min(|W_\mathrm{max}|,\ |w| + K_+ (A_+ + A_+^{3} K_-^\mathrm{slow}))"),
        Formula(_PRE, r"|w| \rightarrow \max(0,\ |w| - K_- (A_- + A_-^{3} K_+^\mathrm{slow}))"),
        Formula("traces; slow ones with the time constants of triplets", _PAIR_TRACES),
    ),
    "vogels_sprekeler_synapse": (
        Formula(_POST, r"|w| \rightarrow \min(|W_\mathrm{max}|,\ |w| + \eta K_+)"),
        Formula(_PRE, r"|w| \rightarrow \max(0,\ |w| + \eta (K_- - \alpha))"),
        Formula(_TRACES, _PAIR_TRACES),
    ),
    "tsodyks2_synapse": (
        Formula("weight that is sent", r"w\,u\,x"),
        Formula("h after the last spike", r"x \rightarrow 1 + (x - x u - 1)\,e^{-h/\tau_\mathrm{rec}}"),
        Formula("then", r"u \rightarrow U + u (1 - U)\,e^{-h/\tau_\mathrm{fac}}"),
    ),
    "tsodyks_synapse": (
        Formula(
            "between spikes",
            r"\frac{\mathrm{d}x}{\mathrm{d}t} = \frac{1 - x - y}{\tau_\mathrm{rec}}, \quad "
            r"\frac{\mathrm{d}y}{\mathrm{d}t} = -\frac{y}{\tau_\mathrm{psc}}, \quad "
            r"\frac{\mathrm{d}u}{\mathrm{d}t} = -\frac{u}{\tau_\mathrm{fac}}",
        ),
        Formula("at a spike, first", r"u \rightarrow u + U (1 - u)"),
        Formula("weight that is sent", r"w\,u\,x"),
        Formula("then", r"x \rightarrow x - u x, \quad y \rightarrow y + u x"),
    ),
}


def synapse_equations(model: SynapseModel) -> tuple[Formula, ...]:
    """How the weight, or the part of it that a spike transmits, changes."""
    return _SYNAPSES[model.name]
