"""Brunel's network (V_reset 0, g 5, eta 2) in GeNN, equivalent to `lifsim run brunel --set V_reset=0`.

python genn_brunel.py 1 DURATION_MS [PRECISION]
"""

from common import DT, arguments
from genn_common import connect, neurons, poisson, run, start
from pygenn import init_postsynaptic, init_sparse_connectivity, init_weight_update

NEURON = {"tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 0.0, "V": 0.0, "V_th": 20.0}

work = arguments(__doc__)
model, began = start(work, "brunel")
exc = neurons(model, "exc", 10_000, **NEURON)
inh = neurons(model, "inh", 2_500, **NEURON)
for target in (exc, inh):
    poisson(model, target, rate=20_000.0, weight=0.1)
    for source, indegree, weight in ((exc, 1000, 0.1), (inh, 250, -0.5)):
        weights = init_weight_update("StaticPulseConstantWeight", {"g": weight})
        rule = init_sparse_connectivity("FixedNumberPreWithReplacement", {"num": indegree})
        synapses = connect(model, source, target, weights, init_postsynaptic("DeltaCurr"), rule)
        synapses.axonal_delay_steps = round(1.5 / DT) - 1
run(work, model, began, [exc, inh])
