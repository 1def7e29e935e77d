"""Vogels and Abbott's current-based network (4,000 neurons) in NEST: the work of ``lifsim run cuba``.

python nest_cuba.py THREADS DURATION_MS   → one line of JSON
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
neuron = {"C_m": 200.0, "tau_m": 20.0, "t_ref": 5.0, "E_L": -49.0, "V_reset": -60.0, "V_th": -50.0}
neuron |= {"tau_syn_ex": 5.0, "tau_syn_in": 10.0, "V_m": nest.random.uniform(-60.0, -50.0)}
exc = nest.Create("iaf_psc_exp", 3200, params=neuron)
inh = nest.Create("iaf_psc_exp", 800, params=neuron)
recorder = nest.Create("spike_recorder")
rule = {"rule": "pairwise_bernoulli", "p": 0.02}
nest.Connect(exc, exc + inh, rule, {"weight": 16.2, "delay": 0.1})
nest.Connect(inh, exc + inh, rule, {"weight": -90.0, "delay": 0.1})
nest.Connect(exc + inh, recorder)
nest.Prepare()
built = time.perf_counter()
nest.Run(duration)
wall = time.perf_counter() - built
nest.Cleanup()
rate = recorder.n_events / 4000 / duration * 1000
print(json.dumps({"rtf": wall / duration * 1000, "build_s": built - start, "rate": rate, "version": nest.__version__}))
