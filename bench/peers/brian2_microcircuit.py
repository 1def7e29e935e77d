"""The cortical microcircuit (Poisson background) in Brian2, equivalent to `lifsim run microcircuit`, scaled down.

python brian2_microcircuit.py THREADS DURATION_MS [PRECISION] --scale SCALE --k-scale K_SCALE

In Brian2, a synapse takes at least 30 bytes, so the full network needs too much memory. The default of both scales is 0.1.
"""

import microcircuit as mc
import numpy as np
from brian2 import Hz, NeuronGroup, PoissonInput, Synapses, ms, pA
from brian2_common import run, start
from common import arguments

EQUATIONS = """
dv/dt = (-65*mV - v) / (10*ms) + (I + I_e) / (250*pF) : volt (unless refractory)
dI/dt = -I / (0.5*ms) : amp
I_e : amp (constant)
"""


def positive(random: np.random.Generator, mean: float, sd: float, n: int) -> np.ndarray:
    """Draw `n` values from a normal distribution; negative values are redrawn."""
    values = random.normal(mean, sd, n)
    while len(wrong := np.flatnonzero(values < 0)):
        values[wrong] = random.normal(mean, sd, len(wrong))
    return values


def draw(projections: list[mc.Projection], sizes: list[int]) -> list[np.ndarray]:
    """Source, target, weight (pA) and delay (ms) of all synapses."""
    random, first = np.random.default_rng(1), np.cumsum([0, *sizes])
    parts = []
    for source, target, n, weight, delay in projections:
        ends = [first[which] + random.integers(sizes[which], size=n) for which in (source, target)]
        weights = np.sign(weight) * positive(random, abs(weight), abs(weight) * 0.1, n)
        parts.append((*ends, weights, positive(random, delay, delay / 2, n)))
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


work = arguments(__doc__, scale=0.1, k_scale=0.1)
began = start(work)
populations = mc.populations(work.scale, work.k_scale)
sizes = [population.n for population in populations]
neurons = NeuronGroup(sum(sizes), EQUATIONS, threshold="v >= -50*mV", reset="v = -65*mV", refractory=2 * ms, method="exact")
noise, first = [], 0
for n, (mean, sd), rate, current in populations:
    part = neurons[first : first + n]
    part.v = f"{mean}*mV + {sd}*mV * randn()"
    part.I_e = current * pA
    sources, weight = round(rate / mc.RATE_EXT), mc.external_weight(work.k_scale) * pA
    noise.append(PoissonInput(part, "I", N=sources, rate=mc.RATE_EXT * Hz, weight=weight))
    first += n
i, j, weights, delays = draw(mc.projections(work.scale, work.k_scale), sizes)
synapses = Synapses(neurons, neurons, "w : amp (constant)", on_pre="I_post += w")
synapses.connect(i=i, j=j)
synapses.w = weights * pA
synapses.delay = delays * ms
run(work, began, neurons, synapses, *noise)
