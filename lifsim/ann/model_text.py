"""Writes the model file of a network of spiking neurons that uses the weights of a trained network."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

INPUT, OUTPUT = "input", "output"  # populations
STORE = "net.h5"  # the name of the weight file in a model text that is not saved yet


class Design(NamedTuple):
    """The content of the model file.

    `input` : model and parameters of the stimulus that presents a sample. `hidden` : model, parameters and initial membrane potential
    of the neurons. `begins`, `scales`, `bias_scales` : for each layer, the output last, the time at which its input begins to act
    (ms), and the factors of W and of the biases. `interval` : recording interval of the output, ms. `feedback` : the factor of the
    recurrent weights of each hidden layer, 0 if there are none; empty for feed-forward networks.
    """

    sizes: tuple[int, ...]
    description: str
    dt: float
    duration: float
    input: tuple[str, dict[str, Any]]
    hidden: tuple[str, dict[str, float], float]
    begins: tuple[float, ...]
    scales: tuple[float, ...]
    bias_scales: tuple[float, ...]
    interval: float
    feedback: tuple[float, ...] = ()


def leaky(tau_m: float, tau_syn: float) -> dict[str, float]:
    """Parameters of iaf_psc_exp with the threshold 1 mV above rest and reset; a constant current of 1 pA holds the potential there."""
    return {"E_L": 0.0, "V_th": 1.0, "V_reset": 0.0, "tau_m": tau_m, "C_m": tau_m, "tau_syn_ex": tau_syn, "tau_syn_in": tau_syn}


def model_text(d: Design) -> str:
    """The text of the model file."""
    names = [f"layer_{k}" for k in range(1, len(d.sizes) - 1)] + [OUTPUT]
    parts = [_head(d)]
    for k, name in enumerate(names, start=1):
        parts += [_hidden(d, name, k) if name != OUTPUT else _OUTPUT.format(name=name, n=d.sizes[k]), _bias(d, k)]
    for k, (before, name) in enumerate(zip([INPUT, *names], names, strict=False), start=1):
        matrix = f"{STORE}:layer_{k}"
        parts.append(_connection(d, before, name, matrix, d.scales[k - 1]))
        parts.append(_connection(d, f"bias_{k}", name, f"{matrix}/bias", d.bias_scales[k - 1]))
    for k, scale in enumerate(d.feedback, start=1):
        if scale:
            parts.append(_connection(d, f"layer_{k}", f"layer_{k}", f"{STORE}:recurrent_{k}", scale))
    parts.append(_RECORD.format(hidden=json.dumps(names[:-1]), output=OUTPUT, interval=_written(d.interval)))
    return "".join(parts)


def _written(x: Any) -> str:
    """A number, or a (nested) list of numbers, in TOML syntax."""
    return repr(float(x)) if isinstance(x, (int, float)) else f"[{', '.join(map(_written, x))}]"


def _table(params: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {_written(x)}" for key, x in params.items())


def _head(d: Design) -> str:
    model, params = d.input
    return _HEAD.format(
        name="-".join(map(str, d.sizes)),
        description=d.description,
        dt=_written(d.dt),
        duration=_written(d.duration),
        begins=_written(d.begins[-1]),
        input=INPUT,
        n=d.sizes[0],
        model=model,
        params=_table(params),
    )


def _hidden(d: Design, name: str, k: int) -> str:
    model, params, start = d.hidden
    return _HIDDEN.format(name=name, n=d.sizes[k], model=model, params=_table(params), V_m=_written(start))


def _bias(d: Design, k: int) -> str:
    # The current of a generator acts one delay (here dt) after its start.
    last = k == len(d.sizes) - 1
    start = f'"= begins - {_written(d.dt)}"' if last else _written(round(d.begins[k - 1] / d.dt - 1) * d.dt)
    return _BIAS.format(k=k, start=start)


def _connection(d: Design, source: str, target: str, matrix: str, scale: float) -> str:
    return _PROJECTION.format(source=source, target=target, matrix=json.dumps(matrix), scale=_written(scale), delay=_written(d.dt))


_HEAD = """\
# {description}; see lifsim.ann.
# Weights and biases are those of the file named at `matrix`, multiplied by `scale`.
name = "{name}"
description = "{description}"

[run]
dt = {dt}
duration = {duration}

[parameters]
copies = 1  # number of samples run in parallel, each with its own network
begins = {begins}  # ms; when spikes begin to reach the output

[populations.{input}]  # a sample
n = "= {n} * copies"
model = "{model}"
params = {{ {params} }}
"""
_HIDDEN = """
[populations.{name}]
n = "= {n} * copies"
model = "{model}"
params = {{ {params} }}
initial = {{ V_m = {V_m} }}
"""
_OUTPUT = """
[populations.{name}]  # integrates its input
n = "= {n} * copies"
model = "if_psc_delta"
params = {{ V_th = inf, V_reset = 0.0, C_m = 1.0 }}
initial = {{ V_m = 0.0 }}
"""
_BIAS = """
[populations.bias_{k}]
n = "= copies"
model = "dc_generator"
params = {{ amplitude = 1.0, start = {start} }}
"""
_PROJECTION = """
[[projections]]
source = "{source}"
target = "{target}"
matrix = {matrix}
copies = "= copies"
scale = {scale}
delay = {delay}
"""
_RECORD = """
[[record]]
populations = {hidden}

[[record]]
populations = "{output}"
variable = "V_m"
interval = {interval}
"""
