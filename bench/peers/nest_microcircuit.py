"""The cortical microcircuit (Poisson background) in NEST, equivalent to `lifsim run microcircuit`.

python nest_microcircuit.py THREADS DURATION_MS [--scale SCALE] [--k-scale K_SCALE]

The full scale needs 14 GB of memory.
"""

import math

import microcircuit as mc
import nest
from common import arguments
from nest_common import run, start

NEURON = {"E_L": mc.E_L, "V_th": mc.V_TH, "V_reset": mc.V_RESET, "C_m": mc.C_M, "tau_m": mc.TAU_M, "t_ref": mc.T_REF}
NEURON |= {"tau_syn_ex": mc.TAU_SYN, "tau_syn_in": mc.TAU_SYN}

work = arguments(__doc__, scale=1.0, k_scale=1.0)
began = start(work)
neurons, populations = mc.populations(work.scale, work.k_scale), []
for n, (mean, sd), _, current in neurons:
    populations.append(nest.Create("iaf_psc_exp", n, params=NEURON | {"I_e": current, "V_m": nest.random.normal(mean, sd)}))
# Devices after all neurons: NEST finds a neuron by its number, which takes five times as long with devices in between.
for population, (_, _, rate, _) in zip(populations, neurons, strict=True):
    noise = nest.Create("poisson_generator", params={"rate": rate})
    nest.Connect(noise, population, syn_spec={"weight": mc.external_weight(work.k_scale), "delay": mc.DELAY_EXT})
for source in range(len(populations)):  # a thread holds at most 2²⁷ synapses of a model
    nest.CopyModel("static_synapse", f"synapse_{source}")
for source, target, synapses, weight, delay in mc.projections(work.scale, work.k_scale):
    low, high = (0.0, math.inf) if weight > 0 else (-math.inf, 0.0)
    weights = nest.math.redraw(nest.random.normal(weight, abs(weight) * 0.1), min=low, max=high)
    delays = nest.math.redraw(nest.random.normal(delay, delay / 2), min=0.05, max=math.inf)
    rule = {"rule": "fixed_total_number", "N": synapses, "allow_autapses": True, "allow_multapses": True}
    synapse = {"synapse_model": f"synapse_{source}", "weight": weights, "delay": delays}
    nest.Connect(populations[source], populations[target], rule, synapse)
run(work, began, populations)
