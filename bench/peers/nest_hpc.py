"""NEST's hpc_benchmark with in-degrees 2000 and 500 in NEST, equivalent to `lifsim run hpc --set C_ex=2000`.

python nest_hpc.py THREADS DURATION_MS
"""

import math

import nest
from common import arguments
from nest_common import run, start

THETA, C_M, TAU_M, TAU_SYN, DELAY = 20.0, 250.0, 10.0, 0.32582722403722841, 1.5
C_EX, C_IN = 2000, 500
W = 0.14 * math.sqrt(9000 / C_EX) * 325.78276  # pA; the potential of 325.78276 pA peaks at 1 mV
NEURON = {"E_L": 0.0, "V_th": THETA, "V_reset": 0.0, "C_m": C_M, "tau_m": TAU_M, "t_ref": 0.5}
NEURON |= {"tau_syn_ex": TAU_SYN, "tau_syn_in": TAU_SYN, "tau_minus": 30.0}

work = arguments(__doc__)
began = start(work)
exc = nest.Create("iaf_psc_alpha", 9000, params=NEURON)
inh = nest.Create("iaf_psc_alpha", 2250, params=NEURON)
(exc + inh).V_m = nest.random.normal(5.7, 7.2)
rate = 1000 * 1.685 * THETA * C_M / (W * math.e * TAU_M * TAU_SYN)
noise = nest.Create("poisson_generator", params={"rate": rate})
nest.CopyModel("static_synapse_hom_w", "excitatory", {"weight": W, "delay": DELAY})
nest.CopyModel("static_synapse_hom_w", "inhibitory", {"weight": -5.0 * W, "delay": DELAY})
nest.CopyModel("stdp_pl_synapse_hom", "plastic", {"alpha": 0.0513, "lambda": 0.1, "mu": 0.4, "tau_plus": 15.0})
nest.Connect(noise, exc + inh, syn_spec="excitatory")
to_each = {"rule": "fixed_indegree", "allow_autapses": False}
nest.Connect(exc, exc, to_each | {"indegree": C_EX}, {"synapse_model": "plastic", "weight": W, "delay": DELAY})
nest.Connect(exc, inh, to_each | {"indegree": C_EX}, "excitatory")
nest.Connect(inh, exc + inh, to_each | {"indegree": C_IN}, "inhibitory")
run(work, began, [exc, inh])
