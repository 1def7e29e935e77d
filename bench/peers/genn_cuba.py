"""Vogels and Abbott's current-based network in GeNN, equivalent to `lifsim run cuba --set n=SIZE`.

python genn_cuba.py 1 DURATION_MS [PRECISION] [--size SIZE]
"""

from math import exp

from common import DT, arguments
from genn_common import EXPONENTIAL, connect, gain, neurons, run, start
from pygenn import init_postsynaptic, init_sparse_connectivity, init_var, init_weight_update

NEURON = {"tau_m": 20.0, "t_ref": 5.0, "E_L": -49.0, "V_reset": -60.0, "V_th": -50.0}

work = arguments(__doc__, size=4000)
model, began = start(work, "cuba")
start_at = init_var("Uniform", {"min": -60.0, "max": -50.0})
exc = neurons(model, "exc", round(0.8 * work.size), V=start_at, **NEURON)
inh = neurons(model, "inh", work.size - exc.num_neurons, V=start_at, **NEURON)
for target in (exc, inh):
    for source, weight, tau_syn in ((exc, 16.2, 5.0), (inh, -90.0, 10.0)):
        weights = init_weight_update("StaticPulseConstantWeight", {"g": weight})
        current = init_postsynaptic(EXPONENTIAL, {"gain": gain(20.0, tau_syn, 200.0), "decay": exp(-DT / tau_syn)})
        rule = init_sparse_connectivity("FixedProbability", {"prob": 80 / work.size})
        connect(model, source, target, weights, current, rule).axonal_delay_steps = 1
run(work, model, began, [exc, inh])
