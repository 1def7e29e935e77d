"use strict";
// The plots, drawn by uPlot, one below the other with the same time axis: raster, rates, traces.

function room() {
  return document.getElementById("explorer").clientWidth;
}

function narrow() {
  return room() < 560;
}

function axisWidth() {
  return narrow() ? 62 : 96;
}

// What all plots share. Times of uPlot are ms.
function commonOptions(height, unit, input) {
  const stroke = () => pageColour("ink");
  const grid = { stroke: () => pageColour("line"), width: 1 };
  const axis = { stroke, grid, ticks: grid, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
  return {
    width: room(),
    height,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    scales: { x: { time: false, range: (u, low, high) => [low, high] } },
    axes: [
      { ...axis, size: 34, label: "time (ms)", labelSize: 14, labelGap: 0 },
      { ...axis, size: axisWidth, label: unit || " ", labelSize: 16, labelGap: 0 },
    ],
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      sync: { key: "time", scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
      bind: {
        mousedown: (u, target, handler) => (event) => (event.button === 0 && !event.shiftKey ? handler(event) : null),
        dblclick: () => () => input.showAll(),
      },
    },
    hooks: { setSelect: [(u) => input.box(u)] },
  };
}

function titled(parent, title) {
  const heading = document.createElement("h3");
  heading.textContent = title;
  const home = document.createElement("div");
  home.setAttribute("aria-hidden", "true"); // a canvas: its contents are told by the status line and the table
  parent.append(heading, home);
  return { heading, home };
}

function rasterChart(parent, raster, view, input, readout) {
  const { heading, home } = titled(parent, "Spikes");
  const rows = raster.populations.reduce((sum, p) => sum + p.recorded, 0);
  const options = commonOptions(Math.min(narrow() ? 340 : 420, 110 + 24 * rows), "", input); // room for names and axis
  options.scales.y = { range: () => [view.low, view.high] };
  options.axes[1] = {
    ...options.axes[1],
    grid: { show: false },
    ticks: { show: false },
    splits: () => raster.bands.map(({ top, bottom }) => middleInView(top, bottom, view)).filter((at) => at !== null),
    values: (u, splits) => splits.map((at) => shortened(raster.at(at)?.population.name ?? "")),
  };
  options.series = [{}, { show: true, paths: () => null, points: { show: false } }];
  options.cursor.drag = { x: true, y: true, uni: 30, setScale: false };
  options.hooks.drawAxes = [
    (u) => {
      raster.draw(u, view);
      heading.textContent = raster.title;
    },
  ];
  options.hooks.setCursor = [(u) => readout(u.cursor.top >= 0 ? raster.at(u.posToVal(u.cursor.top, "y")) : null, u)];
  return new uPlot(options, [[0, 1], [0, 1]], home);
}

// The middle of the visible part of a band, for its name; null if too little of it is in view.
function middleInView(top, bottom, view) {
  const [high, low] = [Math.min(top, view.high), Math.max(bottom, view.low)];
  return high - low > 0.03 * (view.high - view.low) ? (high + low) / 2 : null;
}

function shortened(text) {
  const most = narrow() ? 8 : 13;
  return text.length > most ? `${text.slice(0, most - 4)}…${text.slice(-3)}` : text;
}

function rateChart(parent, populations, input) {
  const { heading, home } = titled(parent, "Rates");
  const options = commonOptions(narrow() ? 150 : 180, "spikes/s", input);
  options.scales.y = { range: (u, low, high) => [0, high > 0 ? 1.05 * high : 1] };
  options.series = [
    {},
    ...populations.map((p) => ({
      label: p.name,
      stroke: () => css(p.colour),
      width: 1.25,
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
    })),
  ];
  return { heading, chart: new uPlot(options, [[0], ...populations.map(() => [null])], home) };
}

// Rates of all populations in view, in spikes/s: [bin width in ms, times, rate of each population].
function ratesInView(populations, view, clock, start) {
  const spikes = populations.map((p) => spikesIn(p.ticks, view.a, view.b));
  const number = spikes.reduce((sum, [first, end]) => sum + end - first, 0);
  const bins = Math.max(10, Math.min(150, number / 5));
  const width = niceWidth((view.b - view.a) / bins, clock);
  const first = Math.floor(view.a / width);
  const last = Math.ceil(Math.min(view.b, view.ticks - (view.ticks % width)) / width - 1e-9);
  const n = Math.max(0, last - first);
  const times = Array.from({ length: n + 1 }, (_, k) => start + (first + k) * width * clock.tick);
  const rates = populations.map((p) => {
    const counts = new Float64Array(n);
    const [from, to] = spikesIn(p.ticks, first * width, last * width);
    for (let k = from; k < to; k++) counts[Math.max(0, Math.ceil(p.ticks[k] / width) - 1 - first)] += 1;
    const perSecond = 1000 / (width * clock.tick * Math.max(1, p.trains));
    const rate = Array.from(counts, (count) => count * perSecond);
    return n ? [...rate, rate[n - 1]] : [null];
  });
  return [width * clock.tick, times, rates];
}

// The smallest of 1, 2, 5, 10, … ms (or tenths, …) that is not below `ticks` and a whole number of steps; in ticks.
function niceWidth(ticks, clock) {
  const least = ticks * clock.tick;
  for (let power = -4; power < 12; power++) {
    for (const digit of [1, 2, 5]) {
      const width = (digit * 10 ** power) / clock.tick;
      const whole = Math.round(width / clock.grid) * clock.grid;
      if (digit * 10 ** power >= least * (1 - 1e-9) && whole > 0 && Math.abs(width - whole) < 1e-6 * whole) return whole;
    }
  }
  return Math.ceil(ticks / clock.grid) * clock.grid;
}

async function traceChart(parent, trace, input) {
  const { heading, home } = titled(parent, `${trace.population}: ${trace.variable}`);
  heading.append(...legendOf(trace));
  const times = Float64Array.from({ length: trace.length }, (_, k) => trace.start + k * trace.step);
  const values = await Promise.all(trace.series.map((one) => unpacked(one.values)));
  const options = commonOptions(narrow() ? 150 : 190, trace.unit, input);
  options.series = [
    {},
    ...trace.series.map((one) => ({
      label: one.label,
      stroke: () => css(one.colour),
      width: 1.25,
      points: { show: false },
    })),
  ];
  return new uPlot(options, [times, ...values], home);
}

function legendOf(trace) {
  const parts = trace.series.map((one) => {
    const part = document.createElement("span");
    part.className = "legend";
    part.append(swatch(one.colour), `${one.label}`);
    return part;
  });
  const rest = document.createElement("span");
  rest.className = "legend";
  const more = trace.columns - trace.series.length;
  const stretch = trace.stretch > 1 ? `extremes of ${trace.stretch} samples each` : "";
  rest.textContent = [more > 0 ? `${more.toLocaleString("en")} more ${trace.what} recorded` : "", stretch].filter(Boolean).join("; ");
  return [...parts, rest];
}

function swatch(colour) {
  const mark = document.createElement("span");
  mark.className = "swatch";
  mark.dataset.colour = colour;
  mark.style.background = css(colour);
  mark.setAttribute("aria-hidden", "true");
  return mark;
}
