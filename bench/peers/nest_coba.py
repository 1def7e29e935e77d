"""Vogels and Abbott's conductance-based network in NEST, equivalent to `lifsim run coba` with a constant current.

python nest_coba.py THREADS DURATION_MS [--size SIZE]
"""

import nest
from common import arguments
from nest_common import run, start

NEURON = {"C_m": 200.0, "g_L": 10.0, "t_ref": 5.0, "E_L": -60.0, "V_reset": -60.0, "V_th": -50.0, "I_e": 200.0}
SYNAPSES = {"E_ex": 0.0, "E_in": -80.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}

work = arguments(__doc__, size=4000)
began = start(work)
start_at = {"V_m": nest.random.uniform(-60.0, -50.0)}
exc = nest.Create("iaf_cond_exp", round(0.8 * work.size), params=NEURON | SYNAPSES | start_at)
inh = nest.Create("iaf_cond_exp", work.size - len(exc), params=NEURON | SYNAPSES | start_at)
rule = {"rule": "pairwise_bernoulli", "p": 80 / work.size}
nest.Connect(exc, exc + inh, rule, {"weight": 6.0, "delay": 0.1})
nest.Connect(inh, exc + inh, rule, {"weight": -67.0, "delay": 0.1})
run(work, began, [exc, inh])
