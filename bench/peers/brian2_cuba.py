"""Vogels and Abbott's current-based network in Brian2, equivalent to `lifsim run cuba --set n=SIZE`.

python brian2_cuba.py THREADS DURATION_MS [PRECISION] [--size SIZE]

This is Brian2's CUBA example with all spikes recorded. Spikes take effect in the next step, like a delay of dt in lifsim.
"""

from brian2 import NeuronGroup, Synapses, ms
from brian2_common import run, start
from common import arguments

EQUATIONS = """
dv/dt = (ge + gi - (v + 49*mV)) / (20*ms) : volt (unless refractory)
dge/dt = -ge / (5*ms) : volt
dgi/dt = -gi / (10*ms) : volt
"""

work = arguments(__doc__, size=4000)
began = start(work)
neurons = NeuronGroup(work.size, EQUATIONS, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact")
neurons.v = "-60*mV + rand() * 10*mV"
exc = round(0.8 * work.size)
excitatory = Synapses(neurons[:exc], neurons, on_pre="ge_post += 1.62*mV")
inhibitory = Synapses(neurons[exc:], neurons, on_pre="gi_post += -9*mV")
for synapses in (excitatory, inhibitory):
    synapses.connect(p=80 / work.size)
run(work, began, neurons, excitatory, inhibitory)
