"use strict";
// Loads the data, makes the plots, and keeps plots, table and status in step with the view.

const COLUMNS = [
  ["neurons", "neurons"],
  ["spikes", "spikes"],
  ["rate", "rate (spikes/s)"],
  ["rateSd", "sd of rates (spikes/s)"],
  ["cv", "CV of ISI"],
  ["cvNeurons", "neurons with a CV"],
  ["fano", "Fano factor"],
];

async function main() {
  const data = JSON.parse(document.getElementById("data").textContent);
  if (!document.getElementById("explorer")) return; // nothing was recorded
  const populations = await Promise.all(data.populations.map(loadedPopulation));
  document.getElementById("unavailable").hidden = true;
  document.getElementById("explorer").hidden = false;
  const page = new Page(data, populations);
  await page.build();
}

class Page {
  constructor(data, populations) {
    this.data = data;
    this.populations = populations;
    this.view = new View(Math.max(1, Math.round((data.stop - data.start) / data.tick)), data.grid);
    this.input = new Input(this.view);
    this.raster = new Raster(populations, data.column);
    this.charts = [];
  }

  async build() {
    const parent = document.getElementById("plots");
    const below = document.getElementById("traces");
    if (this.populations.length) {
      this.rasterChart = rasterChart(parent, this.raster, this.view, this.input, (found, u) => this.read(found, u));
      this.rates = rateChart(parent, this.populations, this.input);
      this.charts.push(this.rasterChart, this.rates.chart);
      this.table();
    }
    for (const trace of this.data.traces) this.charts.push(await traceChart(below, trace, this.input));
    for (const chart of this.charts) this.input.listenTo(chart, chart === this.rasterChart);
    for (const [home, used] of [[parent, this.populations.length], [below, this.data.traces.length]]) {
      home.hidden = !used;
      home.addEventListener("keydown", (event) => this.input.key(event));
    }
    document.getElementById("in-view").hidden = !this.populations.length;
    for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => this.act(button.dataset.do));
    for (const key of ["start", "stop"]) document.getElementById(`from-${key}`).addEventListener("change", () => this.goTo());
    new ResizeObserver(() => this.fit()).observe(document.getElementById("explorer"));
    DARK.addEventListener("change", () => this.recolour());
    this.view.listeners.push(() => this.later());
    this.view.showAll();
  }

  act(what) {
    const { view } = this;
    ({
      earlier: () => view.move(-0.2),
      later: () => view.move(0.2),
      in: () => view.zoom(0.5),
      out: () => view.zoom(2),
      home: () => view.showAll(),
    })[what]();
  }

  // The window that was typed in; what is not a number is put right by the next update.
  goTo() {
    const [a, b] = ["start", "stop"].map((key) => (document.getElementById(`from-${key}`).valueAsNumber - this.data.start) / this.data.tick);
    if (b > a) this.view.set(a, b);
    else this.later();
  }

  // Plots follow at the next frame; statistics, which take longer, when the view rests.
  later() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.redraw());
    document.getElementById("explorer").setAttribute("aria-busy", "true");
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.tell(), 120);
  }

  ms(ticks) {
    return this.data.start + ticks * this.data.tick;
  }

  redraw() {
    this.frame = 0;
    const { view } = this;
    if (this.rates) {
      const [bin, times, rates] = ratesInView(this.populations, view, this.data, this.data.start);
      this.rates.chart.setData([times, ...rates], false);
      const sample = this.data.sampled ? "; neurons whose spikes are in the page" : "";
      this.rates.heading.textContent = `Rates: spikes/s per neuron in bins of ${+bin.toPrecision(6)} ms${sample}`;
    }
    for (const chart of this.charts) {
      chart.batch(() => {
        chart.setScale("x", { min: this.ms(view.a), max: this.ms(view.b) });
        if (chart === this.rasterChart) chart.setScale("y", { min: view.low, max: view.high });
      });
    }
  }

  // Limits of the window, status line and table.
  tell() {
    const [a, b] = this.view.limits();
    const digits = Math.max(0, Math.ceil(-Math.log10(this.data.tick * this.data.grid) - 1e-9));
    const [start, stop] = [a, b].map((ticks) => this.ms(ticks).toFixed(Math.min(digits, 9)));
    document.getElementById("from-start").value = start;
    document.getElementById("from-stop").value = stop;
    let spikes = 0;
    for (const population of this.populations) {
      const found = windowStatistics(population, a, b, this.data);
      if (population.shown) spikes += found.spikes;
      this.fill(population, found);
    }
    const status = document.getElementById("status");
    const number = this.populations.length ? `: ${spikes.toLocaleString("en")} spikes of the populations shown` : "";
    status.textContent = `In view: ${start} to ${stop} ms${number}${this.data.sampled ? ", counted in the neurons whose spikes are in the page" : ""}.`;
    Object.assign(status.dataset, { start: this.ms(a), stop: this.ms(b) });
    document.getElementById("explorer").setAttribute("aria-busy", "false");
  }

  table() {
    const table = document.createElement("table");
    const caption = document.createElement("span");
    caption.textContent = "Statistics of the window in view; a box shows and hides a population";
    table.createCaption().append(caption);
    const head = table.createTHead().insertRow();
    for (const name of ["population", ...COLUMNS.map(([, text]) => text)]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      if (head.cells.length) cell.className = "number";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const population of this.populations) population.line = this.line(body.insertRow(), population);
    document.getElementById("in-view").append(table);
  }

  line(row, population) {
    const name = document.createElement("th");
    name.scope = "row";
    const label = document.createElement("label");
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: true });
    box.addEventListener("change", () => this.toggle(population, box.checked));
    label.append(box, swatch(population.colour), population.name);
    name.append(label);
    row.append(name);
    return Object.fromEntries(
      COLUMNS.map(([key]) => {
        const cell = row.insertCell();
        cell.className = "number";
        return [key, cell];
      }),
    );
  }

  fill(population, found) {
    const { trains, recorded, line } = population;
    const neurons = trains === recorded ? recorded.toLocaleString("en") : `${trains.toLocaleString("en")} of ${recorded.toLocaleString("en")}`;
    for (const [key] of COLUMNS) {
      const value = found[key];
      line[key].textContent = key === "neurons" ? neurons : said(value, ["spikes", "cvNeurons"].includes(key));
      line[key].dataset.value = key === "neurons" ? trains : value;
    }
  }

  toggle(population, shown) {
    population.shown = shown;
    this.raster.arrange();
    this.rasterChart.redraw(false, true);
    this.rates.chart.setSeries(this.populations.indexOf(population) + 1, { show: shown });
    this.later();
  }

  // What is under the mouse.
  read(found, u) {
    const { left } = u.cursor;
    const time = left >= 0 ? `${u.posToVal(left, "x").toFixed(1)} ms` : "";
    const text = found && time ? `${time}, ${found.population.name}, neuron ${found.id.toLocaleString("en")}` : time;
    document.getElementById("readout").textContent = text;
  }

  fit() {
    const width = room();
    for (const chart of this.charts) if (width && chart.width !== width) chart.setSize({ width, height: chart.height });
    this.later();
  }

  recolour() {
    for (const mark of document.querySelectorAll(".swatch")) mark.style.background = css(mark.dataset.colour);
    for (const chart of this.charts) chart.redraw(false, true);
  }
}

function said(value, whole) {
  if (Number.isNaN(value)) return "–";
  return whole ? value.toLocaleString("en") : String(+value.toPrecision(4));
}

main().catch((error) => {
  document.getElementById("explorer").hidden = true;
  const place = document.getElementById("unavailable");
  place.hidden = false;
  place.textContent = `This browser cannot show the interactive plots (${error.message}); the figures below show the same data.`;
  throw error;
});
