"""Brunel's network (V_reset 0, g 5, eta 2) in Brian2, equivalent to `lifsim run brunel --set V_reset=0`.

python brian2_brunel.py THREADS DURATION_MS [PRECISION]
"""

from brian2 import Hz, NeuronGroup, PoissonInput, Synapses, ms, mV
from brian2_common import run, start
from common import arguments

work = arguments(__doc__)
began = start(work)
neurons = NeuronGroup(
    12_500, "dv/dt = -v / (20*ms) : volt (unless refractory)", threshold="v >= 20*mV", reset="v = 0*mV", refractory=2 * ms, method="exact"
)
noise = PoissonInput(neurons, "v", N=1000, rate=20 * Hz, weight=0.1 * mV)
others = [noise]
for first, last, indegree, jump in ((0, 10_000, 1000, "0.1*mV"), (10_000, 12_500, 250, "-0.5*mV")):
    synapses = Synapses(neurons[first:last], neurons, on_pre=f"v_post += {jump}", delay=1.5 * ms)
    synapses.connect(i=f"int(rand() * N_pre) for _ in range({indegree})")
    others.append(synapses)
run(work, began, neurons, *others)
