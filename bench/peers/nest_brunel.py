"""Brunel's network (V_reset 0, g 5, eta 2) in NEST, equivalent to `lifsim run brunel --set V_reset=0`.

python nest_brunel.py THREADS DURATION_MS
"""

import nest
from common import arguments
from nest_common import run, start

NEURON = {"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 0.0, "V_m": 0.0, "V_th": 20.0}

work = arguments(__doc__)
began = start(work)
exc = nest.Create("iaf_psc_delta", 10_000, params=NEURON)
inh = nest.Create("iaf_psc_delta", 2_500, params=NEURON)
noise = nest.Create("poisson_generator", params={"rate": 20_000.0})
nest.Connect(noise, exc + inh, syn_spec={"weight": 0.1, "delay": 1.5})
nest.Connect(exc, exc + inh, {"rule": "fixed_indegree", "indegree": 1000}, {"weight": 0.1, "delay": 1.5})
nest.Connect(inh, exc + inh, {"rule": "fixed_indegree", "indegree": 250}, {"weight": -0.5, "delay": 1.5})
run(work, began, [exc, inh])
