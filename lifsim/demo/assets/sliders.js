"use strict";
// The sliders, what is computed from them, and the pictures.

const FIXED = {C_m: 250, E_L: -70, V_m: -70, dt: 0.1, duration: 200};
const UNIT = 250;  // pA: the current that stands for a sum of 1
const HOLD = 10;  // steps for which a value of the noise acts: 1 ms
const START = {tau_m: 10, V_th: -55, V_reset: -70, t_ref: 2, I_e: 500, noise: 0, x: 1, w: 1.5, b: 0.5};
const PEAK = 10;  // mV: how far the line of a spike rises above V_th
let seed = 1;

const byId = (id) => document.getElementById(id);
const inputs = Object.fromEntries(Object.keys(START).map((name) => [name, byId(name)]));
const charts = Object.fromEntries(["potential", "curve", "activation"].map((id) => [id, new Chart(byId(id))]));
const values = {...START};  // exact, where a slider shows the nearest of its steps
const written = (x, digits) => label(Number(x.toFixed(digits)));
const bracketed = (x, digits) => (x < 0 ? `(${written(x, digits)})` : written(x, digits));

function parameters() {
  const {tau_m, V_th, V_reset, t_ref, I_e} = values;
  return {...FIXED, tau_m, V_th, V_reset, t_ref, I_e};
}

function within(name, value) {
  return Math.min(Math.max(value, Number(inputs[name].min)), Number(inputs[name].max));
}

// I_e = UNIT (w x + b): a move of x, w or b moves I_e; one of I_e moves x, and b where x cannot do it. V_reset stays below V_th.
function link(moved) {
  const v = values;
  if (moved === "I_e") {
    const z = v.I_e / UNIT;
    if (v.w !== 0) v.x = within("x", (z - v.b) / v.w);
    if (Math.abs(v.w * v.x + v.b - z) > 1e-12) v.b = within("b", z - v.w * v.x);
  }
  if (["I_e", "x", "w", "b"].includes(moved)) v.I_e = UNIT * (v.w * v.x + v.b);
  if (moved === "V_th") v.V_reset = Math.min(v.V_reset, v.V_th - 1);
  if (moved === "V_reset") v.V_th = Math.max(v.V_th, v.V_reset + 1);
  for (const [name, input] of Object.entries(inputs)) input.value = v[name];
}

function drawPotential(p, run) {
  const at = run.V.map((_, k) => (k + 1) * p.dt), low = Math.min(p.V_reset, p.E_L, ...run.V) - 3;
  const chart = charts.potential;
  chart.begin({x: [0, p.duration], y: [low, p.V_th + PEAK + 2], xLabel: "time (ms)", yLabel: "V_m (mV)", room: 4.6});
  chart.levels([[p.V_th, "V_th", [6, 4]], [p.E_L, "E_L", [8, 3, 2, 3]], [p.V_reset, "V_reset", [2, 3]]], "level");
  chart.line([0, ...at], [p.V_m, ...run.V], "spiking", 2);
  for (const k of run.spikes) chart.line([k * p.dt, k * p.dt], [k > 1 ? run.V[k - 2] : p.V_m, p.V_th + PEAK], "spiking", 2);
}

function drawCurve(p, rate) {
  const low = Math.min(0, p.I_e), high = Math.max(Number(inputs.I_e.max), p.I_e);  // x, w and b lead further than the slider of I_e
  const currents = Array.from({length: 601}, (_, k) => low + (high - low) * k / 600);
  const rates = currents.map((I) => firingRate(p, I)), top = Math.max(50, ...rates, rate) * 1.12;
  const chart = charts.curve, least = rheobase(p);
  chart.begin({x: [low, high], y: [0, top], xLabel: "I_e (pA)", yLabel: "rate (spikes/s)"});
  if (least >= 0 && least <= high) chart.mark(least, `rheobase ${written(least, 1)} pA`, "level");
  chart.line(currents, rates, "spiking", 2);
  chart.point(p.I_e, rate, "spiking");
}

