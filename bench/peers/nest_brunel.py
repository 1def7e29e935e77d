"""Brunel's network (V_reset 0, g 5, eta 2) in NEST: the work of ``lifsim run brunel --set V_reset=0``.

python nest_brunel.py THREADS DURATION_MS   → one line of JSON
"""

import json
import sys
import time

import nest

threads, duration = int(sys.argv[1]), float(sys.argv[2])
nest.set_verbosity("M_ERROR")
nest.ResetKernel()
nest.SetKernelStatus({"resolution": 0.1, "local_num_threads": threads, "rng_seed": 1, "print_time": False})
start = time.perf_counter()
neuron = {"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 0.0, "V_m": 0.0, "V_th": 20.0}
exc = nest.Create("iaf_psc_delta", 10_000, params=neuron)
inh = nest.Create("iaf_psc_delta", 2_500, params=neuron)
noise = nest.Create("poisson_generator", params={"rate": 20_000.0})
recorder = nest.Create("spike_recorder")
nest.Connect(noise, exc + inh, syn_spec={"weight": 0.1, "delay": 1.5})
nest.Connect(exc, exc + inh, {"rule": "fixed_indegree", "indegree": 1000}, {"weight": 0.1, "delay": 1.5})
nest.Connect(inh, exc + inh, {"rule": "fixed_indegree", "indegree": 250}, {"weight": -0.5, "delay": 1.5})
nest.Connect(exc + inh, recorder)
nest.Prepare()
built = time.perf_counter()
nest.Run(duration)
wall = time.perf_counter() - built
nest.Cleanup()
rate = recorder.n_events / 12_500 / duration * 1000
print(json.dumps({"rtf": wall / duration * 1000, "build_s": built - start, "rate": rate, "version": nest.__version__}))
