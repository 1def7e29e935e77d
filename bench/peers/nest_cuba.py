"""Vogels and Abbott's current-based network in NEST, equivalent to `lifsim run cuba --set n=SIZE`.

python nest_cuba.py THREADS DURATION_MS [--size SIZE]
"""

import nest
from common import arguments
from nest_common import run, start

NEURON = {"C_m": 200.0, "tau_m": 20.0, "t_ref": 5.0, "E_L": -49.0, "V_reset": -60.0, "V_th": -50.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}

work = arguments(__doc__, size=4000)
began = start(work)
start_at = {"V_m": nest.random.uniform(-60.0, -50.0)}
exc = nest.Create("iaf_psc_exp", round(0.8 * work.size), params=NEURON | start_at)
inh = nest.Create("iaf_psc_exp", work.size - len(exc), params=NEURON | start_at)
rule = {"rule": "pairwise_bernoulli", "p": 80 / work.size}
nest.Connect(exc, exc + inh, rule, {"weight": 16.2, "delay": 0.1})
nest.Connect(inh, exc + inh, rule, {"weight": -90.0, "delay": 0.1})
run(work, began, [exc, inh])
