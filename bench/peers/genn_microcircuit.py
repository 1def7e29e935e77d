"""The cortical microcircuit (Poisson background) in GeNN, equivalent to `lifsim run microcircuit`.

python genn_microcircuit.py 1 DURATION_MS [PRECISION] [--scale SCALE] [--k-scale K_SCALE]

Delays are dendritic, and limited to the 99.99 % quantile of the excitatory delays, as in GeNN's own example.
"""

from math import exp

import microcircuit as mc
from common import DT, arguments
from genn_common import EXPONENTIAL, connect, gain, neurons, poisson, run, start
from pygenn import init_postsynaptic, init_sparse_connectivity, init_var, init_weight_update

NEURON = {"tau_m": mc.TAU_M, "t_ref": mc.T_REF, "E_L": mc.E_L, "V_reset": mc.V_RESET, "V_th": mc.V_TH}
CURRENT = {"gain": gain(mc.TAU_M, mc.TAU_SYN, mc.C_M), "decay": exp(-DT / mc.TAU_SYN)}
LONGEST = 1.5 + 3.719 * 0.75  # ms
DRIVE = mc.TAU_M / mc.C_M * (1 - exp(-DT / mc.TAU_M))  # mV per step and pA

work = arguments(__doc__, scale=1.0, k_scale=1.0)
model, began = start(work, "microcircuit")
populations = []
for i, (n, (mean, sd), rate, current) in enumerate(mc.populations(work.scale, work.k_scale)):
    start_at = init_var("Normal", {"mean": mean, "sd": sd})
    population = neurons(model, f"pop{i}", n, V=start_at, drive=DRIVE * current, **NEURON)
    poisson(model, population, rate, mc.external_weight(work.k_scale), **CURRENT)
    populations.append(population)
for source, target, synapses, weight, delay in mc.projections(work.scale, work.k_scale):
    low, high = (0.0, 1e9) if weight > 0 else (-1e9, 0.0)
    g = init_var("NormalClipped", {"mean": weight, "sd": abs(weight) * 0.1, "min": low, "max": high})
    d = init_var("NormalClippedDelay", {"mean": delay, "sd": delay / 2, "min": 0.05, "max": LONGEST})
    weights = init_weight_update("StaticPulseDendriticDelay", {}, {"g": g, "d": d})
    rule = init_sparse_connectivity("FixedNumberTotalWithReplacement", {"num": synapses})
    group = connect(model, populations[source], populations[target], weights, init_postsynaptic(EXPONENTIAL, CURRENT), rule)
    group.max_dendritic_delay_timesteps = round(LONGEST / DT) + 1
run(work, model, began, populations)
