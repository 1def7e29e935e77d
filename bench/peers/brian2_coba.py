"""Vogels and Abbott's conductance-based network in Brian2, equivalent to `lifsim run coba` with a constant current.

python brian2_coba.py THREADS DURATION_MS [PRECISION] [--size SIZE]

The integration method is exponential Euler, as in Brian2's COBA example. Spikes take effect in the next step, like a delay of dt in lifsim.
"""

from brian2 import NeuronGroup, Synapses, ms, nS, pA, pF  # noqa: F401 (names in the equations)
from brian2_common import run, start
from common import arguments

EQUATIONS = """
dv/dt = (10*nS * (-60*mV - v) + ge * -v + gi * (-80*mV - v) + 200*pA) / (200*pF) : volt (unless refractory)
dge/dt = -ge / (5*ms) : siemens
dgi/dt = -gi / (10*ms) : siemens
"""

work = arguments(__doc__, size=4000)
began = start(work)
neurons = NeuronGroup(work.size, EQUATIONS, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exponential_euler")
neurons.v = "-60*mV + rand() * 10*mV"
exc = round(0.8 * work.size)
excitatory = Synapses(neurons[:exc], neurons, on_pre="ge_post += 6*nS")
inhibitory = Synapses(neurons[exc:], neurons, on_pre="gi_post += 67*nS")
for synapses in (excitatory, inhibitory):
    synapses.connect(p=80 / work.size)
run(work, began, neurons, excitatory, inhibitory)