function drawActivation(p, z, rate) {
  const low = Math.min(-2, z), high = Math.max(Number(inputs.I_e.max) / UNIT, z), f = ACTIVATIONS[byId("f").value];
  const zs = Array.from({length: 401}, (_, k) => low + (high - low) * k / 400);
  const rates = zs.map((x) => firingRate(p, UNIT * x)), top = Math.max(50, ...rates, rate) * 1.05;
  const highest = byId("f").value === "ReLU" ? high : 1, bottom = byId("f").value === "tanh" ? -1 : 0;
  const chart = charts.activation, span = [bottom * 1.1, highest * 1.1];
  const scaled = (r) => r / top * highest;  // both curves share the picture; the right axis has the rates
  chart.begin({
    x: [low, high], y: span, xLabel: "z = w x + b", yLabel: `output ${byId("f").value}(z)`,
    right: {range: [span[0] / highest * top, span[1] / highest * top], label: "rate (spikes/s)"},
  });
  chart.line(zs, rates.map(scaled), "spiking", 1.5, [6, 4]);
  chart.line(zs, zs.map(f), "artificial", 2);
  chart.point(z, scaled(rate), "spiking");
  chart.point(z, f(z), "artificial");
}

function showValues(p, z, run, rate) {
  const digits = {tau_m: 1, V_th: 1, V_reset: 1, t_ref: 1, x: 3, w: 2, b: 3};
  for (const [name, input] of Object.entries(inputs)) {
    const text = written(values[name], digits[name] || 0), unit = input.dataset.unit ? ` ${input.dataset.unit}` : "";
    byId(`${name}-value`).textContent = text + unit;
    input.setAttribute("aria-valuetext", text + unit);
  }
  const least = rheobase(p), f = byId("f").value, y = ACTIVATIONS[f](z);
  const side = p.I_e > least ? "above" : p.I_e < least ? "below" : "at";
  const noisy = values.noise ? " with noise, on average" : ",";
  byId("spiking-text").textContent = `I_e = ${written(p.I_e, 0)} pA${noisy} ${side} the rheobase of ${written(least, 1)} pA: ` +
    `${run.spikes.length} spikes in ${p.duration} ms, ${written(rate, 1)} spikes/s`;
  byId("artificial-text").textContent = `z = w x + b = ${written(values.w, 2)} · ${bracketed(values.x, 3)} + ` +
    `${bracketed(values.b, 3)} = ${written(z, 3)}; ${f}(z) = ${written(y, 3)}`;
  byId("potential").setAttribute("aria-label", `Membrane potential over ${p.duration} ms. ${byId("spiking-text").textContent}`);
  byId("curve").setAttribute("aria-label", `f–I curve with the point ${written(p.I_e, 0)} pA, ${written(rate, 1)} spikes/s`);
  byId("activation").setAttribute("aria-label", `Activation and f–I curve. ${byId("artificial-text").textContent}`);
}

function update() {
  const p = parameters(), std = values.noise, z = values.w * values.x + values.b;
  const run = simulate(p, std ? noiseCurrent(p, std, HOLD, seed) : null);
  const rate = std ? 1000 * run.spikes.length / p.duration : meanRate(run.spikes, p.dt) || firingRate(p, p.I_e);
  drawPotential(p, run);
  drawCurve(p, rate);
  drawActivation(p, z, rate);
  showValues(p, z, run, rate);
}

let waiting = false;
function later() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    update();
  });
}

function reset() {
  Object.assign(values, START);
  link("I_e");
  byId("f").selectedIndex = 0;
  seed = 1;
  later();
}

for (const [name, input] of Object.entries(inputs))
  input.addEventListener("input", () => {
    values[name] = Number(input.value);
    link(name);
    later();
  });
byId("f").addEventListener("change", later);
byId("reset").addEventListener("click", reset);
byId("again").addEventListener("click", () => {
  seed += 1;
  if (!values.noise) values.noise = 300;
  link("noise");
  later();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
new ResizeObserver(later).observe(document.body);
reset();
