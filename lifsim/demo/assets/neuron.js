"use strict";
// The leaky integrate-and-fire neuron of lifsim (iaf_psc_exp, iaf_psc_delta) at an input current, and the artificial neuron.
//
// C_m dV_m/dt = -(C_m / tau_m) (V_m - E_L) + I is linear between spikes, so a step of dt is exact (Rotter & Diesmann 1999):
//
//   v(t + dt) = P v(t) + (tau_m / C_m) (1 - P) I,   v = V_m - E_L,   P = exp(-dt / tau_m)
//
// At the end of a step a neuron with v >= V_th - E_L spikes, is set to V_reset and stays there for ceil(t_ref / dt) steps.

// Number of steps that the refractory time takes; rounding errors of a quotient such as 0.3 / 0.1 do not count.
function refractorySteps(t_ref, dt) {
  const steps = t_ref / dt, whole = Math.round(steps);
  return Math.abs(steps - whole) < 1e-9 * Math.max(1, whole) ? whole : Math.ceil(steps);
}

// p: tau_m, t_ref, dt, duration (ms), C_m (pF), E_L, V_th, V_reset, V_m (mV, at the start), I_e (pA).
// noise: null, or a current (pA) for each step, which is added to I_e.
// Returns V: V_m (mV) after each step; spikes: the numbers of the steps, from 1 on, at whose end there is a spike.
function simulate(p, noise) {
  const n = Math.round(p.duration / p.dt), V = new Array(n), spikes = [];
  const P = Math.exp(-p.dt / p.tau_m), gain = -(p.tau_m / p.C_m) * Math.expm1(-p.dt / p.tau_m);
  const theta = p.V_th - p.E_L, reset = p.V_reset - p.E_L, refractory = refractorySteps(p.t_ref, p.dt);
  let v = p.V_m - p.E_L, until = 0;
  for (let k = 1; k <= n; k++) {
    if (k > until) {
      v = P * v + gain * (p.I_e + (noise ? noise[k - 1] : 0));
      if (v >= theta) {
        spikes.push(k);
        v = reset;
        until = k + refractory;
      }
    }
    V[k - 1] = v + p.E_L;
  }
  return {V, spikes};
}

// The current (pA) above which a neuron fires.
function rheobase(p) {
  return p.C_m * (p.V_th - p.E_L) / p.tau_m;
}

// Firing rate (spikes/s) at a constant current I (pA), in closed form; 0 up to the rheobase.
function firingRate(p, I) {
  const end = p.E_L + I * p.tau_m / p.C_m;
  return end > p.V_th ? 1000 / (p.t_ref + p.tau_m * Math.log((end - p.V_reset) / (end - p.V_th))) : 0;
}

// Mean firing rate (spikes/s) from the intervals between spikes of a simulation: 0 of fewer than two spikes.
function meanRate(spikes, dt) {
  return spikes.length > 1 ? 1000 * (spikes.length - 1) / ((spikes[spikes.length - 1] - spikes[0]) * dt) : 0;
}

// n independent normal random numbers, the same for the same seed (mulberry32, Box-Muller).
function normals(n, seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return Array.from({length: n}, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

// White noise as of lifsim's noise_generator: a new value (mean 0, standard deviation std, pA) every `hold` steps.
function noiseCurrent(p, std, hold, seed) {
  const n = Math.round(p.duration / p.dt), drawn = normals(Math.ceil(n / hold), seed);
  return Array.from({length: n}, (_, k) => std * drawn[Math.floor(k / hold)]);
}

const ACTIVATIONS = {
  "ReLU": (z) => Math.max(z, 0),
  "sigmoid": (z) => 1 / (1 + Math.exp(-z)),
  "tanh": Math.tanh,
};
